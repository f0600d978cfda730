/* Behaviour profiles as configured: what of Falco's numbers is which event. */
#pragma once

#include "daemon/config.h"
#include "profiles/behavior_counts.h"

/* What config asks for; *out stays NULL when that is nothing. -EINVAL fills diag; -ENOMEM. */
int counts_create(struct behavior_counts **out, const struct config *config,
		  const struct field_set *fields, uint64_t seed, struct diag *diag);
