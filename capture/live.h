/* What only the live source can do, besides struct source. Pipeline thread only. */
#pragma once

#include "capture/source.h"

/* Ways in which the programs read kernel memory, best first; see capture/bpf/compat.bpf.h. */
#define LIVE_READ_MODES 3

/* As live_source_create(), which tries all of them from LIVE_READ_MODES - 1 down to 0, but no
 * better one than `read_mode`: tests run what older kernels need. */
int live_source_create_reading(struct source **out, const struct live_config *config,
			       uint32_t read_mode);
