/* Compiling what a rule says of more than one event. */
#pragma once

#include "base/diag.h"
#include "filter/format.h"
#include "rules/rule_set.h"

struct window_mistake {
	struct place place;
	struct diag diag;
};

/* All but the filters of steps. 0 gives *out; ERR_UNKNOWN_NAME or -EINVAL (*mistake says what and
 * where), -ENOMEM. */
int window_rule_compile(struct window_rule **out, const struct rule_def *def,
			const struct field_set *fields, struct window_mistake *mistake);

/* Whether the steps that the output names are there. 0, or -EINVAL and diag's message. */
int window_check_output(const struct rule_def *def, const struct format *output, struct diag *diag);

/* Once the conditions are compiled: what makes it the same rule after a reload, and its texts for
 * people, in pool. 0 or -ENOMEM. */
int window_rule_identify(struct window_rule *window, const struct rule_def *def,
			 const struct rule *rule, struct pool *pool);
