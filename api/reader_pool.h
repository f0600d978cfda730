/* Reading connections to the store, one for each API thread at a time. */
#pragma once

#include "storage/queries.h"

struct reader_pool;

/* n connections, opened when first needed; host as for queries_open(). 0 or -ENOMEM. */
int reader_pool_create(struct reader_pool **out, const char *store_path, const char *host,
		       unsigned n);

/* Closes all; none may be lent. */
void reader_pool_destroy(struct reader_pool **pool);

/* Lend a connection, waiting for one if all are lent. 0 gives *out; else queries_open()'s error. */
int reader_pool_take(struct reader_pool *pool, struct queries **out);
void reader_pool_give(struct reader_pool *pool, struct queries *queries);
