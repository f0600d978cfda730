/* What the host's other workloads do. Pipeline thread only.
 *
 * A host-wide table of prefixes, under a fingerprint seed of its own, says whether another workload
 * is known for a behaviour. Workloads of the same kind of thing (image, else the executable at the
 * root of their processes) form a pool, with streams that are hit only by what nobody on the host
 * is known for. Their unit is one epoch of one member, so rates of members and pool compare;
 * members that discover something in the same epoch get a unit each.
 *
 * A pool's streams begin with the second member, as a copy of the first one's: what was new to the
 * only member was new to all. A table that is full makes the population unavailable (counted):
 * taking the unknown for new would claim too much. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "profiles/baseline.h"

struct pool;

struct population {
	uint64_t seed;
	struct head *known; /* by host-wide fingerprint: epochs = workloads (2 = several),
			     * first_epoch = who was first */
	struct fp_map pools;
	size_t bytes_max;
	bool is_full;
	bool is_dirty, needs_image;
	/* for the next checkpoint */
	uint64_t *touched;
	uint32_t n_touched, touched_capacity;
	uint64_t journal_bytes, image_bytes, image_ns;
};

/* 0 or -ENOMEM. */
int population_init(struct population *population, uint64_t set_seed, size_t bytes_max);
void population_done(struct population *population);

/* The baseline becomes a member of the pool of that name (any text); its streams must be synced.
 * Without memory it stays alone. */
void population_join(struct population *population, struct baseline *b, struct text name);
/* The same when the pool's key is known from storage. 0: none. */
void population_join_key(struct population *population, struct baseline *b, uint64_t key);
uint64_t pool_key(const struct pool *pool);
/* The baseline goes; its share of the pool's streams stays. */
void population_leave(struct baseline *b);

/* Epochs of a member have ended. */
void pool_add_units(struct pool *pool, uint32_t n);

/* Something turned up in the open unit. False: no streams. */
bool pool_mark(struct pool *pool, const struct profile *p, unsigned level, uint32_t *unit);
void pool_withdraw(struct pool *pool, const struct profile *p, unsigned level, uint32_t unit);

/* False: alone, or no record yet. */
bool pool_rate(struct pool *pool, const struct profile *p, unsigned level, double *rate);

/* The coarsest level of the behaviour that no other workload is known for; key->n when others show
 * all of it. */
unsigned population_new_level(const struct population *population, const struct profile *p,
			      const struct record_key *key);

/* A workload learned a behaviour. */
void population_learn(struct population *population, const struct profile *p,
		      const struct record_key *key, uint32_t epoch);

size_t population_bytes(const struct population *population);

/* The pools' streams, for images and journal. */
void population_write_pools(const struct population *population, struct blob_writer *writer);
int population_read_pools(struct population *population, struct blob_reader *reader);
