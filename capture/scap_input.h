/* A capture file as a sequence of blocks; plain or gzip, also of several members. Nothing is known
 * here of what the blocks mean. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

#define SCAP_SECTION_TYPE UINT32_C(0x0a0d0d0a)
#define SCAP_INPUT_BLOCK_MAX (UINT32_C(256) << 20)

struct scap_input;

struct scap_input_block {
	uint32_t type;
	uint32_t len;        /* of body */
	const uint8_t *body; /* valid until the next scap_input_next() */
	uint64_t offset;     /* of the block, in the file as unpacked */
	bool trailer_agrees; /* the length behind the body is that before it */
};

/* 0, or -errno with diag. */
int scap_input_open(struct scap_input **out, const char *path, struct diag *diag);
void scap_input_close(struct scap_input **file);

/* 1: *out is the next block. 0: the file ends, at the end of a block. -EBADMSG: it is cut short or
 * no sequence of blocks; -errno: it cannot be read. Then diag says where and why, and the file
 * gives nothing more. */
int scap_input_next(struct scap_input *file, struct scap_input_block *out, struct diag *diag);
