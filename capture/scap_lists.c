#include "capture/scap_lists.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/util.h"

#define PADDING_MAX 3u /* bytes behind the last entry that mean nothing */
#define OLD_TAIL_BYTES 29u

struct scap_list_kind scap_list_kind(uint32_t block_type)
{
	static const struct {
		uint32_t type, old_type; /* the numbers of before 2014 */
		struct scap_list_kind kind;
	} rows[] = {
		{0x201, 0x8002abcd, {SCAP_LIST_MACHINE, 1}},
		{0x202, 0x8000abcd, {SCAP_LIST_PROCESSES, 1}},
		{0x207, 0x8013abcd, {SCAP_LIST_PROCESSES, 2}},
		{0x209, 0x8014abcd, {SCAP_LIST_PROCESSES, 3}},
		{0x210, 0, {SCAP_LIST_PROCESSES, 4}},
		{0x211, 0, {SCAP_LIST_PROCESSES, 5}},
		{0x212, 0, {SCAP_LIST_PROCESSES, 6}},
		{0x213, 0, {SCAP_LIST_PROCESSES, 7}},
		{0x214, 0, {SCAP_LIST_PROCESSES, 8}},
		{0x215, 0, {SCAP_LIST_PROCESSES, 9}},
		{0x203, 0x8001abcd, {SCAP_LIST_FDS, 1}},
		{0x218, 0, {SCAP_LIST_FDS, 2}},
		{0x205, 0x8011abcd, {SCAP_LIST_INTERFACES, 1}},
		{0x219, 0, {SCAP_LIST_INTERFACES, 2}},
		{0x206, 0x8012abcd, {SCAP_LIST_USERS, 1}},
		{0x220, 0, {SCAP_LIST_USERS, 2}},
	};

	for (size_t i = 0; block_type && i < ARRAY_SIZE(rows); i++) {
		if (rows[i].type == block_type || rows[i].old_type == block_type)
			return rows[i].kind;
	}
	return (struct scap_list_kind){SCAP_LIST_NONE, 0};
}

int scap_machine_read(struct scap_cursor c, struct scap_list_machine *out)
{
	enum { HOSTNAME_BYTES = 128 };
	struct scap_list_machine machine = {.n_cpus = cursor_u32(&c)};

	machine.memory_bytes = cursor_u64(&c);
	cursor_u64(&c); /* the largest pid */
	machine.hostname = cursor_text(&c, HOSTNAME_BYTES);
	if (c.is_short)
		return -EBADMSG;
	machine.hostname.len = (uint32_t)strnlen(machine.hostname.ptr, HOSTNAME_BYTES);
	machine.boot_ns = cursor_u64(&c);
	*out = machine;
	return 1;
}

/* Where an entry begins and ends. Old entries have no length: they end where their last field does,
 * which must be put back with end_entry(). */
struct entry {
	struct scap_cursor c;
	bool has_length;
};

/* 1, 0 at the end of the list, or -EBADMSG. counts_itself: the length includes its own 4 bytes. */
static int begin_entry(struct scap_cursor *list, bool has_length, bool counts_itself,
		       struct entry *out)
{
	uint32_t len;

	if (cursor_left(list) <= PADDING_MAX)
		return 0;
	out->has_length = has_length;
	if (!has_length) {
		out->c = *list;
		return 1;
	}
	len = cursor_u32(list);
	if (counts_itself) {
		if (len < 4)
			return -EBADMSG;
		len -= 4;
	}
	if (len > cursor_left(list))
		return -EBADMSG;
	out->c = cursor_over(list->at, len);
	list->at += len;
	return 1;
}

static int end_entry(struct scap_cursor *list, const struct entry *entry)
{
	if (entry->c.is_short)
		return -EBADMSG;
	if (!entry->has_length)
		list->at = entry->c.at;
	return 1;
}

/* Ends at a NUL, if there is one. */
static struct text until_nul(struct text t)
{
	const char *nul = t.len ? memchr(t.ptr, '\0', t.len) : NULL;

	return nul ? (struct text){t.ptr, (uint32_t)(nul - t.ptr)} : t;
}

/* Directories are listed with a closing slash. */
static struct text without_slash(struct text path)
{
	path = until_nul(path);
	if (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

/* What /proc adds to the name of a file that has none any more. */
static bool cut_deleted(struct text *path)
{
	const struct text suffix = TEXT(" (deleted)");

	if (path->len == suffix.len || !text_ends_with(*path, suffix))
		return false;
	path->len -= suffix.len;
	return true;
}

/* Fields that entries of today have at their end; a file may stop after any of them. The old form,
 * of which at most OLD_TAIL_BYTES are left, lacks the first two. */
static void read_tail(struct scap_cursor *c, struct task_facts *task)
{
	uint8_t upper, memfd, lower, writable;
	struct scap_cursor at = *c;

	if (cursor_left(&at) > OLD_TAIL_BYTES) {
		task->pidns_start_ns = cursor_u64(&at);
		task->tty = cursor_u32(&at);
	} else {
		task->unknown |= TASK_UNKNOWN_TTY;
	}
	if (cursor_left(&at) >= 4)
		task->loginuid = cursor_u32(&at);
	writable = cursor_u8(&at);
	if (cursor_left(&at) < 24)
		task->unknown |= TASK_UNKNOWN_CAPS;
	task->cap_inheritable = cursor_u64(&at);
	task->cap_permitted = cursor_u64(&at);
	task->cap_effective = cursor_u64(&at);
	upper = cursor_u8(&at);
	task->exe_ino = cursor_u64(&at);
	task->exe_ctime_ns = cursor_u64(&at);
	task->exe_mtime_ns = cursor_u64(&at);
	memfd = cursor_u8(&at);
	lower = cursor_u8(&at);
	if (cursor_left(&at) >= 8)
		task->pgid = (int32_t)cursor_u64(&at);
	else
		task->unknown |= TASK_UNKNOWN_PGID;
	task->exe_flags = (writable ? EXE_WRITABLE : 0) | (upper ? EXE_UPPER_LAYER : 0) |
			  (memfd ? EXE_FROM_MEMFD : 0) | (lower ? EXE_LOWER_LAYER : 0);
}

static void read_ids(struct scap_cursor *c, struct task_facts *task)
{
	uint32_t uid = cursor_u32(c), gid = cursor_u32(c);

	task->uid = task->euid = task->suid = task->fsuid = uid;
	task->gid = task->egid = task->sgid = task->fsgid = gid;
}

static void read_memory(struct scap_cursor *c, struct task_facts *task)
{
	task->vm_size_kb = cursor_u32(c);
	task->vm_rss_kb = cursor_u32(c);
	task->vm_swap_kb = cursor_u32(c);
	task->pgft_maj = cursor_u64(c);
	task->pgft_min = cursor_u64(c);
}

/* What a version lacks reads as unknown. */
static void set_unknown(struct task_facts *task, uint8_t version)
{
	task->loginuid = UINT32_MAX;
	task->vtid = task->tid;
	task->vpid = task->tgid;
	task->unknown = (version < 6 ? TASK_UNKNOWN_SID : 0) |
			(version < 8 ? TASK_UNKNOWN_VPGID : 0) |
			(version < 4 ? TASK_UNKNOWN_NAMESPACE : 0) |
			(version < 9 ? TASK_UNKNOWN_TTY | TASK_UNKNOWN_CAPS | TASK_UNKNOWN_PGID |
					       TASK_UNKNOWN_LOGINUID
				     : 0);
}

int scap_process_next(struct scap_cursor *c, uint8_t version, struct scap_list_process *out)
{
	struct task_facts *task = &out->task;
	struct entry entry;
	struct scap_cursor *e = &entry.c;
	int r = begin_entry(c, version >= 9, true, &entry);

	if (r <= 0)
		return r;
	*out = (struct scap_list_process){0};
	task->tid = (int32_t)cursor_u64(e);
	task->tgid = (int32_t)cursor_u64(e);
	task->parent_tgid = (int32_t)cursor_u64(e);
	set_unknown(task, version);
	if (version >= 6)
		task->sid = (int32_t)cursor_u64(e);
	if (version >= 8)
		task->vpgid = (int32_t)cursor_u64(e);
	task->comm = until_nul(cursor_text16(e));
	task->exe = until_nul(cursor_text16(e));
	if (version >= 7)
		task->exepath = until_nul(cursor_text16(e));
	task->args = cursor_text16(e);
	task->cwd = without_slash(cursor_text16(e));
	task->fd_limit = (int64_t)cursor_u64(e);
	out->clone_flags = cursor_u32(e);
	read_ids(e, task);
	if (version >= 2)
		read_memory(e, task);
	if (version >= 3)
		task->env = cursor_text16(e);
	if (version >= 4) {
		task->vtid = (int32_t)cursor_u64(e);
		task->vpid = (int32_t)cursor_u64(e);
		task->cgroups = cursor_text16(e);
	}
	if (version >= 5)
		task->root = without_slash(cursor_text16(e));
	task->is_thread = task->tid != task->tgid;
	if (version >= 9 && !e->is_short)
		read_tail(e, task);
	if (cut_deleted(&task->exepath))
		task->exe_flags |= EXE_DELETED;
	cut_deleted(&task->cwd);
	return end_entry(c, &entry);
}

/* Descriptor types of the format. */
enum fd_type {
	FD_TYPE_FILE = 1,
	FD_TYPE_DIRECTORY = 2,
	FD_TYPE_IPV4 = 3,
	FD_TYPE_IPV6 = 4,
	FD_TYPE_IPV4_LISTENING = 5,
	FD_TYPE_IPV6_LISTENING = 6,
	FD_TYPE_FIFO = 7,
	FD_TYPE_UNIX = 8,
	FD_TYPE_EVENT = 9,
	FD_TYPE_UNSUPPORTED = 10,
	FD_TYPE_SIGNAL = 11,
	FD_TYPE_EPOLL = 12,
	FD_TYPE_INOTIFY = 13,
	FD_TYPE_TIMER = 14,
	FD_TYPE_NETLINK = 15,
	FD_TYPE_FILE_V2 = 16,
	FD_TYPE_BPF = 17,
	FD_TYPE_USERFAULT = 18,
	FD_TYPE_IO_URING = 19,
	FD_TYPE_MEMFD = 20,
	FD_TYPE_PIDFD = 21,
	FD_TYPE_END,
};

/* Files without a place go by the names that the kernel has for them: lists give none, or any. */
static const char *const anon_names[FD_TYPE_END] = {
	[FD_TYPE_EVENT] = "[eventfd]",         [FD_TYPE_SIGNAL] = "[signalfd]",
	[FD_TYPE_EPOLL] = "[eventpoll]",       [FD_TYPE_INOTIFY] = "inotify",
	[FD_TYPE_TIMER] = "[timerfd]",         [FD_TYPE_BPF] = "bpf",
	[FD_TYPE_USERFAULT] = "[userfaultfd]", [FD_TYPE_IO_URING] = "[io_uring]",
	[FD_TYPE_PIDFD] = "[pidfd]",
};

static const uint8_t file_kinds[FD_TYPE_END] = {
	[FD_TYPE_FILE] = FILE_KIND_REGULAR,    [FD_TYPE_DIRECTORY] = FILE_KIND_DIRECTORY,
	[FD_TYPE_FIFO] = FILE_KIND_FIFO,       [FD_TYPE_UNSUPPORTED] = FILE_KIND_ANON,
	[FD_TYPE_FILE_V2] = FILE_KIND_REGULAR, [FD_TYPE_MEMFD] = FILE_KIND_MEMFD,
};

/* The format's own numbers of protocols. */
static void set_protocol(struct sock_facts *sock, uint8_t number)
{
	static const struct {
		uint8_t protocol, type;
	} rows[] = {{0, 0},
		    {0, 0},
		    {IPPROTO_TCP, SOCK_STREAM},
		    {IPPROTO_UDP, SOCK_DGRAM},
		    {IPPROTO_ICMP, 0},
		    {IPPROTO_RAW, SOCK_RAW}};

	if (number >= ARRAY_SIZE(rows))
		return;
	sock->protocol = rows[number].protocol;
	sock->type = rows[number].type;
}

static void read_address(struct scap_cursor *c, uint8_t to[16], uint32_t width)
{
	const uint8_t *bytes = cursor_take(c, width);

	if (bytes)
		memcpy(to, bytes, width);
}

static void read_connected(struct scap_cursor *c, struct sock_facts *sock, uint32_t width)
{
	read_address(c, sock->local, width);
	read_address(c, sock->remote, width);
	sock->local_port = cursor_u16(c);
	sock->remote_port = cursor_u16(c);
	set_protocol(sock, cursor_u8(c));
	sock->flags = SOCK_CONNECTED;
}

static void read_listening(struct scap_cursor *c, struct sock_facts *sock, uint32_t width)
{
	read_address(c, sock->local, width);
	sock->local_port = cursor_u16(c);
	set_protocol(sock, cursor_u8(c));
	sock->flags = SOCK_LISTENING | SOCK_SERVER;
}

/* Names of unix sockets were read from a table of lines, with the line's end. */
static void read_unix(struct scap_cursor *c, struct sock_facts *sock)
{
	sock->self_ptr = cursor_u64(c);
	sock->peer_ptr = cursor_u64(c);
	sock->path = until_nul(cursor_text16(c));
	if (sock->path.len && sock->path.ptr[sock->path.len - 1] == '\n')
		sock->path.len--;
}

static bool read_socket(struct scap_cursor *c, uint8_t type, struct sock_facts *sock)
{
	switch (type) {
	case FD_TYPE_IPV4:
	case FD_TYPE_IPV6:
		sock->family = type == FD_TYPE_IPV4 ? AF_INET : AF_INET6;
		read_connected(c, sock, type == FD_TYPE_IPV4 ? 4 : 16);
		return true;
	case FD_TYPE_IPV4_LISTENING:
	case FD_TYPE_IPV6_LISTENING:
		sock->family = type == FD_TYPE_IPV4_LISTENING ? AF_INET : AF_INET6;
		read_listening(c, sock, type == FD_TYPE_IPV4_LISTENING ? 4 : 16);
		return true;
	case FD_TYPE_UNIX:
		sock->family = AF_UNIX;
		read_unix(c, sock);
		return true;
	case FD_TYPE_NETLINK:
		sock->family = AF_NETLINK;
		cursor_text16(c);
		return true;
	default:
		return false;
	}
}

/* Portable bits of an open file. */
enum { OPEN_DIRECTORY = 1 << 10, OPEN_UPPER_LAYER = 1 << 15, OPEN_LOWER_LAYER = 1 << 16 };

static void read_file(struct scap_cursor *c, uint8_t type, struct scap_list_fd *out)
{
	struct file_facts *file = &out->file;

	if (type == FD_TYPE_FILE_V2)
		out->open_flags = cursor_u32(c);
	file->path = until_nul(cursor_text16(c));
	file->kind = anon_names[type] ? FILE_KIND_ANON : (enum file_kind)file_kinds[type];
	if (anon_names[type])
		file->path = text_from(anon_names[type]);
	if (out->open_flags & OPEN_DIRECTORY)
		file->kind = FILE_KIND_DIRECTORY;
	file->flags = (out->open_flags & OPEN_UPPER_LAYER ? FILE_UPPER_LAYER : 0) |
		      (out->open_flags & OPEN_LOWER_LAYER ? FILE_LOWER_LAYER : 0);
}

int scap_fd_next(struct scap_cursor *c, uint8_t version, struct scap_list_fd *out)
{
	struct entry entry;
	struct scap_cursor *e = &entry.c;
	int r = begin_entry(c, version >= 2, true, &entry);
	int64_t fd;
	uint64_t ino;
	uint8_t type;

	if (r <= 0)
		return r;
	*out = (struct scap_list_fd){0};
	fd = (int64_t)cursor_u64(e);
	ino = cursor_u64(e);
	type = cursor_u8(e);
	out->fd = fd >= 0 && fd <= INT32_MAX ? (int32_t)fd : -1;
	out->is_socket = read_socket(e, type, &out->sock);
	out->sock.ino = out->file.ino = ino;
	if (type == 0 || type >= FD_TYPE_END) {
		/* Of a type to come only the length is known, and of an old entry not even that. */
		if (type && !entry.has_length)
			return -EBADMSG;
		out->file.kind = FILE_KIND_ANON;
	} else if (!out->is_socket) {
		read_file(e, type, out);
		if (entry.has_length && type == FD_TYPE_FILE_V2 && cursor_left(e) >= 4)
			out->file.dev = cursor_u32(e);
	}
	return end_entry(c, &entry);
}

int scap_address_next(struct scap_cursor *c, uint8_t version, struct host_address *out)
{
	enum { V4 = 1, V6 = 2, V4_SLOW = 3, V6_SLOW = 4 }; /* the last two without a speed */
	struct entry entry;
	struct scap_cursor *e = &entry.c;
	int r = begin_entry(c, version >= 2, false, &entry);
	uint16_t type, name_len;
	uint32_t width;

	if (r <= 0)
		return r;
	*out = (struct host_address){0};
	type = cursor_u16(e);
	name_len = cursor_u16(e);
	if (type < V4 || type > V6_SLOW)
		return -EBADMSG;
	width = type == V4 || type == V4_SLOW ? 4 : 16;
	out->family = width == 4 ? AF_INET : AF_INET6;
	read_address(e, out->address, width);
	read_address(e, out->netmask, width);
	cursor_take(e, width); /* broadcast */
	if (type <= V6)
		cursor_u64(e); /* speed */
	out->interface = until_nul(cursor_text(e, name_len));
	return end_entry(c, &entry);
}

int scap_user_next(struct scap_cursor *c, uint8_t version, struct scap_list_user *out)
{
	struct entry entry;
	struct scap_cursor *e = &entry.c;
	int r = begin_entry(c, version >= 2, true, &entry);

	if (r <= 0)
		return r;
	*out = (struct scap_list_user){.is_group = cursor_u8(e) != 0};
	if (out->is_group) {
		out->group.gid = cursor_u32(e);
		out->group.name = until_nul(cursor_text16(e));
	} else {
		out->user.uid = cursor_u32(e);
		out->user.gid = cursor_u32(e);
		out->user.name = until_nul(cursor_text16(e));
		out->user.home = until_nul(cursor_text16(e));
		out->user.shell = until_nul(cursor_text16(e));
	}
	return end_entry(c, &entry);
}
