#include "anomaly/tail.h"

#include <math.h>

#include "base/util.h"

/* Half-life: a quarter of the age, within these bounds (epochs). */
#define HALF_LIFE_MIN 6.0
#define HALF_LIFE_MAX 4320.0
#define AGE_PER_HALF_LIFE 4.0
#define AGE_SLOW (HALF_LIFE_MIN * AGE_PER_HALF_LIFE)
#define AGE_FAST (HALF_LIFE_MAX * AGE_PER_HALF_LIFE)

/* Priors: arrivals (PRIOR_COUNT in PRIOR_EXPOSURE epochs), excess. */
#define PRIOR_COUNT 0.5
#define PRIOR_EXPOSURE 1.0
#define PRIOR_SHAPE 2.0
#define PRIOR_EXCESS 4.0

static const double thresholds[TAIL_THRESHOLDS] = {2, 5, 8, 12, 16, 20, 26, 32};

/* Forget with a constant half-life from age s to t: what is left, and the exposure gained. */
static void decay_constant(double half_life, double epochs, double *kept, double *gained)
{
	double step = exp2(-1 / half_life);

	*kept = exp2(-epochs / half_life);
	*gained = (1 - *kept) / (1 - step);
}

/* The half-life grows with age: what is left follows a power law, (s/t)^k, k = 4 ln 2. */
static void decay_with_age(double from, double to, double *kept, double *gained)
{
	const double k = AGE_PER_HALF_LIFE * M_LN2;

	*kept = pow(from / to, k);
	*gained = (to - from * *kept) / (k + 1);
}

static void forget(struct tail *tail, double kept, double gained)
{
	for (unsigned j = 0; j < TAIL_THRESHOLDS; j++) {
		tail->reached[j] *= kept;
		tail->excess[j] *= kept;
	}
	tail->exposure = tail->exposure * kept + gained;
}

void tail_advance(struct tail *tail, double age)
{
	while (tail->age < age) {
		double to, kept, gained;

		if (tail->age < AGE_SLOW) {
			to = MIN(age, AGE_SLOW);
			decay_constant(HALF_LIFE_MIN, to - tail->age, &kept, &gained);
		} else if (tail->age < AGE_FAST) {
			to = MIN(age, AGE_FAST);
			decay_with_age(tail->age, to, &kept, &gained);
		} else {
			to = age;
			decay_constant(HALF_LIFE_MAX, to - tail->age, &kept, &gained);
		}
		forget(tail, kept, gained);
		tail->age = to;
	}
}

void tail_add(struct tail *tail, double bits)
{
	if (!isfinite(bits))
		return;
	for (unsigned j = 0; j < TAIL_THRESHOLDS && bits >= thresholds[j]; j++) {
		tail->reached[j]++;
		tail->excess[j] += bits - thresholds[j];
	}
}

static double arrival_bits(const struct tail *tail, unsigned j)
{
	double rate = (tail->reached[j] + PRIOR_COUNT) / (tail->exposure + PRIOR_EXPOSURE);

	return -log2(MIN(1.0, rate));
}

/* Rarity of going beyond threshold j (Lomax predictive; Pickands 1975, Davison & Smith 1990). */
static double excess_bits(const struct tail *tail, unsigned j, double excess)
{
	double scale = PRIOR_EXCESS + tail->excess[j];

	return (PRIOR_SHAPE + tail->reached[j]) * log2((scale + excess) / scale);
}

double tail_bits(const struct tail *tail, double bits)
{
	double least;

	if (!(bits > 0))
		return 0;
	least = arrival_bits(tail, 0);
	if (bits < thresholds[0])
		return MIN(bits, least);

	least = INFINITY;
	for (unsigned j = 0; j < TAIL_THRESHOLDS && bits >= thresholds[j]; j++)
		least = fmin(least,
			     arrival_bits(tail, j) + excess_bits(tail, j, bits - thresholds[j]));
	return least;
}

void tail_save(const struct tail *tail, struct blob_writer *image)
{
	for (unsigned j = 0; j < TAIL_THRESHOLDS; j++) {
		blob_put_f64(image, tail->reached[j]);
		blob_put_f64(image, tail->excess[j]);
	}
	blob_put_f64(image, tail->exposure);
	blob_put_f64(image, tail->age);
}

/* A counter no honest image can exceed: an epoch a second for 30,000 years. */
#define COUNTER_MAX 1e12

static double get_counter(struct blob_reader *image)
{
	double value = blob_get_f64(image);

	if (value >= 0 && value <= COUNTER_MAX)
		return value;
	image->failed = true;
	return 0;
}

bool tail_load(struct tail *tail, struct blob_reader *image)
{
	struct tail loaded;

	for (unsigned j = 0; j < TAIL_THRESHOLDS; j++) {
		loaded.reached[j] = get_counter(image);
		loaded.excess[j] = get_counter(image);
	}
	loaded.exposure = get_counter(image);
	loaded.age = get_counter(image);
	if (image->failed)
		return false;
	*tail = loaded;
	return true;
}
