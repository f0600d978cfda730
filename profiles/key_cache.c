#include "profiles/key_cache.h"

#include <errno.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "state/state.h"

#define ENTRIES 4096 /* power of two */

struct key_cache {
	uint64_t seed;
	struct key_cache_entry entries[ENTRIES];
};

int key_cache_create(struct key_cache **out, uint64_t seed)
{
	struct key_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->seed = seed;
	*out = cache;
	return 0;
}

void key_cache_destroy(struct key_cache **cache)
{
	free(*cache);
	*cache = NULL;
}

static bool open_flags(const struct event *ev, uint64_t *out)
{
	const struct param *param = NULL;

	if (ev->type == EVENT_OPENAT)
		param = event_param(ev, OPENAT_flags);
	else if (ev->type == EVENT_OPEN)
		param = event_param(ev, OPEN_flags);
	else if (ev->type == EVENT_OPENAT2)
		param = event_param(ev, OPENAT2_flags);
	if (!param)
		return false;
	*out = param->u64;
	return true;
}

bool key_cache_signature(const struct key_cache *cache, const struct field_context *ctx,
			 uint64_t *out)
{
	const struct event *ev = ctx->event;
	struct text path = ctx->subject->path;
	uint64_t how;

	if (path.len == 0 || ev->res < 0 || !ev->has_res || !open_flags(ev, &how))
		return false;
	how = how << 16 | (uint64_t)ev->type << 1;
	how |= ev->file && ev->file->kind == FILE_KIND_DIRECTORY;
	*out = XXH3_64bits_withSeed(path.ptr, path.len, cache->seed ^ how);
	return true;
}

static struct key_cache_entry *place_of(const struct key_cache *cache,
					const struct process *process, uint64_t signature)
{
	uint64_t at = (signature ^ process->slot * UINT64_C(0x9e3779b97f4a7c15)) & (ENTRIES - 1);

	return (struct key_cache_entry *)&cache->entries[at];
}

const struct key_cache_entry *key_cache_find(const struct key_cache *cache,
					     const struct process *process, uint64_t signature,
					     uint32_t epoch)
{
	const struct key_cache_entry *entry = place_of(cache, process, signature);

	return entry->signature == signature && entry->slot == process->slot &&
			       entry->generation == process->generation && entry->epoch == epoch
		       ? entry
		       : NULL;
}

struct key_cache_entry *key_cache_put(struct key_cache *cache, const struct process *process,
				      uint64_t signature, uint32_t epoch)
{
	struct key_cache_entry *entry = place_of(cache, process, signature);

	*entry = (struct key_cache_entry){.signature = signature,
					  .slot = process->slot,
					  .generation = process->generation,
					  .epoch = epoch};
	return entry;
}

void key_cache_clear(struct key_cache *cache)
{
	memset(cache->entries, 0, sizeof(cache->entries));
}
