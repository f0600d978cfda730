/* Event time from boot time: the offset between the two clocks is sampled now and then; small
 * corrections are slewed, and time never runs backwards. Pipeline thread only. */
#pragma once

#include <stdint.h>

struct event_clock {
	int64_t offset_ns;   /* real - boot, in use */
	uint64_t sampled_ns; /* boot time of it */
	uint64_t last_ns;    /* the newest event time given out */
};

/* Take a sample: both clocks, read right after each other. The first, and steps of more than a
 * second forwards, count at once. After one backwards event time goes on at half speed until real
 * time has caught up: it neither runs backwards nor stands still for as long as the step was. */
void event_clock_sample(struct event_clock *clock, uint64_t boot_ns, uint64_t real_ns);

/* Time since the epoch of an event at boot_ns. */
uint64_t event_clock_ts(struct event_clock *clock, uint64_t boot_ns);
