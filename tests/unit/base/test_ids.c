#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ids.h"
#include "base/util.h"

static void times_are_read(void **state)
{
	static const struct {
		const char *input;
		bool want;
		uint64_t ns;
	} rows[] = {
		{"1970-01-01T00:00:00Z", true, 0},
		{"2026-11-20T12:00:00.123456789Z", true, 1795176000123456789},
		{"2026-11-20T12:00:00.5Z", true, 1795176000500000000},
		{"2026-11-20T12:00:00.1234567899999Z", true, 1795176000123456789},
		{"2026-11-20T14:00:00+02:00", true, 1795176000000000000},
		{"2026-11-20 07:30:00-04:30", true, 1795176000000000000},
		{"2024-02-29T00:00:00Z", true, 1709164800000000000},
		{"1795176000", true, 1795176000000000000},
		{"1795176000.25", true, 1795176000250000000},
		{"0", true, 0},
		{"2025-02-29T00:00:00Z", false, 0},
		{"2025-06-31T12:00:00Z", false, 0},
		{"2026-13-01T00:00:00Z", false, 0},
		{"2026-11-20T24:00:00Z", false, 0},
		{"2026-11-20T12:00:00", false, 0},
		{"2026-11-20T12:00:00.Z", false, 0},
		{"2026-11-20T12:00:00Zx", false, 0},
		{"2026-11-20", false, 0},
		{"1970-01-01T00:00:00+01:00", false, 0},
		{"99999999999999999999", false, 0},
		{"1.", false, 0},
		{"-5", false, 0},
		{"", false, 0},
		{"yesterday", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t ns = 0;
		bool ok = time_parse(text_from(rows[i].input), &ns);

		if (ok != rows[i].want || ns != rows[i].ns)
			fail_msg("'%s': %d, %llu", rows[i].input, ok, (unsigned long long)ns);
	}
}

static void times_survive_printing(void **state)
{
	static const uint64_t rows[] = {0, 1, 999999999, 1795176000123456789,
					16725225599999999999u};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[TIME_TEXT_BYTES];
		uint64_t back = 1;

		assert_true(time_parse(text_from(time_print(rows[i], text)), &back));
		assert_int_equal(back, rows[i]);
	}
}

static void times_are_printed_with_nanoseconds(void **state)
{
	char text[TIME_TEXT_BYTES];

	(void)state;
	assert_string_equal(time_print(1795176000000000042, text),
			    "2026-11-20T12:00:00.000000042Z");
	time_print(UINT64_MAX, text); /* must fit */
}

static void hex_is_sixteen_digits(void **state)
{
	static const struct {
		const char *input;
		bool want;
		uint64_t value;
	} rows[] = {
		{"0000000000000000", true, 0},          {"00000000deadbeef", true, 0xdeadbeef},
		{"ffffffffffffffff", true, UINT64_MAX}, {"FFFFFFFFFFFFFFFF", false, 0},
		{"fffffffffffffff", false, 0},          {"fffffffffffffffff", false, 0},
		{"000000000000000g", false, 0},         {"", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[HEX16_BYTES];
		uint64_t value = 0;

		if (hex16_parse(text_from(rows[i].input), &value) != rows[i].want ||
		    value != rows[i].value)
			fail_msg("'%s'", rows[i].input);
		if (rows[i].want)
			assert_string_equal(hex16_print(value, text), rows[i].input);
	}
}

static void ids_are_letter_and_number(void **state)
{
	static const struct {
		const char *input;
		bool want;
		uint64_t id;
	} rows[] = {
		{"a1", true, 1},
		{"a42", true, 42},
		{"a999999999999999999", true, 999999999999999999},
		{"a9999999999999999999", false, 0},
		{"a0", false, 0},
		{"a01", false, 0},
		{"a", false, 0},
		{"", false, 0},
		{"b1", false, 0},
		{"1", false, 0},
		{"a1 ", false, 0},
		{"a-1", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[ID_BYTES];
		uint64_t id = 0;

		if (id_parse('a', text_from(rows[i].input), &id) != rows[i].want ||
		    id != rows[i].id)
			fail_msg("'%s'", rows[i].input);
		if (rows[i].want)
			assert_string_equal(id_print('a', id, text), rows[i].input);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(times_survive_printing),
		cmocka_unit_test(times_are_printed_with_nanoseconds),
		cmocka_unit_test(hex_is_sixteen_digits),
		cmocka_unit_test(ids_are_letter_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
