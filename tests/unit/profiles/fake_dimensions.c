/* Dimensions for tests of what is learned: the event itself carries the key. event.nr is the
 * dimension, event.params[l].bytes field l (not present: missing). A "file" names a dimension:
 * "file.read/3/startup" has three levels and a start-up stratum; "/top=N" and "/head=BYTES" as the
 * settings; "/cached": its keys may be remembered. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/util.h"
#include "profiles/dimension.h"

struct dimension {
	struct dimension_info info;
	char name[DIMENSION_NAME_MAX + 1];
	bool is_cached;
};

struct dimension_set {
	uint32_t n;
	struct event_set events;
	struct dimension items[DIMENSIONS_MAX];
};

static unsigned long option(const char *spec, const char *name, unsigned long otherwise)
{
	const char *at = strstr(spec, name);

	return at ? strtoul(at + strlen(name), NULL, 10) : otherwise;
}

static void define(struct dimension *dimension, const char *spec)
{
	struct dimension_info *info = &dimension->info;

	snprintf(dimension->name, sizeof(dimension->name), "%.*s", (int)strcspn(spec, "/"), spec);
	info->name = text_from(dimension->name);
	info->definition_hash = XXH3_64bits(spec, strlen(spec));
	info->n_levels = (uint8_t)option(spec, "/", 3);
	info->has_startup = strstr(spec, "/startup") != NULL;
	dimension->is_cached = strstr(spec, "/cached") != NULL;
	for (unsigned l = 0; l < info->n_levels; l++)
		info->levels[l] = TEXT("field");
	info->settings = (struct dimension_settings){
		.top = (uint32_t)option(spec, "/top=", 16),
		.sketch_rows = 4,
		.head_bytes_max = option(spec, "/head=", 1 << 20),
		.sketch_bytes_max = option(spec, "/sketch=", 1 << 20),
	};
}

int dimension_set_load(struct dimension_set **out, const char *const *files, uint32_t n_files,
		       const struct field_set *fields, struct diag *diag)
{
	struct dimension_set *set = calloc(1, sizeof(*set));

	(void)fields;
	(void)diag;
	if (!set)
		return -ENOMEM;
	set->n = n_files;
	for (uint32_t i = 0; i < n_files; i++)
		define(&set->items[i], files[i]);
	*out = set;
	return 0;
}

void dimension_set_destroy(struct dimension_set **set)
{
	free(*set);
	*set = NULL;
}

uint32_t dimension_set_size(const struct dimension_set *set)
{
	return set->n;
}

void dimension_each_use(const struct dimension *dimension,
			void (*visit)(const struct event_set *events, struct text text, void *arg),
			void *arg)
{
	(void)dimension, (void)visit, (void)arg;
}

const struct dimension *dimension_set_get(const struct dimension_set *set, uint32_t index)
{
	return &set->items[index];
}

const struct event_set *dimension_set_events(const struct dimension_set *set)
{
	return &set->events;
}

void dimension_set_add_classes(const struct dimension_set *set, const struct event_set *wanted,
			       struct call_classes *classes)
{
	(void)set;
	(void)wanted;
	call_classes_all(classes);
}

uint64_t dimension_set_observers(const struct dimension_set *set, const struct event *ev)
{
	return ev->nr < set->n ? UINT64_C(1) << ev->nr : 0;
}

const struct dimension_info *dimension_info(const struct dimension *dimension)
{
	return &dimension->info;
}

bool dimension_is_path_keyed(const struct dimension *dimension)
{
	return dimension->is_cached;
}

bool dimension_observe(const struct dimension *dimension, const struct field_context *ctx,
		       struct dimension_key *out)
{
	const struct event *ev = ctx->event;

	*out = (struct dimension_key){0};
	for (unsigned l = 0; l < dimension->info.n_levels; l++) {
		if (l >= ev->n_params || !ev->params[l].is_present) {
			out->is_missing = true;
			break;
		}
		out->fields[out->n_levels++] = ev->params[l].bytes;
	}
	return out->n_levels > 0;
}

void dimension_fingerprint(const struct dimension *dimension, const struct dimension_key *key,
			   uint64_t seed, uint64_t fingerprints[RECORD_LEVELS_MAX])
{
	uint64_t state = dimension->info.definition_hash ^ seed;

	for (unsigned l = 0; l < key->n_levels; l++) {
		state = XXH3_64bits_withSeed(key->fields[l].ptr, key->fields[l].len, state + l);
		state += state == 0;
		fingerprints[l] = state;
	}
}

bool dimension_key_of(const struct dimension *dimension, const struct record_key *key,
		      struct dimension_key *out)
{
	*out = (struct dimension_key){.n_levels = key->n};
	if (key->n == 0 || key->n > dimension->info.n_levels)
		return false;
	memcpy(out->fields, key->fields, sizeof(out->fields));
	return true;
}
