#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/util.h"

static void bytes_are_shown_and_come_back(void **state)
{
	static const struct {
		const char *name;
		struct text input;
		const char *want;
	} rows[] = {
		{"plain", TEXT("/usr/bin/cat"), "/usr/bin/cat"},
		{"empty", TEXT(""), ""},
		{"backslash", TEXT("a\\b"), "a\\\\b"},
		{"looks escaped", TEXT("\\x41"), "\\\\x41"},
		{"nul", TEXT("a\0b"), "a\\x00b"},
		{"newline and quote stay", TEXT("a\n\"b"), "a\n\"b"},
		{"two bytes", TEXT("\xc3\xa4"), "\xc3\xa4"},
		{"three bytes", TEXT("\xe2\x82\xac"), "\xe2\x82\xac"},
		{"four bytes", TEXT("\xf0\x9f\x90\xa2"), "\xf0\x9f\x90\xa2"},
		{"latin-1", TEXT("\xe4"), "\\xe4"},
		{"cut character", TEXT("x\xe2\x82"), "x\\xe2\\x82"},
		{"stray continuation", TEXT("\x80z"), "\\x80z"},
		{"overlong slash", TEXT("\xc0\xaf"), "\\xc0\\xaf"},
		{"overlong three", TEXT("\xe0\x80\xaf"), "\\xe0\\x80\\xaf"},
		{"overlong four", TEXT("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf"},
		{"surrogate", TEXT("\xed\xa0\x80"), "\\xed\\xa0\\x80"},
		{"beyond unicode", TEXT("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"},
		{"last character", TEXT("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf"},
		{"never valid", TEXT("\xfe\xff"), "\\xfe\\xff"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(free_ptr) char *shown = json_text_encode(rows[i].input);
		char back[64];
		uint32_t len = 99;

		assert_non_null(shown);
		if (strcmp(shown, rows[i].want) != 0)
			fail_msg("%s: got '%s'", rows[i].name, shown);
		assert_true(json_text_decode(text_from(shown), back, &len));
		if (!text_equal((struct text){back, len}, rows[i].input))
			fail_msg("%s: does not come back", rows[i].name);
	}
}

static void every_pair_of_bytes_comes_back(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			char bytes[] = {(char)a, (char)b}, shown[16], back[16];
			uint32_t n, len;

			n = json_text_encode_into((struct text){bytes, 2}, shown, sizeof(shown));
			assert_true(json_text_decode((struct text){shown, n}, back, &len));
			assert_int_equal(len, 2);
			assert_memory_equal(bytes, back, 2);
		}
	}
}

static void decoding_refuses_other_escapes(void **state)
{
	static const char *const rows[] = {"\\",    "a\\n",  "\\x",    "\\x4",
					   "\\xg0", "\\x4g", "\\u0041"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[16];
		uint32_t len;

		if (json_text_decode(text_from(rows[i]), out, &len))
			fail_msg("'%s' was accepted", rows[i]);
	}
}

static void cutting_keeps_characters_whole(void **state)
{
	static const struct {
		struct text input;
		uint32_t room;
		const char *want;
	} rows[] = {
		{TEXT("abc"), 4, "abc"},
		{TEXT("abc"), 3, "ab"},
		{TEXT("a\xc3\xa4"), 4, "a\xc3\xa4"},
		{TEXT("a\xc3\xa4"), 3, "a"},
		{TEXT("\xff"), 5, "\\xff"},
		{TEXT("\xff"), 4, ""},
		{TEXT("abc"), 1, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[16] = "?";

		json_text_encode_into(rows[i].input, out, rows[i].room);
		assert_string_equal(out, rows[i].want);
	}
}

static void members_have_their_form(void **state)
{
	SCOPED(free_ptr) char *printed = NULL;
	cJSON *object = cJSON_CreateObject();

	(void)state;
	json_add_text(object, "text", TEXT("a\"\x01\xff\n"));
	json_add_text(object, "empty", TEXT_NONE);
	json_add_text_or_null(object, "none", TEXT_NONE);
	json_add_time(object, "time", 1795176000000000001);
	json_add_time(object, "never", 0);
	json_add_hex16(object, "hex", 255);
	json_add_id(object, "id", 'a', 42);
	json_add_id(object, "no_id", 'i', 0);
	json_add_u64(object, "big", 9007199254740991);
	json_add_u64(object, "small", 7);
	json_add_i64(object, "minus", -1795176000000000001);
	json_add_double(object, "half", 0.5);
	json_add_double(object, "nan", NAN);
	json_add_double(object, "inf", INFINITY);
	json_add_bool(object, "yes", true);
	json_append_text(json_add_array(object, "list"), TEXT("x\\y"));
	json_add_object(object, "object");
	printed = cJSON_PrintUnformatted(object);
	cJSON_Delete(object);
	assert_string_equal(printed,
			    "{\"text\":\"a\\\"\\u0001\\\\xff\\n\",\"empty\":\"\",\"none\":null,"
			    "\"time\":\"2026-11-20T12:00:00.000000001Z\",\"never\":null,"
			    "\"hex\":\"00000000000000ff\",\"id\":\"a42\",\"no_id\":null,"
			    "\"big\":9007199254740991,\"small\":7,"
			    "\"minus\":-1795176000000000001,\"half\":0.5,\"nan\":null,"
			    "\"inf\":null,\"yes\":true,\"list\":[\"x\\\\\\\\y\"],"
			    "\"object\":{}}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_shown_and_come_back),
		cmocka_unit_test(every_pair_of_bytes_comes_back),
		cmocka_unit_test(decoding_refuses_other_escapes),
		cmocka_unit_test(cutting_keeps_characters_whole),
		cmocka_unit_test(members_have_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
