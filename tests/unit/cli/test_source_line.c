#include "cli/source_line.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"

static void the_place_is_marked(void **state)
{
	static const struct {
		const char *name, *text;
		uint32_t line, column;
		unsigned width;
		const char *want;
	} rows[] = {
		{"first line", "a no.such = 1\n", 1, 3, 80, "    a no.such = 1\n      ^~~~~~~\n"},
		{"last line without a break", "x\ny\nabc", 3, 2, 80, "    abc\n     ^~\n"},
		{"one character", "a ( b", 1, 3, 80, "    a ( b\n      ^\n"},
		{"behind the end", "a = (b", 1, 7, 80, "    a = (b\n          ^\n"},
		{"far behind the end", "ab", 1, 99, 80, "    ab\n      ^\n"},
		{"word ends at a comma", "in (abc,d)", 1, 5, 80, "    in (abc,d)\n        ^~~\n"},
		{"word ends at a brace", "{a: 1}", 1, 5, 80, "    {a: 1}\n        ^\n"},
		{"empty line", "a\n\nb", 2, 1, 80, "    \n    ^\n"},
		{"tabs", "\ta\tno.such", 1, 4, 80,
		 "            a       no.such\n                    ^~~~~~~\n"},
		{"carriage returns", "a\r\nb cd\r\n", 2, 3, 80, "    b cd\n      ^~\n"},
		{"old breaks", "a\rb cd\r", 2, 3, 80, "    b cd\n      ^~\n"},
		{"characters of many bytes", "\xc3\xa9\xe2\x82\xac x", 1, 4, 80,
		 "    \xc3\xa9\xe2\x82\xac x\n       ^\n"},
		{"wide characters", "\xe4\xb8\xad\xe6\x96\x87 xy", 1, 4, 80,
		 "    \xe4\xb8\xad\xe6\x96\x87 xy\n         ^~\n"},
		{"not UTF-8", "a\xff\xfe x", 1, 5, 80, "    a\\xff\\xfe x\n              ^\n"},
		{"cut UTF-8", "a\xe2\x82", 1, 2, 80, "    a\\xe2\\x82\n     ^~~~~~~~\n"},
		{"escapes", "a\x1b[2J b", 1, 7, 80, "    a\\x1b[2J b\n             ^\n"},
		{"byte order mark",
		 "\xef\xbb\xbf"
		 "abc",
		 1, 1, 80, "    abc\n    ^~~\n"},
		{"long line, in the middle", "0123456789 123456789 mark 789 123456789 123456789", 1,
		 22, 20, "    ...123456789 mark 789 1...\n                 ^~~~\n"},
		{"long line, at its begin", "mark 56789 123456789 123456789", 1, 1, 20,
		 "    mark 56789 123456789...\n    ^~~~\n"},
		{"long line, at its end", "0123456789 123456789 12345 mark", 1, 28, 20,
		 "    ...123456789 12345 mark\n                       ^~~~\n"},
		{"no such line", "a\n", 9, 1, 80, ""},
		{"no place", "a\n", 0, 0, 80, ""},
	};
	char path[] = "/tmp/source-line-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(free_ptr) char *got = NULL;
		size_t size, len = strlen(rows[i].text);
		FILE *out = open_memstream(&got, &size);

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].text, len, 0), len);
		source_line_print(out, path, rows[i].line, rows[i].column, rows[i].width);
		fclose(out);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s:\n%swanted:\n%s", rows[i].name, got, rows[i].want);
	}
	close(fd);
	unlink(path);
}

static void files_that_are_not_there_print_nothing(void **state)
{
	SCOPED(free_ptr) char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	(void)state;
	source_line_print(out, "/nonexistent/file", 1, 1, 80);
	source_line_print(out, "/", 1, 1, 80);
	fclose(out);
	assert_string_equal(got, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_place_is_marked),
		cmocka_unit_test(files_that_are_not_there_print_nothing),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
