#include "filter/stable.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/filter_private.h"

struct stable_checks {
	uint32_t n, n_nodes;
	const struct node **nodes; /* by number */
	uint32_t *index_of;        /* by the node's id */
};

static bool operand_is_stable(const struct operand *operand)
{
	switch (operand->kind) {
	case OPERAND_FIELD:
		return operand->field->flags & (FIELD_PER_PROCESS | FIELD_PER_LINEAGE);
	case OPERAND_LITERAL:
		return true;
	default:
		for (uint32_t i = 0; i < operand->n; i++) {
			if (!operand_is_stable(operand->children[i]))
				return false;
		}
		return true;
	}
}

static bool check_is_stable(const struct check *check)
{
	struct check_parts parts;

	check_get_parts(check, &parts);
	return operand_is_stable(parts.left) && (!parts.right || operand_is_stable(parts.right));
}

static void add_node(const struct node *node, void *arg)
{
	struct stable_checks *stable = arg;

	stable->index_of[node->id] = STABLE_NONE;
	if (node->kind != AST_CHECK || !check_is_stable(node->check))
		return;
	stable->nodes[stable->n] = node;
	stable->index_of[node->id] = stable->n++;
}

int stable_checks_create(struct stable_checks **out, const struct filter_share *share)
{
	SCOPED(stable_checks_destroy) struct stable_checks *stable = calloc(1, sizeof(*stable));

	if (!stable)
		return -ENOMEM;
	stable->n_nodes = filter_share_size(share);
	stable->nodes = calloc(stable->n_nodes + 1, sizeof(*stable->nodes));
	stable->index_of = calloc(stable->n_nodes + 1, sizeof(*stable->index_of));
	if (!stable->nodes || !stable->index_of)
		return -ENOMEM;
	filter_share_visit(share, add_node, stable);
	*out = TAKE(stable);
	return 0;
}

void stable_checks_destroy(struct stable_checks **stable)
{
	if (!*stable)
		return;
	free((*stable)->nodes);
	free((*stable)->index_of);
	free(*stable);
	*stable = NULL;
}

uint32_t stable_checks_n(const struct stable_checks *stable)
{
	return stable->n;
}

uint32_t stable_checks_index(const struct stable_checks *stable, const struct node *node)
{
	return stable->index_of[node->id];
}

static void mark(const struct stable_checks *stable, const struct node *node, uint64_t *bits)
{
	uint32_t index = stable->index_of[node->id];

	if (index != STABLE_NONE)
		bits[index / 64] |= UINT64_C(1) << (index % 64);
	for (uint32_t i = 0; i < node->n; i++)
		mark(stable, node->children[i], bits);
}

void stable_checks_mark(const struct stable_checks *stable, const struct filter *filter,
			uint64_t *bits)
{
	mark(stable, filter->root, bits);
}

void stable_checks_eval(const struct stable_checks *stable, const uint64_t *marked,
			const struct field_context *ctx, uint64_t *truths)
{
	for (uint32_t w = 0; w < (stable->n + 63) / 64; w++) {
		truths[w] = 0;
		for (uint64_t left = marked[w]; left; left &= left - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(left);

			if (check_eval(stable->nodes[w * 64 + bit]->check, ctx))
				truths[w] |= UINT64_C(1) << bit;
		}
	}
}
