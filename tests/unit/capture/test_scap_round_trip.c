/* What is written reads back as the same events through the capture source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/scap.h"
#include "capture/scap_write.h"
#include "tests/lib/events.h"

struct fixture {
	char path[64];
	struct scap_writer *writer;
	struct source *source;
	struct event_maker maker;
	struct test_task shell;
	const struct event *ev; /* the last read */
};

static const char *const shell_args[] = {"-c", "echo \xff | cat", NULL};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	strcpy(f->path, "/tmp/test_scap_round_trip.XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	event_maker_init(&f->maker, 100);
	f->shell = (struct test_task){.pid = 1000,
				      .ppid = 1,
				      .exepath = "/usr/bin/dash",
				      .exe = "sh",
				      .comm = "sh",
				      .args = shell_args,
				      .cwd = "/tmp",
				      .uid = 1000,
				      .gid = 100,
				      .loginuid = 1000,
				      .sid = 900,
				      .tty = 34816};
	assert_int_equal(scap_writer_create(&f->writer, f->path), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	source_destroy(&f->source);
	scap_writer_destroy(&f->writer);
	unlink(f->path);
	free(f);
	return 0;
}

static void write_event(struct fixture *f, const struct event *ev, const struct task_facts *process)
{
	if (ev->quality & EVENT_STATE_ONLY)
		assert_int_equal(scap_writer_scan(f->writer, ev, process), 0);
	else
		assert_int_equal(scap_writer_event(f->writer, ev, process, true), 0);
}

static void open_source(struct fixture *f)
{
	const char *path = f->path;
	struct diag diag = {0};

	assert_int_equal(scap_writer_close(f->writer, f->maker.now_ns), 0);
	if (scap_source_create(&f->source, &path, 1, &diag))
		fail_msg("%s", diag.message);
}

static bool is_wanted(const struct event *ev, int type)
{
	return type < 0 ? ev->task || ev->fd >= 0 : (int)ev->type == type;
}

/* The next event of that type; -1: a task or descriptor of the scan. */
static const struct event *next(struct fixture *f, int type)
{
	int r;

	while ((r = source_next(f->source, &f->ev)) == 1) {
		if (is_wanted(f->ev, type))
			return f->ev;
	}
	fail_msg("no event of type %d: %d", type, r);
	return NULL;
}

static void want_text(struct text got, const char *want)
{
	if (!text_equal(got, text_from(want)))
		fail_msg("got '%.*s', want '%s'", TEXT_ARGS(got), want);
}

static void the_host(void **state)
{
	static const struct host_user users[] = {
		{1000, 100, {"alice", 5}, {"/home/alice", 11}, {"/bin/sh", 7}}};
	static const struct host_group groups[] = {{100, {"users", 5}}};
	static const struct host_address addresses[] = {{.family = AF_INET6,
							 .address = {0xfe, 0x80},
							 .netmask = {0xff, 0xff},
							 .interface = {"eth0", 4}}};
	struct host_facts host = {{"box", 3}, users, groups, addresses, 1, 1, 1};
	struct scap_machine machine = {.n_cpus = 4};
	struct fixture *f = *state;
	const struct host_facts *got;

	assert_int_equal(scap_writer_host(f->writer, &machine, &host), 0);
	open_source(f);
	assert_int_equal(source_next(f->source, &f->ev), 1);
	got = f->ev->host;
	assert_non_null(got);
	want_text(got->hostname, "box");
	assert_int_equal(got->n_users, 1);
	assert_int_equal(got->users[0].uid, 1000);
	want_text(got->users[0].home, "/home/alice");
	want_text(got->groups[0].name, "users");
	assert_int_equal(got->n_addresses, 1);
	assert_int_equal(got->addresses[0].family, AF_INET6);
	assert_int_equal(got->addresses[0].address[1], 0x80);
	want_text(got->addresses[0].interface, "eth0");
}

static void a_task_of_the_scan(void **state)
{
	struct fixture *f = *state;
	const struct task_facts *got;

	write_event(f, event_scan(&f->maker, &f->shell), NULL);
	write_event(f, event_open(&f->maker, &f->shell, 3, "/x", 1), NULL);
	open_source(f);
	got = next(f, -1)->task;
	assert_int_equal(got->tgid, 1000);
	assert_int_equal(got->parent_tgid, 1);
	assert_int_equal(got->sid, 900);
	assert_int_equal(got->euid, 1000);
	assert_int_equal(got->egid, 100);
	assert_int_equal(got->loginuid, 1000);
	want_text(got->comm, "sh");
	want_text(got->exe, "sh");
	want_text(got->exepath, "/usr/bin/dash");
	want_text(got->cwd, "/tmp");
	assert_int_equal(got->args.len, sizeof("-c") + sizeof("echo \xff | cat"));
	want_text((struct text){got->args.ptr + 3, got->args.len - 4}, "echo \xff | cat");
	want_text((struct text){got->cgroups.ptr, got->cgroups.len - 1}, "unified=/");
}

static void descriptors_of_the_scan(void **state)
{
	static const struct sock_facts sock = {.family = AF_INET,
					       .type = SOCK_STREAM,
					       .local = {10, 0, 0, 1},
					       .remote = {10, 0, 0, 2},
					       .local_port = 4000,
					       .remote_port = 80,
					       .flags = SOCK_CONNECTED};
	struct fixture *f = *state;
	struct event *ev;

	write_event(f, event_scan(&f->maker, &f->shell), NULL);
	write_event(f, event_scan_fd(&f->maker, &f->shell, 3, "/var/log/x y"), NULL);
	ev = event_scan_fd(&f->maker, &f->shell, 4, "");
	ev->file = NULL;
	ev->sock = &sock;
	write_event(f, ev, NULL);
	write_event(f, event_open(&f->maker, &f->shell, 5, "/x", 1), NULL);
	open_source(f);
	next(f, -1);
	next(f, -1);
	assert_int_equal(f->ev->tgid, 1000);
	assert_int_equal(f->ev->fd, 3);
	want_text(f->ev->file->path, "/var/log/x y");
	assert_int_equal(f->ev->file->ino, 1003);
	next(f, -1);
	assert_int_equal(f->ev->fd, 4);
	assert_memory_equal(f->ev->sock->local, sock.local, 4);
	assert_memory_equal(f->ev->sock->remote, sock.remote, 4);
	assert_int_equal(f->ev->sock->local_port, 4000);
	assert_int_equal(f->ev->sock->remote_port, 80);
}

static void an_open(void **state)
{
	struct fixture *f = *state;
	const struct event *ev;
	uint64_t ts_ns;

	ev = event_open(&f->maker, &f->shell, 3, "x", TEST_O_RDWR | TEST_O_CREAT);
	f->maker.file.path = TEXT("/tmp/x");
	f->maker.ev.cpu = 3;
	ts_ns = ev->ts_ns;
	write_event(f, ev, NULL);
	open_source(f);
	ev = next(f, EVENT_OPENAT);
	assert_int_equal(ev->ts_ns, ts_ns);
	assert_int_equal(ev->cpu, 3);
	assert_int_equal(ev->tid, 1000);
	assert_int_equal(ev->res, 3);
	want_text(ev->params[OPENAT_name].bytes, "/tmp/x");
	assert_int_equal(ev->params[OPENAT_dirfd].i64, TEST_AT_FDCWD);
	assert_int_equal(ev->params[OPENAT_flags].u64, TEST_O_RDWR | TEST_O_CREAT);
	assert_int_equal(ev->params[OPENAT_dev].u64, 8 << 20 | 1);
	assert_int_equal(ev->params[OPENAT_ino].u64, 4711);
}

static void an_exec(void **state)
{
	struct fixture *f = *state;
	const struct task_facts *got;

	write_event(f, event_exec(&f->maker, &f->shell), NULL);
	open_source(f);
	got = next(f, EVENT_EXECVE)->task;
	assert_non_null(got);
	want_text(got->exepath, "/usr/bin/dash");
	want_text(got->exe, "sh");
	assert_int_equal(got->parent_tgid, 1);
	assert_int_equal(got->loginuid, 1000);
	assert_int_equal(got->euid, 1000);
	assert_int_equal(got->args.len, sizeof("-c") + sizeof("echo \xff | cat"));
}

/* As live: the child's own return, then its creator's; of both one new task. */
static void a_fork(void **state)
{
	struct fixture *f = *state;
	struct test_task child = f->shell;
	struct task_facts process;
	const struct event *got;
	struct event *ev;

	event_scan(&f->maker, &f->shell);
	process = f->maker.task;
	write_event(f, event_scan(&f->maker, &f->shell), NULL);
	child.pid = 1001;
	child.ppid = 1000;
	ev = event_fork(&f->maker, &child, &child);
	event_set_res(ev, 0);
	event_set_i64(ev, CLONE_ptid, 1000);
	write_event(f, ev, &process);
	ev = event_start(&f->maker, &f->shell, EVENT_CLONE);
	event_set_res(ev, 1001);
	write_event(f, ev, &process);
	open_source(f);
	got = next(f, EVENT_CLONE);
	assert_int_equal(got->tid, 1001);
	assert_int_equal(got->task->tgid, 1001);
	assert_int_equal(got->task->parent_tgid, 1000);
	assert_false(got->task->is_thread);
	want_text(got->task->exe, "sh");
	want_text(got->task->cwd, "/tmp");
	got = next(f, EVENT_CLONE);
	assert_int_equal(got->tid, 1000);
	assert_int_equal(got->res, 1001);
	assert_null(got->task);
}

static void a_connection(void **state)
{
	struct fixture *f = *state;
	const struct event *ev;
	struct text tuple;
	char want[64];

	ev = event_connect(&f->maker, &f->shell, 4, "::1", 1024, "::2", 80, 0);
	tuple = ev->params[CONNECT_tuple].bytes;
	assert_int_equal(tuple.len, 37);
	memcpy(want, tuple.ptr, tuple.len);
	write_event(f, ev, NULL);
	open_source(f);
	ev = next(f, EVENT_CONNECT);
	assert_int_equal(ev->params[CONNECT_fd].i64, 4);
	assert_int_equal(ev->params[CONNECT_tuple].bytes.len, 37);
	assert_memory_equal(ev->params[CONNECT_tuple].bytes.ptr, want, 37);
	assert_non_null(ev->sock);
	assert_int_equal(ev->sock->remote_port, 80);
}

static void unix_names(void **state)
{
	static const char tuple[] = "\x01"
				    "12345678abcdefgh/run/x";
	struct fixture *f = *state;
	struct event *ev = event_start(&f->maker, &f->shell, EVENT_CONNECT);

	event_set_res(ev, 0);
	event_set_i64(ev, CONNECT_fd, 3);
	event_set_bytes(ev, CONNECT_tuple, tuple, sizeof(tuple) - 1);
	write_event(f, ev, NULL);
	open_source(f);
	next(f, EVENT_CONNECT);
	want_text(f->ev->params[CONNECT_tuple].bytes, tuple);
}

/* dup2's older form, which goes before it, is for state; dup and accept4 come back as themselves.
 */
static void calls_in_older_types(void **state)
{
	struct fixture *f = *state;
	struct event *ev = event_start(&f->maker, &f->shell, EVENT_DUP2);

	event_set_res(ev, 9);
	event_set_i64(ev, DUP2_oldfd, 3);
	event_set_i64(ev, DUP2_newfd, 9);
	write_event(f, ev, NULL);
	ev = event_start(&f->maker, &f->shell, EVENT_DUP);
	event_set_res(ev, 4);
	event_set_i64(ev, DUP_oldfd, 3);
	write_event(f, ev, NULL);
	ev = event_accept(&f->maker, &f->shell, 5, "10.0.0.1", 80, "10.0.0.2", 4000);
	event_set_i64(ev, ACCEPT4_flags, 2048);
	write_event(f, ev, NULL);
	open_source(f);
	next(f, EVENT_DUP);
	assert_true(f->ev->quality & EVENT_STATE_ONLY);
	assert_int_equal(f->ev->res, 9);
	next(f, EVENT_DUP2);
	assert_false(f->ev->quality & EVENT_STATE_ONLY);
	assert_int_equal(f->ev->params[DUP2_newfd].i64, 9);
	next(f, EVENT_DUP);
	assert_int_equal(f->ev->params[DUP_oldfd].i64, 3);
	next(f, EVENT_ACCEPT4);
	assert_int_equal(f->ev->params[ACCEPT4_flags].i64, 2048);
	assert_int_equal(f->ev->params[ACCEPT4_tuple].bytes.len, 13);
}

/* A text that was not read is not known afterwards either. */
static void what_is_not_known_stays_so(void **state)
{
	struct fixture *f = *state;
	struct event *ev = event_start(&f->maker, &f->shell, EVENT_UNLINK);

	event_set_res(ev, -14);
	write_event(f, ev, NULL);
	open_source(f);
	next(f, EVENT_UNLINK);
	assert_int_equal(f->ev->res, -14);
	assert_false(f->ev->params[UNLINK_path].is_present);
}

/* Every type that a call has: its numbers and texts come back in their places. */
static void every_call(void **state)
{
	struct fixture *f = *state;
	uint32_t n = 0;

	for (int type = 0; type < EVENT_TYPE_END; type++) {
		const struct event_info *info = event_info((enum event_type)type);
		struct event *ev = event_start(&f->maker, &f->shell, (enum event_type)type);

		ev->has_res = false;
		for (unsigned i = 0; i < info->n_params; i++) {
			if (info->params[i].type <= PARAM_PID)
				event_set_i64(ev, i, i == 0 ? 0 : -1 - (int64_t)i);
			else if (info->params[i].type < PARAM_CHARBUF)
				event_set_u64(ev, i, 1 + i);
			else if (info->params[i].type <= PARAM_BYTEBUF)
				event_set_text(ev, i, "/text");
		}
		write_event(f, ev, NULL);
	}
	open_source(f);
	while (source_next(f->source, &f->ev) == 1) {
		const struct event *ev = f->ev;
		const struct event_info *info = event_info(ev->type);

		if (ev->quality & EVENT_STATE_ONLY || ev->host || info->flags & EVENT_IS_META)
			continue;
		n++;
		for (unsigned i = 0; i < ev->n_params; i++) {
			const struct param *p = &ev->params[i];
			enum param_type kind = info->params[i].type;

			if (!p->is_present || kind > PARAM_BYTEBUF)
				continue;
			if (kind >= PARAM_CHARBUF && p->bytes.len)
				want_text((struct text){p->bytes.ptr, 5}, "/text");
			else if (kind <= PARAM_PID && i > 0 && p->i64 != -1 - (int64_t)i)
				fail_msg("%s.%s: %lld", info->name, info->params[i].name,
					 (long long)p->i64);
			else if (kind > PARAM_PID && kind < PARAM_CHARBUF && p->u64 != 1 + i)
				fail_msg("%s.%s: %llu", info->name, info->params[i].name,
					 (unsigned long long)p->u64);
		}
	}
	assert_true(n > 150);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_host),
		TEST(a_task_of_the_scan),
		TEST(descriptors_of_the_scan),
		TEST(an_open),
		TEST(an_exec),
		TEST(a_fork),
		TEST(a_connection),
		TEST(unix_names),
		TEST(calls_in_older_types),
		TEST(what_is_not_known_stays_so),
		TEST(every_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
