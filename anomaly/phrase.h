/* Sentences in a buffer of fixed size: what does not fit is cut. Texts may hold any byte. Any
 * thread. */
#pragma once

#include <stdint.h>

#include "base/records.h"
#include "base/text.h"

struct phrase {
	char *bytes;
	uint32_t len, size;
};

#define PHRASE(buffer) ((struct phrase){(buffer), 0, sizeof(buffer)})

static inline struct text phrase_result(const struct phrase *phrase)
{
	return (struct text){phrase->bytes, phrase->len};
}

void phrase_text(struct phrase *phrase, struct text text);
/* A text of at most max bytes, with "..." where it was cut. */
void phrase_short(struct phrase *phrase, struct text text, uint32_t max);
void phrase_printf(struct phrase *phrase, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "40 s", "12 min", "3 h", "12 days", "2.5 years". */
void phrase_duration(struct phrase *phrase, double seconds);

/* The first n fields of a key, with " > " between them. */
void phrase_key(struct phrase *phrase, const struct text *fields, uint32_t n, uint32_t field_max);

/* The part of a workload's name that people say: "redis-server.service" of
 * "unit:redis-server.service". Borrowed. */
struct text plain_workload_name(struct text workload);
