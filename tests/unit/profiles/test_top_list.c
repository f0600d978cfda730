#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "profiles/top_list.h"
#include "random.h"

static void add(struct top_list *list, uint64_t key, uint32_t epoch)
{
	char name[32];
	int len = snprintf(name, sizeof(name), "name %u", (unsigned)key);
	struct record_key example = {2, {TEXT("exe"), {name, (uint32_t)len}}};

	top_list_add(list, key, 1, epoch, &example);
}

static void create_checks_its_size(void **state)
{
	struct top_list *list = NULL;

	(void)state;
	assert_int_equal(top_list_create(&list, 0), -EINVAL);
	assert_int_equal(top_list_create(&list, TOP_LIST_SIZE_MAX + 1), -EINVAL);
	assert_null(list);
}

static void keeps_examples_and_order(void **state)
{
	SCOPED(top_list_destroy) struct top_list *list = NULL;
	struct top_entry entry;

	(void)state;
	assert_int_equal(top_list_create(&list, 4), 0);
	add(list, 10, 1);
	add(list, 20, 1);
	add(list, 20, 2);
	add(list, 30, 1);
	add(list, 30, 1);
	add(list, 30, 3);
	assert_int_equal(top_list_count(list), 3);
	top_list_get(list, 0, &entry);
	assert_int_equal(entry.fingerprint, 30);
	assert_int_equal(entry.weight, 3);
	assert_int_equal(entry.epochs, 2);
	assert_int_equal(entry.first_epoch, 1);
	assert_int_equal(entry.last_epoch, 3);
	assert_int_equal(entry.key.n, 2);
	assert_true(text_equal(entry.key.fields[0], TEXT("exe")));
	assert_true(text_equal(entry.key.fields[1], TEXT("name 30")));
	top_list_get(list, 2, &entry);
	assert_int_equal(entry.fingerprint, 10);
	assert_true(top_list_find(list, 20, &entry));
	assert_int_equal(entry.weight, 2);
	assert_true(top_list_remove(list, 20));
	assert_false(top_list_remove(list, 20));
	assert_false(top_list_find(list, 20, &entry));
	assert_int_equal(top_list_forget(list, 3), 1); /* 10 */
	assert_int_equal(top_list_count(list), 1);
}

/* Space-Saving's promise: weight - error <= truth <= weight, and whoever has more than total/size
 * is listed. */
static void holds_the_frequent(void **state)
{
	enum { SIZE = 50, N_EVENTS = 50000, N_KEYS = 2000 };
	SCOPED(top_list_destroy) struct top_list *list = NULL;
	static uint32_t truth[N_KEYS + 1];
	uint64_t random = 8;

	(void)state;
	assert_int_equal(top_list_create(&list, SIZE), 0);
	for (int i = 0; i < N_EVENTS; i++) {
		uint64_t key = random_zipf(&random, 1.3, N_KEYS);

		truth[key]++;
		add(list, key, 1);
	}
	for (uint64_t key = 1; key <= N_KEYS; key++) {
		struct top_entry entry;
		bool is_listed = top_list_find(list, key, &entry);

		if (truth[key] > N_EVENTS / SIZE)
			assert_true(is_listed);
		if (!is_listed)
			continue;
		assert_true(entry.weight >= truth[key]);
		assert_true(entry.weight - entry.error <= truth[key]);
	}
}

static void long_examples_are_cut(void **state)
{
	SCOPED(top_list_destroy) struct top_list *list = NULL;
	static char text[5000];
	struct record_key key = {6, {{text, 1000}, {text, 4096}, {text, 5}, {0}, {0}, {0}}};
	struct top_entry entry;

	(void)state;
	assert_int_equal(top_list_create(&list, 1), 0);
	memset(text, 'x', sizeof(text));
	top_list_add(list, 1, 1, 1, &key);
	top_list_get(list, 0, &entry);
	assert_int_equal(entry.key.n, 6);
	assert_int_equal(entry.key.fields[0].len, 1000);
	assert_int_equal(entry.key.fields[1].len, TOP_LIST_TEXT_MAX - 1000);
	assert_int_equal(entry.key.fields[2].len, 0);
	key.n = 200; /* more fields than there can be */
	top_list_add(list, 2, 1, 1, &key);
	top_list_get(list, 0, &entry);
	assert_int_equal(entry.key.n, RECORD_KEY_MAX);
}

static void image_comes_back(void **state)
{
	SCOPED(top_list_destroy) struct top_list *list = NULL;
	SCOPED(top_list_destroy) struct top_list *copy = NULL;
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct blob_reader reader;

	(void)state;
	assert_int_equal(top_list_create(&list, 8), 0);
	for (uint64_t key = 0; key < 30; key++)
		add(list, key % 11, (uint32_t)key);
	top_list_write(list, &writer);
	reader = blob_reader_of((struct text){(char *)writer.bytes, (uint32_t)writer.len});
	assert_int_equal(top_list_read(&copy, &reader), 0);
	assert_int_equal(top_list_count(copy), 8);
	assert_int_equal(top_list_bytes(copy), top_list_bytes(list));
	for (uint32_t rank = 0; rank < 8; rank++) {
		struct top_entry a, b;

		top_list_get(list, rank, &a);
		top_list_get(copy, rank, &b);
		assert_int_equal(a.fingerprint, b.fingerprint);
		assert_int_equal(a.weight, b.weight);
		assert_true(text_equal(a.key.fields[1], b.key.fields[1]));
	}
}

static void damaged_images_are_harmless(void **state)
{
	SCOPED(top_list_destroy) struct top_list *list = NULL;
	SCOPED(blob_writer_done) struct blob_writer writer = {0};

	(void)state;
	assert_int_equal(top_list_create(&list, 4), 0);
	for (uint64_t key = 0; key < 9; key++)
		add(list, key, 5);
	top_list_write(list, &writer);
	for (uint32_t at = 0; at < writer.len * 8; at++) {
		struct text image = {(char *)writer.bytes, (uint32_t)writer.len};
		struct blob_reader cut = blob_reader_of((struct text){image.ptr, at / 8});
		struct blob_reader changed = blob_reader_of(image);
		SCOPED(top_list_destroy) struct top_list *copy = NULL;

		assert_int_equal(top_list_read(&copy, &cut), -EBADMSG);
		writer.bytes[at / 8] ^= (uint8_t)(1 << at % 8);
		if (top_list_read(&copy, &changed) == 0)
			add(copy, 77, 1);
		writer.bytes[at / 8] ^= (uint8_t)(1 << at % 8);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_checks_its_size),
		cmocka_unit_test(keeps_examples_and_order),
		cmocka_unit_test(holds_the_frequent),
		cmocka_unit_test(long_examples_are_cut),
		cmocka_unit_test(image_comes_back),
		cmocka_unit_test(damaged_images_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
