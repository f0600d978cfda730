/* The frame around stored pieces of baselines: what it is, whose, which one in order, and a
 * checksum over all of it. The checksum finds damage, not forgery: contents are bounds-checked
 * besides. Any thread. */
#pragma once

#include <stdint.h>

#include "base/records.h"
#include "profiles/blob.h"

enum frame_kind {
	FRAME_IMAGE = 0x4d494745,   /* "EGIM" */
	FRAME_JOURNAL = 0x4f4a4745, /* "EGJO" */
};

struct frame {
	enum frame_kind kind;
	uint64_t workload_id, sequence;
	uint64_t seed;     /* of the fingerprints: only a hash of it is stored */
	uint64_t epoch_ns; /* epochs of another length cannot be compared */
};

void frame_begin(struct blob_writer *writer, const struct frame *frame);

/* Close the frame and make the record. 0 gives *out; -ENOMEM, also when the writer failed. */
int frame_end(struct blob_writer *writer, const struct frame *frame, struct record_blob **out);

/* Check the frame of a stored blob; seed, epoch_ns and kind must be as given. 0 leaves reader at
 * the contents; -EBADMSG. */
int frame_open(const struct record_blob *blob, const struct frame *frame,
	       struct blob_reader *reader);
