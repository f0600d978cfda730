/* Answers of name servers (RFC 1035, 3596), taken apart. The bytes come from any process that talks
 * to port 53 and are hostile: names are bounded and their compression only ever leads backwards, so
 * that no answer loops; what is cut off or makes no sense ends the answer, and what came before it
 * counts. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define DNS_NAME_MAX 256 /* bytes of a name as text, without a dot at its end */
#define DNS_CHAIN_MAX 8  /* the name asked for and those it is an alias of */
#define DNS_ADDRESSES_MAX 24

enum { DNS_TYPE_A = 1, DNS_TYPE_CNAME = 5, DNS_TYPE_AAAA = 28 };

struct dns_name {
	char text[DNS_NAME_MAX]; /* lower case */
	uint32_t len;
};

struct dns_address {
	uint8_t bytes[16]; /* network order; v4 in the first four */
	uint8_t family;    /* AF_INET, AF_INET6 */
	uint8_t name;      /* index into chain: whose address it is */
	uint32_t ttl_s;
};

struct dns_answer {
	uint16_t type;                        /* asked for */
	uint8_t rcode;                        /* 0: no error */
	bool is_cut;                          /* it ended early */
	struct dns_name chain[DNS_CHAIN_MAX]; /* the first is the one asked for */
	uint32_t n_chain;
	struct dns_address addresses[DNS_ADDRESSES_MAX];
	uint32_t n_addresses;
};

/* is_stream: it came over TCP, perhaps with its length in front. Records that do not belong to the
 * name asked for, directly or through its aliases, are left out. 0, or -EBADMSG when this is no
 * answer to one question. */
int dns_parse(struct dns_answer *out, struct text data, bool is_stream);
