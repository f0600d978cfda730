/* The exact head of a profile: one slot for each key prefix seen, found by its 64-bit keyed
 * fingerprint. Open addressing with linear probing in the order of the fingerprints; a removal
 * closes the gap, so there are no tombstones. At most three quarters full; grows by half, within a
 * byte budget (while it grows, both tables are there): past that head_add() refuses and counts, and
 * the owner goes on in a sketch. Growing moves a few slots with each head_add(), so none waits
 * long.
 *
 * Cost: look-up about one cache miss, two while it grows.
 * Pipeline thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "profiles/blob.h"

#define HEAD_TAG_MAX 15

struct head;

/* 32 bytes. Owners change the counters, never fingerprint or tag. */
struct head_slot {
	uint64_t fingerprint;       /* 0: free */
	uint32_t epochs;            /* in which it was seen */
	uint32_t tag : 4;           /* the owner's: level, stratum */
	uint32_t child_epochs : 28; /* in which it gained a new child */
	uint32_t first_epoch;
	uint32_t last_epoch;
	uint32_t last_child_epoch; /* valid when child_epochs is not 0 */
	uint32_t events;           /* stops at UINT32_MAX */
};

/* 0 gives *out; -ENOMEM. */
int head_create(struct head **out, size_t bytes_max);
void head_destroy(struct head **head);

/* The slot, or NULL. Borrowed until the next head_add, _remove, _forget. */
struct head_slot *head_find(const struct head *head, uint64_t fingerprint);

/* The slot, made if there was none (first_epoch = epoch, the counters 0: head_touch it). NULL:
 * over budget or no memory (counted). Borrowed as above. A fingerprint of 0 is taken for 1. */
struct head_slot *head_add(struct head *head, uint64_t fingerprint, uint32_t tag, uint32_t epoch);

/* False: there was none. */
bool head_remove(struct head *head, uint64_t fingerprint);

/* Count events sightings in epoch. True if it is the first in this epoch. */
static inline bool head_touch(struct head_slot *slot, uint32_t epoch, uint32_t events)
{
	bool is_first = slot->epochs == 0 || slot->last_epoch < epoch;

	slot->events = slot->events > UINT32_MAX - events ? UINT32_MAX : slot->events + events;
	if (is_first) {
		slot->epochs++;
		slot->last_epoch = epoch;
	}
	return is_first;
}

/* The prefix gained a child that was never seen. True if it is the first in this epoch. */
static inline bool head_touch_child(struct head_slot *slot, uint32_t epoch)
{
	bool is_first = slot->child_epochs == 0 || slot->last_child_epoch < epoch;

	if (is_first) {
		slot->child_epochs++;
		slot->last_child_epoch = epoch;
	}
	return is_first;
}

/* Remove what was last seen before epoch, looking at no more than max_slots slots, going round.
 * Returns how many were removed. forgotten (may be NULL) is told of each before it goes. */
typedef void head_forgotten_fn(const struct head_slot *slot, void *arg);
uint32_t head_forget(struct head *head, uint32_t before_epoch, uint32_t max_slots,
		     head_forgotten_fn *forgotten, void *arg);

/* The next slot from *cursor on (start with 0); NULL at the end. In no order that means
 * anything; nothing may be added, removed or forgotten meanwhile. */
const struct head_slot *head_next(const struct head *head, uint32_t *cursor);

uint32_t head_count(const struct head *head);         /* slots in use */
uint64_t head_refused_total(const struct head *head); /* head_add that found no room */
size_t head_bytes(const struct head *head);

void head_write(const struct head *head, struct blob_writer *writer);
/* -EBADMSG, -ENOMEM. A head larger than the budget is read in full and refuses to grow. */
int head_read(struct head **out, struct blob_reader *reader, size_t bytes_max);
