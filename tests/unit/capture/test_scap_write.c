/* What a capture file that was written tells before its events, checked against the format's
 * description. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "scap_write_fixture.h"

static void section_comes_first_without_options(void **state)
{
	struct write_fixture *f = *state;
	const uint8_t *at;

	write_load(f);
	at = write_body(f, 0);
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
	struct write_fixture *f = *state;
	struct read_back_event event;

	write_load(f);
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
	struct write_fixture *f = *state;
	const uint8_t *at;

	assert_int_equal(scap_writer_host(f->writer, &machine, &host), 0);
	write_load(f);
	at = write_body(f, read_back_find(&f->file, 0x201, 0));
	assert_int_equal(f->file.blocks[1].total, 12 + 180);
	assert_int_equal(read_back_u32(at), 4);
	assert_true(read_back_u64(at + 4) == UINT64_C(8) << 30);
	assert_int_equal(read_back_u64(at + 12), 4194304);
	assert_string_equal((const char *)at + 20, "box");
	assert_int_equal(read_back_u64(at + 148), 12345);

	at = write_body(f, read_back_find(&f->file, 0x219, 0));
	assert_int_equal(read_back_u32(at), 2 + 2 + 12 + 8 + 4); /* does not count itself */
	assert_int_equal(read_back_u16(at + 4), 1);
	assert_int_equal(read_back_u16(at + 6), 4);
	assert_memory_equal(at + 8, "\x0a\0\0\x09\xff\xff\xff\0\x0a\0\0\xff", 12);
	assert_memory_equal(at + 28, "eth0", 4);
	at += 32;
	assert_int_equal(read_back_u32(at), 2 + 2 + 48 + 8 + 2);
	assert_int_equal(read_back_u16(at + 4), 2);

	at = write_body(f, read_back_find(&f->file, 0x220, 0));
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
	struct write_fixture *f = *state;
	const uint8_t *at, *end;

	f->shell.exe_flags = EXE_WRITABLE;
	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	write_load(f);
	at = write_body(f, read_back_find(&f->file, 0x215, 0));
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
	struct write_fixture *f = *state;
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
	write_load(f);
	at = write_body(f, read_back_find(&f->file, 0x215, 0));
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
	struct write_fixture *f = *state;
	const uint8_t *at;

	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fd_rows); i++) {
		struct event *ev = event_scan_fd(&f->maker, &f->shell, (int32_t)i, "");

		ev->file = fd_rows[i].sock.family ? NULL : &fd_rows[i].file;
		ev->sock = fd_rows[i].sock.family ? &fd_rows[i].sock : NULL;
		assert_int_equal(scap_writer_scan(f->writer, ev, NULL), 0);
	}
	write_load(f);
	at = write_body(f, read_back_find(&f->file, 0x218, 0));
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
	struct write_fixture *f = *state;
	struct event *ev;
	const uint8_t *at;

	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	ev = event_scan_fd(&f->maker, &f->shell, 3, "");
	ev->file = NULL;
	ev->sock = &fd_rows[8].sock;
	assert_int_equal(scap_writer_scan(f->writer, ev, NULL), 0);
	write_load(f);
	at = write_body(f, read_back_find(&f->file, 0x218, 0)) + 8 + 21;
	assert_memory_equal(at, "\x0a\0\0\x01\x0a\0\0\x02\x50\0\xa0\x0f\x02", 13);
}

static void descriptors_of_unknown_tasks_are_counted(void **state)
{
	struct write_fixture *f = *state;
	struct scap_writer_counters c;

	assert_int_equal(
		scap_writer_scan(f->writer, event_scan_fd(&f->maker, &f->shell, 3, "/x"), NULL), 0);
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.left_out[SCAP_OUT_NO_TASK], 1);
	write_load(f);
	assert_int_equal(read_back_find(&f->file, 0x218, 0), -1);
}

static void state_after_the_first_event_is_counted(void **state)
{
	struct write_fixture *f = *state;
	struct scap_writer_counters c;

	assert_int_equal(scap_writer_event(f->writer,
					   event_open(&f->maker, &f->shell, 3, "/x", TEST_O_RDONLY),
					   NULL, true),
			 0);
	assert_int_equal(scap_writer_scan(f->writer, event_scan(&f->maker, &f->shell), NULL), 0);
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.left_out[SCAP_OUT_LATE_SCAN], 1);
	write_load(f);
	assert_int_equal(read_back_find(&f->file, 0x215, 0), -1);
}

static void lists_go_on_in_further_blocks(void **state)
{
	struct write_fixture *f = *state;
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
	write_load(f);
	for (uint32_t i = 0; read_back_find(&f->file, 0x218, i) >= 0; i++) {
		int block = read_back_find(&f->file, 0x218, i);
		const uint8_t *at = write_body(f, block),
			      *end = at + f->file.blocks[block].total - 12;

		assert_int_equal(read_back_u64(at), 1000);
		for (at += 8; end - at >= 4 && read_back_u32(at); at += read_back_u32(at))
			assert_int_equal(read_back_u64(at + 4), n++);
	}
	assert_int_equal(n, 200);
}

/* Readers refuse longer texts in the lists before the events. */
static void long_texts_of_the_scan_are_cut(void **state)
{
	static char big[20000];
	struct write_fixture *f = *state;
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
	write_load(f);
	at = write_body(f, read_back_find(&f->file, 0x215, 0)) + 44;
	assert_int_equal(read_back_u16(at), 1023);
	at += 2 + 1023;
	at += 2 + read_back_u16(at);
	at += 2 + read_back_u16(at); /* exepath */
	assert_int_equal(read_back_u16(at), 4095);
	assert_int_equal(at[2 + 4094], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, write_setup, write_teardown)
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
		TEST(long_texts_of_the_scan_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
