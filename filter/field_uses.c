#include "filter/field_uses.h"

#include <errno.h>
#include <stdio.h>

#include "base/util.h"
#include "filter/format.h"

#define NAME_BYTES_MAX 1024 /* no field has a longer name */

static void visit_field(const struct ast_node *node, field_use_fn *visit, void *arg)
{
	char name[NAME_BYTES_MAX];
	int len =
		snprintf(name, sizeof(name), "%.*s%s%.*s%s", TEXT_ARGS(node->text),
			 node->has_arg ? "[" : "", TEXT_ARGS(node->arg), node->has_arg ? "]" : "");

	if (len > 0 && (size_t)len < sizeof(name))
		visit((struct text){name, (uint32_t)len}, arg);
}

/* As deep as AST_DEPTH_MAX. NOLINTNEXTLINE(misc-no-recursion) */
void field_uses_of_tree(const struct ast_node *root, field_use_fn *visit, void *arg)
{
	if (root->kind == AST_FIELD || (root->kind == AST_VAL && !root->n_children))
		visit_field(root, visit, arg);
	for (uint32_t i = 0; i < root->n_children; i++)
		field_uses_of_tree(root->children[i], visit, arg);
}

int field_uses_of_output(struct text output, const struct field_set *fields, field_use_fn *visit,
			 void *arg)
{
	SCOPED(format_destroy) struct format *format = NULL;
	struct diag diag = {0};
	int r = format_compile(&format, output, fields, &diag);

	for (uint32_t i = 0; r == 0 && i < format_n_fields(format); i++) {
		const struct operand *operand = format_field(format, i);

		if (operand->kind == OPERAND_FIELD)
			visit(operand->name, arg);
	}
	return r;
}
