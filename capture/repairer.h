/* Sees losses and has what they left wrong described anew: when, and by which records. Pipeline
 * thread only. */
#pragma once

#include "capture/decode.h"
#include "capture/rescan.h"
#include "capture/rescan_plan.h"
#include "capture/rings.h"

struct repairer {
	/* set by the owner, borrowed */
	struct capture_bpf *programs;
	const struct decoder *decoder;
	const struct rings *rings;
	uint32_t n_cpus;
	struct rescan_plan plan;
	struct rescan *rescan; /* while one is under way; the owner destroys it */
	uint64_t began_ns;     /* monotonic */
	uint64_t rescans_total, took_ns, longest_ns;
	uint64_t lost_seen, state_lost_seen;
	uint32_t failed_in_row;
};

/* Look whether anything was lost, and begin when it is time. bad_total: records that made no
 * sense. Cheap as long as nothing is lost. */
void repairer_look(struct repairer *repairer, uint64_t bad_total);

bool repairer_is_busy(const struct repairer *repairer);

/* The rescan's next record; false: none is under way. */
bool repairer_peek(struct repairer *repairer, struct rescan_record *out);
void repairer_take(struct repairer *repairer);
