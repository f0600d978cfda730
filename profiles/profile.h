/* What one workload usually does in one dimension: for each level the known prefixes with their
 * counts, and the streams of discovery. Pipeline thread only.
 *
 * Prefixes are kept exactly, in a head for each level, as long as they fit; what does not fit goes
 * on in a sketch of that level, so fine names never fill the rows in which executables are kept.
 * A sketch that can no longer tell news (false known above 1/20, no room to grow) is not judged
 * any more: the level is off, the coarser ones go on. All of that is counted and said.
 *
 * A prefix unseen for forget_epochs counts as unknown at once; its slot goes as long again later,
 * so "last seen four months ago" can be told meanwhile. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/records.h"
#include "profiles/count_min.h"
#include "profiles/dimension.h"
#include "profiles/discovery.h"
#include "profiles/head.h"
#include "profiles/hyperloglog.h"
#include "profiles/top_list.h"

struct baseline;
struct population;

/* Steady: the unit is an epoch in which the workload existed. Start-up: the unit is a start-up; see
 * is_startup() in profile_set.c for what belongs to it. */
enum stratum { STEADY, STARTUP, STRATA };

#define CURVE_POINTS 64

struct level {
	struct head *head;
	struct count_min *sketch; /* of what did not fit; NULL: exact */
	bool is_off;              /* neither learned nor judged */
	struct discovery streams[STRATA];
};

/* What all profiles of a set share. */
struct profile_shared {
	struct population *population;
	double epoch_s;
	uint32_t forget_epochs;
	uint64_t bytes, bytes_max;
	uint64_t coarsened_total; /* levels that went on in a sketch, or off */
	uint64_t refused_total;   /* prefixes or behaviours that found no room */
};

/* A prefix whose record changed since the last checkpoint. */
struct touched {
	uint64_t fingerprint;
	uint32_t epoch;
	uint8_t level;
	bool is_leaf; /* a whole behaviour, not only somebody's prefix */
	bool is_new;
	uint16_t reserved;
};

struct curve {
	uint32_t n, stride; /* a point every stride active epochs */
	struct {
		uint32_t active_epoch, distinct;
	} points[CURVE_POINTS];
};

struct profile {
	struct baseline *baseline;
	const struct dimension *dimension;
	struct profile_shared *shared;
	uint32_t index; /* of the dimension */
	uint8_t n_levels;
	uint32_t active_epochs, last_epoch;      /* in which it did something here */
	uint32_t child_epochs, last_child_epoch; /* in which a coarsest prefix was new */
	uint64_t events_total, incidences;
	uint64_t first_ns, last_ns;
	uint32_t synced_age, synced_starts; /* the streams include these */
	size_t bytes;
	struct curve curve;
	struct top_list *top;         /* NULL: none wanted */
	struct hyperloglog *distinct; /* of the finest level, once it is estimated */
	/* for the next checkpoint */
	struct touched *touched;
	uint32_t n_touched, touched_capacity;
	bool is_dirty, streams_dirty;
	uint32_t n_to_write;   /* of what is held, see parts_count_held() */
	bool lost_touched;     /* no memory for the list: the next checkpoint makes an image */
	struct level levels[]; /* n_levels */
};

/* What is known of a prefix. */
struct prefix {
	struct head_slot *slot; /* NULL: from the sketch. Borrowed until something is learned */
	uint32_t epochs, events, last_epoch;
};

/* 0 gives *out; -ENOMEM. seed is the baseline's. */
int profile_create(struct profile **out, struct baseline *baseline, uint32_t index,
		   const struct dimension *dimension, struct profile_shared *shared);
void profile_destroy(struct profile **profile);

/* False: never seen, or forgotten (then last_epoch says when it was seen last, else 0). */
bool profile_find(const struct profile *p, unsigned level, uint64_t fingerprint, uint32_t epoch,
		  struct prefix *out);

/* Units have ended: move the streams on and judge whether levels are ready. */
void profile_sync(struct profile *p, uint32_t age, uint32_t starts, double ready_epochs,
		  uint32_t min_epochs);

/* A known behaviour was seen. leaf: what profile_find() said of its finest usable level. */
void profile_see(struct profile *p, const uint64_t *fingerprints, const struct record_key *key,
		 enum stratum stratum, uint32_t epoch, const struct prefix *leaf);

/* The workload did something here. */
void profile_note_active(struct profile *p, uint32_t epoch, uint64_t ts_ns);

/* Count the known prefixes above a behaviour that waits: levels below n. */
void profile_see_prefixes(struct profile *p, const uint64_t *fingerprints, unsigned n,
			  enum stratum stratum, uint32_t epoch);

/* A behaviour that waited. */
struct lesson {
	const uint64_t *fingerprints;
	const struct record_key *key; /* key.n usable levels */
	unsigned new_level;           /* coarsest that was new at first sight */
	uint32_t first_epoch, last_epoch, active_epochs;
	uint64_t events;
};

/* It becomes part of the baseline. Returns the coarsest level that was new; -1: none any more. */
int profile_learn(struct profile *p, const struct lesson *lesson);

/* Reclaim what was forgotten long ago; at most max_slots a level. */
void profile_forget(struct profile *p, uint32_t epoch, uint32_t max_slots);

/* Start-up streams are ready when three start-ups were seen, and 80 % sure that fewer than every
 * second one shows something new. */
bool profile_startup_is_ready(const struct profile *p, unsigned level);

/* Finest ready level of the steady streams; -1: none. */
int profile_ready_level(const struct profile *p);

uint64_t profile_distinct(const struct profile *p); /* behaviours, finest level */
bool profile_is_estimated(const struct profile *p); /* some level is */
double profile_false_known(const struct profile *p);

/* From here the level's new prefixes go to a sketch (or nowhere: off). */
void profile_open_sketch(struct profile *p, unsigned level);

/* Bytes that a level's head may take. */
size_t profile_level_share(const struct profile *p, unsigned level);
uint64_t profile_sketch_seed(const struct profile *p, unsigned level);

/* Note a changed prefix for the next checkpoint. */
void profile_note_touched(struct profile *p, struct touched touched);
void profile_update_bytes(struct profile *p);
