/* Clocks that jump, with readings made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/clock_watch.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)

struct seen {
	uint32_t n;
	char reason[32];
	uint64_t from_ns, to_ns, events;
};

static void keep(struct record_gap *gap, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	snprintf(seen->reason, sizeof(seen->reason), "%.*s", TEXT_ARGS(gap->reason));
	seen->from_ns = gap->from_ns;
	seen->to_ns = gap->to_ns;
	seen->events = gap->events;
	record_free(gap);
}

static const struct clock_reading begin = {100 * SECOND, 90 * SECOND, 5000 * SECOND};

static void jumps_are_gaps(void **state)
{
	static const struct {
		const char *name;
		int64_t boot, monotonic, real; /* how far each clock went */
		const char *reason;            /* NULL: nothing to tell */
		uint64_t from_ns, to_ns;
	} rows[] = {
		{"a second", SECOND, SECOND, SECOND, NULL, 0, 0},
		{"an hour under SIGSTOP", HOUR, HOUR, HOUR, NULL, 0, 0},
		{"slewed as fast as the kernel can", SECOND, SECOND, SECOND + 100 * MS, NULL, 0, 0},
		{"read slowly", SECOND + 50 * MS, SECOND, SECOND + 50 * MS, NULL, 0, 0},
		{"suspended", HOUR, 1 * SECOND, HOUR, "suspend", 5001 * SECOND,
		 5000 * SECOND + HOUR},
		{"set forward", SECOND, SECOND, SECOND + HOUR, "clock set forward", 5001 * SECOND,
		 5001 * SECOND + HOUR},
		{"set back", SECOND, SECOND, SECOND - 30 * (int64_t)SECOND, "clock set back",
		 4971 * SECOND, 5001 * SECOND},
		{"just slewed", SECOND, SECOND, 2 * SECOND - 1, NULL, 0, 0},
		{"just a step", SECOND, SECOND, 2 * SECOND, "clock set forward", 5001 * SECOND,
		 5002 * SECOND},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct clock_reading now = {begin.boot_ns + (uint64_t)rows[i].boot,
					    begin.monotonic_ns + (uint64_t)rows[i].monotonic,
					    begin.real_ns + (uint64_t)rows[i].real};
		struct clock_watch watch = {0};
		struct seen seen = {0};
		struct gaps *gaps = NULL;

		assert_int_equal(gaps_create(&gaps, 1), 0);
		clock_watch_look(&watch, &begin, gaps);
		clock_watch_look(&watch, &now, gaps);
		gaps_flush(gaps, keep, &seen);
		if (seen.n != (rows[i].reason != NULL))
			fail_msg("%s: %u gaps", rows[i].name, seen.n);
		if (rows[i].reason &&
		    (strcmp(seen.reason, rows[i].reason) != 0 || seen.from_ns != rows[i].from_ns ||
		     seen.to_ns != rows[i].to_ns))
			fail_msg("%s: '%s' from %lu to %lu", rows[i].name, seen.reason,
				 (unsigned long)seen.from_ns, (unsigned long)seen.to_ns);
		/* What followed was regular. */
		seen.n = 0;
		now.boot_ns += SECOND;
		now.monotonic_ns += SECOND;
		now.real_ns += SECOND;
		clock_watch_look(&watch, &now, gaps);
		gaps_flush(gaps, keep, &seen);
		assert_int_equal(seen.n, 0);
		gaps_destroy(&gaps);
	}
}

static void a_suspend_and_a_step_are_two(void **state)
{
	struct clock_reading now = {begin.boot_ns + HOUR, begin.monotonic_ns + SECOND,
				    begin.real_ns + 2 * HOUR};
	struct gap_counters counters[GAP_REASON_END];
	struct clock_watch watch = {0};
	struct gaps *gaps = NULL;

	(void)state;
	assert_int_equal(gaps_create(&gaps, 1), 0);
	clock_watch_look(&watch, &begin, gaps);
	clock_watch_look(&watch, &now, gaps);
	gaps_counters(gaps, counters);
	assert_int_equal(counters[GAP_SUSPEND].gaps_total, 1);
	assert_int_equal(counters[GAP_CLOCK_FORWARD].gaps_total, 1);
	assert_int_equal(counters[GAP_CLOCK_BACK].gaps_total, 0);
	gaps_destroy(&gaps);
}

static void downtime_reaches_to_the_last_checkpoint(void **state)
{
	static const struct {
		const char *name;
		struct last_run last;
		const char *reason;
		uint64_t from_ns;
	} rows[] = {
		{"first start", {0, 0, false}, NULL, 0},
		{"restart", {4990 * SECOND, 90 * SECOND, true}, "downtime", 4990 * SECOND},
		{"restart, clock set back meanwhile",
		 {9990 * SECOND, 90 * SECOND, true},
		 "downtime",
		 4990 * SECOND},
		{"restart, clock set forward meanwhile",
		 {10 * SECOND, 90 * SECOND, true},
		 "downtime",
		 4990 * SECOND},
		{"of an older version", {4000 * SECOND, 0, true}, "downtime", 4000 * SECOND},
		{"reboot",
		 {4000 * SECOND, 777 * SECOND, false},
		 "downtime, rebooted",
		 4000 * SECOND},
		{"reboot into the past",
		 {6000 * SECOND, 777 * SECOND, false},
		 "downtime, rebooted",
		 5000 * SECOND},
		{"boot clock of the future",
		 {4000 * SECOND, 777 * SECOND, true},
		 "downtime",
		 4000 * SECOND},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct seen seen = {0};
		struct gaps *gaps = NULL;

		assert_int_equal(gaps_create(&gaps, 1), 0);
		clock_watch_downtime(&rows[i].last, &begin, gaps);
		gaps_flush(gaps, keep, &seen);
		if (seen.n != (rows[i].reason != NULL))
			fail_msg("%s: %u gaps", rows[i].name, seen.n);
		if (rows[i].reason &&
		    (strcmp(seen.reason, rows[i].reason) != 0 || seen.from_ns != rows[i].from_ns ||
		     seen.to_ns != begin.real_ns || seen.events != GAP_EVENTS_UNKNOWN))
			fail_msg("%s: '%s' from %lu", rows[i].name, seen.reason,
				 (unsigned long)seen.from_ns);
		gaps_destroy(&gaps);
	}
}

static void a_reading_is_of_one_moment(void **state)
{
	struct clock_reading now = clock_read();

	(void)state;
	assert_true(now.boot_ns && now.boot_ns <= clock_boot_ns());
	assert_true(now.monotonic_ns && now.monotonic_ns <= clock_monotonic_ns());
	assert_true(now.real_ns > SECOND);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(jumps_are_gaps),
		cmocka_unit_test(a_suspend_and_a_step_are_two),
		cmocka_unit_test(downtime_reaches_to_the_last_checkpoint),
		cmocka_unit_test(a_reading_is_of_one_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
