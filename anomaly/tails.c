#include "anomaly/tails.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

#define SETS 256 /* power of two */
#define WAYS 4   /* a workload's tail is in one of these places of its set */

struct entry {
	uint64_t workload_id;
	uint64_t used; /* clock of the last use; 0 free */
	struct tail tail;
};

struct tails {
	uint64_t clock, evicted_total;
	struct entry sets[SETS][WAYS];
};

int tails_create(struct tails **out)
{
	struct tails *tails = calloc(1, sizeof(*tails));

	if (!tails)
		return -ENOMEM;
	*out = tails;
	return 0;
}

void tails_destroy(struct tails **tails)
{
	free(*tails);
	*tails = NULL;
}

static struct entry *entry_of(struct tails *tails, uint64_t workload_id)
{
	struct entry *set = tails->sets[(workload_id ^ workload_id >> 32) & (SETS - 1)];
	struct entry *oldest = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].used && set[i].workload_id == workload_id)
			return &set[i];
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	tails->evicted_total += oldest->used != 0;
	*oldest = (struct entry){.workload_id = workload_id};
	return oldest;
}

struct tail *tails_get(struct tails *tails, uint64_t workload_id, double age)
{
	struct entry *entry = entry_of(tails, workload_id);

	entry->used = ++tails->clock;
	tail_advance(&entry->tail, age);
	return &entry->tail;
}

uint64_t tails_evicted_total(const struct tails *tails)
{
	return tails->evicted_total;
}

void tails_save(const struct tails *tails, struct blob_writer *image)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < SETS * WAYS; i++)
		n += tails->sets[i / WAYS][i % WAYS].used != 0;
	blob_put_varint(image, n);
	for (uint32_t i = 0; i < SETS * WAYS; i++) {
		const struct entry *entry = &tails->sets[i / WAYS][i % WAYS];

		if (!entry->used)
			continue;
		blob_put_u64(image, entry->workload_id);
		tail_save(&entry->tail, image);
	}
}

bool tails_load(struct tails *tails, struct blob_reader *image)
{
	SCOPED(tails_destroy) struct tails *loaded = NULL;
	uint64_t n = blob_get_count(image, (uint64_t)SETS * WAYS);

	if (tails_create(&loaded))
		return false;
	for (uint64_t i = 0; i < n && !image->failed; i++) {
		struct tail *tail = tails_get(loaded, blob_get_u64(image), 0);

		if (!tail_load(tail, image))
			return false;
	}
	if (image->failed)
		return false;
	*tails = *loaded;
	return true;
}
