/* Rescans: what is missing is added, what differs replaced, what is gone ended; newer events stay.
 */
#include "state_fixture.h"

#include "base/util.h"
#include "state/fd_table.h"

static void apply(struct fixture *f, struct event *ev, enum event_scan what)
{
	ev->scan = (uint8_t)what;
	ev->quality |= EVENT_STATE_ONLY;
	assert_int_equal(state_apply(f->state, ev, &f->subject), 0);
}

static void mark(struct fixture *f, enum event_scan what)
{
	apply(f, event_start(&f->maker, NULL, EVENT_PROCINFO), what);
}

static void task(struct fixture *f, const struct test_task *t)
{
	apply(f, event_scan(&f->maker, t), SCAN_TASK);
}

static void descriptor(struct fixture *f, const struct test_task *t, int32_t fd, const char *path)
{
	apply(f, event_scan_fd(&f->maker, t, fd, path), SCAN_FD);
}

static void tasks_but_child(struct fixture *f)
{
	mark(f, SCAN_BEGIN);
	task(f, &task_init);
	task(f, &task_sshd);
	task(f, &task_shell);
}

static void done(struct fixture *f)
{
	mark(f, SCAN_DONE);
	state_tick(f->state, f->maker.now_ns);
}

static struct process *find(const struct fixture *f, const struct test_task *t)
{
	struct process *p = state_find_process(f->state, t->pid, t->start_ns);

	return p && p->is_alive ? p : NULL;
}

static struct repair_counters repaired(const struct fixture *f)
{
	struct state_counters counters;

	state_counters(f->state, &counters);
	return counters.repaired;
}

static bool is_named(const struct process *p, int32_t fd, const char *name)
{
	const struct fd_entry *entry = state_find_fd(p, fd);

	return entry && text_equal(entry->name, text_from(name));
}

static void what_is_right_stays(void **out)
{
	struct fixture *f = *out;
	struct process *p;
	uint64_t generation;

	fixture_start(f);
	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/a", TEST_O_RDONLY));
	generation = p->generation;
	tasks_but_child(f);
	task(f, &task_child);
	mark(f, SCAN_TASKS_DONE);
	descriptor(f, &task_child, 3, "/a");
	done(f);
	assert_ptr_equal(find(f, &task_child), p);
	assert_int_equal(p->generation, generation);
	assert_true(is_named(p, 3, "/a"));
	assert_int_equal(repaired(f).rescans_total, 1);
	assert_int_equal(repaired(f).started_total + repaired(f).ended_total +
				 repaired(f).images_total + repaired(f).credentials_total,
			 0);
}

static void what_did_not_come_has_ended(void **out)
{
	static const struct test_task late = {.pid = 300,
					      .start_ns = 40 * SECOND,
					      .exec_id = 1,
					      .ppid = 100,
					      .parent_start_ns = 10 * SECOND,
					      .exepath = "/usr/bin/bash"};
	struct fixture *f = *out;

	fixture_start(f);
	tasks_but_child(f);
	/* Behind the iterator's back. */
	fixture_apply(f, event_fork(&f->maker, &task_shell, &late));
	assert_non_null(find(f, &task_child));
	mark(f, SCAN_TASKS_DONE);
	done(f);
	assert_null(find(f, &task_child));
	assert_non_null(find(f, &task_shell));
	assert_non_null(find(f, &late));
	assert_int_equal(repaired(f).ended_total, 1);
}

static void who_is_about_to_end_is_left_alone(void **out)
{
	static const struct test_task unknown = {
		.pid = 301, .start_ns = 40 * SECOND, .ppid = 100, .exepath = "/bin/x"};
	struct fixture *f = *out;

	fixture_start(f);
	tasks_but_child(f);
	apply(f, event_scan(&f->maker, &task_child), SCAN_ENDING_TASK);
	apply(f, event_scan(&f->maker, &unknown), SCAN_ENDING_TASK);
	mark(f, SCAN_TASKS_DONE);
	done(f);
	assert_non_null(find(f, &task_child));
	assert_null(find(f, &unknown));
	/* Its end came, and a record of it from just before its tasks' state changed. */
	fixture_apply(f, event_exit(&f->maker, &task_child, 0, 0));
	mark(f, SCAN_BEGIN);
	apply(f, event_scan(&f->maker, &task_child), SCAN_ENDING_TASK);
	assert_null(find(f, &task_child));
}

static void what_is_missing_is_added(void **out)
{
	static const struct test_task missed = {.pid = 400,
						.start_ns = 30 * SECOND,
						.exec_id = 7,
						.ppid = 200,
						.parent_start_ns = 20 * SECOND,
						.exepath = "/usr/bin/missed",
						.uid = 12};
	struct fixture *f = *out;
	struct process *p;

	fixture_start(f);
	tasks_but_child(f);
	task(f, &task_child);
	task(f, &missed);
	mark(f, SCAN_TASKS_DONE);
	descriptor(f, &missed, 0, "/dev/null");
	done(f);
	p = find(f, &missed);
	assert_non_null(p);
	assert_int_equal(p->parent->pid, 200);
	assert_int_equal(p->creator->pid, 200);
	assert_int_equal(p->uid, 12);
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/missed")));
	assert_true(is_named(p, 0, "/dev/null"));
	assert_int_equal(repaired(f).started_total, 1);
}

static void images_and_credentials_are_corrected(void **out)
{
	struct test_task now = task_child;
	struct fixture *f = *out;
	struct process *p;
	uint64_t generation;

	fixture_start(f);
	p = find(f, &task_child);
	generation = p->generation;
	now.exec_id = 2;
	now.exepath = "/usr/bin/other";
	now.uid = 33;
	now.cwd = "/srv";
	now.ppid = 50; /* inherited */
	now.parent_start_ns = 5 * SECOND;
	tasks_but_child(f);
	task(f, &now);
	mark(f, SCAN_TASKS_DONE);
	done(f);
	assert_ptr_equal(find(f, &task_child), p);
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/other")));
	assert_true(text_equal(p->cwd, TEXT("/srv")));
	assert_int_equal(p->uid, 33);
	assert_int_equal(p->parent->pid, 50);
	assert_int_equal(p->creator->pid, 100);
	assert_true(p->generation != generation);
	assert_int_equal(repaired(f).images_total, 1);
	assert_int_equal(repaired(f).credentials_total, 1);
}

static void stale_descriptors_go_and_newer_ones_stay(void **out)
{
	struct fixture *f = *out;
	struct process *p;

	fixture_start(f);
	for (int32_t fd = 3; fd < 7; fd++)
		p = fixture_apply(f, event_open(&f->maker, &task_child, fd, "/old", TEST_O_RDONLY));
	tasks_but_child(f);
	task(f, &task_child);
	mark(f, SCAN_TASKS_DONE);
	/* Opened before the iterator came by, which it did not show: closed since, and that was
	 * lost or is still to come. Nobody knows, so it stays. */
	fixture_apply(f, event_open(&f->maker, &task_child, 9, "/before", TEST_O_RDONLY));
	descriptor(f, &task_child, 3, "/old");
	descriptor(f, &task_child, 4, "/other");
	/* Newer than their records. */
	fixture_apply(f, event_open(&f->maker, &task_child, 4, "/newer", TEST_O_RDONLY));
	fixture_apply(f, event_open(&f->maker, &task_child, 5, "/behind", TEST_O_RDONLY));
	done(f);
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/x", TEST_O_RDONLY));
	assert_true(is_named(p, 3, "/old"));
	assert_true(is_named(p, 4, "/newer"));
	assert_true(is_named(p, 5, "/behind"));
	assert_null(state_find_fd(p, 6));
	assert_true(is_named(p, 9, "/before"));
}

static void who_has_no_descriptors_keeps_none(void **out)
{
	struct fixture *f = *out;
	struct process *p;

	fixture_start(f);
	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/old", TEST_O_RDONLY));
	tasks_but_child(f);
	task(f, &task_child);
	mark(f, SCAN_TASKS_DONE);
	descriptor(f, &task_shell, 0, "/dev/pts/0");
	done(f);
	assert_null(state_find_fd(p, 3));
	assert_true(is_named(find(f, &task_shell), 0, "/dev/pts/0"));
}

static void thread_descriptor(struct fixture *f, const struct test_task *t, int32_t tid, int32_t fd,
			      const char *path)
{
	struct event *ev = event_scan_fd(&f->maker, t, fd, path);

	ev->tid = tid;
	apply(f, ev, SCAN_FD);
}

/* They come right behind the process's own, or, by number of the thread, much later. */
static void descriptors_of_single_threads_are_not_the_process_s(void **out)
{
	struct fixture *f = *out;
	struct process *p;

	for (int is_later = 0; is_later < 2; is_later++) {
		fixture_start(f);
		fixture_apply(f, event_open(&f->maker, &task_child, 3, "/a", TEST_O_RDONLY));
		p = fixture_apply(f, event_open(&f->maker, &task_child, 10, "/b", TEST_O_RDONLY));
		tasks_but_child(f);
		task(f, &task_child);
		mark(f, SCAN_TASKS_DONE);
		descriptor(f, &task_child, 3, "/a");
		descriptor(f, &task_child, 10, "/b");
		if (is_later)
			descriptor(f, &task_shell, 0, "/dev/pts/0");
		thread_descriptor(f, &task_child, 7001, 3, "/of/thread");
		thread_descriptor(f, &task_child, 7001, 4, "/of/thread");
		thread_descriptor(f, &task_child, 7002, 5, "/of/thread");
		done(f);
		assert_true(is_named(p, 3, "/a"));
		assert_true(is_named(p, 10, "/b"));
		assert_null(state_find_fd(p, 4));
		assert_null(state_find_fd(p, 5));
	}
}

/* The first thread is over and has none. */
static void any_thread_speaks_for_a_process_without_its_first(void **out)
{
	struct fixture *f = *out;
	struct process *p;

	fixture_start(f);
	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/a", TEST_O_RDONLY));
	tasks_but_child(f);
	task(f, &task_child);
	mark(f, SCAN_TASKS_DONE);
	for (int32_t tid = 7001; tid < 7003; tid++) {
		thread_descriptor(f, &task_child, tid, 3, "/a");
		thread_descriptor(f, &task_child, tid, 4, "/missed");
	}
	done(f);
	assert_true(is_named(p, 3, "/a"));
	assert_true(is_named(p, 4, "/missed"));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(what_is_right_stays),
		TEST(what_did_not_come_has_ended),
		TEST(who_is_about_to_end_is_left_alone),
		TEST(what_is_missing_is_added),
		TEST(images_and_credentials_are_corrected),
		TEST(stale_descriptors_go_and_newer_ones_stay),
		TEST(who_has_no_descriptors_keeps_none),
		TEST(descriptors_of_single_threads_are_not_the_process_s),
		TEST(any_thread_speaks_for_a_process_without_its_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
