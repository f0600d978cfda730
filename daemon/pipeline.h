/* The pipeline: one thread carries each event through every stage by plain calls. It never blocks
 * on disk, network or a lock. This is the only file that knows all stages. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "anomaly/incidents.h"
#include "anomaly/scorer.h"
#include "base/request.h"
#include "capture/source.h"
#include "daemon/clock_watch.h"
#include "daemon/history.h"
#include "daemon/shedding.h"
#include "profiles/behavior_counts.h"
#include "profiles/profile_set.h"
#include "rules/memory.h"
#include "rules/rules.h"
#include "state/state.h"
#include "storage/sinks.h"
#include "storage/store.h"

struct pipeline;
struct rules_swap;

/* Takes a record (NULL for WRITE_COMMIT), as writer_push() does. */
typedef void record_emit_fn(enum write_kind kind, void *record, void *arg);

/* Looks at an event that was scored, before the rules see it. */
typedef void event_look_fn(const struct field_context *ctx, void *arg);

/* Borrowed by the pipeline until it is destroyed, except rules, which it takes. */
struct pipeline_parts {
	struct source *source;
	struct state *state;
	struct profile_set *profiles;
	struct scorer *scorer;
	struct incidents *incidents;
	struct rule_set *rules;
	struct behavior_counts *counts;  /* NULL: none are configured */
	struct rule_memory *rule_memory; /* NULL: rules remember nothing */
	struct writer *writer;
	record_emit_fn *emit; /* where records go instead of the writer; NULL: to it */
	void *emit_arg;
	event_look_fn *look; /* NULL: nobody looks */
	void *look_arg;
	struct history *history;         /* what is stored of events; NULL: nothing */
	const struct sinks *sinks;       /* for their counters; NULL: no outputs */
	struct request_box *requests;    /* NULL: nobody asks */
	const struct shedding *shedding; /* for its state; NULL: nothing is shed */
	double checkpoint_s;
	/* Rest before the first event that comes so much later than the last rest, so that the
	 * events alone decide when; 0: the caller calls pipeline_rest(). */
	uint64_t rest_every_ns;
	uint64_t next_alert_id, next_gap_id;
	struct last_run last_run; /* what happened since then was not seen */
};

int pipeline_create(struct pipeline **out, const struct pipeline_parts *parts);
void pipeline_destroy(struct pipeline **pipeline);

/* Take up to max events that are ready. Returns how many, or negative errno when the source broke.
 */
int pipeline_run_batch(struct pipeline *pipeline, uint32_t max);

/* Between batches: answer questions, age what is held, checkpoint when due. now_ns is event time.
 * Whether more questions may be waiting. */
bool pipeline_rest(struct pipeline *pipeline, uint64_t now_ns);

/* Write everything learned so far. */
void pipeline_checkpoint(struct pipeline *pipeline, uint64_t now_ns);

/* The batch's end began a pause; it ends here, and with the next batch. Called before a sleep,
 * which is no pause. */
void pipeline_resume(struct pipeline *pipeline);

/* Where the loader offers new rules, which pipeline_rest() takes. Which events the capture then has
 * to deliver is the loader's business. */
struct rules_swap *pipeline_rules_swap(struct pipeline *pipeline);

/* The last checkpoint: what lasted until now ends. */
void pipeline_end(struct pipeline *pipeline, uint64_t now_ns);

/* Event time of the newest event. */
uint64_t pipeline_last_event_ns(const struct pipeline *pipeline);
