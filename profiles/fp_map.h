/* Small hash map from a 64-bit fingerprint to a pointer: open addressing, removals close the gap.
 * Plain data on the owner's storage; all zero is empty. The pointers are the owner's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fp_map_entry {
	uint64_t key;
	void *value; /* NULL: free */
};

struct fp_map {
	struct fp_map_entry *entries;
	uint32_t capacity; /* 0 or a power of two, at most three quarters used */
	uint32_t count;
};

void fp_map_done(struct fp_map *map);

/* The value, or NULL. */
void *fp_map_find(const struct fp_map *map, uint64_t key);

/* Put a value that is not NULL; replaces. 0 or -ENOMEM. */
int fp_map_put(struct fp_map *map, uint64_t key, void *value);

/* The removed value, or NULL. */
void *fp_map_remove(struct fp_map *map, uint64_t key);

/* The next value from *cursor on (start with 0); NULL at the end. Any change ends the walk. */
void *fp_map_next(const struct fp_map *map, uint32_t *cursor);

size_t fp_map_bytes(const struct fp_map *map);
