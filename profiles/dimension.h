/* Dimensions: kinds of behaviour that are learned separately, defined in YAML, and the keys of the
 * behaviours that an event shows. docs/dimensions.md describes the files.
 *
 * A key has ordered fields, coarse to fine; each prefix of it is a level, with a fingerprint:
 *   state(-1) = H(seed; key version, definition hash)
 *   state(l)  = H(state(l-1), level l, length of field l; bytes of field l)
 * which is injective in (version, definition, level, length-prefixed fields) up to the 64-bit hash
 * and costs one short XXH3 a level. Definitions are immutable and may be shared; observing needs
 * the pipeline thread's field_context. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/records.h"
#include "filter/possible.h"

#define DIMENSIONS_MAX 64
#define DIMENSION_NAME_MAX 63 /* bytes */

struct dimension;
struct dimension_set;

/* Load files in order; a later dimension of the same name replaces an earlier one. 0 gives *out;
 * -EINVAL and -ENOENT etc. fill diag with file, line, column; -ENOMEM. fields must outlive it. */
int dimension_set_load(struct dimension_set **out, const char *const *files, uint32_t n_files,
		       const struct field_set *fields, struct diag *diag);
/* The same from memory; name stands for the file in messages. */
int dimension_set_parse(struct dimension_set **out, struct text yaml, const char *name,
			const struct field_set *fields, struct diag *diag);
void dimension_set_destroy(struct dimension_set **set);

uint32_t dimension_set_size(const struct dimension_set *set);
const struct dimension *dimension_set_get(const struct dimension_set *set, uint32_t index);

/* The number of the dimension with that name; -1: none. */
int dimension_set_find(const struct dimension_set *set, struct text name);

/* Events that any dimension observes. */
const struct event_set *dimension_set_events(const struct dimension_set *set);

/* Add the calls that any dimension can use, of the events in wanted. */
void dimension_set_add_classes(const struct dimension_set *set, const struct event_set *wanted,
			       struct call_classes *classes);

/* The dimensions (bit = index) that list the event's type, whatever its result. */
uint64_t dimension_set_observers(const struct dimension_set *set, const struct event *ev);

/* Visit the texts of its filter and of the values that its keys are made of. */
void dimension_each_use(const struct dimension *dimension,
			void (*visit)(const struct event_set *events, struct text text, void *arg),
			void *arg);

/* The events that it lists. */
const struct event_set *dimension_events(const struct dimension *dimension);

struct dimension_settings {
	uint32_t top; /* entries of the top list, 0 none */
	uint32_t sketch_rows;
	uint64_t head_bytes_max; /* exact table of one profile; past it the finest level is
				    estimated */
	uint64_t sketch_bytes_max;
};

/* The definition. Text is borrowed from the set. */
struct dimension_info {
	struct text name, description;
	uint64_t definition_hash; /* of what decides keys: another hash, another baseline */
	bool has_startup;         /* the first seconds of a process are a stratum of their own */
	uint8_t n_levels;
	struct text levels[RECORD_LEVELS_MAX]; /* names of the key fields */
	struct dimension_settings settings;
};

const struct dimension_info *dimension_info(const struct dimension *dimension);

/* True if its keys depend on nothing but the process's image, and of the event on its type, result,
 * flags, path and whether that is a directory: then they can be remembered by these. */
bool dimension_is_path_keyed(const struct dimension *dimension);

/* The key fields of one behaviour. */
struct dimension_key {
	uint8_t n_levels;                      /* usable: cut at the first missing field */
	bool is_missing;                       /* a field was absent */
	struct text fields[RECORD_LEVELS_MAX]; /* valid until the context's arena is reset */
};

/* Does the event show a behaviour of this dimension (type, result, access, filter)? Then fill out.
 * False also when fewer fields are there than the dimension wants (one). */
bool dimension_observe(const struct dimension *dimension, const struct field_context *ctx,
		       struct dimension_key *out);

/* Fingerprints of the key's levels under a baseline's seed; never 0. */
void dimension_fingerprint(const struct dimension *dimension, const struct dimension_key *key,
			   uint64_t seed, uint64_t fingerprints[RECORD_LEVELS_MAX]);

/* The same fields under a key that was stored: for allow rows and imports. False if it has no
 * fields or too many. */
bool dimension_key_of(const struct dimension *dimension, const struct record_key *key,
		      struct dimension_key *out);
