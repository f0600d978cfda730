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
	struct text text; /* CHECK: canonical */
	uint64_t hash;
};

struct filter {
	struct filter_share *share;
	bool owns_share;
	struct pool pool;
	struct node *root;
	struct event_set events;
	struct text canonical;
};
