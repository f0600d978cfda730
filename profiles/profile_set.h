/* What every workload usually does: for each workload and dimension the behaviours seen, counted
 * per level and epoch, with the streams of discovery that scoring needs. Pipeline thread only.
 *
 * Per event: profile_set_look_up() says how usual the event's behaviours are (read only), scoring
 * judges that, profile_set_commit() lets the event teach. A behaviour never seen waits in the
 * pending table for hold_s before it enters the head or the sketch; what is quarantined never does.
 *
 * Formulas and constants: docs/statistics.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/records.h"
#include "base/snapshot.h"
#include "filter/possible.h"
#include "state/state.h"

struct profile_set;
struct profile; /* one workload's dimension */
struct dimension_set;

struct learning_config {
	double epoch_s, ready_return_period_s, hold_s, startup_s;
	uint32_t min_epochs;
	double forget_days;
	uint64_t profile_bytes_max;        /* limits.profile_bytes, all workloads together */
	uint32_t pending_per_workload_max; /* limits.pending_per_workload */
	uint64_t seed;                     /* secret; 0 in replay */
	const char *const *dimension_files;
	uint32_t n_dimension_files;
};

int profile_set_create(struct profile_set **out, const struct learning_config *config,
		       const struct field_set *fields, struct diag *diag);
void profile_set_destroy(struct profile_set **set_ptr);

/* Events that any dimension observes. */
const struct event_set *profile_set_events(const struct profile_set *set);
/* Add the calls that any dimension can use, of the events in wanted. */
void profile_set_add_classes(const struct profile_set *set, const struct event_set *wanted,
			     struct call_classes *classes);

/* Visit what the dimensions look at: filters and values of keys as text, each with the dimension's
 * events. */
typedef void profile_use_fn(const struct event_set *events, struct text text, void *arg);
void profile_set_each_use(const struct profile_set *set, profile_use_fn *visit, void *arg);

/* Its dimensions, by their numbers. Never changes; any thread. */
const struct dimension_set *profile_set_dimensions(const struct profile_set *set);

#define SIGHTINGS_MAX 8

/* How usual one behaviour of the event is. Level indices count key fields, 0 coarsest. */
struct sighting {
	struct profile *profile;
	uint32_t dimension;
	bool is_startup;  /* within startup_s of the process's exec: other stratum */
	bool is_missing;  /* a key field was absent: nothing below is judged */
	uint8_t n_levels; /* usable levels (cut at the missing field) */
	int8_t new_level; /* coarsest level never seen; -1: all known */
	bool is_pending;  /* seen before, still waiting (or quarantined) */
	bool is_accepted; /* an allow row covers it */
	uint64_t fingerprints[RECORD_LEVELS_MAX]; /* all of them only when something is new */
	struct text fields[RECORD_LEVELS_MAX]; /* templated key fields; valid until the next event.
						* Empty for what is known and was seen in this
						* epoch: ask profile_sighting_key() */
	uint64_t
		last_seen_epoch; /* of the new level, if it was known once and forgotten; 0 never */
	uint64_t open_anomaly;   /* id of the open anomaly of this pending behaviour; 0 none */
};

struct sightings {
	const struct profile_set *set; /* that was asked */
	uint64_t unjudged; /* dimensions (bit) that list the event's type and were not asked: no
			    * workload, no memory, or more than SIGHTINGS_MAX */
	uint32_t n;
	struct sighting items[SIGHTINGS_MAX];
};

/* The initial scan found a live process of a workload: its time goes on although it does nothing
 * that any dimension observes. Scanned before anything is looked up. */
void profile_set_note(struct profile_set *set, const struct subject *subject, uint64_t ts_ns);

/* Look up the event's behaviours. Advances the epochs of the workload by event time; teaches
 * nothing. */
void profile_set_look_up(struct profile_set *set, const struct field_context *ctx,
			 struct sightings *out);

/* The key of a sighting of this event, made if need be. False: it has none. */
bool profile_sighting_key(const struct sighting *sighting, const struct field_context *ctx,
			  struct record_key *out);

/* What scoring and rules concluded about the event. */
struct verdict {
	bool is_suspicious; /* part of an incident, or matched a rule of priority warning or above:
			     * quarantine what is new */
	bool is_incident_only; /* suspicious only by its incident: no such rule matched. Such a
				* quarantine can end by itself, see pending.h */
	bool is_anomalous[SIGHTINGS_MAX];    /* the return period is above the threshold */
	uint64_t anomaly_ids[SIGHTINGS_MAX]; /* anomaly that each sighting opened or joined; 0 none
					      */
	double return_period_s[SIGHTINGS_MAX];
};

/* Let the event teach: count known behaviours, put new ones into pending. */
void profile_set_commit(struct profile_set *set, const struct field_context *ctx,
			const struct sightings *sightings, const struct verdict *verdict);

/* Move on to now: expire pending, absorb, forget. Bounded work per call; call once a batch and on
 * ticks. */
void profile_set_tick(struct profile_set *set, uint64_t now_ns);

/* Called when a behaviour that carries an anomaly became part of its baseline: the anomaly is
 * absorbed. Must not call back into the set. */
typedef void profile_learned_fn(uint64_t anomaly_id, void *arg);
void profile_set_on_learned(struct profile_set *set, profile_learned_fn *learned, void *arg);

/* Quarantine every pending behaviour of process subtrees that became part of an incident later
 * than they were seen: all pending behaviours that carry anomaly id. */
void profile_set_quarantine(struct profile_set *set, uint64_t anomaly_id);

/* Persistence -------------------------------------------------------------------------------- */

/* Called for everything to be stored; the record is taken. */
typedef void profile_emit_blob_fn(struct record_blob *blob, void *arg);
typedef void profile_emit_behaviour_fn(struct record_behaviour *behaviour, void *arg);

/* Give some texts of what was learned, so that few are left for the checkpoint that they belong to,
 * the next. Bounded work per call; call after profile_set_tick(). */
void profile_set_give_texts(struct profile_set *set, profile_emit_behaviour_fn *emit_behaviour,
			    void *arg);

/* Give the changes since the last call as one journal segment (first-in-epoch sightings, pending
 * changes), and images of the profiles whose journal outgrew them. */
int profile_set_checkpoint(struct profile_set *set, profile_emit_blob_fn *emit_journal,
			   profile_emit_blob_fn *emit_image,
			   profile_emit_behaviour_fn *emit_behaviour, void *arg);

/* Restore at start, before the first event: images first, then journal segments by sequence.
 * Damaged blobs: -EBADMSG, skipped and counted, never a crash. */
int profile_set_load_image(struct profile_set *set, const struct record_blob *blob);
int profile_set_load_journal(struct profile_set *set, const struct record_blob *blob);

/* For scoring (anomaly/) -------------------------------------------------------------------- */

struct stream_view {
	double rate_per_epoch; /* frozen for the epoch */
	double rate_high_per_epoch;
	double longest_claim_epochs;
	uint32_t age_epochs; /* active epochs it has lived */
	bool is_ready;
};

/* The discovery stream of a level, in the sighting's stratum. Start-up rates are converted to
 * epochs of the workload's existence like the steady ones: rate of a start-up times start-ups per
 * epoch, never claiming more than the steady stream could. Before three start-ups were seen, and as
 * long as more than every second one may show something new, the rate is 1: nothing is claimed. */
void profile_stream(const struct sighting *sighting, unsigned level, struct stream_view *out);

/* The parent's own record at a new level: epochs in which the parent prefix was seen and epochs in
 * which it gained a child (level 0: the whole dimension). */
void profile_parent(const struct sighting *sighting, unsigned level, uint32_t *parent_epochs,
		    uint32_t *child_epochs);

/* The pool of workloads of the same kind of thing (image, executable): false if it has none.
 * *known: some other workload showed this behaviour; *rate: of what is new to all. */
bool profile_population(const struct sighting *sighting, unsigned level, bool *known,
			double *rate_per_epoch);

/* Events of the behaviour in its baseline, at the finest usable level; an estimate, never too low,
 * where a sketch counts. 0: not learned. */
uint64_t profile_count(const struct sighting *sighting);

struct profile_view {
	const struct workload *workload;
	struct text dimension;
	double epoch_s, active_share; /* active epochs / epochs since first seen */
	double basis_s;               /* how long this dimension has been observed */
	double coverage;
	uint32_t active_epochs;
	bool is_ready;      /* at some level */
	int8_t ready_level; /* finest ready level; -1 none */
	bool is_estimated;  /* finest level is in the sketch */
	double false_known;
};

void profile_view(const struct sighting *sighting, struct profile_view *out);

/* Most usual behaviours with the same parent prefix at level, or of the dimension when there are
 * none; at most max. Text borrowed until the next commit. Returns how many. */
uint32_t profile_usual(const struct sighting *sighting, unsigned level, uint32_t max,
		       struct record_key keys[], double frequencies[]);

/* For the API (by message) ------------------------------------------------------------------ */

void profile_set_totals(const struct profile_set *set, struct snapshot_status *out);
/* Each fills one snapshot; 0, -ENOENT, -ENOMEM. */
int profile_set_snapshot_workloads(const struct profile_set *set, const struct state *state,
				   struct snapshot_workloads *out);
int profile_set_snapshot_workload(const struct profile_set *set, const struct state *state,
				  uint64_t workload_id, struct snapshot_workload *out);
int profile_set_snapshot_behaviours(const struct profile_set *set, uint64_t workload_id,
				    struct text dimension, struct snapshot_behaviours *out);
int profile_set_snapshot_pending(const struct profile_set *set, uint64_t workload_id,
				 struct snapshot_pending *out);
