/* The book of gaps, and what the loss counters become in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/losses.h"

#define SECOND UINT64_C(1000000000)
#define NOW (5000 * SECOND)

struct seen {
	uint32_t n;
	struct record_gap *gaps[64];
};

static void keep(struct record_gap *gap, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->n < ARRAY_SIZE(seen->gaps));
	seen->gaps[seen->n++] = gap;
}

static void forget(struct seen *seen)
{
	while (seen->n)
		record_free(seen->gaps[--seen->n]);
}

static struct record_gap *only(struct seen *seen, struct gaps *gaps)
{
	forget(seen);
	gaps_flush(gaps, keep, seen);
	assert_int_equal(seen->n, 1);
	return seen->gaps[0];
}

static void continuous_loss_is_one_row(void **state)
{
	struct gap_counters counters[GAP_REASON_END];
	struct seen seen = {0};
	struct gaps *gaps = NULL;
	struct record_gap *gap;

	(void)state;
	assert_int_equal(gaps_create(&gaps, 7), 0);
	for (uint64_t s = 0; s < 10000; s++) {
		gaps_add(gaps, GAP_RING_FULL, NOW + s * SECOND, NOW + (s + 1) * SECOND, 3);
		gap = only(&seen, gaps);
		assert_int_equal(gap->id, 7);
	}
	assert_int_equal(gap->from_ns, NOW);
	assert_int_equal(gap->to_ns, NOW + 10000 * SECOND);
	assert_int_equal(gap->events, 30000);
	assert_true(text_equal(gap->reason, TEXT("ring full")));
	/* Now and then, for as long as it takes: still one. */
	gaps_add(gaps, GAP_RING_FULL, NOW + 10030 * SECOND, NOW + 10031 * SECOND, 1);
	assert_int_equal(only(&seen, gaps)->id, 7);
	/* After a longer pause: another. */
	gaps_add(gaps, GAP_RING_FULL, NOW + 10062 * SECOND, NOW + 10063 * SECOND, 2);
	gap = only(&seen, gaps);
	assert_int_equal(gap->id, 8);
	assert_int_equal(gap->events, 2);
	forget(&seen);
	gaps_flush(gaps, keep, &seen);
	assert_int_equal(seen.n, 0);
	gaps_counters(gaps, counters);
	assert_int_equal(counters[GAP_RING_FULL].gaps_total, 2);
	assert_int_equal(counters[GAP_RING_FULL].events_total, 30003);
	gaps_destroy(&gaps);
}

static void reasons_do_not_mix(void **state)
{
	struct seen seen = {0};
	struct gaps *gaps = NULL;

	(void)state;
	assert_int_equal(gaps_create(&gaps, 1), 0);
	for (int reason = 0; reason < GAP_REASON_END; reason++)
		gaps_add(gaps, (enum gap_reason)reason, NOW, NOW + SECOND, 1 + (uint64_t)reason);
	gaps_flush(gaps, keep, &seen);
	assert_int_equal(seen.n, GAP_REASON_END);
	for (uint32_t i = 0; i < seen.n; i++) {
		assert_int_equal(seen.gaps[i]->events, 1 + i);
		assert_int_equal(seen.gaps[i]->id, 1 + i);
		for (uint32_t k = 0; k < i; k++)
			assert_false(text_equal(seen.gaps[i]->reason, seen.gaps[k]->reason));
	}
	forget(&seen);
	gaps_destroy(&gaps);
}

static void the_unknown_stays_unknown(void **state)
{
	struct seen seen = {0};
	struct gaps *gaps = NULL;

	(void)state;
	assert_int_equal(gaps_create(&gaps, 1), 0);
	gaps_add(gaps, GAP_CORRUPT, NOW, NOW, 4);
	gaps_add(gaps, GAP_CORRUPT, NOW, NOW + SECOND, GAP_EVENTS_UNKNOWN);
	gaps_add(gaps, GAP_CORRUPT, NOW + SECOND, NOW + SECOND, 4);
	assert_true(only(&seen, gaps)->events == GAP_EVENTS_UNKNOWN);
	forget(&seen);
	gaps_destroy(&gaps);
}

static void parts_are_bounded_and_add_up(void **state)
{
	struct seen seen = {0};
	struct gaps *gaps = NULL;
	uint64_t sums[2] = {0};
	const char *at;

	(void)state;
	assert_int_equal(gaps_create(&gaps, 1), 0);
	gaps_add(gaps, GAP_RING_FULL, NOW, NOW, 3000);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 300; i++) {
			char name[16];

			snprintf(name, sizeof(name), "%d", i);
			gaps_add_part(gaps, GAP_RING_FULL, "by_type", name, 2);
			gaps_add_part(gaps, GAP_RING_FULL, "by_cpu", name, 3);
		}
	}
	at = only(&seen, gaps)->detail.ptr;
	assert_true(seen.gaps[0]->detail.len < 4096);
	for (int group = 0; group < 2; group++) {
		assert_non_null(at = strstr(at, group ? "\"by_cpu\":{" : "\"by_type\":{"));
		for (at = strchr(at, '{'); *at != '}'; at++) {
			if (*at == ':')
				sums[group] += strtoull(at + 1, NULL, 10);
		}
	}
	assert_int_equal(sums[0], 1200);
	assert_int_equal(sums[1], 1800);
	forget(&seen);
	gaps_destroy(&gaps);
}

/* Losses ------------------------------------------------------------------------------------- */

static struct source_counters made_up;
static struct state_counters made_up_state;

static void give_counters(const struct source *source, struct source_counters *out)
{
	(void)source;
	*out = made_up;
}

/* Stands in for the state. */
void state_counters(const struct state *state, struct state_counters *out)
{
	(void)state;
	*out = made_up_state;
}

static void lose(enum event_type type, uint32_t cpu, uint64_t n)
{
	made_up.by_type[type].dropped += n;
	made_up.dropped_by_cpu[cpu] += n;
	made_up.dropped_total += n;
}

static void counters_become_rows(void **state)
{
	static const struct source_ops ops = {.counters = give_counters};
	struct source source = {.ops = &ops};
	struct losses *losses = NULL;
	struct seen seen = {0};
	struct gaps *gaps = NULL;
	struct record_gap *gap;

	(void)state;
	assert_int_equal(gaps_create(&gaps, 1), 0);
	assert_int_equal(losses_create(&losses), 0);
	assert_int_equal(losses_check(losses, &source, NULL, NOW, gaps), 0);
	gaps_flush(gaps, keep, &seen);
	assert_int_equal(seen.n, 0);

	/* More than 32 bits hold. */
	lose(EVENT_GENERIC, 0, UINT64_C(10000000000));
	lose(EVENT_OPENAT, 1, 5);
	assert_true(losses_check(losses, &source, NULL, NOW + SECOND, gaps) ==
		    UINT64_C(10000000005));
	gap = only(&seen, gaps);
	assert_true(gap->events == UINT64_C(10000000005));
	assert_int_equal(gap->from_ns, NOW);
	assert_int_equal(gap->to_ns, NOW + SECOND);
	assert_non_null(strstr(gap->detail.ptr, "\"openat\":5"));
	assert_non_null(strstr(gap->detail.ptr, ":10000000000"));
	assert_non_null(strstr(gap->detail.ptr, "\"by_cpu\":{\"0\":10000000000,\"1\":5}"));

	/* Programs that did not run: which. */
	made_up.n_programs = 2;
	made_up.programs[0] = (struct source_program_counters){"on_exec", 2};
	made_up.programs[1] = (struct source_program_counters){"on_fork", 0};
	made_up.recursion_missed_total = 2;
	losses_check(losses, &source, NULL, NOW + 2 * SECOND, gaps);
	gap = only(&seen, gaps);
	assert_true(text_equal(gap->reason, TEXT("program not run")));
	assert_true(text_equal(gap->detail, TEXT("{\"by_program\":{\"on_exec\":2}}")));

	/* One that makes no sense is no full ring. */
	made_up.by_type[EVENT_OPENAT].dropped++;
	made_up.dropped_total++;
	made_up.corrupt_total++;
	losses_check(losses, &source, NULL, NOW + 3 * SECOND, gaps);
	assert_true(text_equal(only(&seen, gaps)->reason, TEXT("record unreadable")));

	made_up_state.evicted_total = 3;
	made_up_state.fds_evicted_total = 4;
	made_up.requests_evicted_total = 5;
	losses_check(losses, &source, NULL, NOW + 4 * SECOND, gaps);
	forget(&seen);
	gaps_flush(gaps, keep, &seen);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.gaps[0]->events, 3);
	assert_int_equal(seen.gaps[1]->events, 4);
	assert_int_equal(seen.gaps[2]->events, 5);
	assert_true(text_equal(seen.gaps[2]->reason, TEXT("request evicted")));

	forget(&seen);
	losses_check(losses, &source, NULL, NOW + 5 * SECOND, gaps);
	gaps_flush(gaps, keep, &seen);
	assert_int_equal(seen.n, 0);
	losses_destroy(&losses);
	gaps_destroy(&gaps);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(continuous_loss_is_one_row),
		cmocka_unit_test(reasons_do_not_mix),
		cmocka_unit_test(the_unknown_stays_unknown),
		cmocka_unit_test(parts_are_bounded_and_add_up),
		cmocka_unit_test(counters_become_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
