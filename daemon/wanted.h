/* Which events the capture has to deliver: what the rules and dimensions ask for, what state needs
 * to stay true, and what the configuration adds or removes. */
#pragma once

#include "base/diag.h"
#include "daemon/config.h"
#include "filter/possible.h"

/* The union of asked (rules, dimensions) with the state-keeping set, changed by
 * capture.events. -EINVAL fills diag when a name there is no event. */
int wanted_events(struct event_set *out, const struct event_set *const *asked, uint32_t n_asked,
		  const struct config *config, struct diag *diag);

/* Add the calls that state needs: those that changed something. Of opens, those that succeeded, if
 * any event asked for reads what they left (descriptors_are_read: a rule does so itself). */
void wanted_add_state_classes(struct call_classes *classes, const struct event_set *const *asked,
			      uint32_t n_asked, bool descriptors_are_read,
			      const struct config *config);
