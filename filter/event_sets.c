#include "filter/event_sets.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/operand.h"

static void set_bit(uint64_t *words, uint32_t bit)
{
	words[bit / 64] |= UINT64_C(1) << bit % 64;
}

static bool has_bit(const uint64_t *words, uint32_t bit)
{
	return words[bit / 64] >> bit % 64 & 1;
}

/* The bit of EVENT_GENERIC says whether any of its calls is in the set. */
static void settle_generic(struct event_set *set)
{
	uint64_t any = 0;

	for (uint32_t i = 0; i < SYSCALL_SET_WORDS; i++)
		any |= set->syscalls[i];
	set->types[EVENT_GENERIC / 64] &= ~(UINT64_C(1) << EVENT_GENERIC % 64);
	if (any)
		set_bit(set->types, EVENT_GENERIC);
}

void event_set_none(struct event_set *set)
{
	*set = (struct event_set){0};
}

void event_set_all(struct event_set *set)
{
	event_set_none(set);
	for (uint32_t i = 0; i < EVENT_TYPE_END; i++)
		set_bit(set->types, i);
	for (uint32_t i = 0; i < SYSCALL_SET_WORDS; i++)
		set->syscalls[i] = UINT64_MAX;
}

void event_set_add(struct event_set *set, const struct event_set *more)
{
	for (uint32_t i = 0; i < EVENT_SET_WORDS; i++)
		set->types[i] |= more->types[i];
	for (uint32_t i = 0; i < SYSCALL_SET_WORDS; i++)
		set->syscalls[i] |= more->syscalls[i];
}

static void keep_common(struct event_set *set, const struct event_set *other)
{
	for (uint32_t i = 0; i < EVENT_SET_WORDS; i++)
		set->types[i] &= other->types[i];
	for (uint32_t i = 0; i < SYSCALL_SET_WORDS; i++)
		set->syscalls[i] &= other->syscalls[i];
	settle_generic(set);
}

void event_set_complement(struct event_set *set)
{
	struct event_set all;

	event_set_all(&all);
	for (uint32_t i = 0; i < EVENT_SET_WORDS; i++)
		set->types[i] = all.types[i] & ~set->types[i];
	for (uint32_t i = 0; i < SYSCALL_SET_WORDS; i++)
		set->syscalls[i] = ~set->syscalls[i];
	settle_generic(set);
}

bool event_set_equal(const struct event_set *a, const struct event_set *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void event_set_add_name(struct event_set *set, struct text name)
{
	const struct syscall_info *call;
	bool has_event = false;

	for (int type = 0; type < EVENT_TYPE_END; type++) {
		if (type != EVENT_GENERIC &&
		    text_equal(name, text_from(event_info((enum event_type)type)->name))) {
			set_bit(set->types, (uint32_t)type);
			has_event = true;
		}
	}
	call = has_event ? NULL : syscall_by_name(name);
	if (call && call->event != EVENT_GENERIC)
		set_bit(set->types, call->event);
	else if (call && call->nr64 >= 0 && call->nr64 < 64 * SYSCALL_SET_WORDS)
		set_bit(set->syscalls, (uint32_t)call->nr64);
	settle_generic(set);
}

uint32_t event_set_count(const struct event_set *set)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < EVENT_SET_WORDS; i++)
		n += (uint32_t)__builtin_popcountll(set->types[i]);
	return n;
}

bool event_set_has(const struct event_set *set, enum event_type type, uint32_t nr)
{
	if (!has_bit(set->types, type))
		return false;
	return type != EVENT_GENERIC || nr >= 64 * SYSCALL_SET_WORDS || has_bit(set->syscalls, nr);
}

static bool is_event_type_name(struct text name)
{
	return text_equal(name, TEXT("evt.type")) || text_equal(name, TEXT("syscall.type"));
}

/* The field that a transformer's innermost argument is, where it is a single chain. */
static bool transforms_event_type(const struct ast_node *node)
{
	if (node->kind == AST_FIELD)
		return !node->has_arg && is_event_type_name(node->text);
	for (uint32_t i = 0; node->kind == AST_TRANSFORMER && i < node->n_children; i++) {
		if (transforms_event_type(node->children[i]))
			return true;
	}
	return false;
}

static bool is_set_operator(const struct ast_node *check)
{
	return check->modifier == MODIFIER_NONE && (check->op == OP_EQ || check->op == OP_EQ2 ||
						    check->op == OP_NE || check->op == OP_IN);
}

static bool is_literal(const struct ast_node *right)
{
	return right->kind == AST_STRING || right->kind == AST_LIST;
}

static int refuse_type_check(const struct ast_node *check, struct diag *diag)
{
	return refuse_at(diag, check, -EINVAL,
			 "the type of an event can be compared with =, != and in only with names");
}

static int set_of_type_check(struct event_set *out, const struct ast_node *check, bool is_negated,
			     struct diag *diag)
{
	const struct ast_node *right = check->n_children > 1 ? check->children[1] : NULL;

	event_set_all(out);
	if (!right && is_negated)
		event_set_none(out); /* every event has a type */
	if (!right || !is_set_operator(check))
		return 0;
	if (!is_literal(right))
		return refuse_type_check(check, diag);
	event_set_none(out);
	if (right->kind == AST_STRING)
		event_set_add_name(out, right->text);
	for (uint32_t i = 0; right->kind == AST_LIST && i < right->n_children; i++)
		event_set_add_name(out, right->children[i]->text);
	if ((check->op == OP_NE) != is_negated)
		event_set_complement(out);
	return 0;
}

/* The whole number that a literal is; false if it is none. */
static bool literal_number(const struct ast_node *node, long *out)
{
	char text[32], *end;

	if (node->kind != AST_STRING || !node->text.len || node->text.len >= sizeof(text))
		return false;
	memcpy(text, node->text.ptr, node->text.len);
	text[node->text.len] = '\0';
	*out = strtol(text, &end, 10);
	return !*end;
}

/* Event numbers start at 1: -1 when the comparison is always false, 1 when always true, else 0. */
static int number_check_is_constant(const struct ast_node *check)
{
	const struct ast_node *right = check->n_children > 1 ? check->children[1] : NULL;
	long n;

	if (!right || check->modifier != MODIFIER_NONE)
		return 0;
	if (check->op == OP_IN && right->kind == AST_LIST) {
		for (uint32_t i = 0; i < right->n_children; i++) {
			if (!literal_number(right->children[i], &n) || n != 0)
				return 0;
		}
		return -1;
	}
	if (!literal_number(right, &n))
		return 0;
	switch (check->op) {
	case OP_EQ:
	case OP_EQ2:
	case OP_IN:
	case OP_LE:
		return n == 0 ? -1 : 0;
	case OP_LT:
		return n == 0 || n == 1 ? -1 : 0;
	case OP_NE:
	case OP_GT:
		return n == 0 ? 1 : 0;
	case OP_GE:
		return n == 0 || n == 1 ? 1 : 0;
	default:
		return 0;
	}
}

static int set_of_check(struct event_set *out, const struct ast_node *check, bool is_negated,
			struct diag *diag)
{
	const struct ast_node *left = check->children[0];
	int constant;

	if (left->kind == AST_FIELD && !left->has_arg && is_event_type_name(left->text))
		return set_of_type_check(out, check, is_negated, diag);
	event_set_all(out);
	if (left->kind == AST_TRANSFORMER && (check->op == OP_EXISTS || is_set_operator(check)) &&
	    transforms_event_type(left))
		return refuse_type_check(check, diag);
	if (left->kind != AST_FIELD || left->has_arg || !text_equal(left->text, TEXT("evt.num")))
		return 0;
	constant = number_check_is_constant(check);
	if (is_negated ? constant > 0 : constant < 0)
		event_set_none(out);
	return 0;
}

static int set_of(struct event_set *out, const struct ast_node *node, bool is_negated,
		  struct diag *diag)
{
	bool is_union = (node->kind == AST_OR) != is_negated;
	int r = 0;

	if (node->kind == AST_NOT)
		return set_of(out, node->children[0], !is_negated, diag);
	if (node->kind == AST_CHECK)
		return set_of_check(out, node, is_negated, diag);
	event_set_all(out);
	if (node->kind != AST_AND && node->kind != AST_OR)
		return 0;
	if (is_union)
		event_set_none(out);
	for (uint32_t i = 0; i < node->n_children && !r; i++) {
		struct event_set child;

		r = set_of(&child, node->children[i], is_negated, diag);
		if (r)
			break;
		if (is_union)
			event_set_add(out, &child);
		else
			keep_common(out, &child);
	}
	return r;
}

int event_set_of(struct event_set *out, const struct ast_node *root, struct diag *diag)
{
	return set_of(out, root, false, diag);
}
