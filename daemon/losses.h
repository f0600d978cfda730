/* Watches the loss counters, once a second, and enters what grew into the book of gaps, so that
 * every loss has a time, a reason and a number. Pipeline thread only. */
#pragma once

#include <stdint.h>

#include "capture/source.h"
#include "daemon/gaps.h"
#include "state/state.h"

struct losses;

int losses_create(struct losses **out);
void losses_destroy(struct losses **losses);

/* Compare with what was there the last time. Returns events lost so far, all causes together. */
uint64_t losses_check(struct losses *losses, const struct source *source, const struct state *state,
		      uint64_t now_ns, struct gaps *gaps);

/* Counters of the source as of the last check. */
const struct source_counters *losses_source(const struct losses *losses);
