#include "rules/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/parser.h"

#define CONDITION_BYTES_MAX (1 << 20) /* after lists were replaced */
#define MACRO_DEPTH_MAX 256

struct expansion {
	struct collection *c;
	struct text *list_texts; /* items joined, by list */
	bool *list_used, *macro_used;
	struct ast_node **macro_trees;
};

void expansion_destroy(struct expansion **expansion)
{
	struct expansion *x = *expansion;

	if (!x)
		return;
	free(x->list_texts);
	free(x->list_used);
	free(x->macro_used);
	free(x->macro_trees);
	free(x);
	*expansion = NULL;
}

/* Growing text while lists are replaced. */
struct buffer {
	char *bytes;
	size_t len, size;
};

static int buffer_add(struct buffer *b, const char *bytes, size_t len)
{
	if (len > CONDITION_BYTES_MAX - b->len)
		return -E2BIG;
	if (b->len + len > b->size) {
		size_t size = MAX(b->size * 2, b->len + len + 256);
		char *larger = realloc(b->bytes, size);

		if (!larger)
			return -ENOMEM;
		b->bytes = larger;
		b->size = size;
	}
	if (len)
		memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
	return 0;
}

static int add_item(struct buffer *b, struct text item)
{
	bool needs_quotes = item.len && memchr(item.ptr, ' ', item.len) && item.ptr[0] != '"' &&
			    item.ptr[0] != '\'';
	int r = b->len ? buffer_add(b, ", ", 2) : 0;

	if (!r && needs_quotes)
		r = buffer_add(b, "\"", 1);
	if (!r)
		r = buffer_add(b, item.ptr, item.len);
	if (!r && needs_quotes)
		r = buffer_add(b, "\"", 1);
	return r;
}

/* The items joined by commas; one that names a list that this one sees gives that list's items. */
static int join_items(struct expansion *x, uint32_t list)
{
	struct collection *c = x->c;
	const struct list_def *def = &c->lists[list];
	struct buffer b = {0};
	int r = 0;

	for (uint32_t i = 0; !r && i < def->items.n; i++) {
		const struct list_def *inner = collection_list(c, def->items.items[i]);

		if (!inner || inner->index >= def->visibility) {
			r = add_item(&b, def->items.items[i]);
			continue;
		}
		x->list_used[inner - c->lists] = true;
		for (uint32_t j = 0; !r && j < inner->items.n; j++)
			r = add_item(&b, inner->items.items[j]);
	}
	if (!r) {
		x->list_texts[list] =
			pool_text(&c->pool, (struct text){b.bytes ? b.bytes : "", (uint32_t)b.len});
		r = x->list_texts[list].ptr ? 0 : -ENOMEM;
	}
	free(b.bytes);
	return r == -E2BIG ? report_error(c, "LOAD_ERR_VALIDATE", &def->place, def->name,
					  "the list is too long")
			   : r;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_delimiter(char c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

/* The next place from at on where name stands as a word of its own; len if none. */
static size_t find_word(struct text text, struct text name, size_t at)
{
	while (at + name.len <= text.len) {
		const char *hit = memmem(text.ptr + at, text.len - at, name.ptr, name.len);
		size_t start, end;

		if (!hit)
			break;
		start = (size_t)(hit - text.ptr);
		end = start + name.len;
		if ((start == 0 || is_delimiter(text.ptr[start - 1])) &&
		    (end == text.len || is_delimiter(text.ptr[end])))
			return start;
		at = start + 1;
	}
	return text.len;
}

/* Replace the word at *at by the list's items, the blanks around it swallowed and one put on each
 * side; an empty list takes a neighbouring comma with it. Moves *at behind it. */
static int replace_word(struct collection *c, struct text *text, size_t *at, struct text name,
			struct text items)
{
	size_t start = *at, end = *at + name.len;
	struct buffer b = {0};
	int r = 0;

	while (start > 0 && is_blank(text->ptr[start - 1]))
		start--;
	while (end < text->len && is_blank(text->ptr[end]))
		end++;
	if (!items.len && start > 0 && text->ptr[start - 1] == ',')
		start--;
	else if (!items.len && end < text->len && text->ptr[end] == ',')
		end++;
	if (start > 0) {
		r = buffer_add(&b, text->ptr, start);
		if (!r)
			r = buffer_add(&b, " ", 1);
	}
	if (!r)
		r = buffer_add(&b, items.ptr, items.len);
	if (!r)
		r = buffer_add(&b, " ", 1);
	*at = start + items.len + 1;
	if (!r)
		r = buffer_add(&b, text->ptr + end, text->len - end);
	if (!r) {
		*text = pool_text(&c->pool, (struct text){b.bytes, (uint32_t)b.len});
		r = text->ptr ? 0 : -ENOMEM;
	}
	free(b.bytes);
	return r;
}

static int replace_lists(struct expansion *x, struct text *text)
{
	struct collection *c = x->c;

	for (uint32_t i = 0; i < c->n_lists; i++) {
		size_t at = find_word(*text, c->lists[i].name, 0);

		while (at < text->len) {
			int r = replace_word(c, text, &at, c->lists[i].name, x->list_texts[i]);

			if (r)
				return r;
			x->list_used[i] = true;
			at = find_word(*text, c->lists[i].name, at);
		}
	}
	return 0;
}

/* The place inside a condition: exact while its text is as written on one line behind the key. */
static struct place place_inside(const struct place *place, const struct diag *diag,
				 bool is_as_written)
{
	struct place inside = *place;

	if (!is_as_written || !diag->line)
		return inside;
	if (diag->line > 1) {
		inside.line += diag->line - 1;
		inside.column = diag->column;
	} else {
		inside.column += diag->column - 1;
	}
	return inside;
}

/* Lists replaced, parsed, macros still in it. */
static int parse_condition(struct expansion *x, struct text condition, const struct place *place,
			   struct text name, struct ast_node **out)
{
	struct text text = condition;
	struct diag diag = {0};
	struct place inside;
	int r = replace_lists(x, &text);

	if (r == -E2BIG)
		return report_error(x->c, "LOAD_ERR_COMPILE_CONDITION", place, name,
				    "the condition is too long once its lists are in it");
	if (r)
		return r;
	r = filter_parse(out, text, FILTER_DEPTH_RULE, &x->c->pool, &diag);
	if (r != -EINVAL)
		return r;
	inside = place_inside(place, &diag, text.ptr == condition.ptr);
	return report_error(x->c, "LOAD_ERR_COMPILE_CONDITION", &inside, name, "%s", diag.message);
}

/* Where a walk through macros is. */
struct walk {
	struct expansion *x;
	const struct place *place;
	struct text name;
	uint32_t visibility; /* macros with a lower index are seen */
	unsigned depth;
	uint32_t nodes;
	uint32_t open[MACRO_DEPTH_MAX]; /* macros being expanded: loops */
	unsigned n_open;
};

static int copy_tree(struct walk *walk, const struct ast_node *from, struct ast_node **out);

static int copy_macro(struct walk *walk, const struct ast_node *from, struct ast_node **out)
{
	struct collection *c = walk->x->c;
	const struct macro_def *macro = collection_macro(c, from->text);
	uint32_t index = macro ? (uint32_t)(macro - c->macros) : 0;
	uint32_t saved = walk->visibility;
	int r;

	if (!macro || macro->index >= walk->visibility)
		return report_error(c, "LOAD_ERR_VALIDATE", walk->place, walk->name,
				    "macro '%.*s' is not defined", TEXT_ARGS(from->text));
	for (unsigned i = 0; i < walk->n_open; i++) {
		if (walk->open[i] == index)
			return report_error(c, "LOAD_ERR_VALIDATE", walk->place, walk->name,
					    "macro '%.*s' refers to itself", TEXT_ARGS(from->text));
	}
	if (walk->n_open == MACRO_DEPTH_MAX)
		return report_error(c, "LOAD_ERR_VALIDATE", walk->place, walk->name,
				    "macros are nested too deep");
	walk->x->macro_used[index] = true;
	walk->open[walk->n_open++] = index;
	walk->visibility = macro->visibility;
	r = copy_tree(walk, walk->x->macro_trees[index], out);
	walk->visibility = saved;
	walk->n_open--;
	return r;
}

static int copy_tree(struct walk *walk, const struct ast_node *from, struct ast_node **out)
{
	struct pool *pool = &walk->x->c->pool;
	struct ast_node *node;
	int r = 0;

	if (from->kind == AST_MACRO)
		return copy_macro(walk, from, out);
	if (++walk->nodes > AST_NODES_MAX || walk->depth >= AST_DEPTH_MAX)
		return report_error(walk->x->c, "LOAD_ERR_COMPILE_CONDITION", walk->place,
				    walk->name, "the condition is too large");
	node = ast_node(pool, from->kind, from->offset);
	if (!node)
		return -ENOMEM;
	*node = *from;
	node->children = NULL;
	node->n_children = node->children_max = 0;
	walk->depth++;
	for (uint32_t i = 0; !r && i < from->n_children; i++) {
		struct ast_node *child = NULL;

		r = copy_tree(walk, from->children[i], &child);
		if (!r)
			r = ast_add(pool, node, child);
	}
	walk->depth--;
	if (!r)
		*out = node;
	return r;
}

int expansion_tree(struct expansion *x, struct text condition, const struct place *place,
		   struct text name, struct ast_node **out)
{
	struct walk walk = {.x = x, .place = place, .name = name, .visibility = UINT32_MAX};
	struct ast_node *tree = NULL;
	int r = parse_condition(x, condition, place, name, &tree);

	return r ? r : copy_tree(&walk, tree, out);
}

/* Each macro must parse, and what it refers to must exist, used or not. */
static int prepare_macros(struct expansion *x)
{
	struct collection *c = x->c;
	int r = 0;

	for (uint32_t i = 0; !r && i < c->n_macros; i++)
		r = parse_condition(x, c->macros[i].condition, &c->macros[i].condition_place,
				    c->macros[i].name, &x->macro_trees[i]);
	return r;
}

static int check_macros(struct expansion *x)
{
	struct collection *c = x->c;
	int r = 0;

	for (uint32_t i = 0; !r && i < c->n_macros; i++) {
		struct walk walk = {.x = x,
				    .place = &c->macros[i].condition_place,
				    .name = c->macros[i].name,
				    .visibility = c->macros[i].visibility,
				    .open = {i},
				    .n_open = 1};
		struct ast_node *tree;

		r = copy_tree(&walk, x->macro_trees[i], &tree);
	}
	return r;
}

int expansion_create(struct expansion **out, struct collection *c)
{
	SCOPED(expansion_destroy) struct expansion *x = calloc(1, sizeof(*x));
	int r = 0;

	if (!x)
		return -ENOMEM;
	x->c = c;
	x->list_texts = calloc(c->n_lists + 1, sizeof(*x->list_texts));
	x->list_used = calloc(c->n_lists + 1, sizeof(*x->list_used));
	x->macro_used = calloc(c->n_macros + 1, sizeof(*x->macro_used));
	x->macro_trees = calloc(c->n_macros + 1, sizeof(*x->macro_trees));
	if (!x->list_texts || !x->list_used || !x->macro_used || !x->macro_trees)
		return -ENOMEM;
	for (uint32_t i = 0; !r && i < c->n_lists; i++)
		r = join_items(x, i);
	if (!r)
		r = prepare_macros(x);
	if (!r)
		r = check_macros(x);
	if (!r)
		*out = TAKE(x);
	return r;
}

void expansion_warn_unused(struct expansion *x)
{
	struct collection *c = x->c;

	for (uint32_t i = 0; i < c->n_macros; i++) {
		if (!x->macro_used[i])
			report_warning(c, "LOAD_UNUSED_MACRO", &c->macros[i].place,
				       c->macros[i].name, "the macro is not used");
	}
	for (uint32_t i = 0; i < c->n_lists; i++) {
		if (!x->list_used[i])
			report_warning(c, "LOAD_UNUSED_LIST", &c->lists[i].place, c->lists[i].name,
				       "the list is not used");
	}
}
