/* Requests of io_uring rings: what was asked (WIRE_RING_ASK) and what came of it (WIRE_RING_DONE)
 * are joined to one WIRE_CALL record, of the system call that does the same. Pipeline thread only.
 *
 * A request that hides its success (IOSQE_CQE_SKIP_SUCCESS) becomes an event when it is asked,
 * with the result 0 and nothing of the kernel's; should it fail, that is a second event. A result
 * whose question was not seen (asked before capture began, lost) becomes an event of what is
 * known. Waiting requests are bounded: the oldest of its set goes, and is counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "capture/wire.h"

struct uring;

struct uring_counters {
	uint64_t asked_total, done_total;
	uint64_t unmatched_total; /* results without a question */
	uint64_t evicted_total;   /* questions that waited too long for their result */
	uint64_t bytes;
};

/* -ENOMEM. */
int uring_create(struct uring **out);
void uring_destroy(struct uring **uring);

/* Requests that become events: 1 + the number of the x86-64 call by IORING_OP_*, 0: not wanted. */
struct uring_op {
	uint16_t op;
	const char *call;
};
const struct uring_op *uring_ops(uint32_t *n);

/* Take a record of kind RING_ASK or RING_DONE, of header->len checked bytes. The call to decode,
 * valid until the next; NULL when there is none yet. with_raw_names: give names as typed also where
 * the object is known. */
const struct wire_header *uring_take(struct uring *uring, const struct wire_header *record,
				     bool with_raw_names);

void uring_counters(const struct uring *uring, struct uring_counters *out);
