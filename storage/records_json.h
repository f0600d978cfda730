/* Records as the JSON that the contract promises: for API answers, stored documents, the event
 * stream, outputs and replay. Bytes are shown as base/json_text.h says. Each function gives an
 * object that the caller deletes with cJSON_Delete(), or NULL without memory. Any thread. */
#pragma once

#include <cjson/cJSON.h>

#include "base/records.h"

/* Longest return period that is ever claimed (about a century). */
#define RETURN_PERIOD_MAX_S 3.2e9

enum anomaly_detail { ANOMALY_ITEM, ANOMALY_WITH_EXPLANATION };

cJSON *anomaly_json(const struct record_anomaly *anomaly, enum anomaly_detail detail);

/* {id, from, to, workload: {id, name}, state: "open"|"closed", return_period_s, anomalies, alerts
 * (how many), summary, process (root of the subtree)} */
cJSON *incident_json(const struct record_incident *incident);

/* Falco's members in Falco's order: hostname, output, output_fields, priority, rule, source, tags,
 * time. host may be NULL. */
cJSON *alert_falco_json(const struct record_alert *alert, const char *host);

/* The same and id, workload ({id, name} or null), incident. */
cJSON *alert_json(const struct record_alert *alert, const char *host);

/* {from, to, reason, events} */
cJSON *gap_json(const struct record_gap *gap);

/* Falco's text line without a newline, "HH:MM:SS.nnnnnnnnn: Priority message", local time, control
 * bytes escaped. The caller frees it; NULL without memory. */
char *alert_line(const struct record_alert *alert);

/* The same form for the others, their kind in the place of the priority: "TIME: Anomaly a3 in
 * WORKLOAD: REASON (DIMENSION: KEY)", "TIME: Incident i1 in WORKLOAD: SUMMARY (2 anomalies, 3
 * alerts)". */
char *anomaly_line(const struct record_anomaly *anomaly);
char *incident_line(const struct record_incident *incident);

/* The key as an array of its fields. */
cJSON *key_json(const struct record_key *key);
