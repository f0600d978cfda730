/* Incidents: anomalies and alerts of one process subtree within a window, one story with one return
 * period. The pipeline hands in scores and alerts; an incident that opened or grew tenfold is given
 * back, to enter the rules as an event of source "ethogram". Pipeline thread only.
 *
 * What deviates in a subtree (anomaly/subtree.h) gathers in an episode; alerts join it. An episode
 * becomes an incident when an anomaly in it, or all of it together, passes the threshold, or when
 * it deviates and raised an alert of priority warning or above; what came before is pulled in.
 * It closes when nothing was added for incident_window_s, or after four windows, and teaches the
 * workload's and the host's tail unless an alert of priority warning or above spoke against it. */
#pragma once

#include "anomaly/scorer.h"
#include "base/records.h"
#include "state/state.h"

struct incidents;

/* Alerts that were joined to an incident after they had been handed on are given again, with the
 * same id. */
typedef void alert_emit_fn(struct record_alert *alert, void *arg);

int incidents_create(struct incidents **out, const struct anomaly_config *config, uint64_t next_id);
void incidents_destroy(struct incidents **incidents);

/* The scorer (borrowed; outlives the incidents) whose threshold and budget apply and which marks
 * the anomalies of an incident; where late-joined alerts go (taken). Before the first join. */
void incidents_bind(struct incidents *incidents, struct scorer *scorer, alert_emit_fn *emit_alert,
		    void *arg);

/* Which incident an event of this process would join: its id, or 0. */
uint64_t incidents_find(const struct incidents *incidents, const struct process *process,
			uint64_t now_ns);

/* Join the event's deviations (score, may be NULL) and alerts to the subtree's incident, opening
 * one when there is none and something is above its threshold. Sets score->incident_id,
 * score->incident_is_alarming and the alerts' incident. Returns an incident to be matched by rules
 * now (it opened, grew tenfold, or became alarming): borrowed until the next call; NULL otherwise.
 */
const struct record_incident *incidents_join(struct incidents *incidents,
					     const struct field_context *ctx, struct score *score,
					     struct record_alert **alerts, uint32_t n_alerts);

#define INCIDENT_ANOMALIES_MAX 64

/* The anomalies of an open incident, for their pending behaviours to be quarantined; at most max.
 * Returns how many. */
uint32_t incidents_anomalies(const struct incidents *incidents, uint64_t incident_id,
			     uint64_t ids[], uint32_t max);

/* Records to be stored (opened, grown, closed since the last call), each taken by emit. */
void incidents_flush(struct incidents *incidents, uint64_t now_ns, incident_emit_fn *emit,
		     void *arg);

/* Fields anomaly.*, workload.*, incident.*. */
struct field_table anomaly_field_table(void);

struct incident_counters {
	uint64_t opened_total;
	uint64_t reported_total; /* passed the threshold */
	uint64_t evicted_total; /* episodes, and workloads' tails, that had to give way to others */
	uint64_t unpaid_total;  /* values and anomalies beyond the bounds of closed episodes */
	uint32_t open, episodes;
	uint64_t next_id;
};

void incidents_counters(const struct incidents *incidents, struct incident_counters *out);

/* Persistence, as for the scorer: NULL when nothing changed. */
struct record_blob *incidents_image(struct incidents *incidents);
int incidents_load_image(struct incidents *incidents, const struct record_blob *blob);
