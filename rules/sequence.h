/* Following steps by key. For each step but the last the chain is kept whose first event is newest:
 * if any chain can still be completed in time, that one can. */
#pragma once

#include "rules/window_rule.h"

/* The event step is the step with that index (0 first) of the key; of the steps that one event can
 * be, the later must be noted first. True: it was the last of a chain; all of the key is forgotten,
 * and *hit (may be NULL) gets steps and times. */
bool sequence_note(const struct window_rule *rule, struct windows *windows, struct hash128 key,
		   uint32_t index, const struct rule_step *step, struct rule_hit *hit);
