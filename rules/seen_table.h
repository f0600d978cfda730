/* What was seen, as 64-bit fingerprints under a secret key, in fixed memory: buckets of eight, the
 * one used longest ago gives way (counted) and is then taken for never seen. Pipeline thread only.
 *
 * Two things share a fingerprint with probability 2^-64 a pair: what was never seen is then taken
 * for seen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_WAYS 8

struct seen_table;

/* Room for n, rounded up to a power of two (at least one bucket). 0 gives *out; -ENOMEM. */
int seen_table_create(struct seen_table **out, uint32_t n);
void seen_table_destroy(struct seen_table **table);

bool seen_table_has(const struct seen_table *table, uint64_t fingerprint);

/* It is seen (again); whether it was before. fingerprint 0 stands for 1. */
bool seen_table_note(struct seen_table *table, uint64_t fingerprint);

/* All of them, such that noting them in this order makes the same table again; at most max. How
 * many. */
uint32_t seen_table_list(const struct seen_table *table, uint64_t *out, uint32_t max);

uint32_t seen_table_size(const struct seen_table *table);
uint32_t seen_table_room(const struct seen_table *table);
uint64_t seen_table_evicted_total(const struct seen_table *table);
size_t seen_table_bytes(const struct seen_table *table);
