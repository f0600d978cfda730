#include "capture/flags.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/sched.h>

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
};

/* Access modes 0, 1, 2 become the bits 1, 2, 3; 3 (for ioctl only) is none. */
static uint32_t access_mode(uint64_t flags)
{
	static const uint32_t modes[4] = {1, 2, 3, 0};

	return modes[flags & O_ACCMODE];
}

uint32_t flags_portable(enum flag_map map, uint64_t kernel_flags)
{
	uint32_t portable = 0;

	if (!maps[map].pairs)
		return (uint32_t)kernel_flags;
	for (uint32_t i = 0; i < maps[map].n; i++) {
		const struct flag_pair *pair = &maps[map].pairs[i];

		if (map == FLAG_MAP_FCNTL || map == FLAG_MAP_PTRACE) {
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
