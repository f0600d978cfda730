#include "state_fixture.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/util.h"
#include "state/fd_table.h"

static const char *name_of(const struct process *p, int32_t fd)
{
	const struct fd_entry *e = state_find_fd(p, fd);
	static char buffer[512];

	if (!e)
		return "<none>";
	memcpy(buffer, e->name.ptr ? e->name.ptr : "", e->name.len);
	buffer[e->name.len] = '\0';
	return buffer;
}

static struct event *with_fds(struct fixture *f, enum event_type type, const int64_t *args)
{
	struct event *ev = event_start(&f->maker, &task_child, type);

	event_set_res(ev, args[0]);
	for (unsigned i = 1; i < ev->n_params && i < 4; i++)
		event_set_i64(ev, i, args[i]);
	return ev;
}

static void opens_are_remembered_and_superseded(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_start(f);
	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/etc/passwd", TEST_O_RDONLY));
	assert_string_equal(name_of(p, 3), "/etc/passwd");
	assert_int_equal(f->subject.fd_entry->kind, FD_FILE);
	assert_int_equal(f->subject.fd_entry->ino, 4711);
	assert_false(f->subject.path_from_caller);
	/* The close was not seen. */
	fixture_apply(f, event_open(&f->maker, &task_child, 3, "/etc", TEST_O_DIRECTORY));
	assert_string_equal(name_of(p, 3), "/etc");
	assert_int_equal(f->subject.fd_entry->kind, FD_DIRECTORY);
	fixture_apply(f, event_open(&f->maker, &task_child, -ENOENT, "nope", TEST_O_RDONLY));
	assert_null(f->subject.fd_entry);
	assert_true(f->subject.path_from_caller);
	assert_true(text_equal(f->subject.path, TEXT("/home/user/nope")));
}

static void close_still_sees_what_it_closes(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_child, 3, "/a", TEST_O_RDONLY));
	p = fixture_apply(f, event_close(&f->maker, &task_child, 3));
	assert_non_null(f->subject.fd_entry);
	assert_true(text_equal(f->subject.path, TEXT("/a")));
	fixture_apply(f, event_open(&f->maker, &task_child, 4, "/b", TEST_O_RDONLY));
	assert_string_equal(name_of(p, 3), "<none>");
	assert_string_equal(name_of(p, 4), "/b");
}

static void paths_of_the_caller_are_joined(void **out)
{
	static const struct {
		const char *name, *typed;
		int64_t dirfd;
		const char *want;
	} rows[] = {
		{"absolute", "/etc//./passwd", TEST_AT_FDCWD, "/etc/passwd"},
		{"relative to cwd", "x/../y", TEST_AT_FDCWD, "/home/user/y"},
		{"above the root", "../../../../etc", TEST_AT_FDCWD, "/etc"},
		{"relative to a directory", "sub/f", 5, "/srv/sub/f"},
		{"up from a directory", "../f", 5, "/f"},
		{"unknown directory", "f", 99, "f"},
		{"absolute with a directory", "/f", 5, "/f"},
		{"root itself", "/", TEST_AT_FDCWD, "/"},
		{"dots only", ".", TEST_AT_FDCWD, "/home/user"},
	};
	struct fixture *f = *out;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_child, 5, "/srv", TEST_O_DIRECTORY));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev =
			event_path(&f->maker, &task_child, EVENT_UNLINKAT, rows[i].typed, 0);

		event_set_i64(ev, UNLINKAT_dirfd, rows[i].dirfd);
		fixture_apply(f, ev);
		if (!text_equal(f->subject.path, text_from(rows[i].want)))
			fail_msg("%s: '%.*s'", rows[i].name, TEXT_ARGS(f->subject.path));
		assert_true(f->subject.path_from_caller);
	}
}

static void both_paths_of_a_rename_are_known(void **out)
{
	struct fixture *f = *out;
	struct event *ev;

	fixture_start(f);
	ev = event_start(&f->maker, &task_child, EVENT_RENAME);
	event_set_res(ev, 0);
	event_set_text(ev, RENAME_oldpath, "a");
	event_set_text(ev, RENAME_newpath, "/tmp/b");
	fixture_apply(f, ev);
	assert_true(text_equal(f->subject.path, TEXT("/home/user/a")));
	assert_true(text_equal(f->subject.path2, TEXT("/tmp/b")));
}

static void descriptors_are_duplicated(void **out)
{
	static const struct {
		const char *name;
		enum event_type type;
		int64_t args[4];
		int32_t fd;
	} rows[] = {
		{"dup", EVENT_DUP, {7, 3, 0, 0}, 7},
		{"dup2", EVENT_DUP2, {8, 3, 8, 0}, 8},
		{"dup2 to itself", EVENT_DUP2, {3, 3, 3, 0}, 3},
		{"dup3", EVENT_DUP3, {0, 3, 0, 4096}, 0},
		{"fcntl", EVENT_FCNTL, {9, 3, 1, 9}, 9},
	};
	struct fixture *f = *out;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_child, 3, "/a", TEST_O_RDONLY));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct process *p = fixture_apply(f, with_fds(f, rows[i].type, rows[i].args));

		if (strcmp(name_of(p, rows[i].fd), "/a") != 0 || f->subject.fd != rows[i].fd)
			fail_msg("%s: %s, %d", rows[i].name, name_of(p, rows[i].fd), f->subject.fd);
	}
	/* Of an unknown descriptor nothing is known, and not the old thing either. */
	fixture_apply(f, with_fds(f, EVENT_DUP2, (const int64_t[]){8, 99, 8, 0}));
	assert_string_equal(name_of(f->subject.process, 8), "<none>");
}

static void fork_copies_and_exec_closes(void **out)
{
	struct test_task grandchild = task_child;
	struct fixture *f = *out;
	const struct process *p, *c;

	grandchild.pid = 300;
	grandchild.start_ns = 30 * SECOND;
	grandchild.ppid = 200;
	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_child, 3, "/kept", TEST_O_RDONLY));
	fixture_apply(f, event_open(&f->maker, &task_child, 4, "/closed",
				    TEST_O_RDONLY | TEST_O_CLOEXEC));
	p = fixture_apply(f, event_fork(&f->maker, &task_child, &grandchild));
	c = f->subject.child;
	assert_ptr_equal(state_find_fd(p, 3), state_find_fd(c, 3));
	fixture_apply(f, event_open(&f->maker, &grandchild, 3, "/own", TEST_O_RDONLY));
	assert_string_equal(name_of(c, 3), "/own");
	assert_string_equal(name_of(p, 3), "/kept");
	grandchild.exec_id = 2;
	fixture_apply(f, event_exec(&f->maker, &grandchild));
	assert_string_equal(name_of(c, 3), "/own");
	assert_string_equal(name_of(c, 4), "<none>");
	assert_string_equal(name_of(p, 4), "/closed");
}

static void clone_files_shares_until_exec(void **out)
{
	struct test_task other = task_child;
	struct fixture *f = *out;
	const struct process *p, *c;
	struct event *ev;

	other.pid = 300;
	other.start_ns = 30 * SECOND;
	fixture_start(f);
	ev = event_fork(&f->maker, &task_child, &other);
	f->maker.task.clone_flags = CLONE_FILES;
	p = fixture_apply(f, ev);
	c = f->subject.child;
	fixture_apply(f, event_open(&f->maker, &other, 3, "/shared", TEST_O_RDONLY));
	assert_string_equal(name_of(p, 3), "/shared");
	fixture_apply(f, event_close(&f->maker, &task_child, 3));
	fixture_apply(f, event_open(&f->maker, &task_child, 5, "/b", TEST_O_RDONLY));
	assert_string_equal(name_of(c, 3), "<none>");
	assert_string_equal(name_of(c, 5), "/b");
	other.exec_id = 2;
	fixture_apply(f, event_exec(&f->maker, &other));
	fixture_apply(f, event_open(&f->maker, &other, 6, "/private", TEST_O_RDONLY));
	assert_string_equal(name_of(p, 6), "<none>");
}

static void close_range_closes_or_marks(void **out)
{
	struct fixture *f = *out;
	struct test_task image = task_child;
	const struct process *p;
	struct event *ev;

	fixture_start(f);
	for (int32_t fd = 3; fd < 12; fd++)
		fixture_apply(f, event_open(&f->maker, &task_child, fd, "/x", TEST_O_RDONLY));
	ev = event_start(&f->maker, &task_child, EVENT_CLOSE_RANGE);
	event_set_res(ev, 0);
	event_set_u64(ev, CLOSE_RANGE_first, 8);
	event_set_u64(ev, CLOSE_RANGE_last, UINT32_MAX);
	event_set_u64(ev, CLOSE_RANGE_flags, 0);
	p = fixture_apply(f, ev);
	assert_int_equal(fd_table_count(p->fds), 5);
	ev = event_start(&f->maker, &task_child, EVENT_CLOSE_RANGE);
	event_set_res(ev, 0);
	event_set_u64(ev, CLOSE_RANGE_first, 4);
	event_set_u64(ev, CLOSE_RANGE_last, 6);
	event_set_u64(ev, CLOSE_RANGE_flags, 4);
	fixture_apply(f, ev);
	assert_int_equal(fd_table_count(p->fds), 5);
	image.exec_id = 2;
	fixture_apply(f, event_exec(&f->maker, &image));
	assert_int_equal(fd_table_count(p->fds), 2);
	assert_non_null(state_find_fd(p, 3));
	assert_non_null(state_find_fd(p, 7));
}

static void the_bound_evicts_and_counts(void **out)
{
	struct fixture *f = *out;
	struct state_counters counters;
	const struct process *p = NULL;

	fixture_start(f);
	for (int32_t fd = 0; fd < 1000; fd++)
		p = fixture_apply(f,
				  event_open(&f->maker, &task_child, fd * 7, "/x", TEST_O_RDONLY));
	assert_int_equal(fd_table_count(p->fds), 16);
	assert_non_null(state_find_fd(p, 0)); /* the standard ones stay */
	assert_non_null(state_find_fd(p, 999 * 7));
	state_counters(f->state, &counters);
	assert_int_equal(counters.fds_evicted_total, 1000 - 16);
}

static void new_descriptors_have_their_kind(void **out)
{
	static const struct {
		enum event_type type;
		enum fd_kind kind;
	} rows[] = {
		{EVENT_EVENTFD2, FD_EVENT},          {EVENT_EPOLL_CREATE1, FD_EPOLL},
		{EVENT_INOTIFY_INIT1, FD_INOTIFY},   {EVENT_TIMERFD_CREATE, FD_TIMER},
		{EVENT_SIGNALFD4, FD_SIGNAL},        {EVENT_USERFAULTFD, FD_USERFAULT},
		{EVENT_IO_URING_SETUP, FD_IO_URING}, {EVENT_MEMFD_CREATE, FD_MEMFD},
		{EVENT_PIDFD_OPEN, FD_PIDFD},        {EVENT_BPF, FD_BPF},
		{EVENT_SOCKET, FD_SOCKET_OTHER},
	};
	struct fixture *f = *out;

	fixture_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &task_child, rows[i].type);

		event_set_res(ev, 7);
		ev->fd = 7;
		fixture_apply(f, ev);
		assert_non_null(f->subject.fd_entry);
		assert_int_equal(f->subject.fd_entry->kind, rows[i].kind);
		ev = event_start(&f->maker, &task_child, rows[i].type);
		event_set_res(ev, -EMFILE);
		fixture_apply(f, ev);
		assert_null(f->subject.fd_entry);
	}
	assert_true(f->subject.process->is_blind); /* used io_uring */
}

/* What the kernel says of a directory beats what was known of it. */
static void paths_start_where_the_kernel_says(void **out)
{
	struct fixture *f = *out;
	struct event *ev;

	fixture_start(f);
	ev = event_path(&f->maker, &task_child, EVENT_MKDIR, "../x", 0);
	ev->base_path[0] = TEXT("/moved/here");
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "fs.path.name"), "/moved/x");
	assert_string_equal(fixture_field(f, "evt.path_source"), "caller");
	ev = event_path(&f->maker, &task_child, EVENT_UNLINKAT, "y", 0);
	event_set_i64(ev, UNLINKAT_dirfd, 77); /* unknown */
	ev->base_path[0] = TEXT("/srv");
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "fs.path.name"), "/srv/y");
	ev = event_path(&f->maker, &task_child, EVENT_RENAMEAT2, "a", 0);
	event_set_text(ev, RENAMEAT2_newpath, "b");
	ev->base_path[0] = TEXT("/from");
	ev->base_path[1] = TEXT("/to");
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "fs.path.source"), "/from/a");
	assert_string_equal(fixture_field(f, "fs.path.target"), "/to/b");
}

static void a_task_is_what_the_event_says_it_is_now(void **out)
{
	struct fixture *f = *out;
	struct task_facts after = {.uid = 7,
				   .euid = 8,
				   .cap_effective = 32,
				   .cwd = TEXT("/d"),
				   .root = TEXT("/srv/jail")};
	struct event *ev;

	fixture_start(f);
	ev = event_path(&f->maker, &task_child, EVENT_CHROOT, "jail", 0);
	ev->after = &after;
	fixture_apply(f, ev);
	assert_int_equal(f->subject.process->uid, 7);
	assert_int_equal(f->subject.process->euid, 8);
	assert_int_equal(f->subject.process->cap_effective, 32);
	assert_true(text_equal(f->subject.process->cwd, TEXT("/d")));
	assert_true(text_equal(f->subject.process->root, TEXT("/srv/jail")));
	/* Without it the state says what it said before. */
	ev = event_path(&f->maker, &task_child, EVENT_CHROOT, "/elsewhere", -EPERM);
	fixture_apply(f, ev);
	assert_true(text_equal(f->subject.process->root, TEXT("/srv/jail")));
}

static void rings_that_are_not_seen_blind_their_process(void **out)
{
	static const struct {
		const char *name;
		int64_t res;
		uint32_t quality;
		const char *want;
		uint64_t total;
	} rows[] = {
		{"refused", -EPERM, 0, "false", 0},
		{"seen", 5, EVENT_RINGS_ARE_SEEN, "false", 0},
		{"not seen", 5, 0, "true", 1},
		{"a second one", 6, 0, "true", 1},
		{"another is seen", 7, EVENT_RINGS_ARE_SEEN, "true", 1},
	};
	struct state_counters counters;
	struct fixture *f = *out;

	fixture_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &task_child, EVENT_IO_URING_SETUP);

		event_set_res(ev, rows[i].res);
		ev->fd = (int32_t)rows[i].res;
		ev->quality = rows[i].quality;
		fixture_apply(f, ev);
		print_message("# %s\n", rows[i].name);
		assert_string_equal(fixture_field(f, "proc.is_blind"), rows[i].want);
		state_counters(f->state, &counters);
		assert_int_equal(counters.blind_total, rows[i].total);
	}
}

/* An index of a ring's registered files is no descriptor of the process. */
static void registered_files_stay_out_of_the_table(void **out)
{
	struct fixture *f = *out;
	struct event *ev;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_child, 0, "/dev/tty", TEST_O_RDWR));
	ev = event_open(&f->maker, &task_child, 0, "/etc/shadow", TEST_O_RDWR);
	ev->quality |= EVENT_IO_URING | EVENT_FIXED_FILE;
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "fd.name"), "/etc/shadow");
	assert_string_equal(fixture_field(f, "fd.num"), "0");
	assert_string_equal(fixture_field(f, "fd.typechar"), "f");
	assert_string_equal(fixture_field(f, "evt.is_io_uring"), "true");
	ev = event_connect(&f->maker, &task_child, 0, "10.0.0.1", 4000, "10.0.0.2", 80, 0);
	ev->quality |= EVENT_IO_URING | EVENT_FIXED_FILE;
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "fd.name"), "10.0.0.1:4000->10.0.0.2:80");
	ev = event_close(&f->maker, &task_child, 0);
	ev->quality |= EVENT_IO_URING | EVENT_FIXED_FILE;
	fixture_apply(f, ev);
	fixture_apply(f, event_close(&f->maker, &task_child, 0));
	assert_string_equal(fixture_field(f, "fd.name"), "/dev/tty");
	assert_string_equal(fixture_field(f, "evt.is_io_uring"), "false");
}

static void addresses_say_who_named_them(void **out)
{
	struct fixture *f = *out;
	struct event *ev;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_child, 3, "/dev/tty", TEST_O_RDWR));
	assert_string_equal(fixture_field(f, "evt.addr_source"), "<absent>");
	fixture_apply(f, event_socket(&f->maker, &task_child, 3, AF_INET, SOCK_STREAM));
	assert_string_equal(fixture_field(f, "evt.addr_source"), "<absent>");
	ev = event_connect(&f->maker, &task_child, 3, "10.0.0.1", 1, "10.0.0.2", 80, -ENETDOWN);
	ev->quality |= EVENT_ADDR_FROM_CALLER;
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "evt.addr_source"), "caller");
	fixture_apply(f,
		      event_connect(&f->maker, &task_child, 3, "10.0.0.1", 1, "10.0.0.2", 80, 0));
	assert_string_equal(fixture_field(f, "evt.addr_source"), "kernel");
	/* What is known of the descriptor keeps its source. */
	ev = event_bind(&f->maker, &task_child, 4, "0.0.0.0", 80, 0);
	ev->quality |= EVENT_ADDR_FROM_CALLER;
	fixture_apply(f, ev);
	fixture_apply(f, event_close(&f->maker, &task_child, 4));
	assert_string_equal(fixture_field(f, "evt.addr_source"), "caller");
	fixture_apply(f, event_close(&f->maker, &task_child, 3));
	assert_string_equal(fixture_field(f, "evt.addr_source"), "kernel");
}

static void sockets_know_their_ends(void **out)
{
	struct fixture *f = *out;

	fixture_start(f);
	fixture_apply(f, event_socket(&f->maker, &task_child, 3, AF_INET, SOCK_STREAM));
	assert_string_equal(fixture_field(f, "fd.type"), "ipv4");
	assert_string_equal(fixture_field(f, "fd.name"), "");
	assert_string_equal(fixture_field(f, "fd.sip"), "<absent>");
	assert_string_equal(fixture_field(f, "fd.l4proto"), "<NA>");
	fixture_apply(f, event_connect(&f->maker, &task_child, 3, "10.0.0.1", 40000, "10.0.0.2", 80,
				       -ECONNREFUSED));
	assert_string_equal(fixture_field(f, "fd.name"), "");
	fixture_apply(f, event_connect(&f->maker, &task_child, 3, "10.0.0.1", 40000, "10.0.0.2", 80,
				       -EINPROGRESS));
	assert_string_equal(fixture_field(f, "fd.name"), "10.0.0.1:40000->10.0.0.2:80");
	assert_string_equal(fixture_field(f, "fd.sip"), "10.0.0.2");
	assert_string_equal(fixture_field(f, "fd.lip"), "10.0.0.1");
	assert_string_equal(fixture_field(f, "fd.rport"), "80");
	assert_string_equal(fixture_field(f, "fd.ip"), "10.0.0.1,10.0.0.2");
	assert_string_equal(fixture_field(f, "fd.l4proto"), "tcp");
	assert_string_equal(fixture_field(f, "fd.is_server"), "false");
	assert_string_equal(fixture_field(f, "fd.name_changed"), "true");
	fixture_apply(f, event_connect(&f->maker, &task_child, 3, "10.0.0.1", 40000, "10.0.0.2", 80,
				       0)); /* as it was */
	assert_string_equal(fixture_field(f, "fd.name_changed"), "false");
	fixture_apply(f, event_accept(&f->maker, &task_child, 4, "10.0.0.1", 22, "10.9.9.9", 555));
	assert_string_equal(fixture_field(f, "fd.name"), "10.9.9.9:555->10.0.0.1:22");
	assert_string_equal(fixture_field(f, "fd.cip"), "10.9.9.9");
	assert_string_equal(fixture_field(f, "fd.lport"), "22");
	assert_string_equal(fixture_field(f, "fd.is_server"), "true");
	fixture_apply(f, event_bind(&f->maker, &task_child, 5, "0.0.0.0", 8080, 0));
	assert_string_equal(fixture_field(f, "fd.name"), "0.0.0.0:8080");
	assert_string_equal(fixture_field(f, "fd.name_changed"), "true");
	assert_string_equal(fixture_field(f, "fd.sport"), "8080");
	assert_string_equal(fixture_field(f, "fd.cport"), "<absent>");
	assert_string_equal(fixture_field(f, "fd.sproto"), "");
	assert_string_equal(fixture_field(f, "fd.cproto"), "");
	fixture_apply(f, event_listen(&f->maker, &task_child, 5, "0.0.0.0", 8080));
	assert_string_equal(fixture_field(f, "fd.is_server"), "true");
	fixture_apply(f, event_connect(&f->maker, &task_child, 6, "::1", 1, "2001:db8::5", 443, 0));
	assert_string_equal(fixture_field(f, "fd.name"), "::1:1->2001:db8::5:443");
	assert_string_equal(fixture_field(f, "fd.type"), "ipv6");
	fixture_apply(f, event_connect(&f->maker, &task_child, 6, "::ffff:10.0.0.1", 1,
				       "::ffff:10.0.0.2", 443, 0));
	assert_string_equal(fixture_field(f, "fd.name"), "10.0.0.1:1->10.0.0.2:443");
	assert_string_equal(fixture_field(f, "fd.type"), "ipv4");
	fixture_apply(f, event_bind(&f->maker, &task_child, 7, "::", 80, 0));
	assert_string_equal(fixture_field(f, "fd.name"), ":::80");
}

static void tuples_of_captures_are_decoded(void **out)
{
	static const struct {
		const char *name;
		uint32_t len;
		const char *want;
	} rows[] = {
		{"whole", 13, "1.2.3.4:258->5.6.7.8:772"},
		{"cut", 12, "<absent>"},
		{"family only", 1, "<absent>"},
		{"empty", 0, "<absent>"},
	};
	static const char tuple[] = "\x02\x01\x02\x03\x04\x02\x01\x05\x06\x07\x08\x04\x03";
	struct fixture *f = *out;

	fixture_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &task_child, EVENT_CONNECT);
		const char *got;

		event_set_res(ev, 0);
		event_set_i64(ev, CONNECT_fd, 20 + (int)i);
		event_set_bytes(ev, CONNECT_tuple, tuple, rows[i].len);
		fixture_apply(f, ev);
		got = f->subject.fd_entry ? fixture_field(f, "fd.name") : "<absent>";
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, got);
	}
}

static void scanned_descriptors_do_not_hide_events(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/new", TEST_O_RDONLY));
	p = fixture_apply(f, event_scan_fd(&f->maker, &task_shell, 3, "/old"));
	assert_string_equal(name_of(p, 3), "/new");
	fixture_apply(f, event_scan_fd(&f->maker, &task_shell, 4, "/old"));
	assert_string_equal(name_of(p, 4), "/old");
}

static void a_pidfd_gives_the_others_descriptor(void **out)
{
	struct fixture *f = *out;
	struct event *ev;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/secret", TEST_O_RDONLY));
	ev = event_start(&f->maker, &task_child, EVENT_PIDFD_OPEN);
	event_set_res(ev, 9);
	event_set_i64(ev, PIDFD_OPEN_pid, 100);
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "fd.name"), "/proc/100");
	ev = event_start(&f->maker, &task_child, EVENT_PIDFD_GETFD);
	event_set_res(ev, 10);
	event_set_i64(ev, PIDFD_GETFD_pid_fd, 9);
	event_set_i64(ev, PIDFD_GETFD_target_fd, 3);
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "fd.name"), "/secret");
}

/* Random operations against a plain array. */
static void the_table_agrees_with_a_model(void **out)
{
	enum { FDS = 64, ROUNDS = 20000 };
	struct fd_limits limits = {.fds_max = FDS};
	struct fd_table *table = fd_table_create(&limits);
	int model[FDS];
	uint64_t seed = 42;

	(void)out;
	memset(model, -1, sizeof(model));
	for (int round = 0; round < ROUNDS; round++) {
		int fd, other;

		seed = seed * 6364136223846793005 + 1442695040888963407;
		fd = (int)(seed >> 33) % FDS;
		other = (int)(seed >> 45) % FDS;
		switch (seed >> 61) {
		case 0:
		case 1:
		case 2: {
			struct fd_entry *e = fd_table_open(table, fd, 8, false, &limits);

			assert_non_null(e);
			e->ino = (uint64_t)round;
			model[fd] = round;
			break;
		}
		case 3:
		case 4:
			fd_table_close(table, fd, &limits);
			model[fd] = -1;
			break;
		case 5:
			if (fd != other) {
				fd_table_dup(table, fd, other, false, &limits);
				model[other] = model[fd];
			}
			break;
		default: {
			struct fd_table *copy = fd_table_fork(table, &limits);

			fd_table_unref(&table, &limits);
			table = copy;
			break;
		}
		}
		for (int i = 0; i < FDS; i++) {
			const struct fd_entry *e = fd_table_find(table, i);

			assert_int_equal(e ? (int)e->ino : -1, model[i]);
		}
	}
	fd_table_unref(&table, &limits);
	assert_int_equal(limits.bytes, 0);
	assert_int_equal(limits.evicted_total, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(opens_are_remembered_and_superseded),
		TEST(close_still_sees_what_it_closes),
		TEST(paths_of_the_caller_are_joined),
		TEST(both_paths_of_a_rename_are_known),
		TEST(descriptors_are_duplicated),
		TEST(fork_copies_and_exec_closes),
		TEST(clone_files_shares_until_exec),
		TEST(close_range_closes_or_marks),
		TEST(the_bound_evicts_and_counts),
		TEST(new_descriptors_have_their_kind),
		TEST(paths_start_where_the_kernel_says),
		TEST(a_task_is_what_the_event_says_it_is_now),
		TEST(rings_that_are_not_seen_blind_their_process),
		TEST(registered_files_stay_out_of_the_table),
		TEST(addresses_say_who_named_them),
		TEST(sockets_know_their_ends),
		TEST(tuples_of_captures_are_decoded),
		TEST(scanned_descriptors_do_not_hide_events),
		TEST(a_pidfd_gives_the_others_descriptor),
		cmocka_unit_test(the_table_agrees_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
