#include "daemon/demand.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

#define SEVEN UINT64_C(7)

/* Something in every member. */
static struct capture_demand some_demand(void)
{
	struct capture_demand d = {.max_cpu_ratio = NAN};

	d.wanted.types[0] = d.wanted.syscalls[1] = SEVEN;
	d.classes.types[2] = d.classes.syscalls[3] = 7;
	d.needs = (struct capture_needs){.data_bytes = 80, .typed_names = true};
	d.needs.data[0] = d.needs.lists[0] = d.needs.all_sends[0] = SEVEN;
	return d;
}

enum change {
	CHANGE_NOTHING,
	CHANGE_TYPE,
	CHANGE_SYSCALL,
	CHANGE_CLASS,
	CHANGE_CALL_CLASS,
	CHANGE_NAMES,
	CHANGE_ANSWERS,
	CHANGE_BYTES,
	CHANGE_DATA,
	CHANGE_LISTS,
	CHANGE_SENDS,
	CHANGE_LIMIT,
};

static void change(struct capture_demand *d, enum change what)
{
	d->wanted.types[0] ^= what == CHANGE_TYPE;
	d->wanted.syscalls[SYSCALL_SET_WORDS - 1] ^= what == CHANGE_SYSCALL;
	d->classes.types[ARRAY_SIZE(d->classes.types) - 1] ^= what == CHANGE_CLASS;
	d->classes.syscalls[0] ^= what == CHANGE_CALL_CLASS;
	d->needs.typed_names ^= what == CHANGE_NAMES;
	d->needs.answers ^= what == CHANGE_ANSWERS;
	d->needs.data_bytes ^= what == CHANGE_BYTES;
	d->needs.data[NEEDS_WORDS - 1] ^= what == CHANGE_DATA;
	d->needs.lists[0] ^= what == CHANGE_LISTS;
	d->needs.all_sends[0] ^= what == CHANGE_SENDS;
	d->max_cpu_ratio = what == CHANGE_LIMIT ? 0.5 : d->max_cpu_ratio;
}

static void every_member_tells_demands_apart(void **state)
{
	static const struct {
		const char *name;
		enum change what;
	} rows[] = {
		{"nothing", CHANGE_NOTHING},
		{"event type", CHANGE_TYPE},
		{"system call", CHANGE_SYSCALL},
		{"class of a type", CHANGE_CLASS},
		{"class of a call", CHANGE_CALL_CLASS},
		{"typed names", CHANGE_NAMES},
		{"answers", CHANGE_ANSWERS},
		{"bytes of data", CHANGE_BYTES},
		{"data", CHANGE_DATA},
		{"lists", CHANGE_LISTS},
		{"sends", CHANGE_SENDS},
		{"limit", CHANGE_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct capture_demand a = some_demand(), b = some_demand();

		change(&b, rows[i].what);
		if (capture_demand_is_same(&a, &b) != (rows[i].what == CHANGE_NOTHING) ||
		    capture_demand_is_same(&b, &a) != (rows[i].what == CHANGE_NOTHING))
			fail_msg("%s", rows[i].name);
	}
}

static void limits_are_compared(void **state)
{
	struct capture_demand a = some_demand(), b = some_demand();

	(void)state;
	a.max_cpu_ratio = 0.25;
	b.max_cpu_ratio = 0.5;
	assert_false(capture_demand_is_same(&a, &b));
	b.max_cpu_ratio = 0.25;
	assert_true(capture_demand_is_same(&a, &b));
}

/* During a reload both sets are captured: one that adds nothing changes nothing. */
static void joining_less_is_the_same(void **state)
{
	struct capture_demand a = some_demand(), less = some_demand(), both;

	(void)state;
	less.wanted.types[0] = 1;
	less.needs.typed_names = false;
	capture_demand_join(&both, &a, &less);
	assert_true(capture_demand_is_same(&both, &a));
	assert_false(capture_demand_is_same(&both, &less));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_tells_demands_apart),
		cmocka_unit_test(limits_are_compared),
		cmocka_unit_test(joining_less_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
