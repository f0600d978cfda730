/* Reading dimensions from YAML: what dimension_yaml.c and dimension_key_yaml.c share. */
#pragma once

#include <yaml.h>

#include "profiles/dimension_private.h"

struct loader {
	struct dimension_set *set;
	const struct field_set *fields;
	const char *file;
	struct diag *diag;
	yaml_document_t doc;
};

/* Report at a place; gives -EINVAL. */
int loader_bad(struct loader *l, yaml_mark_t mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put the place of an error within a condition or expression into the file; other errors pass. */
int loader_bad_inside(struct loader *l, const yaml_node_t *node, int r, const char *what);

yaml_node_t *loader_node(struct loader *l, int index);

/* Of a scalar node. */
static inline struct text scalar(const yaml_node_t *node)
{
	return (struct text){(const char *)node->data.scalar.value,
			     (uint32_t)node->data.scalar.length};
}

/* A mapping's keys, each with the function that takes its value; ends with a row of NULL. */
struct yaml_key {
	const char *name;
	int (*take)(struct loader *l, yaml_node_t *value, void *into);
};

/* Each key once, and known. */
int loader_mapping(struct loader *l, yaml_node_t *node, const struct yaml_key keys[], void *into,
		   const char *what);

/* One scalar, or a list of anything: each is given to take. */
int loader_list(struct loader *l, yaml_node_t *node, void *into, const char *what,
		int (*take)(struct loader *l, yaml_node_t *value, void *into));

int loader_text(struct loader *l, yaml_node_t *node, struct text *out, const char *what);
int loader_name(struct loader *l, yaml_node_t *node, struct text *out);
int loader_bool(struct loader *l, yaml_node_t *node, bool *out, const char *what);
int loader_number(struct loader *l, yaml_node_t *node, uint64_t max, uint64_t *out,
		  const char *what);

/* The event of that name; *syscall with EVENT_GENERIC. */
int loader_event(struct loader *l, const yaml_node_t *node, uint16_t *event, uint16_t *syscall);

/* A key field, appended to the struct dimension in into. */
int loader_key_field(struct loader *l, yaml_node_t *node, void *into);
