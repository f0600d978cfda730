/* What a capture tells before its events: machine, addresses, users, processes, descriptors. */
#include <sys/socket.h>

#include "base/util.h"
#include "capture/decode_family.h"
#include "capture/scap_encode.h"

#define MAGIC 0x1a2b3c4du
#define VERSION_MAJOR 1
#define VERSION_MINOR 2
#define HOSTNAME_BYTES 128

#define CLONE_FILES_BIT (1u << 0)
#define CLONE_THREAD_BIT (1u << 13)
#define CLONE_IN_PIDNS_BIT (1u << 29)

/* Types of descriptors that readers of 2022 know (later ones make them refuse the file). */
enum scap_fd_type {
	SCAP_FD_DIRECTORY = 2,
	SCAP_FD_IPV4 = 3,
	SCAP_FD_IPV6 = 4,
	SCAP_FD_IPV4_BOUND = 5,
	SCAP_FD_IPV6_BOUND = 6,
	SCAP_FD_FIFO = 7,
	SCAP_FD_UNIX = 8,
	SCAP_FD_EVENT = 9,
	SCAP_FD_UNSUPPORTED = 10,
	SCAP_FD_SIGNAL = 11,
	SCAP_FD_EPOLL = 12,
	SCAP_FD_INOTIFY = 13,
	SCAP_FD_TIMER = 14,
	SCAP_FD_NETLINK = 15,
	SCAP_FD_FILE = 16,
};

/* At most `max` bytes; what is cut is counted. */
static struct text clip(struct text text, uint32_t max, uint64_t *clipped)
{
	if (!text.ptr)
		return TEXT_NONE;
	if (text.len > max) {
		(*clipped)++;
		text.len = max;
	}
	return text;
}

static void put_clipped(struct scap_block *block, struct text text, uint32_t max, uint64_t *clipped)
{
	scap_put_text(block, clip(text, max - 1, clipped));
}

/* NUL-terminated strings; the last one may have lost its end. */
static void put_list(struct scap_block *block, struct text list, uint64_t *clipped)
{
	list = clip(list, SCAP_LIST_MAX - 2, clipped);
	if (list.len && list.ptr[list.len - 1] != '\0') {
		scap_put_u16(block, (uint16_t)(list.len + 1));
		scap_put_bytes(block, list.ptr, list.len);
		scap_put_u8(block, 0);
		return;
	}
	scap_put_text(block, list);
}

/* False, and the entry taken back, when it did not fit. */
static bool finish_entry(struct scap_block *block, uint32_t place, bool counts_itself)
{
	if (block->is_full) {
		scap_entry_undo(block, place);
		return false;
	}
	scap_entry_end(block, place, counts_itself);
	return true;
}

void scap_encode_section(struct scap_block *block)
{
	scap_put_u32(block, MAGIC);
	scap_put_u16(block, VERSION_MAJOR);
	scap_put_u16(block, VERSION_MINOR);
	scap_put_u64(block, UINT64_MAX); /* length of the section: not known */
}

void scap_encode_machine(struct scap_block *block, const struct scap_machine *machine,
			 struct text hostname, uint64_t *clipped)
{
	char name[HOSTNAME_BYTES] = {0};

	hostname = clip(hostname, sizeof(name) - 1, clipped);
	if (hostname.len)
		memcpy(name, hostname.ptr, hostname.len);
	scap_put_u32(block, machine->n_cpus);
	scap_put_u64(block, machine->memory_bytes);
	scap_put_u64(block, machine->pid_max);
	scap_put_bytes(block, name, sizeof(name));
	scap_put_u64(block, machine->boot_epoch_ns);
	for (int i = 0; i < 3; i++)
		scap_put_u64(block, 0); /* flags and two reserved */
}

/* The broadcast address follows from the two others. */
static void put_broadcast(struct scap_block *block, const struct host_address *address,
			  uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		scap_put_u8(block, (uint8_t)(address->address[i] | (uint8_t)~address->netmask[i]));
}

/* The only list whose lengths do not count themselves. */
bool scap_encode_interface(struct scap_block *block, const struct host_address *address,
			   uint64_t *clipped)
{
	bool is_v4 = address->family == AF_INET;
	uint32_t size = is_v4 ? 4 : 16, place = scap_entry_begin(block);
	struct text name = clip(address->interface, SCAP_USER_MAX - 1, clipped);

	scap_put_u16(block, is_v4 ? 1 : 2);
	scap_put_u16(block, (uint16_t)name.len);
	scap_put_bytes(block, address->address, size);
	scap_put_bytes(block, address->netmask, size);
	put_broadcast(block, address, size);
	scap_put_u64(block, 0); /* link speed */
	scap_put_bytes(block, name.ptr, name.len);
	return finish_entry(block, place, false);
}

bool scap_encode_user(struct scap_block *block, const struct host_user *user, uint64_t *clipped)
{
	uint32_t place = scap_entry_begin(block);

	scap_put_u8(block, 0);
	scap_put_u32(block, user->uid);
	scap_put_u32(block, user->gid);
	put_clipped(block, user->name, SCAP_USER_MAX, clipped);
	put_clipped(block, user->home, SCAP_USER_MAX, clipped);
	put_clipped(block, user->shell, SCAP_USER_MAX, clipped);
	return finish_entry(block, place, true);
}

bool scap_encode_group(struct scap_block *block, const struct host_group *group, uint64_t *clipped)
{
	uint32_t place = scap_entry_begin(block);

	scap_put_u8(block, 1);
	scap_put_u32(block, group->gid);
	put_clipped(block, group->name, SCAP_USER_MAX, clipped);
	return finish_entry(block, place, true);
}

/* The members from 2019 on up to `root`, then the first tail there was: login uid, writable image,
 * capabilities. Later libraries put two members in front of it, which readers of 2022 take for the
 * login uid; 29 bytes or less are read as the first tail by all. The price is that terminal,
 * process group, image inode and layer of what ran before the recording are not in the file. */
static void put_tail(struct scap_block *block, const struct task_facts *task)
{
	scap_put_u32(block, task->loginuid);
	scap_put_u8(block, task->exe_flags & EXE_WRITABLE ? 1 : 0);
	scap_put_u64(block, task->cap_inheritable);
	scap_put_u64(block, task->cap_permitted);
	scap_put_u64(block, task->cap_effective);
}

static uint32_t task_flags(const struct task_facts *task)
{
	uint32_t flags = task->is_thread ? CLONE_THREAD_BIT | CLONE_FILES_BIT : 0;

	return task->vtid != task->tid ? flags | CLONE_IN_PIDNS_BIT : flags;
}

bool scap_encode_task(struct scap_block *block, const struct task_facts *task, uint64_t *clipped)
{
	uint32_t place = scap_entry_begin(block);

	scap_put_u64(block, (uint64_t)task->tid);
	scap_put_u64(block, (uint64_t)task->tgid);
	scap_put_u64(block, (uint64_t)task->parent_tgid);
	scap_put_u64(block, (uint64_t)task->sid);
	scap_put_u64(block, (uint64_t)task->vpgid);
	put_clipped(block, task->comm, SCAP_TEXT_MAX, clipped);
	put_clipped(block, task->exe, SCAP_TEXT_MAX, clipped);
	put_clipped(block, task->exepath, SCAP_TEXT_MAX, clipped);
	put_list(block, task->args, clipped);
	put_clipped(block, task->cwd, SCAP_TEXT_MAX, clipped);
	scap_put_u64(block, (uint64_t)task->fd_limit);
	scap_put_u32(block, task_flags(task));
	scap_put_u32(block, task->euid);
	scap_put_u32(block, task->egid);
	scap_put_u32(block, task->vm_size_kb);
	scap_put_u32(block, task->vm_rss_kb);
	scap_put_u32(block, task->vm_swap_kb);
	scap_put_u64(block, task->pgft_maj);
	scap_put_u64(block, task->pgft_min);
	put_list(block, task->env, clipped);
	scap_put_u64(block, (uint64_t)task->vtid);
	scap_put_u64(block, (uint64_t)task->vpid);
	put_list(block, task->cgroups, clipped);
	put_clipped(block, task->root, SCAP_TEXT_MAX, clipped);
	put_tail(block, task);
	return finish_entry(block, place, true);
}

/* The kernel's names of files that are none. */
static const struct {
	const char *name;
	enum scap_fd_type type;
} anonymous[] = {
	{"[eventfd]", SCAP_FD_EVENT},   {"[eventpoll]", SCAP_FD_EPOLL},
	{"[signalfd]", SCAP_FD_SIGNAL}, {"[timerfd]", SCAP_FD_TIMER},
	{"inotify", SCAP_FD_INOTIFY},   {"[inotify]", SCAP_FD_INOTIFY},
};

static enum scap_fd_type anonymous_type(struct text name)
{
	for (size_t i = 0; i < ARRAY_SIZE(anonymous); i++) {
		if (text_equal(name, text_from(anonymous[i].name)))
			return anonymous[i].type;
	}
	return SCAP_FD_UNSUPPORTED;
}

static void put_file(struct scap_block *block, const struct file_facts *file, uint64_t *clipped)
{
	static const uint8_t types[] = {
		[FILE_KIND_UNKNOWN] = SCAP_FD_UNSUPPORTED,
		[FILE_KIND_REGULAR] = SCAP_FD_FILE,
		[FILE_KIND_DIRECTORY] = SCAP_FD_DIRECTORY,
		[FILE_KIND_CHAR_DEVICE] = SCAP_FD_FILE,
		[FILE_KIND_BLOCK_DEVICE] = SCAP_FD_FILE,
		[FILE_KIND_FIFO] = SCAP_FD_FIFO,
		[FILE_KIND_SOCKET] = SCAP_FD_UNSUPPORTED,
		[FILE_KIND_SYMLINK] = SCAP_FD_FILE,
		[FILE_KIND_ANON] = SCAP_FD_UNSUPPORTED,
		[FILE_KIND_MEMFD] = SCAP_FD_FILE, /* its own type is of 2023 */
	};
	uint8_t type = types[file->kind];

	if (file->kind == FILE_KIND_ANON)
		type = (uint8_t)anonymous_type(file->path);
	scap_put_u64(block, file->ino);
	scap_put_u8(block, type);
	if (type == SCAP_FD_FILE)
		scap_put_u32(block, 0); /* open flags: not known */
	put_clipped(block, file->path, SCAP_TEXT_MAX, clipped);
	if (type == SCAP_FD_FILE)
		scap_put_u32(block, dev_portable(file->dev));
}

/* The library's own numbers of protocols. */
static uint8_t l4proto(const struct sock_facts *sock)
{
	enum { UNKNOWN = 0, TCP = 2, UDP = 3, ICMP = 4, RAW = 5 };

	if (sock->type == SOCK_STREAM)
		return TCP;
	if (sock->type == SOCK_RAW)
		return RAW;
	if (sock->type != SOCK_DGRAM)
		return UNKNOWN;
	return sock->protocol == 1 || sock->protocol == 58 ? ICMP : UDP;
}

/* Local end first, as /proc/net tells it; readers find out who is the server. */
static void put_internet(struct scap_block *block, const struct sock_facts *sock)
{
	uint32_t size = sock->family == AF_INET ? 4 : 16;
	bool is_bound = sock->flags & SOCK_LISTENING || (sock->local_port && !sock->remote_port);
	uint8_t type = sock->family == AF_INET ? SCAP_FD_IPV4 : SCAP_FD_IPV6;

	scap_put_u8(block, is_bound ? type + 2 : type);
	scap_put_bytes(block, sock->local, size);
	if (is_bound) {
		scap_put_u16(block, sock->local_port);
	} else {
		scap_put_bytes(block, sock->remote, size);
		scap_put_u16(block, sock->local_port);
		scap_put_u16(block, sock->remote_port);
	}
	scap_put_u8(block, l4proto(sock));
}

static void put_socket(struct scap_block *block, const struct sock_facts *sock, uint64_t *clipped)
{
	scap_put_u64(block, sock->ino);
	if (sock->family == AF_INET || sock->family == AF_INET6) {
		put_internet(block, sock);
	} else if (sock->family == AF_UNIX) {
		scap_put_u8(block, SCAP_FD_UNIX);
		scap_put_u64(block, sock->self_ptr);
		scap_put_u64(block, sock->peer_ptr);
		put_clipped(block, sock->path, SCAP_TEXT_MAX, clipped);
	} else {
		scap_put_u8(block,
			    sock->family == AF_NETLINK ? SCAP_FD_NETLINK : SCAP_FD_UNSUPPORTED);
		scap_put_u16(block, 0);
	}
}

bool scap_encode_fd(struct scap_block *block, const struct event *ev, uint64_t *clipped)
{
	uint32_t place = scap_entry_begin(block);

	scap_put_u64(block, (uint64_t)ev->fd);
	if (ev->sock)
		put_socket(block, ev->sock, clipped);
	else
		put_file(block, ev->file, clipped);
	return finish_entry(block, place, true);
}
