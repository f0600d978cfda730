#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "sample.h"
#include "storage/batch.h"

static enum urgency add(struct batch *batch, enum write_kind kind, void *record)
{
	enum urgency urgency;

	assert_true(batch_add(batch, kind, record, &urgency));
	return urgency;
}

static enum urgency add_blob(struct batch *batch, enum write_kind kind, uint64_t workload,
			     uint64_t sequence)
{
	struct record_blob blob = {workload, sequence, TEXT("bytes")};

	return add(batch, kind, record_blob_copy(&blob));
}

static enum urgency add_anomaly(struct batch *batch, uint64_t id, uint64_t occurrences,
				uint64_t incident)
{
	struct record_anomaly anomaly = sample_anomaly(id);

	anomaly.occurrences = occurrences;
	anomaly.incident = incident;
	return add(batch, WRITE_ANOMALY, record_anomaly_copy(&anomaly));
}

static enum urgency add_incident(struct batch *batch, uint64_t id, uint32_t n_anomalies)
{
	struct record_incident incident = sample_incident(id);

	incident.n_anomalies = n_anomalies;
	return add(batch, WRITE_INCIDENT, record_incident_copy(&incident));
}

static void commit(struct batch *batch)
{
	enum urgency urgency;

	assert_true(batch_add(batch, WRITE_COMMIT, NULL, &urgency));
	assert_int_equal(urgency, URGENCY_NOW);
}

/* "J1:4 P2:5" for what is ready: kind, workload (or id), sequence (or occurrences). */
static void print_ready(const struct batch *batch, char *out, size_t out_bytes)
{
	static const char letters[WRITE_KIND_END] = {
		[WRITE_ANOMALY] = 'A', [WRITE_INCIDENT] = 'I',  [WRITE_ALERT] = 'L',
		[WRITE_GAP] = 'G',     [WRITE_BEHAVIOUR] = 'B', [WRITE_JOURNAL] = 'J',
		[WRITE_IMAGE] = 'P',   [WRITE_SCORER] = 'S',    [WRITE_INCIDENTS] = 'N',
		[WRITE_RULES] = 'R',   [WRITE_COUNTS] = 'C',
	};
	uint32_t n_items;
	void *const *items = batch_ready(batch, &n_items);
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < n_items; i++) {
		uint32_t kind = items[i] ? record_tag(items[i]) : 0;
		const struct record_blob *blob = items[i];
		const struct record_anomaly *anomaly = items[i];
		uint64_t first, second;

		if (!items[i])
			continue;
		first = kind == WRITE_ANOMALY ? anomaly->id : blob->workload_id;
		second = kind == WRITE_ANOMALY ? anomaly->occurrences : blob->sequence;
		n += (size_t)snprintf(out + n, out_bytes - n, "%s%c%llu:%llu", n ? " " : "",
				      letters[kind], (unsigned long long)first,
				      (unsigned long long)second);
	}
}

static void check_ready(const struct batch *batch, const char *want)
{
	char got[512];

	print_ready(batch, got, sizeof(got));
	assert_string_equal(got, want);
}

static struct batch *create(uint64_t bytes_max)
{
	struct batch *batch = NULL;

	assert_int_equal(batch_create(&batch, bytes_max), 0);
	return batch;
}

static void a_checkpoint_is_ready_as_a_whole(void **state)
{
	struct batch *batch = create(1 << 20);

	(void)state;
	assert_int_equal(add_blob(batch, WRITE_JOURNAL, 0, 1), URGENCY_CHECKPOINT);
	assert_int_equal(add_blob(batch, WRITE_SCORER, 0, 1), URGENCY_CHECKPOINT);
	add_anomaly(batch, 1, 1, 0);
	check_ready(batch, "A1:1");
	commit(batch);
	check_ready(batch, "A1:1 J0:1 S0:1");
	batch_written(batch);
	check_ready(batch, "");
	assert_int_equal(batch_bytes(batch), 0);
	batch_destroy(&batch);
	assert_null(batch);
}

/* While the disk is full, checkpoints pile up; images keep the pile small. */
static void newer_images_replace_what_they_cover(void **state)
{
	struct batch *batch = create(1 << 20);

	(void)state;
	for (uint64_t sequence = 1; sequence <= 3; sequence++) {
		add_blob(batch, WRITE_JOURNAL, 1, sequence);
		add_blob(batch, WRITE_JOURNAL, 2, sequence);
		add_blob(batch, WRITE_SCORER, 0, sequence);
		commit(batch);
	}
	check_ready(batch, "J1:1 J2:1 J1:2 J2:2 J1:3 J2:3 S0:3");
	add_blob(batch, WRITE_IMAGE, 1, 2);
	check_ready(batch, "J1:1 J2:1 J1:2 J2:2 J1:3 J2:3 S0:3"); /* not yet whole */
	commit(batch);
	check_ready(batch, "J2:1 J2:2 J1:3 J2:3 S0:3 P1:2");
	add_blob(batch, WRITE_IMAGE, 1, 3);
	add_blob(batch, WRITE_INCIDENTS, 0, 3);
	commit(batch);
	check_ready(batch, "J2:1 J2:2 J2:3 S0:3 P1:3 N0:3");
	add_blob(batch, WRITE_IMAGE, 2, 9);
	add_blob(batch, WRITE_IMAGE, 0, 9); /* 0 is a workload like any other */
	commit(batch);
	check_ready(batch, "S0:3 P1:3 N0:3 P2:9 P0:9");
	batch_destroy(&batch);
}

static void a_journal_inside_its_own_checkpoint_is_covered_too(void **state)
{
	struct batch *batch = create(1 << 20);

	(void)state;
	add_blob(batch, WRITE_JOURNAL, 1, 5);
	add_blob(batch, WRITE_IMAGE, 1, 5);
	add_blob(batch, WRITE_JOURNAL, 1, 6);
	commit(batch);
	check_ready(batch, "P1:5 J1:6");
	batch_destroy(&batch);
}

static void only_the_newest_state_of_a_thing_is_written(void **state)
{
	struct batch *batch = create(1 << 20);
	uint64_t bytes;

	(void)state;
	assert_int_equal(add_anomaly(batch, 7, 1, 0), URGENCY_NOW);
	bytes = batch_bytes(batch);
	for (uint64_t i = 2; i <= 100; i++)
		assert_int_equal(add_anomaly(batch, 7, i, 0), URGENCY_CHECKPOINT);
	check_ready(batch, "A7:100");
	assert_int_equal(batch_bytes(batch), bytes);
	assert_int_equal(add_anomaly(batch, 7, 101, 3), URGENCY_SOON); /* joined an incident */
	batch_written(batch);
	/* Known from before, so a repeat may wait; a new one may not. */
	assert_int_equal(add_anomaly(batch, 7, 102, 3), URGENCY_CHECKPOINT);
	assert_int_equal(add_anomaly(batch, 8, 1, 0), URGENCY_NOW);
	check_ready(batch, "A7:102 A8:1");
	batch_destroy(&batch);
}

static void merging_survives_a_checkpoint_in_between(void **state)
{
	struct batch *batch = create(1 << 20);

	(void)state;
	add_blob(batch, WRITE_SCORER, 0, 1);
	commit(batch);
	add_anomaly(batch, 7, 1, 0);
	add_blob(batch, WRITE_SCORER, 0, 2);
	commit(batch); /* drops the first scorer image: indices move */
	add_anomaly(batch, 7, 2, 0);
	check_ready(batch, "A7:1 S0:2 A7:2");
	batch_destroy(&batch);
}

static void incidents_hurry_when_they_grow(void **state)
{
	struct batch *batch = create(1 << 20);

	(void)state;
	assert_int_equal(add_incident(batch, 1, 1), URGENCY_NOW);
	assert_int_equal(add_incident(batch, 1, 1), URGENCY_CHECKPOINT);
	assert_int_equal(add_incident(batch, 1, 2), URGENCY_SOON);
	/* An anomaly of the same number is another thing. */
	assert_int_equal(add_anomaly(batch, 1, 1, 0), URGENCY_NOW);
	batch_destroy(&batch);
}

static void beyond_the_bound_only_checkpoints_are_kept(void **state)
{
	struct batch *batch = create(10000);
	struct record_anomaly anomaly = sample_anomaly(1);
	struct record_behaviour behaviour = {.dimension = TEXT("exec")};
	enum urgency urgency;

	(void)state;
	while (batch_bytes(batch) <= 10000)
		add_anomaly(batch, ++anomaly.id, 1, 0);
	assert_false(batch_add(batch, WRITE_ANOMALY, record_anomaly_copy(&anomaly), &urgency));
	assert_false(
		batch_add(batch, WRITE_BEHAVIOUR, record_behaviour_copy(&behaviour), &urgency));
	add_blob(batch, WRITE_JOURNAL, 0, 1);
	add_blob(batch, WRITE_IMAGE, 5, 1);
	commit(batch);
	batch_written(batch);
	add_anomaly(batch, 999, 1, 0);
	batch_destroy(&batch);
}

static void what_cannot_be_stored_is_discarded(void **state)
{
	struct batch *batch = create(1 << 20);

	(void)state;
	add_anomaly(batch, 1, 1, 0);
	add_anomaly(batch, 2, 1, 0);
	batch_discard(batch, 0);
	batch_discard(batch, 0);
	check_ready(batch, "A2:1");
	/* The first one's place is gone; a new state of it is a new entry. */
	add_anomaly(batch, 1, 2, 0);
	check_ready(batch, "A2:1 A1:2");
	batch_destroy(&batch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_checkpoint_is_ready_as_a_whole),
		cmocka_unit_test(newer_images_replace_what_they_cover),
		cmocka_unit_test(a_journal_inside_its_own_checkpoint_is_covered_too),
		cmocka_unit_test(only_the_newest_state_of_a_thing_is_written),
		cmocka_unit_test(merging_survives_a_checkpoint_in_between),
		cmocka_unit_test(incidents_hurry_when_they_grow),
		cmocka_unit_test(beyond_the_bound_only_checkpoints_are_kept),
		cmocka_unit_test(what_cannot_be_stored_is_discarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
