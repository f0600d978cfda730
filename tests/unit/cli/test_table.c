#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"

static const struct column columns[] = {
	{"NAME", false, true},
	{"N", true, false},
	{"WHY", false, true},
};

static char *print(const char *const *cells, size_t n, unsigned width)
{
	struct table *table = NULL;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(table_create(&table, columns, ARRAY_SIZE(columns)), 0);
	for (size_t i = 0; i < n; i++) {
		if (cells[i])
			table_add_copy(table, cells[i]);
		else
			table_add(table, NULL);
	}
	table_print(table, out, width);
	table_destroy(&table);
	assert_null(table);
	fclose(out);
	return text;
}

static void expect(char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		fail_msg("got\n%swant\n%s", got, want);
	free(got);
}

static void test_columns_are_as_wide_as_needed(void **state)
{
	static const char *const cells[] = {"a", "1", "x", "longer name", "12,345", NULL};

	(void)state;
	expect(print(cells, 6, 0), "NAME              N  WHY\n"
				   "a                 1  x\n"
				   "longer name  12,345  \n");
	expect(print(cells, 0, 0), "NAME  N  WHY\n");
}

static void test_characters_are_counted_not_bytes(void **state)
{
	static const char *const cells[] = {
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", "1", "x", "abcde", "1", "y"};

	(void)state;
	expect(print(cells, 6, 0), "NAME   N  WHY\n"
				   "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc  1  x\n"
				   "abcde  1  y\n");
}

static void test_flexible_columns_are_cut(void **state)
{
	static const char *const cells[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "7",
					    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};

	(void)state;
	for (unsigned width = 29; width <= 90; width++) {
		char *text = print(cells, 3, width);
		char *second = strchr(text, '\n') + 1;

		second[strcspn(second, "\n")] = '\0';
		if (human_width(second) > width)
			fail_msg("width %u: '%s'", width, second);
		free(text);
	}
	/* Too narrow for anything: the least widths stand. */
	expect(print(cells, 3, 10), "NAME          N  WHY\n"
				    "aaaaaaaaaaa…  7  bbbbbbbbbbb…\n");
}

static void test_rows_may_be_many(void **state)
{
	struct table *table = NULL;
	char *text = NULL;
	size_t len, lines = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(table_create(&table, columns, ARRAY_SIZE(columns)), 0);
	for (int i = 0; i < 3000; i++)
		table_add_copy(table, "x");
	table_print(table, out, 80);
	table_destroy(&table);
	table_destroy(&table);
	fclose(out);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 1001);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_are_as_wide_as_needed),
		cmocka_unit_test(test_characters_are_counted_not_bytes),
		cmocka_unit_test(test_flexible_columns_are_cut),
		cmocka_unit_test(test_rows_may_be_many),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
