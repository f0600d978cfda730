#include "tests/unit/rules/rules_test.h"

#include <errno.h>

/* Rules with one mistake each, in every shape that a condition can be written in. The mistake is
 * found at the first place where its text stands in the file. */
#define HEAD "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n"
#define TAIL "\n- macro: last\n  condition: evt.num = 1\n"

static const struct {
	const char *name, *text, *at;
	bool is_behind; /* the place is right behind it */
	const char *message, *item;
} rows[] = {
	{"plain", HEAD "  condition: evt.type = open and no.such = 1", "no.such", false,
	 "no field 'no.such'", "r"},
	{"plain over lines", HEAD "  condition: evt.type = open\n     and\n       no.such = 1",
	 "no.such", false, "no field", "r"},
	{"plain, lines between",
	 HEAD "  condition: evt.type = open\n\n\n     and proc.name = cat\n   and no.such = 1",
	 "no.such", false, "no field", "r"},
	{"tabs", HEAD "  condition: evt.type = open\tand\t\tno.such = 1", "no.such", false,
	 "no field", "r"},
	{"first word", HEAD "  condition: no.such = 1", "no.such", false, "no field", "r"},
	{"behind a long key", HEAD "  condition    :     no.such = 1", "no.such", false, "no field",
	 "r"},
	{"on the next line", HEAD "  condition:\n    no.such = 1", "no.such", false, "no field",
	 "r"},
	{"double quotes", HEAD "  condition: \"evt.type = open and no.such = 1\"", "no.such", false,
	 "no field", "r"},
	{"double quotes, escapes",
	 HEAD "  condition: \"proc.name = \\\"a\\\" and fd.name = '\\x41\\u00e9\\U0001F600' and "
	      "no.such = 1\"",
	 "no.such", false, "no field", "r"},
	{"double quotes over lines",
	 HEAD "  condition: \"evt.type = open\n      and  proc.name=cat\n\n   and no.such = 1\"",
	 "no.such", false, "no field", "r"},
	{"double quotes, joined lines",
	 HEAD "  condition: \"evt.type = open \\\n      and no.\\\n   such = 1\"", "no.\\", false,
	 "no field 'no.such'", "r"},
	{"single quotes", HEAD "  condition: 'fd.name = \"it''s\" and no.such = 1'", "no.such",
	 false, "no field", "r"},
	{"single quotes over lines", HEAD "  condition: 'evt.type = open\n   and\n  no.such = 1'",
	 "no.such", false, "no field", "r"},
	{"folded", HEAD "  condition: >\n    evt.type = open and\n    no.such = 1\n", "no.such",
	 false, "no field", "r"},
	{"folded, stripped",
	 HEAD
	 "  condition: >-\n    evt.type = open\n    and (proc.name = cat\n      or no.such = 1)\n",
	 "no.such", false, "no field", "r"},
	{"folded, kept, comment",
	 HEAD "  condition: >+ # why\n\n\n    evt.type = open\n\n    and no.such = 1\n\n\n",
	 "no.such", false, "no field", "r"},
	{"folded, indented further",
	 HEAD
	 "  condition: >\n    evt.type = open and\n\n        proc.name = cat and\n          no.such "
	 "= 1\n",
	 "no.such", false, "no field", "r"},
	{"folded, indentation given",
	 HEAD "  condition: >2\n      evt.type = open and\n    no.such = 1\n", "no.such", false,
	 "no field", "r"},
	{"literal", HEAD "  condition: |\n    evt.type = open and\n    no.such = 1\n", "no.such",
	 false, "no field", "r"},
	{"literal, empty lines",
	 HEAD "  condition: |-\n\n    evt.type = open and\n\n      no.such = 1", "no.such", false,
	 "no field", "r"},
	{"carriage returns",
	 HEAD "  condition: >\r\n    evt.type = open and\r\n    no.such = 1\r\n", "no.such", false,
	 "no field", "r"},
	{"characters of many bytes",
	 HEAD "  condition: fd.name = \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\" and no.such = 1",
	 "no.such", false, "no field", "r"},
	{"the same before it",
	 "- list: \xc3\xa9\xe2\x82\xac\n  items: [\xf0\x9f\x98\x80]\n" HEAD
	 "  condition: proc.name in (\xc3\xa9\xe2\x82\xac) and no.such = 1",
	 "no.such", false, "no field", "r"},
	{"byte order mark", "\xef\xbb\xbf" HEAD "  condition: no.such = 1", "no.such", false,
	 "no field", "r"},
	{"flow mapping",
	 "- {rule: r, desc: d, output: o, priority: INFO, condition: evt.num = 1 and no.such = 1}",
	 "no.such", false, "no field", "r"},
	{"second document", "---\n[]\n---\n" HEAD "  condition: evt.num = 1 and no.such = 1",
	 "no.such", false, "no field", "r"},
	{"anchor",
	 "- macro: m\n  condition: &a evt.num = 1 or\n    no.such = 1\n" HEAD "  condition: *a",
	 "no.such", false, "no field", "r"},

	{"syntax, plain", HEAD "  condition: evt.type = open and ) or proc.name = cat", ") or",
	 false, "", "r"},
	{"syntax, folded", HEAD "  condition: >\n    evt.type = open\n    and ) or x\n", ") or",
	 false, "", "r"},
	{"syntax at the end", HEAD "  condition: evt.type = open and (proc.name = cat", "= cat",
	 true, "", "r"},
	{"syntax at the end, folded", HEAD "  condition: >\n    (evt.type = open\n    and\n\n" TAIL,
	 "    and", true, "", "r"},
	{"value", HEAD "  condition: evt.num = 1 and evt.num = abc", "abc", false, "", "r"},
	{"event type", HEAD "  condition: >\n    proc.name = x and\n    evt.type in (open, nope)",
	 "nope", false, "nope", "r"},

	{"in a macro",
	 "- macro: m\n  condition: >\n    evt.num = 1 or\n     no.such = 1\n" HEAD
	 "  condition: evt.type = open and m",
	 "no.such", false, "in macro 'm'", "r"},
	{"in a macro's macro",
	 "- macro: inner\n  condition: (evt.num = 1 or no.such = 1)\n- macro: outer\n  condition: "
	 "inner and evt.num = 2\n" HEAD "  condition: outer",
	 "no.such", false, "in macro 'inner'", "r"},
	{"behind a macro",
	 "- macro: m\n  condition: evt.num = 1\n" HEAD "  condition: m and (m or no.such = 1)",
	 "no.such", false, "no field", "r"},
	{"a macro's syntax", "- macro: m\n  condition: evt.num = 1 or )x\n", ")x", false, "", "m"},
	{"undefined macro", HEAD "  condition: evt.num = 1 and\n   nope", "nope", false,
	 "macro 'nope' is not defined", "r"},
	{"undefined macro in a macro",
	 "- macro: m\n  condition: evt.num = 1 or nope\n" HEAD "  condition: m", "nope", false,
	 "macro 'nope' is not defined", "m"},
	{"appended to a macro",
	 "- macro: m\n  condition: evt.num = 1\n- macro: m\n  condition: or\n    no.such = 1\n  "
	 "override: {condition: append}\n" HEAD "  condition: m",
	 "no.such", false, "in macro 'm'", "r"},

	{"appended",
	 HEAD "  condition: evt.num = 1\n- rule: r\n  condition: >\n   and\n    no.such = "
	      "1\n  override: {condition: append}\n",
	 "no.such", false, "no field", "r"},
	{"before what is appended",
	 HEAD
	 "  condition: evt.num = 1 and no.such = 1\n- rule: r\n  condition: and evt.num = 3\n  "
	 "append: true\n",
	 "no.such", false, "no field", "r"},
	{"appended twice",
	 HEAD "  condition: evt.num = 1\n- rule: r\n  condition: and evt.num = 2\n  append: true\n"
	      "- rule: r\n  condition: 'and (evt.num = 3 or no.such=1)'\n  append: true\n",
	 "no.such", false, "no field", "r"},
	{"replaced",
	 HEAD "  condition: evt.num = 1\n- rule: r\n  condition: |\n    no.such = 1\n  override: "
	      "{condition: replace}\n",
	 "no.such", false, "no field", "r"},

	{"behind a list",
	 "- list: l\n  items: [a, b, \"c d\"]\n" HEAD
	 "  condition: proc.name in (l) and no.such = 1",
	 "no.such", false, "no field", "r"},
	{"between lists, folded",
	 "- list: l\n  items: [a, b]\n- list: empty\n  items: []\n" HEAD
	 "  condition: >\n    proc.name in (x,  l  ,empty, y) and\n    no.such = 1 and proc.name in "
	 "(l)\n",
	 "no.such", false, "no field", "r"},
	{"a list's items",
	 "- list: bad\n  items: [\"x)=y\"]\n" HEAD
	 "  condition: evt.num = 1 and proc.name in (bad)",
	 "bad)", false, "in list 'bad'", "r"},

	{"before exceptions",
	 HEAD
	 "  condition: >\n    evt.num = 1 and\n    no.such = 1\n  exceptions:\n    - name: e\n     "
	 " fields: [proc.name]\n      values: [[cat]]\n",
	 "no.such", false, "no field", "r"},
	{"in an exception",
	 HEAD
	 "  condition: evt.num = 1\n  exceptions:\n    - name: e\n      fields: [evt.num]\n     "
	 " values: [[cat]]\n",
	 "name: e", false, "", "r"},

	{"output",
	 "- rule: r\n  desc: d\n  condition: evt.num = 1\n  priority: INFO\n  output: >\n    "
	 "a %proc.name\n    b %no.such\n",
	 "%no.such", false, "%no.such", "r"},
	{"output with blanks around",
	 "- rule: r\n  desc: d\n  condition: evt.num = 1\n  priority: INFO\n  output: \"   a "
	 "%no.such  \"\n",
	 "%no.such", false, "%no.such", "r"},
	{"output appended",
	 "- rule: r\n  desc: d\n  condition: evt.num = 1\n  priority: INFO\n  output: a\n"
	 "- rule: r\n  output: b %no.such\n  override: {output: append}\n",
	 "%no.such", false, "%no.such", "r"},

	{"a sequence's step",
	 "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  sequence:\n    by: proc.name\n    "
	 "within: 5s\n    steps:\n     - evt.num = 1\n     - condition: >\n         evt.num = 2 and\n "
	 "        no.such = 1\n",
	 "no.such", false, "no field", "r"},
	{"not YAML", "- rule: r\n  condition: [\n- macro: x\n", "- macro", false, "not YAML", NULL},
	{"not text", "- rule: r\n  desc: \xc3\xa9 \xff\n", "\xff", false, "not YAML", NULL},
};

/* Line and column, counted in characters, of a byte. */
static void count_place(const char *text, size_t at, uint32_t *line, uint32_t *column)
{
	*line = *column = 1;
	for (size_t i = strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3; i < at; i++) {
		if (text[i] == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80 && text[i] != '\r') {
			(*column)++;
		}
	}
}

static void mistakes_are_shown_where_they_stand(void **state)
{
	unsigned n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(rule_messages_done) struct rule_messages messages = {0};
		SCOPED(rule_set_destroy) struct rule_set *set = NULL;
		const char *at = strstr(rows[i].text, rows[i].at);
		const struct rule_message *m = NULL;
		uint32_t line, column;

		assert_non_null(at);
		count_place(rows[i].text,
			    (size_t)(at - rows[i].text) +
				    (rows[i].is_behind ? strlen(rows[i].at) : 0),
			    &line, &column);
		if (load_texts(&set, &rows[i].text, 1, NULL, &messages) != -EINVAL)
			fail_msg("%s: loads", rows[i].name);
		for (uint32_t k = 0; k < messages.n; k++) {
			if (messages.items[k].is_error)
				m = &messages.items[k];
		}
		assert_non_null(m);
		if (m->line != line || m->column != column ||
		    !strstr(m->message, rows[i].message)) {
			n_wrong++;
			print_error("%s: %u:%u '%s', wanted %u:%u\n", rows[i].name, m->line,
				    m->column, m->message, line, column);
		}
		if (rows[i].item && (!m->item || strcmp(m->item, rows[i].item) != 0))
			fail_msg("%s: of %s", rows[i].name, m->item ? m->item : "nothing");
		assert_string_equal(m->file, "0");
	}
	assert_int_equal(n_wrong, 0);
}

static void warnings_are_shown_where_they_stand(void **state)
{
	static const char *const texts[] = {
		"- macro: m\n  condition: >\n    evt.num = 1 or\n    proc.name = fd.name\n",
		HEAD "  condition: >\n    evt.num = 1 and\n      m and\n    fd.name = proc.name\n",
	};
	static const struct {
		const char *file;
		uint32_t line, column;
	} want[] = {{"0", 4, 17}, {"1", 8, 15}};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(load_texts(&set, texts, 2, NULL, &messages), 0);
	for (uint32_t i = 0; i < messages.n; i++) {
		const struct rule_message *m = &messages.items[i];

		if (strcmp(m->code, "LOAD_COMPILE_CONDITION") != 0)
			continue;
		assert_true(n < ARRAY_SIZE(want));
		if (strcmp(m->file, want[n].file) != 0 || m->line != want[n].line ||
		    m->column != want[n].column)
			fail_msg("%s:%u:%u %s", m->file, m->line, m->column, m->message);
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_shown_where_they_stand),
		cmocka_unit_test(warnings_are_shown_where_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
