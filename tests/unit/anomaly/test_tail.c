#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "anomaly/image.h"
#include "anomaly/return_period.h"
#include "anomaly/tail.h"
#include "anomaly/tails.h"
#include "base/util.h"
#include "profiles/stream.h"
#include "simulate.h"

#define CLOSE(got, want, by) (fabs((got) - (want)) <= (by))

struct episode_at {
	uint32_t age;
	double bits;
};

#define QUERIES_MAX 4

/* Wanted figures come from stepping epoch by epoch: n = g n + hit, x = g x + 1,
 * g = 2^(-1/h), h = clamp(age/4, 6, 4320), then the formula of the header. */
static void agrees_with_the_step_form(void **state)
{
	static const struct {
		const char *name;
		struct episode_at episodes[3];
		uint32_t age;
		double exposure;
		double bits[QUERIES_MAX], want[QUERIES_MAX];
	} rows[] = {
		{"newborn", {{0}}, 0, 0, {1, 10, 40}, {1, 2.169925, 4.169925}},
		{"nothing happened",
		 {{0}},
		 100,
		 27.1739,
		 {1, 10, 20, 40},
		 {1, 6.986212, 5.816287, 8.986212}},
		{"three episodes",
		 {{10, 6}, {50, 9}, {90, 21}},
		 100,
		 27.1739,
		 {3, 10, 25, 40},
		 {4.542447, 4.897610, 7.348602, 8.889063}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tail tail = {0};

		for (size_t j = 0; j < 3 && rows[i].episodes[j].age; j++) {
			tail_advance(&tail, rows[i].episodes[j].age);
			tail_add(&tail, rows[i].episodes[j].bits);
		}
		tail_advance(&tail, rows[i].age);
		if (!CLOSE(tail.exposure, rows[i].exposure, 1))
			fail_msg("%s: exposure %f", rows[i].name, tail.exposure);
		for (size_t j = 0; j < QUERIES_MAX && rows[i].bits[j] > 0; j++) {
			double got = tail_bits(&tail, rows[i].bits[j]);

			if (!CLOSE(got, rows[i].want[j], 0.06))
				fail_msg("%s: %f bits give %f, not %f", rows[i].name,
					 rows[i].bits[j], got, rows[i].want[j]);
		}
	}
}

static void forgets_alike_in_any_number_of_steps(void **state)
{
	static const uint32_t ages[] = {5, 24, 25, 400, 5000, 17280, 17281, 40000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		struct tail stepped = {0}, jumped = {0};

		tail_advance(&stepped, 3);
		tail_advance(&jumped, 3);
		tail_add(&stepped, 10);
		tail_add(&jumped, 10);
		for (uint32_t age = 4; age <= ages[i]; age++)
			tail_advance(&stepped, age);
		tail_advance(&jumped, ages[i]);
		/* 1 % and one epoch: what the lazy form is allowed to be off. */
		assert_true(CLOSE(jumped.exposure, stepped.exposure, 1 + 0.01 * stepped.exposure));
		assert_true(CLOSE(jumped.reached[0], stepped.reached[0], 1e-6));
		tail_advance(&jumped, 1); /* the past changes nothing */
		assert_true(jumped.age == ages[i] || ages[i] < 3);
	}
}

static void ignores_what_is_no_number(void **state)
{
	struct tail tail = {0};

	(void)state;
	tail_advance(&tail, 100);
	tail_add(&tail, NAN);
	tail_add(&tail, INFINITY);
	tail_add(&tail, -3);
	assert_true(tail.reached[0] == 0);
	assert_true(tail_bits(&tail, 0) == 0);
	assert_true(tail_bits(&tail, -1) == 0);
	assert_true(tail_bits(&tail, NAN) == 0);
}

static void more_bits_never_claim_below_an_epoch(void **state)
{
	struct tail tail = {0};

	(void)state;
	for (uint32_t age = 1; age < 200; age++) {
		tail_advance(&tail, age);
		tail_add(&tail, age % 30);
		for (double bits = 0.5; bits < 60; bits += 0.5)
			assert_true(tail_bits(&tail, bits) >= 0);
	}
}

/* Incidents ---------------------------------------------------------------------------------- */

#define DIMENSIONS 4
#define EPOCHS 4320
#define WARM_UP 60
#define WORKLOADS 6
#define EVENTS_MIN 8

struct dimension_sim {
	struct sim *sim;
	struct stream streams[SIM_LEVELS];
};

static void start_dimension(struct dimension_sim *d, enum sim_kind kind, uint64_t seed)
{
	d->sim = sim_create(kind, seed, EPOCHS);
	for (unsigned l = 0; l < SIM_LEVELS; l++)
		stream_init(&d->streams[l], l);
}

/* Bits of the strongest deviation in the next epoch; an admin's task (level 0 to 2) adds its own.
 */
static double next_bits(struct dimension_sim *d, uint32_t epoch, int task_level)
{
	struct sim_novelty novelties[SIM_NOVELTIES_MAX];
	bool is_new[SIM_LEVELS];
	uint32_t n = sim_epoch(d->sim, novelties, is_new);
	double most = 0;

	for (uint32_t i = 0; i < n; i++)
		most = fmax(most, -log2(stream_rate(&d->streams[novelties[i].level])));
	if (task_level >= 0)
		most = fmax(most, -log2(stream_rate(&d->streams[task_level])));
	for (int l = 0; l < SIM_LEVELS; l++) {
		if (is_new[l] || (task_level >= 0 && l >= task_level))
			stream_mark_new(&d->streams[l]);
		stream_advance(&d->streams[l], epoch + 1);
	}
	return most;
}

static const double claims[] = {10, 30, 100, 300, 1000};

struct tally {
	double by_tail[ARRAY_SIZE(claims)], by_sum[ARRAY_SIZE(claims)];
	double epochs;
};

static void play_workload(uint64_t seed, struct tally *tally)
{
	struct dimension_sim dimensions[DIMENSIONS];
	struct tail tail = {0};
	uint64_t random = seed * 77 + 5;

	for (unsigned i = 0; i < DIMENSIONS; i++)
		start_dimension(&dimensions[i], (enum sim_kind)((seed + i) % SIM_KIND_END),
				seed * 10 + i);
	for (uint32_t e = 0; e < EPOCHS; e++) {
		/* Once in 300 epochs something ordinary touches several dimensions at once. */
		bool is_task = sim_random(&random) < 1.0 / 300;
		double bits = 0, claim;

		for (unsigned i = 0; i < DIMENSIONS; i++)
			bits += next_bits(&dimensions[i], e,
					  is_task && sim_random(&random) < 0.6
						  ? (int)(sim_random(&random) * SIM_LEVELS)
						  : -1);
		claim = tail_bits(&tail, bits);
		tally->epochs += e >= WARM_UP;
		for (size_t i = 0; e >= WARM_UP && i < ARRAY_SIZE(claims); i++) {
			tally->by_tail[i] += claim >= log2(claims[i]);
			tally->by_sum[i] += bits >= log2(claims[i]);
		}
		tail_advance(&tail, e + 1);
		tail_add(&tail, bits);
	}
	for (unsigned i = 0; i < DIMENSIONS; i++)
		sim_destroy(dimensions[i].sim);
}

/* The rate of ordinary episodes that claim R or more, times R, is to stay below two; the plain sum
 * of bits must be seen to overclaim, or the simulation is too easy to prove anything. */
static void incident_claims_hold(void **state)
{
	struct tally tally = {0};

	(void)state;
	for (uint64_t seed = 0; seed < WORKLOADS; seed++)
		play_workload(seed, &tally);
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		double promised = tally.epochs / claims[i];

		print_message("# %.0f+: tail %.0f, sum %.0f, promised %.1f\n", claims[i],
			      tally.by_tail[i], tally.by_sum[i], promised);
		if (tally.by_tail[i] > fmax(2 * promised, EVENTS_MIN))
			fail_msg("%.0f+: %.0f episodes, %.1f promised", claims[i], tally.by_tail[i],
				 promised);
	}
	assert_true(tally.by_sum[4] > 2 * tally.epochs / claims[4]);
	assert_true(tally.by_tail[0] > 0);
}

/* Images ------------------------------------------------------------------------------------- */

#define TAG 7

static struct record_blob *image_of(const struct tails *tails)
{
	struct blob_writer writer;

	image_begin(&writer, TAG);
	tails_save(tails, &writer);
	return image_end(&writer);
}

static void tails_survive_an_image(void **state)
{
	SCOPED(tails_destroy) struct tails *tails = NULL;
	SCOPED(tails_destroy) struct tails *loaded = NULL;
	struct record_blob *blob;
	struct blob_reader reader;

	(void)state;
	assert_int_equal(tails_create(&tails), 0);
	assert_int_equal(tails_create(&loaded), 0);
	for (uint64_t id = 1; id <= 50; id++)
		tail_add(tails_get(tails, id, 10.0 * (double)id), (double)id);
	blob = image_of(tails);
	assert_non_null(blob);
	assert_int_equal(image_open(&reader, blob->bytes, TAG + 1), -EBADMSG);
	assert_int_equal(image_open(&reader, blob->bytes, TAG), 0);
	assert_true(tails_load(loaded, &reader));
	for (uint64_t id = 1; id <= 50; id++) {
		double age = 10.0 * (double)id;

		assert_memory_equal(tails_get(loaded, id, age), tails_get(tails, id, age),
				    sizeof(struct tail));
	}
	record_free(blob);
}

static void tails_give_way_and_count(void **state)
{
	SCOPED(tails_destroy) struct tails *tails = NULL;

	(void)state;
	assert_int_equal(tails_create(&tails), 0);
	for (uint64_t id = 1; id <= 5000; id++)
		tails_get(tails, id, 10);
	assert_int_equal(tails_evicted_total(tails), 5000 - 1024);
}

static void bad_tails_are_refused(void **state)
{
	static const double bad[] = {-1, NAN, INFINITY, 1e13};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct tail tail = {.age = 5}, before = tail;
		struct blob_writer writer = {0};
		struct blob_reader reader;

		for (unsigned j = 0; j < 2 * TAIL_THRESHOLDS + 2; j++)
			blob_put_f64(&writer, j == 3 ? bad[i] : 1);
		reader = blob_reader_of((struct text){(char *)writer.bytes, (uint32_t)writer.len});
		assert_false(tail_load(&tail, &reader));
		assert_memory_equal(&tail, &before, sizeof(tail));
		blob_writer_done(&writer);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_step_form),
		cmocka_unit_test(forgets_alike_in_any_number_of_steps),
		cmocka_unit_test(ignores_what_is_no_number),
		cmocka_unit_test(more_bits_never_claim_below_an_epoch),
		cmocka_unit_test(incident_claims_hold),
		cmocka_unit_test(tails_survive_an_image),
		cmocka_unit_test(tails_give_way_and_count),
		cmocka_unit_test(bad_tails_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
