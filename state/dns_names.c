#include "state/dns_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <xxhash.h>

#include "base/util.h"
#include "state/dns.h"

#define WAYS 8 /* places that an address may be at */
#define NS_PER_S UINT64_C(1000000000)

struct name {
	char *text; /* NULL: none */
	uint32_t len;
	uint64_t expires_ns;
};

struct entry {
	uint32_t netns;
	uint8_t family; /* 0: empty */
	uint8_t address[16];
	struct name names[DNS_NAMES_PER_ADDRESS]; /* newest first */
};

struct dns_names {
	uint64_t seed;
	struct dns_counters counters;
	struct dns_answer answer; /* in work */
	struct entry entries[DNS_ENTRIES];
};

int dns_names_create(struct dns_names **out, uint64_t seed)
{
	struct dns_names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->seed = seed;
	names->counters.bytes = sizeof(*names);
	*out = names;
	return 0;
}

static void drop_name(struct dns_names *names, struct name *name)
{
	if (!name->text)
		return;
	names->counters.bytes -= name->len;
	free(name->text);
	*name = (struct name){0};
}

static void drop_entry(struct dns_names *names, struct entry *entry)
{
	if (!entry->family)
		return;
	for (int i = 0; i < DNS_NAMES_PER_ADDRESS; i++)
		drop_name(names, &entry->names[i]);
	entry->family = 0;
	names->counters.addresses--;
}

void dns_names_destroy(struct dns_names **names)
{
	struct dns_names *n = *names;

	if (!n)
		return;
	for (uint32_t i = 0; i < DNS_ENTRIES; i++)
		drop_entry(n, &n->entries[i]);
	free(n);
	*names = NULL;
}

/* The first of the places where the address may be. */
static uint32_t place_of(const struct dns_names *names, uint32_t netns, uint8_t family,
			 const uint8_t address[16])
{
	uint8_t key[21];

	memcpy(key, &netns, 4);
	key[4] = family;
	memcpy(key + 5, address, 16);
	return (uint32_t)XXH3_64bits_withSeed(key, sizeof(key), names->seed) & (DNS_ENTRIES - 1) &
	       ~(uint32_t)(WAYS - 1);
}

static bool is_of(const struct entry *entry, uint32_t netns, uint8_t family,
		  const uint8_t address[16])
{
	return entry->family == family && entry->netns == netns &&
	       memcmp(entry->address, address, 16) == 0;
}

static uint64_t last_expiry(const struct entry *entry)
{
	uint64_t last_ns = 0;

	for (int i = 0; i < DNS_NAMES_PER_ADDRESS; i++)
		last_ns = MAX(last_ns, entry->names[i].text ? entry->names[i].expires_ns : 0);
	return last_ns;
}

/* The address's entry; if there is none, an empty one, or that whose names end first. */
static struct entry *entry_for(struct dns_names *names, uint32_t netns,
			       const struct dns_address *address, uint64_t now_ns)
{
	uint32_t place = place_of(names, netns, address->family, address->bytes);
	struct entry *worst = NULL;

	for (uint32_t i = 0; i < WAYS; i++) {
		struct entry *entry = &names->entries[place + i];

		if (is_of(entry, netns, address->family, address->bytes))
			return entry;
		if (!worst || (worst->family && last_expiry(entry) < last_expiry(worst)))
			worst = entry;
	}
	if (worst->family && last_expiry(worst) > now_ns)
		names->counters.evicted_total++;
	drop_entry(names, worst);
	worst->netns = netns;
	worst->family = address->family;
	memcpy(worst->address, address->bytes, 16);
	names->counters.addresses++;
	return worst;
}

/* Put the name in front of the others; the last one goes if it is one too many. */
static void add_name(struct dns_names *names, struct entry *entry, const struct dns_name *name,
		     uint64_t expires_ns, uint64_t now_ns)
{
	enum { LAST = DNS_NAMES_PER_ADDRESS - 1 };
	struct name found = {0};
	int at = LAST;

	for (int i = 0; i < DNS_NAMES_PER_ADDRESS; i++) {
		const struct name *other = &entry->names[i];

		if (other->text && other->len == name->len &&
		    memcmp(other->text, name->text, name->len) == 0) {
			found = *other;
			at = i;
			break;
		}
	}
	if (!found.text) {
		found.text = malloc(name->len ? name->len : 1);
		if (!found.text)
			return;
		memcpy(found.text, name->text, name->len);
		found.len = name->len;
		names->counters.bytes += name->len;
		if (entry->names[LAST].text && entry->names[LAST].expires_ns > now_ns)
			names->counters.evicted_total++;
		drop_name(names, &entry->names[LAST]);
	}
	found.expires_ns = MAX(found.expires_ns, expires_ns);
	memmove(&entry->names[1], &entry->names[0], (size_t)at * sizeof(found));
	entry->names[0] = found;
}

void dns_names_learn(struct dns_names *names, uint32_t netns, struct text answer, bool is_stream,
		     uint64_t now_ns)
{
	struct dns_answer *a = &names->answer;

	if (dns_parse(a, answer, is_stream)) {
		names->counters.refused_total++;
		return;
	}
	names->counters.answers_total++;
	for (uint32_t i = 0; a->rcode == 0 && i < a->n_addresses; i++) {
		const struct dns_address *address = &a->addresses[i];
		struct entry *entry = entry_for(names, netns, address, now_ns);
		uint64_t life_s = MIN(MAX(address->ttl_s, DNS_LIFE_MIN_S), DNS_LIFE_MAX_S);
		uint64_t expires_ns = now_ns + life_s * NS_PER_S;

		/* What it is an alias of first: the name asked for is to be the newest. */
		if (address->name)
			add_name(names, entry, &a->chain[address->name], expires_ns, now_ns);
		add_name(names, entry, &a->chain[0], expires_ns, now_ns);
	}
}

uint32_t dns_names_find(const struct dns_names *names, uint32_t netns, uint8_t family,
			const uint8_t *address, uint64_t now_ns,
			struct text out[DNS_NAMES_PER_ADDRESS])
{
	uint8_t whole[16] = {0};
	uint32_t place, n = 0;

	memcpy(whole, address, family == AF_INET ? 4 : 16);
	place = place_of(names, netns, family, whole);
	for (uint32_t i = 0; i < WAYS; i++) {
		const struct entry *entry = &names->entries[place + i];

		if (!is_of(entry, netns, family, whole))
			continue;
		for (int k = 0; k < DNS_NAMES_PER_ADDRESS; k++) {
			if (entry->names[k].text && entry->names[k].expires_ns > now_ns)
				out[n++] = (struct text){entry->names[k].text, entry->names[k].len};
		}
		break;
	}
	return n;
}

void dns_names_counters(const struct dns_names *names, struct dns_counters *out)
{
	*out = names->counters;
}
