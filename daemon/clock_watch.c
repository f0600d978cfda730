#include "daemon/clock_watch.h"

#include "base/util.h"

#define SLEEP_MIN_NS INT64_C(100000000)
#define STEP_MIN_NS INT64_C(1000000000)

static int64_t passed(uint64_t before_ns, uint64_t now_ns)
{
	return (int64_t)(now_ns - before_ns);
}

void clock_watch_look(struct clock_watch *watch, const struct clock_reading *now, struct gaps *gaps)
{
	struct clock_reading last = watch->last;
	int64_t boot_ns, slept_ns, stepped_ns;
	bool has_last = watch->has_last;

	watch->last = *now;
	watch->has_last = true;
	if (!has_last)
		return;
	boot_ns = passed(last.boot_ns, now->boot_ns);
	slept_ns = boot_ns - passed(last.monotonic_ns, now->monotonic_ns);
	stepped_ns = passed(last.real_ns, now->real_ns) - boot_ns;
	if (slept_ns >= SLEEP_MIN_NS)
		gaps_add(gaps, GAP_SUSPEND, now->real_ns - MIN(now->real_ns, (uint64_t)slept_ns),
			 now->real_ns, GAP_EVENTS_UNKNOWN);
	if (stepped_ns >= STEP_MIN_NS)
		gaps_add(gaps, GAP_CLOCK_FORWARD, now->real_ns - (uint64_t)stepped_ns, now->real_ns,
			 0);
	else if (stepped_ns <= -STEP_MIN_NS)
		gaps_add(gaps, GAP_CLOCK_BACK, now->real_ns, now->real_ns - (uint64_t)stepped_ns,
			 0);
}

void clock_watch_downtime(const struct last_run *last, const struct clock_reading *now,
			  struct gaps *gaps)
{
	enum gap_reason reason = last->is_same_boot ? GAP_DOWNTIME : GAP_DOWNTIME_REBOOTED;
	uint64_t from_ns = MIN(last->real_ns, now->real_ns);

	if (!last->real_ns)
		return;
	if (last->is_same_boot && last->boot_ns && last->boot_ns <= now->boot_ns) {
		uint64_t down_ns = now->boot_ns - last->boot_ns;

		from_ns = now->real_ns - MIN(now->real_ns, down_ns);
	}
	gaps_add(gaps, reason, from_ns, now->real_ns, GAP_EVENTS_UNKNOWN);
}
