/* Made-up answers of a pipeline and made-up stored records, for the API's tests. Times are around
 * 2026-11-20T12:00:00Z. */
#pragma once

#include "base/request.h"
#include "storage/store.h"

enum made_up_data {
	MADE_UP_USUAL,
	MADE_UP_EMPTY,   /* a daemon that has just started */
	MADE_UP_HOSTILE, /* strings with every byte, newlines, quotes, escape sequences */
	MADE_UP_LARGE,   /* thousands of everything, a process chain thousands deep */
};

enum made_up_data made_up_by_name(const char *name);

/* Fill in the answer and the result. */
void made_up_answer(struct request *request, enum made_up_data data);

/* Push records; they are committed when this returns. */
void made_up_store(struct writer *writer, enum made_up_data data);

#define MADE_UP_NOW_NS UINT64_C(1795262400000000000)
#define MADE_UP_REDIS UINT64_C(0x0123456789abcdef)
#define MADE_UP_NGINX UINT64_C(0x00000000000000aa)
