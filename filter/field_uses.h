/* Which fields a condition or an output names. Any thread. */
#pragma once

#include "filter/ast.h"
#include "state/field.h"

/* name: as a filter writes it, with its argument: "proc.aname[2]", "evt.arg.flags". Borrowed for
 * the call. */
typedef void field_use_fn(struct text name, void *arg);

/* Visit every field of a condition, transformers' too, as often as it stands there. */
void field_uses_of_tree(const struct ast_node *root, field_use_fn *visit, void *arg);

/* The same of an output's text. 0, -EINVAL or -ENOMEM. */
int field_uses_of_output(struct text output, const struct field_set *fields, field_use_fn *visit,
			 void *arg);
