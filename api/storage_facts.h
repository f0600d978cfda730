/* Figures of the store that status and metrics show. */
#pragma once

#include <stdbool.h>

#include "api/call.h"

struct storage_facts {
	uint64_t bytes, wal_bytes, last_checkpoint_ns;
	uint64_t queue, queue_max, shed_total;
	uint64_t shed_first_total; /* of shed_total: no repeats */
	uint64_t written_total, written_bytes_total, errors_total;
	struct {
		uint64_t bytes, written_total, shed_total, forgotten_total;
		uint64_t over_rate_total, sightings_shed_total, cut_total, memory_denied_total;
	} history;       /* stored events */
	bool is_failing; /* the last commit failed; it is retried */
};

void storage_facts_read(const struct call *call, const struct snapshot_status *status,
			struct storage_facts *out);
