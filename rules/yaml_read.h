/* Reading YAML nodes as rule files use them. Every function reports what is wrong as
 * LOAD_ERR_YAML_VALIDATE with the node's place. */
#pragma once

#include <yaml.h>

#include "rules/definitions.h"

/* One item of a rule file while it is read. */
struct item {
	struct collection *c;
	yaml_document_t *document;
	yaml_node_t *node; /* a mapping */
	const char *file;
	struct text name; /* for messages; .ptr NULL before it is known */
};

struct place node_place(const struct item *item, const yaml_node_t *node);

/* The same, with a map of the text where the node is a scalar. */
struct place text_place(const struct item *item, const yaml_node_t *node);

bool node_is_null(const yaml_node_t *node);

/* The value of a key (the first of that name), or NULL. */
yaml_node_t *item_value(const struct item *item, const char *key);
yaml_node_t *map_value(yaml_document_t *document, yaml_node_t *map, const char *key);

static inline bool item_has(const struct item *item, const char *key)
{
	return item_value(item, key) != NULL;
}

/* Text of the scalar under key, copied into the pool. Missing: -EINVAL if it is needed, else 0 with
 * *out untouched. */
int item_text(const struct item *item, const char *key, bool is_needed, struct text *out);
int item_bool(const struct item *item, const char *key, bool *out);
int item_count(const struct item *item, const char *key, uint64_t *out);

/* A sequence of scalars under key (needed). */
int item_texts(const struct item *item, const char *key, struct texts *out);
int node_texts(const struct item *item, yaml_node_t *node, const char *what, struct texts *out);

/* The node's text in the pool; -EINVAL reported when it is no scalar, null or empty. */
int node_text(const struct item *item, yaml_node_t *node, const char *what, struct text *out);

int refuse_shape(const struct item *item, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
