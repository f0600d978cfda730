/* Live workloads as JSON, as docs/api.md says. Each gives an object, NULL without memory. Pure. */
#pragma once

#include <cjson/cJSON.h>

#include "base/snapshot.h"

const char *learning_state_name(enum learning_state state);

/* gaps: array of all known gaps ({from, to, reason, events}), of which those that overlap the
 * workload's life are quoted; may be NULL. */
cJSON *workload_head_json(const struct snapshot_workload_head *head, const cJSON *gaps);

/* The head and its dimensions. */
cJSON *workload_json(const struct snapshot_workload *workload, const cJSON *gaps);

cJSON *behaviour_json(const struct snapshot_behaviour *behaviour);
cJSON *pending_json(const struct snapshot_pending_item *item);
