/* Counting and following allocate nothing, whatever comes; linked with --wrap. */
#include "tests/unit/rules/window_test.h"

#define N_EVENTS 30000

static uint64_t n_allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
	n_allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	n_allocations++;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	n_allocations++;
	return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	n_allocations++;
	return __real_aligned_alloc(alignment, size);
}

static const char rules[] = RULE("plain", EVENTS,
				 "  count: {by: [t.key], within: 10s, at_least: 40}\n")
	RULE("distinct", EVENTS,
	     "  count: {by: [t.key], within: 10s, at_least: 20, distinct: t.value}\n") "- rule: sequence\n  desc: d\n  output: o\n  priority: INFO\n"
										       "  sequence: [t.a = 1, t.b = 1, t.c = 1, t.d = 1]\n  by: ['toupper(t.name)']\n  within: 10s\n";

static void events_allocate_nothing(void **state)
{
	const struct rule_options options = {
		.match_all = true, .min_priority = PRIORITY_DEBUG, .window_bytes = 1};
	struct rule_match matches[RULE_MATCHES_MAX];
	struct rule_window_counters c;
	uint64_t before, n_matches = 0;
	unsigned seed = 5;
	struct watch w;

	(void)state;
	before = n_allocations;
	watch_begin(&w, rules, &options);
	assert_true(n_allocations > before + 10); /* they are seen */
	before = n_allocations;
	for (int i = 0; i < N_EVENTS; i++) {
		const struct moment event = {.at_ms = i / 4,
					     .key = rand_r(&seed) % (rand_r(&seed) % 4 ? 20 : 2000),
					     .value = rand_r(&seed) % 60,
					     .steps = rand_r(&seed) % 16};

		n_matches += watch_event(&w, &event, matches);
	}
	assert_int_equal(n_allocations, before);
	rule_set_window_counters(w.set, &c);
	assert_true(n_matches > 100 && c.evicted_total > 1000);
	watch_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
