/* What a route answers: a status, a body and the few headers that vary. Plain data, one request. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cJSON;

struct answer {
	unsigned status;
	const char *content_type; /* static */
	char *body;               /* owned (free), unless is_static */
	size_t len;
	bool is_static;
	bool is_page;           /* served with the page's content security policy */
	bool wants_token;       /* 401: says which scheme */
	unsigned retry_after_s; /* 429, 503: 0 none */
	char allow[64];         /* 405: methods; empty none */
};

/* For SCOPED. */
void answer_done(struct answer *answer);

/* 200 with a printed tree; takes json (NULL: 503 out of memory). */
void answer_json(struct answer *answer, struct cJSON *json);

/* 200 with text that is JSON already; takes it. */
void answer_json_text(struct answer *answer, char *text);

/* application/problem+json; the title follows from the status. */
void answer_problem(struct answer *answer, unsigned status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The problem that a failed question to the pipeline or to the store is: 404, 503, 500. what names
 * the thing asked for. */
void answer_errno(struct answer *answer, int r, const char *what);

/* "Not Found", ... */
const char *answer_title(unsigned status);
