#include "anomaly/budget.h"

#include <math.h>

#include "anomaly/return_period.h"
#include "base/util.h"

#define DAY_S 86400.0
#define NS_PER_S 1e9

/* Bits by which one report moves the offset, and how far it may go. */
#define OFFSET_STEP 0.05
#define OFFSET_MIN (-4.0)
#define OFFSET_MAX 10.0

/* A record shorter than this says nothing about days; a young one is asked for at most a quarter of
 * its age. */
#define RECORD_MIN_S 3600.0
#define RECORD_SHARE 4.0

/* A longer silence than this between two moments was not observed. */
#define JUMP_MIN_NS UINT64_C(120000000000)

#define SEARCH_STEP_BITS 0.125

/* The shortest claim, in bits above an epoch, that the host's record has seen at most that often.
 * The tail's answer is not monotonous at its thresholds, hence a search and not a bisection. */
static double rarest_wanted(const struct tail *record, double wanted_bits, double bits_max)
{
	for (unsigned step = 0; step * SEARCH_STEP_BITS < bits_max; step++) {
		if (tail_bits(record, step * SEARCH_STEP_BITS) >= wanted_bits)
			return step * SEARCH_STEP_BITS;
	}
	return bits_max;
}

static double implied_threshold_s(const struct budget *budget)
{
	double age_s = budget->record.age * budget->epoch_s;
	double bits_max = log2(RETURN_PERIOD_MAX_S / budget->epoch_s);
	double wanted_s;

	if (age_s < RECORD_MIN_S || !(budget->per_day > 0))
		return 0;
	wanted_s = MIN(DAY_S / budget->per_day, age_s / RECORD_SHARE);
	return budget->epoch_s *
	       exp2(rarest_wanted(&budget->record,
				  log2(wanted_s / budget->epoch_s) + budget->offset_bits,
				  bits_max));
}

static void update_threshold(struct budget *budget)
{
	double implied_s = implied_threshold_s(budget);

	budget->threshold_s = MIN(MAX(budget->min_return_period_s, implied_s), RETURN_PERIOD_MAX_S);
}

void budget_init(struct budget *budget, double per_day, double min_return_period_s, double epoch_s)
{
	*budget = (struct budget){
		.per_day = per_day,
		.min_return_period_s = min_return_period_s,
		.epoch_s = epoch_s > 0 ? epoch_s : 1,
	};
	update_threshold(budget);
}

static void close_epochs(struct budget *budget, uint64_t n_epochs)
{
	double expected = (double)n_epochs * budget->per_day * budget->epoch_s / DAY_S;
	double offset = budget->offset_bits + OFFSET_STEP * (budget->reports - expected);

	budget->offset_bits = fmin(fmax(offset, OFFSET_MIN), OFFSET_MAX);
	budget->reports = 0;
	tail_advance(&budget->record, budget->record.age + (double)n_epochs);
	update_threshold(budget);
}

void budget_advance(struct budget *budget, uint64_t now_ns)
{
	uint64_t epoch_ns = MAX((uint64_t)(budget->epoch_s * NS_PER_S), 1);
	uint64_t jump_ns = MAX(JUMP_MIN_NS, 2 * epoch_ns);
	uint64_t n_epochs;

	if (now_ns <= budget->last_ns)
		return;
	if (!budget->last_ns)
		budget->epoch_start_ns = now_ns;
	else if (now_ns - budget->last_ns > jump_ns)
		budget->epoch_start_ns = now_ns - epoch_ns;
	budget->last_ns = now_ns;

	n_epochs = (now_ns - budget->epoch_start_ns) / epoch_ns;
	if (!n_epochs)
		return;
	budget->epoch_start_ns += n_epochs * epoch_ns;
	close_epochs(budget, n_epochs);
}

void budget_add(struct budget *budget, double return_period_s)
{
	if (return_period_s > budget->epoch_s)
		tail_add(&budget->record, log2(return_period_s / budget->epoch_s));
}

void budget_report(struct budget *budget)
{
	budget->reports++;
}

void budget_save(const struct budget *budget, struct blob_writer *image)
{
	tail_save(&budget->record, image);
	blob_put_f64(image, budget->epoch_s);
	blob_put_f64(image, budget->offset_bits);
	blob_put_u64(image, budget->epoch_start_ns);
	blob_put_u64(image, budget->last_ns);
	blob_put_varint(image, budget->reports);
}

/* A record made with another epoch length counts in other units: it is read past, not taken. */
bool budget_load(struct budget *budget, struct blob_reader *image)
{
	struct budget loaded = *budget;
	double epoch_s;

	if (!tail_load(&loaded.record, image))
		return false;
	epoch_s = blob_get_f64(image);
	loaded.offset_bits = blob_get_f64(image);
	loaded.epoch_start_ns = blob_get_u64(image);
	loaded.last_ns = blob_get_u64(image);
	loaded.reports = (uint32_t)blob_get_count(image, UINT32_MAX);
	if (image->failed || loaded.offset_bits < OFFSET_MIN || loaded.offset_bits > OFFSET_MAX ||
	    loaded.epoch_start_ns > loaded.last_ns)
		return false;
	if (epoch_s != budget->epoch_s)
		return true;
	update_threshold(&loaded);
	*budget = loaded;
	return true;
}
