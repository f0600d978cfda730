/* The compiled rules; rules/ only. */
#pragma once

#include "filter/compiled.h"
#include "rules/definitions.h"
#include "rules/rules.h"
#include "rules/window_rule.h"

/* An entry of only_if_new. */
struct rule_news {
	struct text dimension;
	int32_t index; /* of the dimension; -1: unknown here */
	int32_t level; /* -1: the finest */
};

/* A bucket of tokens, one an alert; by event time. */
struct rate_state {
	double tokens;
	uint64_t filled_ns;    /* 0: it never was used: full */
	uint64_t n_suppressed; /* since the last alert */
};

/* A member of output_fields that a format makes. */
struct rule_extra {
	struct text name;
	struct format *format;
};

struct rule {
	struct text name, description, source, condition, output, tags;
	struct text absent_fields; /* named, and never with a value here; separated by blanks */
	struct text file;
	uint32_t line;                     /* where it is defined */
	struct text only_if_new, own_rate; /* as rule_info has them */
	enum alert_priority priority;
	bool is_enabled;
	struct filter *filter;      /* of a sequence: true for what is any of its steps */
	struct window_rule *window; /* count or sequence; NULL: one event is enough */
	struct format *message;     /* the output */
	struct format *fields; /* the same with the time in front: all that output_fields holds */
	struct rule_extra extras[RULE_EXTRA_FIELDS_MAX];
	uint32_t n_extras;
	uint64_t name_hash;     /* of what rules remember */
	struct rule_news *news; /* only_if_new */
	uint32_t n_news;
	struct rule_rate rate;
	struct rate_state rate_state;
	uint64_t hits_total, suppressed_total, last_hit_ns;
	uint32_t carries_from;   /* index + 1 of the same rule in the set before; 0: none */
	uint64_t condition_hash; /* never 0 */
	bool is_condition_given; /* rule_condition_create() gave it */
};

/* What is evaluated: the condition of an enabled rule, or of one step of its sequence. */
struct candidate {
	const struct filter *filter;
	uint32_t rule;
	uint32_t step;
};

/* Candidates to try for one kind of event, by index, in order of definition. */
struct rule_list {
	uint32_t *items;
	uint32_t n;
};

struct rule_set {
	struct pool pool;           /* texts, lists */
	struct filter_share *share; /* of all filters */
	struct eval_cache *cache;
	struct format *occurrences[2]; /* what tells one occurrence from another: of system calls,
					* of incidents; NULL: nothing does */
	struct plans *plans;           /* NULL: every rule is evaluated */
	uint64_t seed;                 /* see rule_options */
	uint32_t *matched;             /* scratch, n_candidates */
	struct rule *rules;
	uint32_t n;
	struct candidate *candidates; /* in order of their rules */
	uint32_t n_candidates;
	uint32_t n_windows;      /* enabled rules with a window */
	struct windows *windows; /* NULL: there are none */
	bool has_begun;          /* to look at events, as the windows know */
	uint64_t window_bytes;
	struct siphash_key window_secret;
	struct rule_set_totals totals;
	bool match_all;
	struct text static_fields; /* members of a JSON object: "site":"x",... */
	struct event_set events;
	bool reads_descriptors;
	struct rule_list by_type[EVENT_TYPE_END]; /* source syscall */
	struct rule_list by_source_ethogram;
	uint64_t matches_dropped_total, outputs_cut_total, events_cramped_total;
	struct rule_counters carried; /* of the sets before */
	struct stored_set *stored;    /* NULL before rule_set_describe() */
	struct text span;
};

/* An empty set with room for n rules. */
int rule_set_create(struct rule_set **out, uint32_t n);

/* Add a compiled rule: filter and formats are taken. Texts are copied. */
int rule_set_add(struct rule_set *set, const struct rule *rule);

/* Encode the fields that are added to every alert. 0; -ENOMEM; -E2BIG. */
int rule_set_static_fields(struct rule_set *set, const struct rule_options *options);

/* Build the index once all rules are there and enabled or not. */
int rule_set_index(struct rule_set *set);
