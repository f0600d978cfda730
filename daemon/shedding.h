/* Overload by choice: while the daemon takes more than capture.max_cpu_ratio of one core, kinds of
 * events are left out, the many of little value first, in the order of enum shed_step; when the
 * load falls they come back in the opposite order. The kernel counts exactly what is left out.
 * Programs that run and end, and whatever changes privilege, are never left out.
 *
 * The decision is pure (shedding_update()); time and counters come in. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "filter/filter.h"

/* What is left out first stands first. */
enum shed_step {
	SHED_IO,          /* data read, written, sent, received */
	SHED_WAITS,       /* waiting, sleeping, clocks */
	SHED_OTHER,       /* memory, queries, calls without an event of their own */
	SHED_DESCRIPTORS, /* closing, duplicating, pipes */
	SHED_OPENS,
	SHED_FILES, /* names and attributes of files */
	SHED_NET,   /* sockets and connections */
	SHED_STEP_END,
	SHED_NEVER = SHED_STEP_END,
};

/* "io", "opens", ... */
const char *shed_step_name(enum shed_step step);

/* When calls of the type are left out (call: its name, for EVENT_GENERIC). SHED_NEVER: never. */
enum shed_step shed_step_of(enum event_type type, const char *call);

/* The events that are left out at a level: those of the first `level` steps. */
void shed_events(uint32_t level, struct event_set *out);

struct shedding;

/* ratio: share of one core above which events are shed; NaN: never. 0 or -ENOMEM. */
int shedding_create(struct shedding **out, double ratio);
void shedding_destroy(struct shedding **shedding);

/* Another limit, or NaN: none, and everything comes back. */
void shedding_set_limit(struct shedding *shedding, double ratio);

/* Steps without a wanted event are passed over. */
void shedding_set_wanted(struct shedding *shedding, const struct event_set *wanted);

/* Totals since the start. */
struct shedding_input {
	uint64_t now_ns, cpu_ns;      /* monotonic clock; CPU time of the process */
	uint64_t events;              /* taken by the pipeline */
	uint64_t shed[SHED_STEP_END]; /* left out, by step */
};

/* Look once a second, no oftener. Whether the level changed.
 * More goes at once when the ratio over the last SHED_WINDOW_S seconds is above the limit; a step
 * comes back when the ratio with the events that it now holds back, at the price they had, would
 * have been below 0.8 of the limit for SHED_CALM_S seconds. */
bool shedding_update(struct shedding *shedding, const struct shedding_input *input);

#define SHED_WINDOW_S 3
#define SHED_CALM_S 5

/* How many steps are left out now. */
uint32_t shedding_level(const struct shedding *shedding);
double shedding_limit(const struct shedding *shedding); /* NaN none */
double shedding_ratio(const struct shedding *shedding); /* over the window; 0 before */
