/* Comparisons of the event's type, against events as state's own field sees them. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
