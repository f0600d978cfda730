/* Memory that lives and dies with one compiled thing: a filter, a format, a rule's tree. Blocks
 * grow as needed up to POOL_BYTES_MAX, which bounds what hostile text can make the compiler build.
 */
#pragma once

#include <stddef.h>

#include "base/text.h"

#define POOL_BYTES_MAX ((size_t)64 << 20)

struct pool_block;

struct pool {
	struct pool_block *last;
	size_t bytes; /* of all blocks */
};

/* size zeroed bytes, aligned for any type. NULL without memory or beyond the bound. */
void *pool_alloc(struct pool *pool, size_t size);

/* A NUL-terminated copy (the NUL is not counted). .ptr is NULL without memory. */
struct text pool_text(struct pool *pool, struct text t);

/* Release everything; the pool is empty and usable again. */
void pool_done(struct pool *pool);
