#include "capture/flags.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/quota.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

struct flag_pair {
	uint64_t kernel;   /* all of these bits set ... */
	uint32_t portable; /* ... is this */
};

static const struct flag_pair open_pairs[] = {
	{O_CREAT, 1 << 2},      {O_APPEND, 1 << 3}, {O_DSYNC, 1 << 4},    {O_EXCL, 1 << 5},
	{O_NONBLOCK, 1 << 6},   {O_SYNC, 1 << 7},   {O_TRUNC, 1 << 8},    {O_DIRECT, 1 << 9},
	{O_DIRECTORY, 1 << 10}, {0100000, 1 << 11}, {O_CLOEXEC, 1 << 12}, {O_TMPFILE, 1 << 13},
};

static const struct flag_pair clone_pairs[] = {
	{CLONE_FILES, 1 << 0},         {CLONE_FS, 1 << 1},       {CLONE_IO, 1 << 2},
	{CLONE_NEWIPC, 1 << 3},        {CLONE_NEWNET, 1 << 4},   {CLONE_NEWNS, 1 << 5},
	{CLONE_NEWPID, 1 << 6},        {CLONE_NEWUTS, 1 << 7},   {CLONE_PARENT, 1 << 8},
	{CLONE_PARENT_SETTID, 1 << 9}, {CLONE_PTRACE, 1 << 10},  {CLONE_SIGHAND, 1 << 11},
	{CLONE_SYSVSEM, 1 << 12},      {CLONE_THREAD, 1 << 13},  {CLONE_UNTRACED, 1 << 14},
	{CLONE_VM, 1 << 15},           {CLONE_NEWUSER, 1 << 20}, {CLONE_CHILD_CLEARTID, 1 << 23},
	{CLONE_CHILD_SETTID, 1 << 24}, {CLONE_SETTLS, 1 << 25},  {CLONE_VFORK, 1 << 27},
	{CLONE_NEWCGROUP, 1 << 28},
};

static const struct flag_pair unlinkat_pairs[] = {{AT_REMOVEDIR, 512}};

static const struct flag_pair linkat_pairs[] = {{AT_SYMLINK_FOLLOW, 1024}, {AT_EMPTY_PATH, 4096}};

static const struct flag_pair fchownat_pairs[] = {{AT_SYMLINK_NOFOLLOW, 1024},
						  {AT_EMPTY_PATH, 4096}};

static const struct flag_pair resolve_pairs[] = {
	{RESOLVE_BENEATH, 1 << 0},     {RESOLVE_IN_ROOT, 1 << 1}, {RESOLVE_NO_MAGICLINKS, 1 << 2},
	{RESOLVE_NO_SYMLINKS, 1 << 3}, {RESOLVE_NO_XDEV, 1 << 4}, {RESOLVE_CACHED, 1 << 5},
};

static const struct flag_pair pipe_pairs[] = {
	{O_NONBLOCK, 1 << 6}, {O_DIRECT, 1 << 9}, {O_CLOEXEC, 1 << 12}};

static const struct flag_pair close_range_pairs[] = {{CLOSE_RANGE_UNSHARE, 2},
						     {CLOSE_RANGE_CLOEXEC, 4}};

static const struct flag_pair memfd_pairs[] = {
	{MFD_CLOEXEC, 1}, {MFD_ALLOW_SEALING, 2}, {MFD_HUGETLB, 4}};

/* fcntl's commands by portable number; the portable numbers leave no order. */
static const struct flag_pair fcntl_commands[] = {
	{F_DUPFD, 1},
	{F_GETFD, 2},
	{F_SETFD, 3},
	{F_GETFL, 4},
	{F_SETFL, 5},
	{5 /* F_GETLK */, 6},
	{6 /* F_SETLK */, 8},
	{7 /* F_SETLKW */, 9},
	{12 /* F_GETLK64, of 32-bit callers */, 17},
	{13 /* F_SETLK64 */, 18},
	{14 /* F_SETLKW64 */, 19},
	{F_SETOWN, 10},
	{F_GETOWN, 12},
	{F_SETSIG, 13},
	{F_GETSIG, 15},
	{F_SETOWN_EX, 21},
	{F_GETOWN_EX, 22},
	{F_SETLEASE, 23},
	{F_GETLEASE, 24},
	{1029 /* F_CANCELLK */, 25},
	{F_DUPFD_CLOEXEC, 26},
	{F_NOTIFY, 27},
	{F_SETPIPE_SZ, 28},
	{F_GETPIPE_SZ, 29},
	{F_OFD_GETLK, 30},
	{F_OFD_SETLK, 31},
	{F_OFD_SETLKW, 32},
};

static const struct flag_pair delete_module_pairs[] = {{O_TRUNC, 1}, {O_NONBLOCK, 2}};

/* IORING_SETUP_*; the portable bits have one more after the second. */
static const struct flag_pair io_uring_pairs[] = {
	{1 << 0, 1},  {1 << 1, 2},  {1 << 2, 8},   {1 << 3, 16},
	{1 << 4, 32}, {1 << 5, 64}, {1 << 6, 128},
};

/* PTRACE_* requests by the number that the kernel has for them. */
static const struct flag_pair ptrace_requests[] = {
	{0, 1},       {1, 2},       {2, 3},       {3, 4},       {4, 5},       {5, 6},
	{6, 7},       {7, 8},       {8, 9},       {9, 10},      {16, 11},     {17, 12},
	{24, 13},     {0x4200, 14}, {0x4201, 15}, {0x4202, 16}, {0x4203, 17}, {0x4204, 18},
	{0x4205, 19}, {0x4206, 20}, {0x4207, 21}, {0x4208, 22}, {0x4209, 23}, {0x420a, 24},
	{0x420b, 25}, {12, 26},     {13, 27},     {14, 28},     {15, 29},     {18, 30},
	{19, 31},     {21, 32},     {25, 33},     {26, 34},     {30, 35},     {31, 36},
	{32, 37},     {33, 38},
};

static const struct flag_pair fstatat_pairs[] = {
	{AT_SYMLINK_NOFOLLOW, 256}, {AT_NO_AUTOMOUNT, 2048}, {AT_EMPTY_PATH, 4096}};

static const struct flag_pair access_pairs[] = {{X_OK, 1}, {W_OK, 2}, {R_OK, 4}};

static const struct flag_pair flock_pairs[] = {
	{LOCK_SH, 1}, {LOCK_EX, 2}, {LOCK_NB, 4}, {LOCK_UN, 8}};

static const struct flag_pair prot_pairs[] = {
	{PROT_READ, 1}, {PROT_WRITE, 2},      {PROT_EXEC, 4},
	{8, 8},         {PROT_GROWSDOWN, 16}, {PROT_GROWSUP, 32},
};

static const struct flag_pair mmap_pairs[] = {
	{MAP_SHARED, 1},      {MAP_PRIVATE, 2},      {MAP_FIXED, 4},         {MAP_ANONYMOUS, 8},
	{MAP_32BIT, 16},      {MAP_NORESERVE, 64},   {MAP_POPULATE, 128},    {MAP_NONBLOCK, 256},
	{MAP_GROWSDOWN, 512}, {MAP_DENYWRITE, 1024}, {MAP_EXECUTABLE, 2048}, {MAP_LOCKED, 16384},
};

static const struct flag_pair mlock2_pairs[] = {{MLOCK_ONFAULT, 1}};

static const struct flag_pair mlockall_pairs[] = {
	{MCL_CURRENT, 1}, {MCL_FUTURE, 2}, {MCL_ONFAULT, 4}};

static const struct flag_pair semget_pairs[] = {{IPC_CREAT, 8192}, {IPC_EXCL, 16384}};

static const struct flag_pair semop_pairs[] = {{IPC_NOWAIT, 1}, {SEM_UNDO, 2}};

static const struct flag_pair semctl_commands[] = {
	{IPC_STAT, 1},   {IPC_SET, 2},   {IPC_RMID, 4},  {IPC_INFO, 8}, {SEM_INFO, 16},
	{SEM_STAT, 32},  {GETALL, 64},   {GETNCNT, 128}, {GETPID, 256}, {GETVAL, 512},
	{GETZCNT, 1024}, {SETALL, 2048}, {SETVAL, 4096},
};

static const struct flag_pair epoll_pairs[] = {{EPOLL_CLOEXEC, 1}};

static const struct flag_pair sockopt_levels[] = {{SOL_SOCKET, 1}, {IPPROTO_TCP, 2}};

static const struct flag_pair quota_commands[] = {
	{Q_QUOTAON, 1},  {Q_QUOTAOFF, 2},  {Q_GETFMT, 4},    {Q_GETINFO, 8},
	{Q_SETINFO, 16}, {Q_GETQUOTA, 32}, {Q_SETQUOTA, 64}, {Q_SYNC, 128},
	{0x5801, 256},   {0x5802, 512},    {0x5803, 1024},   {0x5804, 2048}, /* XFS's own */
	{0x5805, 4096},  {0x5806, 8192},   {0x5807, 16384},
};

static const struct flag_pair quota_formats[] = {
	{QFMT_VFS_OLD, 2}, {QFMT_VFS_V0, 4}, {QFMT_VFS_V1, 8}};

static const struct flag_pair quota_types[] = {{USRQUOTA, 1}, {GRPQUOTA, 2}};

static const struct flag_pair io_uring_enter_pairs[] = {
	{1 << 0, 1}, {1 << 1, 2}, {1 << 2, 4}, {1 << 3, 8}};

#define PAIRS(map, table) [FLAG_MAP_##map] = {table, ARRAY_SIZE(table)}

static const struct {
	const struct flag_pair *pairs;
	uint32_t n;
} maps[FLAG_MAP_END] = {
	PAIRS(OPEN, open_pairs),
	PAIRS(CLONE, clone_pairs),
	PAIRS(UNLINKAT, unlinkat_pairs),
	PAIRS(LINKAT, linkat_pairs),
	PAIRS(FCHOWNAT, fchownat_pairs),
	PAIRS(RESOLVE, resolve_pairs),
	PAIRS(FCNTL, fcntl_commands),
	PAIRS(PIPE, pipe_pairs),
	PAIRS(CLOSE_RANGE, close_range_pairs),
	PAIRS(MEMFD, memfd_pairs),
	PAIRS(DELETE_MODULE, delete_module_pairs),
	PAIRS(IO_URING, io_uring_pairs),
	PAIRS(PTRACE, ptrace_requests),
	PAIRS(FSTATAT, fstatat_pairs),
	PAIRS(ACCESS, access_pairs),
	PAIRS(FLOCK, flock_pairs),
	PAIRS(PROT, prot_pairs),
	PAIRS(MMAP, mmap_pairs),
	PAIRS(MLOCK2, mlock2_pairs),
	PAIRS(MLOCKALL, mlockall_pairs),
	PAIRS(SEMGET, semget_pairs),
	PAIRS(SEMOP, semop_pairs),
	PAIRS(SEMCTL, semctl_commands),
	PAIRS(EPOLL, epoll_pairs),
	PAIRS(SOCKOPT_LEVEL, sockopt_levels),
	PAIRS(QUOTA_COMMAND, quota_commands),
	PAIRS(QUOTA_FORMAT, quota_formats),
	PAIRS(QUOTA_TYPE, quota_types),
	PAIRS(IO_URING_ENTER, io_uring_enter_pairs),
};

/* Maps of numbers: the whole value is looked up; 0 when it is not there. */
static bool is_number(enum flag_map map)
{
	return map == FLAG_MAP_FCNTL || map == FLAG_MAP_PTRACE || map == FLAG_MAP_SEMCTL ||
	       map == FLAG_MAP_SOCKOPT_LEVEL || map == FLAG_MAP_QUOTA_COMMAND ||
	       map == FLAG_MAP_QUOTA_FORMAT || map == FLAG_MAP_QUOTA_TYPE;
}

/* Access modes 0, 1, 2 become the bits 1, 2, 3; 3 (for ioctl only) is none. */
static uint32_t access_mode(uint64_t flags)
{
	static const uint32_t modes[4] = {1, 2, 3, 0};

	return modes[flags & O_ACCMODE];
}

uint32_t flags_portable(enum flag_map map, uint64_t kernel_flags)
{
	uint32_t portable = 0;

	if (map == FLAG_MAP_FUTEX)
		return kernel_flags & 0x1ff;
	if (map == FLAG_MAP_RLIMIT)
		return kernel_flags < RLIM_NLIMITS ? (uint32_t)kernel_flags : 255;
	if (!maps[map].pairs)
		return (uint32_t)kernel_flags;
	for (uint32_t i = 0; i < maps[map].n; i++) {
		const struct flag_pair *pair = &maps[map].pairs[i];

		if (is_number(map)) {
			if (pair->kernel == kernel_flags)
				return pair->portable;
		} else if ((kernel_flags & pair->kernel) == pair->kernel) {
			portable |= pair->portable;
		}
	}
	return map == FLAG_MAP_OPEN ? portable | access_mode(kernel_flags) : portable;
}

uint64_t flags_kernel(enum flag_map map, uint32_t portable_flags)
{
	uint64_t kernel = 0;

	for (uint32_t i = 0; i < maps[map].n; i++) {
		if (portable_flags & maps[map].pairs[i].portable)
			kernel |= maps[map].pairs[i].kernel;
	}
	return kernel;
}
