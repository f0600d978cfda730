#include "filter/literal.h"

#include <errno.h>

#include "tests/unit/filter/filter_test.h"

static void done_pool(struct pool *pool)
{
	pool_done(pool);
}

static void numbers_are_read_by_type(void **state)
{
	static const struct {
		const char *text;
		enum value_type type;
		int r;
		uint64_t want;
	} rows[] = {
		{"5", VALUE_INT64, 0, 5},
		{"-5", VALUE_INT64, 0, (uint64_t)-5},
		{"+5", VALUE_PID, 0, 5},
		{"", VALUE_INT64, -EINVAL, 0},
		{"5x", VALUE_INT64, -EINVAL, 0},
		{"0x10", VALUE_INT64, -EINVAL, 0},
		{"1.5", VALUE_INT64, -EINVAL, 0},
		{"99999999999999999999", VALUE_INT64, 0, INT64_MAX},
		{"300", VALUE_UINT8, 0, 44},
		{"-1", VALUE_UINT64, 0, UINT64_MAX},
		{"-1", VALUE_UINT16, 0, 65535},
		{"-1", VALUE_UINT32, 0, UINT32_MAX},
		{"-1", VALUE_UID, 0, UINT32_MAX},
		{"-1", VALUE_INT8, 0, (uint64_t)-1},
		{"0755", VALUE_MODE, 0, 755},
		{"true", VALUE_BOOL, 0, 1},
		{"false", VALUE_BOOL, 0, 0},
		{"True", VALUE_BOOL, -EINVAL, 0},
		{"443", VALUE_PORT, 0, 443},
		{"70000", VALUE_PORT, 0, 4464},
		{"ssh", VALUE_PORT, 0, 22},
		{"-1", VALUE_PORT, -EINVAL, 0},
		{"", VALUE_PORT, -EINVAL, 0},
		{"1", VALUE_SOCKADDR, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(done_pool) struct pool pool = {0};
		struct value value;
		struct diag diag = {0};
		int r = literal_parse(text_from(rows[i].text), rows[i].type, OP_EQ, &pool, &value,
				      &diag);

		if (r != rows[i].r || (r == 0 && value.u64 != rows[i].want))
			fail_msg("'%s' as %s: %d, %llu", rows[i].text,
				 value_type_name(rows[i].type), r, (unsigned long long)value.u64);
		assert_int_equal(diag.message[0] != '\0', r != 0);
	}
}

static void text_has_limits(void **state)
{
	SCOPED(done_pool) struct pool pool = {0};
	char longest[LITERAL_BYTES_MAX + 1];
	struct text fits = {longest, LITERAL_BYTES_MAX}, too_long = {longest, sizeof(longest)};
	struct text with_nul = TEXT("a\0b");
	struct value value;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(literal_parse(fits, VALUE_CHARBUF, OP_EQ, &pool, &value, NULL), 0);
	assert_int_equal(value.text.len, LITERAL_BYTES_MAX);
	assert_int_equal(literal_parse(too_long, VALUE_CHARBUF, OP_EQ, &pool, &value, NULL),
			 -EINVAL);
	assert_int_equal(literal_parse(with_nul, VALUE_CHARBUF, OP_EQ, &pool, &value, NULL),
			 -EINVAL);
	assert_int_equal(literal_parse(with_nul, VALUE_BYTEBUF, OP_EQ, &pool, &value, NULL), 0);
	assert_int_equal(value.text.len, 3);
	assert_int_equal(
		literal_parse(TEXT("00fF"), VALUE_BYTEBUF, OP_BCONTAINS, &pool, &value, NULL), 0);
	assert_memory_equal(value.text.ptr, "\x00\xff", 2);
}

static void networks_have_bits(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint8_t prefix;
	} rows[] = {
		{"10.0.0.0/8", 0, 8},        {"10.0.0.0/0", 0, 0},     {"10.0.0.0/32", 0, 32},
		{"10.0.0.0/33", -EINVAL, 0}, {"::1/128", 0, 128},      {"::1/129", -EINVAL, 0},
		{"::/0", -EINVAL, 0},        {"10.0.0.0", -EINVAL, 0}, {"10.0.0.0/", -EINVAL, 0},
		{"10.0.0.0/x", -EINVAL, 0},  {"x/8", -EINVAL, 0},      {"10.0.0/8", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct value value;
		int r = literal_parse(text_from(rows[i].text), VALUE_IPNET, OP_EQ, NULL, &value,
				      NULL);

		if (r != rows[i].r || (r == 0 && value.ip.prefix != rows[i].prefix))
			fail_msg("%s: %d", rows[i].text, r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_by_type),
		cmocka_unit_test(text_has_limits),
		cmocka_unit_test(networks_have_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
