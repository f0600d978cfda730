/* Routes over what is stored: anomalies, incidents, alerts. */
#include <errno.h>

#include "api/reader_pool.h"
#include "api/routes.h"
#include "base/ids.h"
#include "base/util.h"

static struct text cursor_of(const struct call *call)
{
	return text_from(query_text(&call->query, "cursor"));
}

/* Give the connection back and answer with what it said. */
static void finish(const struct call *call, struct queries *queries, int r, cJSON *json,
		   struct answer *answer, const char *what)
{
	reader_pool_give(call->readers, queries);
	if (r == -EINVAL)
		answer_problem(answer, 400, "parameter 'cursor' is not one that was given out");
	else if (r)
		answer_errno(answer, r, what);
	else
		answer_json(answer, json);
}

void route_anomalies(const struct call *call, struct answer *answer)
{
	const struct query *query = &call->query;
	const char *state = query_text(query, "state");
	struct anomaly_filter filter = {
		.since_ns = query_time_ns(query, "since", 0),
		.until_ns = query_time_ns(query, "until", 0),
		.workload_id = query_workload(query),
		.dimension = text_from(query_text(query, "dimension")),
		.min_return_period_s = query_seconds(query, "min_return_period_s", 0),
		.state = state ? anomaly_state_by_name(text_from(state)) : -1,
		.below_threshold = query_bool(query, "below_threshold", false),
		.cursor = cursor_of(call),
		.limit = query_limit(query),
	};
	struct queries *queries;
	cJSON *json = NULL;
	int r = reader_pool_take(call->readers, &queries);

	if (r) {
		answer_errno(answer, r, "anomalies");
		return;
	}
	r = queries_anomalies(queries, &filter, &json);
	finish(call, queries, r, json, answer, "anomalies");
}

void route_incidents(const struct call *call, struct answer *answer)
{
	const struct query *query = &call->query;
	const char *state = query_text(query, "state");
	struct incident_filter filter = {
		.since_ns = query_time_ns(query, "since", 0),
		.until_ns = query_time_ns(query, "until", 0),
		.workload_id = query_workload(query),
		.min_return_period_s = query_seconds(query, "min_return_period_s", 0),
		.is_open = state ? state[0] == 'o' : -1,
		.cursor = cursor_of(call),
		.limit = query_limit(query),
	};
	struct queries *queries;
	cJSON *json = NULL;
	int r = reader_pool_take(call->readers, &queries);

	if (r) {
		answer_errno(answer, r, "incidents");
		return;
	}
	r = queries_incidents(queries, &filter, &json);
	finish(call, queries, r, json, answer, "incidents");
}

/* False with a 400: not an id of the kind that letter begins. */
static bool parse_id(const struct call *call, struct answer *answer, const char *name, char letter,
		     uint64_t *id)
{
	const char *text = query_text(&call->query, name);

	*id = 0;
	if (!text || id_parse(letter, text_from(text), id))
		return true;
	answer_problem(answer, 400, "parameter '%s' must be an id like %c42", name, letter);
	return false;
}

void route_alerts(const struct call *call, struct answer *answer)
{
	const struct query *query = &call->query;
	const char *exact = query_text(query, "priority");
	const char *least = query_text(query, "min_priority");
	struct alert_filter filter = {
		.since_ns = query_time_ns(query, "since", 0),
		.until_ns = query_time_ns(query, "until", 0),
		.workload_id = query_workload(query),
		.rule = text_from(query_text(query, "rule")),
		.most_urgent = exact ? alert_priority_by_name(text_from(exact)) : -1,
		.cursor = cursor_of(call),
		.limit = query_limit(query),
	};
	struct queries *queries;
	cJSON *json = NULL;
	int r;

	filter.least_urgent = exact   ? filter.most_urgent
			      : least ? alert_priority_by_name(text_from(least))
				      : -1;
	if (!parse_id(call, answer, "incident", 'i', &filter.incident))
		return;
	r = reader_pool_take(call->readers, &queries);
	if (r) {
		answer_errno(answer, r, "alerts");
		return;
	}
	r = queries_alerts(queries, &filter, &json);
	finish(call, queries, r, json, answer, "alerts");
}

typedef int get_fn(struct queries *queries, uint64_t id, cJSON **out);

/* One record by the id in the path. */
static void answer_one(const struct call *call, struct answer *answer, char letter, get_fn *get,
		       const char *what)
{
	struct queries *queries;
	cJSON *json = NULL;
	uint64_t id;
	int r;

	if (!id_parse(letter, text_from(call->args[0]), &id)) {
		answer_errno(answer, -ENOENT, what);
		return;
	}
	r = reader_pool_take(call->readers, &queries);
	if (r) {
		answer_errno(answer, r, what);
		return;
	}
	r = get(queries, id, &json);
	finish(call, queries, r, json, answer, what);
}

void route_anomaly(const struct call *call, struct answer *answer)
{
	answer_one(call, answer, 'a', queries_anomaly, "anomaly");
}

void route_incident(const struct call *call, struct answer *answer)
{
	answer_one(call, answer, 'i', queries_incident, "incident");
}

void route_alert(const struct call *call, struct answer *answer)
{
	answer_one(call, answer, 'l', queries_alert, "alert");
}
