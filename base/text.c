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

bool text_matches(struct text pattern, struct text t)
{
	uint32_t p = 0, n = 0, star = UINT32_MAX, resume = 0;

	while (n < t.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			resume = n;
		} else if (p < pattern.len && pattern.ptr[p] == t.ptr[n]) {
			p++;
			n++;
		} else if (star != UINT32_MAX) {
			p = star + 1;
			n = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}
