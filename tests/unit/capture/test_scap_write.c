/* The bytes of a capture file that was written, checked against the format's description. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/scap_encode.h"
#include "capture/scap_types.h"
#include "capture/scap_write.h"
#include "scap_read_back.h"
#include "tests/lib/events.h"

struct fixture {
	char path[64];
	struct scap_writer *writer;
	struct event_maker maker;
	struct read_back file;
	struct test_task shell;
};

static const char *const shell_args[] = {"-c", "true", NULL};
static const char *const shell_env[] = {"HOME=/root", NULL};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	strcpy(f->path, "/tmp/test_scap_write.XXXXXX");
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
				      .env = shell_env,
				      .cwd = "/tmp",
				      .uid = 1000,
				      .gid = 100,
				      .loginuid = 1000,
				      .sid = 900,
				      .pgid = 950,
				      .tty = 34816};
	assert_int_equal(scap_writer_create(&f->writer, f->path), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scap_writer_destroy(&f->writer);
	read_back_done(&f->file);
	unlink(f->path);
	free(f);
	return 0;
}

static void load(struct fixture *f)
{
	assert_int_equal(scap_writer_close(f->writer, f->maker.now_ns), 0);
	read_back_load(&f->file, f->path);
}

static const uint8_t *body(const struct fixture *f, int block)
{
	assert_true(block >= 0);
	return f->file.data + f->file.blocks[block].body;
}

static void want_text(const uint8_t **at, const char *want)
{
	uint16_t len = read_back_u16(*at);

	if (len != strlen(want) || memcmp(*at + 2, want, len) != 0)
		fail_msg("got '%.*s', want '%s'", len, (const char *)*at + 2, want);
	*at += 2 + len;
}

static void want_param(const struct read_back_event *event, uint32_t i, const void *want,
		       uint32_t len)
{
	assert_true(i < event->n_params);
	if (event->params[i].len != len || memcmp(event->params[i].ptr, want, len) != 0)
		fail_msg("parameter %u of type %u: got %u bytes '%.*s'", i, event->type,
			 event->params[i].len, (int)event->params[i].len, event->params[i].ptr);
}

static void want_string(const struct read_back_event *event, uint32_t i, const char *want)
{
	want_param(event, i, want, (uint32_t)strlen(want) + 1);
}

static void section_comes_first_without_options(void **state)
{
	struct fixture *f = *state;
	const uint8_t *at;

	load(f);
	at = body(f, 0);
	assert_int_equal(f->file.blocks[0].type, 0x0a0d0d0a);
	assert_int_equal(f->file.blocks[0].total, 12 + 16);
	assert_int_equal(read_back_u32(at), 0x1a2b3c4d);
	assert_int_equal(read_back_u16(at + 4), 1);
	assert_int_equal(read_back_u16(at + 6), 2);
	assert_true(read_back_u64(at + 8) == UINT64_MAX);
}

/* Readers refuse a file that has no event. */
static void an_empty_capture_has_an_event_that_nobody_shows(void **state)
{
	struct fixture *f = *state;
	struct read_back_event event;

	load(f);
	assert_int_equal(f->file.n_blocks, 3);
	read_back_event(&f->file, 148, 0, &event);
	assert_int_equal(event.ts_ns, f->maker.now_ns);
	assert_true(event.tid == UINT64_MAX);
	assert_int_equal(event.n_params, 1);
	assert_int_equal(read_back_number(&event, 0), 1);
	read_back_event(&f->file, 149, 0, &event);
}

static void host_blocks(void **state)
{
	static const struct host_user users[] = {
		{1000, 100, {"alice", 5}, {"/home/alice", 11}, {"/bin/sh", 7}}};
	static const struct host_group groups[] = {{100, {"users", 5}}};
	static const struct host_address addresses[] = {
		{.family = AF_INET,
		 .address = {10, 0, 0, 9},
		 .netmask = {255, 255, 255, 0},
		 .interface = {"eth0", 4}},
		{.family = AF_INET6, .address = {0xfe, 0x80}, .interface = {"lo", 2}}};
	struct host_facts host = {{"box", 3}, users, groups, addresses, 1, 1, 2};
	struct scap_machine machine = {4, UINT64_C(8) << 30, 4194304, 12345};
	struct fixture *f = *state;
	const uint8_t *at;

	assert_int_equal(scap_writer_host(f->writer, &machine, &host), 0);
	load(f);
	at = body(f, read_back_find(&f->file, 0x201, 0));
	assert_int_equal(f->file.blocks[1].total, 12 + 180);
	assert_int_equal(read_back_u32(at), 4);
	assert_true(read_back_u64(at + 4) == UINT64_C(8) << 30);
	assert_int_equal(read_back_u64(at + 12), 4194304);
	assert_string_equal((const char *)at + 20, "box");
	assert_int_equal(read_back_u64(at + 148), 12345);

	at = body(f, read_back_find(&f->file, 0x219, 0));
	assert_int_equal(read_back_u32(at), 2 + 2 + 12 + 8 + 4); /* does not count itself */
	assert_int_equal(read_back_u16(at + 4), 1);
	assert_int_equal(read_back_u16(at + 6), 4);
	assert_memory_equal(at + 8, "\x0a\0\0\x09\xff\xff\xff\0\x0a\0\0\xff", 12);
	assert_memory_equal(at + 28, "eth0", 4);
	at += 32;
	assert_int_equal(read_back_u32(at), 2 + 2 + 48 + 8 + 2);
	assert_int_equal(read_back_u16(at + 4), 2);

	at = body(f, read_back_find(&f->file, 0x220, 0));
	assert_int_equal(read_back_u32(at), 4 + 1 + 8 + 7 + 13 + 9); /* counts itself */
	assert_int_equal(at[4], 0);
	assert_int_equal(read_back_u32(at + 5), 1000);
	assert_int_equal(read_back_u32(at + 9), 100);
	at += 13;
	want_text(&at, "alice");
	want_text(&at, "/home/alice");
	want_text(&at, "/bin/sh");
	assert_int_equal(read_back_u32(at), 4 + 1 + 4 + 7);
	assert_int_equal(at[4], 1);
	assert_int_equal(read_back_u32(at + 5), 100);
}

static void a_process_with_the_tail_that_all_readers_take(void **state)
{
	struct fixture *f = *state;
	const uint8_t *at, *end;

	f->shell.exe_flags = EXE_WRITABLE;
	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	load(f);
	at = body(f, read_back_find(&f->file, 0x215, 0));
	end = at + read_back_u32(at);
	assert_int_equal(read_back_u64(at + 4), 1000);  /* tid */
	assert_int_equal(read_back_u64(at + 12), 1000); /* pid */
	assert_int_equal(read_back_u64(at + 20), 1);
	assert_int_equal(read_back_u64(at + 28), 900); /* sid */
	assert_int_equal(read_back_u64(at + 36), 950); /* vpgid */
	at += 44;
	want_text(&at, "sh");
	want_text(&at, "sh");
	want_text(&at, "/usr/bin/dash");
	assert_int_equal(read_back_u16(at), 8);
	assert_memory_equal(at + 2, "-c\0true", 8);
	at += 10;
	want_text(&at, "/tmp");
	assert_int_equal(read_back_u64(at), 1024);
	assert_int_equal(read_back_u32(at + 8), 0);
	assert_int_equal(read_back_u32(at + 12), 1000);
	assert_int_equal(read_back_u32(at + 16), 100);
	at += 20 + 12 + 16;
	assert_int_equal(read_back_u16(at), 11);
	assert_memory_equal(at + 2, "HOME=/root", 11);
	at += 13;
	assert_int_equal(read_back_u64(at), 1000);
	assert_int_equal(read_back_u64(at + 8), 1000);
	at += 16;
	assert_int_equal(read_back_u16(at), 10);
	assert_memory_equal(at + 2, "unified=/", 10);
	at += 12;
	want_text(&at, "/");
	assert_int_equal(end - at, 29); /* one more and it is read as the later tail */
	assert_int_equal(read_back_u32(at), 1000);
	assert_int_equal(at[4], 1);
}

/* A thread's record has no command line; it is its process's. */
static void a_thread_is_one(void **state)
{
	struct fixture *f = *state;
	struct task_facts process;
	struct event *ev;
	const uint8_t *at;

	ev = event_scan(&f->maker, &f->shell);
	process = f->maker.task;
	assert_int_equal(scap_writer_scan(f->writer, ev, NULL), 0);
	ev = event_scan(&f->maker, &f->shell);
	f->maker.task.tid = 1001;
	f->maker.task.is_thread = true;
	f->maker.task.exe = f->maker.task.args = f->maker.task.exepath = TEXT_NONE;
	assert_int_equal(scap_writer_scan(f->writer, ev, &process), 0);
	load(f);
	at = body(f, read_back_find(&f->file, 0x215, 0));
	at += read_back_u32(at); /* the process */
	assert_int_equal(read_back_u64(at + 4), 1001);
	assert_int_equal(read_back_u64(at + 12), 1000);
	at += 44;
	want_text(&at, "sh");
	want_text(&at, "sh");
	want_text(&at, "/usr/bin/dash");
	assert_int_equal(read_back_u16(at), 8);
	at += 10;
	want_text(&at, "/tmp");
	/* CLONE_THREAD, CLONE_FILES, and in a namespace, as its number there is another */
	assert_int_equal(read_back_u32(at + 8), 1 << 13 | 1 | 1u << 29);
}

struct fd_row {
	const char *name;
	struct sock_facts sock; /* family 0: a file */
	struct file_facts file;
	uint8_t type;
	uint32_t len; /* of the entry */
};

#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		a, b, c, d                                                                         \
	}

static const struct fd_row fd_rows[] = {
	{"file", .file = {.path = {"/etc/passwd", 11}, .kind = FILE_KIND_REGULAR, .dev = 8 << 20},
	 .type = 16, .len = 21 + 4 + 13 + 4},
	{"directory", .file = {.path = {"/etc", 4}, .kind = FILE_KIND_DIRECTORY}, .type = 2,
	 .len = 21 + 6},
	{"device", .file = {.path = {"/dev/null", 9}, .kind = FILE_KIND_CHAR_DEVICE}, .type = 16,
	 .len = 21 + 4 + 11 + 4},
	{"pipe", .file = {.kind = FILE_KIND_FIFO}, .type = 7, .len = 21 + 2},
	{"eventfd", .file = {.path = {"[eventfd]", 9}, .kind = FILE_KIND_ANON}, .type = 9,
	 .len = 21 + 11},
	{"epoll", .file = {.path = {"[eventpoll]", 11}, .kind = FILE_KIND_ANON}, .type = 12,
	 .len = 21 + 13},
	{"pidfd has a type that old readers refuse",
	 .file = {.path = {"[pidfd]", 7}, .kind = FILE_KIND_ANON}, .type = 10, .len = 21 + 9},
	{"memfd", .file = {.path = {"memfd:x", 7}, .kind = FILE_KIND_MEMFD}, .type = 16,
	 .len = 21 + 4 + 9 + 4},
	{"connected v4",
	 .sock = {.family = AF_INET,
		  .type = SOCK_STREAM,
		  .local = V4(10, 0, 0, 1),
		  .remote = V4(10, 0, 0, 2),
		  .local_port = 80,
		  .remote_port = 4000},
	 .type = 3, .len = 21 + 13},
	{"listening v4",
	 .sock = {.family = AF_INET,
		  .type = SOCK_STREAM,
		  .local_port = 22,
		  .flags = SOCK_LISTENING},
	 .type = 5, .len = 21 + 7},
	{"connected v6",
	 .sock = {.family = AF_INET6, .type = SOCK_DGRAM, .local_port = 1, .remote_port = 53},
	 .type = 4, .len = 21 + 37},
	{"bound v6", .sock = {.family = AF_INET6, .type = SOCK_DGRAM, .local_port = 53}, .type = 6,
	 .len = 21 + 19},
	{"fresh v4", .sock = {.family = AF_INET, .type = SOCK_STREAM}, .type = 3, .len = 21 + 13},
	{"unix", .sock = {.family = AF_UNIX, .self_ptr = 1, .peer_ptr = 2, .path = {"/run/x", 6}},
	 .type = 8, .len = 21 + 16 + 8},
	{"netlink", .sock = {.family = AF_NETLINK}, .type = 15, .len = 21 + 2},
	{"packet", .sock = {.family = AF_PACKET}, .type = 10, .len = 21 + 2},
};

static void each_kind_of_descriptor(void **state)
{
	struct fixture *f = *state;
	const uint8_t *at;

	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fd_rows); i++) {
		struct event *ev = event_scan_fd(&f->maker, &f->shell, (int32_t)i, "");

		ev->file = fd_rows[i].sock.family ? NULL : &fd_rows[i].file;
		ev->sock = fd_rows[i].sock.family ? &fd_rows[i].sock : NULL;
		assert_int_equal(scap_writer_scan(f->writer, ev, NULL), 0);
	}
	load(f);
	at = body(f, read_back_find(&f->file, 0x218, 0));
	assert_int_equal(read_back_find(&f->file, 0x218, 1), -1);
	assert_int_equal(read_back_u64(at), 1000);
	at += 8;
	for (size_t i = 0; i < ARRAY_SIZE(fd_rows); i++) {
		if (read_back_u32(at) != fd_rows[i].len || at[20] != fd_rows[i].type ||
		    read_back_u64(at + 4) != i)
			fail_msg("%s: length %u, type %u", fd_rows[i].name, read_back_u32(at),
				 at[20]);
		at += read_back_u32(at);
	}
}

static void addresses_of_descriptors(void **state)
{
	struct fixture *f = *state;
	struct event *ev;
	const uint8_t *at;

	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	ev = event_scan_fd(&f->maker, &f->shell, 3, "");
	ev->file = NULL;
	ev->sock = &fd_rows[8].sock;
	assert_int_equal(scap_writer_scan(f->writer, ev, NULL), 0);
	load(f);
	at = body(f, read_back_find(&f->file, 0x218, 0)) + 8 + 21;
	assert_memory_equal(at, "\x0a\0\0\x01\x0a\0\0\x02\x50\0\xa0\x0f\x02", 13);
}

static void descriptors_of_unknown_tasks_are_counted(void **state)
{
	struct fixture *f = *state;
	struct scap_writer_counters c;

	assert_int_equal(
		scap_writer_scan(f->writer, event_scan_fd(&f->maker, &f->shell, 3, "/x"), NULL), 0);
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.left_out[SCAP_OUT_NO_TASK], 1);
	load(f);
	assert_int_equal(read_back_find(&f->file, 0x218, 0), -1);
}

static void state_after_the_first_event_is_counted(void **state)
{
	struct fixture *f = *state;
	struct scap_writer_counters c;

	assert_int_equal(scap_writer_event(f->writer,
					   event_open(&f->maker, &f->shell, 3, "/x", TEST_O_RDONLY),
					   NULL, true),
			 0);
	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.left_out[SCAP_OUT_LATE_SCAN], 1);
	load(f);
	assert_int_equal(read_back_find(&f->file, 0x215, 0), -1);
}

static void lists_go_on_in_further_blocks(void **state)
{
	struct fixture *f = *state;
	char path[900];
	uint32_t n = 0;

	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (int fd = 0; fd < 200; fd++)
		assert_int_equal(scap_writer_scan(f->writer,
						  event_scan_fd(&f->maker, &f->shell, fd, path),
						  NULL),
				 0);
	load(f);
	for (uint32_t i = 0; read_back_find(&f->file, 0x218, i) >= 0; i++) {
		int block = read_back_find(&f->file, 0x218, i);
		const uint8_t *at = body(f, block), *end = at + f->file.blocks[block].total - 12;

		assert_int_equal(read_back_u64(at), 1000);
		for (at += 8; end - at >= 4 && read_back_u32(at); at += read_back_u32(at))
			assert_int_equal(read_back_u64(at + 4), n++);
	}
	assert_int_equal(n, 200);
}

static void an_open_is_a_pair_with_the_resolved_name(void **state)
{
	struct fixture *f = *state;
	struct event *ev = event_open(&f->maker, &f->shell, 3, "../etc/./x", TEST_O_RDWR);
	struct read_back_event event;

	f->maker.file.path = TEXT("/etc/x");
	ev->cpu = 7;
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	load(f);
	read_back_event(&f->file, 306, 0, &event);
	assert_int_equal(event.n_params, 4);
	assert_int_equal(event.ts_ns, ev->ts_ns);
	assert_int_equal(event.tid, 1000);
	assert_int_equal(event.cpu, 7);
	assert_false(event.is_flagged);
	assert_true((int64_t)read_back_number(&event, 0) == -100);
	want_string(&event, 1, "/etc/x");
	assert_int_equal(read_back_number(&event, 2), 3);
	read_back_event(&f->file, 307, 0, &event);
	assert_int_equal(event.n_params, 7);
	assert_int_equal(read_back_number(&event, 0), 3);
	want_string(&event, 2, "/etc/x");
	assert_int_equal(event.params[5].len, 4);
	assert_int_equal(read_back_number(&event, 5), 8 << 20 | 1);
	assert_int_equal(read_back_number(&event, 6), 4711);
}

static void a_failed_open_has_the_typed_name(void **state)
{
	struct fixture *f = *state;
	struct read_back_event event;

	assert_int_equal(scap_writer_event(f->writer,
					   event_open(&f->maker, &f->shell, -2, "../nix", 1), NULL,
					   true),
			 0);
	load(f);
	read_back_event(&f->file, 307, 0, &event);
	assert_true((int64_t)read_back_number(&event, 0) == -2);
	want_string(&event, 2, "../nix");
	/* Readers of 2022 take numbers without looking whether there is one. */
	assert_int_equal(event.params[5].len, 4);
}

static void an_exec_names_the_image_that_ran(void **state)
{
	struct fixture *f = *state;
	struct event *ev = event_exec(&f->maker, &f->shell);
	struct read_back_event event;

	event_set_text(ev, EXECVE_filename, "/bin/sh");
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	load(f);
	read_back_event(&f->file, 292, 0, &event);
	assert_int_equal(event.n_params, 1);
	want_string(&event, 0, "/usr/bin/dash");
	read_back_event(&f->file, 293, 0, &event);
	assert_int_equal(event.n_params, 30); /* 31 are not read by all */
	want_string(&event, EXECVE_exe, "sh");
	want_param(&event, EXECVE_args, "-c\0true", 8);
	want_param(&event, EXECVE_env, "HOME=/root", 11);
	want_string(&event, EXECVE_comm, "sh");
	want_string(&event, EXECVE_trusted_exepath, "/usr/bin/dash");
	assert_int_equal(read_back_number(&event, EXECVE_loginuid), 1000);
	for (unsigned i = 0; i < 20; i++) /* what 2022 had */
		assert_true(event.params[i].len > 0);
}

static void an_exec_that_failed_is_completed_from_the_process(void **state)
{
	struct fixture *f = *state;
	struct task_facts process;
	struct read_back_event event;

	event_scan(&f->maker, &f->shell);
	process = f->maker.task;
	assert_int_equal(scap_writer_event(f->writer,
					   event_exec_failed(&f->maker, &f->shell, "./nix", 2),
					   &process, true),
			 0);
	load(f);
	read_back_event(&f->file, 292, 0, &event);
	want_string(&event, 0, "./nix");
	read_back_event(&f->file, 293, 0, &event);
	assert_true((int64_t)read_back_number(&event, 0) == -2);
	want_string(&event, EXECVE_exe, "./nix"); /* as asked for */
	want_string(&event, EXECVE_comm, "sh");   /* as it stayed */
	assert_int_equal(read_back_number(&event, EXECVE_ptid), 1);
	want_string(&event, EXECVE_cwd, "/tmp");
}

static void both_sides_of_a_clone(void **state)
{
	struct fixture *f = *state;
	struct test_task child = f->shell;
	struct task_facts process;
	struct read_back_event event;
	struct event *ev;

	event_scan(&f->maker, &f->shell);
	process = f->maker.task;
	child.pid = 1001;
	child.ppid = 1000;
	ev = event_fork(&f->maker, &child, &child); /* by the child itself, as it comes live */
	event_set_res(ev, 0);
	assert_int_equal(scap_writer_event(f->writer, ev, &process, true), 0);
	ev = event_start(&f->maker, &f->shell, EVENT_CLONE);
	event_set_res(ev, 1001);
	assert_int_equal(scap_writer_event(f->writer, ev, &process, true), 0);
	load(f);
	assert_int_equal(read_back_count(&f->file, 222), 1); /* the creator's only */
	read_back_event(&f->file, 223, 0, &event);
	assert_int_equal(event.tid, 1001);
	assert_int_equal(read_back_number(&event, CLONE_res), 0);
	want_param(&event, CLONE_args, "-c\0true", 8);
	want_string(&event, CLONE_exe, "sh");
	read_back_event(&f->file, 223, 1, &event);
	assert_int_equal(event.tid, 1000);
	assert_int_equal(read_back_number(&event, CLONE_res), 1001);
	assert_int_equal(read_back_number(&event, CLONE_ptid), 1);
	assert_int_equal(read_back_number(&event, CLONE_vtid), 1000);
	want_string(&event, CLONE_comm, "sh");
	for (unsigned i = 0; i < 20; i++)
		assert_true(event.params[i].len > 0);
}

static void an_exit_stands_alone(void **state)
{
	struct fixture *f = *state;
	struct read_back_event event;

	assert_int_equal(
		scap_writer_event(f->writer, event_exit(&f->maker, &f->shell, 256, 1), NULL, true),
		0);
	load(f);
	read_back_event(&f->file, 186, 0, &event);
	assert_int_equal(event.n_params, 5);
	assert_int_equal(read_back_number(&event, 0), 256);
	assert_int_equal(read_back_number(&event, 4), 1);
	assert_int_equal(read_back_find(&f->file, 0x216, 1), -1);
}

/* For each call whose type old readers lack but need: what they are given instead. */
static void descriptors_that_old_readers_would_miss(void **state)
{
	static const struct {
		enum event_type event;
		uint16_t old, own; /* own 0: the old type alone */
	} rows[] = {
		{EVENT_DUP, 125, 0},
		{EVENT_DUP2, 125, 363},
		{EVENT_DUP3, 125, 365},
		{EVENT_PIPE2, 61, 393},
		{EVENT_EVENTFD2, 63, 397},
		{EVENT_SIGNALFD4, 127, 399},
		{EVENT_INOTIFY_INIT1, 139, 395},
		{EVENT_ACCEPT4, 249, 0},
		{EVENT_UMOUNT, 259, 0},
	};
	struct fixture *f = *state;
	struct read_back_event event;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &f->shell, rows[i].event);

		event_set_res(ev, 5);
		assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
		event_set_res(ev, -9);
		assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	}
	load(f);
	assert_int_equal(read_back_count(&f->file, 125), 2 + 2);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].own) {
			read_back_event(&f->file, rows[i].own, 0, &event);
			assert_false(event.is_flagged);
			assert_int_equal(read_back_number(&event, 0), 5);
			assert_int_equal(read_back_count(&f->file, rows[i].own), 2);
		}
		read_back_event(&f->file, rows[i].old, rows[i].old == 125 ? 2 : 0, &event);
		assert_int_equal(event.flags, rows[i].own || rows[i].old == 125 ? 1 : 0);
		assert_int_equal(read_back_number(&event, 0), 5);
	}
}

static void unmatched_events_are_for_state_only(void **state)
{
	struct fixture *f = *state;
	struct scap_writer_counters c;
	struct read_back_event event;

	assert_int_equal(scap_writer_event(f->writer, event_open(&f->maker, &f->shell, 3, "/x", 1),
					   NULL, false),
			 0);
	load(f);
	read_back_event(&f->file, 306, 0, &event);
	assert_int_equal(event.flags, 1);
	read_back_event(&f->file, 307, 0, &event);
	assert_int_equal(event.flags, 1);
	assert_int_equal(event.n_params, 7);
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.events_total, 0);
	assert_int_equal(c.state_only_total, 1);
}

static void calls_that_crash_old_readers_are_left_out(void **state)
{
	static const uint16_t codes[] = {0, 1, 328, 329, 380};
	struct fixture *f = *state;
	struct scap_writer_counters c;
	struct read_back_event event;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct event *ev = event_start(&f->maker, &f->shell, EVENT_GENERIC);

		event_set_u64(ev, GENERIC_ID, codes[i]);
		event_set_u64(ev, GENERIC_nativeID, 77);
		assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	}
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.left_out[SCAP_OUT_GENERIC], 3);
	assert_int_equal(c.events_total, 2);
	load(f);
	assert_int_equal(read_back_count(&f->file, 0), 2);
	assert_int_equal(read_back_count(&f->file, 1), 2);
	read_back_event(&f->file, 0, 1, &event);
	assert_int_equal(read_back_number(&event, 0), 328);
	assert_int_equal(read_back_number(&event, 1), 77);
}

static void unix_paths_get_their_nul(void **state)
{
	struct fixture *f = *state;
	struct event *ev = event_start(&f->maker, &f->shell, EVENT_CONNECT);
	struct read_back_event event;

	event_set_res(ev, 0);
	event_set_bytes(ev, CONNECT_tuple,
			"\x01"
			"12345678"
			"abcdefgh"
			"/run/x",
			17 + 6);
	event_set_bytes(ev, CONNECT_addr, "\x01/run/x", 7);
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	load(f);
	read_back_event(&f->file, 23, 0, &event);
	want_param(&event, CONNECT_tuple,
		   "\x01"
		   "12345678"
		   "abcdefgh"
		   "/run/x",
		   17 + 7);
	want_param(&event, CONNECT_addr, "\x01/run/x", 8);
}

static void a_tuple_keeps_its_bytes(void **state)
{
	struct fixture *f = *state;
	struct read_back_event event;

	assert_int_equal(scap_writer_event(f->writer,
					   event_connect(&f->maker, &f->shell, 4, "10.0.0.1", 1024,
							 "10.0.0.2", 80, 0),
					   NULL, true),
			 0);
	load(f);
	read_back_event(&f->file, 23, 0, &event);
	want_param(&event, 1, "\x02\x0a\0\0\x01\0\x04\x0a\0\0\x02\x50\0", 13);
	read_back_event(&f->file, 22, 0, &event);
	want_param(&event, 1, "\x02\x0a\0\0\x02\x50\0", 7);
}

/* Every type with as much in every parameter as an event can hold, and with nothing: no block
 * breaks the limit, no length is wrong, whatever other people's tables say. */
static void every_type_full_and_empty(void **state)
{
	static char big[60000];
	struct fixture *f = *state;
	struct scap_writer_counters c;

	memset(big, 'x', sizeof(big));
	for (int type = 0; type < EVENT_TYPE_END; type++) {
		const struct event_info *info = event_info((enum event_type)type);
		struct event *ev = event_start(&f->maker, &f->shell, (enum event_type)type);

		for (unsigned i = 0; i < info->n_params; i++) {
			if (info->params[i].type >= PARAM_CHARBUF)
				event_set_bytes(ev, i, big, sizeof(big));
			else
				event_set_u64(ev, i, 300 + i);
		}
		assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
		event_start(&f->maker, &f->shell, (enum event_type)type);
		assert_int_equal(scap_writer_event(f->writer, ev, NULL, false), 0);
	}
	scap_writer_counters(f->writer, &c);
	assert_true(c.clipped_total > 0);
	load(f);
	for (int type = 0; type < EVENT_TYPE_END; type++) {
		uint16_t id = event_info((enum event_type)type)->scap_type;
		struct read_back_event event;

		for (uint32_t n = 0; n < read_back_count(&f->file, id); n++) {
			read_back_event(&f->file, id, n, &event);
			assert_int_equal(event.n_params, scap_type(id)->n_write);
		}
	}
}

static void lists_of_strings_end_with_a_nul(void **state)
{
	struct fixture *f = *state;
	struct event *ev = event_exec(&f->maker, &f->shell);
	struct read_back_event event;

	event_set_bytes(ev, EXECVE_args, "-c\0cut of", 9);
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	load(f);
	read_back_event(&f->file, 293, 0, &event);
	want_param(&event, EXECVE_args, "-c\0cut of", 10);
}

/* Readers refuse longer texts in the lists before the events. */
static void long_texts_of_the_scan_are_cut(void **state)
{
	static char big[20000];
	struct fixture *f = *state;
	struct scap_writer_counters c;
	struct event *ev;
	const uint8_t *at;

	memset(big, 'x', sizeof(big));
	ev = event_scan(&f->maker, &f->shell);
	f->maker.task.comm = f->maker.task.exe = f->maker.task.args = f->maker.task.env =
		f->maker.task.cwd = (struct text){big, sizeof(big)};
	assert_int_equal(scap_writer_scan(f->writer, ev, NULL), 0);
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.clipped_total, 5);
	load(f);
	at = body(f, read_back_find(&f->file, 0x215, 0)) + 44;
	assert_int_equal(read_back_u16(at), 1023);
	at += 2 + 1023;
	at += 2 + read_back_u16(at);
	at += 2 + read_back_u16(at); /* exepath */
	assert_int_equal(read_back_u16(at), 4095);
	assert_int_equal(at[2 + 4094], 0);
}

static void losses_are_told_in_their_place(void **state)
{
	struct fixture *f = *state;
	struct scap_writer_counters c;

	assert_int_equal(scap_writer_drop(f->writer, 5, 12), 0);
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.drops_total, 12);
	load(f);
	assert_int_equal(read_back_count(&f->file, 148), 1);
	assert_int_equal(read_back_count(&f->file, 149), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(section_comes_first_without_options),
		TEST(an_empty_capture_has_an_event_that_nobody_shows),
		TEST(host_blocks),
		TEST(a_process_with_the_tail_that_all_readers_take),
		TEST(a_thread_is_one),
		TEST(each_kind_of_descriptor),
		TEST(addresses_of_descriptors),
		TEST(descriptors_of_unknown_tasks_are_counted),
		TEST(state_after_the_first_event_is_counted),
		TEST(lists_go_on_in_further_blocks),
		TEST(an_open_is_a_pair_with_the_resolved_name),
		TEST(a_failed_open_has_the_typed_name),
		TEST(an_exec_names_the_image_that_ran),
		TEST(an_exec_that_failed_is_completed_from_the_process),
		TEST(both_sides_of_a_clone),
		TEST(an_exit_stands_alone),
		TEST(descriptors_that_old_readers_would_miss),
		TEST(unmatched_events_are_for_state_only),
		TEST(calls_that_crash_old_readers_are_left_out),
		TEST(unix_paths_get_their_nul),
		TEST(a_tuple_keeps_its_bytes),
		TEST(every_type_full_and_empty),
		TEST(lists_of_strings_end_with_a_nul),
		TEST(long_texts_of_the_scan_are_cut),
		TEST(losses_are_told_in_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
