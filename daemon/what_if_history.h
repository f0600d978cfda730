/* A what-if over stored events: those of alerts and anomalies, and the first of each behaviour in
 * an epoch. So hits are lower bounds. What an event was stored without leaves a rule that needs it
 * undecided. Any thread, in short transactions; bounded by time and number of events. */
#pragma once

#include <stdatomic.h>

#include "daemon/what_if_rules.h"
#include "storage/queries.h"

struct what_if_history {
	uint64_t since_ns, until_ns; /* 0: not bounded */
	const char *cursor;          /* the next of an answer before; NULL: from the start */
	uint64_t budget_ns;          /* of time, from now on */
	uint64_t events_max;
	uint64_t now_ns;         /* epoch: where a span without end ends */
	const atomic_bool *stop; /* once true, end it as if time had run out; NULL: never */
};

/* 0 gives the document (docs/api.md, what-if), also of rules that are refused; -EINVAL: the cursor
 * is none of ours; or queries_each_event()'s errors, or -ENOMEM. */
int what_if_run_history(cJSON **document, struct queries *queries,
			const struct what_if_question *question,
			const struct what_if_history *history, const struct field_set *fields);
