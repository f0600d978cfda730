/* Exceptions of rules: reading, checking, appending, and turning them into condition text. */
#pragma once

#include "rules/yaml_read.h"

/* The exceptions of an item. Shape only; see check_exceptions(). is_append: to a rule that exists,
 * where fields may be missing and values should not. */
int read_exceptions(struct item *item, bool is_append, struct exceptions *out);

/* Fields, operators and values of each exception must fit each other: LOAD_ERR_VALIDATE. Gives
 * defaults to comps that were not written. */
int check_exceptions(const struct item *item, const struct rule_def *rule,
		     struct exceptions *exceptions);

/* Add values to exceptions that exist, and new exceptions. Reports like check_exceptions(). */
int append_exceptions(struct collection *c, struct rule_def *to, const struct rule_def *more);

/* The condition with its exceptions: "(cond) and not ...". .ptr NULL without memory. */
struct text exceptions_expand(struct collection *c, const struct rule_def *rule,
			      struct place *place);
