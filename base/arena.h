/* Bump allocator over one fixed block: values made for one event live in it and all vanish with
 * arena_reset(). A full arena gives NULL and counts; it never grows. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena {
	char *block;
	size_t size, used;
	uint64_t refused_total; /* allocations that did not fit since init */
};

/* Allocate the block. 0 or -ENOMEM. */
int arena_init(struct arena *arena, size_t size);
void arena_done(struct arena *arena);

static inline void arena_reset(struct arena *arena)
{
	arena->used = 0;
}

/* size bytes, aligned for any type; NULL when full (counted). */
void *arena_alloc(struct arena *arena, size_t size);
