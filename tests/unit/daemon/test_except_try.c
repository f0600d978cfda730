/* Exceptions tried on a store made by hand: what each would have hidden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "anomaly/incidents.h"
#include "base/util.h"
#include "daemon/except_try.h"
#include "tests/unit/storage/sample.h"

#define RULE "Shell \"in\" a service"

static const char rules[] = "- rule: Shell \"in\" a service\n  desc: d\n"
			    "  condition: evt.type = open and fd.name startswith /etc\n"
			    "  output: opened %fd.name\n  priority: INFO\n";
static const char span_document[] =
	"{\"events\": [\"open\"], \"fields\": [\"evt.type\", \"fd.name\", \"fd.typechar\","
	" \"proc.exepath\", \"proc.cmdline\", \"workload.name\", \"proc.pid\", \"proc.pid.ts\"]}";

struct fixture {
	struct sample sample;
	struct store *store;
	struct queries *queries;
	char path[128];
};

struct stored {
	const char *exe, *file, *workload;
	int pid;
	enum event_reason reason;
};

/* The first is the alert's. */
static const struct stored events[] = {
	{"/bin/cat", "/etc/shadow", "unit:a", 1, EVENT_OF_ALERT},
	{"/bin/cat", "/etc/shadow", "unit:a", 1, EVENT_OF_SIGHTING},
	{"/bin/cat", "/etc/shadow", "unit:a", 2, EVENT_OF_ALERT},
	{"/bin/cat", "/etc/shadow", "unit:b", 3, EVENT_OF_ALERT},
	{"/bin/cat", "/etc/hosts", "unit:a", 4, EVENT_OF_ANOMALY},
	{"/bin/su", "/etc/shadow", "unit:a", 5, EVENT_OF_ALERT},
	{"/bin/cat", "/tmp/x", "unit:a", 6, EVENT_OF_SIGHTING},
};

static void push(struct writer *writer, uint64_t id, const struct stored *stored)
{
	char fields[512];
	struct record_event event = sample_event(id);

	snprintf(fields, sizeof(fields),
		 "{\"evt.type\":\"open\",\"fd.name\":\"%s\",\"fd.typechar\":\"f\","
		 "\"proc.exepath\":\"%s\",\"proc.cmdline\":\"x --secret=***\","
		 "\"workload.name\":\"%s\",\"proc.pid\":%d,\"proc.pid.ts\":7}",
		 stored->file, stored->exe, stored->workload, stored->pid);
	event.fields = text_from(fields);
	event.cut = TEXT_NONE;
	event.workload_id = stored->workload[5];
	event.workload_name = text_from(stored->workload);
	event.reason = stored->reason;
	event.n_owners = 1;
	push_event(writer, &event);
}

static void fill(struct fixture *f)
{
	struct record_span span = {
		.id = 1, .hash = 1, .from_ns = SAMPLE_TIME, .document = text_from(span_document)};
	struct writer *writer = NULL;

	assert_int_equal(writer_create(&writer, f->store, 4096), 0);
	writer_push(writer, WRITE_SPAN, record_span_copy(&span));
	for (uint64_t id = 1; id <= ARRAY_SIZE(events); id++) {
		struct record_alert alert = sample_alert(id);

		alert.rule = id == 4 ? TEXT("gone") : TEXT(RULE);
		push_alert(writer, &alert);
		push(writer, id, &events[id - 1]);
	}
	writer_destroy(&writer);
}

static void write_rules(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int create(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_create(&f->sample);
	f->store = sample_open(&f->sample);
	fill(f);
	assert_int_equal(queries_open(&f->queries, f->sample.path, "host"), 0);
	snprintf(f->path, sizeof(f->path), "%s/rules.yaml", f->sample.dir);
	write_rules(f, rules);
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

static int ask(struct fixture *f, const struct except_question *question, cJSON **out)
{
	struct field_set fields = {.n_tables = 2,
				   .tables = {state_field_table(), anomaly_field_table()}};
	struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	const char *files[] = {f->path};
	struct what_if_question running = {.files = files, .n_files = 1, .options = &options};
	struct except_question own = *question;

	own.budget_ns = 60 * SECOND;
	own.events_max = own.events_max ? own.events_max : 1000;
	return except_run(out, f->queries, &running, &own, &fields);
}

static double number(const cJSON *json, const char *name)
{
	return cJSON_GetNumberValue(cJSON_GetObjectItem(json, name));
}

static bool is_true(const cJSON *json, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItem(json, name));
}

static const char *string(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(json, name));
}

static const cJSON *proposal(const cJSON *json, const char *condition)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "items"))
	{
		if (strcmp(string(item, "condition"), condition) == 0)
			return item;
	}
	fail_msg("no proposal %s", condition);
	return NULL;
}

static void each_says_what_it_would_have_hidden(void **state)
{
	static const struct {
		const char *condition;
		double hidden, others, other_alerts, processes;
		int workloads;
	} rows[] = {
		{"proc.exepath = \"/bin/cat\" and fd.name = \"/etc/shadow\""
		 " and workload.name = \"unit:a\"",
		 3, 2, 1, 2, 1},
		{"proc.exepath = \"/bin/cat\" and fd.name = \"/etc/shadow\"", 4, 3, 2, 3, 2},
		{"proc.exepath = \"/bin/cat\" and workload.name = \"unit:a\"", 4, 3, 1, 3, 1},
		{"proc.exepath = \"/bin/cat\"", 5, 4, 2, 4, 2},
	};
	struct except_question question = {.alert = 1, .is_redacted = true};
	const cJSON *items;
	cJSON *json = NULL;

	assert_int_equal(ask(*state, &question, &json), 0);
	assert_true(is_true(json, "matches"));
	assert_string_equal(string(json, "rule"), RULE);
	assert_true(number(json, "hits") == 6);
	assert_true(number(cJSON_GetObjectItem(json, "history"), "events") == 7);
	items = cJSON_GetObjectItem(json, "items");
	assert_int_equal(cJSON_GetArraySize(items), ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const cJSON *p = proposal(json, rows[i].condition);

		if (number(p, "hidden") != rows[i].hidden ||
		    number(p, "others") != rows[i].others ||
		    number(p, "other_alerts") != rows[i].other_alerts ||
		    number(p, "processes") != rows[i].processes ||
		    cJSON_GetArraySize(cJSON_GetObjectItem(p, "workloads")) != rows[i].workloads)
			fail_msg("%s: %g %g %g %g", rows[i].condition, number(p, "hidden"),
				 number(p, "others"), number(p, "other_alerts"),
				 number(p, "processes"));
		assert_true(is_true(p, "loads") && is_true(p, "silences"));
	}
	/* Narrowest first, by what they hide. */
	for (int i = 1; i < cJSON_GetArraySize(items); i++)
		assert_true(number(cJSON_GetArrayItem(items, i - 1), "others") <=
			    number(cJSON_GetArrayItem(items, i), "others"));
	cJSON_Delete(json);
}

static void secrets_are_not_held_on_to(void **state)
{
	struct except_question question = {.alert = 1};
	cJSON *json = NULL;

	assert_int_equal(ask(*state, &question, &json), 0);
	proposal(json, "proc.exepath = \"/bin/cat\" and proc.cmdline = \"x --secret=***\""
		       " and fd.name = \"/etc/shadow\" and workload.name = \"unit:a\"");
	cJSON_Delete(json);
}

static void its_own_event_counts_however_early_it_ends(void **state)
{
	struct except_question question = {.alert = 6, .is_redacted = true, .events_max = 2};
	cJSON *json = NULL;

	assert_int_equal(ask(*state, &question, &json), 0);
	assert_true(cJSON_IsFalse(
		cJSON_GetObjectItem(cJSON_GetObjectItem(json, "history"), "complete")));
	assert_true(number(proposal(json, "proc.exepath = \"/bin/su\""), "hidden") == 1);
	cJSON_Delete(json);
}

static void a_rule_that_changed_is_said(void **state)
{
	struct except_question question = {.alert = 1};
	struct fixture *f = *state;
	cJSON *json = NULL;

	write_rules(f,
		    "- rule: Shell \"in\" a service\n  desc: d\n  condition: evt.type = connect\n"
		    "  output: o\n  priority: INFO\n");
	assert_int_equal(ask(f, &question, &json), 0);
	assert_false(is_true(json, "matches"));
	assert_false(
		is_true(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "items"), 0), "silences"));
	cJSON_Delete(json);
	json = NULL;
	question.alert = 4; /* of a rule that is gone */
	assert_int_equal(ask(f, &question, &json), 0);
	assert_false(is_true(json, "matches"));
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "items")), 0);
	cJSON_Delete(json);
}

static void what_cannot_be_answered_is_refused(void **state)
{
	struct except_question question = {.alert = 99};
	struct fixture *f = *state;
	cJSON *json = NULL;

	assert_int_equal(ask(f, &question, &json), -ENOENT);
	question.alert = 1;
	sample_sql(&f->sample, "UPDATE events SET fields = '{\"no.field\": 1}' WHERE id = 1");
	assert_int_equal(ask(f, &question, &json), -ENOENT);
	sample_sql(&f->sample, "UPDATE events SET fields = 'x' WHERE id = 1");
	assert_int_equal(ask(f, &question, &json), -ENOENT);
	sample_sql(&f->sample, "DELETE FROM events WHERE id = 1");
	assert_int_equal(ask(f, &question, &json), -ENOENT);
	question.alert = 2;
	write_rules(f, "- rule: [");
	assert_int_equal(ask(f, &question, &json), -EINVAL);
	assert_null(json);
}

static void a_file_is_judged_by_the_alert(void **state)
{
	static const struct {
		const char *name, *text;
		int r;
		bool hits;
	} rows[] = {
		{"nothing of it", "- list: l\n  items: [a]\n", 0, true},
		{"an exception",
		 "- rule: Shell \"in\" a service\n  exceptions: [{name: e, fields: [proc.exepath],"
		 " comps: [=], values: [[/bin/cat]]}]\n  override: {exceptions: append}\n",
		 0, false},
		{"switched off is no exception",
		 "- rule: Shell \"in\" a service\n  enabled: false\n"
		 "  override: {enabled: replace}\n",
		 0, true},
		{"broken", "- rule: [", -EINVAL, false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct field_set fields = {.n_tables = 2,
					   .tables = {state_field_table(), anomaly_field_table()}};
		struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
		const char *files[] = {f->path};
		struct what_if_question question = {.files = files,
						    .n_files = 1,
						    .options = &options,
						    .path = "new.yaml",
						    .text = rows[i].text,
						    .len = strlen(rows[i].text)};
		bool hits = false;
		int r = except_hits(&hits, f->queries, &question, 1, &fields);

		if (r != rows[i].r || hits != rows[i].hits)
			fail_msg("%s: %d %d", rows[i].name, r, hits);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create, destroy)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_says_what_it_would_have_hidden),
		TEST(secrets_are_not_held_on_to),
		TEST(its_own_event_counts_however_early_it_ends),
		TEST(a_rule_that_changed_is_said),
		TEST(what_cannot_be_answered_is_refused),
		TEST(a_file_is_judged_by_the_alert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
