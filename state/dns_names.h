/* Names of addresses, as name servers gave them: by network namespace and address. Bounded; what
 * does not fit evicts what would have gone first, and is counted. Lifetimes are on event time:
 * what the answer allowed, at least DNS_LIFE_MIN_S (programs keep addresses longer than they may),
 * at most DNS_LIFE_MAX_S. Any process of the namespace that asks a server of its own choice can
 * name any address: names are what was answered, not what is true. Pipeline thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define DNS_ENTRIES 8192 /* addresses; a power of two */
#define DNS_NAMES_PER_ADDRESS 4
#define DNS_LIFE_MIN_S 300
#define DNS_LIFE_MAX_S 86400

struct dns_names;

struct dns_counters {
	uint64_t answers_total; /* understood */
	uint64_t refused_total; /* came from port 53 and were none */
	uint64_t evicted_total; /* names and addresses that were still to live */
	uint32_t addresses;
	size_t bytes;
};

int dns_names_create(struct dns_names **out, uint64_t seed);
void dns_names_destroy(struct dns_names **names);

/* Take over what a name server answered in a network namespace. is_stream: over TCP. */
void dns_names_learn(struct dns_names *names, uint32_t netns, struct text answer, bool is_stream,
		     uint64_t now_ns);

/* The names that live, newest first; returns how many. Texts are valid until the next learning. */
uint32_t dns_names_find(const struct dns_names *names, uint32_t netns, uint8_t family,
			const uint8_t *address, uint64_t now_ns,
			struct text out[DNS_NAMES_PER_ADDRESS]);

void dns_names_counters(const struct dns_names *names, struct dns_counters *out);
