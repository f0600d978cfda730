#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profiles/count_min.h"
#include "random.h"

#define TEST_SEED UINT64_C(0x5eed)

static struct count_min *make(uint32_t width, uint32_t depth, size_t bytes_max)
{
	struct count_min_config config = {width, depth, bytes_max, TEST_SEED};
	struct count_min *cm = NULL;

	assert_int_equal(count_min_create(&cm, &config), 0);
	return cm;
}

static struct count_min_record add(struct count_min *cm, uint64_t key, uint32_t epoch)
{
	return count_min_add(cm, &key, sizeof(key), epoch, 1);
}

static struct count_min_record find(const struct count_min *cm, uint64_t key)
{
	return count_min_find(cm, &key, sizeof(key));
}

static void create_checks_its_shape(void **state)
{
	static const struct {
		const char *name;
		uint32_t width, depth;
		int want;
		uint64_t columns;
	} rows[] = {
		{"usual", 1024, 4, 0, 1024},
		{"rounded up", 1025, 4, 0, 2048},
		{"least", 1, 1, 0, COUNT_MIN_WIDTH_MIN},
		{"no columns", 0, 4, -EINVAL, 0},
		{"no rows", 1024, 0, -EINVAL, 0},
		{"too deep", 1024, COUNT_MIN_DEPTH_MAX + 1, -EINVAL, 0},
		{"too wide", COUNT_MIN_WIDTH_MAX + 1, 1, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct count_min_config config = {rows[i].width, rows[i].depth, 0, TEST_SEED};
		SCOPED(count_min_destroy) struct count_min *cm = NULL;
		int r = count_min_create(&cm, &config);

		if (r != rows[i].want)
			fail_msg("%s: got %d, want %d", rows[i].name, r, rows[i].want);
		assert_int_equal(cm != NULL, r == 0);
		if (cm)
			assert_int_equal(count_min_columns(cm), rows[i].columns);
	}
}

static void width_for_keys(void **state)
{
	static const struct {
		uint64_t n_keys;
		uint32_t want;
	} rows[] = {
		{0, 64}, {24, 64}, {390, 1024}, {1560, 4096}, {UINT64_MAX, COUNT_MIN_WIDTH_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(count_min_width_for(rows[i].n_keys), rows[i].want);
}

/* One key alone: everything is exact. */
static void counts_one_key(void **state)
{
	SCOPED(count_min_destroy) struct count_min *cm = make(64, 4, 0);
	struct count_min_record record;

	(void)state;
	assert_int_equal(find(cm, 7).count, 0);
	assert_int_equal(add(cm, 7, 10).count, 0);
	for (int i = 0; i < 1000; i++)
		add(cm, 7, 10);
	record = find(cm, 7);
	assert_int_equal(record.count, 1001);
	assert_int_equal(record.epochs, 1);
	assert_int_equal(record.last_epoch, 10);
	add(cm, 7, 12);
	add(cm, 7, 11); /* a straggler counts as the newest */
	record = find(cm, 7);
	assert_int_equal(record.epochs, 2);
	assert_int_equal(record.last_epoch, 12);
	assert_int_equal(count_min_total(cm), 1003);
}

static void counters_saturate(void **state)
{
	SCOPED(count_min_destroy) struct count_min *cm = make(64, 4, 0);
	uint64_t key = 1;

	(void)state;
	count_min_add(cm, &key, sizeof(key), 1, UINT32_MAX);
	count_min_add(cm, &key, sizeof(key), 1, 5);
	assert_int_equal(find(cm, 1).count, UINT32_MAX);
	count_min_add(cm, &key, sizeof(key), 2, 0); /* nothing */
	assert_int_equal(find(cm, 1).epochs, 1);
}

#define N_KEYS 2000

/* Exact records beside the sketch. */
struct truth {
	uint32_t count, epochs, last_epoch;
};

static void see(struct truth *truth, uint32_t epoch)
{
	truth->count++;
	if (truth->epochs == 0 || truth->last_epoch != epoch)
		truth->epochs++;
	truth->last_epoch = epoch;
}

static void expect_no_undercount(const struct count_min *cm, const struct truth *truths)
{
	for (uint64_t key = 0; key < N_KEYS; key++) {
		struct count_min_record record = find(cm, key);

		if (record.count < truths[key].count || record.epochs < truths[key].epochs ||
		    record.last_epoch < truths[key].last_epoch)
			fail_msg("key %u is undercounted", (unsigned)key);
	}
}

/* However full, with layers or without, and after an image: counts, epochs and last epochs are
 * never below the truth. */
static void never_undercounts(void **state)
{
	static const struct {
		uint32_t width;
		size_t bytes_max;
	} rows[] = {{64, 0}, {512, 0}, {4096, 0}, {64, 1 << 20}, {256, 100000}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(count_min_destroy)
		struct count_min *cm = make(rows[i].width, 4, rows[i].bytes_max);
		static struct truth truths[N_KEYS];
		uint64_t random = i;

		memset(truths, 0, sizeof(truths));
		for (uint32_t epoch = 1; epoch <= 200; epoch++) {
			for (int event = 0; event < 200; event++) {
				uint64_t key = random_zipf(&random, 1.2, N_KEYS) - 1;

				add(cm, key, epoch);
				see(&truths[key], epoch);
			}
		}
		expect_no_undercount(cm, truths);
	}
}

/* Repeats in one epoch raise a colliding key's epochs once a row at most. */
static void repeats_do_not_raise_epochs(void **state)
{
	SCOPED(count_min_destroy) struct count_min *cm = make(64, 4, 0);
	uint64_t random = 3;
	uint32_t before;

	(void)state;
	for (int i = 0; i < 400; i++)
		add(cm, random_next(&random) % 100, (uint32_t)i / 20);
	before = find(cm, 5).epochs;
	for (int i = 0; i < 1000000; i++)
		add(cm, 5, 30);
	assert_in_range(find(cm, 5).epochs, before + 1, before + 4);
}

/* The product of the occupancies is the share of new keys taken for known. */
static void false_known_is_what_is_measured(void **state)
{
	static const struct {
		double load; /* keys a column */
		double want, tolerance;
	} rows[] = {
		/* (1 - e^-load)^4 */
		{.35, .0076, .006},
		{.70, .064, .02},
		{1.4, .32, .04},
		{2.8, .79, .04},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(count_min_destroy) struct count_min *cm = make(4096, 4, 0);
		int n_known = 0;

		for (uint64_t key = 0; key < (uint64_t)(rows[i].load * 4096); key++)
			add(cm, key, 1);
		for (uint64_t key = 0; key < 20000; key++)
			n_known += find(cm, UINT64_C(1) << 40 | key).count > 0;
		if (fabs(count_min_false_known(cm) - rows[i].want) > rows[i].tolerance)
			fail_msg("load %.2f: says %.4f", rows[i].load, count_min_false_known(cm));
		if (fabs(n_known / 20000. - count_min_false_known(cm)) > .012)
			fail_msg("load %.2f: measured %.4f, says %.4f", rows[i].load,
				 n_known / 20000., count_min_false_known(cm));
	}
}

static void layers_keep_novelty_visible(void **state)
{
	SCOPED(count_min_destroy) struct count_min *cm = make(64, 4, 4 << 20);
	SCOPED(count_min_destroy) struct count_min *fixed = make(64, 4, 0);

	(void)state;
	for (uint64_t key = 0; key < 900; key++) {
		add(cm, key, 1);
		add(fixed, key, 1);
		if (key == 10)
			assert_false(count_min_is_full(fixed));
	}
	assert_true(count_min_columns(cm) > 64);
	assert_false(count_min_is_full(cm));
	assert_true(count_min_false_known(cm) < .02);
	assert_true(count_min_is_full(fixed));
	assert_true(count_min_false_known(fixed) > .9);
	assert_in_range(count_min_bytes(cm), 1, 4 << 20);
	for (uint64_t key = 0; key < 900; key++)
		assert_true(find(cm, key).count >= 1);
}

static void forgets_by_last_epoch(void **state)
{
	SCOPED(count_min_destroy) struct count_min *cm = make(1024, 4, 0);

	(void)state;
	for (uint64_t key = 0; key < 300; key++)
		add(cm, key, key < 150 ? 5 : 9);
	add(cm, 0, 9);
	assert_int_equal(count_min_forget(cm, 5, 4096), 0);
	for (int i = 0; i < 64; i++) /* bounded work a call */
		count_min_forget(cm, 9, 64);
	assert_int_equal(find(cm, 0).epochs, 2);
	for (uint64_t key = 150; key < 300; key++)
		assert_true(find(cm, key).count > 0);
	assert_int_equal(find(cm, 7).count, 0); /* new again */
	assert_true(count_min_false_known(cm) < .003);
	for (int i = 0; i < 64; i++)
		count_min_forget(cm, 99, 64);
	assert_true(count_min_false_known(cm) == 0);
}

static struct text image_of(const struct count_min *cm, struct blob_writer *writer)
{
	count_min_write(cm, writer);
	assert_false(writer->failed);
	return (struct text){(char *)writer->bytes, (uint32_t)writer->len};
}

static void image_comes_back(void **state)
{
	SCOPED(count_min_destroy) struct count_min *cm = make(64, 3, 1 << 20);
	SCOPED(count_min_destroy) struct count_min *copy = NULL;
	SCOPED(count_min_destroy) struct count_min *stranger = NULL;
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct blob_reader reader;
	struct text image;

	(void)state;
	for (uint64_t key = 0; key < 500; key++)
		add(cm, key, (uint32_t)key / 50);
	image = image_of(cm, &writer);
	reader = blob_reader_of(image);
	assert_int_equal(count_min_read(&copy, &reader, 1 << 20, TEST_SEED), 0);
	assert_int_equal(reader.left, 0);
	assert_int_equal(count_min_columns(copy), count_min_columns(cm));
	assert_true(count_min_false_known(copy) == count_min_false_known(cm));
	for (uint64_t key = 0; key < 600; key++) {
		struct count_min_record want = find(cm, key), got = find(copy, key);

		assert_memory_equal(&got, &want, sizeof(want));
	}
	reader = blob_reader_of(image);
	assert_int_equal(count_min_read(&stranger, &reader, 1 << 20, TEST_SEED + 1), -EBADMSG);
	assert_null(stranger);
}

/* Every cut and every changed byte: refused or read, never a crash or a wild allocation. */
static void damaged_images_are_harmless(void **state)
{
	SCOPED(count_min_destroy) struct count_min *cm = make(64, 2, 100000);
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct text image;

	(void)state;
	for (uint64_t key = 0; key < 40; key++)
		add(cm, key, 1000);
	image = image_of(cm, &writer);
	for (uint32_t len = 0; len < image.len; len++) {
		struct blob_reader reader = blob_reader_of((struct text){image.ptr, len});
		struct count_min *copy = NULL;

		assert_int_equal(count_min_read(&copy, &reader, 100000, TEST_SEED), -EBADMSG);
	}
	for (uint32_t at = 0; at < image.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			SCOPED(count_min_destroy) struct count_min *copy = NULL;
			struct blob_reader reader = blob_reader_of(image);

			writer.bytes[at] ^= (uint8_t)(1 << bit);
			if (count_min_read(&copy, &reader, 100000, TEST_SEED) == 0) {
				add(copy, 5, UINT32_MAX);
				count_min_forget(copy, UINT32_MAX, 300);
			}
			writer.bytes[at] ^= (uint8_t)(1 << bit);
		}
	}
}

/* The textbook sketch, for comparison only: every row's counter grows. Uses the rows of the real
 * one through its estimates' error alone, so it has a simple hash of its own. */
#define PLAIN_WIDTH 2048
#define PLAIN_DEPTH 4

static uint32_t *plain_cell(uint32_t cells[PLAIN_DEPTH][PLAIN_WIDTH], uint64_t key, int row)
{
	uint64_t state = key * PLAIN_DEPTH + (uint64_t)row;

	return &cells[row][random_next(&state) % PLAIN_WIDTH];
}

static uint32_t plain_estimate(uint32_t cells[PLAIN_DEPTH][PLAIN_WIDTH], uint64_t key)
{
	uint32_t least = UINT32_MAX;

	for (int row = 0; row < PLAIN_DEPTH; row++)
		least = MIN(least, *plain_cell(cells, key, row));
	return least;
}

/* A million Zipf keys: the error exceeds epsilon * N for a share of at most delta of the keys, with
 * epsilon = e/width and delta = e^-depth; conservative update errs less than the plain one. */
static void error_is_bounded(void **state)
{
	enum { N_EVENTS = 1000000, N_RANKS = 100000 };
	SCOPED(count_min_destroy) struct count_min *cm = make(PLAIN_WIDTH, PLAIN_DEPTH, 0);
	static uint32_t plain[PLAIN_DEPTH][PLAIN_WIDTH];
	static uint32_t truth[N_RANKS + 1];
	double allowed = M_E / PLAIN_WIDTH * N_EVENTS;
	double conservative_error = 0, plain_error = 0;
	uint32_t n_keys = 0, n_over = 0, n_plain_over = 0;
	uint64_t random = 42;

	(void)state;
	for (int i = 0; i < N_EVENTS; i++) {
		uint64_t key = random_zipf(&random, 1.1, N_RANKS);

		truth[key]++;
		add(cm, key, 1);
		for (int row = 0; row < PLAIN_DEPTH; row++)
			(*plain_cell(plain, key, row))++;
	}
	for (uint64_t key = 1; key <= N_RANKS; key++) {
		uint32_t estimate = find(cm, key).count;
		uint32_t plainly = plain_estimate(plain, key);

		assert_true(estimate >= truth[key]);
		if (truth[key] == 0)
			continue;
		n_keys++;
		n_over += estimate - truth[key] > allowed;
		n_plain_over += plainly - truth[key] > allowed;
		conservative_error += estimate - truth[key];
		plain_error += plainly - truth[key];
	}
	print_message("# %u keys, allowed error %.0f: over it %u (plain %u), mean error %.1f "
		      "(plain %.1f)\n",
		      n_keys, allowed, n_over, n_plain_over, conservative_error / n_keys,
		      plain_error / n_keys);
	assert_true(n_over <= exp(-PLAIN_DEPTH) * n_keys);
	assert_true(n_plain_over <= exp(-PLAIN_DEPTH) * n_keys);
	assert_true(conservative_error < plain_error * .8);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_checks_its_shape),
		cmocka_unit_test(width_for_keys),
		cmocka_unit_test(counts_one_key),
		cmocka_unit_test(counters_saturate),
		cmocka_unit_test(never_undercounts),
		cmocka_unit_test(repeats_do_not_raise_epochs),
		cmocka_unit_test(false_known_is_what_is_measured),
		cmocka_unit_test(layers_keep_novelty_visible),
		cmocka_unit_test(forgets_by_last_epoch),
		cmocka_unit_test(image_comes_back),
		cmocka_unit_test(damaged_images_are_harmless),
		cmocka_unit_test(error_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
