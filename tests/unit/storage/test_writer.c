#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>

#include "base/util.h"
#include "sample.h"

static struct writer *start(struct store *store)
{
	struct writer *writer = NULL;

	assert_int_equal(writer_create(&writer, store, 4096), 0);
	return writer;
}

/* Wait, within reason, until the writer has committed at least n records. */
static void await_written(const struct writer *writer, uint64_t n)
{
	struct writer_counters counters;

	for (int i = 0; i < 3000; i++) {
		writer_counters(writer, &counters);
		if (counters.written_total >= n)
			return;
		usleep(10000);
	}
	fail_msg("%llu of %llu written", (unsigned long long)counters.written_total,
		 (unsigned long long)n);
}

static void alerts_and_anomalies_need_no_checkpoint(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = start(store);
	struct record_anomaly anomaly = sample_anomaly(1);
	struct record_alert alert = sample_alert(1);
	struct record_incident incident = sample_incident(1);

	push_anomaly(writer, &anomaly);
	push_alert(writer, &alert);
	push_incident(writer, &incident);
	push_blob(writer, WRITE_JOURNAL, 0, 1, TEXT("half a checkpoint"));
	await_written(writer, 3);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM anomalies"), 1);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 1);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM incidents"), 1);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM journal"), 0);
	writer_push(writer, WRITE_COMMIT, NULL);
	await_written(writer, 4);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM journal"), 1);
	writer_destroy(&writer);
	assert_null(writer);
	store_close(&store);
}

static uint64_t taps_called;

static void count_any(enum write_kind kind, const void *record, void *arg)
{
	(void)kind;
	(void)record;
	(void)arg;
	taps_called++;
}

static void inline_writer_sheds_nothing_and_notes_no_time(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = NULL;
	struct writer_counters counters;
	struct record_alert alert = sample_alert(1);
	uint64_t checkpoint_ns;

	assert_int_equal(writer_create_inline(&writer, store), 0);
	taps_called = 0;
	writer_add_tap(writer, count_any, NULL);
	for (uint64_t id = 1; id <= 20000; id++) { /* one rule and workload: repeats all of them */
		alert.id = id;
		push_alert(writer, &alert);
	}
	assert_int_equal(taps_called, 20000);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 0);
	writer_push(writer, WRITE_COMMIT, NULL);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 20000);
	alert.id = 20001;
	push_alert(writer, &alert);
	writer_counters(writer, &counters);
	assert_int_equal(counters.shed_total, 0);
	writer_destroy(&writer);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 20001);
	assert_int_equal(store_get_u64(store, "last_checkpoint_ns", &checkpoint_ns), -ENOENT);
	store_close(&store);
}

struct visited {
	uint64_t sum;
	uint32_t n;
	uint64_t last_sequence; /* of the journal */
};

static int visit(const struct record_blob *blob, void *arg)
{
	struct visited *visited = arg;

	visited->sum += blob->sequence * 1000 + blob->workload_id;
	visited->n++;
	return blob->bytes.len == 3 ? -EBADMSG : 0;
}

static int visit_in_order(const struct record_blob *blob, void *arg)
{
	struct visited *visited = arg;

	assert_true(blob->sequence >= visited->last_sequence);
	visited->last_sequence = blob->sequence;
	return visit(blob, arg);
}

static void images_delete_what_they_cover(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = start(store);
	struct visited images = {0}, journal = {0}, scorer = {0};

	for (uint64_t sequence = 1; sequence <= 4; sequence++) {
		push_blob(writer, WRITE_JOURNAL, 1, sequence, TEXT("one"));
		push_blob(writer, WRITE_JOURNAL, 2, sequence, TEXT("two_"));
		writer_push(writer, WRITE_COMMIT, NULL);
		await_written(writer, sequence * 2);
	}
	push_blob(writer, WRITE_IMAGE, 1, 3, TEXT("image"));
	push_blob(writer, WRITE_IMAGE, 2, 1, TEXT("image"));
	push_blob(writer, WRITE_SCORER, 0, 4, TEXT("scorer"));
	writer_push(writer, WRITE_COMMIT, NULL);
	writer_destroy(&writer);
	store_close(&store);

	store = sample_open(sample);
	assert_int_equal(store_each_image(store, "profile", visit, &images), 0);
	assert_int_equal(images.n, 2);
	assert_int_equal(store_each_image(store, "scorer", visit, &scorer), 0);
	assert_int_equal(scorer.n, 1);
	/* Left: 4 of workload 1; 2, 3, 4 of workload 2. One is refused by the visitor. */
	assert_int_equal(store_each_journal(store, visit_in_order, &journal), 1);
	assert_int_equal(journal.n, 4);
	assert_int_equal(journal.sum, 4001 + 2002 + 3002 + 4002);
	store_close(&store);
}

static void repeats_update_the_row(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = start(store);
	struct record_anomaly anomaly = sample_anomaly(5);
	struct record_incident incident = sample_incident(2);

	push_anomaly(writer, &anomaly);
	push_incident(writer, &incident);
	await_written(writer, 2);
	for (int i = 0; i < 1000; i++) {
		anomaly.occurrences++;
		anomaly.last_ns += SECOND;
		push_anomaly(writer, &anomaly);
	}
	anomaly.incident = 2;
	push_anomaly(writer, &anomaly);
	incident.is_open = false;
	incident.to_ns += SECOND;
	push_incident(writer, &incident);
	writer_destroy(&writer);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM anomalies"), 1);
	assert_int_equal(sample_number(sample, "SELECT occurrences FROM anomalies"), 1001);
	assert_int_equal(sample_number(sample, "SELECT last_ns FROM anomalies"),
			 (int64_t)anomaly.last_ns);
	assert_int_equal(sample_number(sample, "SELECT incident FROM anomalies"), 2);
	assert_int_equal(sample_number(sample, "SELECT is_open FROM incidents"), 0);
	store_close(&store);
}

static void a_gap_grows_under_its_number(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = start(store);
	static const struct record_gap gaps[] = {
		{1, SAMPLE_TIME, SAMPLE_TIME + SECOND, TEXT("ring full"), 5, TEXT_NONE},
		{2, SAMPLE_TIME, SAMPLE_TIME + 9 * SECOND, TEXT("downtime"), GAP_EVENTS_UNKNOWN,
		 TEXT_NONE},
		{1, SAMPLE_TIME, SAMPLE_TIME + 3 * SECOND, TEXT("ring full"), 12,
		 TEXT("{\"by_type\":{\"open\":12}}")},
		{3, SAMPLE_TIME, SAMPLE_TIME + 3 * SECOND, TEXT("ring full"), 1, TEXT_NONE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++)
		writer_push(writer, WRITE_GAP, record_gap_copy(&gaps[i]));
	writer_destroy(&writer);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM gaps"), 3);
	assert_int_equal(sample_number(sample, "SELECT events FROM gaps WHERE id = 1"), 12);
	assert_int_equal(sample_number(sample, "SELECT to_ns FROM gaps WHERE id = 1"),
			 (int64_t)(SAMPLE_TIME + 3 * SECOND));
	assert_int_equal(sample_number(sample, "SELECT detail ->> '$.by_type.open' FROM gaps"
					       " WHERE id = 1"),
			 12);
	assert_int_equal(sample_number(sample, "SELECT events IS NULL FROM gaps WHERE id = 2"), 1);
	assert_int_equal(store_last_gap(store), 3);
	store_close(&store);
}

static void count_tap(enum write_kind kind, const void *record, void *arg)
{
	_Atomic unsigned *seen = arg;

	(void)record;
	seen[kind]++;
}

static void taps_see_alerts_anomalies_and_incidents(void **state)
{
	struct store *store = sample_open(*state);
	struct writer *writer = start(store);
	_Atomic unsigned seen[WRITE_KIND_END] = {0};
	struct record_anomaly anomaly = sample_anomaly(1);
	struct record_alert alert = sample_alert(1);
	struct record_incident incident = sample_incident(1);

	writer_add_tap(writer, count_tap, seen);
	push_anomaly(writer, &anomaly);
	push_alert(writer, &alert);
	push_alert(writer, &alert);
	push_incident(writer, &incident);
	push_blob(writer, WRITE_JOURNAL, 0, 1, TEXT("x"));
	writer_destroy(&writer);
	assert_int_equal(seen[WRITE_ANOMALY], 1);
	assert_int_equal(seen[WRITE_ALERT], 2);
	assert_int_equal(seen[WRITE_INCIDENT], 1);
	assert_int_equal(seen[WRITE_JOURNAL], 0);
	store_close(&store);
}

/* Holds the writer up in a tap until it is let go, so that the queue fills for sure. */
struct hold {
	_Atomic bool is_held, let_go;
};

static void hold_tap(enum write_kind kind, const void *record, void *arg)
{
	struct hold *hold = arg;

	(void)kind;
	(void)record;
	hold->is_held = true;
	while (!hold->let_go)
		usleep(1000);
}

static void a_full_queue_sheds_repeats_first(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = NULL;
	struct hold hold = {0};
	struct record_alert alert = sample_alert(1);
	struct record_anomaly anomaly = sample_anomaly(1);
	struct record_behaviour behaviour = {.dimension = TEXT("exec")};
	struct writer_counters counters;

	assert_int_equal(writer_create(&writer, store, 16), 0);
	writer_add_tap(writer, hold_tap, &hold);
	push_alert(writer, &alert);
	while (!hold.is_held)
		usleep(1000);
	for (uint64_t i = 1; i <= 8; i++) {
		anomaly.id = i;
		push_anomaly(writer, &anomaly); /* now half full */
	}
	push_alert(writer, &alert);
	anomaly.occurrences = 2;
	push_anomaly(writer, &anomaly);
	writer_push(writer, WRITE_BEHAVIOUR, record_behaviour_copy(&behaviour));
	writer_counters(writer, &counters);
	assert_int_equal(counters.shed_total, 3);
	assert_int_equal(counters.shed_first_total, 0);

	anomaly.occurrences = 1;
	for (uint64_t i = 9; i <= 130; i++) {
		anomaly.id = i;
		push_anomaly(writer, &anomaly);
	}
	push_blob(writer, WRITE_JOURNAL, 0, 1, TEXT("never shed"));
	push_blob(writer, WRITE_IMAGE, 7, 0, TEXT("never shed"));
	writer_push(writer, WRITE_COMMIT, NULL);
	writer_counters(writer, &counters);
	assert_int_equal(counters.shed_first_total, 2); /* 129 and 130 */
	assert_int_equal(counters.shed_total, 5);
	hold.let_go = true;
	writer_destroy(&writer);
	store_close(&store);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM anomalies"), 128);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM journal"), 1);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM images"), 1);
}

static void a_record_that_cannot_be_stored_harms_no_other(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer;
	struct record_alert alert = sample_alert(1);
	struct writer_counters counters;

	sample_sql(sample, "CREATE TRIGGER picky BEFORE INSERT ON alerts WHEN new.id = 2"
			   " BEGIN SELECT raise(ABORT, 'not this one'); END");
	writer = start(store);
	for (alert.id = 1; alert.id <= 3; alert.id++)
		push_alert(writer, &alert);
	await_written(writer, 2);
	writer_counters(writer, &counters);
	assert_int_equal(counters.errors_total, 1);
	assert_false(counters.is_failing);
	writer_destroy(&writer);
	store_close(&store);
	assert_int_equal(sample_number(sample, "SELECT sum(id) FROM alerts"), 4);
}

/* Ten minutes of a quiet host: eight workloads that see something for the first time in each epoch,
 * a behaviour learned and a small anomaly now and then. A sixth of what an hour may cost. */
static void a_quiet_host_costs_the_disk_little(void **state)
{
	enum { CHECKPOINTS = 60, WORKLOADS = 8 };
	struct store *store = sample_open(*state);
	struct writer *writer = start(store);
	struct writer_counters counters;
	uint64_t bytes = 0, last_ns = 0;
	char segment[400] = "";

	for (uint64_t i = 1; i <= CHECKPOINTS; i++) {
		struct record_anomaly anomaly = sample_anomaly(i);
		struct record_behaviour behaviour = {.workload_id = i,
						     .dimension = TEXT("exec"),
						     .key = sample_anomaly(1).key,
						     .fingerprint = i * 0x9e3779b97f4a7c15};

		for (uint64_t workload = 1; workload <= WORKLOADS; workload++)
			push_blob(writer, WRITE_JOURNAL, workload, i,
				  (struct text){segment, sizeof(segment)});
		writer_push(writer, WRITE_BEHAVIOUR, record_behaviour_copy(&behaviour));
		if (i % 3 == 0)
			push_anomaly(writer, &anomaly);
		writer_push(writer, WRITE_COMMIT, NULL);
		do {
			usleep(1000);
			writer_counters(writer, &counters);
		} while (counters.last_checkpoint_ns == last_ns);
		last_ns = counters.last_checkpoint_ns;
		bytes = counters.bytes_written_total;
	}
	writer_destroy(&writer);
	store_close(&store);
	print_message("# %llu KiB\n", (unsigned long long)bytes / 1024);
	assert_true(bytes > 0);
	assert_true(bytes < (20 << 20) / 6);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, sample_setup, sample_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(alerts_and_anomalies_need_no_checkpoint),
		TEST(inline_writer_sheds_nothing_and_notes_no_time),
		TEST(images_delete_what_they_cover),
		TEST(repeats_update_the_row),
		TEST(a_gap_grows_under_its_number),
		TEST(taps_see_alerts_anomalies_and_incidents),
		TEST(a_full_queue_sheds_repeats_first),
		TEST(a_record_that_cannot_be_stored_harms_no_other),
		TEST(a_quiet_host_costs_the_disk_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
