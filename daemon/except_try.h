/* Exceptions from an alert, each tested: that it loads with the rules that run, that it silences
 * the alert's stored event, and what else it would have hidden in history. Any thread, in short
 * transactions. */
#pragma once

#include "daemon/what_if_history.h"

struct except_question {
	uint64_t alert;          /* its id */
	bool is_redacted;        /* secrets are hidden before they are stored */
	uint64_t budget_ns;      /* of time */
	uint64_t events_max;     /* of history, newest last */
	const atomic_bool *stop; /* as for what_if_history */
};

/* rules: what runs; path, text, only and wants_all of it are not used. 0 gives the document
 * (docs/api.md, exceptions); -ENOENT: no such alert, or nothing is stored of its event; -EINVAL:
 * the rules that run do not load; or queries' errors, or -ENOMEM. */
int except_run(cJSON **document, struct queries *queries, const struct what_if_question *rules,
	       const struct except_question *question, const struct field_set *fields);

/* Whether the alert's rule, as the question would have it, is true of the alert's stored event:
 * *hits. -ENOENT, -EINVAL (it does not load) and others as above. */
int except_hits(bool *hits, struct queries *queries, const struct what_if_question *rules,
		uint64_t alert, const struct field_set *fields);
