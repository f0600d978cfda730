#include "filter/transform.h"

#include <errno.h>

#include "base/util.h"
#include "filter/filter.h"

#define GETOPT_ITEMS_MAX 256

static bool is_text(enum value_type type)
{
	return type_class(type) == CLASS_STRING;
}

static bool is_single_charbuf(const struct operand *operand)
{
	return operand->type == VALUE_CHARBUF && !operand->is_list;
}

static int wrong_type(const struct operand *operand, const struct ast_node *node, uint32_t i,
		      struct diag *diag)
{
	return refuse_at(diag, node, -EINVAL, "%s() cannot take %s%s as argument %u",
			 transformer_name(operand->transformer),
			 operand->children[i]->is_list ? "a list of " : "",
			 value_type_name(operand->children[i]->type), i + 1);
}

static int check_join(struct operand *operand, const struct ast_node *node, struct diag *diag)
{
	const struct operand *list = operand->children[1];

	if (operand->children[0]->is_list)
		return wrong_type(operand, node, 0, diag);
	if (!list->is_list || (list->kind != OPERAND_TUPLE && list->type != VALUE_CHARBUF))
		return wrong_type(operand, node, 1, diag);
	for (uint32_t i = 0; list->kind == OPERAND_TUPLE && i < list->n; i++) {
		if (list->children[i]->is_list)
			return wrong_type(operand, node, 1, diag);
	}
	operand->type = VALUE_CHARBUF;
	return 0;
}

static int check_concat(struct operand *operand, const struct ast_node *node, struct diag *diag)
{
	for (uint32_t i = 0; i < operand->n; i++) {
		if (!is_single_charbuf(operand->children[i]))
			return wrong_type(operand, node, i, diag);
	}
	operand->type = VALUE_CHARBUF;
	return 0;
}

static int check_getopt(struct operand *operand, const struct ast_node *node, struct diag *diag)
{
	const struct operand *args = operand->children[0];

	if (!args->is_list || args->type != VALUE_CHARBUF)
		return wrong_type(operand, node, 0, diag);
	if (!is_single_charbuf(operand->children[1]))
		return wrong_type(operand, node, 1, diag);
	if (node->has_arg && node->arg.len != 1)
		return refuse_at(diag, node, -EINVAL, "getopt()[..] takes one option character");
	operand->option = node->has_arg ? node->arg.ptr[0] : '\0';
	operand->type = VALUE_CHARBUF;
	operand->is_list = !node->has_arg;
	return 0;
}

static int check_single(struct operand *operand, const struct ast_node *node, struct diag *diag)
{
	const struct operand *child = operand->children[0];
	bool is_bytes = child->type == VALUE_BYTEBUF, ok = is_text(child->type);

	if (operand->transformer == TRANSFORMER_B64)
		ok = child->type == VALUE_CHARBUF || is_bytes;
	else if (operand->transformer == TRANSFORMER_LEN)
		ok = ok || is_bytes || child->is_list;
	if (!ok)
		return wrong_type(operand, node, 0, diag);
	operand->type = operand->transformer == TRANSFORMER_LEN ? VALUE_UINT64 : child->type;
	operand->is_list = operand->transformer != TRANSFORMER_LEN && child->is_list;
	return 0;
}

int transform_check(struct operand *operand, const struct ast_node *node, struct diag *diag)
{
	bool is_multiple = operand->transformer >= TRANSFORMER_JOIN;
	bool takes_any_number = operand->transformer == TRANSFORMER_CONCAT;

	if (operand->n != (is_multiple ? 2u : 1u) && !(takes_any_number && operand->n > 2))
		return refuse_at(diag, node, -EINVAL, "%s() takes %s, not %u",
				 transformer_name(operand->transformer),
				 takes_any_number ? "two arguments or more"
				 : is_multiple    ? "two arguments"
						  : "one argument",
				 operand->n);
	if (node->has_arg && operand->transformer != TRANSFORMER_GETOPT)
		return refuse_at(diag, node, -EINVAL, "%s() takes no [argument]",
				 transformer_name(operand->transformer));
	switch (operand->transformer) {
	case TRANSFORMER_JOIN:
		return check_join(operand, node, diag);
	case TRANSFORMER_CONCAT:
		return check_concat(operand, node, diag);
	case TRANSFORMER_GETOPT:
		return check_getopt(operand, node, diag);
	default:
		return check_single(operand, node, diag);
	}
}

static bool fold_case(struct text in, struct arena *arena, char first, char last, char delta,
		      struct text *out)
{
	char *bytes = arena_alloc(arena, in.len + 1);

	if (!bytes)
		return false;
	for (uint32_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];

		bytes[i] = (char)(c >= first && c <= last ? c + delta : c);
	}
	*out = (struct text){bytes, in.len};
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, with or without padding, or with too much of it. */
static bool decode_base64(struct text in, struct arena *arena, struct text *out)
{
	char *bytes = arena_alloc(arena, in.len / 4 * 3 + 3);
	uint32_t bits = 0, n_bits = 0, n = 0, padding = 0;

	while (in.len && in.ptr[in.len - 1] == '=' && padding < 2) {
		in.len--;
		padding++;
	}
	if (!bytes || in.len % 4 == 1 || (padding && !in.len))
		return false;
	for (uint32_t i = 0; i < in.len; i++) {
		int digit = base64_digit(in.ptr[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			bytes[n++] = (char)(bits >> n_bits);
		}
	}
	*out = (struct text){bytes, n};
	return (bits & ((UINT32_C(1) << n_bits) - 1)) == 0; /* or the last digit was not one */
}

static struct text base_name(struct text path)
{
	uint32_t start = path.len;

	while (start && path.ptr[start - 1] != '/')
		start--;
	return (struct text){path.ptr + start, path.len - start};
}

static bool transform_text(enum transformer transformer, struct text in, struct arena *arena,
			   struct text *out)
{
	switch (transformer) {
	case TRANSFORMER_TOLOWER:
		return fold_case(in, arena, 'A', 'Z', 'a' - 'A', out);
	case TRANSFORMER_TOUPPER:
		return fold_case(in, arena, 'a', 'z', 'A' - 'a', out);
	case TRANSFORMER_B64:
		return decode_base64(in, arena, out);
	default:
		*out = base_name(in);
		return true;
	}
}

static bool eval_each(const struct operand *operand, const struct field_context *ctx,
		      const struct values *in, struct values *out)
{
	struct value *items = arena_alloc(ctx->arena, (in->n + 1) * sizeof(*items));

	if (!items)
		return false;
	for (uint32_t i = 0; i < in->n; i++) {
		items[i].type = in->items[i].type;
		if (!transform_text(operand->transformer, in->items[i].text, ctx->arena,
				    &items[i].text))
			return false;
	}
	*out = (struct values){items, in->n};
	return true;
}

static bool yield_one(struct arena *arena, struct value value, struct values *out)
{
	struct value *item = arena_alloc(arena, sizeof(*item));

	if (!item)
		return false;
	*item = value;
	*out = (struct values){item, 1};
	return true;
}

static bool eval_len(const struct operand *operand, const struct field_context *ctx,
		     const struct values *in, struct values *out)
{
	const struct operand *child = operand->children[0];
	uint64_t len = in->n;
	const char *end;

	if (!child->is_list) {
		struct text t = in->n ? in->items[0].text : TEXT_NONE;

		end = t.len && child->type != VALUE_BYTEBUF ? memchr(t.ptr, '\0', t.len) : NULL;
		len = end ? (uint64_t)(end - t.ptr) : t.len;
	}
	return yield_one(ctx->arena, (struct value){.u64 = len, .type = VALUE_UINT64}, out);
}

bool value_as_text(const struct value *value, struct arena *arena, struct value *out)
{
	char buffer[128], *copy;
	uint32_t len;

	if (type_class(value->type) & (CLASS_STRING | CLASS_BYTES)) {
		*out = *value;
		out->type = VALUE_CHARBUF;
		return true;
	}
	len = value_print(value, 0, buffer, sizeof(buffer));
	copy = arena_alloc(arena, len + 1);
	if (!copy)
		return false;
	memcpy(copy, buffer, len);
	*out = (struct value){.text = {copy, len}, .type = VALUE_CHARBUF};
	return true;
}

/* The texts of values one after another, separator between them. */
static bool join(const struct values *values, struct text separator, struct arena *arena,
		 struct values *out)
{
	size_t size = 1;
	uint32_t len = 0;
	char *bytes;

	for (uint32_t i = 0; i < values->n; i++)
		size += (size_t)values->items[i].text.len + separator.len;
	bytes = arena_alloc(arena, size);
	if (!bytes)
		return false;
	for (uint32_t i = 0; i < values->n; i++) {
		struct text t = values->items[i].text;

		if (i && separator.len) {
			memcpy(bytes + len, separator.ptr, separator.len);
			len += separator.len;
		}
		if (t.len)
			memcpy(bytes + len, t.ptr, t.len);
		len += t.len;
	}
	return yield_one(arena, (struct value){.text = {bytes, len}, .type = VALUE_CHARBUF}, out);
}

static bool eval_join(const struct operand *operand, const struct field_context *ctx,
		      struct values *out)
{
	struct values separator, list;
	struct value text;

	if (!operand_eval(operand->children[0], ctx, &separator) || separator.n != 1 ||
	    !value_as_text(&separator.items[0], ctx->arena, &text) ||
	    !operand_eval(operand->children[1], ctx, &list))
		return false;
	return join(&list, text.text, ctx->arena, out);
}

static bool eval_concat(const struct operand *operand, const struct field_context *ctx,
			struct values *out)
{
	struct value *items = arena_alloc(ctx->arena, operand->n * sizeof(*items));
	struct values parts = {items, operand->n};

	if (!items)
		return false;
	for (uint32_t i = 0; i < operand->n; i++) {
		struct values values;

		if (!operand_eval(operand->children[i], ctx, &values) || values.n != 1)
			return false;
		items[i] = values.items[0];
	}
	return join(&parts, TEXT_NONE, ctx->arena, out);
}

struct getopt_result {
	char wanted; /* 0: every option */
	bool found;
	struct value last; /* of the wanted option */
	struct value *items;
	uint32_t n;
};

static void getopt_put(struct getopt_result *result, struct text text)
{
	if (result->n < GETOPT_ITEMS_MAX)
		result->items[result->n++] = (struct value){.text = text, .type = VALUE_CHARBUF};
}

/* An option without a value stands for itself. */
static void getopt_found(struct getopt_result *result, struct text option, struct text value,
			 bool has_value, bool is_missing)
{
	if (result->wanted && result->wanted == option.ptr[0]) {
		result->found = true;
		result->last =
			(struct value){.text = has_value ? value : option, .type = VALUE_CHARBUF};
	}
	if (!is_missing)
		getopt_put(result, option);
	if (has_value)
		getopt_put(result, value);
}

/* Options of one token behind its dash; returns how many further tokens were taken as values. */
static uint32_t getopt_token(struct text token, struct text options, const struct value *next,
			     struct getopt_result *result)
{
	for (uint32_t i = 1; i < token.len; i++) {
		struct text option = {token.ptr + i, 1};
		const char *known = option.ptr[0] == ':' || option.ptr[0] == ';' || !options.len
					    ? NULL
					    : memchr(options.ptr, option.ptr[0], options.len);
		uint32_t at = known ? (uint32_t)(known - options.ptr) : 0;

		if (!known) {
			getopt_put(result, TEXT("?"));
			continue;
		}
		if (at + 1 >= options.len || options.ptr[at + 1] != ':') {
			getopt_found(result, option, TEXT_NONE, false, false);
			continue;
		}
		if (i + 1 < token.len)
			getopt_found(result, option,
				     (struct text){token.ptr + i + 1, token.len - i - 1}, true,
				     false);
		else if (next)
			getopt_found(result, option, next->text, true, false);
		else
			getopt_found(result, option, TEXT(""), true, true);
		return i + 1 == token.len && next ? 1 : 0;
	}
	return 0;
}

/* As getopt(3) with a leading '+': stops at the first token that is no option. Long options are
 * skipped. */
static bool eval_getopt(const struct operand *operand, const struct field_context *ctx,
			struct values *out)
{
	struct getopt_result result = {.wanted = operand->option};
	struct values args, options;
	struct text spec;

	if (!operand_eval(operand->children[0], ctx, &args) ||
	    !operand_eval(operand->children[1], ctx, &options) || options.n != 1)
		return false;
	result.items = arena_alloc(ctx->arena, GETOPT_ITEMS_MAX * sizeof(*result.items));
	if (!result.items)
		return false;
	spec = options.items[0].text;
	while (spec.len && spec.ptr[0] == ':')
		spec = (struct text){spec.ptr + 1, spec.len - 1};
	for (uint32_t i = 0; i < args.n; i++) {
		struct text token = args.items[i].text;

		if (token.len < 2 || token.ptr[0] != '-' || text_equal(token, TEXT("--")))
			break;
		if (token.ptr[1] == '-')
			continue;
		i += getopt_token(token, spec, i + 1 < args.n ? &args.items[i + 1] : NULL, &result);
	}
	if (operand->option)
		return result.found && yield_one(ctx->arena, result.last, out);
	*out = (struct values){result.items, result.n};
	return true;
}

bool transform_eval(const struct operand *operand, const struct field_context *ctx,
		    struct values *out)
{
	struct values in;

	switch (operand->transformer) {
	case TRANSFORMER_JOIN:
		return eval_join(operand, ctx, out);
	case TRANSFORMER_CONCAT:
		return eval_concat(operand, ctx, out);
	case TRANSFORMER_GETOPT:
		return eval_getopt(operand, ctx, out);
	default:
		break;
	}
	if (!operand_eval(operand->children[0], ctx, &in))
		return false;
	if (operand->transformer == TRANSFORMER_LEN)
		return eval_len(operand, ctx, &in, out);
	return eval_each(operand, ctx, &in, out);
}
