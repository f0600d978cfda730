#include "daemon/losses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

struct losses {
	uint64_t checked_ns; /* time of the last check */
	struct source_counters source, previous;
	uint64_t evicted, fds_evicted;
};

int losses_create(struct losses **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void losses_destroy(struct losses **losses)
{
	free(*losses);
	*losses = NULL;
}

const struct source_counters *losses_source(const struct losses *losses)
{
	return &losses->source;
}

/* What is being compared: since when, until when, into which book. */
struct comparison {
	uint64_t from_ns, to_ns;
	struct gaps *gaps;
};

static bool add_growth(const struct comparison *c, enum gap_reason reason, uint64_t before,
		       uint64_t now)
{
	if (now <= before)
		return false;
	gaps_add(c->gaps, reason, c->from_ns, c->to_ns, now - before);
	return true;
}

static void add_part_growth(const struct comparison *c, enum gap_reason reason, const char *group,
			    const char *name, uint64_t before, uint64_t now)
{
	if (now > before)
		gaps_add_part(c->gaps, reason, group, name, now - before);
}

/* What found no room; records that make no sense are dropped too, but not by any CPU. */
static uint64_t sum_dropped(const struct source_counters *counters)
{
	uint64_t sum = 0;

	for (int i = 0; i < SOURCE_CPUS_MAX; i++)
		sum += counters->dropped_by_cpu[i];
	return sum;
}

static void compare_rings(const struct comparison *c, const struct source_counters *before,
			  const struct source_counters *now)
{
	if (!add_growth(c, GAP_RING_FULL, sum_dropped(before), sum_dropped(now)))
		return;
	for (int i = 0; i < EVENT_TYPE_END; i++)
		add_part_growth(c, GAP_RING_FULL, "by_type", event_info((enum event_type)i)->name,
				before->by_type[i].dropped, now->by_type[i].dropped);
	for (uint32_t cpu = 0; cpu < SOURCE_CPUS_MAX; cpu++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", cpu);
		add_part_growth(c, GAP_RING_FULL, "by_cpu", name, before->dropped_by_cpu[cpu],
				now->dropped_by_cpu[cpu]);
	}
}

static void compare_programs(const struct comparison *c, const struct source_counters *before,
			     const struct source_counters *now)
{
	if (!add_growth(c, GAP_RECURSION, before->recursion_missed_total,
			now->recursion_missed_total))
		return;
	for (uint32_t i = 0; i < now->n_programs; i++)
		add_part_growth(c, GAP_RECURSION, "by_program", now->programs[i].name,
				i < before->n_programs ? before->programs[i].missed : 0,
				now->programs[i].missed);
}

/* Nothing went wrong: it was left out on purpose. */
static void compare_shed(const struct comparison *c, const struct source_counters *before,
			 const struct source_counters *now)
{
	if (!add_growth(c, GAP_SHED, before->shed_total, now->shed_total))
		return;
	for (int i = 0; i < EVENT_TYPE_END; i++)
		add_part_growth(c, GAP_SHED, "by_type", event_info((enum event_type)i)->name,
				before->by_type[i].shed, now->by_type[i].shed);
}

uint64_t losses_check(struct losses *l, const struct source *source, const struct state *state,
		      uint64_t now_ns, struct gaps *gaps)
{
	struct comparison c = {
		.from_ns = l->checked_ns ? l->checked_ns : now_ns, .to_ns = now_ns, .gaps = gaps};
	struct state_counters counters;

	l->previous = l->source;
	source->ops->counters(source, &l->source);
	compare_rings(&c, &l->previous, &l->source);
	compare_programs(&c, &l->previous, &l->source);
	add_growth(&c, GAP_CORRUPT, l->previous.corrupt_total, l->source.corrupt_total);
	add_growth(&c, GAP_EVICTED_REQUEST, l->previous.requests_evicted_total,
		   l->source.requests_evicted_total);
	compare_shed(&c, &l->previous, &l->source);

	state_counters(state, &counters);
	add_growth(&c, GAP_EVICTED_PROCESS, l->evicted, counters.evicted_total);
	add_growth(&c, GAP_EVICTED_FD, l->fds_evicted, counters.fds_evicted_total);
	l->evicted = counters.evicted_total;
	l->fds_evicted = counters.fds_evicted_total;
	l->checked_ns = now_ns;
	return l->source.dropped_total + l->source.recursion_missed_total;
}
