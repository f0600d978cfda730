/* What happens once a rule's condition is true. Pipeline thread only. */
#pragma once

#include "rules/rule_set.h"

/* Whether what the event shows is new in any dimension of only_if_new, if the rule has that; match
 * tells in which. */
bool rule_is_news(const struct rule *rule, const struct field_context *ctx,
		  struct rule_match *match);

/* The rule matches: count, remember, limit; match (set and rule are filled) tells what follows. */
void rule_fire(struct rule_set *set, const struct field_context *ctx, struct rule_match *match);

/* The formats that tell occurrences apart, of what fields there are. 0 or -ENOMEM. */
int rule_occurrences_compile(struct rule_set *set, const struct field_set *fields);
