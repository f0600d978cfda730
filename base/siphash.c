#include "base/siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t rotated(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void mix(uint64_t v[4], unsigned rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotated(v[1], 13) ^ v[0];
		v[3] = rotated(v[3], 16) ^ v[2];
		v[0] = rotated(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotated(v[1], 17) ^ v[2];
		v[3] = rotated(v[3], 21) ^ v[0];
		v[2] = rotated(v[2], 32);
	}
}

static void take_word(struct siphash *s, uint64_t word)
{
	s->v[3] ^= word;
	mix(s->v, 2);
	s->v[0] ^= word;
}

void siphash_init(struct siphash *s, struct siphash_key key)
{
	/* "somepseudorandomlygeneratedbytes", and what tells 128 bits of output from 64 */
	*s = (struct siphash){
		.v = {key.words[0] ^ UINT64_C(0x736f6d6570736575),
		      key.words[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		      key.words[0] ^ UINT64_C(0x6c7967656e657261),
		      key.words[1] ^ UINT64_C(0x7465646279746573)},
	};
}

void siphash_add(struct siphash *s, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (; len && s->len % 8; len--) {
		s->tail |= (uint64_t)*p++ << 8 * (s->len++ % 8);
		if (s->len % 8 == 0) {
			take_word(s, s->tail);
			s->tail = 0;
		}
	}
	for (; len >= 8; len -= 8, p += 8, s->len += 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		take_word(s, le64toh(word));
	}
	for (; len; len--)
		s->tail |= (uint64_t)*p++ << 8 * (s->len++ % 8);
}

void siphash_add_u64(struct siphash *s, uint64_t value)
{
	uint64_t bytes = htole64(value);

	siphash_add(s, &bytes, sizeof(bytes));
}

struct hash128 siphash_end(struct siphash *s)
{
	struct hash128 out;

	take_word(s, s->len << 56 | s->tail);
	s->v[2] ^= 0xee;
	mix(s->v, 4);
	out.words[0] = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
	s->v[1] ^= 0xdd;
	mix(s->v, 4);
	out.words[1] = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
	return out;
}
