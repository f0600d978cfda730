#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "base/util.h"

static void test_json(void **state)
{
	SCOPED(answer_done) struct answer answer = {0};
	cJSON *json = cJSON_CreateObject();

	(void)state;
	cJSON_AddStringToObject(json, "a", "b");
	answer_json(&answer, json);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "{\"a\":\"b\"}");
	assert_int_equal(answer.len, strlen(answer.body));
	assert_string_equal(answer.content_type, "application/json");
	answer_json_text(&answer, strdup("[]")); /* replaces, and frees what was there */
	assert_string_equal(answer.body, "[]");
}

static void test_without_memory(void **state)
{
	SCOPED(answer_done) struct answer answer = {0};
	cJSON *json;

	(void)state;
	answer_json(&answer, NULL);
	assert_int_equal(answer.status, 503);
	assert_true(answer.is_static);
	assert_int_equal(answer.retry_after_s, 1);
	json = cJSON_Parse(answer.body);
	assert_true(cJSON_GetObjectItem(json, "status")->valueint == 503);
	cJSON_Delete(json);
}

static void test_problems(void **state)
{
	static const struct {
		int r;
		unsigned status, retry_after_s;
	} rows[] = {
		{-ENOENT, 404, 0}, {-ETIMEDOUT, 503, 1}, {-EBUSY, 503, 1},
		{-ENOMEM, 503, 1}, {-EBADMSG, 500, 0},   {-ECANCELED, 500, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(answer_done) struct answer answer = {0};
		cJSON *json;

		answer_errno(&answer, rows[i].r, "anomaly");
		json = cJSON_Parse(answer.body);
		assert_non_null(json);
		if (answer.status != rows[i].status ||
		    answer.retry_after_s != rows[i].retry_after_s)
			fail_msg("%d: got %u", rows[i].r, answer.status);
		assert_string_equal(answer.content_type, "application/problem+json");
		assert_int_equal(cJSON_GetObjectItem(json, "status")->valueint, rows[i].status);
		assert_string_equal(cJSON_GetObjectItem(json, "title")->valuestring,
				    answer_title(rows[i].status));
		assert_non_null(cJSON_GetObjectItem(json, "type"));
		cJSON_Delete(json);
	}
}

static void test_details_are_escaped_and_cut(void **state)
{
	SCOPED(answer_done) struct answer answer = {0};
	char longest[2000];
	cJSON *json;

	(void)state;
	memset(longest, '"', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	answer_problem(&answer, 400, "parameter %s", longest);
	json = cJSON_Parse(answer.body);
	assert_non_null(json);
	assert_true(strlen(cJSON_GetObjectItem(json, "detail")->valuestring) < 512);
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_details_are_escaped_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
