/* What is asked for on io_uring rings: no system call shows it, the events must. Each request is
 * made for real; what the kernel answered is written down by the child and compared. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

#define FIXED 8  /* registered files of a ring */
#define NEW (-1) /* a descriptor that the kernel chose */

/* What the child found out, for the test. */
struct found {
	char folder[64];
	int32_t res[32];
	ino_t ino[32];
	int n;
	int dirfd, port, peer_port, tid;
	unsigned setup_flags, sqe_flags;
};

static struct found *found;

static struct found *make_found(void)
{
	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	assert_true(found != MAP_FAILED);
	memset(found, 0, sizeof(*found));
	strcpy(found->folder, "/tmp/ethogram-ring-XXXXXX");
	assert_non_null(mkdtemp(found->folder));
	return found;
}

static void free_found(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", found->folder);
	assert_int_equal(system(command), 0);
	munmap(found, sizeof(*found));
}

static struct io_uring ring;

static void begin_ring(void)
{
	int r;

	alarm(20); /* an answer that never comes must not hang the test */
	r = io_uring_queue_init(16, &ring, found->setup_flags);

	if (r)
		_exit(100);
	r = io_uring_register_files_sparse(&ring, FIXED);
	if (r)
		_exit(101);
}

static struct io_uring_sqe *sqe(void)
{
	struct io_uring_sqe *s = io_uring_get_sqe(&ring);

	if (!s)
		_exit(102);
	return s;
}

/* Submit what was prepared, write the answer down. */
static int answer(void)
{
	struct io_uring_cqe *cqe;
	struct stat st;
	int res;

	if (io_uring_submit(&ring) < 0 || io_uring_wait_cqe(&ring, &cqe))
		_exit(103);
	res = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	found->ino[found->n] = res > 2 && fstat(res, &st) == 0 ? st.st_ino : 0;
	found->res[found->n++] = res;
	return res;
}

static struct io_uring_sqe *go(struct io_uring_sqe *s)
{
	s->flags |= found->sqe_flags;
	return s;
}

static const struct open_how_row {
	uint64_t flags, mode, resolve;
} how_made = {O_RDWR | O_CREAT | O_CLOEXEC, 0640, 0};

static void child_files(void *arg)
{
	int fd;

	(void)arg;
	if (chdir(found->folder) || mkdir("sub", 0755))
		_exit(1);
	found->dirfd = open("sub", O_RDONLY | O_DIRECTORY);
	begin_ring();
	found->tid = gettid();
	io_uring_prep_openat2(go(sqe()), found->dirfd, "made", (struct open_how *)&how_made);
	fd = answer();
	io_uring_prep_close(go(sqe()), fd);
	answer();
	io_uring_prep_openat(go(sqe()), AT_FDCWD, "sub/../sub/made", O_RDONLY, 0);
	answer();
	io_uring_prep_openat(go(sqe()), found->dirfd, "none", O_WRONLY, 0);
	answer();
	io_uring_prep_mkdirat(go(sqe()), found->dirfd, "d", 0711);
	answer();
	io_uring_prep_symlinkat(go(sqe()), "made", found->dirfd, "s");
	answer();
	io_uring_prep_linkat(go(sqe()), found->dirfd, "made", AT_FDCWD, "l", 0);
	answer();
	io_uring_prep_renameat(go(sqe()), AT_FDCWD, "l", found->dirfd, "m", RENAME_NOREPLACE);
	answer();
	io_uring_prep_unlinkat(go(sqe()), found->dirfd, "m", 0);
	answer();
	io_uring_prep_unlinkat(go(sqe()), found->dirfd, "m", 0);
	answer();
	io_uring_prep_unlinkat(go(sqe()), found->dirfd, "d", AT_REMOVEDIR);
	answer();
	io_uring_prep_openat(go(sqe()), found->dirfd, "s", O_RDONLY, 0);
	answer();
}

static const enum event_type file_types[] = {
	EVENT_OPENAT,    EVENT_OPENAT2,  EVENT_CLOSE,     EVENT_MKDIRAT,        EVENT_LINKAT,
	EVENT_RENAMEAT2, EVENT_UNLINKAT, EVENT_SYMLINKAT, EVENT_IO_URING_SETUP, EVENT_TYPE_END,
};

/* The nth event that came from a ring. */
static const struct event *ring_event(const struct live_test *t, uint32_t nth)
{
	for (uint32_t i = 0; i < t->n_events; i++) {
		if (t->events[i].ev.quality & EVENT_IO_URING && nth-- == 0)
			return &t->events[i].ev;
	}
	fail_msg("too few events came from the ring");
	return NULL;
}

static uint32_t ring_events(const struct live_test *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_events; i++)
		n += !!(t->events[i].ev.quality & EVENT_IO_URING);
	return n;
}

static void path_is(const struct event *ev, const char *name)
{
	char want[256];

	snprintf(want, sizeof(want), "%s/%s", found->folder, name);
	assert_non_null(ev->file);
	assert_text(ev->file->path, want);
}

static const struct {
	enum event_type type;
	const char *path;     /* of the kernel's file; NULL: there is none */
	const char *typed[2]; /* parameters ... */
	const char *value[2];
	const char *dirfd; /* parameter that names the folder's descriptor */
} file_rows[] = {
	{EVENT_OPENAT2, "sub/made", {NULL, NULL}, {NULL, NULL}, "dirfd"},
	{EVENT_CLOSE, NULL, {NULL, NULL}, {NULL, NULL}, NULL},
	{EVENT_OPENAT, "sub/made", {NULL, NULL}, {NULL, NULL}, NULL},
	{EVENT_OPENAT, NULL, {"name", NULL}, {"none", NULL}, "dirfd"},
	{EVENT_MKDIRAT, NULL, {"path", NULL}, {"d", NULL}, "dirfd"},
	{EVENT_SYMLINKAT, NULL, {"target", "linkpath"}, {"made", "s"}, "linkdirfd"},
	{EVENT_LINKAT, NULL, {"oldpath", "newpath"}, {"made", "l"}, "olddir"},
	{EVENT_RENAMEAT2, NULL, {"oldpath", "newpath"}, {"l", "m"}, "newdirfd"},
	{EVENT_UNLINKAT, NULL, {"name", NULL}, {"m", NULL}, "dirfd"},
	{EVENT_UNLINKAT, NULL, {"name", NULL}, {"m", NULL}, "dirfd"},
	{EVENT_UNLINKAT, NULL, {"name", NULL}, {"d", NULL}, "dirfd"},
	{EVENT_OPENAT, "sub/made", {NULL, NULL}, {NULL, NULL}, "dirfd"},
};

static void check_files(struct live_test *t)
{
	const struct event *ev;

	live_want(t, file_types);
	live_run(t, child_files, NULL);
	assert_int_equal(t->child_status, 0);
	assert_int_equal(found->n, ARRAY_SIZE(file_rows));
	assert_int_equal(ring_events(t), ARRAY_SIZE(file_rows));
	for (uint32_t i = 0; i < ARRAY_SIZE(file_rows); i++) {
		ev = ring_event(t, i);
		print_message("# request %u: %s = %lld\n", i, event_info(ev->type)->name,
			      (long long)ev->res);
		assert_int_equal(ev->type, file_rows[i].type);
		assert_int_equal(ev->res, found->res[i]);
		assert_int_equal(ev->tgid, t->child);
		for (int k = 0; k < 2 && file_rows[i].typed[k]; k++)
			live_text_is(ev, file_rows[i].typed[k], file_rows[i].value[k]);
		if (file_rows[i].dirfd)
			assert_int_equal(live_i64(ev, file_rows[i].dirfd), found->dirfd);
		if (file_rows[i].path) {
			path_is(ev, file_rows[i].path);
			assert_int_equal(ev->file->ino, found->ino[i]);
			assert_int_equal(ev->fd, ev->res);
			assert_false(ev->quality & EVENT_PATH_FROM_CALLER);
		} else if (file_rows[i].typed[0]) {
			assert_true(ev->quality & EVENT_PATH_FROM_CALLER);
		}
	}
	ev = ring_event(t, 0);
	assert_int_equal(live_u64(ev, "flags"), 3 | 4 | 4096 | 16384);
	assert_int_equal(live_u64(ev, "mode"), 0640);
	assert_int_equal(live_u64(ring_event(t, 2), "flags"), 1);
	assert_int_equal(live_u64(ring_event(t, 4), "mode"), 0711);
	assert_int_equal(live_u64(ring_event(t, 7), "flags"), RENAME_NOREPLACE);
	assert_int_equal(live_u64(ring_event(t, 10), "flags"), 512);
	assert_true(live_event(t, EVENT_IO_URING_SETUP, 0)->quality & EVENT_RINGS_ARE_SEEN);
}

static void requests_on_files_are_events(void **state)
{
	make_found();
	check_files(*state);
	for (uint32_t i = 0; i < ARRAY_SIZE(file_rows); i++)
		assert_int_equal(ring_event(*state, i)->tid, found->tid);
	free_found();
}

/* io-wq's workers do it: threads of the process, the asker is who submitted. */
static void requests_of_workers_are_the_askers(void **state)
{
	make_found()->sqe_flags = IOSQE_ASYNC;
	check_files(*state);
	for (uint32_t i = 0; i < ARRAY_SIZE(file_rows); i++)
		assert_int_equal(ring_event(*state, i)->tid, found->tid);
	free_found();
}

/* The kernel's thread takes the requests: no call is made at all, and the process is the owner. */
static void requests_that_sqpoll_takes_are_the_owners(void **state)
{
	make_found()->setup_flags = IORING_SETUP_SQPOLL;
	check_files(*state);
	for (uint32_t i = 0; i < ARRAY_SIZE(file_rows); i++)
		assert_int_not_equal(ring_event(*state, i)->tid, found->tid);
	free_found();
}

/* A chain: after a failure the rest is cancelled, which is a result too. */
static void child_links(void *arg)
{
	struct io_uring_cqe *cqe;

	(void)arg;
	if (chdir(found->folder))
		_exit(1);
	begin_ring();
	io_uring_prep_mkdirat(sqe(), AT_FDCWD, "a", 0700);
	io_uring_prep_openat(sqe(), AT_FDCWD, "a", O_RDONLY, 0);
	io_uring_prep_openat(sqe(), AT_FDCWD, "none", O_RDONLY, 0);
	io_uring_prep_mkdirat(sqe(), AT_FDCWD, "never", 0700);
	for (int i = 0; i < 3; i++)
		ring.sq.sqes[i].flags |= IOSQE_IO_LINK;
	for (int i = 0; i < 4; i++)
		ring.sq.sqes[i].user_data = (uint64_t)i;
	if (io_uring_submit(&ring) != 4)
		_exit(2);
	for (int i = 0; i < 4; i++) {
		if (io_uring_wait_cqe(&ring, &cqe))
			_exit(3);
		found->res[cqe->user_data] = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
	}
}

static void linked_requests_have_their_results(void **state)
{
	static const char *const names[] = {"a", NULL, "none", "never"};
	struct live_test *t = *state;
	bool seen[4] = {false};

	make_found();
	live_want(t, file_types);
	live_run(t, child_links, NULL);
	assert_int_equal(t->child_status, 0);
	assert_int_equal(found->res[2], -ENOENT);
	assert_int_equal(found->res[3], -ECANCELED);
	assert_int_equal(ring_events(t), 4);
	for (uint32_t i = 0; i < 4; i++) {
		const struct event *ev = ring_event(t, i);
		bool is_open = ev->type == EVENT_OPENAT;
		int which = is_open ? (ev->res < 0 ? 2 : 1)
				    : (text_equal(ev->raw_path[0], TEXT("a")) ? 0 : 3);

		assert_false(seen[which]);
		seen[which] = true;
		assert_int_equal(ev->res, found->res[which]);
		if (names[which])
			assert_text(ev->raw_path[0], names[which]);
		else
			path_is(ev, "a");
	}
	free_found();
}

/* Requests that are not to be answered unless they fail. */
static void child_skips(void *arg)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *s;

	(void)arg;
	if (chdir(found->folder))
		_exit(1);
	begin_ring();
	s = sqe();
	io_uring_prep_mkdirat(s, AT_FDCWD, "quiet", 0700);
	s->flags |= IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
	s = sqe();
	io_uring_prep_openat(s, AT_FDCWD, "quiet", O_RDONLY, 0);
	s->flags |= IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
	s = sqe();
	io_uring_prep_openat(s, AT_FDCWD, "none", O_RDONLY, 0);
	s->flags |= IOSQE_CQE_SKIP_SUCCESS;
	if (io_uring_submit(&ring) < 0 || io_uring_wait_cqe(&ring, &cqe))
		_exit(2);
	found->res[0] = cqe->res;
	if (access("quiet", F_OK))
		_exit(3);
}

static void a_hidden_success_is_an_event(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	make_found();
	live_want(t, file_types);
	live_run(t, child_skips, NULL);
	assert_int_equal(t->child_status, 0);
	assert_int_equal(found->res[0], -ENOENT);
	ev = live_event(t, EVENT_MKDIRAT, 0);
	assert_int_equal(ev->res, 0);
	live_text_is(ev, "path", "quiet");
	ev = live_event(t, EVENT_OPENAT, 0);
	assert_true(ev->quality & EVENT_IO_URING);
	live_text_is(ev, "name", "quiet");
	assert_true(ev->quality & EVENT_PATH_FROM_CALLER);
	assert_true(ev->quality & EVENT_FIXED_FILE); /* which descriptor it got is not known */
	assert_int_equal(live_event(t, EVENT_OPENAT, 1)->res, 0);
	ev = live_event(t, EVENT_OPENAT, 2);
	assert_int_equal(ev->res, -ENOENT);
	live_text_is(ev, "name", "none");
	free_found();
}

/* Files that only the ring has. */
static void child_registers(void *arg)
{
	(void)arg;
	if (chdir(found->folder))
		_exit(1);
	close(open("made", O_CREAT | O_RDWR, 0600));
	begin_ring();
	io_uring_prep_openat_direct(sqe(), AT_FDCWD, "made", O_RDONLY, 0, 3);
	answer();
	io_uring_prep_openat_direct(sqe(), AT_FDCWD, "made", O_RDONLY, 0,
				    IORING_FILE_INDEX_ALLOC - 1);
	answer();
	io_uring_prep_close_direct(sqe(), 3);
	answer();
}

static void registered_files_are_told_apart(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	make_found();
	live_want(t, file_types);
	live_run(t, child_registers, NULL);
	assert_int_equal(t->child_status, 0);
	for (uint32_t i = 0; i < 3; i++) {
		ev = ring_event(t, i);
		assert_int_equal(ev->res, found->res[i]);
		assert_true(ev->quality & EVENT_FIXED_FILE);
		assert_true(ev->res >= 0);
		if (i < 2)
			path_is(ev, "made");
	}
	free_found();
}

static int udp_socket(uint16_t *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) ||
	    getsockname(fd, (struct sockaddr *)&in, &len))
		_exit(110);
	*port = ntohs(in.sin_port);
	return fd;
}

static int listener(struct sockaddr_in *in)
{
	socklen_t len = sizeof(*in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*in = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)in, len) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)in, &len))
		_exit(111);
	return fd;
}

static int local_port(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	return getsockname(fd, (struct sockaddr *)&in, &len) ? -1 : ntohs(in.sin_port);
}

static void child_sockets(void *arg)
{
	struct sockaddr_in to, nobody = {.sin_family = AF_INET, .sin_port = htons(1)};
	struct iovec iov = {"x", 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct io_uring_sqe *s;
	int accepting, fd, other;
	uint16_t port;

	(void)arg;
	accepting = listener(&to);
	begin_ring();
	found->port = ntohs(to.sin_port);
	io_uring_prep_socket(go(sqe()), AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0);
	fd = answer();
	io_uring_prep_connect(go(sqe()), fd, (struct sockaddr *)&to, sizeof(to));
	answer();
	found->peer_port = local_port(fd);
	io_uring_prep_accept(go(sqe()), accepting, NULL, NULL, SOCK_CLOEXEC);
	answer();
	other = socket(AF_INET, SOCK_STREAM, 0);
	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	io_uring_prep_connect(go(sqe()), other, (struct sockaddr *)&nobody, sizeof(nobody));
	answer();
	udp_socket(&port);
	to.sin_port = htons(port);
	other = socket(AF_INET, SOCK_DGRAM, 0);
	s = sqe();
	io_uring_prep_send(go(s), other, "y", 1, 0);
	s->addr2 = (uintptr_t)&to;
	s->addr_len = sizeof(to);
	answer();
	msg.msg_name = &to;
	msg.msg_namelen = sizeof(to);
	io_uring_prep_sendmsg(go(sqe()), other, &msg, 0);
	answer();
	found->dirfd = port;
}

static bool kernel_keeps_addresses(void)
{
	struct utsname name;
	int major, minor;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
	return major > 6 || (major == 6 && minor > 12);
}

static uint16_t port_of(struct text addr)
{
	uint16_t port = 0;

	assert_int_equal(addr.len, 7);
	memcpy(&port, addr.ptr + 5, 2);
	return port;
}

static void requests_on_sockets_are_events(void **state)
{
	static const enum event_type types[] = {EVENT_SOCKET, EVENT_CONNECT, EVENT_ACCEPT4,
						EVENT_SENDTO, EVENT_SENDMSG, EVENT_TYPE_END};
	static const enum event_type rows[] = {EVENT_SOCKET,  EVENT_CONNECT, EVENT_ACCEPT4,
					       EVENT_CONNECT, EVENT_SENDTO,  EVENT_SENDMSG};
	struct live_test *t = *state;
	const struct event *ev;

	make_found();
	live_want(t, types);
	live_run(t, child_sockets, NULL);
	assert_int_equal(t->child_status, 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ev = ring_event(t, i);
		print_message("# request %u: %s = %lld\n", i, event_info(ev->type)->name,
			      (long long)ev->res);
		assert_int_equal(ev->type, rows[i]);
		assert_int_equal(ev->res, found->res[i]);
	}
	assert_int_equal(live_u64(ring_event(t, 0), "type"), SOCK_STREAM | SOCK_CLOEXEC);
	ev = ring_event(t, 1);
	assert_int_equal(ev->sock->remote_port, found->port);
	assert_int_equal(ev->sock->local_port, found->peer_port);
	assert_int_equal(ev->fd, found->res[0]);
	assert_false(ev->quality & EVENT_ADDR_FROM_CALLER);
	ev = ring_event(t, 2);
	assert_int_equal(ev->sock->remote_port, found->peer_port);
	assert_int_equal(ev->fd, ev->res);
	ev = ring_event(t, 3);
	assert_int_equal(ev->res, -ECONNREFUSED);
	assert_int_equal(port_of(event_param(ev, CONNECT_addr)->bytes), 1);
	for (uint32_t i = 4; i < 6; i++)
		assert_int_equal(ring_event(t, i)->sock->remote_port, found->dirfd);
	/* Linux 6.12 still looks at the caller's, 6.18 keeps its own from the moment it is asked.
	 */
	if (kernel_keeps_addresses()) {
		for (uint32_t i = 3; i < 6; i++)
			assert_false(ring_event(t, i)->quality & EVENT_ADDR_FROM_CALLER);
	}
	free_found();
}

/* One request, many answers. */
static void child_accepts_often(void *arg)
{
	struct io_uring_cqe *cqe;
	struct sockaddr_in to;
	int fd;

	(void)arg;
	fd = listener(&to);
	begin_ring();
	io_uring_prep_multishot_accept(sqe(), fd, NULL, NULL, 0);
	if (io_uring_submit(&ring) != 1)
		_exit(1);
	for (int i = 0; i < 3; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
			_exit(2);
		if (io_uring_wait_cqe(&ring, &cqe))
			_exit(3);
		found->res[i] = cqe->res;
		found->ino[i] = (ino_t)local_port(fd);
		io_uring_cqe_seen(&ring, cqe);
	}
}

static void a_multishot_accept_is_an_event_each(void **state)
{
	static const enum event_type types[] = {EVENT_ACCEPT4, EVENT_TYPE_END};
	struct live_test *t = *state;

	make_found();
	live_want(t, types);
	live_run(t, child_accepts_often, NULL);
	assert_int_equal(t->child_status, 0);
	for (uint32_t i = 0; i < 3; i++) {
		const struct event *ev = live_event(t, EVENT_ACCEPT4, i);

		assert_int_equal(ev->res, found->res[i]);
		assert_non_null(ev->sock);
		assert_int_equal(ev->sock->remote_port, found->ino[i]);
		assert_true(ev->quality & EVENT_IO_URING);
	}
	free_found();
}

/* What no rule wants costs no record. */
static void requests_nobody_wants_are_no_events(void **state)
{
	static const enum event_type types[] = {EVENT_MKDIRAT, EVENT_TYPE_END};
	struct live_test *t = *state;

	make_found();
	live_want(t, types);
	live_run(t, child_files, NULL);
	assert_int_equal(t->child_status, 0);
	assert_int_equal(ring_events(t), 1);
	assert_int_equal(ring_event(t, 0)->type, EVENT_MKDIRAT);
	free_found();
}

/* Where the tracepoints are not to be had. */
static void a_source_without_them_says_so(void **state)
{
	static const enum event_type types[] = {EVENT_IO_URING_SETUP, EVENT_OPENAT2,
						EVENT_TYPE_END};
	struct live_config config = {
		.buffer_bytes = 4 << 20, .own_tgid = getpid(), .without_rings = true};
	struct live_test *t = *state;
	struct source *usual = t->source;

	make_found();
	assert_int_equal(live_source_create(&t->source, &config), 0);
	live_want(t, types);
	live_run(t, child_files, NULL);
	assert_int_equal(t->child_status, 0);
	assert_int_equal(ring_events(t), 0);
	assert_false(live_event(t, EVENT_IO_URING_SETUP, 0)->quality & EVENT_RINGS_ARE_SEEN);
	source_destroy(&t->source);
	t->source = usual;
	free_found();
}

static void child_makes_a_ring(void *arg)
{
	(void)arg;
	found->n = io_uring_queue_init(4, &ring, 0);
}

/* Kernels before 5.19 do not tell of requests; some forbid rings. */
static int setup_where_rings_are_seen(void **state)
{
	static const enum event_type types[] = {EVENT_IO_URING_SETUP, EVENT_TYPE_END};
	struct live_test *t;
	bool are_seen;

	live_setup(state);
	t = *state;
	make_found();
	live_want(t, types);
	live_run(t, child_makes_a_ring, NULL);
	are_seen = found->n == 0 &&
		   live_event(t, EVENT_IO_URING_SETUP, 0)->quality & EVENT_RINGS_ARE_SEEN;
	if (!are_seen) {
		printf("skipped: %s\n", found->n
						? strerror(-found->n)
						: "this kernel does not tell of io_uring requests");
		free_found();
		exit(77);
	}
	free_found();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_on_files_are_events),
		cmocka_unit_test(requests_of_workers_are_the_askers),
		cmocka_unit_test(requests_that_sqpoll_takes_are_the_owners),
		cmocka_unit_test(linked_requests_have_their_results),
		cmocka_unit_test(a_hidden_success_is_an_event),
		cmocka_unit_test(registered_files_are_told_apart),
		cmocka_unit_test(requests_on_sockets_are_events),
		cmocka_unit_test(a_multishot_accept_is_an_event_each),
		cmocka_unit_test(requests_nobody_wants_are_no_events),
		cmocka_unit_test(a_source_without_them_says_so),
	};

	return cmocka_run_group_tests(tests, setup_where_rings_are_seen, live_teardown);
}
