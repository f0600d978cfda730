/* Seen tables, what rules remember, and durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rules/duration.h"
#include "rules/memory.h"
#include "rules/seen_table.h"

/* A generator good enough for fingerprints (Vigna's splitmix64). */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void a_table_knows_what_was_noted(void **state)
{
	struct seen_table *table = NULL;
	uint64_t seed = 1;

	(void)state;
	assert_int_equal(seen_table_create(&table, 65536), 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t fingerprint = next_random(&seed);

		assert_false(seen_table_has(table, fingerprint));
		assert_false(seen_table_note(table, fingerprint));
		assert_true(seen_table_has(table, fingerprint));
		assert_true(seen_table_note(table, fingerprint));
	}
	assert_int_equal(seen_table_size(table), 1000);
	assert_int_equal(seen_table_evicted_total(table), 0);
	assert_false(seen_table_note(table, 0));
	assert_true(seen_table_note(table, 0));
	assert_true(seen_table_has(table, 0));
	seen_table_destroy(&table);
	assert_null(table);
}

/* Of one bucket's keys the one used longest ago goes. */
static void the_longest_unused_gives_way(void **state)
{
	struct seen_table *table = NULL;

	(void)state;
	assert_int_equal(seen_table_create(&table, 1), 0);
	assert_int_equal(seen_table_room(table), SEEN_WAYS);
	for (uint64_t i = 1; i <= SEEN_WAYS; i++)
		seen_table_note(table, i);
	seen_table_note(table, 1); /* used again: 2 is next */
	assert_false(seen_table_note(table, 100));
	assert_int_equal(seen_table_evicted_total(table), 1);
	assert_int_equal(seen_table_size(table), SEEN_WAYS);
	assert_false(seen_table_has(table, 2));
	assert_true(seen_table_has(table, 1));
	assert_true(seen_table_has(table, 3));
	assert_false(seen_table_note(table, 2)); /* forgotten, so new; 3 goes */
	assert_false(seen_table_has(table, 3));
	seen_table_destroy(&table);
}

/* Noting the list in its order makes a table that forgets in the same order. */
static void a_list_makes_the_same_table(void **state)
{
	struct seen_table *table = NULL, *copy = NULL;
	uint64_t all[64], seed = 7;
	uint32_t n;

	(void)state;
	assert_int_equal(seen_table_create(&table, 32), 0);
	assert_int_equal(seen_table_create(&copy, 32), 0);
	for (int i = 0; i < 100; i++)
		seen_table_note(table, next_random(&seed));
	n = seen_table_list(table, all, ARRAY_SIZE(all));
	assert_int_equal(n, seen_table_size(table));
	for (uint32_t i = 0; i < n; i++)
		assert_false(seen_table_note(copy, all[i]));
	for (int i = 0; i < 1000; i++) {
		uint64_t fingerprint = i % 3 ? next_random(&seed) : all[i % n];

		assert_int_equal(seen_table_note(table, fingerprint),
				 seen_table_note(copy, fingerprint));
	}
	assert_int_equal(seen_table_list(table, all, 5), 5);
	seen_table_destroy(&table);
	seen_table_destroy(&copy);
}

static void rules_fire_apart_in_each_workload(void **state)
{
	struct rule_memory *memory = NULL;
	uint64_t a = rule_name_hash(TEXT("a")), b = rule_name_hash(TEXT("b"));
	struct rule_memory_counters c;

	(void)state;
	assert_int_equal(rule_memory_create(&memory, 5), 0);
	assert_false(rule_memory_has_fired(memory, a, 1));
	assert_false(rule_memory_fire(memory, a, 1));
	assert_true(rule_memory_fire(memory, a, 1));
	assert_true(rule_memory_has_fired(memory, a, 1));
	assert_false(rule_memory_has_fired(memory, a, 2));
	assert_false(rule_memory_has_fired(memory, b, 1));
	assert_false(rule_memory_has_fired(memory, 1, a)); /* not the sum of both */
	assert_false(rule_memory_note(memory, a, 1, TEXT("x")));
	assert_true(rule_memory_note(memory, a, 1, TEXT("x")));
	assert_false(rule_memory_note(memory, a, 2, TEXT("x")));
	assert_false(rule_memory_note(memory, b, 1, TEXT("x")));
	assert_false(rule_memory_note(memory, a, 1, TEXT("")));
	rule_memory_counters(memory, &c);
	assert_int_equal(c.fired, 1);
	assert_int_equal(c.occurrences, 4);
	assert_int_equal(c.fired_evicted_total + c.occurrences_evicted_total, 0);
	rule_memory_destroy(&memory);
}

static void floods_are_bounded_and_counted(void **state)
{
	struct rule_memory *memory = NULL;
	struct rule_memory_counters before, after;

	(void)state;
	assert_int_equal(rule_memory_create(&memory, 5), 0);
	rule_memory_counters(memory, &before);
	for (uint64_t i = 0; i < 200000; i++) {
		struct text what = {(const char *)&i, sizeof(i)};

		rule_memory_fire(memory, 1, i);
		rule_memory_note(memory, 1, 1, what);
	}
	rule_memory_counters(memory, &after);
	assert_int_equal(after.bytes, before.bytes);
	assert_in_range(after.fired, 1, after.fired_room);
	assert_int_equal(after.fired + after.fired_evicted_total, 200000);
	assert_int_equal(after.occurrences + after.occurrences_evicted_total, 200000);
	rule_memory_destroy(&memory);
}

static void images_keep_what_fired(void **state)
{
	struct rule_memory *memory = NULL, *next = NULL, *other = NULL;
	struct record_blob *blob;

	(void)state;
	assert_int_equal(rule_memory_create(&memory, 5), 0);
	assert_int_equal(rule_memory_create(&next, 5), 0);
	assert_int_equal(rule_memory_create(&other, 6), 0);
	assert_null(rule_memory_image(memory)); /* nothing to tell */
	for (uint64_t workload = 1; workload <= 50; workload++)
		rule_memory_fire(memory, 9, workload);
	blob = rule_memory_image(memory);
	assert_non_null(blob);
	assert_null(rule_memory_image(memory));
	rule_memory_fire(memory, 9, 50); /* not for the first time */
	assert_null(rule_memory_image(memory));
	assert_int_equal(rule_memory_load_image(next, blob), 0);
	for (uint64_t workload = 1; workload <= 50; workload++)
		assert_true(rule_memory_has_fired(next, 9, workload));
	assert_false(rule_memory_has_fired(next, 9, 51));
	assert_null(rule_memory_image(next));                            /* it is stored already */
	assert_int_equal(rule_memory_load_image(other, blob), -EBADMSG); /* another host's */
	record_free(blob);
	rule_memory_destroy(&memory);
	rule_memory_destroy(&next);
	rule_memory_destroy(&other);
}

/* Cut anywhere, or with any byte changed: refused, and nothing taken over. */
static void damaged_images_are_refused(void **state)
{
	struct rule_memory *memory = NULL, *next = NULL;
	struct rule_memory_counters c;
	struct record_blob *blob, damaged;
	char bytes[256];

	(void)state;
	assert_int_equal(rule_memory_create(&memory, 5), 0);
	assert_int_equal(rule_memory_create(&next, 5), 0);
	for (uint64_t workload = 1; workload <= 3; workload++)
		rule_memory_fire(memory, 9, workload);
	blob = rule_memory_image(memory);
	assert_non_null(blob);
	assert_in_range(blob->bytes.len, 1, sizeof(bytes));
	for (uint32_t i = 0; i < blob->bytes.len; i++) {
		memcpy(bytes, blob->bytes.ptr, blob->bytes.len);
		damaged = (struct record_blob){.bytes = {bytes, i}};
		assert_int_equal(rule_memory_load_image(next, &damaged), -EBADMSG);
		bytes[i] ^= 0x10;
		damaged.bytes.len = blob->bytes.len;
		assert_int_equal(rule_memory_load_image(next, &damaged), -EBADMSG);
	}
	rule_memory_counters(next, &c);
	assert_int_equal(c.fired, 0);
	record_free(blob);
	rule_memory_destroy(&memory);
	rule_memory_destroy(&next);
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns; /* 0: refused */
	} rows[] = {
		{"500ms", 500000000},
		{"60s", UINT64_C(60000000000)},
		{"60", UINT64_C(60000000000)},
		{"1.5", 1500000000},
		{"0.5s", 500000000},
		{"5m", UINT64_C(300000000000)},
		{"1h", UINT64_C(3600000000000)},
		{"2d", UINT64_C(172800000000000)},
		{"36525d", UINT64_C(3155760000000000000)},
		{"", 0},
		{"0", 0},
		{"0s", 0},
		{"-5s", 0},
		{"+5s", 0},
		{" 5s", 0},
		{"5 s", 0},
		{"5S", 0},
		{"5y", 0},
		{"5mss", 0},
		{"s", 0},
		{"1e3", 0},
		{"0x10", 0},
		{"inf", 0},
		{"nan", 0},
		{"1.2.3", 0},
		{"36526d", 0},
		{"99999999999999999999999999999h", 0},
		{"0.0000000001s", 0},
		{"60s60s", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t ns = 77;
		int r = rule_duration(text_from(rows[i].text), &ns);

		if (r != (rows[i].ns ? 0 : -EINVAL) || ns != (rows[i].ns ? rows[i].ns : 77))
			fail_msg("'%s': %d, %llu", rows[i].text, r, (unsigned long long)ns);
	}
}

/* Once events are told, what is said of one is what held when it came. */
static void an_event_does_not_see_itself(void **state)
{
	struct rule_memory *memory = NULL;

	(void)state;
	assert_int_equal(rule_memory_create(&memory, 7), 0);
	assert_false(rule_memory_fire(memory, 1, 5));
	assert_true(rule_memory_had_fired(memory, 1, 5)); /* nobody tells of events */

	rule_memory_begin_event(memory);
	assert_false(rule_memory_fire(memory, 2, 5));
	assert_true(rule_memory_has_fired(memory, 2, 5));
	assert_false(rule_memory_had_fired(memory, 2, 5));
	assert_true(rule_memory_fire(memory, 2, 5)); /* twice with one event */
	assert_false(rule_memory_had_fired(memory, 2, 5));
	assert_true(rule_memory_had_fired(memory, 1, 5));
	assert_false(rule_memory_had_fired(memory, 2, 6));

	rule_memory_begin_event(memory);
	assert_true(rule_memory_had_fired(memory, 2, 5));
	/* Beyond the room they seem to have fired before. */
	for (uint64_t rule = 100; rule < 140; rule++)
		rule_memory_fire(memory, rule, 5);
	assert_false(rule_memory_had_fired(memory, 100, 5));
	assert_false(rule_memory_had_fired(memory, 131, 5));
	assert_true(rule_memory_had_fired(memory, 132, 5));
	rule_memory_destroy(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_knows_what_was_noted),
		cmocka_unit_test(the_longest_unused_gives_way),
		cmocka_unit_test(a_list_makes_the_same_table),
		cmocka_unit_test(rules_fire_apart_in_each_workload),
		cmocka_unit_test(an_event_does_not_see_itself),
		cmocka_unit_test(floods_are_bounded_and_counted),
		cmocka_unit_test(images_keep_what_fired),
		cmocka_unit_test(damaged_images_are_refused),
		cmocka_unit_test(durations_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
