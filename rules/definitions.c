#include "rules/definitions.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rules/text_map.h"

#define MESSAGES_MAX 4096

struct list_def *collection_list(struct collection *c, struct text name)
{
	for (uint32_t i = 0; i < c->n_lists; i++) {
		if (text_equal(c->lists[i].name, name))
			return &c->lists[i];
	}
	return NULL;
}

struct macro_def *collection_macro(struct collection *c, struct text name)
{
	for (uint32_t i = 0; i < c->n_macros; i++) {
		if (text_equal(c->macros[i].name, name))
			return &c->macros[i];
	}
	return NULL;
}

struct rule_def *collection_rule(struct collection *c, struct text name)
{
	for (uint32_t i = 0; i < c->n_rules; i++) {
		if (text_equal(c->rules[i].name, name))
			return &c->rules[i];
	}
	return NULL;
}

/* The array doubles when it is full, which a count that is a power of two says. */
void *grown(struct pool *pool, void *items, uint32_t n, size_t size)
{
	void *larger;

	if (n > 0 && (n & (n - 1)))
		return items;
	larger = pool_alloc(pool, (n ? (size_t)n * 2 : 1) * size);
	if (larger && n)
		memcpy(larger, items, n * size);
	return larger;
}

int texts_add(struct pool *pool, struct texts *texts, struct text t)
{
	struct text *items = grown(pool, texts->items, texts->n, sizeof(*items));

	if (!items)
		return -ENOMEM;
	texts->items = items;
	texts->items[texts->n++] = t;
	return 0;
}

int placed_join(struct pool *pool, struct text *to, struct place *place, struct text more,
		const struct place *more_place)
{
	struct text joined = pool_print(pool, "%.*s %.*s", TEXT_ARGS(*to), TEXT_ARGS(more));
	struct text_map map = {0};

	if (!joined.ptr)
		return -ENOMEM;
	map_copy(&map, pool, 0, place, *to, 0, to->len);
	map_copy(&map, pool, to->len + 1, more_place, more, 0, more.len + 1);
	*place = place_with(place, &map, pool);
	*to = joined;
	return 0;
}

struct text pool_print(struct pool *pool, const char *format, ...)
{
	va_list args, again;
	struct text t = {0};
	char *buffer;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	buffer = len < 0 ? NULL : pool_alloc(pool, (size_t)len + 1);
	if (buffer) {
		vsnprintf(buffer, (size_t)len + 1, format, again);
		t = (struct text){buffer, (uint32_t)len};
	}
	va_end(again);
	return t;
}

static void report(struct collection *c, bool is_error, const char *code, const struct place *place,
		   struct text item, const char *format, va_list args)
{
	struct rule_message message = {.is_error = is_error, .code = code};
	void *items;

	if (!c->messages || c->messages->n >= MESSAGES_MAX)
		return;
	items = realloc(c->messages->items, (c->messages->n + 1) * sizeof(message));
	if (!items)
		return;
	c->messages->items = items;
	if (vasprintf(&message.message, format, args) < 0)
		message.message = NULL;
	if (place) {
		message.file = place->file ? strdup(place->file) : NULL;
		message.line = place->line;
		message.column = place->column;
	}
	message.item = item.ptr ? text_dup(item) : NULL;
	c->messages->items[c->messages->n++] = message;
}

int report_error(struct collection *c, const char *code, const struct place *place,
		 struct text item, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(c, true, code, place, item, format, args);
	va_end(args);
	return -EINVAL;
}

void report_warning(struct collection *c, const char *code, const struct place *place,
		    struct text item, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(c, false, code, place, item, format, args);
	va_end(args);
}

bool source_is_known(const struct collection *c, struct text source)
{
	if (text_equal(source, TEXT("syscall")) || text_equal(source, TEXT("ethogram")))
		return true;
	for (uint32_t i = 0; i < c->options->n_extra_sources; i++) {
		if (text_equal(source, text_from(c->options->extra_sources[i])))
			return true;
	}
	return false;
}
