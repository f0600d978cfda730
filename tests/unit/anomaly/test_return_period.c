#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "anomaly/return_period.h"
#include "base/util.h"

#define CLOSE(got, want) (fabs((got) - (want)) <= 1e-3 * fabs((double)(want)) + 1e-9)

static struct stream_view stream(double rate, double longest, uint32_t age)
{
	return (struct stream_view){.rate_per_epoch = rate,
				    .rate_high_per_epoch = rate * 2,
				    .longest_claim_epochs = longest,
				    .age_epochs = age};
}

/* Wanted figures are worked out by hand from (stream_bits + parent_bits) / 2,
 * stream_bits = -log2 rate, parent_bits = -log2((c + 4 rate) / (e + 4)). */
static void computes_bits_and_return_period(void **state)
{
	static const struct {
		const char *name;
		double rate, longest;
		uint32_t age, level, parent_epochs, child_epochs;
		double unit_s;
		double want_bits, want_s;
		bool want_capped;
	} rows[] = {
		/* (6.6439 + 7.4669) / 2: beyond log2 100 */
		{"coarsest, capped", 0.01, 100, 180, 0, 2, 1, 1, 6.6439, 100, true},
		/* the same, without the cap */
		{"coarsest", 0.01, 142, 180, 0, 2, 1, 1, 7.0554, 133.01, false},
		/* (6.6439 + 4.3670) / 2 = 5.5054: 45.43 epochs */
		{"finer, ten minutes", 0.01, 97, 180, 2, 100, 5, 600, 5.5054, 27255.4, false},
		/* (5.6439 + 2.2109) / 2 = 3.9274 */
		{"barely known parent claims little", 0.02, 97, 180, 2, 1, 1, 1, 3.9274, 15.214,
		 false},
		/* (1 + 4) / (1 + 4): something new every epoch */
		{"always new", 1, 0, 1, 0, 1, 1, 1, 0, 1, false},
		{"unborn stream", 0, 0, 0, 0, 0, 0, 1, 0, 1, false},
		{"not a number", NAN, 100, 180, 1, 100, 0, 1, 0, 1, false},
		/* c = e = 4: (6.6439 - log2(4.04 / 8)) / 2 = 3.8148 */
		{"more children than epochs", 0.01, 97, 180, 1, 4, 400, 1, 3.8148, 14.072, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct novelty n = {
			.stream = stream(rows[i].rate, rows[i].longest, rows[i].age),
			.level = rows[i].level,
			.parent_epochs = rows[i].parent_epochs,
			.child_epochs = rows[i].child_epochs,
			.unit_s = rows[i].unit_s,
		};
		struct claim got;

		return_period_claim(&n, &got);
		if (!CLOSE(got.bits, rows[i].want_bits) ||
		    !CLOSE(got.return_period_s, rows[i].want_s) ||
		    got.is_capped != rows[i].want_capped || got.population_factor != 1)
			fail_msg("%s: %f bits, %f s, capped %d", rows[i].name, got.bits,
				 got.return_period_s, got.is_capped);
	}
}

static void never_exceeds_the_longest_claim(void **state)
{
	(void)state;
	for (uint32_t age = 1; age < 20000; age = age * 5 / 4 + 1) {
		double longest = (age / 3.77 + 1) / 0.5;

		for (uint32_t children = 0; children < 4; children++) {
			struct novelty n = {.stream = stream(1 / longest, longest, age),
					    .level = 1,
					    .parent_epochs = age,
					    .child_epochs = children,
					    .unit_s = 600};
			struct claim got;

			return_period_claim(&n, &got);
			assert_true(got.return_period_s <= longest * 600 * (1 + 1e-9));
			assert_true(CLOSE(got.return_period_s, 600 * exp2(got.bits)));
		}
	}
}

static void weighs_the_population(void **state)
{
	static const struct {
		const char *name;
		uint32_t level;
		bool known, is_never_excused;
		double pool_rate;
		double want_factor;
	} rows[] = {
		{"known elsewhere softens five times", 1, true, false, 0.001, 0.2},
		{"but not privilege", 1, true, true, 0.001, 1},
		{"nor the coarsest level", 0, true, false, 0.001, 1},
		/* a pool ten times as experienced: sqrt 10 through the mean with the parent */
		{"new to all earns the pool's claim", 1, false, false, 0.001, 3.1623},
		{"also privilege", 1, false, true, 0.001, 3.1623},
		{"a pool that knows less changes nothing", 1, false, false, 0.1, 1},
		{"a pool without a record changes nothing", 1, false, false, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct novelty n = {
			.stream = stream(0.01, 100, 180),
			.level = rows[i].level,
			.parent_epochs = 100,
			.child_epochs = 5,
			.unit_s = 1,
			.has_population = true,
			.population_known = rows[i].known,
			.population_rate = rows[i].pool_rate,
			.is_never_excused = rows[i].is_never_excused,
		};
		struct claim got;

		return_period_claim(&n, &got);
		if (!CLOSE(got.population_factor, rows[i].want_factor))
			fail_msg("%s: factor %f", rows[i].name, got.population_factor);
	}
}

static void a_pool_claims_no_longer_than_its_own_record(void **state)
{
	struct novelty n = {.stream = stream(0.004, 200, 700),
			    .level = 1,
			    .parent_epochs = 1000000,
			    .child_epochs = 0,
			    .unit_s = 1,
			    .has_population = true,
			    .population_rate = 0.001};
	struct claim got;

	(void)state;
	return_period_claim(&n, &got);
	assert_true(CLOSE(got.return_period_s, 1000));
	assert_true(CLOSE(got.longest_s, 1000));
}

static void stops_at_the_upper_bound(void **state)
{
	struct novelty n = {.stream = stream(1e-11, 1e12, 4000000000u),
			    .level = 0,
			    .parent_epochs = 4000000000u,
			    .unit_s = 600};
	struct claim got;

	(void)state;
	return_period_claim(&n, &got);
	assert_true(got.return_period_s == RETURN_PERIOD_MAX_S);
	assert_true(got.is_capped);
	assert_true(got.longest_s <= RETURN_PERIOD_MAX_S);
}

static void converts_epochs_to_calendar_time(void **state)
{
	static const struct {
		const char *name;
		double epoch_s, share, basis_s;
		uint32_t age;
		double want;
	} rows[] = {
		{"always active", 600, 1, 60000, 100, 600},
		{"one epoch in ten", 600, 0.1, 600000, 100, 6000},
		{"no share known", 600, 0, 60000, 100, 600},
		{"a share that would make the stream older than what was observed", 1, 0.01, 180,
		 180, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct profile_view view = {.epoch_s = rows[i].epoch_s,
					    .active_share = rows[i].share,
					    .basis_s = rows[i].basis_s};
		struct stream_view s = stream(0.1, 10, rows[i].age);
		double got = return_period_unit_s(&view, &s);

		if (!CLOSE(got, rows[i].want))
			fail_msg("%s: %f", rows[i].name, got);
	}
}

/* A minutes-old baseline with epochs of a second: the case of a live trial. A program that the
 * service never ran must claim more than a new file in a known directory, and no more than three
 * quarters of the age. */
static void a_young_baseline_ranks_programs_above_files(void **state)
{
	static const uint32_t ages[] = {180, 240, 300, 600};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		double x = ages[i] / 3.77;
		struct novelty exec = {.stream = stream(0.35 / (x + 1), (x + 1) / 0.35, ages[i]),
				       .level = 0,
				       .parent_epochs = 2,
				       .child_epochs = 1,
				       .unit_s = 1};
		struct novelty file = {.stream = stream(0.5 / (x + 1), (x + 1) / 0.5, ages[i]),
				       .level = 2,
				       .parent_epochs = 2,
				       .child_epochs = 1,
				       .unit_s = 1};
		struct claim program, leaf;

		return_period_claim(&exec, &program);
		return_period_claim(&file, &leaf);
		assert_true(program.return_period_s > 20);
		assert_true(program.return_period_s > leaf.return_period_s);
		assert_true(leaf.return_period_s > 15);
		assert_true(program.return_period_s < 0.8 * ages[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(computes_bits_and_return_period),
		cmocka_unit_test(never_exceeds_the_longest_claim),
		cmocka_unit_test(weighs_the_population),
		cmocka_unit_test(a_pool_claims_no_longer_than_its_own_record),
		cmocka_unit_test(stops_at_the_upper_bound),
		cmocka_unit_test(converts_epochs_to_calendar_time),
		cmocka_unit_test(a_young_baseline_ranks_programs_above_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
