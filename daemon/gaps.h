/* The book of what was not seen: one row a reason and stretch of time, growing while the cause goes
 * on. Everything that is lost, for whatever reason, is told to gaps_add(). Pipeline thread only. */
#pragma once

#include <stdint.h>

#include "base/records.h"

/* Reasons are stored and shown as texts: names are only ever added. */
enum gap_reason {
	GAP_RING_FULL,         /* events; by_type, by_cpu */
	GAP_RECURSION,         /* events; by_program: runs that the kernel skipped */
	GAP_CORRUPT,           /* records that made no sense */
	GAP_SHED,              /* events left out by choice to keep the cost low; by_type */
	GAP_EVICTED_PROCESS,   /* processes forgotten because the table was full */
	GAP_EVICTED_FD,        /* descriptors likewise */
	GAP_DOWNTIME,          /* no daemon ran */
	GAP_DOWNTIME_REBOOTED, /* likewise, and the host was started anew meanwhile */
	GAP_SUSPEND,           /* the host slept */
	GAP_CLOCK_FORWARD,     /* real time was set forward: [from, to) never was */
	GAP_CLOCK_BACK,        /* real time was set back: [to, from) was twice */
	GAP_EVICTED_REQUEST,   /* io_uring: their results have no names or addresses */
	GAP_REASON_END,
};

/* "ring full", ... */
const char *gap_reason_name(enum gap_reason reason);

struct gap_counters {
	uint64_t gaps_total, events_total; /* since the start; unknown numbers count nothing */
};

struct gaps;

/* next_id: of the first new row. */
int gaps_create(struct gaps **out, uint64_t next_id);
void gaps_destroy(struct gaps **gaps);

/* Something was not seen between from_ns and to_ns (event time): `events`, or GAP_EVENTS_UNKNOWN.
 * It continues the reason's open row when the pause since is short. */
void gaps_add(struct gaps *gaps, enum gap_reason reason, uint64_t from_ns, uint64_t to_ns,
	      uint64_t events);

/* Of what was just added for this reason, n belong to `name` in the division `group` ("by_type").
 * Both are copied. Parts beyond the room are counted as "other". */
void gaps_add_part(struct gaps *gaps, enum gap_reason reason, const char *group, const char *name,
		   uint64_t n);

typedef void gap_emit_fn(struct record_gap *gap, void *arg); /* taken */

/* Give out every row that grew since the last time. A row that finds no memory comes later. */
void gaps_flush(struct gaps *gaps, gap_emit_fn *emit, void *arg);

void gaps_counters(const struct gaps *gaps, struct gap_counters out[GAP_REASON_END]);
