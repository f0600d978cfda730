/* The table of processes and threads: storage, look-up, lineage links, bounds. It knows nothing of
 * events. Dead processes stay, without descriptors and environment, while a process they created
 * is known. When the table is full it forgets the longest dead, then a long unused live one.
 * Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/fd_table.h"
#include "state/shared.h"
#include "state/state.h"

struct process_table;
struct cgroup;

/* A doubly-linked list through nodes. */
struct node_list {
	struct process_node *first, *last;
};

struct node_link {
	struct process_node *prev, *next;
};

enum node_link_kind { LINK_PARENT, LINK_CREATOR, LINK_DEAD, LINK_KINDS };

/* A process with what the public structure does not show. p comes first: a struct process * is
 * its node. */
struct process_node {
	struct process p;
	struct thread leader;
	struct shared *image, *env, *cwd, *root; /* what the texts of p point into */
	struct cgroup *cgroup;                   /* what it was identified from; NULL not yet */
	struct process_node *next_in_bucket;
	struct node_link links[LINK_KINDS];
	struct node_list children[2]; /* by LINK_PARENT and LINK_CREATOR */
	bool is_orphan;               /* in the table's list of processes with unknown parent */
	bool is_used;                 /* since eviction last looked */
	bool is_image_stale;          /* an exec was missed */
	bool leader_exited;           /* threads live on */
	bool is_invented;             /* made up from an event of an unknown task */
	/* lineage rules of exe: workloads, see identity.h */
	bool is_root;          /* root of its session */
	bool root_is_launcher; /* the root is a shell, login daemon, ... */
	uint64_t root_due_ns;  /* became session leader: it becomes a root then, or earlier; 0 no */
	bool has_left;         /* its workload no longer counts it */
	/* the rescan (fd_limits->mark) that saw it, or during which it was added; that met it among
	 * the tasks; that went through its descriptors */
	uint16_t alive_mark, task_mark, fd_mark;
	uint32_t n_thread_nodes;
	struct thread_node *threads; /* all but the leader */
};

struct thread_node {
	struct thread t;
	uint16_t alive_mark;
	struct thread_node *next_in_bucket;
	struct thread_node *prev, *next; /* of the process */
};

/* Called just before a process is forgotten. */
typedef void process_release_fn(struct process_node *node, void *arg);

struct process_table_config {
	uint32_t processes_max;
	struct fd_limits *fd_limits;
	size_t *bytes;               /* memory account of shared strings */
	process_release_fn *release; /* frees what the owner hung on the node */
	void *arg;
};

struct process_table_counters {
	uint32_t alive, remembered, threads;
	uint64_t evicted_total, threads_refused_total;
	size_t bytes;
};

int process_table_create(struct process_table **out, const struct process_table_config *config);
void process_table_destroy(struct process_table **table);

static inline struct process_node *process_node(const struct process *process)
{
	return (struct process_node *)process;
}

/* The process with that pid: the live one if there is one, else the last that died. start_ns 0, on
 * either side, matches any. NULL: none. */
struct process_node *process_table_find(const struct process_table *table, int32_t pid,
					uint64_t start_ns);

/* A new live process, zeroed but for identity, slot and generation. Never fails for being full
 * (evicts); NULL without memory. keep, which may be NULL, is not evicted. */
struct process_node *process_table_add(struct process_table *table, int32_t pid, uint64_t start_ns,
				       const struct process_node *keep);

/* What a process shows (image, credentials, name) has changed: caches keyed by its generation, or
 * by the lineage epoch where descendants look at it, end. */
void process_note_change(struct process_table *table, struct process_node *node);

/* Differs from an earlier answer if, since then, any process may have got another parent or an
 * ancestor that shows something else. */
uint64_t process_table_lineage_epoch(const struct process_table *table);

/* Set who created it, who its parent is now; NULL: unknown. */
void process_set_creator(struct process_node *node, struct process_node *creator);
void process_set_parent(struct process_table *table, struct process_node *node,
			struct process_node *parent);

/* It died: drops threads, descriptors and environment, gives its children to reaper (NULL:
 * unknown, then they remember reaper_pid) and forgets it unless somebody it created is known. */
void process_table_kill(struct process_table *table, struct process_node *node,
			struct process_node *reaper, int32_t reaper_pid);

/* It was not dead after all. */
void process_table_revive(struct process_table *table, struct process_node *node);

/* Live processes whose parent is not in the table though they have one. */
struct process_node *process_table_first_orphan(const struct process_table *table);

/* The thread, or NULL. */
struct thread *process_table_find_thread(const struct process_table *table, int32_t tid);
/* Add a thread (not a leader), replacing one of that tid. NULL when the bound is reached (counted)
 * or without memory. */
struct thread *process_table_add_thread(struct process_table *table, struct process_node *node,
					int32_t tid);
void process_table_remove_thread(struct process_table *table, int32_t tid);
void process_table_remove_threads(struct process_table *table, struct process_node *node);
/* Those that neither a rescan saw nor an event made since it began. */
void process_table_sweep_threads(struct process_table *table, struct process_node *node);

/* The node in slot i, also when unused (pid 0); NULL past the last. */
struct process_node *process_table_at(const struct process_table *table, uint32_t i);

/* Visit live processes. */
void process_table_each(struct process_table *table, process_visit_fn *visit, void *arg);

void process_table_counters(const struct process_table *table, struct process_table_counters *out);
