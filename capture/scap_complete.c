#include "capture/scap_complete.h"

#include <assert.h>

#include "base/util.h"

/* Parameters that all events of tasks share, see decode_process.c. */
static_assert((int)CLONE_cgroups == (int)EXECVE_cgroups, "tasks' parameters");
static_assert((int)CLONE_vpid == (int)VFORK_vpid && (int)CLONE_vpid == (int)CLONE3_vpid, "clones");
static_assert((int)EXECVE_gid == (int)EXECVEAT_gid, "execveat");

static bool is_exec(enum event_type type)
{
	return type == EVENT_EXECVE || type == EVENT_EXECVEAT;
}

bool scap_is_task_event(enum event_type type)
{
	return is_exec(type) || type == EVENT_CLONE || type == EVENT_CLONE3 || type == EVENT_FORK ||
	       type == EVENT_VFORK;
}

bool scap_complete_wants_process(enum event_type type)
{
	return type == EVENT_GETCWD || scap_is_task_event(type);
}

static void set_number(struct param *param, uint64_t value)
{
	if (!param->is_present)
		*param = (struct param){.u64 = value, .is_present = true};
}

/* Present also when empty: readers of 2022 want the text. */
static void set_text(struct param *param, struct text value)
{
	if (!param->is_present || !param->bytes.ptr)
		*param = (struct param){.bytes = value.ptr ? value : TEXT(""), .is_present = true};
}

static void complete_common(struct param *params, const struct task_facts *task)
{
	set_text(&params[CLONE_exe], task->exe);
	set_text(&params[CLONE_args], task->args);
	set_number(&params[CLONE_tid], (uint64_t)task->tid);
	set_number(&params[CLONE_pid], (uint64_t)task->tgid);
	set_number(&params[CLONE_ptid], (uint64_t)task->parent_tgid);
	set_text(&params[CLONE_cwd], task->cwd);
	set_number(&params[CLONE_fdlimit], (uint64_t)task->fd_limit);
	set_number(&params[CLONE_pgft_maj], task->pgft_maj);
	set_number(&params[CLONE_pgft_min], task->pgft_min);
	set_number(&params[CLONE_vm_size], task->vm_size_kb);
	set_number(&params[CLONE_vm_rss], task->vm_rss_kb);
	set_number(&params[CLONE_vm_swap], task->vm_swap_kb);
	set_text(&params[CLONE_comm], task->comm);
	set_text(&params[CLONE_cgroups], task->cgroups);
}

static void complete_clone(struct param *params, const struct task_facts *task)
{
	set_number(&params[CLONE_flags], 0);
	set_number(&params[CLONE_uid], task->euid);
	set_number(&params[CLONE_gid], task->egid);
	set_number(&params[CLONE_vtid], (uint64_t)task->vtid);
	set_number(&params[CLONE_vpid], (uint64_t)task->vpid);
}

static void complete_exec(struct param *params, const struct task_facts *task)
{
	set_text(&params[EXECVE_env], task->env);
	set_number(&params[EXECVE_tty], task->tty);
	set_number(&params[EXECVE_vpgid], (uint64_t)task->vpgid);
	set_number(&params[EXECVE_loginuid], task->loginuid);
	set_number(&params[EXECVE_flags], exe_flags_portable(task->exe_flags));
	set_number(&params[EXECVE_cap_inheritable], task->cap_inheritable);
	set_number(&params[EXECVE_cap_permitted], task->cap_permitted);
	set_number(&params[EXECVE_cap_effective], task->cap_effective);
	set_number(&params[EXECVE_exe_ino], task->exe_ino);
	set_number(&params[EXECVE_exe_ino_ctime], task->exe_ctime_ns);
	set_number(&params[EXECVE_exe_ino_mtime], task->exe_mtime_ns);
	set_number(&params[EXECVE_uid], task->euid);
	set_text(&params[EXECVE_trusted_exepath], task->exepath);
	set_number(&params[EXECVE_pgid], (uint64_t)task->pgid);
	set_number(&params[EXECVE_gid], task->egid);
}

static void complete_task(struct param *params, const struct event *ev,
			  const struct task_facts *process)
{
	static const struct task_facts nothing = {.loginuid = UINT32_MAX};

	/* The event's own facts are in its parameters already; the process has the rest, such as
	 * the command line that a new process inherits. */
	complete_common(params, process ? process : &nothing);
	if (is_exec(ev->type))
		complete_exec(params, process ? process : &nothing);
	else
		complete_clone(params, process ? process : &nothing);
}

/* Where the kernel's path of the file replaces what the caller typed. */
static const struct {
	enum event_type type;
	uint8_t param;
} resolved[] = {
	{EVENT_OPEN, OPEN_name},
	{EVENT_OPENAT, OPENAT_name},
	{EVENT_OPENAT2, OPENAT2_name},
	{EVENT_CREAT, CREAT_name},
	{EVENT_OPEN_BY_HANDLE_AT, OPEN_BY_HANDLE_AT_path},
	{EVENT_CHDIR, CHDIR_path},
};

/* A path is worth more than the typed one only if it is whole. */
static bool is_whole(const struct file_facts *file)
{
	return file && file->path.len && file->path.ptr[0] == '/' &&
	       !(file->flags & FILE_PATH_TRUNCATED);
}

static void complete_path(struct param *params, const struct event *ev)
{
	if (event_failed(ev) || !is_whole(ev->file))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(resolved); i++) {
		if (resolved[i].type == ev->type)
			params[resolved[i].param] =
				(struct param){.bytes = ev->file->path, .is_present = true};
	}
}

/* An image without a place, "memfd:x", as the kernel's own /proc shows it; readers would put it
 * into the working directory. */
static struct text rooted(struct text path, struct scap_room *room)
{
	uint32_t len = MIN(path.len, (uint32_t)sizeof(room->path) - 1);

	if (!path.len || path.ptr[0] == '/')
		return path;
	room->path[0] = '/';
	memcpy(room->path + 1, path.ptr, len);
	return (struct text){room->path, len + 1};
}

/* The name of the image that the kernel took: the readers that do not know the parameter for it
 * make it from this one. */
static void complete_filename(struct param *params, const struct event *ev, struct scap_room *room)
{
	if (ev->type != EVENT_EXECVE || event_failed(ev) || !ev->task || !ev->task->exepath.len)
		return;
	params[EXECVE_filename] =
		(struct param){.bytes = rooted(ev->task->exepath, room), .is_present = true};
}

/* Readers of 2022 take the working directory from this call too. */
static void complete_cwd(struct param *params, const struct event *ev,
			 const struct task_facts *process)
{
	if (ev->type == EVENT_GETCWD && !event_failed(ev) && process && process->cwd.len)
		set_text(&params[GETCWD_path], process->cwd);
}

/* Result and descriptor are known of every call, also where its parameters are not read. */
static void complete_result(struct param *params, const struct event *ev)
{
	const struct event_info *info = event_info(ev->type);
	int fd = event_param_by_name(ev->type, TEXT("fd"));
	enum param_type first = info->n_params ? info->params[0].type : PARAM_BYTEBUF;

	if (ev->has_res && (first == PARAM_ERRNO || first == PARAM_FD || first == PARAM_PID))
		set_number(&params[0], (uint64_t)ev->res);
	if (fd > 0 && ev->fd >= 0 && info->params[fd].type == PARAM_FD)
		set_number(&params[fd], (uint64_t)ev->fd);
}

void scap_complete(struct param *params, const struct event *ev, const struct task_facts *process,
		   struct scap_room *room)
{
	for (unsigned i = 0; i < EVENT_PARAMS_MAX; i++) {
		if (i < ev->n_params)
			params[i] = ev->params[i];
		else
			params[i].is_present = false;
	}
	complete_result(params, ev);
	complete_path(params, ev);
	complete_filename(params, ev, room);
	complete_cwd(params, ev, process);
	if (scap_is_task_event(ev->type))
		complete_task(params, ev, process);
}

void scap_complete_execveat_enter(struct param *params, const struct event *ev,
				  struct scap_room *room)
{
	struct text path = ev->raw_path[0];

	if (!event_failed(ev) && ev->task && ev->task->exepath.len)
		path = rooted(ev->task->exepath, room);
	params[0] = (struct param){.i64 = -100, .is_present = true}; /* AT_FDCWD */
	params[1] = (struct param){.bytes = path, .is_present = path.len > 0};
	params[2] = (struct param){.u64 = 0, .is_present = true};
}
