#include "tests/lib/events.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#define NS_PER_S 1e9

void event_maker_init(struct event_maker *maker, double boot_s)
{
	memset(maker, 0, sizeof(*maker));
	maker->now_ns = TEST_BOOT_EPOCH_NS + (uint64_t)(boot_s * NS_PER_S);
	maker->step_ns = 1000000;
}

void event_maker_advance(struct event_maker *maker, double seconds)
{
	maker->now_ns += (uint64_t)(seconds * NS_PER_S);
}

struct event *event_start(struct event_maker *maker, const struct test_task *who,
			  enum event_type type)
{
	struct event *ev = &maker->ev;

	*ev = (struct event){
		.ts_ns = maker->now_ns,
		.boot_ns = maker->now_ns - TEST_BOOT_EPOCH_NS,
		.num = ++maker->num,
		.type = type,
		.nr = UINT16_MAX,
		.tid = -1,
		.tgid = -1,
		.has_res = true,
		.n_params = event_info(type)->n_params,
		.fd = -1,
	};
	maker->now_ns += maker->step_ns;
	maker->file = (struct file_facts){0};
	maker->sock = (struct sock_facts){0};
	if (who) {
		ev->tgid = who->pid;
		ev->tid = who->tid ? who->tid : who->pid;
		ev->start_ns = who->start_ns;
		ev->exec_id = who->exec_id;
	}
	return ev;
}

void event_set_i64(struct event *ev, unsigned index, int64_t value)
{
	assert(index < ev->n_params);
	ev->params[index] = (struct param){.i64 = value, .is_present = true};
}

void event_set_u64(struct event *ev, unsigned index, uint64_t value)
{
	assert(index < ev->n_params);
	ev->params[index] = (struct param){.u64 = value, .is_present = true};
}

void event_set_text(struct event *ev, unsigned index, const char *text)
{
	event_set_bytes(ev, index, text, (uint32_t)strlen(text));
}

void event_set_bytes(struct event *ev, unsigned index, const void *bytes, uint32_t len)
{
	assert(index < ev->n_params);
	ev->params[index] = (struct param){.bytes = {bytes, len}, .is_present = true};
}

void event_set_res(struct event *ev, int64_t res)
{
	ev->res = res;
	event_set_i64(ev, 0, res);
}

static struct text join_list(char buffer[TEST_LIST_BYTES], const char *const *items)
{
	uint32_t used = 0;

	for (; items && *items; items++) {
		size_t len = strlen(*items) + 1;

		assert(used + len <= TEST_LIST_BYTES);
		memcpy(buffer + used, *items, len);
		used += (uint32_t)len;
	}
	return (struct text){buffer, used};
}

static struct text base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return text_from(slash ? slash + 1 : path);
}

static void fill_task(struct event_maker *maker, const struct test_task *t)
{
	static const char *const root_cgroup[] = {"unified=/", NULL};
	const char *exepath = t->exepath ? t->exepath : "";
	struct task_facts *out = &maker->task;
	int32_t vpid = t->vpid ? t->vpid : t->pid;

	*out = (struct task_facts){
		.tid = t->tid ? t->tid : t->pid,
		.tgid = t->pid,
		.parent_tgid = t->ppid,
		.parent_start_ns = t->parent_start_ns,
		.vtid = vpid,
		.vpid = vpid,
		.sid = t->sid ? t->sid : t->pid,
		.pgid = t->pgid ? t->pgid : t->pid,
		.vpgid = t->pgid ? t->pgid : vpid,
		.start_ns = t->start_ns,
		.pidns_start_ns = t->pidns_start_ns,
		.exec_id = t->exec_id,
		.loginuid = t->loginuid ? t->loginuid : UINT32_MAX,
		.tty = t->tty,
		.fd_limit = 1024,
		.exe_flags = t->exe_flags,
		.exe_ino = t->exe_ino,
		.exepath = text_from(exepath),
		.exe = t->exe ? text_from(t->exe) : text_from(exepath),
		.comm = t->comm ? text_from(t->comm) : base_name(exepath),
		.cwd = text_from(t->cwd ? t->cwd : "/"),
		.root = text_from(t->root ? t->root : "/"),
	};
	out->uid = out->euid = out->suid = out->fsuid = t->uid;
	out->gid = out->egid = out->sgid = out->fsgid = t->gid;
	if (out->comm.len > 15)
		out->comm.len = 15;
	out->args = join_list(maker->args, t->args);
	out->env = join_list(maker->env, t->env);
	out->cgroups = join_list(maker->cgroups, t->cgroups ? t->cgroups : root_cgroup);
	maker->ev.task = out;
}

struct event *event_scan(struct event_maker *maker, const struct test_task *task)
{
	struct event *ev = event_start(maker, task, EVENT_PROCINFO);

	ev->has_res = false;
	ev->quality = EVENT_STATE_ONLY;
	fill_task(maker, task);
	return ev;
}

struct event *event_scan_fd(struct event_maker *maker, const struct test_task *task, int32_t fd,
			    const char *path)
{
	struct event *ev = event_start(maker, task, EVENT_PROCINFO);

	ev->has_res = false;
	ev->quality = EVENT_STATE_ONLY;
	ev->fd = fd;
	maker->file = (struct file_facts){
		.path = text_from(path), .ino = 1000 + (uint64_t)fd, .kind = FILE_KIND_REGULAR};
	ev->file = &maker->file;
	return ev;
}

struct event *event_exec(struct event_maker *maker, const struct test_task *task)
{
	struct event *ev = event_start(maker, task, EVENT_EXECVE);
	const struct task_facts *facts = &maker->task;

	fill_task(maker, task);
	event_set_res(ev, 0);
	event_set_bytes(ev, EXECVE_exe, facts->exe.ptr, facts->exe.len);
	event_set_bytes(ev, EXECVE_args, facts->args.ptr, facts->args.len);
	event_set_i64(ev, EXECVE_tid, facts->tid);
	event_set_i64(ev, EXECVE_pid, facts->tgid);
	event_set_i64(ev, EXECVE_ptid, facts->parent_tgid);
	event_set_bytes(ev, EXECVE_cwd, facts->cwd.ptr, facts->cwd.len);
	event_set_bytes(ev, EXECVE_comm, facts->comm.ptr, facts->comm.len);
	event_set_bytes(ev, EXECVE_cgroups, facts->cgroups.ptr, facts->cgroups.len);
	event_set_bytes(ev, EXECVE_env, facts->env.ptr, facts->env.len);
	event_set_u64(ev, EXECVE_uid, facts->uid);
	event_set_u64(ev, EXECVE_gid, facts->gid);
	event_set_u64(ev, EXECVE_loginuid, facts->loginuid);
	event_set_bytes(ev, EXECVE_trusted_exepath, facts->exepath.ptr, facts->exepath.len);
	event_set_bytes(ev, EXECVE_filename, facts->exepath.ptr, facts->exepath.len);
	return ev;
}

struct event *event_exec_failed(struct event_maker *maker, const struct test_task *who,
				const char *path, int error)
{
	struct event *ev = event_start(maker, who, EVENT_EXECVE);

	event_set_res(ev, -(int64_t)error);
	event_set_text(ev, EXECVE_exe, path);
	event_set_text(ev, EXECVE_filename, path);
	ev->raw_path[0] = text_from(path);
	return ev;
}

struct event *event_fork(struct event_maker *maker, const struct test_task *who,
			 const struct test_task *child)
{
	struct event *ev = event_start(maker, who, EVENT_CLONE);

	fill_task(maker, child);
	if (!maker->task.parent_tgid)
		maker->task.parent_tgid = who->pid;
	if (!maker->task.parent_start_ns)
		maker->task.parent_start_ns = who->start_ns;
	event_set_res(ev, child->pid);
	event_set_i64(ev, CLONE_tid, ev->tid);
	event_set_i64(ev, CLONE_pid, ev->tgid);
	event_set_u64(ev, CLONE_flags, 0);
	return ev;
}

struct event *event_thread(struct event_maker *maker, const struct test_task *who, int32_t tid)
{
	struct event *ev = event_start(maker, who, EVENT_CLONE3);

	fill_task(maker, who);
	maker->task.tid = tid;
	maker->task.vtid = tid;
	maker->task.is_thread = true;
	maker->task.clone_flags = 0x10000 | 0x400 | 0x100; /* CLONE_THREAD | FILES | VM */
	event_set_res(ev, tid);
	return ev;
}

struct event *event_exit(struct event_maker *maker, const struct test_task *who, int32_t status,
			 int32_t reaper)
{
	struct event *ev = event_start(maker, who, EVENT_PROCEXIT);

	ev->has_res = false;
	event_set_i64(ev, PROCEXIT_status, status);
	event_set_i64(ev, PROCEXIT_ret, status >> 8 & 0xff);
	event_set_u64(ev, PROCEXIT_sig, (uint64_t)(status & 0x7f));
	event_set_u64(ev, PROCEXIT_core, 0);
	event_set_i64(ev, PROCEXIT_reaper_tid, reaper);
	return ev;
}

struct event *event_open(struct event_maker *maker, const struct test_task *who, int32_t fd,
			 const char *path, uint32_t flags)
{
	struct event *ev = event_start(maker, who, EVENT_OPENAT);

	event_set_res(ev, fd);
	event_set_i64(ev, OPENAT_dirfd, TEST_AT_FDCWD);
	event_set_text(ev, OPENAT_name, path);
	event_set_u64(ev, OPENAT_flags, flags);
	event_set_u64(ev, OPENAT_mode, 0);
	ev->raw_path[0] = text_from(path);
	if (fd < 0) {
		ev->quality |= EVENT_PATH_FROM_CALLER;
		return ev;
	}
	ev->fd = fd;
	maker->file = (struct file_facts){
		.path = text_from(path),
		.ino = 4711,
		.dev = 8 << 20 | 1,
		.mode = 0100644,
		.kind = flags & TEST_O_DIRECTORY ? FILE_KIND_DIRECTORY : FILE_KIND_REGULAR,
	};
	ev->file = &maker->file;
	event_set_u64(ev, OPENAT_dev, maker->file.dev);
	event_set_u64(ev, OPENAT_ino, maker->file.ino);
	return ev;
}

struct event *event_close(struct event_maker *maker, const struct test_task *who, int32_t fd)
{
	struct event *ev = event_start(maker, who, EVENT_CLOSE);

	event_set_res(ev, 0);
	event_set_i64(ev, CLOSE_fd, fd);
	ev->fd = fd;
	return ev;
}

static bool is_path(enum param_type type)
{
	return type == PARAM_FSPATH || type == PARAM_FSRELPATH;
}

struct event *event_path(struct event_maker *maker, const struct test_task *who,
			 enum event_type type, const char *path, int64_t res)
{
	struct event *ev = event_start(maker, who, type);
	const struct event_info *info = event_info(type);
	unsigned at = 0;

	while (at < info->n_params && !is_path(info->params[at].type))
		at++;
	assert(at < info->n_params);
	event_set_res(ev, res);
	event_set_text(ev, at, path);
	if (info->params[at].dirfd_param >= 0)
		event_set_i64(ev, (unsigned)info->params[at].dirfd_param, TEST_AT_FDCWD);
	ev->raw_path[0] = text_from(path);
	ev->quality |= EVENT_PATH_FROM_CALLER;
	return ev;
}

/* Parse an address into 16 bytes; gives the family. */
static uint8_t parse_address(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET, text, out) == 1)
		return AF_INET;
	assert(inet_pton(AF_INET6, text, out) == 1);
	return AF_INET6;
}

static uint32_t put(char *at, const void *bytes, uint32_t len)
{
	memcpy(at, bytes, len);
	return len;
}

static uint32_t put_end(char *at, uint8_t family, const uint8_t address[16], uint16_t port)
{
	uint32_t len = put(at, address, family == AF_INET ? 4 : 16);

	return len + put(at + len, &port, sizeof(port));
}

/* The socket's ends as facts; remote may be NULL. */
static void fill_sock(struct event_maker *maker, const char *local, uint16_t local_port,
		      const char *remote, uint16_t remote_port, uint8_t flags)
{
	struct sock_facts *sock = &maker->sock;

	sock->family = parse_address(local, sock->local);
	sock->local_port = local_port;
	if (remote)
		assert(parse_address(remote, sock->remote) == sock->family);
	sock->remote_port = remote_port;
	sock->type = SOCK_STREAM;
	sock->protocol = IPPROTO_TCP;
	sock->flags = flags;
	sock->ino = 5000;
	maker->ev.sock = sock;
}

/* Source first: the client's end. */
static void set_tuple(struct event_maker *maker, unsigned index, bool is_client)
{
	const struct sock_facts *sock = &maker->sock;
	uint8_t family = (uint8_t)sock->family;
	uint32_t len = put(maker->tuple, &family, 1);
	const uint8_t *ends[2] = {sock->local, sock->remote};
	const uint16_t ports[2] = {sock->local_port, sock->remote_port};

	for (int i = 0; i < 2; i++) {
		int end = is_client ? i : 1 - i;

		len += put_end(maker->tuple + len, family, ends[end], ports[end]);
	}
	event_set_bytes(&maker->ev, index, maker->tuple, len);
}

static void set_address(struct event_maker *maker, unsigned index, const uint8_t address[16],
			uint16_t port)
{
	uint8_t family = (uint8_t)maker->sock.family;
	uint32_t len = put(maker->addr, &family, 1);

	len += put_end(maker->addr + len, family, address, port);
	event_set_bytes(&maker->ev, index, maker->addr, len);
}

struct event *event_socket(struct event_maker *maker, const struct test_task *who, int32_t fd,
			   int domain, int type)
{
	struct event *ev = event_start(maker, who, EVENT_SOCKET);

	event_set_res(ev, fd);
	event_set_u64(ev, SOCKET_domain, (uint64_t)domain);
	event_set_u64(ev, SOCKET_type, (uint64_t)type);
	event_set_u64(ev, SOCKET_proto, 0);
	ev->fd = fd;
	return ev;
}

struct event *event_connect(struct event_maker *maker, const struct test_task *who, int32_t fd,
			    const char *local, uint16_t local_port, const char *remote,
			    uint16_t remote_port, int64_t res)
{
	struct event *ev = event_start(maker, who, EVENT_CONNECT);

	event_set_res(ev, res);
	event_set_i64(ev, CONNECT_fd, fd);
	ev->fd = fd;
	fill_sock(maker, local, local_port, remote, remote_port, res == 0 ? SOCK_CONNECTED : 0);
	set_tuple(maker, CONNECT_tuple, true);
	set_address(maker, CONNECT_addr, maker->sock.remote, remote_port);
	return ev;
}

struct event *event_accept(struct event_maker *maker, const struct test_task *who, int32_t fd,
			   const char *local, uint16_t local_port, const char *remote,
			   uint16_t remote_port)
{
	struct event *ev = event_start(maker, who, EVENT_ACCEPT4);

	event_set_res(ev, fd);
	ev->fd = fd;
	fill_sock(maker, local, local_port, remote, remote_port, SOCK_CONNECTED | SOCK_SERVER);
	set_tuple(maker, ACCEPT4_tuple, false);
	return ev;
}

struct event *event_bind(struct event_maker *maker, const struct test_task *who, int32_t fd,
			 const char *local, uint16_t local_port, int64_t res)
{
	struct event *ev = event_start(maker, who, EVENT_BIND);

	event_set_res(ev, res);
	event_set_i64(ev, BIND_fd, fd);
	ev->fd = fd;
	fill_sock(maker, local, local_port, NULL, 0, 0);
	set_address(maker, BIND_addr, maker->sock.local, local_port);
	return ev;
}

struct event *event_listen(struct event_maker *maker, const struct test_task *who, int32_t fd,
			   const char *local, uint16_t local_port)
{
	struct event *ev = event_start(maker, who, EVENT_LISTEN);

	event_set_res(ev, 0);
	event_set_i64(ev, LISTEN_fd, fd);
	event_set_i64(ev, LISTEN_backlog, 128);
	ev->fd = fd;
	fill_sock(maker, local, local_port, NULL, 0, SOCK_LISTENING | SOCK_SERVER);
	return ev;
}
