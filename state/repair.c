#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "state/state_private.h"

/* Reads that the kernel answers without touching the process's memory: they cannot block on it, as
 * its command line could. */
static int open_proc(const struct state *state, int32_t pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/proc/%d", state->config.host_root, pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

ssize_t read_proc_file(const struct state *state, int32_t pid, const char *name, char *buffer,
		       size_t size)
{
	SCOPED(close_fd) int fd = -1;
	char path[PATH_MAX];

	if (!state->config.host_root)
		return -1;
	snprintf(path, sizeof(path), "%s/proc/%d/%s", state->config.host_root, pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : read(fd, buffer, size);
}

/* This does touch the process's memory, as the initial scan does. */
void read_strings(struct state *state, int32_t pid, struct task_facts *task)
{
	char *args = state->path_buffers[0], *env = state->path_buffers[1], *end;
	ssize_t n = read_proc_file(state, pid, "cmdline", args, PATH_TEXT_MAX);
	uint32_t len = n > 0 ? (uint32_t)n : 0;

	end = len ? memchr(args, '\0', len) : NULL;
	task->exe = (struct text){args, end ? (uint32_t)(end - args) : len};
	task->args = end ? (struct text){end + 1, len - task->exe.len - 1} : TEXT_NONE;
	n = read_proc_file(state, pid, "environ", env, PATH_TEXT_MAX);
	task->env = n > 0 ? (struct text){env, (uint32_t)n} : TEXT_NONE;
}

static struct text read_comm(int proc_fd, char buffer[COMM_MAX + 1])
{
	SCOPED(close_fd) int fd = openat(proc_fd, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buffer, COMM_MAX) : -1;

	if (n > 0 && buffer[n - 1] == '\n')
		n--;
	return n > 0 ? (struct text){buffer, (uint32_t)n} : TEXT_NONE;
}

int repair_image(struct state *state, struct process_node *node, uint64_t exec_id)
{
	const struct text deleted = TEXT(" (deleted)");
	SCOPED(close_fd) int proc_fd = -1;
	struct task_facts task = {.exec_id = exec_id};
	char exe[PATH_MAX], comm[COMM_MAX + 1];
	ssize_t n;

	node->p.exec_id = exec_id;
	node->p.generation++;
	node->is_image_stale = true; /* until somebody who knows tells */
	if (!state->config.host_root)
		return 0;
	proc_fd = open_proc(state, node->p.pid);
	n = proc_fd >= 0 ? readlinkat(proc_fd, "exe", exe, sizeof(exe)) : -1;
	if (n <= 0)
		return 0;
	task.exepath = (struct text){exe, (uint32_t)n};
	if (text_ends_with(task.exepath, deleted)) {
		task.exepath.len -= deleted.len;
		task.exe_flags = EXE_DELETED;
	}
	task.exe = task.exepath;
	task.comm = read_comm(proc_fd, comm);
	if (set_image(state, node, &task))
		return -ENOMEM;
	if (task.comm.len)
		set_comm(&node->leader, task.comm);
	return identity_exec(state->identity, node,
			     &(struct identity_moment){.now_ns = state->now_ns});
}
