/* How times and ids are written for people and read back: RFC 3339 UTC with nanoseconds, 16 hex
 * digits, and a letter with a number ("a42"). Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define TIME_TEXT_BYTES 40 /* with the closing NUL */
#define HEX16_BYTES 17
#define ID_BYTES 24

/* "2026-11-20T12:00:00.123456789Z" from ns since the epoch. Returns out. */
const char *time_print(uint64_t ns, char out[TIME_TEXT_BYTES]);

/* RFC 3339 with any number of fractional digits (past nine are ignored), "Z" or an offset; or a
 * plain number of seconds since the epoch with a fraction. False when it is neither, or lies before
 * 1970 or after 2500. */
bool time_parse(struct text t, uint64_t *ns);

/* 16 hex digits. Returns out. */
const char *hex16_print(uint64_t value, char out[HEX16_BYTES]);
bool hex16_parse(struct text t, uint64_t *value);

/* "a42" from 'a' and 42. Returns out. */
const char *id_print(char letter, uint64_t id, char out[ID_BYTES]);

/* False unless t is letter and a number from 1, without leading zeros. */
bool id_parse(char letter, struct text t, uint64_t *id);
