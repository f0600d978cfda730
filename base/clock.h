/* The only place that reads clocks. Everything that judges or learns takes the time as an argument
 * or from the event, so that replay is exact; these are for deadlines, ticks and stamps. Any
 * thread. */
#pragma once

#include <stdint.h>

uint64_t clock_monotonic_ns(void);
uint64_t clock_boot_ns(void); /* as monotonic, but counts suspend */
uint64_t clock_real_ns(void); /* since the epoch */
