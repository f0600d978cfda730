/* From what the profile says about a novelty to bits of surprise and a return period.
 * Formulas and constants: docs/statistics.md, "One deviation". Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "profiles/profile_set.h"

/* No claim is longer, whatever the counters say (contract: return_period_s). */
#define RETURN_PERIOD_MAX_S 3.2e9

/* What is known about one behaviour that is new at some level. */
struct novelty {
	struct stream_view stream; /* of the coarsest new level */
	uint32_t level;            /* coarsest new level, 0 coarsest of all */
	uint32_t parent_epochs;    /* in which the parent prefix was seen */
	uint32_t child_epochs;     /* of these, the ones in which it gained a child */
	double unit_s;             /* calendar time of one epoch of the stream's exposure */
	bool has_population;
	bool population_known;  /* another workload of the pool shows this behaviour */
	double population_rate; /* per epoch: of what is new to the whole pool */
	bool is_never_excused;  /* what others do does not soften it */
};

struct claim {
	double bits; /* return_period_s = unit_s * 2^bits, unless cut at RETURN_PERIOD_MAX_S */
	double stream_bits, parent_bits;
	double return_period_s;
	double longest_s;         /* what the stream, or its pool, could claim at most */
	double population_factor; /* by which the population changed the return period */
	bool is_capped;           /* cut at longest_s */
};

void return_period_claim(const struct novelty *novelty, struct claim *out);

/* Calendar time of one epoch of exposure of a stream. Never so long that the stream would be older
 * than what was observed. */
double return_period_unit_s(const struct profile_view *view, const struct stream_view *stream);
