/* A rescan: everything that exists is described anew, in order with the events, so its records are
 * right where they stand: what is missing is added, what differs is replaced, and what was there
 * when it began and did not come is gone. Marks tell what came later than its beginning. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "state/state_private.h"

#define SWEEP_NODES 4096 /* looked at in one go ... */
#define SWEEP_MISSING 64 /* ... of which so many are missing: each is looked for in /proc */

void rescan_done(struct state_rescan *rescan)
{
	free(rescan->fds);
	*rescan = (struct state_rescan){0};
}

/* Number 0 marks what came before any rescan. */
static void begin(struct state *state)
{
	struct state_rescan *rescan = &state->rescan;

	if (++state->fd_limits.mark == 0)
		state->fd_limits.mark = 1;
	rescan->is_sweeping = false;
	rescan->pid = 0;
	state->repaired.rescans_total++;
}

/* Tasks -------------------------------------------------------------------------------------- */

static bool same_credentials(const struct thread *t, const struct task_facts *task)
{
	return t->uid == task->uid && t->gid == task->gid && t->euid == task->euid &&
	       t->egid == task->egid && t->suid == task->suid && t->sgid == task->sgid &&
	       t->cap_effective == task->cap_effective && t->cap_permitted == task->cap_permitted &&
	       t->cap_inheritable == task->cap_inheritable;
}

static void correct_parent(struct state *state, struct process_node *node,
			   const struct task_facts *task)
{
	struct process_node *parent = find_parent(state, task);

	if (node->p.ppid != task->parent_tgid || process_node(node->p.parent) != parent) {
		node->p.ppid = task->parent_tgid;
		process_set_parent(state->table, node, parent);
	}
	if (!node->p.creator && parent && parent != node) {
		process_set_creator(node, parent);
		node->p.parent_unknown_at_start = false;
	}
}

/* An exec was missed, or all that is known of the process is that it did something. */
static int correct_image(struct state *state, struct process_node *node, const struct event *ev)
{
	struct task_facts task = *ev->task;
	struct identity_moment moment = moment_of(state, ev);

	state->repaired.images_total++;
	read_strings(state, node->p.pid, &task);
	if (set_image(state, node, &task))
		return -ENOMEM;
	node->is_invented = false;
	node->is_image_stale = false;
	node->p.generation++;
	return identity_exec(state->identity, node, &moment);
}

static int correct_process(struct state *state, struct process_node *node, const struct event *ev)
{
	const struct task_facts *task = ev->task;
	struct identity_moment moment = moment_of(state, ev);
	int r = 0;

	if (!same_credentials(&node->leader, task)) {
		state->repaired.credentials_total++;
		node->p.generation++;
	}
	correct_parent(state, node, task);
	if (node->is_invented || node->is_image_stale || node->p.exec_id != task->exec_id)
		r = correct_image(state, node, ev);
	if (!r)
		r = set_task(state, node, task);
	moment.is_old = false;
	return r ? r : identity_move(state->identity, node, &moment);
}

static int add_missing(struct state *state, const struct event *ev, struct process_node **out)
{
	struct task_facts task = *ev->task;
	struct identity_moment moment = moment_of(state, ev);
	struct process_node *node;

	read_strings(state, task.tgid, &task);
	node = add_described(state, &task, NULL);
	if (!node)
		return -ENOMEM;
	state->repaired.started_total++;
	if (identity_start(state->identity, node, process_node(node->p.creator), &moment))
		return -ENOMEM;
	adopt_orphans(state, node);
	*out = node;
	return 0;
}

static void correct_thread(struct state *state, struct process_node *node,
			   const struct task_facts *task)
{
	struct thread *thread = find_thread(state, node, task->tid);

	if (thread == &node->leader)
		return; /* no room for one of its own */
	((struct thread_node *)thread)->alive_mark = state->fd_limits.mark;
	set_thread_ids(thread, task);
}

static int take_task(struct state *state, const struct event *ev, struct subject *out)
{
	const struct task_facts *task = ev->task;
	struct process_node *node;
	int r = 0;

	if (!task || task->tgid <= 0)
		return 0;
	node = process_table_find(state->table, task->tgid, task->start_ns);
	if (node && !node->p.is_alive)
		return 0; /* its end came already */
	if (ev->scan == SCAN_ENDING_TASK) {
		if (node)
			node->alive_mark = state->fd_limits.mark;
		return 0;
	}
	if (task->tid != task->tgid) {
		if (node)
			correct_thread(state, node, task);
	} else {
		r = node ? correct_process(state, node, ev) : add_missing(state, ev, &node);
	}
	if (r || !node)
		return r;
	node->alive_mark = node->task_mark = state->fd_limits.mark;
	out->process = &node->p;
	out->thread = &node->leader;
	return 0;
}

/* Whether /proc shows the very process: some hosts hide tasks from the iterators. */
static bool is_in_proc(const struct state *state, const struct process_node *node)
{
	const uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
	unsigned long long ticks = 0;
	char text[1024], kind = 'X', *close;
	ssize_t n = read_proc_file(state, node->p.pid, "stat", text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	close = strrchr(text, ')');
	if (!close || sscanf(close + 1,
			     " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
			     " %*d %*d %llu",
			     &kind, &ticks) != 2)
		return false;
	return kind != 'Z' && kind != 'X' && ticks + 1 >= node->p.start_ns / tick_ns &&
	       ticks <= node->p.start_ns / tick_ns + 1;
}

static void end_process(struct state *state, struct process_node *node)
{
	struct process_node *parent = process_node(node->p.parent);

	state->repaired.ended_total++;
	identity_exit(node, state->identity, state->now_ns);
	/* Whoever inherited its children told so in their records. */
	process_table_kill(state->table, node, NULL, parent ? parent->p.pid : 0);
}

void rescan_tick(struct state *state)
{
	struct state_rescan *rescan = &state->rescan;
	uint32_t missing = 0;

	for (uint32_t i = 0; rescan->is_sweeping && i < SWEEP_NODES && missing < SWEEP_MISSING;
	     i++) {
		struct process_node *node = process_table_at(state->table, rescan->sweep_at++);

		if (!node) {
			rescan->is_sweeping = false;
			break;
		}
		if (!node->p.pid || !node->p.is_alive || &node->p == state->ended)
			continue;
		if (node->task_mark == state->fd_limits.mark)
			process_table_sweep_threads(state->table, node);
		if (node->alive_mark == state->fd_limits.mark)
			continue;
		missing++;
		if (!is_in_proc(state, node))
			end_process(state, node);
	}
}

/* Descriptors -------------------------------------------------------------------------------- */

/* All descriptors of the process came. */
static void close_process(struct state *state)
{
	struct state_rescan *rescan = &state->rescan;
	struct process_node *node =
		rescan->pid ? process_table_find(state->table, rescan->pid, rescan->start_ns)
			    : NULL;

	rescan->pid = 0;
	if (!node || !node->p.is_alive)
		return;
	node->fd_mark = state->fd_limits.mark;
	if (!rescan->fds_overflow)
		state->repaired.fds_total +=
			fd_table_sweep(node->p.fds, rescan->fds, rescan->n_fds, &state->fd_limits);
}

static void note_fd(struct state_rescan *rescan, int32_t fd)
{
	if (rescan->n_fds == rescan->fds_capacity) {
		uint32_t capacity = MAX(2 * rescan->fds_capacity, 256);
		int32_t *fds = realloc(rescan->fds, capacity * sizeof(*fds));

		rescan->fds_overflow = rescan->fds_overflow || !fds;
		if (!fds)
			return;
		rescan->fds = fds;
		rescan->fds_capacity = capacity;
	}
	rescan->fds[rescan->n_fds++] = fd;
}

/* A thread may have descriptors of its own. Those of the process are its first thread's, or, where
 * that one is over, those of the first that comes. */
static bool is_of_thread(const struct state *state, const struct event *ev)
{
	const struct process_node *node;

	if (ev->tid == ev->tgid)
		return false;
	node = process_table_find(state->table, ev->tgid, ev->start_ns);
	return node && node->fd_mark == state->fd_limits.mark;
}

static int take_fd(struct state *state, const struct event *ev, struct subject *out)
{
	struct state_rescan *rescan = &state->rescan;
	struct process_node *node;
	bool is_changed = false;
	int r;

	if (ev->tgid != rescan->pid || ev->tid != rescan->tid || ev->start_ns != rescan->start_ns) {
		close_process(state);
		if (is_of_thread(state, ev))
			return 0;
		rescan->pid = ev->tgid;
		rescan->tid = ev->tid;
		rescan->start_ns = ev->start_ns;
		rescan->n_fds = 0;
		rescan->fds_overflow = false;
	}
	note_fd(rescan, ev->fd);
	node = process_table_find(state->table, ev->tgid, ev->start_ns);
	if (!node || !node->p.is_alive)
		return 0;
	out->process = &node->p;
	r = correct_fd(state, ev, out, &is_changed);
	state->repaired.fds_total += is_changed;
	*out = (struct subject){.fd = -1}; /* nothing for others to look at */
	return r;
}

/* Processes that have no descriptor at all. */
static void finish(struct state *state)
{
	uint16_t mark = state->fd_limits.mark;
	struct process_node *node;

	close_process(state);
	for (uint32_t i = 0; (node = process_table_at(state->table, i)); i++) {
		if (!node->p.pid || !node->p.is_alive || node->task_mark != mark ||
		    node->fd_mark == mark)
			continue;
		node->fd_mark = mark;
		state->repaired.fds_total +=
			fd_table_sweep(node->p.fds, NULL, 0, &state->fd_limits);
	}
}

int apply_rescan(struct state *state, const struct event *ev, struct subject *out)
{
	switch (ev->scan) {
	case SCAN_BEGIN:
		begin(state);
		return 0;
	case SCAN_TASK:
	case SCAN_ENDING_TASK:
		return take_task(state, ev, out);
	case SCAN_TASKS_DONE:
		state->rescan.is_sweeping = true;
		state->rescan.sweep_at = 0;
		return 0;
	case SCAN_FD:
		return take_fd(state, ev, out);
	case SCAN_DONE:
		finish(state);
		return 0;
	default:
		return 0;
	}
}
