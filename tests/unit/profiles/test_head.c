#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profiles/head.h"
#include "random.h"

#define BIG (64u << 20)

static void finds_what_was_added(void **state)
{
	SCOPED(head_destroy) struct head *head = NULL;
	struct head_slot *slot;

	(void)state;
	assert_int_equal(head_create(&head, BIG), 0);
	assert_null(head_find(head, 5));
	slot = head_add(head, 5, 3, 100);
	assert_non_null(slot);
	assert_int_equal(slot->tag, 3);
	assert_int_equal(slot->epochs, 0);
	assert_int_equal(slot->first_epoch, 100);
	assert_ptr_equal(head_find(head, 5), slot);
	assert_ptr_equal(head_add(head, 5, 7, 200), slot); /* the first tag and epoch stay */
	assert_int_equal(slot->tag, 3);
	assert_null(head_find(head, 6));
	assert_non_null(head_add(head, 0, 0, 1)); /* 0 marks free slots */
	assert_ptr_equal(head_find(head, 0), head_find(head, 1));
	assert_int_equal(head_count(head), 2);
}

static void touches_count_once_an_epoch(void **state)
{
	static const struct {
		uint32_t epoch, events;
		bool want_first;
		uint32_t want_epochs, want_events, want_last;
	} rows[] = {
		{0, 1, true, 1, 1, 0},
		{0, 5, false, 1, 6, 0},
		{7, 1, true, 2, 7, 7},
		{6, 1, false, 2, 8, 7}, /* a straggler */
		{8, UINT32_MAX, true, 3, UINT32_MAX, 8},
		{8, 1, false, 3, UINT32_MAX, 8},
	};
	struct head_slot slot = {.fingerprint = 1}, parent = {.fingerprint = 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(head_touch(&slot, rows[i].epoch, rows[i].events),
				 rows[i].want_first);
		assert_int_equal(slot.epochs, rows[i].want_epochs);
		assert_int_equal(slot.events, rows[i].want_events);
		assert_int_equal(slot.last_epoch, rows[i].want_last);
		assert_int_equal(head_touch_child(&parent, rows[i].epoch), rows[i].want_first);
		assert_int_equal(parent.child_epochs, rows[i].want_epochs);
	}
}

/* Random adds, removals and look-ups against a plain array of what should be there. */
static void agrees_with_a_plain_table(void **state)
{
	enum { N_KEYS = 3000 };
	SCOPED(head_destroy) struct head *head = NULL;
	static uint64_t keys[N_KEYS];
	static uint32_t want[N_KEYS]; /* events; 0: not there */
	uint64_t random = 1;
	uint32_t count = 0;

	(void)state;
	assert_int_equal(head_create(&head, BIG), 0);
	for (int i = 0; i < N_KEYS; i++) {
		keys[i] = random_next(&random);
		/* Half of them in one long cluster, some of it round the table's end. */
		if (i % 2)
			keys[i] |= UINT64_C(0xfff) << 52;
	}
	for (int i = 0; i < 200000; i++) {
		uint32_t k = (uint32_t)(random_next(&random) % N_KEYS);
		struct head_slot *slot = head_find(head, keys[k]);

		assert_int_equal(slot ? slot->events : 0, want[k]);
		if (random_next(&random) % 3 == 0) {
			assert_int_equal(head_remove(head, keys[k]), want[k] != 0);
			count -= want[k] != 0;
			want[k] = 0;
		} else {
			slot = head_add(head, keys[k], 0, 1);
			assert_non_null(slot);
			count += want[k] == 0;
			head_touch(slot, 1, 1);
			want[k]++;
		}
		assert_int_equal(head_count(head), count);
	}
	for (int k = 0; k < N_KEYS; k++)
		assert_int_equal(head_find(head, keys[k]) != NULL, want[k] != 0);
}

static void stays_within_its_budget(void **state)
{
	static const size_t budgets[] = {0, 100, 512, 1000, 4096, 100000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(budgets); i++) {
		SCOPED(head_destroy) struct head *head = NULL;
		uint64_t random = i;
		uint32_t added = 0;

		assert_int_equal(head_create(&head, budgets[i]), 0);
		for (int k = 0; k < 5000; k++)
			added += head_add(head, random_next(&random), 0, 1) != NULL;
		assert_int_equal(head_count(head), added);
		assert_int_equal(head_refused_total(head), 5000 - added);
		/* Within the budget, and not far below it: at least half of it holds slots. */
		assert_true(head_bytes(head) <= budgets[i] + 64);
		assert_true(added >= budgets[i] / 32 / 2 || budgets[i] < 512);
	}
}

static void note_forgotten(const struct head_slot *slot, void *arg)
{
	uint64_t *sum = arg;

	*sum += slot->events;
}

static void forgets_by_last_epoch(void **state)
{
	SCOPED(head_destroy) struct head *head = NULL;
	uint64_t random = 9, forgotten = 0;
	uint32_t n = 0, calls = 0;

	(void)state;
	assert_int_equal(head_create(&head, BIG), 0);
	assert_int_equal(head_forget(head, 10, 1000, NULL, NULL), 0);
	for (uint32_t k = 0; k < 1000; k++)
		head_touch(head_add(head, random_next(&random), 0, 1), k % 20, 1);
	for (calls = 0; calls < 100; calls++)
		n += head_forget(head, 10, 50, note_forgotten, &forgotten);
	assert_int_equal(n, 500);
	assert_int_equal(forgotten, 500);
	assert_int_equal(head_count(head), 500);
	random = 9;
	for (uint32_t k = 0; k < 1000; k++)
		assert_int_equal(head_find(head, random_next(&random)) != NULL, k % 20 >= 10);
}

static void visits_each_slot_once(void **state)
{
	SCOPED(head_destroy) struct head *head = NULL;
	const struct head_slot *slot;
	uint32_t cursor = 0, n = 0;
	uint64_t random = 4, sum = 0, want = 0;

	(void)state;
	assert_int_equal(head_create(&head, BIG), 0);
	for (int k = 0; k < 777; k++) {
		uint64_t fingerprint = random_next(&random);

		head_add(head, fingerprint, 0, 1);
		want ^= fingerprint;
	}
	for (; (slot = head_next(head, &cursor)); n++)
		sum ^= slot->fingerprint;
	assert_int_equal(n, 777);
	assert_int_equal(sum, want);
}

static struct head *sample(uint32_t n)
{
	struct head *head = NULL;
	uint64_t random = 11;

	assert_int_equal(head_create(&head, BIG), 0);
	for (uint32_t k = 0; k < n; k++) {
		struct head_slot *slot = head_add(head, random_next(&random), k % 16, k);

		head_touch(slot, k, k * 3);
		head_touch(slot, k + 5, 1);
		if (k % 2)
			head_touch_child(slot, k + 2);
	}
	return head;
}

static void image_comes_back(void **state)
{
	SCOPED(head_destroy) struct head *head = sample(500);
	SCOPED(head_destroy) struct head *copy = NULL;
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	const struct head_slot *slot;
	struct blob_reader reader;
	uint32_t cursor = 0;

	(void)state;
	head_write(head, &writer);
	reader = blob_reader_of((struct text){(char *)writer.bytes, (uint32_t)writer.len});
	assert_int_equal(head_read(&copy, &reader, 0), 0); /* over budget: kept whole */
	assert_int_equal(reader.left, 0);
	assert_int_equal(head_count(copy), 500);
	while ((slot = head_next(head, &cursor)))
		assert_memory_equal(head_find(copy, slot->fingerprint), slot, sizeof(*slot));
}

static void damaged_images_are_harmless(void **state)
{
	SCOPED(head_destroy) struct head *head = sample(20);
	SCOPED(blob_writer_done) struct blob_writer writer = {0};

	(void)state;
	head_write(head, &writer);
	for (uint32_t len = 0; len < writer.len; len++) {
		struct blob_reader reader =
			blob_reader_of((struct text){(char *)writer.bytes, len});
		struct head *copy = NULL;

		assert_int_equal(head_read(&copy, &reader, BIG), -EBADMSG);
		assert_null(copy);
	}
	for (uint32_t at = 0; at < writer.len * 8; at++) {
		struct blob_reader reader =
			blob_reader_of((struct text){(char *)writer.bytes, (uint32_t)writer.len});
		SCOPED(head_destroy) struct head *copy = NULL;

		writer.bytes[at / 8] ^= (uint8_t)(1 << at % 8);
		if (head_read(&copy, &reader, BIG) == 0)
			assert_non_null(head_add(copy, 77, 1, 1));
		writer.bytes[at / 8] ^= (uint8_t)(1 << at % 8);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(touches_count_once_an_epoch),
		cmocka_unit_test(agrees_with_a_plain_table),
		cmocka_unit_test(stays_within_its_budget),
		cmocka_unit_test(forgets_by_last_epoch),
		cmocka_unit_test(visits_each_slot_once),
		cmocka_unit_test(image_comes_back),
		cmocka_unit_test(damaged_images_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
