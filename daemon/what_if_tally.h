/* What a what-if found: for every rule that it is about, the hits, of which workloads, on which
 * days (UTC), and the first few as examples. Bounded: what goes beyond is counted and said. One
 * thread at a time. */
#pragma once

#include <cjson/cJSON.h>

#include "base/records.h"

#define WHAT_IF_EXAMPLES_MAX 5
#define WHAT_IF_WORKLOADS_MAX 256 /* of one rule; hits of later ones are counted together */
#define WHAT_IF_DAYS_MAX 1024     /* of one rule; likewise */

enum what_if_change {
	WHAT_IF_NEW,     /* no rule of that name runs */
	WHAT_IF_CHANGED, /* it runs with another condition, output, priority, ... */
	WHAT_IF_SAME,
};

struct what_if_tally;

int what_if_tally_create(struct what_if_tally **out);
void what_if_tally_destroy(struct what_if_tally **tally);

/* From now on count hits of that rule, which runs now or does not. Its index, or -ENOMEM. Texts are
 * copied. */
int what_if_tally_add(struct what_if_tally *tally, struct text name, enum what_if_change change,
		      bool is_on_now);

/* Count a hit, if a rule of that name was added. event (may be NULL) is what happened, as field
 * values: shown with the examples. 1: counted; 0: of another rule; -ENOMEM: counted in part. */
int what_if_tally_hit(struct what_if_tally *tally, const struct record_alert *alert,
		      const cJSON *event);

/* Whether the next hit of the rule becomes an example. */
bool what_if_tally_wants_example(struct what_if_tally *tally, struct text name);

/* Count a hit of the rule as it runs now. */
void what_if_tally_hit_now(struct what_if_tally *tally, struct text name);

/* From now on the hits of rules as they run now are known, also where there are none. */
void what_if_tally_compare(struct what_if_tally *tally);

/* Hits that made no alert, as the rule's rate allowed none; not known otherwise. */
void what_if_tally_suppressed(struct what_if_tally *tally, struct text name, uint64_t n);

uint32_t what_if_tally_size(const struct what_if_tally *tally);

/* Members "name", "change", "hits", "hits_now", "suppressed", "workloads", "workloads_left_out",
 * "days", "days_left_out", "examples" of the rule with that index, as docs/api.md describes them.
 */
cJSON *what_if_tally_json(const struct what_if_tally *tally, uint32_t index);

/* "2026-11-20" of ns since the epoch. Returns out. */
#define DAY_TEXT_BYTES 16
const char *what_if_day(uint64_t ns, char out[DAY_TEXT_BYTES]);
