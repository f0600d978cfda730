#include "capture/scap_block.h"

#include <assert.h>
#include <endian.h>

#define TRAILER_BYTES 4
#define PADDING_MAX 3

static void set_u32(struct scap_block *block, uint32_t place, uint32_t value)
{
	uint32_t little = htole32(value);

	memcpy(block->data + place, &little, sizeof(little));
}

void scap_block_begin(struct scap_block *block, uint32_t type)
{
	block->len = 8;
	block->is_full = false;
	set_u32(block, 0, type);
}

void scap_block_end(struct scap_block *block)
{
	while (block->len % 4)
		block->data[block->len++] = 0;
	block->len += TRAILER_BYTES;
	assert(block->len <= SCAP_BLOCK_MAX);
	set_u32(block, 4, block->len);
	set_u32(block, block->len - TRAILER_BYTES, block->len);
}

uint32_t scap_block_room(const struct scap_block *block)
{
	return SCAP_BLOCK_MAX - TRAILER_BYTES - PADDING_MAX - block->len;
}

void scap_put_bytes(struct scap_block *block, const void *bytes, uint32_t len)
{
	if (len > scap_block_room(block)) {
		block->is_full = true;
		return;
	}
	if (len)
		memcpy(block->data + block->len, bytes, len);
	block->len += len;
}

void scap_put_u8(struct scap_block *block, uint8_t value)
{
	scap_put_bytes(block, &value, sizeof(value));
}

void scap_put_u16(struct scap_block *block, uint16_t value)
{
	uint16_t little = htole16(value);

	scap_put_bytes(block, &little, sizeof(little));
}

void scap_put_u32(struct scap_block *block, uint32_t value)
{
	uint32_t little = htole32(value);

	scap_put_bytes(block, &little, sizeof(little));
}

void scap_put_u64(struct scap_block *block, uint64_t value)
{
	uint64_t little = htole64(value);

	scap_put_bytes(block, &little, sizeof(little));
}

void scap_put_text(struct scap_block *block, struct text text)
{
	assert(text.len <= UINT16_MAX);
	scap_put_u16(block, (uint16_t)text.len);
	scap_put_bytes(block, text.ptr, text.len);
}

uint32_t scap_entry_begin(struct scap_block *block)
{
	uint32_t place = block->len;

	scap_put_u32(block, 0);
	return place;
}

void scap_entry_end(struct scap_block *block, uint32_t place, bool counts_itself)
{
	if (!block->is_full)
		set_u32(block, place, block->len - place - (counts_itself ? 0 : 4));
}

void scap_entry_undo(struct scap_block *block, uint32_t place)
{
	block->len = place;
	block->is_full = false;
}
