#include "state/workloads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/util.h"

#define FIRST_BUCKETS 64u

struct workload_node {
	struct workload w; /* first */
	struct workload_node *next_in_bucket;
	char name[];
};

struct workloads {
	struct workload_node **buckets;
	uint32_t n_buckets, n;
	struct instance_node *instances;
	uint32_t n_instances;
	size_t bytes;
};

int workloads_create(struct workloads **out)
{
	SCOPED(workloads_destroy) struct workloads *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->n_buckets = FIRST_BUCKETS;
	w->buckets = calloc(w->n_buckets, sizeof(struct workload_node *));
	if (!w->buckets)
		return -ENOMEM;
	*out = TAKE(w);
	return 0;
}

void workloads_destroy(struct workloads **workloads)
{
	struct workloads *w = *workloads;

	if (!w)
		return;
	for (uint32_t i = 0; w->buckets && i < w->n_buckets; i++) {
		while (w->buckets[i]) {
			struct workload_node *next = w->buckets[i]->next_in_bucket;

			free(w->buckets[i]);
			w->buckets[i] = next;
		}
	}
	while (w->instances) {
		struct instance_node *next = w->instances->next;

		free(w->instances->text);
		free(w->instances);
		w->instances = next;
	}
	free(w->buckets);
	free(w);
	*workloads = NULL;
}

static void grow(struct workloads *w)
{
	uint32_t n_buckets = w->n_buckets * 2;
	struct workload_node **buckets = calloc(n_buckets, sizeof(struct workload_node *));

	if (!buckets)
		return; /* longer chains, nothing worse */
	for (uint32_t i = 0; i < w->n_buckets; i++) {
		struct workload_node *node = w->buckets[i], *next;

		for (; node; node = next) {
			next = node->next_in_bucket;
			node->next_in_bucket = buckets[node->w.id & (n_buckets - 1)];
			buckets[node->w.id & (n_buckets - 1)] = node;
		}
	}
	free(w->buckets);
	w->buckets = buckets;
	w->n_buckets = n_buckets;
}

struct workload *workloads_get(struct workloads *workloads, struct text name,
			       enum workload_kind kind)
{
	uint64_t id = XXH3_64bits(name.ptr ? name.ptr : "", name.len);
	struct workload_node *node = workloads->buckets[id & (workloads->n_buckets - 1)];

	for (; node; node = node->next_in_bucket) {
		if (node->w.id == id)
			return &node->w;
	}
	if (workloads->n >= workloads->n_buckets)
		grow(workloads);
	node = malloc(sizeof(*node) + name.len);
	if (!node)
		return NULL;
	if (name.len)
		memcpy(node->name, name.ptr, name.len);
	node->w = (struct workload){
		.id = id,
		.name = {node->name, name.len},
		.kind = kind,
		.index = workloads->n++,
	};
	node->next_in_bucket = workloads->buckets[id & (workloads->n_buckets - 1)];
	workloads->buckets[id & (workloads->n_buckets - 1)] = node;
	workloads->bytes += sizeof(*node) + name.len;
	return &node->w;
}

struct instance_node *workloads_add_instance(struct workloads *workloads, struct workload *workload,
					     struct text id, int32_t pid, uint64_t now_ns)
{
	struct instance_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->text = text_dup(id);
	if (!node->text) {
		free(node);
		return NULL;
	}
	node->i = (struct instance){
		.id = {node->text, id.len},
		.workload = workload,
		.since_ns = now_ns,
		.pid = pid,
	};
	node->refs = 1;
	node->next = workloads->instances;
	if (node->next)
		node->next->prev = node;
	workloads->instances = node;
	workloads->n_instances++;
	return node;
}

/* Append t to the block at *at and move on. */
static struct text append(char **at, struct text t)
{
	struct text copy = {*at, t.len};

	if (t.len)
		memcpy(*at, t.ptr, t.len);
	*at += t.len;
	return copy;
}

int workloads_set_container(struct instance_node *instance, struct workload *workload,
			    const struct container_meta *meta, struct text runtime)
{
	static const struct container_meta nothing;
	const struct container_meta *m = meta ? meta : &nothing;
	struct instance *i = &instance->i;
	size_t size = i->id.len + strlen(m->image) + strlen(m->tag) + strlen(m->digest) +
		      strlen(m->name) + strlen(m->pod_name) + strlen(m->pod_namespace) +
		      strlen(m->pod_uid) + m->labels_len;
	char *block = malloc(size + 1), *at = block;

	if (!block)
		return -ENOMEM;
	i->workload = workload;
	i->id = append(&at, i->id);
	i->image = append(&at, text_from(m->image));
	i->tag = append(&at, text_from(m->tag));
	i->digest = append(&at, text_from(m->digest));
	i->container_name = append(&at, text_from(m->name));
	i->pod_name = append(&at, text_from(m->pod_name));
	i->pod_namespace = append(&at, text_from(m->pod_namespace));
	i->pod_uid = append(&at, text_from(m->pod_uid));
	i->labels = append(&at, (struct text){m->labels, m->labels_len});
	i->runtime = runtime; /* static */
	i->is_privileged = m->is_privileged;
	free(instance->text);
	instance->text = block;
	return 0;
}

void workloads_unref_instance(struct workloads *workloads, struct instance_node **instance)
{
	struct instance_node *node = *instance;

	*instance = NULL;
	if (!node || --node->refs)
		return;
	if (node->prev)
		node->prev->next = node->next;
	else
		workloads->instances = node->next;
	if (node->next)
		node->next->prev = node->prev;
	workloads->n_instances--;
	free(node->text);
	free(node);
}

void workload_join(struct workload *workload, uint64_t now_ns)
{
	if (workload->n_live++ == 0)
		workload->live_since_ns = now_ns;
}

void workload_leave(struct workload *workload, uint64_t now_ns)
{
	if (--workload->n_live)
		return;
	if (now_ns > workload->live_since_ns)
		workload->live_ns_total += now_ns - workload->live_since_ns;
	workload->live_since_ns = 0;
}

void workloads_each_instance(struct workloads *workloads, const struct workload *workload,
			     instance_visit_fn *visit, void *arg)
{
	for (struct instance_node *node = workloads->instances; node; node = node->next) {
		if (node->i.workload == workload && node->n_live && !visit(&node->i, arg))
			return;
	}
}

uint32_t workloads_count(const struct workloads *workloads)
{
	return workloads->n;
}

uint32_t workloads_instance_count(const struct workloads *workloads)
{
	return workloads->n_instances;
}

size_t workloads_bytes(const struct workloads *workloads)
{
	return sizeof(*workloads) + workloads->n_buckets * sizeof(void *) + workloads->bytes +
	       workloads->n_instances * (sizeof(struct instance_node) + 64);
}
