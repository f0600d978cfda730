#include "tests/unit/rules/rules_test.h"

#include <errno.h>

#define ARENA_BYTES (1u << 20)

static const char *const text = RULE("one", "evt.type = openat", "  tags: [a, b]\n");

static const struct {
	const char *name;
	struct rule_append append;
	const char *message, *fields; /* NULL: as without */
} rows[] = {
	{"everything",
	 {.format = "n=%fd.name"},
	 "o cat n=/etc/shadow",
	 "{\"evt.time\":5,\"fd.name\":\"/etc/shadow\",\"proc.name\":\"cat\"}"},
	{"its name", {.rule = "one", .format = "x"}, "o cat x", NULL},
	{"another name", {.rule = "on", .format = "x"}, NULL, NULL},
	{"its source", {.source = "syscall", .format = "x"}, "o cat x", NULL},
	{"another source", {.source = "ethogram", .format = "x"}, NULL, NULL},
	{"both tags", {.tags = "b a", .format = "x"}, "o cat x", NULL},
	{"a tag that it has not", {.tags = "a c", .format = "x"}, NULL, NULL},
	{"a field",
	 {.fields = {{NULL, "evt.num"}}, .n_fields = 1},
	 NULL,
	 "{\"evt.num\":12,\"evt.time\":5,\"proc.name\":\"cat\"}"},
	{"a format",
	 {.fields = {{"k\"", "%evt.num of %proc.name"}}, .n_fields = 1},
	 NULL,
	 "{\"evt.time\":5,\"proc.name\":\"cat\",\"k\\\"\":\"12 of cat\"}"},
	{"the last of a name",
	 {.fields = {{"k", "a"}, {"l", "b"}, {"k", "c"}}, .n_fields = 3},
	 NULL,
	 "{\"evt.time\":5,\"proc.name\":\"cat\",\"k\":\"c\",\"l\":\"b\"}"},
	{"fields of another",
	 {.rule = "x", .fields = {{"k", "%no.such"}}, .n_fields = 1},
	 NULL,
	 NULL},
};

static void additions_are_for_whom_they_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rule_options options = {.match_all = true,
					       .min_priority = PRIORITY_DEBUG,
					       .appends = &rows[i].append,
					       .n_appends = 1};
		SCOPED(rule_messages_done) struct rule_messages messages = {0};
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;
		struct event ev = {.type = EVENT_OPENAT, .ts_ns = 5};
		struct arena arena;
		const struct field_context ctx = {.event = &ev, .arena = &arena};
		struct rule_match match = {0};
		struct record_alert *alert;

		if (load_texts(&set, &text, 1, &options, &messages))
			fail_msg("%s: %s", rows[i].name, messages.items[0].message);
		assert_int_equal(arena_init(&arena, ARENA_BYTES), 0);
		alert = rule_alert_create(set, &match, &ctx);
		if (!text_equal(alert->message,
				text_from(rows[i].message ? rows[i].message : "o cat")))
			fail_msg("%s: %.*s", rows[i].name, TEXT_ARGS(alert->message));
		if (!text_equal(alert->output_fields,
				text_from(rows[i].fields
						  ? rows[i].fields
						  : "{\"evt.time\":5,\"proc.name\":\"cat\"}")))
			fail_msg("%s: %.*s", rows[i].name, TEXT_ARGS(alert->output_fields));
		record_free(alert);
		arena_done(&arena);
	}
}

static void bad_additions_are_refused_at_load(void **state)
{
	static const struct rule_append bad[] = {
		{.format = "%no.such"},
		{.fields = {{NULL, "no.such"}}, .n_fields = 1},
		{.fields = {{"k", "%no.such"}}, .n_fields = 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct rule_options options = {.match_all = true,
					       .min_priority = PRIORITY_DEBUG,
					       .appends = &bad[i],
					       .n_appends = 1};
		SCOPED(rule_messages_done) struct rule_messages messages = {0};
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;

		assert_int_equal(load_texts(&set, &text, 1, &options, &messages), -EINVAL);
		assert_string_equal(messages.items[messages.n - 1].code, "LOAD_ERR_COMPILE_OUTPUT");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(additions_are_for_whom_they_match),
		cmocka_unit_test(bad_additions_are_refused_at_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
