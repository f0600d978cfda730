#include "profiles/fp_map.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_MIN 16

void fp_map_done(struct fp_map *map)
{
	free(map->entries);
	*map = (struct fp_map){0};
}

/* Fibonacci hashing: keys may be fingerprints, ids or small numbers. */
static uint32_t home_of(uint64_t key, uint32_t capacity)
{
	return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (capacity - 1);
}

static struct fp_map_entry *probe(struct fp_map_entry *entries, uint32_t capacity, uint64_t key)
{
	uint32_t at = home_of(key, capacity);

	while (entries[at].value && entries[at].key != key)
		at = (at + 1) & (capacity - 1);
	return &entries[at];
}

void *fp_map_find(const struct fp_map *map, uint64_t key)
{
	return map->count ? probe(map->entries, map->capacity, key)->value : NULL;
}

static int grow(struct fp_map *map)
{
	uint32_t capacity = map->capacity ? map->capacity * 2 : CAPACITY_MIN;
	struct fp_map_entry *entries = calloc(capacity, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < map->capacity; i++) {
		if (map->entries[i].value)
			*probe(entries, capacity, map->entries[i].key) = map->entries[i];
	}
	free(map->entries);
	map->entries = entries;
	map->capacity = capacity;
	return 0;
}

int fp_map_put(struct fp_map *map, uint64_t key, void *value)
{
	struct fp_map_entry *entry;

	if (map->count >= map->capacity / 4 * 3) {
		int r = grow(map);

		if (r)
			return r;
	}
	entry = probe(map->entries, map->capacity, key);
	map->count += !entry->value;
	*entry = (struct fp_map_entry){key, value};
	return 0;
}

void *fp_map_remove(struct fp_map *map, uint64_t key)
{
	uint32_t mask = map->capacity - 1;
	struct fp_map_entry *entry;
	uint32_t gap, at;
	void *value;

	if (!map->count)
		return NULL;
	entry = probe(map->entries, map->capacity, key);
	value = entry->value;
	if (!value)
		return NULL;
	gap = (uint32_t)(entry - map->entries);
	/* Close the gap: whoever probed past it moves up (Knuth, TAOCP 3, 6.4, R). */
	for (at = (gap + 1) & mask; map->entries[at].value; at = (at + 1) & mask) {
		uint32_t home = home_of(map->entries[at].key, map->capacity);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		map->entries[gap] = map->entries[at];
		gap = at;
	}
	map->entries[gap] = (struct fp_map_entry){0};
	map->count--;
	return value;
}

void *fp_map_next(const struct fp_map *map, uint32_t *cursor)
{
	while (*cursor < map->capacity) {
		void *value = map->entries[(*cursor)++].value;

		if (value)
			return value;
	}
	return NULL;
}

size_t fp_map_bytes(const struct fp_map *map)
{
	return (size_t)map->capacity * sizeof(*map->entries);
}
