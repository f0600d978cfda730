/* Why a rule fired, or did not, on the event of an alert. */
#include <errno.h>
#include <stdlib.h>

#include "api/live.h"
#include "api/reader_pool.h"
#include "api/routes.h"
#include "base/ids.h"
#include "base/json_text.h"
#include "base/util.h"

/* What is stored about the alert. */
struct material {
	cJSON *alert;
	struct record_event *event; /* NULL: not stored */
	uint64_t oldest_ns;         /* of stored events, where this one is not */
	cJSON *span;                /* NULL: not known any more */
	struct text fired;          /* the condition when it fired, owned; empty: not known */
	char *rule_bytes;           /* the alert's rule, NULL: none */
	struct text rule;
};

/* Which condition is explained. */
struct choice {
	struct text rule, condition;
	const char *is;                     /* see docs/api.md */
	const struct snapshot_rule *loaded; /* NULL: it is not, any more */
	bool is_own;                        /* the rule of the alert, as it was or is */
};

static void material_done(struct material *m)
{
	cJSON_Delete(m->alert);
	cJSON_Delete(m->span);
	record_free(m->event);
	free((char *)m->fired.ptr);
	free(m->rule_bytes);
}

static int take_event(const struct record_event *event, void *arg)
{
	struct record_event **out = arg;

	*out = record_event_copy(event);
	return *out ? 0 : -ENOMEM;
}

/* What may be missing is no error. */
static int allow_missing(int r)
{
	return r == -ENOENT ? 0 : r;
}

static const char *text_member(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}

/* Its name in bytes, as rules have it. */
static int read_rule(struct material *m)
{
	struct text shown = text_from(text_member(m->alert, "rule"));

	m->rule_bytes = text_dup(shown);
	if (!m->rule_bytes)
		return -ENOMEM;
	m->rule.ptr = m->rule_bytes;
	if (!json_text_decode(shown, m->rule_bytes, &m->rule.len))
		m->rule.len = 0;
	return 0;
}

static int read_all(struct queries *queries, uint64_t id, struct material *m)
{
	int r = queries_alert(queries, id, &m->alert);

	if (r == 0)
		r = read_rule(m);
	if (r == 0)
		r = allow_missing(queries_event_of(queries, 'l', id, take_event, &m->event));
	if (r == 0 && m->event)
		r = allow_missing(queries_span(queries, m->event->span, &m->span));
	if (r == 0 && m->event)
		r = allow_missing(queries_condition_of_alert(queries, id, &m->fired));
	if (r == 0 && !m->event)
		r = queries_oldest_event(queries, &m->oldest_ns);
	return r;
}

static void refuse_missing(const struct material *m, const char *id, struct answer *answer)
{
	uint64_t time_ns = 0;
	char oldest[TIME_TEXT_BYTES];

	time_parse(text_from(text_member(m->alert, "time")), &time_ns);
	if (!m->oldest_ns)
		answer_problem(answer, 404,
			       "no event is stored with alert %s: none are (storage.history_bytes, "
			       "or none happened since events are stored)",
			       id);
	else if (time_ns < m->oldest_ns)
		answer_problem(answer, 404,
			       "no event is stored with alert %s any more: the oldest that is "
			       "stored is of %s (storage.history_bytes, storage.retention_days)",
			       id, time_print(m->oldest_ns, oldest));
	else
		answer_problem(answer, 404,
			       "no event was stored with alert %s: too many came at once "
			       "(storage.history.over_rate_total and shed_total in /v1/status)",
			       id);
}

static const struct snapshot_rule *find_rule(const struct live_answer *live, struct text name)
{
	for (uint32_t i = 0; live && i < live->request->rules.n; i++) {
		if (text_equal(live->request->rules.items[i].name, name))
			return &live->request->rules.items[i];
	}
	return NULL;
}

/* The alert's rule is explained as it was when it fired, one that is asked for as it is loaded.
 * False: there is nothing to explain. */
static bool choose(const struct material *m, const struct live_answer *live, struct text asked,
		   struct choice *out)
{
	struct text name = asked.len ? asked : m->rule;
	const struct snapshot_rule *loaded = find_rule(live, name);
	bool is_own = !asked.len;

	*out = (struct choice){.rule = name, .loaded = loaded, .is_own = is_own};
	if (is_own && m->fired.len) {
		out->condition = m->fired;
		out->is = !loaded ? "as fired, not loaded any more"
			  : text_equal(loaded->condition_source, m->fired)
				  ? "as fired"
				  : "as fired, changed since";
		return true;
	}
	if (!loaded)
		return false;
	out->condition = loaded->condition_source;
	out->is = is_own ? "as loaded, that of the alert is not known" : "as loaded";
	return true;
}

static cJSON *event_json(const struct record_event *event)
{
	cJSON *json = cJSON_CreateObject(), *workload;

	json_add_time(json, "time", event->ts_ns);
	json_add_text(json, "type", event->type);
	workload = json_add_object(json, "workload");
	json_add_hex16(workload, "id", event->workload_id);
	json_add_text(workload, "name", event->workload_name);
	json_add_item(json, "fields", cJSON_ParseWithLength(event->fields.ptr, event->fields.len));
	json_add_text(json, "cut", event->cut);
	return json;
}

/* What the rule asks for besides its condition, and how that stood with its alert. */
static cJSON *besides_json(const struct material *m, const struct choice *choice)
{
	const cJSON *fields = cJSON_GetObjectItemCaseSensitive(m->alert, "output_fields");
	cJSON *json = cJSON_CreateObject();

	json_add_text_or_null(json, "window", choice->loaded ? choice->loaded->window : TEXT_NONE);
	json_add_text_or_null(json, "only_if_new",
			      choice->loaded ? choice->loaded->only_if_new : TEXT_NONE);
	/* As it is stored: numbers keep all their digits. */
	json_add_item(json, "output_fields",
		      choice->is_own && cJSON_IsRaw(fields) ? cJSON_CreateRaw(fields->valuestring)
							    : NULL);
	return json;
}

static cJSON *explain(const struct call *call, const struct material *m,
		      const struct choice *choice)
{
	struct api_explain what = {
		.condition = choice->condition,
		.event_fields = m->event->fields,
		.event_cut = m->event->cut,
		.span_fields = cJSON_GetObjectItemCaseSensitive(m->span, "fields"),
	};
	SCOPED(free_ptr) char *text = call->hooks->explain_json(&what, call->hooks->arg);

	return text ? cJSON_Parse(text) : NULL;
}

static void answer_choice(const struct call *call, const struct material *m,
			  const struct choice *choice, struct answer *answer)
{
	static const char *const members[] = {"truth", "error", "not_stored", "clauses"};
	cJSON *explained = explain(call, m, choice), *json;

	if (!explained) {
		answer_errno(answer, -ENOMEM, "explanation");
		return;
	}
	json = cJSON_CreateObject();
	json_add_text(json, "alert", text_from(text_member(m->alert, "id")));
	json_add_text(json, "rule", choice->rule);
	json_add_text(json, "condition", choice->condition);
	json_add_text(json, "condition_is", text_from(choice->is));
	json_add_item(json, "besides", besides_json(m, choice));
	json_add_item(json, "event", event_json(m->event));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		json_add_item(json, members[i],
			      cJSON_DetachItemFromObjectCaseSensitive(explained, members[i]));
	cJSON_Delete(explained);
	answer_json(answer, json);
}

static void answer_material(const struct call *call, const struct material *m,
			    struct answer *answer)
{
	SCOPED(live_release) struct live_answer *live = NULL;
	struct text asked = text_from(query_text(&call->query, "rule"));
	struct choice choice;
	int r = live_share(call->live, REQUEST_RULES, &live);

	if (r && !m->fired.len) {
		answer_errno(answer, r, "rules");
		return;
	}
	if (choose(m, live, asked, &choice))
		answer_choice(call, m, &choice, answer);
	else
		answer_problem(answer, 404, "no rule '%.*s' is loaded", TEXT_ARGS(choice.rule));
}

void route_alert_explain(const struct call *call, struct answer *answer)
{
	SCOPED(material_done) struct material material = {0};
	struct queries *queries;
	uint64_t id;
	int r;

	if (!id_parse('l', text_from(call->args[0]), &id)) {
		answer_errno(answer, -ENOENT, "alert");
		return;
	}
	r = reader_pool_take(call->readers, &queries);
	if (r == 0) {
		r = read_all(queries, id, &material);
		reader_pool_give(call->readers, queries);
	}
	if (r)
		answer_errno(answer, r, "alert");
	else if (!material.event)
		refuse_missing(&material, call->args[0], answer);
	else
		answer_material(call, &material, answer);
}
