/* How often something at least this strange happens: a tail learned from what has happened.
 *
 * For each of eight thresholds u (in bits) the tail keeps how many episodes reached u and by how
 * much they went beyond it in sum. Arrivals have a Gamma-Poisson rate, excesses an exponential
 * distribution with a Gamma prior, whose predictive is a Lomax (Pareto II) tail; the least of the
 * thresholds' answers counts. Everything is forgotten in proportion to age, like a stream.
 *
 * Formulas and constants: docs/statistics.md, "Incidents". Pure. */
#pragma once

#include <stdbool.h>

#include "anomaly/image.h"

#define TAIL_THRESHOLDS 8

struct tail {
	double reached[TAIL_THRESHOLDS]; /* episodes with at least this many bits */
	double excess[TAIL_THRESHOLDS];  /* sum of their bits above the threshold */
	double exposure;                 /* epochs, forgotten */
	double age;                      /* epochs */
};

/* Let time pass up to age epochs; an age in the past changes nothing. */
void tail_advance(struct tail *tail, double age);

/* An episode of so many bits ended. Values that are not finite are ignored. */
void tail_add(struct tail *tail, double bits);

/* log2 of the return period, in epochs, of an episode of at least so many bits. Never negative. */
double tail_bits(const struct tail *tail, double bits);

void tail_save(const struct tail *tail, struct blob_writer *image);
/* False, and *tail untouched, unless every counter is finite and not negative. */
bool tail_load(struct tail *tail, struct blob_reader *image);
