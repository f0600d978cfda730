#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/json_text.h"
#include "base/util.h"
#include "sample.h"
#include "storage/records_json.h"

static char *print(cJSON *object)
{
	char *printed = cJSON_PrintUnformatted(object);

	cJSON_Delete(object);
	return printed;
}

static void an_anomaly_has_the_contracts_shape(void **state)
{
	struct record_anomaly anomaly = sample_anomaly(42);
	SCOPED(free_ptr) char *printed = NULL;

	(void)state;
	anomaly.incident = 3;
	anomaly.quality.missing_fields = TEXT("proc.cwd  fd.name");
	printed = print(anomaly_json(&anomaly, ANOMALY_WITH_EXPLANATION));
	assert_string_equal(
		printed,
		"{\"id\":\"a42\",\"time\":\"2026-11-20T12:00:42.000000000Z\","
		"\"last_seen\":\"2026-11-20T12:00:42.000000000Z\",\"occurrences\":1,"
		"\"state\":\"open\",\"workload\":{\"id\":\"fedcba9876543210\","
		"\"name\":\"unit:nginx.service\",\"instance\":\"inv1\"},\"dimension\":\"exec\","
		"\"key\":[\"/usr/sbin/nginx\",\"/bin/sh\",\"-c <text>\"],\"level\":1,"
		"\"novel\":true,\"seen_before\":null,\"return_period_s\":42000,"
		"\"return_period_basis_s\":86400,\"return_period_capped\":false,"
		"\"above_threshold\":true,\"bits\":12.5,\"startup\":false,\"coverage\":0.97,"
		"\"reason\":\"nginx never ran /bin/sh\","
		"\"usual\":[{\"key\":[\"/usr/sbin/nginx\"],\"frequency\":0.5}],"
		"\"process\":{\"pid\":4711,\"start_time\":\"2026-11-20T12:00:00.000000000Z\","
		"\"exe\":\"/bin/sh\",\"cmdline\":\"sh -c id\",\"user\":\"www-data\","
		"\"lineage\":[{\"pid\":1,\"exe\":\"/sbin/init\"}]},"
		"\"event\":{\"type\":\"execve\",\"num\":99,\"args\":\"res=0\"},"
		"\"incident\":\"i3\",\"feedback\":null,"
		"\"data_quality\":{\"complete\":true,\"lost_events\":0,\"gaps\":[],"
		"\"missing_fields\":[\"proc.cwd\",\"fd.name\"],\"sketch\":\"exact\"},"
		"\"explanation\":{\"levels\":[{\"level\":0,\"key\":[\"/usr/sbin/nginx\"],"
		"\"known\":true,\"discovery_rate_per_s\":0.001,\"bits\":0,\"return_period_s\":0},"
		"{\"level\":1,\"key\":[\"/usr/sbin/nginx\",\"/bin/sh\"],\"known\":false,"
		"\"discovery_rate_per_s\":0.0001,\"bits\":12.5,\"return_period_s\":5000}],"
		"\"population\":{\"known\":false,\"factor\":1},\"formula\":\"mean of both\"}}");
}

static void an_incident_has_the_contracts_shape(void **state)
{
	struct record_incident incident = sample_incident(7);
	SCOPED(free_ptr) char *printed = print(incident_json(&incident));

	(void)state;
	assert_string_equal(
		printed,
		"{\"id\":\"i7\",\"from\":\"2026-11-20T12:00:07.000000000Z\","
		"\"to\":\"2026-11-20T12:00:12.000000000Z\",\"workload\":{\"id\":\"fedcba9876543210\","
		"\"name\":\"unit:nginx.service\"},\"state\":\"open\",\"return_period_s\":1000000,"
		"\"bits\":30,\"anomalies\":1,\"alerts\":0,\"summary\":\"nginx ran a shell\","
		"\"process\":{\"pid\":4711,\"start_time\":null,\"exe\":\"/bin/sh\","
		"\"cmdline\":\"\",\"user\":null,\"lineage\":[]}}");
}

static void an_alert_has_falcos_shape(void **state)
{
	struct record_alert alert = sample_alert(5);
	SCOPED(free_ptr) char *falco = NULL, *full = NULL;
	static const char want[] =
		"{\"hostname\":\"h\",\"output\":\"12:00:05.000000000: Warning a shell (user=root)\","
		"\"output_fields\":{\"evt.time\":1795176000123456789,\"proc.name\":\"sh\"},"
		"\"priority\":\"Warning\",\"rule\":\"Shell in a service\",\"source\":\"syscall\","
		"\"tags\":[\"shell\",\"mitre_execution\"],"
		"\"time\":\"2026-11-20T12:00:05.000000000Z\"";

	(void)state;
	setenv("TZ", "UTC", 1);
	falco = print(alert_falco_json(&alert, "h"));
	assert_memory_equal(falco, want, sizeof(want) - 1);
	assert_string_equal(falco + sizeof(want) - 1, "}");
	alert.incident = 2;
	full = print(alert_json(&alert, "h"));
	assert_memory_equal(full, want, sizeof(want) - 1);
	assert_string_equal(full + sizeof(want) - 1,
			    ",\"id\":\"l5\",\"workload\":{\"id\":\"fedcba9876543210\","
			    "\"name\":\"unit:nginx.service\"},\"incident\":\"i2\"}");
}

static void output_fields_cannot_break_the_line(void **state)
{
	static const struct {
		struct text input;
		const char *want;
	} rows[] = {
		{TEXT("{\"a\":1}"), "{\"a\":1}"},
		{TEXT("{}"), "{}"},
		{TEXT(""), "{}"},
		{TEXT("{\"a\":1"), "{}"},
		{TEXT("{\"a\":1}}"), "{}"},
		{TEXT("{\"a\":1},\"rule\":\"forged\""), "{}"},
		{TEXT("[1]"), "{}"},
		{TEXT("7"), "{}"},
		{TEXT("{\"a\":\n1}"), "{}"},
		{TEXT("{\"a\":1}\0{"), "{\"a\":1}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_alert alert = {.output_fields = rows[i].input};
		SCOPED(free_ptr) char *printed = print(alert_falco_json(&alert, NULL));
		cJSON *parsed = cJSON_Parse(printed);
		SCOPED(free_ptr) char *fields = NULL;

		assert_non_null(parsed);
		assert_null(strchr(printed, '\n'));
		fields = cJSON_PrintUnformatted(cJSON_GetObjectItem(parsed, "output_fields"));
		cJSON_Delete(parsed);
		if (strcmp(fields, rows[i].want) != 0)
			fail_msg("row %zu: %s", i, fields);
	}
}

static void numbers_stay_numbers(void **state)
{
	struct record_anomaly anomaly = sample_anomaly(1);
	cJSON *object;

	(void)state;
	anomaly.return_period_s = INFINITY;
	anomaly.coverage = NAN;
	anomaly.level = -1;
	anomaly.event_type = EVENT_TYPE_END;
	anomaly.n_usual = 255; /* more than there is room for */
	anomaly.n_levels = 255;
	anomaly.process.n_lineage = 255;
	anomaly.key.n = 255;
	anomaly.key.fields[3] = anomaly.key.fields[4] = anomaly.key.fields[5] = TEXT("x");
	object = anomaly_json(&anomaly, ANOMALY_WITH_EXPLANATION);
	assert_true(cJSON_GetObjectItem(object, "return_period_s")->valuedouble == 3.2e9);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(object, "coverage")));
	assert_int_equal(cJSON_GetObjectItem(object, "level")->valueint, -1);
	assert_true(
		cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetObjectItem(object, "event"), "type")));
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(object, "key")), RECORD_KEY_MAX);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(object, "usual")),
			 RECORD_USUAL_MAX);
	cJSON_Delete(object);
}

/* Every byte a stranger can put into a command line comes back from the printed JSON. */
static void hostile_bytes_come_back(void **state)
{
	char bytes[4096], back[4096];
	struct record_anomaly anomaly = sample_anomaly(1);
	SCOPED(free_ptr) char *printed = NULL;
	const char *shown;
	uint32_t len = 0;
	cJSON *parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 256);
	anomaly.process.cmdline = (struct text){bytes, sizeof(bytes)};
	printed = print(anomaly_json(&anomaly, ANOMALY_ITEM));
	parsed = cJSON_Parse(printed);
	assert_non_null(parsed);
	shown = cJSON_GetStringValue(
		cJSON_GetObjectItem(cJSON_GetObjectItem(parsed, "process"), "cmdline"));
	/* Shown texts are longer; decode into what they decode to at most. */
	{
		SCOPED(free_ptr) char *whole = malloc(strlen(shown));

		assert_true(json_text_decode(text_from(shown), whole, &len));
		assert_int_equal(len, sizeof(bytes));
		memcpy(back, whole, len);
	}
	assert_memory_equal(back, bytes, sizeof(bytes));
	cJSON_Delete(parsed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_anomaly_has_the_contracts_shape),
		cmocka_unit_test(an_incident_has_the_contracts_shape),
		cmocka_unit_test(an_alert_has_falcos_shape),
		cmocka_unit_test(output_fields_cannot_break_the_line),
		cmocka_unit_test(numbers_stay_numbers),
		cmocka_unit_test(hostile_bytes_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
