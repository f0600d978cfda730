/* What the capture is asked to deliver, and changing it while events flow: the loader decides, the
 * pipeline thread applies between two batches. */
#pragma once

#include "base/diag.h"
#include "capture/source.h"
#include "filter/filter.h"
#include "filter/possible.h"

struct daemon;

struct capture_demand {
	struct event_set wanted;
	struct call_classes classes;
	struct capture_needs needs;
	double max_cpu_ratio; /* NaN: no limit */
};

/* What either asks for; the limit is a's. */
void capture_demand_join(struct capture_demand *out, const struct capture_demand *a,
			 const struct capture_demand *b);

/* Whether both ask for the same. */
bool capture_demand_is_same(const struct capture_demand *a, const struct capture_demand *b);

/* Loader thread: have the pipeline thread apply demand, and wait until it did; what is captured
 * already takes none of its time. 0; -ETIMEDOUT or -ECANCELED (the daemon ends) with diag (may be
 * NULL) set. */
int daemon_change_demand(struct daemon *daemon, const struct capture_demand *demand,
			 struct diag *diag);

/* Pipeline thread, between batches: apply what the loader changed. */
void daemon_apply_changed_demand(struct daemon *daemon);

/* Pipeline thread: let the source capture daemon->demand. 0 or -errno. */
int daemon_apply_demand(struct daemon *daemon);
