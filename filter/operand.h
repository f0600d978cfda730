/* What stands at either side of a comparison: a field, a transformer over operands, or a literal.
 * Compiled into a pool; evaluation makes its values in the context's arena. */
#pragma once

#include "filter/ast.h"
#include "state/field.h"

/* Result codes of compiling beyond -EINVAL and -ENOMEM. */
#define ERR_UNKNOWN_NAME (-ENOENT) /* no such field or event type */

enum operand_kind { OPERAND_FIELD, OPERAND_TRANSFORMER, OPERAND_LITERAL, OPERAND_TUPLE };

struct operand {
	enum operand_kind kind;
	uint32_t id;          /* in its table */
	enum value_type type; /* of a TUPLE: CHARBUF */
	bool is_list;
	struct text name; /* canonical */
	const struct field *field;
	struct field_arg arg;
	enum transformer transformer;
	char option;          /* getopt()[option]; 0 none */
	struct value literal; /* LITERAL */
	uint32_t n;
	struct operand **children;
};

/* Operands that are written alike are one. Owns all memory of what is compiled with it. */
struct operand_table {
	struct pool pool;
	struct operand **items;
	uint32_t n, max;
};

void operand_table_done(struct operand_table *table);

/* fields must outlive the operand. 0 and *out (in table); ERR_UNKNOWN_NAME, -EINVAL (diag's message
 * and offset are set) or -ENOMEM. */
int operand_compile(struct operand **out, const struct ast_node *node,
		    const struct field_set *fields, struct operand_table *table, struct diag *diag);

/* False: absent. Values are valid until the context's arena is reset. */
bool operand_eval(const struct operand *operand, const struct field_context *ctx,
		  struct values *out);

/* text_set_hash() of the value that operand_eval() gave just now, its only one: made once an event.
 */
uint32_t operand_text_hash(const struct operand *operand, const struct field_context *ctx,
			   struct text value);

/* Whether the operand is the field itself, without transformer, of that name. */
bool operand_is_field(const struct operand *operand, const char *name);

/* Set message and offset. Returns r. */
int refuse_at(struct diag *diag, const struct ast_node *node, int r, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
