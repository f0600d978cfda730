#include "tests/unit/capture/scap_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/scap.h"

void bytes_raw(struct scap_bytes *b, const void *p, uint32_t len)
{
	assert_true(len <= BYTES_MAX - b->len);
	if (len)
		memcpy(b->at + b->len, p, len);
	b->len += len;
}

void bytes_u8(struct scap_bytes *b, uint8_t v)
{
	bytes_raw(b, &v, sizeof(v));
}

void bytes_u16(struct scap_bytes *b, uint16_t v)
{
	bytes_raw(b, &v, sizeof(v));
}

void bytes_u32(struct scap_bytes *b, uint32_t v)
{
	bytes_raw(b, &v, sizeof(v));
}

void bytes_u64(struct scap_bytes *b, uint64_t v)
{
	bytes_raw(b, &v, sizeof(v));
}

void bytes_zero(struct scap_bytes *b, uint32_t len)
{
	while (len--)
		bytes_u8(b, 0);
}

void bytes_text_of(struct scap_bytes *b, struct text t)
{
	bytes_u16(b, (uint16_t)t.len);
	bytes_raw(b, t.ptr, t.len);
}

void bytes_text(struct scap_bytes *b, const char *s)
{
	bytes_text_of(b, text_from(s));
}

void bytes_block(struct scap_bytes *b, uint32_t type)
{
	b->block = b->len;
	bytes_u32(b, type);
	bytes_u32(b, 0);
}

void bytes_block_end(struct scap_bytes *b)
{
	uint32_t len;

	while (b->len % 4)
		bytes_u8(b, 0xee); /* padding may be anything */
	len = b->len + 4 - b->block;
	bytes_u32(b, len);
	memcpy(b->at + b->block + 4, &len, sizeof(len));
}

void bytes_entry(struct scap_bytes *b)
{
	b->entry = b->len;
	bytes_u32(b, 0);
}

void bytes_entry_end(struct scap_bytes *b, bool counts_itself)
{
	uint32_t len = b->len - b->entry - (counts_itself ? 0 : 4);

	memcpy(b->at + b->entry, &len, sizeof(len));
}

void bytes_section(struct scap_bytes *b)
{
	bytes_block(b, 0x0a0d0d0a);
	bytes_u32(b, 0x1a2b3c4d);
	bytes_u16(b, 1);
	bytes_u16(b, 2);
	bytes_u64(b, UINT64_MAX);
	bytes_block_end(b);
}

struct text value_of(uint64_t number, uint32_t size)
{
	static uint64_t room[64];
	static unsigned at;
	uint64_t *to = &room[at++ % ARRAY_SIZE(room)];

	*to = number;
	return (struct text){(const char *)to, size};
}

struct text value_text(const char *s)
{
	return (struct text){s, (uint32_t)strlen(s) + 1};
}

void bytes_event(struct scap_bytes *b, struct event_form form, const struct text *values, size_t n)
{
	bool has_count = form.block == 0x216 || form.block == 0x217 || form.block == 0x221 ||
			 form.block == 0x222;
	bool has_flags = form.block == 0x208 || form.block == 0x217 || form.block == 0x222;
	bool is_large = form.type == 324 || form.type == 322 || form.type == 402;
	uint32_t len = 22 + (has_count ? 4 : 0);

	for (size_t i = 0; i < n; i++)
		len += values[i].len + (is_large ? 4 : 2);
	bytes_block(b, form.block);
	bytes_u16(b, 3); /* CPU */
	if (has_flags)
		bytes_u32(b, form.flags);
	bytes_u64(b, form.ts_ns);
	bytes_u64(b, form.tid);
	bytes_u32(b, len);
	bytes_u16(b, form.type);
	if (has_count)
		bytes_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		if (is_large)
			bytes_u32(b, values[i].len);
		else
			bytes_u16(b, (uint16_t)values[i].len);
	}
	for (size_t i = 0; i < n; i++)
		bytes_raw(b, values[i].ptr, values[i].len);
	bytes_block_end(b);
}

void bytes_event_now(struct scap_bytes *b, uint16_t type, uint64_t tid, const struct text *values,
		     size_t n)
{
	bytes_event(b, (struct event_form){.block = 0x216, .type = type, .ts_ns = 1000, .tid = tid},
		    values, n);
}

static char path[] = "/tmp/ethogram-scap-XXXXXX";

static void remove_file(void)
{
	unlink(path);
}

/* One file for all tests. */
static FILE *begin_file(void)
{
	static bool is_made;

	if (!is_made) {
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		close(fd);
		atexit(remove_file);
		is_made = true;
	}
	return fopen(path, "we");
}

const char *bytes_file(const void *bytes, size_t len)
{
	FILE *file = begin_file();

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	return path;
}

const char *bytes_gzip_file(const void *bytes, size_t len, size_t members)
{
	size_t step = (len + members - 1) / members, at = 0;

	fclose(begin_file());
	for (; at < len; at += step) {
		unsigned n = (unsigned)MIN(step, len - at);
		gzFile gz = gzopen(path, "ab");

		assert_non_null(gz);
		assert_int_equal(gzwrite(gz, (const char *)bytes + at, n), (int)n);
		assert_int_equal(gzclose(gz), Z_OK);
	}
	return path;
}

struct source *bytes_open(const struct scap_bytes *b)
{
	const char *name = bytes_file(b->at, b->len);
	struct source *source = NULL;
	struct diag diag = {0};

	if (scap_source_create(&source, &name, 1, &diag))
		fail_msg("%s", diag.message);
	return source;
}

static const struct event *next(struct source *source)
{
	const struct event *ev = NULL;
	int r = source_next(source, &ev);

	if (r < 0)
		fail_msg("%s", scap_source_diag(source)->message);
	return r ? ev : NULL;
}

const struct event *next_event(struct source *source)
{
	const struct event *ev;

	do {
		ev = next(source);
	} while (ev && ev->num == 0);
	return ev;
}

const struct event *next_state(struct source *source)
{
	const struct event *ev;

	do {
		ev = next(source);
	} while (ev && ev->num != 0);
	return ev;
}
