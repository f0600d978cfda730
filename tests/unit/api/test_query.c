#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "api/query.h"
#include "base/util.h"

static const struct query_param params[] = {
	{"text", QUERY_TEXT, "", NULL},
	{"since", QUERY_TIME, "", NULL},
	{"seconds", QUERY_SECONDS, "", NULL},
	{"count", QUERY_COUNT, "", NULL},
	{"limit", QUERY_LIMIT, "", NULL},
	{"flag", QUERY_BOOL, "", NULL},
	{"workload", QUERY_WORKLOAD, "", NULL},
	{"state", QUERY_CHOICE, "", "open closed"},
	{NULL},
};

static struct query one(const char *name, const char *value)
{
	return (struct query){.n = 1, .items = {{name, value}}};
}

static void test_values_are_checked_by_type(void **state)
{
	static const struct {
		const char *name, *value;
		int want;
	} rows[] = {
		{"text", "", 0},
		{"text", "any thing \xff", 0},
		{"since", "2026-11-20T12:00:00Z", 0},
		{"since", "2026-11-20T12:00:00.123456789+01:00", 0},
		{"since", "1795262400", 0},
		{"since", "", -EINVAL},
		{"since", "yesterday", -EINVAL},
		{"since", "2026-02-30T00:00:00Z", -EINVAL},
		{"seconds", "0", 0},
		{"seconds", "28800", 0},
		{"seconds", "1.5e3", 0},
		{"seconds", "", -EINVAL},
		{"seconds", "-1", -EINVAL},
		{"seconds", " 1", -EINVAL},
		{"seconds", "0x10", -EINVAL},
		{"seconds", "inf", -EINVAL},
		{"seconds", "nan", -EINVAL},
		{"seconds", "1e999", -EINVAL},
		{"seconds", "1s", -EINVAL},
		{"count", "0", 0},
		{"count", "9007199254740992", 0},
		{"count", "9007199254740993", -EINVAL},
		{"count", "99999999999999999999", -EINVAL},
		{"count", "-1", -EINVAL},
		{"count", "+1", -EINVAL},
		{"count", "1.0", -EINVAL},
		{"count", "", -EINVAL},
		{"limit", "1", 0},
		{"limit", "1000", 0},
		{"limit", "0", -EINVAL},
		{"limit", "1001", -EINVAL},
		{"flag", "true", 0},
		{"flag", "0", 0},
		{"flag", "yes", -EINVAL},
		{"flag", "", -EINVAL},
		{"workload", "0123456789abcdef", 0},
		{"workload", "0123456789abcde", -EINVAL},
		{"workload", "0123456789abcdeg", -EINVAL},
		{"workload", "redis", -EINVAL},
		{"state", "open", 0},
		{"state", "closed", 0},
		{"state", "open closed", -EINVAL},
		{"state", "clos", -EINVAL},
		{"state", "", -EINVAL},
		{"other", "1", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct query query = one(rows[i].name, rows[i].value);
		struct diag diag = {0};
		int r = query_check(&query, params, &diag);

		if (r != rows[i].want)
			fail_msg("%s=%s: got %d, want %d", rows[i].name, rows[i].value, r,
				 rows[i].want);
		if (r && !strstr(diag.message, rows[i].name))
			fail_msg("%s=%s: '%s' does not name it", rows[i].name, rows[i].value,
				 diag.message);
	}
}

static void test_lists_of_parameters(void **state)
{
	struct query twice = {.n = 2, .items = {{"limit", "1"}, {"limit", "2"}}};
	struct query given = one("limit", "1");
	struct query none = {0};
	struct diag diag = {0};

	(void)state;
	assert_int_equal(query_check(&twice, params, &diag), -EINVAL);
	assert_non_null(strstr(diag.message, "twice"));
	assert_int_equal(query_check(&given, NULL, &diag), -EINVAL);
	assert_int_equal(query_check(&none, NULL, &diag), 0);
}

static void test_values_and_defaults(void **state)
{
	struct query query = {
		.n = 6,
		.items = {{"since", "1970-01-01T00:00:01.5Z"},
			  {"seconds", "2.5"},
			  {"count", "42"},
			  {"flag", "1"},
			  {"workload", "00000000000000ff"},
			  {"text", "x"}},
	};
	struct query none = {0};

	(void)state;
	assert_int_equal(query_time_ns(&query, "since", 7), 1500000000);
	assert_int_equal(query_time_ns(&none, "since", 7), 7);
	assert_true(query_seconds(&query, "seconds", 0) == 2.5);
	assert_true(query_seconds(&none, "seconds", 1.25) == 1.25);
	assert_int_equal(query_count(&query, "count", 0), 42);
	assert_int_equal(query_count(&none, "count", 3), 3);
	assert_true(query_bool(&query, "flag", false));
	assert_true(query_bool(&none, "flag", true));
	assert_int_equal(query_workload(&query), 255);
	assert_int_equal(query_workload(&none), 0);
	assert_string_equal(query_text(&query, "text"), "x");
	assert_null(query_text(&none, "text"));
	assert_int_equal(query_limit(&none), QUERY_LIMIT_DEFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_checked_by_type),
		cmocka_unit_test(test_lists_of_parameters),
		cmocka_unit_test(test_values_and_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
