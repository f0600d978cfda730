#include "filter/compiled.h"
#include "tests/unit/rules/rules_test.h"

#define ARENA_BYTES (1u << 20)

static const char *const three_rules[] = {
	RULE("one", "evt.type = openat and proc.name = cat",
	     "  tags: [files, a]\n") RULE("two", "evt.type in (openat, close)", "  tags: [b]\n")
		RULE("three", "evt.type = close", "")
			RULE("off", "evt.type = openat", "  enabled: false\n  tags: [files]\n")
				RULE("alarm", "evt.num = 12", "  source: ethogram\n"),
};

static struct rule_set *load_three(const struct rule_options *options)
{
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	struct rule_set *set = NULL;

	if (load_texts(&set, three_rules, 1, options, &messages))
		fail_msg("%s", messages.items[0].message);
	return set;
}

static void match_names(struct rule_set *set, enum event_type type, struct text source, char *out)
{
	struct event ev = {.type = type, .ts_ns = 5};
	struct arena arena;
	const struct field_context ctx = {.event = &ev, .arena = &arena};
	struct rule_match matches[RULE_MATCHES_MAX];
	uint32_t n;

	out[0] = '\0';
	assert_int_equal(arena_init(&arena, ARENA_BYTES), 0);
	n = rule_set_match(set, source, &ctx, matches);
	for (uint32_t i = 0; i < n; i++) {
		struct rule_info info;

		rule_set_info(set, matches[i].rule, &info);
		sprintf(out + strlen(out), "%.*s ", TEXT_ARGS(info.name));
	}
	arena_done(&arena);
}

static void rules_are_tried_by_event_and_source(void **state)
{
	struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	SCOPED(rule_set_destroy) struct rule_set *all = load_three(&options);
	SCOPED(rule_set_destroy) struct rule_set *first = NULL;
	struct rule_info info;
	char names[64];

	(void)state;
	match_names(all, EVENT_OPENAT, TEXT("syscall"), names);
	assert_string_equal(names, "one two ");
	match_names(all, EVENT_READ, TEXT("syscall"), names);
	assert_string_equal(names, "");
	match_names(all, EVENT_READ, TEXT("ethogram"), names);
	assert_string_equal(names, "alarm ");
	options.match_all = false;
	first = load_three(&options);
	match_names(first, EVENT_OPENAT, TEXT("syscall"), names);
	assert_string_equal(names, "one ");
	rule_set_info(all, 0, &info);
	assert_int_equal(info.hits_total, 1);
	assert_int_equal(info.last_hit_ns, 5);
	rule_set_info(all, 2, &info);
	assert_int_equal(info.hits_total, 0);
}

static void options_select_rules(void **state)
{
	static const struct {
		const char *disable[2], *enable[2], *want; /* at openat */
		enum alert_priority min;
	} rows[] = {
		{{NULL}, {NULL}, "one two ", PRIORITY_DEBUG},
		{{"one"}, {NULL}, "two ", PRIORITY_DEBUG},
		{{"*"}, {NULL}, "", PRIORITY_DEBUG},
		{{"*"}, {"tw*"}, "two ", PRIORITY_DEBUG},
		{{"tag:files"}, {NULL}, "two ", PRIORITY_DEBUG},
		{{NULL}, {"tag:files"}, "one two off ", PRIORITY_DEBUG},
		{{"*"}, {"*ff", "one"}, "one off ", PRIORITY_DEBUG},
		{{NULL}, {NULL}, "one two ", PRIORITY_WARNING},
		{{NULL}, {NULL}, "", PRIORITY_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rule_options options = {
			.match_all = true,
			.min_priority = rows[i].min,
			.disable = rows[i].disable,
			.n_disable = !!rows[i].disable[0] + !!rows[i].disable[1],
			.enable = rows[i].enable,
			.n_enable = !!rows[i].enable[0] + !!rows[i].enable[1],
		};
		SCOPED(rule_set_destroy) struct rule_set *set = load_three(&options);
		char names[64];

		match_names(set, EVENT_OPENAT, TEXT("syscall"), names);
		if (strcmp(names, rows[i].want) != 0)
			fail_msg("row %zu: got '%s', want '%s'", i, names, rows[i].want);
	}
}

static void outputs_can_be_added_to(void **state)
{
	static const struct rule_append appends[] = {
		{.format = "everywhere"},
		{.rule = "two", .format = "n=%evt.num"},
		{.tags = "a files", .format = "tagged"},
		{.source = "ethogram", .format = "alarm"},
	};
	const struct rule_options options = {.min_priority = PRIORITY_DEBUG,
					     .appends = appends,
					     .n_appends = ARRAY_SIZE(appends)};
	static const char *const want[] = {"o %proc.name everywhere tagged",
					   "o %proc.name everywhere n=%evt.num",
					   "o %proc.name everywhere", "o %proc.name everywhere",
					   "o %proc.name everywhere alarm"};
	SCOPED(rule_set_destroy) struct rule_set *set = load_three(&options);

	(void)state;
	for (uint32_t i = 0; i < rule_set_size(set); i++) {
		if (!text_equal(set->rules[i].output, text_from(want[i])))
			fail_msg("rule %u: '%.*s'", i, TEXT_ARGS(set->rules[i].output));
	}
}

static void the_set_asks_for_its_events(void **state)
{
	const struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	SCOPED(rule_set_destroy) struct rule_set *set = load_three(&options);
	const struct event_set *events = rule_set_events(set);
	struct rule_set_totals totals;

	(void)state;
	assert_true(events->types[EVENT_OPENAT / 64] >> EVENT_OPENAT % 64 & 1);
	assert_true(events->types[EVENT_CLOSE / 64] >> EVENT_CLOSE % 64 & 1);
	assert_false(events->types[EVENT_READ / 64] >> EVENT_READ % 64 & 1);
	rule_set_totals(set, &totals);
	assert_int_equal(totals.rules, 5);
	assert_int_equal(rule_priority(set, 0), PRIORITY_WARNING);
}

static void names_match_with_stars(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool want;
	} rows[] = {
		{"a", "a", true},           {"a", "ab", false},  {"*", "", true},
		{"a*", "abc", true},        {"*c", "abc", true}, {"a*c", "abbc", true},
		{"a*c", "abbd", false},     {"", "", true},      {"", "a", false},
		{"*rule*", "a rule", true}, {"?", "a", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rule_name_matches(text_from(rows[i].pattern), text_from(rows[i].name)) !=
		    rows[i].want)
			fail_msg("'%s' '%s'", rows[i].pattern, rows[i].name);
	}
}

/* What is stored of a condition is to be compiled again, when the alert is explained. */
static void a_condition_is_stored_as_it_parses(void **state)
{
	static const char *const text[] = {RULE(
		"r", "evt.type in (openat, close) and not (not proc.name in (\"\", \"a b\"))", "")};
	const struct rule_options options = {.min_priority = PRIORITY_DEBUG};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	SCOPED(filter_destroy) struct filter *again = NULL;
	struct record_condition *condition;

	(void)state;
	assert_int_equal(load_texts(&set, text, 1, &options, &messages), 0);
	condition = rule_condition_create(set, 0, 1);
	assert_int_equal(filter_compile(&again, condition->text, &test_field_set, NULL), 0);
	assert_true(text_equal(filter_text(again), set->rules[0].condition));
	record_free(condition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_tried_by_event_and_source),
		cmocka_unit_test(options_select_rules),
		cmocka_unit_test(outputs_can_be_added_to),
		cmocka_unit_test(the_set_asks_for_its_events),
		cmocka_unit_test(names_match_with_stars),
		cmocka_unit_test(a_condition_is_stored_as_it_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
