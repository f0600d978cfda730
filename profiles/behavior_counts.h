/* How often behaviours were seen, as Falco's plugin anomalydetection counts them: some fields and
 * some kinds of events make a behaviour profile; what an event shows in all of the fields, written
 * one behind the other, is a behaviour, and each profile has a count-min sketch of its own.
 * Pipeline thread only.
 *
 * Counts are never too low but for what a timer forgot, and less too high than the plugin's, as
 * the sketches update conservatively. Keys are hashed under a secret, with the fields kept apart.
 * Memory is fixed when the profiles are made. Counts stop at UINT32_MAX. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/records.h"
#include "filter/filter.h"

#define BEHAVIOR_PROFILES_MAX 32
#define BEHAVIOR_FIELDS_MAX 64               /* of a profile, each step of a lineage counted */
#define BEHAVIOR_SKETCH_BYTES_MAX (64 << 20) /* of a profile */
#define BEHAVIOR_BYTES_MAX (256 << 20)       /* of all */

struct behavior_counts;

struct behavior_profile {
	const char *fields;      /* "%container.id %custom.proc.aname.lineage.join[7]" */
	struct event_set events; /* that are counted */
	uint32_t rows, columns;  /* rows beyond COUNT_MIN_DEPTH_MAX are not made; columns are
				  * rounded up to a power of two */
	uint64_t reset_ns;       /* all is forgotten so often, by event time; 0: never */
};

/* Bytes that the profile's sketch takes. */
uint64_t behavior_sketch_bytes(uint32_t rows, uint32_t columns);

/* 0 gives *out; -EINVAL fills diag (message: a field that does not exist, descriptors and events
 * without, too large); -ENOMEM. Nothing of profiles is kept; fields must outlive it. */
int behavior_counts_create(struct behavior_counts **out, const struct behavior_profile *profiles,
			   uint32_t n, const struct field_set *fields, uint64_t seed,
			   struct diag *diag);
void behavior_counts_destroy(struct behavior_counts **counts);

/* Events that any profile counts. */
const struct event_set *behavior_counts_events(const struct behavior_counts *counts);

/* Visit the names of the fields looked at, with the events under which they are. */
typedef void behavior_use_fn(const struct event_set *events, struct text text, void *arg);
void behavior_counts_each_use(const struct behavior_counts *counts, behavior_use_fn *visit,
			      void *arg);

/* Count the event, once, before anybody asks about it. */
void behavior_counts_note(struct behavior_counts *counts, const struct field_context *ctx);

/* What the event shows in the profile, whether it is counted there or not: how often that was seen,
 * this time included; NULL: not asked. text: the fields' values one behind the other, valid until
 * the next event; NULL: not asked. False: no such profile, or an event that has no descriptor for
 * it. */
bool behavior_counts_ask(struct behavior_counts *counts, const struct field_context *ctx,
			 uint32_t profile, uint64_t *count, struct text *text);

struct behavior_counters {
	uint32_t profiles;
	uint64_t bytes;
	uint64_t updates_total;
	uint64_t resets_total;
	uint64_t resets_failed_total; /* no memory: the old counts went on */
	uint64_t cut_total;           /* behaviours too long: counted by their beginning */
	uint64_t damaged_total;       /* stored profiles that were refused */
};

void behavior_counts_counters(const struct behavior_counts *counts, struct behavior_counters *out);

/* Persistence, a piece at a time, as sketches are large. begin: if anything was counted since the
 * last image, another is under way, unless one is. go_on: at most max_cells cells more; the image
 * once it is whole, NULL before, if none is under way, or without memory. It has all that was
 * counted before it began. */
void behavior_counts_begin_image(struct behavior_counts *counts);
struct record_blob *behavior_counts_go_on(struct behavior_counts *counts, uint32_t max_cells);

/* All at once, anew if one is under way. NULL: nothing was counted since the last, or no memory. */
struct record_blob *behavior_counts_image(struct behavior_counts *counts);

/* Before the first event: what was stored for a profile of the same fields, events and size goes
 * on, other profiles begin anew; 0, or -EBADMSG (counted). */
int behavior_counts_load_image(struct behavior_counts *counts, const struct record_blob *blob);
