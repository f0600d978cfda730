#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/human.h"

/* Takes got. */
static void expect(char *got, const char *want)
{
	if (!got || strcmp(got, want) != 0)
		fail_msg("got '%s', want '%s'", got ? got : "NULL", want);
	free(got);
}

static void test_durations(void **state)
{
	static const struct {
		double seconds;
		const char *want;
	} rows[] = {
		{0, "0 s"},
		{-5, "0 s"},
		{0.3, "0.3 s"},
		{1.04, "1 s"},
		{45, "45 s"},
		{119, "119 s"},
		{120, "2 min"},
		{150, "2.5 min"},
		{7199, "120 min"},
		{10800, "3 h"},
		{12960, "3.6 h"},
		{172799, "48 h"},
		{207360, "2.4 days"},
		{86400 * 40, "40 days"},
		{63072000, "2 years"},
		{3.2e9, "101 years"},
		{1e10, "317 years"},
		{NAN, "unknown"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(human_duration(rows[i].seconds), rows[i].want);
}

static void test_shares(void **state)
{
	static const struct {
		double share;
		const char *want;
	} rows[] = {
		{0, "0 %"},     {0.001, "0.1 %"}, {0.055, "5.5 %"},   {0.5, "50 %"},
		{0.97, "97 %"}, {0.99, "99 %"},   {0.994, "99.40 %"}, {0.99999, "99.99 %"},
		{1, "100 %"},   {NAN, "unknown"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(human_share(rows[i].share), rows[i].want);
}

static void test_figures(void **state)
{
	(void)state;
	expect(human_bytes(0), "0 B");
	expect(human_bytes(1023), "1023 B");
	expect(human_bytes(1536), "1.5 KiB");
	expect(human_bytes(16777216), "16 MiB");
	expect(human_bytes(1e18), "909495 TiB");
	expect(human_bytes(NAN), "unknown");
	expect(human_count(0), "0");
	expect(human_count(999), "999");
	expect(human_count(1000), "1,000");
	expect(human_count(9007199254740991.0), "9,007,199,254,740,991");
	expect(human_count(-1), "unknown");
	expect(human_count(NAN), "unknown");
}

static void test_ago(void **state)
{
	uint64_t now = UINT64_C(100) * 1000000000;

	(void)state;
	expect(human_ago("1970-01-01T00:00:55Z", now), "45 s ago");
	expect(human_ago("1970-01-01T00:01:39.700000000Z", now), "0.3 s ago");
	expect(human_ago("1970-01-01T00:10:00Z", now), "0 s ago"); /* clocks differ a little */
	expect(human_ago(NULL, now), "never");
	expect(human_ago("nonsense", now), "never");
}

static void test_texts_cannot_steer_the_terminal(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"plain text", "plain text"},
		{"\x1b[2J", "\\x1b[2J"},
		{"a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"},
		{"\x7f", "\\x7f"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac"},
		{"\xc2\x9b"
		 "31m",
		 "\\xc2\\x9b31m"},                     /* C1: another escape */
		{"\xe2\x80\xaex", "\\xe2\\x80\\xaex"}, /* right to left */
		{"\xe2\x81\xa7x", "\\xe2\\x81\\xa7x"}, /* isolate */
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},   /* line separator */
		{"\xff\xfe", "\\xff\\xfe"},
		{"\xe2\x82", "\\xe2\\x82"}, /* cut character */
		{"already \\xff", "already \\xff"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(human_text(rows[i].text), rows[i].want);
	expect(human_text(NULL), "");
}

static void test_widths(void **state)
{
	static const struct {
		const char *text;
		unsigned width;
		size_t fits_in_3;
	} rows[] = {
		{"", 0, 0},
		{"ab", 2, 2},
		{"abcd", 4, 3},
		{"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 4, 6},
		{"\xe6\x97\xa5\xe6\x9c\xac", 4, 3}, /* two columns each */
		{"e\xcc\x81"
		 "abc",
		 4, 5}, /* a mark that takes none */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (human_width(rows[i].text) != rows[i].width ||
		    human_fit(rows[i].text, 3) != rows[i].fits_in_3)
			fail_msg("'%s': width %u, fits %zu", rows[i].text,
				 human_width(rows[i].text), human_fit(rows[i].text, 3));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_ago),
		cmocka_unit_test(test_texts_cannot_steer_the_terminal),
		cmocka_unit_test(test_widths),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
