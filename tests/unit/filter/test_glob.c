#include "filter/glob.h"

#include <fnmatch.h>

#include "tests/unit/filter/filter_test.h"

static void patterns_match_as_fnmatch_does(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool want;
	} rows[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "/a/.b", true},
		{"?", "/", true},
		{"?", "", false},
		{"a*c", "abbbc", true},
		{"a*c", "abbb", false},
		{"a*b*c", "aXbYbZc", true},
		{"*a", "bca", true},
		{"[abc]", "b", true},
		{"[!abc]", "b", false},
		{"[^abc]", "d", true},
		{"[a-c]x", "bx", true},
		{"[]a]", "]", true},
		{"[!]a]", "b", true},
		{"[a", "[a", true},
		{"[[:digit:]]*", "7x", true},
		{"[[:alpha:]]", "7", false},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"[\\]]", "]", true},
		{"a\\", "a", false},
		{"/etc/*", "/etc/cron.d/x", true},
		{"+(a)", "a", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool got = glob_match(text_from(rows[i].pattern), text_from(rows[i].text), false);

		if (got != rows[i].want)
			fail_msg("'%s' on '%s': got %d", rows[i].pattern, rows[i].text, got);
		if (got != (fnmatch(rows[i].pattern, rows[i].text, 0) == 0))
			fail_msg("'%s' on '%s': fnmatch differs", rows[i].pattern, rows[i].text);
	}
}

static void case_can_be_ignored(void **state)
{
	(void)state;
	assert_true(glob_match(TEXT("*.TXT"), TEXT("a.txt"), true));
	assert_true(glob_match(TEXT("[A-C]"), TEXT("b"), true));
	assert_true(glob_match(TEXT("[[:upper:]]"), TEXT("b"), true));
	assert_false(glob_match(TEXT("*.TXT"), TEXT("a.txt"), false));
}

/* fnmatch needs exponential time here. */
static void many_stars_are_no_trouble(void **state)
{
	char pattern[400], text[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[sizeof(pattern) - 1] = 'b';
	memset(text, 'a', sizeof(text));
	assert_false(glob_match((struct text){pattern, sizeof(pattern)},
				(struct text){text, sizeof(text)}, false));
}

static void agrees_with_fnmatch_at_random(void **state)
{
	uint32_t seed = 12345;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char pattern[8] = "", text[6] = "";

		for (size_t n = 0; n < 7; n++) {
			seed = seed * 1664525 + 1013904223;
			pattern[n] = "ab*?b\\a*"[seed >> 20 & 7];
		}
		for (size_t n = 0; n < 5; n++) {
			seed = seed * 1664525 + 1013904223;
			text[n] = "abab"[seed >> 20 & 3];
		}
		if (glob_match(text_from(pattern), text_from(text), false) !=
		    (fnmatch(pattern, text, 0) == 0))
			fail_msg("'%s' on '%s'", pattern, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_fnmatch_does),
		cmocka_unit_test(case_can_be_ignored),
		cmocka_unit_test(many_stars_are_no_trouble),
		cmocka_unit_test(agrees_with_fnmatch_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
