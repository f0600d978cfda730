/* Calls that nobody can use are dropped in the kernel: exactly those, and the set changes while
 * running. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/call_class.h"
#include "base/util.h"
#include "filter/possible.h"
#include "tests/live/call_matrix.h"
#include "tests/live/live.h"

static const enum event_type types[] = {
	EVENT_OPEN,  EVENT_OPENAT, EVENT_OPENAT2, EVENT_CREAT, EVENT_CONNECT,
	EVENT_CHMOD, EVENT_RENAME, EVENT_UNLINK,  EVENT_MKDIR, EVENT_TYPE_END,
};

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void child_calls(void *arg)
{
	call_matrix_run(arg);
}

static void run_matrix(struct live_test *t)
{
	char folder[] = "/tmp/ethogram-push-XXXXXX";

	assert_non_null(mkdtemp(folder));
	live_run(t, child_calls, folder);
	nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(t->child_status, 0);
}

static void set_classes(struct live_test *t, uint32_t mask)
{
	struct call_classes classes;

	for (uint32_t type = 0; type < EVENT_TYPE_END; type++)
		classes.types[type] = mask;
	for (uint32_t nr = 0; nr < ARRAY_SIZE(classes.syscalls); nr++)
		classes.syscalls[nr] = mask;
	live_source_set_classes(t->source, classes.types, classes.syscalls);
	live_want(t, types);
}

/* How many of each type and class came. */
struct census {
	uint32_t n[EVENT_TYPE_END][CALL_CLASS_END];
};

static void count(const struct live_test *t, struct census *census)
{
	memset(census, 0, sizeof(*census));
	for (uint32_t i = 0; i < t->n_events; i++) {
		const struct event *ev = &t->events[i].ev;

		if (ev->has_res)
			census->n[ev->type][event_call_class(ev)]++;
	}
}

/* The kernel cannot tell what openat2 opens for, and no other call of the matrix opens anything. */
static bool is_expected(enum event_type type, uint32_t class, uint32_t mask)
{
	if (type == EVENT_OPENAT2 || !event_type_opens(type))
		return mask & CALL_CLASSES(class / CALL_DETAIL_END);
	return mask >> class & 1;
}

static uint32_t classes_seen(const struct census *census)
{
	uint32_t seen = 0;

	for (size_t i = 0; types[i] != EVENT_TYPE_END; i++) {
		for (uint32_t class = 0; class < CALL_CLASS_END; class ++)
			seen |= (uint32_t)(census->n[types[i]][class] > 0) << class;
	}
	return seen;
}

static void exactly_the_useless_is_dropped(void **state)
{
	static const uint32_t masks[] = {
		CALL_CLASSES(CALL_SUCCEEDED),
		CALL_CLASSES(CALL_DENIED),
		CALL_CLASSES(CALL_IN_PROGRESS),
		CALL_CLASSES(CALL_FAILED),
		0xaaaaaaaa, /* reading */
		0x000000cc, /* writing, successfully */
		0x0000f000, /* creating, denied */
		0x01010101, /* neither reading nor writing */
	};
	static struct census all, some;
	struct live_test *t = *state;

	set_classes(t, CALL_CLASSES_ALL);
	run_matrix(t);
	count(t, &all);
	/* The matrix has something of each outcome, and successful opens of every access. */
	assert_int_equal(classes_seen(&all) & 0xcf, 0xcf);
	for (uint32_t outcome = 0; outcome < CALL_OUTCOME_END; outcome++)
		assert_true(classes_seen(&all) & CALL_CLASSES(outcome));
	for (size_t m = 0; m < ARRAY_SIZE(masks); m++) {
		set_classes(t, masks[m]);
		run_matrix(t);
		count(t, &some);
		for (size_t i = 0; types[i] != EVENT_TYPE_END; i++) {
			for (uint32_t class = 0; class < CALL_CLASS_END; class ++) {
				bool is_wanted = is_expected(types[i], class, masks[m]);
				uint32_t want = is_wanted ? all.n[types[i]][class] : 0;

				if (some.n[types[i]][class] != want)
					fail_msg("mask %08x: %s, class %u: %u events, not %u",
						 masks[m], event_info(types[i])->name, class,
						 some.n[types[i]][class], want);
			}
		}
	}
}

static uint64_t counter(struct live_test *t, enum event_type type, uint64_t *rescans)
{
	static struct source_counters counters;

	t->source->ops->counters(t->source, &counters);
	*rescans = counters.rescans_total;
	return counters.by_type[type].shed;
}

/* What is shed is counted, not reported; when it comes back, state catches up. */
static void what_is_shed_is_counted_and_repaired(void **state)
{
	struct live_test *t = *state;
	uint64_t shed_types[(EVENT_TYPE_END + 63) / 64] = {0}, before, rescans, now;
	const struct event *ev;

	set_classes(t, CALL_CLASSES_ALL);
	before = counter(t, EVENT_CREAT, &rescans);
	shed_types[EVENT_CREAT / 64] |= UINT64_C(1) << EVENT_CREAT % 64;
	live_source_set_shed(t->source, shed_types, NULL);
	run_matrix(t);
	assert_int_equal(live_count(t, EVENT_CREAT), 0);
	assert_true(live_count(t, EVENT_OPENAT) > 0);
	assert_true(counter(t, EVENT_CREAT, &rescans) - before >= 111); /* of the matrix */
	live_source_set_shed(t->source, NULL, NULL);
	for (int i = 0; i < 600; i++) {
		while (source_next(t->source, &ev) > 0)
			continue;
		counter(t, EVENT_CREAT, &now);
		if (now > rescans)
			break;
		t->source->ops->wait(t->source, 50);
	}
	assert_true(now > rescans);
	run_matrix(t);
	assert_int_equal(live_count(t, EVENT_CREAT), 111);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_useless_is_dropped),
		cmocka_unit_test(what_is_shed_is_counted_and_repaired),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
