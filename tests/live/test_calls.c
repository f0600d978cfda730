/* Calls on files, memory, semaphores, limits, identities, keys, sockets' options and the like: each
 * once with success and once without, every parameter. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/quota.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <time.h>
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

static void run_table(struct live_test *t, const struct row *rows, size_t n, void (*prepare)(void))
{
	struct plan plan = {.rows = rows, .n = n, .prepare = prepare};

	plan_begin(&plan);
	plan_run(t, &plan);
	plan_end(&plan);
}

static void calls_on_files(void **state)
{
	run_table(*state, file_rows, ARRAY_SIZE(file_rows), make_files);
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
	run_table(*state, memory_rows, ARRAY_SIZE(memory_rows), make_files);
}

static unsigned futex_word = 7;
static struct sembuf two_ops[2] = {{0, 2, 0}, {1, 1, IPC_NOWAIT | SEM_UNDO}};
static struct sembuf one_op[1] = {{1, -1, SEM_UNDO}};
static const uint64_t some_signals = 1 << (SIGUSR1 - 1) | 1 << (SIGTERM - 1);
static const struct timespec little = {0, 1500};
static const struct timespec wrong = {3, 2000000000};

static const struct row ipc_rows[] = {
	{"futex wakes",
	 SYS_futex,
	 EVENT_FUTEX,
	 {P(&futex_word), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 3},
	 0,
	 {N("res", 0), N("addr", P(&futex_word)), N("op", 129), N("val", 3)}},
	{"futex fails",
	 SYS_futex,
	 EVENT_FUTEX,
	 {P(&futex_word), FUTEX_WAIT, 8},
	 -EAGAIN,
	 {N("res", -11), N("addr", P(&futex_word)), N("op", 0), N("val", 8)}},
	{"semget fails",
	 SYS_semget,
	 EVENT_SEMGET,
	 {0x1234567, 2, 0600},
	 -ENOENT,
	 {N("res", -2), N("key", 0x1234567), N("nsems", 2), N("semflg", 0)}},
	{"semget",
	 SYS_semget,
	 EVENT_SEMGET,
	 {IPC_PRIVATE, 2, IPC_CREAT | IPC_EXCL | 0600},
	 NEW_ANY,
	 {IS_RESULT("res"), N("key", 0), N("nsems", 2), N("semflg", 8192 | 16384)}},
	{"semop",
	 SYS_semop,
	 EVENT_SEMOP,
	 {LAST_RES, P(two_ops), 2},
	 0,
	 {N("res", 0), N("nsops", 2), N("sem_num_0", 0), N("sem_op_0", 2), N("sem_flg_0", 0),
	  N("sem_num_1", 1), N("sem_op_1", 1), N("sem_flg_1", 3)}},
	{"semop of one",
	 SYS_semop,
	 EVENT_SEMOP,
	 {LAST_RES, P(one_op), 1},
	 0,
	 {N("res", 0), N("nsops", 1), N("sem_num_0", 1), N("sem_op_0", -1), N("sem_flg_0", 2),
	  N("sem_num_1", 0), N("sem_op_1", 0), N("sem_flg_1", 0)}},
	{"semop fails",
	 SYS_semop,
	 EVENT_SEMOP,
	 {-1, P(two_ops), 2},
	 -EINVAL,
	 {N("res", -22), N("nsops", 2), N("sem_num_0", 0), N("sem_op_0", 0), N("sem_flg_0", 0),
	  N("sem_op_1", 0), N("semid", -1)}},
	{"semctl sets",
	 SYS_semctl,
	 EVENT_SEMCTL,
	 {LAST_RES, 1, SETVAL, 5},
	 0,
	 {N("res", 0), N("semnum", 1), N("cmd", 4096), N("val", 5)}},
	{"semctl gets",
	 SYS_semctl,
	 EVENT_SEMCTL,
	 {LAST_RES, 1, GETVAL, 99},
	 5,
	 {N("res", 5), N("semnum", 1), N("cmd", 512), N("val", 0)}},
	{"semctl removes",
	 SYS_semctl,
	 EVENT_SEMCTL,
	 {LAST_RES, 0, IPC_RMID, 0},
	 0,
	 {N("res", 0), N("semnum", 0), N("cmd", 4), N("val", 0)}},
	{"semctl fails",
	 SYS_semctl,
	 EVENT_SEMCTL,
	 {-1, 0, IPC_STAT, 0},
	 -EINVAL,
	 {N("res", -22), N("semid", -1), N("semnum", 0), N("cmd", 1)}},
	{"eventfd",
	 SYS_eventfd,
	 EVENT_EVENTFD,
	 {7},
	 NEW_FD,
	 {IS_RESULT("res"), N("initval", 7), N("flags", 0)},
	 "=[eventfd]"},
	{"eventfd2",
	 SYS_eventfd2,
	 EVENT_EVENTFD2,
	 {9, EFD_CLOEXEC | EFD_NONBLOCK},
	 NEW_FD,
	 {IS_RESULT("res"), N("initval", 9), N("flags", 4096 | 64)},
	 "=[eventfd]"},
	{"eventfd2 fails",
	 SYS_eventfd2,
	 EVENT_EVENTFD2,
	 {1, 0x100},
	 -EINVAL,
	 {N("res", -22), N("initval", 1), N("flags", 0)}},
	{"signalfd",
	 SYS_signalfd,
	 EVENT_SIGNALFD,
	 {-1, P(&some_signals), 8},
	 NEW_FD,
	 {IS_RESULT("res"), N("fd", -1), N("mask", (int64_t)some_signals), N("flags", 0)},
	 "=[signalfd]"},
	{"signalfd4",
	 SYS_signalfd4,
	 EVENT_SIGNALFD4,
	 {LAST_FD, P(&some_signals), 8, 0},
	 NEW_FD,
	 {IS_RESULT("res"), IS_RESULT("fd"), N("mask", (int64_t)some_signals), N("flags", 0)},
	 "=[signalfd]"},
	{"signalfd4 fails",
	 SYS_signalfd4,
	 EVENT_SIGNALFD4,
	 {-1, 8, 8, SFD_CLOEXEC},
	 -EFAULT,
	 {N("res", -14), N("fd", -1), ABSENT("mask"), N("flags", 4096)}},
	{"inotify_init",
	 SYS_inotify_init,
	 EVENT_INOTIFY_INIT,
	 {0},
	 NEW_FD,
	 {IS_RESULT("res"), N("flags", 0)},
	 "=inotify"},
	{"inotify_init1",
	 SYS_inotify_init1,
	 EVENT_INOTIFY_INIT1,
	 {IN_NONBLOCK | IN_CLOEXEC},
	 NEW_FD,
	 {IS_RESULT("res"), N("flags", 4096 | 64)},
	 "=inotify"},
	{"inotify_init1 fails",
	 SYS_inotify_init1,
	 EVENT_INOTIFY_INIT1,
	 {1},
	 -EINVAL,
	 {N("res", -22), N("flags", 0)}},
	{"timerfd_create",
	 SYS_timerfd_create,
	 EVENT_TIMERFD_CREATE,
	 {CLOCK_MONOTONIC, TFD_NONBLOCK},
	 NEW_FD,
	 {IS_RESULT("res"), N("clockid", 1), N("flags", 0)},
	 "=[timerfd]"},
	{"timerfd_create fails",
	 SYS_timerfd_create,
	 EVENT_TIMERFD_CREATE,
	 {77, 0},
	 -EINVAL,
	 {N("res", -22), N("clockid", 77), N("flags", 0)}},
	{"epoll_create",
	 SYS_epoll_create,
	 EVENT_EPOLL_CREATE,
	 {13},
	 NEW_FD,
	 {IS_RESULT("res"), N("size", 13)},
	 "=[eventpoll]"},
	{"epoll_create fails",
	 SYS_epoll_create,
	 EVENT_EPOLL_CREATE,
	 {-1},
	 -EINVAL,
	 {N("res", -22), N("size", -1)}},
	{"epoll_create1",
	 SYS_epoll_create1,
	 EVENT_EPOLL_CREATE1,
	 {EPOLL_CLOEXEC},
	 NEW_FD,
	 {IS_RESULT("res"), N("flags", 1)},
	 "=[eventpoll]"},
	{"epoll_create1 fails",
	 SYS_epoll_create1,
	 EVENT_EPOLL_CREATE1,
	 {1},
	 -EINVAL,
	 {N("res", -22), N("flags", 0)}},
	{"nanosleep",
	 SYS_nanosleep,
	 EVENT_NANOSLEEP,
	 {P(&little), 0},
	 0,
	 {N("res", 0), N("interval", 1500)}},
	{"nanosleep fails",
	 SYS_nanosleep,
	 EVENT_NANOSLEEP,
	 {P(&wrong), 0},
	 -EINVAL,
	 {N("res", -22), N("interval", 5000000000)}},
	{"nanosleep without a time",
	 SYS_nanosleep,
	 EVENT_NANOSLEEP,
	 {8, 0},
	 -EFAULT,
	 {N("res", -14), ABSENT("interval")}},
};

static void calls_between_processes(void **state)
{
	run_table(*state, ipc_rows, ARRAY_SIZE(ipc_rows), NULL);
}

static struct rlimit limit_now, limit_wrong = {9, 8};
static const struct rlimit limit_new = {100, 200};
static unsigned ids[3];
static int subreaper;

static void take_identities(void)
{
	if (setresgid(11, 12, 13) || setresuid(21, 22, 23))
		_exit(254);
}

static const struct row control_rows[] = {
	{"setrlimit",
	 SYS_setrlimit,
	 EVENT_SETRLIMIT,
	 {RLIMIT_NOFILE, P(&limit_new)},
	 0,
	 {N("res", 0), N("cur", 100), N("max", 200), N("resource", 7)}},
	{"setrlimit fails",
	 SYS_setrlimit,
	 EVENT_SETRLIMIT,
	 {RLIMIT_CPU, P(&limit_wrong)},
	 -EINVAL,
	 {N("res", -22), N("cur", 9), N("max", 8), N("resource", 0)}},
	{"getrlimit",
	 SYS_getrlimit,
	 EVENT_GETRLIMIT,
	 {RLIMIT_NOFILE, P(&limit_now)},
	 0,
	 {N("res", 0), N("cur", 100), N("max", 200), N("resource", 7)}},
	{"getrlimit fails",
	 SYS_getrlimit,
	 EVENT_GETRLIMIT,
	 {99, P(&limit_now)},
	 -EINVAL,
	 {N("res", -22), N("cur", -1), N("max", -1), N("resource", 255)}},
	{"prlimit",
	 SYS_prlimit64,
	 EVENT_PRLIMIT,
	 {SELF, RLIMIT_NOFILE, P(&limit_new), P(&limit_now)},
	 0,
	 {N("res", 0), N("newcur", 100), N("newmax", 200), N("oldcur", 100), N("oldmax", 200),
	  CHILD("pid"), N("resource", 7)}},
	{"prlimit reads",
	 SYS_prlimit64,
	 EVENT_PRLIMIT,
	 {0, RLIMIT_NOFILE, 0, P(&limit_now)},
	 0,
	 {N("res", 0), N("newcur", 0), N("newmax", 0), N("oldcur", 100), N("oldmax", 200),
	  N("pid", 0), N("resource", 7)}},
	{"prlimit fails",
	 SYS_prlimit64,
	 EVENT_PRLIMIT,
	 {-1, RLIMIT_CORE, P(&limit_new), P(&limit_now)},
	 -ESRCH,
	 {N("res", -3), N("newcur", 100), N("newmax", 200), N("oldcur", 0), N("oldmax", 0),
	  N("pid", -1), N("resource", 4)}},
	{"prctl names",
	 SYS_prctl,
	 EVENT_PRCTL,
	 {PR_SET_NAME, P("a name")},
	 0,
	 {N("res", 0), N("option", 15), T("arg2_str", "a name"), N("arg2_int", 0)}},
	{"prctl asks for the name",
	 SYS_prctl,
	 EVENT_PRCTL,
	 {PR_GET_NAME, P(buffer)},
	 0,
	 {N("res", 0), N("option", 16), T("arg2_str", "a name"), N("arg2_int", 0)}},
	{"prctl takes a number",
	 SYS_prctl,
	 EVENT_PRCTL,
	 {PR_SET_CHILD_SUBREAPER, 1},
	 0,
	 {N("res", 0), N("option", 36), ABSENT("arg2_str"), N("arg2_int", 1)}},
	{"prctl gives a number",
	 SYS_prctl,
	 EVENT_PRCTL,
	 {PR_GET_CHILD_SUBREAPER, P(&subreaper)},
	 0,
	 {N("res", 0), N("option", 37), ABSENT("arg2_str"), N("arg2_int", 1)}},
	{"prctl fails",
	 SYS_prctl,
	 EVENT_PRCTL,
	 {PR_SET_KEEPCAPS, 17},
	 -EINVAL,
	 {N("res", -22), N("option", 8), ABSENT("arg2_str"), N("arg2_int", 17)}},
	{"seccomp asks",
	 SYS_seccomp,
	 EVENT_SECCOMP,
	 {SECCOMP_GET_ACTION_AVAIL, 0, 8},
	 -EFAULT,
	 {N("res", -14), N("op", SECCOMP_GET_ACTION_AVAIL), N("flags", 0)}},
	{"seccomp fails",
	 SYS_seccomp,
	 EVENT_SECCOMP,
	 {SECCOMP_SET_MODE_STRICT, SECCOMP_FILTER_FLAG_LOG, 0},
	 -EINVAL,
	 {N("res", -22), N("op", 0), N("flags", SECCOMP_FILTER_FLAG_LOG)}},
	{"ptrace of nobody",
	 SYS_ptrace,
	 EVENT_PTRACE,
	 {PTRACE_ATTACH, 1 << 22, 0x1111, 0x2222},
	 -ESRCH,
	 {N("res", -3), BYTES("addr", "\0\0\0\0\0\0\0\0\0"), BYTES("data", "\0\0\0\0\0\0\0\0\0"),
	  N("request", 11), N("pid", 1 << 22)}},
	{"keyctl joins",
	 SYS_keyctl,
	 EVENT_KEYCTL,
	 {KEYCTL_JOIN_SESSION_KEYRING, P("a ring"), 5, 6, 7},
	 NEW_ANY,
	 {IS_RESULT("res"), N("operation", 1), BYTES("arg2", "\1a ring"),
	  BYTES("arg3", "\0\0\0\0\0\0\0\0\0"), BYTES("arg5", "\0\0\0\0\0\0\0\0\0")},
	 NULL,
	 -ENOSYS},
	{"keyctl searches",
	 SYS_keyctl,
	 EVENT_KEYCTL,
	 {KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, P("user"), P("no such"), 0},
	 -ENOKEY,
	 {N("res", -ENOKEY), N("operation", 10),
	  BYTES("arg2", "\0\xfd\xff\xff\xff\xff\xff\xff\xff"), BYTES("arg3", "\1user"),
	  BYTES("arg4", "\1no such"), BYTES("arg5", "\0\0\0\0\0\0\0\0\0")},
	 NULL,
	 -ENOSYS},
	{"keyctl fails",
	 SYS_keyctl,
	 EVENT_KEYCTL,
	 {999, 3, 4, 5, 6},
	 -EOPNOTSUPP,
	 {N("res", -95), N("operation", 999), BYTES("arg2", "\0\0\0\0\0\0\0\0\0")},
	 NULL,
	 -ENOSYS},
};

static void calls_that_control_processes(void **state)
{
	run_table(*state, control_rows, ARRAY_SIZE(control_rows), NULL);
}

static const struct row identity_rows[] = {
	{"getuid", SYS_getuid, EVENT_GETUID, {0}, 21, {N("uid", 21)}},
	{"geteuid", SYS_geteuid, EVENT_GETEUID, {0}, 22, {N("euid", 22)}},
	{"getgid", SYS_getgid, EVENT_GETGID, {0}, 11, {N("gid", 11)}},
	{"getegid", SYS_getegid, EVENT_GETEGID, {0}, 12, {N("egid", 12)}},
	{"getresuid",
	 SYS_getresuid,
	 EVENT_GETRESUID,
	 {P(&ids[0]), P(&ids[1]), P(&ids[2])},
	 0,
	 {N("res", 0), N("ruid", 21), N("euid", 22), N("suid", 23)}},
	{"getresuid fails",
	 SYS_getresuid,
	 EVENT_GETRESUID,
	 {P(&ids[0]), 8, P(&ids[2])},
	 -EFAULT,
	 {N("res", -14), ABSENT("ruid"), ABSENT("euid"), ABSENT("suid")}},
	{"getresgid",
	 SYS_getresgid,
	 EVENT_GETRESGID,
	 {P(&ids[0]), P(&ids[1]), P(&ids[2])},
	 0,
	 {N("res", 0), N("rgid", 11), N("egid", 12), N("sgid", 13)}},
	{"getresgid fails",
	 SYS_getresgid,
	 EVENT_GETRESGID,
	 {8, P(&ids[1]), P(&ids[2])},
	 -EFAULT,
	 {N("res", -14), ABSENT("rgid")}},
};

static void calls_that_ask_for_identities(void **state)
{
	run_table(*state, identity_rows, ARRAY_SIZE(identity_rows), take_identities);
}

static int one = 1, number;
static const struct timeval patience = {2, 500000};
static struct linger linger = {1, 3};
static unsigned number_len = sizeof(number), number_len_2 = sizeof(number),
		number_len_3 = sizeof(number);
static const uint32_t text_len_wrong = 1 << 20;

static void make_sockets(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in nobody = {.sin_family = AF_INET,
				     .sin_port = htons(1),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	connect(refused, (struct sockaddr *)&nobody, sizeof(nobody)); /* leaves its error behind */
	if (fd < 0 || dup2(fd, 60) != 60 || dup2(refused, 61) != 61)
		_exit(254);
}

static const struct row option_rows[] = {
	{"setsockopt of a number",
	 SYS_setsockopt,
	 EVENT_SETSOCKOPT,
	 {60, SOL_SOCKET, SO_REUSEADDR, P(&one), sizeof(one)},
	 0,
	 {N("res", 0), N("fd", 60), N("level", 1), N("optname", 2), BYTES("val", "\2\1\0\0\0"),
	  N("optlen", 4)}},
	{"setsockopt of a time",
	 SYS_setsockopt,
	 EVENT_SETSOCKOPT,
	 {60, SOL_SOCKET, SO_RCVTIMEO_OLD, P(&patience), sizeof(patience)},
	 0,
	 {N("res", 0), N("optname", 20), BYTES("val", "\4\x00\xf9\x02\x95\0\0\0\0"),
	  N("optlen", 16)}},
	{"setsockopt of a structure",
	 SYS_setsockopt,
	 EVENT_SETSOCKOPT,
	 {60, SOL_SOCKET, SO_LINGER, P(&linger), sizeof(linger)},
	 0,
	 {N("optname", 13), BYTES("val", "\0\1\0\0\0\3\0\0\0"), N("optlen", 8)}},
	{"setsockopt of another level",
	 SYS_setsockopt,
	 EVENT_SETSOCKOPT,
	 {60, IPPROTO_TCP, TCP_NODELAY, P(&one), sizeof(one)},
	 0,
	 {N("level", 2), N("optname", 0), BYTES("val", "\0\1\0\0\0"), N("optlen", 4)}},
	{"setsockopt fails",
	 SYS_setsockopt,
	 EVENT_SETSOCKOPT,
	 {NONE_SUCH, SOL_IP, 99, 8, 4},
	 -EBADF,
	 {N("res", -9), N("fd", NONE_SUCH), N("level", 0), N("optname", 0), BYTES("val", "\0"),
	  N("optlen", 4)}},
	{"getsockopt of a number",
	 SYS_getsockopt,
	 EVENT_GETSOCKOPT,
	 {60, SOL_SOCKET, SO_TYPE, P(&number), P(&number_len)},
	 0,
	 {N("res", 0), N("fd", 60), N("level", 1), N("optname", 3), BYTES("val", "\2\1\0\0\0"),
	  N("optlen", 4)}},
	{"getsockopt of an error",
	 SYS_getsockopt,
	 EVENT_GETSOCKOPT,
	 {61, SOL_SOCKET, SO_ERROR, P(&number), P(&number_len_2)},
	 0,
	 {N("res", 0), N("fd", 61), N("optname", 4),
	  BYTES("val", "\1\x91\xff\xff\xff\xff\xff\xff\xff"), N("optlen", 4)}},
	{"getsockopt fails",
	 SYS_getsockopt,
	 EVENT_GETSOCKOPT,
	 {60, SOL_SOCKET, 9999, P(&number), P(&number_len_3)},
	 -ENOPROTOOPT,
	 {N("res", -92), N("optname", 0), N("optlen", 4)}},
	{"getsockopt without a length",
	 SYS_getsockopt,
	 EVENT_GETSOCKOPT,
	 {60, SOL_SOCKET, SO_TYPE, P(&number), 8},
	 -EFAULT,
	 {N("res", -14), N("optlen", 0)}},
	{"setsockopt says too much",
	 SYS_setsockopt,
	 EVENT_SETSOCKOPT,
	 {NONE_SUCH, SOL_SOCKET, SO_LINGER, P(buffer), text_len_wrong},
	 -EBADF,
	 {N("res", -9), N("optlen", text_len_wrong)}},
};

static void options_of_sockets(void **state)
{
	run_table(*state, option_rows, ARRAY_SIZE(option_rows), make_sockets);
}

static struct if_dqblk quota = {.dqb_bhardlimit = 11,
				.dqb_bsoftlimit = 12,
				.dqb_curspace = 13,
				.dqb_ihardlimit = 14,
				.dqb_isoftlimit = 15,
				.dqb_btime = 16,
				.dqb_itime = 17,
				.dqb_valid = QIF_BLIMITS | QIF_ITIME};
static struct if_dqinfo quota_info = {
	.dqi_bgrace = 21, .dqi_igrace = 22, .dqi_flags = 1, .dqi_valid = IIF_BGRACE | IIF_FLAGS};
static struct io_uring_params ring_params;

static void open_file_system(void)
{
	if (dup2((int)syscall(SYS_fsopen, "tmpfs", 0), 62) != 62)
		_exit(254);
}

static const struct row system_rows[] = {
	{"quotactl sets a quota",
	 SYS_quotactl,
	 EVENT_QUOTACTL,
	 {QCMD(Q_SETQUOTA, USRQUOTA), P("/dev/none"), 7, P(&quota)},
	 -ENOENT,
	 {N("res", -2), T("special", "/dev/none"), ABSENT("quotafilepath"), N("dqb_bhardlimit", 11),
	  N("dqb_bsoftlimit", 12), N("dqb_curspace", 0), N("dqb_ihardlimit", 0),
	  N("dqb_isoftlimit", 0), N("dqb_btime", 0), N("dqb_itime", 17), N("dqi_bgrace", 0),
	  N("dqi_flags", 0), N("quota_fmt_out", 1), N("cmd", 64), N("type", 1), N("id", 7),
	  N("quota_fmt", 1)},
	 NULL,
	 -ENOSYS},
	{"quotactl sets times",
	 SYS_quotactl,
	 EVENT_QUOTACTL,
	 {QCMD(Q_SETINFO, GRPQUOTA), P("/dev/none"), 7, P(&quota_info)},
	 -ENOENT,
	 {N("dqi_bgrace", 21), N("dqi_igrace", 0), N("dqi_flags", 1), N("dqb_bhardlimit", 0),
	  N("cmd", 16), N("type", 2), N("id", 0)},
	 NULL,
	 -ENOSYS},
	{"quotactl switches on",
	 SYS_quotactl,
	 EVENT_QUOTACTL,
	 {QCMD(Q_QUOTAON, USRQUOTA), P("/dev/none"), QFMT_VFS_V1, P("quota.file")},
	 -ENOENT,
	 {T("special", "/dev/none"), T("quotafilepath", "quota.file"), N("cmd", 1),
	  N("quota_fmt", 8), N("id", 0), N("dqb_bhardlimit", 0)},
	 NULL,
	 -ENOSYS},
	{"fsconfig of a text",
	 SYS_fsconfig,
	 EVENT_FSCONFIG,
	 {62, FSCONFIG_SET_STRING, P("size"), P("64k"), 0},
	 0,
	 {N("res", 0), N("fd", 62), N("cmd", 1), T("key", "size"), ABSENT("value_bytebuf"),
	  T("value_charbuf", "64k"), N("aux", 0)}},
	{"fsconfig of nothing",
	 SYS_fsconfig,
	 EVENT_FSCONFIG,
	 {62, FSCONFIG_SET_FLAG, P("ro"), 0, 0},
	 0,
	 {N("res", 0), N("cmd", 0), T("key", "ro"), ABSENT("value_bytebuf"),
	  ABSENT("value_charbuf"), N("aux", 0)}},
	{"fsconfig fails",
	 SYS_fsconfig,
	 EVENT_FSCONFIG,
	 {62, FSCONFIG_SET_STRING, P("no such key"), P("value"), 0},
	 -EINVAL,
	 {N("res", -22), N("fd", 62), N("cmd", 1), T("key", "no such key"), ABSENT("value_bytebuf"),
	  ABSENT("value_charbuf"), N("aux", 0)}},
	{"io_uring_setup",
	 SYS_io_uring_setup,
	 EVENT_IO_URING_SETUP,
	 {4, P(&ring_params)},
	 NEW_FD,
	 {IS_RESULT("res"), N("entries", 4), N("sq_entries", 4), N("cq_entries", 8), N("flags", 0)},
	 "=[io_uring]",
	 -ENOSYS},
	{"io_uring_enter",
	 SYS_io_uring_enter,
	 EVENT_IO_URING_ENTER,
	 {LAST_FD, 0, 0, IORING_ENTER_GETEVENTS, P(&some_signals), 8},
	 0,
	 {N("res", 0), POSITIVE("fd"), N("to_submit", 0), N("min_complete", 0), N("flags", 1),
	  N("sig", (int64_t)some_signals)},
	 NULL,
	 -ENOSYS},
	{"io_uring_enter fails",
	 SYS_io_uring_enter,
	 EVENT_IO_URING_ENTER,
	 {NONE_SUCH, 3, 4, 0x80000000, 0, 0},
	 -EINVAL,
	 {N("res", -22), N("fd", NONE_SUCH), N("to_submit", 3), N("min_complete", 4), N("flags", 0),
	  ABSENT("sig")},
	 NULL,
	 -ENOSYS},
	{"io_uring_register",
	 SYS_io_uring_register,
	 EVENT_IO_URING_REGISTER,
	 {LAST_FD, IORING_REGISTER_PERSONALITY, 0, 0},
	 NEW_ANY,
	 {IS_RESULT("res"), POSITIVE("fd"), N("opcode", 9), N("arg", 0), N("nr_args", 0)},
	 NULL,
	 -ENOSYS},
	{"io_uring_register fails",
	 SYS_io_uring_register,
	 EVENT_IO_URING_REGISTER,
	 {NONE_SUCH, IORING_REGISTER_PROBE, 0x1234, 5},
	 -EBADF,
	 {N("res", -9), N("fd", NONE_SUCH), N("opcode", 8), N("arg", 0x1234), N("nr_args", 5)},
	 NULL,
	 -ENOSYS},
	{"init_module",
	 SYS_init_module,
	 EVENT_INIT_MODULE,
	 {P("not a module"), 12, P("a=1")},
	 -ENOEXEC,
	 {N("res", -8), T("img", "not a module"), N("length", 12), T("uargs", "a=1")},
	 NULL,
	 -ENOSYS},
};

static void calls_on_the_system(void **state)
{
	run_table(*state, system_rows, ARRAY_SIZE(system_rows), open_file_system);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_on_files),
		cmocka_unit_test(getcwd_reports_the_path),
		cmocka_unit_test(calls_on_memory),
		cmocka_unit_test(calls_between_processes),
		cmocka_unit_test(calls_that_control_processes),
		cmocka_unit_test(calls_that_ask_for_identities),
		cmocka_unit_test(options_of_sockets),
		cmocka_unit_test(calls_on_the_system),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
