/* Rules tried on stored events, of a store made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "anomaly/incidents.h"
#include "base/util.h"
#include "daemon/what_if_history.h"
#include "tests/unit/storage/sample.h"

#define DAY UINT64_C(86400)

static const char running[] =
	"- macro: opened\n  condition: evt.type = open and fd.num >= 0\n"
	"- rule: Account\n  desc: d\n  condition: opened and fd.name = /etc/shadow\n"
	"  output: opened %fd.name by %proc.name\n  priority: INFO\n"
	"- rule: Off\n  desc: d\n  condition: opened\n  output: o\n  priority: INFO\n"
	"  enabled: false\n";

static const char span_document[] =
	"{\"events\": [\"open\", \"execve\"], \"fields\": [\"evt.type\", \"fd.num\", \"fd.name\","
	" \"proc.name\", \"proc.aname\", \"proc.pid\", \"proc.pid.ts\", \"evt.arg.*\"]}";
static const char narrow_document[] =
	"{\"events\": [\"open\"], \"fields\": [\"evt.type\", \"fd.num\", \"proc.name\"]}";

struct fixture {
	struct sample sample;
	struct store *store;
	struct queries *queries;
	char path[128];
	uint64_t next_id;
};

static void push_span(struct writer *writer, uint64_t id, uint64_t from_s, uint64_t to_s,
		      const char *document)
{
	struct record_span span = {.id = id,
				   .hash = id,
				   .from_ns = SAMPLE_TIME + from_s * SECOND,
				   .to_ns = SAMPLE_TIME + to_s * SECOND,
				   .document = text_from(document)};

	writer_push(writer, WRITE_SPAN, record_span_copy(&span));
}

struct stored {
	uint64_t at_s, span, workload;
	const char *type, *file, *name, *cut;
	enum event_reason reason;
};

static void push(struct fixture *f, struct writer *writer, const struct stored *stored)
{
	char fields[512];
	struct record_event event;

	snprintf(fields, sizeof(fields),
		 "{\"evt.type\":\"%s\",\"fd.num\":3,\"fd.name\":\"%s\",\"proc.name\":\"%s\","
		 "\"proc.pid\":77,\"proc.pid.ts\":\"1795176000000000000\","
		 "\"proc.aname\":[\"sh\",\"sshd\"],\"evt.arg.flags\":\"O_RDONLY\"}",
		 stored->type, stored->file, stored->name);
	event = (struct record_event){
		.id = ++f->next_id,
		.ts_ns = SAMPLE_TIME + stored->at_s * SECOND,
		.workload_id = stored->workload,
		.workload_name = stored->workload == 1 ? TEXT("unit:one") : TEXT("unit:two"),
		.type = text_from(stored->type),
		.nr = 2,
		.reason = stored->reason,
		.span = stored->span,
		.fields = text_from(fields),
		.cut = text_from(stored->cut),
	};

	push_event(writer, &event);
}

static const struct stored events[] = {
	{1, 1, 1, "open", "/etc/shadow", "cat", "", EVENT_OF_ALERT},
	{2, 1, 1, "open", "/etc/passwd", "cat", "", EVENT_OF_SIGHTING},
	{3, 1, 2, "open", "/etc/shadow", "su", "", EVENT_OF_ANOMALY},
	{4, 1, 2, "execve", "/etc/shadow", "su", "", EVENT_OF_SIGHTING},
	{DAY, 1, 2, "open", "/etc/shadow", "su", "", EVENT_OF_ALERT},
	/* Stored without fd.name: nobody knows. */
	{DAY + 1, 2, 2, "open", "/etc/shadow", "su", "", EVENT_OF_SIGHTING},
	{DAY + 2, 1, 2, "open", "/etc/shadow", "su", "fd.name", EVENT_OF_SIGHTING},
	{DAY + 3, 1, 1, "open", "/etc/shadow", "cat", "", EVENT_OF_SIGHTING},
};

static int create(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct writer *writer = NULL;
	struct record_gap gap = {
		1,        SAMPLE_TIME + 5 * SECOND, SAMPLE_TIME + 9 * SECOND, TEXT("ring full"), 3,
		TEXT_NONE};
	FILE *file;

	sample_create(&f->sample);
	f->store = sample_open(&f->sample);
	assert_int_equal(writer_create(&writer, f->store, 4096), 0);
	push_span(writer, 1, 0, DAY + 100, span_document);
	push_span(writer, 2, DAY, DAY + 100, narrow_document);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		push(f, writer, &events[i]);
	writer_push(writer, WRITE_GAP, record_gap_copy(&gap));
	writer_destroy(&writer);
	assert_int_equal(queries_open(&f->queries, f->sample.path, "host"), 0);
	snprintf(f->path, sizeof(f->path), "%s/running.yaml", f->sample.dir);
	file = fopen(f->path, "we");
	assert_non_null(file);
	fputs(running, file);
	fclose(file);
	*state = f;
	return 0;
}

static int destroy(void **state)
{
	struct fixture *f = *state;

	queries_close(&f->queries);
	store_close(&f->store);
	sample_destroy(&f->sample);
	free(f);
	return 0;
}

static int ask(struct fixture *f, const char *text, const char *only,
	       const struct what_if_history *bounds, cJSON **out)
{
	struct field_set fields = {.n_tables = 2,
				   .tables = {state_field_table(), anomaly_field_table()}};
	struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	const char *files[] = {f->path};
	struct what_if_question question = {
		.files = files,
		.n_files = 1,
		.options = &options,
		.path = text ? "try.yaml" : NULL,
		.text = text,
		.len = text ? strlen(text) : 0,
		.only = only,
		.wants_all = !text && !only,
	};
	struct what_if_history history = *bounds;

	history.budget_ns = history.budget_ns ? history.budget_ns : 60 * SECOND;
	history.events_max = history.events_max ? history.events_max : 1000;
	history.now_ns = SAMPLE_TIME + 2 * DAY * SECOND;
	return what_if_run_history(out, f->queries, &question, &history, &fields);
}

static cJSON *answer(struct fixture *f, const char *text, const char *only)
{
	struct what_if_history all = {0};
	cJSON *json = NULL;

	assert_int_equal(ask(f, text, only, &all, &json), 0);
	return json;
}

static const cJSON *at(const cJSON *json, const char *path)
{
	SCOPED(free_ptr) char *copy = strdup(path);
	char *rest = copy, *part;

	while ((part = strsep(&rest, "/"))) {
		json = *part >= '0' && *part <= '9' ? cJSON_GetArrayItem(json, atoi(part))
						    : cJSON_GetObjectItem(json, part);
	}
	if (!json)
		fail_msg("no %s", path);
	return json;
}

static void expect_number(const cJSON *json, const char *path, double want)
{
	if (cJSON_GetNumberValue(at(json, path)) != want)
		fail_msg("%s: %g, want %g", path, cJSON_GetNumberValue(at(json, path)), want);
}

static void expect_text(const cJSON *json, const char *path, const char *want)
{
	SCOPED(free_ptr) char *printed = cJSON_PrintUnformatted(at(json, path));

	if (strcmp(printed, want) != 0)
		fail_msg("%s: %s, want %s", path, printed, want);
}

static void hits_come_from_what_is_stored(void **state)
{
	cJSON *json = answer(*state, NULL, "Account");

	assert_true(cJSON_IsTrue(at(json, "successful")));
	assert_true(cJSON_IsTrue(at(json, "complete")));
	assert_true(cJSON_IsFalse(at(json, "exact")));
	expect_number(json, "rules/0/hits", 4);
	expect_number(json, "rules/0/hits_now", 4);
	expect_text(json, "rules/0/days",
		    "[{\"day\":\"2026-11-20\",\"hits\":2},{\"day\":\"2026-11-21\",\"hits\":2}]");
	expect_text(json, "rules/0/workloads/0/name", "\"unit:one\"");
	expect_number(json, "rules/0/workloads/1/hits", 2);
	expect_text(json, "rules/0/examples/0/output", "\"opened /etc/shadow by cat\"");
	expect_text(json, "rules/0/examples/0/event/proc.aname", "[\"sh\",\"sshd\"]");
	expect_number(json, "rules/0/examples/0/process/pid", 77);
	expect_text(json, "rules/0/examples/0/process/start_time",
		    "\"2026-11-20T12:00:00.000000000Z\"");
	expect_number(json, "sources/0/events", 8);
	expect_number(json, "sources/0/alerts", 2);
	expect_number(json, "sources/0/anomalies", 1);
	expect_number(json, "sources/0/sightings", 5);
	expect_text(json, "gaps/0/reason", "\"ring full\"");
	cJSON_Delete(json);
}

static void what_is_unknown_is_undecided_not_absent(void **state)
{
	cJSON *json = answer(*state, NULL, "Account");

	expect_number(json, "rules/0/not_captured/undecided", 2);
	expect_text(json, "rules/0/not_captured/fields", "[\"fd.name\"]");
	expect_text(json, "rules/0/not_captured/events", "[]");
	cJSON_Delete(json);
	/* A negation would be true of what is only unknown. */
	json = answer(*state,
		      "- rule: Not\n  desc: d\n  condition: opened and not fd.name startswith /\n"
		      "  output: x\n  priority: INFO\n",
		      NULL);
	expect_number(json, "rules/0/hits", 0);
	expect_number(json, "rules/0/not_captured/undecided", 2);
	cJSON_Delete(json);
	/* What the condition does not need keeps nothing undecided. */
	json = answer(*state,
		      "- rule: Plain\n  desc: d\n  condition: opened and proc.name = su\n"
		      "  output: \"%fd.name\"\n  priority: INFO\n",
		      NULL);
	expect_number(json, "rules/0/hits", 4);
	expect_number(json, "rules/0/not_captured/undecided", 0);
	cJSON_Delete(json);
}

static void what_was_not_captured_is_named(void **state)
{
	cJSON *json = answer(*state,
			     "- rule: Wide\n  desc: d\n"
			     "  condition: evt.type in (execve, connect) and proc.aname[2] = sshd"
			     " and evt.arg.flags exists\n"
			     "  output: \"%k8s.ns.name\"\n  priority: INFO\n",
			     NULL);

	expect_number(json, "rules/0/hits", 1);
	expect_text(json, "rules/0/not_captured/events", "[\"connect\",\"execve\"]");
	expect_text(json, "rules/0/not_captured/fields",
		    "[\"proc.aname[2]\",\"evt.arg.flags\",\"k8s.ns.name\"]");
	cJSON_Delete(json);
}

static void changes_are_compared(void **state)
{
	static const struct {
		const char *name, *text, *rule, *change;
		double hits, now;
	} rows[] = {
		{"appended",
		 "- rule: Account\n  condition: and proc.name = su\n"
		 "  override: {condition: append}\n",
		 "Account", "\"changed\"", 2, 4},
		{"by a macro",
		 "- macro: opened\n  condition: and proc.name = cat\n"
		 "  override: {condition: append}\n",
		 "Account", "\"changed\"", 2, 4},
		{"new",
		 "- rule: N\n  desc: d\n  condition: opened\n  output: o\n  priority: INFO\n", "N",
		 "\"new\"", 7, 0},
		{"switched off", NULL, "Off", "\"same\"", 7, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *json = answer(*state, rows[i].text, rows[i].rule);

		print_message("%s\n", rows[i].name);
		expect_text(json, "rules/0/change", rows[i].change);
		expect_number(json, "rules/0/hits", rows[i].hits);
		expect_number(json, "rules/0/hits_now", rows[i].now);
		cJSON_Delete(json);
	}
}

static void a_count_gives_a_lower_bound(void **state)
{
	cJSON *json = answer(*state,
			     "- rule: Often\n  desc: d\n  condition: opened\n  output: x\n"
			     "  priority: INFO\n"
			     "  count: {by: [proc.pid], within: 1h, at_least: 3}\n",
			     NULL);

	assert_true(cJSON_IsTrue(at(json, "successful")));
	assert_true(cJSON_GetNumberValue(at(json, "rules/0/hits")) >= 1);
	assert_true(cJSON_IsFalse(at(json, "exact")));
	cJSON_Delete(json);
}

static void pages_go_on_where_one_ended(void **state)
{
	struct what_if_history part = {.events_max = 3};
	char cursor[64] = "";
	double hits = 0, seen = 0;
	int pages = 0;
	cJSON *json;

	do {
		json = NULL;
		part.cursor = *cursor ? cursor : NULL;
		assert_int_equal(ask(*state, NULL, "Account", &part, &json), 0);
		hits += cJSON_GetNumberValue(at(json, "rules/0/hits"));
		seen += cJSON_GetNumberValue(at(json, "sources/0/events"));
		assert_int_equal(cJSON_IsNull(at(json, "next")),
				 cJSON_IsTrue(at(json, "complete")));
		if (!cJSON_IsNull(at(json, "next")))
			snprintf(cursor, sizeof(cursor), "%s",
				 cJSON_GetStringValue(at(json, "next")));
		else
			*cursor = '\0';
		cJSON_Delete(json);
		pages++;
	} while (*cursor && pages < 10);
	assert_int_equal(pages, 3);
	assert_true(hits == 4 && seen == 8);
}

static void time_ends_it_early(void **state)
{
	struct what_if_history part = {.budget_ns = 1};
	cJSON *json = NULL;

	assert_int_equal(ask(*state, NULL, "Account", &part, &json), 0);
	assert_true(cJSON_IsFalse(at(json, "complete")));
	expect_number(json, "sources/0/events", 1);
	expect_text(json, "span/to", "\"2026-11-20T12:00:01.000000000Z\"");
	cJSON_Delete(json);
}

static void a_span_bounds_it(void **state)
{
	struct what_if_history part = {.since_ns = SAMPLE_TIME + 2 * SECOND,
				       .until_ns = SAMPLE_TIME + DAY * SECOND};
	cJSON *json = NULL;

	assert_int_equal(ask(*state, NULL, "Account", &part, &json), 0);
	expect_number(json, "rules/0/hits", 1);
	expect_text(json, "span/from", "\"2026-11-20T12:00:02.000000000Z\"");
	expect_text(json, "span/to", "\"2026-11-21T12:00:00.000000000Z\"");
	cJSON_Delete(json);
}

static void wrong_cursors_are_refused(void **state)
{
	static const char *const cursors[] = {"",      "e",    "e1",    "e1.",
					      "e1.2x", "a1.2", "e-1.2", "e99999999999999999999.1"};

	for (size_t i = 0; i < ARRAY_SIZE(cursors); i++) {
		struct what_if_history part = {.cursor = cursors[i]};
		cJSON *json = NULL;

		if (ask(*state, NULL, "Account", &part, &json) != -EINVAL)
			fail_msg("'%s'", cursors[i]);
	}
}

static void refused_rules_say_why(void **state)
{
	static const char *const texts[] = {
		"- rule: x\n",
		"not: [yaml",
		"- rule: \xff\xc3(\n",
		"- rule: x\n  desc: d\n"
		"  condition: no.such = 1\n  output: o\n  priority: INFO\n",
		"- rule: Missing\n  condition: and a\n  override: {condition: append}\n",
		"- macro: m\n  condition: (((((((\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cJSON *json = answer(*state, texts[i], NULL);

		if (!cJSON_IsFalse(at(json, "successful")) ||
		    !cJSON_GetArraySize(at(json, "errors")))
			fail_msg("text %d", (int)i);
		cJSON_Delete(json);
	}
}

static void unreadable_events_are_counted(void **state)
{
	struct fixture *f = *state;
	cJSON *json;

	sample_sql(&f->sample, "UPDATE events SET fields = '{\"no.field\": 1}' WHERE id = 1;"
			       "UPDATE events SET fields = 'x' WHERE id = 3;"
			       "UPDATE events SET type = 'gone' WHERE id = 5");
	json = answer(f, NULL, "Account");
	expect_number(json, "sources/0/unreadable", 2);
	expect_number(json, "rules/0/hits", 1);
	cJSON_Delete(json);
}

static void nothing_stored_is_said(void **state)
{
	struct fixture *f = *state;
	cJSON *json;

	sample_sql(&f->sample, "DELETE FROM events; DELETE FROM spans");
	json = answer(f, NULL, "Account");
	expect_number(json, "rules/0/hits", 0);
	expect_number(json, "sources/0/events", 0);
	assert_true(cJSON_IsTrue(at(json, "complete")));
	cJSON_Delete(json);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create, destroy)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(hits_come_from_what_is_stored),
		TEST(what_is_unknown_is_undecided_not_absent),
		TEST(what_was_not_captured_is_named),
		TEST(changes_are_compared),
		TEST(a_count_gives_a_lower_bound),
		TEST(pages_go_on_where_one_ended),
		TEST(time_ends_it_early),
		TEST(a_span_bounds_it),
		TEST(wrong_cursors_are_refused),
		TEST(refused_rules_say_why),
		TEST(unreadable_events_are_counted),
		TEST(nothing_stored_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
