#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "sample.h"
#include "storage/retention.h"

#define DAY (86400 * SECOND)

/* n alerts, anomalies, incidents and gaps a minute apart, and one piece of a baseline. */
static void fill(struct store *store, uint64_t n)
{
	struct writer *writer = NULL;

	assert_int_equal(writer_create(&writer, store, 1 << 20), 0);
	for (uint64_t id = 1; id <= n; id++) {
		struct record_alert alert = sample_alert(id);
		struct record_anomaly anomaly = sample_anomaly(id);
		struct record_incident incident = sample_incident(id);
		struct record_gap gap = {.reason = TEXT("downtime")};

		alert.ts_ns = anomaly.first_ns = incident.to_ns = SAMPLE_TIME + id * 60 * SECOND;
		gap.from_ns = gap.to_ns = alert.ts_ns;
		push_alert(writer, &alert);
		push_anomaly(writer, &anomaly);
		push_incident(writer, &incident);
		writer_push(writer, WRITE_GAP, record_gap_copy(&gap));
		if (id % 500 == 0) { /* lest the queue fills and sheds */
			writer_destroy(&writer);
			assert_int_equal(writer_create(&writer, store, 1 << 20), 0);
		}
	}
	push_blob(writer, WRITE_JOURNAL, 0, 1, TEXT("journal"));
	push_blob(writer, WRITE_IMAGE, 1, 0, TEXT("image"));
	writer_push(writer, WRITE_COMMIT, NULL);
	writer_destroy(&writer);
}

/* Slices until there is nothing more to do. */
static unsigned run(struct store *store, uint64_t now_ns)
{
	unsigned n = 0;
	bool more = true;

	while (more) {
		assert_int_equal(retention_slice(store, now_ns, &more), 0);
		if (++n > 1000)
			fail_msg("never done");
	}
	return n;
}

static void old_rows_go_in_slices(void **state)
{
	static const char *const tables[] = {"alerts", "anomalies", "anomaly_documents",
					     "incidents", "gaps"};
	struct sample *sample = *state;
	struct store *store;
	unsigned n;

	sample->config.retention_days = 2;
	store = sample_open(sample);
	fill(store, 1300);
	/* Row 1200 is exactly two days old and stays. */
	n = run(store, SAMPLE_TIME + 1200 * 60 * SECOND + 2 * DAY);
	assert_true(n >= 3);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		char sql[64];

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
		assert_int_equal(sample_number(sample, sql), 101);
		if (strcmp(tables[i], "gaps") != 0) {
			snprintf(sql, sizeof(sql), "SELECT min(id) FROM %s", tables[i]);
			assert_int_equal(sample_number(sample, sql), 1200);
		}
	}
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM journal"), 1);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM images"), 1);
	store_close(&store);
}

static void ids_never_come_back(void **state)
{
	struct sample *sample = *state;
	struct store *store;

	sample->config.retention_days = 2;
	store = sample_open(sample);
	fill(store, 20);
	run(store, SAMPLE_TIME + 100 * DAY);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 0);
	assert_int_equal(store_last_alert(store), 20);
	assert_int_equal(store_last_anomaly(store), 20);
	assert_int_equal(store_last_incident(store), 20);
	store_close(&store);
}

static void nothing_old_means_nothing_to_do(void **state)
{
	struct sample *sample = *state;
	struct store *store;

	sample->config.retention_days = 30;
	store = sample_open(sample);
	fill(store, 20);
	assert_int_equal(run(store, SAMPLE_TIME + DAY), 1);
	assert_int_equal(run(store, 0), 1); /* a clock that was never set */
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 20);
	store_close(&store);
}

static void a_large_database_loses_its_oldest(void **state)
{
	struct sample *sample = *state;
	struct store *store;
	uint64_t bytes, wal_bytes;
	int64_t newest, left;

	sample->config.max_bytes = 5 << 20;
	store = sample_open(sample);
	fill(store, 3000);
	store_sizes(store, &bytes, &wal_bytes);
	assert_true(bytes + wal_bytes > (5 << 20));
	run(store, SAMPLE_TIME + DAY);
	newest = sample_number(sample, "SELECT max(id) FROM alerts");
	left = sample_number(sample, "SELECT count(*) FROM alerts");
	assert_int_equal(newest, 3000);
	assert_true(left > 0 && left < 3000);
	assert_int_equal(sample_number(sample, "SELECT min(id) FROM alerts"), 3000 - left + 1);
	assert_true(sample_number(sample, "SELECT (SELECT * FROM pragma_page_count) * 4096") <
		    (7 << 20));
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM images"), 1);
	store_close(&store);
}

/* A limit that the baselines alone exceed must not spin for ever. */
static void an_impossible_limit_ends(void **state)
{
	struct sample *sample = *state;
	struct store *store;

	sample->config.max_bytes = 1;
	store = sample_open(sample);
	fill(store, 10);
	run(store, SAMPLE_TIME + DAY);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 0);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM images"), 1);
	store_close(&store);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, sample_setup, sample_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(old_rows_go_in_slices),           TEST(ids_never_come_back),
		TEST(nothing_old_means_nothing_to_do), TEST(a_large_database_loses_its_oldest),
		TEST(an_impossible_limit_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
