/* What evaluating one event's filters has found out so far: values and truths that several filters
 * ask for are worked out once. Belongs to the filters of one share; pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "state/field.h"

struct cached_values {
	uint64_t epoch;
	struct values values;
	bool is_present;
	bool is_hashed;
	uint32_t hash; /* text_set_hash() of the first value, once asked for */
};

struct eval_cache {
	uint64_t epoch;               /* of the present event; what carries another is stale */
	uint64_t *truths;             /* by node: epoch << 1 | truth */
	struct cached_values *values; /* by operand */
};
