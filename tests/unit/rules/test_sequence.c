/* sequence: in rules: order, time, keys, restarts; and the same as a model that tries every chain.
 */
#include "tests/unit/rules/window_test.h"

#define MOMENTS_MAX 16
#define A 1
#define B 2
#define C 4
#define D 8

#define SEQUENCE(more)                                                                             \
	"- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  warn_evttypes: false\n" more

#define AB SEQUENCE("  sequence: [t.a = 1, t.b = 1]\n  by: [t.key]\n  within: 10s\n")
#define ABC SEQUENCE("  sequence: [t.a = 1, t.b = 1, t.c = 1]\n  by: [t.key]\n  within: 10s\n")

/* want: by event, the numbers (from 1) of the events that are the chain, as decimal digits. */
static const struct {
	const char *name, *rule;
	struct moment moments[MOMENTS_MAX];
	int n;
	uint64_t want[MOMENTS_MAX];
} tables[] = {
	{"one after the other", AB, {{0, 1, 0, A}, {1, 1, 0, B}}, 2, {0, 12}},
	{"not the other way round", AB, {{0, 1, 0, B}, {1, 1, 0, A}}, 2, {0}},
	{"anything between",
	 ABC,
	 {{0, 1, 0, A}, {1, 1, 0, C}, {2, 1, 0, B}, {3, 1, 0, 0}, {4, 1, 0, C}},
	 5,
	 {0, 0, 0, 0, 135}},
	{"exactly in time", AB, {{0, 1, 0, A}, {10000, 1, 0, B}}, 2, {0, 12}},
	{"too late", AB, {{0, 1, 0, A}, {10001, 1, 0, B}}, 2, {0}},
	{"keys apart",
	 AB,
	 {{0, 1, 0, A}, {1, 2, 0, B}, {2, 2, 0, A}, {3, 1, 0, B}, {4, 2, 0, B}},
	 5,
	 {0, 0, 0, 14, 35}},
	{"absent keys are left out", AB, {{0, ABSENT, 0, A}, {1, ABSENT, 0, B}}, 2, {0}},
	{"the newest start counts",
	 AB,
	 {{0, 1, 0, A}, {5000, 1, 0, A}, {12000, 1, 0, B}},
	 3,
	 {0, 0, 23}},
	{"also through the middle",
	 ABC,
	 {{0, 1, 0, A}, {1, 1, 0, B}, {5000, 1, 0, A}, {6000, 1, 0, B}, {14000, 1, 0, C}},
	 5,
	 {0, 0, 0, 0, 345}},
	{"an older chain is kept while the newer lacks a step",
	 ABC,
	 {{0, 1, 0, A}, {1, 1, 0, B}, {2, 1, 0, A}, {3, 1, 0, C}},
	 4,
	 {0, 0, 0, 124}},
	{"done is done",
	 AB,
	 {{0, 1, 0, A}, {1, 1, 0, B}, {2, 1, 0, B}, {3, 1, 0, A}, {4, 1, 0, B}},
	 5,
	 {0, 12, 0, 0, 45}},
	{"one event is not two steps", AB, {{0, 1, 0, A | B}}, 1, {0}},
	{"but may end one chain and not begin the next",
	 AB,
	 {{0, 1, 0, A}, {1, 1, 0, A | B}, {2, 1, 0, B}},
	 3,
	 {0, 12, 0}},
	{"the same condition twice is two events",
	 SEQUENCE("  sequence: [t.a = 1, t.a = 1]\n  by: [t.key]\n  within: 10s\n"),
	 {{0, 1, 0, A}, {1, 1, 0, A}, {2, 1, 0, A}, {3, 1, 0, A}},
	 4,
	 {0, 12, 0, 34}},
	{"an event that could be every step is one",
	 ABC,
	 {{0, 1, 0, 7}, {1, 1, 0, 7}, {2, 1, 0, 7}, {3, 1, 0, 7}, {4, 1, 0, 7}, {5, 1, 0, 7}},
	 6,
	 {0, 0, 123, 0, 0, 456}},
	{"without by, all together",
	 SEQUENCE("  sequence: [t.a = 1, t.b = 1]\n  within: 10s\n"),
	 {{0, 1, 0, A}, {1, 2, 0, B}},
	 2,
	 {0, 12}},
	{"a mapping says the same",
	 SEQUENCE("  sequence: {steps: [t.a = 1, t.b = 1], by: [t.key], within: 10s}\n"),
	 {{0, 1, 0, A}, {1, 2, 0, B}, {2, 1, 0, B}},
	 3,
	 {0, 0, 13}},
	{"steps may have keys of their own",
	 SEQUENCE("  sequence:\n    - t.a = 1\n    - {name: second, condition: t.b = 1, by: "
		  "[t.other]}\n  by: [t.key]\n  within: 10s\n"),
	 {{0, 1, 0, A, 7}, {1, 7, 0, B, 2}, {2, 9, 0, B, 1}},
	 3,
	 {0, 0, 13}},
	{"then an event may end one chain and begin another",
	 SEQUENCE("  sequence:\n    - t.a = 1\n    - {condition: t.b = 1, by: [t.other]}\n"
		  "  by: [t.key]\n  within: 10s\n"),
	 {{0, 1, 0, A, 0}, {1, 2, 0, A | B, 1}, {2, 3, 0, A | B, 2}},
	 3,
	 {0, 12, 23}},
	{"the condition holds for every step",
	 SEQUENCE("  condition: t.d = 1\n  sequence: [t.a = 1, t.b = 1]\n  within: 10s\n"),
	 {{0, 1, 0, A}, {1, 1, 0, B | D}, {2, 1, 0, A | D}, {3, 1, 0, B}, {4, 1, 0, B | D}},
	 5,
	 {0, 0, 0, 0, 35}},
	{"exceptions hold for every step",
	 SEQUENCE("  exceptions:\n    - {name: e, fields: [t.d], comps: ['='], values: [[1]]}\n"
		  "  sequence: [t.a = 1, t.b = 1]\n  within: 10s\n"),
	 {{0, 1, 0, A | D}, {1, 1, 0, B}, {2, 1, 0, A}, {3, 1, 0, B | D}, {4, 1, 0, B}},
	 5,
	 {0, 0, 0, 0, 35}},
	{"macros and lists",
	 "- list: one\n  items: [1]\n- macro: first\n  condition: t.a in (one)\n" SEQUENCE(
		 "  sequence: [first, t.b in (one)]\n  within: 10s\n"),
	 {{0, 1, 0, A}, {1, 1, 0, B}},
	 2,
	 {0, 12}},
	{"a little disorder counts as now", AB, {{1000, 1, 0, A}, {500, 1, 0, B}}, 2, {0, 12}},
	{"time set back begins anew",
	 AB,
	 {{100000, 1, 0, A}, {1000, 1, 0, B}, {1001, 1, 0, A}, {1002, 1, 0, B}},
	 4,
	 {0, 0, 0, 34}},
};

static uint64_t chain_of(const struct rule_hit *hit)
{
	uint64_t digits = 0;

	for (uint32_t i = 0; i < hit->n_steps; i++)
		digits = 10 * digits + hit->steps[i].num;
	return digits;
}

static void tables_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct rule_match matches[RULE_MATCHES_MAX];
		struct watch w;

		watch_begin(&w, tables[i].rule, NULL);
		for (int m = 0; m < tables[i].n; m++) {
			uint32_t found = watch_event(&w, &tables[i].moments[m], matches);
			uint64_t got = found ? chain_of(matches[0].hit) : 0;

			if (got != tables[i].want[m] || found > 1)
				fail_msg("%s: event %d: got %lu, want %lu", tables[i].name, m + 1,
					 (unsigned long)got, (unsigned long)tables[i].want[m]);
		}
		watch_end(&w);
	}
}

#define MODEL_EVENTS 3000
#define MODEL_KEYS 4

/* What of a key has not been part of an alert. */
struct model_key {
	struct {
		uint64_t ts_ns, num;
		uint32_t steps;
	} seen[MODEL_EVENTS];
	uint32_t n;
};

/* The newest first event of any chain of so many steps that ends before the event with that index;
 * 0: there is none. */
static uint64_t model_start(const struct model_key *k, uint32_t end, uint32_t steps)
{
	uint64_t newest = 0;

	for (uint32_t i = 0; i < end; i++) {
		uint64_t start;

		if (!(k->seen[i].steps >> (steps - 1) & 1))
			continue;
		start = steps == 1 ? k->seen[i].ts_ns : model_start(k, i, steps - 1);
		newest = MAX(newest, start);
	}
	return newest;
}

/* The time of the first event of the chain that this event completes; 0: none. */
static uint64_t model_note(struct model_key *k, uint64_t ts_ns, uint64_t num, uint32_t steps,
			   uint32_t n_steps, uint64_t within_ns)
{
	uint64_t start = 0;

	while (k->n && ts_ns - k->seen[0].ts_ns > within_ns) {
		memmove(&k->seen[0], &k->seen[1], (k->n - 1) * sizeof(k->seen[0]));
		k->n--;
	}
	if (steps >> (n_steps - 1) & 1)
		start = model_start(k, k->n, n_steps - 1);
	if (start) {
		k->n = 0;
		return start;
	}
	k->seen[k->n].ts_ns = ts_ns;
	k->seen[k->n].num = num;
	k->seen[k->n++].steps = steps;
	return 0;
}

static void check_chain(const struct rule_hit *hit, const uint32_t *steps_of, uint32_t n_steps)
{
	assert_int_equal(hit->n_steps, n_steps);
	for (uint32_t i = 0; i < n_steps; i++) {
		assert_true(steps_of[hit->steps[i].num] >> i & 1);
		if (i)
			assert_true(hit->steps[i].num > hit->steps[i - 1].num);
	}
}

static void run_model(uint32_t n_steps, unsigned seed)
{
	static const char *const rules[] = {
		AB, ABC,
		SEQUENCE("  sequence: [t.a = 1, t.b = 1, t.c = 1, t.d = 1]\n  by: [t.key]\n"
			 "  within: 10s\n")};
	static struct model_key keys[MODEL_KEYS];
	static uint32_t steps_of[MODEL_EVENTS + 1];
	struct rule_match matches[RULE_MATCHES_MAX];
	struct windows_counters c;
	uint64_t now_ns = 0;
	uint32_t n_matches = 0;
	int64_t at_ms = 0;
	struct watch w;

	memset(keys, 0, sizeof(keys));
	watch_begin(&w, rules[n_steps - 2], NULL);
	for (uint32_t i = 1; i <= MODEL_EVENTS; i++) {
		struct moment event;
		uint64_t want, got;

		at_ms += rand_r(&seed) % 8 ? rand_r(&seed) % 1500 : rand_r(&seed) % 12000;
		event = (struct moment){.at_ms = at_ms - rand_r(&seed) % 100,
					.key = rand_r(&seed) % MODEL_KEYS,
					/* one or several steps, later ones as often */
					.steps = rand_r(&seed) % (1u << n_steps)};
		steps_of[i] = event.steps;
		if (event.steps) /* what is no step tells the rule no time */
			now_ns = MAX(now_ns, START_NS + (uint64_t)event.at_ms * MS);
		want = model_note(&keys[event.key], now_ns, i, event.steps, n_steps, 10 * SECOND);
		got = watch_event(&w, &event, matches) ? matches[0].hit->since_ns : 0;
		if (got != want)
			fail_msg("%u steps, event %u: got %lu, want %lu", n_steps, i,
				 (unsigned long)got, (unsigned long)want);
		if (got)
			check_chain(matches[0].hit, steps_of, n_steps);
		n_matches += got > 0;
	}
	assert_true(n_matches > 20);
	windows_now(w.set->windows, 0, 0); /* the rule begins anew: nothing may be left over */
	windows_counters(w.set->windows, &c);
	assert_int_equal(c.keys, 0);
	assert_int_equal(c.cells, 0);
	watch_end(&w);
}

static void it_is_the_model(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 8; seed++) {
		for (uint32_t n = 2; n <= 4; n++)
			run_model(n, seed);
	}
}

static void the_set_asks_for_all_steps(void **state)
{
	static const char rule[] =
		SEQUENCE("  sequence: [evt.type = openat, evt.type = close and t.b = 1]\n"
			 "  by: [t.key]\n  within: 10s\n");
	const struct event_set *events;
	struct watch w;

	(void)state;
	watch_begin(&w, rule, NULL);
	events = rule_set_events(w.set);
	assert_true(events->types[EVENT_OPENAT / 64] >> EVENT_OPENAT % 64 & 1);
	assert_true(events->types[EVENT_CLOSE / 64] >> EVENT_CLOSE % 64 & 1);
	assert_false(events->types[EVENT_READ / 64] >> EVENT_READ % 64 & 1);
	assert_int_equal(w.set->by_type[EVENT_OPENAT].n, 1);
	assert_int_equal(w.set->by_type[EVENT_CLOSE].n, 1);
	watch_end(&w);
}

static void note_text(const struct event_set *events, struct text text, void *arg)
{
	char *all = arg;

	(void)events;
	assert_true(strlen(all) + text.len < 1000);
	sprintf(all + strlen(all), "%.*s;", TEXT_ARGS(text));
}

static void keys_are_looked_at_too(void **state)
{
	static const char rules[] =
		SEQUENCE("  sequence: [t.a = 1, {condition: t.b = 1, by: t.other}]\n"
			 "  by: [t.key]\n  within: 10s\n")
			RULE("c", EVENTS,
			     "  count: {by: t.name, within: 1s, at_least: 2, distinct: t.value}\n");
	char all[1024] = "";
	struct watch w;

	(void)state;
	watch_begin(&w, rules, NULL);
	rule_set_each_use(w.set, note_text, all);
	assert_non_null(strstr(all, "t.a = 1"));
	assert_non_null(strstr(all, "t.b = 1"));
	assert_non_null(strstr(all, "t.key"));
	assert_non_null(strstr(all, "t.other"));
	assert_non_null(strstr(all, "t.name"));
	assert_non_null(strstr(all, "t.value"));
	watch_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_hold),
		cmocka_unit_test(it_is_the_model),
		cmocka_unit_test(the_set_asks_for_all_steps),
		cmocka_unit_test(keys_are_looked_at_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
