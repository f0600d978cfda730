/* Lists are replaced in the text of conditions, macros in their trees. */
#pragma once

#include "filter/ast.h"
#include "rules/definitions.h"

struct expansion;

/* Expand all lists and parse all macros. -EINVAL reported; -ENOMEM. */
int expansion_create(struct expansion **out, struct collection *c);
void expansion_destroy(struct expansion **expansion);

/* The condition's tree with lists and macros replaced (in the collection's pool). place is where
 * the condition stands, name whose it is. */
int expansion_tree(struct expansion *x, struct text condition, const struct place *place,
		   struct text name, struct ast_node **out);

/* Where a node of the last expansion_tree() stands, by its source and offset (also as they are in a
 * diag). *kind is "macro" or "list" and *part its name where the node comes from one, *kind NULL
 * where it stands in the condition itself. */
struct place expansion_place(const struct expansion *x, uint32_t source, uint32_t offset,
			     struct text *part, const char **kind);

/* Warn of lists and macros that nothing used. */
void expansion_warn_unused(struct expansion *x);
