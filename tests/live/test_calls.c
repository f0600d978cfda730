/* Calls on files and memory: each once with success and once without, every parameter. All others:
 * test_control.c. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/table.h"

#define NONE_SUCH 79 /* a descriptor that is not open */
#define PAGE 4096

static char buffer[PAGE];
static char small[2];
static struct stat stat_buffer;

static void make_files(void)
{
	int fd = open("made", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || write(fd, "content", 7) != 7 || mkdir("d", 0700) || dup2(fd, 50) != 50)
		_exit(254);
	close(fd);
}

static const struct row file_rows[] = {
	{"stat",
	 SYS_stat,
	 EVENT_STAT,
	 {P("made"), P(&stat_buffer)},
	 0,
	 {N("res", 0), T("path", "made")}},
	{"stat fails",
	 SYS_stat,
	 EVENT_STAT,
	 {P("none"), P(&stat_buffer)},
	 -ENOENT,
	 {N("res", -2), T("path", "none")}},
	{"lstat",
	 SYS_lstat,
	 EVENT_LSTAT,
	 {P("d"), P(&stat_buffer)},
	 0,
	 {N("res", 0), T("path", "d")}},
	{"lstat fails",
	 SYS_lstat,
	 EVENT_LSTAT,
	 {8, P(&stat_buffer)},
	 -EFAULT,
	 {N("res", -14), ABSENT("path")}},
	{"fstat", SYS_fstat, EVENT_FSTAT, {50, P(&stat_buffer)}, 0, {N("res", 0), N("fd", 50)}},
	{"fstat fails",
	 SYS_fstat,
	 EVENT_FSTAT,
	 {NONE_SUCH, P(&stat_buffer)},
	 -EBADF,
	 {N("res", -9), N("fd", NONE_SUCH)}},
	{"newfstatat",
	 SYS_newfstatat,
	 EVENT_NEWFSTATAT,
	 {DIR, P("made"), P(&stat_buffer), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT},
	 0,
	 {N("res", 0), DIRFD("dirfd"), T("path", "made"), N("flags", 256 | 2048)}},
	{"newfstatat of a descriptor",
	 SYS_newfstatat,
	 EVENT_NEWFSTATAT,
	 {50, P(""), P(&stat_buffer), AT_EMPTY_PATH},
	 0,
	 {N("res", 0), N("dirfd", 50), T("path", ""), N("flags", 4096)}},
	{"newfstatat fails",
	 SYS_newfstatat,
	 EVENT_NEWFSTATAT,
	 {AT_FDCWD, P("none"), P(&stat_buffer), 0},
	 -ENOENT,
	 {N("res", -2), N("dirfd", AT_FDCWD), T("path", "none"), N("flags", 0)}},
	{"access",
	 SYS_access,
	 EVENT_ACCESS,
	 {P("made"), R_OK | W_OK},
	 0,
	 {N("res", 0), T("name", "made"), N("mode", 6)}},
	{"access fails",
	 SYS_access,
	 EVENT_ACCESS,
	 {P("none"), F_OK},
	 -ENOENT,
	 {N("res", -2), T("name", "none"), N("mode", 0)}},
	{"getcwd fails",
	 SYS_getcwd,
	 EVENT_GETCWD,
	 {P(small), sizeof(small)},
	 -ERANGE,
	 {N("res", -ERANGE), ABSENT("path")}},
	{"lseek",
	 SYS_lseek,
	 EVENT_LSEEK,
	 {50, 3, SEEK_SET},
	 3,
	 {N("res", 3), N("fd", 50), N("offset", 3), N("whence", 0)}},
	{"lseek from the end",
	 SYS_lseek,
	 EVENT_LSEEK,
	 {50, -2, SEEK_END},
	 5,
	 {N("res", 5), N("fd", 50), N("offset", -2), N("whence", 2)}},
	{"lseek fails",
	 SYS_lseek,
	 EVENT_LSEEK,
	 {NONE_SUCH, 1, SEEK_CUR},
	 -EBADF,
	 {N("res", -9), N("fd", NONE_SUCH), N("offset", 1), N("whence", 1)}},
	{"getdents",
	 SYS_getdents,
	 EVENT_GETDENTS,
	 {DIR, P(buffer), sizeof(buffer)},
	 NEW_ANY,
	 {POSITIVE("res"), DIRFD("fd")}},
	{"getdents fails",
	 SYS_getdents,
	 EVENT_GETDENTS,
	 {50, P(buffer), sizeof(buffer)},
	 -ENOTDIR,
	 {N("res", -20), N("fd", 50)}},
	{"getdents64",
	 SYS_getdents64,
	 EVENT_GETDENTS64,
	 {DIR, P(buffer), sizeof(buffer)},
	 0, /* the other one took all of it */
	 {N("res", 0), DIRFD("fd")}},
	{"getdents64 fails",
	 SYS_getdents64,
	 EVENT_GETDENTS64,
	 {NONE_SUCH, P(buffer), sizeof(buffer)},
	 -EBADF,
	 {N("res", -9), N("fd", NONE_SUCH)}},
	{"flock",
	 SYS_flock,
	 EVENT_FLOCK,
	 {50, LOCK_EX | LOCK_NB},
	 0,
	 {N("res", 0), N("fd", 50), N("operation", 6)}},
	{"flock fails",
	 SYS_flock,
	 EVENT_FLOCK,
	 {NONE_SUCH, LOCK_UN},
	 -EBADF,
	 {N("res", -9), N("fd", NONE_SUCH), N("operation", 8)}},
	{"ioctl fails",
	 SYS_ioctl,
	 EVENT_IOCTL,
	 {50, TCGETS, P(buffer)},
	 -ENOTTY,
	 {N("res", -25), N("fd", 50), N("request", TCGETS), N("argument", P(buffer))}},
	{"ioctl",
	 SYS_ioctl,
	 EVENT_IOCTL,
	 {50, (long)(0xffffffff00000000 | FIOCLEX), 0},
	 0,
	 {N("res", 0), N("fd", 50), N("request", FIOCLEX), N("argument", 0)}},
	{"fcntl duplicates",
	 SYS_fcntl,
	 EVENT_FCNTL,
	 {50, F_DUPFD_CLOEXEC, 55},
	 55,
	 {N("res", 55), N("fd", 50), N("cmd", 26), N("arg", 55)},
	 "made"},
	{"fcntl reads flags",
	 SYS_fcntl,
	 EVENT_FCNTL,
	 {50, F_GETFL, 0},
	 NEW_ANY,
	 {IS_RESULT("res"), N("fd", 50), N("cmd", 4), N("arg", 0)}},
	{"fcntl locks",
	 SYS_fcntl,
	 EVENT_FCNTL,
	 {50, F_OFD_SETLK, 8},
	 -EFAULT,
	 {N("res", -14), N("fd", 50), N("cmd", 31), N("arg", 8)}},
	{"fcntl sizes a pipe that is none",
	 SYS_fcntl,
	 EVENT_FCNTL,
	 {50, F_SETPIPE_SZ, PAGE},
	 -EBADF,
	 {N("res", -9), N("fd", 50), N("cmd", 28), N("arg", PAGE)}},
};

static void calls_on_files(void **state)
{
	table_run(*state, file_rows, ARRAY_SIZE(file_rows), make_files);
}

static void child_asks_where_it_is(void *arg)
{
	(void)arg;
	if (chdir("/usr/share") || syscall(SYS_getcwd, buffer, sizeof(buffer)) < 0)
		_exit(1);
}

static void getcwd_reports_the_path(void **state)
{
	static const enum event_type types[] = {EVENT_GETCWD, EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;

	live_want(t, types);
	live_run(t, child_asks_where_it_is, NULL);
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_GETCWD, 0);
	live_text_is(ev, "path", "/usr/share");
	assert_int_equal(live_i64(ev, "res"), sizeof("/usr/share"));
	assert_int_equal(ev->raw_path[0].len, 0);
}

static char *const odd_address = (char *)0x20000000; /* where nothing is mapped */

#define MEMORY_AFTER POSITIVE("vm_size"), POSITIVE("vm_rss"), N("vm_swap", 0)

static const struct row memory_rows[] = {
	{"mmap",
	 SYS_mmap,
	 EVENT_MMAP,
	 {P(odd_address), 4 * PAGE, PROT_READ | PROT_WRITE,
	  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0},
	 P(odd_address),
	 {N("res", P(odd_address)), MEMORY_AFTER, N("addr", P(odd_address)), N("length", 4 * PAGE),
	  N("prot", 3), N("flags", 2 | 4 | 8 | 64), N("fd", -1), N("offset", 0)}},
	{"mmap of a file",
	 SYS_mmap,
	 EVENT_MMAP,
	 {0, PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, 50, PAGE},
	 NEW_ANY,
	 {IS_RESULT("res"), MEMORY_AFTER, N("addr", 0), N("length", PAGE), N("prot", 1),
	  N("flags", 1 | 128), N("fd", 50), N("offset", PAGE)}},
	{"mmap fails",
	 SYS_mmap,
	 EVENT_MMAP,
	 {0, PAGE, PROT_NONE, MAP_PRIVATE, NONE_SUCH, 0},
	 -EBADF,
	 {N("res", -9), MEMORY_AFTER, N("addr", 0), N("length", PAGE), N("prot", 0), N("flags", 2),
	  N("fd", NONE_SUCH), N("offset", 0)}},
	{"mprotect",
	 SYS_mprotect,
	 EVENT_MPROTECT,
	 {P(odd_address), PAGE, PROT_READ | PROT_EXEC},
	 0,
	 {N("res", 0), N("addr", P(odd_address)), N("length", PAGE), N("prot", 5)}},
	{"mprotect fails",
	 SYS_mprotect,
	 EVENT_MPROTECT,
	 {P(odd_address), PAGE, PROT_READ | PROT_GROWSDOWN},
	 -EINVAL,
	 {N("res", -22), N("addr", P(odd_address)), N("length", PAGE), N("prot", 17)}},
	{"mlock",
	 SYS_mlock,
	 EVENT_MLOCK,
	 {P(odd_address), PAGE},
	 0,
	 {N("res", 0), N("addr", P(odd_address)), N("len", PAGE)}},
	{"mlock fails",
	 SYS_mlock,
	 EVENT_MLOCK,
	 {PAGE, PAGE},
	 -ENOMEM,
	 {N("res", -12), N("addr", PAGE), N("len", PAGE)}},
	{"mlock2",
	 SYS_mlock2,
	 EVENT_MLOCK2,
	 {P(odd_address), PAGE, MLOCK_ONFAULT},
	 0,
	 {N("res", 0), N("addr", P(odd_address)), N("len", PAGE), N("flags", 1)}},
	{"mlock2 fails",
	 SYS_mlock2,
	 EVENT_MLOCK2,
	 {P(odd_address), PAGE, 0x80},
	 -EINVAL,
	 {N("res", -22), N("addr", P(odd_address)), N("len", PAGE), N("flags", 0)}},
	{"munlock",
	 SYS_munlock,
	 EVENT_MUNLOCK,
	 {P(odd_address), PAGE},
	 0,
	 {N("res", 0), N("addr", P(odd_address)), N("len", PAGE)}},
	{"munlock fails",
	 SYS_munlock,
	 EVENT_MUNLOCK,
	 {PAGE, 2 * PAGE},
	 -ENOMEM,
	 {N("res", -12), N("addr", PAGE), N("len", 2 * PAGE)}},
	{"mlockall",
	 SYS_mlockall,
	 EVENT_MLOCKALL,
	 {MCL_FUTURE | MCL_ONFAULT},
	 0,
	 {N("res", 0), N("flags", 6)}},
	{"mlockall fails",
	 SYS_mlockall,
	 EVENT_MLOCKALL,
	 {0},
	 -EINVAL,
	 {N("res", -22), N("flags", 0)}},
	{"munlockall", SYS_munlockall, EVENT_MUNLOCKALL, {0}, 0, {N("res", 0)}},
	{"brk", SYS_brk, EVENT_BRK, {0}, NEW_ANY, {IS_RESULT("res"), MEMORY_AFTER, N("addr", 0)}},
	{"munmap",
	 SYS_munmap,
	 EVENT_MUNMAP,
	 {P(odd_address), 4 * PAGE},
	 0,
	 {N("res", 0), MEMORY_AFTER, N("addr", P(odd_address)), N("length", 4 * PAGE)}},
	{"munmap fails",
	 SYS_munmap,
	 EVENT_MUNMAP,
	 {P(odd_address) + 1, PAGE},
	 -EINVAL,
	 {N("res", -22), MEMORY_AFTER, N("addr", P(odd_address) + 1), N("length", PAGE)}},
	{"userfaultfd",
	 SYS_userfaultfd,
	 EVENT_USERFAULTFD,
	 {O_CLOEXEC | O_NONBLOCK},
	 NEW_FD,
	 {IS_RESULT("res"), N("flags", 4096 | 64)},
	 "=[userfaultfd]",
	 -ENOSYS},
	{"userfaultfd fails",
	 SYS_userfaultfd,
	 EVENT_USERFAULTFD,
	 {O_WRONLY | O_CREAT},
	 -EINVAL,
	 {N("res", -22), N("flags", 0)},
	 NULL,
	 -ENOSYS},
};

static void calls_on_memory(void **state)
{
	table_run(*state, memory_rows, ARRAY_SIZE(memory_rows), make_files);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_on_files),
		cmocka_unit_test(getcwd_reports_the_path),
		cmocka_unit_test(calls_on_memory),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
