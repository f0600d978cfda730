/* The comparison operators: one row each, read by the lexer, the compiler and the rule loader. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "state/field.h"

enum filter_op {
	OP_EXISTS,
	OP_LE,
	OP_LT,
	OP_GE,
	OP_GT,
	OP_EQ2, /* "==" */
	OP_EQ,
	OP_NE,
	OP_GLOB,
	OP_IGLOB,
	OP_CONTAINS,
	OP_ICONTAINS,
	OP_BCONTAINS,
	OP_STARTSWITH,
	OP_BSTARTSWITH,
	OP_ENDSWITH,
	OP_REGEX,
	OP_INTERSECTS,
	OP_IN,
	OP_PMATCH,
	OP_END,
};

enum filter_modifier { MODIFIER_NONE, MODIFIER_ONEOF, MODIFIER_ANYOF, MODIFIER_ALLOF };

/* What may stand on the right. */
enum op_syntax { OP_UNARY, OP_NUMERIC, OP_STRING, OP_LIST };

/* Types that are compared alike. */
enum type_class {
	CLASS_NUMBER = 1 << 0,
	CLASS_BOOL = 1 << 1,
	CLASS_STRING = 1 << 2,
	CLASS_BYTES = 1 << 3,
	CLASS_IP = 1 << 4,
	CLASS_NET = 1 << 5,
	CLASS_OTHER = 1 << 6,
};

struct op_info {
	const char *token;
	enum op_syntax syntax;
	bool is_word;     /* a blank must follow */
	uint32_t classes; /* of types it can compare */
};

/* In the order in which tokens must be tried: longer before their prefixes. */
const struct op_info *op_info(enum filter_op op);

const char *modifier_name(enum filter_modifier modifier);

/* "startswith" or "startswith anyof": fills op and modifier. False: no such operator. */
bool op_by_name(struct text name, enum filter_op *op, enum filter_modifier *modifier);

enum type_class type_class(enum value_type type);

/* Types that may be compared as lists. */
bool type_can_list(enum value_type type);
