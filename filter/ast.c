#include "filter/ast.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

struct printer {
	char *buffer;
	size_t size, used;
	bool is_exact; /* quotes where needed: no two trees print alike, and what is printed parses
			*/
	bool in_call;  /* where words are fields */
};

const char *transformer_name(enum transformer transformer)
{
	static const char *const names[TRANSFORMER_END] = {
		[TRANSFORMER_TOLOWER] = "tolower", [TRANSFORMER_TOUPPER] = "toupper",
		[TRANSFORMER_B64] = "b64",         [TRANSFORMER_BASENAME] = "basename",
		[TRANSFORMER_LEN] = "len",         [TRANSFORMER_JOIN] = "join",
		[TRANSFORMER_CONCAT] = "concat",   [TRANSFORMER_GETOPT] = "getopt",
	};

	return names[transformer];
}

struct ast_node *ast_node(struct pool *pool, enum ast_kind kind, uint32_t offset)
{
	struct ast_node *node = pool_alloc(pool, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->offset = offset;
	return node;
}

int ast_add(struct pool *pool, struct ast_node *parent, struct ast_node *child)
{
	if (parent->n_children == parent->children_max) {
		uint32_t max = parent->children_max ? 2 * parent->children_max : 2;
		struct ast_node **grown = pool_alloc(pool, max * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (parent->n_children)
			memcpy(grown, parent->children, parent->n_children * sizeof(*grown));
		parent->children = grown;
		parent->children_max = max;
	}
	parent->children[parent->n_children++] = child;
	return 0;
}

static void put(struct printer *p, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p->used + 1 < p->size)
			p->buffer[p->used] = bytes[i];
		p->used++;
	}
}

static void put_string(struct printer *p, const char *s)
{
	put(p, s, strlen(s));
}

/* The letter after the backslash that stands for c, 0 if c stands for itself. */
static char escape_letter(char c)
{
	switch (c) {
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '"':
	case '\\':
		return c;
	default:
		return 0;
	}
}

static void put_value(struct printer *p, struct text t)
{
	bool needs_quotes = p->is_exact && (p->in_call || !t.len);

	for (uint32_t i = 0; i < t.len; i++)
		needs_quotes = needs_quotes || escape_letter(t.ptr[i]) || t.ptr[i] == ' ' ||
			       t.ptr[i] == '=' || t.ptr[i] == '\'' || t.ptr[i] == '\0' ||
			       (p->is_exact && strchr("(),[]\v", t.ptr[i]));
	if (!needs_quotes) {
		put(p, t.ptr, t.len);
		return;
	}
	put_string(p, "\"");
	for (uint32_t i = 0; i < t.len; i++) {
		char letter = escape_letter(t.ptr[i]);

		if (p->is_exact && letter == '\\' && i + 1 == t.len)
			put_string(p, "\\ "); /* behind two the string would not end */
		else if (letter)
			put(p, (char[]){'\\', letter}, 2);
		else
			put(p, t.ptr + i, 1);
	}
	put_string(p, "\"");
}

static void put_arg(struct printer *p, const struct ast_node *node)
{
	if (!node->has_arg)
		return;
	put_string(p, "[");
	if (node->arg.len)
		put_value(p, node->arg);
	else
		put_string(p, "\"\"");
	put_string(p, "]");
}

static void put_node(struct printer *p, const struct ast_node *node);

static void put_children(struct printer *p, const struct ast_node *node, const char *separator)
{
	put_string(p, "(");
	for (uint32_t i = 0; i < node->n_children; i++) {
		if (i)
			put_string(p, separator);
		put_node(p, node->children[i]);
	}
	put_string(p, ")");
}

static void put_transformer(struct printer *p, const struct ast_node *node)
{
	bool was_in_call = p->in_call;

	p->in_call = true;
	put_string(p, transformer_name(node->transformer));
	put_string(p, "(");
	for (uint32_t i = 0; i < node->n_children; i++) {
		if (i)
			put_string(p, ",");
		if (node->children[i]->kind == AST_LIST)
			put_children(p, node->children[i], ",");
		else
			put_node(p, node->children[i]);
	}
	put_string(p, ")");
	p->in_call = was_in_call;
	put_arg(p, node);
}

/* Whether the right side is a number or the name of a list, which stand without quotes only. */
static bool is_word(const struct ast_node *check)
{
	enum op_syntax syntax = op_info(check->op)->syntax;

	return check->children[1]->kind == AST_STRING &&
	       (syntax == OP_NUMERIC || syntax == OP_LIST || check->modifier != MODIFIER_NONE);
}

static void put_check(struct printer *p, const struct ast_node *node)
{
	put_node(p, node->children[0]);
	put_string(p, " ");
	put_string(p, op_info(node->op)->token);
	if (node->modifier != MODIFIER_NONE) {
		put_string(p, " ");
		put_string(p, modifier_name(node->modifier));
	}
	if (node->n_children > 1) {
		put_string(p, " ");
		if (is_word(node))
			put(p, node->children[1]->text.ptr, node->children[1]->text.len);
		else
			put_node(p, node->children[1]);
	}
}

/* "not not" would parse as nothing. */
static void put_not(struct printer *p, const struct ast_node *child)
{
	bool needs_brackets = p->is_exact && child->kind == AST_NOT;

	put_string(p, needs_brackets ? "not (" : "not ");
	put_node(p, child);
	if (needs_brackets)
		put_string(p, ")");
}

/* One that is called "not" is a name only where a bracket follows. */
static void put_macro(struct printer *p, struct text name)
{
	bool needs_brackets = p->is_exact && text_equal(name, TEXT("not"));

	put_string(p, needs_brackets ? "(" : "");
	put(p, name.ptr, name.len);
	put_string(p, needs_brackets ? ")" : "");
}

static void put_node(struct printer *p, const struct ast_node *node)
{
	switch (node->kind) {
	case AST_AND:
		put_children(p, node, " and ");
		break;
	case AST_OR:
		put_children(p, node, " or ");
		break;
	case AST_NOT:
		put_not(p, node->children[0]);
		break;
	case AST_MACRO:
		put_macro(p, node->text);
		break;
	case AST_CHECK:
		put_check(p, node);
		break;
	case AST_VAL:
		put_string(p, "val(");
		put(p, node->text.ptr, node->text.len);
		put_arg(p, node->children[0]);
		put_string(p, ")");
		put_arg(p, node);
		break;
	case AST_FIELD:
		put(p, node->text.ptr, node->text.len);
		put_arg(p, node);
		break;
	case AST_TRANSFORMER:
		put_transformer(p, node);
		break;
	case AST_STRING:
		put_value(p, node->text);
		break;
	case AST_LIST:
		put_children(p, node, ", ");
		break;
	}
}

size_t ast_print(const struct ast_node *node, char *buffer, size_t size)
{
	struct printer p = {.buffer = buffer, .size = size};

	put_node(&p, node);
	if (size)
		buffer[MIN(p.used, size - 1)] = '\0';
	return p.used;
}

static struct text print_into(const struct ast_node *node, bool is_exact, struct pool *pool)
{
	struct printer count = {.is_exact = is_exact}, out = {.is_exact = is_exact};
	char *text;

	put_node(&count, node);
	text = pool_alloc(pool, count.used + 1);
	if (!text)
		return TEXT_NONE;
	out.buffer = text;
	out.size = count.used + 1;
	put_node(&out, node);
	text[out.used] = '\0';
	return (struct text){text, (uint32_t)out.used};
}

struct text ast_text(const struct ast_node *node, struct pool *pool)
{
	return print_into(node, false, pool);
}

struct text ast_key(const struct ast_node *node, struct pool *pool)
{
	return print_into(node, true, pool);
}
