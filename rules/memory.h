/* What rules remember of the past, whichever set of them is loaded: in which workloads each has
 * fired (kept across restarts), and which occurrences of each are known. Rules go by a hash of
 * their name, so a reload forgets nothing. Bounded: see seen_table.h. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/records.h"

struct rule_memory;

/* seed is secret. 0 gives *out; -ENOMEM. */
int rule_memory_create(struct rule_memory **out, uint64_t seed);
void rule_memory_destroy(struct rule_memory **memory);

uint64_t rule_name_hash(struct text name);

/* Whether the rule fired in the workload before. */
bool rule_memory_has_fired(const struct rule_memory *memory, uint64_t rule, uint64_t workload);
/* The same without what has happened since the last rule_memory_begin_event(): of one event
 * everything is said as its conditions saw it, also after a rule has fired. */
bool rule_memory_had_fired(const struct rule_memory *memory, uint64_t rule, uint64_t workload);
void rule_memory_begin_event(struct rule_memory *memory);

/* It fires now; whether it did before. */
bool rule_memory_fire(struct rule_memory *memory, uint64_t rule, uint64_t workload);

/* An occurrence of the rule in the workload: what is text of it (borrowed). Whether it is known. */
bool rule_memory_note(struct rule_memory *memory, uint64_t rule, uint64_t workload,
		      struct text what);

struct rule_memory_counters {
	uint32_t fired, fired_room;   /* pairs of rule and workload */
	uint64_t fired_evicted_total; /* forgotten for others: the rule seems not to have fired */
	uint32_t occurrences, occurrences_room;
	uint64_t occurrences_evicted_total; /* forgotten: they pass as first ones again */
	uint64_t bytes;
};

void rule_memory_counters(const struct rule_memory *memory, struct rule_memory_counters *out);

/* Persistence: in which workloads rules have fired. NULL: nothing new since the last call, or no
 * memory. Loading, before the first event: 0; -EBADMSG, and the memory unchanged. */
struct record_blob *rule_memory_image(struct rule_memory *memory);
int rule_memory_load_image(struct rule_memory *memory, const struct record_blob *blob);
