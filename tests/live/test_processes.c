/* Life cycle and credentials: images, creators, ends, identities. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

static const enum event_type all_types[] = {
	EVENT_EXECVE,    EVENT_EXECVEAT,  EVENT_CLONE,  EVENT_CLONE3,   EVENT_FORK,
	EVENT_VFORK,     EVENT_SETUID,    EVENT_SETGID, EVENT_SETREUID, EVENT_SETREGID,
	EVENT_SETRESUID, EVENT_SETRESGID, EVENT_SETSID, EVENT_SETPGID,  EVENT_PRCTL,
	EVENT_CAPSET,    EVENT_TYPE_END,
};

static void run(struct live_test *t, void (*fn)(void *arg), void *arg)
{
	live_want(t, all_types);
	t->with_descendants = true;
	live_run(t, fn, arg);
	t->with_descendants = false;
}

static void child_fails_to_exec(void *arg)
{
	/* On the stack: what was never touched is not in memory, and cannot be reported. */
	char wanted[] = "wanted", one[] = "one", empty[] = "", three[] = "three";
	char *argv[] = {wanted, one, empty, three, NULL};
	char *envp[] = {NULL};

	(void)arg;
	execve("/none/such", argv, envp);
	syscall(SYS_execveat, AT_FDCWD, "none/such", argv, envp, 0);
}

static void failed_execs_report_what_was_asked_for(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_fails_to_exec, NULL);
	ev = live_event(t, EVENT_EXECVE, 0);
	assert_int_equal(ev->res, -2);
	assert_int_equal(live_i64(ev, "res"), -2);
	live_text_is(ev, "exe", "wanted");
	assert_int_equal(ev->params[EXECVE_args].bytes.len, 11);
	assert_memory_equal(ev->params[EXECVE_args].bytes.ptr, "one\0\0three", 11);
	live_text_is(ev, "filename", "/none/such");
	assert_int_equal(live_i64(ev, "tid"), t->child);
	assert_int_equal(live_i64(ev, "pid"), t->child);
	assert_null(ev->task);
	assert_true(ev->quality & EVENT_PATH_FROM_CALLER);
	ev = live_event(t, EVENT_EXECVEAT, 0);
	assert_int_equal(ev->res, -2);
	assert_text(ev->raw_path[0], "none/such");
	live_text_is(ev, "exe", "wanted");
}

static void child_execs_memfd(void *arg)
{
	char *argv[] = {"innocent", NULL}, *envp[] = {NULL};
	int in = open("/bin/true", O_RDONLY), out = memfd_create("payload", 0);
	char buffer[65536];
	ssize_t n;

	(void)arg;
	while ((n = read(in, buffer, sizeof(buffer))) > 0) {
		if (write(out, buffer, (size_t)n) != n)
			_exit(1);
	}
	syscall(SYS_execveat, out, "", argv, envp, AT_EMPTY_PATH);
	_exit(2);
}

static void execveat_of_a_memfd_is_an_execve(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_execs_memfd, NULL);
	assert_int_equal(t->child_status, 0);
	assert_int_equal(live_count(t, EVENT_EXECVEAT), 0);
	ev = live_event(t, EVENT_EXECVE, 0);
	assert_int_equal(ev->tgid, t->child);
	assert_text(ev->task->exepath, "memfd:payload");
	assert_int_equal(ev->task->exe_flags & ~(uint32_t)EXE_WRITABLE, EXE_FROM_MEMFD);
	assert_true(live_u64(ev, "flags") & 4);
	live_text_is(ev, "exe", "innocent");
	assert_int_equal(ev->params[EXECVE_env].bytes.len, 0);
}

struct script {
	char path[64];
	char link[64];
};

static void child_execs_script(void *arg)
{
	const struct script *script = arg;
	char *argv[] = {"lost", "a b", NULL}, *envp[] = {"X=1", NULL};
	struct rlimit limit = {777, 888};

	setrlimit(RLIMIT_NOFILE, &limit);
	execve(script->link, argv, envp);
}

static void scripts_show_their_interpreter(void **state)
{
	struct script script = {"/tmp/ethogram-script-XXXXXX", "/tmp/ethogram-script-link"};
	struct live_test *t = *state;
	char exepath[4096], want[128];
	const struct event *ev;
	int fd = mkstemp(script.path), n;

	unlink(script.link);
	assert_int_equal(symlink(script.path, script.link), 0);
	assert_int_equal(write(fd, "#!/bin/sh -e\nexit 5\n", 20), 20);
	fchmod(fd, 0755);
	close(fd);
	assert_non_null(realpath("/bin/sh", exepath));
	run(t, child_execs_script, &script);
	assert_int_equal(WEXITSTATUS(t->child_status), 5);
	ev = live_event(t, EVENT_EXECVE, 0);
	assert_text(ev->task->exepath, exepath);
	assert_text(ev->task->exe, "/bin/sh");
	assert_text(ev->task->comm, "ethogram-script");
	assert_true(ev->task->exe_flags & EXE_IS_SCRIPT);
	live_text_is(ev, "filename", script.link);
	n = snprintf(want, sizeof(want), "-e%c%s%ca b%c", 0, script.link, 0, 0);
	assert_int_equal(ev->task->args.len, n);
	assert_memory_equal(ev->task->args.ptr, want, (size_t)n);
	assert_int_equal(ev->task->fd_limit, 777);
	if (ev->task->vm_rss_kb > ev->task->vm_size_kb)
		fail_msg("%u KiB resident of %u", ev->task->vm_rss_kb, ev->task->vm_size_kb);
	unlink(script.path);
	unlink(script.link);
}

static void child_execs_with_much(void *arg)
{
	static char big[6001];
	char *argv[] = {"true", "small", big, "after", NULL}, *envp[] = {big, NULL};

	(void)arg;
	memset(big, 'a', 6000);
	execve("/bin/true", argv, envp);
}

static void long_arguments_are_cut_and_marked(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_execs_with_much, NULL);
	ev = live_event(t, EVENT_EXECVE, 0);
	assert_true(ev->task->args_truncated && ev->task->env_truncated);
	assert_true(ev->quality & EVENT_TRUNCATED);
	assert_int_equal(ev->task->args.len, 4096 - 5);
	assert_int_equal(ev->task->env.len, 4096);
}

static void child_drops_privilege(void *arg)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct caps[2] = {{0xc1, 0xe1, 0}, {0, 0, 0}};
	char *argv[] = {"id", NULL}, *envp[] = {NULL};

	(void)arg;
	if (syscall(SYS_capset, &header, caps) || syscall(SYS_setresgid, 11, 12, 13) ||
	    syscall(SYS_setregid, 11, 13) || syscall(SYS_setgid, 11) ||
	    syscall(SYS_setresuid, -1, 21, 22))
		_exit(1);
	if (syscall(SYS_setreuid, 0, 22) || syscall(SYS_setuid, 99) != -1)
		_exit(2);
	syscall(SYS_setgid, 0);
	syscall(SYS_setregid, 1, 2);
	syscall(SYS_setresgid, 1, 2, 3);
	syscall(SYS_setreuid, 5, 6);
	syscall(SYS_setresuid, 5, 6, 7);
	caps[0].permitted = 0xffffffff;
	syscall(SYS_capset, &header, caps);
	execve("/bin/true", argv, envp);
	_exit(3);
}

static void credentials_are_reported_as_asked_and_as_they_became(void **state)
{
	static const struct {
		enum event_type type;
		uint32_t nth;
		int64_t res;
		const char *params[3];
		uint64_t values[3];
	} rows[] = {
		{EVENT_SETRESGID, 0, 0, {"rgid", "egid", "sgid"}, {11, 12, 13}},
		{EVENT_SETREGID, 0, 0, {"rgid", "egid"}, {11, 13}},
		{EVENT_SETGID, 0, 0, {"gid"}, {11}},
		{EVENT_SETRESUID, 0, 0, {"ruid", "euid", "suid"}, {UINT32_MAX, 21, 22}},
		{EVENT_SETREUID, 0, 0, {"ruid", "euid"}, {0, 22}},
		{EVENT_SETUID, 0, -1, {"uid"}, {99}},
		{EVENT_SETGID, 1, -1, {"gid"}, {0}},
		{EVENT_SETREGID, 1, -1, {"rgid", "egid"}, {1, 2}},
		{EVENT_SETRESGID, 1, -1, {"rgid", "egid", "sgid"}, {1, 2, 3}},
		{EVENT_SETREUID, 1, -1, {"ruid", "euid"}, {5, 6}},
		{EVENT_SETRESUID, 1, -1, {"ruid", "euid", "suid"}, {5, 6, 7}},
	};
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_drops_privilege, NULL);
	assert_int_equal(t->child_status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ev = live_event(t, rows[i].type, rows[i].nth);
		assert_int_equal(live_i64(ev, "res"), rows[i].res);
		for (int k = 0; k < 3 && rows[i].params[k]; k++)
			assert_int_equal(live_u64(ev, rows[i].params[k]), rows[i].values[k]);
	}
	ev = live_event(t, EVENT_CAPSET, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_u64(ev, "cap_effective"), 0xc1);
	assert_int_equal(live_u64(ev, "cap_permitted"), 0xe1);
	assert_int_equal(live_u64(ev, "cap_inheritable"), 0);
	assert_int_equal(live_i64(live_event(t, EVENT_CAPSET, 1), "res"), -1);
	ev = live_event(t, EVENT_EXECVE, 0);
	assert_int_equal(ev->task->uid, 0);
	assert_int_equal(ev->task->euid, 22);
	assert_int_equal(ev->task->suid, 22);
	assert_int_equal(ev->task->gid, 11);
	assert_int_equal(ev->task->egid, 11);
	assert_int_equal(live_u64(ev, "uid"), 22);
	assert_int_equal(live_u64(ev, "cap_effective"), 0);
	assert_false(ev->task->exe_flags & EXE_WRITABLE);
}

#define OWN_GROUP 4005 /* of the program; the third of the groups below */

static void child_execs_what_its_group_may_write(void *arg)
{
	static const gid_t groups[] = {4001, 4003, OWN_GROUP, 4007, 70000};
	size_t n = ARRAY_SIZE(groups);

	for (int round = 0; round < 2; round++, n = 2) {
		int child = fork();

		if (child == 0) {
			if (setgroups(n, groups) || setresgid(4000, 4000, 4000) ||
			    setresuid(4000, 4000, 4000))
				_exit(1);
			execl(arg, "program", NULL);
			_exit(2);
		}
		wait(NULL);
	}
}

/* A copy of a program that others may not write, with the mode of a row. */
static void supplementary_groups_may_write(void **state)
{
	static const struct {
		mode_t mode;
		bool want[2]; /* with the group, without */
	} rows[] = {
		{0775, {true, false}},
		{0757, {false, true}},
	};
	static const enum event_type types[] = {EVENT_EXECVE, EVENT_TYPE_END};
	char path[] = "/tmp/ethogram-program-XXXXXX", command[128];
	struct live_test *t = *state;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	snprintf(command, sizeof(command), "cat /bin/true >%s", path);
	assert_int_equal(system(command), 0);
	t->with_descendants = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(chown(path, 0, OWN_GROUP), 0);
		assert_int_equal(chmod(path, rows[i].mode), 0);
		live_want(t, types);
		live_run(t, child_execs_what_its_group_may_write, path);
		for (uint32_t k = 0; k < 2; k++) {
			const struct event *ev = live_event(t, EVENT_EXECVE, k);

			assert_int_equal(ev->res, 0);
			if (!!(ev->task->exe_flags & EXE_WRITABLE) != rows[i].want[k])
				fail_msg("mode %o, round %u", rows[i].mode, k);
		}
	}
	t->with_descendants = false;
	unlink(path);
}

static void child_changes_session(void *arg)
{
	(void)arg;
	if (setpgid(0, 0) || setpgid(0, 12345) != -1 || syscall(SYS_setsid) != -1)
		_exit(1);
	if (fork() == 0) {
		if (setsid() != getpid() || prctl(PR_SET_NAME, "renamed") ||
		    prctl(PR_SET_DUMPABLE, 7) != -1)
			_exit(2);
		execl("/bin/true", "true", NULL);
	}
	wait(NULL);
	_exit(0);
}

static void sessions_groups_and_names(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_changes_session, NULL);
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_SETPGID, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "pid"), 0);
	assert_int_equal(live_i64(ev, "pgid"), 0);
	ev = live_event(t, EVENT_SETPGID, 1);
	assert_int_equal(live_i64(ev, "res"), -1);
	assert_int_equal(live_i64(ev, "pgid"), 12345);
	assert_int_equal(live_i64(live_event(t, EVENT_SETSID, 0), "res"), -1);
	ev = live_event(t, EVENT_SETSID, 1);
	assert_int_equal(live_i64(ev, "res"), ev->tgid);
	ev = live_event(t, EVENT_PRCTL, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_u64(ev, "option"), PR_SET_NAME);
	live_text_is(ev, "arg2_str", "renamed");
	ev = live_event(t, EVENT_PRCTL, 1);
	assert_int_equal(live_i64(ev, "res"), -22);
	assert_true(live_is_absent(ev, "arg2_str"));
	assert_int_equal(live_i64(ev, "arg2_int"), 7);
	ev = live_event(t, EVENT_EXECVE, 0);
	assert_int_equal(ev->task->sid, ev->tgid);
	assert_int_equal(ev->task->pgid, ev->tgid);
	assert_int_equal(live_i64(ev, "vpgid"), ev->tgid);
	assert_int_equal(live_u64(ev, "tty"), 0);
}

static void *thread_body(void *arg)
{
	return arg;
}

static void child_makes_tasks(void *arg)
{
	struct clone_args args = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
	pthread_t thread;
	long made;

	(void)arg;
	pthread_create(&thread, NULL, thread_body, NULL);
	pthread_join(thread, NULL);
	made = syscall(SYS_fork);
	if (made == 0)
		_exit(11);
	waitpid((int)made, NULL, 0);
	made = syscall(SYS_clone3, &args, sizeof(args));
	if (made == 0) {
		if (syscall(SYS_fork) == 0)
			_exit(13);
		wait(NULL);
		_exit(12);
	}
	waitpid((int)made, NULL, 0);
	args.flags = CLONE_SIGHAND;
	syscall(SYS_clone3, &args, sizeof(args));
	if (vfork() == 0)
		_exit(14);
	wait(NULL);
	_exit(0);
}

static const struct event *begun(const struct live_test *t, enum event_type type, int parent,
				 bool is_thread)
{
	for (uint32_t i = 0; i < t->n_events; i++) {
		const struct event *ev = &t->events[i].ev;

		if (ev->type == type && ev->task && ev->task->parent_tgid == parent &&
		    ev->task->is_thread == is_thread)
			return ev;
	}
	fail_msg("no '%s' of a child of %d", event_info(type)->name, parent);
	return NULL;
}

static void creators_and_children(void **state)
{
	const struct event *ev = NULL, *inner;
	struct live_test *t = *state;

	run(t, child_makes_tasks, NULL);
	assert_int_equal(t->child_status, 0);
	for (uint32_t i = 0; i < t->n_events; i++) {
		ev = &t->events[i].ev;
		if (ev->task && ev->task->is_thread && ev->tgid == t->child)
			break;
		assert_true(i + 1 < t->n_events);
	}
	assert_true(live_u64(ev, "flags") & 1 << 13); /* CLONE_THREAD */
	assert_true(ev->tid != ev->tgid);
	assert_int_equal(live_i64(ev, "pid"), t->child);
	begun(t, EVENT_FORK, t->child, false);
	ev = begun(t, EVENT_CLONE3, t->child, false);
	assert_int_equal(live_i64(ev, "vpid"), 1);
	assert_int_equal(live_i64(ev, "vtid"), 1);
	assert_int_equal(live_u64(ev, "flags"), 1 << 6);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "tid"), ev->tid);
	assert_int_equal(live_i64(ev, "ptid"), t->child);
	inner = begun(t, EVENT_FORK, ev->tgid, false);
	assert_int_equal(inner->task->vpid, 2);
	assert_int_equal(inner->task->pidns_start_ns, ev->start_ns);
	ev = begun(t, EVENT_VFORK, t->child, false);
	assert_int_equal(live_u64(ev, "flags"), 1 << 27 | 1 << 15);
	for (uint32_t i = 0; i < t->n_events; i++) {
		ev = &t->events[i].ev;
		if (ev->type == EVENT_CLONE3 && ev->res < 0)
			break;
		assert_true(i + 1 < t->n_events);
	}
	assert_int_equal(live_i64(ev, "res"), -22);
	assert_int_equal(live_u64(ev, "flags"), 1 << 11);
}

static void child_dies_with_children(void *arg)
{
	int ready[2];
	char byte;

	(void)arg;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || pipe(ready))
		_exit(1);
	if (fork() == 0) {
		if (fork() == 0) {
			pause();
			_exit(0);
		}
		if (write(ready[1], "x", 1) == 1)
			raise(SIGKILL);
	}
	if (read(ready[0], &byte, 1) != 1)
		_exit(2);
	wait(NULL);
	kill(0, SIGCONT);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	wait(NULL);
	_exit(0);
}

static void child_in_own_group(void *arg)
{
	setpgid(0, 0);
	child_dies_with_children(arg);
}

static void ends_say_how_and_who_inherits(void **state)
{
	const struct event *killed = NULL, *stopped = NULL;
	struct live_test *t = *state;

	run(t, child_in_own_group, NULL);
	assert_int_equal(t->child_status, 0);
	for (uint32_t i = 0; i < t->n_events; i++) {
		const struct event *ev = &t->events[i].ev;

		if (ev->type == EVENT_PROCEXIT && live_u64(ev, "sig") == SIGKILL)
			killed = ev;
		if (ev->type == EVENT_PROCEXIT && live_u64(ev, "sig") == SIGTERM)
			stopped = ev;
	}
	assert_non_null(killed);
	assert_non_null(stopped);
	assert_int_equal(live_i64(killed, "reaper_tid"), t->child);
	assert_int_equal(live_i64(killed, "ret"), 0);
	assert_int_equal(live_i64(killed, "status"), SIGKILL);
	assert_int_equal(live_i64(stopped, "reaper_tid"), 0);
	assert_int_equal(live_u64(stopped, "core"), 0);
	assert_false(killed->has_res);
}

static void child_moves_cgroup(void *arg)
{
	const char *group = arg;
	char path[256], own[32];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(own, sizeof(own), "%d", getpid());
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, own, strlen(own)) < 0)
		_exit(1);
	execl("/bin/true", "true", NULL);
}

static bool list_has(struct text list, const char *item)
{
	for (uint32_t at = 0; at < list.len; at += (uint32_t)strlen(list.ptr + at) + 1) {
		if (strcmp(list.ptr + at, item) == 0)
			return true;
	}
	return false;
}

static void moves_between_cgroups_are_seen(void **state)
{
	static const char root[] = "/sys/fs/cgroup/unified";
	struct live_test *t = *state;
	const struct event *ev;
	char group[128];

	snprintf(group, sizeof(group), "%s/ethogram-test-%d",
		 access(root, W_OK) ? "/sys/fs/cgroup" : root, getpid());
	if (mkdir(group, 0755))
		skip();
	run(t, child_moves_cgroup, group);
	rmdir(group);
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_PROCINFO, 0);
	assert_int_equal(ev->tgid, t->child);
	assert_true(ev->quality & EVENT_STATE_ONLY);
	snprintf(group, sizeof(group), "unified=/ethogram-test-%d", getpid());
	assert_true(list_has(ev->task->cgroups, group));
	assert_true(ev->task->cgroup_id > 1);
	ev = live_event(t, EVENT_EXECVE, 0);
	assert_true(list_has(ev->task->cgroups, group));
	assert_true(list_has(ev->params[EXECVE_cgroups].bytes, group));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_execs_report_what_was_asked_for),
		cmocka_unit_test(supplementary_groups_may_write),
		cmocka_unit_test(execveat_of_a_memfd_is_an_execve),
		cmocka_unit_test(scripts_show_their_interpreter),
		cmocka_unit_test(long_arguments_are_cut_and_marked),
		cmocka_unit_test(credentials_are_reported_as_asked_and_as_they_became),
		cmocka_unit_test(sessions_groups_and_names),
		cmocka_unit_test(creators_and_children),
		cmocka_unit_test(ends_say_how_and_who_inherits),
		cmocka_unit_test(moves_between_cgroups_are_seen),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
