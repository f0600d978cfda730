/* What reported rules need and what of it a span of events had: types of events that never came,
 * fields that never had a value. Either was not captured, or it did not happen. One thread. */
#pragma once

#include <cjson/cJSON.h>

#include "daemon/what_if_rules.h"

struct what_if_needs;

/* rules and fields must outlive it. 0 or -ENOMEM. */
int what_if_needs_create(struct what_if_needs **out, const struct what_if_rules *rules,
			 const struct field_set *fields);
void what_if_needs_destroy(struct what_if_needs **needs);

/* Look at one event. */
void what_if_needs_see(struct what_if_needs *needs, const struct field_context *ctx);

/* Of the rule with that index: {"events": [..], "fields": [..]}; the events of a rule that takes
 * any are none; fields only where one of its events came. */
cJSON *what_if_needs_missing(const struct what_if_needs *needs, uint32_t index);

/* Names of a set's events. */
cJSON *what_if_event_names(const struct event_set *events);
