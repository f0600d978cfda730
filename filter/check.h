/* One comparison: left side, operator, right side; compiled once, evaluated per event. */
#pragma once

#include "filter/operand.h"

struct check;

/* Regexes of a compiled filter: they own memory outside the pool. */
struct regex_list {
	struct regex **items;
	uint32_t n;
};

void regex_list_done(struct regex_list *list);

/* 0 and *out (in table); ERR_UNKNOWN_NAME, -EINVAL (diag's message and offset set) or -ENOMEM. */
int check_compile(struct check **out, const struct ast_node *node, const struct field_set *fields,
		  struct operand_table *table, struct regex_list *regexes, struct diag *diag);

/* What it compares. right is NULL where it compares with the n literals. */
struct check_parts {
	const struct operand *left, *right;
	enum filter_op op;
	const struct value *literals;
	uint32_t n;
	enum filter_modifier modifier;
};

/* What it says of every event of the type, whatever else the event holds: 1, 0, or -1 (depends). */
int check_of_type(const struct check *check, enum event_type type);

/* The text that its left side must start with, if that is all it asks; else NULL. */
const struct text *check_prefix(const struct check *check);

void check_get_parts(const struct check *check, struct check_parts *out);

/* An absent value on either side makes every comparison false. */
bool check_eval(const struct check *check, const struct field_context *ctx);

/* The first literal that the value, one of the left side's, satisfies the operator with; -1: none.
 * For telling people, not for evaluation. */
int check_find_literal(const struct check *check, const struct field_context *ctx,
		       const struct value *value);
