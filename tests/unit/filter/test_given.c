#include <errno.h>

#include "tests/unit/filter/filter_test.h"

static bool eval_given(const char *json, const char *text, struct diag *diag, int *r)
{
	SCOPED(given_destroy) struct given *given = NULL;
	SCOPED(filter_destroy) struct filter *filter = NULL;
	struct field_set known = {.tables = {state_field_table()}, .n_tables = 1};
	struct arena arena;
	struct field_context ctx = {.arena = &arena};
	cJSON *values = cJSON_Parse(json);
	bool result = false;

	assert_non_null(values);
	assert_int_equal(arena_init(&arena, 4096), 0);
	assert_int_equal(given_create(&given, &known), 0);
	*r = given_set_all(given, values, diag);
	if (!*r)
		*r = filter_compile(&filter, text_from(text), given_fields(given), diag);
	if (!*r)
		result = filter_eval(filter, &ctx);
	cJSON_Delete(values);
	arena_done(&arena);
	return result;
}

static void known_fields_take_given_values(void **state)
{
	static const struct {
		const char *json, *filter;
		bool want;
	} rows[] = {
		{"{\"proc.name\": \"cat\"}", "proc.name = cat", true},
		{"{\"proc.name\": \"cat\"}", "proc.exe = cat", false}, /* absent */
		{"{\"proc.name\": \"cat\"}", "not proc.exe = cat", true},
		{"{\"proc.pid\": 7}", "proc.pid > 6", true},
		{"{\"proc.pid\": \"7\"}", "proc.pid > 6", true},
		{"{\"proc.pid\": null}", "proc.pid exists", false},
		{"{\"evt.failed\": true}", "evt.failed = true", true},
		{"{\"fd.cport\": 443}", "fd.cport = https", true},
		{"{\"fd.sip\": \"1.2.3.4\"}", "fd.sip = 1.2.3.4", true},
		{"{\"proc.args[1]\": \"-c\"}", "proc.args[1] = -c", true},
		{"{\"proc.args[1]\": \"-c\"}", "proc.args[2] exists", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag diag = {0};
		int r;
		bool got = eval_given(rows[i].json, rows[i].filter, &diag, &r);

		if (r || got != rows[i].want)
			fail_msg("%s on %s: %d %s", rows[i].filter, rows[i].json, r, diag.message);
	}
}

static void wrong_values_are_refused(void **state)
{
	static const struct {
		const char *json, *message;
	} rows[] = {
		{"[]", "expected an object"},
		{"{\"no.such\": 1}", "no field 'no.such'"},
		{"{\"proc.pid\": \"x\"}", "'proc.pid' must be of type int64"},
		{"{\"proc.name\": 5}", "must be of type charbuf"},
		{"{\"evt.failed\": \"maybe\"}", "must be of type bool"},
		{"{\"proc.name\": [\"a\"]}", "must be of type charbuf"},
		{"{\"fd.sip\": \"here\"}", "must be of type ipaddr"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag diag = {0};
		int r;

		eval_given(rows[i].json, "proc.name exists", &diag, &r);
		if (r != -EINVAL || !strstr(diag.message, rows[i].message))
			fail_msg("%s: %d '%s'", rows[i].json, r, diag.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_fields_take_given_values),
		cmocka_unit_test(wrong_values_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
