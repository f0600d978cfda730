#include "state/dns.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

#define HEADER_BYTES 12
#define LABEL_MAX 63
#define JUMPS_MAX 32
#define CLASS_IN 1
#define FLAG_RESPONSE 0x8000
#define FLAG_CUT 0x0200
#define OPCODE_MASK 0x7800

struct reader {
	const uint8_t *data;
	uint32_t len, at;
};

static bool read_u16(struct reader *r, uint16_t *out)
{
	if (r->len - r->at < 2)
		return false;
	*out = (uint16_t)(r->data[r->at] << 8 | r->data[r->at + 1]);
	r->at += 2;
	return true;
}

static bool read_u32(struct reader *r, uint32_t *out)
{
	uint16_t high, low;

	if (!read_u16(r, &high) || !read_u16(r, &low))
		return false;
	*out = (uint32_t)high << 16 | low;
	return true;
}

/* One label at `at`, appended with the dot that parts it from the one before. Dots and what cannot
 * be printed have no place in the name of a host. */
static bool add_label(const struct reader *r, uint32_t at, uint32_t len, struct dns_name *out)
{
	if (len > LABEL_MAX || r->len - at < len || out->len + 1 + len >= DNS_NAME_MAX)
		return false;
	if (out->len)
		out->text[out->len++] = '.';
	for (uint32_t i = 0; i < len; i++) {
		uint8_t c = r->data[at + i];

		if (c <= ' ' || c > '~' || c == '.')
			return false;
		out->text[out->len++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	return true;
}

/* A name; the reader goes on behind it. A pointer has to lead to before everything of this name
 * that was read so far. */
static bool read_name(struct reader *r, struct dns_name *out)
{
	uint32_t at = r->at, lowest = r->at, jumps = 0;
	bool jumped = false;

	out->len = 0;
	for (;;) {
		uint8_t len;

		if (at >= r->len)
			return false;
		len = r->data[at++];
		if (len == 0)
			break;
		if ((len & 0xc0) == 0xc0) {
			uint32_t to;

			if (at >= r->len || ++jumps > JUMPS_MAX)
				return false;
			to = (uint32_t)(len & 0x3f) << 8 | r->data[at++];
			if (!jumped)
				r->at = at;
			jumped = true;
			if (to >= lowest)
				return false;
			lowest = at = to;
			continue;
		}
		if (len & 0xc0 || !add_label(r, at, len, out))
			return false;
		at += len;
	}
	if (!jumped)
		r->at = at;
	return true;
}

static int find_in_chain(const struct dns_answer *answer, const struct dns_name *name)
{
	for (uint32_t i = 0; i < answer->n_chain; i++) {
		if (answer->chain[i].len == name->len &&
		    memcmp(answer->chain[i].text, name->text, name->len) == 0)
			return (int)i;
	}
	return -1;
}

static void add_address(struct dns_answer *out, const uint8_t *bytes, uint8_t family, int name,
			uint32_t ttl_s)
{
	struct dns_address *address = &out->addresses[out->n_addresses];

	if (out->n_addresses == DNS_ADDRESSES_MAX) {
		out->is_cut = true;
		return;
	}
	*address = (struct dns_address){.family = family, .name = (uint8_t)name, .ttl_s = ttl_s};
	memcpy(address->bytes, bytes, family == AF_INET ? 4 : 16);
	out->n_addresses++;
}

/* An alias: the name it leads to is one more that is answered for. */
static bool add_alias(struct dns_answer *out, struct reader *r)
{
	struct dns_name *to = &out->chain[out->n_chain];

	if (out->n_chain == DNS_CHAIN_MAX) {
		out->is_cut = true;
		return true;
	}
	if (!read_name(r, to))
		return false;
	if (find_in_chain(out, to) < 0)
		out->n_chain++;
	return true;
}

/* False: the answer ends here. */
static bool read_record(struct dns_answer *out, struct reader *r)
{
	uint16_t type, class, len;
	struct dns_name owner;
	uint32_t ttl_s, end;
	int name;

	if (!read_name(r, &owner) || !read_u16(r, &type) || !read_u16(r, &class) ||
	    !read_u32(r, &ttl_s) || !read_u16(r, &len) || r->len - r->at < len)
		return false;
	end = r->at + len;
	name = class == CLASS_IN ? find_in_chain(out, &owner) : -1;
	if (name >= 0 && type == DNS_TYPE_A && len == 4)
		add_address(out, r->data + r->at, AF_INET, name, ttl_s);
	else if (name >= 0 && type == DNS_TYPE_AAAA && len == 16)
		add_address(out, r->data + r->at, AF_INET6, name, ttl_s);
	else if (name >= 0 && type == DNS_TYPE_CNAME && !add_alias(out, r))
		return false;
	r->at = end;
	return true;
}

static int parse(struct dns_answer *out, const uint8_t *data, uint32_t len)
{
	struct reader r = {data, len, 2}; /* behind the identification */
	uint16_t flags, n_questions, n_answers, class;

	out->n_chain = 0;
	out->n_addresses = 0;
	if (len < HEADER_BYTES || !read_u16(&r, &flags) || !read_u16(&r, &n_questions) ||
	    !read_u16(&r, &n_answers))
		return -EBADMSG;
	r.at = HEADER_BYTES;
	if (!(flags & FLAG_RESPONSE) || flags & OPCODE_MASK || n_questions != 1 ||
	    !read_name(&r, &out->chain[0]) || !out->chain[0].len || !read_u16(&r, &out->type) ||
	    !read_u16(&r, &class) || class != CLASS_IN)
		return -EBADMSG;
	out->n_chain = 1;
	out->rcode = flags & 15;
	out->is_cut = flags & FLAG_CUT;
	for (uint32_t i = 0; i < n_answers; i++) {
		if (!read_record(out, &r)) {
			out->is_cut = true;
			break;
		}
	}
	return 0;
}

int dns_parse(struct dns_answer *out, struct text data, bool is_stream)
{
	const uint8_t *bytes = (const uint8_t *)data.ptr;
	int r = parse(out, bytes, data.len);

	if (r && is_stream && data.len > 2)
		r = parse(out, bytes + 2, data.len - 2);
	return r;
}
