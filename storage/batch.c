#include "storage/batch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

/* Direct-mapped: a collision only costs a merge, or a commit earlier than needed. */
#define SLOTS 1024

struct list {
	void **items;
	uint32_t n, room;
};

/* The newest record of an anomaly or incident. */
struct slot {
	uint64_t id;
	enum write_kind kind;
	uint64_t signature; /* of what a reader would miss if the update came late */
	uint32_t index;     /* in ready, if generation is the batch's */
	uint64_t generation;
};

struct batch {
	struct list ready, open;
	uint64_t bytes, bytes_max;
	uint64_t generation; /* counts from 1 how often ready was emptied or merged */
	struct slot slots[SLOTS];
};

int batch_create(struct batch **out, uint64_t bytes_max)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	batch->bytes_max = bytes_max;
	batch->generation = 1;
	*out = batch;
	return 0;
}

static void list_clear(struct list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		record_free(list->items[i]);
	list->n = 0;
}

void batch_destroy(struct batch **batch_ptr)
{
	struct batch *batch = TAKE(*batch_ptr);

	if (!batch)
		return;
	list_clear(&batch->ready);
	list_clear(&batch->open);
	free(batch->ready.items);
	free(batch->open.items);
	free(batch);
}

static bool list_reserve(struct list *list, uint32_t more)
{
	uint32_t room = MAX(list->room, 64);
	void **items;

	while (room - list->n < more)
		room *= 2;
	if (room == list->room)
		return true;
	items = realloc(list->items, room * sizeof(*items));
	if (!items)
		return false;
	list->items = items;
	list->room = room;
	return true;
}

static bool is_image(enum write_kind kind)
{
	return kind == WRITE_IMAGE || kind == WRITE_SCORER || kind == WRITE_INCIDENTS ||
	       kind == WRITE_RULES || kind == WRITE_COUNTS;
}

static bool is_of_checkpoint(enum write_kind kind)
{
	return is_image(kind) || kind == WRITE_JOURNAL || kind == WRITE_BEHAVIOUR;
}

static void discard(struct batch *batch, struct list *list, uint32_t index)
{
	batch->bytes -= record_bytes(list->items[index]);
	record_free(list->items[index]);
	list->items[index] = NULL;
}

/* Whether newer, an image that is about to follow, makes older superfluous. Both are committed in
 * one transaction, so nothing is missing in between. */
static bool is_superseded(const void *older, const void *newer)
{
	const struct record_blob *old = older, *new = newer;
	enum write_kind old_kind = record_tag(older), new_kind = record_tag(newer);

	if (old_kind == new_kind)
		return old->workload_id == new->workload_id;
	return old_kind == WRITE_JOURNAL && new_kind == WRITE_IMAGE &&
	       old->workload_id == new->workload_id && old->sequence <= new->sequence;
}

static void drop_superseded(struct batch *batch, const void *newer)
{
	if (!is_image(record_tag(newer)))
		return;
	for (uint32_t i = 0; i < batch->ready.n; i++) {
		if (batch->ready.items[i] && is_superseded(batch->ready.items[i], newer))
			discard(batch, &batch->ready, i);
	}
}

static void squeeze(struct batch *batch)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < batch->ready.n; i++) {
		if (batch->ready.items[i])
			batch->ready.items[n++] = batch->ready.items[i];
	}
	batch->ready.n = n;
	batch->generation++;
}

/* The open checkpoint is whole. Without memory it stays open, to be joined by the next one. */
static bool close_checkpoint(struct batch *batch)
{
	if (!list_reserve(&batch->ready, batch->open.n))
		return false;
	for (uint32_t i = 0; i < batch->open.n; i++) {
		drop_superseded(batch, batch->open.items[i]);
		batch->ready.items[batch->ready.n++] = batch->open.items[i];
	}
	batch->open.n = 0;
	squeeze(batch);
	return true;
}

static struct slot *slot_of(struct batch *batch, enum write_kind kind, uint64_t id)
{
	return &batch->slots[(id * 2 + (kind == WRITE_INCIDENT)) % SLOTS];
}

/* What identifies the record among updates, and what of it must be seen soon. False: each is its
 * own. */
static bool identify(enum write_kind kind, const void *record, uint64_t *id, uint64_t *signature)
{
	if (kind == WRITE_ANOMALY) {
		const struct record_anomaly *anomaly = record;

		*id = anomaly->id;
		*signature = anomaly->incident << 8 | (uint64_t)anomaly->state << 1 |
			     anomaly->above_threshold;
		return true;
	}
	if (kind == WRITE_INCIDENT) {
		const struct record_incident *incident = record;

		*id = incident->id;
		*signature = (uint64_t)incident->n_anomalies << 33 |
			     (uint64_t)incident->n_alerts << 1 | incident->is_open;
		return true;
	}
	return false;
}

/* Who reads of an alert may ask for its explanation at once. */
static enum urgency event_urgency(const struct record_event *event)
{
	return event->reason == EVENT_OF_SIGHTING ? URGENCY_CHECKPOINT : URGENCY_NOW;
}

/* Put record in the place of an earlier state of the same thing, if one waits. Says how urgent it
 * is. */
static bool replace_earlier(struct batch *batch, enum write_kind kind, void *record,
			    enum urgency *urgency)
{
	uint64_t id, signature;
	struct slot *slot;
	bool is_known, waits;

	if (kind == WRITE_EVENT)
		*urgency = event_urgency(record);
	else
		*urgency = kind == WRITE_ALERT ? URGENCY_NOW : URGENCY_SOON;
	if (!identify(kind, record, &id, &signature))
		return false;
	slot = slot_of(batch, kind, id);
	is_known = slot->id == id && slot->kind == kind && slot->generation != 0;
	waits = is_known && slot->generation == batch->generation &&
		batch->ready.items[slot->index];
	if (!is_known)
		*urgency = URGENCY_NOW;
	else if (slot->signature == signature)
		*urgency = URGENCY_CHECKPOINT;
	if (waits) {
		discard(batch, &batch->ready, slot->index);
		batch->ready.items[slot->index] = record;
		batch->bytes += record_bytes(record);
		slot->signature = signature;
		return true;
	}
	*slot = (struct slot){id, kind, signature, batch->ready.n, batch->generation};
	return false;
}

static bool shed(void *record)
{
	record_free(record);
	return false;
}

static bool append(struct batch *batch, struct list *list, void *record)
{
	if (!list_reserve(list, 1))
		return shed(record);
	list->items[list->n++] = record;
	batch->bytes += record_bytes(record);
	return true;
}

bool batch_add(struct batch *batch, enum write_kind kind, void *record, enum urgency *urgency)
{
	*urgency = URGENCY_CHECKPOINT;
	if (kind == WRITE_COMMIT) {
		*urgency = URGENCY_NOW;
		return close_checkpoint(batch);
	}
	record_set_tag(record, kind);
	if (is_of_checkpoint(kind)) {
		if (kind == WRITE_BEHAVIOUR && batch->bytes > batch->bytes_max)
			return shed(record);
		return append(batch, &batch->open, record);
	}
	if (batch->bytes > batch->bytes_max)
		return shed(record);
	if (replace_earlier(batch, kind, record, urgency))
		return true;
	return append(batch, &batch->ready, record);
}

void *const *batch_ready(const struct batch *batch, uint32_t *n)
{
	*n = batch->ready.n;
	return batch->ready.items;
}

void batch_written(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->ready.n; i++) {
		if (batch->ready.items[i])
			discard(batch, &batch->ready, i);
	}
	batch->ready.n = 0;
	batch->generation++;
}

void batch_discard(struct batch *batch, uint32_t index)
{
	if (batch->ready.items[index])
		discard(batch, &batch->ready, index);
}

uint64_t batch_bytes(const struct batch *batch)
{
	return batch->bytes;
}
