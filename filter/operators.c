#include "filter/operators.h"

#include "base/util.h"

#define CLASS_ORDERED (CLASS_NUMBER | CLASS_STRING)
#define CLASS_EQUALITY                                                                             \
	(CLASS_NUMBER | CLASS_BOOL | CLASS_STRING | CLASS_BYTES | CLASS_IP | CLASS_NET)
#define CLASS_ALL (CLASS_EQUALITY | CLASS_OTHER)

static const struct op_info ops[OP_END] = {
	[OP_EXISTS] = {"exists", OP_UNARY, false, CLASS_ALL},
	[OP_LE] = {"<=", OP_NUMERIC, false, CLASS_ORDERED},
	[OP_LT] = {"<", OP_NUMERIC, false, CLASS_ORDERED},
	[OP_GE] = {">=", OP_NUMERIC, false, CLASS_ORDERED},
	[OP_GT] = {">", OP_NUMERIC, false, CLASS_ORDERED},
	[OP_EQ2] = {"==", OP_STRING, false, CLASS_EQUALITY},
	[OP_EQ] = {"=", OP_STRING, false, CLASS_EQUALITY},
	[OP_NE] = {"!=", OP_STRING, false, CLASS_EQUALITY},
	[OP_GLOB] = {"glob", OP_STRING, true, CLASS_STRING},
	[OP_IGLOB] = {"iglob", OP_STRING, true, CLASS_STRING},
	[OP_CONTAINS] = {"contains", OP_STRING, true, CLASS_STRING | CLASS_BYTES},
	[OP_ICONTAINS] = {"icontains", OP_STRING, true, CLASS_STRING},
	[OP_BCONTAINS] = {"bcontains", OP_STRING, true, CLASS_BYTES},
	[OP_STARTSWITH] = {"startswith", OP_STRING, true, CLASS_STRING | CLASS_BYTES},
	[OP_BSTARTSWITH] = {"bstartswith", OP_STRING, true, CLASS_BYTES},
	[OP_ENDSWITH] = {"endswith", OP_STRING, true, CLASS_STRING | CLASS_BYTES},
	[OP_REGEX] = {"regex", OP_STRING, true, CLASS_STRING},
	[OP_INTERSECTS] = {"intersects", OP_LIST, false, CLASS_EQUALITY},
	[OP_IN] = {"in", OP_LIST, false, CLASS_EQUALITY},
	[OP_PMATCH] = {"pmatch", OP_LIST, false, CLASS_STRING},
};

static const char *const modifiers[] = {"", "oneof", "anyof", "allof"};

const struct op_info *op_info(enum filter_op op)
{
	return &ops[op];
}

const char *modifier_name(enum filter_modifier modifier)
{
	return modifiers[modifier];
}

bool op_by_name(struct text name, enum filter_op *op, enum filter_modifier *modifier)
{
	for (int i = 0; i < OP_END; i++) {
		struct text token = text_from(ops[i].token), rest;

		if (!text_starts_with(name, token))
			continue;
		rest = (struct text){name.ptr + token.len, name.len - token.len};
		if (rest.len == 0) {
			*op = (enum filter_op)i;
			*modifier = MODIFIER_NONE;
			return true;
		}
		while (rest.len && (*rest.ptr == ' ' || *rest.ptr == '\t')) {
			rest.ptr++;
			rest.len--;
		}
		if (rest.ptr == name.ptr + token.len || ops[i].syntax != OP_STRING)
			continue;
		for (int m = MODIFIER_ONEOF; m <= MODIFIER_ALLOF; m++) {
			if (text_equal(rest, text_from(modifiers[m]))) {
				*op = (enum filter_op)i;
				*modifier = (enum filter_modifier)m;
				return true;
			}
		}
	}
	return false;
}

enum type_class type_class(enum value_type type)
{
	switch (type) {
	case VALUE_BOOL:
		return CLASS_BOOL;
	case VALUE_CHARBUF:
	case VALUE_FSPATH:
	case VALUE_FSRELPATH:
		return CLASS_STRING;
	case VALUE_BYTEBUF:
		return CLASS_BYTES;
	case VALUE_IPADDR:
		return CLASS_IP;
	case VALUE_IPNET:
		return CLASS_NET;
	case VALUE_UID:
	case VALUE_GID:
	case VALUE_SOCKADDR:
	case VALUE_SOCKTUPLE:
	case VALUE_DYNAMIC:
	case VALUE_TYPE_END:
		return CLASS_OTHER;
	default:
		return CLASS_NUMBER;
	}
}

bool type_can_list(enum value_type type)
{
	switch (type) {
	case VALUE_CHARBUF:
	case VALUE_UINT64:
	case VALUE_RELTIME:
	case VALUE_ABSTIME:
	case VALUE_BOOL:
	case VALUE_IPADDR:
	case VALUE_IPNET:
		return true;
	default:
		return false;
	}
}
