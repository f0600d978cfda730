#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "scap_read_back.h"

#define FILE_MAX (64u << 20)
#define EVENT 0x216
#define EVENT_FLAGS 0x217

uint16_t read_back_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t read_back_u32(const uint8_t *at)
{
	return read_back_u16(at) | (uint32_t)read_back_u16(at + 2) << 16;
}

uint64_t read_back_u64(const uint8_t *at)
{
	return read_back_u32(at) | (uint64_t)read_back_u32(at + 4) << 32;
}

static void read_whole(struct read_back *out, const char *path)
{
	gzFile file = gzopen(path, "rb");
	int n;

	assert_non_null(file);
	out->data = malloc(FILE_MAX);
	assert_non_null(out->data);
	while ((n = gzread(file, out->data + out->len, FILE_MAX - out->len)) > 0)
		out->len += (uint32_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(gzclose(file), Z_OK);
}

void read_back_load(struct read_back *out, const char *path)
{
	memset(out, 0, sizeof(*out));
	read_whole(out, path);
	for (uint32_t at = 0; at < out->len;) {
		uint32_t total;

		assert_in_range(out->len - at, 12, FILE_MAX);
		total = read_back_u32(out->data + at + 4);
		assert_int_equal(total % 4, 0);
		assert_in_range(total, 12, 65536);
		assert_true(total <= out->len - at);
		assert_int_equal(read_back_u32(out->data + at + total - 4), total);
		assert_true(out->n_blocks < READ_BACK_BLOCKS_MAX);
		out->blocks[out->n_blocks].type = read_back_u32(out->data + at);
		out->blocks[out->n_blocks].total = total;
		out->blocks[out->n_blocks++].body = at + 8;
		at += total;
	}
}

void read_back_done(struct read_back *file)
{
	free(file->data);
	file->data = NULL;
}

int read_back_find(const struct read_back *file, uint32_t type, uint32_t nth)
{
	for (uint32_t i = 0; i < file->n_blocks; i++) {
		if (file->blocks[i].type == type && nth-- == 0)
			return (int)i;
	}
	return -1;
}

static bool is_event(const struct read_back *file, uint32_t block)
{
	return file->blocks[block].type == EVENT || file->blocks[block].type == EVENT_FLAGS;
}

static void take_event(const struct read_back *file, uint32_t block, struct read_back_event *out)
{
	const uint8_t *at = file->data + file->blocks[block].body;
	uint32_t size = file->blocks[block].total - 12, head = 2, used;

	out->is_flagged = file->blocks[block].type == EVENT_FLAGS;
	out->cpu = read_back_u16(at);
	out->flags = out->is_flagged ? read_back_u32(at + 2) : 0;
	head += out->is_flagged ? 4 : 0;
	at += head;
	out->ts_ns = read_back_u64(at);
	out->tid = read_back_u64(at + 8);
	out->len = read_back_u32(at + 16);
	out->type = read_back_u16(at + 20);
	out->n_params = read_back_u32(at + 22);
	assert_in_range(out->n_params, 0, READ_BACK_PARAMS_MAX);
	used = 26 + 2 * out->n_params;
	for (uint32_t i = 0; i < out->n_params; i++) {
		uint16_t len = read_back_u16(at + 26 + 2 * i);

		out->params[i] = (struct text){(const char *)at + used, len};
		used += len;
	}
	assert_int_equal(out->len, used);
	assert_in_range(size - head - used, 0, 3); /* padding */
}

static uint16_t type_of(const struct read_back *file, uint32_t block)
{
	uint32_t head = file->blocks[block].type == EVENT_FLAGS ? 6 : 2;

	return read_back_u16(file->data + file->blocks[block].body + head + 20);
}

uint32_t read_back_count(const struct read_back *file, uint16_t id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < file->n_blocks; i++)
		n += is_event(file, i) && type_of(file, i) == id;
	return n;
}

void read_back_event(const struct read_back *file, uint16_t id, uint32_t nth,
		     struct read_back_event *out)
{
	for (uint32_t i = 0; i < file->n_blocks; i++) {
		if (is_event(file, i) && type_of(file, i) == id && nth-- == 0) {
			take_event(file, i, out);
			return;
		}
	}
	fail_msg("no event of type %u", id);
}

uint64_t read_back_number(const struct read_back_event *event, uint32_t param)
{
	uint64_t value = 0;

	assert_true(param < event->n_params);
	assert_in_range(event->params[param].len, 1, 8);
	for (uint32_t i = 0; i < event->params[param].len; i++)
		value |= (uint64_t)(uint8_t)event->params[param].ptr[i] << 8 * i;
	return value;
}
