/* Which workload a process belongs to, and which running instance of it. */
#pragma once

#include "state/process_table.h"
#include "state/state.h"

struct identity;

struct identity_config {
	const char *host_root; /* NULL: never read the host */
};

struct identity_counters {
	uint32_t workloads, instances;
	uint64_t unresolved_total;
	size_t bytes;
};

int identity_create(struct identity **out, const struct identity_config *config);
void identity_destroy(struct identity **identity);

/* A process is new: the child of creator (may be NULL), or found by the scan. */
int identity_start(struct identity *identity, struct process_node *node,
		   struct process_node *creator, uint64_t now_ns);
/* It has a new image, and perhaps other cgroups. */
int identity_exec(struct identity *identity, struct process_node *node, struct text cgroups,
		  uint64_t now_ns);
/* It became the leader of a new session. */
void identity_setsid(struct identity *identity, struct process_node *node, uint64_t now_ns);
/* Its cgroups may have changed. */
int identity_set_cgroups(struct identity *identity, struct process_node *node, struct text cgroups,
			 uint64_t now_ns);
/* It ended; forget what hangs on it. */
void identity_exit(struct identity *identity, struct process_node *node, uint64_t now_ns);
void identity_release(struct identity *identity, struct process_node *node);

/* Take over what the resolver found out. */
void identity_tick(struct identity *identity, struct process_table *table, uint64_t now_ns);

void identity_each_instance(struct identity *identity, const struct workload *workload,
			    instance_visit_fn *visit, void *arg);
void identity_counters(const struct identity *identity, struct identity_counters *out);
