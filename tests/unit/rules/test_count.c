/* count: in rules: windows, silence, distinct values, keys; and the same as a model that keeps
 * everything. */
#include "tests/unit/rules/window_test.h"

#define COUNT(members) RULE("r", EVENTS, "  count: {" members "}\n")
#define MOMENTS_MAX 24

/* want: by event, what rule.count tells; 0: no match. */
static const struct {
	const char *name, *rule;
	struct moment moments[MOMENTS_MAX];
	uint64_t want[MOMENTS_MAX];
} tables[] = {
	{"reached within the window",
	 COUNT("by: [t.key], within: 10s, at_least: 3"),
	 {{0}, {1000}, {2000}, {3000}},
	 {0, 0, 3, 0}},
	{"exactly as old as the window counts",
	 COUNT("by: [t.key], within: 10s, at_least: 2"),
	 {{0}, {10000}},
	 {0, 2}},
	{"older than the window does not",
	 COUNT("by: [t.key], within: 10s, at_least: 2"),
	 {{0}, {10001}, {20001}},
	 {0, 0, 2}},
	{"it slides",
	 COUNT("by: [t.key], within: 10s, at_least: 3"),
	 {{0}, {6000}, {12000}, {15000}, {25001}},
	 {0, 0, 0, 3, 0}},
	{"a burst is one alert",
	 COUNT("by: [t.key], within: 1s, at_least: 2"),
	 {{0}, {1}, {2}, {3}, {4}, {5}, {6}},
	 {0, 2, 0, 0, 0, 0, 0}},
	{"what goes on alerts once a window, with all of it",
	 COUNT("by: [t.key], within: 1s, at_least: 2"),
	 {{0}, {400}, {800}, {1200}, {1400}, {1401}, {1800}, {2200}, {2402}},
	 {0, 2, 0, 0, 0, 4, 0, 0, 3}},
	{"silence ends a moment after the window",
	 COUNT("by: [t.key], within: 1s, at_least: 2"),
	 {{0}, {0}, {1000}, {1001}},
	 {0, 2, 0, 2}},
	{"what was counted in silence is forgotten when the window is not full after it",
	 COUNT("by: [t.key], within: 1s, at_least: 3"),
	 {{0}, {0}, {0}, {100}, {200}, {2000}, {2100}, {2200}},
	 {0, 0, 3, 0, 0, 0, 0, 3}},
	{"keys apart",
	 COUNT("by: [t.key], within: 10s, at_least: 2"),
	 {{0, 1}, {1, 2}, {2, 3}, {3, 2}, {4, 1}, {5, 3}},
	 {0, 0, 0, 2, 2, 2}},
	{"two keys together",
	 COUNT("by: [t.key, t.other], within: 10s, at_least: 2"),
	 {{0, 1, 0, 0, 2}, {1, 1, 0, 0, 3}, {2, 2, 0, 0, 1}, {3, 1, 0, 0, 3}},
	 {0, 0, 0, 2}},
	{"one key may be written without brackets",
	 COUNT("by: t.key, within: 10s, at_least: 2"),
	 {{0, 1}, {1, 2}, {2, 1}},
	 {0, 0, 2}},
	{"transformers in keys",
	 COUNT("by: ['toupper(t.name)'], within: 10s, at_least: 2"),
	 {{0, 1}, {1, 2}, {2, 1}},
	 {0, 0, 2}},
	{"without by, all together",
	 COUNT("within: 10s, at_least: 3"),
	 {{0, 1}, {1, 2}, {2, 3}},
	 {0, 0, 3}},
	{"absent keys are left out",
	 COUNT("by: [t.key], within: 10s, at_least: 2"),
	 {{0, ABSENT}, {1, ABSENT}, {2, ABSENT}},
	 {0, 0, 0}},
	{"distinct counts values",
	 COUNT("by: [t.key], within: 10s, at_least: 3, distinct: t.value"),
	 {{0, 1, 1}, {1, 1, 1}, {2, 1, 2}, {3, 1, 1}, {4, 1, 2}, {5, 1, 3}},
	 {0, 0, 0, 0, 0, 3}},
	{"a value seen again is young again",
	 COUNT("by: [t.key], within: 10s, at_least: 2, distinct: t.value"),
	 {{0, 1, 1}, {9000, 1, 1}, {15000, 1, 2}},
	 {0, 0, 2}},
	{"and one not seen again is not",
	 COUNT("by: [t.key], within: 10s, at_least: 2, distinct: t.value"),
	 {{0, 1, 1}, {9000, 1, 2}, {19001, 1, 3}, {19002, 1, 2}},
	 {0, 2, 0, 2}},
	{"absent values are left out",
	 COUNT("by: [t.key], within: 10s, at_least: 2, distinct: t.value"),
	 {{0, 1, 1}, {1, 1, ABSENT}, {2, 1, 2}},
	 {0, 0, 2}},
	{"long values that begin alike are different",
	 COUNT("by: [t.key], within: 10s, at_least: 2, distinct: t.value"),
	 {{0, 1, 100}, {1, 1, 100}, {2, 1, 101}},
	 {0, 0, 2}},
	{"a little disorder counts as now",
	 COUNT("by: [t.key], within: 10s, at_least: 2"),
	 {{10000, 1}, {1000, 2}, {9000, 1}, {11000, 2}},
	 {0, 0, 2, 2}},
	{"time set back begins anew",
	 COUNT("by: [t.key], within: 10s, at_least: 2"),
	 {{100000, 1}, {50000, 1}, {50001, 1}},
	 {0, 0, 2}},
	{"and what was before does not come back",
	 COUNT("by: [t.key], within: 10s, at_least: 2"),
	 {{100000, 1}, {100000, 2}, {100000, 3}, {100000, 4}, {50000, 5}, {100001, 4}},
	 {0, 0, 0, 0, 0, 0}},
	{"fractions and other units",
	 COUNT("within: 500ms, at_least: 2"),
	 {{0}, {501}, {1001}},
	 {0, 0, 2}},
	{"hours", COUNT("within: 1h, at_least: 2"), {{0}, {3600001}, {7200001}}, {0, 0, 2}},
	{"seconds without a unit",
	 COUNT("within: 1, at_least: 2"),
	 {{0}, {1001}, {2001}},
	 {0, 0, 2}},
};

static void tables_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct rule_match matches[RULE_MATCHES_MAX];
		struct watch w;
		int n = 0;

		for (int m = 0; m < MOMENTS_MAX; m++)
			n = tables[i].want[m] || tables[i].moments[m].at_ms ? m + 1 : n;
		watch_begin(&w, tables[i].rule, NULL);
		for (int m = 0; m < n; m++) {
			uint32_t found = watch_event(&w, &tables[i].moments[m], matches);
			uint64_t got = found ? matches[0].hit->count : 0;

			if (got != tables[i].want[m])
				fail_msg("%s: event %d: got %lu, want %lu", tables[i].name, m,
					 (unsigned long)got, (unsigned long)tables[i].want[m]);
		}
		watch_end(&w);
	}
}

/* A model that keeps all of a key. */
#define MODEL_EVENTS 4000
#define MODEL_KEYS 5

struct model_key {
	struct {
		uint64_t ts_ns;
		int32_t value;
	} seen[MODEL_EVENTS];
	uint32_t n;
	bool has_fired;
	uint64_t fired_ns;
	uint64_t silent, silent_since_ns;
};

struct model {
	uint64_t within_ns, now_ns;
	uint32_t at_least;
	bool is_distinct;
	struct model_key keys[MODEL_KEYS];
};

/* Occurrences, or different values, in the window; the oldest's time (of a value: seen last). */
static uint32_t model_window(const struct model *m, const struct model_key *k, uint64_t *oldest_ns)
{
	uint32_t n = 0;

	for (uint32_t i = k->n; i-- > 0;) {
		bool is_known = false;

		if (m->now_ns - k->seen[i].ts_ns > m->within_ns)
			continue;
		for (uint32_t j = i + 1; m->is_distinct && j < k->n; j++)
			is_known = is_known || k->seen[j].value == k->seen[i].value;
		if (is_known || (m->is_distinct && n == m->at_least))
			continue;
		*oldest_ns = k->seen[i].ts_ns;
		n++;
	}
	return n;
}

/* What rule.count and rule.since tell; 0: no match. */
static uint64_t model_note(struct model *m, const struct moment *event, uint64_t *since_ns)
{
	uint64_t ts_ns = START_NS + (uint64_t)event->at_ms * MS;
	struct model_key *k = &m->keys[event->key];
	uint64_t oldest_ns = 0, count;
	uint32_t n;

	m->now_ns = ts_ns > m->now_ns ? ts_ns : m->now_ns;
	k->seen[k->n].ts_ns = m->now_ns;
	k->seen[k->n++].value = event->value;
	n = model_window(m, k, &oldest_ns);
	if (k->has_fired && m->now_ns - k->fired_ns <= m->within_ns) {
		if (!k->silent++)
			k->silent_since_ns = m->now_ns;
		return 0;
	}
	if (n < m->at_least) {
		k->silent = 0;
		return 0;
	}
	count = k->silent && !m->is_distinct ? k->silent + 1 : n;
	*since_ns = k->silent && !m->is_distinct ? k->silent_since_ns : oldest_ns;
	k->has_fired = true;
	k->fired_ns = m->now_ns;
	k->silent = 0;
	return count;
}

static void run_model(uint32_t at_least, bool is_distinct, unsigned seed)
{
	static struct model m;
	struct rule_match matches[RULE_MATCHES_MAX];
	struct windows_counters c;
	char rule[256];
	struct watch w;
	int64_t at_ms = 0;
	uint32_t n_matches = 0;

	m = (struct model){.within_ns = SECOND, .at_least = at_least, .is_distinct = is_distinct};
	snprintf(rule, sizeof(rule),
		 "- rule: r\n  desc: d\n  condition: " EVENTS "\n  output: o\n  priority: INFO\n"
		 "  count: {by: [t.key], within: 1s, at_least: %u%s}\n",
		 at_least, is_distinct ? ", distinct: t.value" : "");
	watch_begin(&w, rule, NULL);
	for (int i = 0; i < MODEL_EVENTS; i++) {
		struct moment event;
		uint64_t want, want_since = 0, got;

		/* mostly close together, sometimes a pause about as long as the window */
		at_ms += (int64_t)rand_r(&seed) %
			 (rand_r(&seed) % (8 * at_least) ? 300 / at_least : 1200);
		event = (struct moment){.at_ms = at_ms - rand_r(&seed) % 10,
					.key = rand_r(&seed) % MODEL_KEYS,
					.value = rand_r(&seed) % 9};
		want = model_note(&m, &event, &want_since);
		got = watch_event(&w, &event, matches) ? matches[0].hit->count : 0;
		if (got != want || (got && matches[0].hit->since_ns != want_since))
			fail_msg("at_least %u: event %d: got %lu, want %lu", at_least, i,
				 (unsigned long)got, (unsigned long)want);
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
	for (unsigned seed = 1; seed <= 6; seed++) {
		for (uint32_t at_least = 2; at_least < 20; at_least += seed) {
			run_model(at_least, false, seed);
			if (at_least < 8)
				run_model(at_least, true, seed);
		}
	}
}

static void values_are_shown_oldest_first_and_cut(void **state)
{
	static const struct moment moments[] = {{0, 1, 3}, {1, 1, 100}, {2, 1, 3}, {3, 1, 7}};
	struct rule_match matches[RULE_MATCHES_MAX];
	const struct rule_hit *hit = NULL;
	struct watch w;

	(void)state;
	watch_begin(&w, COUNT("by: [t.key], within: 10s, at_least: 3, distinct: t.value"), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		if (watch_event(&w, &moments[i], matches))
			hit = matches[0].hit;
	}
	assert_non_null(hit);
	assert_int_equal(hit->n_values, 3);
	assert_true(text_equal(hit->values[0], TEXT("a value that is too long to be shown...")));
	assert_true(text_equal(hit->values[1], TEXT("v3")));
	assert_true(text_equal(hit->values[2], TEXT("v7")));
	watch_end(&w);
}

/* Others keep matching as they did; with `first`, counting goes on behind what matched. */
static void other_rules_do_not_matter(void **state)
{
	static const char rules[] = RULE("plain", EVENTS, "")
		RULE("counts", EVENTS, "  count: {within: 10s, at_least: 2}\n") RULE(
			"never", EVENTS " and t.a = 1", "  count: {within: 10s, at_least: 2}\n");
	static const struct moment moments[] = {{0}, {1}, {2}};
	static const uint32_t want_all[] = {1, 2, 1};
	struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	struct rule_match matches[RULE_MATCHES_MAX];
	struct rule_info info;
	struct watch w;

	(void)state;
	watch_begin(&w, rules, &options);
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
		assert_int_equal(watch_event(&w, &moments[i], matches), want_all[i]);
	rule_set_info(w.set, 1, &info);
	assert_int_equal(info.hits_total, 1);
	watch_end(&w);

	options.match_all = false;
	options.select = &(const struct rule_selection){.name = "never"};
	options.n_select = 1;
	watch_begin(&w, rules, &options);
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		assert_int_equal(watch_event(&w, &moments[i], matches), 1);
		assert_int_equal(matches[0].rule, 0);
	}
	rule_set_info(w.set, 1, &info);
	assert_int_equal(info.hits_total, 0);
	watch_end(&w);
}

/* The first that matches is reported, and a count that is not full is not it. */
static void a_count_may_stand_first(void **state)
{
	static const char rules[] = RULE("counts", EVENTS, "  count: {within: 10s, at_least: 2}\n")
		RULE("plain", EVENTS, "");
	const struct rule_options options = {.min_priority = PRIORITY_DEBUG};
	struct rule_match matches[RULE_MATCHES_MAX];
	struct watch w;

	(void)state;
	watch_begin(&w, rules, &options);
	assert_int_equal(watch_event(&w, &(struct moment){0}, matches), 1);
	assert_int_equal(matches[0].rule, 1);
	assert_int_equal(watch_event(&w, &(struct moment){1}, matches), 1);
	assert_int_equal(matches[0].rule, 0);
	watch_end(&w);
}

/* What stands between two members of a key cannot be written into them. */
static bool extract_crafted(const struct field_context *ctx, const struct field *field,
			    const struct field_arg *arg, struct values *out)
{
	static const char between[16] = {1}; /* one value, a text: as they are hashed */
	static char with[2][17];
	static struct value value;
	bool is_first = field->variant == 0, is_other = ctx->event->res;

	(void)arg;
	with[0][0] = 'a';
	memcpy(with[0] + 1, between, 16);
	memcpy(with[1], between, 16);
	with[1][16] = 'b';
	value = (struct value){.type = VALUE_CHARBUF, .text = is_first ? TEXT("a") : TEXT("b")};
	if (is_first != is_other)
		value.text = (struct text){with[field->variant], 17};
	*out = (struct values){&value, 1};
	return true;
}

static void members_of_keys_do_not_run_together(void **state)
{
	static const struct field crafted[] = {
		{"t.first", VALUE_CHARBUF, 0, extract_crafted, NULL, "", 0},
		{"t.second", VALUE_CHARBUF, 0, extract_crafted, NULL, "", 1},
		{"evt.type", VALUE_CHARBUF, 0, extract_test, NULL, "", 2},
		{"evt.time", VALUE_CHARBUF, 0, extract_test, NULL, "", 2},
	};
	const struct field_set fields = {.tables = {{crafted, ARRAY_SIZE(crafted)}}, .n_tables = 1};
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	const char *rule =
		RULE("r", EVENTS, "  count: {by: [t.first, t.second], within: 10s, at_least: 2}\n");
	struct rule_match matches[RULE_MATCHES_MAX];
	char text[512];
	struct watch w = {0};

	(void)state;
	snprintf(text, sizeof(text), "%s", rule);
	memcpy(strstr(text, "%proc.name"), "          ", 10);
	assert_int_equal(arena_init(&w.arena, 1 << 16), 0);
	assert_int_equal(rule_loader_create(&loader, &fields, NULL), 0);
	if (rule_loader_add(loader, "r", text, strlen(text), &w.set, &messages))
		fail_msg("%s", messages.items[0].message);
	assert_int_equal(watch_event(&w, &(struct moment){.value = 0}, matches), 0);
	assert_int_equal(watch_event(&w, &(struct moment){.value = 1}, matches), 0);
	assert_int_equal(watch_event(&w, &(struct moment){.value = 1}, matches), 1);
	watch_end(&w);
}

static void exceptions_are_not_counted(void **state)
{
	static const char rule[] =
		RULE("r", EVENTS,
		     "  exceptions:\n    - {name: e, fields: t.key, values: [2]}\n"
		     "  count: {within: 10s, at_least: 2}\n");
	struct rule_match matches[RULE_MATCHES_MAX];
	struct watch w;

	(void)state;
	watch_begin(&w, rule, NULL);
	assert_int_equal(watch_event(&w, &(struct moment){0, 1}, matches), 0);
	assert_int_equal(watch_event(&w, &(struct moment){1, 2}, matches), 0);
	assert_int_equal(watch_event(&w, &(struct moment){2, 3}, matches), 1);
	watch_end(&w);
}

/* By itself the event is enough; and asking changes nothing. */
static void one_event_can_be_asked_about(void **state)
{
	static const char rules[] =
		RULE("counts", EVENTS " and t.a = 1", "  count: {within: 10s, at_least: 2}\n")
			RULE("off", EVENTS, "  enabled: false\n")
				RULE("other source", EVENTS, "  source: ethogram\n")
					RULE("no", EVENTS " and t.a = 0", "");
	struct event ev = {.type = EVENT_OPENAT, .ts_ns = START_NS, .cpu = 1};
	struct rule_match matches[RULE_MATCHES_MAX];
	struct field_context ctx;
	struct watch w;

	(void)state;
	watch_begin(&w, rules, NULL);
	ctx = (struct field_context){.event = &ev, .arena = &w.arena};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rule_set_true(w.set, &ctx, matches), 1);
		assert_int_equal(matches[0].rule, 0);
		assert_null(matches[0].hit);
	}
	assert_int_equal(rule_set_match(w.set, TEXT("syscall"), &ctx, matches), 0);
	assert_int_equal(rule_set_match(w.set, TEXT("syscall"), &ctx, matches), 1);
	watch_end(&w);
}

static void incidents_can_be_counted(void **state)
{
	static const char rule[] =
		RULE("r", "t.a = 1", "  source: ethogram\n  count: {within: 10s, at_least: 2}\n");
	struct event ev = {.type = EVENT_OPENAT, .ts_ns = START_NS, .cpu = 1};
	struct rule_match matches[RULE_MATCHES_MAX];
	struct field_context ctx;
	struct watch w;

	(void)state;
	watch_begin(&w, rule, NULL);
	ctx = (struct field_context){.event = &ev, .arena = &w.arena};
	assert_int_equal(rule_set_match(w.set, TEXT("ethogram"), &ctx, matches), 0);
	assert_int_equal(rule_set_match(w.set, TEXT("syscall"), &ctx, matches), 0);
	assert_int_equal(rule_set_match(w.set, TEXT("ethogram"), &ctx, matches), 1);
	watch_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_hold),
		cmocka_unit_test(it_is_the_model),
		cmocka_unit_test(values_are_shown_oldest_first_and_cut),
		cmocka_unit_test(other_rules_do_not_matter),
		cmocka_unit_test(a_count_may_stand_first),
		cmocka_unit_test(members_of_keys_do_not_run_together),
		cmocka_unit_test(exceptions_are_not_counted),
		cmocka_unit_test(one_event_can_be_asked_about),
		cmocka_unit_test(incidents_can_be_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
