#include "anomaly/open_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/util.h"

#define BUCKETS 2048 /* power of two */
#define NONE OPEN_MAX

struct open_table {
	uint32_t buckets[BUCKETS], by_id[BUCKETS];
	uint32_t first_free, size, n_below;
	double least_below_s; /* smallest claim below the threshold, when that part is full */
	struct open_anomaly slots[OPEN_MAX];
};

int open_table_create(struct open_table **out)
{
	struct open_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (uint32_t i = 0; i < BUCKETS; i++)
		table->buckets[i] = table->by_id[i] = NONE;
	for (uint32_t i = 0; i < OPEN_MAX; i++)
		table->slots[i].next = i + 1;
	*out = table;
	return 0;
}

void open_table_destroy(struct open_table **table)
{
	if (!*table)
		return;
	for (uint32_t i = 0; i < OPEN_MAX; i++)
		record_free((*table)->slots[i].record);
	free(*table);
	*table = NULL;
}

static uint32_t *bucket_of(struct open_table *table, uint64_t key)
{
	return &table->buckets[key & (BUCKETS - 1)];
}

struct open_anomaly *open_table_find(struct open_table *table, uint64_t key)
{
	for (uint32_t i = *bucket_of(table, key); i != NONE; i = table->slots[i].next) {
		if (table->slots[i].key == key)
			return &table->slots[i];
	}
	return NULL;
}

struct open_anomaly *open_table_at(struct open_table *table, uint32_t at)
{
	return at < OPEN_MAX && table->slots[at].record ? &table->slots[at] : NULL;
}

struct open_anomaly *open_table_find_id(struct open_table *table, uint64_t id)
{
	for (uint32_t i = table->by_id[id & (BUCKETS - 1)]; i != NONE;
	     i = table->slots[i].next_by_id) {
		if (table->slots[i].id == id)
			return &table->slots[i];
	}
	return NULL;
}

static struct open_anomaly *least_below(struct open_table *table)
{
	struct open_anomaly *least = NULL;

	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		struct open_anomaly *a = open_table_at(table, i);

		if (a && !a->is_above && (!least || a->return_period_s < least->return_period_s))
			least = a;
	}
	return least;
}

static struct open_anomaly *longest_unseen(struct open_table *table)
{
	struct open_anomaly *oldest = NULL;

	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		struct open_anomaly *a = open_table_at(table, i);

		if (a && (!oldest || a->last_ns < oldest->last_ns))
			oldest = a;
	}
	return oldest;
}

bool open_table_wants_below(const struct open_table *table, double return_period_s)
{
	return table->n_below < BELOW_MAX || return_period_s > table->least_below_s;
}

static void note_least_below(struct open_table *table)
{
	const struct open_anomaly *least = table->n_below >= BELOW_MAX ? least_below(table) : NULL;

	table->least_below_s = least ? least->return_period_s : 0;
}

void open_table_remove(struct open_table *table, struct open_anomaly *anomaly)
{
	uint32_t at = (uint32_t)(anomaly - table->slots);
	uint32_t *link = bucket_of(table, anomaly->key);

	while (*link != at)
		link = &table->slots[*link].next;
	*link = anomaly->next;
	for (link = &table->by_id[anomaly->id & (BUCKETS - 1)]; *link != at;)
		link = &table->slots[*link].next_by_id;
	*link = anomaly->next_by_id;

	table->size--;
	table->n_below -= !anomaly->is_above;
	record_free(anomaly->record);
	*anomaly = (struct open_anomaly){.next = table->first_free};
	table->first_free = at;
}

static void make_room(struct open_table *table, bool is_above, open_leave_fn *leave, void *arg)
{
	struct open_anomaly *going = NULL;

	if (!is_above && table->n_below >= BELOW_MAX)
		going = least_below(table);
	else if (table->size >= OPEN_MAX)
		going = table->n_below ? least_below(table) : longest_unseen(table);
	if (!going)
		return;
	leave(going, arg);
	open_table_remove(table, going);
}

void open_table_add(struct open_table *table, const struct open_anomaly *anomaly,
		    open_leave_fn *leave, void *arg)
{
	struct open_anomaly *slot;
	uint32_t *bucket = bucket_of(table, anomaly->key);
	uint32_t at;

	make_room(table, anomaly->is_above, leave, arg);
	at = table->first_free;
	slot = &table->slots[at];
	table->first_free = slot->next;
	*slot = *anomaly;
	slot->next = *bucket;
	*bucket = at;
	bucket = &table->by_id[slot->id & (BUCKETS - 1)];
	slot->next_by_id = *bucket;
	*bucket = at;
	table->size++;
	table->n_below += !slot->is_above;
	note_least_below(table);
}

void open_table_raise(struct open_table *table, struct open_anomaly *anomaly)
{
	if (anomaly->is_above)
		return;
	anomaly->is_above = true;
	table->n_below--;
	note_least_below(table);
}

uint32_t open_table_size(const struct open_table *table)
{
	return table->size;
}

uint32_t open_table_below(const struct open_table *table)
{
	return table->n_below;
}
