/* Events in a capture file that was written, checked against the format's description. */
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
#include "capture/scap_types.h"
#include "scap_write_fixture.h"

static void an_open_is_a_pair_with_the_resolved_name(void **state)
{
	struct write_fixture *f = *state;
	struct event *ev = event_open(&f->maker, &f->shell, 3, "../etc/./x", TEST_O_RDWR);
	struct read_back_event event;

	f->maker.file.path = TEXT("/etc/x");
	ev->cpu = 7;
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	write_load(f);
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
	struct write_fixture *f = *state;
	struct read_back_event event;

	assert_int_equal(scap_writer_event(f->writer,
					   event_open(&f->maker, &f->shell, -2, "../nix", 1), NULL,
					   true),
			 0);
	write_load(f);
	read_back_event(&f->file, 307, 0, &event);
	assert_true((int64_t)read_back_number(&event, 0) == -2);
	want_string(&event, 2, "../nix");
	/* Readers of 2022 take numbers without looking whether there is one. */
	assert_int_equal(event.params[5].len, 4);
}

static void an_exec_names_the_image_that_ran(void **state)
{
	struct write_fixture *f = *state;
	struct event *ev = event_exec(&f->maker, &f->shell);
	struct read_back_event event;

	event_set_text(ev, EXECVE_filename, "/bin/sh");
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	write_load(f);
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
	struct write_fixture *f = *state;
	struct task_facts process;
	struct read_back_event event;

	event_scan(&f->maker, &f->shell);
	process = f->maker.task;
	assert_int_equal(scap_writer_event(f->writer,
					   event_exec_failed(&f->maker, &f->shell, "./nix", 2),
					   &process, true),
			 0);
	write_load(f);
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
	struct write_fixture *f = *state;
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
	write_load(f);
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
	struct write_fixture *f = *state;
	struct read_back_event event;

	assert_int_equal(
		scap_writer_event(f->writer, event_exit(&f->maker, &f->shell, 256, 1), NULL, true),
		0);
	write_load(f);
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
	struct write_fixture *f = *state;
	struct read_back_event event;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &f->shell, rows[i].event);

		event_set_res(ev, 5);
		assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
		event_set_res(ev, -9);
		assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	}
	write_load(f);
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
	struct write_fixture *f = *state;
	struct scap_writer_counters c;
	struct read_back_event event;

	assert_int_equal(scap_writer_event(f->writer, event_open(&f->maker, &f->shell, 3, "/x", 1),
					   NULL, false),
			 0);
	write_load(f);
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
	struct write_fixture *f = *state;
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
	write_load(f);
	assert_int_equal(read_back_count(&f->file, 0), 2);
	assert_int_equal(read_back_count(&f->file, 1), 2);
	read_back_event(&f->file, 0, 1, &event);
	assert_int_equal(read_back_number(&event, 0), 328);
	assert_int_equal(read_back_number(&event, 1), 77);
}

static void unix_paths_get_their_nul(void **state)
{
	struct write_fixture *f = *state;
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
	write_load(f);
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
	struct write_fixture *f = *state;
	struct read_back_event event;

	assert_int_equal(scap_writer_event(f->writer,
					   event_connect(&f->maker, &f->shell, 4, "10.0.0.1", 1024,
							 "10.0.0.2", 80, 0),
					   NULL, true),
			 0);
	write_load(f);
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
	struct write_fixture *f = *state;
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
	write_load(f);
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
	struct write_fixture *f = *state;
	struct event *ev = event_exec(&f->maker, &f->shell);
	struct read_back_event event;

	event_set_bytes(ev, EXECVE_args, "-c\0cut of", 9);
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	write_load(f);
	read_back_event(&f->file, 293, 0, &event);
	want_param(&event, EXECVE_args, "-c\0cut of", 10);
}

static void losses_are_told_in_their_place(void **state)
{
	struct write_fixture *f = *state;
	struct scap_writer_counters c;

	assert_int_equal(scap_writer_drop(f->writer, 5, 12), 0);
	scap_writer_counters(f->writer, &c);
	assert_int_equal(c.drops_total, 12);
	write_load(f);
	assert_int_equal(read_back_count(&f->file, 148), 1);
	assert_int_equal(read_back_count(&f->file, 149), 1);
}

/* Readers of 2022 take a text that is not there from whatever lies behind it. */
static void texts_that_are_not_known(void **state)
{
	struct write_fixture *f = *state;
	struct event *ev = event_start(&f->maker, &f->shell, EVENT_UNLINK);
	struct read_back_event event;

	event_set_res(ev, -14);
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	ev = event_start(&f->maker, &f->shell, EVENT_CHOWN);
	event_set_res(ev, -14);
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	write_load(f);
	read_back_event(&f->file, 301, 0, &event);
	want_string(&event, 1, "<NA>");
	read_back_event(&f->file, 379, 0, &event); /* they do not know it */
	assert_int_equal(event.params[1].len, 0);
	assert_int_equal(event.params[2].len, 0);
}

static void descriptors_that_are_not_known_are_none(void **state)
{
	struct write_fixture *f = *state;
	struct event *ev = event_start(&f->maker, &f->shell, EVENT_WRITE);
	struct read_back_event event;

	event_set_res(ev, 5);
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	ev->fd = 7; /* known, though its parameter was not read */
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	write_load(f);
	read_back_event(&f->file, 8, 0, &event);
	assert_true((int64_t)read_back_number(&event, 0) == -1);
	read_back_event(&f->file, 8, 1, &event);
	assert_int_equal(read_back_number(&event, 0), 7);
}

/* They also take the working directory from it. */
static void getcwd_tells_where_the_process_is(void **state)
{
	struct write_fixture *f = *state;
	struct event *ev = event_start(&f->maker, &f->shell, EVENT_GETCWD);
	struct task_facts process = {.cwd = {"/srv", 4}};
	struct read_back_event event;

	ev->res = 5;
	assert_int_equal(scap_writer_event(f->writer, ev, &process, true), 0);
	write_load(f);
	read_back_event(&f->file, 93, 0, &event);
	assert_int_equal(read_back_number(&event, 0), 5);
	want_string(&event, 1, "/srv");
}

static void an_image_without_a_place_gets_the_root(void **state)
{
	struct write_fixture *f = *state;
	struct read_back_event event;
	struct event *ev;

	f->shell.exepath = "memfd:x";
	assert_int_equal(scap_writer_event(f->writer, event_exec(&f->maker, &f->shell), NULL, true),
			 0);
	ev = event_exec(&f->maker, &f->shell);
	ev->type = EVENT_EXECVEAT;
	assert_int_equal(scap_writer_event(f->writer, ev, NULL, true), 0);
	write_load(f);
	read_back_event(&f->file, 292, 0, &event);
	want_string(&event, 0, "/memfd:x");
	read_back_event(&f->file, 293, 0, &event);
	want_string(&event, EXECVE_trusted_exepath, "memfd:x");
	read_back_event(&f->file, 330, 0, &event);
	assert_int_equal(event.n_params, 3);
	assert_true((int64_t)read_back_number(&event, 0) == -100);
	want_string(&event, 1, "/memfd:x");
	assert_int_equal(read_back_number(&event, 2), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, write_setup, write_teardown)
	const struct CMUnitTest tests[] = {
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
		TEST(losses_are_told_in_their_place),
		TEST(texts_that_are_not_known),
		TEST(descriptors_that_are_not_known_are_none),
		TEST(getcwd_tells_where_the_process_is),
		TEST(an_image_without_a_place_gets_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
