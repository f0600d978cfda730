/* What the BPF programs write into the per-CPU rings and the live source reads: the only header
 * both sides include. A record is a header followed by sections; everything starts at a multiple
 * of 8 and is in host byte order. Kinds and section types are only ever appended to. */
#pragma once

#include <linux/types.h>

#define WIRE_NR_END 512 /* system call numbers below this can be captured */
/* Of 32-bit callers: calls made through socketcall (102) have numbers from here on, by its own
 * number of them. The kernel's numbers end below. */
#define WIRE_SOCKETCALL_NR 480
#define WIRE_SOCKETCALLS 21
#define WIRE_RECORD_MAX 32768 /* bytes of a record; a power of two */
#define WIRE_READ_MAX 4096    /* longest text or block copied at once */
#define WIRE_RING_SLACK (WIRE_RECORD_MAX + 2 * WIRE_READ_MAX)
#define WIRE_HIERARCHIES_MAX 16 /* cgroup hierarchies reported of a task */
#define WIRE_EXEC_ARGS_MAX 16   /* arguments read of an exec that failed */
#define WIRE_PATH_STEPS_MAX 64  /* dentries and mounts walked for one path */

enum wire_kind {
	WIRE_CALL,      /* a system call returned */
	WIRE_EXEC,      /* a new image; TASK, FILE (the image), texts */
	WIRE_FORK,      /* a new task; TASK of the child */
	WIRE_EXIT,      /* a thread ended; EXIT */
	WIRE_TASK,      /* a task's facts outside any event: scan, move to another cgroup */
	WIRE_FD,        /* scan: one open descriptor; FILE or SOCK */
	WIRE_RING_ASK,  /* a request was taken from an io_uring ring; URING, texts, ADDR */
	WIRE_RING_DONE, /* it is done; URING, FILE or SOCK of its result or descriptor */
	WIRE_SIGNAL,    /* a signal is delivered to the task; SIGNAL */
	WIRE_FAULT,     /* the task touched a page that is not there; FAULT */
	WIRE_KIND_END,
};

enum wire_header_flag {
	WIRE_IS_32BIT = 1 << 0,
	WIRE_CUT = 1 << 1, /* a section did not fit */
	/* A call put together of a ring's records: */
	WIRE_IS_IO_URING = 1 << 2,
	WIRE_IS_FIXED_FILE = 1 << 3, /* its descriptor is an index of the ring's files */
	WIRE_FOR_STATE = 1 << 4,     /* asked for only because of what it tells about names */
	/* Records of a scan: */
	WIRE_IS_ENDING = 1 << 5,      /* the last thread is about to tell of its end, or just did */
	WIRE_CLOSES_ON_EXEC = 1 << 6, /* the descriptor */
};

struct wire_header {
	__u32 len; /* of the whole record */
	__u16 kind;
	__u16 nr;
	__u64 boot_ns;
	__u64 start_ns; /* of the thread group leader */
	__u64 exec_id;
	__s64 res;
	__u32 tgid, tid;
	__u16 flags; /* enum wire_header_flag */
	__u16 cpu;
	__s32 fd;      /* WIRE_FD: the descriptor */
	__u64 args[6]; /* WIRE_CALL only: the others end before it */
};

#define WIRE_HEADER_BYTES 56 /* without args */

enum wire_section_type {
	WIRE_SEC_FILE,  /* struct wire_file, then its path, leaf first */
	WIRE_SEC_SOCK,  /* struct wire_sock, then the unix path */
	WIRE_SEC_TEXT0, /* user text: the first string argument read, and so on */
	WIRE_SEC_TEXT1,
	WIRE_SEC_TEXT2,
	WIRE_SEC_TEXT3,
	WIRE_SEC_ADDR, /* the caller's sockaddr */
	WIRE_SEC_DATA, /* a block the caller passed or got: struct open_how, two descriptors */
	WIRE_SEC_TASK, /* struct wire_task */
	WIRE_SEC_EXIT, /* struct wire_exit */
	WIRE_SEC_ARGS, /* argv strings, each closed by NUL */
	WIRE_SEC_ENV,
	WIRE_SEC_CWD,      /* path, leaf first */
	WIRE_SEC_ROOT,     /* the process's root as the host sees it, leaf first */
	WIRE_SEC_FILENAME, /* exec: as the caller named it */
	WIRE_SEC_CGROUP,   /* struct wire_cgroup, then its path, leaf first; several */
	WIRE_SEC_LISTENER, /* struct wire_sock of the socket accepted from */
	WIRE_SEC_DATA1,    /* the second block of fixed size, and the third */
	WIRE_SEC_DATA2,
	WIRE_SEC_VAR,       /* the block whose size the call gives */
	WIRE_SEC_MEMORY,    /* struct wire_memory */
	WIRE_SEC_URING,     /* struct wire_uring */
	WIRE_SEC_SIGNAL,    /* struct wire_signal */
	WIRE_SEC_FAULT,     /* struct wire_fault */
	WIRE_SEC_DIR0,      /* path, leaf first, of what the first text is relative to */
	WIRE_SEC_DIR1,      /* the second */
	WIRE_SEC_SOCK_PATH, /* path, leaf first, of the file a unix socket or its peer is bound to
			     */
	WIRE_SEC_IO,        /* struct wire_io, then the data that was passed */
	WIRE_SEC_CONTROL,   /* a message's control data */
	WIRE_SEC_END,
};

enum wire_section_flag {
	WIRE_SEC_UNREADABLE = 1 << 0, /* the memory could not be read */
	WIRE_SEC_TRUNCATED = 1 << 1,
	WIRE_SEC_KERNEL_COPY = 1 << 2, /* an address the caller cannot change any more */
};

struct wire_section {
	__u16 type;
	__u16 flags;
	__u32 len; /* bytes that follow; the next section starts at the next multiple of 8 */
};

enum wire_file_flag {
	WIRE_FILE_OVERLAY_UPPER = 1 << 0,
	WIRE_FILE_OVERLAY_LOWER = 1 << 1,
	WIRE_FILE_UNHASHED = 1 << 2, /* its name was removed */
	WIRE_FILE_CREATED = 1 << 3,
	WIRE_FILE_READ_ONLY_FS = 1 << 4,
	/* exec: its group, which may write it or others not, is one of the task's supplementary
	   ones */
	WIRE_FILE_OF_GROUP = 1 << 5,
};

struct wire_file {
	__u64 ino;
	__u64 ctime_ns, mtime_ns; /* exec only, else 0 */
	__u32 dev;                /* kernel encoding */
	__u32 magic;              /* of the file system */
	__u32 uid, gid;           /* exec only, else 0 */
	__u32 open_flags;         /* O_* the description has */
	__u16 mode;
	__u16 flags; /* enum wire_file_flag */
};

struct wire_sock {
	__u8 local[16], remote[16]; /* network byte order */
	__u64 ino;
	__u64 self_ptr, peer_ptr;      /* AF_UNIX */
	__u32 queue_len, queue_max;    /* listening sockets */
	__u16 local_port, remote_port; /* host order */
	__u16 family, protocol;
	__u16 type;
	__u16 state; /* TCP_* */
	__u32 netns; /* inode of its network namespace */
};

enum wire_io_flag {
	WIRE_IO_HAS_SIZE = 1 << 0,   /* all sizes of the vector could be read */
	WIRE_IO_IS_ANSWER = 1 << 1,  /* from a name server: up to WIRE_ANSWER_MAX bytes */
	WIRE_IO_UNREADABLE = 1 << 2, /* the data, or part of it */
};

struct wire_io {
	__u64 size;   /* of the vector's elements together */
	__u16 wanted; /* bytes of data that were asked for; an answer has more */
	__u16 flags;  /* enum wire_io_flag */
	__u32 pad;
};

struct wire_task {
	__u64 parent_start_ns, pidns_start_ns;
	__u64 cap_inheritable, cap_permitted, cap_effective;
	__u64 fd_limit;
	__u64 vm_pages, rss_pages, swap_pages;
	__u64 pgft_maj, pgft_min;
	__u64 clone_flags;
	__u64 start_ns, exec_id;
	__s32 tid, tgid, parent_tgid, parent_tid;
	__s32 vtid, vpid, sid, pgid, vpgid;
	__u32 uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	__u32 loginuid;
	__u32 tty;
	__u32 flags; /* enum wire_task_flag */
	char comm[16];
};

enum wire_task_flag {
	WIRE_TASK_IS_SCRIPT = 1 << 0,
	WIRE_TASK_HAS_ROOT = 1 << 1,  /* chrooted or in another mount namespace's tree */
	WIRE_TASK_IS_KERNEL = 1 << 2, /* kernel thread */
	WIRE_TASK_ARGS_CUT = 1 << 3,
	WIRE_TASK_ENV_CUT = 1 << 4,
};

struct wire_memory {
	__u64 vm_pages, rss_pages, swap_pages;
};

struct wire_signal {
	__s32 sig;
	__s32 code;        /* si_code */
	__s32 sender;      /* as the receiver's namespace numbers him; by code and signal only */
	__u8 is_described; /* code and sender are there */
	__u8 pad[3];
};

struct wire_fault {
	__u64 address, ip;
	__u64 error; /* the processor's error code */
};

struct wire_exit {
	__u32 status;     /* as wait gives it */
	__s32 reaper_tid; /* 0: no children to inherit */
	__u32 is_group_dead;
	__u32 pad;
};

enum wire_uring_flag {
	WIRE_URING_FIXED_FILE = 1 << 0,    /* fd is an index of the ring's registered files */
	WIRE_URING_SKIPS_SUCCESS = 1 << 1, /* nothing will be told of it unless it fails */
	WIRE_URING_DIRECT = 1 << 2,        /* what it opens becomes a registered file */
	WIRE_URING_MORE = 1 << 3,          /* done, and will be again: multishot */
};

/* A request of an io_uring ring; the header's nr is the call that does the same. */
struct wire_uring {
	__u64 request, ring; /* their addresses: a request is known by its own while it runs */
	__u64 user_data;
	__u64 args[6]; /* WIRE_RING_ASK: as the call would have them, pointers 0 */
	__s32 fd;
	__u16 op;    /* IORING_OP_* */
	__u16 flags; /* enum wire_uring_flag */
};

#define WIRE_RING_OPS_MAX 64 /* kinds of requests below this can be captured */

enum wire_subsys {
	WIRE_SUBSYS_CPUSET,
	WIRE_SUBSYS_CPU,
	WIRE_SUBSYS_CPUACCT,
	WIRE_SUBSYS_BLKIO,
	WIRE_SUBSYS_MEMORY,
	WIRE_SUBSYS_DEVICES,
	WIRE_SUBSYS_FREEZER,
	WIRE_SUBSYS_NET_CLS,
	WIRE_SUBSYS_PERF_EVENT,
	WIRE_SUBSYS_NET_PRIO,
	WIRE_SUBSYS_HUGETLB,
	WIRE_SUBSYS_PIDS,
	WIRE_SUBSYS_RDMA,
	WIRE_SUBSYS_MISC,
	WIRE_SUBSYS_END,
};

struct wire_cgroup {
	__u64 id;
	__u32 subsystems; /* bit per enum wire_subsys */
	__s32 hierarchy;  /* 0: the unified one */
	char name[24];    /* of a named hierarchy, "systemd" */
};

/* What to report of a system call, 64 bits: 0 not wanted, set by user space, per call, at any time.
 *
 *   0..25  flags, enum wire_recipe
 *  26..31  bit 26 + i: argument i is text
 *  32..40  a block of fixed size: 1 + the argument that points to it (3 bits), words of 4 bytes (6)
 *  41..49  a second one
 *  50..55  a third one: argument (3 bits), words (3 bits)
 *  56..63  a block of the caller's size: 1 + the argument that points to it (3 bits), the argument
 *          that counts its elements (3 bits), bytes of an element (2 bits: 1, 6, 8, 16) */
enum wire_recipe {
	WIRE_WANTED = 1 << 0,
	WIRE_FD_RESULT = 1 << 1, /* describe the descriptor returned */
	WIRE_FD_ARG0 = 1 << 2,   /* describe the descriptor in the first argument */
	WIRE_FD_ARG1 = 1 << 3,
	WIRE_TEXT_IF_FAILED = 1 << 4,  /* texts only when the call failed or raw names are wanted */
	WIRE_CWD = 1 << 5,             /* describe the working directory after success */
	WIRE_ADDR_ARG1 = 1 << 6,       /* sockaddr in argument 1, its length in 2 */
	WIRE_ADDR_ARG4 = 1 << 7,       /* sockaddr in argument 4, its length in 5 */
	WIRE_EXEC_FAILED = 1 << 9,     /* argv of a failed exec; success is reported by WIRE_EXEC */
	WIRE_CLONE = 1 << 10,          /* the child's return is left out */
	WIRE_FCNTL = 1 << 11,          /* the result is a descriptor for some commands only */
	WIRE_ADDRESSED_ONLY = 1 << 12, /* sends: only with an address */
	WIRE_LISTENER = 1 << 13,       /* accept: describe the listening socket in argument 0 */
	WIRE_FD_PAIR = 1 << 14,        /* describe the first of the two descriptors in the block */
	WIRE_MEMORY = 1 << 15,         /* the caller's memory after the call */
	WIRE_VAR_LEN_AT = 1 << 16,     /* the counting argument points to the count (32 bits) */
	WIRE_VAR_LEN_RES = 1 << 17,    /* the result is the count */
	WIRE_STATE_ONLY = 1 << 18,     /* fcntl: only the commands that change descriptors */
	WIRE_FROM_CWD = 1 << 22,       /* relative texts: describe the working directory */
	WIRE_FROM_DIR = 1 << 23,       /* relative texts: the directory in the argument before */
	WIRE_TASK_AFTER = 1 << 24,     /* describe the task after success */
	WIRE_IO = 1 << 19,             /* how it passes data: io_plans */
	WIRE_ANSWERS = 1 << 20,      /* as much of it as an answer has, if a name server sent it */
	WIRE_ANSWERS_ONLY = 1 << 21, /* nothing but such answers */
	WIRE_FLAGS_END = 1 << 26,
};

#define WIRE_TEXT_SHIFT 26
#define WIRE_BLOCK0_SHIFT 32
#define WIRE_BLOCK1_SHIFT 41
#define WIRE_BLOCK2_SHIFT 50
#define WIRE_VAR_SHIFT 56

#define WIRE_TEXT(i) (1ull << (WIRE_TEXT_SHIFT + (i)))
#define WIRE_BLOCK(i, n, shift) ((1ull + (i) + ((n) / 4ull << 3)) << (shift))
/* The first n bytes that argument i points to; n a multiple of 4, below 256 (the third: 32). */
#define WIRE_DATA(i, n) WIRE_BLOCK(i, n, WIRE_BLOCK0_SHIFT)
#define WIRE_DATA1(i, n) WIRE_BLOCK(i, n, WIRE_BLOCK1_SHIFT)
#define WIRE_DATA2(i, n) WIRE_BLOCK(i, n, WIRE_BLOCK2_SHIFT)
enum wire_var_unit { WIRE_BYTES, WIRE_SEMBUFS, WIRE_POLLFDS, WIRE_IOVECS };
#define WIRE_VAR(i, count, unit)                                                                   \
	((1ull + (i) + ((unsigned long long)(count) << 3) + ((unsigned long long)(unit) << 6))     \
	 << WIRE_VAR_SHIFT)

/* Which of a wanted call's events to report: bits 0 to 31 are the classes (base/call_class.h),
 * above them is where the detail of an open is found. */
#define WIRE_DETAIL_ARG1 (1ull << 32) /* flags of open() */
#define WIRE_DETAIL_ARG2 (1ull << 33)
#define WIRE_DETAIL_CREAT (1ull << 34) /* always O_CREAT | O_WRONLY */
#define WIRE_SHED (1ull << 35)         /* only count what would have been reported */

/* How a call passes data, 32 bits beside its recipe: where it lies, which way it goes, how much of
 * it is wanted.
 *
 *   0..2   enum wire_io_shape
 *   3..5   the argument that points to it
 *   6..8   the argument with its length, or that counts the vectors
 *   9..15  flags, enum wire_io_plan
 *  16..31  bytes of it that are wanted, at most WIRE_IO_DATA_MAX */
enum wire_io_shape {
	WIRE_IO_BUFFER = 1,
	WIRE_IO_VECTOR,
	WIRE_IO_MESSAGE,  /* a msghdr */
	WIRE_IO_MESSAGES, /* mmsghdrs; each that was passed is a record of its own */
};

enum wire_io_plan {
	WIRE_IO_IN = 1 << 9,       /* the call filled it: as much as the result says */
	WIRE_IO_DONE = 1 << 10,    /* nothing of it when the call failed */
	WIRE_IO_SIZE = 1 << 11,    /* sum up the vector's sizes */
	WIRE_IO_CONTROL = 1 << 12, /* the message's control data */
	WIRE_IO_SENDER = 1 << 13,  /* address in argument 4, argument 5 points to its length */
};

#define WIRE_IO_PLAN(shape, data, n) ((shape) | (data) << 3 | (n) << 6)
#define WIRE_IO_WANTED_SHIFT 16
#define WIRE_IO_DATA_MAX 2048
#define WIRE_ANSWER_MAX 512
#define WIRE_VECTORS_MAX 1024 /* the kernel's own bound */
#define WIRE_MESSAGES_MAX 64  /* of one call; more are cut off and marked */

/* The head of one CPU's ring; the records follow it. The producer is whatever program of ours runs
 * on that CPU (they cannot interrupt each other; busy_since catches it if they do), the consumer
 * the live source. Records are contiguous: one that begins near the end runs on into the slack. */
struct wire_ring {
	__u64 head; /* bytes ever produced; written last */
	__u64 pad0[7];
	__u64 tail;  /* bytes ever consumed */
	__u64 armed; /* the consumer sleeps long: what cannot wait rings the doorbell, once */
	__u64 pad1[6];
	__u64 busy_since;   /* 0 idle, 1 a record begins, else the time of the record in work */
	__u64 nested_total; /* records lost because another one was in work on this CPU */
	__u64 own_skipped_total;
	__u64 lost_total; /* sum of all losses below */
	__u64 text_pos;   /* where the last text begins */
	__u64 arg[4];     /* kernel addresses handed to the section writers */
	__u64 pos;        /* bytes of the record in work */
	__u64 root_dentry, root_mnt;
	__u64 message_args[6]; /* of a call that passes several messages */
	__u64 io[5];           /* handed between the writers of data */
	__u64 lost_kinds[WIRE_KIND_END];
	__u64 lost_calls[2][WIRE_NR_END]; /* 64-bit, 32-bit */
	__u64 shed_calls[2][WIRE_NR_END]; /* left out on purpose */
};

#define WIRE_RING_HEAD_BYTES 20480
