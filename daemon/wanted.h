/* Which events the capture has to deliver: what the rules and dimensions ask for, what state needs
 * to stay true, and what the configuration adds or removes. */
#pragma once

#include "base/diag.h"
#include "daemon/config.h"
#include "filter/filter.h"

/* The union of asked (rules, dimensions) with the state-keeping set, changed by
 * capture.events. -EINVAL fills diag when a name there is no event. */
int wanted_events(struct event_set *out, const struct event_set *const *asked, uint32_t n_asked,
		  const struct config *config, struct diag *diag);
