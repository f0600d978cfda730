/* What rule files may say of counts and sequences, and where mistakes are shown. */
#include <errno.h>

#include "rules/collect_window.h"
#include "tests/unit/rules/window_test.h"

#define HEAD "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  warn_evttypes: false\n"
#define COND "  condition: evt.type = openat\n" /* line 6 */
#define OUTPUT(field)                                                                              \
	"- rule: r\n  desc: d\n  output: '%" field "'\n  priority: INFO\n  warn_evttypes: false\n"
#define CHAINED "  sequence: [t.a = 1, {name: second, condition: t.b = 1}]\n  within: 10s\n"
#define FIRST RULE("r", EVENTS, "  count: {by: [t.key], within: 10s, at_least: 3}\n")
#define CHAIN HEAD "  sequence: [t.a = 1, t.b = 1]\n  by: [t.key]\n  within: 10s\n"

static const char V[] = "LOAD_ERR_YAML_VALIDATE", S[] = "LOAD_ERR_VALIDATE",
		  C[] = "LOAD_ERR_COMPILE_CONDITION", O[] = "LOAD_ERR_COMPILE_OUTPUT";

static const struct {
	const char *text, *second; /* a second file, where the mistake is then */
	const char *code;
	uint32_t line, column;
	const char *message; /* part of it */
} mistakes[] = {
	{HEAD COND "  count: 5\n", NULL, V, 7, 10, "must be a mapping"},
	{HEAD COND "  count: {within: 10s}\n", NULL, V, 7, 10, "'at_least' is missing"},
	{HEAD COND "  count: {at_least: 5}\n", NULL, V, 7, 10, "'within' is missing"},
	{HEAD COND "  count: {within: 10s, at_least: 1}\n", NULL, V, 7, 34, "2 to 1000"},
	{HEAD COND "  count: {within: 10s, at_least: 1001}\n", NULL, V, 7, 34, "2 to 1000"},
	{HEAD COND "  count: {within: 10s, at_least: many}\n", NULL, V, 7, 34, "whole number"},
	{HEAD COND "  count: {within: 10s, at_least: 101, distinct: t.value}\n", NULL, V, 7, 10,
	 "2 to 100"},
	{HEAD COND "  count: {within: soon, at_least: 5}\n", NULL, V, 7, 19, "'soon' is no time"},
	{HEAD COND "  count: {within: 0s, at_least: 5}\n", NULL, V, 7, 19, "is no time"},
	{HEAD COND "  count: {within: -1s, at_least: 5}\n", NULL, V, 7, 19, "is no time"},
	{HEAD COND "  count: {within: 25h, at_least: 5}\n", NULL, V, 7, 19, "at most 24h"},
	{HEAD COND "  count: {within: 10 s, at_least: 5}\n", NULL, V, 7, 19, "is no time"},
	{HEAD COND "  count: {within: 1e3s, at_least: 5}\n", NULL, V, 7, 19, "is no time"},
	{HEAD COND "  count: {within: 10s, at_least: 5, per: t.key}\n", NULL, V, 7, 37,
	 "no member of that name"},
	{HEAD COND "  count: {within: 10s, at_least: 5, by: [a, b, c, d, e, f, g]}\n", NULL, V, 7,
	 41, "more than 6"},
	{HEAD COND "  count: {within: 10s, at_least: 5, by: {a: b}}\n", NULL, V, 7, 41,
	 "single value"},
	{HEAD COND "  count: {within: 10s, at_least: 5, by: [no.such]}\n", NULL, C, 7, 41,
	 "no.such"},
	{HEAD COND "  count: {within: 10s, at_least: 5, by: ['t.key = 1']}\n", NULL, C, 7, 41,
	 "end"},
	{HEAD COND "  count: {within: 10s, at_least: 5, distinct: no.such}\n", NULL, C, 7, 47,
	 "no.such"},
	{HEAD COND "  count: {within: 10s, at_least: 5, by: [t.key, rule.since]}\n", NULL, C, 7, 41,
	 "in outputs only"},
	{HEAD COND "  count: {within: 10s, at_least: 5, distinct: toupper(rule.distinct)}\n", NULL,
	 C, 7, 47, "in outputs only"},
	{HEAD COND "  count: {within: 10s, at_least: 5}\n  sequence: [t.a = 1, t.b = 1]\n", NULL, V,
	 8, 13, "exclude each other"},
	{HEAD "  count: {within: 10s, at_least: 5}\n", NULL, V, 1, 3, "'condition' is missing"},

	{OUTPUT("rule.step.pid[3]") CHAINED, NULL, O, 3, 12, "no step '3'"},
	{OUTPUT("rule.step.pid[0]") CHAINED, NULL, O, 3, 12, "rule.step.pid"},
	{OUTPUT("rule.step.pid[9]") CHAINED, NULL, O, 3, 12, "rule.step.pid"},
	{OUTPUT("rule.step.proc[first]") CHAINED, NULL, O, 3, 12, "no step 'first'"},
	{OUTPUT("toupper(rule.step.proc[first])") CHAINED, NULL, O, 3, 12, "no step 'first'"},
	{OUTPUT("rule.step.type[1]") COND, NULL, O, 3, 12, "no step '1'"},
	{HEAD "  sequence: [t.a = 1, t.b = 1]\n", NULL, V, 6, 13, "'within' is missing"},
	{HEAD "  sequence: [t.a = 1]\n  within: 10s\n", NULL, V, 6, 13, "2 to 8 steps"},
	{HEAD "  sequence: [a, b, c, d, e, f, g, h, i]\n  within: 10s\n", NULL, V, 6, 13,
	 "2 to 8 steps"},
	{HEAD "  sequence: t.a = 1\n  within: 10s\n", NULL, V, 6, 13, "must be a list"},
	{HEAD "  sequence: {within: 10s}\n", NULL, V, 6, 13, "no steps"},
	{HEAD "  sequence: {steps: [t.a = 1, t.b = 1], within: 10s, until: t.c = 1}\n", NULL, V, 6,
	 54, "no member of that name"},
	{HEAD "  sequence:\n    - t.a = 1\n    - {name: b}\n  within: 10s\n", NULL, V, 8, 7,
	 "'condition' is missing"},
	{HEAD "  sequence:\n    - t.a = 1\n    - {if: t.b = 1}\n  within: 10s\n", NULL, V, 8, 8,
	 "no member of that name"},
	{HEAD "  sequence:\n    - t.a = 1\n    - [t.b = 1]\n  within: 10s\n", NULL, V, 8, 7,
	 "single value"},
	{HEAD "  sequence:\n    - t.a = 1\n    - t.b in [1]\n  within: 10s\n", NULL, C, 8, 14, ""},
	{HEAD "  sequence:\n    - t.a = 1\n    - no.such = 1\n  within: 10s\n", NULL, C, 8, 7,
	 "no.such"},
	{HEAD "  sequence:\n    - t.a = 1\n    - undefined_macro\n  within: 10s\n", NULL, S, 8, 7,
	 "undefined_macro"},
	{HEAD "  sequence:\n    - t.a = 1\n    - {condition: t.b = 1, by: [t.key, t.other]}\n"
	      "  by: t.key\n  within: 10s\n",
	 NULL, V, 8, 7, "has 2 members, that of step 1 1"},
	{HEAD "  sequence:\n    - t.a = 1\n    - {condition: t.b = 1, by: t.name}\n"
	      "  by: t.key\n  within: 10s\n",
	 NULL, C, 8, 7, "never equal"},
	{HEAD "  sequence:\n    - {name: x, condition: t.a = 1}\n"
	      "    - {name: x, condition: t.b = 1}\n  within: 10s\n",
	 NULL, V, 8, 7, "named 'x'"},
	{HEAD "  sequence:\n    - {name: '2', condition: t.a = 1}\n    - t.b = 1\n  within: 10s\n",
	 NULL, V, 7, 14, "not named by a number"},

	{FIRST, "- rule: r\n  count: {at_least: 1}\n  override: {count: append}\n", V, 2, 21,
	 "2 to 1000"},
	{FIRST, "- rule: r\n  count: {at_least: 5}\n  override: {count: replace}\n", V, 2, 10,
	 "'within' is missing"},
	{FIRST, "- rule: r\n  sequence: {within: 5s}\n  override: {sequence: append}\n", S, 2, 13,
	 "use replace"},
	{CHAIN, "- rule: r\n  condition: and t.d = 1\n  override: {condition: append}\n", S, 1, 3,
	 "no condition to append to"},
	{CHAIN, "- rule: r\n  condition: and t.d = 1\n  append: true\n", S, 1, 3,
	 "no condition to append to"},
	{CHAIN,
	 "- rule: r\n  sequence: {by: [t.name, t.key]}\n  count: {within: 1s}\n"
	 "  override: {sequence: append}\n",
	 V, 3, 10, "'override' does not name it"},
};

static void mistakes_are_shown_where_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
		SCOPED(rule_messages_done) struct rule_messages messages = {0};
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;
		const struct rule_message *m;
		const char *text = mistakes[i].text;
		int r = 0;

		assert_int_equal(rule_loader_create(&loader, moment_field_set(), NULL), 0);
		if (mistakes[i].second) {
			assert_int_equal(
				rule_loader_add(loader, "1", text, strlen(text), &set, NULL), 0);
			text = mistakes[i].second;
		}
		r = rule_loader_add(loader, "2", text, strlen(text), &set, &messages);
		if (!r || !messages.n)
			fail_msg("row %zu: %d, and loaded:\n%s", i, r, text);
		m = &messages.items[messages.n - 1];
		if (strcmp(m->code, mistakes[i].code) != 0 || m->line != mistakes[i].line ||
		    m->column != mistakes[i].column || !strstr(m->message, mistakes[i].message))
			fail_msg("row %zu: got %s at %u:%u: %s\n%s", i, m->code, m->line, m->column,
				 m->message, text);
	}
}

static void load(struct watch *w, const char *const *texts, size_t n)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_messages_done) struct rule_messages messages = {0};

	*w = (struct watch){0};
	assert_int_equal(arena_init(&w->arena, 1 << 20), 0);
	assert_int_equal(rule_loader_create(&loader, moment_field_set(), NULL), 0);
	for (size_t i = 0; i < n && texts[i]; i++) {
		if (rule_loader_add(loader, "rules", texts[i], strlen(texts[i]), &w->set,
				    &messages))
			fail_msg("%s\n%s", messages.items[messages.n - 1].message, texts[i]);
	}
}

static const struct {
	const char *texts[2];
	const char *window, *condition;
} changes[] = {
	{{FIRST, "- rule: r\n  count: {at_least: 20}\n  override: {count: append}\n"},
	 "count by t.key within 10s at_least 20",
	 "evt.type = openat"},
	{{FIRST, "- rule: r\n  count: {by: [], distinct: t.value}\n  override: {count: append}\n"},
	 "count within 10s at_least 3 distinct t.value",
	 "evt.type = openat"},
	{{FIRST,
	  "- rule: r\n  count: {within: 500ms, at_least: 2}\n  override: {count: replace}\n"},
	 "count within 0.5s at_least 2",
	 "evt.type = openat"},
	{{FIRST, "- rule: r\n  condition: and t.a = 1\n  append: true\n"},
	 "count by t.key within 10s at_least 3",
	 "(evt.type = openat and t.a = 1)"},
	{{RULE("r", EVENTS, ""),
	  "- rule: r\n  count: {within: 1m, at_least: 2}\n  override: {count: replace}\n"},
	 "count within 60s at_least 2",
	 "evt.type = openat"},
	{{CHAIN, "- rule: r\n  sequence: {within: 5m}\n  override: {sequence: append}\n"},
	 "sequence by t.key within 300s; t.a = 1; t.b = 1",
	 "(t.a = 1 or t.b = 1)"},
	{{CHAIN,
	  "- rule: r\n  sequence: [t.c = 1, t.d = 1]\n  within: 1s\n  override: {sequence: replace}\n"},
	 "sequence within 1s; t.c = 1; t.d = 1",
	 "(t.c = 1 or t.d = 1)"},
	{{CHAIN, "- rule: r\n  condition: t.d = 1\n  override: {condition: replace}\n"},
	 "sequence by t.key within 10s; (t.d = 1 and t.a = 1); (t.d = 1 and t.b = 1)",
	 "((t.d = 1 and t.a = 1) or (t.d = 1 and t.b = 1))"},
	{{FIRST, CHAIN}, "sequence by t.key within 10s; t.a = 1; t.b = 1", "(t.a = 1 or t.b = 1)"},
	{{FIRST, RULE("r", EVENTS, "")}, "", "evt.type = openat"},
};

static void rules_can_be_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct rule_info info;
		struct watch w;

		load(&w, changes[i].texts, 2);
		rule_set_info(w.set, 0, &info);
		if (!text_equal(info.window, text_from(changes[i].window)) ||
		    !text_equal(info.condition, text_from(changes[i].condition)))
			fail_msg("row %zu: got '%.*s', '%.*s'", i, TEXT_ARGS(info.window),
				 TEXT_ARGS(info.condition));
		watch_end(&w);
	}
}

/* To Falco these keys mean nothing; where they mean nothing here, the warning stays. */
static void keys_that_mean_nothing_are_warned_about(void **state)
{
	static const struct {
		const char *text;
		uint32_t n;
	} rows[] = {
		{RULE("r", EVENTS, "  by: [t.key]\n  within: 10s\n"), 2},
		{RULE("r", EVENTS, "  count: {within: 10s, at_least: 2}\n  within: 5s\n"), 1},
		{HEAD "  sequence: [t.a = 1, t.b = 1]\n  within: 10s\n  by: t.key\n", 0},
		{HEAD "  sequence: {steps: [t.a = 1, t.b = 1], within: 1s}\n  within: 10s\n", 1},
		{"- macro: m\n  condition: t.a = 1\n  sequence: [x]\n  by: y\n" RULE(
			 "r", "m", "  warn_evttypes: false\n"),
		 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
		SCOPED(rule_messages_done) struct rule_messages messages = {0};
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;
		const char *text = rows[i].text;

		assert_int_equal(rule_loader_create(&loader, moment_field_set(), NULL), 0);
		if (rule_loader_add(loader, "r", text, strlen(text), &set, &messages) ||
		    messages.n != rows[i].n)
			fail_msg("row %zu: %u messages: %s", i, messages.n,
				 messages.n ? messages.items[0].message : "");
		for (uint32_t m = 0; m < messages.n; m++)
			assert_string_equal(messages.items[m].code, "LOAD_UNKNOWN_KEY");
	}
}

/* What is off, or too mild, holds no memory and watches nothing. */
static void rules_that_are_off_cost_nothing(void **state)
{
	const struct rule_options options = {.match_all = true, .min_priority = PRIORITY_ERROR};
	struct rule_window_counters c;
	struct watch w;

	(void)state;
	watch_begin(&w, RULE("r", EVENTS, "  enabled: false\n  count: {within: 1s, at_least: 2}\n"),
		    NULL);
	rule_set_window_counters(w.set, &c);
	assert_int_equal(c.rules, 0);
	assert_int_equal(c.bytes, 0);
	watch_end(&w);
	watch_begin(&w, FIRST, &options);
	rule_set_window_counters(w.set, &c);
	assert_int_equal(c.rules, 0);
	assert_int_equal(rule_set_size(w.set), 0);
	watch_end(&w);
}

static void so_many_rules_may_count(void **state)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	static char text[256 * 1024];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < WINDOW_RULES_MAX + 1; i++)
		len += (size_t)sprintf(text + len,
				       "- rule: r%d\n  desc: d\n  output: o\n  priority: INFO\n"
				       "  enabled: %s\n" COND
				       "  count: {within: 1s, at_least: 2}\n",
				       i, i ? "true" : "false");
	assert_int_equal(rule_loader_create(&loader, moment_field_set(), NULL), 0);
	assert_int_equal(rule_loader_add(loader, "r", text, len, &set, &messages), 0);
	len = (size_t)sprintf(text,
			      "- rule: r0\n  enabled: true\n  override: {enabled: replace}\n");
	assert_int_equal(rule_loader_add(loader, "s", text, len, &set, &messages), -EINVAL);
	assert_string_equal(messages.items[0].code, S);
	assert_non_null(strstr(messages.items[0].message, "more than 256 rules"));
	assert_int_equal(messages.items[0].line, WINDOW_RULES_MAX * 7 + 7);
}

static void a_step_with_an_unknown_name_can_be_skipped(void **state)
{
	static const char *const texts[] = {
		HEAD
		"  skip-if-unknown-filter: true\n  sequence: [t.a = 1, no.such = 1]\n  within: 1s\n",
		HEAD COND "  skip-if-unknown-filter: true\n"
			  "  count: {within: 1s, at_least: 2, by: no.such}\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct watch w;

		load(&w, &texts[i], 1);
		assert_int_equal(rule_set_size(w.set), 0);
		watch_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_shown_where_they_are),
		cmocka_unit_test(rules_can_be_changed),
		cmocka_unit_test(keys_that_mean_nothing_are_warned_about),
		cmocka_unit_test(rules_that_are_off_cost_nothing),
		cmocka_unit_test(so_many_rules_may_count),
		cmocka_unit_test(a_step_with_an_unknown_name_can_be_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
