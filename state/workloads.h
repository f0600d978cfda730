/* The registry of workloads and their running instances. Names and instances live as long as the
 * registry; an instance that nobody belongs to any more is forgotten. Pipeline thread only. */
#pragma once

#include "state/container_meta.h"
#include "state/state.h"

struct place;
struct workloads;

int workloads_create(struct workloads **out);
void workloads_destroy(struct workloads **workloads);

/* The workload of that name, added if it is new. NULL without memory. */
struct workload *workloads_get(struct workloads *workloads, struct text name,
			       enum workload_kind kind);

/* An instance with everything that is not in struct instance. */
struct instance_node {
	struct instance i; /* first */
	uint32_t refs;     /* processes and cgroups that belong to it */
	uint32_t n_live;
	struct instance_node *prev, *next;
	struct place *place; /* whose running instance it is; NULL: none's */
	char *text;          /* its strings, one block */
};

/* A new instance with one reference, since now_ns; id is copied. NULL without memory. */
struct instance_node *workloads_add_instance(struct workloads *workloads, struct workload *workload,
					     struct text id, int32_t pid, uint64_t now_ns);
/* Give it another workload and the facts of its container; meta may be NULL. -ENOMEM. */
int workloads_set_container(struct instance_node *instance, struct workload *workload,
			    const struct container_meta *meta, struct text runtime);
void workloads_unref_instance(struct workloads *workloads, struct instance_node **instance);

/* A live process joined or left its workload. */
void workload_join(struct workload *workload, uint64_t now_ns);
void workload_leave(struct workload *workload, uint64_t now_ns);

void workloads_each_instance(struct workloads *workloads, const struct workload *workload,
			     instance_visit_fn *visit, void *arg);

uint32_t workloads_count(const struct workloads *workloads);
uint32_t workloads_instance_count(const struct workloads *workloads);
size_t workloads_bytes(const struct workloads *workloads);
