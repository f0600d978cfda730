#include "profiles/blob.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define VARINT_BYTES_MAX 10

void blob_writer_done(struct blob_writer *writer)
{
	free(writer->bytes);
	*writer = (struct blob_writer){0};
}

/* Room for len more bytes, or NULL. */
static uint8_t *extend(struct blob_writer *writer, size_t len)
{
	uint8_t *place;

	if (writer->failed)
		return NULL;
	if (writer->size - writer->len < len) {
		size_t size = MAX(writer->size * 2, (size_t)256);
		uint8_t *bytes;

		while (size - writer->len < len)
			size *= 2;
		bytes = realloc(writer->bytes, size);
		if (!bytes) {
			writer->failed = true;
			return NULL;
		}
		writer->bytes = bytes;
		writer->size = size;
	}
	place = writer->bytes + writer->len;
	writer->len += len;
	return place;
}

void blob_put_bytes(struct blob_writer *writer, const void *bytes, size_t len)
{
	uint8_t *place = extend(writer, len);

	if (place && len)
		memcpy(place, bytes, len);
}

void blob_put_u8(struct blob_writer *writer, uint8_t value)
{
	blob_put_bytes(writer, &value, 1);
}

void blob_put_u32(struct blob_writer *writer, uint32_t value)
{
	value = htole32(value);
	blob_put_bytes(writer, &value, sizeof(value));
}

void blob_put_u64(struct blob_writer *writer, uint64_t value)
{
	value = htole64(value);
	blob_put_bytes(writer, &value, sizeof(value));
}

void blob_put_f64(struct blob_writer *writer, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	blob_put_u64(writer, bits);
}

void blob_put_varint(struct blob_writer *writer, uint64_t value)
{
	uint8_t bytes[VARINT_BYTES_MAX];
	size_t n = 0;

	while (value >= 0x80) {
		bytes[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (uint8_t)value;
	blob_put_bytes(writer, bytes, n);
}

void blob_put_text(struct blob_writer *writer, struct text value)
{
	blob_put_varint(writer, value.len);
	blob_put_bytes(writer, value.ptr, value.len);
}

const void *blob_get_bytes(struct blob_reader *reader, size_t len)
{
	const uint8_t *place = reader->ptr;

	if (reader->failed || len > reader->left) {
		reader->failed = true;
		return NULL;
	}
	reader->ptr += len;
	reader->left -= len;
	return place;
}

uint8_t blob_get_u8(struct blob_reader *reader)
{
	const uint8_t *place = blob_get_bytes(reader, 1);

	return place ? *place : 0;
}

uint32_t blob_get_u32(struct blob_reader *reader)
{
	const void *place = blob_get_bytes(reader, sizeof(uint32_t));
	uint32_t value = 0;

	if (place)
		memcpy(&value, place, sizeof(value));
	return le32toh(value);
}

uint64_t blob_get_u64(struct blob_reader *reader)
{
	const void *place = blob_get_bytes(reader, sizeof(uint64_t));
	uint64_t value = 0;

	if (place)
		memcpy(&value, place, sizeof(value));
	return le64toh(value);
}

double blob_get_f64(struct blob_reader *reader)
{
	uint64_t bits = blob_get_u64(reader);
	double value;

	memcpy(&value, &bits, sizeof(value));
	if (!isfinite(value)) {
		reader->failed = true;
		return 0;
	}
	return value;
}

uint64_t blob_get_varint(struct blob_reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = blob_get_u8(reader);

		/* The tenth byte holds one bit. */
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return reader->failed ? 0 : value;
	}
	reader->failed = true;
	return 0;
}

uint64_t blob_get_count(struct blob_reader *reader, uint64_t max)
{
	uint64_t value = blob_get_varint(reader);

	if (value > max) {
		reader->failed = true;
		return 0;
	}
	return value;
}

struct text blob_get_text(struct blob_reader *reader)
{
	uint64_t len = blob_get_count(reader, reader->left);
	const void *place;

	if (len > UINT32_MAX)
		reader->failed = true;
	place = blob_get_bytes(reader, len);
	return place ? (struct text){place, (uint32_t)len} : TEXT_NONE;
}
