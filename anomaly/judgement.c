#include "anomaly/judgement.h"

#include <math.h>

#include "base/util.h"

static bool is_judged(const struct sighting *s)
{
	return s->new_level >= 0 && s->new_level < s->n_levels && !s->is_accepted &&
	       s->n_levels <= RECORD_LEVELS_MAX;
}

bool judgement_make(const struct sighting *sighting, struct judgement *out)
{
	struct novelty *n = &out->novelty;

	if (!is_judged(sighting))
		return false;
	profile_view(sighting, &out->view);
	if (!out->view.workload || out->view.workload->kind == WORKLOAD_UNRESOLVED)
		return false;

	*n = (struct novelty){.level = (uint32_t)sighting->new_level};
	profile_stream(sighting, n->level, &n->stream);
	profile_parent(sighting, n->level, &n->parent_epochs, &n->child_epochs);
	n->has_population =
		profile_population(sighting, n->level, &n->population_known, &n->population_rate);
	n->is_never_excused = text_equal(out->view.dimension, TEXT("privilege"));
	n->unit_s = return_period_unit_s(&out->view, &n->stream);
	return_period_claim(n, &out->claim);
	return true;
}

uint8_t judgement_levels(const struct judgement *judgement, const struct sighting *sighting,
			 struct record_level levels[RECORD_LEVELS_MAX])
{
	uint8_t n = MIN(sighting->n_levels, RECORD_LEVELS_MAX);

	for (uint8_t l = 0; l < n; l++) {
		struct stream_view stream;
		double rate, unit_s = judgement->novelty.unit_s;

		profile_stream(sighting, l, &stream);
		rate = fmin(fmax(stream.rate_per_epoch, 1e-12), 1);
		levels[l] = (struct record_level){
			.known = l < sighting->new_level,
			.discovery_rate_per_s = rate / unit_s,
			.bits = l < sighting->new_level ? 0 : -log2(rate),
			.return_period_s = fmin(unit_s / rate, RETURN_PERIOD_MAX_S),
		};
	}
	return n;
}
