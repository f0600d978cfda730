/* Simulated workloads for tests of calibration: which leaves of a three-level tree (program,
 * directory, name) show up in each epoch, and what of them is new. Fixed seeds, no clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SIM_LEVELS 3

enum sim_kind { SIM_ZIPF, SIM_DRIFT, SIM_PERIODIC, SIM_KIND_END };

struct sim;

struct sim *sim_create(enum sim_kind kind, uint64_t seed, uint32_t epochs);
void sim_destroy(struct sim *sim);

/* Something new in an epoch: the coarsest new level and its parent's record before the epoch. */
struct sim_novelty {
	uint32_t level, leaf;
	uint32_t parent_epochs, child_epochs;
};

#define SIM_NOVELTIES_MAX 256

/* Play the next epoch; gives the novelties (at most SIM_NOVELTIES_MAX) and, by level, whether any
 * prefix of that length or shorter was new. Teaches the simulated tables at its end. */
uint32_t sim_epoch(struct sim *sim, struct sim_novelty novelties[SIM_NOVELTIES_MAX],
		   bool is_new[SIM_LEVELS]);

/* The leaves that the last epoch showed, and the three fields of a leaf's key. */
const uint32_t *sim_shown(const struct sim *sim, uint32_t *n);
void sim_key(const struct sim *sim, uint32_t leaf, uint32_t fields[SIM_LEVELS]);

/* xorshift64*: uniform in [0, 1). */
double sim_random(uint64_t *state);
