/* Stored events: written, walked through, found by what they belong to, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/util.h"
#include "sample.h"
#include "storage/redact.h"
#include "storage/retention.h"
#include "storage/squeeze.h"

struct seen {
	uint64_t ids[64];
	uint32_t n;
	uint32_t stop_at; /* 0 never */
	struct record_event last;
	char fields[256];
};

static int note(const struct record_event *event, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->n < ARRAY_SIZE(seen->ids));
	seen->ids[seen->n++] = event->id;
	seen->last = *event;
	snprintf(seen->fields, sizeof(seen->fields), "%.*s", TEXT_ARGS(event->fields));
	return seen->stop_at && seen->n == seen->stop_at ? 77 : 0;
}

static struct writer *start(struct store *store)
{
	struct writer *writer = NULL;

	assert_int_equal(writer_create(&writer, store, 1 << 16), 0);
	return writer;
}

static struct queries *open_queries(const struct sample *sample)
{
	struct queries *queries = NULL;

	assert_int_equal(queries_open(&queries, sample->path, NULL), 0);
	return queries;
}

/* Events 1 to n. */
static void fill(struct store *store, uint64_t n)
{
	struct writer *writer = start(store);

	for (uint64_t id = 1; id <= n; id++) {
		struct record_event event = sample_event(id);

		push_event(writer, &event);
		if (id % 1000 == 0) { /* lest the queue sheds */
			writer_destroy(&writer);
			writer = start(store);
		}
	}
	writer_destroy(&writer);
}

static void an_event_comes_back_as_it_was(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct record_event want = sample_event(3);
	struct writer *writer = start(store);
	struct queries *queries;
	struct seen seen = {0};

	want.workload_name = TEXT("a\0b\xff");
	push_event(writer, &want);
	push_event(writer, &want); /* the same again changes nothing */
	writer_destroy(&writer);
	queries = open_queries(sample);
	assert_int_equal(queries_event_of(queries, 'l', 3, note, &seen), 0);
	assert_int_equal(seen.last.id, 3);
	assert_int_equal(seen.last.ts_ns, want.ts_ns);
	assert_int_equal(seen.last.workload_id, want.workload_id);
	assert_int_equal(seen.last.workload_name.len, 4);
	assert_int_equal(seen.last.type.len, 4);
	assert_int_equal(seen.last.nr, 2);
	assert_int_equal(seen.last.reason, EVENT_OF_ALERT);
	assert_int_equal(seen.last.span, 1);
	assert_int_equal(seen.last.cut.len, want.cut.len);
	assert_string_equal(seen.fields, want.fields.ptr);
	assert_int_equal(queries_event_of(queries, 'a', 3, note, &seen), 0);
	assert_int_equal(queries_event_of(queries, 'a', 4, note, &seen), -ENOENT);
	assert_int_equal(queries_event_of(queries, 'l', 4, note, &seen), -ENOENT);
	assert_int_equal(queries_event_of(queries, 'i', 3, note, &seen), -ENOENT);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM events"), 1);
	queries_close(&queries);
	assert_int_equal(store_last_event(store), 3);
	store_close(&store);
}

static void walks_are_in_order_and_resume(void **state)
{
	static const struct {
		const char *name;
		uint64_t since, until, workload; /* in seconds after SAMPLE_TIME */
		uint64_t first, n;
	} rows[] = {
		{"all", 0, 0, 0, 1, 50},
		{"since is inclusive", 10, 0, 0, 10, 41},
		{"until is exclusive", 0, 10, 0, 1, 9},
		{"a stretch", 10, 20, 0, 10, 10},
		{"of the workload", 0, 0, 0xfedcba9876543210, 1, 50},
		{"of another", 0, 0, 7, 0, 0},
		{"none", 60, 70, 0, 0, 0},
	};
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct queries *queries;

	fill(store, 50);
	queries = open_queries(sample);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event_filter filter = {
			.since_ns = rows[i].since ? SAMPLE_TIME + rows[i].since * SECOND : 0,
			.until_ns = rows[i].until ? SAMPLE_TIME + rows[i].until * SECOND : 0,
			.workload_id = rows[i].workload,
			.limit = 7,
		};
		struct seen seen = {0};
		int n;

		while ((n = queries_each_event(queries, &filter, note, &seen)) > 0) {
			filter.after_ns = seen.last.ts_ns;
			filter.after_id = seen.last.id;
		}
		assert_int_equal(n, 0);
		if (seen.n != rows[i].n)
			fail_msg("%s: %u events, want %llu", rows[i].name, seen.n,
				 (unsigned long long)rows[i].n);
		for (uint32_t at = 0; at < seen.n; at++)
			assert_int_equal(seen.ids[at], rows[i].first + at);
	}
	queries_close(&queries);
	store_close(&store);
}

/* Two events of one moment are told apart by their ids; a visitor may end the walk. */
static void one_moment_many_events(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = start(store);
	struct event_filter filter = {.limit = 2};
	struct seen seen = {0};
	struct queries *queries;

	for (uint64_t id = 1; id <= 5; id++) {
		struct record_event event = sample_event(id);

		event.ts_ns = SAMPLE_TIME;
		push_event(writer, &event);
	}
	writer_destroy(&writer);
	queries = open_queries(sample);
	assert_int_equal(queries_each_event(queries, &filter, note, &seen), 2);
	filter.after_ns = SAMPLE_TIME;
	filter.after_id = 2;
	assert_int_equal(queries_each_event(queries, &filter, note, &seen), 2);
	assert_int_equal(seen.ids[2], 3);
	seen = (struct seen){.stop_at = 1};
	assert_int_equal(queries_each_event(queries, &filter, note, &seen), 77);
	assert_int_equal(seen.n, 1);
	queries_close(&queries);
	store_close(&store);
}

static void spans_tell_what_was_captured(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = start(store);
	struct queries *queries;
	cJSON *json = NULL;

	for (uint64_t id = 1; id <= 3; id++) {
		struct record_span span = {
			.id = id,
			.from_ns = SAMPLE_TIME + id * 100 * SECOND,
			.hash = UINT64_MAX - id % 2,
			.document = TEXT("{\"events\":[\"open\"],\"fields\":[\"fd.name\"]}"),
		};

		writer_push(writer, WRITE_SPAN, record_span_copy(&span));
		if (id < 3) {
			span.to_ns = span.from_ns + 50 * SECOND;
			writer_push(writer, WRITE_SPAN, record_span_copy(&span));
		}
	}
	writer_destroy(&writer);
	queries = open_queries(sample);
	assert_int_equal(queries_spans(queries, 0, 0, &json), 0);
	assert_int_equal(cJSON_GetArraySize(json), 3);
	cJSON_Delete(json);
	assert_int_equal(queries_spans(queries, SAMPLE_TIME + 240 * SECOND,
				       SAMPLE_TIME + 300 * SECOND, &json),
			 0);
	assert_int_equal(cJSON_GetArraySize(json), 1);
	cJSON_Delete(json);
	assert_int_equal(queries_span(queries, 2, &json), 0);
	assert_string_equal(cJSON_GetObjectItem(json, "to")->valuestring,
			    "2026-11-20T12:04:10.000000000Z");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "fields")), 1);
	cJSON_Delete(json);
	assert_int_equal(queries_span(queries, 4, &json), -ENOENT);
	assert_int_equal(queries_span(queries, 3, &json), 0);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "lasts")));
	assert_string_equal(cJSON_GetObjectItem(json, "to")->valuestring,
			    "2026-11-20T12:05:00.000000000Z");
	cJSON_Delete(json);
	queries_close(&queries);
	assert_int_equal(store_last_span(store), 3);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM span_documents"), 2);

	/* Killed: it lasted to the last checkpoint. */
	assert_int_equal(store_set_u64(store, "last_checkpoint_ns", SAMPLE_TIME + 400 * SECOND), 0);
	store_close(&store);
	store = sample_open(sample);
	assert_int_equal(sample_number(sample, "SELECT to_ns FROM spans WHERE id = 3"),
			 SAMPLE_TIME + 400 * SECOND);
	store_close(&store);
}

static void conditions_are_kept_as_they_were(void **state)
{
	struct sample *sample = *state;
	struct store *store = sample_open(sample);
	struct writer *writer = start(store);
	struct record_condition condition = {.hash = 0xfedcba9876543210,
					     .last_ns = SAMPLE_TIME,
					     .rule = TEXT("r"),
					     .text = TEXT("proc.name = \"a\"")};
	struct record_alert alert = sample_alert(1), other = sample_alert(2);
	struct queries *queries;
	struct text text;

	alert.condition = condition.hash;
	writer_push(writer, WRITE_CONDITION, record_condition_copy(&condition));
	push_alert(writer, &alert);
	push_alert(writer, &other);
	writer_destroy(&writer);
	queries = open_queries(sample);
	assert_int_equal(queries_condition_of_alert(queries, 1, &text), 0);
	assert_true(text_equal(text, condition.text));
	free((char *)text.ptr);
	assert_int_equal(queries_condition_of_alert(queries, 2, &text), -ENOENT);
	assert_int_equal(queries_condition_of_alert(queries, 3, &text), -ENOENT);
	queries_close(&queries);
	store_close(&store);
}

static void run_retention(struct store *store, uint64_t now_ns)
{
	bool more = true;

	for (unsigned n = 0; more; n++) {
		assert_int_equal(retention_slice(store, now_ns, &more), 0);
		if (n > 1000)
			fail_msg("never done");
	}
}

/* Alerts stay, whatever the events take. */
static void the_oldest_events_go_first(void **state)
{
	struct sample *sample = *state;
	struct store *store;
	struct writer *writer;
	struct record_alert alert = sample_alert(1);
	int64_t left, bytes;

	sample->config.history_bytes = 300000;
	store = sample_open(sample);
	fill(store, 3000);
	writer = start(store);
	push_alert(writer, &alert);
	writer_destroy(&writer);
	run_retention(store, SAMPLE_TIME);
	bytes = sample_number(sample, "SELECT sum(bytes) FROM events");
	left = sample_number(sample, "SELECT count(*) FROM events");
	assert_in_range(bytes, 299000, 300000); /* not one too many */
	assert_int_equal(sample_number(sample, "SELECT min(id) FROM events"), 3001 - left);
	assert_int_equal(sample_number(sample, "SELECT max(id) FROM events"), 3000);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM event_owners WHERE event NOT "
					       "IN (SELECT id FROM events)"),
			 0);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM alerts"), 1);
	store_close(&store);

	/* Off: everything goes; ids do not come back. */
	sample->config.history_bytes = 0;
	store = sample_open(sample);
	run_retention(store, SAMPLE_TIME);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM events"), 0);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM event_owners"), 0);
	assert_int_equal(store_last_event(store), 3000);
	store_close(&store);
}

static void old_events_spans_and_conditions_go(void **state)
{
	struct sample *sample = *state;
	struct store *store;
	struct writer *writer;
	struct record_span span = {
		.id = 9, .from_ns = 1, .to_ns = SAMPLE_TIME, .document = TEXT("{}")};
	struct record_condition used = {1, SAMPLE_TIME, TEXT("a"), TEXT("a")};
	struct record_condition unused = {2, SAMPLE_TIME, TEXT("b"), TEXT("b")};
	struct record_alert alert = sample_alert(1);

	sample->config.retention_days = 1;
	store = sample_open(sample);
	fill(store, 10);
	alert.ts_ns = SAMPLE_TIME + 3 * 86400 * SECOND;
	alert.condition = 1;
	writer = start(store);
	writer_push(writer, WRITE_SPAN, record_span_copy(&span));
	writer_push(writer, WRITE_CONDITION, record_condition_copy(&used));
	writer_push(writer, WRITE_CONDITION, record_condition_copy(&unused));
	push_alert(writer, &alert);
	writer_destroy(&writer);
	run_retention(store, SAMPLE_TIME + 86400 * SECOND + 5 * SECOND);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM events"), 6);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM spans"), 0);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM span_documents"), 0);
	assert_int_equal(sample_number(sample, "SELECT count(*) FROM conditions"), 1);
	assert_int_equal(sample_number(sample, "SELECT hash FROM conditions"), 1);
	assert_int_equal(store_last_span(store), 9);
	store_close(&store);
}

/* More than fits comes in faster than retention's ten minutes. */
static void the_writer_forgets_without_being_asked(void **state)
{
	struct sample *sample = *state;
	struct writer_counters counters = {0};
	struct store *store;
	struct writer *writer;

	sample->config.history_bytes = 20000;
	store = sample_open(sample);
	writer = start(store);
	for (uint64_t id = 1; id <= 700; id++) {
		struct record_event event = sample_event(id);

		push_event(writer, &event);
	}
	for (int i = 0; i < 1000 && counters.events_forgotten_total == 0; i++) {
		usleep(10000);
		writer_counters(writer, &counters);
	}
	assert_int_equal(counters.events_written_total + counters.events_shed_total, 700);
	assert_true(counters.events_forgotten_total >= 300);
	writer_destroy(&writer);
	store_close(&store);
}

static void secrets_are_hidden_value_by_value(void **state)
{
	static const struct {
		const char *name, *pattern;
		struct text fields;
		const char *want;
	} rows[] = {
		{"does not run on", "password=(\\S+)",
		 TEXT("{\"a\":\"x password=abc\",\"proc.name\":\"cat\"}"),
		 "{\"a\":\"x password=***\",\"proc.name\":\"cat\"}"},
		{"names stay", "proc",
		 TEXT("{\"proc.name\":\"proc\",\"proc.aname\":[\"proc\",\"sh\"]}"),
		 "{\"proc.name\":\"****\",\"proc.aname\":[\"****\",\"sh\"]}"},
		{"quotes inside", "key (.+)", TEXT("{\"a\":\"key \\\"b\\\" c\",\"n\":12}"),
		 "{\"a\":\"key \\\"*\\\"**\",\"n\":12}"},
		{"numbers stay", "12", TEXT("{\"n\":12}"), "{\"n\":12}"},
		{"no JSON", "b", TEXT("{\"a\":\"b"), "{\"a\":\"*"},
		{"ends in an escape", "b", TEXT("{\"a\":\"b\\"), "{\"a\":\"*\\"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(redact_destroy) struct redact *redact = NULL;
		struct record_event event = {.fields = rows[i].fields};
		struct record_event *copy = record_event_copy(&event);

		assert_int_equal(redact_create(&redact, &rows[i].pattern, 1, NULL), 0);
		redact_record(redact, WRITE_EVENT, copy);
		if (!text_equal(copy->fields, text_from(rows[i].want)))
			fail_msg("%s: got '%.*s'", rows[i].name, TEXT_ARGS(copy->fields));
		record_free(copy);
	}
}

static void squeezing_is_undone(void **state)
{
	static char long_text[60000];
	static const struct {
		const char *name;
		struct text plain;
	} rows[] = {
		{"empty", {"", 0}},
		{"usual", TEXT("{\"evt.type\":\"openat\",\"proc.name\":\"sh\"}")},
		{"bytes", TEXT("\0\xff\n")},
		{"long", {long_text, sizeof(long_text)}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(long_text); i++)
		long_text[i] = (char)(i * i >> 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text squeezed, back, none;

		assert_int_equal(squeeze(rows[i].plain, &squeezed), 0);
		assert_int_equal(unsqueeze(squeezed, rows[i].plain.len, &back), 0);
		if (!text_equal(back, rows[i].plain))
			fail_msg("%s", rows[i].name);
		free((char *)back.ptr);
		if (rows[i].plain.len > 1)
			assert_int_equal(unsqueeze(squeezed, rows[i].plain.len - 1, &none),
					 -EBADMSG);
		squeezed.len--;
		assert_int_equal(unsqueeze(squeezed, 60000, &none), -EBADMSG);
		free((char *)squeezed.ptr);
	}
	assert_int_equal(unsqueeze(TEXT("{}"), 100, &(struct text){0}), -EBADMSG);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, sample_setup, sample_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(an_event_comes_back_as_it_was),
		TEST(walks_are_in_order_and_resume),
		TEST(one_moment_many_events),
		TEST(spans_tell_what_was_captured),
		TEST(conditions_are_kept_as_they_were),
		TEST(the_oldest_events_go_first),
		TEST(old_events_spans_and_conditions_go),
		TEST(the_writer_forgets_without_being_asked),
		TEST(secrets_are_hidden_value_by_value),
		TEST(squeezing_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
