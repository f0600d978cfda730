/* Parameters of a request: which a route takes, of what type; checked before the route runs, so
 * that every refusal is a 400 that names the parameter. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

enum query_type {
	QUERY_TEXT,
	QUERY_TIME,     /* RFC 3339, or seconds since the epoch */
	QUERY_SECONDS,  /* a number >= 0 */
	QUERY_COUNT,    /* a whole number >= 0 */
	QUERY_LIMIT,    /* a whole number from 1 to QUERY_LIMIT_MAX */
	QUERY_BOOL,     /* true, false, 1, 0 */
	QUERY_WORKLOAD, /* 16 hex digits */
	QUERY_CHOICE,   /* one of choices */
};

#define QUERY_LIMIT_DEFAULT 100
#define QUERY_LIMIT_MAX 1000
#define QUERY_PARAMS_MAX 12
#define QUERY_TEXT_MAX 512

struct query_param {
	const char *name; /* NULL ends a route's list */
	enum query_type type;
	const char *summary;
	const char *choices; /* QUERY_CHOICE: words separated by blanks */
};

/* A request's parameters as they came: borrowed from the connection while it is handled. */
struct query {
	uint32_t n;
	struct {
		const char *name, *value;
	} items[QUERY_PARAMS_MAX];
};

/* Every given parameter must be one of params, given once, and of its type. 0 or -EINVAL with the
 * reason. */
int query_check(const struct query *query, const struct query_param *params, struct diag *diag);

/* After query_check(): the value, or the default where the parameter was not given. */
const char *query_text(const struct query *query, const char *name); /* NULL */
uint64_t query_time_ns(const struct query *query, const char *name, uint64_t otherwise);
double query_seconds(const struct query *query, const char *name, double otherwise);
uint64_t query_count(const struct query *query, const char *name, uint64_t otherwise);
uint32_t query_limit(const struct query *query);
bool query_bool(const struct query *query, const char *name, bool otherwise);
uint64_t query_workload(const struct query *query); /* 0: not given */
