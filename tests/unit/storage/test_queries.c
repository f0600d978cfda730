#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>

#include "base/json_text.h"
#include "base/util.h"
#include "sample.h"

#define ANOMALIES 40

/* A database with ANOMALIES anomalies (every fourth below the threshold, the odd ones of another
 * workload and dimension), as many alerts, incidents and two gaps. */
struct fixture {
	struct sample sample;
	struct store *store;
	struct queries *queries;
};

static void fill_anomalies(struct writer *writer)
{
	for (uint64_t id = 1; id <= ANOMALIES; id++) {
		struct record_anomaly a = sample_anomaly(id);

		a.above_threshold = id % 4 != 0;
		a.state = id == 6 ? ANOMALY_ACCEPTED : ANOMALY_OPEN;
		if (id % 2) {
			a.workload_id = 7;
			a.dimension = TEXT("file.read");
		}
		a.incident = id <= 3 ? 1 : 0;
		push_anomaly(writer, &a);
	}
}

static void fill(struct writer *writer)
{
	static const struct record_gap gaps[] = {
		{1, SAMPLE_TIME + 5 * SECOND, SAMPLE_TIME + 10 * SECOND, TEXT("downtime"),
		 GAP_EVENTS_UNKNOWN, TEXT_NONE},
		{2, SAMPLE_TIME + 100 * SECOND, SAMPLE_TIME + 101 * SECOND, TEXT("ring full"), 9,
		 TEXT("{\"by_type\":{\"open\":9}}")},
	};

	fill_anomalies(writer);
	for (uint64_t id = 1; id <= ANOMALIES; id++) {
		struct record_alert a = sample_alert(id);

		a.priority = (enum alert_priority)(id % 8);
		a.rule = id % 2 ? TEXT("odd \xff rule") : TEXT("even rule");
		a.workload_id = id % 2 ? 7 : 0;
		a.incident = id == 2 ? 1 : 0;
		push_alert(writer, &a);
	}
	for (uint64_t id = 1; id <= 5; id++) {
		struct record_incident i = sample_incident(id);

		i.is_open = id == 5;
		i.return_period_s = 1000.0 * (double)id;
		push_incident(writer, &i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++)
		writer_push(writer, WRITE_GAP, record_gap_copy(&gaps[i]));
}

static int create(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct writer *writer = NULL;

	sample_create(&fixture->sample);
	fixture->store = sample_open(&fixture->sample);
	assert_int_equal(writer_create(&writer, fixture->store, 4096), 0);
	fill(writer);
	writer_destroy(&writer);
	assert_int_equal(queries_open(&fixture->queries, fixture->sample.path, "host1"), 0);
	*state = fixture;
	return 0;
}

static int destroy(void **state)
{
	struct fixture *fixture = *state;

	queries_close(&fixture->queries);
	store_close(&fixture->store);
	sample_destroy(&fixture->sample);
	free(fixture);
	return 0;
}

/* "a39 a38 ..." of a list's items. */
static void print_ids(const cJSON *list, char *out, size_t out_bytes)
{
	const cJSON *item;
	size_t n = 0;

	out[0] = '\0';
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(list, "items"))
	{
		n += (size_t)snprintf(out + n, out_bytes - n, "%s%s", n ? " " : "",
				      cJSON_GetStringValue(cJSON_GetObjectItem(item, "id")));
	}
}

static void anomalies_are_filtered(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *name;
		struct anomaly_filter filter;
		const char *want;
	} rows[] = {
		{"newest above the threshold", {.state = -1, .limit = 3}, "a39 a38 a37"},
		{"most surprising below",
		 {.state = -1, .below_threshold = true, .limit = 3},
		 "a40 a36 a32"},
		{"since", {.state = -1, .since_ns = SAMPLE_TIME + 37 * SECOND}, "a39 a38 a37"},
		{"until is exclusive",
		 {.state = -1, .until_ns = SAMPLE_TIME + 3 * SECOND},
		 "a2 a1"},
		{"workload",
		 {.state = -1, .workload_id = 7, .until_ns = SAMPLE_TIME + 6 * SECOND},
		 "a5 a3 a1"},
		{"dimension", {.state = -1, .dimension = TEXT("exec"), .limit = 2}, "a38 a34"},
		{"no such dimension", {.state = -1, .dimension = TEXT("exe")}, ""},
		{"return period", {.state = -1, .min_return_period_s = 38000}, "a39 a38"},
		{"state", {.state = ANOMALY_ACCEPTED}, "a6"},
		{"incident", {.state = -1, .incident = 1}, "a3 a2 a1"},
		{"all at once",
		 {.state = ANOMALY_OPEN,
		  .since_ns = SAMPLE_TIME + 2 * SECOND,
		  .until_ns = SAMPLE_TIME + 4 * SECOND,
		  .workload_id = 7,
		  .dimension = TEXT("file.read"),
		  .min_return_period_s = 10,
		  .incident = 1,
		  .cursor = TEXT("affffffffffffffff0000000000000000")},
		 ""},
		{"far future", {.state = -1, .since_ns = UINT64_MAX}, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *list = NULL;
		char ids[512];
		int r = queries_anomalies(fixture->queries, &rows[i].filter, &list);

		if (r)
			fail_msg("%s: %d", rows[i].name, r);
		print_ids(list, ids, sizeof(ids));
		if (strcmp(ids, rows[i].want) != 0)
			fail_msg("%s: got %s", rows[i].name, ids);
		cJSON_Delete(list);
	}
}

static void alerts_are_filtered(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *name;
		struct alert_filter filter;
		const char *want;
	} rows[] = {
		{"newest", {.most_urgent = -1, .least_urgent = -1, .limit = 3}, "l40 l39 l38"},
		{"rule with strange bytes",
		 {.most_urgent = -1, .least_urgent = -1, .rule = TEXT("odd \xff rule"), .limit = 2},
		 "l39 l37"},
		{"no such rule", {.most_urgent = -1, .least_urgent = -1, .rule = TEXT("odd")}, ""},
		{"one priority", {.most_urgent = 4, .least_urgent = 4, .limit = 2}, "l36 l28"},
		{"urgent ones",
		 {.most_urgent = -1, .least_urgent = 1, .limit = 4},
		 "l40 l33 l32 l25"},
		{"workload",
		 {.most_urgent = -1, .least_urgent = -1, .workload_id = 7, .limit = 1},
		 "l39"},
		{"incident", {.most_urgent = -1, .least_urgent = -1, .incident = 1}, "l2"},
		{"span",
		 {.most_urgent = -1,
		  .least_urgent = -1,
		  .since_ns = SAMPLE_TIME + 2 * SECOND,
		  .until_ns = SAMPLE_TIME + 4 * SECOND},
		 "l3 l2"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *list = NULL;
		char ids[512];

		assert_int_equal(queries_alerts(fixture->queries, &rows[i].filter, &list), 0);
		print_ids(list, ids, sizeof(ids));
		if (strcmp(ids, rows[i].want) != 0)
			fail_msg("%s: got %s", rows[i].name, ids);
		cJSON_Delete(list);
	}
}

static void incidents_are_filtered(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *name;
		struct incident_filter filter;
		const char *want;
	} rows[] = {
		{"newest", {.is_open = -1}, "i5 i4 i3 i2 i1"},
		{"open", {.is_open = 1}, "i5"},
		{"still going on then",
		 {.is_open = -1, .since_ns = SAMPLE_TIME + 9 * SECOND},
		 "i5 i4"},
		{"begun before", {.is_open = -1, .until_ns = SAMPLE_TIME + 3 * SECOND}, "i2 i1"},
		{"return period", {.is_open = -1, .min_return_period_s = 4000}, "i5 i4"},
		{"workload", {.is_open = -1, .workload_id = 8}, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *list = NULL;
		char ids[512];

		assert_int_equal(queries_incidents(fixture->queries, &rows[i].filter, &list), 0);
		print_ids(list, ids, sizeof(ids));
		if (strcmp(ids, rows[i].want) != 0)
			fail_msg("%s: got %s", rows[i].name, ids);
		cJSON_Delete(list);
	}
}

/* Walk a list page by page while more rows arrive: what was there at the start comes exactly once,
 * in order. */
static void walk(struct fixture *fixture, bool below, unsigned want_n)
{
	char cursor[64] = "";
	uint64_t last = UINT64_MAX, next_id = 1000;
	unsigned n = 0;

	do {
		struct anomaly_filter filter = {.state = -1,
						.below_threshold = below,
						.cursor = text_from(cursor),
						.limit = 3};
		cJSON *list = NULL;
		const cJSON *item;
		struct writer *writer = NULL;
		struct record_anomaly newer = sample_anomaly(next_id++);

		assert_int_equal(queries_anomalies(fixture->queries, &filter, &list), 0);
		cJSON_ArrayForEach(item, cJSON_GetObjectItem(list, "items"))
		{
			uint64_t id = 0;
			const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(item, "id"));

			assert_true(id_parse('a', text_from(text), &id));
			assert_true(id < last);
			last = id;
			n++;
		}
		item = cJSON_GetObjectItem(list, "next");
		assert_non_null(item);
		snprintf(cursor, sizeof(cursor), "%s",
			 cJSON_IsString(item) ? cJSON_GetStringValue(item) : "");
		cJSON_Delete(list);

		newer.above_threshold = !below;
		assert_int_equal(writer_create(&writer, fixture->store, 64), 0);
		push_anomaly(writer, &newer);
		writer_destroy(&writer);
	} while (cursor[0]);
	assert_int_equal(n, want_n);
}

static void cursors_are_stable(void **state)
{
	walk(*state, false, ANOMALIES - ANOMALIES / 4);
}

static void cursors_by_surprise_are_stable(void **state)
{
	walk(*state, true, ANOMALIES / 4);
}

static void strange_cursors_are_refused(void **state)
{
	struct fixture *fixture = *state;
	static const char *const rows[] = {
		"x",
		"a",
		"b00000000000000010000000000000001", /* of another list */
		"a0000000000000001000000000000000",
		"a00000000000000010000000000000001x",
		"a0000000000000001000000000000000g",
		"' OR 1=1 --",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct anomaly_filter filter = {.state = -1, .cursor = text_from(rows[i])};
		struct alert_filter alerts = {.cursor = text_from(rows[i])};
		struct incident_filter incidents = {.cursor = text_from(rows[i])};
		cJSON *list = NULL;

		if (queries_anomalies(fixture->queries, &filter, &list) != -EINVAL ||
		    queries_alerts(fixture->queries, &alerts, &list) != -EINVAL ||
		    queries_incidents(fixture->queries, &incidents, &list) != -EINVAL)
			fail_msg("'%s' was accepted", rows[i]);
		assert_null(list);
	}
}

static void limits_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct anomaly_filter filter = {.state = -1, .limit = UINT32_MAX};
	cJSON *list = NULL;

	assert_int_equal(queries_anomalies(fixture->queries, &filter, &list), 0);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(list, "items")),
			 ANOMALIES - ANOMALIES / 4);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(list, "next")));
	cJSON_Delete(list);
}

static void lists_leave_explanations_out(void **state)
{
	struct fixture *fixture = *state;
	struct anomaly_filter filter = {.state = -1, .limit = 1};
	cJSON *list = NULL, *one = NULL, *item;

	assert_int_equal(queries_anomalies(fixture->queries, &filter, &list), 0);
	item = cJSON_GetArrayItem(cJSON_GetObjectItem(list, "items"), 0);
	assert_non_null(cJSON_GetObjectItem(item, "key"));
	assert_null(cJSON_GetObjectItem(item, "explanation"));
	assert_int_equal(queries_anomaly(fixture->queries, 39, &one), 0);
	assert_non_null(cJSON_GetObjectItem(one, "explanation"));
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(one, "id")), "a39");
	cJSON_Delete(one);
	cJSON_Delete(list);
	one = NULL;
	assert_int_equal(queries_anomaly(fixture->queries, 999, &one), -ENOENT);
	assert_int_equal(queries_alert(fixture->queries, 999, &one), -ENOENT);
	assert_int_equal(queries_incident(fixture->queries, 999, &one), -ENOENT);
	assert_null(one);
}

/* Columns win over the document, and gaps that overlap are quoted. */
static void anomalies_show_their_newest_state(void **state)
{
	struct fixture *fixture = *state;
	struct record_anomaly anomaly = sample_anomaly(2);
	struct writer *writer = NULL;
	cJSON *one = NULL, *quality;

	anomaly.occurrences = 77;
	anomaly.last_ns = SAMPLE_TIME + 7 * SECOND;
	anomaly.incident = 1;
	assert_int_equal(writer_create(&writer, fixture->store, 64), 0);
	push_anomaly(writer, &anomaly);
	writer_destroy(&writer);
	assert_int_equal(queries_anomaly(fixture->queries, 2, &one), 0);
	assert_int_equal(cJSON_GetObjectItem(one, "occurrences")->valueint, 77);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(one, "last_seen")),
			    "2026-11-20T12:00:07.000000000Z");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(one, "incident")), "i1");
	quality = cJSON_GetObjectItem(one, "data_quality");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(quality, "gaps")), 1);
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(quality, "complete")));
	cJSON_Delete(one);
}

static const cJSON *quality_of(const cJSON *item)
{
	return cJSON_GetObjectItem(item, "data_quality");
}

/* The gap list, the count and the verdict look at the same two minutes. */
static void what_was_lost_shortly_before_counts(void **state)
{
	static const struct {
		uint64_t first_ns; /* after the end of the second gap */
		bool is_marked;
	} rows[] = {{0, true}, {QUALITY_WINDOW_NS, true}, {QUALITY_WINDOW_NS + 1, false}};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_anomaly anomaly = sample_anomaly(5000 + i);
		struct record_incident incident = sample_incident(5000 + i);
		cJSON *items[2] = {NULL};
		struct writer *writer = NULL;

		anomaly.first_ns = SAMPLE_TIME + 101 * SECOND + rows[i].first_ns;
		anomaly.last_ns = anomaly.first_ns;
		incident.from_ns = incident.to_ns = anomaly.first_ns;
		assert_int_equal(writer_create(&writer, fixture->store, 64), 0);
		push_anomaly(writer, &anomaly);
		push_incident(writer, &incident);
		writer_destroy(&writer);
		assert_int_equal(queries_anomaly(fixture->queries, 5000 + i, &items[0]), 0);
		assert_int_equal(queries_incident(fixture->queries, 5000 + i, &items[1]), 0);
		for (int k = 0; k < 2; k++) {
			const cJSON *quality = quality_of(items[k]);
			const cJSON *gaps = cJSON_GetObjectItem(quality, "gaps");

			assert_int_equal(cJSON_GetArraySize(gaps) > 0, rows[i].is_marked);
			assert_int_equal(cJSON_IsFalse(cJSON_GetObjectItem(quality, "complete")),
					 rows[i].is_marked);
			assert_int_equal(cJSON_GetObjectItem(quality, "lost_events")->valueint,
					 rows[i].is_marked ? 9 : 0);
			cJSON_Delete(items[k]);
		}
	}
}

static void an_incident_has_its_timeline(void **state)
{
	struct fixture *fixture = *state;
	SCOPED(free_ptr) char *printed = NULL;
	cJSON *incident = NULL;

	assert_int_equal(queries_incident(fixture->queries, 1, &incident), 0);
	printed = cJSON_PrintUnformatted(cJSON_GetObjectItem(incident, "timeline"));
	cJSON_Delete(incident);
	assert_string_equal(
		printed,
		"[{\"time\":\"2026-11-20T12:00:01.000000000Z\",\"kind\":\"anomaly\",\"id\":\"a1\","
		"\"text\":\"nginx never ran /bin/sh\",\"return_period_s\":1000,"
		"\"dimension\":\"file.read\",\"rule\":null,\"priority\":null},"
		"{\"time\":\"2026-11-20T12:00:02.000000000Z\",\"kind\":\"anomaly\",\"id\":\"a2\","
		"\"text\":\"nginx never ran /bin/sh\",\"return_period_s\":2000,"
		"\"dimension\":\"exec\",\"rule\":null,\"priority\":null},"
		"{\"time\":\"2026-11-20T12:00:02.000000000Z\",\"kind\":\"alert\",\"id\":\"l2\","
		"\"text\":\"a shell (user=root)\",\"return_period_s\":null,\"dimension\":null,"
		"\"rule\":\"even rule\",\"priority\":\"Critical\"},"
		"{\"time\":\"2026-11-20T12:00:03.000000000Z\",\"kind\":\"anomaly\",\"id\":\"a3\","
		"\"text\":\"nginx never ran /bin/sh\",\"return_period_s\":3000,"
		"\"dimension\":\"file.read\",\"rule\":null,\"priority\":null}]");
}

static void gaps_that_overlap_are_listed(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		uint64_t from_ns, to_ns;
		uint32_t limit;
		int want;
	} rows[] = {
		{0, UINT64_MAX, 0, 2},
		{0, UINT64_MAX, 1, 1},
		{SAMPLE_TIME + 7 * SECOND, SAMPLE_TIME + 8 * SECOND, 0, 1},
		{SAMPLE_TIME + 10 * SECOND, SAMPLE_TIME + 100 * SECOND, 0, 2},
		{SAMPLE_TIME + 11 * SECOND, SAMPLE_TIME + 99 * SECOND, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *gaps = NULL;

		assert_int_equal(queries_gaps(fixture->queries, rows[i].from_ns, rows[i].to_ns,
					      rows[i].limit, &gaps),
				 0);
		if (cJSON_GetArraySize(gaps) != rows[i].want)
			fail_msg("row %zu: %d", i, cJSON_GetArraySize(gaps));
		cJSON_Delete(gaps);
	}
}

static void behaviours_get_their_texts(void **state)
{
	struct fixture *fixture = *state;
	struct record_behaviour stored = {.workload_id = UINT64_MAX,
					  .dimension = TEXT("exec"),
					  .fingerprint = 0xffffffffffffff00,
					  .key = {3, {TEXT("/a\\b"), TEXT("\xff\0x"), TEXT("")}},
					  .first_ns = SAMPLE_TIME};
	struct snapshot_behaviours wanted = {.n = 3};
	struct writer *writer = NULL;

	assert_int_equal(writer_create(&writer, fixture->store, 64), 0);
	writer_push(writer, WRITE_BEHAVIOUR, record_behaviour_copy(&stored));
	stored.first_ns += 1; /* learned once: the first time stands */
	writer_push(writer, WRITE_BEHAVIOUR, record_behaviour_copy(&stored));
	writer_push(writer, WRITE_COMMIT, NULL);
	writer_destroy(&writer);

	wanted.items = snapshot_alloc(&wanted.pool, wanted.n, sizeof(*wanted.items));
	for (uint32_t i = 0; i < wanted.n; i++) {
		wanted.items[i].dimension = TEXT("exec");
		wanted.items[i].fingerprint = stored.fingerprint;
	}
	wanted.items[1].fingerprint = 5; /* never stored */
	wanted.items[2].key = (struct record_key){1, {TEXT("known")}};
	assert_int_equal(queries_behaviour_texts(fixture->queries, UINT64_MAX, &wanted), 0);
	assert_int_equal(wanted.items[0].key.n, 3);
	for (int i = 0; i < 3; i++)
		assert_true(text_equal(wanted.items[0].key.fields[i], stored.key.fields[i]));
	assert_int_equal(wanted.items[0].first_seen_ns, SAMPLE_TIME);
	assert_int_equal(wanted.items[1].key.n, 0);
	assert_true(text_equal(wanted.items[2].key.fields[0], TEXT("known")));
	assert_int_equal(wanted.items[2].first_seen_ns, SAMPLE_TIME);
	snapshot_pool_done(&wanted.pool);
}

/* A document that someone damaged must not break the list: every promised member is there. */
static void damaged_documents_keep_their_shape(void **state)
{
	struct fixture *fixture = *state;
	static const char *const documents[] = {"'{'", "'[]'", "''", "x'ff00'", "'{\"key\": 5}'"};

	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		char sql[128];
		cJSON *one = NULL;

		snprintf(sql, sizeof(sql),
			 "UPDATE anomaly_documents SET document = %s WHERE id = 1", documents[i]);
		sample_sql(&fixture->sample, sql);
		assert_int_equal(queries_anomaly(fixture->queries, 1, &one), 0);
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(one, "id")), "a1");
		assert_true(cJSON_HasObjectItem(one, "usual"));
		assert_true(cJSON_HasObjectItem(one, "explanation"));
		cJSON_Delete(one);
	}
}

/* A connection of its own for each thread, while the writer goes on. */
static void *ask_much(void *arg)
{
	SCOPED(queries_close) struct queries *queries = NULL;

	if (queries_open(&queries, arg, NULL))
		return (void *)1;

	for (int i = 0; i < 100; i++) {
		struct anomaly_filter filter = {.state = -1, .limit = 10};
		cJSON *list = NULL;

		if (queries_anomalies(queries, &filter, &list) ||
		    cJSON_GetArraySize(cJSON_GetObjectItem(list, "items")) != 10)
			return (void *)1;
		cJSON_Delete(list);
	}
	return NULL;
}

static void readers_and_the_writer_do_not_wait(void **state)
{
	struct fixture *fixture = *state;
	struct writer *writer = NULL;
	pthread_t threads[4];

	assert_int_equal(writer_create(&writer, fixture->store, 4096), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_much, fixture->sample.path),
				 0);
	for (uint64_t id = 100; id < 200; id++) {
		struct record_anomaly anomaly = sample_anomaly(id);

		push_anomaly(writer, &anomaly);
		usleep(1000);
	}
	writer_destroy(&writer);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *failed = NULL;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static void a_missing_database_is_an_error(void **state)
{
	struct queries *queries = NULL;

	(void)state;
	assert_true(queries_open(&queries, "/nonexistent/e.db", NULL) < 0);
	assert_null(queries);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, create, destroy)
	static const struct CMUnitTest tests[] = {
		TEST(anomalies_are_filtered),
		TEST(alerts_are_filtered),
		TEST(incidents_are_filtered),
		TEST(cursors_are_stable),
		TEST(cursors_by_surprise_are_stable),
		TEST(strange_cursors_are_refused),
		TEST(limits_are_bounded),
		TEST(lists_leave_explanations_out),
		TEST(anomalies_show_their_newest_state),
		TEST(what_was_lost_shortly_before_counts),
		TEST(an_incident_has_its_timeline),
		TEST(gaps_that_overlap_are_listed),
		TEST(behaviours_get_their_texts),
		TEST(damaged_documents_keep_their_shape),
		TEST(readers_and_the_writer_do_not_wait),
		cmocka_unit_test(a_missing_database_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
