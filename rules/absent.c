#include "rules/absent.h"

#include <string.h>

#include "filter/field_uses.h"
#include "filter/format.h"

struct search {
	struct collection *c;
	struct texts *names;
	uint32_t flags; /* any of which says that there is no value */
};

static void add_if_absent(const struct search *s, const struct field *field)
{
	if (!field || !(field->flags & s->flags))
		return;
	for (uint32_t i = 0; i < s->names->n; i++) {
		if (text_equal(s->names->items[i], text_from(field->name)))
			return;
	}
	texts_add(&s->c->pool, s->names, text_from(field->name));
}

static void look_up(struct text name, void *arg)
{
	const struct search *s = arg;
	const char *bracket = memchr(name.ptr, '[', name.len);
	struct text rest, bare = name;

	if (bracket)
		bare.len = (uint32_t)(bracket - name.ptr);
	add_if_absent(s, field_set_find(s->c->fields, bare, &rest));
}

void absent_of_tree(struct collection *c, const struct ast_node *tree, struct texts *names)
{
	const struct search s = {c, names, FIELD_UNAVAILABLE | FIELD_OUTPUT_ONLY};

	field_uses_of_tree(tree, look_up, (void *)&s);
}

void absent_of_format(struct collection *c, const struct format *format, struct texts *names)
{
	const struct search s = {c, names, FIELD_UNAVAILABLE};

	for (uint32_t i = 0; i < format_n_fields(format); i++) {
		const struct operand *operand = format_field(format, i);

		if (operand->kind == OPERAND_FIELD)
			add_if_absent(&s, operand->field);
	}
}
