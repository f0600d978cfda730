/* Describes all tasks and descriptors anew while capture goes on, a piece at a time, so that state
 * gets right again after events were lost. Each record has the time at which its facts were read;
 * who merges it with the rings' records by that time gets a history without contradictions: facts
 * hold what every older event did, and newer events act on the facts. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"
#include "capture/wire.h"

struct capture_bpf;

struct rescan;

struct rescan_record {
	enum event_scan what;
	uint64_t boot_ns;
	const struct wire_header *header; /* SCAN_TASK, SCAN_ENDING_TASK, SCAN_FD; else NULL */
};

int rescan_create(struct rescan **out, struct capture_bpf *programs);
void rescan_destroy(struct rescan **rescan);

/* The next record, by time; the same until rescan_take(). Reads up to 32 KiB of records when none
 * is left, which takes the kernel a millisecond at most. false: that was all, or it failed (logged;
 * then SCAN_DONE never came). */
bool rescan_peek(struct rescan *rescan, struct rescan_record *out);
void rescan_take(struct rescan *rescan);

/* Whether it was given up before SCAN_DONE. */
bool rescan_failed(const struct rescan *rescan);
