/* The consumer's side of the per-CPU rings: records of all CPUs in time order. Pipeline thread
 * only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/wire.h"

struct rings;

struct rings_config {
	void *memory;  /* the mapped array: n_cpus elements of stride bytes, borrowed */
	size_t stride; /* bytes from one ring to the next */
	uint32_t n_cpus;
	uint64_t ring_bytes; /* of records, a power of two */
};

int rings_create(struct rings **out, const struct rings_config *config);
void rings_destroy(struct rings **rings);

/* Take note of what has been produced until now_ns (boot time, read before the call); records up
 * to that moment can then be taken. Returns whether any record is there. */
bool rings_refresh(struct rings *rings, uint64_t now_ns);

/* The oldest record that nothing older can precede any more, or NULL: none is there, or none from
 * before until_ns. It is valid until the next call; *is_late: it is older than one already taken.
 * A ring whose contents make no sense is skipped over and counted. */
const struct wire_header *rings_next(struct rings *rings, uint64_t until_ns, bool *is_late);

/* Everything up to this moment is there, as of the last refresh. */
uint64_t rings_watermark(const struct rings *rings);

/* Records that found no room, all CPUs; and what was skipped over. Cheap. */
uint64_t rings_lost_total(const struct rings *rings);

/* The fullest ring's used part, in 1/1024, when last refreshed. */
uint32_t rings_fill(const struct rings *rings);

/* Whether any ring holds a record that has not been taken. */
bool rings_have_more(const struct rings *rings);

/* Let the producers ring the doorbell for what cannot wait, or no more. */
void rings_arm(struct rings *rings, bool is_armed);

const struct wire_ring *rings_head_of(const struct rings *rings, uint32_t cpu);
uint64_t rings_corrupt_total(const struct rings *rings);
