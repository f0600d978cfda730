#include "tests/unit/rules/rules_test.h"

#include <errno.h>

static void mistakes_have_code_and_place(void **state)
{
	static const struct {
		const char *text, *code;
		uint32_t line, column; /* 0: any */
	} rows[] = {
		{"a: [", "LOAD_ERR_YAML_PARSE", 0, 0},
		{"\t- x", "LOAD_ERR_YAML_PARSE", 0, 0},
		{"hello", "LOAD_ERR_YAML_VALIDATE", 1, 1},
		{"- 5\n", "LOAD_ERR_YAML_VALIDATE", 1, 3},
		{"- rule: r\n  desc: d\n", "LOAD_ERR_YAML_VALIDATE", 1, 3},
		{"- rule:\n", "LOAD_ERR_YAML_VALIDATE", 1, 0},
		{"- list: l\n", "LOAD_ERR_YAML_VALIDATE", 1, 3},
		{"- list: l\n  items: [a, [b]]\n", "LOAD_ERR_YAML_VALIDATE", 2, 14},
		{"- macro: m\n  condition: a.b =\n", "LOAD_ERR_COMPILE_CONDITION", 2, 0},
		{RULE("r", "proc.name = ", ""), "LOAD_ERR_COMPILE_CONDITION", 3, 0},
		{RULE("r", "no.field = x", ""), "LOAD_ERR_COMPILE_CONDITION", 3, 0},
		{RULE("r", "evt.num contains x", ""), "LOAD_ERR_COMPILE_CONDITION", 3, 0},
		{RULE("r", "missing", ""), "LOAD_ERR_VALIDATE", 3, 0},
		{"- macro: a\n  condition: a\n", "LOAD_ERR_VALIDATE", 2, 0},
		{RULE("r", "evt.type = openat", "  priority: wrn\n") "\n", NULL, 0, 0},
		{"- rule: r\n  desc: d\n  condition: evt.num = 1\n  output: o\n  priority: warn\n",
		 "LOAD_ERR_YAML_VALIDATE", 5, 13},
		{"- rule: r\n  desc: d\n  condition: evt.num = 1\n  output: o %no.field\n"
		 "  priority: INFO\n",
		 "LOAD_ERR_COMPILE_OUTPUT", 0, 0},
		{RULE("r", "evt.type = openat", "  enabled: 1\n"), "LOAD_ERR_YAML_VALIDATE", 6, 12},
		{"- rule: r\n  enabled: false\n", "LOAD_ERR_VALIDATE", 1, 3},
		{"- rule: r\n  condition: x\n  override: {condition: append}\n",
		 "LOAD_ERR_VALIDATE", 1, 3},
		{"- required_engine_version: 99.0.0\n", "LOAD_ERR_VALIDATE", 1, 3},
		{"- required_engine_version: 0.26\n", "LOAD_ERR_YAML_VALIDATE", 1, 28},
		{RULE("r", "evt.type = openat",
		      "  exceptions: [{name: e, fields: [no.field], values: [[x]]}]\n"),
		 "LOAD_ERR_VALIDATE", 6, 16},
		{RULE("r", "evt.type = openat",
		      "  exceptions: [{name: e, fields: [proc.name], comps: [is]}]\n"),
		 "LOAD_ERR_VALIDATE", 6, 16},
		{RULE("r", "evt.type = openat",
		      "  exceptions: [{name: e, fields: [proc.name], values: [x]}]\n"),
		 "LOAD_ERR_VALIDATE", 6, 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;
		SCOPED(rule_messages_done) struct rule_messages messages = {0};
		const struct rule_message *error;
		int r = load_texts(&set, &rows[i].text, 1, NULL, &messages);

		if (!rows[i].code) {
			assert_int_equal(r, 0);
			continue;
		}
		if (r != -EINVAL || !messages.n)
			fail_msg("row %zu: %d, %u messages", i, r, messages.n);
		assert_null(set);
		error = &messages.items[messages.n - 1];
		assert_true(error->is_error);
		assert_true(error->message && error->message[0]);
		assert_string_equal(error->file, "0");
		if (strcmp(error->code, rows[i].code) != 0 ||
		    (rows[i].line && error->line != rows[i].line) ||
		    (rows[i].column && error->column != rows[i].column))
			fail_msg("row %zu: %s at %u:%u: %s", i, error->code, error->line,
				 error->column, error->message);
	}
}

static void suspicious_files_load_with_warnings(void **state)
{
	static const struct {
		const char *text, *codes;
	} rows[] = {
		{RULE("r", "evt.type = openat", ""), ""},
		{"- x: y\n", "LOAD_UNKNOWN_ITEM "},
		{RULE("r", "evt.type = openat", "  colour: red\n"), "LOAD_UNKNOWN_KEY "},
		{"- list: l\n  items: [a]\n", "LOAD_UNUSED_LIST "},
		{"- macro: m\n  condition: evt.num = 1\n", "LOAD_UNUSED_MACRO "},
		{"- macro: m-x\n  condition: evt.num = 1\n",
		 "LOAD_INVALID_MACRO_NAME LOAD_UNUSED_MACRO "},
		{RULE("r", "proc.name = cat", ""), "LOAD_NO_EVTTYPE "},
		{RULE("r", "proc.name = cat", "  warn_evttypes: no\n"), ""},
		{RULE("r", "evt.type = openat", "  source: aws\n"), "LOAD_UNKNOWN_SOURCE "},
		{RULE("r", "no.field = 1", "  skip-if-unknown-filter: true\n"),
		 "LOAD_UNKNOWN_FILTER "},
		{RULE("r", "evt.type = openat and proc.name = fd.name", ""),
		 "LOAD_COMPILE_CONDITION "},
		{RULE("r", "evt.type = openat", "") "- rule: r\n  append: true\n  condition: "
						    "and proc.name = cat\n",
		 "LOAD_DEPRECATED_ITEM "},
		{"", ""},
		{"---\n---\n- list: l\n  items: []\n", "LOAD_UNUSED_LIST "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;
		SCOPED(rule_messages_done) struct rule_messages messages = {0};
		char codes[256] = "";

		assert_int_equal(load_texts(&set, &rows[i].text, 1, NULL, &messages), 0);
		for (uint32_t m = 0; m < messages.n; m++)
			strcat(strcat(codes, messages.items[m].code), " ");
		if (strcmp(codes, rows[i].codes) != 0)
			fail_msg("row %zu: got '%s', want '%s'", i, codes, rows[i].codes);
	}
}

static void definitions_expand(void **state)
{
	static const struct {
		const char *texts[3];
		const char *want; /* condition of rule r */
	} rows[] = {
		{{"- list: l\n  items: [a, b c]\n", RULE("r", "proc.name in (l)", "")},
		 "proc.name in (a, \"b c\")"},
		{{"- list: l\n  items: []\n", RULE("r", "proc.name in (x, l, y)", "")},
		 "proc.name in (x, y)"},
		{{"- list: a\n  items: [x]\n- list: b\n  items: [a, y]\n",
		  RULE("r", "proc.name in (b)", "")},
		 "proc.name in (x, y)"},
		{{"- macro: m\n  condition: evt.num = 1 or evt.num = 2\n",
		  RULE("r", "m and proc.name = x", "")},
		 "((evt.num = 1 or evt.num = 2) and proc.name = x)"},
		{{"- macro: m\n  condition: evt.num = 1\n",
		  "- macro: m\n  condition: or evt.num = 2\n  override: {condition: append}\n",
		  RULE("r", "m", "")},
		 "(evt.num = 1 or evt.num = 2)"},
		{{RULE("r", "evt.num = 1", ""),
		  "- rule: r\n  condition: and proc.name = x\n  override: {condition: append}\n"},
		 "(evt.num = 1 and proc.name = x)"},
		{{RULE("r", "evt.num = 1", ""),
		  "- rule: r\n  condition: evt.num = 9\n  override: {condition: replace}\n"},
		 "evt.num = 9"},
		{{RULE("r", "evt.num = 1",
		       "  exceptions:\n  - name: e\n    fields: [proc.name, fd.name]\n"
		       "    comps: [=, startswith]\n    values: [[a, /x], [b, /y]]\n"
		       "  - {name: f, fields: proc.name, values: [c, d e]}\n")},
		 "(evt.num = 1 and not ((proc.name = a and fd.name startswith /x) or "
		 "(proc.name = b and fd.name startswith /y)) and not proc.name in (c, \"d e\"))"},
		{{RULE("r", "evt.num = 1", "  exceptions: [{name: e, fields: [proc.name]}]\n"),
		  "- rule: r\n  exceptions: [{name: e, values: [[z]]}]\n"
		  "  override: {exceptions: append}\n"},
		 "(evt.num = 1 and not proc.name = z)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;
		SCOPED(rule_messages_done) struct rule_messages messages = {0};
		int r = load_texts(&set, rows[i].texts, ARRAY_SIZE(rows[i].texts), NULL, &messages);

		if (r)
			fail_msg("row %zu: %s", i, messages.items[messages.n - 1].message);
		if (!text_equal(set->rules[0].condition, text_from(rows[i].want)))
			fail_msg("row %zu: got '%.*s'", i, TEXT_ARGS(set->rules[0].condition));
	}
}

/* Each level doubles; the bound on nodes ends it long before memory does. */
static void macro_bombs_are_refused(void **state)
{
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	char text[8192];
	const char *texts[] = {text};
	size_t n = (size_t)sprintf(text, "- macro: m0\n  condition: evt.num = 1\n");

	(void)state;
	for (int i = 1; i < 40; i++)
		n += (size_t)sprintf(text + n, "- macro: m%d\n  condition: m%d or m%d\n", i, i - 1,
				     i - 1);
	assert_int_equal(load_texts(&set, texts, 1, NULL, &messages), -EINVAL);
	assert_non_null(strstr(messages.items[messages.n - 1].message, "too large"));
}

static void yaml_bombs_are_refused(void **state)
{
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	char *text = calloc(1, 1 << 20);
	const char *texts[] = {text};
	size_t n = (size_t)sprintf(text, "- list: l\n  items: ");

	(void)state;
	memset(text + n, '[', 200000); /* nesting */
	assert_int_equal(load_texts(&set, texts, 1, NULL, &messages), -EINVAL);
	n = (size_t)sprintf(text, "- &a [x,x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c < 'k'; c++)
		n += (size_t)sprintf(text + n, "- &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c,
				     c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	assert_int_equal(load_texts(&set, texts, 1, NULL, &messages), -EINVAL);
	free(text);
}

static void files_that_cannot_be_read_say_so(void **state)
{
	static const char *const files[] = {"/nonexistent/rules.yaml"};
	const struct rule_options options = {.min_priority = PRIORITY_DEBUG};
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	SCOPED(rule_messages_done) struct rule_messages messages = {0};

	(void)state;
	assert_int_equal(rule_set_load(&set, files, 1, &test_field_set, &options, &messages),
			 -EINVAL);
	assert_int_equal(messages.n, 1);
	assert_string_equal(messages.items[0].code, "LOAD_ERR_FILE_READ");
	assert_string_equal(messages.items[0].file, files[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_have_code_and_place),
		cmocka_unit_test(suspicious_files_load_with_warnings),
		cmocka_unit_test(definitions_expand),
		cmocka_unit_test(macro_bombs_are_refused),
		cmocka_unit_test(yaml_bombs_are_refused),
		cmocka_unit_test(files_that_cannot_be_read_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
