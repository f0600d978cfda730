/* Exceptions that would have kept one event from being an alert, from the narrowest to the widest,
 * made of what the event was: in the rule language's own form, with exact values. Only what stays
 * the same the next time is used: no ids of processes, no times, no ephemeral ports. Values are
 * strangers' bytes: all but printable ASCII, quotes and backslashes are written as \xNN. Pure. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define EXCEPT_FIELDS_MAX 7
#define EXCEPT_PROPOSALS_MAX 9
#define EXCEPT_NAME_BYTES 48

struct except_proposal {
	char name[EXCEPT_NAME_BYTES]; /* of the exception: "l42_3" */
	uint32_t n;
	const char *fields[EXCEPT_FIELDS_MAX], *comps[EXCEPT_FIELDS_MAX];
	char *literals[EXCEPT_FIELDS_MAX]; /* as a filter writes them */
	char *condition;                   /* "proc.exepath = "/bin/cat" and ..." */
	char *yaml;                        /* a rule item, ready to be put into a file */
};

struct except_proposals {
	struct except_proposal items[EXCEPT_PROPOSALS_MAX];
	uint32_t n;
};

struct except_event {
	struct text rule;    /* valid UTF-8: rule files are */
	uint64_t alert;      /* its id */
	const cJSON *fields; /* what is stored of it */
	bool is_redacted;    /* values with '*' may not be what they were: not used */
	bool hides_words;    /* write blanks and their like as \xNN, too, so that no list's name can
			      * be found in a value and be replaced */
};

/* 0, with at least none; -ENOMEM. */
int except_propose(struct except_proposals *out, const struct except_event *event);
void except_proposals_done(struct except_proposals *proposals);
