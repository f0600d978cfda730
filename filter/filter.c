#include "filter/filter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/check.h"
#include "filter/compiled.h"
#include "filter/event_sets.h"
#include "filter/parser.h"
#include "filter/regex.h"

struct node {
	enum ast_kind kind; /* AND, OR, NOT, CHECK */
	uint32_t n;
	struct node **children;
	struct check *check;
};

struct filter {
	struct pool pool;
	struct regex_list regexes;
	struct node *root;
	struct event_set events;
	struct text canonical;
};

struct expr {
	struct pool pool;
	struct operand *operand;
};

struct compiler {
	struct filter *filter;
	const struct field_set *fields;
	struct diag *diag;
};

static void done_pool(struct pool *pool)
{
	pool_done(pool);
}

static int compile_node(struct compiler *c, const struct ast_node *ast, struct node **out)
{
	struct pool *pool = &c->filter->pool;
	struct node *node = pool_alloc(pool, sizeof(*node));

	if (!node)
		return -ENOMEM;
	*out = node;
	node->kind = ast->kind;
	if (ast->kind == AST_CHECK)
		return check_compile(&node->check, ast, c->fields, pool, &c->filter->regexes,
				     c->diag);
	if (ast->kind == AST_MACRO)
		return refuse_at(c->diag, ast, ERR_UNKNOWN_NAME, "there is no macro '%.*s'",
				 TEXT_ARGS(ast->text));
	node->children = pool_alloc(pool, ast->n_children * sizeof(*node->children));
	if (!node->children)
		return -ENOMEM;
	for (; node->n < ast->n_children; node->n++) {
		int r = compile_node(c, ast->children[node->n], &node->children[node->n]);

		if (r)
			return r;
	}
	return 0;
}

int filter_compile_tree(struct filter **out, const struct ast_node *root,
			const struct field_set *fields, struct diag *diag)
{
	SCOPED(filter_destroy) struct filter *filter = calloc(1, sizeof(*filter));
	struct compiler c = {filter, fields, diag};
	int r;

	if (!filter)
		return -ENOMEM;
	r = compile_node(&c, root, &filter->root);
	if (r)
		return r;
	filter->canonical = ast_text(root, &filter->pool);
	if (!filter->canonical.ptr)
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
	r = filter_compile_tree(out, root, fields, diag);
	if (r && diag)
		diag_place(diag, source.ptr, source.len, diag->offset);
	return r == ERR_UNKNOWN_NAME ? -EINVAL : r;
}

void filter_destroy(struct filter **filter)
{
	if (!*filter)
		return;
	regex_list_done(&(*filter)->regexes);
	pool_done(&(*filter)->pool);
	free(*filter);
	*filter = NULL;
}

static bool eval_node(const struct node *node, const struct field_context *ctx)
{
	switch (node->kind) {
	case AST_CHECK:
		return check_eval(node->check, ctx);
	case AST_NOT:
		return !eval_node(node->children[0], ctx);
	default:
		for (uint32_t i = 0; i < node->n; i++) {
			if (eval_node(node->children[i], ctx) != (node->kind == AST_AND))
				return node->kind == AST_OR;
		}
		return node->kind == AST_AND;
	}
}

bool filter_eval(const struct filter *filter, const struct field_context *ctx)
{
	return eval_node(filter->root, ctx);
}

const struct event_set *filter_event_set(const struct filter *filter)
{
	return &filter->events;
}

struct text filter_text(const struct filter *filter)
{
	return filter->canonical;
}

uint64_t filter_regex_gave_up_total(const struct filter *filter)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < filter->regexes.n; i++)
		total += regex_gave_up_total(filter->regexes.items[i]);
	return total;
}

int expr_compile(struct expr **out, struct text source, const struct field_set *fields,
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
	r = operand_compile(&expr->operand, node, fields, &expr->pool, diag);
	if (r && diag)
		diag_place(diag, source.ptr, source.len, diag->offset);
	if (r)
		return r == ERR_UNKNOWN_NAME ? -EINVAL : r;
	*out = TAKE(expr);
	return 0;
}

void expr_destroy(struct expr **expr)
{
	if (!*expr)
		return;
	pool_done(&(*expr)->pool);
	free(*expr);
	*expr = NULL;
}

bool expr_eval(const struct expr *expr, const struct field_context *ctx, struct values *out)
{
	return operand_eval(expr->operand, ctx, out);
}

enum value_type expr_type(const struct expr *expr)
{
	return expr->operand->type;
}
