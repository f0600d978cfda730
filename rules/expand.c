#include "rules/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/parser.h"
#include "rules/text_map.h"

#define CONDITION_BYTES_MAX (1 << 20) /* after lists were replaced */
#define MACRO_DEPTH_MAX 256

/* A text with its place. */
struct placed {
	struct text text;
	struct place place;
};

struct expansion {
	struct collection *c;
	struct text *list_texts; /* items joined, by list */
	bool *list_used, *macro_used;
	struct ast_node **macro_trees;
	struct placed *macros; /* their texts with lists replaced, and where they stand */
	struct placed rule;    /* the same of the last condition that was expanded */
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
	free(x->macros);
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

/* What replace_word() puts where. */
struct replacement {
	size_t start, end; /* of what goes */
	size_t at;         /* where the items begin then */
	struct text items, name;
};

static int print_replaced(struct pool *pool, struct text text, const struct replacement *r,
			  struct text *out)
{
	struct buffer b = {0};
	int result = r->start > 0 ? buffer_add(&b, text.ptr, r->start) : 0;

	if (!result && r->start > 0)
		result = buffer_add(&b, " ", 1);
	if (!result)
		result = buffer_add(&b, r->items.ptr, r->items.len);
	if (!result)
		result = buffer_add(&b, " ", 1);
	if (!result)
		result = buffer_add(&b, text.ptr + r->end, text.len - r->end);
	if (!result) {
		*out = pool_text(pool, (struct text){b.bytes, (uint32_t)b.len});
		result = out->ptr ? 0 : -ENOMEM;
	}
	free(b.bytes);
	return result;
}

static struct place place_replaced(struct pool *pool, const struct placed *from, size_t word,
				   const struct replacement *r)
{
	struct place at = place_inside(&from->place, from->text, (uint32_t)word, NULL);
	struct text_map map = {0};

	if (!from->place.map)
		return from->place;
	if (r->start > 0)
		map_copy(&map, pool, 0, &from->place, from->text, 0, (uint32_t)r->start);
	map_fixed(&map, pool, (uint32_t)r->at, &at, r->name);
	map_copy(&map, pool, (uint32_t)(r->at + r->items.len + 1), &from->place, from->text,
		 (uint32_t)r->end, from->text.len + 1);
	return place_with(&from->place, &map, pool);
}

/* Replace the word at *at by the list's items, the blanks around it swallowed and one put on each
 * side; an empty list takes a neighbouring comma with it. Moves *at behind it. */
static int replace_word(struct collection *c, struct placed *placed, size_t *at, struct text name,
			struct text items)
{
	struct replacement r = {.start = *at, .end = *at + name.len, .items = items, .name = name};
	const struct text text = placed->text;
	struct place place;
	struct text replaced;
	int result;

	while (r.start > 0 && is_blank(text.ptr[r.start - 1]))
		r.start--;
	while (r.end < text.len && is_blank(text.ptr[r.end]))
		r.end++;
	if (!items.len && r.start > 0 && text.ptr[r.start - 1] == ',')
		r.start--;
	else if (!items.len && r.end < text.len && text.ptr[r.end] == ',')
		r.end++;
	r.at = r.start > 0 ? r.start + 1 : 0;
	result = print_replaced(&c->pool, text, &r, &replaced);
	if (result)
		return result;
	place = place_replaced(&c->pool, placed, *at, &r);
	*at = r.start + items.len + 1;
	*placed = (struct placed){replaced, place};
	return 0;
}

static int replace_lists(struct expansion *x, struct placed *placed)
{
	struct collection *c = x->c;

	for (uint32_t i = 0; i < c->n_lists; i++) {
		size_t at = find_word(placed->text, c->lists[i].name, 0);

		while (at < placed->text.len) {
			int r = replace_word(c, placed, &at, c->lists[i].name, x->list_texts[i]);

			if (r)
				return r;
			x->list_used[i] = true;
			at = find_word(placed->text, c->lists[i].name, at);
		}
	}
	return 0;
}

/* Lists replaced, parsed, macros still in it. */
static int parse_condition(struct expansion *x, struct placed *placed, struct text name,
			   struct ast_node **out)
{
	const struct place start = placed->place;
	struct diag diag = {0};
	struct place inside;
	struct text list;
	int r = replace_lists(x, placed);

	if (r == -E2BIG)
		return report_error(x->c, "LOAD_ERR_COMPILE_CONDITION", &start, name,
				    "the condition is too long once its lists are in it");
	if (r)
		return r;
	r = filter_parse(out, placed->text, FILTER_DEPTH_RULE, &x->c->pool, &diag);
	if (r != -EINVAL)
		return r;
	inside = place_inside(&placed->place, placed->text, diag.offset, &list);
	return report_error(x->c, "LOAD_ERR_COMPILE_CONDITION", &inside, name, "%s%s%.*s%s",
			    diag.message, list.ptr ? ", in list '" : "", TEXT_ARGS(list),
			    list.ptr ? "'" : "");
}

/* Where a walk through macros is. */
struct walk {
	struct expansion *x;
	const struct place *place;
	struct text name;
	uint32_t visibility; /* macros with a lower index are seen */
	unsigned depth;
	uint32_t nodes;
	uint32_t source; /* index + 1 of the macro that is copied; 0: the condition itself */
	uint32_t open[MACRO_DEPTH_MAX]; /* macros being expanded: loops */
	unsigned n_open;
};

static struct place place_of(const struct expansion *x, uint32_t source, uint32_t offset)
{
	const struct placed *placed = source ? &x->macros[source - 1] : &x->rule;

	return place_inside(&placed->place, placed->text, offset, NULL);
}

static int copy_tree(struct walk *walk, const struct ast_node *from, struct ast_node **out);

static int copy_macro(struct walk *walk, const struct ast_node *from, struct ast_node **out)
{
	struct collection *c = walk->x->c;
	const struct macro_def *macro = collection_macro(c, from->text);
	uint32_t index = macro ? (uint32_t)(macro - c->macros) : 0;
	uint32_t saved = walk->visibility, saved_source = walk->source;
	struct place place = place_of(walk->x, walk->source, from->offset);
	int r;

	if (!macro || macro->index >= walk->visibility)
		return report_error(c, "LOAD_ERR_VALIDATE", &place, walk->name,
				    "macro '%.*s' is not defined", TEXT_ARGS(from->text));
	for (unsigned i = 0; i < walk->n_open; i++) {
		if (walk->open[i] == index)
			return report_error(c, "LOAD_ERR_VALIDATE", &place, walk->name,
					    "macro '%.*s' refers to itself", TEXT_ARGS(from->text));
	}
	if (walk->n_open == MACRO_DEPTH_MAX)
		return report_error(c, "LOAD_ERR_VALIDATE", &place, walk->name,
				    "macros are nested too deep");
	walk->x->macro_used[index] = true;
	walk->open[walk->n_open++] = index;
	walk->visibility = macro->visibility;
	walk->source = index + 1;
	r = copy_tree(walk, walk->x->macro_trees[index], out);
	walk->visibility = saved;
	walk->source = saved_source;
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
	node->source = walk->source;
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
	int r;

	x->rule = (struct placed){condition, *place};
	r = parse_condition(x, &x->rule, name, &tree);
	return r ? r : copy_tree(&walk, tree, out);
}

struct place expansion_place(const struct expansion *x, uint32_t source, uint32_t offset,
			     struct text *part, const char **kind)
{
	const struct placed *placed = source ? &x->macros[source - 1] : &x->rule;
	struct place place = place_inside(&placed->place, placed->text, offset, part);

	*kind = part->ptr ? "list" : NULL;
	if (source) {
		*part = x->c->macros[source - 1].name;
		*kind = "macro";
	}
	return place;
}

static int prepare_macro(struct expansion *x, uint32_t i)
{
	const struct macro_def *macro = &x->c->macros[i];

	x->macros[i] = (struct placed){macro->condition, macro->condition_place};
	return parse_condition(x, &x->macros[i], macro->name, &x->macro_trees[i]);
}

/* Each macro must parse, and what it refers to must exist, used or not. */
static int prepare_macros(struct expansion *x)
{
	struct collection *c = x->c;
	int r = 0;

	for (uint32_t i = 0; !r && i < c->n_macros; i++)
		r = prepare_macro(x, i);
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
				    .source = i + 1,
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
	x->macros = calloc(c->n_macros + 1, sizeof(*x->macros));
	if (!x->list_texts || !x->list_used || !x->macro_used || !x->macro_trees || !x->macros)
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
