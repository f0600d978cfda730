#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/util.h"
#include "sample.h"
#include "storage/redact.h"

static struct redact *create(const char *pattern)
{
	struct redact *redact = NULL;

	assert_int_equal(redact_create(&redact, &pattern, 1, NULL), 0);
	return redact;
}

static void matches_are_hidden(void **state)
{
	static const struct {
		const char *name, *pattern;
		struct text input;
		const char *want;
	} rows[] = {
		{"all of it", "secret", TEXT("a secret b secret"), "a ****** b ******"},
		{"the group", "password=(\\S+)", TEXT("mysql --password=abc x"),
		 "mysql --password=*** x"},
		{"group that took no part", "a(b)?c", TEXT("ac abc"), "** a*c"},
		{"no match", "secret", TEXT("nothing"), "nothing"},
		{"any byte", "k=(.+)", TEXT("k=\xff\xfe"), "k=**"},
		{"empty matches", "x*", TEXT("axb"), "a*b"},
		{"case", "(?i)TOKEN:(\\w+)", TEXT("token:abc"), "token:***"},
		{"moved start", "abc\\K", TEXT("abcabc"), "abcabc"},
		{"gives up", "(a+)+$", TEXT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
		 "**************************************************"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(redact_destroy) struct redact *redact = create(rows[i].pattern);
		struct record_alert alert = {.message = rows[i].input};
		struct record_alert *copy = record_alert_copy(&alert);

		redact_record(redact, WRITE_ALERT, copy);
		if (!text_equal(copy->message, text_from(rows[i].want)))
			fail_msg("%s: got '%.*s'", rows[i].name, TEXT_ARGS(copy->message));
		record_free(copy);
	}
}

static void output_fields_stay_json(void **state)
{
	static const struct {
		const char *pattern;
		struct text input;
		const char *want;
	} rows[] = {
		{"hunter2", TEXT("{\"a\":\"x hunter2\",\"b\":1}"), "{\"a\":\"x *******\",\"b\":1}"},
		{"pw=(.*)", TEXT("{\"a\":\"pw=1\\n\\\"2\",\"b\":7}"),
		 "{\"a\":\"pw=*\\n\\\"*\",\"*\":*}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(redact_destroy) struct redact *redact = create(rows[i].pattern);
		struct record_alert alert = {.output_fields = rows[i].input};
		struct record_alert *copy = record_alert_copy(&alert);

		redact_record(redact, WRITE_ALERT, copy);
		if (!text_equal(copy->output_fields, text_from(rows[i].want)))
			fail_msg("row %zu: got '%.*s'", i, TEXT_ARGS(copy->output_fields));
		record_free(copy);
	}
}

/* Nothing of the secret is in the database, wherever it came in. */
static void secrets_do_not_reach_the_disk(void **state)
{
	SCOPED(redact_destroy) struct redact *redact = create("hunter2");
	struct sample sample;
	struct store *store;
	struct writer *writer = NULL;
	struct record_anomaly anomaly = sample_anomaly(1);
	struct record_incident incident = sample_incident(1);
	struct record_alert alert = sample_alert(1);
	struct record_behaviour behaviour = {.dimension = TEXT("exec"),
					     .key = {1, {TEXT("x hunter2")}}};
	char command[256];

	(void)state;
	anomaly.key.fields[2] = anomaly.process.cmdline = anomaly.event_args = anomaly.reason =
		TEXT("x hunter2 y");
	anomaly.usual[0].key.fields[0] = TEXT("hunter2");
	incident.summary = incident.root.cmdline = TEXT("hunter2");
	alert.message = TEXT("hunter2");
	alert.output_fields = TEXT("{\"proc.cmdline\":\"hunter2\"}");
	sample_create(&sample);
	store = sample_open(&sample);
	assert_int_equal(writer_create(&writer, store, 64), 0);
	writer_set_redact(writer, redact);
	push_anomaly(writer, &anomaly);
	push_incident(writer, &incident);
	push_alert(writer, &alert);
	writer_push(writer, WRITE_BEHAVIOUR, record_behaviour_copy(&behaviour));
	writer_push(writer, WRITE_COMMIT, NULL);
	writer_destroy(&writer);
	store_close(&store);
	assert_int_equal(sample_number(&sample, "SELECT count(*) FROM alerts"), 1);
	assert_int_equal(sample_number(&sample, "SELECT count(*) FROM behaviours"), 1);
	snprintf(command, sizeof(command), "grep -aq hunter2 %s*", sample.path);
	assert_int_not_equal(system(command), 0);
	snprintf(command, sizeof(command), "grep -aq '\\*\\*\\*\\*\\*\\*\\*' %s*", sample.path);
	assert_int_equal(system(command), 0);
	sample_destroy(&sample);
}

static void mistakes_are_explained(void **state)
{
	const char *const patterns[] = {"fine", "a(b"};
	struct redact *redact = NULL;
	struct diag diag = {0};

	(void)state;
	assert_int_equal(redact_create(&redact, patterns, 2, &diag), -EINVAL);
	assert_null(redact);
	assert_non_null(strstr(diag.message, "'a(b', character 4"));
	assert_int_equal(redact_create(&redact, NULL, 0, NULL), 0);
	redact_destroy(&redact);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_are_hidden),
		cmocka_unit_test(output_fields_stay_json),
		cmocka_unit_test(secrets_do_not_reach_the_disk),
		cmocka_unit_test(mistakes_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
