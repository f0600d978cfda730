/* Fields that a rule names and that never have a value here, as the field table says
 * (FIELD_UNAVAILABLE), or never in a condition (FIELD_OUTPUT_ONLY): what such a rule asks of them
 * is false, what it prints of them <NA>. */
#pragma once

#include "filter/ast.h"
#include "filter/filter.h"
#include "rules/definitions.h"

/* Add those of a condition, and of an output, to names: each once, without arguments. */
void absent_of_tree(struct collection *c, const struct ast_node *tree, struct texts *names);
void absent_of_format(struct collection *c, const struct format *format, struct texts *names);
