/* Tasks of which a source does not know everything: what was holds, or what the creator has. */
#include "state_fixture.h"

#include "base/util.h"

#define EVERYTHING                                                                                 \
	(TASK_UNKNOWN_IDS | TASK_UNKNOWN_NAMESPACE | TASK_UNKNOWN_SID | TASK_UNKNOWN_PGID |        \
	 TASK_UNKNOWN_VPGID | TASK_UNKNOWN_LOGINUID | TASK_UNKNOWN_TTY | TASK_UNKNOWN_CAPS |       \
	 TASK_UNKNOWN_COMM)

/* The event's task with all that can be missing missing, and zero. */
static const struct event *without(struct event *ev)
{
	struct task_facts *task = (struct task_facts *)ev->task;

	task->unknown = EVERYTHING;
	task->uid = task->euid = task->suid = task->gid = task->egid = task->sgid = 0;
	task->vtid = task->vpid = task->sid = task->pgid = task->vpgid = 0;
	task->loginuid = UINT32_MAX;
	task->tty = 0;
	task->cap_effective = task->cap_permitted = task->cap_inheritable = 0;
	task->comm = TEXT_NONE;
	return ev;
}

static const struct test_task user_shell = {
	.pid = 300,
	.start_ns = 30 * SECOND,
	.ppid = 1,
	.parent_start_ns = 1,
	.exepath = "/usr/bin/bash",
	.uid = 1000,
	.gid = 100,
	.loginuid = 1000,
	.sid = 300,
	.pgid = 300,
	.vpid = 7,
	.tty = 34816,
};

static const struct test_task user_child = {
	.pid = 301,
	.start_ns = 31 * SECOND,
	.ppid = 300,
	.parent_start_ns = 30 * SECOND,
	.exepath = "/usr/bin/cat",
};

static void check_as_shell(const struct process *p)
{
	assert_int_equal(p->uid, 1000);
	assert_int_equal(p->euid, 1000);
	assert_int_equal(p->gid, 100);
	assert_int_equal(p->loginuid, 1000);
	assert_int_equal(p->sid, 300);
	assert_int_equal(p->pgid, 300);
	assert_int_equal(p->tty, 34816);
}

static void a_known_process_stays_who_it_is(void **out)
{
	struct fixture *f = *out;
	struct test_task image = user_shell;
	const struct process *p;

	fixture_apply(f, event_scan(&f->maker, &user_shell));
	image.exepath = "/usr/bin/cat";
	p = fixture_apply(f, without(event_exec(&f->maker, &image)));
	assert_true(text_equal(p->exepath, TEXT("/usr/bin/cat")));
	check_as_shell(p);
	assert_int_equal(p->vpid, 7);
	assert_true(text_equal(p->comm, TEXT("bash")));
}

static void a_child_is_who_its_creator_is(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_apply(f, event_scan(&f->maker, &user_shell));
	fixture_apply(f, without(event_fork(&f->maker, &user_shell, &user_child)));
	p = f->subject.child;
	assert_non_null(p);
	check_as_shell(p);
	assert_int_equal(p->vpid, 301);
	assert_int_equal(p->leader->vtid, 301);
	assert_int_equal(p->leader->tid, 301);
	assert_ptr_equal(p->leader->process, p);
	assert_true(text_equal(p->comm, TEXT("bash")));
}

/* Its beginning was not seen: it may have become somebody else since. */
static void a_newcomer_is_not_who_its_parent_is(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_apply(f, event_scan(&f->maker, &user_shell));
	p = fixture_apply(f, without(event_exec(&f->maker, &user_child)));
	assert_int_equal(p->pid, 301);
	assert_int_equal(p->parent->pid, 300);
	assert_int_equal(p->euid, UINT32_MAX);
	assert_int_equal(p->loginuid, UINT32_MAX);
	assert_int_equal(p->vpid, 301);
}

/* Nobody knows: that is not root. */
static void a_stranger_is_nobody(void **out)
{
	struct fixture *f = *out;
	struct test_task stranger = user_child;
	const struct process *p;

	stranger.ppid = 4711;
	stranger.parent_start_ns = 0;
	p = fixture_apply(f, event_open(&f->maker, &stranger, 3, "/x", TEST_O_RDONLY));
	assert_int_equal(p->uid, UINT32_MAX);
	assert_int_equal(p->leader->egid, UINT32_MAX);
	stranger.pid = 302;
	p = fixture_apply(f, without(event_exec(&f->maker, &stranger)));
	assert_int_equal(p->euid, UINT32_MAX);
	assert_int_equal(p->loginuid, UINT32_MAX);
}

/* A scanned process is not taken for its parent: it may have changed since it was forked. */
static void a_scanned_process_inherits_nothing(void **out)
{
	struct fixture *f = *out;
	const struct process *p;

	fixture_apply(f, event_scan(&f->maker, &user_shell));
	p = fixture_apply(f, without(event_scan(&f->maker, &user_child)));
	assert_int_equal(p->pid, 301);
	assert_int_equal(p->uid, UINT32_MAX);
	assert_int_equal(p->sid, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_known_process_stays_who_it_is, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_child_is_who_its_creator_is, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_newcomer_is_not_who_its_parent_is, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_stranger_is_nobody, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_scanned_process_inherits_nothing, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
