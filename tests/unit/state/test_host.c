#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "state_fixture.h"

static const struct host_user users[] = {
	{1000, 100, TEXT("ada"), TEXT("/home/ada"), TEXT("/bin/zsh")},
	{0, 0, TEXT("root"), TEXT("/root"), TEXT("/bin/sh")},
};
static const struct host_group groups[] = {{100, TEXT("staff")}, {0, TEXT("root")}};

static void apply_host(struct fixture *f, const struct host_facts *host)
{
	struct event *ev = event_start(&f->maker, NULL, EVENT_PROCINFO);

	ev->host = host;
	ev->quality = EVENT_STATE_ONLY;
	assert_int_equal(state_apply(f->state, ev, &f->subject), 0);
}

static void apply_scan(struct fixture *f, const struct test_task *task)
{
	fixture_apply(f, event_scan(&f->maker, task));
}

static void users_and_name_are_the_captures(void **state)
{
	struct fixture *f = *state;
	const struct host_facts host = {.hostname = TEXT("elsewhere"),
					.users = users,
					.n_users = ARRAY_SIZE(users),
					.groups = groups,
					.n_groups = ARRAY_SIZE(groups)};
	struct test_task task = task_shell;

	task.uid = 1000;
	task.gid = 100;
	apply_host(f, &host);
	apply_scan(f, &task);
	fixture_apply(f, event_open(&f->maker, &task, 3, "/x", TEST_O_RDONLY));
	assert_string_equal(fixture_field(f, "user.name"), "ada");
	assert_string_equal(fixture_field(f, "user.homedir"), "/home/ada");
	assert_string_equal(fixture_field(f, "user.shell"), "/bin/zsh");
	assert_string_equal(fixture_field(f, "group.name"), "staff");
	assert_string_equal(fixture_field(f, "evt.hostname"), "elsewhere");
}

static void a_new_host_forgets_the_old(void **state)
{
	struct fixture *f = *state;
	const struct host_facts first = {
		.hostname = TEXT("first"), .users = users, .n_users = ARRAY_SIZE(users)};
	const struct host_facts second = {.hostname = TEXT_NONE};
	struct state_counters before, after;
	struct test_task task = task_child;

	apply_host(f, &first);
	fixture_start(f);
	state_counters(f->state, &before);
	assert_true(before.processes >= 3);
	apply_host(f, &second);
	state_counters(f->state, &after);
	assert_int_equal(after.processes, 0);
	assert_int_equal(state_hostname(f->state).len, 0);
	/* The same pids on the new host are not the old ones' children. */
	task.uid = 1000;
	apply_scan(f, &task);
	assert_null(f->subject.process->parent);
	assert_null(f->subject.process->creator);
	assert_int_equal(state_user_name(f->state, f->subject.process, 1000).len, 0);
}

static void the_host_may_change_right_after_an_exit(void **state)
{
	struct fixture *f = *state;
	const struct host_facts host = {.hostname = TEXT("h")};
	struct state_counters after;

	fixture_start(f);
	fixture_apply(f, event_exit(&f->maker, &task_child, 0, 1));
	apply_host(f, &host);
	apply_host(f, &host);
	fixture_start(f);
	state_counters(f->state, &after);
	assert_int_equal(after.processes, 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(users_and_name_are_the_captures),
		TEST(a_new_host_forgets_the_old),
		TEST(the_host_may_change_right_after_an_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
