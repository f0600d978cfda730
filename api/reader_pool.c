#include "api/reader_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct reader_pool {
	char *store_path, *host;
	pthread_mutex_t lock;
	pthread_cond_t given_back;
	unsigned n;      /* slots */
	unsigned n_idle; /* idle[0 .. n_idle) are free; NULL: not opened yet */
	struct queries **idle;
};

int reader_pool_create(struct reader_pool **out, const char *store_path, const char *host,
		       unsigned n)
{
	SCOPED(reader_pool_destroy) struct reader_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->given_back, NULL);
	pool->store_path = strdup(store_path);
	pool->host = strdup(host);
	pool->idle = calloc(n, sizeof(struct queries *));
	if (!pool->store_path || !pool->host || !pool->idle)
		return -ENOMEM;
	pool->n = n;
	pool->n_idle = n;
	*out = TAKE(pool);
	return 0;
}

void reader_pool_destroy(struct reader_pool **pool_ptr)
{
	struct reader_pool *pool = TAKE(*pool_ptr);

	if (!pool)
		return;
	for (unsigned i = 0; i < pool->n_idle; i++) {
		if (pool->idle[i])
			queries_close(&pool->idle[i]);
	}
	free(pool->idle);
	free(pool->store_path);
	free(pool->host);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->given_back);
	free(pool);
}

int reader_pool_take(struct reader_pool *pool, struct queries **out)
{
	struct queries *queries;
	int r;

	pthread_mutex_lock(&pool->lock);
	while (pool->n_idle == 0)
		pthread_cond_wait(&pool->given_back, &pool->lock);
	queries = pool->idle[--pool->n_idle];
	pthread_mutex_unlock(&pool->lock);
	if (!queries) {
		r = queries_open(&queries, pool->store_path, pool->host);
		if (r) {
			reader_pool_give(pool, NULL);
			return r;
		}
	}
	*out = queries;
	return 0;
}

/* The connection used last is lent next: its page cache is warm, and idle slots stay unopened. */
void reader_pool_give(struct reader_pool *pool, struct queries *queries)
{
	pthread_mutex_lock(&pool->lock);
	pool->idle[pool->n_idle++] = queries;
	pthread_cond_signal(&pool->given_back);
	pthread_mutex_unlock(&pool->lock);
}
