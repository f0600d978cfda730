/* What is left to ask of a list of filters, for events of one type by a process whose stable checks
 * are decided: the filters that can still be true, in a form in which what many of them ask is
 * asked first and once.
 *
 * A condition becomes a sum or product of what is undecided: stable checks and comparisons of
 * evt.type are replaced by their truth, constants vanish, negations move to the checks (De Morgan;
 * every check is true or false, also on absent values, so this changes nothing), products within
 * products are opened; what is cheap to find out comes first. The filters then form a tree of
 * gates: a gate is what most of the filters at that place ask; those are looked at only if it is
 * open. */
#pragma once

#include "filter/stable.h"

struct plan;

struct plan_request {
	const struct filter *const *filters;
	const uint32_t *tags; /* what plan_eval() answers for each filter, ascending */
	uint32_t n;
	enum event_type type;
	const struct stable_checks *stable;
	const uint64_t *truths; /* of the stable checks */
};

/* 0 and *out, or -ENOMEM. Filters and stable checks must outlive it. */
int plan_create(struct plan **out, const struct plan_request *request);
void plan_destroy(struct plan **plan);

/* The tags of the filters that are true, unordered, into matched (room for all); how many. The
 * same as filter_eval() of each. ctx has the cache of the filters' share. Allocates nothing. */
uint32_t plan_eval(struct plan *plan, const struct field_context *ctx, uint32_t *matched);

/* Memory it takes. */
size_t plan_bytes(const struct plan *plan);

/* Filters that can still be true. */
uint32_t plan_size(const struct plan *plan);
