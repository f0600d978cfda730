/* One observed event. Produced by a source (live, capture file, test), borrowed by every stage,
 * valid until the next source_next(). Events are exits: the result is known.
 *
 * The parameters are those of the event table, for rules. The kernel-resolved facts beside them
 * (file, socket, task) are for state and profiles, and beat what the caller typed; a source that
 * does not know them leaves the pointer NULL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event_table.h"
#include "base/text.h"

/* A value of type event_info(type)->params[i].type; see enum param_type for the member used. */
struct param {
	union {
		int64_t i64;
		uint64_t u64;
		struct text bytes;
	};
	bool is_present; /* false: not known or NULL */
};

enum file_kind {
	FILE_KIND_UNKNOWN,
	FILE_KIND_REGULAR,
	FILE_KIND_DIRECTORY,
	FILE_KIND_CHAR_DEVICE,
	FILE_KIND_BLOCK_DEVICE,
	FILE_KIND_FIFO,
	FILE_KIND_SOCKET,
	FILE_KIND_SYMLINK,
	FILE_KIND_ANON, /* eventfd, epoll, timerfd, ...: path holds the kernel's name, "[eventfd]"
			 */
	FILE_KIND_MEMFD,
};

enum file_flag {
	FILE_UPPER_LAYER = 1 << 0, /* overlayfs: from the writable layer */
	FILE_LOWER_LAYER = 1 << 1,
	FILE_DELETED = 1 << 2, /* no name leads to it any more */
	FILE_CREATED = 1 << 3, /* this open made it */
	FILE_SETUID = 1 << 4,
	FILE_SETGID = 1 << 5,
	FILE_PATH_TRUNCATED = 1 << 6, /* leading components are missing */
};

/* The file object that the kernel holds for a descriptor or an executable. */
struct file_facts {
	struct text path; /* as seen from the process's own root; empty if not known */
	uint64_t ino;
	uint32_t dev;   /* kernel encoding: major << 20 | minor */
	uint16_t mode;  /* S_IF* and permission bits */
	uint16_t flags; /* enum file_flag */
	enum file_kind kind;
};

enum sock_flag {
	SOCK_LISTENING = 1 << 0,
	SOCK_CONNECTED = 1 << 1,
	SOCK_SERVER = 1 << 2, /* accepted, or listening */
};

/* A socket's ends as the kernel has them. Addresses in network byte order, v4 in the first four
 * bytes; ports in host order. */
struct sock_facts {
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	uint16_t family;  /* AF_* */
	uint8_t type;     /* SOCK_STREAM, ... */
	uint8_t protocol; /* IPPROTO_* */
	uint8_t flags;    /* enum sock_flag */
	/* AF_UNIX: bound or peer path, absolute where the file is known; abstract names begin with
	 * '@' */
	struct text path;
	struct text bound; /* AF_UNIX: the same as it was given to bind, by the kernel's copy */
	uint64_t ino;
	uint32_t netns;              /* inode of its network namespace; 0 unknown */
	uint64_t self_ptr, peer_ptr; /* AF_UNIX: identity of the two ends, 0 unknown */
};

enum exe_flag {
	EXE_WRITABLE = 1 << 0, /* the exec'ing user may write the file */
	EXE_UPPER_LAYER = 1 << 1,
	EXE_LOWER_LAYER = 1 << 2,
	EXE_FROM_MEMFD = 1 << 3,
	EXE_DELETED = 1 << 4,
	EXE_SETUID = 1 << 5, /* credentials changed by this exec */
	EXE_IS_SCRIPT = 1 << 6,
};

/* Those of them that events carry, in their parameter's bits. */
static inline uint32_t exe_flags_portable(uint32_t flags)
{
	return (flags & EXE_WRITABLE ? 1u : 0) | (flags & EXE_UPPER_LAYER ? 2u : 0) |
	       (flags & EXE_FROM_MEMFD ? 4u : 0) | (flags & EXE_LOWER_LAYER ? 8u : 0);
}

/* What of a task a source does not know: those numbers are zero, and the task's earlier ones hold,
 * or its creator's. Live capture knows all of them. */
enum task_unknown {
	TASK_UNKNOWN_IDS = 1 << 0,       /* uid, gid and the others of their kind */
	TASK_UNKNOWN_NAMESPACE = 1 << 1, /* vtid, vpid, pidns_start_ns */
	TASK_UNKNOWN_SID = 1 << 2,
	TASK_UNKNOWN_PGID = 1 << 3,
	TASK_UNKNOWN_VPGID = 1 << 4,
	TASK_UNKNOWN_LOGINUID = 1 << 5,
	TASK_UNKNOWN_TTY = 1 << 6,
	TASK_UNKNOWN_CAPS = 1 << 7,
	TASK_UNKNOWN_COMM = 1 << 8,
};

/* Everything known of a task: with exec (the new image), with clone's child, and from the initial
 * scan. Strings lists (args, env, cgroups) are NUL-terminated strings back to back. */
struct task_facts {
	int32_t tid, tgid;
	int32_t parent_tgid; /* real parent */
	int32_t vtid, vpid;  /* in the innermost pid namespace */
	int32_t sid, pgid, vpgid;
	uint64_t start_ns;        /* thread group leader's start_boottime */
	uint64_t parent_start_ns; /* 0 unknown */
	uint64_t pidns_start_ns;  /* of the pid namespace's init; 0 unknown */
	uint64_t exec_id;         /* kernel's self_exec_id: changes with each exec */
	uint32_t uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	uint32_t loginuid; /* UINT32_MAX unset */
	uint32_t tty;      /* device number, 0 none */
	uint64_t cap_inheritable, cap_permitted, cap_effective;
	uint64_t cgroup_id; /* of the hierarchy that identity uses; 0 unknown */
	int64_t fd_limit;   /* soft RLIMIT_NOFILE */
	uint32_t vm_size_kb, vm_rss_kb, vm_swap_kb;
	uint64_t pgft_maj, pgft_min;
	uint32_t exe_flags; /* enum exe_flag */
	uint64_t exe_ino, exe_ctime_ns, exe_mtime_ns;
	uint32_t exe_dev;
	uint32_t clone_flags; /* kernel CLONE_* bits; clone events only */
	uint32_t unknown;     /* enum task_unknown */
	bool is_thread;       /* shares a thread group with its creator */
	bool args_truncated, env_truncated;
	struct text comm;
	struct text exe;     /* argv[0] */
	struct text exepath; /* resolved image; the interpreter for a script */
	struct text args;    /* argv[1..] */
	struct text env;
	struct text cwd;
	struct text root;    /* "/" unless chrooted; empty unknown */
	struct text cgroups; /* "subsystem=path"; the unified hierarchy as "unified=path" */
};

struct host_user {
	uint32_t uid, gid;
	struct text name, home, shell;
};

struct host_group {
	uint32_t gid;
	struct text name;
};

/* An address of the host. Network byte order, v4 in the first four bytes. */
struct host_address {
	uint16_t family; /* AF_INET, AF_INET6 */
	uint8_t address[16], netmask[16];
	struct text interface;
};

/* What a capture says of the host it was made on. It comes with an EVENT_PROCINFO without a task,
 * before everything else of the file, or of the file's section: processes, users and addresses
 * known before are those of another host or time, and are forgotten. All times of a capture, start
 * times too, are ns since the epoch. */
struct host_facts {
	struct text hostname; /* empty unknown */
	const struct host_user *users;
	const struct host_group *groups;
	const struct host_address *addresses;
	uint32_t n_users, n_groups, n_addresses;
};

enum event_quality {
	EVENT_PATH_FROM_CALLER = 1 << 0, /* path text is what the caller typed */
	EVENT_ADDR_FROM_CALLER = 1 << 1,
	EVENT_TRUNCATED = 1 << 2, /* some text was cut */
	EVENT_REORDERED = 1 << 3, /* came later than its time */
	EVENT_STATE_ONLY =
		1 << 4, /* updates state; not learned, scored or matched (initial scan) */
	EVENT_IS_32BIT = 1 << 5,
	/* procexit, where the source knows: whether other threads of the process live on */
	EVENT_LAST_THREAD = 1 << 6,
	EVENT_NOT_LAST_THREAD = 1 << 7,
	EVENT_IO_URING = 1 << 8, /* asked for on an io_uring ring, not by a system call */
	/* io_uring_setup, or a ring's descriptor: what is asked for on rings becomes events */
	EVENT_RINGS_ARE_SEEN = 1 << 9,
	/* fd is an index of the ring's registered files, no descriptor of the process */
	EVENT_FIXED_FILE = 1 << 10,
	EVENT_CLOSES_ON_EXEC = 1 << 11, /* scans: the descriptor */
};

/* What a record of a rescan says. A rescan describes all that exists while events go on: its
 * records have times, and stand between the events in that order. The initial scan has none of
 * this. */
enum event_scan {
	SCAN_NONE,
	SCAN_BEGIN,
	SCAN_TASK,        /* task: it lives */
	SCAN_ENDING_TASK, /* task: its last words were just said, or are still to come */
	SCAN_TASKS_DONE,  /* what was there at SCAN_BEGIN and did not come has ended */
	SCAN_FD,          /* descriptors of a process come one after the other, by number */
	SCAN_DONE,
};

struct event {
	uint64_t ts_ns;   /* event time: ns since the epoch, never backwards; in captures as in the
			     file,   which may step back */
	uint64_t boot_ns; /* the same moment on the boot-time clock; 0 in captures */
	uint64_t num;     /* counts the source's events from 1; of a capture, its event blocks, also
			     those that no event is made of */
	enum event_type type;
	uint8_t scan; /* enum event_scan */
	uint16_t cpu;
	uint16_t nr;          /* system call number, UINT16_MAX for life-cycle events */
	uint32_t quality;     /* enum event_quality */
	int32_t tid, tgid;    /* host ids; -1 when the event has no task */
	uint64_t start_ns;    /* start time of the thread group; with tgid it names the process; 0
				 unknown */
	uint64_t exec_id;     /* image of the process at that moment; 0 unknown */
	int64_t res;          /* return value; 0 for life-cycle events */
	bool has_res;         /* the result is part of the event, for evt.res and its like: not of
				 life-cycle events, calls without a type or without parameters */
	const uint64_t *args; /* the call's six, as they were passed; NULL: not known, no call */
	uint8_t n_params;
	struct param params[EVENT_PARAMS_MAX];

	const struct file_facts *file; /* the descriptor's file, or the opened one */
	const struct sock_facts *sock;
	const struct task_facts *task; /* exec: new image; clone: the child; scan: the task */
	/* the task after a call that changed more of it than its parameters say, and succeeded:
	 * chroot, pivot_root, setns, unshare, capset */
	const struct task_facts *after;
	const struct host_facts *host; /* captures: scan of the host */
	int32_t fd;              /* the descriptor it is about (result or argument); -1 none */
	struct text raw_path[2]; /* path arguments as typed, where they were read */
	/* The directories that the event's first and second path are relative to, as the kernel has
	 * them after the call; empty where not known, or not needed. */
	struct text base_path[2];
	struct text answer; /* what came from a name server, up to 512 bytes; empty none */
};

static inline const struct param *event_param(const struct event *ev, unsigned index)
{
	return index < ev->n_params && ev->params[index].is_present ? &ev->params[index] : NULL;
}

/* Whether the call failed, also where its event does not say so. */
static inline bool event_failed(const struct event *ev)
{
	return ev->res < 0;
}
