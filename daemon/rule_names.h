/* The dimensions that rules may name in only_if_new, by the numbers that profiles give them: read
 * from the same files. */
#pragma once

#include "daemon/config.h"
#include "profiles/dimension.h"
#include "rules/rules.h"

struct rule_names {
	struct dimension_set *set; /* holds the texts */
	struct rule_dimension dimensions[DIMENSIONS_MAX];
	uint32_t n;
};

/* Fill names (zeroed). 0; as dimension_set_load(). */
int rule_names_load(struct rule_names *names, const struct config *config,
		    const struct field_set *fields, struct diag *diag);
/* Those of the shipped configuration, for checks without a daemon: none where it is missing. */
void rule_names_load_shipped(struct rule_names *names, const struct field_set *fields);
void rule_names_done(struct rule_names *names);

/* Let options know them; borrowed. */
void rule_names_tell(const struct rule_names *names, struct rule_options *options);
