#include "filter/pool.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/util.h"

#define BLOCK_BYTES ((size_t)4096)

struct pool_block {
	struct pool_block *previous;
	size_t size, used;
	alignas(max_align_t) char bytes[];
};

static struct pool_block *pool_grow(struct pool *pool, size_t need)
{
	size_t size = MAX(need, pool->last ? MIN(2 * pool->last->size, 64 * BLOCK_BYTES)
					   : BLOCK_BYTES / 8);
	struct pool_block *block;

	if (size > POOL_BYTES_MAX - pool->bytes)
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	block->previous = pool->last;
	pool->last = block;
	pool->bytes += size;
	return block;
}

void *pool_alloc(struct pool *pool, size_t size)
{
	struct pool_block *block = pool->last;
	void *bytes;

	if (size > POOL_BYTES_MAX)
		return NULL;
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!block || block->size - block->used < size) {
		block = pool_grow(pool, size);
		if (!block)
			return NULL;
	}
	bytes = block->bytes + block->used;
	block->used += size;
	return bytes;
}

struct text pool_text(struct pool *pool, struct text t)
{
	char *copy = pool_alloc(pool, (size_t)t.len + 1);

	if (!copy)
		return TEXT_NONE;
	if (t.len)
		memcpy(copy, t.ptr, t.len);
	return (struct text){copy, t.len};
}

void pool_done(struct pool *pool)
{
	while (pool->last) {
		struct pool_block *previous = pool->last->previous;

		free(pool->last);
		pool->last = previous;
	}
	pool->bytes = 0;
}
