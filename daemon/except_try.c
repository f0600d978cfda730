#include "daemon/except_try.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/util.h"
#include "daemon/documents.h"
#include "daemon/except_propose.h"
#include "daemon/what_if_stored.h"

#define EVENTS_A_QUERY 200
#define PROCESSES_MAX 4096 /* told apart */

/* Processes that a proposal would have hidden something of. */
struct processes {
	struct {
		uint64_t start_ns;
		int32_t pid;
	} * items;
	uint32_t n;
	bool is_full;
};

struct tried {
	struct filter *filter; /* of the exception alone */
	struct processes processes;
	uint64_t others, other_alerts;
	bool loads, silences;
	cJSON *errors;
};

struct run {
	const struct what_if_question *rules;
	const struct except_question *question;
	struct queries *queries;
	struct what_if_stored *stored;
	struct what_if_rules reported; /* the alert's rule */
	struct rule_messages messages;
	struct text name;           /* of the rule; owned */
	struct record_event *event; /* the alert's */
	cJSON *fields;              /* of it */
	bool matches;               /* the rule as it is now is true of it */
	struct except_proposals proposals;
	struct tried tried[EXCEPT_PROPOSALS_MAX];
	struct what_if_tally *tally; /* by proposal */
	uint64_t n_events, n_unreadable, by_reason[EVENT_OF_SIGHTING + 1];
	uint64_t hits, undecided, first_ns, last_ns, last_id, deadline_ns;
	bool is_over;
};

/* ---- the alert ------------------------------------------------------------------------------- */

static int keep_event(const struct record_event *event, void *arg)
{
	struct run *run = arg;

	run->event = record_event_copy(event);
	return run->event ? 0 : -ENOMEM;
}

/* The rule's name is stored as bytes, and shown encoded. */
static int find_rule_name(struct run *run)
{
	cJSON *json = NULL;
	int r = queries_alert(run->queries, run->question->alert, &json);
	const char *encoded = cJSON_GetStringValue(cJSON_GetObjectItem(json, "rule"));
	char *bytes = encoded ? calloc(strlen(encoded) + 1, 1) : NULL;

	if (!r && !encoded)
		r = -ENOENT;
	else if (!r && !bytes)
		r = -ENOMEM;
	if (!r && !json_text_decode(text_from(encoded), bytes, &run->name.len))
		r = -ENOENT;
	run->name.ptr = bytes;
	cJSON_Delete(json);
	return r;
}

static int find_alert(struct run *run)
{
	int r = find_rule_name(run);

	if (!r)
		r = queries_event_of(run->queries, 'l', run->question->alert, keep_event, run);
	if (r)
		return r;
	run->fields = cJSON_ParseWithLength(run->event->fields.ptr, run->event->fields.len);
	return run->fields ? 0 : -ENOENT;
}

/* ---- evaluating ------------------------------------------------------------------------------ */

/* Whether the rule, alone in its set, is true of the event that was taken; one that counts or
 * follows takes several to match. */
static bool is_hit(struct run *run, struct rule_set *set)
{
	struct rule_match matches[RULE_MATCHES_MAX];

	return rule_set_true(set, what_if_stored_context(run->stored), matches) > 0;
}

/* Load the proposal with the rules that run and see whether the event is still a hit. */
static int test_proposal(struct run *run, const struct except_proposal *p, struct tried *tried)
{
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	struct what_if_question with = *run->rules;
	int r;

	with.path = p->name;
	with.text = p->yaml;
	with.len = strlen(p->yaml);
	r = what_if_rules_one(&with, run->name.ptr, true, what_if_stored_fields(run->stored), &set,
			      &messages);
	tried->loads = r == 0;
	tried->silences = r == 0 && !is_hit(run, set);
	cJSON_Delete(tried->errors);
	tried->errors = document_rule_messages(&messages, true);
	return r == -EINVAL ? 0 : r;
}

/* The proposals in one way of quoting; those that do not do what they should in the other. */
static int propose(struct run *run, bool hides_words, struct except_proposals *out)
{
	struct except_event event = {
		.rule = run->name,
		.alert = run->question->alert,
		.fields = run->fields,
		.is_redacted = run->question->is_redacted,
		.hides_words = hides_words,
	};

	return except_propose(out, &event);
}

static void swap_proposals(struct except_proposal *a, struct except_proposal *b)
{
	struct except_proposal c = *a;

	*a = *b;
	*b = c;
}

static int make_proposals(struct run *run)
{
	SCOPED(except_proposals_done) struct except_proposals careful = {0};
	int r = propose(run, false, &run->proposals);

	if (!r)
		r = propose(run, true, &careful);
	for (uint32_t i = 0; !r && i < run->proposals.n; i++) {
		struct tried *tried = &run->tried[i];
		struct diag diag = {0};

		r = test_proposal(run, &run->proposals.items[i], tried);
		if (!r && !tried->silences && run->matches && i < careful.n) {
			swap_proposals(&run->proposals.items[i], &careful.items[i]);
			r = test_proposal(run, &run->proposals.items[i], tried);
		}
		if (!r)
			r = filter_compile(&tried->filter,
					   text_from(run->proposals.items[i].condition),
					   what_if_stored_fields(run->stored), &diag);
		if (r == -EINVAL)
			r = 0; /* it does not load either */
		if (!r)
			r = MIN(what_if_tally_add(run->tally,
						  text_from(run->proposals.items[i].name),
						  WHAT_IF_NEW, false),
				0);
	}
	return r;
}

/* ---- history --------------------------------------------------------------------------------- */

static int count_process(struct processes *p, int32_t pid, uint64_t start_ns)
{
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->items[i].pid == pid && p->items[i].start_ns == start_ns)
			return 0;
	}
	if (!p->items)
		p->items = calloc(PROCESSES_MAX, sizeof(*p->items));
	if (!p->items)
		return -ENOMEM;
	p->is_full = p->n == PROCESSES_MAX;
	if (p->is_full)
		return 0;
	p->items[p->n].pid = pid;
	p->items[p->n++].start_ns = start_ns;
	return 0;
}

static int count_hidden(struct run *run, const struct record_event *event, uint32_t i,
			struct record_alert *alert)
{
	struct tried *tried = &run->tried[i];
	int r;

	if (!tried->filter || !filter_eval(tried->filter, what_if_stored_context(run->stored)))
		return 0;
	if (event->id != run->event->id) {
		tried->others++;
		tried->other_alerts += event->reason == EVENT_OF_ALERT;
	}
	alert->rule = text_from(run->proposals.items[i].name);
	r = what_if_tally_hit(run->tally, alert, NULL);
	if (r >= 0)
		r = count_process(&tried->processes, alert->pid, alert->start_time_ns);
	return MIN(r, 0);
}

static int take_hit(struct run *run, const struct record_event *event)
{
	const struct field_context *ctx = what_if_stored_context(run->stored);
	struct rule_match matches[RULE_MATCHES_MAX];
	struct record_alert *alert, copy;
	int r = 0;

	if (!rule_set_true(run->reported.base, ctx, matches))
		return 0;
	if (!what_if_stored_decides(run->stored, &run->reported.items[0])) {
		run->undecided++;
		return 0;
	}
	run->hits++;
	alert = rule_alert_create(run->reported.base, &matches[0], ctx);
	if (!alert)
		return -ENOMEM;
	copy = *alert;
	copy.workload_id = event->workload_id;
	copy.workload_name = event->workload_name;
	copy.pid = what_if_stored_pid(run->stored);
	copy.start_time_ns = what_if_stored_start_ns(run->stored);
	for (uint32_t i = 0; !r && i < run->proposals.n; i++)
		r = count_hidden(run, event, i, &copy);
	record_free(alert);
	return r;
}

static int take_event(const struct record_event *event, void *arg)
{
	struct run *run = arg;
	int r = what_if_stored_take(run->stored, event);

	if (!run->first_ns || event->ts_ns < run->first_ns)
		run->first_ns = event->ts_ns;
	run->last_ns = event->ts_ns;
	run->last_id = event->id;
	if (run->n_events && event->id == run->event->id)
		return 0; /* was the first */
	run->n_events++;
	run->by_reason[MIN(event->reason, EVENT_OF_SIGHTING)]++;
	run->n_unreadable += r == -EINVAL;
	if (r >= 0)
		r = take_hit(run, event);
	else if (r == -EINVAL)
		r = 0;
	run->is_over = clock_monotonic_ns() >= run->deadline_ns ||
		       run->n_events >= run->question->events_max ||
		       (run->question->stop && atomic_load(run->question->stop));
	return r ? r : run->is_over;
}

/* The alert's own first, so that it is among them however early time runs out. */
static int visit_events(struct run *run)
{
	struct event_filter filter = {.limit = EVENTS_A_QUERY};
	int r = take_event(run->event, run);

	if (r < 0)
		return r;
	run->last_ns = run->last_id = run->first_ns = 0;
	run->is_over = false;
	run->deadline_ns = clock_monotonic_ns() + run->question->budget_ns;
	do {
		r = queries_each_event(run->queries, &filter, take_event, run);
		filter.after_ns = run->last_ns;
		filter.after_id = run->last_id;
	} while (r == EVENTS_A_QUERY && !run->is_over);
	return MIN(r, 0);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void move_member(cJSON *to, cJSON *from, const char *name)
{
	json_add_item(to, name, cJSON_DetachItemFromObject(from, name));
}

static cJSON *proposal_json(const struct run *run, uint32_t i)
{
	const struct except_proposal *p = &run->proposals.items[i];
	const struct tried *tried = &run->tried[i];
	cJSON *json = cJSON_CreateObject(), *hits = what_if_tally_json(run->tally, i);
	cJSON *fields = json_add_array(json, "fields");

	for (uint32_t f = 0; f < p->n; f++)
		json_append_text(fields, text_from(p->fields[f]));
	json_add_text(json, "name", text_from(p->name));
	json_add_item(json, "condition", cJSON_CreateString(p->condition));
	json_add_item(json, "yaml", cJSON_CreateString(p->yaml));
	json_add_bool(json, "loads", tried->loads);
	json_add_item(json, "errors", cJSON_Duplicate(tried->errors, true));
	json_add_bool(json, "silences", tried->silences && run->matches);
	json_add_item(json, "hidden", cJSON_DetachItemFromObject(hits, "hits"));
	json_add_u64(json, "others", tried->others);
	json_add_u64(json, "other_alerts", tried->other_alerts);
	json_add_u64(json, "processes", tried->processes.n);
	json_add_bool(json, "processes_capped", tried->processes.is_full);
	move_member(json, hits, "workloads");
	move_member(json, hits, "workloads_left_out");
	move_member(json, hits, "days");
	move_member(json, hits, "days_left_out");
	move_member(json, hits, "examples");
	cJSON_Delete(hits);
	return json;
}

static cJSON *history_json(const struct run *run)
{
	cJSON *json = cJSON_CreateObject();

	json_add_bool(json, "complete", !run->is_over);
	json_add_time(json, "from", run->first_ns);
	json_add_time(json, "to", run->last_ns);
	json_add_u64(json, "events", run->n_events);
	json_add_u64(json, "alerts", run->by_reason[EVENT_OF_ALERT]);
	json_add_u64(json, "anomalies", run->by_reason[EVENT_OF_ANOMALY]);
	json_add_u64(json, "sightings", run->by_reason[EVENT_OF_SIGHTING]);
	json_add_u64(json, "unreadable", run->n_unreadable);
	return json;
}

/* By what they would have hidden; those that hide the same in the order of their making. */
static void sort_proposals(const struct run *run, uint32_t order[EXCEPT_PROPOSALS_MAX])
{
	for (uint32_t i = 0; i < run->proposals.n; i++) {
		uint32_t at = i;

		while (at > 0 && run->tried[order[at - 1]].others > run->tried[i].others) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = i;
	}
}

static cJSON *answer_json(const struct run *run)
{
	uint32_t order[EXCEPT_PROPOSALS_MAX];
	cJSON *json = cJSON_CreateObject(), *items;

	json_add_id(json, "alert", 'l', run->question->alert);
	json_add_text(json, "rule", run->name);
	json_add_time(json, "time", run->event->ts_ns);
	json_add_bool(json, "matches", run->matches);
	json_add_item(json, "history", history_json(run));
	json_add_u64(json, "hits", run->hits);
	json_add_u64(json, "undecided", run->undecided);
	items = json_add_array(json, "items");
	sort_proposals(run, order);
	for (uint32_t i = 0; i < run->proposals.n; i++)
		cJSON_AddItemToArray(items, proposal_json(run, order[i]));
	return json;
}

static void run_done(struct run *run)
{
	for (uint32_t i = 0; i < EXCEPT_PROPOSALS_MAX; i++) {
		filter_destroy(&run->tried[i].filter);
		free(run->tried[i].processes.items);
		cJSON_Delete(run->tried[i].errors);
	}
	except_proposals_done(&run->proposals);
	what_if_tally_destroy(&run->tally);
	what_if_rules_done(&run->reported);
	what_if_stored_destroy(&run->stored);
	rule_messages_done(&run->messages);
	record_free(run->event);
	cJSON_Delete(run->fields);
	free((char *)run->name.ptr);
}

/* The rule as it runs, and whether it is still there. */
static int load_rule(struct run *run)
{
	struct what_if_question one = *run->rules;

	one.path = NULL;
	one.text = NULL;
	one.only = run->name.ptr;
	return what_if_rules_load(&run->reported, &one, what_if_stored_fields(run->stored),
				  &run->messages);
}

static int prepare(struct run *run, const struct field_set *fields)
{
	int r = find_alert(run);

	if (!r)
		r = what_if_stored_create(&run->stored, fields, run->queries, 0, 0);
	if (!r)
		r = load_rule(run);
	if (!r)
		r = what_if_tally_create(&run->tally);
	if (r || !run->reported.n)
		return r;
	r = what_if_stored_take(run->stored, run->event);
	if (r < 0)
		return r == -EINVAL ? -ENOENT : r;
	run->matches = is_hit(run, run->reported.base);
	return make_proposals(run);
}

int except_run(cJSON **document, struct queries *queries, const struct what_if_question *rules,
	       const struct except_question *question, const struct field_set *fields)
{
	SCOPED(run_done)
	struct run run = {
		.rules = rules,
		.question = question,
		.queries = queries,
	};
	int r = prepare(&run, fields);

	if (!r && run.reported.n)
		r = visit_events(&run);
	if (!r)
		*document = answer_json(&run);
	return r;
}

int except_hits(bool *hits, struct queries *queries, const struct what_if_question *rules,
		uint64_t alert, const struct field_set *fields)
{
	struct except_question question = {.alert = alert};
	SCOPED(run_done)
	struct run run = {.rules = rules, .question = &question, .queries = queries};
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	int r = find_alert(&run);

	if (!r)
		r = what_if_stored_create(&run.stored, fields, queries, 0, 0);
	if (!r)
		r = what_if_rules_one(rules, run.name.ptr, true, what_if_stored_fields(run.stored),
				      &set, NULL);
	if (!r)
		r = what_if_stored_take(run.stored, run.event);
	if (r >= 0)
		*hits = is_hit(&run, set);
	return MIN(r, 0);
}
