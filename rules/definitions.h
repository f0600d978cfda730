/* What rule files define, gathered over all files before anything is compiled: lists, macros, rules
 * with their exceptions. All memory is the collection's pool. Loader's use only. */
#pragma once

#include "base/records.h"
#include "filter/pool.h"
#include "rules/place.h"
#include "rules/rules.h"

struct texts {
	struct text *items;
	uint32_t n, max;
};

struct list_def {
	struct text name;
	struct texts items;
	uint32_t index;      /* order of the first definition */
	uint32_t visibility; /* sees lists with a lower index */
	struct place place;
};

struct macro_def {
	struct text name;
	struct text condition;
	uint32_t index, visibility;
	struct place place, condition_place;
};

/* One value of an exception: a scalar, or a list of scalars. */
struct exception_item {
	bool is_list;
	struct text scalar;
	struct texts list;
};

/* One element of an exception's values: as many items as fields (list form), or one (scalar). */
struct exception_value {
	bool is_list;
	struct exception_item *items;
	uint32_t n;
};

struct exception_def {
	struct text name;
	bool has_fields, has_comps;
	bool fields_are_list, comps_are_list;
	struct texts fields, comps;
	struct exception_value *values;
	uint32_t n_values;
	struct place place;
};

struct exceptions {
	struct exception_def *items;
	uint32_t n;
};

/* One step of a sequence. */
struct step_def {
	struct text name, condition; /* name .ptr NULL: none */
	struct texts by;
	bool has_by;
	struct place place, condition_place, by_place;
};

enum window_kind { WINDOW_PLAIN, WINDOW_COUNT, WINDOW_SEQUENCE };

/* `count:` or `sequence:` of a rule; what is missing is 0. */
struct window_def {
	enum window_kind kind;
	struct place place;
	struct texts by;
	bool has_by;
	struct place by_place;
	uint64_t within_ns;
	uint64_t at_least;
	struct text distinct;
	struct place distinct_place;
	struct step_def *steps;
	uint32_t n_steps;
};

/* One entry of only_if_new: "dimension" or "dimension@level". */
struct news_def {
	struct text dimension, level; /* level empty: the finest */
	struct place place;
};

struct news_defs {
	struct news_def *items;
	uint32_t n;
};

struct rule_def {
	struct text name, condition, output, description,
		source; /* a sequence may have no condition */
	enum alert_priority priority;
	bool is_enabled, warn_evttypes, skip_if_unknown, capture;
	uint64_t capture_duration_ms;
	struct texts tags; /* sorted, no duplicates */
	struct exceptions exceptions;
	struct window_def window;
	struct news_defs only_if_new;
	bool has_rate; /* else the configured one */
	struct rule_rate rate;
	bool unknown_source;
	uint32_t index, visibility;
	struct place place, condition_place, output_place;
};

struct plugin_requirement {
	struct text name, version;
	struct plugin_requirement *alternatives;
	uint32_t n_alternatives;
	struct place place;
};

struct source_text;

struct collection {
	struct pool pool;
	struct list_def *lists;
	struct macro_def *macros;
	struct rule_def *rules;
	struct plugin_requirement *plugins;
	uint32_t n_lists, n_macros, n_rules, n_plugins;
	uint32_t counter; /* next index */
	const struct field_set *fields;
	const struct rule_options *options;
	struct rule_messages *messages; /* of the present file; may be NULL */
	struct source_text *source;     /* the present file */
	struct texts absent;            /* of the rule being compiled: see absent.h */
};

#define DEFINITIONS_MAX 16384 /* of each kind */

struct list_def *collection_list(struct collection *c, struct text name);
struct macro_def *collection_macro(struct collection *c, struct text name);
struct rule_def *collection_rule(struct collection *c, struct text name);

/* Append; 0 or -ENOMEM. */
int texts_add(struct pool *pool, struct texts *texts, struct text t);

/* Room for one more of size bytes behind n items, in the pool: the (moved) array, NULL on failure.
 */
void *grown(struct pool *pool, void *items, uint32_t n, size_t size);

/* Append more to *to behind a blank, and its place to the place. 0 or -ENOMEM. */
int placed_join(struct pool *pool, struct text *to, struct place *place, struct text more,
		const struct place *more_place);

/* Formatted text in the pool; .ptr NULL without memory. */
struct text pool_print(struct pool *pool, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Report an error: returns -EINVAL. */
int report_error(struct collection *c, const char *code, const struct place *place,
		 struct text item, const char *format, ...) __attribute__((format(printf, 5, 6)));
void report_warning(struct collection *c, const char *code, const struct place *place,
		    struct text item, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Whether source is one that events come from. */
bool source_is_known(const struct collection *c, struct text source);
