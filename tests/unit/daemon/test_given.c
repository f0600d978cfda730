#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "anomaly/incidents.h"
#include "base/util.h"
#include "daemon/given.h"
#include "filter/filter.h"

#define ANCESTOR (FIELD_ANY_ANCESTOR | FIELD_ARG_ALLOWED | FIELD_ARG_INDEX | FIELD_PER_PROCESS)

static int below_1000(const struct field *field, struct field_arg *arg)
{
	/* The real row is asked, not its stand-in. */
	assert_int_equal(field->variant, 7);
	return arg->is_given && arg->index >= 1000 ? -EINVAL : 0;
}

static const struct field rows_of_proc[] = {
	{"evt.type", VALUE_CHARBUF},
	{"evt.failed", VALUE_BOOL},
	{"evt.arg", VALUE_CHARBUF, FIELD_ARG_REQUIRED | FIELD_ARG_KEY | FIELD_ARG_DOT},
	{"proc.name", VALUE_CHARBUF, FIELD_PER_PROCESS},
	{"proc.exepath", VALUE_CHARBUF},
	{"proc.pid", VALUE_INT64},
	{"proc.aname", VALUE_CHARBUF, ANCESTOR, NULL, below_1000, "", 7},
	{"user.name", VALUE_CHARBUF},
	{"user.uid", VALUE_UINT32},
	{"fd.name", VALUE_CHARBUF, FIELD_UNAVAILABLE},
	{"fd.sport", VALUE_PORT},
	{"fd.sip", VALUE_IPADDR},
};

static struct field_set all_fields(void)
{
	return (struct field_set){
		.n_tables = 2,
		.tables = {{rows_of_proc, ARRAY_SIZE(rows_of_proc)}, anomaly_field_table()},
	};
}

/* 1, 0, or -1 with the reason in diag. */
static int eval(const char *source, const char *json, struct diag *diag)
{
	SCOPED(given_destroy) struct given *given = NULL;
	SCOPED(filter_destroy) struct filter *filter = NULL;
	struct field_set fields = all_fields();

	if (given_create(&given, json, &fields, diag) ||
	    filter_compile(&filter, text_from(source), given_fields(given), diag))
		return -1;
	return filter_eval(filter, given_context(given));
}

static void test_filters_see_what_is_given(void **state)
{
	static const struct {
		const char *filter, *json;
		int want;
	} rows[] = {
		{"proc.name = cat", "{\"proc.name\": \"cat\"}", 1},
		{"proc.name = cat", "{\"proc.name\": \"dog\"}", 0},
		{"proc.name = cat", "{}", 0},
		{"proc.name exists", "{}", 0},
		{"proc.name exists", "{\"proc.name\": null}", 0},
		{"proc.name exists", "{\"proc.name\": \"\"}", 1},
		{"proc.name = 'a\nb'", "{\"proc.name\": \"a\\nb\"}", 1},
		{"proc.name startswith x", "{\"proc.name\": \"x\\\\xff\"}", 1},
		{"proc.pid = 5 and proc.pid < 6", "{\"proc.pid\": 5}", 1},
		{"proc.pid = -1", "{\"proc.pid\": -1}", 1},
		{"proc.pid = 9007199254740993", "{\"proc.pid\": \"9007199254740993\"}", 1},
		{"user.uid = 0", "{\"user.uid\": 0}", 1},
		{"evt.failed = true", "{\"evt.failed\": true}", 1},
		{"evt.failed = false", "{\"evt.failed\": \"false\"}", 1},
		{"fd.sport = 443", "{\"fd.sport\": 443}", 1},
		{"fd.sip = 10.0.0.1", "{\"fd.sip\": \"10.0.0.1\"}", 1},
		{"fd.sip = ::1", "{\"fd.sip\": \"::1\"}", 1},
		{"proc.aname = sshd", "{\"proc.name\":\"cat\",\"proc.aname\":[\"bash\",\"sshd\"]}",
		 1},
		{"proc.aname = cat", "{\"proc.name\":\"cat\",\"proc.aname\":[\"bash\",\"sshd\"]}",
		 0},
		{"proc.aname[1] = bash",
		 "{\"proc.name\":\"cat\",\"proc.aname\":[\"bash\",\"sshd\"]}", 1},
		{"proc.aname[2] = sshd",
		 "{\"proc.name\":\"cat\",\"proc.aname\":[\"bash\",\"sshd\"]}", 1},
		{"proc.aname[0] = cat",
		 "{\"proc.name\":\"cat\",\"proc.aname\":[\"bash\",\"sshd\"]}", 1},
		{"proc.aname[3] exists",
		 "{\"proc.name\":\"cat\",\"proc.aname\":[\"bash\",\"sshd\"]}", 0},
		{"proc.aname[7] = x", "{\"proc.aname[7]\": \"x\"}", 1},
		{"evt.arg.flags contains O_RDONLY", "{\"evt.arg.flags\": \"O_RDONLY\"}", 1},
		{"evt.arg[flags] contains O_RDONLY", "{\"evt.arg.flags\": \"O_RDONLY\"}", 1},
		{"basename(proc.exepath) = cat", "{\"proc.exepath\": \"/bin/cat\"}", 1},
		{"evt.type in (open, openat)", "{\"evt.type\": \"openat\"}", 1},
		{"anomaly.return_period_s > 100", "{\"anomaly.return_period_s\": 101.5}", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag diag = {0};
		int got = eval(rows[i].filter, rows[i].json, &diag);

		if (got != rows[i].want)
			fail_msg("%s with %s: got %d, want %d (%s)", rows[i].filter, rows[i].json,
				 got, rows[i].want, diag.message);
	}
}

static void test_values_that_make_no_sense(void **state)
{
	static const struct {
		const char *json, *reason;
	} rows[] = {
		{"", "must be a JSON object"},
		{"[]", "must be a JSON object"},
		{"{\"proc.name\": \"cat\"} x", "must be a JSON object"},
		{"{\"proc.nam\": \"cat\"}", "no field 'proc.nam'"},
		{"{\"proc.name[1]\": \"cat\"}", "no field 'proc.name[1]'"},
		{"{\"proc.aname[\": \"cat\"}", "no field"},
		{"{\"proc.aname[]\": \"cat\"}", "no field"},
		{"{\"proc.aname[x]\": \"cat\"}", "no field"},
		{"{\"\": 1}", "no field"},
		{"{\"proc.name\": 5}", "is no charbuf"},
		{"{\"proc.name\": {}}", "is no charbuf"},
		{"{\"proc.pid\": \"x\"}", "is no"},
		{"{\"proc.pid\": 1.5}", "is no"},
		{"{\"proc.pid\": 1e300}", "is no"},
		{"{\"fd.sport\": -1}", "is no port"},
		{"{\"fd.sip\": \"10.0.0\"}", "is no ipaddr"},
		{"{\"fd.sip\": \"10.0.0.1/8\"}", "is no ipaddr"},
		{"{\"evt.failed\": \"maybe\"}", "is no bool"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag diag = {0};

		if (eval("evt.type exists", rows[i].json, &diag) != -1 ||
		    !strstr(diag.message, rows[i].reason))
			fail_msg("%s: got '%s', want '%s'", rows[i].json, diag.message,
				 rows[i].reason);
	}
}

/* A made-up field has the type and the arguments of the real one. */
static void test_fields_are_the_real_ones(void **state)
{
	SCOPED(given_destroy) struct given *given = NULL;
	struct field_set real = all_fields();
	const struct field_set *made;
	struct diag diag;

	(void)state;
	assert_int_equal(given_create(&given, "{}", &real, &diag), 0);
	made = given_fields(given);
	assert_int_equal(made->n_tables, real.n_tables);
	for (uint32_t t = 0; t < real.n_tables; t++) {
		assert_int_equal(made->tables[t].n, real.tables[t].n);
		for (uint32_t i = 0; i < real.tables[t].n; i++) {
			assert_string_equal(made->tables[t].fields[i].name,
					    real.tables[t].fields[i].name);
			assert_int_equal(made->tables[t].fields[i].type,
					 real.tables[t].fields[i].type);
		}
	}
	assert_int_equal(eval("proc.aname[1000] = x", "{}", &diag), -1);
	assert_int_equal(eval("proc.name[1] = x", "{}", &diag), -1);
	assert_int_equal(eval("proc.pid = cat", "{}", &diag), -1);
}

static void test_formats(void **state)
{
	static const struct {
		const char *format, *json, *want;
	} rows[] = {
		{"file=%fd.name user=%user.name", "{\"fd.name\": \"/x\", \"user.name\": \"root\"}",
		 "file=/x user=root"},
		{"%proc.aname[2] %proc.name", "{\"proc.aname\": [\"sh\", \"sshd\"]}", "sshd <NA>"},
		{"%proc.pid %fd.sport", "{\"proc.pid\": 7, \"fd.sport\": 80}", "7 80"},
		{"plain", "{}", "plain"},
	};
	struct field_set fields = all_fields();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(given_destroy) struct given *given = NULL;
		SCOPED(format_destroy) struct format *format = NULL;
		struct diag diag = {0};
		char out[256];
		uint32_t len;

		assert_int_equal(given_create(&given, rows[i].json, &fields, &diag), 0);
		assert_int_equal(format_compile(&format, text_from(rows[i].format),
						given_fields(given), &diag),
				 0);
		len = format_print(format, given_context(given), out, sizeof(out) - 1);
		out[len] = '\0';
		if (strcmp(out, rows[i].want) != 0)
			fail_msg("%s: got '%s', want '%s'", rows[i].format, out, rows[i].want);
	}
}

static void values_are_replaced_under_a_compiled_filter(void **state)
{
	static const struct {
		const char *name, *json;
		int r;
		bool want;
	} rows[] = {
		{"true", "{\"proc.name\": \"cat\", \"proc.aname\": [\"sh\", \"sshd\"]}", 0, true},
		{"another value", "{\"proc.name\": \"dog\", \"proc.aname\": [\"sh\"]}", 0, false},
		{"nothing is left of the one before", "{}", 0, false},
		{"broken", "{\"proc.name\": ", -EINVAL, false},
		{"no such field", "{\"proc.name\": \"cat\", \"no.field\": 1}", -EINVAL, false},
		{"wrong type", "{\"proc.pid\": \"x\"}", -EINVAL, false},
		{"true again", "{\"proc.aname\": [\"sh\", \"sshd\"], \"proc.name\": \"cat\"}", 0,
		 true},
	};
	SCOPED(given_destroy) struct given *given = NULL;
	SCOPED(filter_destroy) struct filter *filter = NULL;
	struct field_set fields = all_fields();
	struct diag diag = {0};

	(void)state;
	assert_int_equal(given_create(&given, "{\"proc.name\": \"first\"}", &fields, &diag), 0);
	assert_int_equal(filter_compile(&filter, TEXT("proc.name = cat and proc.aname[2] = sshd"),
					given_fields(given), &diag),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = given_replace(given, rows[i].json, &diag);

		if (r != rows[i].r || filter_eval(filter, given_context(given)) != rows[i].want)
			fail_msg("%s: %d", rows[i].name, r);
	}
}

static void the_event_can_be_told(void **state)
{
	SCOPED(given_destroy) struct given *given = NULL;
	struct field_set fields = all_fields();
	const struct event *event;
	struct diag diag = {0};

	(void)state;
	assert_int_equal(given_create(&given, "{}", &fields, &diag), 0);
	event = given_context(given)->event;
	given_set_event(given, EVENT_OPENAT, 257, 5);
	assert_int_equal(event->type, EVENT_OPENAT);
	assert_int_equal(event->nr, 257);
	assert_true(event->ts_ns == 5);
	given_set_event(given, EVENT_PROCEXIT, -1, 6);
	assert_int_equal(event->nr, UINT16_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters_see_what_is_given),
		cmocka_unit_test(test_values_that_make_no_sense),
		cmocka_unit_test(test_fields_are_the_real_ones),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(values_are_replaced_under_a_compiled_filter),
		cmocka_unit_test(the_event_can_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
