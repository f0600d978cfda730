#include "profiles/hyperloglog.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/util.h"

#define IMAGE_VERSION 1

struct hyperloglog {
	uint64_t seed;
	uint32_t precision;
	uint8_t registers[]; /* 2^precision: longest run of leading zeros seen, plus one */
};

static size_t n_registers(const struct hyperloglog *hll)
{
	return (size_t)1 << hll->precision;
}

int hyperloglog_create(struct hyperloglog **out, unsigned precision, uint64_t seed)
{
	struct hyperloglog *hll;

	if (precision < HYPERLOGLOG_PRECISION_MIN || precision > HYPERLOGLOG_PRECISION_MAX)
		return -EINVAL;
	hll = calloc(1, sizeof(*hll) + ((size_t)1 << precision));
	if (!hll)
		return -ENOMEM;
	hll->seed = seed;
	hll->precision = precision;
	*out = hll;
	return 0;
}

void hyperloglog_destroy(struct hyperloglog **hll)
{
	free(*hll);
	*hll = NULL;
}

void hyperloglog_add(struct hyperloglog *hll, uint64_t key)
{
	uint64_t hash = XXH3_64bits_withSeed(&key, sizeof(key), hll->seed);
	size_t index = hash >> (64 - hll->precision);
	/* The bit below keeps the count finite: at most 64 - precision + 1. */
	uint64_t rest = hash << hll->precision | UINT64_C(1) << (hll->precision - 1);
	uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);

	hll->registers[index] = MAX(hll->registers[index], rank);
}

/* Ertl 2017, algorithm 5: sigma and tau take the place of bias tables for registers at the two
 * ends of their range. */
static double sigma(double x)
{
	double y = 1, z = x, before;

	if (x == 1)
		return INFINITY;
	do {
		before = z;
		x *= x;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

static double tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x == 0 || x == 1)
		return 0;
	do {
		before = z;
		x = sqrt(x);
		y *= .5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

double hyperloglog_estimate(const struct hyperloglog *hll)
{
	uint32_t histogram[66] = {0};
	double m = (double)n_registers(hll);
	int q = 64 - (int)hll->precision;
	double z;

	for (size_t i = 0; i < n_registers(hll); i++)
		histogram[hll->registers[i]]++;
	z = m * tau(1 - histogram[q + 1] / m);
	for (int k = q; k >= 1; k--)
		z = .5 * (z + histogram[k]);
	z += m * sigma(histogram[0] / m);
	return isinf(z) ? 0 : m * m / (2 * M_LN2 * z);
}

void hyperloglog_reset(struct hyperloglog *hll)
{
	memset(hll->registers, 0, n_registers(hll));
}

int hyperloglog_merge(struct hyperloglog *hll, const struct hyperloglog *other)
{
	if (hll->precision != other->precision || hll->seed != other->seed)
		return -EINVAL;
	for (size_t i = 0; i < n_registers(hll); i++)
		hll->registers[i] = MAX(hll->registers[i], other->registers[i]);
	return 0;
}

size_t hyperloglog_bytes(const struct hyperloglog *hll)
{
	return sizeof(*hll) + n_registers(hll);
}

static uint32_t seed_check(uint64_t seed)
{
	return (uint32_t)(XXH3_64bits_withSeed("hyperloglog", 11, seed) >> 32);
}

void hyperloglog_write(const struct hyperloglog *hll, struct blob_writer *writer)
{
	blob_put_u8(writer, IMAGE_VERSION);
	blob_put_u8(writer, (uint8_t)hll->precision);
	blob_put_u32(writer, seed_check(hll->seed));
	blob_put_bytes(writer, hll->registers, n_registers(hll));
}

int hyperloglog_read(struct hyperloglog **out, struct blob_reader *reader, uint64_t seed)
{
	SCOPED(hyperloglog_destroy) struct hyperloglog *hll = NULL;
	uint8_t version = blob_get_u8(reader);
	uint8_t precision = blob_get_u8(reader);
	uint32_t check = blob_get_u32(reader);
	const void *registers;
	int r;

	if (reader->failed || version != IMAGE_VERSION || check != seed_check(seed))
		return -EBADMSG;
	r = hyperloglog_create(&hll, precision, seed);
	if (r)
		return r == -EINVAL ? -EBADMSG : r;
	registers = blob_get_bytes(reader, n_registers(hll));
	if (!registers)
		return -EBADMSG;
	memcpy(hll->registers, registers, n_registers(hll));
	for (size_t i = 0; i < n_registers(hll); i++) {
		if (hll->registers[i] > 64 - hll->precision + 1)
			return -EBADMSG;
	}
	*out = TAKE(hll);
	return 0;
}
