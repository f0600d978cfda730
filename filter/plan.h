/* What a list of filters asks of events of one type, in a form in which what many of them ask is
 * asked first and once. Made when the filters are compiled; not bound to a process.
 *
 * A condition becomes a sum or product of terms: comparisons of evt.type are replaced by their
 * truth, constants vanish, negations move to the checks (De Morgan; every check is true or false,
 * also on absent values, so this changes nothing), products within products are opened; what is
 * cheap to find out comes first. The filters then form a tree of gates: a gate is what most of the
 * filters at that place ask; those are looked at only if it is open. What depends on the process
 * alone is one term, however large, and remembered for the process (filter/stable.h).
 *
 * Evaluation has two steps. plan_find() finds the candidates: of opens, which have a digest
 * (state/open_digest.h), those filters of which everything that the digest covers is true, so that
 * the same digest gives the same candidates, whoever opens the file. plan_decide() asks the rest.
 * Of other events everything is asked in the first step. */
#pragma once

#include "filter/stable.h"

struct plan;

struct plan_request {
	const struct filter *const *filters;
	const uint32_t *tags; /* what plan_decide() answers for each filter, ascending */
	uint32_t n;
	enum event_type type;
	bool has_digest; /* events of the type have one: it covers fields with FIELD_OF_OPEN */
	const struct stable_parts *stable;
};

/* 0 and *out, or -ENOMEM. Filters and stable parts must outlive it. */
int plan_create(struct plan **out, const struct plan_request *request);
void plan_destroy(struct plan **plan);

/* The candidates, as numbers below plan_size(), into candidates (room for all); how many. ctx has
 * the cache of the filters' share, memory is that of the context's process (not used where events
 * have digests: may be NULL). Allocates nothing. */
uint32_t plan_find(struct plan *plan, const struct field_context *ctx, struct stable_memory *memory,
		   uint32_t *candidates);

/* How many filters are candidates of every event; plan_find() does not name them. */
uint32_t plan_always(const struct plan *plan);

/* Replaces the n candidates of the event, or of another with the same digest, by the tags of the
 * filters that are true, unordered; how many. Together the same as filter_eval() of each. */
uint32_t plan_decide(struct plan *plan, const struct field_context *ctx,
		     struct stable_memory *memory, uint32_t *candidates, uint32_t n);

/* Memory it takes. */
size_t plan_bytes(const struct plan *plan);

/* Filters that can be true of the type. */
uint32_t plan_size(const struct plan *plan);
