#include "state/fields.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/util.h"

static const struct field fields[] = {
#define FIELD(name, type, flags, extractor, variant, description)                                  \
	{name, VALUE_##type, flags, extract_##extractor, NULL, description, variant},
#define FIELD_CHECKED(name, type, flags, extractor, variant, check, description)                   \
	{name, VALUE_##type, flags, extract_##extractor, check, description, variant},
#include "state/fields.def"
#undef FIELD
#undef FIELD_CHECKED
};

struct field_table state_field_table(void)
{
	return (struct field_table){fields, ARRAY_SIZE(fields)};
}

bool extract_nothing(const struct field_context *ctx, const struct field *field,
		     const struct field_arg *arg, struct values *out)
{
	(void)ctx;
	(void)field;
	(void)arg;
	(void)out;
	return false;
}

struct value *yield_list(const struct field_context *ctx, struct values *out, uint32_t n)
{
	struct value *made = arena_alloc(ctx->arena, (n ? n : 1) * sizeof(*made));

	if (made)
		*out = (struct values){made, n};
	return made;
}

static bool yield(const struct field_context *ctx, struct values *out, struct value value)
{
	struct value *made = yield_list(ctx, out, 1);

	if (made)
		*made = value;
	return made;
}

bool yield_text(const struct field_context *ctx, struct values *out, struct text text)
{
	return yield(ctx, out, (struct value){.text = text, .type = VALUE_CHARBUF});
}

bool yield_i64(const struct field_context *ctx, struct values *out, enum value_type type,
	       int64_t value)
{
	return yield(ctx, out, (struct value){.i64 = value, .type = type});
}

bool yield_u64(const struct field_context *ctx, struct values *out, enum value_type type,
	       uint64_t value)
{
	return yield(ctx, out, (struct value){.u64 = value, .type = type});
}

bool yield_bool(const struct field_context *ctx, struct values *out, bool value)
{
	return yield_u64(ctx, out, VALUE_BOOL, value);
}

bool yield_double(const struct field_context *ctx, struct values *out, double value)
{
	return yield(ctx, out, (struct value){.f64 = value, .type = VALUE_DOUBLE});
}

bool builder_init(struct text_builder *b, const struct field_context *ctx, uint32_t size)
{
	*b = (struct text_builder){.buffer = arena_alloc(ctx->arena, size), .size = size};
	return b->buffer != NULL;
}

void builder_put(struct text_builder *b, struct text t)
{
	uint32_t n = MIN(t.len, b->size - b->len);

	if (n)
		memcpy(b->buffer + b->len, t.ptr, n);
	b->len += n;
}

void builder_format(struct text_builder *b, const char *format, ...)
{
	char text[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n > 0)
		builder_put(b, (struct text){text, MIN((uint32_t)n, sizeof(text) - 1)});
}

void builder_put_list(struct text_builder *b, struct text list, char separator)
{
	char *text = b->buffer + b->len;
	uint32_t n;

	builder_put(b, list);
	n = (uint32_t)(b->buffer + b->len - text);
	for (uint32_t i = 0; i < n; i++) /* environments are long: without branches, many at once */
		text[i] = text[i] == '\0' ? separator : text[i];
}

bool list_next(struct text *list, struct text *one)
{
	const char *end;
	uint32_t taken;

	if (!list->len)
		return false;
	end = memchr(list->ptr, '\0', list->len);
	*one = (struct text){list->ptr, end ? (uint32_t)(end - list->ptr) : list->len};
	taken = MIN(one->len + 1, list->len);
	*list = (struct text){list->ptr + taken, list->len - taken};
	return true;
}
