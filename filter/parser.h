/* Text of a filter to its tree. */
#pragma once

#include "filter/ast.h"

#define FILTER_DEPTH_DEFAULT 100
#define FILTER_DEPTH_RULE 1000 /* conditions in rule files */

/* Parse a whole condition. 0 and *out (in pool), or -EINVAL with diag filled (offset and place
 * too), or -ENOMEM. source must outlive the tree. */
int filter_parse(struct ast_node **out, struct text source, uint32_t depth_max, struct pool *pool,
		 struct diag *diag);

/* Parse one field or transformer at the start of source; *len is how much it took. 0, -EINVAL
 * (diag filled) or -ENOMEM. */
int filter_parse_operand(struct ast_node **out, struct text source, uint32_t *len,
			 struct pool *pool, struct diag *diag);
