/* Whether an event shows something that its workload did not show before: what rules with
 * only_if_new ask. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "profiles/news.h"
#include "state/field.h"

/* "unknown", "unresolved", "coarsened", "pending full"; empty when certain. */
const char *news_doubt_name(enum news_doubt doubt);

/* As profile_news(), of the event that was scored; one that was not: NEWS_UNKNOWN. */
struct news news_of(const struct field_context *ctx, uint32_t dimension, int32_t level);
