/* What the capture has to find out about the events it delivers: as much as the rules and
 * dimensions look at. */
#pragma once

#include "capture/source.h"
#include "profiles/behavior_counts.h"
#include "profiles/profile_set.h"
#include "rules/rules.h"

#define NEEDS_DATA_BYTES 80 /* of data that rules see of one call, as Falco has it */

/* Everything, for a recording: data_bytes of each call's data. */
void needs_all(struct capture_needs *out, uint16_t data_bytes);

/* Add what counted behaviours look at. */
void needs_add_counts(struct capture_needs *out, const struct behavior_counts *counts);

/* Either may be NULL. */
void needs_of(struct capture_needs *out, const struct rule_set *rules,
	      const struct profile_set *profiles);
