#include "api/process_tree.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/util.h"

#define NONE UINT32_MAX

/* Processes by index: who is whose first child, who comes next among siblings. */
struct tree {
	const struct snapshot_process *items;
	uint32_t n;
	uint32_t *by_pid; /* indices, ascending pid */
	uint32_t *first_child, *next_sibling;
	uint32_t first_root; /* children of pid 0 */
	uint32_t n_left;     /* nodes that may still be written */
};

static void tree_done(struct tree *tree)
{
	free(tree->by_pid);
	free(tree->first_child);
	free(tree->next_sibling);
}

static int compare_pid(const void *a, const void *b, void *arg)
{
	const struct snapshot_process *items = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	if (items[i].pid != items[j].pid)
		return items[i].pid < items[j].pid ? -1 : 1;
	return i < j ? -1 : i > j;
}

static uint32_t find_pid(const struct tree *tree, int32_t pid)
{
	uint32_t low = 0, high = tree->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (tree->items[tree->by_pid[middle]].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < tree->n && tree->items[tree->by_pid[low]].pid == pid ? tree->by_pid[low]
									  : NONE;
}

/* A parent is older than its children. A process id that was reused meanwhile is not, and must not
 * become a parent: strict order is also what keeps rings out of the tree. */
static bool is_older(const struct snapshot_process *a, const struct snapshot_process *b)
{
	if (a->start_time_ns != b->start_time_ns)
		return a->start_time_ns < b->start_time_ns;
	return a->pid < b->pid;
}

static void link_child(struct tree *tree, uint32_t index)
{
	const struct snapshot_process *process = &tree->items[index];
	uint32_t parent = find_pid(tree, process->ppid);
	uint32_t *head = &tree->first_root;

	if (parent != NONE && is_older(&tree->items[parent], process))
		head = &tree->first_child[parent];
	tree->next_sibling[index] = *head;
	*head = index;
}

static int tree_build(struct tree *tree, const struct snapshot_processes *processes)
{
	size_t n = MAX(processes->n, 1);

	tree->items = processes->items;
	tree->n = processes->n;
	tree->first_root = NONE;
	tree->n_left = PROCESS_TREE_NODES_MAX;
	tree->by_pid = calloc(n, sizeof(uint32_t));
	tree->first_child = calloc(n, sizeof(uint32_t));
	tree->next_sibling = calloc(n, sizeof(uint32_t));
	if (!tree->by_pid || !tree->first_child || !tree->next_sibling)
		return -ENOMEM;
	for (uint32_t i = 0; i < tree->n; i++) {
		tree->by_pid[i] = i;
		tree->first_child[i] = NONE;
	}
	qsort_r(tree->by_pid, tree->n, sizeof(uint32_t), compare_pid, (void *)tree->items);
	for (uint32_t i = tree->n; i-- > 0;)
		link_child(tree, tree->by_pid[i]); /* backwards: lists come out ascending */
	return 0;
}

static cJSON *node_json(struct tree *tree, const struct snapshot_process *process, uint32_t child,
			unsigned depth)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *children;
	bool is_cut = false;

	json_add_i64(json, "pid", process->pid);
	json_add_time(json, "start_time", process->start_time_ns);
	json_add_i64(json, "ppid", process->ppid);
	json_add_text_or_null(json, "exe", process->exe);
	json_add_text_or_null(json, "cmdline", process->cmdline);
	json_add_text_or_null(json, "user", process->user);
	json_add_text_or_null(json, "workload", process->workload);
	children = json_add_array(json, "children");
	for (; child != NONE; child = tree->next_sibling[child]) {
		if (depth == 0 || tree->n_left == 0) {
			is_cut = true;
			break;
		}
		tree->n_left--;
		cJSON_AddItemToArray(children, node_json(tree, &tree->items[child],
							 tree->first_child[child], depth - 1));
	}
	json_add_bool(json, "children_cut", is_cut);
	return json;
}

cJSON *process_tree_json(const struct snapshot_processes *processes, int32_t root_pid,
			 unsigned depth, int *r)
{
	SCOPED(tree_done) struct tree tree = {0};
	static const struct snapshot_process kernel = {0};
	uint32_t root;

	*r = tree_build(&tree, processes);
	if (*r)
		return NULL;
	depth = MIN(depth, PROCESS_TREE_DEPTH_MAX);
	if (root_pid == 0)
		return node_json(&tree, &kernel, tree.first_root, depth);
	root = find_pid(&tree, root_pid);
	if (root == NONE) {
		*r = -ENOENT;
		return NULL;
	}
	return node_json(&tree, &tree.items[root], tree.first_child[root], depth);
}
