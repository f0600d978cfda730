#include "filter/operand.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/event_table.h"
#include "base/util.h"
#include "filter/eval_cache.h"
#include "filter/transform.h"
#include "filter/value_set.h"

int refuse_at(struct diag *diag, const struct ast_node *node, int r, const char *format, ...)
{
	char message[DIAG_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (diag) {
		diag->offset = node->offset;
		diag->source = node->source;
	}
	return diag_set(diag, r, "%s", message);
}

static enum value_type value_type_of_param(enum param_type type)
{
	switch (type) {
	case PARAM_INT16:
		return VALUE_INT16;
	case PARAM_INT32:
		return VALUE_INT32;
	case PARAM_INT64:
		return VALUE_INT64;
	case PARAM_ERRNO:
		return VALUE_ERRNO;
	case PARAM_FD:
		return VALUE_FD;
	case PARAM_PID:
		return VALUE_PID;
	case PARAM_CHARBUF:
		return VALUE_CHARBUF;
	case PARAM_FSPATH:
		return VALUE_FSPATH;
	case PARAM_FSRELPATH:
		return VALUE_FSRELPATH;
	case PARAM_BYTEBUF:
		return VALUE_BYTEBUF;
	case PARAM_SOCKADDR:
		return VALUE_SOCKADDR;
	case PARAM_SOCKTUPLE:
		return VALUE_SOCKTUPLE;
	case PARAM_RELTIME:
		return VALUE_RELTIME;
	case PARAM_ABSTIME:
		return VALUE_ABSTIME;
	case PARAM_FDLIST:
	case PARAM_DYN:
		return VALUE_DYNAMIC;
	default:
		return VALUE_UINT64;
	}
}

/* Before the first event a parameter's type is that of the first event which has one of its name;
 * per event the value carries its own. */
static enum value_type dynamic_type(struct text param)
{
	for (int type = 0; type < EVENT_TYPE_END; type++) {
		int i = event_param_by_name((enum event_type)type, param);

		if (i >= 0)
			return value_type_of_param(
				event_info((enum event_type)type)->params[i].type);
	}
	return VALUE_DYNAMIC;
}

/* Some fields take their argument behind a dot only. */
static bool takes_in_brackets(const struct field *field, const struct field_arg *arg)
{
	return field->flags & FIELD_ARG_KEY || (field->flags & FIELD_ARG_INDEX && arg->is_index);
}

static int compile_field(struct operand *operand, const struct ast_node *node,
			 const struct field_set *fields, struct operand_table *table,
			 struct diag *diag)
{
	struct pool *pool = &table->pool;
	struct text name = pool_text(pool, node->text), dot_arg, arg;
	const struct field *field;

	if (!name.ptr)
		return -ENOMEM;
	field = field_set_find(fields, name, &dot_arg);
	if (!field)
		return refuse_at(diag, node, ERR_UNKNOWN_NAME, "there is no field '%.*s'",
				 TEXT_ARGS(name));
	if (dot_arg.len && node->has_arg)
		return refuse_at(diag, node, ERR_UNKNOWN_NAME, "'%.*s' takes one argument only",
				 TEXT_ARGS(name));
	arg = dot_arg.len ? dot_arg : pool_text(pool, node->arg);
	if (!arg.ptr)
		return -ENOMEM;
	if (field_arg_prepare(field, arg, node->has_arg || dot_arg.len, &operand->arg) ||
	    (node->has_arg && !takes_in_brackets(field, &operand->arg)))
		return refuse_at(diag, node, ERR_UNKNOWN_NAME,
				 node->has_arg || dot_arg.len
					 ? "the field '%.*s' has no such argument '%.*s'"
					 : "the field '%.*s' needs an argument%.*s",
				 TEXT_ARGS(name), TEXT_ARGS(arg));
	operand->kind = OPERAND_FIELD;
	operand->field = field;
	operand->type = field->type == VALUE_DYNAMIC ? dynamic_type(arg) : field->type;
	operand->is_list = field->flags & FIELD_LIST;
	return 0;
}

static int compile_children(struct operand *operand, const struct ast_node *node,
			    const struct field_set *fields, struct operand_table *table,
			    struct diag *diag)
{
	operand->children = pool_alloc(&table->pool, node->n_children * sizeof(*operand->children));
	if (!operand->children)
		return -ENOMEM;
	for (operand->n = 0; operand->n < node->n_children; operand->n++) {
		int r = operand_compile(&operand->children[operand->n], node->children[operand->n],
					fields, table, diag);

		if (r)
			return r;
	}
	return 0;
}

static int compile_transformer(struct operand *operand, const struct ast_node *node,
			       const struct field_set *fields, struct operand_table *table,
			       struct diag *diag)
{
	int r = compile_children(operand, node, fields, table, diag);

	if (r)
		return r;
	operand->kind = OPERAND_TRANSFORMER;
	operand->transformer = node->transformer;
	for (uint32_t i = 0; i < operand->n; i++) {
		const struct operand *child = operand->children[i];

		if (child->kind == OPERAND_FIELD && child->field->flags & FIELD_NO_TRANSFORMER)
			return refuse_at(diag, node, -EINVAL,
					 "the field '%.*s' cannot be transformed",
					 TEXT_ARGS(child->name));
	}
	return transform_check(operand, node, diag);
}

static int compile_literal(struct operand *operand, const struct ast_node *node, struct pool *pool)
{
	operand->kind = OPERAND_LITERAL;
	operand->type = VALUE_CHARBUF;
	operand->literal =
		(struct value){.type = VALUE_CHARBUF, .text = pool_text(pool, node->text)};
	return operand->literal.text.ptr ? 0 : -ENOMEM;
}

void operand_table_done(struct operand_table *table)
{
	pool_done(&table->pool);
	*table = (struct operand_table){0};
}

static int table_add(struct operand_table *table, struct operand *operand)
{
	if (table->n == table->max) {
		uint32_t max = table->max ? 2 * table->max : 16;
		struct operand **grown = pool_alloc(&table->pool, max * sizeof(struct operand *));

		if (!grown)
			return -ENOMEM;
		if (table->n)
			memcpy(grown, table->items, table->n * sizeof(struct operand *));
		table->items = grown;
		table->max = max;
	}
	operand->id = table->n;
	table->items[table->n++] = operand;
	return 0;
}

/* Literals and tuples print like fields and like each other; only what is looked up is shared. */
static struct operand *find_known(const struct operand_table *table, struct text name)
{
	for (uint32_t i = 0; i < table->n; i++) {
		struct operand *known = table->items[i];

		if (known->kind == OPERAND_FIELD && text_equal(known->name, name))
			return known;
	}
	return NULL;
}

static int compile_kind(struct operand *operand, const struct ast_node *node,
			const struct field_set *fields, struct operand_table *table,
			struct diag *diag)
{
	switch (node->kind) {
	case AST_FIELD:
		return compile_field(operand, node, fields, table, diag);
	case AST_TRANSFORMER:
		return compile_transformer(operand, node, fields, table, diag);
	case AST_STRING:
		return compile_literal(operand, node, &table->pool);
	case AST_LIST:
		operand->kind = OPERAND_TUPLE;
		operand->type = VALUE_CHARBUF;
		operand->is_list = true;
		return compile_children(operand, node, fields, table, diag);
	default:
		return -EINVAL;
	}
}

int operand_compile(struct operand **out, const struct ast_node *node,
		    const struct field_set *fields, struct operand_table *table, struct diag *diag)
{
	struct operand *operand, *known;
	struct text name;
	int r;

	if (node->kind == AST_VAL) {
		if (node->has_arg)
			return refuse_at(diag, node, -EINVAL, "val() takes no argument");
		return operand_compile(out, node->children[0], fields, table, diag);
	}
	name = ast_text(node, &table->pool);
	operand = pool_alloc(&table->pool, sizeof(*operand));
	if (!name.ptr || !operand)
		return -ENOMEM;
	known = node->kind == AST_FIELD ? find_known(table, name) : NULL;
	if (known) {
		*out = known;
		return 0;
	}
	operand->name = name;
	r = compile_kind(operand, node, fields, table, diag);
	if (!r)
		r = table_add(table, operand);
	if (!r)
		*out = operand;
	return r;
}

/* The members' values side by side, numbers as text. Any absent part makes the whole absent. */
static bool eval_tuple(const struct operand *operand, const struct field_context *ctx,
		       struct values *out)
{
	struct value *items = arena_alloc(ctx->arena, (operand->n + 1) * sizeof(*items));

	if (!items)
		return false;
	for (uint32_t i = 0; i < operand->n; i++) {
		struct values values;

		if (!operand_eval(operand->children[i], ctx, &values) || values.n != 1 ||
		    !value_as_text(&values.items[0], ctx->arena, &items[i]))
			return false;
	}
	*out = (struct values){items, operand->n};
	return true;
}

static bool eval_kind(const struct operand *operand, const struct field_context *ctx,
		      struct values *out)
{
	switch (operand->kind) {
	case OPERAND_FIELD:
		return operand->field->extract(ctx, operand->field, &operand->arg, out);
	case OPERAND_TRANSFORMER:
		return transform_eval(operand, ctx, out);
	case OPERAND_TUPLE:
		return eval_tuple(operand, ctx, out);
	case OPERAND_LITERAL:
		break;
	}
	*out = (struct values){&operand->literal, 1};
	return true;
}

bool operand_eval(const struct operand *operand, const struct field_context *ctx,
		  struct values *out)
{
	struct cached_values *cached;

	if (!ctx->cache)
		return eval_kind(operand, ctx, out);
	cached = &ctx->cache->values[operand->id];
	if (cached->epoch != ctx->cache->epoch) {
		cached->epoch = ctx->cache->epoch;
		cached->is_hashed = false;
		cached->is_present = eval_kind(operand, ctx, &cached->values);
	}
	*out = cached->values;
	return cached->is_present;
}

uint32_t operand_text_hash(const struct operand *operand, const struct field_context *ctx,
			   struct text value)
{
	struct cached_values *cached = ctx->cache ? &ctx->cache->values[operand->id] : NULL;

	if (!cached)
		return text_set_hash(value);
	if (!cached->is_hashed) {
		cached->hash = text_set_hash(value);
		cached->is_hashed = true;
	}
	return cached->hash;
}

bool operand_is_field(const struct operand *operand, const char *name)
{
	return operand->kind == OPERAND_FIELD && strcmp(operand->field->name, name) == 0;
}
