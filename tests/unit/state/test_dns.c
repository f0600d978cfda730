/* Answers of name servers, made byte by byte, and the names kept from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <errno.h>

#include "base/util.h"
#include "state/dns.h"
#include "state/dns_names.h"

#define SECOND UINT64_C(1000000000)
#define HOST "\3www\7example\3org\0"
#define ASKED "\x12\x34\x81\x80\0\1\0\1\0\0\0\0" HOST "\0\1\0\1"
#define ASKED_TWO "\x12\x34\x81\x80\0\1\0\2\0\0\0\0" HOST "\0\1\0\1"
#define AT_HOST "\xc0\x0c" /* a pointer to the name asked for */
#define A(ttl, address) "\0\1\0\1" ttl "\0\4" address
#define TTL_60 "\0\0\0\x3c"
#define BYTES(literal)                                                                             \
	(struct text)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static void answers_are_taken_apart(void **state)
{
	struct dns_answer answer;

	(void)state;
	assert_int_equal(dns_parse(&answer,
				   BYTES(ASKED_TWO AT_HOST "\0\5\0\1" TTL_60 "\0\6\3CdN\xc0\x10"
							   "\xc0\x2d" A(TTL_60, "\1\2\3\4")),
				   false),
			 0);
	assert_int_equal(answer.type, DNS_TYPE_A);
	assert_int_equal(answer.rcode, 0);
	assert_false(answer.is_cut);
	assert_int_equal(answer.n_chain, 2);
	assert_string_equal(strndupa(answer.chain[0].text, answer.chain[0].len), "www.example.org");
	assert_string_equal(strndupa(answer.chain[1].text, answer.chain[1].len),
			    "cdn.example.org"); /* in lower case */
	assert_int_equal(answer.n_addresses, 1);
	assert_int_equal(answer.addresses[0].family, AF_INET);
	assert_int_equal(answer.addresses[0].ttl_s, 60);
	assert_int_equal(answer.addresses[0].name, 1);
	assert_memory_equal(answer.addresses[0].bytes, "\1\2\3\4", 4);
}

static void v6_and_streams(void **state)
{
	static const char plain[] =
		"\x12\x34\x81\x80\0\1\0\1\0\0\0\0" HOST "\0\x1c\0\1" AT_HOST "\0\x1c\0\1" TTL_60
		"\0\x10\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\5";
	char prefixed[sizeof(plain) + 1];
	struct dns_answer answer;

	(void)state;
	prefixed[0] = 0;
	prefixed[1] = sizeof(plain) - 1;
	memcpy(prefixed + 2, plain, sizeof(plain) - 1);
	assert_int_equal(dns_parse(&answer, ((struct text){prefixed, sizeof(prefixed)}), false),
			 -EBADMSG);
	assert_int_equal(dns_parse(&answer, ((struct text){prefixed, sizeof(prefixed)}), true), 0);
	assert_int_equal(answer.n_addresses, 1);
	assert_int_equal(dns_parse(&answer, BYTES(plain), true), 0);
	assert_int_equal(answer.type, DNS_TYPE_AAAA);
	assert_int_equal(answer.n_addresses, 1);
	assert_int_equal(answer.addresses[0].family, AF_INET6);
	assert_memory_equal(answer.addresses[0].bytes, "\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\5", 16);
}

/* r: what parsing says; cut, addresses: what it found. */
static void hostile_answers_are_bounded(void **state)
{
	static const struct {
		const char *name;
		struct text bytes;
		int r;
		bool is_cut;
		uint32_t n_addresses;
	} rows[] = {
		{"empty", {"", 0}, -EBADMSG, false, 0},
		{"header cut", {ASKED, 11}, -EBADMSG, false, 0},
		{"question cut", {ASKED, 20}, -EBADMSG, false, 0},
		{"a question", BYTES("\0\1\1\0\0\1\0\0\0\0\0\0" HOST "\0\1\0\1"), -EBADMSG, false,
		 0},
		{"two questions", BYTES("\0\1\x81\0\0\2\0\0\0\0\0\0" HOST "\0\1\0\1"), -EBADMSG,
		 false, 0},
		{"an update", BYTES("\0\1\xa8\0\0\1\0\0\0\0\0\0" HOST "\0\1\0\1"), -EBADMSG, false,
		 0},
		{"no such name", BYTES("\0\1\x81\x83\0\1\0\0\0\0\0\0" HOST "\0\1\0\1"), 0, false,
		 0},
		{"root asked for", BYTES("\0\1\x81\0\0\1\0\0\0\0\0\0\0\0\1\0\1"), -EBADMSG, false,
		 0},
		{"name that points to itself", BYTES("\0\1\x81\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"),
		 -EBADMSG, false, 0},
		{"name that points ahead", BYTES("\0\1\x81\0\0\1\0\0\0\0\0\0\xc0\x20\0\1\0\1"),
		 -EBADMSG, false, 0},
		{"label of 64", BYTES("\0\1\x81\0\0\1\0\0\0\0\0\0\x40" HOST "\0\1\0\1"), -EBADMSG,
		 false, 0},
		{"dot in a label", BYTES("\0\1\x81\0\0\1\0\0\0\0\0\0\3a.b\0\0\1\0\1"), -EBADMSG,
		 false, 0},
		{"control byte", BYTES("\0\1\x81\0\0\1\0\0\0\0\0\0\3a\nb\0\0\1\0\1"), -EBADMSG,
		 false, 0},
		{"fine", BYTES(ASKED AT_HOST A(TTL_60, "\1\2\3\4")), 0, false, 1},
		{"record cut",
		 {ASKED AT_HOST A(TTL_60, "\1\2\3\4"), sizeof(ASKED) - 1 + 15},
		 0,
		 true,
		 0},
		{"second record missing", BYTES(ASKED_TWO AT_HOST A(TTL_60, "\1\2\3\4")), 0, true,
		 1},
		{"another's address", BYTES(ASKED "\4evil\xc0\x10" A(TTL_60, "\1\2\3\4")), 0, false,
		 0},
		{"address of five bytes", BYTES(ASKED AT_HOST "\0\1\0\1" TTL_60 "\0\5\1\2\3\4\5"),
		 0, false, 0},
		{"another class", BYTES(ASKED AT_HOST "\0\1\0\3" TTL_60 "\0\4\1\2\3\4"), 0, false,
		 0},
		{"alias of itself",
		 BYTES(ASKED_TWO AT_HOST "\0\5\0\1" TTL_60
					 "\0\2" AT_HOST AT_HOST A(TTL_60, "\1\2\3\4")),
		 0, false, 1},
		{"alias that points ahead",
		 BYTES(ASKED_TWO AT_HOST "\0\5\0\1" TTL_60
					 "\0\2\xc0\xff" AT_HOST A(TTL_60, "\1\2\3\4")),
		 0, true, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_answer answer = {0};
		int r = dns_parse(&answer, rows[i].bytes, false);

		if (r != rows[i].r)
			fail_msg("%s: %d, not %d", rows[i].name, r, rows[i].r);
		if (!r &&
		    (answer.is_cut != rows[i].is_cut || answer.n_addresses != rows[i].n_addresses))
			fail_msg("%s: %u addresses, cut %d", rows[i].name, answer.n_addresses,
				 answer.is_cut);
	}
}

/* Labels of one byte each, compressed backwards as deep as it goes: 512 bytes of work, not more. */
static void deep_pointers_end(void **state)
{
	char bytes[512] = "\0\1\x81\0\0\1\0\x40\0\0\0\0\1a\0\0\1\0\1";
	struct dns_answer answer;
	uint32_t at = 19;

	(void)state;
	while (at + 16 < sizeof(bytes)) {
		uint32_t to = at == 19 ? 12 : at - 16;

		bytes[at] = 1;
		bytes[at + 1] = 'b';
		bytes[at + 2] = (char)(0xc0 | to >> 8);
		bytes[at + 3] = (char)to;
		memcpy(bytes + at + 4, "\0\x10\0\1\0\0\0\0\0\2xx", 12);
		at += 16;
	}
	assert_int_equal(dns_parse(&answer, (struct text){bytes, at}, false), 0);
	assert_int_equal(answer.n_addresses, 0);
}

static uint32_t find(const struct dns_names *names, uint32_t netns, const char *address,
		     uint64_t now_ns, struct text out[DNS_NAMES_PER_ADDRESS])
{
	return dns_names_find(names, netns, AF_INET, (const uint8_t *)address, now_ns, out);
}

static void learn(struct dns_names *names, uint32_t netns, char letter, uint32_t address,
		  uint8_t ttl_hours, uint64_t now_ns)
{
	char bytes[] =
		"\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1x\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\4....";
	uint32_t ttl = ttl_hours * 3600u;

	bytes[13] = letter;
	bytes[25] = (char)(ttl >> 24);
	bytes[26] = (char)(ttl >> 16);
	bytes[27] = (char)(ttl >> 8);
	bytes[28] = (char)ttl;
	memcpy(bytes + 31, &address, 4);
	dns_names_learn(names, netns, (struct text){bytes, 35}, false, now_ns);
}

static void names_live_as_long_as_they_may(void **state)
{
	struct text found[DNS_NAMES_PER_ADDRESS];
	struct dns_counters counters;
	struct dns_names *names;
	uint32_t address;

	(void)state;
	memcpy(&address, "\1\2\3\4", 4);
	assert_int_equal(dns_names_create(&names, 1), 0);
	learn(names, 7, 'a', address, 0, 1000 * SECOND);
	learn(names, 7, 'b', address, 2, 1000 * SECOND);
	assert_int_equal(find(names, 7, "\1\2\3\4", 1001 * SECOND, found), 2);
	assert_memory_equal(found[0].ptr, "b", 1); /* the newest */
	assert_memory_equal(found[1].ptr, "a", 1);
	assert_int_equal(find(names, 8, "\1\2\3\4", 1001 * SECOND, found), 0); /* another view */
	assert_int_equal(find(names, 7, "\1\2\3\5", 1001 * SECOND, found), 0);
	assert_int_equal(find(names, 7, "\1\2\3\4", (1000 + DNS_LIFE_MIN_S) * SECOND, found), 1);
	assert_memory_equal(found[0].ptr, "b", 1);
	assert_int_equal(find(names, 7, "\1\2\3\4", (1000 + 7200) * SECOND, found), 0);
	learn(names, 7, 'c', address, 200, 1000 * SECOND);
	assert_int_equal(find(names, 7, "\1\2\3\4", (1000 + DNS_LIFE_MAX_S) * SECOND, found), 0);
	dns_names_learn(names, 7, TEXT("nonsense"), false, 1000 * SECOND);
	dns_names_counters(names, &counters);
	assert_int_equal(counters.answers_total, 3);
	assert_int_equal(counters.refused_total, 1);
	assert_int_equal(counters.addresses, 1);
	assert_int_equal(counters.evicted_total, 0);
	for (char letter = 'd'; letter < 'd' + 3; letter++)
		learn(names, 7, letter, address, 1, 1000 * SECOND);
	assert_int_equal(find(names, 7, "\1\2\3\4", 1001 * SECOND, found), DNS_NAMES_PER_ADDRESS);
	assert_memory_equal(found[0].ptr, "f", 1);
	dns_names_counters(names, &counters);
	assert_int_equal(counters.evicted_total, 2); /* a and b */
	dns_names_destroy(&names);
	assert_null(names);
}

static void the_table_is_bounded(void **state)
{
	struct dns_counters counters;
	struct dns_names *names;
	uint64_t bytes;

	(void)state;
	assert_int_equal(dns_names_create(&names, 1), 0);
	for (uint32_t i = 0; i < 4 * DNS_ENTRIES; i++)
		learn(names, 1, 'a', i, 1, SECOND);
	dns_names_counters(names, &counters);
	assert_in_range(counters.addresses, DNS_ENTRIES / 2, DNS_ENTRIES);
	assert_int_equal(counters.evicted_total + counters.addresses, 4 * DNS_ENTRIES);
	bytes = counters.bytes;
	for (uint32_t i = 0; i < DNS_ENTRIES; i++) /* what has ended makes room unnoticed */
		learn(names, 2, 'a', i, 1, 100000 * SECOND);
	dns_names_counters(names, &counters);
	assert_in_range(counters.bytes, bytes / 2, bytes + DNS_ENTRIES);
	dns_names_destroy(&names);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_taken_apart),
		cmocka_unit_test(v6_and_streams),
		cmocka_unit_test(hostile_answers_are_bounded),
		cmocka_unit_test(deep_pointers_end),
		cmocka_unit_test(names_live_as_long_as_they_may),
		cmocka_unit_test(the_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
