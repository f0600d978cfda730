/* Watches the loss counters, once a second, and turns what grew into rows of the gaps table, so
 * that every loss has a time, a reason and a number. Pipeline thread only. */
#pragma once

#include <stdint.h>

#include "base/records.h"
#include "capture/source.h"
#include "state/state.h"

struct losses;

int losses_create(struct losses **out);
void losses_destroy(struct losses **losses);

typedef void gap_emit_fn(struct record_gap *gap, void *arg);

/* Compare with what was there the last time and emit a gap for each counter that grew (taken).
 * Returns events lost so far, all causes together. */
uint64_t losses_check(struct losses *losses, const struct source *source, const struct state *state,
		      uint64_t now_ns, gap_emit_fn *emit, void *arg);

/* Counters of the source as of the last check. */
const struct source_counters *losses_source(const struct losses *losses);
