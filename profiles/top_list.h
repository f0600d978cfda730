/* The most usual behaviours with readable examples: Space-Saving (Metwally et al., ICDT 2005) over
 * a fixed number of entries. A newcomer to a full list takes the place of the least entry and
 * inherits its weight as its possible error: every key with more than total/size weight is listed.
 * Meant for one call per behaviour and epoch (weight 1 = one incidence), not for every event.
 * Pipeline thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/records.h"
#include "profiles/blob.h"

#define TOP_LIST_SIZE_MAX 1024
#define TOP_LIST_TEXT_MAX 1024 /* bytes of all fields of an example together; longer is cut */

struct top_list;

struct top_entry {
	uint64_t fingerprint;
	uint32_t weight; /* never below the true one... */
	uint32_t error;  /* ...and above it by at most this */
	uint32_t epochs; /* since it is listed */
	uint32_t first_epoch, last_epoch;
	struct record_key key; /* borrowed until the next top_list_add() */
};

/* 0, -EINVAL (size 0 or too large), -ENOMEM. */
int top_list_create(struct top_list **out, uint32_t size);
void top_list_destroy(struct top_list **list);

/* Add weight to a behaviour. Without memory for the example the key is listed without fields. */
void top_list_add(struct top_list *list, uint64_t fingerprint, uint32_t weight, uint32_t epoch,
		  const struct record_key *key);

/* False: not listed. */
bool top_list_find(const struct top_list *list, uint64_t fingerprint, struct top_entry *out);
bool top_list_remove(struct top_list *list, uint64_t fingerprint);

/* Remove entries last seen before epoch. Returns how many. */
uint32_t top_list_forget(struct top_list *list, uint32_t before_epoch);

uint32_t top_list_count(const struct top_list *list);
/* Entries from the heaviest; rank below top_list_count(). Sorts when something changed. */
void top_list_get(struct top_list *list, uint32_t rank, struct top_entry *out);
size_t top_list_bytes(const struct top_list *list);

void top_list_write(const struct top_list *list, struct blob_writer *writer);
int top_list_read(struct top_list **out, struct blob_reader *reader);
