#include "profiles/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define IMAGE_VERSION 1
#define CAPACITY_MIN 16
#define IMAGE_SLOT_BYTES_MIN 14 /* fingerprint, tag, five numbers of a byte */
#define MOVE_PER_ADD 16         /* slots: a table is empty long before the next one is full */
#define CHILD_EPOCHS_MAX ((UINT32_C(1) << 28) - 1)

_Static_assert(sizeof(struct head_slot) == 32, "the size is promised");

/* Growing moves a few slots with each head_add(), so that no event waits for a million of them.
 * old is emptied from its beginning, whole runs of taken slots at a time: what is left of it never
 * has an emptied slot on its way. */
struct head {
	struct head_slot *slots;
	uint32_t capacity, count; /* count: old ones too */
	struct head_slot *old;    /* NULL: not growing */
	uint32_t old_capacity, old_at;
	uint32_t forget_at; /* where head_forget() goes on */
	size_t bytes_max;
	uint64_t refused_total;
};

int head_create(struct head **out, size_t bytes_max)
{
	struct head *head = calloc(1, sizeof(*head));

	if (!head)
		return -ENOMEM;
	head->bytes_max = bytes_max;
	*out = head;
	return 0;
}

void head_destroy(struct head **head)
{
	if (!*head)
		return;
	free((*head)->slots);
	free((*head)->old);
	free(*head);
	*head = NULL;
}

static uint64_t usable(uint64_t fingerprint)
{
	return fingerprint ? fingerprint : 1;
}

/* Where a fingerprint wants to be: the range is cut into capacity equal parts (Lemire, "Fast random
 * integer generation in an interval", 2019), so any capacity will do, and order is kept. */
static uint32_t home_of(uint64_t fingerprint, uint32_t capacity)
{
	return (uint32_t)(((unsigned __int128)fingerprint * capacity) >> 64);
}

/* The fingerprint's slot, or the free one where it would go. There is always a free one. */
static struct head_slot *probe(struct head_slot *slots, uint32_t capacity, uint64_t fingerprint)
{
	uint32_t at = home_of(fingerprint, capacity);

	while (slots[at].fingerprint != 0 && slots[at].fingerprint != fingerprint)
		at = at + 1 == capacity ? 0 : at + 1;
	return &slots[at];
}

/* In one table: the fingerprint's slot, or NULL. */
static struct head_slot *find_in(struct head_slot *slots, uint32_t capacity, uint64_t fingerprint)
{
	struct head_slot *slot = probe(slots, capacity, fingerprint);

	return slot->fingerprint ? slot : NULL;
}

struct head_slot *head_find(const struct head *head, uint64_t fingerprint)
{
	struct head_slot *slot;

	if (head->count == 0)
		return NULL;
	fingerprint = usable(fingerprint);
	slot = find_in(head->slots, head->capacity, fingerprint);
	if (!slot && head->old)
		slot = find_in(head->old, head->old_capacity, fingerprint);
	return slot;
}

static bool is_full(const struct head *head)
{
	return head->count >= head->capacity - head->capacity / 4;
}

/* By half, or by what the budget leaves if that is worth a copy (an eighth). */
static uint32_t next_capacity(const struct head *head)
{
	uint64_t wanted = MAX(head->capacity + (uint64_t)head->capacity / 2, CAPACITY_MIN);
	uint64_t allowed = head->bytes_max / sizeof(struct head_slot);

	wanted = MIN(wanted, MIN(allowed, UINT32_MAX));
	if (wanted < CAPACITY_MIN || wanted < head->capacity + (uint64_t)head->capacity / 8)
		return 0;
	return (uint32_t)wanted;
}

/* Move at least n slots of the old table, and on to the end of a run. */
static void move_some(struct head *head, uint32_t n)
{
	for (uint32_t i = 0; head->old_at < head->old_capacity; i++) {
		struct head_slot *slot = &head->old[head->old_at];

		if (slot->fingerprint)
			*probe(head->slots, head->capacity, slot->fingerprint) = *slot;
		else if (i >= n)
			return;
		*slot = (struct head_slot){0};
		head->old_at++;
	}
	free(head->old);
	head->old = NULL;
}

static int resize(struct head *head, uint32_t capacity)
{
	struct head_slot *slots = calloc(capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	head->old = head->slots;
	head->old_capacity = head->capacity;
	head->old_at = 0;
	head->slots = slots;
	head->capacity = capacity;
	head->forget_at = 0;
	return 0;
}

static int make_room(struct head *head)
{
	uint32_t capacity;

	if (head->old)
		move_some(head, MOVE_PER_ADD);
	if (head->capacity && !is_full(head))
		return 0;
	capacity = next_capacity(head);
	if (!capacity)
		return -ENOSPC;
	if (head->old)
		move_some(head, UINT32_MAX); /* only a table of a few slots comes here */
	return resize(head, capacity);
}

struct head_slot *head_add(struct head *head, uint64_t fingerprint, uint32_t tag, uint32_t epoch)
{
	struct head_slot *slot = head_find(head, fingerprint);

	if (slot)
		return slot;
	if (make_room(head)) {
		head->refused_total++;
		return NULL;
	}
	slot = probe(head->slots, head->capacity, usable(fingerprint));
	*slot = (struct head_slot){
		.fingerprint = usable(fingerprint),
		.tag = tag & HEAD_TAG_MAX,
		.first_epoch = epoch,
		.last_epoch = epoch,
	};
	head->count++;
	return slot;
}

/* Free slot gap and close the gap: whoever probed past it moves up (Knuth, TAOCP 3, 6.4, R). */
static void remove_at(struct head_slot *slots, uint32_t capacity, uint32_t gap)
{
	uint32_t at = gap;

	for (;;) {
		uint32_t home;

		at = at + 1 == capacity ? 0 : at + 1;
		if (slots[at].fingerprint == 0)
			break;
		home = home_of(slots[at].fingerprint, capacity);
		/* Distances go round the table. */
		if ((at + capacity - home) % capacity < (at + capacity - gap) % capacity)
			continue;
		slots[gap] = slots[at];
		gap = at;
	}
	slots[gap] = (struct head_slot){0};
}

bool head_remove(struct head *head, uint64_t fingerprint)
{
	struct head_slot *slot = head_find(head, fingerprint);

	if (!slot)
		return false;
	if (slot >= head->slots && slot < head->slots + head->capacity)
		remove_at(head->slots, head->capacity, (uint32_t)(slot - head->slots));
	else
		remove_at(head->old, head->old_capacity, (uint32_t)(slot - head->old));
	head->count--;
	return true;
}

uint32_t head_forget(struct head *head, uint32_t before_epoch, uint32_t max_slots,
		     head_forgotten_fn *forgotten, void *arg)
{
	uint32_t n_forgotten = 0;

	if (head->old) {
		move_some(head, max_slots);
		return 0;
	}
	for (uint32_t i = 0; i < max_slots && head->count > 0; i++) {
		const struct head_slot *slot = &head->slots[head->forget_at];

		if (slot->fingerprint && slot->last_epoch < before_epoch) {
			if (forgotten)
				forgotten(slot, arg);
			/* Another one may have moved here: look again. */
			remove_at(head->slots, head->capacity, head->forget_at);
			head->count--;
			n_forgotten++;
			continue;
		}
		head->forget_at = head->forget_at + 1 == head->capacity ? 0 : head->forget_at + 1;
	}
	return n_forgotten;
}

const struct head_slot *head_next(const struct head *head, uint32_t *cursor)
{
	uint64_t end = head->capacity + (head->old ? (uint64_t)head->old_capacity : 0);

	while (*cursor < end) {
		uint32_t at = (*cursor)++;
		const struct head_slot *slot =
			at < head->capacity ? &head->slots[at] : &head->old[at - head->capacity];

		if (slot->fingerprint)
			return slot;
	}
	return NULL;
}

uint32_t head_count(const struct head *head)
{
	return head->count;
}

uint64_t head_refused_total(const struct head *head)
{
	return head->refused_total;
}

size_t head_bytes(const struct head *head)
{
	size_t capacity = head->capacity + (head->old ? (size_t)head->old_capacity : 0);

	return sizeof(*head) + capacity * sizeof(struct head_slot);
}

/* last_child_epoch is stored behind first_epoch like last_epoch, only where it is valid. */
static void write_slot(const struct head_slot *slot, struct blob_writer *writer)
{
	blob_put_u64(writer, slot->fingerprint);
	blob_put_varint(writer, slot->tag);
	blob_put_varint(writer, slot->first_epoch);
	blob_put_varint(writer, slot->last_epoch - slot->first_epoch);
	blob_put_varint(writer, slot->epochs);
	blob_put_varint(writer, slot->events);
	blob_put_varint(writer, slot->child_epochs);
	if (slot->child_epochs)
		blob_put_varint(writer, slot->last_child_epoch);
}

void head_write(const struct head *head, struct blob_writer *writer)
{
	const struct head_slot *slot;
	uint32_t cursor = 0;

	blob_put_u8(writer, IMAGE_VERSION);
	blob_put_varint(writer, head->count);
	while ((slot = head_next(head, &cursor)))
		write_slot(slot, writer);
}

static void read_slot(struct head_slot *slot, struct blob_reader *reader)
{
	slot->fingerprint = blob_get_u64(reader);
	slot->tag = (uint32_t)blob_get_count(reader, HEAD_TAG_MAX);
	slot->first_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
	slot->last_epoch = slot->first_epoch +
			   (uint32_t)blob_get_count(reader, UINT32_MAX - slot->first_epoch);
	slot->epochs = (uint32_t)blob_get_count(reader, UINT32_MAX);
	slot->events = (uint32_t)blob_get_count(reader, UINT32_MAX);
	slot->child_epochs = (uint32_t)blob_get_count(reader, CHILD_EPOCHS_MAX);
	if (slot->child_epochs)
		slot->last_child_epoch = (uint32_t)blob_get_count(reader, UINT32_MAX);
}

static int read_slots(struct head *head, struct blob_reader *reader, uint32_t n)
{
	int r;

	/* Three quarters full at most. n is bounded by the blob's length. */
	r = resize(head, MAX(n + n / 2, CAPACITY_MIN));
	if (r)
		return r;
	for (uint32_t i = 0; i < n; i++) {
		struct head_slot slot = {0};
		struct head_slot *place;

		read_slot(&slot, reader);
		if (reader->failed || slot.fingerprint == 0)
			return -EBADMSG;
		place = probe(head->slots, head->capacity, slot.fingerprint);
		if (place->fingerprint)
			return -EBADMSG; /* twice */
		*place = slot;
		head->count++;
	}
	return 0;
}

int head_read(struct head **out, struct blob_reader *reader, size_t bytes_max)
{
	SCOPED(head_destroy) struct head *head = NULL;
	uint32_t n;
	int r;

	r = head_create(&head, bytes_max);
	if (r)
		return r;
	if (blob_get_u8(reader) != IMAGE_VERSION)
		return -EBADMSG;
	n = (uint32_t)blob_get_count(reader,
				     MIN(reader->left / IMAGE_SLOT_BYTES_MIN, UINT32_MAX / 2));
	if (reader->failed)
		return -EBADMSG;
	if (n) {
		r = read_slots(head, reader, n);
		if (r)
			return r;
	}
	*out = TAKE(head);
	return 0;
}
