/* A small generator for property tests: xoshiro256** is overkill, splitmix64 (Steele et al., OOPSLA
 * 2014) is enough and gives the same numbers on every machine. */
#pragma once

#include <math.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* In [0, 1). */
static inline double random_unit(uint64_t *state)
{
	return (double)(random_next(state) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Rank 1, 2, ... with probability about rank^-exponent (exponent > 1), up to max: inverse of the
 * continuous power law. */
static inline uint64_t random_zipf(uint64_t *state, double exponent, uint64_t max)
{
	double u = 1 - random_unit(state);
	double span = 1 - pow((double)max + 1, 1 - exponent);
	double rank = pow(1 - (1 - u) * span, 1 / (1 - exponent));

	return rank >= (double)max ? max : (uint64_t)rank;
}
