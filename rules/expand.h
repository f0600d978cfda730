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

/* Warn of lists and macros that nothing used. */
void expansion_warn_unused(struct expansion *x);
