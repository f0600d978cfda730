#include "filter/operand.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/event_table.h"
#include "base/util.h"
#include "filter/transform.h"

int refuse_at(struct diag *diag, const struct ast_node *node, int r, const char *format, ...)
{
	char message[DIAG_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (diag)
		diag->offset = node->offset;
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

static int compile_field(struct operand *operand, const struct ast_node *node,
			 const struct field_set *fields, struct pool *pool, struct diag *diag)
{
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
	    (node->has_arg && !(field->flags & FIELD_ARG_KEY) && !operand->arg.is_index))
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
			    const struct field_set *fields, struct pool *pool, struct diag *diag)
{
	operand->children = pool_alloc(pool, node->n_children * sizeof(*operand->children));
	if (!operand->children)
		return -ENOMEM;
	for (operand->n = 0; operand->n < node->n_children; operand->n++) {
		int r = operand_compile(&operand->children[operand->n], node->children[operand->n],
					fields, pool, diag);

		if (r)
			return r;
	}
	return 0;
}

static int compile_transformer(struct operand *operand, const struct ast_node *node,
			       const struct field_set *fields, struct pool *pool, struct diag *diag)
{
	int r = compile_children(operand, node, fields, pool, diag);

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

int operand_compile(struct operand **out, const struct ast_node *node,
		    const struct field_set *fields, struct pool *pool, struct diag *diag)
{
	struct operand *operand = pool_alloc(pool, sizeof(*operand));
	int r = -EINVAL;

	if (!operand)
		return -ENOMEM;
	operand->name = ast_text(node, pool);
	if (!operand->name.ptr)
		return -ENOMEM;
	switch (node->kind) {
	case AST_FIELD:
		r = compile_field(operand, node, fields, pool, diag);
		break;
	case AST_VAL:
		if (node->has_arg)
			return refuse_at(diag, node, -EINVAL, "val() takes no argument");
		*out = operand;
		return operand_compile(out, node->children[0], fields, pool, diag);
	case AST_TRANSFORMER:
		r = compile_transformer(operand, node, fields, pool, diag);
		break;
	case AST_STRING:
		r = compile_literal(operand, node, pool);
		break;
	case AST_LIST:
		operand->kind = OPERAND_TUPLE;
		operand->type = VALUE_CHARBUF;
		operand->is_list = true;
		r = compile_children(operand, node, fields, pool, diag);
		break;
	default:
		break;
	}
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

bool operand_eval(const struct operand *operand, const struct field_context *ctx,
		  struct values *out)
{
	switch (operand->kind) {
	case OPERAND_FIELD:
		return operand->field->extract(ctx, operand->field, &operand->arg, out);
	case OPERAND_TRANSFORMER:
		return transform_eval(operand, ctx, out);
	case OPERAND_LITERAL:
		*out = (struct values){&operand->literal, 1};
		return true;
	case OPERAND_TUPLE:
		return eval_tuple(operand, ctx, out);
	}
	return false;
}

bool operand_is_field(const struct operand *operand, const char *name)
{
	return operand->kind == OPERAND_FIELD && strcmp(operand->field->name, name) == 0;
}
