/* The tree of a filter as written, before fields and types are known. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "filter/operators.h"
#include "filter/pool.h"

enum ast_kind {
	AST_AND,
	AST_OR,
	AST_NOT,
	AST_MACRO, /* text: its name */
	AST_CHECK, /* children: left side and, unless the operator is unary, right side */
	AST_FIELD,
	AST_VAL, /* val(field): a field on the right side */
	AST_TRANSFORMER,
	AST_STRING,
	AST_LIST,
};

enum transformer {
	TRANSFORMER_TOLOWER,
	TRANSFORMER_TOUPPER,
	TRANSFORMER_B64,
	TRANSFORMER_BASENAME,
	TRANSFORMER_LEN,
	TRANSFORMER_JOIN,
	TRANSFORMER_CONCAT,
	TRANSFORMER_GETOPT,
	TRANSFORMER_END,
};

struct ast_node {
	enum ast_kind kind;
	enum filter_op op;
	enum filter_modifier modifier;
	enum transformer transformer;
	bool has_arg;    /* [arg] was given */
	bool is_quoted;  /* STRING: stood in quotes */
	uint32_t offset; /* in the source text */
	uint32_t source; /* which text that is: 0 the one that was parsed, else whoever puts trees
			  * together says */
	struct text text;
	struct text arg;
	uint32_t n_children, children_max;
	struct ast_node **children;
};

/* Bounds of trees made from macros, whose written sizes multiply. */
#define AST_DEPTH_MAX 4096
#define AST_NODES_MAX (UINT32_C(1) << 16)

const char *transformer_name(enum transformer transformer);

/* NULL without memory. */
struct ast_node *ast_node(struct pool *pool, enum ast_kind kind, uint32_t offset);

/* 0 or -ENOMEM. */
int ast_add(struct pool *pool, struct ast_node *parent, struct ast_node *child);

/* Write the canonical form, NUL-terminated and cut at size; returns the length it needs. */
size_t ast_print(const struct ast_node *node, char *buffer, size_t size);

/* The canonical form, copied into the pool; .ptr NULL without memory. */
struct text ast_text(const struct ast_node *node, struct pool *pool);

/* As ast_text(), with quotes where they are needed: where the canonical form is the same for in ()
 * and in (""), for a field and a string of its name, for ("a,b") and ("a","b"), this one differs.
 * It parses as the same tree, with FILTER_DEPTH_RULE where groups are nested deep. */
struct text ast_key(const struct ast_node *node, struct pool *pool);
