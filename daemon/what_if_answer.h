/* The answer of a what-if as JSON: docs/api.md describes it, "POST /v1/rules/what-if". */
#pragma once

#include "daemon/what_if_needs.h"
#include "daemon/what_if_rules.h"
#include "daemon/what_if_tally.h"

struct what_if_answer {
	bool is_complete;
	bool is_exact;           /* false: hits are at least so many */
	bool has_incidents;      /* rules about them were tried, too */
	uint64_t from_ns, to_ns; /* the span that was looked at; 0: nothing was */
	const char *next;        /* where to go on; NULL: nowhere */
	cJSON *sources, *gaps;   /* arrays; taken */
	const struct what_if_tally *tally;
	/* Of the rule with that index, {"events", "fields"} */
	cJSON *(*missing)(uint32_t rule, const void *arg);
	const void *missing_arg;
};

cJSON *what_if_answer_json(const struct what_if_answer *answer, const struct what_if_rules *rules,
			   const struct rule_messages *messages);

/* The same shape for rules that are refused. */
cJSON *what_if_refusal_json(const struct rule_messages *messages);
