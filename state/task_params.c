#include "state/fields.h"

/* exec and the calls that fork share most parameters, in order. */
static bool is_fork(enum event_type type)
{
	return type == EVENT_CLONE || type == EVENT_CLONE3 || type == EVENT_FORK ||
	       type == EVENT_VFORK;
}

static bool is_exec(enum event_type type)
{
	return type == EVENT_EXECVE || type == EVENT_EXECVEAT;
}

static const struct param *number(struct param *storage, uint64_t value)
{
	*storage = (struct param){.u64 = value, .is_present = true};
	return storage;
}

static const struct param *bytes(struct param *storage, struct text value)
{
	*storage = (struct param){.bytes = value, .is_present = value.ptr != NULL};
	return storage->is_present ? storage : NULL;
}

/* What every one of these events says of its task. */
static const struct param *common(const struct process *p, const struct thread *t, unsigned index,
				  struct param *storage)
{
	switch (index) {
	case CLONE_exe:
		return bytes(storage, p->exe);
	case CLONE_args:
		return bytes(storage, p->args);
	case CLONE_ptid:
		return number(storage, (uint64_t)p->ppid);
	case CLONE_fdlimit:
		return number(storage, (uint64_t)p->fd_limit);
	case CLONE_pgft_maj:
		return number(storage, t->pgft_maj);
	case CLONE_pgft_min:
		return number(storage, t->pgft_min);
	case CLONE_vm_size:
		return number(storage, p->vm_size_kb);
	case CLONE_vm_rss:
		return number(storage, p->vm_rss_kb);
	case CLONE_vm_swap:
		return number(storage, p->vm_swap_kb);
	case CLONE_comm:
		return bytes(storage, p->comm);
	case CLONE_cgroups:
		return bytes(storage, p->cgroups);
	default:
		return NULL;
	}
}

static const struct param *of_fork(const struct process *p, const struct thread *t, unsigned index,
				   struct param *storage)
{
	switch (index) {
	case CLONE_uid:
		return number(storage, t->euid);
	case CLONE_gid:
		return number(storage, t->egid);
	case CLONE_vtid:
		return number(storage, (uint64_t)t->vtid);
	case CLONE_vpid:
		return number(storage, (uint64_t)p->vpid);
	default:
		return NULL;
	}
}

static const struct param *of_exec(const struct process *p, const struct thread *t, unsigned index,
				   struct param *storage)
{
	switch (index) {
	case EXECVE_env:
		return bytes(storage, p->env);
	case EXECVE_tty:
		return number(storage, p->tty);
	case EXECVE_vpgid:
		return number(storage, (uint64_t)p->vpgid);
	case EXECVE_loginuid:
		return number(storage, p->loginuid);
	case EXECVE_flags:
		return number(storage, exe_flags_portable(p->exe_flags));
	case EXECVE_cap_inheritable:
		return number(storage, t->cap_inheritable);
	case EXECVE_cap_permitted:
		return number(storage, t->cap_permitted);
	case EXECVE_cap_effective:
		return number(storage, t->cap_effective);
	case EXECVE_exe_ino:
		return number(storage, p->exe_ino);
	case EXECVE_exe_ino_ctime:
		return number(storage, p->exe_ctime_ns);
	case EXECVE_exe_ino_mtime:
		return number(storage, p->exe_mtime_ns);
	case EXECVE_uid:
		return number(storage, t->euid);
	case EXECVE_trusted_exepath:
		return bytes(storage, p->exepath);
	case EXECVE_pgid:
		return number(storage, (uint64_t)p->pgid);
	case EXECVE_gid:
		return number(storage, t->egid);
	default:
		return NULL;
	}
}

/* Captures tell all of it; where they do not, their recorders did not know it. */
static bool is_told_by_state(const struct event *ev)
{
	return (is_fork(ev->type) || is_exec(ev->type)) &&
	       (!event_param(ev, CLONE_exe) || !event_param(ev, CLONE_comm));
}

const struct param *field_param(const struct field_context *ctx, unsigned index,
				struct param *storage)
{
	const struct param *param = event_param(ctx->event, index);
	const struct process *p = field_process(ctx);
	const struct thread *t = p ? ctx->subject->thread : NULL;

	if (param || !t || !is_told_by_state(ctx->event))
		return param;
	param = common(p, t, index, storage);
	if (!param)
		param = is_fork(ctx->event->type) ? of_fork(p, t, index, storage)
						  : of_exec(p, t, index, storage);
	return param;
}
