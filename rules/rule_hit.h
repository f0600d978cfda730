/* What a rule that counts, or follows a sequence, found when it matched. Its fields (rule.*) read
 * this. Lives in the arena of the event. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event_table.h"
#include "base/text.h"

#define RULE_STEPS_MAX 8
#define RULE_VALUES_MAX 8 /* distinct values that are shown */
#define RULE_COMM_MAX 16

/* The event that was a step. */
struct rule_step {
	uint64_t ts_ns, num;
	int32_t pid;
	uint16_t type;            /* enum event_type */
	uint16_t nr;              /* EVENT_GENERIC: which call */
	char comm[RULE_COMM_MAX]; /* NUL-terminated unless full */
};

struct rule_hit {
	uint64_t count; /* 0: a sequence */
	uint64_t since_ns;
	bool is_complete;
	uint8_t n_values, n_steps;
	struct text values[RULE_VALUES_MAX];
	struct text names[RULE_STEPS_MAX]; /* of steps; borrowed from the rule; empty none */
	struct rule_step steps[RULE_STEPS_MAX];
};
