/* Filters for tests of dimensions, as little as they need: "FIELD = VALUE", several joined by
 * " or ", over text fields; an expression is a field's name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/filter.h"

struct expr {
	const struct field *field;
};

struct filter {
	uint32_t n;
	struct {
		struct expr expr;
		struct text value;
	} terms[8];
};

static const struct field *find_field(const struct field_set *set, struct text name)
{
	for (uint32_t t = 0; t < set->n_tables; t++) {
		for (uint32_t i = 0; i < set->tables[t].n; i++) {
			if (text_equal(text_from(set->tables[t].fields[i].name), name))
				return &set->tables[t].fields[i];
		}
	}
	return NULL;
}

int expr_compile(struct expr **out, struct text source, const struct field_set *fields,
		 struct diag *diag)
{
	const struct field *field = find_field(fields, source);

	if (!field)
		return diag_set(diag, -EINVAL, "unknown field '%.*s'", TEXT_ARGS(source));
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->field = field;
	return 0;
}

void expr_destroy(struct expr **expr)
{
	free(*expr);
	*expr = NULL;
}

bool expr_eval(const struct expr *expr, const struct field_context *ctx, struct values *out)
{
	static const struct field_arg none;

	return expr->field->extract(ctx, expr->field, &none, out);
}

/* Where literal begins in t; t.len if nowhere. */
static uint32_t find_literal(struct text t, const char *literal)
{
	struct text wanted = text_from(literal);

	for (uint32_t at = 0; at + wanted.len <= t.len; at++) {
		if (text_equal((struct text){t.ptr + at, wanted.len}, wanted))
			return at;
	}
	return t.len;
}

int filter_compile(struct filter **out, struct text source, const struct field_set *fields,
		   struct diag *diag)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (!filter)
		return -ENOMEM;
	while (source.len && filter->n < ARRAY_SIZE(filter->terms)) {
		uint32_t len = find_literal(source, " or ");
		struct text term = {source.ptr, len};
		uint32_t equals = find_literal(term, " = ");
		const struct field *field = find_field(fields, (struct text){term.ptr, equals});

		if (!field || equals == len) {
			free(filter);
			return diag_set(diag, -EINVAL, "bad term");
		}
		filter->terms[filter->n].expr.field = field;
		filter->terms[filter->n++].value =
			(struct text){term.ptr + equals + 3, len - equals - 3};
		len = MIN(len + 4, source.len);
		source = (struct text){source.ptr + len, source.len - len};
	}
	*out = filter;
	return 0;
}

void filter_destroy(struct filter **filter)
{
	free(*filter);
	*filter = NULL;
}

bool filter_eval(const struct filter *filter, const struct field_context *ctx)
{
	for (uint32_t i = 0; i < filter->n; i++) {
		struct values values;

		if (expr_eval(&filter->terms[i].expr, ctx, &values) && values.n &&
		    text_equal(values.items[0].text, filter->terms[i].value))
			return true;
	}
	return false;
}

uint32_t value_print(const struct value *value, uint32_t field_flags, char *buffer, uint32_t size)
{
	(void)field_flags;
	return MIN((uint32_t)snprintf(buffer, size, "%lld", (long long)value->i64), size);
}
