/* Whether a baseline is known well enough to be judged by, as of a moment: by evidence, not by age.
 *
 *   a level      is ready by its steady stream: see stream_judge()
 *   a dimension  is ready when some level is; unsettled when not even its coarsest level will be
 *   a workload   is ready when every dimension in which it was active is, and one in which it never
 *                did anything would be by its age; unsettled when all that is missing is unsettled
 *
 * Streams are lazy: everything here looks at copies, moved on to now. */
#pragma once

#include <stdbool.h>

#include "base/snapshot.h"
#include "profiles/set_private.h"

struct moment {
	uint32_t age, observed; /* epochs */
	double share, ready_epochs;
	double epoch_s; /* of calendar, for an epoch of existence */
	uint32_t min_epochs;
};

void lifecycle_moment(const struct profile_set *set, const struct baseline *b, struct moment *out);

/* The level's steady stream as of now, judged. */
struct stream lifecycle_stream(const struct profile *p, unsigned level, const struct moment *now);

struct outlook {
	enum learning_state state;
	int ready_level; /* finest; -1 none */
	bool has_eta;
	double eta_low_s, eta_high_s;
};

void lifecycle_dimension(const struct profile *p, const struct moment *now, struct outlook *out);
void lifecycle_workload(const struct baseline *b, const struct moment *now, struct outlook *out);

/* Why it is so, in plain sentences; returns how many. */
uint32_t lifecycle_reasons(const struct profile *p, const struct moment *now,
			   struct snapshot_pool *pool, struct text reasons[SNAPSHOT_REASONS_MAX]);
