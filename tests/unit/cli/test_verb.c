#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/verb.h"

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		bool want;
		double seconds;
	} rows[] = {
		{"90", true, 90},         {"90s", true, 90},
		{"5m", true, 300},        {"5min", true, 300},
		{"2h", true, 7200},       {"1.5d", true, 129600},
		{"2 days", true, 172800}, {"2w", true, 1209600},
		{"1y", true, 31536000},   {"0", true, 0},
		{"", false, 0},           {"h", false, 0},
		{"-1h", false, 0},        {"2 hours ago", false, 0},
		{"2x", false, 0},         {"1e999", false, 0},
		{"inf", false, 0},        {"2h30m", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double seconds = 0;

		if (cli_parse_duration(rows[i].text, &seconds) != rows[i].want ||
		    (rows[i].want && seconds != rows[i].seconds))
			fail_msg("'%s': got %f", rows[i].text, seconds);
	}
}

static void test_alike_anomalies_fold(void **state)
{
	static const char *const rows[][3] = {
		{"/etc", "shadow", "i1"}, {"/lib", "a", "i1"}, {"/etc", "passwd", "i1"},
		{"/lib", "b", "i1"},      {"/etc", "x", "i2"}, {"/lib", "c", "i1"},
		{"/lib", "d", "i1"},      {"/lib", "e", "i1"}, {"/etc", "y", NULL},
		{"/etc", "z", NULL},
	};
	static const char *const want[] = {"cat > /etc > shadow, passwd",
					   "cat > /lib > a, b, c, d and 1 more",
					   NULL,
					   NULL,
					   "cat > /etc > x",
					   NULL,
					   NULL,
					   NULL,
					   "cat > /etc > y",
					   "cat > /etc > z"};
	cJSON *items = cJSON_CreateArray();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const key[] = {"cat", rows[i][0], rows[i][1]};
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "dimension", "file.read");
		cJSON_AddStringToObject(item, "state", "open");
		if (rows[i][2])
			cJSON_AddStringToObject(item, "incident", rows[i][2]);
		cJSON_AddItemToObject(item, "key", cJSON_CreateStringArray(key, 3));
		cJSON_AddItemToArray(items, item);
	}
	for (int i = 0; i < (int)ARRAY_SIZE(want); i++) {
		SCOPED(free_ptr)
		char *got = cli_folded_key_text(items, cJSON_GetArrayItem(items, i));

		if (!got != !want[i] || (got && strcmp(got, want[i]) != 0))
			fail_msg("row %d: %s, want %s", i, got, want[i]);
	}
	cJSON_Delete(items);
}

static int make_client(void **state)
{
	struct client_options options = {.server = "http://127.0.0.1:1"};

	return client_create((struct client **)state, &options);
}

static int end_client(void **state)
{
	client_destroy((struct client **)state);
	return 0;
}

static void test_paths_are_escaped_and_bounded(void **state)
{
	struct cli cli = {.client = *state};
	struct cli_path path;
	char longest[4000];

	cli_path_init(&path, "/v1/x");
	cli_path_add(&cli, &path, "none", NULL);
	assert_string_equal(path.text, "/v1/x");
	cli_path_add(&cli, &path, "a", "1 &2=\xff/");
	cli_path_add(&cli, &path, "b", "");
	assert_string_equal(path.text, "/v1/x?a=1%20%262%3D%FF%2F&b=");
	assert_false(path.is_cut);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	cli_path_add(&cli, &path, "c", longest);
	assert_true(path.is_cut);
}

static void test_times(void **state)
{
	static const struct {
		const char *given, *want;
	} rows[] = {
		{"2h", "/v1/x?since=1970-01-02T22%3A00%3A00.000000000Z"},
		{"1970-01-01T00:00:01Z", "/v1/x?since=1970-01-01T00%3A00%3A01.000000000Z"},
		{"5", "/v1/x?since=1970-01-01T00%3A00%3A05.000000000Z"},
		{"100y", "/v1/x?since=1970-01-01T00%3A00%3A00.000000000Z"},
		{NULL, "/v1/x"},
		{"yesterday", NULL},
	};
	struct cli cli = {.client = *state, .now_ns = UINT64_C(172800) * 1000000000};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cli_path path;
		bool is_good;

		cli.options[OPTION_SINCE] = rows[i].given;
		cli_path_init(&path, "/v1/x");
		is_good = cli_path_add_time(&cli, &path, "since", OPTION_SINCE);
		if (is_good != (rows[i].want != NULL) ||
		    (is_good && strcmp(path.text, rows[i].want) != 0))
			fail_msg("'%s': got %s", rows[i].given, path.text);
	}
}

static void test_members(void **state)
{
	cJSON *json = cJSON_Parse("{\"s\":\"x\",\"n\":1.5,\"t\":true,\"null\":null}");

	(void)state;
	assert_string_equal(json_string(json, "s"), "x");
	assert_string_equal(json_string(json, "n"), "");
	assert_string_equal(json_string(json, "none"), "");
	assert_string_equal(json_string(NULL, "s"), "");
	assert_true(json_number(json, "n") == 1.5);
	assert_true(isnan(json_number(json, "null")));
	assert_true(json_is_true(json, "t"));
	assert_false(json_is_true(json, "n"));
	cJSON_Delete(json);
}

static void test_keys_and_lineages(void **state)
{
	static const struct {
		const char *json, *key, *lineage;
	} rows[] = {
		{"{\"key\":[\"redis-server\",\"sh\",\"-c\"],\"exe\":\"/bin/cat\",\"lineage\":"
		 "[{\"exe\":\"/bin/sh\"},{\"exe\":\"/usr/bin/redis-server\"}]}",
		 "redis-server > sh > -c", "redis-server > sh > cat"},
		{"{\"key\":[\"a\\nb\"],\"exe\":\"\\u001b[2J\",\"lineage\":[]}", "a\\x0ab",
		 "\\x1b[2J"},
		{"{\"key\":[5,null],\"exe\":\"/\",\"lineage\":[{}]}", " > ", "? > /"},
		{"{\"exe\":\"x/\"}", NULL, "x/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *json = cJSON_Parse(rows[i].json);
		char *key = cli_key_text(json_member(json, "key"));
		char *lineage = cli_lineage_text(json);

		assert_non_null(json);
		if ((key == NULL) != (rows[i].key == NULL) ||
		    (key && strcmp(key, rows[i].key) != 0) || strcmp(lineage, rows[i].lineage) != 0)
			fail_msg("row %zu: got '%s', '%s'", i, key, lineage);
		free(key);
		free(lineage);
		cJSON_Delete(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_alike_anomalies_fold),
		cmocka_unit_test_setup_teardown(test_paths_are_escaped_and_bounded, make_client,
						end_client),
		cmocka_unit_test_setup_teardown(test_times, make_client, end_client),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_keys_and_lineages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
