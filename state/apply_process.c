#include <errno.h>
#include <sched.h>

#include "base/util.h"
#include "state/state_private.h"

void set_comm(struct thread *thread, struct text comm)
{
	memset(thread->comm, 0, sizeof(thread->comm)); /* compared as a whole */
	thread->comm_len = (uint8_t)MIN(comm.len, COMM_MAX - 1);
	if (thread->comm_len)
		memcpy(thread->comm, comm.ptr, thread->comm_len);
	if (thread == thread->process->leader)
		thread->process->comm = (struct text){thread->comm, thread->comm_len};
}

static struct text append_text(struct shared *block, uint32_t *used, struct text t)
{
	struct text copy = {block->bytes + *used, t.len};

	if (t.len)
		memcpy(block->bytes + *used, t.ptr, t.len);
	*used += t.len;
	return copy;
}

static int set_shared(struct state *state, struct shared **slot, struct text *text,
		      struct text value)
{
	struct shared *block;

	if (*slot && text_equal(*text, value))
		return 0;
	block = shared_from(value, &state->string_bytes);
	if (!block)
		return -ENOMEM;
	shared_unref(slot, &state->string_bytes);
	*slot = block;
	*text = shared_text(block);
	return 0;
}

int set_cwd(struct state *state, struct process_node *node, struct text cwd)
{
	return set_shared(state, &node->cwd, &node->p.cwd, cwd);
}

int set_image(struct state *state, struct process_node *node, const struct task_facts *task)
{
	struct process *p = &node->p;
	uint32_t used = 0;
	struct shared *block = shared_alloc(task->exe.len + task->exepath.len + task->args.len,
					    &state->string_bytes);

	if (!block)
		return -ENOMEM;
	p->exe = append_text(block, &used, task->exe);
	p->exepath = append_text(block, &used, task->exepath);
	p->args = append_text(block, &used, task->args);
	shared_unref(&node->image, &state->string_bytes);
	node->image = block;
	p->exe_flags = task->exe_flags;
	p->exe_dev = task->exe_dev;
	p->exe_ino = task->exe_ino;
	p->exe_ctime_ns = task->exe_ctime_ns;
	p->exe_mtime_ns = task->exe_mtime_ns;
	p->exec_id = task->exec_id;
	process_note_change(state->table, node);
	/* An exec with an empty environment keeps the previous one, as Falco has it. */
	if (task->env.len && set_shared(state, &node->env, &p->env, task->env))
		return -ENOMEM;
	return 0;
}

void set_thread_ids(struct thread *thread, const struct task_facts *task)
{
	if (!(task->unknown & TASK_UNKNOWN_NAMESPACE))
		thread->vtid = task->vtid;
	if (!(task->unknown & TASK_UNKNOWN_IDS)) {
		thread->uid = task->uid;
		thread->gid = task->gid;
		thread->euid = task->euid;
		thread->egid = task->egid;
		thread->suid = task->suid;
		thread->sgid = task->sgid;
	}
	if (!(task->unknown & TASK_UNKNOWN_CAPS)) {
		thread->cap_inheritable = task->cap_inheritable;
		thread->cap_permitted = task->cap_permitted;
		thread->cap_effective = task->cap_effective;
	}
	thread->pgft_maj = task->pgft_maj;
	thread->pgft_min = task->pgft_min;
	if (!(task->unknown & TASK_UNKNOWN_COMM))
		set_comm(thread, task->comm);
}

void mirror_leader(struct process *p)
{
	const struct thread *t = p->leader;

	p->uid = t->uid;
	p->gid = t->gid;
	p->euid = t->euid;
	p->egid = t->egid;
	p->suid = t->suid;
	p->sgid = t->sgid;
	p->cap_inheritable = t->cap_inheritable;
	p->cap_permitted = t->cap_permitted;
	p->cap_effective = t->cap_effective;
}

/* What a capture does not tell is as it was. */
static void set_session(struct process *p, const struct task_facts *task)
{
	if (!(task->unknown & TASK_UNKNOWN_LOGINUID))
		p->loginuid = task->loginuid;
	if (!(task->unknown & TASK_UNKNOWN_SID))
		p->sid = task->sid;
	if (!(task->unknown & TASK_UNKNOWN_PGID))
		p->pgid = task->pgid;
	if (!(task->unknown & TASK_UNKNOWN_VPGID))
		p->vpgid = task->vpgid;
	if (!(task->unknown & TASK_UNKNOWN_TTY))
		p->tty = task->tty;
	if (!(task->unknown & TASK_UNKNOWN_NAMESPACE)) {
		p->vpid = task->vpid;
		p->pidns_start_ns = task->pidns_start_ns;
	}
}

/* ... or, in a new process, as its creator has it. */
static void inherit(struct process_node *child, const struct process_node *creator,
		    const struct task_facts *task)
{
	struct process *p = &child->p;
	const struct process *c = &creator->p;

	if (!task->unknown)
		return;
	child->leader = creator->leader;
	child->leader.tid = child->leader.vtid = p->vpid = p->pid;
	child->leader.process = p;
	p->loginuid = c->loginuid;
	p->sid = c->sid;
	p->pgid = c->pgid;
	p->vpgid = c->vpgid;
	p->tty = c->tty;
	p->pidns_start_ns = c->pidns_start_ns;
	set_comm(&child->leader, (struct text){creator->leader.comm, creator->leader.comm_len});
}

/* Everything of the task but image, lineage and identity. */
int set_task(struct state *state, struct process_node *node, const struct task_facts *task)
{
	struct process *p = &node->p;
	char comm[COMM_MAX];
	int32_t vpid = p->vpid;

	memcpy(comm, p->leader->comm, sizeof(comm));
	set_thread_ids(p->leader, task);
	mirror_leader(p);
	set_session(p, task);
	if (memcmp(comm, p->leader->comm, sizeof(comm)) != 0 || p->vpid != vpid)
		process_note_change(state->table, node);
	p->fd_limit = task->fd_limit;
	p->vm_size_kb = task->vm_size_kb;
	p->vm_rss_kb = task->vm_rss_kb;
	p->vm_swap_kb = task->vm_swap_kb;
	if (task->root.len && set_shared(state, &node->root, &p->root, task->root))
		return -ENOMEM;
	return task->cwd.len ? set_cwd(state, node, task->cwd) : 0;
}

/* Events of a process that another one with its pid outlived: that exit was not seen. */
static void end_predecessor(struct state *state, int32_t pid)
{
	struct process_node *old = process_table_find(state->table, pid, 0);

	if (!old || !old->p.is_alive)
		return;
	identity_exit(old, state->identity, state->now_ns);
	process_table_kill(state->table, old, NULL, 0);
}

/* Nothing known but the number: no ids rather than those of root. */
static void make_unknown(struct process_node *node)
{
	struct thread *t = &node->leader;

	t->uid = t->gid = t->euid = t->egid = t->suid = t->sgid = UINT32_MAX;
	mirror_leader(&node->p);
	node->p.loginuid = UINT32_MAX;
	node->p.sid = node->p.pgid = node->p.vpgid = -1;
	node->p.vpid = t->vtid = node->p.pid;
}

static struct process_node *add_process(struct state *state, int32_t pid, uint64_t start_ns,
					const struct process_node *keep)
{
	struct process_node *node;

	end_predecessor(state, pid);
	node = process_table_add(state->table, pid, start_ns, keep);
	if (!node)
		return NULL;
	make_unknown(node);
	node->p.exec_ns = process_start_time_ns(state, &node->p);
	return node;
}

/* The thread with that tid; the leader where a thread of its own cannot be had. */
struct thread *find_thread(struct state *state, struct process_node *node, int32_t tid)
{
	struct thread *thread;

	if (tid == node->p.pid || tid <= 0)
		return &node->leader;
	thread = process_table_find_thread(state->table, tid);
	if (!thread || thread->process != &node->p)
		thread = process_table_add_thread(state->table, node, tid);
	return thread ? thread : &node->leader;
}

/* A process that nobody announced. */
static struct process_node *invent(struct state *state, const struct event *ev)
{
	struct process_node *node = add_process(state, ev->tgid, ev->start_ns, NULL);

	if (!node)
		return NULL;
	node->is_invented = true;
	node->p.exec_id = ev->exec_id;
	node->p.parent_unknown_at_start = true;
	node->p.vpid = node->leader.vtid = -1;
	node->p.is_guess = !ev->start_ns;
	state->unknown_task_total++;
	if (identity_start(state->identity, node, NULL,
			   &(struct identity_moment){.now_ns = state->now_ns}))
		return NULL;
	return node;
}

struct identity_moment moment_of(const struct state *state, const struct event *ev)
{
	return (struct identity_moment){
		.cgroups = ev->task->cgroups,
		.now_ns = state->now_ns,
		.is_old = ev->quality & EVENT_STATE_ONLY,
	};
}

int find_actor(struct state *state, const struct event *ev, struct subject *out)
{
	struct process_node *node;

	if (ev->tgid <= 0)
		return 0;
	node = process_table_find(state->table, ev->tgid, ev->start_ns);
	if (node && !node->p.is_alive && ev->start_ns == 0)
		node = NULL; /* without start times the live namesake is meant, not the dead */
	if (!node) {
		if (ev->task && ev->task->tgid == ev->tgid && !ev->task->is_thread)
			return 0; /* the event describes it: its handler makes it */
		if (ev->type == EVENT_SWITCH || event_info(ev->type)->flags & EVENT_IS_META)
			return 0; /* a number alone: nothing was seen of it */
		if (ev->type == EVENT_PROCEXIT && ev->boot_ns) {
			state->unknown_task_total++; /* it is not worth making up any more */
			return 0;
		}
		node = invent(state, ev);
		if (!node)
			return -ENOMEM;
		out->is_new_process = true;
	} else if (ev->exec_id > node->p.exec_id && node->p.exec_id && !ev->task) {
		state->wrong_image_total++;
		if (repair_image(state, node, ev->exec_id))
			return -ENOMEM;
	}
	if (!node->p.start_ns)
		node->p.start_ns = ev->start_ns;
	if (!node->p.exec_id)
		node->p.exec_id = ev->exec_id;
	out->process = &node->p;
	out->thread = find_thread(state, node, ev->tid);
	return 0;
}

struct process_node *find_parent(struct state *state, const struct task_facts *task)
{
	struct process_node *parent;

	if (task->parent_tgid <= 0 || task->parent_tgid == task->tgid)
		return NULL;
	parent = process_table_find(state->table, task->parent_tgid, task->parent_start_ns);
	return parent && parent->p.is_alive ? parent : NULL;
}

/* A process from its description alone (scan, or an exec or clone of an unknown one). */
struct process_node *add_described(struct state *state, const struct task_facts *task,
				   struct process_node *creator)
{
	struct process_node *node = add_process(state, task->tgid, task->start_ns, creator);
	struct process_node *parent;

	if (!node)
		return NULL;
	parent = find_parent(state, task);
	node->p.ppid = task->parent_tgid;
	process_set_parent(state->table, node, parent);
	process_set_creator(node, creator ? creator : parent);
	node->p.parent_unknown_at_start = !node->p.creator;
	if (set_image(state, node, task) || set_task(state, node, task))
		return NULL;
	return node;
}

/* Processes scanned before their parent get it now. */
void adopt_orphans(struct state *state, struct process_node *node)
{
	struct process_node *orphan = process_table_first_orphan(state->table), *next;

	for (; orphan; orphan = next) {
		next = orphan->links[LINK_PARENT].next;
		if (orphan->p.ppid != node->p.pid || orphan == node)
			continue;
		process_set_parent(state->table, orphan, node);
		if (!orphan->p.creator) {
			process_set_creator(orphan, node);
			orphan->p.parent_unknown_at_start = false;
			identity_adopt(state->identity, orphan, node, state->now_ns);
		}
	}
}

static int scan_task(struct state *state, const struct event *ev, struct subject *out)
{
	const struct task_facts *task = ev->task;
	struct process_node *node = process_node(out->process);
	struct identity_moment moment = moment_of(state, ev);

	if (task->tid != task->tgid) {
		if (node)
			set_thread_ids(find_thread(state, node, task->tid), task);
		return 0;
	}
	if (node && !node->is_invented && !node->is_image_stale) {
		/* Known from events, which are newer; but it may be in other control groups. */
		moment.is_old = false;
		return identity_move(state->identity, node, &moment);
	}
	if (node) {
		int r = set_image(state, node, task);

		if (!r)
			r = set_task(state, node, task);
		node->is_invented = node->p.is_guess = false;
		node->is_image_stale = false;
		return r ? r : identity_exec(state->identity, node, &moment);
	}
	node = add_described(state, task, NULL);
	if (!node)
		return -ENOMEM;
	out->process = &node->p;
	out->thread = &node->leader;
	if (identity_start(state->identity, node, process_node(node->p.creator), &moment))
		return -ENOMEM;
	adopt_orphans(state, node);
	return 0;
}

int apply_scan(struct state *state, const struct event *ev, struct subject *out)
{
	if (ev->task)
		return scan_task(state, ev, out);
	if (out->process && ev->fd >= 0 && (ev->file || ev->sock))
		return scan_fd(state, ev, out);
	return 0;
}

static void note_exec(struct process *p, const struct event *ev)
{
	p->exec_ns = ev->ts_ns;
	p->exec_seen = true;
}

static void revive(struct state *state, struct process_node *node, const struct task_facts *task)
{
	process_table_revive(state->table, node);
	identity_revive(node, state->now_ns);
	node->p.ppid = task->parent_tgid;
	process_set_parent(state->table, node, find_parent(state, task));
}

int apply_exec(struct state *state, const struct event *ev, struct subject *out)
{
	struct process_node *node = process_node(out->process);
	const struct task_facts *task = ev->task;
	struct identity_moment moment;
	int r;

	if (event_failed(ev) || !task) {
		resolve_paths(state, ev, out);
		return 0;
	}
	moment = moment_of(state, ev);
	if (!node) {
		node = add_described(state, task, NULL);
		if (!node)
			return -ENOMEM;
		state->unknown_task_total++;
		out->is_new_process = true;
		out->process = &node->p;
		r = identity_start(state->identity, node, process_node(node->p.creator), &moment);
	} else {
		/* A thread that executes becomes the leader; the old one's end was not the end. */
		if (!node->p.is_alive)
			revive(state, node, task);
		node->leader_exited = false;
		process_table_remove_threads(state->table, node);
		r = set_image(state, node, task);
		if (!r)
			r = set_task(state, node, task);
		if (node->p.fds && fd_table_is_shared(node->p.fds))
			r = unshare_fds(state, &node->p);
		fd_table_exec(node->p.fds, &state->fd_limits);
	}
	if (r)
		return r;
	node->is_invented = node->p.is_guess = false;
	node->is_image_stale = false;
	out->thread = &node->leader;
	note_exec(&node->p, ev);
	out->path = ev->file && ev->file->path.len ? ev->file->path : node->p.exepath;
	return identity_exec(state->identity, node, &moment);
}

static void share(struct shared **to, struct shared *from, size_t *bytes)
{
	shared_unref(to, bytes);
	*to = shared_ref(from);
}

/* What a child has in common with who forked it. */
static int copy_image(struct state *state, struct process_node *child, struct process_node *from,
		      const struct task_facts *task)
{
	struct process *p = &child->p;
	const struct process *f = &from->p;

	share(&child->image, from->image, &state->string_bytes);
	share(&child->env, from->env, &state->string_bytes);
	share(&child->cwd, from->cwd, &state->string_bytes);
	share(&child->root, from->root, &state->string_bytes);
	p->exe = f->exe;
	p->exepath = f->exepath;
	p->args = f->args;
	p->env = f->env;
	p->cwd = f->cwd;
	p->root = f->root;
	p->exe_flags = f->exe_flags;
	p->exe_dev = f->exe_dev;
	p->exe_ino = f->exe_ino;
	p->exe_ctime_ns = f->exe_ctime_ns;
	p->exe_mtime_ns = f->exe_mtime_ns;
	p->exec_id = task->exec_id ? task->exec_id : f->exec_id;
	p->is_blind = f->is_blind;
	if (task->clone_flags & CLONE_FILES) {
		struct fd_table *table = make_fds(state, &from->p);

		p->fds = table ? fd_table_share(table) : NULL;
	} else if (from->p.fds) {
		p->fds = fd_table_fork(from->p.fds, &state->fd_limits);
	}
	return set_task(state, child, task);
}

/* A child whose creator is known. */
static struct process_node *add_child(struct state *state, struct process_node *creator,
				      const struct event *ev)
{
	const struct task_facts *task = ev->task;
	struct identity_moment moment = moment_of(state, ev);
	struct process_node *child, *parent;

	child = add_process(state, task->tgid, task->start_ns, creator);
	if (!child)
		return NULL;
	inherit(child, creator, task);
	parent = find_parent(state, task);
	child->p.ppid = task->parent_tgid;
	process_set_creator(child, creator);
	if (!parent && !(task->clone_flags & CLONE_PARENT))
		parent = creator;
	process_set_parent(state->table, child, parent);
	if (creator->image ? copy_image(state, child, creator, task)
			   : set_image(state, child, task) || set_task(state, child, task))
		return NULL;
	if (identity_start(state->identity, child, creator, &moment))
		return NULL;
	return child;
}

/* The child told of itself, or sent other events, before its creator's call returned. */
static int complete_child(struct state *state, struct process_node *child,
			  struct process_node *creator, const struct task_facts *task)
{
	if (child->is_invented && creator->image && copy_image(state, child, creator, task))
		return -ENOMEM;
	if (!child->p.creator && child != creator) {
		process_set_creator(child, creator);
		child->p.parent_unknown_at_start = false;
		if (!child->p.parent && !(task->clone_flags & CLONE_PARENT))
			process_set_parent(state->table, child, creator);
		if (child->is_invented)
			identity_adopt(state->identity, child, creator, state->now_ns);
	}
	if (child->is_invented)
		process_note_change(state->table, child);
	child->is_invented = child->p.is_guess = false;
	return 0;
}

/* The call as the new task itself sees it return. Its creator is taken to be its parent; with
 * CLONE_PARENT the creator's own return tells better. */
static int child_side(struct state *state, const struct event *ev, struct subject *out)
{
	struct process_node *node = process_node(out->process), *creator;
	struct identity_moment moment = moment_of(state, ev);

	if (node) {
		if (ev->task->tid == ev->tgid)
			return set_task(state, node, ev->task);
		set_thread_ids(out->thread, ev->task);
		out->thread->start_ns = ev->boot_ns ? ev->boot_ns : ev->ts_ns;
		return 0;
	}
	creator = find_parent(state, ev->task);
	if (creator) {
		node = add_child(state, creator, ev);
		if (!node)
			return -ENOMEM;
	} else {
		node = add_described(state, ev->task, NULL);
		if (!node || identity_start(state->identity, node, NULL, &moment))
			return -ENOMEM;
	}
	out->process = &node->p;
	out->thread = &node->leader;
	return 0;
}

/* The creator's return, after the child told of itself. */
static void note_child(struct subject *out, struct process *child)
{
	struct process_node *node = process_node(child);

	if (!child || child == out->process || node->p.start_ns < out->process->start_ns)
		return;
	out->child = child;
	if (child->creator != out->process && child->creator && child->parent == child->creator &&
	    !child->exec_seen && out->process->parent == child->parent)
		process_set_creator(node, process_node(out->process));
}

int apply_clone(struct state *state, const struct event *ev, struct subject *out)
{
	const struct task_facts *task = ev->task;
	struct process_node *child;

	if (event_failed(ev))
		return 0;
	if (!task) {
		if (out->process && out->process->vpid == out->process->pid && ev->res > 0 &&
		    ev->res <= INT32_MAX)
			note_child(out, state_find_process(state, (int32_t)ev->res, 0));
		return 0;
	}
	if (ev->has_res && ev->res == 0 && task->tgid == ev->tgid)
		return child_side(state, ev, out);
	if (!out->process)
		return 0;
	if (task->is_thread || task->tgid == ev->tgid) {
		struct thread *thread = process_table_add_thread(
			state->table, process_node(out->process), task->tid);

		if (thread) {
			set_thread_ids(thread, task);
			thread->start_ns = ev->boot_ns ? ev->boot_ns : ev->ts_ns;
		}
		return 0;
	}
	child = process_table_find(state->table, task->tgid, task->start_ns);
	if (child && child->p.is_alive && (child->p.start_ns || child->is_invented)) {
		out->child = &child->p;
		return complete_child(state, child, process_node(out->process), task);
	}
	child = add_child(state, process_node(out->process), ev);
	out->child = child ? &child->p : NULL;
	return child ? 0 : -ENOMEM;
}

/* Whether the process ends with this thread. Sources that do not know leave it to the threads
 * that we know of. */
static bool is_last_thread(struct process_node *node, const struct event *ev)
{
	if (ev->quality & EVENT_LAST_THREAD)
		return true;
	if (ev->quality & EVENT_NOT_LAST_THREAD)
		return false;
	if (ev->tid == ev->tgid)
		node->leader_exited = true;
	return node->leader_exited && !node->threads;
}

int apply_exit(struct state *state, const struct event *ev, struct subject *out)
{
	struct process_node *node = process_node(out->process);
	const struct param *reaper = event_param(ev, PROCEXIT_reaper_tid);

	if (ev->tid != ev->tgid) {
		process_table_remove_thread(state->table, ev->tid);
		out->thread = &node->leader;
	}
	if (!is_last_thread(node, ev))
		return 0;
	state->ended = out->process;
	state->ended_reaper = reaper ? (int32_t)reaper->i64 : 0;
	return 0;
}

int apply_chdir(struct state *state, const struct event *ev, struct subject *out)
{
	resolve_paths(state, ev, out);
	if (event_failed(ev) || !out->path.len)
		return 0;
	return set_cwd(state, process_node(out->process), out->path);
}

int apply_fchdir(struct state *state, const struct event *ev, struct subject *out)
{
	apply_fd_user(state, ev, out);
	if (event_failed(ev) || !out->path.len)
		return 0;
	return set_cwd(state, process_node(out->process), out->path);
}

int apply_chroot(struct state *state, const struct event *ev, struct subject *out)
{
	struct process_node *node = process_node(out->process);

	resolve_paths(state, ev, out);
	if (event_failed(ev) || !out->path.len)
		return 0;
	return set_shared(state, &node->root, &node->p.root, out->path);
}

int apply_setsid(struct state *state, const struct event *ev, struct subject *out)
{
	if (event_failed(ev))
		return 0;
	out->process->sid = ev->res ? (int32_t)ev->res : out->process->pid;
	identity_setsid(process_node(out->process), state->now_ns);
	return 0;
}

int apply_setpgid(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *pid = event_param(ev, SETPGID_pid);
	const struct param *pgid = event_param(ev, SETPGID_pgid);
	struct process *target = out->process;

	if (event_failed(ev) || !pid || !pgid)
		return 0;
	/* The call's numbers are those of the caller's pid namespace. */
	if (target->vpid != target->pid)
		return 0;
	if (pid->i64 && pid->i64 != target->pid)
		target = state_find_process(state, (int32_t)pid->i64, 0);
	if (target)
		target->pgid = target->vpgid = pgid->i64 ? (int32_t)pgid->i64 : target->pid;
	return 0;
}

int refresh_task(struct state *state, const struct event *ev, struct subject *out)
{
	struct process_node *node = process_node(out->process);
	const struct task_facts *after = ev->after;

	set_thread_ids(out->thread, after);
	if (out->thread == &node->leader)
		mirror_leader(&node->p);
	process_note_change(state->table, node); /* also the name may be another by now */
	if (after->root.len && set_shared(state, &node->root, &node->p.root, after->root))
		return -ENOMEM;
	return after->cwd.len ? set_cwd(state, node, after->cwd) : 0;
}

void note_ring(struct state *state, const struct event *ev, struct process *process)
{
	if (ev->quality & EVENT_RINGS_ARE_SEEN || process->is_blind)
		return;
	process->is_blind = true;
	state->blind_total++;
}

int apply_io_uring(struct state *state, const struct event *ev, struct subject *out)
{
	if (!event_failed(ev))
		note_ring(state, ev, out->process);
	return apply_anon_fd(state, ev, out);
}
