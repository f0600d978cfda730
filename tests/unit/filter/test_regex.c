#include "filter/regex.h"

#include <errno.h>

#include "filter/utf8.h"
#include "tests/unit/filter/filter_test.h"

static void patterns_match_whole_values(void **state)
{
	static const struct {
		const char *pattern, *value;
		bool want;
	} rows[] = {
		{"abc", "abc", true},
		{"abc", "xabc", false},
		{"abc", "abcx", false},
		{"abc", "abc\n", false},
		{"", "", true},
		{"", "a", false},
		{"a|bc", "bc", true},
		{"a|bc", "abc", false},
		{"(a|b)*c", "ababc", true},
		{"a{2,3}", "aaa", true},
		{"a{2,3}", "aaaa", false},
		{"a{,3}", "a{,3}", true}, /* no repetition: literal braces */
		{"a{x", "a{x", true},
		{"a+?", "a", true},
		{"a+?", "", true}, /* (a+)? in POSIX syntax */
		{"a**", "aaa", true},
		{"[a-c]+", "abcab", true},
		{"[^a-c]", "d", true},
		{"[^a-c]", "\n", true},
		{"[]a]", "]", true},
		{"[a-]", "-", true},
		{"[[:digit:]]+x", "123x", true},
		{"[[:^digit:]]", "x", true},
		{"[\\]]", "]", true},
		{".", "\n", false},
		{"a.c", "a\xc3\xa9\x63", true},
		{"a.c", "a\xff\x63", true}, /* a bad byte becomes one character */
		{"\\.\\*\\/", ".*/", true},
		{"\\x41\\x{42}\\101\\n", "ABA\n", true},
		{"^a$", "a", true},
		{"a\\$", "a$", true},
		{"(^|x)a", "xa", true},
		{"/etc/.*\\.d(/.*)?", "/etc/cron.d/job", true},
	};
	struct arena arena;

	(void)state;
	assert_int_equal(arena_init(&arena, 4096), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(regex_destroy) struct regex *regex = NULL;
		struct diag diag = {0};

		if (regex_create(&regex, text_from(rows[i].pattern), &diag))
			fail_msg("%s: %s", rows[i].pattern, diag.message);
		arena_reset(&arena);
		if (regex_match(regex, text_from(rows[i].value), &arena) != rows[i].want)
			fail_msg("'%s' on '%s': want %d", rows[i].pattern, rows[i].value,
				 rows[i].want);
	}
	arena_done(&arena);
}

static void what_re2_refuses_is_refused(void **state)
{
	static const char *const patterns[] = {
		"(",      ")",       "a)",    "[",       "[a",     "[z-a]",         "[a-b-c]",
		"*a",     "a|*",     "(+)",   "\\",      "\\d",    "\\w+",          "\\bfoo",
		"(a)\\1", "(?i)x",   "(?:a)", "a{1001}", "a{3,2}", "(a{100}){100}", "[[:foo:]]",
		"\\pL",   "\\Qa\\E", "\xff",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct regex *regex = NULL;
		struct diag diag = {0};
		int r = regex_create(&regex, text_from(patterns[i]), &diag);

		if (r != -EINVAL || !diag.message[0])
			fail_msg("'%s': %d", patterns[i], r);
		assert_null(regex);
	}
}

/* A pattern made to backtrack does not hold up the events: it gives up, which is counted. */
static void backtracking_is_bounded(void **state)
{
	SCOPED(regex_destroy) struct regex *regex = NULL;
	char value[64];

	(void)state;
	memset(value, 'a', sizeof(value));
	assert_int_equal(regex_create(&regex, TEXT("(a|aa|a[ab])*c"), NULL), 0);
	value[40] = 'c'; /* or the missing last letter alone would tell */
	assert_false(regex_match(regex, (struct text){value, sizeof(value)}, NULL));
	assert_int_equal(regex_gave_up_total(regex), 1);
	assert_true(regex_match(regex, TEXT("aac"), NULL));
	assert_int_equal(regex_gave_up_total(regex), 1);
}

static void bad_utf8_is_replaced(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"plain", "plain"},
		{"\xc3\xa9", "\xc3\xa9"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{"\xff", "\xef\xbf\xbd"},
		{"a\xc3", "a\xef\xbf\xbd"},
		{"\xc3(", "\xef\xbf\xbd("},
		{"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
		{"\xe2\x82", "\xef\xbf\xbd"},                             /* cut */
		{"\xf4\x90", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* too large */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text in = text_from(rows[i].in);
		char out[64];
		uint32_t len = utf8_sanitise(in, out);

		if (!text_equal((struct text){out, len}, text_from(rows[i].want)))
			fail_msg("row %zu: '%.*s'", i, (int)len, out);
		assert_int_equal(utf8_is_valid(in), strcmp(rows[i].in, rows[i].want) == 0);
		assert_true(utf8_is_valid((struct text){out, len}));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_whole_values),
		cmocka_unit_test(what_re2_refuses_is_refused),
		cmocka_unit_test(backtracking_is_bounded),
		cmocka_unit_test(bad_utf8_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
