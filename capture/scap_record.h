/* One event block taken apart: the event's header and its stored values, in every version. */
#pragma once

#include "capture/scap_input.h"
#include "capture/scap_types.h"

enum scap_record_flag {
	SCAP_STATE_ONLY = 1 << 0,
};

struct scap_record {
	uint64_t ts_ns;
	int32_t tid; /* -1: none */
	uint16_t type;
	uint16_t cpu;
	uint32_t flags;               /* enum scap_record_flag */
	const struct scap_type *info; /* NULL: a type beyond the table; it has no values then */
	uint8_t n;                    /* values: what is stored and the table knows */
	struct text values[SCAP_PARAMS_MAX]; /* of length 0: not available */
};

bool scap_is_event_block(uint32_t block_type);

/* 0, or -EBADMSG with *why when lengths do not fit each other. Values point into the block. */
int scap_record_parse(const struct scap_input_block *block, struct scap_record *out,
		      const char **why);
