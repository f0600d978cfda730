/* The only place that reads clocks. Everything that judges or learns takes the time as an argument
 * or from the event, so that replay is exact; these are for deadlines, ticks and stamps. Any
 * thread. */
#pragma once

#include <stdint.h>

uint64_t clock_monotonic_ns(void);
uint64_t clock_boot_ns(void); /* as monotonic, but counts suspend */
uint64_t clock_real_ns(void); /* since the epoch */

/* The three clocks at one moment. */
struct clock_reading {
	uint64_t boot_ns, monotonic_ns, real_ns;
};

/* Read them as close together as the scheduler lets us. */
struct clock_reading clock_read(void);

/* CPU time that the process has taken; that the calling thread has. */
uint64_t clock_cpu_ns(void);
uint64_t clock_thread_cpu_ns(void);
