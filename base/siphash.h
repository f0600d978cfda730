/* SipHash-2-4 with 128 bits out: a keyed hash of which nobody without the key can find collisions.
 * For tables whose keys strangers choose and where a collision would mix them up.
 * Source: Aumasson & Bernstein, SipHash: a fast short-input PRF, INDOCRYPT 2012; the 128-bit output
 * as in the authors' later reference. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash {
	uint64_t v[4];
	uint64_t tail; /* bytes not yet mixed in, first in the low bits */
	uint64_t len;  /* bytes so far */
};

/* 16 bytes, as two little-endian words. */
struct siphash_key {
	uint64_t words[2];
};

struct hash128 {
	uint64_t words[2];
};

void siphash_init(struct siphash *s, struct siphash_key key);
void siphash_add(struct siphash *s, const void *bytes, size_t len);
void siphash_add_u64(struct siphash *s, uint64_t value);
struct hash128 siphash_end(struct siphash *s);
