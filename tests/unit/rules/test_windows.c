/* The memory of counts and sequences: what gives way, what is told of it, what moves to another
 * set. */
#include "rules/windows.h"
#include "tests/unit/rules/window_test.h"

static const struct siphash_key secret = {{1, 2}};

static struct hash128 hash_of(uint32_t list, uint32_t number)
{
	struct siphash s;

	siphash_init(&s, secret);
	siphash_add_u64(&s, list);
	siphash_add_u64(&s, number);
	return siphash_end(&s);
}

static struct windows *make(uint32_t n_lists, uint64_t within_ns)
{
	struct windows *w = NULL;

	assert_int_equal(windows_create(&w, n_lists, 0, secret), 0);
	for (uint32_t i = 0; i < n_lists; i++)
		windows_set_list(w, i, hash_of(i, 1000000), within_ns);
	return w;
}

static struct windows_counters counters(const struct windows *w)
{
	struct windows_counters c;

	windows_counters(w, &c);
	return c;
}

/* Touch a key, made with one cell if it is not there. */
static void touch(struct windows *w, uint32_t list, uint32_t number, uint64_t at_ns)
{
	struct window_key *key =
		windows_get(w, list, hash_of(list, number), windows_now(w, list, at_ns));

	if (key->first == WINDOW_NONE)
		key->first = key->last = windows_take_cell(w, list, key);
}

static bool has(struct windows *w, uint32_t list, uint32_t number, uint64_t at_ns)
{
	return windows_find(w, list, hash_of(list, number), windows_now(w, list, at_ns));
}

static void the_longest_untouched_gives_way(void **state)
{
	struct windows *w = make(1, 1000 * SECOND);
	uint32_t max = counters(w).keys_max;

	(void)state;
	for (uint32_t i = 0; i < max; i++)
		touch(w, 0, i, START_NS + i);
	touch(w, 0, 0, START_NS + max);
	assert_int_equal(counters(w).evicted_total, 0);
	touch(w, 0, max, START_NS + max + 1);
	assert_int_equal(counters(w).evicted_total, 1);
	assert_int_equal(counters(w).keys, max);
	assert_false(has(w, 0, 1, START_NS + max + 2));
	assert_true(has(w, 0, 0, START_NS + max + 2));
	assert_true(has(w, 0, 2, START_NS + max + 2));
	windows_destroy(&w);
}

static void a_flood_costs_its_own_rule(void **state)
{
	struct windows *w = make(3, 1000 * SECOND);
	uint32_t max = counters(w).keys_max;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		touch(w, 0, i, START_NS + i);
	for (uint32_t i = 0; i < 10 * max; i++)
		touch(w, 1, i, START_NS + i);
	for (uint32_t i = 0; i < 20; i++)
		assert_true(has(w, 0, i, START_NS + 1000));
	/* a rule below its share takes of the one that holds most */
	for (uint32_t i = 0; i < max / 3; i++)
		touch(w, 2, i, START_NS + i);
	for (uint32_t i = 0; i < 20; i++)
		assert_true(has(w, 0, i, START_NS + 1000));
	for (uint32_t i = 0; i < max / 3; i++)
		assert_true(has(w, 2, i, START_NS + 1000));
	windows_destroy(&w);
}

/* Whoever holds more than a share pays, also where another holds more still. */
static void a_flood_does_not_cost_the_largest(void **state)
{
	struct windows *w = make(3, 1000 * SECOND);
	uint32_t max = counters(w).keys_max, n_large = max * 6 / 10;

	(void)state;
	for (uint32_t i = 0; i < n_large; i++)
		touch(w, 0, i, START_NS + i);
	for (uint32_t i = 0; i < 10 * max; i++)
		touch(w, 1, i, START_NS + i);
	for (uint32_t i = 0; i < n_large; i++)
		assert_true(has(w, 0, i, START_NS + 10 * max));
	windows_destroy(&w);
}

static void what_is_over_is_not_given_up(void **state)
{
	struct windows *w = make(1, SECOND);
	uint32_t max = counters(w).keys_max;

	(void)state;
	for (uint32_t i = 0; i < 20 * max; i++)
		touch(w, 0, i, START_NS + i * (2 * SECOND / max));
	assert_int_equal(counters(w).evicted_total, 0);
	assert_true(counters(w).keys <= max / 2 + 2);
	windows_destroy(&w);
}

static void one_key_may_hold_all_cells_it_can_ask_for(void **state)
{
	struct windows *w = make(2, 1000 * SECOND);
	uint32_t max = counters(w).keys_max;
	struct window_key *key;
	uint32_t last;

	(void)state;
	for (uint32_t i = 0; i < max - 1; i++)
		touch(w, i % 2, i, START_NS + i);
	key = windows_get(w, 0, hash_of(0, 77777), windows_now(w, 0, START_NS + max));
	last = key->first = windows_take_cell(w, 0, key);
	for (uint32_t i = 0; i < counters(w).cells_max - 2; i++) {
		uint32_t cell = windows_take_cell(w, 0, key);

		windows_cell(w, last)->next = cell;
		last = cell;
	}
	assert_true(counters(w).cells >= counters(w).cells_max - 1);
	windows_drop(w, 0, key);
	assert_true(counters(w).cells <= 1);
	windows_destroy(&w);
}

static void completeness_is_told(void **state)
{
	struct windows *w = make(2, 10 * SECOND);
	uint32_t max = counters(w).keys_max;

	(void)state;
	windows_note_start(w, START_NS);
	assert_false(windows_are_complete(w, 0, START_NS - 1));
	assert_true(windows_are_complete(w, 0, START_NS));
	windows_note_loss(w, START_NS + 5 * SECOND);
	windows_note_loss(w, START_NS + 2 * SECOND);
	assert_false(windows_are_complete(w, 0, START_NS + 5 * SECOND));
	assert_true(windows_are_complete(w, 0, START_NS + 5 * SECOND + 1));
	for (uint32_t i = 0; i < 2 * max; i++)
		touch(w, 0, i, START_NS + 6 * SECOND + i);
	assert_false(windows_are_complete(w, 0, START_NS + 6 * SECOND));
	assert_true(windows_are_complete(w, 0, START_NS + 6 * SECOND + max));
	assert_true(windows_are_complete(w, 1, START_NS + 6 * SECOND));
	windows_destroy(&w);
}

static void lists_move_by_identity(void **state)
{
	struct windows *from = make(3, 100 * SECOND), *to = make(2, 100 * SECOND);

	(void)state;
	windows_set_list(to, 0, hash_of(2, 1000000), 100 * SECOND);
	windows_set_list(to, 1, hash_of(9, 1000000), 100 * SECOND);
	for (uint32_t list = 0; list < 3; list++) {
		for (uint32_t i = 0; i < 50; i++)
			touch(from, list, i, START_NS + i);
	}
	assert_true(windows_adopt(to, from));
	assert_int_equal(counters(to).keys, 50);
	assert_int_equal(counters(to).cells, 50);
	for (uint32_t i = 0; i < 50; i++)
		assert_non_null(
			windows_find(to, 0, hash_of(2, i), windows_now(to, 0, START_NS + 100)));
	windows_destroy(&from);
	for (uint32_t i = 0; i < 1000; i++)
		touch(to, 1, i, START_NS + i);
	windows_destroy(&to);

	from = make(1, SECOND);
	assert_int_equal(windows_create(&to, 1, 1 << 20, secret), 0);
	assert_false(windows_adopt(to, from)); /* of another size */
	windows_destroy(&from);
	windows_destroy(&to);
}

/* Whatever happens in too little memory, what is told stays true. */
static void under_pressure_alerts_stay_true(void **state)
{
	static const char rules[] = RULE("plain", EVENTS,
					 "  count: {by: [t.key], within: 10s, at_least: 40}\n")
		RULE("distinct", EVENTS,
		     "  count: {by: [t.key], within: 10s, at_least: 20, distinct: t.value}\n") "- rule: sequence\n  desc: d\n  output: o\n  priority: INFO\n"
											       "  sequence: [t.a = 1, t.b = 1, t.c = 1, t.d = 1]\n  by: [t.key]\n  within: 10s\n";
	const struct rule_options options = {
		.match_all = true, .min_priority = PRIORITY_DEBUG, .window_bytes = 1};
	struct rule_match matches[RULE_MATCHES_MAX];
	struct rule_window_counters c;
	static uint32_t seen[1000];
	uint32_t n_matches = 0;
	unsigned seed = 3;
	struct watch w;

	(void)state;
	watch_begin(&w, rules, &options);
	for (int i = 0; i < 200000; i++) {
		/* a few keys often, many seldom */
		int32_t key = rand_r(&seed) % 4 ? rand_r(&seed) % 20 : rand_r(&seed) % 1000;
		const struct moment event = {.at_ms = i / 4,
					     .key = key,
					     .value = rand_r(&seed) % 60,
					     .steps = rand_r(&seed) % 16};
		uint32_t n = watch_event(&w, &event, matches);

		seen[key]++;
		for (uint32_t m = 0; m < n; m++) {
			const struct rule_hit *hit = matches[m].hit;

			assert_non_null(hit);
			assert_true(hit->since_ns <= START_NS + (uint64_t)event.at_ms * MS);
			assert_true(hit->count <= seen[key]);
			for (uint32_t s = 1; s < hit->n_steps; s++)
				assert_true(hit->steps[s].num > hit->steps[s - 1].num);
			n_matches++;
		}
	}
	assert_true(n_matches > 100);
	rule_set_window_counters(w.set, &c);
	assert_true(c.evicted_total > 1000);
	assert_true(c.keys <= c.keys_max);
	watch_end(&w);
}

static void rules_that_mean_the_same_go_on(void **state)
{
	static const struct {
		const char *name, *next;
		bool goes_on;
	} rows[] = {
		{"the same", RULE("r", EVENTS, "  count: {within: 10s, at_least: 3}\n"), true},
		{"other tags and place",
		 RULE("q", EVENTS, "  count: {within: 10s, at_least: 3}\n")
			 RULE("r", EVENTS, "  tags: [x]\n  count: {within: 10s, at_least: 3}\n"),
		 true},
		{"another number", RULE("r", EVENTS, "  count: {within: 10s, at_least: 2}\n"),
		 false},
		{"another time", RULE("r", EVENTS, "  count: {within: 11s, at_least: 3}\n"), false},
		{"another key",
		 RULE("r", EVENTS, "  count: {within: 10s, at_least: 3, by: t.key}\n"), false},
		{"another condition",
		 RULE("r", EVENTS " and t.a = 0", "  count: {within: 10s, at_least: 3}\n"), false},
		{"another name", RULE("s", EVENTS, "  count: {within: 10s, at_least: 3}\n"), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rule_match matches[RULE_MATCHES_MAX];
		struct rule_set *old;
		struct watch w;
		uint32_t n;

		watch_begin(&w, rows[0].next, NULL);
		watch_event(&w, &(struct moment){0}, matches);
		watch_event(&w, &(struct moment){1}, matches);
		old = w.set;
		w.set = NULL;
		watch_load(&w, rows[i].next, NULL);
		rule_set_adopt_windows(w.set, old);
		rule_set_destroy(&old);
		n = watch_event(&w, &(struct moment){2}, matches);
		if ((n == 1) != rows[i].goes_on)
			fail_msg("%s: %u matches", rows[i].name, n);
		watch_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_untouched_gives_way),
		cmocka_unit_test(a_flood_costs_its_own_rule),
		cmocka_unit_test(a_flood_does_not_cost_the_largest),
		cmocka_unit_test(what_is_over_is_not_given_up),
		cmocka_unit_test(one_key_may_hold_all_cells_it_can_ask_for),
		cmocka_unit_test(completeness_is_told),
		cmocka_unit_test(lists_move_by_identity),
		cmocka_unit_test(under_pressure_alerts_stay_true),
		cmocka_unit_test(rules_that_mean_the_same_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
