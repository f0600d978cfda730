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

#define ON(pattern)                                                                                \
	{                                                                                          \
		.enables = true, .name = (pattern)                                                 \
	}
#define OFF(pattern)                                                                               \
	{                                                                                          \
		.name = (pattern)                                                                  \
	}
#define ON_TAG(tag)                                                                                \
	{                                                                                          \
		.enables = true, .is_tag = true, .name = (tag)                                     \
	}
#define OFF_TAG(tag)                                                                               \
	{                                                                                          \
		.is_tag = true, .name = (tag)                                                      \
	}

/* The last that fits decides; what none fits is as the rule says. */
static void options_select_rules(void **state)
{
	static const struct {
		struct rule_selection select[4];
		uint32_t n;
		enum alert_priority min;
		const char *want; /* at openat */
	} rows[] = {
		{{{0}}, 0, PRIORITY_DEBUG, "one two "},
		{{OFF("one")}, 1, PRIORITY_DEBUG, "two "},
		{{OFF("*")}, 1, PRIORITY_DEBUG, ""},
		{{OFF("*"), ON("tw*")}, 2, PRIORITY_DEBUG, "two "},
		{{ON("tw*"), OFF("*")}, 2, PRIORITY_DEBUG, ""},
		{{OFF_TAG("files")}, 1, PRIORITY_DEBUG, "two "},
		{{ON_TAG("files")}, 1, PRIORITY_DEBUG, "one two off "},
		{{ON_TAG("file")}, 1, PRIORITY_DEBUG, "one two "},
		{{ON_TAG("f*")}, 1, PRIORITY_DEBUG, "one two "}, /* a tag has no wildcards */
		{{ON("files")}, 1, PRIORITY_DEBUG, "one two "},  /* nor is a name a tag */
		{{OFF("*"), ON("*ff"), ON("one")}, 3, PRIORITY_DEBUG, "one off "},
		{{OFF("*"), ON_TAG("files"), OFF("one")}, 3, PRIORITY_DEBUG, "off "},
		{{ON("*"), OFF_TAG("files"), ON("one"), OFF("one")}, 4, PRIORITY_DEBUG, "two "},
		{{OFF("one"), ON("one")}, 2, PRIORITY_DEBUG, "one two "},
		{{OFF("other"), ON("another")}, 2, PRIORITY_DEBUG, "one two "},
		{{{0}}, 0, PRIORITY_WARNING, "one two "},
		{{{0}}, 0, PRIORITY_ERROR, ""},
		{{ON("*")}, 1, PRIORITY_ERROR, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rule_options options = {
			.match_all = true,
			.min_priority = rows[i].min,
			.select = rows[i].select,
			.n_select = rows[i].n,
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
		{"a", "a", true},
		{"a", "ab", false},
		{"*", "", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"a*c", "abbc", true},
		{"a*c", "abbd", false},
		{"", "", true},
		{"", "a", false},
		{"*rule*", "a rule", true},
		{"?", "a", false},
		/* each part is sought once, at its first place */
		{"*c", "cc", false},
		{"a*c", "acbc", false},
		{"*c*", "cc", true},
		{"*a*b", "abab", false},
		{"*a*b*", "abab", true},
		{"**", "", true},
		{"a**", "a", true},
		{"**b", "ab", true},
		{"ab*", "a", false},
		{"*a", "", false},
		{"a*", "a", true},
		{"a*a", "a", false},
		{"a*b", "ab", true},
		{"*", "a*b", true},
		{"a*b*c", "a1b2c", true},
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
