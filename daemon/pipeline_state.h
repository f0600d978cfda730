/* The pipeline's own members, for pipeline.c and answers.c only. */
#pragma once

#include "daemon/pipeline.h"

#include "base/arena.h"
#include "daemon/losses.h"
#include "daemon/pauses.h"
#include "daemon/rules_swap.h"

struct pipeline {
	struct pipeline_parts parts;
	struct arena arena;
	struct sightings sightings;
	struct score score;
	struct rules_swap swap;
	struct pauses pauses, batches; /* between two batches; of a batch */
	uint64_t paused_ns;            /* monotonic; the last batch ended then. 0: no pause */
	struct pauses cpu_pauses; /* CPU time of pauses: what others on this CPU do not change */
	uint64_t paused_cpu_ns;
	uint64_t first_event_ns, last_event_ns, last_checkpoint_ns, started_ns;
	uint64_t rested_ns; /* last rest that an event caused */
	uint64_t next_alert_id;
	uint64_t counts_stored_ns; /* when the counts of behaviours were; 0: at the next checkpoint
				    */
	bool span_is_due;          /* other rules run since the last event */
	uint64_t matches_total, matches_dropped_total, suppressed_total;
	uint64_t lost_total; /* events, as of the last look */
	struct losses *losses;
	struct gaps *gaps;
	struct clock_watch clock_watch;
	uint64_t looked_ns; /* when losses and rates were last looked at */
	double events_per_s;
	struct source_counters counters; /* for answers: too large for the stack */
};
