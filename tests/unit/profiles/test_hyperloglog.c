#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "profiles/hyperloglog.h"

static void create_checks_its_precision(void **state)
{
	static const struct {
		unsigned precision;
		int want;
	} rows[] = {{9, -EINVAL}, {10, 0}, {11, 0}, {12, 0}, {13, -EINVAL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(hyperloglog_destroy) struct hyperloglog *hll = NULL;

		assert_int_equal(hyperloglog_create(&hll, rows[i].precision, 1), rows[i].want);
		assert_int_equal(hll != NULL, rows[i].want == 0);
	}
}

/* Over the whole range, repeats included, within four standard errors. */
static void estimates_distinct_keys(void **state)
{
	static const uint64_t rows[] = {0, 1, 2, 10, 100, 1000, 5000, 20000, 100000, 1000000};

	(void)state;
	for (unsigned precision = 10; precision <= 12; precision += 2) {
		double allowed = 4 * 1.04 / sqrt((double)(1 << precision));

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			SCOPED(hyperloglog_destroy) struct hyperloglog *hll = NULL;
			double estimate;

			assert_int_equal(hyperloglog_create(&hll, precision, 99 + i), 0);
			for (uint64_t key = 0; key < rows[i]; key++) {
				hyperloglog_add(hll, key);
				hyperloglog_add(hll, key / 2);
			}
			estimate = hyperloglog_estimate(hll);
			if (fabs(estimate - (double)rows[i]) >
			    allowed * (double)rows[i] + .01 * !!i)
				fail_msg("p %u, %lu keys: %.1f", precision, (unsigned long)rows[i],
					 estimate);
		}
	}
}

static void merges_to_the_union(void **state)
{
	SCOPED(hyperloglog_destroy) struct hyperloglog *a = NULL;
	SCOPED(hyperloglog_destroy) struct hyperloglog *b = NULL;
	SCOPED(hyperloglog_destroy) struct hyperloglog *both = NULL;
	SCOPED(hyperloglog_destroy) struct hyperloglog *stranger = NULL;

	(void)state;
	assert_int_equal(hyperloglog_create(&a, 10, 1), 0);
	assert_int_equal(hyperloglog_create(&b, 10, 1), 0);
	assert_int_equal(hyperloglog_create(&both, 10, 1), 0);
	assert_int_equal(hyperloglog_create(&stranger, 10, 2), 0);
	for (uint64_t key = 0; key < 3000; key++) {
		hyperloglog_add(key % 3 ? a : b, key);
		hyperloglog_add(both, key);
	}
	assert_int_equal(hyperloglog_merge(a, stranger), -EINVAL);
	assert_int_equal(hyperloglog_merge(a, b), 0);
	assert_true(hyperloglog_estimate(a) == hyperloglog_estimate(both));
	hyperloglog_reset(a);
	assert_true(hyperloglog_estimate(a) == 0);
}

static void image_comes_back(void **state)
{
	SCOPED(hyperloglog_destroy) struct hyperloglog *hll = NULL;
	SCOPED(hyperloglog_destroy) struct hyperloglog *copy = NULL;
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct blob_reader reader;

	(void)state;
	assert_int_equal(hyperloglog_create(&hll, 10, 1), 0);
	for (uint64_t key = 0; key < 500; key++)
		hyperloglog_add(hll, key);
	hyperloglog_write(hll, &writer);
	reader = blob_reader_of((struct text){(char *)writer.bytes, (uint32_t)writer.len});
	assert_int_equal(hyperloglog_read(&copy, &reader, 1), 0);
	assert_true(hyperloglog_estimate(copy) == hyperloglog_estimate(hll));
}

static void damaged_images_are_harmless(void **state)
{
	SCOPED(hyperloglog_destroy) struct hyperloglog *hll = NULL;
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct text image;

	(void)state;
	assert_int_equal(hyperloglog_create(&hll, 10, 1), 0);
	hyperloglog_write(hll, &writer);
	image = (struct text){(char *)writer.bytes, (uint32_t)writer.len};
	for (uint32_t at = 0; at < image.len; at++) {
		struct blob_reader cut = blob_reader_of((struct text){image.ptr, at});
		struct blob_reader changed = blob_reader_of(image);
		SCOPED(hyperloglog_destroy) struct hyperloglog *copy = NULL;

		assert_int_equal(hyperloglog_read(&copy, &cut, 1), -EBADMSG);
		writer.bytes[at] ^= 0xff; /* no register may be that long */
		assert_int_equal(hyperloglog_read(&copy, &changed, 1), -EBADMSG);
		writer.bytes[at] ^= 0xff;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_checks_its_precision),
		cmocka_unit_test(estimates_distinct_keys),
		cmocka_unit_test(merges_to_the_union),
		cmocka_unit_test(image_comes_back),
		cmocka_unit_test(damaged_images_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
