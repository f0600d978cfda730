/* Captures made byte by byte, for tests of their readers. Nothing here comes from the writer: a
 * mistake in both would not show. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "capture/source.h"

#define BYTES_MAX (1u << 20)

struct scap_bytes {
	uint8_t at[BYTES_MAX];
	uint32_t len;
	uint32_t block; /* where the open block begins */
	uint32_t entry; /* where the open entry begins */
};

void bytes_u8(struct scap_bytes *b, uint8_t v);
void bytes_u16(struct scap_bytes *b, uint16_t v);
void bytes_u32(struct scap_bytes *b, uint32_t v);
void bytes_u64(struct scap_bytes *b, uint64_t v);
void bytes_raw(struct scap_bytes *b, const void *p, uint32_t len);
void bytes_zero(struct scap_bytes *b, uint32_t len);
/* Two bytes of length, then the text; of t with its NULs inside. */
void bytes_text(struct scap_bytes *b, const char *s);
void bytes_text_of(struct scap_bytes *b, struct text t);

void bytes_block(struct scap_bytes *b, uint32_t type);
void bytes_block_end(struct scap_bytes *b);
/* An entry with its length in front, which counts itself or not. */
void bytes_entry(struct scap_bytes *b);
void bytes_entry_end(struct scap_bytes *b, bool counts_itself);

/* A section header, 1.2 without options. */
void bytes_section(struct scap_bytes *b);

/* A stored value: a number of so many bytes, a text with its NUL, bytes as they are. */
struct text value_of(uint64_t number, uint32_t size);
struct text value_text(const char *s);

#define VALUES(...)                                                                                \
	(const struct text[]){__VA_ARGS__},                                                        \
		sizeof((const struct text[]){__VA_ARGS__}) / sizeof(struct text)

struct event_form {
	uint32_t block; /* type of the block */
	uint32_t flags; /* where the block has some */
	uint16_t type;
	uint64_t ts_ns, tid;
};

/* An event block with all its values. */
void bytes_event(struct scap_bytes *b, struct event_form form, const struct text *values, size_t n);
/* The same in today's form. */
void bytes_event_now(struct scap_bytes *b, uint16_t type, uint64_t tid, const struct text *values,
		     size_t n);

/* A file with these bytes, which exists until the next one is made; its name. */
const char *bytes_file(const void *bytes, size_t len);
const char *bytes_gzip_file(const void *bytes, size_t len, size_t members);

/* A source over the bytes; fails the test if there is none. */
struct source *bytes_open(const struct scap_bytes *b);
/* The next event that is no state; NULL at the end. Fails the test on an error. */
const struct event *next_event(struct source *source);
/* The next event of the state: one with task, or with file or sock, or with host. */
const struct event *next_state(struct source *source);
