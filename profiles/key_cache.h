/* What recent events of processes were found to show, so that the millionth open of a file needs
 * neither its key nor its levels. Pipeline thread only.
 *
 * Only what is known and was seen in this epoch already is answered from here: then commit has
 * nothing to do but count. An entry belongs to one image of one process (slot and generation), one
 * epoch, and one event as far as keys can depend on it: its type, flags and path. Only dimensions
 * whose keys depend on nothing else are cached. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "profiles/profile.h"
#include "state/field.h"
#include "state/state.h"

#define KEY_CACHE_ITEMS 2

struct key_cache_item {
	struct profile *profile;
	uint64_t fingerprint; /* of the finest usable level */
	uint8_t n_levels;
	bool is_missing;
};

struct key_cache_entry {
	uint64_t signature;
	uint64_t generation;
	uint32_t slot;
	uint32_t epoch; /* 0: empty */
	uint32_t n;
	struct key_cache_item items[KEY_CACHE_ITEMS];
};

struct key_cache;

/* 0 or -ENOMEM. */
int key_cache_create(struct key_cache **out, uint64_t seed);
void key_cache_destroy(struct key_cache **cache);

/* What of the event decides its keys. False: not to be cached. */
bool key_cache_signature(const struct key_cache *cache, const struct field_context *ctx,
			 uint64_t *out);

/* The entry of the process and signature in that epoch, or NULL. */
const struct key_cache_entry *key_cache_find(const struct key_cache *cache,
					     const struct process *process, uint64_t signature,
					     uint32_t epoch);

/* The place for it, filled but for n and items. */
struct key_cache_entry *key_cache_put(struct key_cache *cache, const struct process *process,
				      uint64_t signature, uint32_t epoch);

/* Forget all: profiles may go. */
void key_cache_clear(struct key_cache *cache);
