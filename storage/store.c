#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "storage/database.h"
#include "storage/lock_file.h"
#include "storage/schema.h"
#include "storage/store_internal.h"

/* Files up to this size are checked at start: ten milliseconds. Damage in larger ones is found
 * when it is read. */
#define CHECKED_BYTES_MAX (INT64_C(8) << 20)

/* Ids that a killed run may have handed out without storing them. */
#define LOST_IDS_MAX 1000

/* auto_vacuum and page_size only count while the file is empty. NORMAL: a commit is in the log when
 * the process dies, but reaches the disk only with the next log checkpoint; see docs/storage.md. */
static const char settings[] = "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
			       "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			       "PRAGMA wal_autocheckpoint = 1000;"
			       "PRAGMA journal_size_limit = 4194304; PRAGMA cache_size = -1024;"
			       "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
			       "PRAGMA cell_size_check = ON";

static int log_database_error(const struct store *store, int r, const char *what)
{
	const char *cause = store->db ? sqlite3_errmsg(store->db) : "out of memory";

	if (r == -ENOSPC)
		return log_err_r(
			r, "database '%s': %s: %s (make room, or choose another storage.path)",
			store->path, what, cause);
	if (r != -EBADMSG)
		return log_err_r(r, "database '%s': %s: %s", store->path, what, cause);
	log_err("database '%s': damaged (%s): move it away to start afresh, or save what is left "
		"with: sqlite3 '%s' .recover",
		store->path, cause, store->path);
	return r;
}

/* Made here, not by SQLite, so that it and the log files beside it are the owner's alone. */
static int make_file(const char *path)
{
	SCOPED(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return log_err_r(-errno, "database '%s': cannot open", path);
	return 0;
}

static int connect(struct store *store)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int r = database_errno(sqlite3_open_v2(store->path, &store->db, flags, NULL));

	if (r)
		return log_database_error(store, r, "cannot open");
	sqlite3_busy_timeout(store->db, 2000); /* a reader of ours that recovers the log */
	r = schema_refuse_newer(store->db, store->path, &schema_current);
	if (r)
		return r;
	r = database_exec(store->db, settings);
	return r ? log_database_error(store, r, "cannot set up") : 0;
}

static int check(struct store *store)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	struct stat info;
	int r;

	if (stat(store->path, &info) < 0 || info.st_size > CHECKED_BYTES_MAX)
		return 0;
	r = database_prepare(store->db, "PRAGMA quick_check(1)", &statement);
	if (r == 0)
		r = database_next(statement);
	if (r < 0)
		return log_database_error(store, r, "cannot check");
	if (!text_equal(column_text(statement, 0), TEXT("ok"))) {
		log_err("database '%s': damaged (%s): move it away to start afresh, or save what "
			"is left with: sqlite3 '%s' .recover",
			store->path, sqlite3_column_text(statement, 0), store->path);
		return -EBADMSG;
	}
	return 0;
}

/* What a run that was killed was in the middle of: it is known to have lasted to its last
 * checkpoint. */
static int close_spans(struct store *store)
{
	static const char sql[] =
		"UPDATE spans SET to_ns = max(from_ns, coalesce((SELECT value FROM meta"
		" WHERE name = 'last_checkpoint_ns'), 0)) WHERE to_ns = 9223372036854775807";
	int r = database_exec(store->db, sql);

	return r ? log_database_error(store, r, "cannot close spans") : 0;
}

/* Leave a mark that only store_close() takes away. */
static int mark_open(struct store *store)
{
	uint64_t is_open = 0;
	int r = store_get_u64(store, "is_open", &is_open);

	if (r && r != -ENOENT)
		return r;
	store->was_killed = is_open != 0;
	return is_open ? 0 : store_set_u64(store, "is_open", 1);
}

int store_open(struct store **out, const struct store_config *config)
{
	SCOPED(store_close) struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return -ENOMEM;
	store->lock_fd = -1;
	store->path = strdup(config->path);
	if (!store->path)
		return -ENOMEM;
	store->config = *config;
	store->config.path = store->path;
	r = lock_file_take(store->path, &store->lock_fd);
	if (r == 0)
		r = make_file(store->path);
	if (r == 0)
		r = connect(store);
	if (r == 0)
		r = schema_migrate(store->db, store->path, &schema_current);
	if (r == 0)
		r = check(store);
	if (r)
		return r;
	r = rows_create(&store->rows, store->db);
	if (r)
		return log_database_error(store, r, "cannot prepare statements");
	r = close_spans(store);
	if (r == 0)
		r = mark_open(store);
	if (r)
		return r;
	*out = TAKE(store);
	return 0;
}

void store_close(struct store **store_ptr)
{
	struct store *store = TAKE(*store_ptr);

	if (!store)
		return;
	/* Only a store that opened has rows; a failure was logged and means "killed" next time. */
	if (store->rows)
		(void)store_set_u64(store, "is_open", 0);
	rows_destroy(&store->rows);
	sqlite3_close(store->db);
	close_fd(&store->lock_fd);
	free(store->path);
	free(store);
}

static uint64_t file_bytes(const char *path, const char *suffix)
{
	char name[4096];
	struct stat info;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name) ||
	    stat(name, &info) < 0)
		return 0;
	return (uint64_t)info.st_size;
}

void store_sizes(const struct store *store, uint64_t *bytes, uint64_t *wal_bytes)
{
	*bytes = file_bytes(store->path, "");
	*wal_bytes = file_bytes(store->path, "-wal");
}

int store_get_u64(struct store *store, const char *name, uint64_t *out)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(store->db, "SELECT value FROM meta WHERE name = ?1", &statement);

	if (r == 0) {
		bind_text(statement, 1, text_from(name));
		r = database_next(statement);
	}
	if (r < 0)
		return log_database_error(store, r, "cannot read meta");
	if (r == 0)
		return -ENOENT;
	*out = column_u64(statement, 0);
	return 0;
}

int store_set_u64(struct store *store, const char *name, uint64_t value)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(store->db,
				 "INSERT INTO meta(name, value) VALUES(?1, ?2)"
				 " ON CONFLICT(name) DO UPDATE SET value = ?2",
				 &statement);

	if (r == 0) {
		bind_text(statement, 1, text_from(name));
		bind_u64(statement, 2, value);
		r = database_run(statement);
	}
	return r ? log_database_error(store, r, "cannot write meta") : 0;
}

int store_get_text(struct store *store, const char *name, char *out, size_t size)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(store->db, "SELECT value FROM meta WHERE name = ?1", &statement);

	if (r == 0) {
		bind_text(statement, 1, text_from(name));
		r = database_next(statement);
	}
	if (r < 0)
		return log_database_error(store, r, "cannot read meta");
	if (r == 0)
		return -ENOENT;
	snprintf(out, size, "%.*s", TEXT_ARGS(column_text(statement, 0)));
	return 0;
}

int store_set_text(struct store *store, const char *name, const char *value)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(store->db,
				 "INSERT INTO meta(name, value) VALUES(?1, ?2)"
				 " ON CONFLICT(name) DO UPDATE SET value = ?2",
				 &statement);

	if (r == 0) {
		bind_text(statement, 1, text_from(name));
		bind_text(statement, 2, text_from(value));
		r = database_run(statement);
	}
	return r ? log_database_error(store, r, "cannot write meta") : 0;
}

static uint64_t last_id(struct store *store, const char *table)
{
	char sql[256];
	int64_t last = 0;

	/* "last_..." is what retention noted before it deleted rows. */
	snprintf(sql, sizeof(sql),
		 "SELECT max(coalesce((SELECT max(id) FROM %s), 0),"
		 " coalesce((SELECT value FROM meta WHERE name = 'last_%s'), 0))",
		 table, table);
	if (database_get(store->db, sql, &last))
		return 0;
	return (uint64_t)last + (store->was_killed ? LOST_IDS_MAX : 0);
}

uint64_t store_last_anomaly(struct store *store)
{
	return last_id(store, "anomalies");
}

uint64_t store_last_incident(struct store *store)
{
	return last_id(store, "incidents");
}

uint64_t store_last_alert(struct store *store)
{
	return last_id(store, "alerts");
}

uint64_t store_last_gap(struct store *store)
{
	return last_id(store, "gaps");
}

uint64_t store_last_event(struct store *store)
{
	return last_id(store, "events");
}

uint64_t store_last_span(struct store *store)
{
	return last_id(store, "spans");
}

/* statement gives workload, sequence, bytes. */
static int visit_blobs(struct store *store, sqlite3_stmt *statement, store_blob_fn *visit,
		       void *arg)
{
	int r, refused = 0;

	while ((r = database_next(statement)) == 1) {
		struct record_blob blob = {
			.workload_id = column_u64(statement, 0),
			.sequence = column_u64(statement, 1),
			.bytes = column_text(statement, 2),
		};

		if (visit(&blob, arg))
			refused++;
	}
	return r < 0 ? log_database_error(store, r, "cannot restore") : refused;
}

int store_each_image(struct store *store, const char *kind, store_blob_fn *visit, void *arg)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(store->db,
				 "SELECT workload, sequence, bytes FROM images WHERE kind = ?1"
				 " ORDER BY workload",
				 &statement);

	if (r)
		return log_database_error(store, r, "cannot restore images");
	bind_text(statement, 1, text_from(kind));
	return visit_blobs(store, statement, visit, arg);
}

int store_each_journal(struct store *store, store_blob_fn *visit, void *arg)
{
	SCOPED(database_finalize) sqlite3_stmt *statement = NULL;
	int r = database_prepare(store->db,
				 "SELECT workload, sequence, bytes FROM journal"
				 " ORDER BY sequence, id",
				 &statement);

	if (r)
		return log_database_error(store, r, "cannot restore the journal");
	return visit_blobs(store, statement, visit, arg);
}
