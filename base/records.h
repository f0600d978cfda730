/* What is stored and answered: alerts, anomalies, incidents, workload headers, gaps. Made by the
 * pipeline, self-contained (nothing points into pipeline memory), consumed by the writer thread.
 *
 * Each record is one allocation made with record_alloc(); its strings live in the same block and
 * are plain bytes (JSON encoding is the reader's business). record_free() releases it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event_table.h"
#include "base/queue.h"
#include "base/text.h"

#define RECORD_KEY_MAX 6   /* fields in a behaviour key */
#define RECORD_USUAL_MAX 5 /* usual behaviours quoted with an anomaly */
#define RECORD_LINEAGE_MAX 16
#define RECORD_LEVELS_MAX RECORD_KEY_MAX

struct record_key {
	uint8_t n; /* fields */
	struct text fields[RECORD_KEY_MAX];
};

struct record_process {
	int32_t pid;
	uint64_t start_time_ns; /* epoch */
	uint32_t uid;
	struct text exe, cmdline, user;
	uint8_t n_lineage; /* nearest first */
	struct {
		int32_t pid;
		struct text exe;
	} lineage[RECORD_LINEAGE_MAX];
};

/* Why data may be incomplete; contract's data_quality. */
struct record_quality {
	bool complete;
	uint64_t lost_events;
	bool sketch_estimated;
	struct text missing_fields; /* names separated by blanks */
};

enum anomaly_state {
	ANOMALY_OPEN,
	ANOMALY_ACCEPTED,
	ANOMALY_REJECTED,
	ANOMALY_ABSORBED,
	ANOMALY_EXPIRED,
};

/* "open", "accepted", ...; back: -1 when there is no such state. */
const char *anomaly_state_name(enum anomaly_state state);
int anomaly_state_by_name(struct text name);

struct record_level {
	bool known;
	double discovery_rate_per_s;
	double bits;
	double return_period_s;
};

/* One behaviour that the workload does not usually show. Pushed again, with the same id, when
 * occurrences, last_seen or the incident change. */
struct record_anomaly {
	uint64_t id; /* shown as "a<id>" */
	uint64_t first_ns, last_ns;
	uint64_t occurrences;
	enum anomaly_state state;
	uint64_t workload_id;
	struct text workload_name, instance;
	struct text dimension;
	struct record_key key;
	int32_t level; /* coarsest new level, index into key; -1 when not novel */
	bool novel;
	bool is_startup;         /* judged in the start-up stratum */
	uint64_t seen_before_ns; /* last time it was seen, if it was forgotten since; 0 never */
	double return_period_s;
	double return_period_basis_s; /* how long the workload has been observed */
	bool return_period_capped;    /* the claim is as long as the estimator allows */
	bool above_threshold;
	double bits;
	double coverage;
	struct text reason; /* one sentence for people */
	uint8_t n_usual;
	struct {
		struct record_key key;
		double frequency; /* share of active epochs */
	} usual[RECORD_USUAL_MAX];
	struct record_process process;
	enum event_type event_type;
	uint64_t event_num;
	struct text event_args; /* "name=value ..." */
	uint64_t incident;      /* 0 none; shown as "i<id>" */
	struct record_quality quality;
	/* explanation */
	uint8_t n_levels;
	struct record_level levels[RECORD_LEVELS_MAX];
	bool population_known;
	double population_factor;
	struct text formula;
};

struct record_incident {
	uint64_t id;
	uint64_t from_ns, to_ns;
	bool is_open;
	uint64_t workload_id;
	struct text workload_name;
	double bits;
	double return_period_s;
	bool above_threshold; /* it was, at some time, worth an alarm */
	uint32_t n_anomalies, n_alerts;
	struct text summary;
	struct record_process root; /* root of the subtree */
};

enum alert_priority {
	PRIORITY_EMERGENCY,
	PRIORITY_ALERT,
	PRIORITY_CRITICAL,
	PRIORITY_ERROR,
	PRIORITY_WARNING,
	PRIORITY_NOTICE,
	PRIORITY_INFORMATIONAL,
	PRIORITY_DEBUG,
};

/* "Emergency", ..., "Informational", "Debug". */
const char *alert_priority_name(enum alert_priority priority);

/* In any case, "info" too; -1 when there is no such priority. */
int alert_priority_by_name(struct text name);

struct record_alert {
	uint64_t id; /* shown as "l<id>" */
	uint64_t ts_ns;
	enum alert_priority priority;
	struct text rule, source, message;
	struct text tags;          /* separated by blanks */
	struct text output_fields; /* JSON object, already encoded */
	uint64_t workload_id;
	struct text workload_name;
	uint64_t incident;
	int32_t pid;
	uint64_t start_time_ns;
	uint64_t condition; /* hash of the rule's condition as it was; 0 unknown */
};

/* The condition of a rule as it was when it first fired; see record_alert.condition. */
struct record_condition {
	uint64_t hash;
	uint64_t last_ns; /* when it fired */
	struct text rule;
	struct text text; /* without macros and lists; can be compiled again */
};

/* Why an event is stored: the first of these that holds. */
enum event_reason {
	EVENT_OF_ALERT,
	EVENT_OF_ANOMALY,
	EVENT_OF_SIGHTING, /* the first of its kind in an epoch */
};

/* "alert", "anomaly", "sighting". */
const char *event_reason_name(enum event_reason reason);

#define RECORD_OWNERS_MAX 32

/* One event as it was: what rules are explained and tried on later. A field of the span's list that
 * is not in fields was absent; one that is not in the list, or in cut, was not stored. */
struct record_event {
	uint64_t id; /* ascending */
	uint64_t ts_ns;
	uint64_t workload_id; /* 0 unknown */
	struct text workload_name;
	struct text type; /* evt.type */
	int32_t nr;       /* system call number, -1 none */
	enum event_reason reason;
	uint64_t span; /* record_span that names the fields */
	uint8_t n_owners;
	struct {
		char letter; /* 'l' alert, 'a' anomaly */
		uint64_t id;
	} owners[RECORD_OWNERS_MAX];
	struct text fields; /* JSON object, encoded: {"evt.type":"open","proc.aname":["sh"],...};
			     * texts as in json_text.h, numbers beyond 2^53 as strings */
	struct text cut;    /* names of fields that did not fit, separated by blanks */
};

/* What was captured and stored in a stretch of time. Pushed when it begins, and again, with the
 * same id, when it ends. */
struct record_span {
	uint64_t id;             /* ascending */
	uint64_t from_ns, to_ns; /* to: 0 while it lasts */
	uint64_t hash;           /* of the document */
	struct text document;    /* JSON object; docs/storage.md */
};

enum workload_kind {
	WORKLOAD_POD,
	WORKLOAD_IMAGE,
	WORKLOAD_UNIT,
	WORKLOAD_USER,
	WORKLOAD_EXE,
	WORKLOAD_UNRESOLVED,
};

const char *workload_kind_name(enum workload_kind kind);

#define GAP_EVENTS_UNKNOWN UINT64_MAX

/* A span in which something was not seen. Pushed again, with the same id, while it grows. */
struct record_gap {
	uint64_t id;
	uint64_t from_ns, to_ns;
	struct text reason; /* "ring full", "downtime", ...: docs/storage.md lists them */
	uint64_t events;    /* lost, or GAP_EVENTS_UNKNOWN */
	struct text detail; /* a JSON object: {"by_type": {"open": 3}, ...}; empty none */
};

/* How long before an anomaly a loss still makes its circumstances doubtful. */
#define QUALITY_WINDOW_NS UINT64_C(120000000000)

/* The text of one behaviour that entered a baseline. Written once, when it is learned. */
struct record_behaviour {
	uint64_t workload_id;
	struct text dimension;
	uint64_t fingerprint; /* of the finest level, under the baseline's key */
	struct record_key key;
	uint64_t first_ns;
};

/* An opaque piece of a baseline: a journal segment or an image; see profiles/profile_set.h. */
struct record_blob {
	uint64_t workload_id; /* 0: belongs to all */
	uint64_t sequence;    /* journal segments: ascending; image: covers segments up to here */
	struct text bytes;
};

/* zeroed block of size bytes for a record plus text_bytes for its strings. NULL without memory. */
void *record_alloc(size_t size, size_t text_bytes);

/* Copy t into the record's string area and return where it is; the area must have room. */
struct text record_text(void *record, struct text t);

void record_free(void *record); /* record may be NULL */

/* What the record takes of memory. */
size_t record_bytes(const void *record);

/* A number its keeper may leave with the record; 0 at first. */
void record_set_tag(void *record, uint32_t tag);
uint32_t record_tag(const void *record);

/* The link by which a record is queued without another allocation. */
struct queue_node *record_node(void *record);
void *record_of_node(struct queue_node *node);

/* Deep copies in one block each; NULL without memory. */
struct record_anomaly *record_anomaly_copy(const struct record_anomaly *from);
struct record_incident *record_incident_copy(const struct record_incident *from);
struct record_alert *record_alert_copy(const struct record_alert *from);
struct record_gap *record_gap_copy(const struct record_gap *from);
struct record_behaviour *record_behaviour_copy(const struct record_behaviour *from);
struct record_blob *record_blob_copy(const struct record_blob *from);
struct record_event *record_event_copy(const struct record_event *from);
struct record_span *record_span_copy(const struct record_span *from);
struct record_condition *record_condition_copy(const struct record_condition *from);
