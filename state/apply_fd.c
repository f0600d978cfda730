#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "state/state_private.h"

/* File flags of the event table. */
enum {
	OPEN_DIRECTORY = 1024,
	OPEN_CLOEXEC = 4096,
	OPEN_CREATED = 16384,
	OPEN_UPPER = 32768,
	OPEN_LOWER = 65536
};

struct fd_table *make_fds(struct state *state, struct process *process)
{
	if (!process->fds)
		process->fds = fd_table_create(&state->fd_limits);
	return process->fds;
}

struct fd_table *make_event_fds(struct state *state, const struct event *ev,
				struct process *process)
{
	if (!(ev->quality & EVENT_FIXED_FILE))
		return make_fds(state, process);
	/* Entries of different events never meet: each begins with an empty table. */
	fd_table_unref(&state->loose, &state->fd_limits);
	state->loose = fd_table_create(&state->fd_limits);
	return state->loose;
}

int unshare_fds(struct state *state, struct process *process)
{
	struct fd_table *own = fd_table_fork(process->fds, &state->fd_limits);

	if (!own)
		return -ENOMEM;
	fd_table_unref(&process->fds, &state->fd_limits);
	process->fds = own;
	return 0;
}

static int32_t result_fd(const struct event *ev)
{
	if (ev->fd >= 0)
		return ev->fd;
	return ev->res >= 0 && ev->res <= INT32_MAX ? (int32_t)ev->res : -1;
}

static uint32_t param_u32(const struct event *ev, int index)
{
	const struct param *param = index >= 0 ? event_param(ev, (unsigned)index) : NULL;

	return param ? (uint32_t)param->u64 : 0;
}

/* Where each open call has its flags, device and inode; -1 none. */
static const struct {
	int8_t flags, dev, ino;
} open_params[EVENT_TYPE_END] = {
	[EVENT_OPEN] = {OPEN_flags, OPEN_dev, OPEN_ino},
	[EVENT_OPENAT] = {OPENAT_flags, OPENAT_dev, OPENAT_ino},
	[EVENT_OPENAT2] = {OPENAT2_flags, OPENAT2_dev, OPENAT2_ino},
	[EVENT_OPEN_BY_HANDLE_AT] = {OPEN_BY_HANDLE_AT_flags, OPEN_BY_HANDLE_AT_dev,
				     OPEN_BY_HANDLE_AT_ino},
	[EVENT_CREAT] = {-1, CREAT_dev, CREAT_ino},
};

static void fill_file(struct fd_entry *entry, const struct file_facts *file)
{
	entry->kind = file->kind == FILE_KIND_DIRECTORY ? FD_DIRECTORY
		      : file->kind == FILE_KIND_MEMFD   ? FD_MEMFD
							: FD_FILE;
	entry->dev = file->dev;
	entry->ino = file->ino;
	if (file->flags & FILE_UPPER_LAYER)
		entry->flags |= FD_ENTRY_UPPER_LAYER;
	if (file->flags & FILE_LOWER_LAYER)
		entry->flags |= FD_ENTRY_LOWER_LAYER;
	if (file->flags & FILE_CREATED)
		entry->flags |= FD_ENTRY_CREATED;
	if (file->flags & FILE_DELETED)
		entry->flags |= FD_ENTRY_DELETED;
}

/* What the parameters say of the file, where the kernel's facts are missing. */
static void fill_from_params(struct fd_entry *entry, const struct event *ev, uint32_t flags)
{
	const struct param *ino = event_param(ev, (unsigned)open_params[ev->type].ino);

	entry->kind = flags & OPEN_DIRECTORY ? FD_DIRECTORY : FD_FILE;
	entry->dev = param_u32(ev, open_params[ev->type].dev);
	entry->ino = ino ? ino->u64 : 0;
	if (flags & OPEN_UPPER)
		entry->flags |= FD_ENTRY_UPPER_LAYER;
	if (flags & OPEN_LOWER)
		entry->flags |= FD_ENTRY_LOWER_LAYER;
	if (flags & OPEN_CREATED)
		entry->flags |= FD_ENTRY_CREATED;
}

int apply_open(struct state *state, const struct event *ev, struct subject *out)
{
	uint32_t flags = param_u32(ev, open_params[ev->type].flags);
	struct fd_table *table;
	struct fd_entry *entry;
	struct text typed;

	resolve_paths(state, ev, out);
	typed = out->typed;
	if (event_failed(ev))
		return 0;
	out->fd = result_fd(ev);
	table = make_event_fds(state, ev, out->process);
	if (!table)
		return -ENOMEM;
	entry = fd_table_open(table, out->fd, out->path.len + typed.len, flags & OPEN_CLOEXEC,
			      &state->fd_limits);
	if (!entry)
		return out->fd < 0 ? 0 : -ENOMEM;
	entry->open_flags = flags;
	if (ev->file)
		fill_file(entry, ev->file);
	else
		fill_from_params(entry, ev, flags);
	if (out->path_from_caller)
		entry->flags |= FD_ENTRY_PATH_FROM_CALLER;
	fd_entry_set_name(entry, out->path);
	if (typed.len)
		fd_entry_set_raw(entry, typed);
	out->name_changed = true;
	out->fd_entry = entry;
	return 0;
}

/* Descriptors without a name worth keeping. */
static const uint8_t anon_kinds[EVENT_TYPE_END] = {
	[EVENT_EVENTFD] = FD_EVENT,
	[EVENT_EVENTFD2] = FD_EVENT,
	[EVENT_SIGNALFD] = FD_SIGNAL,
	[EVENT_SIGNALFD4] = FD_SIGNAL,
	[EVENT_TIMERFD_CREATE] = FD_TIMER,
	[EVENT_INOTIFY_INIT] = FD_INOTIFY,
	[EVENT_INOTIFY_INIT1] = FD_INOTIFY,
	[EVENT_EPOLL_CREATE] = FD_EPOLL,
	[EVENT_EPOLL_CREATE1] = FD_EPOLL,
	[EVENT_USERFAULTFD] = FD_USERFAULT,
	[EVENT_BPF] = FD_BPF,
	[EVENT_IO_URING_SETUP] = FD_IO_URING,
	[EVENT_MEMFD_CREATE] = FD_MEMFD,
	[EVENT_PIDFD_OPEN] = FD_PIDFD,
};

/* Flags parameter that carries O_CLOEXEC in the event table's bits. */
static bool is_cloexec(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_INOTIFY_INIT1:
		return param_u32(ev, INOTIFY_INIT1_flags) & OPEN_CLOEXEC;
	case EVENT_EVENTFD2:
		return param_u32(ev, EVENTFD2_flags) & OPEN_CLOEXEC;
	case EVENT_SIGNALFD4:
		return param_u32(ev, SIGNALFD4_flags) & OPEN_CLOEXEC;
	case EVENT_USERFAULTFD:
		return param_u32(ev, USERFAULTFD_flags) & OPEN_CLOEXEC;
	case EVENT_EPOLL_CREATE1:
		return param_u32(ev, EPOLL_CREATE1_flags) & 1;
	case EVENT_MEMFD_CREATE:
		return param_u32(ev, MEMFD_CREATE_flags) & 1;
	case EVENT_PIDFD_OPEN: /* pidfds, BPF and io_uring descriptors always are */
	case EVENT_BPF:
	case EVENT_IO_URING_SETUP:
		return true;
	default:
		return false;
	}
}

static int add_fd(struct state *state, const struct event *ev, struct subject *out,
		  struct text name, struct fd_entry **entry)
{
	struct fd_table *table = make_fds(state, out->process);

	*entry = table ? fd_table_open(table, out->fd, name.len, is_cloexec(ev), &state->fd_limits)
		       : NULL;
	if (!*entry)
		return -ENOMEM;
	(*entry)->kind = anon_kinds[ev->type];
	if (ev->file)
		(*entry)->ino = ev->file->ino;
	fd_entry_set_name(*entry, name);
	out->fd_entry = *entry;
	return 0;
}

int apply_anon_fd(struct state *state, const struct event *ev, struct subject *out)
{
	struct fd_entry *entry;

	/* Most bpf commands make no descriptor: their 0 is not one. */
	if (event_failed(ev) || (ev->type == EVENT_BPF && ev->fd < 0 && ev->res <= 2))
		return 0;
	out->fd = result_fd(ev);
	return out->fd < 0 ? 0 : add_fd(state, ev, out, TEXT_NONE, &entry);
}

int apply_memfd(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *name = event_param(ev, MEMFD_CREATE_name);
	struct fd_entry *entry;

	if (event_failed(ev))
		return 0;
	out->fd = result_fd(ev);
	return add_fd(state, ev, out, name ? name->bytes : TEXT_NONE, &entry);
}

int apply_pidfd_open(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *pid = event_param(ev, PIDFD_OPEN_pid);
	struct fd_entry *entry;
	int r;

	if (event_failed(ev))
		return 0;
	out->fd = result_fd(ev);
	r = add_fd(state, ev, out, TEXT_NONE, &entry);
	if (!r && pid)
		entry->pid = (int32_t)pid->i64;
	return r;
}

int apply_pidfd_getfd(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *pid_fd = event_param(ev, PIDFD_GETFD_pid_fd);
	const struct param *target_fd = event_param(ev, PIDFD_GETFD_target_fd);
	const struct fd_entry *pidfd, *entry;
	const struct process *target;
	struct fd_table *table;

	if (event_failed(ev) || !pid_fd || !target_fd)
		return 0;
	out->fd = result_fd(ev);
	pidfd = fd_table_find(out->process->fds, (int32_t)pid_fd->i64);
	if (!pidfd || pidfd->kind != FD_PIDFD)
		return 0;
	target = state_find_process(state, pidfd->pid, 0);
	entry = target ? fd_table_find(target->fds, (int32_t)target_fd->i64) : NULL;
	table = make_fds(state, out->process);
	if (!entry || !table)
		return 0;
	if (fd_table_put(table, out->fd, entry, true, &state->fd_limits))
		return -ENOMEM;
	out->fd_entry = fd_table_find(table, out->fd);
	return 0;
}

int apply_close(struct state *state, const struct event *ev, struct subject *out)
{
	apply_fd_user(state, ev, out);
	if (ev->quality & EVENT_FIXED_FILE)
		return 0;
	/* Any other failure than EBADF still closes. */
	if (ev->res == -EBADF || !out->process->fds)
		return 0;
	state->closing = fd_table_share(out->process->fds);
	state->closing_fd = out->fd;
	return 0;
}

int apply_close_range(struct state *state, const struct event *ev, struct subject *out)
{
	enum { UNSHARE = 2, CLOEXEC = 4 };
	const struct param *last = event_param(ev, CLOSE_RANGE_last);
	uint32_t flags = param_u32(ev, CLOSE_RANGE_flags);

	if (event_failed(ev) || !out->process->fds)
		return 0;
	if (flags & UNSHARE && fd_table_is_shared(out->process->fds) &&
	    unshare_fds(state, out->process))
		return -ENOMEM;
	fd_table_close_range(out->process->fds, param_u32(ev, CLOSE_RANGE_first),
			     last ? (uint32_t)last->u64 : UINT32_MAX, flags & CLOEXEC,
			     &state->fd_limits);
	return 0;
}

static int dup_to(struct state *state, struct subject *out, int32_t from, int32_t to, bool cloexec)
{
	struct fd_table *table = make_fds(state, out->process);
	int r;

	if (!table)
		return -ENOMEM;
	out->fd = to;
	r = from == to ? 0 : fd_table_dup(table, from, to, cloexec, &state->fd_limits);
	out->fd_entry = fd_table_find(table, to);
	if (out->fd_entry)
		out->path = out->fd_entry->kind <= FD_DIRECTORY ? out->fd_entry->name : TEXT_NONE;
	return r == -ENOMEM ? r : 0;
}

int apply_dup(struct state *state, const struct event *ev, struct subject *out)
{
	int index = ev->type == EVENT_DUP    ? (int)DUP_oldfd
		    : ev->type == EVENT_DUP2 ? (int)DUP2_oldfd
					     : (int)DUP3_oldfd;
	const struct param *old = event_param(ev, (unsigned)index);
	bool cloexec = ev->type == EVENT_DUP3 && param_u32(ev, DUP3_flags) & OPEN_CLOEXEC;

	if (event_failed(ev) || !old)
		return 0;
	return dup_to(state, out, (int32_t)old->i64, (int32_t)ev->res, cloexec);
}

/* The call says that the descriptor is not open: its close was not seen. */
static void forget_fd(struct state *state, struct subject *out)
{
	if (out->process->fds)
		fd_table_close(out->process->fds, out->fd, &state->fd_limits);
	out->fd_entry = NULL;
	out->path = TEXT_NONE;
}

int apply_fcntl(struct state *state, const struct event *ev, struct subject *out)
{
	/* Commands and flags of the event table. */
	enum { DUPFD = 1, SETFD = 3, SETFL = 5, DUPFD_CLOEXEC = 26, CLOEXEC_BIT = 1 };
	const struct param *fd = event_param(ev, FCNTL_fd);
	const struct param *arg = event_param(ev, FCNTL_arg);
	uint32_t command = param_u32(ev, FCNTL_cmd);

	apply_fd_user(state, ev, out);
	if (ev->res == -EBADF && fd && command >= DUPFD && command <= SETFL)
		forget_fd(state, out);
	if (event_failed(ev) || !fd)
		return 0;
	if (command == DUPFD || command == DUPFD_CLOEXEC)
		return dup_to(state, out, (int32_t)fd->i64, (int32_t)ev->res,
			      command == DUPFD_CLOEXEC);
	if (command == SETFD && arg && out->process->fds)
		fd_table_set_close_on_exec(out->process->fds, (int32_t)fd->i64,
					   arg->u64 & CLOEXEC_BIT, &state->fd_limits);
	return 0;
}

int apply_pipe(struct state *state, const struct event *ev, struct subject *out)
{
	bool is_pipe2 = ev->type == EVENT_PIPE2;
	const struct param *ends[2] = {event_param(ev, is_pipe2 ? PIPE2_fd1 : PIPE_fd1),
				       event_param(ev, is_pipe2 ? PIPE2_fd2 : PIPE_fd2)};
	const struct param *ino = event_param(ev, is_pipe2 ? PIPE2_ino : PIPE_ino);
	bool cloexec = is_pipe2 && param_u32(ev, PIPE2_flags) & OPEN_CLOEXEC;
	struct fd_table *table;

	if (event_failed(ev))
		return 0;
	table = make_fds(state, out->process);
	if (!table)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		struct fd_entry *entry = ends[i] ? fd_table_open(table, (int32_t)ends[i]->i64, 0,
								 cloexec, &state->fd_limits)
						 : NULL;

		if (!entry)
			continue;
		entry->kind = FD_PIPE;
		entry->ino = ino ? ino->u64 : 0;
		out->fd = (int32_t)ends[i]->i64;
		out->fd_entry = entry;
	}
	return 0;
}

/* The parameter that names the descriptor a call uses, not what it returns; -1 none. */
static int fd_param(const struct event *ev)
{
	const struct event_info *info = event_info(ev->type);

	if (!(info->flags & (EVENT_USES_FD | EVENT_DESTROYS_FD)))
		return -1;
	for (unsigned i = 0; i < info->n_params; i++) {
		if (info->params[i].type == PARAM_FD && strcmp(info->params[i].name, "res") != 0)
			return (int)i;
	}
	return -1;
}

int apply_fd_user(struct state *state, const struct event *ev, struct subject *out)
{
	if (out->fd < 0) {
		int index = fd_param(ev);
		const struct param *fd = index >= 0 ? event_param(ev, (unsigned)index) : NULL;

		if (fd)
			out->fd = (int32_t)fd->i64;
	}
	if (out->fd >= 0 && !(ev->quality & EVENT_FIXED_FILE)) {
		out->fd_entry = fd_table_find(out->process->fds, out->fd);
		if (out->fd_entry && out->fd_entry->kind <= FD_DIRECTORY) {
			out->path = out->fd_entry->name;
			out->path_from_caller = out->fd_entry->flags & FD_ENTRY_PATH_FROM_CALLER;
		}
	}
	if (ev->file && ev->file->path.len) {
		out->path = ev->file->path;
		out->path_from_caller = false;
	}
	(void)state;
	return 0;
}

void note_directory_fd(const struct event *ev, struct subject *out)
{
	int index = out->fd < 0 ? fd_param(ev) : -1;
	const struct param *fd = index >= 0 ? event_param(ev, (unsigned)index) : NULL;

	if (!fd || fd->i64 < INT32_MIN || fd->i64 > INT32_MAX)
		return;
	out->fd = (int32_t)fd->i64;
	out->fd_entry = fd_table_find(out->process->fds, out->fd);
}

/* Kind of an anonymous inode by the kernel's name for it. */
static enum fd_kind anon_kind(struct text name)
{
	static const struct {
		const char *prefix;
		enum fd_kind kind;
	} rows[] = {
		{"[eventfd", FD_EVENT},
		{"[eventpoll", FD_EPOLL},
		{"[signalfd", FD_SIGNAL},
		{"[timerfd", FD_TIMER},
		{"inotify", FD_INOTIFY},
		{"[inotify", FD_INOTIFY},
		{"[userfaultfd", FD_USERFAULT},
		{"[io_uring", FD_IO_URING},
		{"[pidfd", FD_PIDFD},
		{"bpf", FD_BPF},
		{"[bpf", FD_BPF},
	};
	const struct text prefix = TEXT("anon_inode:");

	if (text_starts_with(name, prefix))
		name = (struct text){name.ptr + prefix.len, name.len - prefix.len};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (text_starts_with(name, text_from(rows[i].prefix)))
			return rows[i].kind;
	}
	return FD_UNKNOWN;
}

static bool closes_on_exec(const struct event *ev)
{
	return ev->quality & EVENT_CLOSES_ON_EXEC;
}

static uint8_t scanned_kind(const struct file_facts *file)
{
	if (file->kind == FILE_KIND_ANON)
		return (uint8_t)anon_kind(file->path);
	if (file->kind == FILE_KIND_FIFO)
		return FD_PIPE;
	return file->kind == FILE_KIND_DIRECTORY ? FD_DIRECTORY
	       : file->kind == FILE_KIND_MEMFD   ? FD_MEMFD
						 : FD_FILE;
}

/* Put what the scan found at ev->fd, whatever was there. */
static int put_scanned(struct state *state, const struct event *ev, struct subject *out)
{
	const struct file_facts *file = ev->file;
	struct text name = file ? file->path : TEXT_NONE;
	struct fd_table *table = make_fds(state, out->process);
	struct fd_entry *entry;
	int r;

	if (!table)
		return -ENOMEM;
	if (ev->sock) {
		r = scan_socket(state, ev, out);
		if (!r)
			fd_table_set_close_on_exec(table, ev->fd, closes_on_exec(ev),
						   &state->fd_limits);
		return r;
	}
	if (!file)
		return 0;
	entry = fd_table_open(table, ev->fd, name.len, closes_on_exec(ev), &state->fd_limits);
	if (!entry)
		return -ENOMEM;
	fill_file(entry, file);
	entry->kind = scanned_kind(file);
	if (entry->kind == FD_IO_URING)
		note_ring(state, ev, out->process);
	entry->flags |= FD_ENTRY_FROM_SCAN;
	fd_entry_set_name(entry, name);
	entry->raw.len = 0; /* nobody saw how it was given */
	out->fd_entry = entry;
	return 0;
}

int scan_fd(struct state *state, const struct event *ev, struct subject *out)
{
	const struct fd_table *table = out->process->fds;

	if (fd_table_find(table, ev->fd) || fd_table_count(table) >= state->fd_limits.fds_max)
		return 0; /* known from events, which are newer */
	return put_scanned(state, ev, out);
}

static bool is_same_socket(const struct fd_entry *entry, const struct sock_facts *sock)
{
	bool is_listening = sock->flags & SOCK_LISTENING;
	bool is_connected = !is_listening && sock->remote_port;
	bool is_inet = sock->family == AF_INET || sock->family == AF_INET6;

	if (entry->kind < FD_SOCKET_V4 || entry->kind > FD_SOCKET_OTHER || entry->ino != sock->ino)
		return false;
	return !is_inet || (!!(entry->flags & FD_ENTRY_LISTENING) == is_listening &&
			    (!is_connected || entry->flags & FD_ENTRY_CONNECTED));
}

static bool is_same_file(const struct fd_entry *entry, const struct file_facts *file)
{
	uint8_t kind = scanned_kind(file);

	if (kind == FD_FILE || kind == FD_DIRECTORY || kind == FD_MEMFD)
		return (entry->kind == kind || (kind == FD_FILE && entry->kind == FD_DIRECTORY)) &&
		       entry->ino == file->ino && entry->dev == file->dev;
	if (kind == FD_PIPE)
		return entry->kind == kind && entry->ino == file->ino;
	return entry->kind == kind;
}

int correct_fd(struct state *state, const struct event *ev, struct subject *out, bool *is_changed)
{
	struct fd_table *table = out->process->fds;
	const struct fd_entry *entry = fd_table_find(table, ev->fd);

	if (entry && (ev->sock ? is_same_socket(entry, ev->sock)
			       : !ev->file || is_same_file(entry, ev->file))) {
		if (fd_table_closes_on_exec(table, ev->fd) != closes_on_exec(ev))
			fd_table_set_close_on_exec(table, ev->fd, closes_on_exec(ev),
						   &state->fd_limits);
		return 0;
	}
	if (!entry && fd_table_count(table) >= state->fd_limits.fds_max)
		return 0; /* what was evicted stays so */
	*is_changed = true;
	/* A different open file must not take over the entry that other descriptors share. */
	if (entry && !(ev->sock && entry->ino == ev->sock->ino))
		fd_table_close(table, ev->fd, &state->fd_limits);
	return put_scanned(state, ev, out);
}
