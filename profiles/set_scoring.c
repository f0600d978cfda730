/* What scoring asks about a sighting. */
#include "profiles/profile_set.h"

#include <math.h>

#include "base/util.h"
#include "profiles/set_private.h"

/* How often start-ups show something new, in epochs: their own rate times how often there is a
 * start-up. Rare start-ups say little, so never less than what the steady streams could claim. */
static double startup_rate_per_epoch(const struct profile *p, unsigned level)
{
	const struct level *l = &p->levels[level];
	double starts_per_epoch = p->baseline->n_starts / (p->baseline->age + 1.0);
	double rate = stream_rate(&l->streams[STARTUP].stream) * starts_per_epoch;

	return fmin(1, fmax(rate, 1 / stream_longest_claim(&l->streams[STEADY].stream)));
}

void profile_stream(const struct sighting *sighting, unsigned level, struct stream_view *out)
{
	const struct profile *p = sighting->profile;
	const struct stream *steady = &p->levels[level].streams[STEADY].stream;

	*out = (struct stream_view){
		.rate_per_epoch = stream_rate(steady),
		.rate_high_per_epoch = stream_rate_high(steady),
		.longest_claim_epochs = stream_longest_claim(steady),
		.age_epochs = steady->age,
		.is_ready = steady->is_ready,
	};
	if (!sighting->is_startup)
		return;
	if (profile_startup_is_ready(p, level)) {
		out->rate_per_epoch = startup_rate_per_epoch(p, level);
	} else {
		/* Until start-ups are known themselves, what they show is no surprise. */
		out->is_ready = false;
		out->rate_per_epoch = out->longest_claim_epochs = 1;
	}
	out->rate_high_per_epoch = fmax(out->rate_per_epoch, out->rate_high_per_epoch);
}

void profile_parent(const struct sighting *sighting, unsigned level, uint32_t *parent_epochs,
		    uint32_t *child_epochs)
{
	const struct profile *p = sighting->profile;
	struct prefix parent;

	*parent_epochs = *child_epochs = 0;
	if (level == 0) {
		*parent_epochs = p->active_epochs;
		*child_epochs = p->child_epochs;
		return;
	}
	/* A sketch does not count children: then nothing is said, and the stream's own rate
	 * stands. */
	if (!profile_find(p, level - 1, sighting->fingerprints[level - 1], p->baseline->epoch,
			  &parent) ||
	    !parent.slot)
		return;
	*parent_epochs = parent.slot->epochs;
	*child_epochs = parent.slot->child_epochs;
}

bool profile_population(const struct sighting *sighting, unsigned level, bool *known,
			double *rate_per_epoch)
{
	const struct profile *p = sighting->profile;
	const struct population *population = p->shared->population;
	struct record_key key = {.n = sighting->n_levels};

	for (unsigned l = 0; l < sighting->n_levels; l++)
		key.fields[l] = sighting->fields[l];
	*rate_per_epoch = 1;
	*known = !population->is_full && population_new_level(population, p, &key) > level;
	if (sighting->is_startup)
		return false;
	return pool_rate(p->baseline->pool, p, level, rate_per_epoch);
}

uint64_t profile_count(const struct sighting *sighting)
{
	const struct profile *p = sighting->profile;
	unsigned leaf = sighting->n_levels - 1u;
	struct prefix prefix;

	if (sighting->n_levels == 0 ||
	    !profile_find(p, leaf, sighting->fingerprints[leaf], p->baseline->epoch, &prefix))
		return 0;
	return prefix.slot ? prefix.slot->events : prefix.events;
}

void profile_view(const struct sighting *sighting, struct profile_view *out)
{
	const struct profile *p = sighting->profile;
	const struct baseline *b = p->baseline;
	const struct level *finest = &p->levels[p->n_levels - 1];
	int ready_level = profile_ready_level(p);

	*out = (struct profile_view){
		.workload = b->workload,
		.dimension = dimension_info(p->dimension)->name,
		.epoch_s = p->shared->epoch_s,
		.active_share = b->share,
		.basis_s = (b->observed + 1.0) * p->shared->epoch_s,
		.coverage = stream_coverage(&finest->streams[STEADY].stream),
		.active_epochs = p->active_epochs,
		.is_ready = ready_level >= 0,
		.ready_level = (int8_t)ready_level,
		.is_estimated = profile_is_estimated(p),
		.false_known = profile_false_known(p),
	};
}

static bool shares_prefix(const struct record_key *key, const struct sighting *s, unsigned n)
{
	if (key->n < n || key->n == 0)
		return false;
	for (unsigned l = 0; l < n; l++) {
		if (!text_equal(key->fields[l], s->fields[l]))
			return false;
	}
	return true;
}

static uint32_t list_usual(const struct sighting *s, unsigned level, uint32_t max,
			   struct record_key keys[], double frequencies[])
{
	const struct profile *p = s->profile;
	uint32_t n = 0;

	for (uint32_t rank = 0; n < max && rank < top_list_count(p->top); rank++) {
		struct top_entry entry;

		top_list_get(p->top, rank, &entry);
		/* What came into a crowded list lately carries the weight of what it displaced. */
		if (entry.error > entry.weight / 2 || !shares_prefix(&entry.key, s, level))
			continue;
		keys[n] = entry.key;
		frequencies[n++] =
			fmin(1, (entry.weight - entry.error) / (double)MAX(p->active_epochs, 1u));
	}
	return n;
}

uint32_t profile_usual(const struct sighting *sighting, unsigned level, uint32_t max,
		       struct record_key keys[], double frequencies[])
{
	uint32_t n = 0;

	if (!sighting->profile->top)
		return 0;
	n = list_usual(sighting, MIN(level, sighting->n_levels), max, keys, frequencies);
	if (n == 0)
		n = list_usual(sighting, 0, max, keys, frequencies);
	return n;
}
