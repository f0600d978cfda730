#include "daemon/what_if_history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/util.h"
#include "daemon/what_if_answer.h"
#include "daemon/what_if_stored.h"
#include "filter/event_sets.h"

#define EVENTS_A_QUERY 200 /* of one transaction */
#define GAPS_MAX 200       /* shown */
#define CURSOR_BYTES 48

/* What a rule could not be tried on. */
struct rule_progress {
	bool is_known; /* in the present span */
	uint64_t undecided;
};

struct run {
	const struct what_if_history *history;
	struct queries *queries;
	struct what_if_stored *stored;
	struct rule_messages messages;
	struct what_if_rules rules;
	struct rule_progress *progress; /* by reported rule */
	struct what_if_tally *tally;
	uint64_t n_events, by_reason[EVENT_OF_SIGHTING + 1], n_unreadable;
	uint64_t first_ns, last_ns, last_id;
	uint64_t deadline_ns;
	bool is_over; /* time or events are used up */
};

/* ---- one event ------------------------------------------------------------------------------ */

static bool is_condition_stored(const struct run *run, const struct what_if_rule *rule)
{
	for (uint32_t i = 0; i < rule->n_condition_fields; i++) {
		if (!what_if_stored_has_field(run->stored, rule->fields[i]))
			return false;
	}
	return true;
}

static bool is_cut(const struct run *run, const struct record_event *event,
		   const struct what_if_rule *rule)
{
	for (uint32_t i = 0; event->cut.len && i < rule->n_condition_fields; i++) {
		if (what_if_stored_is_cut(run->stored, rule->fields[i]))
			return true;
	}
	return false;
}

static bool concerns(const struct what_if_rule *rule, const struct event *ev)
{
	return !rule->has_events || event_set_has(&rule->events, ev->type, ev->nr);
}

/* Of all rules of an event, which ones can be decided. */
static void find_undecided(struct run *run, const struct record_event *event, bool is_new_span)
{
	const struct event *ev = what_if_stored_context(run->stored)->event;

	for (uint32_t i = 0; i < run->rules.n; i++) {
		const struct what_if_rule *rule = &run->rules.items[i];
		struct rule_progress *progress = &run->progress[i];

		if (is_new_span)
			progress->is_known = is_condition_stored(run, rule);
		if (concerns(rule, ev) && (!progress->is_known || is_cut(run, event, rule)))
			progress->undecided++;
	}
}

static bool is_decided(const struct run *run, const struct record_event *event, struct text name)
{
	for (uint32_t i = 0; i < run->rules.n; i++) {
		const struct what_if_rule *rule = &run->rules.items[i];

		if (text_equal(rule->info.name, name))
			return run->progress[i].is_known && !is_cut(run, event, rule);
	}
	return false;
}

static int take_match(struct run *run, const struct record_event *event,
		      const struct rule_match *match)
{
	const struct field_context *ctx = what_if_stored_context(run->stored);
	struct record_alert *alert;
	struct rule_info info;
	cJSON *fields;
	int r;

	rule_set_info(run->rules.set, match->rule, &info);
	if (!is_decided(run, event, info.name))
		return 0;
	alert = rule_alert_create(run->rules.set, match, ctx);
	if (!alert)
		return -ENOMEM;
	alert->workload_id = event->workload_id;
	alert->workload_name = event->workload_name;
	alert->pid = what_if_stored_pid(run->stored);
	alert->start_time_ns = what_if_stored_start_ns(run->stored);
	fields = what_if_tally_wants_example(run->tally, info.name)
			 ? cJSON_ParseWithLength(event->fields.ptr, event->fields.len)
			 : NULL;
	r = what_if_tally_hit(run->tally, alert, fields);
	cJSON_Delete(fields);
	record_free(alert);
	return r < 0 ? r : 0;
}

static int match_rules(struct run *run, const struct record_event *event)
{
	const struct field_context *ctx = what_if_stored_context(run->stored);
	struct rule_match matches[RULE_MATCHES_MAX];
	uint32_t n = rule_set_match(run->rules.base, TEXT("syscall"), ctx, matches);
	int r = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct rule_info info;

		rule_set_info(run->rules.base, matches[i].rule, &info);
		if (is_decided(run, event, info.name))
			what_if_tally_hit_now(run->tally, info.name);
	}
	arena_reset(ctx->arena);
	n = rule_set_match(run->rules.set, TEXT("syscall"), ctx, matches);
	for (uint32_t i = 0; !r && i < n; i++)
		r = take_match(run, event, &matches[i]);
	return r;
}

static int take_event(const struct record_event *event, void *arg)
{
	struct run *run = arg;
	int r = what_if_stored_take(run->stored, event);

	if (!run->n_events)
		run->first_ns = event->ts_ns;
	run->last_ns = event->ts_ns;
	run->last_id = event->id;
	run->n_events++;
	if (r == -EINVAL) {
		run->n_unreadable++;
		r = 0;
	} else if (r >= 0) {
		run->by_reason[MIN(event->reason, EVENT_OF_SIGHTING)]++;
		find_undecided(run, event, r == 1);
		r = match_rules(run, event);
	}
	run->is_over = clock_monotonic_ns() >= run->deadline_ns ||
		       run->n_events >= run->history->events_max ||
		       (run->history->stop && atomic_load(run->history->stop));
	return r ? r : run->is_over; /* 1 ends the query */
}

/* ---- all events ------------------------------------------------------------------------------ */

static int parse_cursor(const char *cursor, uint64_t *ns, uint64_t *id)
{
	int len = 0;

	*ns = *id = 0;
	if (!cursor)
		return 0;
	if (sscanf(cursor, "e%" SCNu64 ".%" SCNu64 "%n", ns, id, &len) != 2 ||
	    cursor[len] != '\0' || *ns > INT64_MAX || *id > INT64_MAX)
		return -EINVAL;
	return 0;
}

/* 0: to the end; 1: ended before. */
static int visit_events(struct run *run, struct event_filter *filter)
{
	int r;

	do {
		r = queries_each_event(run->queries, filter, take_event, run);
		filter->after_ns = run->last_ns;
		filter->after_id = run->last_id;
	} while (r == EVENTS_A_QUERY && !run->is_over);
	return r < 0 ? r : run->is_over;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static cJSON *sources_json(const struct run *run)
{
	cJSON *json = cJSON_CreateArray(), *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "kind", "history");
	json_add_u64(item, "events", run->n_events);
	json_add_u64(item, "alerts", run->by_reason[EVENT_OF_ALERT]);
	json_add_u64(item, "anomalies", run->by_reason[EVENT_OF_ANOMALY]);
	json_add_u64(item, "sightings", run->by_reason[EVENT_OF_SIGHTING]);
	json_add_u64(item, "unreadable", run->n_unreadable);
	json_add_time(item, "from", run->first_ns);
	json_add_time(item, "to", run->last_ns);
	cJSON_AddItemToArray(json, item);
	return json;
}

/* Events and fields of the rule that some span was without. */
static cJSON *missing(uint32_t index, const void *arg)
{
	const struct run *run = arg;
	const struct what_if_rule *rule = &run->rules.items[index];
	cJSON *json = cJSON_CreateObject(), *wanted = what_if_event_names(&rule->events);
	cJSON *events = json_add_array(json, "events"), *fields = json_add_array(json, "fields");
	const cJSON *name, *span;

	cJSON_ArrayForEach(name, wanted)
	{
		bool is_missing = false;

		cJSON_ArrayForEach(span, what_if_stored_spans(run->stored)) is_missing |=
			!what_if_span_has(run->stored, span, "events", name->valuestring);
		if (is_missing && rule->has_events)
			json_append_text(events, text_from(name->valuestring));
	}
	for (uint32_t i = 0; i < rule->n_fields; i++) {
		bool is_missing = false;

		cJSON_ArrayForEach(span, what_if_stored_spans(run->stored)) is_missing |=
			!what_if_span_has(run->stored, span, "fields", rule->fields[i]);
		if (is_missing)
			json_append_text(fields, text_from(rule->fields[i]));
	}
	cJSON_Delete(wanted);
	json_add_u64(json, "undecided", run->progress[index].undecided);
	return json;
}

static int make_answer(cJSON **document, struct run *run, bool is_complete)
{
	char next[CURSOR_BYTES];
	struct what_if_answer answer = {
		.is_complete = is_complete,
		.from_ns = run->history->since_ns ? run->history->since_ns : run->first_ns,
		.to_ns = run->last_ns,
		.next = is_complete ? NULL : next,
		.tally = run->tally,
		.missing = missing,
		.missing_arg = run,
	};
	int r;

	snprintf(next, sizeof(next), "e%" PRIu64 ".%" PRIu64, run->last_ns, run->last_id);
	if (is_complete)
		answer.to_ns =
			run->history->until_ns ? run->history->until_ns : run->history->now_ns;
	if (run->history->cursor)
		answer.from_ns = run->first_ns;
	r = queries_gaps(run->queries, answer.from_ns, answer.to_ns, GAPS_MAX, &answer.gaps);
	if (r)
		return r;
	answer.sources = sources_json(run);
	*document = what_if_answer_json(&answer, &run->rules, &run->messages);
	return 0;
}

static void run_done(struct run *run)
{
	what_if_tally_destroy(&run->tally);
	what_if_rules_done(&run->rules);
	what_if_stored_destroy(&run->stored);
	rule_messages_done(&run->messages);
	free(run->progress);
}

static int prepare(struct run *run, const struct what_if_question *question,
		   const struct field_set *fields)
{
	const struct what_if_history *history = run->history;
	int r = what_if_stored_create(&run->stored, fields, run->queries, history->since_ns,
				      history->until_ns);

	if (!r)
		r = what_if_rules_load(&run->rules, question, what_if_stored_fields(run->stored),
				       &run->messages);
	if (r)
		return r;
	run->progress = calloc((size_t)run->rules.n + 1, sizeof(*run->progress));
	if (!run->progress || what_if_tally_create(&run->tally))
		return -ENOMEM;
	what_if_tally_compare(run->tally);
	return what_if_rules_tally(&run->rules, run->tally);
}

int what_if_run_history(cJSON **document, struct queries *queries,
			const struct what_if_question *question,
			const struct what_if_history *history, const struct field_set *fields)
{
	SCOPED(run_done)
	struct run run = {
		.history = history,
		.queries = queries,
		.deadline_ns = clock_monotonic_ns() + history->budget_ns,
	};
	struct event_filter filter = {.since_ns = history->since_ns,
				      .until_ns = history->until_ns,
				      .limit = EVENTS_A_QUERY};
	int r = parse_cursor(history->cursor, &filter.after_ns, &filter.after_id);

	if (r)
		return r;
	run.last_ns = filter.after_ns;
	run.last_id = filter.after_id;
	r = prepare(&run, question, fields);
	if (r == -EINVAL) {
		*document = what_if_refusal_json(&run.messages);
		return 0;
	}
	if (!r)
		r = visit_events(&run, &filter);
	return r < 0 ? r : make_answer(document, &run, r == 0);
}
