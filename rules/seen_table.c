#include "rules/seen_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define BUCKETS_MAX (UINT32_C(1) << 24)

struct bucket {
	uint64_t ways[SEEN_WAYS]; /* last used first; 0: free, behind all others */
};

struct seen_table {
	uint32_t n_buckets; /* power of two */
	uint32_t n;
	uint64_t evicted_total;
	struct bucket buckets[];
};

int seen_table_create(struct seen_table **out, uint32_t n)
{
	struct seen_table *table;
	uint32_t n_buckets = 1;

	while (n_buckets < BUCKETS_MAX && n_buckets * SEEN_WAYS < n)
		n_buckets *= 2;
	table = calloc(1, sizeof(*table) + n_buckets * sizeof(table->buckets[0]));
	if (!table)
		return -ENOMEM;
	table->n_buckets = n_buckets;
	*out = table;
	return 0;
}

void seen_table_destroy(struct seen_table **table)
{
	free(*table);
	*table = NULL;
}

static uint32_t bucket_of(const struct seen_table *table, uint64_t fingerprint)
{
	return (uint32_t)(fingerprint >> 32) & (table->n_buckets - 1);
}

/* Its way; SEEN_WAYS: not there. */
static uint32_t find(const struct bucket *bucket, uint64_t fingerprint)
{
	uint32_t way = 0;

	while (way < SEEN_WAYS && bucket->ways[way] != fingerprint)
		way++;
	return way;
}

bool seen_table_has(const struct seen_table *table, uint64_t fingerprint)
{
	fingerprint += fingerprint == 0;
	return find(&table->buckets[bucket_of(table, fingerprint)], fingerprint) < SEEN_WAYS;
}

bool seen_table_note(struct seen_table *table, uint64_t fingerprint)
{
	struct bucket *bucket;
	uint32_t way;
	bool was_seen;

	fingerprint += fingerprint == 0;
	bucket = &table->buckets[bucket_of(table, fingerprint)];
	way = find(bucket, fingerprint);
	was_seen = way < SEEN_WAYS;
	if (!was_seen) {
		way = SEEN_WAYS - 1;
		if (bucket->ways[way])
			table->evicted_total++;
		else
			table->n++;
	}
	memmove(bucket->ways + 1, bucket->ways, way * sizeof(bucket->ways[0]));
	bucket->ways[0] = fingerprint;
	return was_seen;
}

uint32_t seen_table_list(const struct seen_table *table, uint64_t *out, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t b = 0; b < table->n_buckets; b++) {
		for (uint32_t way = SEEN_WAYS; way-- > 0 && n < max;) {
			if (table->buckets[b].ways[way])
				out[n++] = table->buckets[b].ways[way];
		}
	}
	return n;
}

uint32_t seen_table_size(const struct seen_table *table)
{
	return table->n;
}

uint32_t seen_table_room(const struct seen_table *table)
{
	return table->n_buckets * SEEN_WAYS;
}

uint64_t seen_table_evicted_total(const struct seen_table *table)
{
	return table->evicted_total;
}

size_t seen_table_bytes(const struct seen_table *table)
{
	return sizeof(*table) + table->n_buckets * sizeof(table->buckets[0]);
}
