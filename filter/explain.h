/* Why a condition is true or false of one event: every clause with its truth and the values that
 * it compared. For stored events, of which not every field may be known: a clause is then true or
 * false only if it is so whatever the unknown fields hold. Any thread; allocates. */
#pragma once

#include <cjson/cJSON.h>

#include "filter/filter.h"

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

/* "false", "true", "unknown". */
const char *truth_name(enum truth truth);

/* Whether it is known what value the field has, or that it is absent. */
typedef bool field_known_fn(const struct field *field, const struct field_arg *arg,
			    void *known_arg);

struct explain_source {
	const struct field_context *ctx; /* no cache; its arena is reset on the way */
	field_known_fn *is_known;        /* NULL: everything is */
	void *known_arg;
};

/* With everything known the same as filter_eval(). */
enum truth filter_truth(const struct filter *filter, const struct explain_source *source);

#define EXPLAIN_CLAUSES_MAX 20000 /* clauses shown; conditions that have more are cut */
#define EXPLAIN_LITERALS_MAX 8    /* of a list; the one that matched is always named */

/* The condition as a tree of clauses:
 *   {kind: "and"|"or"|"not"|"check", truth, decides, clauses: [...]}
 * where decides says that the whole is what it is because of this clause; a check has, instead of
 * clauses,
 *   {text, left: {text, state: "present"|"absent"|"not stored", values: [...]}, operator, modifier,
 *    right: {values: [...], n} or {text, state, values}, matched: {left, right} or null}
 * and a clause with more below it than are shown has "omitted". The caller deletes it; NULL without
 * memory. */
cJSON *filter_explain(const struct filter *filter, const struct explain_source *source);

/* Names of the fields that the condition asks for and that are not known, each once: an array of
 * strings. NULL without memory. */
cJSON *filter_unknown_fields(const struct filter *filter, const struct explain_source *source);
