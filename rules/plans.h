/* Finds the rules that are true of an event without asking each of them everything: one plan
 * (filter/plan.h) a type of event, what is known of each process, and which opens no rule can be
 * true of. All memory is taken when the rules are loaded. Bounded: what is remembered is
 * overwritten. Pipeline thread only. */
#pragma once

#include "rules/rule_set.h"

struct plans;

/* For the indexed set, which must outlive it. 0 and *out, or -ENOMEM. seed: see open_digest(). */
int plans_create(struct plans **out, const struct rule_set *set, uint64_t seed);
void plans_destroy(struct plans **plans);

/* The rules of the event's type that are true, unordered, into set->matched; how many.
 * PLANS_NO_ANSWER: there is no plan for the event (its process is not known), every rule is to be
 * evaluated. ctx has the set's cache, begun anew. */
#define PLANS_NO_ANSWER UINT32_MAX
uint32_t plans_match(struct plans *plans, const struct field_context *ctx);

/* Opens that were answered from memory, and all that were asked about. */
struct plans_counters {
	uint64_t opens_total, remembered_total;
};

/* Forget what is known of processes: they will be another state's. */
void plans_forget(struct plans *plans);

void plans_counters(const struct plans *plans, struct plans_counters *out);

size_t plans_bytes(const struct plans *plans);
