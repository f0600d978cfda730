/* Everything that goes into judging one sighting of something new, gathered from the profile, and
 * the claim that follows. Made anew for each judgement and not kept. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "anomaly/return_period.h"
#include "profiles/profile_set.h"

struct judgement {
	struct profile_view view;
	struct novelty novelty;
	struct claim claim;
};

/* False: there is nothing to judge (all known, accepted, cut short at a missing field, or the
 * workload is not resolved yet); *out is then undefined. */
bool judgement_make(const struct sighting *sighting, struct judgement *out);

/* What each level's stream says; levels above the coarsest new one are known. Returns how many. */
uint8_t judgement_levels(const struct judgement *judgement, const struct sighting *sighting,
			 struct record_level levels[RECORD_LEVELS_MAX]);
