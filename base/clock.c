#include "base/clock.h"

#include <time.h>

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now); /* these clocks always exist */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_boot_ns(void)
{
	return now_ns(CLOCK_BOOTTIME);
}

uint64_t clock_real_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

/* Being put off the CPU between two clocks would look like a jump: of some tries the one that took
 * the least time counts. */
struct clock_reading clock_read(void)
{
	enum { TRIES = 5, CLOSE_NS = 20000 };
	struct clock_reading best = {0};
	uint64_t best_ns = UINT64_MAX;

	for (int i = 0; i < TRIES && best_ns > CLOSE_NS; i++) {
		struct clock_reading now;
		uint64_t begun_ns, took_ns;

		begun_ns = clock_monotonic_ns();
		now.boot_ns = clock_boot_ns();
		now.monotonic_ns = clock_monotonic_ns();
		now.real_ns = clock_real_ns();
		took_ns = clock_monotonic_ns() - begun_ns;
		if (took_ns < best_ns || i == 0) {
			best = now;
			best_ns = took_ns;
		}
	}
	return best;
}

uint64_t clock_cpu_ns(void)
{
	return now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_thread_cpu_ns(void)
{
	return now_ns(CLOCK_THREAD_CPUTIME_ID);
}
