#include "state_fixture.h"

#include <sched.h>

#include "base/util.h"

static void a_child_has_its_creators_image(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_start(f);
	p = f->subject.child;
	assert_non_null(p);
	assert_int_equal(p->pid, 200);
	assert_int_equal(p->parent->pid, 100);
	assert_int_equal(p->creator->pid, 100);
	assert_int_equal(process_ancestor(p, 3)->pid, 1);
	assert_null(process_ancestor(p, 4));
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/bash")));
	assert_ptr_equal(p->exepath.ptr, p->parent->exepath.ptr); /* shared, not copied */
	assert_false(p->parent_unknown_at_start);
}

static void lineage_outlives_ancestors(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_start(f);
	fixture_apply(f, event_exit(&f->maker, &task_shell, 0, 1));
	assert_true(f->subject.process->is_alive); /* rules still see it */
	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/etc/passwd", TEST_O_RDONLY));
	assert_int_equal(p->parent->pid, 1);
	assert_int_equal(p->creator->pid, 100);
	assert_false(p->creator->is_alive);
	assert_int_equal(p->creator->creator->pid, 50);
	fixture_apply(f, event_exit(&f->maker, &task_child, 0, 1));
	fixture_apply(f, event_open(&f->maker, &task_init, 3, "/x", TEST_O_RDONLY));
	assert_null(state_find_process(f->state, 100, 0)); /* nobody descends from it any more */
	assert_null(state_find_process(f->state, 200, 0));
	assert_non_null(state_find_process(f->state, 50, 0));
}

static void an_unknown_reaper_leaves_no_parent(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_start(f);
	fixture_apply(f, event_exit(&f->maker, &task_shell, 0, 4711));
	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/x", TEST_O_RDONLY));
	assert_null(p->parent);
	assert_int_equal(p->ppid, 4711);
}

static void a_sub_reaper_adopts(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_start(f);
	fixture_apply(f, event_exit(&f->maker, &task_shell, 0, 50));
	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/x", TEST_O_RDONLY));
	assert_int_equal(p->parent->pid, 50);
	assert_int_equal(p->creator->pid, 100);
}

static void a_reused_pid_is_another_process(void **out)
{
	struct test_task again = task_child;
	struct fixture *f = *out;
	struct process *old, *p;

	again.start_ns = 40 * SECOND;
	again.exepath = "/usr/bin/other";
	fixture_start(f);
	old = f->subject.child;
	old = state_find_process(f->state, 200, 20 * SECOND);
	assert_non_null(old);
	/* Its exit was not seen: the new one comes all the same. */
	fixture_apply(f, event_fork(&f->maker, &task_shell, &again));
	p = f->subject.child;
	assert_int_equal(p->start_ns, 40 * SECOND);
	assert_null(state_find_process(f->state, 200, 20 * SECOND));
	assert_ptr_equal(state_find_process(f->state, 200, 0), p);
}

static void unknown_tasks_are_made_up_and_counted(void **out)
{
	struct fixture *f = *out;
	struct state_counters counters;
	const struct process *p;

	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/x", TEST_O_RDONLY));
	assert_non_null(p);
	assert_true(f->subject.is_new_process);
	assert_null(p->parent);
	assert_null(p->creator);
	assert_true(p->parent_unknown_at_start);
	assert_non_null(p->workload);
	assert_non_null(p->instance);
	state_counters(f->state, &counters);
	assert_int_equal(counters.unknown_task_total, 1);
	fixture_apply(f, event_open(&f->maker, &task_child, 4, "/y", TEST_O_RDONLY));
	assert_false(f->subject.is_new_process);
}

/* Also when nothing happens afterwards. */
static void what_ended_goes_with_time(void **out)
{
	struct fixture *f = *out;
	struct state_counters counters;
	uint32_t before;

	fixture_start(f);
	state_counters(f->state, &counters);
	before = counters.processes;
	fixture_apply(f, event_exit(&f->maker, &task_child, 0, 1));
	assert_true(f->subject.process->is_alive); /* rules still see it */
	state_counters(f->state, &counters);
	assert_int_equal(counters.processes, before);
	state_tick(f->state, f->maker.now_ns);
	state_counters(f->state, &counters);
	assert_int_equal(counters.processes, before - 1);
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/x", TEST_O_RDONLY));
	state_counters(f->state, &counters);
	assert_int_equal(counters.processes, before - 1);
}

static void a_missed_exec_is_noticed(void **out)
{
	struct test_task later = task_child;
	struct fixture *f = *out;
	struct state_counters counters;
	uint64_t generation;

	fixture_start(f);
	generation = state_find_process(f->state, 200, 0)->generation;
	later.exec_id = 2;
	fixture_apply(f, event_open(&f->maker, &later, 3, "/x", TEST_O_RDONLY));
	state_counters(f->state, &counters);
	assert_int_equal(counters.wrong_image_total, 1);
	assert_int_not_equal(f->subject.process->generation, generation);
	fixture_apply(f, event_open(&f->maker, &later, 3, "/x", TEST_O_RDONLY));
	state_counters(f->state, &counters);
	assert_int_equal(counters.wrong_image_total, 1);
}

static void exec_replaces_the_image(void **out)
{
	static const char *const args[] = {"-l", "", "/tmp/a b", NULL};
	struct test_task image = task_child;
	struct fixture *f = *out;
	struct process *p;
	char line[128];

	image.exec_id = 2;
	image.exepath = "/usr/bin/ls";
	image.exe = "ls";
	image.args = args;
	fixture_start(f);
	p = fixture_apply(f, event_exec(&f->maker, &image));
	assert_true(p->exec_seen);
	assert_int_equal(p->exec_ns, f->last->ts_ns);
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/ls")));
	assert_true(text_equal(p->comm, TEXT("ls")));
	assert_true(text_equal(f->subject.path, TEXT("/usr/bin/ls")));
	assert_int_equal(process_cmdline(p, line, sizeof(line)), strlen("ls -l  /tmp/a b"));
	assert_memory_equal(line, "ls -l  /tmp/a b", strlen("ls -l  /tmp/a b"));
	assert_int_equal(process_cmdline(p, line, 4), 4);
	assert_int_equal(process_cmdline(p, line, 0), 0);
	/* The parent keeps its own. */
	assert_true(text_equal(p->parent->exepath, TEXT("/usr/bin/bash")));
}

static void a_failed_exec_changes_nothing(void **out)
{
	struct fixture *f = *out;
	struct process *p;

	fixture_start(f);
	p = fixture_apply(f, event_exec_failed(&f->maker, &task_child, "../bin/nope", 2));
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/bash")));
	assert_true(text_equal(f->subject.path, TEXT("/home/bin/nope")));
	assert_true(f->subject.path_from_caller);
	assert_false(p->exec_seen);
}

static void the_process_lives_as_long_as_its_threads(void **out)
{
	struct test_task second = task_child;
	struct fixture *f = *out;

	second.tid = 201;
	fixture_start(f);
	fixture_apply(f, event_thread(&f->maker, &task_child, 201));
	assert_int_equal(f->subject.process->n_threads, 2);
	fixture_apply(f, event_exit(&f->maker, &task_child, 0, 1)); /* the leader only */
	fixture_apply(f, event_open(&f->maker, &second, 3, "/x", TEST_O_RDONLY));
	assert_true(f->subject.process->is_alive);
	assert_int_equal(f->subject.thread->tid, 201);
	fixture_apply(f, event_exit(&f->maker, &second, 0, 1));
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/x", TEST_O_RDONLY));
	assert_null(state_find_process(f->state, 200, 0));
}

static void exec_ends_the_other_threads(void **out)
{
	struct test_task image = task_child;
	struct fixture *f = *out;

	fixture_start(f);
	fixture_apply(f, event_thread(&f->maker, &task_child, 201));
	fixture_apply(f, event_thread(&f->maker, &task_child, 202));
	image.exec_id = 2;
	fixture_apply(f, event_exec(&f->maker, &image));
	assert_int_equal(f->subject.process->n_threads, 1);
	fixture_apply(f, event_exit(&f->maker, &image, 0, 1));
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/x", TEST_O_RDONLY));
	assert_null(state_find_process(f->state, 200, 0));
}

static void clone_parent_is_no_child_of_its_creator(void **out)
{
	struct test_task sibling = task_child;
	struct fixture *f = *out;
	struct event *ev;

	fixture_start(f);
	sibling.pid = 300;
	sibling.start_ns = 30 * SECOND;
	sibling.ppid = 100;
	ev = event_fork(&f->maker, &task_child, &sibling);
	f->maker.task.clone_flags = CLONE_PARENT;
	fixture_apply(f, ev);
	assert_int_equal(f->subject.child->parent->pid, 100);
	assert_int_equal(f->subject.child->creator->pid, 200);
}

static void events_before_the_fork_are_joined_with_it(void **out)
{
	struct fixture *f = *out;
	struct process *p;

	fixture_apply(f, event_scan(&f->maker, &task_init));
	fixture_apply(f, event_scan(&f->maker, &task_shell));
	p = fixture_apply(f, event_open(&f->maker, &task_child, 3, "/x", TEST_O_RDONLY));
	assert_null(p->creator);
	fixture_apply(f, event_fork(&f->maker, &task_shell, &task_child));
	assert_ptr_equal(f->subject.child, p);
	assert_int_equal(p->creator->pid, 100);
	assert_int_equal(p->parent->pid, 100);
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/bash")));
	assert_false(p->parent_unknown_at_start);
}

static void the_scan_may_meet_children_first(void **out)
{
	struct fixture *f = *out;
	struct process *p;

	p = fixture_apply(f, event_scan(&f->maker, &task_shell));
	assert_null(p->parent);
	fixture_apply(f, event_scan(&f->maker, &task_sshd));
	assert_int_equal(p->parent->pid, 50);
	assert_false(p->parent_unknown_at_start);
	fixture_apply(f, event_scan(&f->maker, &task_init));
	assert_int_equal(p->parent->parent->pid, 1);
	assert_false(p->exec_seen);
}

static void a_full_table_forgets_the_longest_dead_first(void **out)
{
	struct fixture *f = *out;
	struct state_counters counters;

	fixture_start(f);
	/* The shell is remembered for its child; then the table fills up with processes that stay
	 * alive. */
	fixture_apply(f, event_exit(&f->maker, &task_shell, 0, 1));
	for (int32_t i = 0; i < 200; i++) {
		struct test_task one = task_child;

		one.pid = 1000 + i;
		one.start_ns = (uint64_t)(50 + i) * SECOND;
		one.ppid = 200;
		fixture_apply(f, event_fork(&f->maker, &task_child, &one));
		assert_non_null(f->subject.child);
	}
	state_counters(f->state, &counters);
	assert_int_equal(counters.processes, 64);
	assert_int_equal(counters.remembered, 0);
	assert_true(counters.evicted_total >= 200 - 64);
	assert_null(state_find_process(f->state, 100, 0));
	assert_non_null(state_find_process(f->state, 200, 0)); /* it was always in use */
	assert_null(state_find_process(f->state, 200, 0)->creator);
}

static bool count_slot(struct process *process, void *arg)
{
	bool *seen = arg;

	assert_true(process->slot < 64);
	assert_false(seen[process->slot]);
	seen[process->slot] = true;
	return true;
}

static void slots_are_dense_and_unique(void **out)
{
	struct fixture *f = *out;
	bool seen[64] = {0};

	fixture_start(f);
	state_each_process(f->state, count_slot, seen);
	assert_true(seen[0] && seen[1] && seen[2] && seen[3] && !seen[4]);
}

static void credentials_follow_the_calls(void **out)
{
	static const struct {
		const char *name;
		enum event_type type;
		int64_t args[3];
		uint32_t want[3]; /* real, effective, saved; user or group */
	} rows[] = {
		{"setresuid", EVENT_SETRESUID, {-1, 5, -1}, {0, 5, 0}},
		{"setresuid back", EVENT_SETRESUID, {-1, 0, -1}, {0, 0, 0}},
		{"setreuid", EVENT_SETREUID, {-1, 7, -1}, {0, 7, 7}},
		{"setreuid real again", EVENT_SETREUID, {-1, 0, -1}, {0, 0, 7}},
		{"setuid privileged", EVENT_SETUID, {33, 0, 0}, {33, 33, 33}},
		{"setuid unprivileged", EVENT_SETUID, {33, 0, 0}, {33, 33, 33}},
	};
	struct fixture *f = *out;

	fixture_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = event_start(&f->maker, &task_child, rows[i].type);
		uint64_t generation = state_find_process(f->state, 200, 0)->generation;
		const struct process *p;

		event_set_res(ev, 0);
		for (unsigned a = 0; a + 1 < ev->n_params; a++)
			event_set_u64(ev, a + 1, (uint64_t)rows[i].args[a]);
		p = fixture_apply(f, ev);
		if (p->uid != rows[i].want[0] || p->euid != rows[i].want[1] ||
		    p->suid != rows[i].want[2])
			fail_msg("%s: %u %u %u", rows[i].name, p->uid, p->euid, p->suid);
		assert_int_not_equal(p->generation, generation);
	}
}

static void a_thread_has_credentials_of_its_own(void **out)
{
	struct test_task second = task_child;
	struct fixture *f = *out;
	struct event *ev;

	second.tid = 201;
	fixture_start(f);
	fixture_apply(f, event_thread(&f->maker, &task_child, 201));
	ev = event_start(&f->maker, &second, EVENT_SETUID);
	event_set_res(ev, 0);
	event_set_u64(ev, SETUID_uid, 33);
	fixture_apply(f, ev);
	assert_int_equal(f->subject.thread->euid, 33);
	assert_int_equal(f->subject.process->euid, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_child_has_its_creators_image),
		TEST(lineage_outlives_ancestors),
		TEST(an_unknown_reaper_leaves_no_parent),
		TEST(a_sub_reaper_adopts),
		TEST(a_reused_pid_is_another_process),
		TEST(unknown_tasks_are_made_up_and_counted),
		TEST(what_ended_goes_with_time),
		TEST(a_missed_exec_is_noticed),
		TEST(exec_replaces_the_image),
		TEST(a_failed_exec_changes_nothing),
		TEST(the_process_lives_as_long_as_its_threads),
		TEST(exec_ends_the_other_threads),
		TEST(clone_parent_is_no_child_of_its_creator),
		TEST(events_before_the_fork_are_joined_with_it),
		TEST(the_scan_may_meet_children_first),
		TEST(a_full_table_forgets_the_longest_dead_first),
		TEST(slots_are_dense_and_unique),
		TEST(credentials_follow_the_calls),
		TEST(a_thread_has_credentials_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
