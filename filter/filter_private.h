/* What a compiled filter looks like inside, for those that walk its tree. */
#pragma once

#include "filter/check.h"
#include "filter/compiled.h"

struct node {
	enum ast_kind kind; /* AND, OR, NOT, CHECK */
	bool is_shared;     /* asked for more than once */
	uint32_t id;
	uint32_t n;
	struct node **children;
	struct check *check;
	struct text text; /* CHECK: ast_key() */
	uint64_t hash;
};

/* How many nodes a share has; their ids are below it. */
uint32_t filter_share_size(const struct filter_share *share);

typedef void node_visit_fn(const struct node *node, void *arg);
void filter_share_visit(const struct filter_share *share, node_visit_fn *visit, void *arg);

struct filter {
	struct filter_share *share;
	bool owns_share;
	struct pool pool;
	struct node *root;
	struct event_set events;
	struct text canonical, source;
};
