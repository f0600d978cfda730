/* Functions over values: tolower toupper b64 basename len join concat getopt. */
#pragma once

#include "filter/operand.h"

/* Check the number and types of the arguments, and set the operand's type and is_list. 0 or -EINVAL
 * (diag filled). */
int transform_check(struct operand *operand, const struct ast_node *node, struct diag *diag);

bool transform_eval(const struct operand *operand, const struct field_context *ctx,
		    struct values *out);

/* The value as a text value: itself, or its decimal form made in the arena. */
bool value_as_text(const struct value *value, struct arena *arena, struct value *out);
