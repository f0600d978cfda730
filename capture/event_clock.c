#include "capture/event_clock.h"

#include "base/util.h"

#define STEP_NS INT64_C(1000000000)
#define SLEW_PER_SAMPLE_NS INT64_C(500000) /* 500 ppm of the second between two samples */

void event_clock_sample(struct event_clock *clock, uint64_t boot_ns, uint64_t real_ns)
{
	int64_t sample = (int64_t)(real_ns - boot_ns);
	int64_t error = sample - clock->offset_ns;

	if (clock->sampled_ns == 0 || error >= STEP_NS)
		clock->offset_ns = sample;
	else if (error <= -STEP_NS)
		clock->offset_ns -= MIN(-error, (int64_t)(boot_ns - clock->sampled_ns) / 2);
	else if (error > SLEW_PER_SAMPLE_NS)
		clock->offset_ns += SLEW_PER_SAMPLE_NS;
	else if (error < -SLEW_PER_SAMPLE_NS)
		clock->offset_ns -= SLEW_PER_SAMPLE_NS;
	else
		clock->offset_ns = sample;
	clock->sampled_ns = boot_ns;
}

uint64_t event_clock_ts(struct event_clock *clock, uint64_t boot_ns)
{
	uint64_t ts_ns = boot_ns + (uint64_t)clock->offset_ns;

	if (ts_ns < clock->last_ns)
		return clock->last_ns;
	clock->last_ns = ts_ns;
	return ts_ns;
}
