/* The members of a profile set, for the files that together are it: profile_set.c, set_teach.c,
 * set_scoring.c, set_storage.c, set_snapshot.c. */
#pragma once

#include "profiles/baseline.h"
#include "profiles/key_cache.h"
#include "profiles/pending.h"
#include "profiles/population.h"
#include "profiles/profile_set.h"

/* What look_up() found, for the commit of the same event. */
struct finding {
	struct prefix leaf; /* of a known behaviour */
	struct held *held;  /* of one that waits */
	struct record_key key;
};

struct profile_set {
	struct dimension_set *dimensions;
	uint32_t n_dimensions;
	uint64_t path_keyed; /* dimensions (bit) that may be answered from the cache */
	struct key_cache *cache;
	uint64_t seed;
	uint32_t min_epochs;
	struct epoch_clock clock;
	struct profile_shared shared;
	struct pending pending;
	struct population population;
	/* baselines: all, by workload id, by the state's dense index */
	struct baseline **baselines;
	uint32_t n_baselines, baselines_capacity;
	struct fp_map by_id;
	struct baseline **by_index;
	uint32_t n_by_index;
	struct finding findings[SIGHTINGS_MAX];
	/* learned since the last checkpoint, their texts are still to be given away */
	struct held *learned;
	uint32_t n_learned;
	uint64_t texts_dropped_total;
	profile_learned_fn *tell_learned;
	void *tell_arg;
	uint64_t scanned_ns; /* of the last event of the initial scan */
	/* tick */
	uint64_t now_ns;
	uint32_t swept_epoch, sweep_at;
	/* figures */
	uint32_t today;
	uint64_t learned_today, absorbed_total;
	uint64_t unresolved_events_total, sightings_dropped_total, damaged_total;
	uint64_t sequence; /* of the last journal segment or image */
};

/* The baseline of a workload, made if there was none; NULL without memory. */
struct baseline *profile_set_baseline(struct profile_set *set, uint64_t id, struct text name,
				      enum workload_kind kind);

/* It is ts_ns now. */
void profile_set_move_on(struct profile_set *set, uint64_t ts_ns);

/* The workload exists at ts_ns. */
void profile_set_exist(struct profile_set *set, struct baseline *b, uint64_t ts_ns);

/* Bring a profile's streams up to its workload's time. */
void profile_set_sync(const struct profile_set *set, struct profile *p);

/* The profile of a dimension, made if there was none; NULL without memory. */
struct profile *profile_set_profile(struct profile_set *set, struct baseline *b, uint32_t index);
