/* Reading and writing of stored images: little-endian fixed widths and LEB128 varints, bounds
 * checked. A writer that ran out of memory and a reader that ran out of bytes stay failed, so a
 * sequence of calls needs one check at its end. Images come back from a disk that anyone may have
 * edited: a reader never trusts a count. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct blob_writer {
	uint8_t *bytes; /* owned until blob_writer_done() */
	size_t len, size;
	bool failed;
};

struct blob_reader {
	const uint8_t *ptr; /* borrowed */
	size_t left;
	bool failed;
};

void blob_writer_done(struct blob_writer *writer);

void blob_put_u8(struct blob_writer *writer, uint8_t value);
void blob_put_u32(struct blob_writer *writer, uint32_t value);
void blob_put_u64(struct blob_writer *writer, uint64_t value);
void blob_put_f64(struct blob_writer *writer, double value);
void blob_put_varint(struct blob_writer *writer, uint64_t value);
void blob_put_text(struct blob_writer *writer, struct text value); /* varint length, bytes */
void blob_put_bytes(struct blob_writer *writer, const void *bytes, size_t len);

static inline struct blob_reader blob_reader_of(struct text bytes)
{
	return (struct blob_reader){(const uint8_t *)bytes.ptr, bytes.len, false};
}

/* 0 (empty) once failed. */
uint8_t blob_get_u8(struct blob_reader *reader);
uint32_t blob_get_u32(struct blob_reader *reader);
uint64_t blob_get_u64(struct blob_reader *reader);
double blob_get_f64(struct blob_reader *reader); /* not finite: fails */
uint64_t blob_get_varint(struct blob_reader *reader);
/* A varint that must not exceed max. */
uint64_t blob_get_count(struct blob_reader *reader, uint64_t max);
struct text blob_get_text(struct blob_reader *reader);              /* borrowed from the blob */
const void *blob_get_bytes(struct blob_reader *reader, size_t len); /* NULL once failed */
