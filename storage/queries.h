/* Reading what is stored: one read-only connection, one thread at a time, short transactions, so
 * that readers never wait for the writer nor it for them. Answers are the contract's JSON, deleted
 * by the caller.
 *
 * Lists are {"items": [...], "next": cursor or null}. A cursor names the last row given, so that
 * rows that arrive meanwhile neither repeat nor hide others. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/records.h"
#include "base/snapshot.h"

#define QUERIES_LIMIT_MAX 1000 /* larger limits are cut to it; 0 means 100 */

struct queries;

/* Connect to the database at path, which the store has opened (writer or not). host goes into
 * alerts, may be NULL. Logs on failure. */
int queries_open(struct queries **out, const char *path, const char *host);
void queries_close(struct queries **queries);

/* Every list function: 0 and gives *out; -EINVAL the cursor is none of ours; -ENOMEM; -EBADMSG
 * damaged; -EIO. since_ns and until_ns bound the time, 0: not; until is exclusive. */

struct anomaly_filter {
	uint64_t since_ns, until_ns;
	uint64_t workload_id;  /* 0: all */
	struct text dimension; /* empty: all */
	double min_return_period_s;
	int state;            /* enum anomaly_state; -1: all */
	bool below_threshold; /* false: those above, newest first; true: the others, most
			       * surprising first */
	uint64_t incident;    /* 0: all */
	struct text cursor;   /* empty: from the start */
	uint32_t limit;
};

int queries_anomalies(struct queries *queries, const struct anomaly_filter *filter, cJSON **out);

/* With its explanation. -ENOENT. */
int queries_anomaly(struct queries *queries, uint64_t id, cJSON **out);

struct incident_filter {
	uint64_t since_ns, until_ns;
	uint64_t workload_id;
	double min_return_period_s;
	int is_open; /* 0, 1; -1: both */
	struct text cursor;
	uint32_t limit;
};

/* Newest (by its end) first. */
int queries_incidents(struct queries *queries, const struct incident_filter *filter, cJSON **out);

/* With timeline: [{time, kind: "anomaly"|"alert", id, text, return_period_s, dimension, rule,
 * priority}], oldest first, at most 1000; members that the kind has not are null. -ENOENT. */
int queries_incident(struct queries *queries, uint64_t id, cJSON **out);

struct alert_filter {
	uint64_t since_ns, until_ns;
	uint64_t workload_id;
	uint64_t incident;
	struct text rule;              /* empty: all */
	int most_urgent, least_urgent; /* enum alert_priority, both inclusive; -1: no bound */
	struct text cursor;
	uint32_t limit;
};

int queries_alerts(struct queries *queries, const struct alert_filter *filter, cJSON **out);
int queries_alert(struct queries *queries, uint64_t id, cJSON **out);

/* Gaps that overlap [from_ns, to_ns], newest first, at most limit: an array, no list object. */
int queries_gaps(struct queries *queries, uint64_t from_ns, uint64_t to_ns, uint32_t limit,
		 cJSON **out);

/* Stored events ---------------------------------------------------------------------------- */

struct event_filter {
	uint64_t since_ns, until_ns; /* 0: no bound; until is exclusive */
	uint64_t after_ns, after_id; /* go on behind the event of that time and id; 0: the first */
	uint64_t workload_id;        /* 0: all */
	uint32_t limit;              /* as QUERIES_LIMIT_MAX says */
};

/* event is borrowed for the call, without owners. Not 0 ends the visit, and is its result. */
typedef int stored_event_fn(const struct record_event *event, void *arg);

/* Visit events in order of time and id, at most filter->limit: a long walk is many calls, each a
 * short transaction of its own. The number visited, or what visit returned, or -errno. */
int queries_each_event(struct queries *queries, const struct event_filter *filter,
		       stored_event_fn *visit, void *arg);

/* The event of an alert ('l') or an anomaly ('a'). -ENOENT. */
int queries_event_of(struct queries *queries, char letter, uint64_t owner, stored_event_fn *visit,
		     void *arg);

/* Time of the oldest event that is stored; 0: there is none. */
int queries_oldest_event(struct queries *queries, uint64_t *ns);

/* What was captured and stored when, spans that overlap [since_ns, until_ns), oldest first: an
 * array of {id, from, to, lasts, ...} as docs/storage.md has it. 0: no bound. */
int queries_spans(struct queries *queries, uint64_t since_ns, uint64_t until_ns, cJSON **out);

/* One span by its id, as above. -ENOENT. */
int queries_span(struct queries *queries, uint64_t id, cJSON **out);

/* The condition that a rule had when the alert was made; the caller frees ptr. -ENOENT: not known.
 */
int queries_condition_of_alert(struct queries *queries, uint64_t alert, struct text *out);

/* Fill in what only storage knows of a workload's behaviours: keys with n == 0 (stay empty where
 * the text was never stored) and first_seen_ns == 0. Texts go into the snapshot's pool. */
int queries_behaviour_texts(struct queries *queries, uint64_t workload_id,
			    struct snapshot_behaviours *behaviours);
