/* Which parts of the conditions of a share depend on nothing but the process: on its image,
 * identity and name and on its ancestors. What they say stays true until one of these changes, so
 * it is remembered for the process (see FIELD_PER_PROCESS, FIELD_PER_LINEAGE). Made once all
 * filters are compiled; immutable afterwards. */
#pragma once

#include "filter/filter.h"

struct filter_share;
struct node;
struct stable_parts;

#define STABLE_NONE UINT32_MAX

/* 0 and *out, or -ENOMEM. The share must outlive it. */
int stable_parts_create(struct stable_parts **out, const struct filter_share *share);
void stable_parts_destroy(struct stable_parts **parts);

/* Words of a set of stable parts, one bit each. */
uint32_t stable_parts_words(const struct stable_parts *parts);

/* The node's number, STABLE_NONE if it depends on more than the process. */
uint32_t stable_parts_index(const struct stable_parts *parts, const struct node *node);

/* What is known of one process: all bits zero at first. */
struct stable_memory {
	uint64_t *known, *truths; /* stable_parts_words() each */
};

/* Whether the part is true of the context's process: remembered, or found out and remembered with
 * all that had to be asked for it. Allocates nothing. */
bool stable_part_ask(const struct stable_parts *parts, uint32_t index,
		     const struct field_context *ctx, struct stable_memory *memory);

/* The process has other ancestors: forget what depends on them. */
void stable_memory_forget_lineage(const struct stable_parts *parts, struct stable_memory *memory);

size_t stable_parts_bytes(const struct stable_parts *parts);
