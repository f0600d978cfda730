/* Compiling trees, for those that build them themselves (rules expand macros first). */
#pragma once

#include "filter/ast.h"
#include "filter/eval_cache.h"
#include "filter/filter.h"

/* What several filters have in common: each check and each group of checks is compiled once, and
 * evaluated once an event. Destroy after the filters. */
struct filter_share;

int filter_share_create(struct filter_share **out);
void filter_share_destroy(struct filter_share **share);

/* Visit everything that the filters look at: fields, transformers, literals. */
struct operand;
typedef int operand_visit_fn(const struct operand *operand, void *arg);
/* 0, or what visit returned that was not 0, which ends it. */
int filter_share_each_operand(const struct filter_share *share, operand_visit_fn *visit, void *arg);

/* Values on which a regular expression gave up, which then did not match. */
uint64_t filter_share_regex_gave_up_total(const struct filter_share *share);

/* Memory of a share, with all its filters' checks, and of a filter's own part. */
size_t filter_share_bytes(const struct filter_share *share);
size_t filter_bytes(const struct filter *filter);

/* A cache for all filters compiled so far; to be put into the field_context of evaluations. */
int eval_cache_create(struct eval_cache **out, const struct filter_share *share);
void eval_cache_destroy(struct eval_cache **cache);

/* Memory of a cache for the share. */
size_t eval_cache_bytes(const struct filter_share *share);

/* Forget: the next event. */
static inline void eval_cache_next(struct eval_cache *cache)
{
	cache->epoch++;
}

/* As filter_compile(), of a tree without macros, which may go away afterwards. Tells a name that
 * does not exist (ERR_UNKNOWN_NAME) from other errors (-EINVAL); diag's message and offset are
 * set. share may be NULL: nothing is shared. The set of events is not checked: see
 * filter_event_set(). */
int filter_compile_tree(struct filter **out, const struct ast_node *root,
			const struct field_set *fields, struct filter_share *share,
			struct diag *diag);

/* As expr_compile(), telling a name that does not exist (ERR_UNKNOWN_NAME) apart. */
int expr_compile_strict(struct expr **out, struct text source, const struct field_set *fields,
			struct diag *diag);

/* The condition in its canonical form, as upstream prints it: (a and b). It need not parse. */
struct text filter_text(const struct filter *filter);

/* The condition as a text that parses, with FILTER_DEPTH_RULE, as the same tree. */
struct text filter_source(const struct filter *filter);

/* As filter_share_regex_gave_up_total(), of the filter's share. */
uint64_t filter_regex_gave_up_total(const struct filter *filter);
