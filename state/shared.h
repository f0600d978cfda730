/* Immutable bytes with a reference count: strings of process images that forks share. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct shared {
	uint32_t refs, len;
	char bytes[];
};

/* A block of len bytes to fill, with one reference; NULL without memory. *bytes_total grows. */
struct shared *shared_alloc(uint32_t len, size_t *bytes_total);

/* A copy of t. */
struct shared *shared_from(struct text t, size_t *bytes_total);

static inline struct shared *shared_ref(struct shared *s)
{
	if (s)
		s->refs++;
	return s;
}

/* Give up one reference and set *s to NULL; *s may be NULL. */
void shared_unref(struct shared **s, size_t *bytes_total);

static inline struct text shared_text(const struct shared *s)
{
	return s ? (struct text){s->bytes, s->len} : TEXT_NONE;
}
