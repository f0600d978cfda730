/* The rules that a what-if is about: those that run, those that would run with one more file, and
 * what is different. Any thread. */
#pragma once

#include "daemon/what_if_tally.h"
#include "filter/filter.h"
#include "rules/rules.h"

/* What is asked. All borrowed for the call. */
struct what_if_question {
	const char *const *files; /* that run, in order */
	uint32_t n_files;
	const struct rule_options *options;
	const char *path; /* the file to try; NULL: none. It comes behind the others, or, if it is
			   * one of them, in its place */
	const char *text; /* its content; NULL: what is read from path */
	size_t len;
	const char
		*only; /* name or wildcard of rules to report; NULL: what path defines or changes */
	bool wants_all; /* report every rule */
};

struct what_if_rule {
	struct rule_info info; /* borrowed from set */
	enum what_if_change change;
	bool is_enabled; /* as written; a what-if takes every reported rule as enabled */
	bool is_on_now;  /* it runs */
	bool has_events; /* false: any event can make it true */
	struct event_set events;
	char **fields; /* "proc.aname[2]", each once, in order of appearance */
	uint32_t n_fields, n_condition_fields; /* those of the condition stand first */
};

struct what_if_rules {
	/* The reported rules and nothing else: as they run, and as they would. Each event gives
	 * every rule that is true. */
	struct rule_set *base, *set;
	struct what_if_rule *items;
	uint32_t n;
};

/* 0; -EINVAL with the reason in messages (the caller frees them); -ENOMEM. fields must outlive the
 * sets. *out is the caller's either way. */
int what_if_rules_load(struct what_if_rules *out, const struct what_if_question *question,
		       const struct field_set *fields, struct rule_messages *messages);
void what_if_rules_done(struct what_if_rules *rules);

/* All rules under the question's own options: as they run, or (with_own) as they would, the
 * reported ones enabled. For running them as the daemon does. As what_if_rules_load() otherwise. */
int what_if_rules_full(const struct what_if_rules *rules, const struct what_if_question *question,
		       bool with_own, const struct field_set *fields, struct rule_set **out);

/* One rule alone, enabled, as it runs or (with_own) as it would; the set has it as its only enabled
 * one. As what_if_rules_load() otherwise; messages may be NULL. */
int what_if_rules_one(const struct what_if_question *question, const char *rule, bool with_own,
		      const struct field_set *fields, struct rule_set **out,
		      struct rule_messages *messages);

/* Whether a reported rule that runs would be another. */
bool what_if_rules_change_any(const struct what_if_rules *rules);

/* Have the tally count them. 0 or -ENOMEM. */
int what_if_rules_tally(const struct what_if_rules *rules, struct what_if_tally *tally);
