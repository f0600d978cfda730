/* Durations as rule files write them: "500ms", "60s", "5m", "1h", "2d", or a number of seconds,
 * fractions allowed. Any thread. */
#pragma once

#include <stdint.h>

#include "base/text.h"

/* 0 and *ns; -EINVAL when it is no such text, not above zero, or longer than 100 years. */
int rule_duration(struct text t, uint64_t *ns);
