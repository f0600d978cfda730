/* Records that wait for a transaction, merged as far as later ones make earlier ones superfluous:
 * a newer state of an anomaly or incident replaces the older, a newer image replaces the older and
 * the journal segments that it covers. What belongs to a checkpoint stays apart until the
 * checkpoint is whole. Writer thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

enum urgency {
	URGENCY_CHECKPOINT, /* with the next checkpoint */
	URGENCY_SOON,       /* within seconds */
	URGENCY_NOW,        /* someone may be looking for it */
};

struct batch;

/* bytes_max: beyond this much waiting, everything but checkpoints is shed. */
int batch_create(struct batch **out, uint64_t bytes_max);
void batch_destroy(struct batch **batch);

/* Add a record (taken). False: shed. WRITE_COMMIT (record NULL) makes the open checkpoint ready. */
bool batch_add(struct batch *batch, enum write_kind kind, void *record, enum urgency *urgency);

/* Records ready to be written, in order; items[i] may be NULL. Kind: record_tag(). Valid until the
 * next call. */
void *const *batch_ready(const struct batch *batch, uint32_t *n);

/* They are stored: free them. */
void batch_written(struct batch *batch);

/* This one can never be stored: free it, leaving NULL. */
void batch_discard(struct batch *batch, uint32_t index);

/* Memory of all that waits. */
uint64_t batch_bytes(const struct batch *batch);
