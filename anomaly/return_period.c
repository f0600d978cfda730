#include "anomaly/return_period.h"

#include <math.h>

#include "base/util.h"

/* Weight, in epochs, of the stream's rate in the parent's own rate. */
#define PARENT_PRIOR_EPOCHS 4.0
/* What others on the host do shortens a return period by this, never by more. */
#define POPULATION_SOFTENING 5.0
#define RATE_MIN 1e-12

/* A rate that is none (zero, negative, not a number) claims nothing. */
static double sane_rate(double rate)
{
	if (!(rate > 0) || rate >= 1)
		return 1;
	return MAX(rate, RATE_MIN);
}

/* -log2 of the parent's own rate of gaining children. At the coarsest level the parent is the whole
 * dimension, which is exposed as long as its stream is, also in epochs without any event. */
static double parent_bits(const struct novelty *n, double rate)
{
	double epochs = n->parent_epochs;
	double children;

	if (n->level == 0)
		epochs = MAX(epochs, (double)n->stream.age_epochs);
	children = MIN((double)n->child_epochs, epochs);
	return -log2((children + PARENT_PRIOR_EPOCHS * rate) / (epochs + PARENT_PRIOR_EPOCHS));
}

/* New to every workload of the pool: the pool's rate, learned from more exposure, may speak of
 * longer times than the workload's own. */
static void lengthen_by_population(double pool_bits, double own_bits, struct claim *out)
{
	double bits;

	if (pool_bits <= out->stream_bits)
		return;
	bits = MIN((pool_bits + out->parent_bits) / 2, pool_bits);
	if (bits <= own_bits)
		return;
	out->bits = bits;
	out->population_factor = exp2(bits - own_bits);
	out->is_capped = false;
}

static void apply_population(const struct novelty *n, struct claim *out)
{
	double own_bits = out->bits;

	out->population_factor = 1;
	if (!n->has_population || out->stream_bits <= 0)
		return;
	if (!n->population_known) {
		double pool_bits = -log2(sane_rate(n->population_rate));

		lengthen_by_population(pool_bits, own_bits, out);
		out->longest_s = MAX(out->longest_s, n->unit_s * exp2(pool_bits));
	} else if (!n->is_never_excused && n->level > 0) {
		out->bits = MAX(0.0, own_bits - log2(POPULATION_SOFTENING));
		out->population_factor = exp2(out->bits - own_bits);
		out->is_capped = false;
	}
}

void return_period_claim(const struct novelty *novelty, struct claim *out)
{
	double rate = sane_rate(novelty->stream.rate_per_epoch);
	double longest_bits = log2(MAX(1.0, novelty->stream.longest_claim_epochs));

	out->stream_bits = -log2(rate);
	out->parent_bits = parent_bits(novelty, rate);
	/* Where each epoch brings something new, or nothing is known yet, no parent speaks up. */
	out->bits = rate < 1 ? MAX(0.0, (out->stream_bits + out->parent_bits) / 2) : 0;
	out->longest_s = novelty->unit_s * exp2(longest_bits);
	out->is_capped = out->bits > longest_bits;
	if (out->is_capped)
		out->bits = longest_bits;

	apply_population(novelty, out);

	out->return_period_s = novelty->unit_s * exp2(out->bits);
	out->longest_s = MIN(out->longest_s, RETURN_PERIOD_MAX_S);
	if (out->return_period_s > RETURN_PERIOD_MAX_S) {
		out->return_period_s = RETURN_PERIOD_MAX_S;
		out->is_capped = true;
	}
}

double return_period_unit_s(const struct profile_view *view, const struct stream_view *stream)
{
	double epoch_s = view->epoch_s > 0 ? view->epoch_s : 1;
	double observed_s = view->basis_s / MAX(1.0, (double)stream->age_epochs);

	if (!(view->active_share > 0) || view->active_share >= 1)
		return epoch_s;
	return MAX(epoch_s, MIN(epoch_s / view->active_share, observed_s));
}
