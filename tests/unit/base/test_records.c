#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/records.h"
#include "base/snapshot.h"
#include "base/util.h"

static void names_go_both_ways(void **state)
{
	static const struct {
		const char *name;
		int want;
	} priorities[] = {
		{"Emergency", PRIORITY_EMERGENCY},
		{"warning", PRIORITY_WARNING},
		{"INFO", PRIORITY_INFORMATIONAL},
		{"informational", PRIORITY_INFORMATIONAL},
		{"Debug", PRIORITY_DEBUG},
		{"warn", -1},
		{"", -1},
		{"debugx", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++) {
		if (alert_priority_by_name(text_from(priorities[i].name)) != priorities[i].want)
			fail_msg("%s", priorities[i].name);
	}
	for (int i = PRIORITY_EMERGENCY; i <= PRIORITY_DEBUG; i++)
		assert_int_equal(alert_priority_by_name(text_from(alert_priority_name(i))), i);
	for (int i = ANOMALY_OPEN; i <= ANOMALY_EXPIRED; i++)
		assert_int_equal(anomaly_state_by_name(text_from(anomaly_state_name(i))), i);
	assert_int_equal(anomaly_state_by_name(TEXT("shut")), -1);
	assert_string_equal(workload_kind_name(WORKLOAD_UNIT), "unit");
}

static void texts_live_in_the_record(void **state)
{
	struct record_gap *gap = record_alloc(sizeof(*gap), 8);
	char bytes[] = "ring\0ful";

	(void)state;
	assert_non_null(gap);
	assert_int_equal(gap->events, 0);
	gap->reason = record_text(gap, (struct text){bytes, 8});
	memset(bytes, 'x', sizeof(bytes));
	assert_true(text_equal(gap->reason, TEXT("ring\0ful")));
	assert_int_equal(record_text(gap, TEXT_NONE).len, 0);
	assert_ptr_equal(record_of_node(record_node(gap)), gap);
	assert_true(record_bytes(gap) >= sizeof(*gap) + 8);
	record_free(gap);
	record_free(NULL);
	assert_null(record_alloc(SIZE_MAX, 1));
	assert_null(record_alloc(1, SIZE_MAX));
}

static struct record_anomaly sample_anomaly(void)
{
	struct record_anomaly a = {.id = 42, .n_usual = 1};

	a.workload_name = TEXT("unit:nginx.service");
	a.instance = TEXT("inv");
	a.dimension = TEXT("exec");
	a.key = (struct record_key){3, {TEXT("/usr/sbin/nginx"), TEXT("/bin/sh"), TEXT("-c <s>")}};
	a.reason = TEXT("never ran a shell");
	a.usual[0].key = (struct record_key){1, {TEXT("/usr/sbin/nginx")}};
	a.process.exe = TEXT("/bin/sh");
	a.process.cmdline = TEXT("sh -c id");
	a.process.user = TEXT("www-data");
	a.process.n_lineage = 2;
	a.process.lineage[0].exe = TEXT("/usr/sbin/nginx");
	a.process.lineage[1].exe = TEXT("/sbin/init");
	a.event_args = TEXT("res=0");
	a.quality.missing_fields = TEXT("proc.cwd");
	a.formula = TEXT("mean of both");
	return a;
}

/* Every text of the copy must equal the original's and lie in the copy. */
static void check_text(struct text got, struct text want, const char *base, size_t size)
{
	assert_true(text_equal(got, want));
	if (want.len)
		assert_true(got.ptr >= base && got.ptr + got.len <= base + size);
}

static void anomalies_are_copied_deeply(void **state)
{
	struct record_anomaly from = sample_anomaly();
	struct record_anomaly *to = record_anomaly_copy(&from);
	const char *base = (const char *)to;
	size_t size = record_bytes(to);

	(void)state;
	assert_non_null(to);
	assert_int_equal(to->id, 42);
	check_text(to->workload_name, from.workload_name, base, size);
	check_text(to->instance, from.instance, base, size);
	check_text(to->dimension, from.dimension, base, size);
	check_text(to->reason, from.reason, base, size);
	check_text(to->event_args, from.event_args, base, size);
	check_text(to->formula, from.formula, base, size);
	check_text(to->quality.missing_fields, from.quality.missing_fields, base, size);
	for (int i = 0; i < 3; i++)
		check_text(to->key.fields[i], from.key.fields[i], base, size);
	check_text(to->usual[0].key.fields[0], from.usual[0].key.fields[0], base, size);
	check_text(to->process.exe, from.process.exe, base, size);
	check_text(to->process.cmdline, from.process.cmdline, base, size);
	check_text(to->process.user, from.process.user, base, size);
	check_text(to->process.lineage[0].exe, from.process.lineage[0].exe, base, size);
	check_text(to->process.lineage[1].exe, from.process.lineage[1].exe, base, size);
	record_free(to);
}

static void other_records_are_copied_deeply(void **state)
{
	struct record_incident incident = {
		.id = 7, .workload_name = TEXT("w"), .summary = TEXT("s")};
	struct record_alert alert = {.rule = TEXT("r"), .output_fields = TEXT("{}")};
	struct record_gap gap = {
		.id = 8, .reason = TEXT("downtime"), .events = 3, .detail = TEXT("{}")};
	struct record_behaviour behaviour = {.dimension = TEXT("exec"),
					     .key = {1, {TEXT("/bin/a")}}};
	struct record_blob blob = {.sequence = 9, .bytes = TEXT("\0\1\2")};
	struct record_incident *i = record_incident_copy(&incident);
	struct record_alert *a = record_alert_copy(&alert);
	struct record_gap *g = record_gap_copy(&gap);
	struct record_behaviour *b = record_behaviour_copy(&behaviour);
	struct record_blob *s = record_blob_copy(&blob);

	(void)state;
	check_text(i->summary, incident.summary, (char *)i, record_bytes(i));
	check_text(i->workload_name, incident.workload_name, (char *)i, record_bytes(i));
	check_text(a->rule, alert.rule, (char *)a, record_bytes(a));
	check_text(a->output_fields, alert.output_fields, (char *)a, record_bytes(a));
	check_text(g->reason, gap.reason, (char *)g, record_bytes(g));
	check_text(g->detail, gap.detail, (char *)g, record_bytes(g));
	assert_int_equal(g->id, 8);
	check_text(b->key.fields[0], behaviour.key.fields[0], (char *)b, record_bytes(b));
	check_text(s->bytes, blob.bytes, (char *)s, record_bytes(s));
	assert_int_equal(g->events, 3);
	record_free(i);
	record_free(a);
	record_free(g);
	record_free(b);
	record_free(s);
}

static void pools_keep_what_they_are_given(void **state)
{
	struct snapshot_pool pool = {0};
	struct text kept[2000];
	uint64_t *big, *small;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
		char word[32];

		memset(word, 'a' + (int)(i % 26), sizeof(word));
		kept[i] = snapshot_text(&pool, (struct text){word, i % 32 + 1});
		assert_int_equal(kept[i].len, i % 32 + 1);
	}
	big = snapshot_alloc(&pool, 100000, sizeof(*big));
	small = snapshot_alloc(&pool, 3, sizeof(*small));
	assert_non_null(big);
	assert_non_null(small);
	assert_int_equal((uintptr_t)small % sizeof(uint64_t), 0);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(big[i], 0);
	memset(big, 0xff, 100000 * sizeof(*big));
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		assert_int_equal(kept[i].ptr[kept[i].len - 1], 'a' + (int)(i % 26));
	assert_null(snapshot_alloc(&pool, SIZE_MAX, 2));
	assert_non_null(snapshot_alloc(&pool, 0, 8));
	assert_int_equal(snapshot_text(&pool, TEXT_NONE).len, 0);
	snapshot_pool_done(&pool);
	snapshot_pool_done(&pool);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(texts_live_in_the_record),
		cmocka_unit_test(anomalies_are_copied_deeply),
		cmocka_unit_test(other_records_are_copied_deeply),
		cmocka_unit_test(pools_keep_what_they_are_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
