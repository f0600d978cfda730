/* Reading the keys that say when a rule that is true makes an alert: only_if_new and rate. */
#pragma once

#include "rules/yaml_read.h"

/* "only_if_new": one entry or a list. -EINVAL reported; -ENOMEM. */
int read_only_if_new(struct item *item, struct news_defs *out);
/* Add what is not there yet. 0; -EINVAL reported: too many together; -ENOMEM. */
int append_only_if_new(struct collection *c, struct rule_def *to, const struct rule_def *more);

/* "rate": {burst: N, per: DURATION} or none. */
int read_rate(struct item *item, struct rule_rate *out);
