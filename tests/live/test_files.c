/* Files and names: every call once with success and once without, made by number so that the C
 * library cannot choose another one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/table.h"

#define LONG_NAME_BYTES 5000

static const struct open_how how = {
	.flags = O_RDWR | O_CREAT | O_CLOEXEC, .mode = 0604, .resolve = RESOLVE_NO_SYMLINKS};
static const struct open_how how_bad = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};

static const struct row rows[] = {
	{"creat",
	 SYS_creat,
	 EVENT_CREAT,
	 {P("made"), 0755},
	 NEW_FD,
	 {N("mode", 0755), N("creat_flags", 0)},
	 "made"},
	{"creat fails",
	 SYS_creat,
	 EVENT_CREAT,
	 {P("no/made"), 0755},
	 -2,
	 {N("fd", -2), T("name", "no/made"), N("mode", 0755), N("dev", 0), N("ino", 0)},
	 NULL},
	{"open",
	 SYS_open,
	 EVENT_OPEN,
	 {P("made"), O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0777},
	 NEW_FD,
	 {N("flags", 1 | 4096), N("mode", 0)},
	 "made"},
	{"open fails",
	 SYS_open,
	 EVENT_OPEN,
	 {P("made/x"), O_WRONLY | O_CREAT | O_TRUNC, 0600},
	 -20,
	 {N("fd", -20), T("name", "made/x"), N("flags", 2 | 4 | 256), N("mode", 0600)},
	 NULL},
	{"openat by dot-dot",
	 SYS_openat,
	 EVENT_OPENAT,
	 {DIR, P("../tmp/./././made"), O_RDWR | O_SYNC | O_DIRECT | O_NONBLOCK},
	 -2,
	 {DIRFD("dirfd"), N("flags", 3 | 128 | 16 | 512 | 64)},
	 NULL},
	{"openat2",
	 SYS_openat2,
	 EVENT_OPENAT2,
	 {DIR, P("second"), P(&how), sizeof(how)},
	 NEW_FD,
	 {DIRFD("dirfd"), N("flags", 3 | 4 | 4096 | 16384), N("mode", 0604), N("resolve", 8)},
	 "second"},
	{"openat2 fails",
	 SYS_openat2,
	 EVENT_OPENAT2,
	 {DIR, P("/etc"), P(&how_bad), sizeof(how_bad)},
	 -18,
	 {N("fd", -18), DIRFD("dirfd"), T("name", "/etc"), N("resolve", 1), N("flags", 1)},
	 NULL},
	{"mkdir",
	 SYS_mkdir,
	 EVENT_MKDIR,
	 {P("d"), 0751},
	 0,
	 {N("res", 0), T("path", "d"), N("mode", 0751)},
	 NULL},
	{"mkdir fails",
	 SYS_mkdir,
	 EVENT_MKDIR,
	 {P("d"), 0700},
	 -17,
	 {N("res", -17), T("path", "d"), N("mode", 0700)},
	 NULL},
	{"mkdirat",
	 SYS_mkdirat,
	 EVENT_MKDIRAT,
	 {DIR, P("e"), 0700},
	 0,
	 {N("res", 0), DIRFD("dirfd"), T("path", "e"), N("mode", 0700)},
	 NULL},
	{"mkdirat fails",
	 SYS_mkdirat,
	 EVENT_MKDIRAT,
	 {77, P("e"), 0700},
	 -9,
	 {N("res", -9), N("dirfd", 77), T("path", "e")},
	 NULL},
	{"rmdir", SYS_rmdir, EVENT_RMDIR, {P("d")}, 0, {N("res", 0), T("path", "d")}, NULL},
	{"rmdir fails", SYS_rmdir, EVENT_RMDIR, {P("d")}, -2, {N("res", -2), T("path", "d")}, NULL},
	{"rename",
	 SYS_rename,
	 EVENT_RENAME,
	 {P("made"), P("m2")},
	 0,
	 {N("res", 0), T("oldpath", "made"), T("newpath", "m2")},
	 NULL},
	{"rename fails",
	 SYS_rename,
	 EVENT_RENAME,
	 {P("none"), P("m3")},
	 -2,
	 {N("res", -2), T("oldpath", "none"), T("newpath", "m3")},
	 NULL},
	{"renameat",
	 SYS_renameat,
	 EVENT_RENAMEAT,
	 {DIR, P("m2"), AT_FDCWD, P("m3")},
	 0,
	 {N("res", 0), DIRFD("olddirfd"), T("oldpath", "m2"), N("newdirfd", AT_FDCWD),
	  T("newpath", "m3")},
	 NULL},
	{"renameat fails",
	 SYS_renameat,
	 EVENT_RENAMEAT,
	 {AT_FDCWD, P("m2"), 78, P("m3")},
	 -9,
	 {N("res", -9), N("olddirfd", AT_FDCWD), T("oldpath", "m2"), N("newdirfd", 78)},
	 NULL},
	{"renameat2",
	 SYS_renameat2,
	 EVENT_RENAMEAT2,
	 {DIR, P("m3"), DIR, P("second"), RENAME_EXCHANGE},
	 0,
	 {N("res", 0), DIRFD("olddirfd"), T("oldpath", "m3"), DIRFD("newdirfd"),
	  T("newpath", "second"), N("flags", 2)},
	 NULL},
	{"renameat2 fails",
	 SYS_renameat2,
	 EVENT_RENAMEAT2,
	 {DIR, P("m3"), DIR, P("second"), RENAME_NOREPLACE},
	 -17,
	 {N("res", -17), N("flags", 1)},
	 NULL},
	{"link",
	 SYS_link,
	 EVENT_LINK,
	 {P("m3"), P("l1")},
	 0,
	 {N("res", 0), T("oldpath", "m3"), T("newpath", "l1")},
	 NULL},
	{"link fails", SYS_link, EVENT_LINK, {P("m3"), P("l1")}, -17, {N("res", -17)}, NULL},
	{"linkat",
	 SYS_linkat,
	 EVENT_LINKAT,
	 {DIR, P("m3"), AT_FDCWD, P("l2"), AT_SYMLINK_FOLLOW},
	 0,
	 {N("res", 0), DIRFD("olddir"), T("oldpath", "m3"), N("newdir", AT_FDCWD),
	  T("newpath", "l2"), N("flags", 1024)},
	 NULL},
	{"linkat fails",
	 SYS_linkat,
	 EVENT_LINKAT,
	 {DIR, P("zz"), DIR, P("l3"), 0},
	 -2,
	 {N("res", -2), T("oldpath", "zz"), T("newpath", "l3"), N("flags", 0)},
	 NULL},
	{"symlink",
	 SYS_symlink,
	 EVENT_SYMLINK,
	 {P("m3"), P("s1")},
	 0,
	 {N("res", 0), T("target", "m3"), T("linkpath", "s1")},
	 NULL},
	{"symlink fails",
	 SYS_symlink,
	 EVENT_SYMLINK,
	 {P("m3"), P("s1")},
	 -17,
	 {N("res", -17)},
	 NULL},
	{"symlinkat",
	 SYS_symlinkat,
	 EVENT_SYMLINKAT,
	 {P("m3"), DIR, P("s2")},
	 0,
	 {N("res", 0), T("target", "m3"), DIRFD("linkdirfd"), T("linkpath", "s2")},
	 NULL},
	{"symlinkat fails",
	 SYS_symlinkat,
	 EVENT_SYMLINKAT,
	 {P("m3"), DIR, P("q/s2")},
	 -2,
	 {N("res", -2), T("linkpath", "q/s2")},
	 NULL},
	{"open through a symlink",
	 SYS_open,
	 EVENT_OPEN,
	 {P("s1"), O_WRONLY | O_APPEND, 0},
	 NEW_FD,
	 {N("flags", 2 | 8)},
	 "m3"},
	{"chmod",
	 SYS_chmod,
	 EVENT_CHMOD,
	 {P("m3"), 04711},
	 0,
	 {N("res", 0), T("filename", "m3"), N("mode", 04711)},
	 NULL},
	{"chmod fails",
	 SYS_chmod,
	 EVENT_CHMOD,
	 {P("zz"), 0700},
	 -2,
	 {N("res", -2), T("filename", "zz"), N("mode", 0700)},
	 NULL},
	{"fchmod",
	 SYS_fchmod,
	 EVENT_FCHMOD,
	 {DIR, 0700},
	 0,
	 {N("res", 0), DIRFD("fd"), N("mode", 0700)},
	 "."},
	{"fchmod fails",
	 SYS_fchmod,
	 EVENT_FCHMOD,
	 {79, 0700},
	 -9,
	 {N("res", -9), N("fd", 79), N("mode", 0700)},
	 NULL},
	{"fchmodat",
	 SYS_fchmodat,
	 EVENT_FCHMODAT,
	 {DIR, P("m3"), 0600},
	 0,
	 {N("res", 0), DIRFD("dirfd"), T("filename", "m3"), N("mode", 0600)},
	 NULL},
	{"fchmodat fails",
	 SYS_fchmodat,
	 EVENT_FCHMODAT,
	 {DIR, P(""), 0600},
	 -2,
	 {N("res", -2), DIRFD("dirfd"), T("filename", ""), N("mode", 0600)},
	 NULL},
	{"chown",
	 SYS_chown,
	 EVENT_CHOWN,
	 {P("m3"), 12, 34},
	 0,
	 {N("res", 0), T("path", "m3"), N("uid", 12), N("gid", 34)},
	 NULL},
	{"chown fails",
	 SYS_chown,
	 EVENT_CHOWN,
	 {P("zz"), -1, 0},
	 -2,
	 {N("res", -2), T("path", "zz"), N("uid", UINT32_MAX), N("gid", 0)},
	 NULL},
	{"lchown",
	 SYS_lchown,
	 EVENT_LCHOWN,
	 {P("s1"), 1, 2},
	 0,
	 {N("res", 0), T("path", "s1"), N("uid", 1), N("gid", 2)},
	 NULL},
	{"lchown fails", SYS_lchown, EVENT_LCHOWN, {P("zz"), 1, 2}, -2, {N("res", -2)}, NULL},
	{"fchown",
	 SYS_fchown,
	 EVENT_FCHOWN,
	 {DIR, 0, 0},
	 0,
	 {N("res", 0), DIRFD("fd"), N("uid", 0), N("gid", 0)},
	 "."},
	{"fchown fails",
	 SYS_fchown,
	 EVENT_FCHOWN,
	 {79, 3, 4},
	 -9,
	 {N("res", -9), N("fd", 79), N("uid", 3), N("gid", 4)},
	 NULL},
	{"fchownat",
	 SYS_fchownat,
	 EVENT_FCHOWNAT,
	 {DIR, P("s1"), 5, 6, AT_SYMLINK_NOFOLLOW},
	 0,
	 {N("res", 0), DIRFD("dirfd"), T("pathname", "s1"), N("uid", 5), N("gid", 6),
	  N("flags", 1024)},
	 NULL},
	{"fchownat fails",
	 SYS_fchownat,
	 EVENT_FCHOWNAT,
	 {DIR, P("zz"), 5, 6, 0},
	 -2,
	 {N("res", -2), N("flags", 0)},
	 NULL},
	{"mknod",
	 SYS_mknod,
	 EVENT_MKNOD,
	 {P("fifo"), S_IFIFO | 0600, 0},
	 0,
	 {N("res", 0), T("path", "fifo"), N("mode", S_IFIFO | 0600), N("dev", 0)},
	 NULL},
	{"mknod fails",
	 SYS_mknod,
	 EVENT_MKNOD,
	 {P("fifo"), S_IFIFO | 0600, 0},
	 -17,
	 {N("res", -17)},
	 NULL},
	{"mknodat",
	 SYS_mknodat,
	 EVENT_MKNODAT,
	 {DIR, P("dev"), S_IFCHR | 0600, 0x103},
	 0,
	 {N("res", 0), DIRFD("dirfd"), T("path", "dev"), N("mode", S_IFCHR | 0600),
	  N("dev", 0x103)},
	 NULL},
	{"mknodat fails",
	 SYS_mknodat,
	 EVENT_MKNODAT,
	 {DIR, P("dev"), S_IFCHR | 0600, 0x103},
	 -17,
	 {N("res", -17)},
	 NULL},
	{"chdir", SYS_chdir, EVENT_CHDIR, {P("e")}, 0, {N("res", 0), T("path", "e")}, "e"},
	{"chdir fails",
	 SYS_chdir,
	 EVENT_CHDIR,
	 {P("zz")},
	 -2,
	 {N("res", -2), T("path", "zz")},
	 NULL},
	{"fchdir", SYS_fchdir, EVENT_FCHDIR, {DIR}, 0, {N("res", 0), DIRFD("fd")}, "."},
	{"fchdir fails", SYS_fchdir, EVENT_FCHDIR, {79}, -9, {N("res", -9), N("fd", 79)}, NULL},
	{"dup", SYS_dup, EVENT_DUP, {DIR}, NEW_FD, {DIRFD("oldfd")}, "."},
	{"dup fails", SYS_dup, EVENT_DUP, {79}, -9, {N("res", -9), N("oldfd", 79)}, NULL},
	{"dup2",
	 SYS_dup2,
	 EVENT_DUP2,
	 {DIR, 60},
	 60,
	 {N("res", 60), DIRFD("oldfd"), N("newfd", 60)},
	 "."},
	{"dup2 fails",
	 SYS_dup2,
	 EVENT_DUP2,
	 {79, 60},
	 -9,
	 {N("res", -9), N("oldfd", 79), N("newfd", 60)},
	 NULL},
	{"dup3",
	 SYS_dup3,
	 EVENT_DUP3,
	 {DIR, 61, O_CLOEXEC},
	 61,
	 {N("res", 61), DIRFD("oldfd"), N("newfd", 61), N("flags", 4096)},
	 "."},
	{"dup3 fails",
	 SYS_dup3,
	 EVENT_DUP3,
	 {60, 60, 0},
	 -22,
	 {N("res", -22), N("oldfd", 60), N("newfd", 60), N("flags", 0)},
	 NULL},
	{"fcntl duplicates",
	 SYS_fcntl,
	 EVENT_FCNTL,
	 {DIR, F_DUPFD, 62},
	 62,
	 {N("res", 62), DIRFD("fd"), N("cmd", 1), N("arg", 62)},
	 "."},
	{"fcntl duplicates and fails",
	 SYS_fcntl,
	 EVENT_FCNTL,
	 {79, F_DUPFD_CLOEXEC, 62},
	 -9,
	 {N("res", -9), N("fd", 79), N("cmd", 26), N("arg", 62)},
	 NULL},
	{"close", SYS_close, EVENT_CLOSE, {60}, 0, {N("res", 0), N("fd", 60)}, NULL},
	{"close fails", SYS_close, EVENT_CLOSE, {79}, -9, {N("res", -9), N("fd", 79)}, NULL},
	{"close_range",
	 SYS_close_range,
	 EVENT_CLOSE_RANGE,
	 {61, 62, CLOSE_RANGE_CLOEXEC},
	 0,
	 {N("res", 0), N("first", 61), N("last", 62), N("flags", 4)},
	 NULL,
	 .or_res = -EINVAL},
	{"close_range fails",
	 SYS_close_range,
	 EVENT_CLOSE_RANGE,
	 {62, 61, 0},
	 -22,
	 {N("res", -22), N("first", 62), N("last", 61), N("flags", 0)},
	 NULL},
	{"unlink", SYS_unlink, EVENT_UNLINK, {P("m3")}, 0, {N("res", 0), T("path", "m3")}, NULL},
	{"unlink fails",
	 SYS_unlink,
	 EVENT_UNLINK,
	 {P("m3")},
	 -2,
	 {N("res", -2), T("path", "m3")},
	 NULL},
	{"unlinkat",
	 SYS_unlinkat,
	 EVENT_UNLINKAT,
	 {DIR, P("e"), AT_REMOVEDIR},
	 0,
	 {N("res", 0), DIRFD("dirfd"), T("name", "e"), N("flags", 512)},
	 NULL},
	{"unlinkat fails",
	 SYS_unlinkat,
	 EVENT_UNLINKAT,
	 {AT_FDCWD, P("e"), 0},
	 -2,
	 {N("res", -2), N("dirfd", AT_FDCWD), T("name", "e"), N("flags", 0)},
	 NULL},
	{"unreadable name",
	 SYS_unlink,
	 EVENT_UNLINK,
	 {8},
	 -14,
	 {N("res", -14), ABSENT("path")},
	 NULL},
};

static void every_call_is_reported_with_every_parameter(void **state)
{
	struct plan plan = {.rows = rows, .n = ARRAY_SIZE(rows)};

	plan.n_before[EVENT_CHDIR] = 1; /* the child's own, into the folder */
	plan_begin(&plan);
	plan_run(*state, &plan);
	plan_end(&plan);
}

static void child_pipes(void *arg)
{
	int fds[2];

	(void)arg;
	if (syscall(SYS_pipe, fds) || syscall(SYS_pipe2, fds, O_NONBLOCK | O_CLOEXEC))
		_exit(1);
	_exit(syscall(SYS_pipe2, fds, 0x40000000) == -1 && syscall(SYS_pipe, 8) == -1 ? 0 : 2);
}

static void pipes_report_both_ends(void **state)
{
	static const enum event_type types[] = {EVENT_PIPE, EVENT_PIPE2, EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;

	live_want(t, types);
	live_run(t, child_pipes, NULL);
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_PIPE, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "fd2"), live_i64(ev, "fd1") + 1);
	assert_true(live_u64(ev, "ino") > 0);
	assert_int_equal(ev->file->kind, FILE_KIND_FIFO);
	assert_int_equal(ev->fd, live_i64(ev, "fd2"));
	assert_int_equal(live_i64(live_event(t, EVENT_PIPE, 1), "res"), -14);
	ev = live_event(t, EVENT_PIPE2, 0);
	assert_int_equal(live_u64(ev, "flags"), 64 | 4096);
	assert_true(live_u64(ev, "ino") > 0);
	ev = live_event(t, EVENT_PIPE2, 1);
	assert_int_equal(live_i64(ev, "res"), -22);
	assert_true(live_is_absent(ev, "fd1"));
}

static void child_truncates(void *arg)
{
	const char *path = arg;
	int fd = open(path, O_RDWR);

	if (syscall(SYS_truncate, path, 3) || syscall(SYS_ftruncate, fd, 4))
		_exit(1);
	_exit(syscall(SYS_truncate, "/none/such", 1) == -1 ? 0 : 2);
}

static void calls_without_an_event_are_generic(void **state)
{
	char path[] = "/tmp/ethogram-trunc-XXXXXX";
	struct live_test *t = *state;
	const struct event *ev;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	live_want_call(t, "truncate");
	live_run(t, child_truncates, path);
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_GENERIC, 0);
	assert_int_equal(ev->nr, SYS_truncate);
	assert_int_equal(live_u64(ev, "nativeID"), SYS_truncate);
	assert_text(ev->raw_path[0], path);
	assert_int_equal(ev->args[1], 3);
	assert_false(ev->has_res || event_failed(ev));
	ev = live_event(t, EVENT_GENERIC, 1);
	assert_int_equal(ev->res, -2);
	assert_true(!ev->has_res && event_failed(ev));
	assert_int_equal(ev->args[1], 1);
	live_want_call(t, "ftruncate");
	live_run(t, child_truncates, path);
	ev = live_event(t, EVENT_GENERIC, 0);
	assert_int_equal(ev->nr, SYS_ftruncate);
	assert_text(ev->file->path, path);
	close(fd);
	unlink(path);
}

static void child_opens_oddly(void *arg)
{
	static char long_name[LONG_NAME_BYTES];
	int fd;

	(void)arg;
	memset(long_name, 'x', sizeof(long_name) - 1);
	if (open(long_name, O_RDONLY) != -1)
		_exit(1);
	fd = open("/proc/self/root/etc/../etc/passwd", O_RDONLY);
	if (fd < 0 || unlink("/tmp/ethogram-gone") == 0)
		_exit(2);
	fd = open("/tmp/ethogram-gone", O_RDWR | O_CREAT, 0600);
	unlink("/tmp/ethogram-gone");
	snprintf(long_name, sizeof(long_name), "/proc/self/fd/%d", fd);
	_exit(open(long_name, O_RDONLY) < 0);
}

static void names_are_what_the_kernel_resolved(void **state)
{
	static const enum event_type types[] = {EVENT_OPENAT, EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;

	live_want(t, types);
	live_run(t, child_opens_oddly, NULL);
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_OPENAT, 0);
	assert_int_equal(ev->res, -36);
	assert_true(ev->quality & EVENT_TRUNCATED);
	assert_int_equal(ev->raw_path[0].len, 4095);
	ev = live_event(t, EVENT_OPENAT, 1);
	assert_text(ev->file->path, "/etc/passwd");
	ev = live_event(t, EVENT_OPENAT, 3);
	assert_text(ev->file->path, "/tmp/ethogram-gone");
	assert_true(ev->file->flags & FILE_DELETED);

	live_need(t, &(struct capture_needs){.typed_names = true});
	live_run(t, child_opens_oddly, NULL);
	live_need(t, NULL);
	ev = live_event(t, EVENT_OPENAT, 1);
	live_text_is(ev, "name", "/proc/self/root/etc/../etc/passwd");
	assert_text(ev->file->path, "/etc/passwd");
	assert_false(ev->quality & EVENT_PATH_FROM_CALLER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_is_reported_with_every_parameter),
		cmocka_unit_test(pipes_report_both_ends),
		cmocka_unit_test(calls_without_an_event_are_generic),
		cmocka_unit_test(names_are_what_the_kernel_resolved),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
