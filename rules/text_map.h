/* Where in the files each byte of a condition comes from, while it is put together: read from a
 * YAML scalar, appended to, wrapped by exceptions, filled with lists. A map is a list of parts in
 * the order of the text; within a part one byte stands behind the other on one line of a file. All
 * memory is the collection's pool: without memory a map ends early, and places are coarser. */
#pragma once

#include <yaml.h>

#include "filter/pool.h"
#include "rules/place.h"

struct map_part {
	uint32_t at; /* from this byte of the text on ... */
	uint32_t line, column;
	const char *file;
	bool is_fixed; /* ... all bytes come from this one place */
	struct text
		list; /* fixed: what stands there instead of; .ptr NULL: nothing that has a name */
};

struct text_map {
	struct map_part *parts;
	uint32_t n;
};

/* A file while it is read. */
struct source_text {
	const char *file, *bytes;
	size_t len;
	/* a place found before: where that line begins */
	size_t line_at;
	size_t line;
};

/* Where a scalar's bytes (its value as libyaml gives it) stand in the file: place with a map, or
 * without one where value and file do not fit together. */
struct place scalar_place(struct source_text *source, const yaml_node_t *node, struct pool *pool);

/* Line and column (from 1) of a byte of the file. */
struct place byte_place(struct source_text *source, size_t at);

/* Build the map of a new text piece by piece, in order; to is an empty map. */
void map_fixed(struct text_map *to, struct pool *pool, uint32_t at, const struct place *place,
	       struct text list);

/* From at on stand the bytes [from, end) of text, which is mapped by place. */
void map_copy(struct text_map *to, struct pool *pool, uint32_t at, const struct place *place,
	      struct text text, uint32_t from, uint32_t end);

/* place, of a text that is mapped by *map (copied into the pool). */
struct place place_with(const struct place *place, const struct text_map *map, struct pool *pool);

/* The place of one byte of text, mapped by place; *list (may be NULL) is the list that it belongs
 * to, .ptr NULL if to none. */
struct place place_inside(const struct place *place, struct text text, uint32_t offset,
			  struct text *list);
