/* Reading `count:` and `sequence:` of rules. */
#pragma once

#include "rules/window_rule.h"
#include "rules/yaml_read.h"

#define COUNT_MAX 1000
#define COUNT_DISTINCT_MAX 100
#define SEQUENCE_STEPS_MAX 8
#define WINDOW_RULES_MAX 256 /* enabled ones; making room looks at all of them */
#define WITHIN_NS_MAX (UINT64_C(24) * 3600 * 1000000000)

/* The value of the key; shape and numbers are checked, what is missing stays so. */
int read_count(const struct item *item, struct window_def *out);
int read_sequence(const struct item *item, struct window_def *out);

/* Take over the members that more has. */
void merge_window(struct window_def *to, const struct window_def *more);

/* Whether the rule's window is whole, once all of it was read. -EINVAL reported. */
int check_window(const struct item *item, const struct rule_def *rule);
