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
#define MEMORY_WORDS 1024

struct compiled {
	struct filter_share *share;
	struct filter *filters[FILTERS];
	struct stable_parts *stable;
	struct eval_cache *cache;
	struct plan *plan;
};

static void compiled_done(struct compiled *c)
{
	plan_destroy(&c->plan);
	eval_cache_destroy(&c->cache);
	stable_parts_destroy(&c->stable);
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
	return stable_parts_create(&c->stable, c->share) == 0 &&
	       stable_parts_words(c->stable) <= MEMORY_WORDS &&
	       eval_cache_create(&c->cache, c->share) == 0;
}

/* What a plan says of the filters; has_digest: as of events that have one. */
static bool ask_plan(struct compiled *c, struct fuzz_context *fuzz, bool has_digest, bool *is_true)
{
	static uint64_t known[MEMORY_WORDS], truths[MEMORY_WORDS];
	static const uint32_t tags[FILTERS] = {0, 1, 2};
	struct plan_request request = {.filters = (const struct filter *const *)c->filters,
				       .tags = tags,
				       .n = FILTERS,
				       .type = fuzz->event.type,
				       .has_digest = has_digest,
				       .stable = c->stable};
	struct stable_memory memory = {known, truths};
	uint32_t found[FILTERS], n;

	memset(known, 0, sizeof(known));
	memset(truths, 0xa5, sizeof(truths));
	plan_destroy(&c->plan);
	if (plan_create(&c->plan, &request))
		return false;
	arena_reset(&fuzz->arena);
	eval_cache_next(c->cache);
	fuzz->ctx.cache = c->cache;
	n = plan_find(c->plan, &fuzz->ctx, has_digest ? NULL : &memory, found);
	n = plan_decide(c->plan, &fuzz->ctx, &memory, found, n);
	fuzz->ctx.cache = NULL;
	assert(n <= FILTERS);
	for (int i = 0; i < FILTERS; i++)
		is_true[i] = false;
	for (uint32_t i = 0; i < n; i++)
		is_true[found[i]] = true;
	return !fuzz->arena.refused_total;
}

static void compare(struct compiled *c, struct fuzz_context *fuzz)
{
	bool is_true[FILTERS], planned[FILTERS];

	for (int i = 0; i < FILTERS; i++) {
		arena_reset(&fuzz->arena);
		is_true[i] = filter_eval(c->filters[i], &fuzz->ctx);
	}
	if (fuzz->arena.refused_total)
		return;
	assert(is_true[0] == is_true[1] && is_true[0] != is_true[2]);
	for (int has_digest = 0; has_digest <= 1; has_digest++)
		assert(!ask_plan(c, fuzz, has_digest, planned) ||
		       memcmp(is_true, planned, sizeof(planned)) == 0);
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
