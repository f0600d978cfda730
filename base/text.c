#include "base/text.h"

#include <stdlib.h>

#include "base/util.h"

int text_compare(struct text a, struct text b)
{
	uint32_t common = MIN(a.len, b.len);
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	if (order != 0)
		return order < 0 ? -1 : 1;
	return a.len == b.len ? 0 : (a.len < b.len ? -1 : 1);
}

char *text_dup(struct text t)
{
	char *copy = malloc((size_t)t.len + 1);

	if (!copy)
		return NULL;
	if (t.len)
		memcpy(copy, t.ptr, t.len);
	copy[t.len] = '\0';
	return copy;
}
