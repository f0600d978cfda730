#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "state/state.h"
#include "tests/lib/events.h"

#define S UINT64_C(1000000000)

static const struct test_task init = {
	.pid = 1, .start_ns = 1, .exec_id = 1, .exepath = "/usr/sbin/init"};
static const struct test_task shell = {.pid = 100,
				       .start_ns = 10 * S,
				       .exec_id = 1,
				       .ppid = 1,
				       .parent_start_ns = 1,
				       .exepath = "/bin/sh"};
static const struct test_task child = {.pid = 200,
				       .start_ns = 20 * S,
				       .exec_id = 1,
				       .ppid = 100,
				       .sid = 100,
				       .exepath = "/bin/sh"};

struct fixture {
	struct state *state;
	struct event_maker maker;
	struct subject subject;
};

static int setup(void **out)
{
	static struct fixture f;
	struct state_config config = {.processes_max = 64,
				      .fds_per_process_max = 16,
				      .boot_epoch_ns = TEST_BOOT_EPOCH_NS};

	f = (struct fixture){0};
	event_maker_init(&f.maker, 100);
	*out = &f;
	return state_create(&f.state, &config);
}

static int teardown(void **fixture)
{
	struct fixture *f = *fixture;

	state_destroy(&f->state);
	return 0;
}

static struct process *apply(struct fixture *f, const struct event *ev)
{
	assert_int_equal(state_apply(f->state, ev, &f->subject), 0);
	return f->subject.process;
}

static void start_tree(struct fixture *f)
{
	apply(f, event_scan(&f->maker, &init));
	apply(f, event_scan(&f->maker, &shell));
	apply(f, event_fork(&f->maker, &shell, &child));
}

static void a_child_has_its_creators_image(void **fixture)
{
	struct fixture *f = *fixture;
	const struct process *p;

	start_tree(f);
	p = f->subject.child;
	assert_non_null(p);
	assert_int_equal(p->pid, 200);
	assert_int_equal(p->parent->pid, 100);
	assert_int_equal(p->creator->pid, 100);
	assert_int_equal(process_ancestor(p, 2)->pid, 1);
	assert_null(process_ancestor(p, 3));
	assert_true(text_equal(p->exepath, TEXT("/bin/sh")));
}

static void lineage_outlives_ancestors(void **fixture)
{
	struct fixture *f = *fixture;
	const struct process *p;

	start_tree(f);
	apply(f, event_exit(&f->maker, &shell, 0, 1));
	apply(f, event_open(&f->maker, &child, 3, "/etc/passwd", TEST_O_RDONLY));
	p = f->subject.process;
	assert_int_equal(p->parent->pid, 1);
	assert_int_equal(p->creator->pid, 100);
	assert_false(p->creator->is_alive);
	assert_true(text_equal(f->subject.path, TEXT("/etc/passwd")));
	assert_non_null(f->subject.fd_entry);
	apply(f, event_exit(&f->maker, &child, 0, 1));
	apply(f, event_open(&f->maker, &init, 3, "/x", TEST_O_RDONLY));
	assert_null(state_find_process(f->state, 100, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_child_has_its_creators_image, setup, teardown),
		cmocka_unit_test_setup_teardown(lineage_outlives_ancestors, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
