#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/id_set.h"
#include "daemon/what_if_tally.h"

#define DAY_NS (UINT64_C(86400) * 1000000000)

static struct record_alert hit(const char *rule, uint64_t ts_ns, uint64_t workload,
			       const char *name)
{
	return (struct record_alert){
		.ts_ns = ts_ns,
		.rule = text_from(rule),
		.message = TEXT("message"),
		.workload_id = workload,
		.workload_name = text_from(name),
		.pid = 7,
		.start_time_ns = 5,
	};
}

static void count(struct what_if_tally *tally, const char *rule, uint64_t ts_ns, uint64_t workload,
		  const char *name)
{
	struct record_alert alert = hit(rule, ts_ns, workload, name);

	assert_int_equal(what_if_tally_hit(tally, &alert, NULL), 1);
}

static double number(const cJSON *json, const char *name)
{
	return cJSON_GetNumberValue(cJSON_GetObjectItem(json, name));
}

static const char *string(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(json, name));
}

static cJSON *item(const cJSON *json, const char *name, int index)
{
	return cJSON_GetArrayItem(cJSON_GetObjectItem(json, name), index);
}

static int size(const cJSON *json, const char *name)
{
	return cJSON_GetArraySize(cJSON_GetObjectItem(json, name));
}

static void hits_are_told_by_rule_workload_and_day(void **state)
{
	SCOPED(what_if_tally_destroy) struct what_if_tally *tally = NULL;
	struct record_alert other = hit("other", 1, 1, "w");
	cJSON *json;

	(void)state;
	assert_int_equal(what_if_tally_create(&tally), 0);
	assert_int_equal(what_if_tally_add(tally, TEXT("a"), WHAT_IF_NEW, false), 0);
	assert_int_equal(what_if_tally_add(tally, TEXT("b"), WHAT_IF_SAME, true), 1);
	count(tally, "a", 3 * DAY_NS, 2, "two");
	count(tally, "a", DAY_NS + 1, 1, "one");
	count(tally, "a", 2 * DAY_NS - 1, 1, "one");
	count(tally, "a", 2 * DAY_NS, 1, "one");
	count(tally, "b", 0, 1, "one");
	assert_int_equal(what_if_tally_hit(tally, &other, NULL), 0);
	json = what_if_tally_json(tally, 0);
	assert_true(number(json, "hits") == 4);
	assert_int_equal(size(json, "workloads"), 2);
	assert_string_equal(string(item(json, "workloads", 0), "name"), "one");
	assert_true(number(item(json, "workloads", 0), "hits") == 3);
	assert_string_equal(string(item(json, "workloads", 1), "name"), "two");
	assert_int_equal(size(json, "days"), 3);
	assert_string_equal(string(item(json, "days", 0), "day"), "1970-01-02");
	assert_true(number(item(json, "days", 0), "hits") == 2);
	assert_string_equal(string(item(json, "days", 2), "day"), "1970-01-04");
	cJSON_Delete(json);
	json = what_if_tally_json(tally, 1);
	assert_true(number(json, "hits") == 1);
	cJSON_Delete(json);
}

static void what_runs_now_is_compared(void **state)
{
	static const struct {
		const char *name;
		enum what_if_change change;
		bool is_on_now, compares;
		double want; /* -1: null */
	} rows[] = {
		{"new", WHAT_IF_NEW, false, true, 0},
		{"the same", WHAT_IF_SAME, true, false, 2},
		{"the same, switched off", WHAT_IF_SAME, false, false, 0},
		{"changed, not compared", WHAT_IF_CHANGED, true, false, -1},
		{"changed", WHAT_IF_CHANGED, true, true, 1},
		{"changed, switched off now", WHAT_IF_CHANGED, false, true, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(what_if_tally_destroy) struct what_if_tally *tally = NULL;
		cJSON *json, *now;

		assert_int_equal(what_if_tally_create(&tally), 0);
		what_if_tally_add(tally, TEXT("a"), rows[i].change, rows[i].is_on_now);
		count(tally, "a", 1, 1, "w");
		count(tally, "a", 1, 1, "w");
		if (rows[i].compares) {
			what_if_tally_compare(tally);
			what_if_tally_hit_now(tally, TEXT("a"));
			what_if_tally_hit_now(tally, TEXT("unknown"));
		}
		json = what_if_tally_json(tally, 0);
		now = cJSON_GetObjectItem(json, "hits_now");
		if (rows[i].want < 0 ? !cJSON_IsNull(now)
				     : number(json, "hits_now") != rows[i].want)
			fail_msg("%s", rows[i].name);
		cJSON_Delete(json);
	}
}

static void everything_is_bounded_and_counted(void **state)
{
	SCOPED(what_if_tally_destroy) struct what_if_tally *tally = NULL;
	uint64_t n = WHAT_IF_DAYS_MAX + 100;
	cJSON *json;
	char name[32];

	(void)state;
	assert_int_equal(what_if_tally_create(&tally), 0);
	what_if_tally_add(tally, TEXT("a"), WHAT_IF_NEW, false);
	for (uint64_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "w%d", (int)i);
		count(tally, "a", i * DAY_NS, i + 1, name);
	}
	json = what_if_tally_json(tally, 0);
	assert_true(number(json, "hits") == (double)n);
	assert_int_equal(size(json, "workloads"), WHAT_IF_WORKLOADS_MAX);
	assert_true(number(json, "workloads_left_out") == (double)(n - WHAT_IF_WORKLOADS_MAX));
	assert_int_equal(size(json, "days"), WHAT_IF_DAYS_MAX);
	assert_true(number(json, "days_left_out") == 100);
	assert_int_equal(size(json, "examples"), WHAT_IF_EXAMPLES_MAX);
	cJSON_Delete(json);
}

static void examples_keep_the_event_and_any_bytes(void **state)
{
	SCOPED(what_if_tally_destroy) struct what_if_tally *tally = NULL;
	struct record_alert alert = hit("a", 1, 1, "w\xff\n\"\\");
	cJSON *event = cJSON_Parse("{\"proc.name\": \"cat\"}"), *json, *example;

	(void)state;
	alert.message = (struct text){"x\0y\xfe", 4};
	assert_int_equal(what_if_tally_create(&tally), 0);
	what_if_tally_add(tally, TEXT("a"), WHAT_IF_NEW, false);
	assert_int_equal(what_if_tally_hit(tally, &alert, event), 1);
	cJSON_Delete(event);
	json = what_if_tally_json(tally, 0);
	example = item(json, "examples", 0);
	assert_string_equal(string(example, "output"), "x\\x00y\\xfe");
	assert_string_equal(string(cJSON_GetObjectItem(example, "workload"), "name"),
			    "w\\xff\n\"\\\\");
	assert_string_equal(string(cJSON_GetObjectItem(example, "event"), "proc.name"), "cat");
	assert_true(number(cJSON_GetObjectItem(example, "process"), "pid") == 7);
	cJSON_Delete(json);
}

static void no_hits_give_empty_lists(void **state)
{
	SCOPED(what_if_tally_destroy) struct what_if_tally *tally = NULL;
	cJSON *json;

	(void)state;
	assert_int_equal(what_if_tally_create(&tally), 0);
	what_if_tally_add(tally, TEXT("a"), WHAT_IF_NEW, false);
	json = what_if_tally_json(tally, 0);
	assert_true(number(json, "hits") == 0);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "suppressed")));
	assert_int_equal(size(json, "workloads") + size(json, "days") + size(json, "examples"), 0);
	cJSON_Delete(json);
}

static void ids_are_met_once(void **state)
{
	SCOPED(id_set_done) struct id_set set = {0};

	(void)state;
	for (uint64_t id = 0; id < 5000; id += 7)
		assert_int_equal(id_set_add(&set, id), 1);
	for (uint64_t id = 0; id < 5000; id++)
		assert_int_equal(id_set_add(&set, id), id % 7 != 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_are_told_by_rule_workload_and_day),
		cmocka_unit_test(what_runs_now_is_compared),
		cmocka_unit_test(everything_is_bounded_and_counted),
		cmocka_unit_test(examples_keep_the_event_and_any_bytes),
		cmocka_unit_test(no_hits_give_empty_lists),
		cmocka_unit_test(ids_are_met_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
