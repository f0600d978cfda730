#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "anomaly/budget.h"
#include "anomaly/image.h"
#include "base/util.h"
#include "simulate.h"

#define START_NS UINT64_C(1700000000000000000)
#define NS UINT64_C(1000000000)
#define EPOCH_S 600
#define TAG 9

static void a_young_host_asks_for_the_minimum_only(void **state)
{
	struct budget budget;

	(void)state;
	budget_init(&budget, 3, 20, 1);
	for (uint64_t s = 0; s < 3500; s++) {
		budget_advance(&budget, START_NS + s * NS);
		if (s % 10 == 0)
			budget_add(&budget, 200);
		assert_true(budget_threshold_s(&budget) == 20);
	}
	for (uint64_t s = 3500; s < 4000; s++)
		budget_advance(&budget, START_NS + s * NS);
	assert_true(budget_threshold_s(&budget) > 200);
}

static void a_quiet_host_asks_for_the_minimum(void **state)
{
	struct budget budget;

	(void)state;
	budget_init(&budget, 3, 28800, EPOCH_S);
	for (uint64_t e = 0; e < 3000; e++)
		budget_advance(&budget, START_NS + e * EPOCH_S * NS);
	assert_true(budget_threshold_s(&budget) == 28800);
}

static void without_a_budget_only_the_minimum_counts(void **state)
{
	struct budget budget;

	(void)state;
	budget_init(&budget, 0, 100, EPOCH_S);
	for (uint64_t e = 0; e < 500; e++) {
		budget_advance(&budget, START_NS + e * EPOCH_S * NS);
		budget_add(&budget, 1e6);
	}
	assert_true(budget_threshold_s(&budget) == 100);
}

static void downtime_is_one_epoch_at_most(void **state)
{
	struct budget budget;

	(void)state;
	budget_init(&budget, 3, 20, EPOCH_S);
	budget_advance(&budget, START_NS);
	budget_advance(&budget, START_NS + 30 * 86400 * NS);
	assert_true(budget.record.age <= 1);
	budget_advance(&budget, START_NS); /* backwards: nothing */
	assert_true(budget.record.age <= 1);
}

static void the_offset_stays_within_bounds(void **state)
{
	struct budget budget;
	uint64_t now_ns = START_NS;

	(void)state;
	budget_init(&budget, 3, 20, EPOCH_S);
	for (int e = 0; e < 300; e++) {
		budget_advance(&budget, now_ns += EPOCH_S * NS);
		for (int i = 0; i < 100; i++)
			budget_report(&budget);
	}
	assert_true(budget.offset_bits == 10);
	for (int e = 0; e < 100000; e++)
		budget_advance(&budget, now_ns += EPOCH_S * NS);
	assert_true(budget.offset_bits == -4);
}

/* A host of many workloads whose claims are twice to eight times too bold, which a fixed threshold
 * would turn into a hundred reports a day. Claims are Pareto: P(R > r) = epoch / r, and no longer
 * than the workloads' age allows. */
static double reports_per_day(double per_day, double boldness, uint64_t seed)
{
	const uint32_t days = 90, settled = 30, workloads = 36;
	struct budget budget;
	uint64_t random = seed;
	uint32_t reports = 0;

	budget_init(&budget, per_day, 28800, EPOCH_S);
	for (uint32_t e = 0; e < days * 144; e++) {
		budget_advance(&budget, START_NS + (uint64_t)e * EPOCH_S * NS);
		for (uint32_t w = 0; w < workloads; w++) {
			double claim = boldness * EPOCH_S / (1 - sim_random(&random));

			claim = fmin(claim, 2.0 * e * EPOCH_S);
			if (claim >= budget_threshold_s(&budget)) {
				budget_report(&budget);
				reports += e >= settled * 144;
			}
			budget_add(&budget, claim);
		}
	}
	return (double)reports / (days - settled);
}

static void settles_near_the_budget(void **state)
{
	static const struct {
		double per_day, boldness;
	} rows[] = {{3, 1}, {3, 2}, {3, 8}, {1, 2}, {10, 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double got = reports_per_day(rows[i].per_day, rows[i].boldness, i + 1);

		print_message("# budget %.0f, boldness %.0f: %.2f a day\n", rows[i].per_day,
			      rows[i].boldness, got);
		if (got < rows[i].per_day * 0.5 || got > rows[i].per_day * 1.5)
			fail_msg("budget %.0f a day, boldness %.0f: %.2f reports a day",
				 rows[i].per_day, rows[i].boldness, got);
	}
}

static bool reload(const struct budget *from, struct budget *to)
{
	struct blob_writer writer;
	struct blob_reader reader;
	struct record_blob *blob;
	bool is_loaded;

	image_begin(&writer, TAG);
	budget_save(from, &writer);
	blob = image_end(&writer);
	assert_non_null(blob);
	assert_int_equal(image_open(&reader, blob->bytes, TAG), 0);
	is_loaded = budget_load(to, &reader);
	record_free(blob);
	return is_loaded;
}

static void survives_an_image(void **state)
{
	struct budget budget, loaded, other;

	(void)state;
	budget_init(&budget, 3, 20, EPOCH_S);
	for (uint64_t e = 0; e < 500; e++) {
		budget_advance(&budget, START_NS + e * EPOCH_S * NS);
		budget_add(&budget, 1e5);
		budget_report(&budget);
	}
	budget_init(&loaded, 3, 20, EPOCH_S);
	assert_true(reload(&budget, &loaded));
	assert_memory_equal(&loaded, &budget, sizeof(budget));

	/* Counts of another epoch length mean something else: not taken over. */
	budget_init(&other, 3, 20, 60);
	assert_true(reload(&budget, &other));
	assert_true(other.record.age == 0);

	budget.offset_bits = 11;
	assert_false(reload(&budget, &loaded));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_young_host_asks_for_the_minimum_only),
		cmocka_unit_test(a_quiet_host_asks_for_the_minimum),
		cmocka_unit_test(without_a_budget_only_the_minimum_counts),
		cmocka_unit_test(downtime_is_one_epoch_at_most),
		cmocka_unit_test(the_offset_stays_within_bounds),
		cmocka_unit_test(settles_near_the_budget),
		cmocka_unit_test(survives_an_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
