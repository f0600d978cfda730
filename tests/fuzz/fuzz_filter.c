/* Any text as a filter: it compiles or says why. What compiles prints as a text that parses as the
 * same tree, and a plan finds of it, of that text and of its negation what evaluating each does. */
#include <assert.h>

#include "base/util.h"
#include "filter/compiled.h"
#include "filter/event_sets.h"
#include "filter/parser.h"
#include "filter/plan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_fields.h"

#define DEPTH 4000 /* printing puts every group in parentheses */
#define FILTERS 3
#define CHECK_WORDS 1024

struct compiled {
	struct filter_share *share;
	struct filter *filters[FILTERS];
	struct stable_checks *stable;
	struct eval_cache *cache;
	struct plan *plan;
};

static void compiled_done(struct compiled *c)
{
	plan_destroy(&c->plan);
	eval_cache_destroy(&c->cache);
	stable_checks_destroy(&c->stable);
	for (int i = 0; i < FILTERS; i++)
		filter_destroy(&c->filters[i]);
	filter_share_destroy(&c->share);
}

/* The text that says exactly what the tree is. */
static struct text print_again(const struct ast_node *root, struct pool *pool,
			       struct ast_node **again)
{
	struct text first = ast_key(root, pool), second;
	struct diag diag = {0};

	if (filter_parse(again, first, DEPTH, pool, &diag))
		assert(!"what was printed parses");
	second = ast_key(*again, pool);
	assert(text_equal(first, second));
	return first;
}

/* false: it does not compile. */
static bool compile_all(struct compiled *c, const struct ast_node *const *trees,
			const struct field_set *fields)
{
	struct diag diag = {0};

	if (filter_share_create(&c->share))
		return false;
	for (int i = 0; i < FILTERS; i++) {
		if (filter_compile_tree(&c->filters[i], trees[i], fields, c->share, &diag)) {
			assert(i == 0 && diag.message[0]);
			return false;
		}
	}
	return stable_checks_create(&c->stable, c->share) == 0 &&
	       stable_checks_n(c->stable) <= 64 * CHECK_WORDS &&
	       eval_cache_create(&c->cache, c->share) == 0;
}

static void compare(struct compiled *c, struct fuzz_context *fuzz)
{
	static uint64_t marked[CHECK_WORDS], truths[CHECK_WORDS];
	const uint32_t tags[FILTERS] = {0, 1, 2};
	struct plan_request request = {(const struct filter *const *)c->filters,
				       tags,
				       FILTERS,
				       fuzz->event.type,
				       c->stable,
				       truths};
	uint32_t matched[FILTERS], n;
	bool is_true[FILTERS] = {false}, planned[FILTERS] = {false};

	memset(marked, 0, sizeof(marked));
	for (int i = 0; i < FILTERS; i++) {
		arena_reset(&fuzz->arena);
		is_true[i] = filter_eval(c->filters[i], &fuzz->ctx);
		stable_checks_mark(c->stable, c->filters[i], marked);
	}
	if (fuzz->arena.refused_total)
		return;
	assert(is_true[0] == is_true[1] && is_true[0] != is_true[2]);
	arena_reset(&fuzz->arena);
	stable_checks_eval(c->stable, marked, &fuzz->ctx, truths);
	if (plan_create(&c->plan, &request))
		return;
	arena_reset(&fuzz->arena);
	fuzz->ctx.cache = c->cache;
	n = plan_eval(c->plan, &fuzz->ctx, matched);
	fuzz->ctx.cache = NULL;
	for (uint32_t i = 0; i < n; i++)
		planned[matched[i]] = true;
	for (int i = 0; i < FILTERS; i++)
		assert(planned[i] == is_true[i] || fuzz->arena.refused_total);
}

static void check_tree(const struct ast_node *root, struct fuzz_context *fuzz)
{
	struct pool pool = {0};
	struct ast_node *again = NULL, *inverse = ast_node(&pool, AST_NOT, 0);
	const struct ast_node *trees[FILTERS] = {root, NULL, inverse};
	struct compiled c = {0};

	print_again(root, &pool, &again);
	if (inverse && !ast_add(&pool, inverse, (struct ast_node *)root)) {
		trees[1] = again;
		if (compile_all(&c, trees, &fuzz->fields))
			compare(&c, fuzz);
	}
	compiled_done(&c);
	pool_done(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(filter_destroy) struct filter *filter = NULL;
	SCOPED(expr_destroy) struct expr *expr = NULL;
	struct text source = {(const char *)data, (uint32_t)size};
	struct pool pool = {0};
	struct ast_node *root = NULL;
	struct fuzz_context fuzz;
	struct event_set events;
	struct diag diag = {0};
	struct values values;

	fuzz_context_init(&fuzz);
	if (filter_compile(&filter, source, &fuzz.fields, &diag))
		assert(diag.message[0] && diag.offset <= size);
	if (!filter_parse(&root, source, FILTER_DEPTH_DEFAULT, &pool, &diag)) {
		event_set_of(&events, root, &diag);
		check_tree(root, &fuzz);
	}
	if (!expr_compile(&expr, source, &fuzz.fields, &diag))
		expr_eval(expr, &fuzz.ctx, &values);
	pool_done(&pool);
	fuzz_context_done(&fuzz);
	return 0;
}
