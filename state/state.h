/* State of the host as the events tell it: processes with their lineage, threads, descriptors,
 * identity (which workload a process belongs to), users. Pipeline thread only.
 *
 * state_apply() takes each event first and gives its subject: who did it, to which descriptor,
 * under which resolved paths. Fields show the state after the call; close and procexit still see
 * the descriptor and the process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "base/records.h"
#include "base/text.h"

struct state;
struct process;
struct thread;
struct fd_entry;
struct user;

struct state_config {
	uint32_t processes_max;       /* limits.processes */
	uint32_t fds_per_process_max; /* limits.fds_per_process */
	uint64_t boot_epoch_ns;       /* realtime - boottime; start times are shown as epoch */
	uint64_t seed;                /* secret, keys tables of what others send; 0 in replay */
	const char *host_root;        /* "/" live; NULL: never read the host (replay) */
};

int state_create(struct state **out, const struct state_config *config);
void state_destroy(struct state **state);

/* A copy of a baseline's name lives as long as the state. */
struct workload {
	uint64_t id;      /* XXH3_64bits(name) with seed 0: the same on every host */
	struct text name; /* canonical, "unit:redis-server.service" */
	enum workload_kind kind;
	uint32_t index; /* dense, from 0, in order of appearance: for side tables */
	/* when it existed, that is, had a live process */
	uint32_t n_live;        /* live processes */
	uint64_t live_since_ns; /* event time when n_live last rose from 0; 0 while it is 0 */
	uint64_t live_ns_total; /* of the completed stretches before that */
};

#define COMM_MAX 16

/* One task of a process. What the kernel keeps per thread; the leader's is also in struct process.
 */
struct thread {
	int32_t tid, vtid;
	struct process *process;
	char comm[COMM_MAX];
	uint8_t comm_len;
	uint64_t start_ns; /* as the process's; 0 unknown, or the leader's */
	uint32_t uid, gid, euid, egid, suid, sgid;
	uint64_t cap_inheritable, cap_permitted, cap_effective;
	uint64_t pgft_maj, pgft_min;
};

struct process {
	/* identity */
	int32_t pid;       /* thread group id */
	uint64_t start_ns; /* boot time */
	uint64_t exec_id;
	uint32_t slot; /* dense index below limits.processes, reused after release: for caches */
	uint64_t generation; /* of the slot's contents, never the same again: changes at exec,
				identity change, setuid, reuse; see also state_lineage_epoch() */
	/* lineage: creators, kept while any descendant lives */
	struct process *parent;  /* current parent (after reparenting), NULL unknown */
	struct process *creator; /* who forked it; NULL unknown; survives the creator's exit */
	int32_t ppid;            /* last known parent's pid, also when it is not in the table */
	uint32_t n_children; /* processes it created that are known; a dead one with some is kept */
	bool is_alive;
	bool parent_unknown_at_start; /* its creator was not known when it was first seen: missing,
				       * not new, for its whole life */
	/* image */
	struct text comm, exe, exepath, args, env, cwd, root;
	uint32_t exe_flags; /* enum exe_flag */
	uint32_t exe_dev;
	uint64_t exe_ino, exe_ctime_ns, exe_mtime_ns;
	uint64_t exec_ns; /* epoch time of the last exec; of the start, if it never did */
	bool exec_seen;   /* exec_ns is an observed exec, not a guess of the scan */
	/* credentials and sessions */
	uint32_t uid, gid, euid, egid, suid, sgid, loginuid;
	uint64_t cap_inheritable, cap_permitted, cap_effective;
	int32_t sid, pgid, vpgid, vpid;
	uint32_t tty;
	uint64_t pidns_start_ns;
	int64_t fd_limit;
	uint32_t vm_size_kb, vm_rss_kb, vm_swap_kb;
	struct text cgroups;
	/* identity as a workload; never NULL */
	const struct workload *workload;
	const struct instance *instance;
	struct fd_table *fds;
	struct thread *leader;
	uint32_t n_threads;
	bool is_guess; /* of a capture, which shows no more than a thread's number: taken for a
			* process of one thread */
	bool is_blind; /* has an io_uring ring of which the source does not tell */
};

/* One running copy of a workload: container, unit invocation, session, process. */
struct instance {
	struct text id; /* container id, "session-3", "pid:start" */
	const struct workload *workload;
	uint64_t since_ns;
	int32_t pid;                    /* first process */
	struct text image, tag, digest; /* containers, where known */
	struct text container_name, pod_name, pod_namespace, pod_uid, runtime;
	struct text labels; /* "key=value" NUL-terminated strings */
	bool is_privileged;
};

/* What an event is about, after it was applied. Borrowed until the next state_apply() or
 * state_tick(). */
struct subject {
	struct process *process; /* who did it; NULL: unknown task */
	struct thread *thread;
	struct process *child;           /* clone: the new process (NULL for a thread) */
	int32_t fd;                      /* -1 none */
	const struct fd_entry *fd_entry; /* NULL: unknown or none */
	struct text path;                /* resolved absolute path the event is about; empty none */
	struct text path2;               /* target of rename, link, symlink */
	struct text typed;     /* the first path as the caller gave it, where it is told */
	bool path_from_caller; /* what the caller typed, joined and normalised, not the kernel's */
	bool name_changed;     /* of the descriptor, by this event */
	bool is_new_process;   /* first event of a process we did not know: parent missing */
};

/* Apply one event. 0, or -ENOMEM when a bound could not be kept (counted). */
int state_apply(struct state *state, const struct event *ev, struct subject *out);

/* Let time pass: what the last event ended goes, what the resolver found out is taken over. Bounded
 * work; call it once a batch. */
void state_tick(struct state *state, uint64_t now_ns);

/* The live or still remembered process with that pid (start_ns 0: any start). NULL: none. */
struct process *state_find_process(const struct state *state, int32_t pid, uint64_t start_ns);

/* The thread with that tid, if it is not a process's first. NULL: none. */
const struct thread *state_find_thread(const struct state *state, int32_t tid);

/* Whether the host has that address, as far as its capture says (or by the address itself): v4 in
 * the first four bytes. v6 counts by networks of 64 bits, as Falco does. */
bool state_has_addresses(const struct state *state);
bool state_is_own_address(const struct state *state, uint16_t family, const uint8_t address[16]);

/* Changes when any process may see other ancestors than before, or another image of one. */
uint64_t state_lineage_epoch(const struct state *state);

/* Descriptor fd of a process, NULL if unknown. */
const struct fd_entry *state_find_fd(const struct process *process, int32_t fd);

#define ANCESTORS_MAX 256 /* longer lineages end here */

/* nth ancestor (1 = parent). NULL past the end. Follows current parents. */
const struct process *process_ancestor(const struct process *process, uint32_t n);

/* Start time as ns since the epoch. */
uint64_t process_start_time_ns(const struct state *state, const struct process *process);

/* A moment of the boot clock as ns since the epoch; 0 stays 0. */
uint64_t state_boot_to_epoch_ns(const struct state *state, uint64_t boot_ns);

#define STATE_NAMES_MAX 4

/* Names that name servers gave for an address in a network namespace, newest first; how many. Valid
 * until the next event. */
uint32_t state_names_of(const struct state *state, uint32_t netns, uint8_t family,
			const uint8_t *address, struct text out[STATE_NAMES_MAX]);

/* Name of the host. */
struct text state_hostname(const struct state *state);

/* name + " " + args, cut at the buffer; returns the length. */
uint32_t process_cmdline(const struct process *process, char *buffer, uint32_t size);

/* The user as the process sees it; NULL unknown. Valid until the next state_tick(). */
const struct user *state_user(const struct state *state, const struct process *process,
			      uint32_t uid);

/* User name of uid as the process sees it (host table for host processes). Empty unknown. */
struct text state_user_name(const struct state *state, const struct process *process, uint32_t uid);
struct text state_group_name(const struct state *state, const struct process *process,
			     uint32_t gid);

/* Visit every live process; stop when visit returns false. */
typedef bool process_visit_fn(struct process *process, void *arg);
void state_each_process(struct state *state, process_visit_fn *visit, void *arg);

/* Visit every known instance of a workload. */
typedef bool instance_visit_fn(const struct instance *instance, void *arg);
void state_each_instance(struct state *state, const struct workload *workload,
			 instance_visit_fn *visit, void *arg);

/* What rescans put right. */
struct repair_counters {
	uint64_t rescans_total; /* begun, the first after the start among them */
	uint64_t started_total; /* processes that were missing */
	uint64_t ended_total;   /* processes that had ended */
	uint64_t images_total;  /* that executed something else */
	uint64_t credentials_total;
	uint64_t fds_total; /* added, replaced or dropped */
};

struct state_counters {
	struct repair_counters repaired;
	uint32_t processes;     /* alive */
	uint32_t remembered;    /* dead, kept for descendants */
	uint64_t evicted_total; /* processes */
	uint64_t fds_evicted_total;
	uint64_t unknown_task_total; /* events of tasks we had to invent */
	uint64_t blind_total;        /* processes that got an io_uring ring nobody tells of */
	uint64_t dns_answers_total;  /* of name servers, understood */
	uint64_t dns_refused_total;  /* came from their port and made no sense */
	uint64_t dns_evicted_total;  /* names that had to go before their time */
	uint64_t wrong_image_total;  /* events whose exec_id was not the process's: repaired */
	size_t bytes;
};

void state_counters(const struct state *state, struct state_counters *out);
