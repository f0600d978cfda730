#include "capture/rings.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

/* The consumer's position is shown to the producer after this many records, or when a ring is
 * empty: each time costs the producer a cache miss. */
#define PUBLISH_EVERY 64

/* A store of the producer's may reach us later than its reading of the clock; by this much at the
 * most, by a wide margin. */
#define MARGIN_NS 20000

struct ring {
	struct wire_ring *shared;
	const char *data;
	uint64_t head;    /* as last seen */
	uint64_t tail;    /* taken up to here, of which `unpublished` records are not yet shown */
	uint64_t next_ns; /* time of the oldest record, UINT64_MAX when there is none */
	uint32_t unpublished;
};

struct rings {
	uint64_t mask;
	uint32_t n;
	uint32_t fill;
	uint64_t watermark_ns; /* nothing older can still come */
	uint64_t last_ns;      /* of the newest record taken */
	uint64_t corrupt_total;
	struct ring *first; /* whose record is the oldest until others_ns, NULL: look at all */
	uint64_t others_ns;
	struct ring *borrowed; /* whose oldest record was given out, NULL none */
	uint32_t borrowed_len;
	struct ring rings[];
};

int rings_create(struct rings **out, const struct rings_config *config)
{
	struct rings *rings = calloc(1, sizeof(*rings) + config->n_cpus * sizeof(rings->rings[0]));

	if (!rings)
		return -ENOMEM;
	rings->mask = config->ring_bytes - 1;
	rings->n = config->n_cpus;
	for (uint32_t i = 0; i < rings->n; i++) {
		struct ring *ring = &rings->rings[i];

		ring->shared = (struct wire_ring *)((char *)config->memory + i * config->stride);
		ring->data = (const char *)ring->shared + WIRE_RING_HEAD_BYTES;
		ring->next_ns = UINT64_MAX;
	}
	*out = rings;
	return 0;
}

void rings_destroy(struct rings **rings)
{
	free(*rings);
	*rings = NULL;
}

static const struct wire_header *oldest(const struct rings *rings, const struct ring *ring)
{
	return (const struct wire_header *)(ring->data + (ring->tail & rings->mask));
}

static void publish(struct ring *ring)
{
	__atomic_store_n(&ring->shared->tail, ring->tail, __ATOMIC_RELEASE);
	ring->unpublished = 0;
}

/* Look at the oldest record. What lies in the ring was written by our own programs; still, a
 * length that cannot be makes everything there worthless. */
static void peek(struct rings *rings, struct ring *ring)
{
	const struct wire_header *header = oldest(rings, ring);
	uint64_t available = ring->head - ring->tail;

	ring->next_ns = UINT64_MAX;
	if (available == 0)
		return;
	if (available > rings->mask + 1 || header->len < WIRE_HEADER_BYTES || header->len % 8 ||
	    header->len > WIRE_RECORD_MAX || header->len > available) {
		rings->corrupt_total++;
		ring->tail = ring->head;
		publish(ring);
		return;
	}
	ring->next_ns = header->boot_ns;
}

bool rings_refresh(struct rings *rings, uint64_t now_ns)
{
	uint64_t watermark = now_ns > MARGIN_NS ? now_ns - MARGIN_NS : 0;
	uint64_t used_max = 0;
	bool any = false;

	/* Order matters: the clock (the caller), then who is at work, then what is done. A record
	 * begun after the clock was read is newer than it; one at work holds the watermark back. */
	for (uint32_t i = 0; i < rings->n; i++) {
		uint64_t busy =
			__atomic_load_n(&rings->rings[i].shared->busy_since, __ATOMIC_ACQUIRE);

		if (busy == 1)
			watermark = MIN(watermark, rings->watermark_ns);
		else if (busy)
			watermark = MIN(watermark, busy);
	}
	rings->first = NULL;
	for (uint32_t i = 0; i < rings->n; i++) {
		struct ring *ring = &rings->rings[i];
		uint64_t head = __atomic_load_n(&ring->shared->head, __ATOMIC_ACQUIRE);

		if (head != ring->head) {
			ring->head = head;
			if (ring->next_ns == UINT64_MAX)
				peek(rings, ring);
		}
		if (ring->unpublished && ring->next_ns == UINT64_MAX)
			publish(ring);
		used_max = MAX(used_max, ring->head - ring->tail);
		any |= ring->next_ns != UINT64_MAX;
	}
	rings->watermark_ns = MAX(rings->watermark_ns, watermark);
	rings->fill = (uint32_t)(used_max * 1024 / (rings->mask + 1));
	return any;
}

/* Give back the record that was given out. */
static void release(struct rings *rings)
{
	struct ring *ring = rings->borrowed;

	if (!ring)
		return;
	rings->borrowed = NULL;
	ring->tail += rings->borrowed_len;
	if (++ring->unpublished >= PUBLISH_EVERY)
		publish(ring);
	peek(rings, ring);
}

/* The ring with the oldest record. Until the next refresh the other rings stand still, so it is
 * looked for again only when it has passed the oldest of theirs. */
static struct ring *find_first(struct rings *rings)
{
	struct ring *first = rings->first;

	if (first && first->next_ns <= rings->others_ns)
		return first;
	first = &rings->rings[0];
	rings->others_ns = UINT64_MAX;
	for (uint32_t i = 1; i < rings->n; i++) {
		struct ring *ring = &rings->rings[i];

		if (ring->next_ns < first->next_ns) {
			rings->others_ns = first->next_ns;
			first = ring;
		} else {
			rings->others_ns = MIN(rings->others_ns, ring->next_ns);
		}
	}
	rings->first = first;
	return first;
}

const struct wire_header *rings_next(struct rings *rings, uint64_t until_ns, bool *is_late)
{
	struct ring *first;

	release(rings);
	first = find_first(rings);
	if (first->next_ns >= until_ns || first->next_ns > rings->watermark_ns)
		return NULL;
	rings->borrowed = first;
	rings->borrowed_len = oldest(rings, first)->len;
	*is_late = first->next_ns < rings->last_ns;
	rings->last_ns = MAX(rings->last_ns, first->next_ns);
	return oldest(rings, first);
}

uint64_t rings_watermark(const struct rings *rings)
{
	return rings->watermark_ns;
}

uint64_t rings_lost_total(const struct rings *rings)
{
	uint64_t total = rings->corrupt_total;

	for (uint32_t i = 0; i < rings->n; i++)
		total += __atomic_load_n(&rings->rings[i].shared->lost_total, __ATOMIC_RELAXED);
	return total;
}

uint32_t rings_fill(const struct rings *rings)
{
	return rings->fill;
}

bool rings_have_more(const struct rings *rings)
{
	for (uint32_t i = 0; i < rings->n; i++) {
		const struct ring *ring = &rings->rings[i];

		if (__atomic_load_n(&ring->shared->head, __ATOMIC_RELAXED) != ring->tail)
			return true;
	}
	return false;
}

void rings_arm(struct rings *rings, bool is_armed)
{
	for (uint32_t i = 0; i < rings->n; i++)
		__atomic_store_n(&rings->rings[i].shared->armed, is_armed, __ATOMIC_SEQ_CST);
}

const struct wire_ring *rings_head_of(const struct rings *rings, uint32_t cpu)
{
	return rings->rings[cpu].shared;
}

uint64_t rings_corrupt_total(const struct rings *rings)
{
	return rings->corrupt_total;
}
