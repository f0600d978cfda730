#include "profiles/baseline.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/util.h"

#define GONE_MAX (1u << 20)

/* Nobody without the set's secret can find colliding behaviours, and no workload can use what it
 * learned about the fingerprints of another. */
static uint64_t seed_of(uint64_t set_seed, uint64_t id)
{
	return XXH3_64bits_withSeed(&id, sizeof(id), set_seed);
}

int baseline_create(struct baseline **out, uint64_t id, struct text name, enum workload_kind kind,
		    uint32_t n_dimensions, uint64_t set_seed)
{
	SCOPED(baseline_destroy) struct baseline *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->id = id;
	b->kind = kind;
	b->seed = seed_of(set_seed, id);
	b->share = 1;
	b->name = (struct text){text_dup(name), name.len};
	b->profiles = calloc(MAX(n_dimensions, 1u), sizeof(struct profile *));
	if (!b->name.ptr || !b->profiles)
		return -ENOMEM;
	b->n_profiles = n_dimensions;
	*out = TAKE(b);
	return 0;
}

void baseline_destroy(struct baseline **baseline)
{
	struct baseline *b = *baseline;

	if (!b)
		return;
	for (uint32_t i = 0; b->profiles && i < b->n_profiles; i++)
		profile_destroy(&b->profiles[i]);
	free(b->profiles);
	fp_map_done(&b->held);
	fp_map_done(&b->prefixes);
	free((char *)b->name.ptr);
	free(b->gone);
	free(b);
	*baseline = NULL;
}

uint32_t epoch_of(const struct epoch_clock *clock, uint64_t ts_ns)
{
	return (uint32_t)MIN(ts_ns / clock->epoch_ns, UINT32_MAX);
}

/* Epochs behind the last known one up to epoch (not included) in which it existed: all of them as
 * far as the present stretch of life and the program's own reach. */
static uint32_t idle_epochs(const struct baseline *b, const struct epoch_clock *clock,
			    uint32_t epoch)
{
	uint32_t from = MAX(b->epoch + 1, clock->run_epoch);
	const struct workload *w = b->workload;

	if (w && w->n_live)
		from = MAX(from, epoch_of(clock, w->live_since_ns));
	else if (!b->was_live)
		return 0;
	return epoch > from ? epoch - from : 0;
}

static uint32_t observed_epochs(const struct baseline *b, const struct epoch_clock *clock,
				uint32_t epoch)
{
	uint32_t from = MAX(b->epoch + 1, clock->run_epoch);

	return 1 + (epoch > from ? epoch - from : 0);
}

void baseline_update_share(struct baseline *b, const struct epoch_clock *clock)
{
	b->share = (b->age + 1.0) / (b->observed + 1.0);
	b->ready_epochs = MAX(1.0, clock->ready_return_period_epochs * b->share);
}

/* The first moment of another epoch. */
static void enter_epoch(struct baseline *b, const struct epoch_clock *clock, uint32_t epoch)
{
	b->epoch = epoch;
	b->is_dirty = true;
	baseline_update_share(b, clock);
}

void baseline_exist(struct baseline *b, const struct epoch_clock *clock, uint64_t ts_ns)
{
	b->last_ns = MAX(b->last_ns, ts_ns);
	/* Nearly always the same epoch as before: no division. */
	if (ts_ns >= b->epoch_end_ns) {
		uint32_t epoch = epoch_of(clock, ts_ns);

		if (b->first_ns == 0) {
			b->first_ns = ts_ns;
			enter_epoch(b, clock, epoch);
		} else if (epoch > b->epoch) {
			b->age += 1 + idle_epochs(b, clock, epoch);
			b->observed += observed_epochs(b, clock, epoch);
			enter_epoch(b, clock, epoch);
		}
		b->epoch_end_ns = (b->epoch + UINT64_C(1)) * clock->epoch_ns;
	}
	b->was_live = b->workload && b->workload->n_live > 0;
}

void baseline_exec(struct baseline *b, const struct epoch_clock *clock, uint64_t ts_ns)
{
	if (b->n_starts && ts_ns < b->start_ns + clock->startup_ns)
		return;
	b->n_starts++;
	b->start_ns = ts_ns;
	b->is_dirty = true;
}

void baseline_time_at(const struct baseline *b, const struct epoch_clock *clock, uint64_t now_ns,
		      uint32_t *age, uint32_t *observed)
{
	uint32_t now = epoch_of(clock, now_ns);
	bool is_live = b->workload && b->workload->n_live > 0;

	*age = b->age;
	*observed = b->observed;
	if (now <= b->epoch || clock->run_epoch == 0)
		return;
	*observed += observed_epochs(b, clock, now);
	*age += 1 + (is_live ? idle_epochs(b, clock, now) : 0);
}

void baseline_note_gone(struct baseline *b, uint64_t fingerprint)
{
	b->is_dirty = true;
	if (b->n_gone == b->gone_capacity) {
		uint32_t capacity = b->gone_capacity ? b->gone_capacity * 2 : 32;
		void *grown = NULL;

		if (capacity <= GONE_MAX)
			grown = realloc(b->gone, capacity * sizeof(*b->gone));
		if (!grown) {
			b->needs_image = true;
			return;
		}
		b->gone = grown;
		b->gone_capacity = capacity;
	}
	b->gone[b->n_gone++] = fingerprint;
}
