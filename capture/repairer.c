#include "capture/repairer.h"

#include "base/clock.h"
#include "base/util.h"

/* Calls whose loss leaves state wrong. */
#define STATE_FLAGS (EVENT_CREATES_FD | EVENT_DESTROYS_FD | EVENT_MODIFIES_STATE)

/* Of a rescan that fails, until the next loss. */
#define TRIES 5

/* Losses of calls and requests that state depends on, and of life-cycle events. */
static uint64_t state_lost(const struct repairer *r, uint64_t bad_total)
{
	uint64_t total = rings_corrupt_total(r->rings) + bad_total;

	for (uint32_t cpu = 0; cpu < r->n_cpus; cpu++) {
		const struct wire_ring *ring = rings_head_of(r->rings, cpu);

		for (int abi = 0; abi < 2; abi++) {
			for (uint32_t nr = 0; nr < WIRE_NR_END; nr++) {
				enum event_type type = r->decoder->types[abi][nr];

				if (event_info(type)->flags & STATE_FLAGS)
					total += ring->lost_calls[abi][nr];
			}
		}
		for (uint32_t kind = WIRE_EXEC; kind < WIRE_KIND_END; kind++)
			total += kind == WIRE_SIGNAL || kind == WIRE_FAULT
					 ? 0 /* they change nothing */
					 : ring->lost_kinds[kind];
	}
	return total;
}

static void look_for_losses(struct repairer *r, uint64_t bad_total)
{
	uint64_t lost = rings_lost_total(r->rings) + bad_total, of_state;

	if (lost == r->lost_seen)
		return;
	r->lost_seen = lost;
	of_state = state_lost(r, bad_total);
	if (of_state == r->state_lost_seen)
		return;
	r->state_lost_seen = of_state;
	rescan_plan_lost(&r->plan, clock_monotonic_ns());
}

static void begin_rescan(struct repairer *r)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (r->rescan || !rescan_plan_is_due(&r->plan, now_ns))
		return;
	rescan_plan_began(&r->plan);
	r->began_ns = now_ns;
	if (rescan_create(&r->rescan, r->programs))
		rescan_plan_lost(&r->plan, now_ns);
}

static void end_rescan(struct repairer *r)
{
	uint64_t now_ns = clock_monotonic_ns();
	bool has_failed = rescan_failed(r->rescan);

	rescan_destroy(&r->rescan);
	rescan_plan_ended(&r->plan, r->began_ns, now_ns);
	if (has_failed) {
		/* What was lost is still wrong; trying without an end would be for nothing. */
		r->failed_in_row = (r->failed_in_row + 1) % TRIES;
		if (r->failed_in_row)
			rescan_plan_lost(&r->plan, now_ns);
		return;
	}
	r->failed_in_row = 0;
	r->took_ns = now_ns - r->began_ns;
	r->rescans_total++;
}

bool repairer_peek(struct repairer *r, struct rescan_record *out)
{
	uint64_t begin_ns;
	bool is_there;

	if (!r->rescan)
		return false;
	begin_ns = clock_monotonic_ns();
	is_there = rescan_peek(r->rescan, out);
	r->longest_ns = MAX(r->longest_ns, clock_monotonic_ns() - begin_ns);
	if (!is_there)
		end_rescan(r);
	return is_there;
}

void repairer_look(struct repairer *r, uint64_t bad_total)
{
	look_for_losses(r, bad_total);
	begin_rescan(r);
}

bool repairer_is_busy(const struct repairer *r)
{
	return r->rescan || r->plan.is_pending;
}

void repairer_take(struct repairer *r)
{
	rescan_take(r->rescan);
}
