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

static void users_are_told_by_events_too(void **state)
{
	struct fixture *f = *state;
	const struct host_facts host = {.users = users, .n_users = ARRAY_SIZE(users)};
	struct event *ev;

	apply_host(f, &host);
	fixture_start(f);
	for (int container = 0; container < 2; container++) {
		ev = event_start(&f->maker, NULL, EVENT_USERADDED);
		event_set_u64(ev, USERADDED_uid, 1000 + (unsigned)container);
		event_set_text(ev, USERADDED_name, "grace");
		event_set_text(ev, USERADDED_container_id, container ? "0123456789ab" : "");
		assert_int_equal(state_apply(f->state, ev, &f->subject), 0);
	}
	ev = event_start(&f->maker, NULL, EVENT_GROUPADDED);
	event_set_u64(ev, GROUPADDED_gid, 7);
	event_set_text(ev, GROUPADDED_name, "lp");
	assert_int_equal(state_apply(f->state, ev, &f->subject), 0);
	fixture_apply(f, event_open(&f->maker, &task_shell, 3, "/x", TEST_O_RDONLY));
	assert_true(text_equal(state_user_name(f->state, f->subject.process, 1000), TEXT("grace")));
	assert_true(text_equal(state_user_name(f->state, f->subject.process, 0), TEXT("root")));
	assert_int_equal(state_user_name(f->state, f->subject.process, 1001).len, 0);
	assert_true(text_equal(state_group_name(f->state, f->subject.process, 7), TEXT("lp")));
}

static void addresses_say_who_serves(void **state)
{
	struct fixture *f = *state;
	static const struct host_address own[] = {
		{.family = AF_INET, .address = {10, 0, 2, 15}, .netmask = {255, 255, 255, 0}}};
	static const struct {
		const char *server, *is_server;
	} rows[] = {{"10.0.2.15", "true"}, {"172.17.0.4", "false"}, {"127.0.0.1", "true"}};
	const struct host_facts host = {.addresses = own, .n_addresses = 1};

	apply_host(f, &host);
	fixture_start(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fixture_apply(f, event_accept(&f->maker, &task_shell, 5, rows[i].server, 80,
					      "192.0.2.1", 4000));
		assert_string_equal(fixture_field(f, "fd.is_server"), rows[i].is_server);
	}
}

static void a_call_may_show_that_a_close_was_missed(void **state)
{
	struct fixture *f = *state;
	struct event *ev;

	fixture_start(f);
	fixture_apply(f, event_open(&f->maker, &task_shell, 9, "/x", TEST_O_RDONLY));
	ev = event_start(&f->maker, &task_shell, EVENT_FCNTL);
	event_set_res(ev, -9);
	event_set_i64(ev, FCNTL_fd, 9);
	event_set_u64(ev, FCNTL_cmd, 2);
	fixture_apply(f, ev);
	assert_string_equal(fixture_field(f, "fd.type"), "<absent>");
	assert_null(state_find_fd(f->subject.process, 9));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(users_and_name_are_the_captures),
		TEST(a_new_host_forgets_the_old),
		TEST(the_host_may_change_right_after_an_exit),
		TEST(users_are_told_by_events_too),
		TEST(addresses_say_who_serves),
		TEST(a_call_may_show_that_a_close_was_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
