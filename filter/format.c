#include "filter/format.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/parser.h"

#define WIDTH_MAX 4096
#define FORMAT_TEXT_MAX (UINT32_C(1) << 20)
#define FIELDS_MAX 1024

struct segment {
	struct text text;        /* when there is no operand */
	struct operand *operand; /* NULL: text */
	uint32_t width;          /* 0: as long as it is */
};

struct format {
	struct operand_table operands;
	struct text source;
	uint32_t n;
	struct segment *segments;
	uint32_t n_fields, n_sorted;
	struct operand **fields; /* in order of appearance */
	struct operand **sorted; /* by name, each once, as JSON members stand */
};

struct format_compiler {
	struct format *format;
	const struct field_set *fields;
	uint32_t segments_max, fields_max;
};

static struct segment *add_segment(struct format_compiler *c)
{
	struct format *f = c->format;

	if (f->n == c->segments_max) {
		uint32_t max = MAX(8u, 2 * c->segments_max);
		struct segment *grown = reallocarray(f->segments, max, sizeof(*grown));

		if (!grown)
			return NULL;
		f->segments = grown;
		c->segments_max = max;
	}
	f->segments[f->n] = (struct segment){0};
	return &f->segments[f->n++];
}

static int add_field(struct format_compiler *c, struct operand *operand)
{
	struct format *f = c->format;

	if (f->n_fields == FIELDS_MAX)
		return -EINVAL;
	if (f->n_fields == c->fields_max) {
		uint32_t max = MAX(8u, 2 * c->fields_max);
		struct operand **grown = reallocarray(f->fields, max, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		f->fields = grown;
		c->fields_max = max;
	}
	f->fields[f->n_fields++] = operand;
	return 0;
}

/* Note what a token is made of, in order: of calls within calls the fields only. */
static int add_inner(struct format_compiler *c, const struct operand *operand)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < operand->n; i++) {
		struct operand *child = operand->children[i];

		r = child->kind == OPERAND_FIELD ? add_field(c, child) : add_inner(c, child);
	}
	return r;
}

static int add_fields(struct format_compiler *c, struct operand *operand)
{
	int r = add_inner(c, operand);

	return r ? r : add_field(c, operand);
}

static int compile_operand(struct format_compiler *c, struct text source, struct operand **out,
			   uint32_t *len)
{
	struct pool pool = {0};
	struct ast_node *node;
	struct diag diag = {0};
	int r = filter_parse_operand(&node, source, len, &pool, &diag);

	if (!r)
		r = operand_compile(out, node, c->fields, &c->format->operands, &diag);
	pool_done(&pool);
	return r;
}

/* The longest beginning of source that is a field or a transformer call, cut a character at a time
 * as upstream does: "%proc.nameXYZ" is the field, then XYZ. */
static int compile_longest(struct format_compiler *c, struct text source, struct operand **out,
			   uint32_t *len)
{
	int first = compile_operand(c, source, out, len), r;
	struct text cut = {source.ptr, *len};

	if (first == -ENOMEM || first == 0)
		return first;
	/* Only names can be cut: a call without its closing parenthesis is no call. An argument
	 * goes first as a whole. */
	for (cut.len = MIN(source.len, 512u); cut.len > 2; cut.len--) {
		char last = cut.ptr[cut.len - 1];

		if (!isalnum((unsigned char)last) && !strchr("_])", last))
			continue;
		r = compile_operand(c, cut, out, len);
		if (r == -ENOMEM || (r == 0 && *len == cut.len))
			return r;
	}
	return first == -EINVAL ? ERR_UNKNOWN_NAME : first;
}

/* proc.apid without an index stands for any ancestor in a condition and for the process itself in
 * an output, as upstream: numbers cannot be joined as names are. */
static void settle_ancestors(struct operand *operand)
{
	if (operand->kind == OPERAND_FIELD && operand->field->flags & FIELD_ANY_ANCESTOR &&
	    !operand->arg.is_given && type_class(operand->type) == CLASS_NUMBER)
		operand->arg =
			(struct field_arg){.is_given = true, .is_index = true, .text = TEXT("0")};
}

/* A token at source.ptr[0] == '%'. *len is what it takes. */
static int compile_token(struct format_compiler *c, struct text source, uint32_t *len,
			 struct diag *diag)
{
	struct segment *segment;
	struct operand *operand = NULL;
	uint32_t at = 1, taken = 0, width = 0;
	struct text rest;
	int r;

	for (; at < source.len && isdigit((unsigned char)source.ptr[at]); at++)
		width = MIN(width * 10 + (uint32_t)(source.ptr[at] - '0'), WIDTH_MAX);
	rest = (struct text){source.ptr + at, source.len - at};
	if (!rest.len)
		return diag_set(diag, -EINVAL, "an output cannot end with %% or a width");
	r = compile_longest(c, rest, &operand, &taken);
	if (r)
		return r == -ENOMEM ? r
				    : diag_set(diag, r, "'%.*s' is no field and no transformer",
					       (int)MIN(source.len, 64u), source.ptr);
	segment = add_segment(c);
	if (!segment)
		return -ENOMEM;
	settle_ancestors(operand);
	segment->operand = operand;
	segment->width = width;
	*len = at + taken;
	return add_fields(c, operand);
}

static int compare_names(const void *a, const void *b)
{
	const struct operand *const *left = a, *const *right = b;

	return text_compare((*left)->name, (*right)->name);
}

static int compile_segments(struct format_compiler *c, struct diag *diag)
{
	struct text source = c->format->source;

	for (uint32_t at = 0; at < source.len;) {
		struct text rest = {source.ptr + at, source.len - at};
		const char *percent = memchr(rest.ptr, '%', rest.len);
		uint32_t len = percent ? (uint32_t)(percent - rest.ptr) : rest.len;

		if (len) {
			struct segment *segment = add_segment(c);

			if (!segment)
				return -ENOMEM;
			segment->text = (struct text){rest.ptr, len};
		} else {
			int r = compile_token(c, rest, &len, diag);

			if (r && diag)
				diag_place(diag, source.ptr, source.len, at);
			if (r)
				return r;
		}
		at += len;
	}
	return 0;
}

static int sort_fields(struct format *f)
{
	f->sorted = pool_alloc(&f->operands.pool, (f->n_fields + 1) * sizeof(*f->sorted));
	if (!f->sorted)
		return -ENOMEM;
	if (!f->n_fields)
		return 0;
	memcpy(f->sorted, f->fields, f->n_fields * sizeof(*f->sorted));
	qsort(f->sorted, f->n_fields, sizeof(*f->sorted), compare_names);
	for (uint32_t i = 0; i < f->n_fields; i++) {
		if (!f->n_sorted ||
		    !text_equal(f->sorted[f->n_sorted - 1]->name, f->sorted[i]->name))
			f->sorted[f->n_sorted++] = f->sorted[i];
	}
	return 0;
}

int format_compile_strict(struct format **out, struct text source, const struct field_set *fields,
			  struct diag *diag)
{
	SCOPED(format_destroy) struct format *format = calloc(1, sizeof(*format));
	struct format_compiler c = {.format = format, .fields = fields};
	int r;

	if (!format)
		return -ENOMEM;
	if (source.len > FORMAT_TEXT_MAX)
		return diag_set(diag, -EINVAL, "longer than %u bytes", FORMAT_TEXT_MAX);
	format->source = pool_text(&format->operands.pool, source);
	if (!format->source.ptr)
		return -ENOMEM;
	r = compile_segments(&c, diag);
	if (r)
		return r;
	r = sort_fields(format);
	if (r)
		return r;
	*out = TAKE(format);
	return 0;
}

int format_compile(struct format **out, struct text source, const struct field_set *fields,
		   struct diag *diag)
{
	int r = format_compile_strict(out, source, fields, diag);

	return r == ERR_UNKNOWN_NAME ? -EINVAL : r;
}

void format_destroy(struct format **format)
{
	struct format *f = *format;

	if (!f)
		return;
	free(f->segments);
	free(f->fields);
	operand_table_done(&f->operands);
	free(f);
	*format = NULL;
}

size_t format_bytes(const struct format *format)
{
	return sizeof(*format) + format->operands.pool.bytes + format->n * sizeof(struct segment) +
	       2 * (size_t)format->n_fields * sizeof(struct operand *);
}

uint32_t format_n_fields(const struct format *format)
{
	return format->n_fields;
}

const struct operand *format_field(const struct format *format, uint32_t i)
{
	return format->fields[i];
}

static bool printable_values(const struct operand *operand, const struct field_context *ctx,
			     struct values *out)
{
	if (operand->kind == OPERAND_FIELD && operand->field->flags & FIELD_FILTER_ONLY)
		return false;
	return operand_eval(operand, ctx, out) && (out->n || operand->is_list);
}

static void print_segment(const struct segment *segment, const struct values *values,
			  struct print *out)
{
	uint32_t start = out->len;
	struct print field = *out;

	if (segment->width)
		field.size = MIN(field.size, start + segment->width);
	if (values)
		print_values(&field, segment->operand, values);
	else
		print_string(&field, "<NA>");
	out->is_cut = out->is_cut || (field.is_cut && field.len == out->size);
	out->len = field.len;
	while (segment->width && out->len - start < segment->width && !out->is_cut)
		print_string(out, " ");
}

static bool print_format_text(const struct format *format, const struct field_context *ctx,
			      bool is_strict, struct print *out)
{
	for (uint32_t i = 0; i < format->n; i++) {
		const struct segment *segment = &format->segments[i];
		struct values values;
		bool has_value;

		if (!segment->operand) {
			print_text(out, segment->text);
			continue;
		}
		has_value = printable_values(segment->operand, ctx, &values);
		if (!has_value && is_strict)
			return false;
		print_segment(segment, has_value ? &values : NULL, out);
	}
	return true;
}

bool format_print_strict(const struct format *format, const struct field_context *ctx,
			 struct print *out)
{
	return print_format_text(format, ctx, true, out);
}

/* NOLINTBEGIN(readability-non-const-parameter): buffers are written through struct print */
uint32_t format_print(const struct format *format, const struct field_context *ctx, char *buffer,
		      uint32_t size)
{
	struct print out = {.buffer = buffer, .size = size};

	print_format_text(format, ctx, false, &out);
	return out.len;
}

/* Where the first absent value stands in the order of the tokens; n_fields if none is. */
static uint32_t first_absent(const struct format *format, const struct field_context *ctx,
			     bool with_transformers)
{
	for (uint32_t i = 0; i < format->n_fields; i++) {
		const struct operand *operand = format->fields[i];
		struct values values;

		if (operand->kind == OPERAND_TRANSFORMER && !with_transformers)
			continue;
		if (!printable_values(operand, ctx, &values))
			return i;
	}
	return format->n_fields;
}

static bool is_before(const struct format *format, const struct operand *operand, uint32_t end)
{
	for (uint32_t i = 0; i < end; i++) {
		if (text_equal(format->fields[i]->name, operand->name))
			return true;
	}
	return false;
}

/* In JSON the time of an event is a number, whatever its text looks like. */
static void print_json_time(struct print *out, uint64_t ts_ns)
{
	char text[32];

	print_bytes(out, text, (uint32_t)snprintf(text, sizeof(text), "%" PRIu64, ts_ns));
}

bool format_print_members(const struct format *format, const struct field_context *ctx,
			  bool with_transformers, bool is_strict, struct print *out)
{
	uint32_t end = is_strict ? first_absent(format, ctx, with_transformers) : format->n_fields;
	bool is_first = true;

	for (uint32_t i = 0; i < format->n_sorted; i++) {
		const struct operand *operand = format->sorted[i];
		struct values values;

		if (operand->kind == OPERAND_TRANSFORMER && !with_transformers)
			continue;
		if (is_strict && !is_before(format, operand, end))
			continue;
		if (!is_first)
			print_string(out, ",");
		is_first = false;
		print_json_string(out, operand->name);
		print_string(out, ":");
		if (ctx->event && operand_is_field(operand, "evt.time"))
			print_json_time(out, ctx->event->ts_ns);
		else if (printable_values(operand, ctx, &values))
			print_json_values(out, operand, &values);
		else
			print_string(out, "null");
	}
	return end == format->n_fields;
}

uint32_t format_fields_json(const struct format *format, const struct field_context *ctx,
			    char *buffer, uint32_t size)
{
	struct print out = {.buffer = buffer, .size = size};

	print_string(&out, "{");
	format_print_members(format, ctx, false, false, &out);
	print_string(&out, "}");
	return out.is_cut ? 0 : out.len;
}

#define CUT_MEMBER "\"ethogram.fields_cut\":true"
#define SHARE_MIN 32

/* What each value may take, so that all members fit. */
static uint32_t value_share(const struct format *format, uint32_t size)
{
	uint64_t names = sizeof(CUT_MEMBER) + 4;

	for (uint32_t i = 0; i < format->n_sorted; i++)
		names += 6 * (uint64_t)format->sorted[i]->name.len + 4;
	return size > names ? (uint32_t)(size - names) / MAX(format->n_sorted, 1u) : 0;
}

uint32_t format_fields_json_short(const struct format *format, const struct field_context *ctx,
				  char *buffer, uint32_t size)
{
	struct print out = {.buffer = buffer, .size = size};
	uint32_t share = value_share(format, size);

	if (share < SHARE_MIN + 8)
		return 0;
	print_string(&out, "{");
	for (uint32_t i = 0; i < format->n_sorted; i++) {
		const struct operand *operand = format->sorted[i];
		struct values values;

		if (operand->kind == OPERAND_TRANSFORMER)
			continue;
		print_json_string(&out, operand->name);
		print_string(&out, ":");
		if (ctx->event && operand_is_field(operand, "evt.time"))
			print_json_time(&out, ctx->event->ts_ns);
		else if (printable_values(operand, ctx, &values))
			print_json_values_short(&out, operand, &values, share - 8);
		else
			print_string(&out, "null");
		print_string(&out, ",");
	}
	print_string(&out, CUT_MEMBER "}");
	return out.is_cut ? 0 : out.len;
}
/* NOLINTEND(readability-non-const-parameter) */
