/* Forgetting history: what is older than retention_days goes, and the oldest while the database is
 * larger than max_bytes. In slices, so that the writer never stops for long. Baselines and their
 * texts stay. Writer thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

#define RETENTION_SLICE_ROWS 500 /* of each table, a transaction */

/* Delete one slice. *more: call again soon. now_ns: the newest time there is. 0 or -errno (rolled
 * back). */
int retention_slice(struct store *store, uint64_t now_ns, bool *more);
