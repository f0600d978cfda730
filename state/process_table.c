#include "state/process_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define CHUNK_NODES 64u
#define GENERATION_SHIFT 24    /* changes of one process before they meet the next one's */
#define THREADS_PER_PROCESS 4u /* bound of all threads together, a process of the bound */

struct process_table {
	struct process_table_config config;
	struct process_node **buckets;
	struct thread_node **thread_buckets;
	uint32_t mask;
	struct process_node **chunks; /* of CHUNK_NODES each, by slot */
	uint32_t n_chunks, n_slots_used;
	uint32_t *free_slots;
	uint32_t n_free_slots;
	uint32_t n_alive, n_dead, n_threads;
	uint32_t hand;            /* slot where eviction looks next */
	struct node_list orphans; /* by LINK_PARENT */
	struct node_list dead;    /* longest dead first */
	uint64_t n_added;         /* ever */
	uint64_t lineage_epoch;   /* changes when what descendants see of an ancestor may have */
	uint64_t evicted_total, threads_refused_total;
};

static void list_append(struct node_list *list, struct process_node *node, enum node_link_kind kind)
{
	node->links[kind] = (struct node_link){.prev = list->last};
	if (list->last)
		list->last->links[kind].next = node;
	else
		list->first = node;
	list->last = node;
}

static void list_remove(struct node_list *list, struct process_node *node, enum node_link_kind kind)
{
	struct node_link *link = &node->links[kind];

	if (link->prev)
		link->prev->links[kind].next = link->next;
	else
		list->first = link->next;
	if (link->next)
		link->next->links[kind].prev = link->prev;
	else
		list->last = link->prev;
	*link = (struct node_link){0};
}

static uint32_t power_of_two(uint32_t at_least)
{
	uint32_t n = 64;

	while (n < at_least && n < UINT32_C(1) << 24)
		n *= 2;
	return n;
}

int process_table_create(struct process_table **out, const struct process_table_config *config)
{
	SCOPED(process_table_destroy) struct process_table *table = calloc(1, sizeof(*table));
	uint32_t n_buckets = power_of_two(config->processes_max);

	if (!table)
		return -ENOMEM;
	table->config = *config;
	table->mask = n_buckets - 1;
	table->n_chunks = (config->processes_max + CHUNK_NODES - 1) / CHUNK_NODES;
	table->buckets = calloc(n_buckets, sizeof(struct process_node *));
	table->thread_buckets = calloc(n_buckets, sizeof(struct thread_node *));
	table->chunks = calloc(table->n_chunks, sizeof(struct process_node *));
	table->free_slots = calloc(config->processes_max, sizeof(uint32_t));
	if (!table->buckets || !table->thread_buckets || !table->chunks || !table->free_slots)
		return -ENOMEM;
	*out = TAKE(table);
	return 0;
}

static struct process_node *node_at(const struct process_table *table, uint32_t slot)
{
	return &table->chunks[slot / CHUNK_NODES][slot % CHUNK_NODES];
}

struct process_node *process_table_find(const struct process_table *table, int32_t pid,
					uint64_t start_ns)
{
	struct process_node *dead = NULL;
	struct process_node *node = table->buckets[(uint32_t)pid & table->mask];

	for (; node; node = node->next_in_bucket) {
		if (node->p.pid != pid)
			continue;
		if (start_ns && node->p.start_ns && node->p.start_ns != start_ns)
			continue;
		if (node->p.is_alive)
			return node;
		if (!dead)
			dead = node;
	}
	return dead;
}

static void unlink_parent(struct process_table *table, struct process_node *node)
{
	struct process_node *parent = process_node(node->p.parent);

	if (parent)
		list_remove(&parent->children[LINK_PARENT], node, LINK_PARENT);
	else if (node->is_orphan)
		list_remove(&table->orphans, node, LINK_PARENT);
	node->is_orphan = false;
	node->p.parent = NULL;
}

void process_note_change(struct process_table *table, struct process_node *node)
{
	node->p.generation++;
	if (node->children[LINK_PARENT].first)
		table->lineage_epoch++;
}

uint64_t process_table_lineage_epoch(const struct process_table *table)
{
	return table->lineage_epoch;
}

void process_set_parent(struct process_table *table, struct process_node *node,
			struct process_node *parent)
{
	node->p.generation++;
	if (node->p.parent || node->is_orphan || node->children[LINK_PARENT].first)
		table->lineage_epoch++; /* not merely a new process */
	unlink_parent(table, node);
	node->p.parent = parent ? &parent->p : NULL;
	if (parent) {
		node->p.ppid = parent->p.pid;
		list_append(&parent->children[LINK_PARENT], node, LINK_PARENT);
	} else if (node->p.ppid > 0) {
		node->is_orphan = true;
		list_append(&table->orphans, node, LINK_PARENT);
	}
}

/* Take node out of the table for good; nobody refers to it any more. */
static void release(struct process_table *table, struct process_node *node)
{
	struct process_node **at = &table->buckets[(uint32_t)node->p.pid & table->mask];

	while (*at != node)
		at = &(*at)->next_in_bucket;
	*at = node->next_in_bucket;
	table->config.release(node, table->config.arg);
	fd_table_unref(&node->p.fds, table->config.fd_limits);
	shared_unref(&node->image, table->config.bytes);
	shared_unref(&node->env, table->config.bytes);
	shared_unref(&node->cwd, table->config.bytes);
	shared_unref(&node->root, table->config.bytes);
	table->free_slots[table->n_free_slots++] = node->p.slot;
	node->p.pid = 0;
}

/* Forget dead processes that nobody needs, from node up its creators. */
static void release_unneeded(struct process_table *table, struct process_node *node)
{
	while (node && !node->p.is_alive && !node->children[LINK_CREATOR].first) {
		struct process_node *creator = process_node(node->p.creator);

		process_set_creator(node, NULL);
		list_remove(&table->dead, node, LINK_DEAD);
		table->n_dead--;
		release(table, node);
		node = creator;
	}
}

void process_set_creator(struct process_node *node, struct process_node *creator)
{
	struct process_node *old = process_node(node->p.creator);

	if (old) {
		list_remove(&old->children[LINK_CREATOR], node, LINK_CREATOR);
		old->p.n_children--;
	}
	node->p.creator = creator ? &creator->p : NULL;
	if (creator) {
		list_append(&creator->children[LINK_CREATOR], node, LINK_CREATOR);
		creator->p.n_children++;
	}
}

/* Everybody forgets node as creator. */
static void disown(struct process_node *node)
{
	while (node->children[LINK_CREATOR].first)
		process_set_creator(node->children[LINK_CREATOR].first, NULL);
}

void process_table_kill(struct process_table *table, struct process_node *node,
			struct process_node *reaper, int32_t reaper_pid)
{
	struct process_node *child;

	if (!node->p.is_alive)
		return;
	while ((child = node->children[LINK_PARENT].first)) {
		child->p.ppid = reaper_pid;
		process_set_parent(table, child, reaper != node ? reaper : NULL);
	}
	unlink_parent(table, node);
	process_table_remove_threads(table, node);
	fd_table_unref(&node->p.fds, table->config.fd_limits);
	shared_unref(&node->env, table->config.bytes);
	node->p.env = TEXT_NONE;
	node->p.generation++;
	node->p.n_threads = 0;
	node->p.is_alive = false;
	table->n_alive--;
	table->n_dead++;
	list_append(&table->dead, node, LINK_DEAD);
	release_unneeded(table, node);
}

void process_table_revive(struct process_table *table, struct process_node *node)
{
	list_remove(&table->dead, node, LINK_DEAD);
	table->n_dead--;
	table->n_alive++;
	node->p.is_alive = true;
	node->p.n_threads = 1;
}

/* The live process that was not used since the hand last came by; never keep or its lineage. */
static struct process_node *pick_unused(struct process_table *table,
					const struct process_node *keep)
{
	for (uint32_t i = 0; i < 2 * table->n_slots_used; i++) {
		struct process_node *node = node_at(table, table->hand++ % table->n_slots_used);

		if (!node->p.pid || !node->p.is_alive || node == keep)
			continue;
		if (!node->is_used)
			return node;
		node->is_used = false;
	}
	return NULL;
}

static void evict(struct process_table *table, const struct process_node *keep)
{
	struct process_node *node = table->dead.first;

	if (node && node == keep)
		node = node->links[LINK_DEAD].next;
	if (!node) {
		node = pick_unused(table, keep);
		if (!node)
			return;
	}
	table->evicted_total++;
	disown(node);
	if (node->p.is_alive)
		process_table_kill(table, node, NULL, node->p.pid);
	else
		release_unneeded(table, node);
}

/* A slot to use, or -1. */
static int64_t take_slot(struct process_table *table, const struct process_node *keep)
{
	uint32_t slot;

	if (!table->n_free_slots && table->n_slots_used == table->config.processes_max)
		evict(table, keep);
	if (table->n_free_slots)
		return table->free_slots[--table->n_free_slots];
	slot = table->n_slots_used;
	if (slot == table->config.processes_max)
		return -1;
	if (!table->chunks[slot / CHUNK_NODES]) {
		struct process_node *chunk = calloc(CHUNK_NODES, sizeof(*chunk));

		if (!chunk)
			return -1;
		table->chunks[slot / CHUNK_NODES] = chunk;
	}
	table->n_slots_used++;
	return slot;
}

struct process_node *process_table_add(struct process_table *table, int32_t pid, uint64_t start_ns,
				       const struct process_node *keep)
{
	int64_t slot = take_slot(table, keep);
	struct process_node *node, **bucket = &table->buckets[(uint32_t)pid & table->mask];

	if (slot < 0)
		return NULL;
	node = node_at(table, (uint32_t)slot);
	*node = (struct process_node){
		.p = {.pid = pid,
		      .start_ns = start_ns,
		      .slot = (uint32_t)slot,
		      .generation = ++table->n_added << GENERATION_SHIFT,
		      .is_alive = true,
		      .n_threads = 1},
		.leader = {.tid = pid},
		.next_in_bucket = *bucket,
		.is_used = true,
		.alive_mark = table->config.fd_limits->mark,
	};
	node->p.leader = &node->leader;
	node->leader.process = &node->p;
	*bucket = node;
	table->n_alive++;
	return node;
}

struct process_node *process_table_first_orphan(const struct process_table *table)
{
	return table->orphans.first;
}

static struct thread_node **thread_place(const struct process_table *table, int32_t tid)
{
	struct thread_node **at = &table->thread_buckets[(uint32_t)tid & table->mask];

	while (*at && (*at)->t.tid != tid)
		at = &(*at)->next_in_bucket;
	return at;
}

struct thread *process_table_find_thread(const struct process_table *table, int32_t tid)
{
	struct thread_node *thread = *thread_place(table, tid);

	return thread ? &thread->t : NULL;
}

void process_table_remove_thread(struct process_table *table, int32_t tid)
{
	struct thread_node **at = thread_place(table, tid), *thread = *at;
	struct process_node *node;

	if (!thread)
		return;
	node = process_node(thread->t.process);
	*at = thread->next_in_bucket;
	if (thread->prev)
		thread->prev->next = thread->next;
	else
		node->threads = thread->next;
	if (thread->next)
		thread->next->prev = thread->prev;
	node->n_thread_nodes--;
	node->p.n_threads--;
	table->n_threads--;
	free(thread);
}

void process_table_remove_threads(struct process_table *table, struct process_node *node)
{
	while (node->threads)
		process_table_remove_thread(table, node->threads->t.tid);
}

void process_table_sweep_threads(struct process_table *table, struct process_node *node)
{
	struct thread_node *thread = node->threads, *next;

	for (; thread; thread = next) {
		next = thread->next;
		if (thread->alive_mark != table->config.fd_limits->mark)
			process_table_remove_thread(table, thread->t.tid);
	}
}

struct process_node *process_table_at(const struct process_table *table, uint32_t i)
{
	return i < table->n_slots_used ? node_at(table, i) : NULL;
}

struct thread *process_table_add_thread(struct process_table *table, struct process_node *node,
					int32_t tid)
{
	struct thread_node *thread, **bucket;

	process_table_remove_thread(table, tid);
	if (table->n_threads / THREADS_PER_PROCESS >= table->config.processes_max) {
		table->threads_refused_total++;
		return NULL;
	}
	thread = malloc(sizeof(*thread));
	if (!thread)
		return NULL;
	bucket = &table->thread_buckets[(uint32_t)tid & table->mask];
	*thread = (struct thread_node){.t = node->leader,
				       .alive_mark = table->config.fd_limits->mark,
				       .next_in_bucket = *bucket,
				       .next = node->threads};
	thread->t.tid = tid;
	thread->t.vtid = tid;
	thread->t.process = &node->p;
	*bucket = thread;
	if (node->threads)
		node->threads->prev = thread;
	node->threads = thread;
	node->n_thread_nodes++;
	node->p.n_threads++;
	table->n_threads++;
	return &thread->t;
}

void process_table_each(struct process_table *table, process_visit_fn *visit, void *arg)
{
	for (uint32_t i = 0; i < table->n_slots_used; i++) {
		struct process_node *node = node_at(table, i);

		if (node->p.pid && node->p.is_alive && !visit(&node->p, arg))
			return;
	}
}

void process_table_counters(const struct process_table *table, struct process_table_counters *out)
{
	uint32_t n_chunks = (table->n_slots_used + CHUNK_NODES - 1) / CHUNK_NODES;

	*out = (struct process_table_counters){
		.alive = table->n_alive,
		.remembered = table->n_dead,
		.threads = table->n_threads,
		.evicted_total = table->evicted_total,
		.threads_refused_total = table->threads_refused_total,
		.bytes = sizeof(*table) + 2 * (table->mask + 1) * sizeof(void *) +
			 table->config.processes_max * sizeof(uint32_t) +
			 (size_t)n_chunks * CHUNK_NODES * sizeof(struct process_node) +
			 table->n_threads * sizeof(struct thread_node),
	};
}

void process_table_destroy(struct process_table **table)
{
	struct process_table *t = *table;

	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_slots_used; i++) {
		struct process_node *node = node_at(t, i);

		if (!node->p.pid)
			continue;
		process_table_remove_threads(t, node);
		release(t, node);
	}
	for (uint32_t i = 0; t->chunks && i < t->n_chunks; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->buckets);
	free(t->thread_buckets);
	free(t->free_slots);
	free(t);
	*table = NULL;
}
