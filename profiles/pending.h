/* Behaviours that were seen but are not part of the baseline yet. Exact, with their text, bounded
 * for each workload. Pipeline thread only.
 *
 *   waiting      learned hold_s after its first sighting, unless something speaks against it
 *   anomalous    above the threshold at a level that was ready: learned by itself only after
 *                20 active epochs on 7 days
 *   quarantined  part of an incident, or matched by a rule of priority warning or above. Only an
 *                incident's quarantine ends by itself, under the same condition as for anomalous
 *                ones; one that a rule matched stays
 *
 * Discovery is marked in the streams at first sight, once for each prefix however many behaviours
 * share it, so that the next epoch's forecast knows. A prefix whose behaviours all turn out to be
 * quarantined has its mark withdrawn; nothing that is quarantined counts in any stream. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "profiles/baseline.h"

#define ABSORB_ACTIVE_EPOCHS 20
#define ABSORB_DAYS 7

enum held_flag {
	HELD_STARTUP = 1 << 0,
	HELD_ANOMALOUS = 1 << 1,
	HELD_QUARANTINED = 1 << 2,
	HELD_BY_RULE = 1 << 3,
};

struct held {
	struct held *previous, *next; /* among those that wait, by due time */
	struct profile *profile;
	uint64_t fingerprints[RECORD_LEVELS_MAX];
	uint8_t new_level; /* coarsest that was new at first sight */
	uint8_t flags;     /* enum held_flag */
	bool is_dirty;     /* changed since the last checkpoint */
	bool is_queued;    /* among those that wait */
	uint32_t first_epoch, last_epoch, active_epochs;
	uint32_t days, last_day;
	uint64_t first_ns, last_ns, events, anomaly;
	struct record_key key; /* its text lies behind this struct */
};

/* A prefix that some held behaviour would bring into the baseline. */
struct held_prefix {
	struct profile *profile;
	uint64_t fingerprint;
	uint32_t n_held;    /* behaviours that share it */
	uint32_t n_waiting; /* of those, not quarantined */
	uint32_t unit, pool_unit;
	uint8_t level, stratum;
	bool is_marked, is_learned, is_pool_marked;
};

struct pending {
	struct held *first, *last; /* waiting, earliest due first */
	uint64_t hold_ns;
	uint32_t per_workload_max;
	uint64_t n_held, n_quarantined, bytes;
	uint64_t refused_total, evicted_total;
};

/* What a first sighting was like. */
struct first_sight {
	const uint64_t *fingerprints;
	const struct record_key *key;
	uint8_t new_level;
	bool is_startup, is_anomalous, is_suspicious, is_matched;
	uint8_t host_new_level; /* coarsest that no other workload is known for */
	uint64_t ts_ns, anomaly;
};

/* The held behaviour with that finest usable fingerprint, or NULL. */
struct held *pending_find(const struct baseline *b, uint64_t fingerprint);

/* Put a new behaviour into pending. -ENOSPC: no room (counted), -ENOMEM. */
int pending_add(struct pending *pending, struct profile *p, const struct first_sight *sight,
		uint32_t epoch);

/* It was seen again. */
void pending_see(struct held *held, uint32_t epoch, uint64_t ts_ns);

/* Something speaks against it. is_matched: a rule does, not only an incident. */
void pending_quarantine(struct pending *pending, struct held *held, bool is_matched);
void pending_set_anomalous(struct pending *pending, struct held *held);

/* It waited long enough for one that is anomalous. */
bool pending_is_absorbable(const struct held *held);

/* The earliest that is due by now, or NULL. */
struct held *pending_due(const struct pending *pending, uint64_t now_ns);
uint64_t held_due_ns(const struct pending *pending, const struct held *held);

/* It waits no more: forgets its prefixes, takes it out of everything; the caller owns it (free).
 * is_learned: it became part of the baseline, its marks stay. */
struct held *pending_take(struct pending *pending, struct held *held, bool is_learned);

/* Put a restored one back; takes held. marks: units of its prefixes from new_level on. */
struct held_mark {
	uint32_t unit, pool_unit;
	bool is_marked, is_learned, is_pool_marked;
};
int pending_restore(struct pending *pending, struct held *held,
		    const struct held_mark marks[RECORD_LEVELS_MAX]);
/* After restoring: what the stored marks could not know of each other. */
void pending_settle(struct baseline *b);
/* The prefix record of a held behaviour's level; NULL below new_level. */
const struct held_prefix *pending_prefix(const struct held *held, unsigned level);

/* A zeroed one with room for the key's text, copied. NULL without memory. */
struct held *held_create(struct profile *p, const struct record_key *key,
			 const uint64_t *fingerprints);
/* Release all of a baseline's. */
void pending_drop_all(struct pending *pending, struct baseline *b);
