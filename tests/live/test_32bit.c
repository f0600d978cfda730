/* A 32-bit program (calls_32.c) is seen, and its calls are named right: by i386's numbers, with
 * its smaller structures, and through socketcall, whose arguments lie in a block. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

#define NR_SOCKETCALL 102
#define PROGRAM_IS_64BIT_ONLY 98

static void child_runs_it(void *arg)
{
	(void)arg;
	execl(CALLS_32, CALLS_32, NULL);
	_exit(errno == ENOEXEC ? PROGRAM_IS_64BIT_ONLY : 97);
}

static struct live_test *run(void **state)
{
	static const enum event_type types[] = {
		EVENT_OPEN,       EVENT_OPENAT,   EVENT_UNLINK, EVENT_LCHOWN, EVENT_SETRESUID,
		EVENT_NANOSLEEP,  EVENT_MMAP,     EVENT_SOCKET, EVENT_BIND,   EVENT_LISTEN,
		EVENT_CONNECT,    EVENT_ACCEPT,   EVENT_SEND,   EVENT_SENDTO, EVENT_SENDMSG,
		EVENT_SOCKETPAIR, EVENT_SHUTDOWN, EVENT_EXECVE, EVENT_WRITEV, EVENT_FORK,
		EVENT_TYPE_END};
	struct live_test *t = *state;

	live_want(t, types);
	t->with_descendants = true;
	live_run(t, child_runs_it, NULL);
	t->with_descendants = false;
	if (WIFEXITED(t->child_status) && WEXITSTATUS(t->child_status) == PROGRAM_IS_64BIT_ONLY) {
		print_message("# skipped: this kernel runs no 32-bit programs\n");
		skip();
	}
	assert_int_equal(t->child_status, 0);
	return t;
}

/* The nth event of 32 bits. */
static const struct event *event_32(const struct live_test *t, enum event_type type, uint32_t nth)
{
	for (uint32_t i = 0; i < live_count(t, type); i++) {
		const struct event *ev = live_event(t, type, i);

		if (ev->quality & EVENT_IS_32BIT && nth-- == 0)
			return ev;
	}
	fail_msg("no event '%s' of 32 bits", event_info(type)->name);
	return NULL;
}

static void calls_have_their_names(void **state)
{
	struct live_test *t = run(state);
	const struct event *ev;

	ev = event_32(t, EVENT_OPEN, 0);
	assert_text(ev->file->path, "/etc/passwd");
	assert_int_equal(live_u64(ev, "flags"), 1);
	ev = event_32(t, EVENT_OPENAT, 0);
	assert_int_equal(ev->res, -ENOENT);
	live_text_is(ev, "name", "/none/32");
	assert_int_equal(live_i64(ev, "dirfd"), -100);
	assert_int_equal(live_u64(ev, "flags"), 2);
	live_text_is(event_32(t, EVENT_UNLINK, 0), "path", "/none/such");
	ev = event_32(t, EVENT_LCHOWN, 0); /* ids of 16 bits */
	assert_int_equal(live_u64(ev, "uid"), UINT32_MAX);
	assert_int_equal(live_u64(ev, "gid"), 7);
	assert_int_equal(live_u64(event_32(t, EVENT_SETRESUID, 0), "ruid"), UINT32_MAX);
	assert_int_equal(live_u64(event_32(t, EVENT_NANOSLEEP, 0), "interval"), 1234567);
	assert_int_equal(live_u64(event_32(t, EVENT_MMAP, 0), "length"), 8192);
	assert_int_equal(live_count(t, EVENT_WRITEV), 0); /* 20 on i386 is getpid */
}

static void programs_of_32_bits_execute(void **state)
{
	struct live_test *t = run(state);
	const struct event *ev;

	ev = live_event(t, EVENT_EXECVE, 0); /* by a program of 64 bits */
	assert_text(ev->task->exepath, CALLS_32);
	ev = event_32(t, EVENT_EXECVE, 0);
	assert_int_equal(ev->res, -ENOENT);
	live_text_is(ev, "filename", "/none/such");
	live_text_is(ev, "exe", "bad");
	assert_int_equal(event_param(ev, EXECVE_args)->bytes.len, 8);
	assert_memory_equal(event_param(ev, EXECVE_args)->bytes.ptr, "one\0two", 8);
	ev = live_event(t, EVENT_EXECVE, 2); /* by itself */
	assert_text(ev->task->exepath, CALLS_32);
	live_text_is(ev, "exe", "again");
	assert_memory_equal(event_param(ev, EXECVE_args)->bytes.ptr, "-m32", 5);
	assert_true(event_32(t, EVENT_FORK, 0)->quality & EVENT_IS_32BIT);
}

static uint16_t port_of(struct text addr)
{
	uint16_t port = 0;

	assert_int_equal(addr.len, 7);
	memcpy(&port, addr.ptr + 5, 2);
	return port;
}

static void socketcall_is_the_calls_it_stands_for(void **state)
{
	struct live_test *t = run(state);
	const struct event *ev = event_32(t, EVENT_SOCKET, 0);
	uint16_t port;

	assert_int_equal(ev->nr, NR_SOCKETCALL);
	assert_int_equal(live_u64(ev, "domain"), AF_INET);
	assert_int_equal(live_u64(ev, "type"), SOCK_STREAM);
	assert_int_equal(ev->fd, ev->res);
	assert_int_equal(live_u64(event_32(t, EVENT_SOCKET, 2), "type"), SOCK_DGRAM | SOCK_CLOEXEC);
	ev = event_32(t, EVENT_BIND, 0);
	port = port_of(event_param(ev, BIND_addr)->bytes);
	assert_true(port > 0);
	assert_int_equal(live_i64(event_32(t, EVENT_LISTEN, 0), "backlog"), 3);
	ev = event_32(t, EVENT_CONNECT, 0);
	assert_int_equal(ev->res, 0);
	assert_int_equal(ev->sock->remote_port, port);
	assert_false(ev->quality & EVENT_ADDR_FROM_CALLER);
	ev = event_32(t, EVENT_CONNECT, 1);
	assert_int_equal(ev->res, -EBADF);
	assert_int_equal(port_of(event_param(ev, CONNECT_addr)->bytes), port);
	ev = event_32(t, EVENT_ACCEPT, 0);
	assert_int_equal(ev->sock->local_port, port);
	assert_int_equal(ev->fd, ev->res);
	assert_int_equal(live_u64(ev, "queuemax"), 3);
	ev = event_32(t, EVENT_SEND, 0);
	assert_int_equal(ev->res, 1);
	assert_int_equal(ev->sock->remote_port, port);
	ev = event_32(t, EVENT_SENDTO, 0);
	assert_int_equal(ev->res, 1);
	assert_int_equal(ev->sock->remote_port, 9);
	assert_int_equal(event_32(t, EVENT_SENDMSG, 0)->sock->remote_port,
			 9); /* msghdr of 28 bytes */
	ev = event_32(t, EVENT_SOCKETPAIR, 0);
	assert_int_equal(live_i64(ev, "fd2"), live_i64(ev, "fd1") + 1);
	assert_int_equal(live_u64(event_32(t, EVENT_SHUTDOWN, 0), "how"), SHUT_WR);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_have_their_names),
		cmocka_unit_test(programs_of_32_bits_execute),
		cmocka_unit_test(socketcall_is_the_calls_it_stands_for),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
