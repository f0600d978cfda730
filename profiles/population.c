#include "profiles/population.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/util.h"

#define SEVERAL 2 /* workloads, in head_slot.epochs */
#define TOUCHED_MAX (1u << 20)
#define POOLS_MAX 65536

struct pool_level {
	struct discovery discovery;
	uint64_t owner; /* workload of the open unit's marks */
};

struct pool_dimension {
	uint64_t definition_hash;
	uint8_t n_levels;
	struct pool_level levels[RECORD_LEVELS_MAX];
};

struct pool {
	uint64_t key;
	struct population *population;
	const struct baseline *first;
	uint32_t n_members;
	uint32_t units; /* ended epochs of all members */
	uint32_t n_dimensions;
	struct pool_dimension *dimensions;
};

int population_init(struct population *population, uint64_t set_seed, size_t bytes_max)
{
	static const char purpose[] = "population";

	*population = (struct population){
		.seed = XXH3_64bits_withSeed(purpose, sizeof(purpose), set_seed)};
	population->bytes_max = bytes_max;
	return head_create(&population->known, bytes_max);
}

static void pool_destroy(struct pool *pool)
{
	free(pool->dimensions);
	free(pool);
}

void population_done(struct population *population)
{
	uint32_t cursor = 0;
	struct pool *pool;

	while ((pool = fp_map_next(&population->pools, &cursor)))
		pool_destroy(pool);
	fp_map_done(&population->pools);
	head_destroy(&population->known);
	free(population->touched);
	*population = (struct population){0};
}

static struct pool *pool_get(struct population *population, uint64_t key)
{
	struct pool *pool = fp_map_find(&population->pools, key);

	if (pool || population->pools.count >= POOLS_MAX)
		return pool;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->key = key;
	pool->population = population;
	if (fp_map_put(&population->pools, key, pool)) {
		pool_destroy(pool);
		return NULL;
	}
	return pool;
}

void population_join_key(struct population *population, struct baseline *b, uint64_t key)
{
	struct pool *pool = key && !b->pool ? pool_get(population, key) : NULL;

	if (!pool)
		return;
	if (!pool->first)
		pool->first = b;
	pool->n_members++;
	pool->units += b->age;
	b->pool = pool;
	b->is_dirty = true;
}

void population_join(struct population *population, struct baseline *b, struct text name)
{
	if (name.len)
		population_join_key(population, b, XXH3_64bits(name.ptr, name.len) | 1);
}

void population_leave(struct baseline *b)
{
	if (!b->pool)
		return;
	if (b->pool->first == b)
		b->pool->first = NULL;
	b->pool->n_members--;
	b->pool = NULL;
}

uint64_t pool_key(const struct pool *pool)
{
	return pool ? pool->key : 0;
}

void pool_add_units(struct pool *pool, uint32_t n)
{
	if (pool)
		pool->units = pool->units > UINT32_MAX - n ? UINT32_MAX : pool->units + n;
}

static struct pool_dimension *find_dimension(const struct pool *pool, uint64_t definition_hash)
{
	for (uint32_t i = 0; i < pool->n_dimensions; i++) {
		if (pool->dimensions[i].definition_hash == definition_hash)
			return &pool->dimensions[i];
	}
	return NULL;
}

static struct pool_dimension *add_dimension(struct pool *pool, uint64_t definition_hash,
					    uint8_t n_levels)
{
	size_t n = pool->n_dimensions;
	struct pool_dimension *grown;

	if (n >= DIMENSIONS_MAX)
		return NULL;
	grown = realloc(pool->dimensions, (n + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	pool->dimensions = grown;
	grown[n] =
		(struct pool_dimension){.definition_hash = definition_hash, .n_levels = n_levels};
	for (unsigned l = 0; l < n_levels; l++)
		discovery_init(&grown[n].levels[l].discovery, l);
	pool->n_dimensions++;
	return &grown[n];
}

/* A pool's record of a dimension begins as its first member's: what was new to the only member was
 * new to all. The age is the pool's, and nothing is forgotten by that. */
static struct pool_dimension *get_dimension(struct pool *pool, const struct profile *p)
{
	uint64_t hash = dimension_info(p->dimension)->definition_hash;
	struct pool_dimension *dimension = find_dimension(pool, hash);
	const struct profile *from = p;

	if (dimension)
		return dimension;
	if (pool->first && pool->first->profiles[p->index])
		from = pool->first->profiles[p->index];
	dimension = add_dimension(pool, hash, p->n_levels);
	for (unsigned l = 0; dimension && l < p->n_levels; l++) {
		struct pool_level *level = &dimension->levels[l];

		level->discovery = from->levels[l].streams[STEADY];
		level->discovery.stream.age = MAX(level->discovery.stream.age, pool->units);
	}
	return dimension;
}

static struct pool_level *get_level(struct pool *pool, const struct profile *p, unsigned level)
{
	struct pool_dimension *dimension;

	if (!pool || pool->n_members < 2 || pool->population->is_full)
		return NULL;
	dimension = get_dimension(pool, p);
	if (!dimension || level >= dimension->n_levels)
		return NULL;
	stream_advance(&dimension->levels[level].discovery.stream, pool->units);
	return &dimension->levels[level];
}

bool pool_mark(struct pool *pool, const struct profile *p, unsigned level, uint32_t *unit)
{
	struct pool_level *l = get_level(pool, p, level);
	uint64_t owner = p->baseline->id;

	if (!l)
		return false;
	/* Another member's epoch is another unit. */
	if (l->discovery.stream.open_new && l->owner != owner)
		stream_advance(&l->discovery.stream, l->discovery.stream.age + 1);
	l->owner = owner;
	*unit = discovery_mark(&l->discovery);
	pool->population->is_dirty = true;
	return true;
}

void pool_withdraw(struct pool *pool, const struct profile *p, unsigned level, uint32_t unit)
{
	struct pool_level *l = get_level(pool, p, level);

	if (l && discovery_withdraw(&l->discovery, unit))
		pool->population->is_dirty = true;
}

bool pool_rate(struct pool *pool, const struct profile *p, unsigned level, double *rate)
{
	struct pool_level *l = get_level(pool, p, level);

	if (l)
		*rate = stream_rate(&l->discovery.stream);
	return l != NULL;
}

static uint32_t owner_of(const struct profile *p)
{
	return (uint32_t)p->baseline->id;
}

static bool host_fingerprints(const struct population *population, const struct profile *p,
			      const struct record_key *key, uint64_t out[RECORD_LEVELS_MAX])
{
	struct dimension_key fields;

	if (!dimension_key_of(p->dimension, key, &fields))
		return false;
	dimension_fingerprint(p->dimension, &fields, population->seed, out);
	return true;
}

unsigned population_new_level(const struct population *population, const struct profile *p,
			      const struct record_key *key)
{
	uint64_t fingerprints[RECORD_LEVELS_MAX];
	unsigned l;

	if (!host_fingerprints(population, p, key, fingerprints))
		return 0;
	for (l = 0; l < key->n; l++) {
		const struct head_slot *slot = head_find(population->known, fingerprints[l]);

		if (!slot || (slot->epochs < SEVERAL && slot->first_epoch == owner_of(p)))
			break;
	}
	return l;
}

static void note_touched(struct population *population, uint64_t fingerprint)
{
	population->is_dirty = true;
	if (population->n_touched == population->touched_capacity) {
		uint32_t capacity =
			population->touched_capacity ? population->touched_capacity * 2 : 64;
		void *grown = NULL;

		if (capacity <= TOUCHED_MAX)
			grown = realloc(population->touched, capacity * sizeof(uint64_t));
		if (!grown) {
			population->needs_image = true;
			return;
		}
		population->touched = grown;
		population->touched_capacity = capacity;
	}
	population->touched[population->n_touched++] = fingerprint;
}

void population_learn(struct population *population, const struct profile *p,
		      const struct record_key *key, uint32_t epoch)
{
	uint64_t fingerprints[RECORD_LEVELS_MAX];

	if (!host_fingerprints(population, p, key, fingerprints))
		return;
	for (unsigned l = 0; l < key->n; l++) {
		struct head_slot *slot = head_find(population->known, fingerprints[l]);

		if (!slot) {
			slot = head_add(population->known, fingerprints[l], 0, owner_of(p));
			if (!slot) {
				population->is_full = true;
				return;
			}
			slot->epochs = 1;
		} else if (slot->epochs < SEVERAL && slot->first_epoch != owner_of(p)) {
			slot->epochs = SEVERAL;
		} else {
			continue;
		}
		slot->last_epoch = MAX(slot->first_epoch, epoch);
		note_touched(population, fingerprints[l]);
	}
}

size_t population_bytes(const struct population *population)
{
	return head_bytes(population->known) + fp_map_bytes(&population->pools) +
	       population->pools.count * (sizeof(struct pool) + sizeof(struct pool_dimension));
}

static void write_pool(const struct pool *pool, struct blob_writer *writer)
{
	blob_put_u64(writer, pool->key);
	blob_put_varint(writer, pool->n_dimensions);
	for (uint32_t i = 0; i < pool->n_dimensions; i++) {
		const struct pool_dimension *dimension = &pool->dimensions[i];

		blob_put_u64(writer, dimension->definition_hash);
		blob_put_u8(writer, dimension->n_levels);
		for (unsigned l = 0; l < dimension->n_levels; l++) {
			discovery_write(&dimension->levels[l].discovery, writer);
			blob_put_u64(writer, dimension->levels[l].owner);
		}
	}
}

void population_write_pools(const struct population *population, struct blob_writer *writer)
{
	uint32_t cursor = 0, n = 0;
	const struct pool *pool;

	while ((pool = fp_map_next(&population->pools, &cursor)))
		n += pool->n_dimensions > 0;
	blob_put_varint(writer, n);
	cursor = 0;
	while ((pool = fp_map_next(&population->pools, &cursor))) {
		if (pool->n_dimensions)
			write_pool(pool, writer);
	}
}

static int read_dimension(struct pool *pool, struct blob_reader *reader)
{
	uint64_t hash = blob_get_u64(reader);
	uint8_t n_levels = blob_get_u8(reader);
	struct pool_dimension *dimension;

	if (reader->failed || n_levels == 0 || n_levels > RECORD_LEVELS_MAX)
		return -EBADMSG;
	dimension = find_dimension(pool, hash);
	if (!dimension)
		dimension = add_dimension(pool, hash, n_levels);
	if (!dimension)
		return -ENOMEM;
	if (dimension->n_levels != n_levels)
		return -EBADMSG;
	for (unsigned l = 0; l < n_levels; l++) {
		int r = discovery_read(&dimension->levels[l].discovery, reader);

		if (r)
			return r;
		dimension->levels[l].owner = blob_get_u64(reader);
	}
	return 0;
}

int population_read_pools(struct population *population, struct blob_reader *reader)
{
	uint64_t n = blob_get_count(reader, POOLS_MAX);

	for (uint64_t i = 0; i < n && !reader->failed; i++) {
		struct pool *pool = pool_get(population, blob_get_u64(reader));
		uint64_t n_dimensions = blob_get_count(reader, DIMENSIONS_MAX);

		if (!pool)
			return -ENOMEM;
		for (uint64_t d = 0; d < n_dimensions; d++) {
			int r = read_dimension(pool, reader);

			if (r)
				return r;
		}
	}
	return reader->failed ? -EBADMSG : 0;
}
