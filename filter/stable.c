#include "filter/stable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/filter_private.h"

struct stable_parts {
	uint32_t n, n_nodes, words;
	const struct node **nodes; /* by number */
	uint32_t *index_of;        /* by the node's id */
	uint64_t *by_lineage;      /* those that depend on ancestors */
};

/* What an operand or a node depends on. */
enum basis { BASIS_PROCESS, BASIS_LINEAGE, BASIS_EVENT };

static enum basis operand_basis(const struct operand *operand)
{
	enum basis basis = BASIS_PROCESS;

	switch (operand->kind) {
	case OPERAND_FIELD:
		return operand->field->flags & FIELD_PER_PROCESS   ? BASIS_PROCESS
		       : operand->field->flags & FIELD_PER_LINEAGE ? BASIS_LINEAGE
								   : BASIS_EVENT;
	case OPERAND_LITERAL:
		return BASIS_PROCESS;
	default:
		for (uint32_t i = 0; i < operand->n; i++)
			basis = MAX(basis, operand_basis(operand->children[i]));
		return basis;
	}
}

static enum basis node_basis(const struct node *node)
{
	enum basis basis = BASIS_PROCESS;
	struct check_parts parts;

	if (node->kind == AST_CHECK) {
		check_get_parts(node->check, &parts);
		basis = operand_basis(parts.left);
		return parts.right ? MAX(basis, operand_basis(parts.right)) : basis;
	}
	for (uint32_t i = 0; i < node->n && basis != BASIS_EVENT; i++)
		basis = MAX(basis, node_basis(node->children[i]));
	return basis;
}

static void add_node(const struct node *node, void *arg)
{
	struct stable_parts *parts = arg;
	enum basis basis = node_basis(node);

	parts->index_of[node->id] = STABLE_NONE;
	if (basis == BASIS_EVENT)
		return;
	if (basis == BASIS_LINEAGE)
		parts->by_lineage[parts->n / 64] |= UINT64_C(1) << (parts->n % 64);
	parts->nodes[parts->n] = node;
	parts->index_of[node->id] = parts->n++;
}

int stable_parts_create(struct stable_parts **out, const struct filter_share *share)
{
	SCOPED(stable_parts_destroy) struct stable_parts *parts = calloc(1, sizeof(*parts));

	if (!parts)
		return -ENOMEM;
	parts->n_nodes = filter_share_size(share);
	parts->nodes = calloc(parts->n_nodes + 1, sizeof(*parts->nodes));
	parts->index_of = calloc(parts->n_nodes + 1, sizeof(*parts->index_of));
	parts->by_lineage = calloc(parts->n_nodes / 64 + 1, sizeof(*parts->by_lineage));
	if (!parts->nodes || !parts->index_of || !parts->by_lineage)
		return -ENOMEM;
	filter_share_visit(share, add_node, parts);
	parts->words = (parts->n + 63) / 64;
	*out = TAKE(parts);
	return 0;
}

void stable_parts_destroy(struct stable_parts **parts)
{
	if (!*parts)
		return;
	free((*parts)->nodes);
	free((*parts)->index_of);
	free((*parts)->by_lineage);
	free(*parts);
	*parts = NULL;
}

uint32_t stable_parts_words(const struct stable_parts *parts)
{
	return parts->words;
}

uint32_t stable_parts_index(const struct stable_parts *parts, const struct node *node)
{
	return parts->index_of[node->id];
}

static bool ask_node(const struct stable_parts *parts, const struct node *node,
		     const struct field_context *ctx, struct stable_memory *memory);

static bool work_out(const struct stable_parts *parts, const struct node *node,
		     const struct field_context *ctx, struct stable_memory *memory)
{
	switch (node->kind) {
	case AST_CHECK:
		return check_eval(node->check, ctx);
	case AST_NOT:
		return !ask_node(parts, node->children[0], ctx, memory);
	default:
		for (uint32_t i = 0; i < node->n; i++) {
			if (ask_node(parts, node->children[i], ctx, memory) !=
			    (node->kind == AST_AND))
				return node->kind == AST_OR;
		}
		return node->kind == AST_AND;
	}
}

/* Depth is the filter's, which compiling bounds. */
static bool ask_node(const struct stable_parts *parts, const struct node *node,
		     const struct field_context *ctx, struct stable_memory *memory)
{
	uint32_t index = parts->index_of[node->id];
	uint64_t bit = UINT64_C(1) << (index % 64);
	bool truth;

	if (memory->known[index / 64] & bit)
		return memory->truths[index / 64] & bit;
	truth = work_out(parts, node, ctx, memory);
	memory->known[index / 64] |= bit;
	if (truth)
		memory->truths[index / 64] |= bit;
	else
		memory->truths[index / 64] &= ~bit;
	return truth;
}

bool stable_part_ask(const struct stable_parts *parts, uint32_t index,
		     const struct field_context *ctx, struct stable_memory *memory)
{
	return ask_node(parts, parts->nodes[index], ctx, memory);
}

void stable_memory_forget_lineage(const struct stable_parts *parts, struct stable_memory *memory)
{
	for (uint32_t w = 0; w < parts->words; w++)
		memory->known[w] &= ~parts->by_lineage[w];
}

size_t stable_parts_bytes(const struct stable_parts *parts)
{
	size_t each = sizeof(*parts->nodes) + sizeof(*parts->index_of);

	return sizeof(*parts) + (parts->n_nodes + 1) * each +
	       (parts->n_nodes / 64 + 1) * sizeof(*parts->by_lineage);
}
