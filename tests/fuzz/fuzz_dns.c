/* Any bytes as the answer of a name server: names within their bounds, and a table that stays
 * within its own. The first byte says over what it came. */
#include <stdlib.h>
#include <sys/socket.h>

#include "state/dns.h"
#include "state/dns_names.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct dns_answer *answer)
{
	if (!answer->n_chain || answer->n_chain > DNS_CHAIN_MAX ||
	    answer->n_addresses > DNS_ADDRESSES_MAX)
		abort();
	for (uint32_t i = 0; i < answer->n_chain; i++) {
		if (answer->chain[i].len >= DNS_NAME_MAX)
			abort();
		for (uint32_t k = 0; k < answer->chain[i].len; k++) {
			if (answer->chain[i].text[k] <= ' ' || answer->chain[i].text[k] > '~')
				abort();
		}
	}
	for (uint32_t i = 0; i < answer->n_addresses; i++) {
		if (answer->addresses[i].name >= answer->n_chain)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_names *names;
	static uint64_t now_ns;
	struct text answer;
	struct dns_answer parsed;
	struct dns_counters counters;
	struct text found[DNS_NAMES_PER_ADDRESS];

	if (size < 1)
		return 0;
	if (!names && dns_names_create(&names, 5))
		abort();
	answer = (struct text){(const char *)data + 1, (uint32_t)size - 1};
	if (dns_parse(&parsed, answer, data[0] & 1) == 0) {
		check(&parsed);
		now_ns += (uint64_t)data[0] * 1000000000;
		dns_names_learn(names, data[0] >> 6, answer, data[0] & 1, now_ns);
		for (uint32_t i = 0; parsed.rcode == 0 && i < parsed.n_addresses; i++) {
			if (!dns_names_find(names, data[0] >> 6, parsed.addresses[i].family,
					    parsed.addresses[i].bytes, now_ns, found) &&
			    parsed.n_addresses == 1)
				abort();
		}
	}
	dns_names_counters(names, &counters);
	if (counters.addresses > DNS_ENTRIES)
		abort();
	return 0;
}
