/* Which checks of a share depend on nothing but the process: on its image, identity and name and on
 * its ancestors. What they say stays true until one of these changes, so it can be kept for the
 * process (see FIELD_PER_PROCESS, FIELD_PER_LINEAGE). Made once all filters are compiled; immutable
 * afterwards. */
#pragma once

#include "filter/filter.h"

struct filter_share;
struct stable_checks;

#define STABLE_NONE UINT32_MAX

/* 0 and *out, or -ENOMEM. The share must outlive it. */
int stable_checks_create(struct stable_checks **out, const struct filter_share *share);
void stable_checks_destroy(struct stable_checks **stable);

/* How many there are; they are numbered from 0. */
uint32_t stable_checks_n(const struct stable_checks *stable);

/* Mark those that the filter asks, in bits (one a check). */
void stable_checks_mark(const struct stable_checks *stable, const struct filter *filter,
			uint64_t *bits);

/* Evaluate those that are marked: bit i of truths, all others 0. */
void stable_checks_eval(const struct stable_checks *stable, const uint64_t *marked,
			const struct field_context *ctx, uint64_t *truths);

struct node;

/* The node's number, STABLE_NONE if it is no such check. */
uint32_t stable_checks_index(const struct stable_checks *stable, const struct node *node);
