/* A stream of discovery whose latest marks can be taken back: what turned up is marked at once, so
 * that the forecast of the next epoch knows of it, and withdrawn when the behaviour turns out to
 * be suspicious: else alarms would teach tolerance.
 *
 * A stream is linear in its marks, so what a mark is worth today is what a stream with that mark
 * alone would hold. Marks are remembered for the last DISCOVERY_RECENT units that had any; an older
 * one stays for good, which errs towards a higher rate, that is towards silence. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "profiles/blob.h"
#include "profiles/stream.h"

#define DISCOVERY_RECENT 8

struct discovery {
	struct stream stream;
	struct {
		uint32_t unit; /* the stream's age at that moment */
		uint32_t n;    /* marks not withdrawn */
	} recent[DISCOVERY_RECENT];
	uint8_t at; /* the latest of recent */
};

void discovery_init(struct discovery *d, unsigned level);

/* Something new turned up in the open unit. Gives the unit, for discovery_withdraw(). */
uint32_t discovery_mark(struct discovery *d);

/* Take one mark of unit back. False: too long ago, it stays. */
bool discovery_withdraw(struct discovery *d, uint32_t unit);

void discovery_write(const struct discovery *d, struct blob_writer *writer);
/* 0 or -EBADMSG (then *out is untouched). */
int discovery_read(struct discovery *out, struct blob_reader *reader);
