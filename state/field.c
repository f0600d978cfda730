#include "state/field.h"

#include <errno.h>

#include "base/util.h"

static const char *const type_names[VALUE_TYPE_END] = {
	[VALUE_INT8] = "int8",
	[VALUE_INT16] = "int16",
	[VALUE_INT32] = "int32",
	[VALUE_INT64] = "int64",
	[VALUE_UINT8] = "uint8",
	[VALUE_UINT16] = "uint16",
	[VALUE_UINT32] = "uint32",
	[VALUE_UINT64] = "uint64",
	[VALUE_FLAGS32] = "flags32",
	[VALUE_MODE] = "mode",
	[VALUE_FD] = "fd",
	[VALUE_PID] = "pid",
	[VALUE_ERRNO] = "errno",
	[VALUE_PORT] = "port",
	[VALUE_RELTIME] = "reltime",
	[VALUE_ABSTIME] = "abstime",
	[VALUE_DOUBLE] = "double",
	[VALUE_BOOL] = "bool",
	[VALUE_UID] = "uid",
	[VALUE_GID] = "gid",
	[VALUE_CHARBUF] = "charbuf",
	[VALUE_FSPATH] = "fspath",
	[VALUE_FSRELPATH] = "fsrelpath",
	[VALUE_BYTEBUF] = "bytebuf",
	[VALUE_IPADDR] = "ipaddr",
	[VALUE_IPNET] = "ipnet",
	[VALUE_SOCKADDR] = "sockaddr",
	[VALUE_SOCKTUPLE] = "socktuple",
	[VALUE_DYNAMIC] = "dynamic",
};

const char *value_type_name(enum value_type type)
{
	return type_names[type];
}

int value_type_by_name(struct text name)
{
	for (int i = 0; i < VALUE_TYPE_END; i++) {
		if (text_equal(name, text_from(type_names[i])))
			return i;
	}
	return -1;
}

struct value *field_one_value(const struct field_context *ctx, const struct field *field,
			      struct values *out)
{
	struct value *value = ctx->arena ? arena_alloc(ctx->arena, sizeof(*value)) : NULL;

	if (!value)
		return NULL;
	*value = (struct value){.type = field->type};
	*out = (struct values){value, 1};
	return value;
}

/* How well field matches name: its own length, with what is left behind the dot in *rest. */
static uint32_t match(const struct field *field, struct text name, struct text *rest)
{
	const char *own = field->name;
	uint32_t len = 0;

	while (len < name.len && own[len] && own[len] == name.ptr[len])
		len++; /* most differ early: their lengths need not be known */
	*rest = TEXT_NONE;
	if (own[len])
		return 0;
	if (len == name.len)
		return len;
	if (!(field->flags & FIELD_ARG_DOT) || name.len < len + 2 || name.ptr[len] != '.')
		return 0;
	*rest = (struct text){name.ptr + len + 1, name.len - len - 1};
	return len;
}

const struct field *field_set_find(const struct field_set *set, struct text name,
				   struct text *dot_arg)
{
	const struct field *best = NULL;
	uint32_t best_len = 0;

	*dot_arg = TEXT_NONE;
	for (uint32_t t = 0; t < set->n_tables; t++) {
		for (uint32_t i = 0; i < set->tables[t].n; i++) {
			struct text rest;
			uint32_t len = match(&set->tables[t].fields[i], name, &rest);

			if (len <= best_len)
				continue;
			best = &set->tables[t].fields[i];
			best_len = len;
			*dot_arg = rest;
		}
	}
	return best;
}

/* Decimal number that fits, as upstream with a sign (below zero there is never a value); false
 * otherwise. */
static bool parse_index(struct text t, int64_t *out)
{
	bool is_negative = t.len > 1 && t.ptr[0] == '-';
	int64_t value = 0;

	if (!t.len || t.len > 19)
		return false;
	for (uint32_t i = is_negative; i < t.len; i++) {
		if (t.ptr[i] < '0' || t.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, t.ptr[i] - '0', &value))
			return false;
	}
	*out = is_negative ? -value : value;
	return true;
}

int field_arg_prepare(const struct field *field, struct text text, bool is_given,
		      struct field_arg *arg)
{
	*arg = (struct field_arg){.is_given = is_given, .text = text};
	if (!is_given) {
		if (field->flags & FIELD_ARG_REQUIRED)
			return -EINVAL;
		return field->check_arg ? field->check_arg(field, arg) : 0;
	}
	if (!(field->flags & (FIELD_ARG_REQUIRED | FIELD_ARG_ALLOWED)))
		return -EINVAL;
	arg->is_index = parse_index(text, &arg->index);
	if (!arg->is_index && !(field->flags & (FIELD_ARG_KEY | FIELD_ARG_DOT)))
		return -EINVAL;
	return field->check_arg ? field->check_arg(field, arg) : 0;
}
