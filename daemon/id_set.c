#include "daemon/id_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static int grow(struct id_set *set, size_t word)
{
	size_t n = MAX(word + 1, 2 * set->n);
	uint64_t *words = reallocarray(set->words, n, sizeof(*words));

	if (!words)
		return -ENOMEM;
	memset(words + set->n, 0, (n - set->n) * sizeof(*words));
	set->words = words;
	set->n = n;
	return 0;
}

int id_set_add(struct id_set *set, uint64_t id)
{
	size_t word = id / 64;
	uint64_t bit = UINT64_C(1) << (id % 64);

	if (word >= set->n && grow(set, word))
		return -ENOMEM;
	if (set->words[word] & bit)
		return 0;
	set->words[word] |= bit;
	return 1;
}

void id_set_done(struct id_set *set)
{
	free(set->words);
	*set = (struct id_set){0};
}
