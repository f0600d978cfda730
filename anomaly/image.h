/* Byte images of what must survive a restart: little-endian values one after the other, between a
 * tag with a version and a checksum. The writer grows; a reader that runs past the end, or meets a
 * value out of bounds, fails once and gives zeroes from then on: check failed at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/records.h"
#include "base/text.h"

#define IMAGE_TEXT_MAX 65536 /* bytes in one text */

struct image_writer {
	char *bytes;
	size_t len, size;
	bool failed; /* no memory */
};

void image_begin(struct image_writer *image, uint64_t tag);
void image_put_u64(struct image_writer *image, uint64_t value);
void image_put_f64(struct image_writer *image, double value);
void image_put_text(struct image_writer *image, struct text text);
/* Close with the checksum and give the blob (workload 0); NULL without memory. Frees the writer's
 * memory either way. */
struct record_blob *image_end(struct image_writer *image);

struct image_reader {
	const unsigned char *next;
	size_t left;
	bool failed;
};

/* 0, or -EBADMSG: not this tag, cut short, or damaged. bytes is borrowed. */
int image_open(struct image_reader *image, struct text bytes, uint64_t tag);
uint64_t image_get_u64(struct image_reader *image);
/* Fails on a value above max. */
uint64_t image_get_count(struct image_reader *image, uint64_t max);
/* Fails on NaN and infinities. */
double image_get_f64(struct image_reader *image);
/* Borrowed from the image. */
struct text image_get_text(struct image_reader *image);
