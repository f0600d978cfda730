#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "profiles/discovery.h"
#include "random.h"

#define UNITS 2000

static void expect_equal(const struct stream *a, const struct stream *b)
{
	/* Steps and the lazy form differ by a thousandth or two. */
	assert_float_equal(a->n, b->n, 3e-3);
	assert_float_equal(a->n2, b->n2, 3e-3);
	assert_float_equal(a->x, b->x, 1e-9);
	assert_float_equal(a->extra, b->extra, 3e-3);
	assert_int_equal(a->open_new, b->open_new);
	assert_int_equal(a->age, b->age);
}

static void what_is_withdrawn_never_was(void **state)
{
	static const struct {
		const char *name;
		uint32_t marked_at, withdrawn_at;
		uint32_t others; /* marks in the same unit that stay */
	} rows[] = {
		{"at once", 100, 100, 0},      {"next unit", 100, 101, 0},
		{"later", 100, 140, 0},        {"much later", 100, 1500, 0},
		{"among others", 100, 103, 3}, {"at once among others", 100, 100, 2},
		{"young stream", 2, 5, 0},     {"first unit", 0, 7, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct discovery with, without;
		uint32_t unit = 0;

		discovery_init(&with, 1);
		discovery_init(&without, 1);
		for (uint32_t age = 0; age < UNITS; age++) {
			stream_advance(&with.stream, age);
			stream_advance(&without.stream, age);
			for (uint32_t k = 0; age == rows[i].marked_at && k < rows[i].others; k++) {
				discovery_mark(&with);
				discovery_mark(&without);
			}
			if (age == rows[i].marked_at)
				unit = discovery_mark(&with);
			if (age == rows[i].withdrawn_at) {
				if (!discovery_withdraw(&with, unit))
					fail_msg("%s: nothing to withdraw", rows[i].name);
				expect_equal(&with.stream, &without.stream);
			}
		}
		expect_equal(&with.stream, &without.stream);
	}
}

static void the_last_mark_of_a_unit_takes_the_hit_along(void **state)
{
	struct discovery d;
	uint32_t unit;

	(void)state;
	discovery_init(&d, 0);
	stream_advance(&d.stream, 50);
	unit = discovery_mark(&d);
	discovery_mark(&d);
	stream_advance(&d.stream, 51);
	assert_float_equal(d.stream.n, 1, 1e-9);
	assert_float_equal(d.stream.extra, 1, 1e-9);
	assert_true(discovery_withdraw(&d, unit));
	assert_float_equal(d.stream.n, 1, 1e-9);
	assert_float_equal(d.stream.extra, 0, 1e-9);
	assert_true(discovery_withdraw(&d, unit));
	assert_float_equal(d.stream.n, 0, 1e-9);
	assert_false(discovery_withdraw(&d, unit));
}

static void old_marks_stay(void **state)
{
	struct discovery d;
	double n;

	(void)state;
	discovery_init(&d, 0);
	for (uint32_t age = 0; age <= DISCOVERY_RECENT; age++) {
		stream_advance(&d.stream, age);
		discovery_mark(&d);
	}
	n = d.stream.n;
	assert_false(discovery_withdraw(&d, 0));
	assert_float_equal(d.stream.n, n, 0);
	assert_true(discovery_withdraw(&d, 1));
}

static void images_are_the_same_or_refused(void **state)
{
	SCOPED(blob_writer_done) struct blob_writer writer = {0};
	struct discovery d, back;
	struct blob_reader reader;
	uint64_t random = 7;

	(void)state;
	discovery_init(&d, 2);
	for (uint32_t age = 1; age < 300; age++) {
		stream_advance(&d.stream, age);
		if (random_next(&random) % 10 == 0)
			discovery_mark(&d);
	}
	discovery_write(&d, &writer);
	reader = (struct blob_reader){writer.bytes, writer.len, false};
	assert_int_equal(discovery_read(&back, &reader), 0);
	assert_int_equal(reader.left, 0);
	expect_equal(&d.stream, &back.stream);
	assert_memory_equal(d.recent, back.recent, sizeof(d.recent));
	assert_int_equal(d.at, back.at);
	for (size_t len = 0; len < writer.len; len++) {
		reader = (struct blob_reader){writer.bytes, len, false};
		assert_int_equal(discovery_read(&back, &reader), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_withdrawn_never_was),
		cmocka_unit_test(the_last_mark_of_a_unit_takes_the_hit_along),
		cmocka_unit_test(old_marks_stay),
		cmocka_unit_test(images_are_the_same_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
