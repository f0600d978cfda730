/* Records of the BPF programs become events. Texts and facts of an event live in the decoder until
 * the next one. Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"
#include "capture/wire.h"

#define DECODE_TEXT_BYTES (128 * 1024) /* texts of one event */

/* A record taken apart; everything was checked to lie inside it. */
struct record {
	const struct wire_header *header;
	const struct wire_section *sections[WIRE_SEC_END];
	const struct wire_section *cgroups[WIRE_HIERARCHIES_MAX];
	uint32_t n_cgroups;
};

struct call_row;

struct decoder {
	struct event event;
	struct file_facts file;
	struct sock_facts sock;
	struct task_facts task;
	uint16_t types[2][WIRE_NR_END]; /* enum event_type by number, 64-bit and 32-bit */
	uint16_t codes[2][WIRE_NR_END]; /* capture format's code */
	const struct call_row *calls[EVENT_TYPE_END]; /* by type; NULL: made by no call */
	uint32_t page_kb;
	uint64_t real_offset_ns; /* for times in parameters that are since the epoch */
	uint64_t args[6];
	uint32_t text_used;
	char text[DECODE_TEXT_BYTES];
};

void decoder_init(struct decoder *d);

/* Take apart `len` bytes at `data`. 0, or -EBADMSG when they are no record. */
int record_parse(struct record *out, const void *data, uint32_t len);

/* Fill d->event from the record, but for its number and epoch time. The event's type is set first.
 * 0, or -EBADMSG when the record says nothing (counted by the caller). */
int decode_record(struct decoder *d, const struct record *record);

/* The type of event that a record becomes. */
enum event_type decode_type(const struct decoder *d, const struct wire_header *header);
