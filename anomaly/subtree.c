#include "anomaly/subtree.h"

#include "base/util.h"

/* Deeper chains than this are cut: the highest process within reach is taken as the top. */
#define CHAIN_MAX 64

static const struct process *origin(const struct process *p)
{
	return p->creator ? p->creator : p->parent;
}

/* From the process up to the top of its instance; returns how many. */
static uint32_t climb(const struct process *process, const struct process *chain[CHAIN_MAX])
{
	const struct process *p = process;
	uint32_t n = 0;

	do {
		chain[n++] = p;
		p = origin(p);
	} while (p && n < CHAIN_MAX && p->workload == process->workload &&
		 p->instance == process->instance);
	return n;
}

static bool is_one_session(const struct process *top)
{
	if (!top->workload)
		return false;
	return top->workload->kind == WORKLOAD_USER ||
	       (top->workload->kind == WORKLOAD_EXE && top->tty != 0);
}

static bool is_main(const struct process *p)
{
	return p->instance && p->instance->pid == p->pid;
}

const struct process *subtree_root(const struct process *process)
{
	const struct process *chain[CHAIN_MAX];
	uint32_t i = climb(process, chain) - 1;

	if (is_one_session(chain[i]) || !is_main(chain[i]))
		return chain[i];
	while (i > 0 && !chain[i]->is_alive)
		i--; /* what a dead main process left is main in its place */
	return chain[i > 0 ? i - 1 : 0];
}
