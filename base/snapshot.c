#include "base/snapshot.h"

#include <stdlib.h>

#include "base/util.h"

#define CHUNK_BYTES 16384

struct snapshot_chunk {
	struct snapshot_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

static struct snapshot_chunk *add_chunk(struct snapshot_pool *pool, size_t need)
{
	size_t size = MAX(need, CHUNK_BYTES);
	struct snapshot_chunk *chunk = malloc(sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->used = 0;
	chunk->size = size;
	/* A block of its own for something big must not hide the room left in the first chunk. */
	if (need >= CHUNK_BYTES && pool->chunks) {
		chunk->next = pool->chunks->next;
		pool->chunks->next = chunk;
	} else {
		chunk->next = pool->chunks;
		pool->chunks = chunk;
	}
	return chunk;
}

static void *take(struct snapshot_pool *pool, size_t size, size_t align)
{
	struct snapshot_chunk *chunk = pool->chunks;
	size_t start = chunk ? (chunk->used + align - 1) & ~(align - 1) : 0;

	if (!chunk || start > chunk->size || size > chunk->size - start) {
		chunk = add_chunk(pool, size);
		start = 0;
	}
	if (!chunk)
		return NULL;
	chunk->used = start + size;
	return chunk->bytes + start;
}

struct text snapshot_text(struct snapshot_pool *pool, struct text t)
{
	char *at = t.len ? take(pool, t.len, 1) : NULL;

	if (!at)
		return TEXT_NONE;
	memcpy(at, t.ptr, t.len);
	return (struct text){at, t.len};
}

void *snapshot_alloc(struct snapshot_pool *pool, size_t n, size_t size)
{
	size_t total;
	void *at;

	if (__builtin_mul_overflow(n, size, &total) || total > SIZE_MAX / 2)
		return NULL;
	at = take(pool, MAX(total, 1), _Alignof(max_align_t));
	if (at)
		memset(at, 0, total);
	return at;
}

void snapshot_pool_done(struct snapshot_pool *pool)
{
	struct snapshot_chunk *chunk = pool->chunks;

	while (chunk) {
		struct snapshot_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	pool->chunks = NULL;
}
