#include "daemon/rules_swap.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/pauses.h"
#include "rules/rule_set.h"

#define S UINT64_C(1000000000)

static struct rule_set *make_set(void)
{
	struct rule_set *set = NULL;

	assert_int_equal(rule_set_create(&set, 0), 0);
	return set;
}

static void rules_wait_for_the_events_of_the_old_ones(void **state)
{
	static const struct {
		const char *name;
		uint64_t not_before_ns, last_event_ns;
		unsigned drained; /* behind the offer's first sight */
		bool is_taken;
	} rows[] = {
		{"events of before are left", 100, 99, 0, false},
		{"a newer event was seen", 100, 100, 0, true},
		{"all that was there was seen", 100, 50, 1, true},
		{"no limit", 0, 0, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rule_set *set = make_set(), *taken;
		struct rules_swap swap;

		assert_int_equal(rules_swap_init(&swap), 0);
		rules_swap_drained(&swap); /* before the offer: says nothing of it */
		assert_null(rules_swap_take(&swap, 0));
		rules_swap_offer(&swap, set, rows[i].not_before_ns);
		if (rows[i].drained)
			assert_null(rules_swap_take(&swap, rows[i].last_event_ns));
		for (unsigned k = 0; k < rows[i].drained; k++)
			rules_swap_drained(&swap);
		taken = rules_swap_take(&swap, rows[i].last_event_ns);
		if (taken != (rows[i].is_taken ? set : NULL))
			fail_msg("%s", rows[i].name);
		rule_set_destroy(&taken);
		rules_swap_done(&swap);
	}
}

static void an_offer_nobody_takes_is_withdrawn(void **state)
{
	struct rules_swap swap;
	struct rule_set *old = NULL;
	atomic_bool stop = false;

	(void)state;
	assert_int_equal(rules_swap_init(&swap), 0);
	rules_swap_offer(&swap, make_set(), 0);
	assert_int_equal(rules_swap_wait(&swap, 60, &stop, &old), -ETIMEDOUT);
	assert_null(rules_swap_take(&swap, S));
	rules_swap_offer(&swap, make_set(), 0);
	stop = true;
	assert_int_equal(rules_swap_wait(&swap, 1000000, &stop, &old), -ECANCELED);
	assert_null(rules_swap_take(&swap, S));
	assert_null(old);
	rules_swap_offer(&swap, make_set(), 0); /* left behind: goes with the swap */
	rules_swap_done(&swap);
}

struct player {
	struct rules_swap swap;
	atomic_bool is_over;
	uint64_t n_swaps;
	struct rule_set *used;
};

static void *play_pipeline(void *arg)
{
	struct player *p = arg;

	while (!atomic_load(&p->is_over)) {
		struct rule_set *next = rules_swap_take(&p->swap, 0);

		if (next) {
			rules_swap_give_back(&p->swap, p->used);
			p->used = next;
			p->n_swaps++;
		}
		assert_int_equal(rule_set_size(p->used), 0); /* freed ones would be found here */
		rules_swap_drained(&p->swap);
	}
	return NULL;
}

static void every_set_comes_back(void **state)
{
	struct player p = {.used = make_set()};
	const struct rule_set *in_use = p.used;
	atomic_bool stop = false;
	pthread_t thread;

	(void)state;
	assert_int_equal(rules_swap_init(&p.swap), 0);
	pthread_create(&thread, NULL, play_pipeline, &p);
	for (int i = 0; i < 500; i++) {
		struct rule_set *next = make_set(), *old = NULL;

		rules_swap_offer(&p.swap, next, 1);
		assert_int_equal(rules_swap_wait(&p.swap, 10000, &stop, &old), 0);
		assert_ptr_equal(old, in_use);
		rule_set_destroy(&old);
		in_use = next;
	}
	atomic_store(&p.is_over, true);
	pthread_join(thread, NULL);
	assert_int_equal(p.n_swaps, 500);
	assert_ptr_equal(p.used, in_use);
	rule_set_destroy(&p.used);
	rules_swap_done(&p.swap);
}

static void the_longest_pause_is_kept_and_the_recent_forgotten(void **state)
{
	struct pauses p = {0};

	(void)state;
	pauses_note(&p, 100 * S, 100 * S + 7);
	assert_int_equal(p.longest_ns, 7);
	assert_int_equal(pauses_recent_ns(&p), 7);
	pauses_note(&p, 101 * S, 101 * S + 3);
	assert_int_equal(pauses_recent_ns(&p), 7);
	pauses_note(&p, 112 * S, 112 * S + 5); /* the next window */
	assert_int_equal(pauses_recent_ns(&p), 7);
	pauses_note(&p, 123 * S, 123 * S + 2); /* the one after */
	assert_int_equal(pauses_recent_ns(&p), 5);
	pauses_note(&p, 500 * S, 500 * S + 1); /* nothing for long */
	assert_int_equal(pauses_recent_ns(&p), 1);
	assert_int_equal(p.longest_ns, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_wait_for_the_events_of_the_old_ones),
		cmocka_unit_test(an_offer_nobody_takes_is_withdrawn),
		cmocka_unit_test(every_set_comes_back),
		cmocka_unit_test(the_longest_pause_is_kept_and_the_recent_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
