/* Reading packed little-endian values out of bytes that nobody vouches for: what is not there reads
 * as zero and leaves the cursor short for good. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

struct scap_cursor {
	const uint8_t *at, *end;
	bool is_short; /* something was asked for that is not there */
};

static inline struct scap_cursor cursor_over(const void *bytes, uint32_t len)
{
	return (struct scap_cursor){bytes, (const uint8_t *)bytes + len, false};
}

static inline uint32_t cursor_left(const struct scap_cursor *c)
{
	return (uint32_t)(c->end - c->at);
}

/* NULL: not there. */
static inline const uint8_t *cursor_take(struct scap_cursor *c, uint32_t len)
{
	const uint8_t *bytes = c->at;

	if (len > cursor_left(c)) {
		c->is_short = true;
		c->at = c->end;
		return NULL;
	}
	c->at += len;
	return bytes;
}

/* At most 8 bytes. */
static inline uint64_t cursor_number(struct scap_cursor *c, uint32_t len)
{
	const uint8_t *bytes = cursor_take(c, len);
	uint64_t value = 0;

	if (bytes)
		memcpy(&value, bytes, len);
	return value;
}

static inline uint8_t cursor_u8(struct scap_cursor *c)
{
	return (uint8_t)cursor_number(c, 1);
}

static inline uint16_t cursor_u16(struct scap_cursor *c)
{
	return (uint16_t)cursor_number(c, 2);
}

static inline uint32_t cursor_u32(struct scap_cursor *c)
{
	return (uint32_t)cursor_number(c, 4);
}

static inline uint64_t cursor_u64(struct scap_cursor *c)
{
	return cursor_number(c, 8);
}

static inline struct text cursor_text(struct scap_cursor *c, uint32_t len)
{
	const uint8_t *bytes = cursor_take(c, len);

	return bytes ? (struct text){(const char *)bytes, len} : TEXT_NONE;
}

/* A text behind its length in two bytes. */
static inline struct text cursor_text16(struct scap_cursor *c)
{
	return cursor_text(c, cursor_u16(c));
}
