#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/rescan_plan.h"

#define MS UINT64_C(1000000)
#define BEGIN (UINT64_C(1000) * MS)

static void one_burst_is_repaired_when_it_is_over(void **state)
{
	struct rescan_plan plan = {0};

	(void)state;
	assert_false(rescan_plan_is_due(&plan, BEGIN));
	for (uint64_t ms = 0; ms < 400; ms += 10)
		rescan_plan_lost(&plan, BEGIN + ms * MS);
	assert_false(rescan_plan_is_due(&plan, BEGIN + 439 * MS));
	assert_true(rescan_plan_is_due(&plan, BEGIN + 440 * MS));
	rescan_plan_began(&plan);
	assert_false(rescan_plan_is_due(&plan, BEGIN + 900 * MS));
}

static void what_is_lost_meanwhile_needs_another(void **state)
{
	struct rescan_plan plan = {0};

	(void)state;
	rescan_plan_lost(&plan, BEGIN);
	rescan_plan_began(&plan);
	rescan_plan_lost(&plan, BEGIN + 60 * MS);
	rescan_plan_ended(&plan, BEGIN + 50 * MS, BEGIN + 70 * MS);
	assert_false(rescan_plan_is_due(&plan, BEGIN + 269 * MS));
	assert_true(rescan_plan_is_due(&plan, BEGIN + 270 * MS));
}

/* Loss without an end: at most a fifth of the time has a rescan under way. */
static void continuous_loss_does_not_eat_the_host(void **state)
{
	static const uint64_t durations_ms[] = {1, 30, 200, 2000, 10000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(durations_ms); i++) {
		uint64_t now = BEGIN, took = durations_ms[i] * MS, busy = 0, n = 0;
		const uint64_t end = BEGIN + 600000 * MS;
		struct rescan_plan plan = {0};

		while (now < end) {
			rescan_plan_lost(&plan, now);
			if (rescan_plan_is_due(&plan, now)) {
				rescan_plan_began(&plan);
				rescan_plan_lost(&plan, now + took / 2);
				rescan_plan_ended(&plan, now, now + took);
				now += took;
				busy += took;
				n++;
			}
			now += 10 * MS;
		}
		if (busy > (now - BEGIN) / 5 + took || n < 2)
			fail_msg("%lu ms each: %lu of them, busy %lu of %lu ms",
				 (unsigned long)durations_ms[i], (unsigned long)n,
				 (unsigned long)(busy / MS), (unsigned long)((now - BEGIN) / MS));
	}
}

static void a_change_of_what_is_captured_is_followed_at_once(void **state)
{
	struct rescan_plan plan = {0};

	(void)state;
	rescan_plan_lost(&plan, BEGIN);
	rescan_plan_began(&plan);
	rescan_plan_ended(&plan, BEGIN, BEGIN + 100 * MS);
	rescan_plan_now(&plan);
	assert_true(rescan_plan_is_due(&plan, BEGIN + 101 * MS));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_burst_is_repaired_when_it_is_over),
		cmocka_unit_test(what_is_lost_meanwhile_needs_another),
		cmocka_unit_test(continuous_loss_does_not_eat_the_host),
		cmocka_unit_test(a_change_of_what_is_captured_is_followed_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
