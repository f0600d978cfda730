/* What the files of state/ share and nobody else sees. */
#pragma once

#include "base/path.h"
#include "state/dns_names.h"
#include "state/fd_table.h"
#include "state/identity.h"
#include "state/process_table.h"
#include "state/state.h"
#include "state/users.h"

#include <sys/types.h>

/* A rescan under way: see rescan.c. */
struct state_rescan {
	bool is_sweeping; /* ended processes, from slot sweep_at on */
	uint32_t sweep_at;
	int32_t pid, tid; /* whose descriptors are coming; 0 nobody's */
	uint64_t start_ns;
	int32_t *fds; /* seen of it, ascending */
	uint32_t n_fds, fds_capacity;
	bool fds_overflow; /* no memory for some: none is forgotten */
};

struct state {
	struct state_config config;
	struct state_rescan rescan;
	struct repair_counters repaired;
	struct process_table *table;
	struct identity *identity;
	struct users *users;
	struct dns_names *names;
	struct fd_limits fd_limits;
	size_t string_bytes;
	uint64_t now_ns; /* newest event time */
	/* Rules still see what the last event ended; it goes when the next one comes. */
	struct process *ended;
	int32_t ended_reaper;
	/* What an event of a ring's registered file is about: its entry 0 lasts until the next. */
	struct fd_table *loose;
	struct fd_table *closing;
	int32_t closing_fd;
	uint64_t unknown_task_total, wrong_image_total, blind_total;
	char hostname[256];
	struct host_address *addresses; /* of the host that a capture was made on */
	uint32_t n_addresses;
	uint32_t users_told; /* by events */
	char path_buffers[2][PATH_TEXT_MAX];
};

/* Handlers of events: change the state and fill in out. out->process, thread and fd are set. */
typedef int apply_fn(struct state *state, const struct event *ev, struct subject *out);

apply_fn apply_exec, apply_clone, apply_exit, apply_scan;              /* apply_process.c */
apply_fn apply_chdir, apply_fchdir, apply_chroot;                      /* apply_process.c */
apply_fn apply_setsid, apply_setpgid, apply_io_uring;                  /* apply_process.c */
apply_fn apply_setuid, apply_setgid, apply_setresuid, apply_setresgid; /* apply_cred.c */
apply_fn apply_setreuid, apply_setregid, apply_capset;                 /* apply_cred.c */
apply_fn apply_memory;                                                 /* apply_cred.c */
apply_fn apply_open, apply_close, apply_close_range;                   /* apply_fd.c */
apply_fn apply_dup, apply_fcntl, apply_pipe, apply_anon_fd, apply_memfd, apply_pidfd_open,
	apply_pidfd_getfd, apply_fd_user; /* apply_fd.c */
apply_fn apply_socket, apply_socketpair, apply_bind, apply_connect, apply_listen, apply_accept,
	apply_sendto; /* apply_socket.c */
/* Calls on a path below a descriptor are about that descriptor too. */
void note_directory_fd(const struct event *ev, struct subject *out);
apply_fn apply_path;   /* apply_path.c */
apply_fn apply_rescan; /* rescan.c: events with ev->scan set */
/* A piece of the work that a rescan left to do. */
void rescan_tick(struct state *state);
void rescan_done(struct state_rescan *rescan);

/* Everything known so far is of another host or time: forget it, and take what is known of this. */
int apply_host(struct state *state, const struct host_facts *host);
/* USERADDED, GROUPADDED: a user or group of the host that the capture's lists lack. */
int apply_user_told(struct state *state, const struct event *ev);
/* The v4 address from which the host reaches another, as far as its capture says; NULL unknown. */
const uint8_t *own_address_towards(const struct state *state, const uint8_t to[4]);
/* The process and thread the event belongs to, made up if need be. */
int find_actor(struct state *state, const struct event *ev, struct subject *out);
/* Put exepath and the other strings of a task into node. */
int set_image(struct state *state, struct process_node *node, const struct task_facts *task);
void set_comm(struct thread *thread, struct text comm);
/* An exec of node was missed: find out what it runs now (repair.c). */
int repair_image(struct state *state, struct process_node *node, uint64_t exec_id);
/* Everything of the task but image, lineage and identity. */
int set_task(struct state *state, struct process_node *node, const struct task_facts *task);
void set_thread_ids(struct thread *thread, const struct task_facts *task);
/* The thread with that tid; the leader where a thread of its own cannot be had. */
struct thread *find_thread(struct state *state, struct process_node *node, int32_t tid);
struct process_node *find_parent(struct state *state, const struct task_facts *task);
/* A process from its description alone. */
struct process_node *add_described(struct state *state, const struct task_facts *task,
				   struct process_node *creator);
/* Processes known before their parent get it now. */
void adopt_orphans(struct state *state, struct process_node *node);
struct identity_moment moment_of(const struct state *state, const struct event *ev);
/* Read /proc/PID/name; bytes, or -1 (also when the host must not be read). */
ssize_t read_proc_file(const struct state *state, int32_t pid, const char *name, char *buffer,
		       size_t size);
/* exe, args and env as /proc has them, in buffers that last until the next event. */
void read_strings(struct state *state, int32_t pid, struct task_facts *task);
int set_cwd(struct state *state, struct process_node *node, struct text cwd);
/* Copy the leader's credentials to the process. */
void mirror_leader(struct process *process);
/* The task as the event says it is now: credentials, working directory, root. */
int refresh_task(struct state *state, const struct event *ev, struct subject *out);
/* The process has an io_uring ring. */
void note_ring(struct state *state, const struct event *ev, struct process *process);
/* A descriptor that the initial scan found. */
int scan_fd(struct state *state, const struct event *ev, struct subject *out);
int scan_socket(struct state *state, const struct event *ev, struct subject *out);
/* A descriptor that a rescan found: put it right. */
int correct_fd(struct state *state, const struct event *ev, struct subject *out, bool *is_changed);
/* exec: the table is no longer shared with other processes. */
int unshare_fds(struct state *state, struct process *process);
/* The process's table, made if need be; NULL without memory. */
struct fd_table *make_fds(struct state *state, struct process *process);
/* The table in which the event's descriptor is; NULL without memory. */
struct fd_table *make_event_fds(struct state *state, const struct event *ev,
				struct process *process);

/* Absolute path of what the caller typed, in buffer 0 or 1: from base, the kernel's word, or where
 * that is empty from what is known of dirfd (AT_FDCWD: the working directory). */
struct text resolve_typed(struct state *state, const struct process *process, int64_t dirfd,
			  struct text base, struct text typed, unsigned buffer);
/* First parameter index of a path type at or behind from; -1 none. */
int path_param(const struct event *ev, unsigned from);
/* Resolve the event's path parameters into out->path and out->path2. */
void resolve_paths(struct state *state, const struct event *ev, struct subject *out);
