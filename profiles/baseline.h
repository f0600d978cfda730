/* Everything learned about one workload: its profiles, what waits, and its own time. Pipeline
 * thread only.
 *
 * Time is counted in epochs in which the workload existed, that is, had a live process: a service
 * that never executes anything gets to know that about itself. Start-ups are counted beside: an
 * exec later than startup_s after the last start-up began begins another one, so a wrapper script
 * and the daemon it starts, or the hundred tools of one build step, are one start-up. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/records.h"
#include "profiles/fp_map.h"
#include "profiles/profile.h"
#include "state/state.h"

struct pool;

struct baseline {
	uint64_t id;
	struct text name; /* owned */
	enum workload_kind kind;
	uint64_t seed;                   /* of its fingerprints; secret */
	const struct workload *workload; /* NULL: not seen since the program's start */
	/* its time */
	uint32_t epoch;        /* the last one in which it existed */
	uint32_t age;          /* epochs before that in which it existed */
	uint32_t observed;     /* epochs before that in which somebody looked, since it is known */
	uint64_t epoch_end_ns; /* of epoch; 0 not yet known */
	bool was_live;         /* it had a live process when last looked at */
	uint32_t n_starts;     /* start-ups that began */
	uint64_t start_ns;     /* of the last one */
	uint64_t first_ns, last_ns;
	double share;        /* of the observed epochs in which it existed */
	double ready_epochs; /* ready_return_period_s in epochs of its existence */
	/* what is known */
	uint32_t n_profiles;
	struct profile **profiles;    /* by dimension; NULL: nothing happened there */
	struct fp_map held, prefixes; /* see pending.h */
	uint32_t n_quarantined;
	struct pool *pool; /* NULL: none */
	/* for the next checkpoint */
	uint64_t *gone; /* behaviours that wait no more */
	uint32_t n_gone, gone_capacity;
	bool is_dirty;
	bool needs_image;
	uint64_t image_sequence; /* its image covers journal segments up to here */
	uint64_t journal_bytes;  /* written since */
	uint64_t image_bytes, image_ns;
};

/* 0 gives *out; -ENOMEM. set_seed is the secret of all. */
int baseline_create(struct baseline **out, uint64_t id, struct text name, enum workload_kind kind,
		    uint32_t n_dimensions, uint64_t set_seed);
/* What waits must have been released. */
void baseline_destroy(struct baseline **baseline);

struct epoch_clock {
	uint64_t epoch_ns, startup_ns;
	uint32_t run_epoch; /* the program looks since */
	double ready_return_period_epochs;
};

/* The epoch of a moment. */
uint32_t epoch_of(const struct epoch_clock *clock, uint64_t ts_ns);

/* It exists (or just ceased to) at ts_ns. */
void baseline_exist(struct baseline *b, const struct epoch_clock *clock, uint64_t ts_ns);

/* After age or observed time changed. */
void baseline_update_share(struct baseline *b, const struct epoch_clock *clock);

/* A process of it executed something at ts_ns. */
void baseline_exec(struct baseline *b, const struct epoch_clock *clock, uint64_t ts_ns);

/* Start-ups that have ended: the unit of the start-up streams. */
static inline uint32_t baseline_starts_ended(const struct baseline *b)
{
	return b->n_starts ? b->n_starts - 1 : 0;
}

/* Its age and observed time as they would be at now, for display. */
void baseline_time_at(const struct baseline *b, const struct epoch_clock *clock, uint64_t now_ns,
		      uint32_t *age, uint32_t *observed);

/* Remember that a behaviour waits no more. */
void baseline_note_gone(struct baseline *b, uint64_t fingerprint);
