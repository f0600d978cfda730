/* Figures of the store that status and metrics show. */
#pragma once

#include "api/call.h"

struct storage_facts {
	uint64_t bytes, wal_bytes, last_checkpoint_ns;
	uint64_t queue, queue_max, shed_total;
	uint64_t written_total, written_bytes_total, errors_total;
};

void storage_facts_read(const struct call *call, const struct snapshot_status *status,
			struct storage_facts *out);
