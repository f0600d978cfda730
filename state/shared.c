#include "state/shared.h"

#include <stdlib.h>

struct shared *shared_alloc(uint32_t len, size_t *bytes_total)
{
	struct shared *s = malloc(sizeof(*s) + len);

	if (!s)
		return NULL;
	s->refs = 1;
	s->len = len;
	*bytes_total += sizeof(*s) + len;
	return s;
}

struct shared *shared_from(struct text t, size_t *bytes_total)
{
	struct shared *s = shared_alloc(t.len, bytes_total);

	if (s && t.len)
		memcpy(s->bytes, t.ptr, t.len);
	return s;
}

void shared_unref(struct shared **s, size_t *bytes_total)
{
	if (*s && --(*s)->refs == 0) {
		*bytes_total -= sizeof(**s) + (*s)->len;
		free(*s);
	}
	*s = NULL;
}
