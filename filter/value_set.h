/* Sets of literals for `in`: hashed once, looked up by bytes; and path prefixes for `pmatch`. Built
 * in a pool, immutable afterwards. Any thread. */
#pragma once

#include <stdbool.h>

#include "filter/pool.h"
#include "state/field.h"

struct text_set;

/* 0 and *out, or -ENOMEM. The texts are borrowed. */
int text_set_build(struct text_set **out, const struct value *values, uint32_t n,
		   struct pool *pool);
bool text_set_has(const struct text_set *set, struct text t);

/* The same of a text that many sets are asked for: its hash is made once. */
uint32_t text_set_hash(struct text t);
bool text_set_may_have(const struct text_set *set, struct text t); /* by its length */
bool text_set_has_hashed(const struct text_set *set, struct text t, uint32_t hash);

struct path_set;

int path_set_build(struct path_set **out, const struct value *values, uint32_t n,
		   struct pool *pool);

/* Whether any path of the set is a prefix of path, component by component. */
bool path_set_covers(const struct path_set *set, struct text path);
/* The first that is, by its place among the values that the set was built of; -1 none. */
int path_set_find(const struct path_set *set, struct text path);
