#include "filter/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/util.h"
#include "filter/filter_private.h"

#define GATE_DEPTH_MAX 48     /* bounds recursion */
#define GATE_WORK_MAX 400000u /* terms looked at for finding gates; the rest has none */
#define COST_MAX 1000000u
#define SORTED_MAX 64 /* parts of a product or sum that is put in order, cleared of duplicates */

enum term_kind { TERM_CHECK, TERM_ALL, TERM_ANY, TERM_STARTS, TERM_STABLE };

/* Texts that one operand may start with, told apart by the bytes that all of them have. */
struct prefixes {
	const struct operand *operand;
	uint32_t n, shortest; /* shortest: at most 8 */
	uint64_t mask;        /* of the bytes compared first */
	uint64_t *heads;      /* these bytes of each */
	struct text *texts;
};

/* Something to ask. Equal terms are the same term. What evaluation looks at comes first. */
struct term {
	uint8_t kind;    /* enum term_kind */
	bool is_negated; /* CHECK, STARTS, STABLE */
	bool is_covered; /* depends on nothing but the event's digest */
	uint8_t uses;    /* places it is asked from, 2: or more */
	uint32_t n;      /* parts; STABLE: number of the part */
	uint64_t answer; /* epoch << 1 | truth */
	union {
		struct term **parts;             /* ALL, ANY */
		const struct check *check;       /* CHECK */
		const struct prefixes *prefixes; /* STARTS */
	};
	struct term **starts; /* STARTS: the checks it stands for */
	uint64_t hash;
	uint32_t cost;    /* a guess, in comparisons */
	uint32_t tally;   /* while gates are sought: leaves that ask it ... */
	uint32_t counted; /* ... the last of them */
};

/* A filter that is true if all its terms are; those that are covered come first. */
struct leaf {
	uint32_t tag, n, n_covered;
	struct term **terms;
};

struct gate;

struct branch {
	struct gate *gates;
	struct leaf *leaves;
	uint32_t n_gates, n_leaves;
};

struct gate {
	struct term *term;
	struct branch inner;
};

struct plan {
	struct pool pool;
	struct branch root;
	const struct stable_parts *stable;
	const struct leaf *leaves; /* in the order of the tree */
	const struct leaf *always; /* n_always, of which nothing is covered: the root's last */
	uint32_t n_always;
	uint64_t epoch;
	uint32_t n;
};

struct builder {
	struct term always, never; /* answers that are known already */
	const struct plan_request *request;
	struct pool *pool;
	struct term **checks; /* by node id and negation */
	struct term **groups; /* hashed, NULL empty */
	uint32_t n_slots, n_groups;
	uint32_t work;
	bool is_out_of_memory;
};

struct term_list {
	struct term **items;
	uint32_t n, max;
};

static void *take(struct builder *b, size_t n, size_t size)
{
	void *memory = pool_alloc(b->pool, n * size);

	if (!memory)
		b->is_out_of_memory = true;
	return memory;
}

static void list_put(struct builder *b, struct term_list *list, struct term *term)
{
	if (list->n == list->max) {
		uint32_t max = list->max ? 2 * list->max : 8;
		struct term **grown = take(b, max, sizeof(struct term *));

		if (!grown)
			return;
		if (list->n)
			memcpy(grown, list->items, list->n * sizeof(struct term *));
		list->items = grown;
		list->max = max;
	}
	list->items[list->n++] = term;
}

static struct term *reduce(struct builder *b, const struct node *node, bool is_negated);

static struct term *constant(struct builder *b, bool truth)
{
	return truth ? &b->always : &b->never;
}

/* Looking at a member is cheap; text has to be made of what a parameter says, or cut, or joined. */
static uint32_t operand_cost(const struct operand *operand)
{
	uint32_t cost = 1;

	if (operand->kind == OPERAND_LITERAL)
		return 0;
	if (operand->kind == OPERAND_FIELD)
		return operand->arg.is_given || operand->is_list ? 16
		       : operand->type == VALUE_CHARBUF          ? 2
								 : 1;
	for (uint32_t i = 0; i < operand->n; i++)
		cost += 8 + operand_cost(operand->children[i]);
	return cost;
}

static uint32_t check_cost(const struct check *check)
{
	static const uint8_t costs[OP_END] = {
		[OP_IN] = 2,         [OP_INTERSECTS] = 4, [OP_CONTAINS] = 6,
		[OP_ICONTAINS] = 12, [OP_BCONTAINS] = 6,  [OP_GLOB] = 12,
		[OP_IGLOB] = 12,     [OP_REGEX] = 40,     [OP_PMATCH] = 16,
	};
	struct check_parts parts;
	uint32_t cost, n;

	check_get_parts(check, &parts);
	n = parts.op == OP_IN || parts.op == OP_INTERSECTS || !parts.n ? 1 : parts.n;
	cost = operand_cost(parts.left) + n * MAX(costs[parts.op], 1);
	return parts.right ? cost + operand_cost(parts.right) : cost;
}

static bool comes_before(const struct term *a, const struct term *b)
{
	return a->is_covered != b->is_covered ? a->is_covered : a->cost < b->cost;
}

/* Few items, nearly in order; equal costs keep the author's order. */
static void sort_by_cost(struct term **items, uint32_t n)
{
	for (uint32_t i = 1; i < n && n <= SORTED_MAX; i++) {
		struct term *item = items[i];
		uint32_t k = i;

		for (; k > 0 && comes_before(item, items[k - 1]); k--)
			items[k] = items[k - 1];
		items[k] = item;
	}
}

static void add_use(struct term *term)
{
	term->uses = (uint8_t)MIN(term->uses + 1, 2);
}

static bool operand_is_covered(const struct operand *operand)
{
	if (operand->kind == OPERAND_FIELD)
		return operand->field->flags & FIELD_OF_OPEN;
	for (uint32_t i = 0; i < operand->n; i++) {
		if (!operand_is_covered(operand->children[i]))
			return false;
	}
	return true;
}

/* Whether what it compares is part of the events' digest; of events without, everything is. */
static bool is_covered(const struct builder *b, const struct check *check)
{
	struct check_parts parts;

	check_get_parts(check, &parts);
	return !b->request->has_digest || (operand_is_covered(parts.left) &&
					   (!parts.right || operand_is_covered(parts.right)));
}

/* The term of the node: NULL without memory. *is_new: to be filled in. */
static struct term *term_of(struct builder *b, const struct node *node, bool is_negated,
			    bool *is_new)
{
	struct term **known = &b->checks[2 * node->id + is_negated];

	*is_new = !*known;
	if (!*known)
		*known = take(b, 1, sizeof(struct term));
	return *known;
}

static struct term *reduce_check(struct builder *b, const struct node *node, bool is_negated)
{
	int truth = check_of_type(node->check, b->request->type);
	struct term *term;
	bool is_new;

	if (truth >= 0)
		return constant(b, truth != is_negated);
	term = term_of(b, node, is_negated, &is_new);
	if (term && is_new)
		*term = (struct term){.kind = TERM_CHECK,
				      .is_negated = is_negated,
				      .is_covered = is_covered(b, node->check),
				      .check = node->check,
				      .cost = check_cost(node->check)};
	return term ? term : &b->never;
}

static uint32_t node_cost(const struct node *node)
{
	uint64_t cost = node->kind == AST_CHECK ? check_cost(node->check) : 0;

	for (uint32_t i = 0; i < node->n; i++)
		cost += node_cost(node->children[i]);
	return (uint32_t)MIN(cost, COST_MAX);
}

static struct term *reduce_stable(struct builder *b, const struct node *node, bool is_negated)
{
	bool is_new;
	struct term *term = term_of(b, node, is_negated, &is_new);

	if (term && is_new)
		*term = (struct term){.kind = TERM_STABLE,
				      .is_negated = is_negated,
				      .is_covered = !b->request->has_digest,
				      .n = stable_parts_index(b->request->stable, node),
				      .cost = node_cost(node)};
	return term ? term : &b->never;
}

static bool list_has(const struct term_list *list, const struct term *term)
{
	for (uint32_t i = 0; list->n <= SORTED_MAX && i < list->n; i++) {
		if (list->items[i] == term)
			return true;
	}
	return false;
}

static uint64_t head_of(struct text t, uint64_t mask)
{
	uint64_t head = 0;

	if (t.len >= sizeof(head))
		memcpy(&head, t.ptr, sizeof(head)); /* one load */
	else if (t.len)
		memcpy(&head, t.ptr, t.len);
	return head & mask;
}

static const struct prefixes *make_prefixes(struct builder *b, struct term *const *checks,
					    uint32_t n)
{
	struct prefixes *p = take(b, 1, sizeof(*p));
	uint64_t *heads = take(b, n, sizeof(*heads));
	struct text *texts = take(b, n, sizeof(*texts));
	struct check_parts parts;

	if (!p || !heads || !texts)
		return NULL;
	check_get_parts(checks[0]->check, &parts);
	*p = (struct prefixes){parts.left, n, sizeof(uint64_t), 0, heads, texts};
	for (uint32_t i = 0; i < n; i++) {
		texts[i] = *check_prefix(checks[i]->check);
		p->shortest = MIN(p->shortest, texts[i].len);
	}
	memset(&p->mask, 0xff, p->shortest);
	for (uint32_t i = 0; i < n; i++)
		heads[i] = head_of(texts[i], p->mask);
	return p;
}

static struct term **parts_of(const struct term *group)
{
	return group->kind == TERM_STARTS ? group->starts : group->parts;
}

static void fill_group(struct builder *b, struct term *group)
{
	uint64_t cost = 0;

	group->is_covered = true;
	for (uint32_t k = 0; k < group->n; k++) {
		struct term *part = parts_of(group)[k];

		group->is_covered = group->is_covered && part->is_covered;
		cost += part->cost;
		if (group->kind != TERM_STARTS)
			add_use(part);
	}
	if (group->kind == TERM_STARTS) {
		group->prefixes = make_prefixes(b, group->starts, group->n);
		cost = 3 + group->n / 4;
	}
	group->cost = (uint32_t)MIN(cost, COST_MAX);
}

/* The group of these parts: an older one, or a new one. */
static struct term *group_of(struct builder *b, enum term_kind kind, const struct term_list *list,
			     bool is_negated)
{
	size_t bytes = list->n * sizeof(struct term *);
	struct term *group;
	uint64_t hash;
	uint32_t i;

	sort_by_cost(list->items, list->n);
	hash = XXH3_64bits_withSeed(list->items, bytes, 2 * kind + is_negated);
	i = (uint32_t)hash & (b->n_slots - 1);
	for (; b->groups[i]; i = (i + 1) & (b->n_slots - 1)) {
		group = b->groups[i];
		if (group->hash == hash && group->kind == kind && group->n == list->n &&
		    group->is_negated == is_negated && !memcmp(parts_of(group), list->items, bytes))
			return group;
	}
	group = take(b, 1, sizeof(*group));
	if (!group || 2 * ++b->n_groups > b->n_slots) {
		b->is_out_of_memory = true;
		return &b->never;
	}
	*group = (struct term){
		.kind = (uint8_t)kind, .is_negated = is_negated, .n = list->n, .hash = hash};
	*(kind == TERM_STARTS ? &group->starts : &group->parts) = list->items;
	fill_group(b, group);
	b->groups[i] = group;
	return group;
}

/* The operand whose beginning the term is about, NULL for other terms. */
static const struct operand *starts_of(const struct term *term, bool is_negated)
{
	struct check_parts parts;

	if (term->is_negated != is_negated)
		return NULL;
	if (term->kind == TERM_STARTS)
		return term->prefixes ? term->prefixes->operand : NULL;
	if (term->kind != TERM_CHECK || !check_prefix(term->check))
		return NULL;
	check_get_parts(term->check, &parts);
	return parts.left;
}

/* Put what asks the beginning of one operand, in a sum (or, negated, in a product), together. */
static void join_prefixes(struct builder *b, struct term_list *list, bool is_negated)
{
	for (uint32_t i = 0; i < list->n && list->n <= SORTED_MAX; i++) {
		const struct operand *operand = starts_of(list->items[i], is_negated);
		struct term_list joined = {0};
		uint32_t kept = i + 1, n_before = list->n;

		if (!operand)
			continue;
		for (uint32_t k = i; k < n_before; k++) {
			struct term *term = list->items[k];

			if (starts_of(term, is_negated) != operand) {
				list->items[kept++] = term;
				continue;
			}
			for (uint32_t p = 0; p < (term->kind == TERM_STARTS ? term->n : 1); p++)
				list_put(b, &joined,
					 term->kind == TERM_STARTS ? term->starts[p] : term);
		}
		list->n = kept;
		if (joined.n > 1)
			list->items[i] = group_of(b, TERM_STARTS, &joined, is_negated);
	}
}

static struct term *reduce_group(struct builder *b, const struct node *node, bool is_negated)
{
	enum term_kind kind = (node->kind == AST_AND) != is_negated ? TERM_ALL : TERM_ANY;
	struct term *neutral = constant(b, kind == TERM_ALL);
	struct term *decisive = constant(b, kind != TERM_ALL);
	struct term_list list = {0};

	for (uint32_t i = 0; i < node->n; i++) {
		struct term *part = reduce(b, node->children[i], is_negated);
		uint32_t n = part->kind == kind ? part->n : 1;

		if (part == decisive)
			return decisive;
		for (uint32_t k = 0; part != neutral && k < n; k++) {
			struct term *one = part->kind == kind ? part->parts[k] : part;

			if (!list_has(&list, one))
				list_put(b, &list, one);
		}
	}
	join_prefixes(b, &list, kind == TERM_ALL);
	if (list.n <= 1)
		return list.n ? list.items[0] : neutral;
	return group_of(b, kind, &list, false);
}

static struct term *reduce(struct builder *b, const struct node *node, bool is_negated)
{
	if (node->kind == AST_NOT)
		return reduce(b, node->children[0], !is_negated);
	if (stable_parts_index(b->request->stable, node) != STABLE_NONE)
		return reduce_stable(b, node, is_negated);
	switch (node->kind) {
	case AST_CHECK:
		return reduce_check(b, node, is_negated);
	default:
		return reduce_group(b, node, is_negated);
	}
}

/* The term that most of the leaves ask, NULL if none is asked twice. It must be covered: what the
 * digest leaves possible is found without the rest. */
static struct term *find_gate(struct builder *b, const struct leaf *leaves, uint32_t n)
{
	struct term *best = NULL;

	for (uint32_t i = 0; i < n; i++) {
		b->work += leaves[i].n;
		for (uint32_t k = 0; k < leaves[i].n; k++) {
			leaves[i].terms[k]->tally = 0;
			leaves[i].terms[k]->counted = UINT32_MAX;
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < leaves[i].n; k++) {
			struct term *term = leaves[i].terms[k];

			if (term->counted == i)
				continue; /* long products keep their duplicates */
			term->counted = i;
			if (++term->tally > 1 && term->is_covered &&
			    (!best || term->tally > best->tally))
				best = term;
		}
	}
	return best;
}

/* Take term out of the leaf; whether it was there. The order of the others stays. */
static bool leaf_drop(struct leaf *leaf, const struct term *term)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < leaf->n; i++) {
		if (leaf->terms[i] != term)
			leaf->terms[kept++] = leaf->terms[i];
	}
	if (kept == leaf->n)
		return false;
	leaf->n = kept;
	return true;
}

/* Move the leaves that ask term, without it, to the end; returns how many do not. */
static uint32_t split(struct builder *b, struct leaf *leaves, uint32_t n, const struct term *term)
{
	struct leaf *with = take(b, n, sizeof(*with));
	uint32_t n_with = 0, n_without = 0;

	for (uint32_t i = 0; with && i < n; i++) {
		if (leaf_drop(&leaves[i], term))
			with[n_with++] = leaves[i];
		else
			leaves[n_without++] = leaves[i];
	}
	if (n_with)
		memcpy(leaves + n_without, with, n_with * sizeof(*with));
	return n_without;
}

static struct branch make_branch(struct builder *b, struct leaf *leaves, uint32_t n, int depth)
{
	struct gate *gates = take(b, n / 2 + 1, sizeof(*gates)); /* each takes two or more */
	struct branch branch = {.gates = gates, .leaves = leaves, .n_leaves = n};

	while (gates && depth < GATE_DEPTH_MAX && b->work < GATE_WORK_MAX) {
		struct term *term = find_gate(b, leaves, branch.n_leaves);
		struct gate *gate = &gates[branch.n_gates];
		uint32_t n_without;

		if (!term)
			break;
		n_without = split(b, leaves, branch.n_leaves, term);
		if (b->is_out_of_memory)
			break;
		add_use(term);
		gate->term = term;
		gate->inner =
			make_branch(b, leaves + n_without, branch.n_leaves - n_without, depth + 1);
		branch.n_leaves = n_without;
		branch.n_gates++;
	}
	for (uint32_t i = 0; i < branch.n_leaves; i++) {
		sort_by_cost(leaves[i].terms, leaves[i].n);
		for (uint32_t k = 0; k < leaves[i].n; k++)
			add_use(leaves[i].terms[k]);
		while (leaves[i].n_covered < leaves[i].n &&
		       leaves[i].terms[leaves[i].n_covered]->is_covered)
			leaves[i].n_covered++;
	}
	return branch;
}

/* A leaf's terms are its own: gates take some out. */
static void fill_leaf(struct builder *b, struct leaf *leaf, uint32_t tag, struct term *term)
{
	bool is_product = term->kind == TERM_ALL;

	leaf->tag = tag;
	leaf->n = is_product ? term->n : 1;
	leaf->terms = take(b, leaf->n + 1, sizeof(struct term *));
	if (!leaf->terms)
		leaf->n = 0;
	else if (!is_product)
		leaf->terms[0] = term;
	else if (leaf->n)
		memcpy(leaf->terms, term->parts, leaf->n * sizeof(struct term *));
}

/* Keep the root's leaves of which nothing is covered apart: they are possible of every event. */
static void set_apart(struct plan *plan)
{
	struct branch *root = &plan->root;

	for (uint32_t i = 0; i < root->n_leaves;) {
		struct leaf leaf = root->leaves[i];

		if (leaf.n_covered) {
			i++;
			continue;
		}
		root->leaves[i] = root->leaves[--root->n_leaves];
		root->leaves[root->n_leaves] = leaf;
		plan->n_always++;
	}
	plan->always = root->leaves + root->n_leaves;
}

static void fill_plan(struct builder *b, struct plan *plan)
{
	const struct plan_request *request = b->request;
	struct leaf *leaves = take(b, request->n + 1, sizeof(*leaves));

	for (uint32_t i = 0; leaves && i < request->n; i++) {
		struct term *term = reduce(b, request->filters[i]->root, false);

		if (term != &b->never)
			fill_leaf(b, &leaves[plan->n++], request->tags[i], term);
	}
	plan->leaves = leaves;
	if (leaves)
		plan->root = make_branch(b, leaves, plan->n, 0);
	if (!b->is_out_of_memory)
		set_apart(plan);
}

static uint32_t share_size(const struct plan_request *request)
{
	return request->n ? filter_share_size(request->filters[0]->share) : 0;
}

int plan_create(struct plan **out, const struct plan_request *request)
{
	SCOPED(plan_destroy) struct plan *plan = calloc(1, sizeof(*plan));
	uint32_t n_nodes = share_size(request);
	struct builder b = {.request = request,
			    .n_slots = 64,
			    .always = {.kind = TERM_ALL},
			    .never = {.kind = TERM_ANY}};

	if (!plan)
		return -ENOMEM;
	plan->stable = request->stable;
	b.pool = &plan->pool;
	while (b.n_slots < 4 * n_nodes)
		b.n_slots *= 2;
	b.checks = calloc(2 * (size_t)n_nodes + 1, sizeof(struct term *));
	b.groups = calloc(b.n_slots, sizeof(struct term *));
	if (b.checks && b.groups)
		fill_plan(&b, plan);
	else
		b.is_out_of_memory = true;
	free(b.checks);
	free(b.groups);
	if (b.is_out_of_memory)
		return -ENOMEM;
	*out = TAKE(plan);
	return 0;
}

void plan_destroy(struct plan **plan)
{
	if (!*plan)
		return;
	pool_done(&(*plan)->pool);
	free(*plan);
	*plan = NULL;
}

struct asking {
	const struct plan *plan;
	const struct field_context *ctx;
	struct stable_memory *memory;
	uint32_t *found;
	uint32_t n;
};

static bool ask(const struct asking *a, struct term *term);

static bool starts_with_any(const struct prefixes *p, const struct field_context *ctx)
{
	struct values values;
	struct text t;
	uint64_t head;

	if (!operand_eval(p->operand, ctx, &values) || !values.n)
		return false;
	t = values.items[0].text;
	if (t.len < p->shortest)
		return false;
	head = head_of(t, p->mask);
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->heads[i] == head && text_starts_with(t, p->texts[i]))
			return true;
	}
	return false;
}

static bool work_out(const struct asking *a, const struct term *term)
{
	switch ((enum term_kind)term->kind) {
	case TERM_CHECK:
		return check_eval(term->check, a->ctx) != term->is_negated;
	case TERM_STARTS:
		return starts_with_any(term->prefixes, a->ctx) != term->is_negated;
	case TERM_STABLE:
		return stable_part_ask(a->plan->stable, term->n, a->ctx, a->memory) !=
		       term->is_negated;
	default:
		for (uint32_t i = 0; i < term->n; i++) {
			if (ask(a, term->parts[i]) != (term->kind == TERM_ALL))
				return term->kind == TERM_ANY;
		}
		return term->kind == TERM_ALL;
	}
}

static bool ask(const struct asking *a, struct term *term)
{
	bool truth;

	if (term->uses < 2)
		return work_out(a, term);
	if (term->answer >> 1 == a->plan->epoch)
		return term->answer & 1;
	truth = work_out(a, term);
	term->answer = a->plan->epoch << 1 | truth;
	return truth;
}

/* Leaves of which all that is covered is true. */
static void walk(struct asking *a, const struct branch *branch)
{
	for (uint32_t i = 0; i < branch->n_gates; i++) {
		if (ask(a, branch->gates[i].term))
			walk(a, &branch->gates[i].inner);
	}
	for (uint32_t i = 0; i < branch->n_leaves; i++) {
		const struct leaf *leaf = &branch->leaves[i];
		uint32_t k = 0;

		while (k < leaf->n_covered && ask(a, leaf->terms[k]))
			k++;
		if (k == leaf->n_covered)
			a->found[a->n++] = (uint32_t)(leaf - a->plan->leaves);
	}
}

uint32_t plan_find(struct plan *plan, const struct field_context *ctx, struct stable_memory *memory,
		   uint32_t *candidates)
{
	struct asking a = {.plan = plan, .ctx = ctx, .memory = memory, .found = candidates};

	plan->epoch++;
	walk(&a, &plan->root);
	return a.n;
}

static void decide_leaf(struct asking *a, const struct leaf *leaf)
{
	uint32_t k = leaf->n_covered;

	while (k < leaf->n && ask(a, leaf->terms[k]))
		k++;
	if (k == leaf->n)
		a->found[a->n++] = leaf->tag;
}

uint32_t plan_decide(struct plan *plan, const struct field_context *ctx,
		     struct stable_memory *memory, uint32_t *candidates, uint32_t n)
{
	struct asking a = {.plan = plan, .ctx = ctx, .memory = memory, .found = candidates};

	plan->epoch++;
	for (uint32_t i = 0; i < n; i++) /* before more is found than is read */
		decide_leaf(&a, &plan->leaves[candidates[i]]);
	for (uint32_t i = 0; i < plan->n_always; i++)
		decide_leaf(&a, &plan->always[i]);
	return a.n;
}

uint32_t plan_always(const struct plan *plan)
{
	return plan->n_always;
}

size_t plan_bytes(const struct plan *plan)
{
	return sizeof(*plan) + plan->pool.bytes;
}

uint32_t plan_size(const struct plan *plan)
{
	return plan->n;
}
