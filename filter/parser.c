/* Recursive descent over the grammar of docs/filter-language.md. Every grammar level counts towards
 * the depth limit, as upstream counts, so that the same texts are refused. */
#include "filter/parser.h"

#include <errno.h>

#include "base/util.h"
#include "filter/lexer.h"

#define FILTER_TEXT_MAX (UINT32_C(1) << 22)

struct parser {
	struct lexer lex;
	uint32_t depth, depth_max;
};

static struct ast_node *parse_or(struct parser *p);
static struct ast_node *parse_transformer(struct parser *p);

static bool descend(struct parser *p)
{
	if (++p->depth >= p->depth_max)
		return lex_fail(&p->lex, "nested deeper than %u levels", p->depth_max);
	return true;
}

static struct ast_node *new_node(struct parser *p, enum ast_kind kind, uint32_t offset)
{
	struct ast_node *node = ast_node(p->lex.pool, kind, offset);

	if (!node)
		lex_no_memory(&p->lex);
	return node;
}

static bool add(struct parser *p, struct ast_node *parent, struct ast_node *child)
{
	if (!parent || !child)
		return false;
	if (ast_add(p->lex.pool, parent, child))
		return lex_no_memory(&p->lex);
	return true;
}

static struct ast_node *text_node(struct parser *p, enum ast_kind kind, uint32_t offset,
				  struct text text, bool is_quoted)
{
	struct ast_node *node = new_node(p, kind, offset);

	if (node) {
		node->text = text;
		node->is_quoted = is_quoted;
	}
	return node;
}

/* [arg] behind node, if there is one. */
static struct ast_node *with_argument(struct parser *p, struct ast_node *node)
{
	if (node && lex_argument(&p->lex, &node->arg))
		node->has_arg = true;
	return p->lex.error ? NULL : node;
}

static struct ast_node *parse_field(struct parser *p)
{
	uint32_t offset = p->lex.at;
	struct text name;

	if (!lex_field_name(&p->lex, &name))
		return NULL;
	return with_argument(p, text_node(p, AST_FIELD, offset, name, false));
}

static struct ast_node *parse_quoted(struct parser *p)
{
	uint32_t offset = p->lex.at;
	struct text text;

	if (!lex_quoted_string(&p->lex, &text))
		return NULL;
	return text_node(p, AST_STRING, offset, text, true);
}

static struct ast_node *parse_string(struct parser *p)
{
	uint32_t offset = p->lex.at;
	struct text text;

	if (lex_at_quote(&p->lex))
		return parse_quoted(p);
	if (!lex_bare_string(&p->lex, &text))
		return NULL;
	return text_node(p, AST_STRING, offset, text, false);
}

static struct ast_node *parse_number(struct parser *p)
{
	uint32_t offset = p->lex.at;
	struct text text;

	if (!lex_number(&p->lex, &text))
		return NULL;
	return text_node(p, AST_STRING, offset, text, false);
}

typedef struct ast_node *parse_fn(struct parser *p);

/* The rest of "(item, item)" behind the opening parenthesis, into parent. */
static bool parse_items(struct parser *p, struct ast_node *parent, parse_fn *parse,
			const char *what)
{
	lex_blank(&p->lex);
	do {
		lex_blank(&p->lex);
		if (!add(p, parent, parse(p)))
			return lex_fail(&p->lex, "expected %s", what);
		lex_blank(&p->lex);
	} while (lex_string(&p->lex, ","));
	if (!lex_string(&p->lex, ")"))
		return lex_fail(&p->lex, "expected ',' or ')'");
	return true;
}

static struct ast_node *parse_list(struct parser *p, parse_fn *parse_item, const char *what)
{
	uint32_t offset = p->lex.at;
	struct ast_node *list;

	if (!lex_string(&p->lex, "("))
		return NULL;
	list = new_node(p, AST_LIST, offset);
	lex_blank(&p->lex);
	if (list && lex_string(&p->lex, ")"))
		return list;
	return list && parse_items(p, list, parse_item, what) ? list : NULL;
}

static struct ast_node *parse_item(struct parser *p)
{
	struct ast_node *node = NULL;

	if (lex_at_quote(&p->lex))
		return parse_quoted(p);
	node = parse_number(p);
	if (!node && !p->lex.error)
		node = parse_transformer(p);
	if (!node && !p->lex.error)
		node = parse_field(p);
	return node;
}

static struct ast_node *parse_transformer_arg(struct parser *p)
{
	struct ast_node *list = parse_list(p, parse_item, "a field, a string or a number");

	return list || p->lex.error ? list : parse_item(p);
}

/* NULL without an error: no transformer stands here. */
static struct ast_node *parse_transformer(struct parser *p)
{
	uint32_t offset = p->lex.at;

	for (int i = 0; i < TRANSFORMER_END; i++) {
		struct ast_node *node;

		if (!lex_string(&p->lex, transformer_name((enum transformer)i)))
			continue;
		if (!lex_string(&p->lex, "(")) {
			p->lex.at = offset;
			continue;
		}
		if (!descend(p))
			return NULL;
		node = new_node(p, AST_TRANSFORMER, offset);
		if (!node)
			return NULL;
		node->transformer = (enum transformer)i;
		if (!parse_items(p, node, parse_transformer_arg,
				 "a field, a transformer, a list or a string"))
			return NULL;
		p->depth--;
		return with_argument(p, node);
	}
	return NULL;
}

/* val(field) */
static struct ast_node *parse_val(struct parser *p)
{
	uint32_t offset = p->lex.at;
	struct ast_node *node, *field;

	if (!lex_string(&p->lex, "val("))
		return NULL;
	lex_blank(&p->lex);
	field = parse_field(p);
	if (!field) {
		lex_fail(&p->lex, "expected a field: val() takes nothing else");
		return NULL;
	}
	lex_blank(&p->lex);
	if (!lex_string(&p->lex, ")")) {
		lex_fail(&p->lex, "expected ')'");
		return NULL;
	}
	node = text_node(p, AST_VAL, offset, field->text, false);
	if (!add(p, node, field))
		return NULL;
	return with_argument(p, node);
}

static struct ast_node *parse_right_operand(struct parser *p)
{
	struct ast_node *node = parse_val(p);

	return node || p->lex.error ? node : parse_transformer(p);
}

/* A modifier is one only between blanks and before a list; otherwise the word is a string. */
static enum filter_modifier parse_modifier(struct parser *p)
{
	static const char *const keywords[] = {"and", "or", "not"};
	uint32_t start = p->lex.at, list;
	struct text word;

	for (int m = MODIFIER_ONEOF; m <= MODIFIER_ALLOF; m++) {
		if (!lex_string(&p->lex, modifier_name((enum filter_modifier)m)))
			continue;
		if (!lex_blank(&p->lex)) {
			p->lex.at = start;
			continue;
		}
		list = p->lex.at;
		if (lex_string(&p->lex, "(")) {
			p->lex.at = list;
			return (enum filter_modifier)m;
		}
		if (lex_identifier(&p->lex, &word)) {
			bool is_keyword = false;

			for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
				is_keyword = is_keyword || text_equal(word, text_from(keywords[i]));
			p->lex.at = list;
			if (!is_keyword)
				return (enum filter_modifier)m;
		}
		p->lex.at = start;
	}
	return MODIFIER_NONE;
}

static struct ast_node *parse_list_or_identifier(struct parser *p)
{
	struct ast_node *list = parse_list(p, parse_string, "a value");
	uint32_t offset = p->lex.at;
	struct text name;

	if (list || p->lex.error)
		return list;
	if (lex_identifier(&p->lex, &name))
		return text_node(p, AST_STRING, offset, name, false);
	return NULL;
}

static struct ast_node *parse_right_side(struct parser *p, struct ast_node *check)
{
	bool is_behind_blank = lex_blank(&p->lex) || op_info(check->op)->is_word;
	struct ast_node *right;

	if (check->op >= OP_EQ2 && check->op <= OP_REGEX && is_behind_blank) {
		check->modifier = parse_modifier(p);
		if (check->modifier != MODIFIER_NONE)
			return parse_list_or_identifier(p);
	}
	right = op_info(check->op)->syntax == OP_LIST ? parse_list(p, parse_string, "a value")
						      : NULL;
	if (!right && !p->lex.error)
		right = parse_right_operand(p);
	if (right || p->lex.error)
		return right;
	switch (op_info(check->op)->syntax) {
	case OP_NUMERIC:
		return parse_number(p);
	case OP_STRING:
		return parse_string(p);
	default:
		return parse_list_or_identifier(p);
	}
}

static const char *expected_right_side(enum op_syntax syntax)
{
	switch (syntax) {
	case OP_NUMERIC:
		return "a number, val() or a transformer";
	case OP_LIST:
		return "a list in parentheses, val() or a transformer";
	default:
		return "a value";
	}
}

static bool parse_operator(struct parser *p, enum filter_op *op)
{
	uint32_t start = p->lex.at;

	for (int i = 0; i < OP_END; i++) {
		if (!lex_string(&p->lex, op_info((enum filter_op)i)->token))
			continue;
		*op = (enum filter_op)i;
		if (!op_info(*op)->is_word || lex_blank(&p->lex))
			return true;
		p->lex.at = start;
	}
	return lex_fail(&p->lex, "expected an operator");
}

static struct ast_node *parse_comparison(struct parser *p, struct ast_node *left, uint32_t offset)
{
	struct ast_node *check = new_node(p, AST_CHECK, offset), *right;

	if (!add(p, check, left))
		return NULL;
	lex_blank(&p->lex);
	if (!parse_operator(p, &check->op))
		return NULL;
	if (check->op == OP_EXISTS)
		return check;
	right = parse_right_side(p, check);
	if (!right)
		lex_fail(&p->lex, "expected %s", expected_right_side(op_info(check->op)->syntax));
	return add(p, check, right) ? check : NULL;
}

/* Behind "(". */
static struct ast_node *parse_embedded(struct parser *p)
{
	struct ast_node *node;

	if (!descend(p))
		return NULL;
	node = parse_or(p);
	if (!node)
		return NULL;
	lex_blank(&p->lex);
	if (!lex_string(&p->lex, ")")) {
		lex_fail(&p->lex, "expected ')', 'and' or 'or'");
		return NULL;
	}
	p->depth--;
	return node;
}

static struct ast_node *parse_check(struct parser *p)
{
	struct ast_node *node;
	struct text name;
	uint32_t offset;

	if (!descend(p))
		return NULL;
	lex_blank(&p->lex);
	offset = p->lex.at;
	if (lex_string(&p->lex, "(")) {
		node = parse_embedded(p);
	} else {
		node = parse_transformer(p);
		if (!node && !p->lex.error)
			node = parse_field(p);
		if (node)
			node = parse_comparison(p, node, offset);
		else if (!p->lex.error && lex_identifier(&p->lex, &name))
			node = text_node(p, AST_MACRO, offset, name, false);
	}
	if (!node)
		lex_fail(&p->lex, "expected '(', a field or the name of a macro");
	p->depth--;
	return p->lex.error ? NULL : node;
}

/* "not" followed by a blank or a parenthesis; *is_embedded: the parenthesis was taken. */
static bool parse_not_keyword(struct parser *p, bool *is_embedded)
{
	uint32_t start = p->lex.at;

	if (!lex_string(&p->lex, "not"))
		return false;
	*is_embedded = lex_string(&p->lex, "(");
	if (*is_embedded || lex_blank(&p->lex))
		return true;
	p->lex.at = start;
	return false;
}

static struct ast_node *parse_not(struct parser *p)
{
	bool is_negated = false, is_embedded = false;
	struct ast_node *node, *child;
	uint32_t offset;

	if (!descend(p))
		return NULL;
	lex_blank(&p->lex);
	offset = p->lex.at;
	while (!is_embedded && parse_not_keyword(p, &is_embedded))
		is_negated = !is_negated;
	child = is_embedded ? parse_embedded(p) : parse_check(p);
	p->depth--;
	if (!child || !is_negated)
		return child;
	node = new_node(p, AST_NOT, offset);
	return add(p, node, child) ? node : NULL;
}

/* operand (keyword operand)*, where the operand may follow the keyword directly in parentheses. */
static struct ast_node *parse_chain(struct parser *p, enum ast_kind kind, const char *keyword,
				    parse_fn *parse_operand)
{
	struct ast_node *first, *chain = NULL;
	uint32_t offset;

	if (!descend(p))
		return NULL;
	lex_blank(&p->lex);
	offset = p->lex.at;
	first = parse_operand(p);
	if (!first)
		return NULL;
	lex_blank(&p->lex);
	while (lex_string(&p->lex, keyword)) {
		struct ast_node *next = NULL;

		if (lex_blank(&p->lex))
			next = parse_operand(p);
		else if (lex_string(&p->lex, "("))
			next = parse_embedded(p);
		else
			lex_fail(&p->lex, "expected a blank or '(' after '%s'", keyword);
		if (!chain) {
			chain = new_node(p, kind, offset);
			if (!add(p, chain, first))
				return NULL;
		}
		if (!add(p, chain, next))
			return NULL;
		lex_blank(&p->lex);
	}
	p->depth--;
	return chain ? chain : first;
}

static struct ast_node *parse_and(struct parser *p)
{
	return parse_chain(p, AST_AND, "and", parse_not);
}

static struct ast_node *parse_or(struct parser *p)
{
	return parse_chain(p, AST_OR, "or", parse_and);
}

int filter_parse(struct ast_node **out, struct text source, uint32_t depth_max, struct pool *pool,
		 struct diag *diag)
{
	struct parser p = {
		.lex = {.source = source, .pool = pool, .diag = diag},
		.depth_max = depth_max,
	};
	struct ast_node *root;

	if (source.len > FILTER_TEXT_MAX)
		return diag_set(diag, -EINVAL, "longer than %u bytes", FILTER_TEXT_MAX);
	root = parse_or(&p);
	if (!root)
		return p.lex.error ? p.lex.error : -EINVAL;
	lex_blank(&p.lex);
	if (!lex_at_end(&p.lex)) {
		lex_fail(&p.lex, "expected 'and', 'or' or the end");
		return p.lex.error;
	}
	*out = root;
	return 0;
}

int filter_parse_operand(struct ast_node **out, struct text source, uint32_t *len,
			 struct pool *pool, struct diag *diag)
{
	struct parser p = {
		.lex = {.source = source, .pool = pool, .diag = diag},
		.depth_max = FILTER_DEPTH_DEFAULT,
	};
	struct ast_node *node = parse_transformer(&p);

	if (!node && !p.lex.error)
		node = parse_field(&p);
	if (!node) {
		lex_fail(&p.lex, "expected a field or a transformer");
		return p.lex.error;
	}
	*len = p.lex.at;
	*out = node;
	return 0;
}
