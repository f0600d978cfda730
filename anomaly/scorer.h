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
	bool is_deviation; /* something new at some level, and judged */
	int8_t level;      /* coarsest new level; -1: known but rare */
	double bits;
	double return_period_s;
	double basis_s;
	bool is_capped;
	bool is_above_threshold;
	bool population_known;
	double population_factor;
	struct record_level levels[RECORD_LEVELS_MAX];
	uint8_t n_levels;
	uint64_t anomaly_id; /* open anomaly it belongs to; 0 none was opened */
	bool is_repeat;      /* of an already open anomaly */
};

struct score {
	uint32_t n; /* as in the sightings */
	struct deviation items[SIGHTINGS_MAX];
	const struct sightings *sightings;
	double max_return_period_s; /* 0: nothing deviates */
	uint64_t incident_id;       /* open incident of the subtree, 0 none */
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

/* Current threshold for incidents, in seconds. */
double scorer_threshold_s(const struct scorer *scorer);

/* The most surprising below the threshold are kept in a bounded table and emitted too, so the list
 * is never empty for long. */
void scorer_tick(struct scorer *scorer, uint64_t now_ns);

/* Persistence: opaque state (calibrators, open anomalies). */
struct record_blob *scorer_image(const struct scorer *scorer);
int scorer_load_image(struct scorer *scorer, const struct record_blob *blob);
