/* The envelope of an image that must survive a restart: a tag with a version in front, a checksum
 * behind, and what profiles/blob.h writes between them. */
#pragma once

#include <stdint.h>

#include "base/records.h"
#include "profiles/blob.h"

void image_begin(struct blob_writer *image, uint64_t tag);

/* Close with the checksum and give the blob (workload 0); NULL without memory. Frees the writer's
 * memory either way. */
struct record_blob *image_end(struct blob_writer *image);

/* 0, or -EBADMSG: not this tag, cut short, or damaged. bytes is borrowed. */
int image_open(struct blob_reader *image, struct text bytes, uint64_t tag);
