#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/util.h"
#include "sample.h"
#include "storage/database.h"
#include "storage/schema.h"

static void values_survive(void **state)
{
	struct store *store = sample_open(*state);
	uint64_t value = 1;

	assert_int_equal(store_get_u64(store, "seed", &value), -ENOENT);
	assert_int_equal(value, 1);
	assert_int_equal(store_set_u64(store, "seed", UINT64_MAX - 5), 0);
	assert_int_equal(store_set_u64(store, "seed", UINT64_MAX - 4), 0);
	store_close(&store);
	assert_null(store);
	store = sample_open(*state);
	assert_int_equal(store_get_u64(store, "seed", &value), 0);
	assert_int_equal(value, UINT64_MAX - 4);
	store_close(&store);
}

static void files_are_the_owners_alone(void **state)
{
	struct sample *sample = *state;
	struct store *store;
	mode_t before = umask(0);
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};

	store = sample_open(sample);
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char path[128];
		struct stat info;

		snprintf(path, sizeof(path), "%s%s", sample->path, suffixes[i]);
		if (stat(path, &info) < 0)
			fail_msg("%s: missing", path);
		if ((info.st_mode & 0777) != 0600)
			fail_msg("%s: mode %o", path, info.st_mode);
	}
	store_close(&store);
	umask(before);
}

/* flock belongs to the open file, so a second open in this very process is refused alike. */
static void a_second_instance_is_refused(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample), *second = NULL;

	assert_int_equal(store_set_u64(store, "seed", 7), 0);
	assert_int_equal(store_open(&second, &sample->config), -EBUSY);
	assert_null(second);
	store_close(&store);
	store = sample_open(sample);
	store_close(&store);
}

static void a_killed_owner_leaves_no_lock(void **state)
{
	struct sample *sample = *state;
	struct store *store = NULL;
	pid_t child = fork();

	if (child == 0) {
		_exit(store_open(&store, &sample->config) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &(int){0}, 0), child);
	store = sample_open(sample);
	/* Ids that the dead one may have given out are skipped. */
	assert_int_equal(store_last_anomaly(store), 1000);
	store_close(&store);
	store = sample_open(sample);
	assert_int_equal(store_last_anomaly(store), 0);
	store_close(&store);
}

static void a_newer_database_is_refused_untouched(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);

	store_close(&store);
	sample_sql(sample, "PRAGMA user_version = 1000; CREATE TABLE future(x)");
	assert_int_equal(store_open(&store, &sample->config), -EPROTO);
	assert_null(store);
	assert_int_equal(sample_number(sample, "PRAGMA user_version"), 1000);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM future"), 0);
}

static void overwrite(const char *path, off_t at, size_t bytes, int value)
{
	SCOPED(close_fd) int fd = open(path, O_WRONLY);
	SCOPED(free_ptr) char *junk = malloc(bytes);

	memset(junk, value, bytes);
	assert_int_equal(pwrite(fd, junk, bytes, at), bytes);
}

static void a_damaged_file_is_refused(void **state)
{
	struct sample *sample = *state;
	static const struct {
		const char *name;
		off_t at;
		size_t bytes;
	} rows[] = {
		{"no database at all", 0, 4096},
		{"schema page", 100, 2000},
		{"a table's page", 8192, 4096},
		{"every page but the first", 4096, 60000},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct store *store = sample_open(sample);
		int r;

		store_close(&store);
		overwrite(sample->path, rows[i].at, rows[i].bytes, 'x');
		r = store_open(&store, &sample->config);
		if (r != -EBADMSG)
			fail_msg("%s: got %d", rows[i].name, r);
		assert_null(store);
		assert_int_equal(unlink(sample->path), 0);
	}
}

static void places_that_cannot_be_written_are_named(void **state)
{
	struct sample *sample = *state;
	struct store_config config = sample->config;
	struct store *store = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/missing/e.db", sample->dir);
	config.path = path;
	assert_int_equal(store_open(&store, &config), -ENOENT);
	snprintf(path, sizeof(path), "%s", sample->dir);
	assert_true(store_open(&store, &config) < 0);
	assert_null(store);
	snprintf(path, sizeof(path), "%s.lock", sample->dir);
	unlink(path);
}

static int64_t version_of(sqlite3 *db)
{
	int64_t version = -1;

	assert_int_equal(database_get(db, "PRAGMA user_version", &version), 0);
	return version;
}

/* An older schema becomes the current one step by step; a step that fails leaves the last good
 * version whole. */
static void migrations_are_steps(void **state)
{
	static const char *const steps[] = {
		"CREATE TABLE a(x); INSERT INTO a VALUES(1)",
		"ALTER TABLE a ADD COLUMN y DEFAULT 2; CREATE TABLE b(z)",
		"INSERT INTO b SELECT x + y FROM a; DROP TABLE a",
		"CREATE TABLE c(z); THIS IS NO SQL",
	};
	const struct schema one = {steps, 1}, three = {steps, 3}, broken = {steps, 4};
	struct sample *sample = *state;
	sqlite3 *db = NULL;
	int64_t value = 0;

	assert_int_equal(sqlite3_open(sample->path, &db), SQLITE_OK);
	assert_int_equal(schema_migrate(db, sample->path, &one), 0);
	assert_int_equal(version_of(db), 1);
	assert_int_equal(schema_migrate(db, sample->path, &three), 0);
	assert_int_equal(version_of(db), 3);
	assert_int_equal(database_get(db, "SELECT z FROM b", &value), 0);
	assert_int_equal(value, 3);
	assert_true(schema_migrate(db, sample->path, &broken) < 0);
	assert_int_equal(version_of(db), 3);
	assert_true(database_get(db, "SELECT count(*) FROM c", &value) < 0);
	assert_int_equal(schema_migrate(db, sample->path, &three), 0);
	assert_int_equal(schema_migrate(db, sample->path, &one), -EPROTO);
	sqlite3_close(db);
}

/* A database as each released version made it, with a row in every table, must open today. Version
 * 1's fixture is the schema's own first step; later versions add theirs here. */
static void old_databases_open(void **state)
{
	struct sample *sample = *state;
	sqlite3 *db = NULL;
	struct store *store;

	assert_int_equal(sqlite3_open(sample->path, &db), SQLITE_OK);
	assert_int_equal(database_exec(db, schema_current.steps[0]), 0);
	assert_int_equal(
		database_exec(
			db,
			"PRAGMA user_version = 1;"
			"INSERT INTO meta VALUES('seed', 5);"
			"INSERT INTO journal VALUES(1, 1, 0, x'01');"
			"INSERT INTO images VALUES('profile', 3, 1, x'02');"
			"INSERT INTO behaviours VALUES(3, 'exec', 9, '[\"/bin/a\"]', 10);"
			"INSERT INTO anomalies VALUES(8, 10, 10, 1, 3, 'exec', 0, 1, 50.0, 4);"
			"INSERT INTO anomaly_documents VALUES(8, '{}');"
			"INSERT INTO incidents VALUES(4, 10, 10, 1, 3, 50.0, '{}');"
			"INSERT INTO alerts VALUES(6, 10, 4, 'r', 's', 3, 'w', 4, 1, 1, 't', 'm', "
			"'{}');"
			"INSERT INTO gaps VALUES(1, 10, 20, 'downtime', 0)"),
		0);
	sqlite3_close(db);
	store = sample_open(sample);
	assert_int_equal(store_last_anomaly(store), 8);
	assert_int_equal(store_last_incident(store), 4);
	assert_int_equal(store_last_alert(store), 6);
	store_close(&store);
	assert_int_equal(sample_number(sample, "PRAGMA user_version"), schema_current.n_steps);
	assert_int_equal(sample_number(sample, "SELECT to_ns FROM gaps WHERE id = 1"
					       " AND reason = 'downtime' AND events IS NULL"),
			 20);
}

/* Version 2, before events were stored. */
static void a_version_2_database_gets_events(void **state)
{
	struct sample *sample = *state;
	sqlite3 *db = NULL;
	struct store *store;

	assert_int_equal(sqlite3_open(sample->path, &db), SQLITE_OK);
	assert_int_equal(database_exec(db, schema_current.steps[0]), 0);
	assert_int_equal(database_exec(db, schema_current.steps[1]), 0);
	assert_int_equal(
		database_exec(
			db,
			"PRAGMA user_version = 2;"
			"INSERT INTO alerts VALUES(6, 10, 4, 'r', 's', 3, 'w', 4, 1, 1, 't', 'm', "
			"'{}');"
			"INSERT INTO gaps VALUES(1, 10, 20, 'downtime', NULL, NULL)"),
		0);
	sqlite3_close(db);
	store = sample_open(sample);
	assert_int_equal(store_last_alert(store), 6);
	assert_int_equal(store_last_event(store), 0);
	assert_int_equal(store_last_span(store), 0);
	store_close(&store);
	assert_int_equal(sample_number(sample, "PRAGMA user_version"), schema_current.n_steps);
	assert_int_equal(sample_number(sample, "SELECT condition FROM alerts WHERE id = 6"), 0);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM events"), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, sample_setup, sample_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(values_survive),
		TEST(files_are_the_owners_alone),
		TEST(a_second_instance_is_refused),
		TEST(a_killed_owner_leaves_no_lock),
		TEST(a_newer_database_is_refused_untouched),
		TEST(a_damaged_file_is_refused),
		TEST(places_that_cannot_be_written_are_named),
		TEST(migrations_are_steps),
		TEST(old_databases_open),
		TEST(a_version_2_database_gets_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
