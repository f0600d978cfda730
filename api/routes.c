#include "api/routes.h"

#include "base/util.h"

#define RULE_FILE_BYTES_MAX (1U << 20)

#define TIME_RANGE                                                                                 \
	{"since", QUERY_TIME, "Not before this time.", NULL},                                      \
	{                                                                                          \
		"until", QUERY_TIME, "Before this time.", NULL                                     \
	}
#define PAGES                                                                                      \
	{"cursor", QUERY_TEXT, "The next of the page before.", NULL},                              \
	{                                                                                          \
		"limit", QUERY_LIMIT, "Items of a page.", NULL                                     \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL                                                                               \
	}
#define WORKLOAD                                                                                   \
	{                                                                                          \
		"workload", QUERY_WORKLOAD, "A workload's id.", NULL                               \
	}
#define MIN_RETURN_PERIOD                                                                          \
	{                                                                                          \
		"min_return_period_s", QUERY_SECONDS, "At least this surprising.", NULL            \
	}
#define PRIORITIES                                                                                 \
	"emergency alert critical error warning notice informational info debug Emergency Alert "  \
	"Critical Error Warning Notice Informational Info Debug"

static const struct query_param page_params[] = {PAGES, END};
static const struct query_param behaviours_params[] = {
	{"dimension", QUERY_TEXT, "Of this dimension only.", NULL},
	PAGES,
	END,
};
static const struct query_param pending_params[] = {
	{"dimension", QUERY_TEXT, "Of this dimension only.", NULL},
	{"limit", QUERY_LIMIT, "At most so many items.", NULL},
	END,
};
static const struct query_param anomalies_params[] = {
	TIME_RANGE,
	WORKLOAD,
	{"dimension", QUERY_TEXT, "Of this dimension only.", NULL},
	MIN_RETURN_PERIOD,
	{"state", QUERY_CHOICE, "In this state only.", "open accepted rejected absorbed expired"},
	{"below_threshold", QUERY_BOOL,
	 "Those that did not pass the threshold, most surprising first.", NULL},
	PAGES,
	END,
};
static const struct query_param incidents_params[] = {
	TIME_RANGE,
	WORKLOAD,
	MIN_RETURN_PERIOD,
	{"state", QUERY_CHOICE, "In this state only.", "open closed"},
	PAGES,
	END,
};
static const struct query_param alerts_params[] = {
	TIME_RANGE,
	WORKLOAD,
	{"rule", QUERY_TEXT, "Of this rule only.", NULL},
	{"priority", QUERY_CHOICE, "Of exactly this priority.", PRIORITIES},
	{"min_priority", QUERY_CHOICE, "Of this priority or a more urgent one.", PRIORITIES},
	{"incident", QUERY_TEXT, "Of this incident only.", NULL},
	PAGES,
	END,
};
static const struct query_param what_if_params[] = {
	TIME_RANGE,
	{"rule", QUERY_TEXT, "Report these rules only: a name, or a wildcard.", NULL},
	{"all", QUERY_BOOL, "Report every rule, not only those that the file defines or changes.",
	 NULL},
	{"file", QUERY_TEXT,
	 "The file's name. If rules.files has it, the body stands in for it there; else it comes "
	 "behind them.",
	 NULL},
	{"alert", QUERY_TEXT, "An alert's id: would its event still be a hit?", NULL},
	{"cursor", QUERY_TEXT, "The next of the answer before.", NULL},
	END,
};
static const struct query_param explain_params[] = {
	{"rule", QUERY_TEXT, "A loaded rule, instead of the one that fired.", NULL},
	END,
};
static const struct query_param processes_params[] = {
	{"root", QUERY_COUNT, "Process id that the tree begins with; 0 the whole host.", NULL},
	{"depth", QUERY_COUNT, "Levels below the root, at most 64.", NULL},
	END,
};

static const struct query_param rules_params[] = {
	{"name", QUERY_TEXT, "Of this name; * stands for anything.", NULL},
	{"tag", QUERY_TEXT, "With this tag.", NULL},
	END,
};

/* method, path, access, function, parameters, schema, content type, body bytes, summary */
static const struct route routes[] = {
	{"GET", "/", ACCESS_OPEN, route_page, NULL, NULL, "text/html", 0, "The page"},
	{"GET", "/page.js", ACCESS_OPEN, route_page_script, NULL, NULL, "text/javascript", 0,
	 "The page's script"},
	{"GET", "/page.css", ACCESS_OPEN, route_page_style, NULL, NULL, "text/css", 0,
	 "The page's style"},
	{"GET", "/healthz", ACCESS_OPEN, route_healthz, NULL, "Health", NULL, 0,
	 "Does the pipeline make progress?"},
	{"GET", "/readyz", ACCESS_OPEN, route_readyz, NULL, "Health", NULL, 0,
	 "Does it capture and answer?"},
	{"GET", "/metrics", ACCESS_READ, route_metrics, NULL, NULL, "text/plain", 0,
	 "Counters in Prometheus' text format"},
	{"GET", "/v1/openapi.json", ACCESS_READ, route_openapi, NULL, "OpenApi", NULL, 0,
	 "This document"},
	{"GET", "/v1/status", ACCESS_READ, route_status, NULL, "Status", NULL, 0,
	 "What the program does and what it takes"},
	{"GET", "/v1/workloads", ACCESS_READ, route_workloads, page_params, "WorkloadList", NULL, 0,
	 "Workloads of this host, by name"},
	{"GET", "/v1/workloads/{id}", ACCESS_READ, route_workload, NULL, "WorkloadDetail", NULL, 0,
	 "One workload and what is learned of it"},
	{"GET", "/v1/workloads/{id}/behaviours", ACCESS_READ, route_behaviours, behaviours_params,
	 "BehaviourList", NULL, 0, "What it usually does, most usual first"},
	{"GET", "/v1/workloads/{id}/pending", ACCESS_READ, route_pending, pending_params,
	 "PendingList", NULL, 0, "Behaviours seen but not learned yet, newest first"},
	{"GET", "/v1/anomalies", ACCESS_READ, route_anomalies, anomalies_params, "AnomalyList",
	 NULL, 0, "Anomalies, newest first"},
	{"GET", "/v1/anomalies/{id}", ACCESS_READ, route_anomaly, NULL, "AnomalyDetail", NULL, 0,
	 "One anomaly and its explanation"},
	{"GET", "/v1/incidents", ACCESS_READ, route_incidents, incidents_params, "IncidentList",
	 NULL, 0, "Incidents, newest first"},
	{"GET", "/v1/incidents/{id}", ACCESS_READ, route_incident, NULL, "IncidentDetail", NULL, 0,
	 "One incident and its time line"},
	{"GET", "/v1/alerts", ACCESS_READ, route_alerts, alerts_params, "AlertList", NULL, 0,
	 "Alerts, newest first"},
	{"GET", "/v1/alerts/{id}", ACCESS_READ, route_alert, NULL, "Alert", NULL, 0, "One alert"},
	{"GET", "/v1/alerts/{id}/explain", ACCESS_READ, route_alert_explain, explain_params,
	 "Explanation", NULL, 0, "Why its rule, or another, is true of its event or not"},
	{"GET", "/v1/alerts/{id}/exceptions", ACCESS_READ, route_alert_exceptions, NULL,
	 "AlertExceptions", NULL, 0,
	 "Exceptions that would silence an alert, each tried on history"},
	{"GET", "/v1/processes", ACCESS_READ, route_processes, processes_params, "Process", NULL, 0,
	 "The live process tree"},
	{"GET", "/v1/rules", ACCESS_READ, route_rules, rules_params, "RuleList", NULL, 0,
	 "Loaded rules with hits"},
	{"POST", "/v1/rules/check", ACCESS_READ, route_rules_check, NULL, "RulesCheck", NULL,
	 RULE_FILE_BYTES_MAX, "Check a rule file, given as the body"},
	{"POST", "/v1/rules/reload", ACCESS_CHANGE, route_rules_reload, NULL, "RulesReload", NULL,
	 0, "Load the configured rule files anew, all or nothing"},
	{"POST", "/v1/rules/what-if", ACCESS_READ, route_rules_what_if, what_if_params, "WhatIf",
	 NULL, RULE_FILE_BYTES_MAX,
	 "Try a rule file, given as the body, on stored events before it is used"},
	{"GET", "/v1/fields", ACCESS_READ, route_fields, NULL, "FieldList", NULL, 0,
	 "Fields that filters and rules may name"},
	{"GET", "/v1/events", ACCESS_READ, route_events, NULL, "EventList", NULL, 0,
	 "Events and their parameters"},
	{"GET", "/v1/config", ACCESS_READ, route_config, NULL, "Config", NULL, 0,
	 "The effective configuration with each value's origin"},
};

const struct route *route_table(size_t *n)
{
	*n = ARRAY_SIZE(routes);
	return routes;
}
