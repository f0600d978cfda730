#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>

#include "profiles/fp_map.h"
#include "random.h"

#define KEYS 500

static void an_empty_map_has_nothing(void **state)
{
	struct fp_map map = {0};
	uint32_t cursor = 0;

	(void)state;
	assert_null(fp_map_find(&map, 1));
	assert_null(fp_map_remove(&map, 1));
	assert_null(fp_map_next(&map, &cursor));
	fp_map_done(&map);
}

/* Against an array, with keys that collide: multiples of a large power of two, small numbers, 0. */
static void it_is_a_map(void **state)
{
	static char things[KEYS];
	void *want[KEYS] = {0};
	struct fp_map map = {0};
	uint64_t random = 1;
	uint32_t n = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint32_t k = (uint32_t)(random_next(&random) % KEYS);
		uint64_t key = k % 2 ? (uint64_t)k << 40 : k;
		uint32_t cursor = 0, seen = 0;

		if (random_next(&random) % 3) {
			n += !want[k];
			want[k] = &things[random_next(&random) % KEYS];
			assert_int_equal(fp_map_put(&map, key, want[k]), 0);
		} else {
			n -= want[k] != NULL;
			assert_ptr_equal(fp_map_remove(&map, key), want[k]);
			want[k] = NULL;
		}
		assert_int_equal(map.count, n);
		if (i % 1000)
			continue;
		for (uint32_t j = 0; j < KEYS; j++)
			assert_ptr_equal(fp_map_find(&map, j % 2 ? (uint64_t)j << 40 : j), want[j]);
		while (fp_map_next(&map, &cursor))
			seen++;
		assert_int_equal(seen, n);
	}
	fp_map_done(&map);
	assert_int_equal(map.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_has_nothing),
		cmocka_unit_test(it_is_a_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
