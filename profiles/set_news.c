#include "profiles/news.h"

#include "base/util.h"
#include "profiles/set_private.h"

static const struct news not_new = {false, NEWS_CERTAIN};

/* A level that is not kept answers nothing; neither do those that were cut with it. */
static bool is_kept(const struct sighting *s, unsigned level)
{
	const struct profile *p = s->profile;
	unsigned at = MIN(level, (unsigned)s->n_levels); /* cut there: off, or a field is missing */

	return at >= p->n_levels || !p->levels[at].is_off;
}

static bool is_waiting(const struct sighting *s, unsigned level)
{
	const struct baseline *b = s->profile->baseline;

	if (level + 1u == s->n_levels)
		return s->is_pending;
	return fp_map_find(&b->prefixes, s->fingerprints[level]) != NULL;
}

static struct news judge(const struct profile_set *set, const struct sighting *s, int32_t level)
{
	unsigned finest = s->profile->n_levels - 1u;
	unsigned wanted = level < 0 ? finest : MIN((unsigned)level, finest);
	bool is_full = s->profile->baseline->held.count >= set->pending.per_workload_max;

	if (!is_kept(s, wanted))
		return (struct news){true, NEWS_COARSENED};
	wanted = MIN(wanted, s->n_levels - 1u);
	if (s->new_level < 0 || (unsigned)s->new_level > wanted || s->is_accepted ||
	    is_waiting(s, wanted))
		return not_new;
	return (struct news){true, is_full ? NEWS_PENDING_FULL : NEWS_CERTAIN};
}

/* It was not looked up, but lists the event's type: would it have shown anything? */
static struct news judge_unseen(const struct profile_set *set, const struct field_context *ctx,
				uint32_t dimension)
{
	struct dimension_key key;

	if (!dimension_observe(dimension_set_get(set->dimensions, dimension), ctx, &key))
		return not_new;
	return (struct news){true, NEWS_UNRESOLVED};
}

struct news profile_news(const struct sightings *sightings, const struct field_context *ctx,
			 uint32_t dimension, int32_t level)
{
	if (!sightings->set)
		return (struct news){true, NEWS_UNKNOWN};
	for (uint32_t i = 0; i < sightings->n; i++) {
		if (sightings->items[i].dimension == dimension)
			return judge(sightings->set, &sightings->items[i], level);
	}
	if (dimension < DIMENSIONS_MAX && (sightings->unjudged >> dimension & 1))
		return judge_unseen(sightings->set, ctx, dimension);
	return not_new;
}
