#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/util.h"
#include "profiles/blob.h"

static void numbers_come_back(void **state)
{
	static const uint64_t rows[] = {
		0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX,
	};
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct blob_reader reader;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		blob_put_varint(&writer, rows[i]);
		blob_put_u64(&writer, rows[i]);
		blob_put_u32(&writer, (uint32_t)rows[i]);
		blob_put_u8(&writer, (uint8_t)rows[i]);
	}
	blob_put_f64(&writer, -0.125);
	blob_put_text(&writer, TEXT("a\0b"));
	assert_false(writer.failed);
	reader = blob_reader_of((struct text){(char *)writer.bytes, (uint32_t)writer.len});
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(blob_get_varint(&reader), rows[i]);
		assert_int_equal(blob_get_u64(&reader), rows[i]);
		assert_int_equal(blob_get_u32(&reader), (uint32_t)rows[i]);
		assert_int_equal(blob_get_u8(&reader), (uint8_t)rows[i]);
	}
	assert_true(blob_get_f64(&reader) == -0.125);
	assert_true(text_equal(blob_get_text(&reader), TEXT("a\0b")));
	assert_false(reader.failed);
	assert_int_equal(reader.left, 0);
}

static void damaged_bytes_fail_and_stay_failed(void **state)
{
	enum what { VARINT, COUNT_10, TEXT_, F64, U64 };
	static const struct {
		const char *name;
		struct text bytes;
		enum what what;
	} rows[] = {
		{"empty varint", {"", 0}, VARINT},
		{"unfinished varint", {"\x80\x80", 2}, VARINT},
		{"varint of 65 bits", {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, VARINT},
		{"varint without end",
		 {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11},
		 VARINT},
		{"count above its limit", {"\x0b", 1}, COUNT_10},
		{"text longer than the rest",
		 {"\x05"
		  "abcd",
		  5},
		 TEXT_},
		{"text of absurd length", {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10}, TEXT_},
		{"infinite", {"\0\0\0\0\0\0\xf0\x7f", 8}, F64},
		{"not a number", {"\1\0\0\0\0\0\xf8\x7f", 8}, F64},
		{"short", {"\1\2\3\4\5\6\7", 7}, U64},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct blob_reader reader = blob_reader_of(rows[i].bytes);

		switch (rows[i].what) {
		case VARINT:
			assert_int_equal(blob_get_varint(&reader), 0);
			break;
		case COUNT_10:
			assert_int_equal(blob_get_count(&reader, 10), 0);
			break;
		case TEXT_:
			assert_int_equal(blob_get_text(&reader).len, 0);
			break;
		case F64:
			assert_true(blob_get_f64(&reader) == 0);
			break;
		case U64:
			assert_int_equal(blob_get_u64(&reader), 0);
			break;
		}
		if (!reader.failed)
			fail_msg("%s", rows[i].name);
		assert_int_equal(blob_get_u8(&reader), 0);
		assert_true(reader.failed);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(damaged_bytes_fail_and_stay_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
