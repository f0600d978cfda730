#include "filter/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/util.h"
#include "filter/compiled.h"
#include "filter/event_sets.h"
#include "filter/filter_private.h"
#include "filter/parser.h"
#include "filter/regex.h"

#define SLOTS_MIN 64

struct filter_share {
	struct operand_table operands; /* and the memory of everything else */
	struct regex_list regexes;
	uint32_t n_nodes, n_slots;
	struct node **slots; /* hashed, NULL empty */
};

struct expr {
	struct operand_table operands;
	struct operand *operand;
};

struct compiler {
	struct filter_share *share;
	const struct field_set *fields;
	struct diag *diag;
};

static void done_pool(struct pool *pool)
{
	pool_done(pool);
}

int filter_share_create(struct filter_share **out)
{
	struct filter_share *share = calloc(1, sizeof(*share));

	if (!share)
		return -ENOMEM;
	share->n_slots = SLOTS_MIN;
	share->slots = calloc(share->n_slots, sizeof(struct node *));
	if (!share->slots) {
		free(share);
		return -ENOMEM;
	}
	*out = share;
	return 0;
}

void filter_share_destroy(struct filter_share **share)
{
	if (!*share)
		return;
	regex_list_done(&(*share)->regexes);
	operand_table_done(&(*share)->operands);
	free((*share)->slots);
	free(*share);
	*share = NULL;
}

uint32_t filter_share_size(const struct filter_share *share)
{
	return share->n_nodes;
}

void filter_share_visit(const struct filter_share *share, node_visit_fn *visit, void *arg)
{
	for (uint32_t i = 0; i < share->n_slots; i++) {
		if (share->slots[i])
			visit(share->slots[i], arg);
	}
}

int filter_share_each_operand(const struct filter_share *share, operand_visit_fn *visit, void *arg)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < share->operands.n; i++)
		r = visit(share->operands.items[i], arg);
	return r;
}

/* Children are shared already: equal ones are the same. */
static uint64_t node_hash(const struct node *node)
{
	if (node->kind == AST_CHECK)
		return XXH3_64bits(node->text.ptr, node->text.len);
	return XXH3_64bits_withSeed(node->children, node->n * sizeof(struct node *),
				    node->kind + 1);
}

static bool node_equal(const struct node *a, const struct node *b)
{
	if (a->hash != b->hash || a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == AST_CHECK)
		return text_equal(a->text, b->text);
	return memcmp(a->children, b->children, a->n * sizeof(struct node *)) == 0;
}

/* Where node is, or would be. */
static struct node **find_slot(struct node **slots, uint32_t n_slots, const struct node *node)
{
	uint32_t i = (uint32_t)node->hash & (n_slots - 1);

	while (slots[i] && !node_equal(slots[i], node))
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

static int grow_slots(struct filter_share *share)
{
	uint32_t n = 2 * share->n_slots;
	struct node **slots = calloc(n, sizeof(struct node *));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < share->n_slots; i++) {
		if (share->slots[i])
			*find_slot(slots, n, share->slots[i]) = share->slots[i];
	}
	free(share->slots);
	share->slots = slots;
	share->n_slots = n;
	return 0;
}

/* The node that is kept for all that equal *node: an older one, or this. */
static int keep_node(struct compiler *c, struct node **node)
{
	struct filter_share *share = c->share;
	struct node **slot = find_slot(share->slots, share->n_slots, *node);

	if (*slot) {
		*node = *slot;
		(*node)->is_shared = true;
		return 0;
	}
	*slot = *node;
	(*node)->id = share->n_nodes++;
	return 2 * share->n_nodes > share->n_slots ? grow_slots(share) : 0;
}

static int compile_check(struct compiler *c, const struct ast_node *ast, struct node *node,
			 struct node **out)
{
	struct node *known;
	int r;

	node->text = ast_key(ast, &c->share->operands.pool);
	if (!node->text.ptr)
		return -ENOMEM;
	node->hash = node_hash(node);
	known = *find_slot(c->share->slots, c->share->n_slots, node);
	if (known) {
		known->is_shared = true;
		*out = known;
		return 0;
	}
	r = check_compile(&node->check, ast, c->fields, &c->share->operands, &c->share->regexes,
			  c->diag);
	*out = node;
	return r ? r : keep_node(c, out);
}

static int compile_node(struct compiler *c, const struct ast_node *ast, struct node **out)
{
	struct pool *pool = &c->share->operands.pool;
	struct node *node = pool_alloc(pool, sizeof(*node));

	if (!node)
		return -ENOMEM;
	node->kind = ast->kind;
	if (ast->kind == AST_CHECK)
		return compile_check(c, ast, node, out);
	if (ast->kind == AST_MACRO)
		return refuse_at(c->diag, ast, ERR_UNKNOWN_NAME, "there is no macro '%.*s'",
				 TEXT_ARGS(ast->text));
	node->children = pool_alloc(pool, ast->n_children * sizeof(struct node *));
	if (!node->children)
		return -ENOMEM;
	for (; node->n < ast->n_children; node->n++) {
		int r = compile_node(c, ast->children[node->n], &node->children[node->n]);

		if (r)
			return r;
	}
	node->hash = node_hash(node);
	*out = node;
	return keep_node(c, out);
}

int filter_compile_tree(struct filter **out, const struct ast_node *root,
			const struct field_set *fields, struct filter_share *share,
			struct diag *diag)
{
	SCOPED(filter_destroy) struct filter *filter = calloc(1, sizeof(*filter));
	struct compiler c = {share, fields, diag};
	int r = 0;

	if (!filter)
		return -ENOMEM;
	filter->share = share;
	if (!share) {
		r = filter_share_create(&filter->share);
		filter->owns_share = r == 0;
		c.share = filter->share;
	}
	if (!r)
		r = compile_node(&c, root, &filter->root);
	if (r)
		return r;
	filter->canonical = ast_text(root, &filter->pool);
	filter->source = ast_key(root, &filter->pool);
	if (!filter->canonical.ptr || !filter->source.ptr)
		return -ENOMEM;
	if (event_set_of(&filter->events, root, NULL))
		event_set_all(&filter->events);
	*out = TAKE(filter);
	return 0;
}

int filter_compile(struct filter **out, struct text source, const struct field_set *fields,
		   struct diag *diag)
{
	SCOPED(done_pool) struct pool pool = {0};
	struct ast_node *root;
	int r = filter_parse(&root, source, FILTER_DEPTH_DEFAULT, &pool, diag);

	if (r)
		return r;
	r = filter_compile_tree(out, root, fields, NULL, diag);
	if (r && diag)
		diag_place(diag, source.ptr, source.len, diag->offset);
	return r == ERR_UNKNOWN_NAME ? -EINVAL : r;
}

void filter_destroy(struct filter **filter)
{
	if (!*filter)
		return;
	if ((*filter)->owns_share)
		filter_share_destroy(&(*filter)->share);
	pool_done(&(*filter)->pool);
	free(*filter);
	*filter = NULL;
}

int eval_cache_create(struct eval_cache **out, const struct filter_share *share)
{
	SCOPED(eval_cache_destroy) struct eval_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->epoch = 1;
	cache->truths = calloc(share->n_nodes + 1, sizeof(*cache->truths));
	cache->values = calloc(share->operands.n + 1, sizeof(*cache->values));
	if (!cache->truths || !cache->values)
		return -ENOMEM;
	*out = TAKE(cache);
	return 0;
}

size_t eval_cache_bytes(const struct filter_share *share)
{
	return sizeof(struct eval_cache) + (share->n_nodes + 1) * sizeof(uint64_t) +
	       (share->operands.n + 1) * sizeof(struct cached_values);
}

size_t filter_share_bytes(const struct filter_share *share)
{
	size_t bytes = sizeof(*share) + share->operands.pool.bytes +
		       share->n_slots * sizeof(struct node *) +
		       share->regexes.n * sizeof(struct regex *);

	for (uint32_t i = 0; i < share->regexes.n; i++)
		bytes += regex_bytes(share->regexes.items[i]);
	return bytes;
}

size_t filter_bytes(const struct filter *filter)
{
	return sizeof(*filter) + filter->pool.bytes +
	       (filter->owns_share ? filter_share_bytes(filter->share) : 0);
}

void eval_cache_destroy(struct eval_cache **cache)
{
	if (!*cache)
		return;
	free((*cache)->truths);
	free((*cache)->values);
	free(*cache);
	*cache = NULL;
}

static bool eval_cached(const struct node *node, const struct field_context *ctx);

static bool eval_node(const struct node *node, const struct field_context *ctx)
{
	switch (node->kind) {
	case AST_CHECK:
		return check_eval(node->check, ctx);
	case AST_NOT:
		return !eval_cached(node->children[0], ctx);
	default:
		for (uint32_t i = 0; i < node->n; i++) {
			if (eval_cached(node->children[i], ctx) != (node->kind == AST_AND))
				return node->kind == AST_OR;
		}
		return node->kind == AST_AND;
	}
}

static bool eval_cached(const struct node *node, const struct field_context *ctx)
{
	struct eval_cache *cache = ctx->cache;
	bool truth;

	if (!cache || !node->is_shared)
		return eval_node(node, ctx);
	if (cache->truths[node->id] >> 1 == cache->epoch)
		return cache->truths[node->id] & 1;
	truth = eval_node(node, ctx);
	cache->truths[node->id] = cache->epoch << 1 | truth;
	return truth;
}

bool filter_eval(const struct filter *filter, const struct field_context *ctx)
{
	return eval_cached(filter->root, ctx);
}

const struct event_set *filter_event_set(const struct filter *filter)
{
	return &filter->events;
}

struct text filter_text(const struct filter *filter)
{
	return filter->canonical;
}

struct text filter_source(const struct filter *filter)
{
	return filter->source;
}

uint64_t filter_share_regex_gave_up_total(const struct filter_share *share)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < share->regexes.n; i++)
		total += regex_gave_up_total(share->regexes.items[i]);
	return total;
}

uint64_t filter_regex_gave_up_total(const struct filter *filter)
{
	return filter_share_regex_gave_up_total(filter->share);
}

int expr_compile_strict(struct expr **out, struct text source, const struct field_set *fields,
			struct diag *diag)
{
	SCOPED(expr_destroy) struct expr *expr = calloc(1, sizeof(*expr));
	SCOPED(done_pool) struct pool pool = {0};
	struct ast_node *node;
	uint32_t len;
	int r;

	if (!expr)
		return -ENOMEM;
	r = filter_parse_operand(&node, source, &len, &pool, diag);
	if (r)
		return r;
	if (len < source.len) {
		diag_place(diag, source.ptr, source.len, len);
		return diag_set(diag, -EINVAL, "expected the end of the expression");
	}
	r = operand_compile(&expr->operand, node, fields, &expr->operands, diag);
	if (r && diag)
		diag_place(diag, source.ptr, source.len, diag->offset);
	if (r)
		return r;
	*out = TAKE(expr);
	return 0;
}

int expr_compile(struct expr **out, struct text source, const struct field_set *fields,
		 struct diag *diag)
{
	int r = expr_compile_strict(out, source, fields, diag);

	return r == ERR_UNKNOWN_NAME ? -EINVAL : r;
}

void expr_destroy(struct expr **expr)
{
	if (!*expr)
		return;
	operand_table_done(&(*expr)->operands);
	free(*expr);
	*expr = NULL;
}

bool expr_eval(const struct expr *expr, const struct field_context *ctx, struct values *out)
{
	return operand_eval(expr->operand, ctx, out);
}

static bool is_output_only(const struct operand *operand)
{
	for (uint32_t i = 0; i < operand->n; i++) {
		if (is_output_only(operand->children[i]))
			return true;
	}
	return operand->kind == OPERAND_FIELD && operand->field->flags & FIELD_OUTPUT_ONLY;
}

bool expr_is_output_only(const struct expr *expr)
{
	return is_output_only(expr->operand);
}

enum value_type expr_type(const struct expr *expr)
{
	return expr->operand->type;
}
