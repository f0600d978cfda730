/* Compiling trees, for those that build them themselves (rules expand macros first). */
#pragma once

#include "filter/ast.h"
#include "filter/filter.h"

/* As filter_compile(), of a tree without macros, which may go away afterwards. Tells a name that
 * does not exist (ERR_UNKNOWN_NAME) from other errors (-EINVAL); diag's message and offset are
 * set. The set of events is not checked: see filter_event_set(). */
int filter_compile_tree(struct filter **out, const struct ast_node *root,
			const struct field_set *fields, struct diag *diag);

/* The condition in its canonical form. */
struct text filter_text(const struct filter *filter);

/* Values on which a regular expression gave up, which then did not match. */
uint64_t filter_regex_gave_up_total(const struct filter *filter);
