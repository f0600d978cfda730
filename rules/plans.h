/* Plans (filter/plan.h) for processes: which rules can still match for one process and one type of
 * event, found once and kept until the process, its thread's name or its ancestors change.
 * Processes that answer all stable checks alike share a plan. Bounded: seats are overwritten, plans
 * are all dropped, to be made again, when they outgrow their memory. Pipeline thread only. */
#pragma once

#include "rules/rule_set.h"

struct plans;

/* For the indexed set, which must outlive it. 0 and *out, or -ENOMEM. */
int plans_create(struct plans **out, const struct rule_set *set);
void plans_destroy(struct plans **plans);

/* The plan for the event's process and type. NULL: none yet, evaluate every rule of the type: a
 * plan costs more than the few events that most new processes have of one type. */
struct plan *plans_find(struct plans *plans, const struct field_context *ctx);

/* Plans that were thrown away to make room. */
uint64_t plans_dropped_total(const struct plans *plans);

size_t plans_bytes(const struct plans *plans);
