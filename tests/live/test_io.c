/* Reading and writing: data, sizes, places, ends and lists as each call passes them; success and
 * failure, and memory that is not there. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

#define DATA_BYTES 80

static const enum event_type all_types[] = {
	EVENT_READ,
	EVENT_WRITE,
	EVENT_PREAD,
	EVENT_PWRITE,
	EVENT_READV,
	EVENT_WRITEV,
	EVENT_PREADV,
	EVENT_PWRITEV,
	EVENT_SENDTO,
	EVENT_SENDMSG,
	EVENT_SENDMMSG,
	EVENT_RECVFROM,
	EVENT_RECVMSG,
	EVENT_RECVMMSG,
	EVENT_SENDFILE,
	EVENT_SPLICE,
	EVENT_COPY_FILE_RANGE,
	EVENT_PROCESS_VM_READV,
	EVENT_PROCESS_VM_WRITEV,
	EVENT_POLL,
	EVENT_PPOLL,
	EVENT_SELECT,
	EVENT_EPOLL_WAIT,
	EVENT_GETDENTS,
	EVENT_GETDENTS64,
	EVENT_LSEEK,
	EVENT_IOCTL,
	EVENT_TYPE_END,
};

static void run(struct live_test *t, void (*fn)(void *arg), void *arg)
{
	live_want(t, all_types);
	live_run(t, fn, arg);
	if (!WIFEXITED(t->child_status) || WEXITSTATUS(t->child_status))
		fail_msg("the child ended with status %x", (unsigned)t->child_status);
}

static struct text bytes_of(const struct event *ev, const char *name)
{
	int index = event_param_by_name(ev->type, text_from(name));

	assert_true(index >= 0);
	if (!ev->params[index].is_present)
		fail_msg("'%s': parameter '%s' is absent", event_info(ev->type)->name, name);
	return ev->params[index].bytes;
}

static void data_is(const struct event *ev, const void *want, uint32_t len)
{
	struct text got = bytes_of(ev, "data");

	if (got.len != len || (len && memcmp(got.ptr, want, len) != 0))
		fail_msg("'%s': %u bytes of data '%.*s', not %u", event_info(ev->type)->name,
			 got.len, TEXT_ARGS(got), len);
}

/* 100 bytes that are no text. */
static void fill_binary(char bytes[100])
{
	for (int i = 0; i < 100; i++)
		bytes[i] = (char)(i * 7 - 3);
}

static void *unreadable(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void child_uses_buffers(void *arg)
{
	int fd = (int)syscall(SYS_memfd_create, "io", 0);
	char bytes[100], back[100], lost[] = "lost"; /* literals may not be in memory yet */
	void *bad = unreadable();

	(void)arg;
	fill_binary(bytes);
	if (write(fd, bytes, 100) != 100 || pwrite(fd, "five!", 5, 95) != 5 ||
	    pread(fd, back, 100, 90) != 10 || lseek(fd, 0, SEEK_SET) != 0 ||
	    read(fd, back, 100) != 100 || read(fd, back, 100) != 0)
		_exit(1);
	if (write(1000, lost, 4) != -1 || read(1000, back, 7) != -1 || write(fd, bad, 9) != -1 ||
	    pread(fd, back, 5, -1) != -1 || write(fd, bytes, 0) != 0)
		_exit(2);
}

static void buffers(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;
	char bytes[100];

	fill_binary(bytes);
	live_need_all(t);
	run(t, child_uses_buffers, NULL);
	ev = live_event(t, EVENT_WRITE, 0);
	assert_int_equal(live_i64(ev, "res"), 100);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(live_u64(ev, "size"), 100);
	data_is(ev, bytes, DATA_BYTES);
	ev = live_event(t, EVENT_PWRITE, 0);
	assert_int_equal(live_u64(ev, "pos"), 95);
	data_is(ev, "five!", 5);
	ev = live_event(t, EVENT_PREAD, 0);
	assert_int_equal(live_i64(ev, "res"), 10);
	assert_int_equal(live_u64(ev, "size"), 100);
	assert_int_equal(live_u64(ev, "pos"), 90);
	memcpy(bytes + 95, "five!", 5);
	data_is(ev, bytes + 90, 10);
	ev = live_event(t, EVENT_READ, 0);
	assert_int_equal(live_i64(ev, "res"), 100);
	data_is(ev, bytes, DATA_BYTES);
	ev = live_event(t, EVENT_READ, 1);
	assert_int_equal(live_i64(ev, "res"), 0);
	data_is(ev, "", 0);

	ev = live_event(t, EVENT_WRITE, 1);
	assert_int_equal(live_i64(ev, "res"), -EBADF);
	assert_int_equal(live_i64(ev, "fd"), 1000);
	data_is(ev, "lost", 4); /* what was to be written */
	ev = live_event(t, EVENT_READ, 2);
	assert_int_equal(live_i64(ev, "res"), -EBADF);
	assert_int_equal(live_u64(ev, "size"), 7);
	data_is(ev, "", 0);
	ev = live_event(t, EVENT_WRITE, 2);
	assert_int_equal(live_i64(ev, "res"), -EFAULT);
	data_is(ev, "", 0);
	assert_true(ev->quality & EVENT_TRUNCATED);
	ev = live_event(t, EVENT_PREAD, 1);
	assert_int_equal(live_i64(ev, "res"), -EINVAL);
	assert_int_equal((int64_t)live_u64(ev, "pos"), -1);
	ev = live_event(t, EVENT_WRITE, 3);
	assert_int_equal(live_u64(ev, "size"), 0);
	data_is(ev, "", 0);
}

#define MANY 1024

static void child_uses_vectors(void *arg)
{
	int fd = (int)syscall(SYS_memfd_create, "io", 0);
	struct iovec parts[3] = {{"one,", 4}, {NULL, 0}, {"two", 3}}, many[MANY + 1], bad[2];
	char back[2][60], ones[] = "0123456789";

	(void)arg;
	if (writev(fd, parts, 3) != 7 || pwritev(fd, parts, 3, 100) != 7 ||
	    writev(fd, parts, 0) != 0)
		_exit(1);
	parts[0] = (struct iovec){back[0], 60};
	parts[1] = (struct iovec){back[1], 60};
	if (preadv(fd, parts, 2, 3) != 104 || lseek(fd, 0, SEEK_SET) || readv(fd, parts, 1) != 60)
		_exit(2);
	for (int i = 0; i <= MANY; i++)
		many[i] = (struct iovec){&ones[i % 10], 1};
	if (writev(fd, many, MANY) != MANY || writev(fd, many, MANY + 1) != -1 ||
	    writev(1000, many, 20) != -1 || readv(1000, parts, 2) != -1)
		_exit(3);
	bad[0] = (struct iovec){"there", 5};
	bad[1] = (struct iovec){unreadable(), 11};
	/* Older kernels look at all of the memory first. */
	if ((writev(fd, bad, 2) != 5 && errno != EFAULT) || writev(fd, unreadable(), 2) != -1)
		_exit(4);
	/* nothing but empty buffers in front of what is read */
	for (int i = 0; i < 200; i++)
		many[i].iov_len = 0;
	if (writev(fd, many, 201) != 1)
		_exit(5);
}

static void vectors(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;
	char want[100] = {0};

	live_need_all(t);
	run(t, child_uses_vectors, NULL);
	ev = live_event(t, EVENT_WRITEV, 0);
	assert_int_equal(live_i64(ev, "res"), 7);
	assert_int_equal(live_u64(ev, "size"), 7);
	data_is(ev, "one,two", 7);
	ev = live_event(t, EVENT_PWRITEV, 0);
	assert_int_equal(live_u64(ev, "pos"), 100);
	assert_int_equal(live_u64(ev, "size"), 7);
	data_is(ev, "one,two", 7);
	ev = live_event(t, EVENT_WRITEV, 1);
	assert_int_equal(live_u64(ev, "size"), 0);
	data_is(ev, "", 0);
	ev = live_event(t, EVENT_PREADV, 0);
	assert_int_equal(live_u64(ev, "size"), 104); /* what was read, not what had room */
	assert_int_equal(live_u64(ev, "pos"), 3);
	memcpy(want, ",two", 4);
	data_is(ev, want, DATA_BYTES);
	ev = live_event(t, EVENT_READV, 0);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(live_u64(ev, "size"), 60);
	assert_int_equal(bytes_of(ev, "data").len, 60);

	ev = live_event(t, EVENT_WRITEV, 2);
	assert_int_equal(live_u64(ev, "size"), MANY);
	for (int i = 0; i < DATA_BYTES; i++)
		want[i] = (char)('0' + i % 10);
	data_is(ev, want, DATA_BYTES);
	ev = live_event(t, EVENT_WRITEV, 3);
	assert_int_equal(live_i64(ev, "res"), -EINVAL);
	assert_true(live_is_absent(ev, "size"));
	ev = live_event(t, EVENT_WRITEV, 4);
	assert_int_equal(live_i64(ev, "res"), -EBADF);
	assert_int_equal(live_u64(ev, "size"), 20);
	data_is(ev, want, 20);
	ev = live_event(t, EVENT_READV, 1);
	assert_int_equal(live_u64(ev, "size"), 0);
	data_is(ev, "", 0);
	ev = live_event(t, EVENT_WRITEV, 5);
	assert_int_equal(live_u64(ev, "size"), 16);
	data_is(ev, "there", 5);
	ev = live_event(t, EVENT_WRITEV, 6);
	assert_int_equal(live_i64(ev, "res"), -EFAULT);
	assert_true(live_is_absent(ev, "size"));
	data_is(ev, "", 0);
	assert_true(ev->quality & EVENT_TRUNCATED);
	ev = live_event(t, EVENT_WRITEV, 7);
	assert_int_equal(live_u64(ev, "size"), 1);
	assert_true(ev->quality & EVENT_TRUNCATED); /* too many empty ones: not looked at further */
}

/* Nothing is read of the caller's memory that nobody looks at. */
static void nothing_is_copied_unasked(void **state)
{
	struct live_test *t = *state;

	live_need(t, NULL);
	run(t, child_uses_vectors, NULL);
	assert_true(live_is_absent(live_event(t, EVENT_WRITEV, 0), "data"));
	assert_true(live_is_absent(live_event(t, EVENT_WRITEV, 0), "size"));
	assert_int_equal(live_u64(live_event(t, EVENT_READV, 0), "size"), 60);
	run(t, child_uses_buffers, NULL);
	assert_true(live_is_absent(live_event(t, EVENT_WRITE, 0), "data"));
	assert_int_equal(live_u64(live_event(t, EVENT_WRITE, 0), "size"), 100);

	struct capture_needs needs = {.data_bytes = 10};
	needs.data[EVENT_WRITE / 64] |= UINT64_C(1) << EVENT_WRITE % 64;
	live_need(t, &needs);
	run(t, child_uses_buffers, NULL);
	assert_int_equal(bytes_of(live_event(t, EVENT_WRITE, 0), "data").len, 10);
	assert_true(live_is_absent(live_event(t, EVENT_READ, 0), "data"));
}

static void child_sends_streams(void *arg)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	uint16_t *ports = arg;
	socklen_t len = sizeof(at);
	char back[100], late[] = "x";
	int peer;

	bind(server, (struct sockaddr *)&at, sizeof(at));
	listen(server, 1);
	getsockname(server, (struct sockaddr *)&at, &len);
	ports[0] = ntohs(at.sin_port);
	if (connect(client, (struct sockaddr *)&at, sizeof(at)))
		_exit(1);
	getsockname(client, (struct sockaddr *)&at, &len);
	ports[1] = ntohs(at.sin_port);
	peer = accept(server, NULL, NULL);
	if (send(client, "to the server", 13, 0) != 13 || recv(peer, back, 100, 0) != 13 ||
	    recv(peer, back, 100, MSG_DONTWAIT) != -1 || send(server, late, 1, MSG_NOSIGNAL) != -1)
		_exit(2);
}

static void tuple_is(const struct event *ev, uint16_t source, uint16_t destination)
{
	struct text tuple = bytes_of(ev, "tuple");
	uint16_t ports[2];

	assert_int_equal(tuple.len, 13);
	assert_int_equal(tuple.ptr[0], AF_INET);
	assert_memory_equal(tuple.ptr + 1, "\x7f\0\0\1", 4);
	assert_memory_equal(tuple.ptr + 7, "\x7f\0\0\1", 4);
	memcpy(&ports[0], tuple.ptr + 5, 2);
	memcpy(&ports[1], tuple.ptr + 11, 2);
	assert_int_equal(ports[0], source);
	assert_int_equal(ports[1], destination);
}

static uint16_t *shared_ports(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void streams(void **state)
{
	struct live_test *t = *state;
	uint16_t *ports = shared_ports();
	const struct event *ev;

	live_need_all(t);
	run(t, child_sends_streams, ports);
	ev = live_event(t, EVENT_SENDTO, 0);
	assert_int_equal(live_u64(ev, "size"), 13);
	data_is(ev, "to the server", 13);
	tuple_is(ev, ports[1], ports[0]);
	assert_false(ev->quality & EVENT_ADDR_FROM_CALLER);
	ev = live_event(t, EVENT_RECVFROM, 0);
	assert_int_equal(live_i64(ev, "res"), 13);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(live_u64(ev, "size"), 100);
	data_is(ev, "to the server", 13);
	tuple_is(ev, ports[1], ports[0]);
	ev = live_event(t, EVENT_RECVFROM, 1);
	assert_int_equal(live_i64(ev, "res"), -EAGAIN);
	data_is(ev, "", 0);
	assert_true(live_is_absent(ev, "tuple"));
	ev = live_event(t, EVENT_SENDTO, 1);
	assert_int_equal(live_i64(ev, "res"), -EPIPE);
	data_is(ev, "x", 1);
	munmap(ports, 4096);
}

/* Two unconnected datagram sockets; the second asks for the time of receipt. */
static void child_sends_datagrams(void *arg)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int from = socket(AF_INET, SOCK_DGRAM, 0), to = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	struct iovec parts[2] = {{"first ", 6}, {"message", 7}}, room = {NULL, 100};
	struct sockaddr_in who[2];
	char back[2][100], control[2][128];
	struct msghdr msg = {
		.msg_name = &at, .msg_namelen = sizeof(at), .msg_iov = parts, .msg_iovlen = 2};
	struct mmsghdr many[2] = {{.msg_hdr = msg}, {.msg_hdr = msg}};
	socklen_t len = sizeof(at);
	uint16_t *ports = arg;

	bind(from, (struct sockaddr *)&at, sizeof(at));
	getsockname(from, (struct sockaddr *)&at, &len);
	ports[0] = ntohs(at.sin_port);
	at.sin_port = 0;
	bind(to, (struct sockaddr *)&at, sizeof(at));
	getsockname(to, (struct sockaddr *)&at, &len);
	ports[1] = ntohs(at.sin_port);
	setsockopt(to, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
	many[1].msg_hdr.msg_iovlen = 1;
	if (sendto(from, "alone", 5, 0, (struct sockaddr *)&at, sizeof(at)) != 5 ||
	    sendmsg(from, &msg, 0) != 13 || sendmmsg(from, many, 2, 0) != 2)
		_exit(1);
	if (recvfrom(to, back[0], 100, 0, (struct sockaddr *)&who[0], &len) != 5)
		_exit(2);
	room.iov_base = back[0];
	msg = (struct msghdr){.msg_name = &who[0],
			      .msg_namelen = sizeof(at),
			      .msg_iov = &room,
			      .msg_iovlen = 1,
			      .msg_control = control[0],
			      .msg_controllen = 128};
	if (recvmsg(to, &msg, 0) != 13)
		_exit(3);
	parts[0] = (struct iovec){back[0], 100};
	parts[1] = (struct iovec){back[1], 100};
	for (int i = 0; i < 2; i++)
		many[i].msg_hdr = (struct msghdr){.msg_name = &who[i],
						  .msg_namelen = sizeof(at),
						  .msg_iov = &parts[i],
						  .msg_iovlen = 1,
						  .msg_control = control[i],
						  .msg_controllen = 128};
	if (recvmmsg(to, many, 2, 0, NULL) != 2)
		_exit(4);
	if (recvmmsg(to, many, 2, MSG_DONTWAIT, NULL) != -1 || recvmsg(1000, &msg, 0) != -1 ||
	    sendmsg(1000, &msg, 0) != -1 || sendmmsg(1000, many, 2, 0) != -1 ||
	    sendmsg(from, unreadable(), 0) != -1)
		_exit(5);
}

static void datagrams(void **state)
{
	struct live_test *t = *state;
	uint16_t *ports = shared_ports();
	const struct event *ev;

	live_need_all(t);
	run(t, child_sends_datagrams, ports);
	ev = live_event(t, EVENT_SENDTO, 0);
	tuple_is(ev, ports[0], ports[1]);
	data_is(ev, "alone", 5);
	assert_true(ev->quality & EVENT_ADDR_FROM_CALLER);
	ev = live_event(t, EVENT_SENDMSG, 0);
	assert_int_equal(live_i64(ev, "res"), 13);
	assert_int_equal(live_u64(ev, "size"), 13);
	tuple_is(ev, ports[0], ports[1]);
	data_is(ev, "first message", 13);
	assert_int_equal(live_count(t, EVENT_SENDMMSG), 3); /* two messages, one failure */
	for (uint32_t i = 0; i < 2; i++) {
		ev = live_event(t, EVENT_SENDMMSG, i);
		assert_int_equal(live_i64(ev, "res"), i ? 6 : 13);
		assert_int_equal(live_i64(ev, "fd"), ev->fd);
		assert_int_equal(live_u64(ev, "size"), i ? 6 : 13);
		tuple_is(ev, ports[0], ports[1]);
		data_is(ev, "first message", i ? 6 : 13);
	}
	ev = live_event(t, EVENT_RECVFROM, 0);
	tuple_is(ev, ports[0], ports[1]);
	data_is(ev, "alone", 5);
	ev = live_event(t, EVENT_RECVMSG, 0);
	assert_int_equal(live_i64(ev, "res"), 13);
	assert_int_equal(live_u64(ev, "size"), 13);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	tuple_is(ev, ports[0], ports[1]);
	data_is(ev, "first message", 13);
	assert_int_equal(bytes_of(ev, "msgcontrol").len, CMSG_SPACE(sizeof(struct timeval)));
	assert_int_equal(live_count(t, EVENT_RECVMMSG), 3);
	for (uint32_t i = 0; i < 2; i++) {
		ev = live_event(t, EVENT_RECVMMSG, i);
		assert_int_equal(live_i64(ev, "res"), i ? 6 : 13);
		assert_int_equal(live_u64(ev, "size"), i ? 6 : 13);
		tuple_is(ev, ports[0], ports[1]);
		data_is(ev, "first message", i ? 6 : 13);
		assert_int_equal(bytes_of(ev, "msgcontrol").len,
				 CMSG_SPACE(sizeof(struct timeval)));
	}
	ev = live_event(t, EVENT_RECVMMSG, 2);
	assert_int_equal(live_i64(ev, "res"), -EAGAIN);
	assert_int_equal(live_u64(ev, "size"), 0);
	data_is(ev, "", 0);
	assert_true(live_is_absent(ev, "tuple"));
	assert_int_equal(live_i64(live_event(t, EVENT_RECVMSG, 1), "res"), -EBADF);
	assert_int_equal(live_i64(live_event(t, EVENT_SENDMSG, 1), "res"), -EBADF);
	assert_int_equal(live_i64(live_event(t, EVENT_SENDMMSG, 2), "res"), -EBADF);
	ev = live_event(t, EVENT_SENDMSG, 2);
	assert_int_equal(live_i64(ev, "res"), -EFAULT);
	assert_true(live_is_absent(ev, "tuple"));
	munmap(ports, 4096);
}

static void child_copies(void *arg)
{
	/* By known numbers that follow each other: what the test has open leaves holes. */
	int from = dup2((int)syscall(SYS_memfd_create, "from", 0), 200);
	int to = dup2((int)syscall(SYS_memfd_create, "to", 0), 201), ends[2];
	struct iovec here = {NULL, 6}, there = {"secret", 6};
	char back[6];
	off_t at = 2;

	(void)arg;
	here.iov_base = back;
	if (write(from, "0123456789", 10) != 10 || pipe(ends) || lseek(from, 4, SEEK_SET) != 4 ||
	    sendfile(to, from, &at, 5) != 5 || sendfile(to, from, NULL, 100) != 6 ||
	    sendfile(1000, from, NULL, 3) != -1)
		_exit(1);
	at = 1;
	if (copy_file_range(from, &at, to, NULL, 4, 0) != 4 ||
	    copy_file_range(1000, NULL, to, NULL, 4, 0) != -1)
		_exit(2);
	at = 0;
	if (splice(from, &at, ends[1], NULL, 7, SPLICE_F_MOVE | SPLICE_F_MORE) != 7 ||
	    splice(1000, NULL, ends[1], NULL, 7, 0) != -1)
		_exit(3);
	if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != 6 ||
	    process_vm_writev(getpid(), &there, 1, &here, 1, 0) != 6 ||
	    process_vm_readv(999999999, &here, 1, &there, 1, 0) != -1 ||
	    process_vm_writev(999999999, &here, 1, &there, 1, 0) != -1)
		_exit(4);
}

static void copies(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	live_need_all(t);
	run(t, child_copies, NULL);
	ev = live_event(t, EVENT_SENDFILE, 0);
	assert_int_equal(live_i64(ev, "res"), 5);
	assert_int_equal(live_u64(ev, "offset"), 7); /* as the call left it */
	assert_int_equal(live_i64(ev, "out_fd"), ev->fd);
	assert_int_equal(live_i64(ev, "in_fd"), ev->fd - 1);
	assert_int_equal(live_u64(ev, "size"), 5);
	assert_int_equal(live_u64(live_event(t, EVENT_SENDFILE, 1), "offset"), 0);
	assert_int_equal(live_i64(live_event(t, EVENT_SENDFILE, 2), "res"), -EBADF);
	ev = live_event(t, EVENT_COPY_FILE_RANGE, 0);
	assert_int_equal(live_i64(ev, "res"), 4);
	assert_int_equal(live_i64(ev, "fdin"), ev->fd);
	assert_int_equal(live_i64(ev, "fdout"), ev->fd + 1);
	assert_int_equal(live_u64(ev, "len"), 4);
	assert_true(live_u64(ev, "offin") != 0); /* the address, as Falco has it */
	assert_int_equal(live_u64(ev, "offout"), 0);
	assert_int_equal(live_i64(live_event(t, EVENT_COPY_FILE_RANGE, 1), "res"), -EBADF);
	ev = live_event(t, EVENT_SPLICE, 0);
	assert_int_equal(live_i64(ev, "res"), 7);
	assert_int_equal(live_i64(ev, "fd_out"), ev->fd);
	assert_int_equal(live_i64(ev, "fd_in"), 200);
	assert_int_equal(live_u64(ev, "size"), 7);
	assert_int_equal(live_u64(ev, "flags"), 1 | 4);
	assert_int_equal(live_i64(live_event(t, EVENT_SPLICE, 1), "res"), -EBADF);
	for (int i = 0; i < 2; i++) {
		enum event_type type = i ? EVENT_PROCESS_VM_WRITEV : EVENT_PROCESS_VM_READV;

		ev = live_event(t, type, 0);
		assert_int_equal(live_i64(ev, "res"), 6);
		assert_int_equal(live_i64(ev, "pid"), t->child);
		data_is(ev, "secret", 6);
		ev = live_event(t, type, 1);
		assert_int_equal(live_i64(ev, "res"), -ESRCH);
		assert_int_equal(live_i64(ev, "pid"), 999999999);
		data_is(ev, "", 0);
	}
}

static void child_waits(void *arg)
{
	struct timespec soon = {0, 1000000};
	struct epoll_event events[5];
	struct pollfd fds[700];
	int ends[2], epoll = epoll_create1(0);
	sigset_t mask;
	fd_set set;

	(void)arg;
	if (pipe(ends) || write(ends[1], "x", 1) != 1)
		_exit(1);
	fds[0] = (struct pollfd){ends[0], POLLIN | POLLRDHUP, 0};
	fds[1] = (struct pollfd){-1, POLLOUT, 0};
	fds[2] = (struct pollfd){1000, POLLIN, 0};
	if (poll(fds, 3, 250) != 2 || syscall(SYS_poll, unreadable(), 2, -1) != -1 ||
	    poll(NULL, 0, 0) != 0)
		_exit(2);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	fds[1] = (struct pollfd){ends[1], POLLOUT, 0};
	if (ppoll(fds, 2, &soon, &mask) != 2 || ppoll(fds, 2, NULL, NULL) != 2)
		_exit(3);
	for (int i = 0; i < 700; i++)
		fds[i] = (struct pollfd){ends[1], POLLOUT, 0};
	if (poll(fds, 700, 0) != 700)
		_exit(4);
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	if (syscall(SYS_select, ends[0] + 1, &set, NULL, NULL, NULL) != 1 ||
	    syscall(SYS_select, -1, NULL, NULL, NULL, NULL) != -1 ||
	    syscall(SYS_epoll_wait, epoll, events, 5, 0) != 0 ||
	    syscall(SYS_epoll_wait, epoll, events, 0, 0) != -1)
		_exit(5);
}

/* Item i of a list: descriptor and flags. */
static void listed(const struct event *ev, uint32_t i, int64_t fd, uint16_t flags)
{
	struct text list = bytes_of(ev, "fds");
	uint16_t got_flags;
	int64_t got;

	assert_true(list.len >= 2 + 10 * (i + 1));
	memcpy(&got, list.ptr + 2 + i * 10, 8);
	memcpy(&got_flags, list.ptr + 2 + i * 10 + 8, 2);
	assert_int_equal(got, fd);
	assert_int_equal(got_flags, flags);
}

static uint16_t list_count(const struct event *ev)
{
	uint16_t n;

	memcpy(&n, bytes_of(ev, "fds").ptr, 2);
	assert_int_equal(bytes_of(ev, "fds").len, 2 + 10 * n);
	return n;
}

static void waits(void **state)
{
	enum { IN = 1, OUT = 4, NVAL = 64 };
	struct live_test *t = *state;
	const struct event *ev;
	int64_t end;

	live_need_all(t);
	run(t, child_waits, NULL);
	end = live_i64(live_event(t, EVENT_WRITE, 0), "fd"); /* that is written to */
	ev = live_event(t, EVENT_POLL, 0);
	assert_int_equal(live_i64(ev, "res"), 2);
	assert_int_equal(live_i64(ev, "timeout"), 250);
	assert_int_equal(list_count(ev), 3);
	listed(ev, 0, end - 1, IN);
	listed(ev, 1, -1, 0);
	listed(ev, 2, 1000, NVAL);
	ev = live_event(t, EVENT_POLL, 1);
	assert_int_equal(live_i64(ev, "res"), -EFAULT);
	assert_int_equal(live_i64(ev, "timeout"), -1);
	assert_int_equal(list_count(ev), 0);
	assert_int_equal(list_count(live_event(t, EVENT_POLL, 2)), 0);
	ev = live_event(t, EVENT_PPOLL, 0);
	assert_int_equal(live_i64(ev, "res"), 2);
	assert_int_equal(list_count(ev), 2);
	listed(ev, 0, end - 1, IN);
	listed(ev, 1, end, OUT);
	assert_int_equal(live_u64(ev, "sigmask"), 1u << (SIGUSR1 - 1));
	assert_in_range(live_u64(ev, "timeout"), 1, 1000000); /* what was left of it */
	ev = live_event(t, EVENT_PPOLL, 1);
	assert_int_equal(live_u64(ev, "timeout"), 0);
	assert_int_equal(live_u64(ev, "sigmask"), 0);
	ev = live_event(t, EVENT_POLL, 3);
	assert_int_equal(live_i64(ev, "res"), 700);
	assert_int_equal(list_count(ev), 4096 / 8);
	assert_true(ev->quality & EVENT_TRUNCATED);
	assert_int_equal(live_i64(live_event(t, EVENT_SELECT, 0), "res"), 1);
	assert_int_equal(live_i64(live_event(t, EVENT_SELECT, 1), "res"), -EINVAL);
	ev = live_event(t, EVENT_EPOLL_WAIT, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "maxevents"), 5);
	assert_int_equal(live_i64(live_event(t, EVENT_EPOLL_WAIT, 1), "res"), -EINVAL);
	live_need(t, NULL);
	run(t, child_waits, NULL);
	assert_true(live_is_absent(live_event(t, EVENT_POLL, 0), "fds"));
	assert_int_equal(live_i64(live_event(t, EVENT_POLL, 0), "timeout"), 250);
}

static void child_uses_the_rest(void *arg)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY), size = 0;
	char entries[2048];

	(void)arg;
	if (syscall(SYS_getdents64, fd, entries, sizeof(entries)) <= 0 ||
	    syscall(SYS_getdents, fd, entries, sizeof(entries)) < 0 ||
	    syscall(SYS_getdents64, 1000, entries, sizeof(entries)) != -1 ||
	    syscall(SYS_getdents, 1000, entries, sizeof(entries)) != -1)
		_exit(1);
	fd = (int)syscall(SYS_memfd_create, "io", 0);
	if (lseek(fd, 12, SEEK_END) != 12 || lseek(fd, -2, SEEK_CUR) != 10 ||
	    lseek(fd, -20, SEEK_SET) != -1 || ioctl(fd, FIONREAD, &size) ||
	    ioctl(1000, TCGETS, NULL) != -1)
		_exit(2);
}

static void the_rest(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	live_need(t, NULL);
	run(t, child_uses_the_rest, NULL);
	for (int i = 0; i < 2; i++) {
		enum event_type type = i ? EVENT_GETDENTS : EVENT_GETDENTS64;

		assert_true(live_i64(live_event(t, type, 0), "res") >= 0);
		assert_int_equal(live_i64(live_event(t, type, 0), "fd"),
				 live_event(t, type, 0)->fd);
		assert_int_equal(live_i64(live_event(t, type, 1), "res"), -EBADF);
		assert_int_equal(live_i64(live_event(t, type, 1), "fd"), 1000);
	}
	ev = live_event(t, EVENT_LSEEK, 0);
	assert_int_equal(live_i64(ev, "res"), 12);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(live_u64(ev, "offset"), 12);
	assert_int_equal(live_u64(ev, "whence"), SEEK_END);
	ev = live_event(t, EVENT_LSEEK, 1);
	assert_int_equal((int64_t)live_u64(ev, "offset"), -2);
	assert_int_equal(live_u64(ev, "whence"), SEEK_CUR);
	assert_int_equal(live_i64(live_event(t, EVENT_LSEEK, 2), "res"), -EINVAL);
	ev = live_event(t, EVENT_IOCTL, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(live_u64(ev, "request"), FIONREAD);
	assert_true(live_u64(ev, "argument") != 0);
	ev = live_event(t, EVENT_IOCTL, 1);
	assert_int_equal(live_i64(ev, "res"), -EBADF);
	assert_int_equal(live_u64(ev, "request"), TCGETS);
	assert_int_equal(live_u64(ev, "argument"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers),
		cmocka_unit_test(vectors),
		cmocka_unit_test(nothing_is_copied_unasked),
		cmocka_unit_test(streams),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(copies),
		cmocka_unit_test(waits),
		cmocka_unit_test(the_rest),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
