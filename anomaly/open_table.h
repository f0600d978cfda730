/* Open anomalies: what was found, and is not learned, refused or forgotten yet. A repeat is found
 * here and raises occurrences. Bounded: OPEN_MAX altogether, BELOW_MAX of them below the threshold
 * (the most surprising of the last day). Each owns the record that is emitted as copies. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/records.h"

#define OPEN_MAX 1024
#define BELOW_MAX 128

struct open_anomaly {
	uint64_t key;        /* of the behaviour: workload and finest fingerprint */
	uint64_t prefix_key; /* of what is new in it */
	uint64_t id;
	double return_period_s;
	uint64_t last_ns, emitted_ns; /* emitted_ns 0: not yet */
	bool is_above, is_changed;    /* changed: since it was emitted */
	struct record_anomaly *record;
	uint32_t next;       /* in its bucket, or in the free list; OPEN_MAX: end */
	uint32_t next_by_id; /* in its bucket by id */
};

struct open_table;

int open_table_create(struct open_table **out);
void open_table_destroy(struct open_table **table);

/* NULL: not open. Valid until the next add or remove. */
struct open_anomaly *open_table_find(struct open_table *table, uint64_t key);
struct open_anomaly *open_table_find_id(struct open_table *table, uint64_t id);

/* Would an anomaly below the threshold with that claim be kept? */
bool open_table_wants_below(const struct open_table *table, double return_period_s);

/* Called for an anomaly that has to go; then it is removed and its record freed. */
typedef void open_leave_fn(struct open_anomaly *anomaly, void *arg);

/* Add (key not in the table); takes the record. Makes room first: the least claim below the
 * threshold, else the longest unseen, goes. */
void open_table_add(struct open_table *table, const struct open_anomaly *anomaly,
		    open_leave_fn *leave, void *arg);

void open_table_remove(struct open_table *table, struct open_anomaly *anomaly);

/* The anomaly passed the threshold after all. */
void open_table_raise(struct open_table *table, struct open_anomaly *anomaly);

/* The at-th slot, 0 to OPEN_MAX - 1; NULL when it is free. */
struct open_anomaly *open_table_at(struct open_table *table, uint32_t at);

uint32_t open_table_size(const struct open_table *table);
uint32_t open_table_below(const struct open_table *table);
