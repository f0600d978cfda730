#include "api/query.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"

#define COUNT_MAX (UINT64_C(1) << 53)

static int parse_u64(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!*text || strlen(text) > 19)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	if (value > max)
		return -EINVAL;
	*out = value;
	return 0;
}

/* strtod without its leniency: no blanks, hex, inf or nan. */
static int parse_seconds(const char *text, double *out)
{
	char *end;
	double value;

	if (!*text || strlen(text) > 32 || strspn(text, "0123456789.eE+-") != strlen(text))
		return -EINVAL;
	value = strtod(text, &end);
	if (*end || !isfinite(value) || value < 0)
		return -EINVAL;
	*out = value;
	return 0;
}

static int parse_bool(const char *text, bool *out)
{
	if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
		*out = true;
	else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
		*out = false;
	else
		return -EINVAL;
	return 0;
}

static bool is_one_of(const char *word, const char *choices)
{
	size_t len = strlen(word);

	for (const char *at = choices; len && *at;) {
		size_t choice_len = strcspn(at, " ");

		if (choice_len == len && memcmp(at, word, len) == 0)
			return true;
		at += choice_len + (at[choice_len] == ' ');
	}
	return false;
}

static int check_value(const struct query_param *param, const char *value, struct diag *diag)
{
	uint64_t number;
	double seconds;
	bool flag;

	switch (param->type) {
	case QUERY_TEXT:
		if (strlen(value) > QUERY_TEXT_MAX)
			return diag_set(diag, -EINVAL, "parameter '%s' is longer than %d bytes",
					param->name, QUERY_TEXT_MAX);
		return 0;
	case QUERY_TIME:
		if (!time_parse(text_from(value), &number))
			return diag_set(diag, -EINVAL,
					"parameter '%s' must be a time like 2026-11-20T12:00:00Z",
					param->name);
		return 0;
	case QUERY_SECONDS:
		if (parse_seconds(value, &seconds))
			return diag_set(diag, -EINVAL,
					"parameter '%s' must be a number of seconds, 0 or more",
					param->name);
		return 0;
	case QUERY_COUNT:
		if (parse_u64(value, COUNT_MAX, &number))
			return diag_set(diag, -EINVAL,
					"parameter '%s' must be a whole number, 0 or more",
					param->name);
		return 0;
	case QUERY_LIMIT:
		if (parse_u64(value, QUERY_LIMIT_MAX, &number) || number == 0)
			return diag_set(diag, -EINVAL,
					"parameter '%s' must be a whole number from 1 to %d",
					param->name, QUERY_LIMIT_MAX);
		return 0;
	case QUERY_BOOL:
		if (parse_bool(value, &flag))
			return diag_set(diag, -EINVAL, "parameter '%s' must be true or false",
					param->name);
		return 0;
	case QUERY_WORKLOAD:
		if (!hex16_parse(text_from(value), &number))
			return diag_set(diag, -EINVAL,
					"parameter '%s' must be a workload's id, 16 hex digits",
					param->name);
		return 0;
	case QUERY_CHOICE:
		if (!is_one_of(value, param->choices))
			return diag_set(diag, -EINVAL, "parameter '%s' must be one of: %s",
					param->name, param->choices);
		return 0;
	}
	return -EINVAL;
}

static const struct query_param *find_param(const struct query_param *params, const char *name)
{
	for (; params && params->name; params++) {
		if (strcmp(params->name, name) == 0)
			return params;
	}
	return NULL;
}

int query_check(const struct query *query, const struct query_param *params, struct diag *diag)
{
	for (uint32_t i = 0; i < query->n; i++) {
		const char *name = query->items[i].name;
		const struct query_param *param = find_param(params, name);
		int r;

		if (!param)
			return diag_set(diag, -EINVAL, "parameter '%.64s' is not known here", name);
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(query->items[j].name, name) == 0)
				return diag_set(diag, -EINVAL, "parameter '%s' is given twice",
						name);
		}
		r = check_value(param, query->items[i].value, diag);
		if (r)
			return r;
	}
	return 0;
}

const char *query_text(const struct query *query, const char *name)
{
	for (uint32_t i = 0; i < query->n; i++) {
		if (strcmp(query->items[i].name, name) == 0)
			return query->items[i].value;
	}
	return NULL;
}

uint64_t query_time_ns(const struct query *query, const char *name, uint64_t otherwise)
{
	const char *text = query_text(query, name);
	uint64_t ns;

	return text && time_parse(text_from(text), &ns) ? ns : otherwise;
}

double query_seconds(const struct query *query, const char *name, double otherwise)
{
	const char *text = query_text(query, name);
	double seconds;

	return text && parse_seconds(text, &seconds) == 0 ? seconds : otherwise;
}

uint64_t query_count(const struct query *query, const char *name, uint64_t otherwise)
{
	const char *text = query_text(query, name);
	uint64_t count;

	return text && parse_u64(text, COUNT_MAX, &count) == 0 ? count : otherwise;
}

uint32_t query_limit(const struct query *query)
{
	return (uint32_t)query_count(query, "limit", QUERY_LIMIT_DEFAULT);
}

bool query_bool(const struct query *query, const char *name, bool otherwise)
{
	const char *text = query_text(query, name);
	bool flag;

	return text && parse_bool(text, &flag) == 0 ? flag : otherwise;
}

uint64_t query_workload(const struct query *query)
{
	const char *text = query_text(query, "workload");
	uint64_t id;

	return text && hex16_parse(text_from(text), &id) ? id : 0;
}
