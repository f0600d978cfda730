/* Values that keys are made of, beside the filter fields: what the kernel resolved, and facts that
 * no filter field has (who created the process, arguments one by one). Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "state/field.h"
#include "state/state.h"

/* False: absent. argument: what stands behind the name, for event.arg.NAME. out is valid as long as
 * the context's arena. */
typedef bool key_source_fn(const struct field_context *ctx, struct text argument,
			   struct value *out);

struct key_source {
	const char *name; /* ends in a dot when it takes an argument */
	key_source_fn *get;
	const char *description;
};

/* By name, with *argument (borrowed from name); NULL: none, so it is a filter expression. */
const struct key_source *key_source_by_name(struct text name, struct text *argument);

/* All of them, *n. */
const struct key_source *key_sources(uint32_t *n);
