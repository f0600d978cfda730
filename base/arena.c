#include "base/arena.h"

#include <errno.h>
#include <stdlib.h>

#define ALIGNMENT 16

int arena_init(struct arena *arena, size_t size)
{
	*arena = (struct arena){.size = size};
	arena->block = malloc(size);
	return arena->block ? 0 : -ENOMEM;
}

void arena_done(struct arena *arena)
{
	free(arena->block);
	*arena = (struct arena){0};
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t start = (arena->used + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

	if (start > arena->size || size > arena->size - start) {
		arena->refused_total++;
		return NULL;
	}
	arena->used = start + size;
	return arena->block + start;
}
