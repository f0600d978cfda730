/* One block of a capture file while it is made: u32 type, u32 total length, body, padding to 4,
 * u32 total length; everything little-endian and packed. Blocks are at most SCAP_BLOCK_MAX bytes,
 * which is what every reader takes; what does not fit is not put and marks the block. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define SCAP_BLOCK_MAX 65536

enum scap_block_type {
	SCAP_BLOCK_SECTION = 0x0a0d0d0a,
	SCAP_BLOCK_MACHINE = 0x201,
	SCAP_BLOCK_PROCESSES = 0x215,   /* V9 */
	SCAP_BLOCK_EVENT = 0x216,       /* V2 */
	SCAP_BLOCK_EVENT_FLAGS = 0x217, /* V2 with flags */
	SCAP_BLOCK_FDS = 0x218,         /* V2 */
	SCAP_BLOCK_INTERFACES = 0x219,  /* V2 */
	SCAP_BLOCK_USERS = 0x220,       /* V2 */
};

struct scap_block {
	uint32_t len;
	bool is_full; /* something was refused */
	uint8_t data[SCAP_BLOCK_MAX];
};

void scap_block_begin(struct scap_block *block, uint32_t type);
/* Pad, write both lengths. The block is data[0..len) then. */
void scap_block_end(struct scap_block *block);

/* Bytes that can still be put. */
uint32_t scap_block_room(const struct scap_block *block);

void scap_put_bytes(struct scap_block *block, const void *bytes, uint32_t len);
void scap_put_u8(struct scap_block *block, uint8_t value);
void scap_put_u16(struct scap_block *block, uint16_t value);
void scap_put_u32(struct scap_block *block, uint32_t value);
void scap_put_u64(struct scap_block *block, uint64_t value);
/* u16 length, then the bytes, without NUL. */
void scap_put_text(struct scap_block *block, struct text text);

/* A u32 length in front of an entry: begin gives its place, end writes it. counts_itself: the
 * length includes its own four bytes. */
uint32_t scap_entry_begin(struct scap_block *block);
void scap_entry_end(struct scap_block *block, uint32_t place, bool counts_itself);
/* Take back all that was put since place. */
void scap_entry_undo(struct scap_block *block, uint32_t place);
