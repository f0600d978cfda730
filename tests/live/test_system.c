/* Other processes, mounts, namespaces, modules, memory files: each call with success where a test
 * may, and with failure. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

static const enum event_type all_types[] = {
	EVENT_PTRACE,         EVENT_KILL,         EVENT_TKILL,       EVENT_TGKILL,
	EVENT_MOUNT,          EVENT_UMOUNT2,      EVENT_CHROOT,      EVENT_SETNS,
	EVENT_UNSHARE,        EVENT_BPF,          EVENT_INIT_MODULE, EVENT_FINIT_MODULE,
	EVENT_DELETE_MODULE,  EVENT_MEMFD_CREATE, EVENT_PIDFD_OPEN,  EVENT_PIDFD_GETFD,
	EVENT_IO_URING_SETUP, EVENT_TYPE_END,
};

static void run(struct live_test *t, void (*fn)(void *arg), void *arg)
{
	live_want(t, all_types);
	live_run(t, fn, arg);
	if (!WIFEXITED(t->child_status) || WEXITSTATUS(t->child_status))
		fail_msg("the child ended with status %x", (unsigned)t->child_status);
}

static void child_signals(void *arg)
{
	(void)arg;
	signal(SIGUSR1, SIG_IGN);
	if (syscall(SYS_kill, getpid(), SIGUSR1) || syscall(SYS_tkill, gettid(), SIGUSR1) ||
	    syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1))
		_exit(1);
	syscall(SYS_kill, 1 << 22, SIGTERM);
	syscall(SYS_tkill, 1 << 22, SIGTERM);
	syscall(SYS_tgkill, 1 << 22, 1 << 22, SIGTERM);
}

static void signals_name_their_target(void **state)
{
	static const struct {
		enum event_type type;
		const char *pid, *tid;
	} rows[] = {{EVENT_KILL, "pid", NULL},
		    {EVENT_TKILL, NULL, "tid"},
		    {EVENT_TGKILL, "pid", "tid"}};
	struct live_test *t = *state;

	run(t, child_signals, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (uint32_t nth = 0; nth < 2; nth++) {
			const struct event *ev = live_event(t, rows[i].type, nth);
			int64_t who = nth ? 1 << 22 : t->child;

			assert_int_equal(live_i64(ev, "res"), nth ? -ESRCH : 0);
			assert_int_equal(live_u64(ev, "sig"), nth ? SIGTERM : SIGUSR1);
			if (rows[i].pid)
				assert_int_equal(live_i64(ev, rows[i].pid), who);
			if (rows[i].tid)
				assert_int_equal(live_i64(ev, rows[i].tid), who);
		}
	}
}

static void take_nothing(int sig)
{
	(void)sig;
}

static void child_gets_signals(void *arg)
{
	int status, child;

	(void)arg;
	signal(SIGTERM, take_nothing);
	signal(SIGUSR1, take_nothing);
	signal(SIGCHLD, take_nothing);
	signal(SIGRTMIN, take_nothing);
	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR2); /* ignored: never delivered */
	raise(SIGTERM);
	raise(SIGUSR1);
	raise(SIGRTMIN);
	child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, &status, 0);
	kill(getpid(), SIGKILL);
}

static void signals_are_reported_when_delivered(void **state)
{
	static const enum event_type types[] = {EVENT_SIGNALDELIVER, EVENT_TYPE_END};
	static const enum event_type nothing[] = {EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;

	live_want(t, types);
	live_run(t, child_gets_signals, NULL);
	assert_true(WIFSIGNALED(t->child_status));
	ev = live_event(t, EVENT_SIGNALDELIVER, 0);
	assert_int_equal(live_u64(ev, "sig"), SIGTERM);
	assert_int_equal(live_i64(ev, "spid"), t->child);
	assert_int_equal(live_i64(ev, "dpid"), t->child);
	assert_false(ev->has_res);
	ev = live_event(t, EVENT_SIGNALDELIVER, 1);
	assert_int_equal(live_u64(ev, "sig"), SIGUSR1);
	assert_int_equal(live_i64(ev, "spid"), 0); /* as upstream: of some signals only */
	ev = live_event(t, EVENT_SIGNALDELIVER, 2);
	assert_int_equal(live_u64(ev, "sig"), SIGRTMIN);
	assert_int_equal(live_i64(ev, "spid"), t->child);
	ev = live_event(t, EVENT_SIGNALDELIVER, 3);
	assert_int_equal(live_u64(ev, "sig"), SIGCHLD);
	assert_true(live_i64(ev, "spid") > 0 && live_i64(ev, "spid") != t->child);
	ev = live_event(t, EVENT_SIGNALDELIVER, 4);
	assert_int_equal(live_u64(ev, "sig"), SIGKILL);
	assert_int_equal(live_count(t, EVENT_SIGNALDELIVER), 5);

	live_want(t, nothing);
	live_run(t, child_gets_signals, NULL);
	assert_int_equal(live_count(t, EVENT_SIGNALDELIVER), 0);
}

static void child_faults(void *arg)
{
	char *page = mmap((void *)0x20000000, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	(void)arg;
	signal(SIGSEGV, SIG_DFL); /* cmocka has its own */
	page[17] = 1;
	mprotect(page, 4096, PROT_READ);
	page[18] = 1; /* ends the process */
}

static void faults_are_reported_when_wanted(void **state)
{
	static const enum event_type types[] = {EVENT_PAGE_FAULT, EVENT_TYPE_END};
	struct live_test *t = *state;
	uint32_t missing = 0, denied = 0;

	live_want(t, types);
	live_run(t, child_faults, NULL);
	assert_true(WIFSIGNALED(t->child_status));
	for (uint32_t i = 0; i < live_count(t, EVENT_PAGE_FAULT); i++) {
		const struct event *ev = live_event(t, EVENT_PAGE_FAULT, i);

		assert_true(live_u64(ev, "ip") > 0);
		assert_int_equal(ev->tid, t->child);
		if (live_u64(ev, "addr") == 0x20000011 && live_u64(ev, "error") == (2 | 4 | 16))
			missing++;
		if (live_u64(ev, "addr") == 0x20000012 && live_u64(ev, "error") == (1 | 4 | 16))
			denied++;
	}
	assert_true(missing == 1 && denied == 1);
}

static void child_traces(void *arg)
{
	int child = fork(), status;
	long r;

	(void)arg;
	if (child == 0) {
		pause();
		_exit(0);
	}
	r = syscall(SYS_ptrace, PTRACE_SEIZE, child, 0, 0);
	r |= syscall(SYS_ptrace, PTRACE_INTERRUPT, child, 0, 0);
	waitpid(child, &status, 0);
	r |= syscall(SYS_ptrace, PTRACE_CONT, child, 0x1234, SIGKILL);
	syscall(SYS_ptrace, PTRACE_POKEDATA, 1 << 22, 0x1000, 0x55);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	_exit(r != 0);
}

static void tracing_is_reported(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_traces, NULL);
	ev = live_event(t, EVENT_PTRACE, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_u64(ev, "request"), 20); /* PTRACE_SEIZE */
	assert_true(live_i64(ev, "pid") > t->child);
	ev = live_event(t, EVENT_PTRACE, 2);
	assert_int_equal(live_u64(ev, "request"), 8); /* PTRACE_CONT */
	assert_int_equal(ev->params[PTRACE_data].bytes.len, 2);
	assert_memory_equal(ev->params[PTRACE_data].bytes.ptr, "\x01\x09", 2);
	assert_memory_equal(ev->params[PTRACE_addr].bytes.ptr, "\0\x34\x12\0\0\0\0\0\0", 9);
	ev = live_event(t, EVENT_PTRACE, 3);
	assert_int_equal(live_i64(ev, "res"), -ESRCH);
	assert_int_equal(live_u64(ev, "request"), 6); /* PTRACE_POKEDATA */
	assert_int_equal(live_i64(ev, "pid"), 1 << 22);
	assert_memory_equal(ev->params[PTRACE_data].bytes.ptr, "\0\0\0\0\0\0\0\0\0", 9);
}

static void child_mounts(void *arg)
{
	const char *folder = arg;
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	if (unshare(CLONE_NEWNS | CLONE_NEWUTS) || unshare(0x1) != -1)
		_exit(1);
	if (setns(fd, CLONE_NEWUTS) || setns(1000, 0) != -1)
		_exit(2);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0xc0ed0000 | MS_NOSUID, "size=64k") ||
	    mount("none", "/none/such", "tmpfs", 0, NULL) != -1)
		_exit(3);
	if (umount2(folder, MNT_DETACH) || umount2("/none/such", 0) != -1)
		_exit(4);
	if (chroot("/none/such") != -1 || chroot(folder))
		_exit(5);
}

/* In a plain chroot "/" is a folder like others: the first mount call below needs a mount there. */
static bool root_is_a_mount(void)
{
	struct statx info;

	return statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &info) == 0 &&
	       info.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static void mounts_and_namespaces(void **state)
{
	char folder[] = "/tmp/ethogram-mount-XXXXXX";
	struct live_test *t = *state;
	const struct event *ev;

	if (!root_is_a_mount()) {
		print_message("# skipped: the root directory is no mount (chroot)\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	run(t, child_mounts, folder);
	rmdir(folder);
	ev = live_event(t, EVENT_UNSHARE, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_u64(ev, "flags"), 1 << 5 | 1 << 7);
	assert_int_equal(live_i64(live_event(t, EVENT_UNSHARE, 1), "res"), -EINVAL);
	ev = live_event(t, EVENT_SETNS, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(live_u64(ev, "nstype"), 1 << 7);
	ev = live_event(t, EVENT_SETNS, 1);
	assert_int_equal(live_i64(ev, "res"), -EBADF);
	assert_int_equal(live_i64(ev, "fd"), 1000);
	ev = live_event(t, EVENT_MOUNT, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	assert_true(live_is_absent(ev, "dev") && live_is_absent(ev, "type"));
	live_text_is(ev, "dir", "/");
	assert_int_equal(live_u64(ev, "flags"), MS_REC | MS_PRIVATE);
	ev = live_event(t, EVENT_MOUNT, 1);
	live_text_is(ev, "dev", "none");
	live_text_is(ev, "dir", folder);
	live_text_is(ev, "type", "tmpfs");
	assert_int_equal(live_u64(ev, "flags"), MS_NOSUID);
	assert_int_equal(live_i64(live_event(t, EVENT_MOUNT, 2), "res"), -ENOENT);
	ev = live_event(t, EVENT_UMOUNT2, 0);
	assert_int_equal(live_i64(ev, "res"), 0);
	live_text_is(ev, "name", folder);
	assert_int_equal(live_u64(ev, "flags"), MNT_DETACH);
	ev = live_event(t, EVENT_UMOUNT2, 1);
	assert_int_equal(live_i64(ev, "res"), -ENOENT);
	live_text_is(ev, "name", "/none/such");
	ev = live_event(t, EVENT_CHROOT, 0);
	assert_int_equal(live_i64(ev, "res"), -ENOENT);
	live_text_is(ev, "path", "/none/such");
	ev = live_event(t, EVENT_CHROOT, 1);
	assert_int_equal(live_i64(ev, "res"), 0);
	live_text_is(ev, "path", folder);
}

static void child_pivots(void *arg)
{
	const char *folder = arg;

	_exit(syscall(SYS_pivot_root, folder, "/none/such") == -1 ? 0 : 1);
}

static void pivot_root_is_generic_with_its_paths(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	live_want_call(t, "pivot_root");
	live_run(t, child_pivots, "/tmp");
	ev = live_event(t, EVENT_GENERIC, 0);
	assert_int_equal(ev->nr, SYS_pivot_root);
	assert_true(ev->res < 0);
	assert_text(ev->raw_path[0], "/tmp");
	assert_text(ev->raw_path[1], "/none/such");
}

static void child_loads(void *arg)
{
	union bpf_attr attr = {0};
	char image[] = "not a module", parameters[] = "a=1 b=2", name[] = "no_such";
	int fd = open("/proc/self/exe", O_RDONLY);

	(void)arg;
	syscall(SYS_init_module, image, sizeof(image), parameters);
	syscall(SYS_finit_module, fd, parameters, 1);
	syscall(SYS_delete_module, name, O_NONBLOCK | O_TRUNC);
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 4;
	attr.max_entries = 1;
	if (syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0)
		_exit(1);
	syscall(SYS_bpf, BPF_PROG_LOAD, &attr, 8);
}

static void modules_and_programs(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_loads, NULL);
	ev = live_event(t, EVENT_INIT_MODULE, 0);
	assert_true(live_i64(ev, "res") < 0);
	assert_int_equal(live_u64(ev, "length"), 13);
	live_text_is(ev, "uargs", "a=1 b=2");
	assert_false(ev->quality & EVENT_PATH_FROM_CALLER);
	ev = live_event(t, EVENT_FINIT_MODULE, 0);
	assert_true(live_i64(ev, "res") < 0);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	live_text_is(ev, "uargs", "a=1 b=2");
	assert_int_equal(live_u64(ev, "flags"), 1);
	assert_int_equal(ev->file->kind, FILE_KIND_REGULAR);
	ev = live_event(t, EVENT_DELETE_MODULE, 0);
	assert_true(live_i64(ev, "res") < 0);
	live_text_is(ev, "name", "no_such");
	assert_int_equal(live_u64(ev, "flags"), 3);
	ev = live_event(t, EVENT_BPF, 0);
	assert_true(live_i64(ev, "fd") >= 0);
	assert_int_equal(live_u64(ev, "cmd"), BPF_MAP_CREATE);
	assert_int_equal(ev->fd, ev->res);
	ev = live_event(t, EVENT_BPF, 1);
	assert_true(live_i64(ev, "fd") < 0);
	assert_int_equal(live_u64(ev, "cmd"), BPF_PROG_LOAD);
}

static void child_makes_odd_files(void *arg)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 16};
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	(void)arg;
	if (memfd_create("a memfd", MFD_CLOEXEC | MFD_ALLOW_SEALING) < 0 ||
	    memfd_create("", 0x80000000) != -1 || pidfd < 0)
		_exit(1);
	if (syscall(SYS_pidfd_open, -1, 0) != -1 || syscall(SYS_pidfd_getfd, pidfd, 0, 0) < 0 ||
	    syscall(SYS_pidfd_getfd, pidfd, 1000, 0) != -1)
		_exit(2);
	syscall(SYS_io_uring_setup, 8, &params);
	syscall(SYS_io_uring_setup, 0, &params);
}

static void odd_files(void **state)
{
	struct live_test *t = *state;
	const struct event *ev;

	run(t, child_makes_odd_files, NULL);
	ev = live_event(t, EVENT_MEMFD_CREATE, 0);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	live_text_is(ev, "name", "a memfd");
	assert_int_equal(live_u64(ev, "flags"), 3);
	assert_int_equal(ev->file->kind, FILE_KIND_MEMFD);
	assert_text(ev->file->path, "memfd:a memfd");
	ev = live_event(t, EVENT_MEMFD_CREATE, 1);
	assert_int_equal(live_i64(ev, "fd"), -EINVAL);
	live_text_is(ev, "name", "");
	ev = live_event(t, EVENT_PIDFD_OPEN, 0);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(live_i64(ev, "pid"), t->child);
	assert_int_equal(live_u64(ev, "flags"), 0);
	assert_int_equal(live_event(t, EVENT_PIDFD_OPEN, 1)->res, -EINVAL);
	ev = live_event(t, EVENT_PIDFD_GETFD, 0);
	assert_int_equal(live_i64(ev, "fd"), ev->fd);
	assert_int_equal(live_i64(ev, "pid_fd"), live_event(t, EVENT_PIDFD_OPEN, 0)->fd);
	assert_int_equal(live_i64(ev, "target_fd"), 0);
	assert_int_equal(live_u64(ev, "flags"), 0);
	assert_int_equal(live_event(t, EVENT_PIDFD_GETFD, 1)->res, -EBADF);
	ev = live_event(t, EVENT_IO_URING_SETUP, 0);
	assert_int_equal(live_u64(ev, "entries"), 8);
	assert_int_equal(live_u64(ev, "flags"), 16);
	if (ev->res >= 0) {
		assert_int_equal(live_u64(ev, "sq_entries"), 8);
		assert_int_equal(live_u64(ev, "cq_entries"), 16);
		assert_true(live_u64(ev, "features") & 1);
		assert_text(ev->file->path, "[io_uring]");
	}
	assert_int_equal(live_u64(ev, "sq_thread_cpu"), 0);
	assert_int_equal(live_u64(ev, "sq_thread_idle"), 0);
	ev = live_event(t, EVENT_IO_URING_SETUP, 1);
	assert_true(live_i64(ev, "res") < 0);
	assert_int_equal(live_u64(ev, "entries"), 0);
}

#ifdef __x86_64__
/* A 32-bit call from a 64-bit process: number and arguments are those of i386. */
static long call_32bit_of_5(long nr, unsigned a, unsigned b, unsigned c, unsigned d, unsigned e)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)r;
}

static long call_32bit(long nr, unsigned a, unsigned b, unsigned c)
{
	return call_32bit_of_5(nr, a, b, c, 0, 0);
}

static void child_calls_32bit(void *arg)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	(void)arg;
	strcpy(low, "/etc/hostname");
	strcpy(low + 64, "/none/such");
	if (call_32bit(5, (unsigned)(uintptr_t)low, O_RDONLY, 0) < 0 ||
	    call_32bit(10, (unsigned)(uintptr_t)low + 64, 0, 0) != -ENOENT)
		_exit(1);
}

static void calls_of_32_bit_are_named_right(void **state)
{
	static const enum event_type types[] = {EVENT_OPEN, EVENT_UNLINK, EVENT_FSTAT,
						EVENT_MPROTECT, EVENT_TYPE_END};
	struct live_test *t = *state;
	const struct event *ev;

	live_want(t, types);
	live_run(t, child_calls_32bit, NULL);
	if (!WIFEXITED(t->child_status))
		skip(); /* a kernel without 32-bit calls */
	assert_int_equal(t->child_status, 0);
	ev = live_event(t, EVENT_OPEN, 0); /* 5 is fstat on x86-64 */
	assert_true(ev->quality & EVENT_IS_32BIT);
	assert_text(ev->file->path, "/etc/hostname");
	assert_int_equal(live_u64(ev, "flags"), 1);
	ev = live_event(t, EVENT_UNLINK, 0); /* 10 is mprotect */
	assert_true(ev->quality & EVENT_IS_32BIT);
	assert_int_equal(live_i64(ev, "res"), -ENOENT);
	live_text_is(ev, "path", "/none/such");
	assert_int_equal(live_count(t, EVENT_FSTAT), 0);
	assert_int_equal(live_count(t, EVENT_MPROTECT), 0);
}

/* Structures that are smaller for 32-bit callers, where they lie in the page below 4 GiB. */
struct low_page {
	uint32_t map[6];
	int32_t sleep[2];
	uint32_t limit[2];
	uint16_t ids[3][2];
	uint64_t position;
	char folder[16];
	uint32_t stat[64];
};

static void child_passes_small_structures(void *arg)
{
	struct low_page *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned at = (unsigned)(uintptr_t)low;
	int fd = open("/proc/self/exe", O_RDONLY);

	(void)arg;
	memset(low, 0xee, sizeof(*low));
	memcpy(low->map, (uint32_t[]){0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1u, 0},
	       sizeof(low->map));
	memcpy(low->sleep, (int32_t[]){0, 2500}, sizeof(low->sleep));
	strcpy(low->folder, "/etc");
	if (call_32bit(90, at + offsetof(struct low_page, map), 0, 0) == -EFAULT ||
	    call_32bit(162, at + offsetof(struct low_page, sleep), 0, 0) ||
	    call_32bit(191, 7, at + offsetof(struct low_page, limit), 0) ||
	    call_32bit(165, at + offsetof(struct low_page, ids[0]),
		       at + offsetof(struct low_page, ids[1]),
		       at + offsetof(struct low_page, ids[2])) ||
	    call_32bit(195, at + offsetof(struct low_page, folder),
		       at + offsetof(struct low_page, stat), 0) ||
	    call_32bit(221, (unsigned)fd, F_GETFL, 0) < 0 ||
	    call_32bit_of_5(140, (unsigned)fd, 1, 2, at + offsetof(struct low_page, position), 0))
		_exit(1);
}

static void small_structures_are_read_right(void **state)
{
	static const enum event_type types[] = {EVENT_MMAP,      EVENT_NANOSLEEP, EVENT_GETRLIMIT,
						EVENT_GETRESUID, EVENT_STAT64,    EVENT_FCNTL,
						EVENT_LLSEEK,    EVENT_TYPE_END};
	struct live_test *t = *state;
	struct rlimit limit;
	const struct event *ev;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	live_want(t, types);
	live_run(t, child_passes_small_structures, NULL);
	if (!WIFEXITED(t->child_status))
		skip(); /* a kernel without 32-bit calls */
	assert_int_equal(t->child_status, 0);
	for (uint32_t nth = 0; !((ev = live_event(t, EVENT_MMAP, nth))->quality & EVENT_IS_32BIT);)
		nth++;
	assert_int_equal(live_u64(ev, "length"), 4096);
	assert_int_equal(live_u64(ev, "prot"), 1);
	assert_int_equal(live_u64(ev, "flags"), 2 | 8);
	assert_int_equal(live_i64(ev, "fd"), -1);
	assert_int_equal(live_u64(live_event(t, EVENT_NANOSLEEP, 0), "interval"), 2500);
	ev = live_event(t, EVENT_GETRLIMIT, 0);
	assert_int_equal(live_i64(ev, "cur"), (int64_t)limit.rlim_cur);
	assert_int_equal(live_i64(ev, "max"), (int64_t)limit.rlim_max);
	ev = live_event(t, EVENT_GETRESUID, 0);
	assert_int_equal(live_u64(ev, "ruid"), 0);
	assert_int_equal(live_u64(ev, "suid"), 0);
	live_text_is(live_event(t, EVENT_STAT64, 0), "path", "/etc");
	assert_int_equal(live_u64(live_event(t, EVENT_FCNTL, 0), "cmd"), 4);
	ev = live_event(t, EVENT_LLSEEK, 0);
	assert_int_equal(live_u64(ev, "offset"), (int64_t)1 << 32 | 2);
	assert_int_equal(live_u64(ev, "whence"), 0);
}
#endif

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_name_their_target),
		cmocka_unit_test(signals_are_reported_when_delivered),
		cmocka_unit_test(faults_are_reported_when_wanted),
		cmocka_unit_test(tracing_is_reported),
		cmocka_unit_test(mounts_and_namespaces),
		cmocka_unit_test(pivot_root_is_generic_with_its_paths),
		cmocka_unit_test(modules_and_programs),
		cmocka_unit_test(odd_files),
#ifdef __x86_64__
		cmocka_unit_test(calls_of_32_bit_are_named_right),
		cmocka_unit_test(small_structures_are_read_right),
#endif
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
