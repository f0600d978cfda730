/* How long a return period must be to be worth an alarm: never less than min_return_period_s, and
 * on a host where that would tell more than budget_per_day, longer. What the host's own record of
 * episodes implies is corrected by an offset, fed back from what was really reported.
 *
 * Formulas and constants: docs/statistics.md, "Budget". Pure; time comes in as now_ns. */
#pragma once

#include <stdint.h>

#include "anomaly/image.h"
#include "anomaly/tail.h"

struct budget {
	double per_day, min_return_period_s, epoch_s;
	struct tail record; /* of the host's episodes; bits = log2 of their claim in epochs */
	double offset_bits;
	uint64_t epoch_start_ns, last_ns; /* 0: time has not begun */
	uint32_t reports;                 /* in this epoch */
	double threshold_s;
};

void budget_init(struct budget *budget, double per_day, double min_return_period_s, double epoch_s);

/* Let time pass. A jump (downtime, a gap in a capture) counts as one epoch at most. */
void budget_advance(struct budget *budget, uint64_t now_ns);

/* An episode ended whose longest claim was return_period_s. */
void budget_add(struct budget *budget, double return_period_s);

/* An incident passed the threshold and was reported. */
void budget_report(struct budget *budget);

static inline double budget_threshold_s(const struct budget *budget)
{
	return budget->threshold_s;
}

void budget_save(const struct budget *budget, struct blob_writer *image);
/* False, and *budget untouched, on a bad image. */
bool budget_load(struct budget *budget, struct blob_reader *image);
