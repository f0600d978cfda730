#include "daemon/losses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

#define REASON_MAX 96

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

/* What is being reported: since when, until when, to whom. */
struct report {
	uint64_t from_ns, to_ns;
	gap_emit_fn *emit;
	void *arg;
};

static void report_growth(const struct report *report, const char *what, const char *detail,
			  uint64_t before, uint64_t now)
{
	char reason[REASON_MAX];
	struct record_gap *gap;
	int len;

	if (now <= before)
		return;
	len = snprintf(reason, sizeof(reason), "%s%s%s", what, detail ? ": " : "",
		       detail ? detail : "");
	len = MIN(len, (int)sizeof(reason) - 1);
	gap = record_alloc(sizeof(*gap), (size_t)len);
	if (!gap)
		return; /* the counters themselves still show it */
	gap->from_ns = report->from_ns;
	gap->to_ns = report->to_ns;
	gap->events = now - before;
	gap->reason = record_text(gap, (struct text){reason, (uint32_t)len});
	report->emit(gap, report->arg);
}

uint64_t losses_check(struct losses *l, const struct source *source, const struct state *state,
		      uint64_t now_ns, gap_emit_fn *emit, void *arg)
{
	struct report report = {.from_ns = l->checked_ns ? l->checked_ns : now_ns,
				.to_ns = now_ns,
				.emit = emit,
				.arg = arg};
	struct state_counters counters;

	l->previous = l->source;
	source->ops->counters(source, &l->source);
	for (int i = 0; i < EVENT_TYPE_END; i++)
		report_growth(&report, "ring full", event_info((enum event_type)i)->name,
			      l->previous.by_type[i].dropped, l->source.by_type[i].dropped);
	report_growth(&report, "program not run: recursion", NULL,
		      l->previous.recursion_missed_total, l->source.recursion_missed_total);

	state_counters(state, &counters);
	report_growth(&report, "evicted", "processes", l->evicted, counters.evicted_total);
	report_growth(&report, "evicted", "descriptors", l->fds_evicted,
		      counters.fds_evicted_total);
	l->evicted = counters.evicted_total;
	l->fds_evicted = counters.fds_evicted_total;
	l->checked_ns = now_ns;
	return l->source.dropped_total + l->source.recursion_missed_total;
}
