/* Which workload a process belongs to, and which running instance of it.
 *
 * The control groups come first: a container, a systemd unit, a login session. Where they say
 * nothing, the lineage does: the workload is "exe:PATH" of the root of the process's session, and
 * everything that descends from the root belongs to it.
 *
 * Who is a root: a process whose creator is unknown or is init; and the leader of a session
 * created below a launcher (shell, login daemon, cron, ...). A launcher acts on somebody's behalf,
 * so what it starts in a session of its own is a thing of its own; a service is not a launcher, so
 * whatever it starts, in new sessions too, stays part of it: an intruder cannot leave the baseline
 * with setsid. A root that is a launcher takes the name of what it executes (sh -c 'exec redis'); a
 * new session leader becomes a root at its next exec or fork, or a second later (daemons that
 * execute nothing).
 *
 * Otherwise identity is fixed at fork and exec, and read anew when the control groups changed. A
 * container's image and pod come from its runtime's files, later and from another thread; until
 * then it is "container:unresolved". Pipeline thread only. */
#pragma once

#include "state/process_table.h"
#include "state/state.h"
#include "state/users.h"

struct identity;

struct identity_config {
	const char *host_root;     /* NULL: never read the host */
	const struct users *users; /* must outlive the identity */
};

struct identity_counters {
	uint32_t workloads, instances;
	uint64_t unresolved_total; /* containers that no runtime's file named */
	uint64_t refused_total;    /* look-ups that had to wait for the resolver's queue */
	size_t bytes;
};

/* The moment of a change. */
struct identity_moment {
	struct text cgroups; /* as in task_facts; empty: unchanged, or the creator's */
	uint64_t now_ns;
	bool is_old; /* found by the scan: a container would have its files by now */
};

int identity_create(struct identity **out, const struct identity_config *config);
void identity_destroy(struct identity **identity);

/* A process is new: the child of creator (may be NULL), or found by the scan. -ENOMEM. */
int identity_start(struct identity *identity, struct process_node *node,
		   struct process_node *creator, const struct identity_moment *moment);
/* It has a new image, and perhaps other cgroups. -ENOMEM. */
int identity_exec(struct identity *identity, struct process_node *node,
		  const struct identity_moment *moment);
/* It was moved to other control groups. -ENOMEM. */
int identity_move(struct identity *identity, struct process_node *node,
		  const struct identity_moment *moment);
/* It became the leader of a new session. */
void identity_setsid(struct process_node *node, uint64_t now_ns);
/* Its root_due_ns has come. */
int identity_root_due(struct identity *identity, struct process_node *node, uint64_t now_ns);
/* Its creator became known after identity_start() without one. */
int identity_adopt(struct identity *identity, struct process_node *node,
		   struct process_node *creator, uint64_t now_ns);
/* It ended. */
void identity_exit(struct process_node *node, struct identity *identity, uint64_t now_ns);
/* It had not. */
void identity_revive(struct process_node *node, uint64_t now_ns);
/* It is forgotten. */
void identity_release(struct identity *identity, struct process_node *node);

/* Take over what the resolver found out. */
void identity_tick(struct identity *identity, struct process_table *table, uint64_t now_ns);

/* How its control groups were read; NULL: not yet. */
const struct cgroup_class *identity_cgroup(const struct process_node *node);
/* What the runtime wrote down about its container; NULL: no container, or nothing known. */
const struct container_meta *identity_container(const struct process_node *node);

/* Whether the process is in a container, as far as is known by now. */
bool identity_is_container(const struct process_node *node);

/* Users of the process's container; *is_host: it is in none, and the host's are meant. */
const struct users *identity_users(const struct process_node *node, bool *is_host);

void identity_each_instance(struct identity *identity, const struct workload *workload,
			    instance_visit_fn *visit, void *arg);
void identity_counters(const struct identity *identity, struct identity_counters *out);
