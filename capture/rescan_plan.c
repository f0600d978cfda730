#include "capture/rescan_plan.h"

#include "base/util.h"

#define QUIET_NS UINT64_C(50000000)
#define PATIENCE_NS UINT64_C(5000000000)
#define PAUSE_MIN_NS UINT64_C(200000000)
#define PAUSE_FACTOR 4

void rescan_plan_lost(struct rescan_plan *plan, uint64_t now_ns)
{
	if (!plan->is_pending)
		plan->first_loss_ns = now_ns;
	plan->last_loss_ns = now_ns;
	plan->is_pending = true;
}

void rescan_plan_now(struct rescan_plan *plan)
{
	*plan = (struct rescan_plan){.is_pending = true};
}

bool rescan_plan_is_due(const struct rescan_plan *plan, uint64_t now_ns)
{
	if (!plan->is_pending)
		return false;
	if (plan->ended_ns &&
	    now_ns < plan->ended_ns + MAX(PAUSE_MIN_NS, PAUSE_FACTOR * plan->took_ns))
		return false;
	return now_ns >= plan->last_loss_ns + QUIET_NS ||
	       now_ns >= plan->first_loss_ns + PATIENCE_NS;
}

void rescan_plan_began(struct rescan_plan *plan)
{
	plan->is_pending = false;
}

void rescan_plan_ended(struct rescan_plan *plan, uint64_t began_ns, uint64_t now_ns)
{
	plan->took_ns = now_ns - began_ns;
	plan->ended_ns = now_ns;
}
