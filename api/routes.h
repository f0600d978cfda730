/* The table of routes: what is answered, to whom, with which parameters. The OpenAPI document, the
 * Allow header and the checks before a route runs come from here. */
#pragma once

#include <stddef.h>

#include "api/access.h"
#include "api/call.h"

typedef void route_fn(const struct call *call, struct answer *answer);

struct route {
	const char *method;
	const char *path; /* "/v1/workloads/{id}": {..} stands for one segment */
	enum access access;
	route_fn *handle;
	const struct query_param *params; /* ends with a NULL name; NULL: takes none */
	const char *schema;               /* component of the answer's JSON; NULL: content_type */
	const char *content_type;         /* of answers that are not JSON */
	size_t body_bytes_max;            /* 0: takes no body */
	const char *summary;
};

const struct route *route_table(size_t *n);

/* What a path leads to. */
struct route_match {
	const struct route *route; /* NULL: none for this method */
	char allow[64];            /* methods that the path has; empty: no such path */
	char args[CALL_ARGS_MAX][CALL_ARG_MAX + 1];
};

/* Find the route; HEAD goes where GET goes. */
void route_find(const char *method, const char *path, struct route_match *out);

/* Route functions, by the file they live in. */
route_fn route_healthz, route_readyz, route_status, route_config;          /* routes_status.c */
route_fn route_metrics;                                                    /* metrics.c */
route_fn route_openapi;                                                    /* openapi.c */
route_fn route_page, route_page_script, route_page_style;                  /* page.c */
route_fn route_workloads, route_workload, route_behaviours, route_pending; /* routes_workloads.c */
route_fn route_anomalies, route_anomaly, route_incidents, route_incident, route_alerts,
	route_alert;          /* routes_records.c */
route_fn route_alert_explain; /* routes_explain.c */
route_fn route_processes;     /* routes_processes.c */
route_fn route_rules, route_rules_check, route_rules_reload, route_fields,
	route_events;                                 /* routes_rules.c */
route_fn route_rules_what_if, route_alert_exceptions; /* routes_what_if.c */
