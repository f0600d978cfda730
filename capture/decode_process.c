/* Life cycle and credentials of processes. */
#include <assert.h>
#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "capture/decode_family.h"
#include "capture/flags.h"

#define CAP_DAC_OVERRIDE_BIT (UINT64_C(1) << 1)

/* Strings that lie back to back, each with its NUL; a last one that was cut has none. */
static void split_args(struct task_facts *out, struct text args)
{
	const char *end = args.len ? memchr(args.ptr, '\0', args.len) : NULL;
	uint32_t first = end ? (uint32_t)(end - args.ptr) : args.len;

	out->exe = (struct text){args.ptr, first};
	out->args = end ? (struct text){end + 1, args.len - first - 1} : TEXT_NONE;
}

/* As /proc/PID/cgroup of version 1 calls them. */
static const char *const subsystem_names[WIRE_SUBSYS_END] = {
	[WIRE_SUBSYS_CPUSET] = "cpuset",
	[WIRE_SUBSYS_CPU] = "cpu",
	[WIRE_SUBSYS_CPUACCT] = "cpuacct",
	[WIRE_SUBSYS_BLKIO] = "blkio",
	[WIRE_SUBSYS_MEMORY] = "memory",
	[WIRE_SUBSYS_DEVICES] = "devices",
	[WIRE_SUBSYS_FREEZER] = "freezer",
	[WIRE_SUBSYS_NET_CLS] = "net_cls",
	[WIRE_SUBSYS_PERF_EVENT] = "perf_event",
	[WIRE_SUBSYS_NET_PRIO] = "net_prio",
	[WIRE_SUBSYS_HUGETLB] = "hugetlb",
	[WIRE_SUBSYS_PIDS] = "pids",
	[WIRE_SUBSYS_RDMA] = "rdma",
	[WIRE_SUBSYS_MISC] = "misc",
};

/* Append to the list of cgroups; at most what the room allows. */
static void append_cgroup(struct text *list, uint32_t room, const char *name, struct text path)
{
	uint32_t n = (uint32_t)strlen(name);
	char *to = (char *)list->ptr + list->len;

	if (list->len + n + path.len + 2 > room)
		return;
	memcpy(to, name, n);
	to[n] = '=';
	memcpy(to + n + 1, path.ptr ? path.ptr : "", path.len);
	to[n + 1 + path.len] = '\0';
	list->len += n + path.len + 2;
}

/* The hierarchy that tells workloads apart: the unified one, else the named one, else the first in
 * which the task is not at the root. */
static int identity_rank(const struct wire_cgroup *group, bool is_root)
{
	if (is_root)
		return 0;
	if (group->hierarchy == 0)
		return 3;
	return group->name[0] ? 2 : 1;
}

static void fill_cgroups(struct decoder *d, const struct record *record, struct task_facts *out)
{
	enum { ROOM = 16 * 1024 };
	char *buffer;
	int best = -1;

	out->cgroups = TEXT_NONE;
	out->cgroup_id = 0;
	buffer = record->n_cgroups ? decode_room(d, ROOM) : NULL;
	if (!buffer)
		return;
	out->cgroups.ptr = buffer;
	for (uint32_t i = 0; i < record->n_cgroups; i++) {
		const struct wire_section *section = record->cgroups[i];
		const struct wire_cgroup *group = (const struct wire_cgroup *)(section + 1);
		uint32_t len = section->len - (uint32_t)sizeof(*group);
		struct text path = decode_path(d, (const char *)(group + 1), len, true);
		int rank = identity_rank(group, len == 0);
		char name[sizeof("name=") + sizeof(group->name)] = "name=";

		if (rank > best) {
			best = rank;
			out->cgroup_id = group->id;
		}
		memcpy(name + 5, group->name, sizeof(group->name)); /* "name=systemd" */
		if (group->hierarchy == 0)
			append_cgroup(&out->cgroups, ROOM, "unified", path);
		else if (name[5])
			append_cgroup(&out->cgroups, ROOM, name, path);
		for (uint32_t bit = 0; group->hierarchy && bit < WIRE_SUBSYS_END; bit++) {
			if (group->subsystems >> bit & 1)
				append_cgroup(&out->cgroups, ROOM, subsystem_names[bit], path);
		}
	}
}

/* As the kernel would decide it, but for access control lists. */
static bool may_write(const struct wire_file *file, const struct task_facts *task)
{
	if (file->flags & WIRE_FILE_READ_ONLY_FS)
		return false;
	if (task->cap_effective & CAP_DAC_OVERRIDE_BIT)
		return true;
	if (task->fsuid == file->uid)
		return file->mode & S_IWUSR;
	if (task->fsgid == file->gid || file->flags & WIRE_FILE_OF_GROUP)
		return file->mode & S_IWGRP;
	return file->mode & S_IWOTH;
}

static uint32_t exe_flags_of(const struct wire_file *file, const struct task_facts *task,
			     enum file_kind kind)
{
	uint32_t flags = 0;

	if (may_write(file, task))
		flags |= EXE_WRITABLE;
	if (file->flags & WIRE_FILE_OVERLAY_UPPER)
		flags |= EXE_UPPER_LAYER;
	if (file->flags & WIRE_FILE_OVERLAY_LOWER)
		flags |= EXE_LOWER_LAYER;
	if (kind == FILE_KIND_MEMFD)
		flags |= EXE_FROM_MEMFD;
	else if (file->flags & WIRE_FILE_UNHASHED)
		flags |= EXE_DELETED;
	if ((file->mode & S_ISUID && task->euid == file->uid && task->euid != task->uid) ||
	    (file->mode & S_ISGID && task->egid == file->gid && task->egid != task->gid))
		flags |= EXE_SETUID;
	return flags;
}

static void fill_image(struct decoder *d, const struct record *record, struct task_facts *out)
{
	const struct file_facts *facts = decode_file_facts(d, record);
	const struct wire_file *file;

	if (!facts)
		return;
	file = (const struct wire_file *)(record->sections[WIRE_SEC_FILE] + 1);
	out->exepath = facts->path;
	out->exe_ino = file->ino;
	out->exe_dev = file->dev;
	out->exe_ctime_ns = file->ctime_ns;
	out->exe_mtime_ns = file->mtime_ns;
	out->exe_flags = exe_flags_of(file, out, facts->kind);
}

static void fill_numbers(const struct decoder *d, const struct wire_task *task,
			 struct task_facts *out)
{
	*out = (struct task_facts){
		.tid = task->tid,
		.tgid = task->tgid,
		.parent_tgid = task->parent_tgid,
		.vtid = task->vtid,
		.vpid = task->vpid,
		.sid = task->sid,
		.pgid = task->pgid,
		.vpgid = task->vpgid,
		.start_ns = task->start_ns,
		.parent_start_ns = task->parent_start_ns,
		.pidns_start_ns = task->pidns_start_ns,
		.exec_id = task->exec_id,
		.uid = task->uid,
		.gid = task->gid,
		.euid = task->euid,
		.egid = task->egid,
		.suid = task->suid,
		.sgid = task->sgid,
		.fsuid = task->fsuid,
		.fsgid = task->fsgid,
		.loginuid = task->loginuid,
		.tty = task->tty,
		.cap_inheritable = task->cap_inheritable,
		.cap_permitted = task->cap_permitted,
		.cap_effective = task->cap_effective,
		.fd_limit = (int64_t)task->fd_limit,
		.vm_size_kb = (uint32_t)(task->vm_pages * d->page_kb),
		.vm_rss_kb = (uint32_t)(task->rss_pages * d->page_kb),
		.vm_swap_kb = (uint32_t)(task->swap_pages * d->page_kb),
		.pgft_maj = task->pgft_maj,
		.pgft_min = task->pgft_min,
		.clone_flags = (uint32_t)task->clone_flags,
		.is_thread = task->tid != task->tgid,
	};
}

static struct text section_path(struct decoder *d, const struct record *record,
				enum wire_section_type type)
{
	const struct wire_section *section = record->sections[type];

	if (!section)
		return TEXT_NONE;
	return decode_path(d, (const char *)(section + 1), section->len, true);
}

const struct task_facts *decode_task_facts(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_TASK];
	const struct wire_section *args = record->sections[WIRE_SEC_ARGS];
	const struct wire_section *env = record->sections[WIRE_SEC_ENV];
	struct task_facts *out = &d->task;
	const struct wire_task *task;

	if (!section)
		return NULL;
	task = (const struct wire_task *)(section + 1);
	fill_numbers(d, task, out);
	out->comm = (struct text){task->comm, (uint32_t)strnlen(task->comm, sizeof(task->comm))};
	out->cwd = section_path(d, record, WIRE_SEC_CWD);
	out->root = section_path(d, record, WIRE_SEC_ROOT);
	split_args(out, section_text(d, record, WIRE_SEC_ARGS));
	out->env = section_text(d, record, WIRE_SEC_ENV);
	out->args_truncated = args && args->flags;
	out->env_truncated = env && env->flags;
	fill_image(d, record, out);
	if (task->flags & WIRE_TASK_IS_SCRIPT)
		out->exe_flags |= EXE_IS_SCRIPT;
	fill_cgroups(d, record, out);
	return out;
}

/* Parameters that clone, fork, vfork, clone3 and execve share in order. */
static_assert((int)CLONE_cgroups == (int)EXECVE_cgroups, "tasks' parameters");
static_assert((int)CLONE_pidns_init_start_ts == (int)CLONE3_pidns_init_start_ts, "clone3");
static_assert((int)CLONE_pidns_init_start_ts == (int)FORK_pidns_init_start_ts, "fork");
static_assert((int)CLONE_pidns_init_start_ts == (int)VFORK_pidns_init_start_ts, "vfork");
static_assert((int)EXECVE_gid == (int)EXECVEAT_gid, "execveat");

static void set_text_unless_empty(struct decoder *d, unsigned param, struct text value)
{
	if (value.len)
		set_bytes(d, param, value);
}

static void set_common(struct decoder *d, const struct task_facts *task)
{
	if (task->exe.ptr) {
		set_bytes(d, CLONE_exe, task->exe);
		set_bytes(d, CLONE_args, task->args);
	}
	set_i64(d, CLONE_tid, task->tid);
	set_i64(d, CLONE_pid, task->tgid);
	set_i64(d, CLONE_ptid, task->parent_tgid);
	set_text_unless_empty(d, CLONE_cwd, task->cwd);
	set_i64(d, CLONE_fdlimit, task->fd_limit);
	set_u64(d, CLONE_pgft_maj, task->pgft_maj);
	set_u64(d, CLONE_pgft_min, task->pgft_min);
	set_u64(d, CLONE_vm_size, task->vm_size_kb);
	set_u64(d, CLONE_vm_rss, task->vm_rss_kb);
	set_u64(d, CLONE_vm_swap, task->vm_swap_kb);
	set_bytes(d, CLONE_comm, task->comm);
	set_bytes(d, CLONE_cgroups, task->cgroups);
}

void decode_exec(struct decoder *d, const struct record *record)
{
	const struct task_facts *task = decode_task_facts(d, record);

	d->event.task = task;
	if (!task)
		return;
	set_i64(d, EXECVE_res, 0);
	set_common(d, task);
	set_bytes(d, EXECVE_env, task->env);
	set_u64(d, EXECVE_tty, task->tty);
	set_i64(d, EXECVE_vpgid, task->vpgid);
	set_u64(d, EXECVE_loginuid, task->loginuid);
	set_u64(d, EXECVE_flags, exe_flags_portable(task->exe_flags));
	set_u64(d, EXECVE_cap_inheritable, task->cap_inheritable);
	set_u64(d, EXECVE_cap_permitted, task->cap_permitted);
	set_u64(d, EXECVE_cap_effective, task->cap_effective);
	set_u64(d, EXECVE_exe_ino, task->exe_ino);
	set_u64(d, EXECVE_exe_ino_ctime, task->exe_ctime_ns);
	set_u64(d, EXECVE_exe_ino_mtime, task->exe_mtime_ns);
	set_u64(d, EXECVE_uid, task->euid);
	set_text_unless_empty(d, EXECVE_trusted_exepath, task->exepath);
	set_i64(d, EXECVE_pgid, task->pgid);
	set_u64(d, EXECVE_gid, task->egid);
	d->event.raw_path[0] = section_text(d, record, WIRE_SEC_FILENAME);
	set_text_unless_empty(d, EXECVE_filename, d->event.raw_path[0]);
}

/* The process keeps its old image; exe, args and filename are what the caller asked for. */
void decode_exec_failed(struct decoder *d, const struct record *record)
{
	struct task_facts asked = {0};

	split_args(&asked, section_text(d, record, WIRE_SEC_ARGS));
	set_bytes(d, EXECVE_exe, asked.exe);
	set_bytes(d, EXECVE_args, asked.args);
	set_i64(d, EXECVE_tid, d->event.tid);
	set_i64(d, EXECVE_pid, d->event.tgid);
	if (d->event.type == EVENT_EXECVE)
		set_text_unless_empty(d, EXECVE_filename, d->event.raw_path[0]);
}

void decode_fork(struct decoder *d, const struct record *record)
{
	const struct task_facts *task = decode_task_facts(d, record);

	d->event.task = task;
	if (!task)
		return;
	set_i64(d, CLONE_res, 0);
	set_common(d, task);
	set_u64(d, CLONE_flags, flags_portable(FLAG_MAP_CLONE, task->clone_flags));
	set_u64(d, CLONE_uid, task->euid);
	set_u64(d, CLONE_gid, task->egid);
	set_i64(d, CLONE_vtid, task->vtid);
	set_i64(d, CLONE_vpid, task->vpid);
	set_u64(d, CLONE_pidns_init_start_ts, task->pidns_start_ns); /* since boot */
}

/* The creator's side: the child's number is the result. */
void decode_clone(struct decoder *d, const struct record *record)
{
	struct text block = section_text(d, record, WIRE_SEC_DATA);
	uint64_t flags = 0;

	if (d->event.type == EVENT_CLONE)
		flags = record->header->args[0];
	else if (d->event.type == EVENT_VFORK)
		flags = CLONE_VFORK | CLONE_VM;
	else if (block.len == sizeof(flags))
		memcpy(&flags, block.ptr, sizeof(flags));
	set_u64(d, CLONE_flags, flags_portable(FLAG_MAP_CLONE, flags));
	set_i64(d, CLONE_tid, d->event.tid);
	set_i64(d, CLONE_pid, d->event.tgid);
}

void decode_exit(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_EXIT];
	const struct wire_exit *ended;
	int status;

	if (!section)
		return;
	ended = (const struct wire_exit *)(section + 1);
	status = (int)ended->status;
	set_i64(d, PROCEXIT_status, status);
	set_i64(d, PROCEXIT_ret, WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	set_u64(d, PROCEXIT_sig, WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0);
	set_u64(d, PROCEXIT_core, WIFSIGNALED(status) && WCOREDUMP(status) ? 1 : 0);
	set_i64(d, PROCEXIT_reaper_tid, ended->reaper_tid);
	d->event.quality |= ended->is_group_dead ? EVENT_LAST_THREAD : EVENT_NOT_LAST_THREAD;
}

/* A task outside any event of its own. */
void decode_task(struct decoder *d, const struct record *record)
{
	d->event.task = decode_task_facts(d, record);
	d->event.quality |= EVENT_STATE_ONLY;
}

void decode_descriptor(struct decoder *d, const struct record *record)
{
	d->event.fd = record->header->fd;
	if (record->header->flags & WIRE_CLOSES_ON_EXEC)
		d->event.quality |= EVENT_CLOSES_ON_EXEC;
	d->event.file = decode_file_facts(d, record);
	d->event.sock = decode_sock_facts(d, record);
	d->event.quality |= EVENT_STATE_ONLY;
}

void decode_capset(struct decoder *d, const struct record *record)
{
	struct text data = section_text(d, record, WIRE_SEC_DATA);
	uint32_t words[6]; /* effective, permitted, inheritable: low halves, then high halves */

	if (data.len != sizeof(words))
		return;
	memcpy(words, data.ptr, sizeof(words));
	set_u64(d, CAPSET_cap_effective, words[0] | (uint64_t)words[3] << 32);
	set_u64(d, CAPSET_cap_permitted, words[1] | (uint64_t)words[4] << 32);
	set_u64(d, CAPSET_cap_inheritable, words[2] | (uint64_t)words[5] << 32);
}

/* A call without an event of its own. */
void decode_generic(struct decoder *d, const struct record *record)
{
	const struct wire_header *header = record->header;

	set_u64(d, GENERIC_ID, d->codes[!!(header->flags & WIRE_IS_32BIT)][header->nr]);
	set_u64(d, GENERIC_nativeID, header->nr);
}
