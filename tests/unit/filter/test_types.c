/* Comparisons of the event's type and time, against events as state's own fields see them. */
#include "tests/unit/filter/filter_test.h"

/* Comparisons of the type are answered from a table, except where the name depends on the event. */
static void test_types(void **unused)
{
	static const struct {
		const char *filter;
		enum event_type type;
		int64_t res;
		bool want;
	} rows[] = {
		{"evt.type = open", EVENT_OPEN, 3, true},
		{"evt.type = open", EVENT_OPENAT, 3, false},
		{"evt.type in (open, openat)", EVENT_OPENAT, 3, true},
		{"evt.type in (open, openat)", EVENT_CLOSE, 0, false},
		{"evt.type != open", EVENT_OPENAT, 3, true},
		{"evt.type = execve", EVENT_EXECVE, 0, true},
		{"evt.type = execve", EVENT_EXECVEAT, 0, true}, /* reported as execve */
		{"evt.type = execveat", EVENT_EXECVEAT, 0, false},
		{"evt.type = execveat", EVENT_EXECVEAT, -2, true},
	};
	struct field_set set = {.tables = {state_field_table()}, .n_tables = 1};
	struct arena arena;

	(void)unused;
	assert_int_equal(arena_init(&arena, 4096), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event ev = {.type = rows[i].type, .res = rows[i].res, .has_res = true};
		struct field_context ctx = {.event = &ev, .arena = &arena};
		struct filter *filter = NULL;
		struct diag diag = {0};

		assert_int_equal(filter_compile(&filter, text_from(rows[i].filter), &set, &diag),
				 0);
		if (filter_eval(filter, &ctx) != rows[i].want)
			fail_msg("%s, row %zu", rows[i].filter, i);
		filter_destroy(&filter);
	}
	arena_done(&arena);
}

/* = means at most so far from the moment, on either side. */
static void test_moments(void **unused)
{
	static const struct {
		const char *filter;
		uint64_t ts_ns;
		bool want;
	} rows[] = {
		{"evt.around[1700000000000000000] = 5", UINT64_C(1700000000000000000), true},
		{"evt.around[1700000000000000000] = 5", UINT64_C(1700000000005000000), true},
		{"evt.around[1700000000000000000] = 5", UINT64_C(1700000000005000001), false},
		{"evt.around[1700000000000000000] = 5", UINT64_C(1699999999995000000), true},
		{"evt.around[1700000000000000000] = 5", UINT64_C(1699999999994999999), false},
		{"evt.around[1700000000000000000] = 0", UINT64_C(1700000000000000000), true},
		{"evt.around[1700000000000000000] = 0", UINT64_C(1700000000000000001), false},
		{"not evt.around[1700000000000000000] = 5", UINT64_C(1), true},
		{"evt.around[1] exists", UINT64_C(1700000000000000000), true},
		{"evt.around[1] = 18446744073709551615", UINT64_C(1700000000000000000), true},
	};
	struct field_set set = {.tables = {state_field_table()}, .n_tables = 1};
	struct arena arena;

	(void)unused;
	assert_int_equal(arena_init(&arena, 4096), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(filter_destroy) struct filter *filter = NULL;
		struct event ev = {.type = EVENT_OPEN, .ts_ns = rows[i].ts_ns};
		struct field_context ctx = {.event = &ev, .arena = &arena};
		struct diag diag = {0};

		if (filter_compile(&filter, text_from(rows[i].filter), &set, &diag))
			fail_msg("%s: %s", rows[i].filter, diag.message);
		if (filter_eval(filter, &ctx) != rows[i].want)
			fail_msg("%s, row %zu", rows[i].filter, i);
	}
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_moments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
