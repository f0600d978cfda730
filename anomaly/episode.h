/* An episode: what deviated in one process subtree until it was quiet again. It collects bits over
 * streams: each stream pays once, by its strongest deviation; further distinct values in a stream
 * pay a little, eight of them at most; repeats pay nothing, nor do levels that are not ready yet.
 * An episode that is worth it becomes an incident; every episode teaches the tail how much is
 * ordinary. Bounded in every direction: what does not fit pays nothing, and is counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "anomaly/phrase.h"
#include "anomaly/scorer.h"
#include "base/records.h"
#include "profiles/blob.h"

#define EPISODE_STREAMS_MAX 48
#define EPISODE_VALUES_MAX 96
#define EPISODE_ANOMALIES_MAX 64 /* as INCIDENT_ANOMALIES_MAX */
#define EPISODE_ALERTS_MAX 8     /* kept to be given again if an incident opens */
#define EPISODE_NAMES_MAX 4      /* rules and dimensions named in the summary */
#define EPISODE_NAME_BYTES 48

struct episode_stream {
	uint64_t key;
	double bits; /* of the strongest deviation */
	uint32_t n_further;
	double further_bits;
};

struct episode_names {
	uint32_t n; /* kept */
	struct {
		char bytes[EPISODE_NAME_BYTES];
		uint8_t len;
		uint32_t times;
	} items[EPISODE_NAMES_MAX];
};

struct episode {
	int32_t root_pid;
	uint64_t root_start_ns; /* boot time: with the pid it names the process */
	uint64_t workload_id;
	uint64_t first_ns, last_ns;
	double bits;            /* over streams */
	double return_period_s; /* longest claim so far; never shrinks */
	double epoch_unit_s, age_epochs;
	bool has_above;     /* an anomaly above the threshold */
	bool is_suspicious; /* an alert of priority warning or above */
	uint32_t n_anomalies, n_alerts, n_unpaid;
	uint32_t n_streams, n_values, n_ids, n_kept_alerts;
	struct episode_stream streams[EPISODE_STREAMS_MAX];
	uint64_t values[EPISODE_VALUES_MAX];
	uint64_t anomaly_ids[EPISODE_ANOMALIES_MAX];
	struct record_alert *alerts[EPISODE_ALERTS_MAX]; /* copies, oldest first */
	struct episode_names dimensions, rules;
	/* once it is an incident */
	struct record_incident *incident;
	double told_s;    /* return period when it was last given to the rules */
	bool is_alarming; /* above the threshold, or suspicious, when it was last given */
	uint64_t emitted_ns;
	bool is_changed;      /* since it was emitted: worth emitting */
	bool is_stale;        /* counts only: worth emitting once a second */
	struct episode *next; /* in its bucket */
};

void episode_destroy(struct episode **episode);

/* Add the deviations of one event. True: bits grew, or an anomaly is new to the episode. */
bool episode_add_score(struct episode *episode, const struct score *score);

/* Note an alert (counted and judged by the caller) by name. While the episode is no incident, a
 * copy is kept, the oldest giving way. */
void episode_note_alert(struct episode *episode, const struct record_alert *alert);

/* One sentence on the incident. */
void episode_summary(const struct episode *episode, struct text workload_name, struct text root_exe,
		     struct phrase *out);

/* An episode that is an incident, in an image. Kept alerts are left out: they were given already.
 */
void episode_save(const struct episode *episode, struct blob_writer *image);
/* 0 gives *out; -EBADMSG (a value out of bounds), -ENOMEM. */
int episode_load(struct episode **out, struct blob_reader *image);
