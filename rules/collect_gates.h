/* Reading the keys that say when a rule that is true makes an alert: only_if_new and rate. */
#pragma once

#include "rules/yaml_read.h"

/* "only_if_new": one entry or a list. -EINVAL reported; -ENOMEM. */
int read_only_if_new(struct item *item, struct news_defs *out);
/* Add what is not there yet. 0 or -ENOMEM. */
int append_only_if_new(struct pool *pool, struct news_defs *to, const struct news_defs *more);

/* "rate": {burst: N, per: DURATION} or none. */
int read_rate(struct item *item, struct rule_rate *out);
