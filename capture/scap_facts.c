#include "capture/scap_facts.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/util.h"
#include "capture/flags.h"

/* Parameters that clone, fork, vfork, clone3, execve and execveat share in order. */
static_assert((int)CLONE_cgroups == (int)EXECVE_cgroups, "tasks' parameters");
static_assert((int)CLONE_pidns_init_start_ts == (int)CLONE3_pidns_init_start_ts, "clone3");
static_assert((int)CLONE_pidns_init_start_ts == (int)FORK_pidns_init_start_ts, "fork");
static_assert((int)CLONE_pidns_init_start_ts == (int)VFORK_pidns_init_start_ts, "vfork");
static_assert((int)EXECVE_gid == (int)EXECVEAT_gid, "execveat");

#define COMM_BYTES 15u

static uint64_t number(const struct event *ev, unsigned param)
{
	const struct param *p = event_param(ev, param);

	return p ? p->u64 : 0;
}

static struct text bytes(const struct event *ev, unsigned param)
{
	const struct param *p = event_param(ev, param);

	return p ? p->bytes : TEXT_NONE;
}

/* The bit if the parameter is missing. */
static uint32_t unless(const struct event *ev, unsigned param, uint32_t unknown)
{
	return event_param(ev, param) ? 0 : unknown;
}

static struct text without_slash(struct text path)
{
	if (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

static void fill_common(struct task_facts *task, const struct event *ev, struct scap_tasks *tasks)
{
	*task = (struct task_facts){
		.tid = ev->tid,
		.tgid = event_param(ev, CLONE_pid) ? (int32_t)number(ev, CLONE_pid) : ev->tgid,
		.fd_limit = (int64_t)number(ev, CLONE_fdlimit),
		.pgft_maj = number(ev, CLONE_pgft_maj),
		.pgft_min = number(ev, CLONE_pgft_min),
		.vm_size_kb = (uint32_t)number(ev, CLONE_vm_size),
		.vm_rss_kb = (uint32_t)number(ev, CLONE_vm_rss),
		.vm_swap_kb = (uint32_t)number(ev, CLONE_vm_swap),
		.comm = bytes(ev, CLONE_comm),
		.exe = bytes(ev, CLONE_exe),
		.args = bytes(ev, CLONE_args),
		.cwd = without_slash(bytes(ev, CLONE_cwd)),
		.cgroups = bytes(ev, CLONE_cgroups),
		.loginuid = UINT32_MAX,
		.unknown = TASK_UNKNOWN_SID | unless(ev, CLONE_comm, TASK_UNKNOWN_COMM),
	};
	task->parent_tgid = scap_tasks_pid(tasks, (int32_t)number(ev, CLONE_ptid));
}

/* Before the file itself was told: what the caller typed, from where it was. */
static struct text typed_exepath(struct scap_facts *facts, const struct event *ev,
				 const struct scap_record *enter)
{
	struct text typed = ev->type == EVENT_EXECVE ? bytes(ev, EXECVE_filename) : TEXT_NONE;

	if (ev->type == EVENT_EXECVEAT && enter && enter->n >= 2 && enter->values[1].len &&
	    enter->values[1].ptr[0] == '/')
		typed = (struct text){
			enter->values[1].ptr,
			(uint32_t)strnlen(enter->values[1].ptr, enter->values[1].len)};
	if (!typed.len && facts->task.exe.len && facts->task.exe.ptr[0] == '/')
		typed = facts->task.exe;
	if (!typed.len)
		return TEXT_NONE;
	return path_join(facts->task.cwd, typed, facts->path, sizeof(facts->path));
}

static uint32_t exe_flags(uint32_t portable)
{
	return (portable & 1 ? EXE_WRITABLE : 0) | (portable & 2 ? EXE_UPPER_LAYER : 0) |
	       (portable & 4 ? EXE_FROM_MEMFD : 0) | (portable & 8 ? EXE_LOWER_LAYER : 0);
}

static void set_ids(struct task_facts *task, const struct param *uid, const struct param *gid)
{
	if (!uid || !gid) {
		task->unknown |= TASK_UNKNOWN_IDS;
		return;
	}
	task->uid = task->euid = task->suid = task->fsuid = (uint32_t)uid->u64;
	task->gid = task->egid = task->sgid = task->fsgid = (uint32_t)gid->u64;
}

static void fill_exec(struct scap_facts *facts, struct event *ev, const struct scap_record *enter,
		      struct scap_tasks *tasks)
{
	struct task_facts *task = &facts->task;
	const struct param *trusted = event_param(ev, EXECVE_trusted_exepath);
	struct scap_task *known;

	if (!ev->has_res || ev->res != 0)
		return;
	fill_common(task, ev, tasks);
	task->tid = task->tgid; /* who executes becomes the leader */
	task->env = bytes(ev, EXECVE_env);
	task->tty = (uint32_t)number(ev, EXECVE_tty);
	task->vpgid = (int32_t)number(ev, EXECVE_vpgid);
	task->pgid = (int32_t)number(ev, EXECVE_pgid);
	task->exe_flags = exe_flags((uint32_t)number(ev, EXECVE_flags));
	task->cap_inheritable = number(ev, EXECVE_cap_inheritable);
	task->cap_permitted = number(ev, EXECVE_cap_permitted);
	task->cap_effective = number(ev, EXECVE_cap_effective);
	task->exe_ino = number(ev, EXECVE_exe_ino);
	task->exe_ctime_ns = number(ev, EXECVE_exe_ino_ctime);
	task->exe_mtime_ns = number(ev, EXECVE_exe_ino_mtime);
	if (event_param(ev, EXECVE_loginuid))
		task->loginuid = (uint32_t)number(ev, EXECVE_loginuid);
	set_ids(task, event_param(ev, EXECVE_uid), event_param(ev, EXECVE_gid));
	task->unknown |= TASK_UNKNOWN_NAMESPACE | unless(ev, EXECVE_tty, TASK_UNKNOWN_TTY) |
			 unless(ev, EXECVE_vpgid, TASK_UNKNOWN_VPGID) |
			 unless(ev, EXECVE_pgid, TASK_UNKNOWN_PGID) |
			 unless(ev, EXECVE_loginuid, TASK_UNKNOWN_LOGINUID) |
			 unless(ev, EXECVE_cap_effective, TASK_UNKNOWN_CAPS);
	task->exepath = trusted ? trusted->bytes : typed_exepath(facts, ev, enter);
	if (trusted)
		ev->quality &= ~(uint32_t)EVENT_PATH_FROM_CALLER;
	if (!task->comm.len && task->exepath.len) {
		task->comm = path_base_name(task->exepath);
		task->comm.len = MIN(task->comm.len, COMM_BYTES);
		task->unknown &= ~(uint32_t)TASK_UNKNOWN_COMM;
	}
	known = scap_tasks_get(tasks, task->tgid);
	if (known)
		known->pid = task->tgid;
	ev->tid = ev->tgid = task->tgid;
	ev->task = task;
}

/* What both returns of a clone say of the new task. */
static void fill_child(struct scap_facts *facts, const struct event *ev, struct scap_tasks *tasks)
{
	struct task_facts *task = &facts->task;

	fill_common(task, ev, tasks);
	task->clone_flags =
		(uint32_t)flags_kernel(FLAG_MAP_CLONE, (uint32_t)number(ev, CLONE_flags));
	task->vtid = (int32_t)number(ev, CLONE_vtid);
	task->vpid = (int32_t)number(ev, CLONE_vpid);
	task->pidns_start_ns = number(ev, CLONE_pidns_init_start_ts);
	task->start_ns = ev->ts_ns;
	set_ids(task, event_param(ev, CLONE_uid), event_param(ev, CLONE_gid));
	task->unknown |= TASK_UNKNOWN_TTY | TASK_UNKNOWN_VPGID | TASK_UNKNOWN_PGID |
			 TASK_UNKNOWN_LOGINUID | TASK_UNKNOWN_CAPS |
			 unless(ev, CLONE_vtid, TASK_UNKNOWN_NAMESPACE);
}

/* The call as the new task sees it return. */
static void fill_own_birth(struct scap_facts *facts, struct event *ev, struct scap_tasks *tasks)
{
	struct task_facts *task = &facts->task;
	struct scap_task *known = scap_tasks_get(tasks, ev->tid);

	fill_child(facts, ev, tasks);
	task->is_thread = task->tid != task->tgid;
	if (known) {
		known->told_by_itself = !known->told_by_creator;
		known->told_by_creator = false;
		known->pid = task->tgid;
	}
	ev->tgid = task->tgid;
	ev->task = task;
}

/* The creator's return comes first now and then: the new task is what its creator was. The result
 * is the task's number where the creator looks from, which says nothing if that is a container. */
static void fill_return(struct scap_facts *facts, struct event *ev, struct scap_tasks *tasks)
{
	const struct param *vtid = event_param(ev, CLONE_vtid);
	struct task_facts *task = &facts->task;
	struct scap_task *known;

	if (vtid && vtid->i64 != ev->tid)
		return;
	known = ev->res <= INT32_MAX ? scap_tasks_get(tasks, (int32_t)ev->res) : NULL;
	if (!known)
		return;
	if (known->told_by_itself) {
		known->told_by_itself = false;
		return;
	}
	fill_child(facts, ev, tasks);
	task->is_thread = task->clone_flags & CLONE_THREAD;
	task->tid = (int32_t)ev->res;
	if (!(task->clone_flags & (CLONE_PARENT | CLONE_THREAD)))
		task->parent_tgid = ev->tgid;
	task->tgid = task->is_thread ? ev->tgid : task->tid;
	if (task->clone_flags & CLONE_NEWPID) {
		task->unknown |= TASK_UNKNOWN_NAMESPACE;
	} else {
		task->vtid = task->tid;
		task->vpid = task->tgid;
	}
	known->pid = task->tgid;
	known->told_by_creator = true;
	ev->task = task;
}

static void fill_clone(struct scap_facts *facts, struct event *ev, const struct scap_record *enter,
		       struct scap_tasks *tasks)
{
	(void)enter;
	if (!ev->has_res || ev->res < 0)
		return;
	if (ev->res == 0)
		fill_own_birth(facts, ev, tasks);
	else
		fill_return(facts, ev, tasks);
}

static void fill_end(struct scap_facts *facts, struct event *ev, const struct scap_record *enter,
		     struct scap_tasks *tasks)
{
	(void)facts;
	(void)enter;
	scap_tasks_end(tasks, ev->tid);
}

static bool read_tuple(struct text tuple, struct sock_facts *sock)
{
	const uint8_t *p = (const uint8_t *)tuple.ptr;
	uint32_t width;

	*sock = (struct sock_facts){0};
	if (!tuple.len)
		return false;
	sock->family = p[0];
	if (p[0] == AF_UNIX && tuple.len >= 17) {
		memcpy(&sock->self_ptr, p + 1, 8);
		memcpy(&sock->peer_ptr, p + 9, 8);
		sock->path = (struct text){tuple.ptr + 17, tuple.len - 17};
		return true;
	}
	width = p[0] == AF_INET ? 4 : p[0] == AF_INET6 ? 16 : 0;
	if (!width || tuple.len < 1 + 2 * (width + 2))
		return false;
	memcpy(sock->local, p + 1, width);
	memcpy(&sock->local_port, p + 1 + width, 2);
	memcpy(sock->remote, p + 3 + width, width);
	memcpy(&sock->remote_port, p + 3 + 2 * width, 2);
	return true;
}

static void fill_connect(struct scap_facts *facts, struct event *ev,
			 const struct scap_record *enter, struct scap_tasks *tasks)
{
	(void)enter;
	(void)tasks;
	if (!read_tuple(bytes(ev, CONNECT_tuple), &facts->sock)) {
		ev->quality |= EVENT_ADDR_FROM_CALLER;
		return;
	}
	facts->sock.flags = SOCK_CONNECTED;
	ev->sock = &facts->sock;
}

static_assert((int)ACCEPT_tuple == (int)ACCEPT4_tuple, "accept and accept4");

/* The tuple begins with the client, which is the remote end here. */
static void fill_accept(struct scap_facts *facts, struct event *ev, const struct scap_record *enter,
			struct scap_tasks *tasks)
{
	struct sock_facts told, *sock = &facts->sock;

	(void)enter;
	(void)tasks;
	if (event_failed(ev) || !read_tuple(bytes(ev, ACCEPT_tuple), &told))
		return;
	*sock = told;
	memcpy(sock->local, told.remote, sizeof(sock->local));
	memcpy(sock->remote, told.local, sizeof(sock->remote));
	sock->local_port = told.remote_port;
	sock->remote_port = told.local_port;
	sock->self_ptr = told.peer_ptr;
	sock->peer_ptr = told.self_ptr;
	sock->flags = SOCK_CONNECTED | SOCK_SERVER;
	ev->sock = sock;
}

static void fill_named_by_caller(struct scap_facts *facts, struct event *ev,
				 const struct scap_record *enter, struct scap_tasks *tasks)
{
	(void)facts;
	(void)enter;
	(void)tasks;
	ev->quality |= EVENT_ADDR_FROM_CALLER;
}

typedef void fill_fn(struct scap_facts *facts, struct event *ev, const struct scap_record *enter,
		     struct scap_tasks *tasks);

static fill_fn *const fills[EVENT_TYPE_END] = {
	[EVENT_EXECVE] = fill_exec,
	[EVENT_EXECVEAT] = fill_exec,
	[EVENT_CLONE] = fill_clone,
	[EVENT_CLONE3] = fill_clone,
	[EVENT_FORK] = fill_clone,
	[EVENT_VFORK] = fill_clone,
	[EVENT_PROCEXIT] = fill_end,
	[EVENT_CONNECT] = fill_connect,
	[EVENT_ACCEPT] = fill_accept,
	[EVENT_ACCEPT4] = fill_accept,
	[EVENT_BIND] = fill_named_by_caller,
	[EVENT_SENDTO] = fill_named_by_caller,
	[EVENT_SENDMSG] = fill_named_by_caller,
	[EVENT_SENDMMSG] = fill_named_by_caller,
};

void scap_facts_fill(struct scap_facts *facts, struct event *ev, const struct scap_record *enter,
		     struct scap_tasks *tasks)
{
	ev->tgid = scap_tasks_pid(tasks, ev->tid);
	if (fills[ev->type])
		fills[ev->type](facts, ev, enter, tasks);
}
