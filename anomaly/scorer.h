/* How surprising an event is. For each sighting with something new, or rare enough: bits of
 * surprise and the return period they mean; see docs/statistics.md. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/records.h"
#include "profiles/profile_set.h"

struct scorer;

struct anomaly_config {
	double budget_per_day, min_return_period_s, incident_window_s;
	double epoch_s;
};

/* The judgement of one sighting. */
struct deviation {
	/* something new at some level, and judged; else only is_above_threshold, return_period_s
	 * and anomaly_id are set, to nothing */
	bool is_deviation;
	struct text dimension;
	int32_t level; /* coarsest new level; -1: known but rare */
	double bits;
	double return_period_s;
	double basis_s;
	bool is_capped;
	bool is_ready; /* the level's stream is: only then can it be above the threshold */
	bool is_above_threshold;
	bool population_known;
	double population_factor;
	struct record_level levels[RECORD_LEVELS_MAX];
	uint8_t n_levels;
	uint64_t anomaly_id; /* open anomaly it belongs to; 0 none was opened */
	bool is_repeat;      /* of an already open anomaly */
	/* for incidents */
	double clump_bits;   /* what a further new value in the same stream and episode pays */
	double epoch_unit_s; /* calendar time of one epoch in which the workload existed */
	double age_epochs;   /* such epochs since it was first seen */
};

struct score {
	uint32_t n; /* as in the sightings */
	struct deviation items[SIGHTINGS_MAX];
	const struct sightings *sightings;
	double max_return_period_s; /* 0: nothing deviates */
	uint64_t incident_id;       /* open incident of the subtree, 0 none */
	bool incident_is_alarming;  /* it passed the threshold, or a rule of priority warning or
				     * above matched in it: what it holds is to be quarantined */
};

/* Anomalies and incidents that opened or changed are given to emit (taken by the callee). */
typedef void anomaly_emit_fn(struct record_anomaly *anomaly, void *arg);
typedef void incident_emit_fn(struct record_incident *incident, void *arg);

int scorer_create(struct scorer **out, const struct anomaly_config *config, uint64_t next_id);
void scorer_destroy(struct scorer **scorer);

void scorer_set_emit(struct scorer *scorer, anomaly_emit_fn *anomaly, void *arg);

/* Judge the sightings; opens or continues anomalies. */
void scorer_score(struct scorer *scorer, const struct field_context *ctx,
		  const struct sightings *sightings, struct score *out);

/* Current threshold for anomalies and incidents, in seconds. */
double scorer_threshold_s(const struct scorer *scorer);

/* Move on to now: emit what changed (each anomaly at most once a second) and the most surprising
 * below the threshold, of which a bounded table is kept so that the list is never empty for long;
 * let old anomalies expire. Bounded work; call once a batch and on ticks. */
void scorer_tick(struct scorer *scorer, uint64_t now_ns);

/* Emit now whatever changed: before a checkpoint and at the end of a capture. */
void scorer_flush(struct scorer *scorer);

/* Events lost so far, all causes together: anomalies made while the number grows are marked. */
void scorer_set_lost(struct scorer *scorer, uint64_t lost_total);

/* An open anomaly ended: its behaviour was learned, accepted, rejected. Emits it with that state;
 * an unknown id is ignored. */
void scorer_close_anomaly(struct scorer *scorer, uint64_t anomaly_id, enum anomaly_state state);

/* For incidents: an open anomaly became part of one. */
void scorer_join_incident(struct scorer *scorer, uint64_t anomaly_id, uint64_t incident_id);
/* An episode of deviations ended, whose longest claim was this: the host's record of them. */
void scorer_add_episode(struct scorer *scorer, double return_period_s);
/* An incident passed the threshold: it counts against the budget. */
void scorer_add_report(struct scorer *scorer);

struct scorer_counters {
	uint64_t anomalies_total;     /* opened, above or below the threshold */
	uint64_t deviations_total;    /* sightings of something new */
	uint64_t folded_total;        /* beyond the anomalies that one new prefix may open */
	uint64_t evicted_total;       /* open anomalies that had to give way */
	uint64_t memory_denied_total; /* records that could not be made */
	uint32_t open, below_threshold;
	uint64_t next_id;
};

void scorer_counters(const struct scorer *scorer, struct scorer_counters *out);

/* Persistence: opaque state (budget, open anomalies, next id), after a flush. NULL: nothing worth
 * storing changed since the last call (counts of repeats alone are stored once a minute), or no
 * memory. Loading: 0; -EBADMSG, and the scorer unchanged. */
struct record_blob *scorer_image(struct scorer *scorer);
int scorer_load_image(struct scorer *scorer, const struct record_blob *blob);
