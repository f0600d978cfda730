/* Which events are stored for explaining rules and trying them later, and making their records:
 * those of alerts and of anomalies when they open, and the first of each distinct behaviour in an
 * epoch, as far as room and rate allow. Pipeline thread only. */
#pragma once

#include "anomaly/scorer.h"
#include "base/records.h"
#include "rules/rules.h"

struct history;

struct history_config {
	uint64_t epoch_ns;
	uint64_t seed;  /* secret */
	uint64_t bytes; /* storage.history_bytes: sightings take a day to fill it */
	uint64_t next_event_id, next_span_id;
};

/* 0 or -ENOMEM. */
int history_create(struct history **out, const struct history_config *config);
void history_destroy(struct history **history);

/* From now on these rules run. Ends the span before, if one lasts, and begins another, if the rules
 * are described: each is made once and may be NULL. */
void history_begin(struct history *history, const struct rule_set *rules, uint64_t now_ns,
		   struct record_span **ended, struct record_span **begun);

/* The program ends. */
struct record_span *history_end(struct history *history, uint64_t now_ns);

/* The record of an event to which n alerts belong; NULL when it is not stored. ctx as rules saw it,
 * with the score, before the event is learned. */
struct record_event *history_take(struct history *history, const struct rule_set *rules,
				  const struct field_context *ctx,
				  struct record_alert *const *alerts, uint32_t n);

struct history_counters {
	uint64_t made_total;
	uint64_t over_rate_total; /* alerts' and anomalies' events that were not stored: too many
				   * a second */
	uint64_t sightings_shed_total; /* first sightings that were not: the same, or too many
					* behaviours in the epoch */
	uint64_t cut_total;            /* events of which fields did not fit */
	uint64_t memory_denied_total;
	uint64_t bytes; /* of memory */
};

void history_counters(const struct history *history, struct history_counters *out);
