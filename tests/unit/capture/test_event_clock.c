#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/event_clock.h"

#define SECOND UINT64_C(1000000000)

static void samples_step_or_slew(void **state)
{
	static const struct {
		const char *name;
		int64_t error_ns; /* of the second sample */
		int64_t want_ns;  /* correction taken */
	} rows[] = {
		{"exact", 0, 0},
		{"small, forwards", 400000, 400000},
		{"small, backwards", -400000, -400000},
		{"slewed forwards", 20000000, 500000},
		{"slewed backwards", -20000000, -500000},
		{"set by hand, forwards", 3600 * (int64_t)SECOND, 3600 * (int64_t)SECOND},
		{"set by hand, backwards", -3600 * (int64_t)SECOND, -(int64_t)SECOND / 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event_clock clock = {0};
		int64_t before;

		event_clock_sample(&clock, 5 * SECOND, 1000 * SECOND);
		before = clock.offset_ns;
		assert_int_equal(before, 995 * SECOND);
		event_clock_sample(&clock, 6 * SECOND, 1001 * SECOND + (uint64_t)rows[i].error_ns);
		if (clock.offset_ns - before != rows[i].want_ns)
			fail_msg("%s: corrected by %ld", rows[i].name,
				 (long)(clock.offset_ns - before));
	}
}

static void time_never_runs_backwards(void **state)
{
	struct event_clock clock = {0};
	uint64_t last;

	(void)state;
	event_clock_sample(&clock, 5 * SECOND, 1000 * SECOND);
	last = event_clock_ts(&clock, 6 * SECOND);
	assert_int_equal(last, 1001 * SECOND);
	assert_int_equal(event_clock_ts(&clock, 5 * SECOND), last);
	event_clock_sample(&clock, 6 * SECOND, 500 * SECOND);
	assert_int_equal(event_clock_ts(&clock, 6 * SECOND), last);
	assert_int_equal(event_clock_ts(&clock, 7 * SECOND), last + SECOND / 2);
	event_clock_sample(&clock, 7 * SECOND, 2000 * SECOND);
	assert_int_equal(event_clock_ts(&clock, 8 * SECOND), 2001 * SECOND);
}

/* An hour back: two hours later the clocks nearly agree again, and no second stood still. */
static void a_step_back_is_walked_off(void **state)
{
	const uint64_t step_s = 3600;
	struct event_clock clock = {0};
	uint64_t last;

	(void)state;
	event_clock_sample(&clock, 5 * SECOND, 10000 * SECOND);
	last = event_clock_ts(&clock, 5 * SECOND);
	for (uint64_t s = 6; s < 6 + 2 * step_s; s++) {
		uint64_t ts;

		event_clock_sample(&clock, s * SECOND, (9995 - step_s + s) * SECOND);
		ts = event_clock_ts(&clock, s * SECOND);
		if (ts < last + SECOND / 2 || ts > last + SECOND)
			fail_msg("second %lu: moved by %ld", (unsigned long)s, (long)(ts - last));
		last = ts;
	}
	assert_int_equal(last, event_clock_ts(&clock, (5 + 2 * step_s) * SECOND));
	/* What is left is slewed. */
	assert_true(clock.offset_ns < (int64_t)((9996 - step_s) * SECOND));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_step_or_slew),
		cmocka_unit_test(time_never_runs_backwards),
		cmocka_unit_test(a_step_back_is_walked_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
