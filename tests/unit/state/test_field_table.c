#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "state/field.h"
#include "state/fields.h"

static struct field_set set_of_state(void)
{
	return (struct field_set){.tables = {state_field_table()}, .n_tables = 1};
}

/* The next tab-separated column of a line. */
static char *column(char **line)
{
	return strsep(line, "\t\n");
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += len) {
		bool starts = at == words || at[-1] == '+';

		if (starts && (at[len] == '\0' || at[len] == '+'))
			return true;
	}
	return false;
}

static void check_flag(const struct field *field, uint32_t flag, bool want, const char *what)
{
	if (!!(field->flags & flag) != want)
		fail_msg("%s: %s should be %d", field->name, what, want);
}

/* tests/data/fields.tsv: name, type, argument, list, kinds of argument, flags. */
static void check_line(const struct field_set *set, char *line)
{
	static const struct {
		const char *word;
		uint32_t flag;
	} words[] = {
		{"filter_only", FIELD_FILTER_ONLY},
		{"output_only", FIELD_OUTPUT_ONLY},
		{"deprecated", FIELD_DEPRECATED},
		{"no_transformer", FIELD_NO_TRANSFORMER},
		{"no_field_to_field", FIELD_NO_FIELD_TO_FIELD},
		{"suggested_output", FIELD_SUGGESTED_OUTPUT},
	};
	const char *name = column(&line), *type = column(&line), *argument = column(&line);
	const char *list = column(&line), *kinds = column(&line), *flags = column(&line);
	const struct field *field;
	struct text rest;

	assert_non_null(flags);
	field = field_set_find(set, text_from(name), &rest);
	if (!field || rest.len || strcmp(field->name, name) != 0)
		fail_msg("%s: no such field", name);
	if (strcmp(value_type_name(field->type), type) != 0)
		fail_msg("%s: type %s, want %s", name, value_type_name(field->type), type);
	check_flag(field, FIELD_LIST, strcmp(list, "list") == 0, "list");
	check_flag(field, FIELD_ARG_REQUIRED, strcmp(argument, "required") == 0, "required");
	check_flag(field, FIELD_ARG_ALLOWED, strcmp(argument, "optional") == 0, "optional");
	check_flag(field, FIELD_ARG_INDEX, has_word(kinds, "index"), "index");
	check_flag(field, FIELD_ARG_KEY, has_word(kinds, "key"), "key");
	check_flag(field, FIELD_ARG_DOT, has_word(kinds, "dot"), "dot");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		check_flag(field, words[i].flag, has_word(flags, words[i].word), words[i].word);
}

static void every_published_field_is_there(void **state)
{
	struct field_set set = set_of_state();
	char path[4096], line[512];
	unsigned n = 0;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/fields.tsv", getenv("TEST_DATA"));
	file = fopen(path, "re");
	assert_non_null(file);
	for (; fgets(line, sizeof(line), file); n++)
		check_line(&set, line);
	fclose(file);
	assert_int_equal(n, 319);
	assert_int_equal(set.tables[0].n, n + 11); /* those of this project, fields.def */
}

static void rows_are_complete(void **state)
{
	struct field_table table = state_field_table();

	(void)state;
	for (uint32_t i = 0; i < table.n; i++) {
		const struct field *field = &table.fields[i];
		size_t len = strlen(field->description);

		assert_non_null(field->extract);
		if (!len || field->description[len - 1] != '.')
			fail_msg("%s: description '%s'", field->name, field->description);
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(table.fields[j].name, field->name) == 0)
				fail_msg("%s: twice", field->name);
		}
	}
}

static void finds_names_and_dotted_arguments(void **state)
{
	static const struct {
		const char *name, *want, *rest;
	} rows[] = {
		{"proc.name", "proc.name", ""},
		{"evt.arg.flags", "evt.arg", "flags"},
		{"evt.args", "evt.args", ""},
		{"evt.rawarg.res", "evt.rawarg", "res"},
		{"evt.type.is.307", "evt.type.is", "307"},
		{"evt.type", "evt.type", ""},
		{"thread.cgroup.cpu", "thread.cgroup", "cpu"},
		{"thread.cgroups", "thread.cgroups", ""},
		{"evt.abspath.src", "evt.abspath", "src"},
		{"evt.count.error.file", "evt.count.error.file", ""},
		{"evt.arg.", NULL, ""},
		{"evt.arg", "evt.arg", ""},
		{"proc.namex", NULL, ""},
		{"proc.name.x", NULL, ""},
		{"proc", NULL, ""},
		{"", NULL, ""},
	};
	struct field_set set = set_of_state();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text rest;
		const struct field *field = field_set_find(&set, text_from(rows[i].name), &rest);

		if (!field != !rows[i].want)
			fail_msg("'%s': %s", rows[i].name, field ? field->name : "none");
		if (!field)
			continue;
		if (strcmp(field->name, rows[i].want) || !text_equal(rest, text_from(rows[i].rest)))
			fail_msg("'%s': %s, '%.*s'", rows[i].name, field->name, TEXT_ARGS(rest));
	}
}

static void checks_arguments(void **state)
{
	static const struct {
		const char *field, *arg; /* NULL: none given */
		int want;
		bool is_index;
	} rows[] = {
		{"proc.name", NULL, 0, false},
		{"proc.name", "1", -EINVAL, false},
		{"proc.aname", NULL, 0, false},
		{"proc.aname", "2", 0, true},
		{"proc.aname", "x", -EINVAL, false},
		{"proc.aname", "-1", 0, true},
		{"proc.aname", "99999999999999999999", -EINVAL, false},
		{"proc.env", "PATH", 0, false},
		{"proc.aenv", "2", 0, true},
		{"evt.arg", NULL, -EINVAL, false},
		{"evt.arg", "flags", 0, false},
		{"evt.arg", "0", 0, true},
		{"evt.arg", "nosuchparameter", -EINVAL, false},
		{"syscall.arg", "5", 0, true},
		{"syscall.arg", "6", -EINVAL, true},
		{"syscall.arg", "first", -EINVAL, false},
		{"evt.rawarg", "res", 0, false},
		{"evt.abspath", "src", 0, false},
		{"evt.abspath", "nose", -EINVAL, false},
		{"fd.types", "0", 0, true},
		{"fd.types", "zero", -EINVAL, false},
		{"container.label", NULL, -EINVAL, false},
		{"container.label", "app", 0, false},
	};
	struct field_set set = set_of_state();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text rest, text = text_from(rows[i].arg);
		const struct field *field = field_set_find(&set, text_from(rows[i].field), &rest);
		struct field_arg arg;
		int r = field_arg_prepare(field, text, rows[i].arg != NULL, &arg);

		if (r != rows[i].want || (!r && arg.is_index != rows[i].is_index))
			fail_msg("%s[%s]: %d", rows[i].field, rows[i].arg ? rows[i].arg : "", r);
	}
}

static void types_have_names(void **state)
{
	(void)state;
	for (int type = 0; type < VALUE_TYPE_END; type++)
		assert_int_equal(value_type_by_name(text_from(value_type_name(type))), type);
	assert_int_equal(value_type_by_name(TEXT("nonsense")), -1);
}

/* Both ways: a field that says it never has a value has nothing to make one, and what has nothing
 * says so. */
static void fields_that_never_have_a_value_say_so(void **state)
{
	struct field_table table = state_field_table();
	uint32_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < table.n; i++) {
		const struct field *field = &table.fields[i];

		check_flag(field, FIELD_UNAVAILABLE, field->extract == extract_nothing,
			   "unavailable");
		n += !!(field->flags & FIELD_UNAVAILABLE);
	}
	assert_true(n > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_that_never_have_a_value_say_so),
		cmocka_unit_test(every_published_field_is_there),
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(finds_names_and_dotted_arguments),
		cmocka_unit_test(checks_arguments),
		cmocka_unit_test(types_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
