/* The core of live capture: a process forks, executes, opens, connects, ends. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

static void child_execs(void *arg)
{
	char *argv[] = {"name it", "-c", "exit 7", "", "last", NULL};
	char *envp[] = {"COLOUR=green", "EMPTY=", NULL};

	(void)arg;
	if (chdir("/usr/share"))
		_exit(99);
	execve("/bin/sh", argv, envp);
}

static void exec_reports_the_new_image(void **state)
{
	static const enum event_type types[] = {EVENT_EXECVE, EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;
	struct statx root;
	struct stat image;
	char exepath[4096];

	assert_non_null(realpath("/bin/sh", exepath));
	assert_int_equal(stat(exepath, &image), 0);
	live_want(t, types);
	live_run(t, child_execs, NULL);
	assert_int_equal(WEXITSTATUS(t->child_status), 7);

	ev = live_event(t, EVENT_EXECVE, 0);
	assert_int_equal(ev->res, 0);
	assert_int_equal(ev->tgid, t->child);
	assert_int_equal(ev->tid, t->child);
	live_text_is(ev, "exe", "name it");
	assert_memory_equal(ev->params[EXECVE_args].bytes.ptr, "-c\0exit 7\0\0last", 16);
	assert_int_equal(ev->params[EXECVE_args].bytes.len, 16);
	assert_memory_equal(ev->params[EXECVE_env].bytes.ptr, "COLOUR=green\0EMPTY=", 20);
	assert_int_equal(ev->params[EXECVE_env].bytes.len, 20);
	live_text_is(ev, "filename", "/bin/sh");
	live_text_is(ev, "trusted_exepath", exepath);
	live_text_is(ev, "comm", "sh");
	live_text_is(ev, "cwd", "/usr/share");
	assert_int_equal(live_i64(ev, "tid"), t->child);
	assert_int_equal(live_i64(ev, "ptid"), getpid());
	assert_int_equal(live_u64(ev, "exe_ino"), image.st_ino);
	assert_int_equal(live_u64(ev, "exe_ino_mtime"),
			 (uint64_t)image.st_mtim.tv_sec * 1000000000 +
				 (uint64_t)image.st_mtim.tv_nsec);
	assert_int_equal(live_u64(ev, "exe_ino_ctime"),
			 (uint64_t)image.st_ctim.tv_sec * 1000000000 +
				 (uint64_t)image.st_ctim.tv_nsec);
	assert_int_equal(live_u64(ev, "uid"), geteuid());
	assert_int_equal(live_u64(ev, "gid"), getegid());
	assert_int_equal(live_i64(ev, "pgid"), getpgrp());
	assert_int_equal(ev->task->sid, getsid(0));
	assert_int_equal(ev->task->parent_tgid, getpid());
	assert_int_equal(ev->task->vpid, t->child);
	assert_true(ev->task->start_ns == ev->start_ns && ev->start_ns > 0);
	assert_true(ev->task->parent_start_ns > 0 && ev->task->parent_start_ns < ev->start_ns);
	assert_true(ev->task->vm_size_kb > 0 && ev->task->fd_limit > 0);
	/* In a plain chroot, where "/" is no mount, the path is the host's. */
	assert_int_equal(statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &root), 0);
	if (root.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		assert_text(ev->task->root, "/");
	else
		assert_true(ev->task->root.len > 1 && ev->task->root.ptr[0] == '/');
}

static void child_opens(void *arg)
{
	const char *folder = arg;
	int dirfd, fd;

	dirfd = open(folder, O_RDONLY | O_DIRECTORY);
	fd = openat(dirfd, "new", O_WRONLY | O_CREAT | O_EXCL, 0640);
	if (fd < 0 || symlinkat("new", dirfd, "link"))
		_exit(1);
	fd = openat(dirfd, "./link", O_RDWR | O_APPEND);
	fd = openat(dirfd, "missing", O_RDONLY);
	_exit(fd == -1 ? 0 : 2);
}

static void open_reports_the_file_that_was_opened(void **state)
{
	static const enum event_type types[] = {EVENT_OPENAT, EVENT_TYPE_END};
	char folder[] = "/tmp/ethogram-live-XXXXXX", path[64];
	struct live_test *t = *state;
	const struct event *ev;
	struct stat file;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/new", folder);
	live_want(t, types);
	live_run(t, child_opens, folder);
	assert_int_equal(WEXITSTATUS(t->child_status), 0);
	assert_int_equal(stat(path, &file), 0);

	ev = live_event(t, EVENT_OPENAT, 0);
	assert_true(ev->fd >= 0);
	assert_text(ev->file->path, folder);
	assert_int_equal(ev->file->kind, FILE_KIND_DIRECTORY);

	ev = live_event(t, EVENT_OPENAT, 1);
	assert_text(ev->file->path, path);
	live_text_is(ev, "name", path);
	assert_int_equal(ev->file->ino, file.st_ino);
	assert_int_equal(live_u64(ev, "ino"), file.st_ino);
	assert_int_equal(live_u64(ev, "dev"), file.st_dev);
	assert_int_equal(live_u64(ev, "mode"), 0640);
	assert_int_equal(live_u64(ev, "flags") & ~UINT64_C(0x18000), 2 | 4 | 32 | 16384);
	assert_true(ev->file->flags & FILE_CREATED);
	assert_int_equal(ev->file->kind, FILE_KIND_REGULAR);
	assert_int_equal(ev->file->mode, file.st_mode);

	ev = live_event(t, EVENT_OPENAT, 2);
	assert_text(ev->file->path, path);
	assert_int_equal(live_u64(ev, "flags") & ~UINT64_C(0x18000), 3 | 8);
	assert_false(ev->file->flags & FILE_CREATED);

	ev = live_event(t, EVENT_OPENAT, 3);
	assert_int_equal(ev->res, -2);
	assert_int_equal(ev->fd, -1);
	assert_null(ev->file);
	assert_text(ev->raw_path[0], "missing");
	live_text_is(ev, "name", "missing");
	assert_int_equal(live_i64(ev, "fd"), -2);
	assert_true(ev->quality & EVENT_PATH_FROM_CALLER);
	assert_int_equal(live_i64(ev, "dirfd"), live_event(t, EVENT_OPENAT, 0)->fd);
	unlink(path);
	snprintf(path, sizeof(path), "%s/link", folder);
	unlink(path);
	rmdir(folder);
}

struct listener {
	int fd;
	uint16_t port;
};

static void child_connects(void *arg)
{
	const struct listener *listener = arg;
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(listener->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		_exit(1);
	to.sin_port = htons(1);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	_exit(connect(fd, (struct sockaddr *)&to, sizeof(to)) ? 0 : 2);
}

static struct listener listen_anywhere(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct listener out = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
	socklen_t len = sizeof(at);

	assert_int_equal(bind(out.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(out.fd, 4), 0);
	assert_int_equal(getsockname(out.fd, (struct sockaddr *)&at, &len), 0);
	out.port = ntohs(at.sin_port);
	return out;
}

static void connect_reports_both_ends(void **state)
{
	static const enum event_type types[] = {EVENT_CONNECT, EVENT_TYPE_END};
	struct listener listener = listen_anywhere();
	struct live_test *t = *state;
	const struct event *ev;
	uint16_t port;

	live_want(t, types);
	live_run(t, child_connects, &listener);
	assert_int_equal(WEXITSTATUS(t->child_status), 0);

	ev = live_event(t, EVENT_CONNECT, 0);
	assert_int_equal(ev->res, 0);
	assert_int_equal(ev->sock->family, AF_INET);
	assert_int_equal(ev->sock->remote_port, listener.port);
	assert_memory_equal(ev->sock->remote, "\x7f\0\0\1", 4);
	assert_memory_equal(ev->sock->local, "\x7f\0\0\1", 4);
	assert_int_equal(ev->sock->type, SOCK_STREAM);
	assert_int_equal(ev->sock->protocol, IPPROTO_TCP);
	assert_true(ev->sock->flags & SOCK_CONNECTED);
	assert_int_equal(ev->params[CONNECT_tuple].bytes.len, 13);
	memcpy(&port, ev->params[CONNECT_tuple].bytes.ptr + 11, 2);
	assert_int_equal(port, listener.port);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(ev->params[CONNECT_addr].bytes.len, 7);

	ev = live_event(t, EVENT_CONNECT, 1);
	assert_int_equal(ev->res, -111);
	assert_true(live_is_absent(ev, "tuple"));
	memcpy(&port, ev->params[CONNECT_addr].bytes.ptr + 5, 2);
	assert_int_equal(port, 1);
	assert_true(ev->quality & EVENT_ADDR_FROM_CALLER);
	close(listener.fd);
}

static void child_forks(void *arg)
{
	int child = fork(), status;

	(void)arg;
	if (child == 0)
		_exit(3);
	waitpid(child, &status, 0);
	_exit(status == 3 << 8 ? 0 : 1);
}

static void fork_and_exit_are_reported(void **state)
{
	static const enum event_type types[] = {EVENT_CLONE, EVENT_TYPE_END};
	const struct event *begun = NULL, *made = NULL, *ended = NULL;
	struct live_test *t = *state;

	live_want(t, types);
	t->with_descendants = true;
	live_run(t, child_forks, NULL);
	t->with_descendants = false;
	assert_int_equal(WEXITSTATUS(t->child_status), 0);
	for (uint32_t i = 0; i < t->n_events; i++) {
		const struct event *ev = &t->events[i].ev;

		if (ev->type == EVENT_CLONE && ev->task && ev->task->parent_tgid == t->child)
			begun = ev;
		if (ev->type == EVENT_CLONE && ev->tgid == t->child && ev->res > 0)
			made = ev;
		if (begun && ev->type == EVENT_PROCEXIT && ev->tgid == begun->tgid)
			ended = ev;
	}
	assert_non_null(begun);
	assert_non_null(made);
	assert_non_null(ended);
	assert_int_equal(made->res, begun->tgid);
	assert_int_equal(begun->res, 0);
	assert_int_equal(begun->task->tgid, begun->tgid);
	assert_false(begun->task->is_thread);
	assert_int_equal(live_u64(begun, "flags"), live_u64(made, "flags"));
	assert_int_equal(live_i64(ended, "status"), 3 << 8);
	assert_int_equal(live_i64(ended, "ret"), 3);
	assert_int_equal(live_u64(ended, "sig"), 0);
	assert_int_equal(live_i64(ended, "reaper_tid"), 0);
	assert_true(begun->ts_ns <= ended->ts_ns);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(exec_reports_the_new_image),
		cmocka_unit_test(open_reports_the_file_that_was_opened),
		cmocka_unit_test(connect_reports_both_ends),
		cmocka_unit_test(fork_and_exit_are_reported),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
