#include "state/state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "state/state_private.h"

/* What each event does to the state; the others only name their process and descriptor. */
static apply_fn *const handlers[EVENT_TYPE_END] = {
	[EVENT_EXECVE] = apply_exec,
	[EVENT_EXECVEAT] = apply_exec,
	[EVENT_CLONE] = apply_clone,
	[EVENT_CLONE3] = apply_clone,
	[EVENT_FORK] = apply_clone,
	[EVENT_VFORK] = apply_clone,
	[EVENT_PROCEXIT] = apply_exit,
	[EVENT_PROCINFO] = apply_scan,
	[EVENT_CHDIR] = apply_chdir,
	[EVENT_FCHDIR] = apply_fchdir,
	[EVENT_CHROOT] = apply_chroot,
	[EVENT_SETSID] = apply_setsid,
	[EVENT_SETPGID] = apply_setpgid,
	[EVENT_SETUID] = apply_setuid,
	[EVENT_SETGID] = apply_setgid,
	[EVENT_SETRESUID] = apply_setresuid,
	[EVENT_SETRESGID] = apply_setresgid,
	[EVENT_SETREUID] = apply_setreuid,
	[EVENT_SETREGID] = apply_setregid,
	[EVENT_CAPSET] = apply_capset,
	[EVENT_MMAP] = apply_memory,
	[EVENT_MMAP2] = apply_memory,
	[EVENT_MUNMAP] = apply_memory,
	[EVENT_BRK] = apply_memory,
	[EVENT_OPEN] = apply_open,
	[EVENT_OPENAT] = apply_open,
	[EVENT_OPENAT2] = apply_open,
	[EVENT_OPEN_BY_HANDLE_AT] = apply_open,
	[EVENT_CREAT] = apply_open,
	[EVENT_CLOSE] = apply_close,
	[EVENT_CLOSE_RANGE] = apply_close_range,
	[EVENT_DUP] = apply_dup,
	[EVENT_DUP2] = apply_dup,
	[EVENT_DUP3] = apply_dup,
	[EVENT_FCNTL] = apply_fcntl,
	[EVENT_PIPE] = apply_pipe,
	[EVENT_PIPE2] = apply_pipe,
	[EVENT_EVENTFD] = apply_anon_fd,
	[EVENT_EVENTFD2] = apply_anon_fd,
	[EVENT_SIGNALFD] = apply_anon_fd,
	[EVENT_SIGNALFD4] = apply_anon_fd,
	[EVENT_TIMERFD_CREATE] = apply_anon_fd,
	[EVENT_INOTIFY_INIT] = apply_anon_fd,
	[EVENT_INOTIFY_INIT1] = apply_anon_fd,
	[EVENT_EPOLL_CREATE] = apply_anon_fd,
	[EVENT_EPOLL_CREATE1] = apply_anon_fd,
	[EVENT_USERFAULTFD] = apply_anon_fd,
	[EVENT_BPF] = apply_anon_fd,
	[EVENT_IO_URING_SETUP] = apply_io_uring,
	[EVENT_MEMFD_CREATE] = apply_memfd,
	[EVENT_PIDFD_OPEN] = apply_pidfd_open,
	[EVENT_PIDFD_GETFD] = apply_pidfd_getfd,
	[EVENT_SOCKET] = apply_socket,
	[EVENT_SOCKETPAIR] = apply_socketpair,
	[EVENT_BIND] = apply_bind,
	[EVENT_CONNECT] = apply_connect,
	[EVENT_LISTEN] = apply_listen,
	[EVENT_ACCEPT] = apply_accept,
	[EVENT_ACCEPT4] = apply_accept,
	[EVENT_SEND] = apply_sendto,
	[EVENT_SENDTO] = apply_sendto,
	[EVENT_SENDMSG] = apply_sendto,
	[EVENT_SENDMMSG] = apply_sendto,
	[EVENT_RECVFROM] = apply_sendto,
	[EVENT_RECVMSG] = apply_sendto,
	[EVENT_RECVMMSG] = apply_sendto,
	[EVENT_RENAME] = apply_path,
	[EVENT_RENAMEAT] = apply_path,
	[EVENT_RENAMEAT2] = apply_path,
	[EVENT_LINK] = apply_path,
	[EVENT_LINKAT] = apply_path,
	[EVENT_SYMLINK] = apply_path,
	[EVENT_SYMLINKAT] = apply_path,
	[EVENT_UNLINK] = apply_path,
	[EVENT_UNLINKAT] = apply_path,
	[EVENT_MKDIR] = apply_path,
	[EVENT_MKDIRAT] = apply_path,
	[EVENT_RMDIR] = apply_path,
	[EVENT_CHMOD] = apply_path,
	[EVENT_FCHMODAT] = apply_path,
	[EVENT_CHOWN] = apply_path,
	[EVENT_LCHOWN] = apply_path,
	[EVENT_FCHOWNAT] = apply_path,
	[EVENT_MKNOD] = apply_path,
	[EVENT_MKNODAT] = apply_path,
	[EVENT_ACCESS] = apply_path,
	[EVENT_STAT] = apply_path,
	[EVENT_LSTAT] = apply_path,
	[EVENT_STAT64] = apply_path,
	[EVENT_LSTAT64] = apply_path,
	[EVENT_NEWFSTATAT] = apply_path,
	[EVENT_MOUNT] = apply_path,
	[EVENT_UMOUNT] = apply_path,
	[EVENT_UMOUNT2] = apply_path,
};

static void release_node(struct process_node *node, void *arg)
{
	struct state *state = arg;

	identity_release(state->identity, node);
}

int state_create(struct state **out, const struct state_config *config)
{
	SCOPED(state_destroy) struct state *state = calloc(1, sizeof(*state));
	struct process_table_config table;
	int r;

	if (!state)
		return -ENOMEM;
	if (!config->processes_max || !config->fds_per_process_max)
		return -EINVAL;
	state->config = *config;
	state->fd_limits.fds_max = config->fds_per_process_max;
	state->closing_fd = -1;
	if (config->host_root)
		gethostname(state->hostname, sizeof(state->hostname) - 1);
	r = users_create(&state->users, config->host_root);
	if (!r)
		r = dns_names_create(&state->names, config->seed);
	if (r)
		return r;
	r = identity_create(
		&state->identity,
		&(struct identity_config){.host_root = config->host_root, .users = state->users});
	if (r)
		return r;
	table = (struct process_table_config){
		.processes_max = config->processes_max,
		.fd_limits = &state->fd_limits,
		.bytes = &state->string_bytes,
		.release = release_node,
		.arg = state,
	};
	r = process_table_create(&state->table, &table);
	if (r)
		return r;
	*out = TAKE(state);
	return 0;
}

void state_destroy(struct state **state)
{
	struct state *s = *state;

	if (!s)
		return;
	fd_table_unref(&s->closing, &s->fd_limits);
	fd_table_unref(&s->loose, &s->fd_limits);
	rescan_done(&s->rescan);
	process_table_destroy(&s->table);
	identity_destroy(&s->identity);
	users_destroy(&s->users);
	dns_names_destroy(&s->names);
	free(s->addresses);
	free(s);
	*state = NULL;
}

/* Carry out what the last event ended. */
static void finish_last(struct state *state)
{
	if (state->closing) {
		fd_table_close(state->closing, state->closing_fd, &state->fd_limits);
		fd_table_unref(&state->closing, &state->fd_limits);
	}
	if (state->ended) {
		struct process_node *node = process_node(state->ended);
		struct process_node *reaper =
			state->ended_reaper > 0
				? process_table_find(state->table, state->ended_reaper, 0)
				: NULL;

		state->ended = NULL;
		identity_exit(node, state->identity, state->now_ns);
		if (reaper && !reaper->p.is_alive)
			reaper = NULL;
		process_table_kill(state->table, node, reaper, state->ended_reaper);
	}
}

/* The event's thread as it is now: the event itself may have ended it. */
static struct thread *current_thread(const struct state *state, const struct event *ev,
				     struct process *process)
{
	struct thread *thread = NULL;

	if (ev->tid != process->pid)
		thread = process_table_find_thread(state->table, ev->tid);
	return thread && thread->process == process ? thread : process->leader;
}

static void learn_names(struct state *state, const struct event *ev)
{
	uint32_t netns = ev->sock ? ev->sock->netns : 0;

	dns_names_learn(state->names, netns, ev->answer, ev->sock && ev->sock->type == SOCK_STREAM,
			state->now_ns);
}

static void touch(struct state *state, struct process_node *node)
{
	node->is_used = true;
	if (node->root_due_ns && state->now_ns >= node->root_due_ns)
		identity_root_due(state->identity, node, state->now_ns);
}

int state_apply(struct state *state, const struct event *ev, struct subject *out)
{
	apply_fn *handler = handlers[ev->type];
	int r;

	finish_last(state);
	if (ev->ts_ns > state->now_ns)
		state->now_ns = ev->ts_ns;
	if (ev->answer.len)
		learn_names(state, ev);
	*out = (struct subject){.fd = ev->fd};
	if (ev->scan)
		return apply_rescan(state, ev, out);
	if (ev->host)
		return apply_host(state, ev->host);
	if (ev->type == EVENT_USERADDED || ev->type == EVENT_GROUPADDED)
		return apply_user_told(state, ev);
	r = find_actor(state, ev, out);
	if (r)
		return r;
	if (out->process)
		touch(state, process_node(out->process));
	else if (handler != apply_exec && handler != apply_clone && handler != apply_scan)
		return 0; /* no task, or one that nothing can be said about */
	if (ev->task && ev->task->tgid <= 0)
		return 0;
	r = handler ? handler(state, ev, out) : apply_fd_user(state, ev, out);
	if (!r && ev->after && out->process)
		r = refresh_task(state, ev, out);
	if (out->process)
		out->thread = current_thread(state, ev, out->process);
	return r;
}

void state_tick(struct state *state, uint64_t now_ns)
{
	finish_last(state); /* on a quiet host the next event may be long in coming */
	rescan_tick(state);
	identity_tick(state->identity, state->table, now_ns);
	users_refresh(state->users, now_ns);
}

uint64_t state_lineage_epoch(const struct state *state)
{
	return process_table_lineage_epoch(state->table);
}

struct process *state_find_process(const struct state *state, int32_t pid, uint64_t start_ns)
{
	struct process_node *node = process_table_find(state->table, pid, start_ns);

	return node ? &node->p : NULL;
}

const struct thread *state_find_thread(const struct state *state, int32_t tid)
{
	return process_table_find_thread(state->table, tid);
}

const struct fd_entry *state_find_fd(const struct process *process, int32_t fd)
{
	return fd_table_find(process->fds, fd);
}

const struct process *process_ancestor(const struct process *process, uint32_t n)
{
	/* The bound stops at loops that repaired data could hold. */
	for (uint32_t i = 0; process && i < n; i++)
		process = i < ANCESTORS_MAX ? process->parent : NULL;
	return process;
}

uint64_t process_start_time_ns(const struct state *state, const struct process *process)
{
	return state_boot_to_epoch_ns(state, process->start_ns);
}

uint32_t state_names_of(const struct state *state, uint32_t netns, uint8_t family,
			const uint8_t *address, struct text out[STATE_NAMES_MAX])
{
	return dns_names_find(state->names, netns, family, address, state->now_ns, out);
}

uint64_t state_boot_to_epoch_ns(const struct state *state, uint64_t boot_ns)
{
	return boot_ns ? state->config.boot_epoch_ns + boot_ns : 0;
}

struct text state_hostname(const struct state *state)
{
	return text_from(state->hostname);
}

/* Append t, cut at size. */
static uint32_t put(char *buffer, uint32_t size, uint32_t len, struct text t)
{
	uint32_t n = MIN(t.len, size - len);

	if (n)
		memcpy(buffer + len, t.ptr, n);
	return len + n;
}

uint32_t process_cmdline(const struct process *process, char *buffer, uint32_t size)
{
	uint32_t len = put(buffer, size, 0, process->comm);
	uint32_t start;

	if (!process->args.len)
		return len;
	len = put(buffer, size, len, TEXT(" "));
	start = len;
	len = put(buffer, size, len, process->args);
	for (uint32_t i = start; i < len; i++) {
		if (buffer[i] == '\0')
			buffer[i] = ' ';
	}
	if (len > start && process->args.ptr[process->args.len - 1] == '\0' &&
	    len - start == process->args.len)
		len--;
	return len;
}

/* The tables that hold for the process; NULL: unknown. */
static const struct users *users_of(const struct state *state, const struct process *process)
{
	const struct users *users = NULL;
	bool is_host = true;

	if (process)
		users = identity_users(process_node(process), &is_host);
	return is_host ? state->users : users;
}

const struct user *state_user(const struct state *state, const struct process *process,
			      uint32_t uid)
{
	const struct users *users = users_of(state, process);

	return users ? users_find(users, uid) : NULL;
}

struct text state_user_name(const struct state *state, const struct process *process, uint32_t uid)
{
	const struct user *user = state_user(state, process, uid);

	return user ? user->name : TEXT_NONE;
}

struct text state_group_name(const struct state *state, const struct process *process, uint32_t gid)
{
	const struct users *users = users_of(state, process);

	return users ? users_group_name(users, gid) : TEXT_NONE;
}

void state_each_process(struct state *state, process_visit_fn *visit, void *arg)
{
	process_table_each(state->table, visit, arg);
}

void state_each_instance(struct state *state, const struct workload *workload,
			 instance_visit_fn *visit, void *arg)
{
	identity_each_instance(state->identity, workload, visit, arg);
}

void state_counters(const struct state *state, struct state_counters *out)
{
	struct process_table_counters table;
	struct identity_counters identity;
	struct dns_counters names;

	process_table_counters(state->table, &table);
	identity_counters(state->identity, &identity);
	dns_names_counters(state->names, &names);
	*out = (struct state_counters){
		.processes = table.alive,
		.remembered = table.remembered,
		.evicted_total = table.evicted_total,
		.fds_evicted_total = state->fd_limits.evicted_total,
		.unknown_task_total = state->unknown_task_total,
		.blind_total = state->blind_total,
		.dns_answers_total = names.answers_total,
		.dns_refused_total = names.refused_total,
		.dns_evicted_total = names.evicted_total,
		.wrong_image_total = state->wrong_image_total,
		.repaired = state->repaired,
		.bytes = sizeof(*state) + table.bytes + state->fd_limits.bytes +
			 state->string_bytes + identity.bytes + users_bytes(state->users) +
			 names.bytes,
	};
}
