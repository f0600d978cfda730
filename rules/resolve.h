/* What a rule names beside fields and events: dimensions, other rules. Loader's use only. */
#pragma once

#include "filter/ast.h"
#include "rules/rule_set.h"

/* Find the dimensions of only_if_new into rule (memory of the collection's pool), whose filter is
 * compiled. *skip: the rule is to be left out. -EINVAL reported; -ENOMEM. */
int resolve_news(struct collection *c, const struct rule_def *def, struct rule *rule, bool *skip);

/* only_if_new and the rule's own rate as text (the collection's pool). 0 or -ENOMEM. */
int describe_gates(struct collection *c, const struct rule_def *def, struct rule *rule);

/* rule.seen_before without argument means the rule itself: say so in the tree. Warns of rules that
 * do not exist. */
void resolve_seen_before(struct collection *c, const struct rule_def *def, struct ast_node *tree);
