#include "rules/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/util.h"
#include "rules/seen_table.h"

#define FIRED_MAX 65536
#define OCCURRENCES_MAX 65536
#define IMAGE_MAGIC UINT64_C(0x3164657269666c72) /* "rlfired1" */

#define FIRST_MAX 32 /* rules that fire for the first time with one event */

struct rule_memory {
	uint64_t seed;
	struct seen_table *fired, *occurrences;
	bool is_dirty; /* something fired for the first time since the last image */
	/* what fired for the first time with the present event, by hash; those beyond the room
	 * seem to have fired before */
	bool knows_events; /* rule_memory_begin_event() is called */
	uint32_t n_first;
	uint64_t first[FIRST_MAX];
};

/* Both in the order of the bytes of the file: an image never leaves the host. */
struct image_head {
	uint64_t magic, n, check;
};

int rule_memory_create(struct rule_memory **out, uint64_t seed)
{
	SCOPED(rule_memory_destroy) struct rule_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	memory->seed = seed;
	if (seen_table_create(&memory->fired, FIRED_MAX) ||
	    seen_table_create(&memory->occurrences, OCCURRENCES_MAX))
		return -ENOMEM;
	*out = TAKE(memory);
	return 0;
}

void rule_memory_destroy(struct rule_memory **memory)
{
	struct rule_memory *m = *memory;

	if (!m)
		return;
	seen_table_destroy(&m->fired);
	seen_table_destroy(&m->occurrences);
	free(m);
	*memory = NULL;
}

uint64_t rule_name_hash(struct text name)
{
	return XXH3_64bits(name.ptr, name.len);
}

static uint64_t pair_hash(const struct rule_memory *memory, uint64_t rule, uint64_t workload)
{
	const uint64_t pair[] = {rule, workload};

	return XXH3_64bits_withSeed(pair, sizeof(pair), memory->seed);
}

bool rule_memory_has_fired(const struct rule_memory *memory, uint64_t rule, uint64_t workload)
{
	return seen_table_has(memory->fired, pair_hash(memory, rule, workload));
}

bool rule_memory_had_fired(const struct rule_memory *memory, uint64_t rule, uint64_t workload)
{
	uint64_t hash = pair_hash(memory, rule, workload);

	for (uint32_t i = 0; i < memory->n_first; i++) {
		if (memory->first[i] == hash)
			return false;
	}
	return seen_table_has(memory->fired, hash);
}

void rule_memory_begin_event(struct rule_memory *memory)
{
	memory->knows_events = true;
	memory->n_first = 0;
}

bool rule_memory_fire(struct rule_memory *memory, uint64_t rule, uint64_t workload)
{
	uint64_t hash = pair_hash(memory, rule, workload);
	bool was_seen = seen_table_note(memory->fired, hash);

	if (!was_seen && memory->knows_events && memory->n_first < FIRST_MAX)
		memory->first[memory->n_first++] = hash;
	memory->is_dirty = memory->is_dirty || !was_seen;
	return was_seen;
}

bool rule_memory_note(struct rule_memory *memory, uint64_t rule, uint64_t workload,
		      struct text what)
{
	uint64_t seed = pair_hash(memory, rule, workload);

	return seen_table_note(memory->occurrences, XXH3_64bits_withSeed(what.ptr, what.len, seed));
}

void rule_memory_counters(const struct rule_memory *memory, struct rule_memory_counters *out)
{
	*out = (struct rule_memory_counters){
		.fired = seen_table_size(memory->fired),
		.fired_room = seen_table_room(memory->fired),
		.fired_evicted_total = seen_table_evicted_total(memory->fired),
		.occurrences = seen_table_size(memory->occurrences),
		.occurrences_room = seen_table_room(memory->occurrences),
		.occurrences_evicted_total = seen_table_evicted_total(memory->occurrences),
		.bytes = seen_table_bytes(memory->fired) + seen_table_bytes(memory->occurrences),
	};
}

struct record_blob *rule_memory_image(struct rule_memory *memory)
{
	uint32_t n = seen_table_size(memory->fired);
	size_t size = sizeof(struct image_head) + n * sizeof(uint64_t);
	struct image_head head = {.magic = IMAGE_MAGIC, .n = n};
	SCOPED(free_ptr) char *bytes = NULL;
	struct record_blob *blob;

	if (!memory->is_dirty)
		return NULL;
	bytes = malloc(size);
	blob = bytes ? record_alloc(sizeof(*blob), size) : NULL;
	if (!blob)
		return NULL;
	seen_table_list(memory->fired, (uint64_t *)(void *)(bytes + sizeof(head)), n);
	head.check = XXH3_64bits_withSeed(bytes + sizeof(head), size - sizeof(head), memory->seed);
	memcpy(bytes, &head, sizeof(head));
	blob->bytes = record_text(blob, (struct text){bytes, (uint32_t)size});
	memory->is_dirty = false;
	return blob;
}

int rule_memory_load_image(struct rule_memory *memory, const struct record_blob *blob)
{
	struct image_head head;
	const char *all = blob->bytes.ptr;

	if (blob->bytes.len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, all, sizeof(head));
	all += sizeof(head);
	if (head.magic != IMAGE_MAGIC ||
	    head.n != (blob->bytes.len - sizeof(head)) / sizeof(uint64_t) ||
	    head.n * sizeof(uint64_t) != blob->bytes.len - sizeof(head) ||
	    head.check != XXH3_64bits_withSeed(all, head.n * sizeof(uint64_t), memory->seed))
		return -EBADMSG;
	for (uint64_t i = 0; i < head.n; i++) {
		uint64_t fingerprint;

		memcpy(&fingerprint, all + i * sizeof(fingerprint), sizeof(fingerprint));
		seen_table_note(memory->fired, fingerprint);
	}
	return 0;
}
