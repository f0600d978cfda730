#include "filter/format.h"

#include <errno.h>

#include "tests/unit/filter/filter_test.h"

static void formats_print(void **state)
{
	static const struct {
		const char *format, *text, *json; /* text NULL: refused */
	} rows[] = {
		{"", "", "{}"},
		{"plain text", "plain text", "{}"},
		{"a=%s.v b=%i.v", "a=nginx b=-5", "{\"i.v\":-5,\"s.v\":\"nginx\"}"},
		{"%s.vXYZ", "nginxXYZ", "{\"s.v\":\"nginx\"}"},
		{"%s.v%s.v", "nginxnginx", "{\"s.v\":\"nginx\"}"},
		{"%s.v.", "nginx.", "{\"s.v\":\"nginx\"}"},
		{"%s.v[0]", "nginx[0]", "{\"s.v\":\"nginx\"}"},
		{"%x.name[1]!", "bash!", "{\"x.name[1]\":\"bash\"}"},
		{"%s.absent", "<NA>", "{\"s.absent\":null}"},
		{"%10s.v|", "nginx     |", "{\"s.v\":\"nginx\"}"},
		{"%2s.v|", "ng|", "{\"s.v\":\"nginx\"}"},
		{"%8s.absent|", "<NA>    |", "{\"s.absent\":null}"},
		{"%b.v %d.v %p.v", "true 1.5 443", "{\"b.v\":true,\"d.v\":1.5,\"p.v\":443}"},
		{"%a.v %a.six", "10.1.2.3 2001:db8::1",
		 "{\"a.six\":\"2001:db8::1\",\"a.v\":\"10.1.2.3\"}"},
		{"%n.v", "<IPNET>", "{\"n.v\":\"<IPNET>\"}"},
		{"%l.v", "(a,b)", "{\"l.v\":[\"a\",\"b\"]}"},
		{"%l.empty", "()", "{\"l.empty\":null}"},
		{"%x.name", "bash sshd init", "{\"x.name\":\"bash sshd init\"}"},
		{"%h.v %o.v", "BEEF 755", "{\"h.v\":\"BEEF\",\"o.v\":\"755\"}"},
		{"%z.v", "000000493", "{\"z.v\":493}"},
		{"%f.only", "<NA>", "{\"f.only\":null}"},
		{"%toupper(s.v)", "NGINX", "{\"s.v\":\"nginx\"}"},
		{"%toupper( s.v )x", "NGINXx", "{\"s.v\":\"nginx\"}"},
		{"%concat(s.v,'-',s.same)", "nginx-nginx",
		 "{\"s.same\":\"nginx\",\"s.v\":\"nginx\"}"},
		{"{\"k\":\"%s.v\"}", "{\"k\":\"nginx\"}", "{\"s.v\":\"nginx\"}"},
		{"100%", NULL, NULL},
		{"%%", NULL, NULL},
		{"% s.v", NULL, NULL},
		{"%5", NULL, NULL},
		{"%foo.bar", NULL, NULL},
		{"%val(s.v)", NULL, NULL},
		{"%toupper(s.v", NULL, NULL},
		{"%toupper(i.v)", NULL, NULL},
	};
	struct filter_test *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(format_destroy) struct format *format = NULL;
		char out[256];
		struct diag diag = {0};
		int r = format_compile(&format, text_from(rows[i].format), given_fields(t->given),
				       &diag);

		if ((r == 0) != (rows[i].text != NULL))
			fail_msg("'%s': %d %s", rows[i].format, r, diag.message);
		if (r) {
			assert_int_equal(r, -EINVAL);
			assert_true(diag.message[0]);
			continue;
		}
		arena_reset(&t->arena);
		out[format_print(format, &t->ctx, out, sizeof(out) - 1)] = '\0';
		assert_string_equal(out, rows[i].text);
		out[format_fields_json(format, &t->ctx, out, sizeof(out) - 1)] = '\0';
		assert_string_equal(out, rows[i].json);
	}
}

static void strangers_bytes_stay_valid_json(void **state)
{
	static const struct {
		const char *value;
		uint32_t len;
		const char *want;
	} rows[] = {
		{"a\"b\\c", 5, "{\"z.v\":\"a\\\"b\\\\c\"}"},
		{"\n\t\r\b\f", 5, "{\"z.v\":\"\\n\\t\\r\\b\\f\"}"},
		{"\x01\x1f\x7f", 3, "{\"z.v\":\"\\u0001\\u001f\\u007f\"}"},
		{"a\0b", 3, "{\"z.v\":\"a\\u0000b\"}"},
		{"\xff\xc3\xa9", 3, "{\"z.v\":\"\xef\xbf\xbd\xc3\xa9\"}"},
	};
	struct filter_test *t = *state;

	given_define(t->given, "z.v", VALUE_CHARBUF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(format_destroy) struct format *format = NULL;
		char out[128];

		assert_int_equal(
			given_set_bytes(t->given, "z.v", (struct text){rows[i].value, rows[i].len}),
			0);
		assert_int_equal(
			format_compile(&format, TEXT("%z.v"), given_fields(t->given), NULL), 0);
		out[format_fields_json(format, &t->ctx, out, sizeof(out) - 1)] = '\0';
		assert_string_equal(out, rows[i].want);
	}
}

static void output_is_cut_and_json_never_half(void **state)
{
	struct filter_test *t = *state;
	SCOPED(format_destroy) struct format *format = NULL;
	char out[8];

	assert_int_equal(format_compile(&format, TEXT("name=%s.v"), given_fields(t->given), NULL),
			 0);
	assert_int_equal(format_print(format, &t->ctx, out, sizeof(out)), 8);
	assert_memory_equal(out, "name=ngi", 8);
	assert_int_equal(format_fields_json(format, &t->ctx, out, sizeof(out)), 0);
}

static void strict_printing_stops_at_absent_values(void **state)
{
	struct filter_test *t = *state;
	SCOPED(format_destroy) struct format *format = NULL;
	char text[64];
	struct print out = {.buffer = text, .size = sizeof(text)};

	assert_int_equal(
		format_compile(&format, TEXT("a %s.v %s.absent b"), given_fields(t->given), NULL),
		0);
	assert_false(format_print_strict(format, &t->ctx, &out));
	assert_int_equal(out.len, 8);
	assert_memory_equal(text, "a nginx ", 8);
	assert_int_equal(format_n_fields(format), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILTER_TEST(formats_print),
		FILTER_TEST(strangers_bytes_stay_valid_json),
		FILTER_TEST(output_is_cut_and_json_never_half),
		FILTER_TEST(strict_printing_stops_at_absent_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
