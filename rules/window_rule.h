/* The part of a rule that looks at more than one event: `count:` or `sequence:`, compiled. */
#pragma once

#include "filter/filter.h"
#include "rules/definitions.h"
#include "rules/windows.h"

#define WINDOW_BY_MAX 6

struct window_step {
	struct text name;      /* empty: none */
	struct filter *filter; /* owned; NULL for counts, whose filter is the rule's */
	struct expr *by[WINDOW_BY_MAX];
};

struct window_rule {
	enum window_kind kind;
	uint32_t list; /* in the windows of its set */
	struct hash128 identity;
	uint64_t within_ns;
	uint32_t at_least;      /* of counts */
	struct expr *distinct;  /* of counts; NULL: events count */
	uint32_t n_by, n_steps; /* a count has one step */
	struct window_step steps[RULE_STEPS_MAX];
	struct text uses;    /* by and distinct, as text: what they look at */
	struct text summary; /* "count by proc.pid within 60s at least 5" */
};

/* How values of a type compare: those of different classes never equal. ANY is known per event. */
enum value_class { VALUES_TEXT, VALUES_NUMBER, VALUES_REAL, VALUES_ADDRESS, VALUES_ANY };

enum value_class value_class_of(enum value_type type);

void window_rule_destroy(struct window_rule **rule);

/* What the present event has done to a rule so far: it begins zeroed. */
struct window_match {
	bool is_match;
	struct hash128 key;   /* that matched */
	struct rule_hit *hit; /* in the event's arena; NULL if that is full */
};

/* An event for which the condition of that step holds; later steps first. True: the rule matches
 * with it, as *match says. What has matched once with an event does not begin anew with it. */
bool window_rule_note(const struct window_rule *rule, uint32_t step, struct windows *windows,
		      const struct field_context *ctx, struct window_match *match);
