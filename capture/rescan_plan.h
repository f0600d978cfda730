/* When to describe everything anew after a loss. Pure. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rescan_plan {
	bool is_pending;
	uint64_t first_loss_ns, last_loss_ns; /* since the last one began */
	uint64_t ended_ns, took_ns;           /* the last one */
};

/* Something that state depends on was lost at now_ns (monotonic). */
void rescan_plan_lost(struct rescan_plan *plan, uint64_t now_ns);
/* Begin at the next opportunity: what was captured has changed. */
void rescan_plan_now(struct rescan_plan *plan);

/* Whether to begin: 50 ms after the last loss, or 5 s after the first when it goes on. The pause
 * between two is 200 ms at least, and four times what the last one took: under continuous loss
 * at most a fifth of the time has one under way. */
bool rescan_plan_is_due(const struct rescan_plan *plan, uint64_t now_ns);
void rescan_plan_began(struct rescan_plan *plan);
void rescan_plan_ended(struct rescan_plan *plan, uint64_t began_ns, uint64_t now_ns);
