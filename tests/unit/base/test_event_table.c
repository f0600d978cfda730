#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/event_table.h"
#include "base/util.h"

static void finds_events_by_name(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = {
		{"openat", EVENT_OPENAT},   {"execve", EVENT_EXECVE}, {"procexit", EVENT_PROCEXIT},
		{"syscall", EVENT_GENERIC}, {"nonsense", -1},         {"", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (event_by_name(text_from(rows[i].name)) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
}

static void maps_calls_to_events(void **state)
{
	static const struct {
		uint32_t nr;
		bool is_32bit;
		const char *name;
		enum event_type event;
	} rows[] = {
		{257, false, "openat", EVENT_OPENAT}, {39, false, "getpid", EVENT_GENERIC},
		{20, true, "getpid", EVENT_GENERIC},  {5, true, "open", EVENT_OPEN},
		{17, false, "pread64", EVENT_PREAD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct syscall_info *info = syscall_by_nr(rows[i].nr, rows[i].is_32bit);

		assert_non_null(info);
		assert_string_equal(info->name, rows[i].name);
		assert_int_equal(info->event, rows[i].event);
	}
	assert_null(syscall_by_nr(9999, false));
}

static void every_row_is_complete(void **state)
{
	(void)state;
	for (int type = 0; type < EVENT_TYPE_END; type++) {
		const struct event_info *info = event_info(type);

		assert_non_null(info->name);
		for (int i = 0; i < info->n_params; i++) {
			assert_non_null(info->params[i].name);
			assert_true(info->params[i].dirfd_param < info->n_params);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_events_by_name),
		cmocka_unit_test(maps_calls_to_events),
		cmocka_unit_test(every_row_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
