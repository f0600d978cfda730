#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/workload_json.h"
#include "base/util.h"

static void assert_json(cJSON *json, const char *want)
{
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	assert_string_equal(text, want);
	free(text);
}

static void test_head(void **state)
{
	struct snapshot_workload_head head = {
		.id = 0xab,
		.name = TEXT("exe:/a\xff\\b"),
		.kind = WORKLOAD_EXE,
		.state = UNSETTLED,
		.coverage = NAN,
		.basis_s = 1.5,
		.behaviours = (UINT64_C(1) << 53) - 1,
		.first_seen_ns = 1000000000,
		.last_seen_ns = 2000000000,
		.quality = {.complete = true, .missing_fields = TEXT(" a  b ")},
	};

	(void)state;
	assert_json(
		workload_head_json(&head, NULL),
		"{\"id\":\"00000000000000ab\",\"name\":\"exe:/a\\\\xff\\\\\\\\b\",\"kind\":\"exe\","
		"\"state\":\"unsettled\",\"coverage\":null,\"basis_s\":1.5,\"ready_eta_s\":null,"
		"\"behaviours\":9007199254740991,\"pending\":0,\"quarantined\":0,"
		"\"first_seen\":\"1970-01-01T00:00:01.000000000Z\","
		"\"last_seen\":\"1970-01-01T00:00:02.000000000Z\",\"instances\":[],"
		"\"versions\":[],\"data_quality\":{\"complete\":true,\"lost_events\":0,"
		"\"gaps\":[],\"missing_fields\":[\"a\",\"b\"],\"sketch\":\"exact\"}}");
}

/* Only gaps within the workload's life count, and any makes its data incomplete. */
static void test_gaps(void **state)
{
	static const struct {
		const char *gaps;
		int n;
	} rows[] = {
		{"[]", 0},
		{"[{\"from\":\"1970-01-01T00:00:00.000000000Z\",\"to\":\"1970-01-01T00:00:00.500000000Z\"}]",
		 0},
		{"[{\"from\":\"1970-01-01T00:00:00.000000000Z\",\"to\":\"1970-01-01T00:00:01.000000000Z\"}]",
		 1},
		{"[{\"from\":\"1970-01-01T00:00:01.500000000Z\",\"to\":\"1970-01-01T00:01:00.000000000Z\"}]",
		 1},
		{"[{\"from\":\"1970-01-01T00:00:02.100000000Z\",\"to\":\"1970-01-01T00:01:00.000000000Z\"}]",
		 0},
		{"[{\"from\":null,\"to\":7},{},5,null]", 0},
	};
	struct snapshot_workload_head head = {
		.first_seen_ns = 1000000000,
		.last_seen_ns = 2000000000,
		.quality = {.complete = true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *gaps = cJSON_Parse(rows[i].gaps);
		cJSON *json = workload_head_json(&head, gaps);
		const cJSON *quality = cJSON_GetObjectItem(json, "data_quality");

		if (cJSON_GetArraySize(cJSON_GetObjectItem(quality, "gaps")) != rows[i].n ||
		    cJSON_IsTrue(cJSON_GetObjectItem(quality, "complete")) != (rows[i].n == 0))
			fail_msg("row %zu", i);
		cJSON_Delete(gaps);
		cJSON_Delete(json);
	}
}

static void test_states(void **state)
{
	(void)state;
	assert_string_equal(learning_state_name(LEARNING), "learning");
	assert_string_equal(learning_state_name(READY), "ready");
	assert_string_equal(learning_state_name(UNSETTLED), "unsettled");
	assert_string_equal(learning_state_name((enum learning_state)77), "learning");
}

static void test_pending(void **state)
{
	struct snapshot_pending_item item = {
		.dimension = TEXT("exec"),
		.key = {.n = 1, .fields = {TEXT("/bin/sh")}},
		.first_seen_ns = 1000000000,
		.last_seen_ns = 1000000000,
		.events = 2,
		.active_epochs = 1,
		.is_quarantined = true,
		.anomaly = 42,
	};

	(void)state;
	assert_json(pending_json(&item),
		    "{\"dimension\":\"exec\",\"key\":[\"/bin/sh\"],"
		    "\"first_seen\":\"1970-01-01T00:00:01.000000000Z\","
		    "\"last_seen\":\"1970-01-01T00:00:01.000000000Z\",\"events\":2,"
		    "\"active_epochs\":1,\"quarantined\":true,\"anomaly\":\"a42\",\"due\":null,"
		    "\"reason\":null}");
}

static void test_dimension_limits(void **state)
{
	struct snapshot_dimension dimension = {
		.name = TEXT("exec"),
		.n_levels = 9999,
		.n_discovery = 9999,
		.n_reasons = 9999,
		.false_known = INFINITY,
		.levels = {{.longest_claim_s = 1e300}},
	};
	struct snapshot_workload workload = {.n_dimensions = 1, .dimensions = &dimension};
	cJSON *json = workload_json(&workload, NULL);
	const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "dimensions"), 0);
	const cJSON *level = cJSON_GetArrayItem(cJSON_GetObjectItem(item, "levels"), 0);

	(void)state;
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(item, "levels")),
			 RECORD_LEVELS_MAX);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(item, "discovery")),
			 SNAPSHOT_DISCOVERY_MAX);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(item, "reasons")),
			 SNAPSHOT_REASONS_MAX);
	assert_true(cJSON_GetObjectItem(level, "longest_claim_s")->valuedouble == 3.2e9);
	assert_true(cJSON_IsNull(
		cJSON_GetObjectItem(cJSON_GetObjectItem(item, "sketch"), "false_known")));
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_dimension_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
