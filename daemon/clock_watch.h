/* Watches the clocks for time that events do not cover: the host slept, real time was set. And how
 * long no daemon ran. Pure: readings come in. Pipeline thread only. */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "daemon/gaps.h"

struct clock_watch {
	struct clock_reading last;
	bool has_last;
};

/* Compare with the last reading and enter what jumped. Looked at once a second, whatever NTP may
 * slew stays far below the bounds: 100 ms of sleep, 1 s of real time (where event time steps too,
 * see capture/event_clock.h). */
void clock_watch_look(struct clock_watch *watch, const struct clock_reading *now,
		      struct gaps *gaps);

/* The last that is known of the run before, as its last checkpoint left it. */
struct last_run {
	uint64_t real_ns; /* 0: there was none */
	uint64_t boot_ns; /* 0: unknown */
	bool is_same_boot;
};

/* Enter the time between its last checkpoint and now. After a reboot only real time tells; on the
 * same boot its clock does, which nobody can set. */
void clock_watch_downtime(const struct last_run *last, const struct clock_reading *now,
			  struct gaps *gaps);
