/* Sockets: made, bound, listening, accepted, connected, sent from; success and failure. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

static const enum event_type all_types[] = {
	EVENT_SOCKET,  EVENT_SOCKETPAIR, EVENT_BIND,     EVENT_CONNECT,
	EVENT_LISTEN,  EVENT_ACCEPT,     EVENT_ACCEPT4,  EVENT_SENDTO,
	EVENT_SENDMSG, EVENT_SENDMMSG,   EVENT_SHUTDOWN, EVENT_TYPE_END,
};

static void run(struct live_test *t, void (*fn)(void *arg), void *arg)
{
	live_want(t, all_types);
	live_run(t, fn, arg);
	if (!WIFEXITED(t->child_status) || WEXITSTATUS(t->child_status))
		fail_msg("the child ended with status %x", (unsigned)t->child_status);
}

/* Family, address, port of a sockaddr parameter or of one end of a tuple. */
static void assert_end(const char *at, const void *address, uint32_t size, uint16_t port)
{
	uint16_t got;

	assert_memory_equal(at, address, size);
	memcpy(&got, at + size, sizeof(got));
	assert_int_equal(got, port);
}

static struct text param_bytes(const struct event *ev, const char *name)
{
	int index = event_param_by_name(ev->type, text_from(name));

	assert_true(index >= 0);
	if (!ev->params[index].is_present)
		fail_msg("'%s' is absent", name);
	return ev->params[index].bytes;
}

static void child_makes_sockets(void *arg)
{
	int pair[2];

	(void)arg;
	if (socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP) < 0 ||
	    socket(AF_NETLINK, SOCK_RAW, 0) < 0 || socket(12345, SOCK_STREAM, 0) != -1)
		_exit(1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) ||
	    socketpair(AF_INET, SOCK_STREAM, 0, pair) != -1)
		_exit(2);
}

static void sockets_are_made(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_makes_sockets, NULL);
	ev = live_event(t, EVENT_SOCKET, 0);
	assert_int_equal(live_i64(ev, "fd"), ev->res);
	assert_int_equal(live_u64(ev, "domain"), AF_INET6);
	assert_int_equal(live_u64(ev, "type"), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_int_equal(live_u64(ev, "proto"), IPPROTO_UDP);
	assert_int_equal(live_u64(ev, "flags"), 4096 | 64);
	assert_int_equal(ev->fd, ev->res);
	assert_int_equal(ev->sock->family, AF_INET6);
	assert_int_equal(ev->sock->type, SOCK_DGRAM);
	assert_true(ev->sock->ino > 0);
	ev = live_event(t, EVENT_SOCKET, 1);
	assert_int_equal(live_u64(ev, "domain"), AF_NETLINK);
	assert_int_equal(ev->sock->family, AF_NETLINK);
	ev = live_event(t, EVENT_SOCKET, 2);
	assert_int_equal(live_i64(ev, "fd"), -EAFNOSUPPORT);
	assert_int_equal(live_u64(ev, "domain"), 12345);
	assert_int_equal(ev->fd, -1);
	assert_null(ev->sock);
	ev = live_event(t, EVENT_SOCKETPAIR, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "fd2"), live_i64(ev, "fd1") + 1);
	assert_int_equal(live_u64(ev, "domain"), AF_UNIX);
	assert_int_equal(live_u64(ev, "type"), SOCK_SEQPACKET);
	assert_int_equal(live_u64(ev, "proto"), 0);
	assert_true(live_u64(ev, "source") && live_u64(ev, "peer"));
	assert_true(live_u64(ev, "source") != live_u64(ev, "peer"));
	ev = live_event(t, EVENT_SOCKETPAIR, 1);
	assert_int_equal(live_i64(ev, "res"), -EOPNOTSUPP);
	assert_true(live_is_absent(ev, "fd1"));
}

/* A server and its client in one process; the ports that came out go to the pipe. */
static void child_serves_v4(void *arg)
{
	const int *report = arg;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0), client, peer;
	uint16_t ports[2];

	if (bind(server, (struct sockaddr *)&at, sizeof(at)) ||
	    bind(server, (struct sockaddr *)&at, sizeof(at)) != -1 || listen(server, 7) ||
	    listen(1000, 1) != -1)
		_exit(1);
	getsockname(server, (struct sockaddr *)&at, &len);
	ports[0] = ntohs(at.sin_port);
	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(client, (struct sockaddr *)&at, sizeof(at)) != -1 || errno != EINPROGRESS)
		_exit(2);
	getsockname(client, (struct sockaddr *)&at, &len);
	ports[1] = ntohs(at.sin_port);
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0 || shutdown(peer, SHUT_WR) || fcntl(server, F_SETFL, O_NONBLOCK))
		_exit(3);
	if (accept(server, NULL, NULL) != -1 || accept4(server, NULL, NULL, 12345) != -1)
		_exit(4);
	if (send(client, "x", 1, 0) != 1 || write(report[1], ports, sizeof(ports)) < 0)
		_exit(5);
}

static void streams_over_v4(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;
	uint16_t ports[2];
	int report[2];

	assert_int_equal(pipe(report), 0);
	run(t, child_serves_v4, report);
	assert_int_equal(read(report[0], ports, sizeof(ports)), sizeof(ports));
	close(report[0]);
	close(report[1]);

	ev = live_event(t, EVENT_BIND, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(param_bytes(ev, "addr").len, 7);
	assert_int_equal(param_bytes(ev, "addr").ptr[0], AF_INET);
	assert_end(param_bytes(ev, "addr").ptr + 1, "\x7f\0\0\1", 4, ports[0]);
	assert_int_equal(ev->sock->local_port, ports[0]);
	assert_false(ev->quality & EVENT_ADDR_FROM_CALLER);
	ev = live_event(t, EVENT_BIND, 1);
	assert_int_equal(live_i64(ev, "res"), -EINVAL);
	assert_end(param_bytes(ev, "addr").ptr + 1, "\x7f\0\0\1", 4, 0);
	assert_true(ev->quality & EVENT_ADDR_FROM_CALLER);

	ev = live_event(t, EVENT_LISTEN, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "backlog"), 7);
	assert_true(ev->sock->flags & SOCK_LISTENING && ev->sock->flags & SOCK_SERVER);
	assert_int_equal(ev->sock->local_port, ports[0]);
	ev = live_event(t, EVENT_LISTEN, 1);
	assert_int_equal(live_i64(ev, "res"), -EBADF);
	assert_int_equal(live_i64(ev, "fd"), 1000);

	ev = live_event(t, EVENT_CONNECT, 0);
	assert_int_equal(live_i64(ev, "res"), -EINPROGRESS);
	assert_end(param_bytes(ev, "tuple").ptr + 1, "\x7f\0\0\1", 4, ports[1]);
	assert_end(param_bytes(ev, "tuple").ptr + 7, "\x7f\0\0\1", 4, ports[0]);
	assert_end(param_bytes(ev, "addr").ptr + 1, "\x7f\0\0\1", 4, ports[0]);

	ev = live_event(t, EVENT_ACCEPT4, 0);
	assert_int_equal(live_i64(ev, "fd"), ev->res);
	assert_int_equal(ev->fd, ev->res);
	assert_int_equal(live_i64(ev, "flags"), SOCK_CLOEXEC);
	assert_int_equal(param_bytes(ev, "tuple").len, 13);
	assert_end(param_bytes(ev, "tuple").ptr + 1, "\x7f\0\0\1", 4, ports[1]);
	assert_end(param_bytes(ev, "tuple").ptr + 7, "\x7f\0\0\1", 4, ports[0]);
	assert_int_equal(live_u64(ev, "queuemax"), 7);
	assert_int_equal(live_u64(ev, "queuelen"), 0);
	assert_int_equal(live_u64(ev, "queuepct"), 0);
	assert_int_equal(ev->sock->local_port, ports[0]);
	assert_int_equal(ev->sock->remote_port, ports[1]);
	assert_true(ev->sock->flags & SOCK_SERVER && ev->sock->flags & SOCK_CONNECTED);
	ev = live_event(t, EVENT_ACCEPT, 0);
	assert_int_equal(live_i64(ev, "fd"), -EAGAIN);
	assert_true(live_is_absent(ev, "tuple"));
	assert_int_equal(ev->fd, -1);
	ev = live_event(t, EVENT_ACCEPT4, 1);
	assert_int_equal(live_i64(ev, "fd"), -EINVAL);
	ev = live_event(t, EVENT_SHUTDOWN, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_u64(ev, "how"), SHUT_WR);
	assert_int_equal(live_count(t, EVENT_SENDTO), 0); /* without an address: not reported */
}

static void child_sends_v6(void *arg)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_port = htons(5353),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct iovec part = {"hello", 5};
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1};
	struct mmsghdr many = {.msg_hdr = msg};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	(void)arg;
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)))
		_exit(1);
	if (sendto(fd, "four", 4, 0, (struct sockaddr *)&to, sizeof(to)) != 4 ||
	    sendmsg(fd, &msg, 0) != 5 || sendmmsg(fd, &many, 1, 0) != 1)
		_exit(2);
	to.sin6_port = 0;
	if (sendto(fd, "four", 4, 0, (struct sockaddr *)&to, sizeof(to)) != -1 ||
	    sendto(1000, "four", 4, 0, (struct sockaddr *)&to, sizeof(to)) != -1 ||
	    sendmsg(1000, &msg, 0) != -1 || sendmmsg(1000, &many, 1, 0) != -1)
		_exit(3);
}

static void datagrams_over_v6(void **state)
{
	static const struct {
		enum event_type type;
		const char *size;
		uint64_t want_size;
	} rows[] = {
		{EVENT_SENDTO, "size", 4}, {EVENT_SENDMSG, "size", 5}, {EVENT_SENDMMSG, NULL, 0}};
	struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
	struct live_test *t = *state;
	const struct event *ev;

	live_need_all(t);
	run(t, child_sends_v6, NULL);
	live_need(t, NULL);
	ev = live_event(t, EVENT_BIND, 0);
	assert_end(param_bytes(ev, "addr").ptr + 1, &loopback, 16, 5353);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ev = live_event(t, rows[i].type, 0);
		assert_int_equal(live_i64(ev, "fd"), ev->fd);
		assert_int_equal(param_bytes(ev, "tuple").len, 37);
		assert_end(param_bytes(ev, "tuple").ptr + 1, &loopback, 16, 5353);
		assert_end(param_bytes(ev, "tuple").ptr + 19, &loopback, 16, 5353);
		assert_int_equal(ev->sock->remote_port, 5353);
		assert_true(ev->quality & EVENT_ADDR_FROM_CALLER);
		if (rows[i].size)
			assert_int_equal(live_u64(ev, rows[i].size), rows[i].want_size);
	}
	assert_int_equal(live_event(t, EVENT_SENDTO, 1)->res, -EINVAL);
	assert_int_equal(live_event(t, EVENT_SENDTO, 2)->res, -EBADF);
	assert_true(live_is_absent(live_event(t, EVENT_SENDTO, 2), "tuple"));
	assert_int_equal(live_event(t, EVENT_SENDMSG, 1)->res, -EBADF);
	assert_int_equal(live_event(t, EVENT_SENDMMSG, 1)->res, -EBADF);
}

static void child_uses_unix(void *arg)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "\0ethogram-test"};
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 14;
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)arg;
	if (bind(server, (struct sockaddr *)&at, len) || listen(server, 1) ||
	    connect(client, (struct sockaddr *)&at, len) || accept(server, NULL, NULL) < 0)
		_exit(1);
	strcpy(at.sun_path, "/none/such");
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	_exit(connect(client, (struct sockaddr *)&at, sizeof(at)) ? 0 : 2);
}

static void streams_over_unix(void **state)
{
	const struct event *ev, *accepted;
	struct live_test *t = *state;
	struct text tuple;

	run(t, child_uses_unix, NULL);
	ev = live_event(t, EVENT_BIND, 0);
	assert_text(param_bytes(ev, "addr"), "\x01@ethogram-test");
	assert_text(ev->sock->path, "@ethogram-test");
	ev = live_event(t, EVENT_CONNECT, 0);
	tuple = param_bytes(ev, "tuple");
	assert_int_equal(tuple.len, 17 + 14);
	assert_memory_equal(tuple.ptr + 17, "@ethogram-test", 14);
	assert_true(ev->sock->self_ptr && ev->sock->peer_ptr);
	accepted = live_event(t, EVENT_ACCEPT, 0);
	assert_int_equal(accepted->sock->peer_ptr, ev->sock->self_ptr);
	assert_int_equal(accepted->sock->self_ptr, ev->sock->peer_ptr);
	assert_text(accepted->sock->path, "@ethogram-test");
	assert_memory_equal(param_bytes(accepted, "tuple").ptr + 1, tuple.ptr + 1, 16);
	ev = live_event(t, EVENT_CONNECT, 1);
	assert_int_equal(ev->res, -ENOENT);
	assert_text(param_bytes(ev, "addr"), "\x01/none/such");
	assert_true(live_is_absent(ev, "tuple"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_are_made),
		cmocka_unit_test(streams_over_v4),
		cmocka_unit_test(datagrams_over_v6),
		cmocka_unit_test(streams_over_unix),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
