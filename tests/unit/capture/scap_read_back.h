/* A capture file taken apart for tests, by the format's description alone: nothing of the writer's
 * or the reader's own code is used. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define READ_BACK_BLOCKS_MAX 4096
#define READ_BACK_PARAMS_MAX 64

struct read_back {
	uint8_t *data; /* the file, decompressed */
	uint32_t len;
	uint32_t n_blocks;
	struct {
		uint32_t type, total, body; /* body: offset in data */
	} blocks[READ_BACK_BLOCKS_MAX];
};

struct read_back_event {
	bool is_flagged;
	uint16_t cpu, type;
	uint32_t flags, len, n_params;
	uint64_t ts_ns, tid;
	struct text params[READ_BACK_PARAMS_MAX]; /* values, as stored */
};

/* Fails the test when the file is no row of whole, consistent blocks. */
void read_back_load(struct read_back *out, const char *path);
void read_back_done(struct read_back *file);

/* Block index of the nth block of that type, -1: none. */
int read_back_find(const struct read_back *file, uint32_t type, uint32_t nth);
/* The nth event block of capture type id; fails the test when there is none or it is not whole. */
void read_back_event(const struct read_back *file, uint16_t id, uint32_t nth,
		     struct read_back_event *out);
uint32_t read_back_count(const struct read_back *file, uint16_t id);

uint16_t read_back_u16(const uint8_t *at);
uint32_t read_back_u32(const uint8_t *at);
uint64_t read_back_u64(const uint8_t *at);
/* The value of a parameter as a number of its own width, not sign-extended. */
uint64_t read_back_number(const struct read_back_event *event, uint32_t param);
