#include "filter/event_sets.h"

#include <errno.h>

#include "filter/parser.h"
#include "tests/unit/filter/filter_test.h"

static void done_pool(struct pool *pool)
{
	pool_done(pool);
}

static int set_of_text(struct event_set *out, const char *text)
{
	SCOPED(done_pool) struct pool pool = {0};
	struct ast_node *root;
	struct diag diag;

	assert_int_equal(filter_parse(&root, text_from(text), 1000, &pool, NULL), 0);
	return event_set_of(out, root, &diag);
}

enum want { ONLY, ALL_EXCEPT };

static void conditions_name_their_events(void **state)
{
	static const struct {
		const char *filter;
		enum want want;
		const char *names[4];
	} rows[] = {
		{"evt.type = openat", ONLY, {"openat"}},
		{"evt.type == openat", ONLY, {"openat"}},
		{"evt.type in (open, openat)", ONLY, {"open", "openat"}},
		{"evt.type != openat", ALL_EXCEPT, {"openat"}},
		{"not evt.type = openat", ALL_EXCEPT, {"openat"}},
		{"not evt.type != openat", ONLY, {"openat"}},
		{"evt.type exists", ALL_EXCEPT, {NULL}},
		{"not evt.type exists", ONLY, {NULL}},
		{"evt.type = openat or evt.type = close", ONLY, {"openat", "close"}},
		{"evt.type = openat and evt.type = close", ONLY, {NULL}},
		{"evt.type = openat and proc.name = x", ONLY, {"openat"}},
		{"evt.type = openat or proc.name = x", ALL_EXCEPT, {NULL}},
		{"not (evt.type = openat or evt.type = close)", ALL_EXCEPT, {"openat", "close"}},
		{"not (evt.type = openat and proc.name = x)", ALL_EXCEPT, {NULL}},
		{"evt.type startswith open", ALL_EXCEPT, {NULL}},
		{"not evt.type startswith open", ALL_EXCEPT, {NULL}},
		{"evt.type = anyof (openat)", ALL_EXCEPT, {NULL}},
		{"evt.type in ()", ONLY, {NULL}},
		{"evt.num = 0", ONLY, {NULL}},
		{"not evt.num = 0", ALL_EXCEPT, {NULL}},
		{"not evt.num != 0", ONLY, {NULL}},
		{"evt.num >= 1 and evt.type = openat", ONLY, {"openat"}},
		{"evt.num in (0, 0)", ONLY, {NULL}},
		{"evt.num in (0, 1)", ALL_EXCEPT, {NULL}},
		{"syscall.type = getuid", ONLY, {"getuid"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event_set got, want;

		event_set_none(&want);
		for (size_t n = 0; n < 4 && rows[i].names[n]; n++)
			event_set_add_name(&want, text_from(rows[i].names[n]));
		if (rows[i].want == ALL_EXCEPT)
			event_set_complement(&want);
		assert_int_equal(set_of_text(&got, rows[i].filter), 0);
		if (!event_set_equal(&got, &want))
			fail_msg("%s", rows[i].filter);
	}
}

static void unclear_types_are_refused(void **state)
{
	static const char *const filters[] = {
		"evt.type = val(proc.name)",
		"not evt.type = val(proc.name)",
		"b64(evt.type) = close",
		"evt.type = tolower(proc.name)",
		"a.b = c or tolower(evt.type) in (x)",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct event_set set;

		if (set_of_text(&set, filters[i]) != -EINVAL)
			fail_msg("%s", filters[i]);
	}
}

static void calls_without_an_event_are_told_apart(void **state)
{
	const struct syscall_info *sync = syscall_by_name(TEXT("sync"));
	struct event_set set;

	(void)state;
	assert_non_null(sync);
	assert_int_equal(sync->event, EVENT_GENERIC);
	assert_int_equal(set_of_text(&set, "evt.type in (sync, openat)"), 0);
	assert_true(event_set_has(&set, EVENT_OPENAT, 0));
	assert_false(event_set_has(&set, EVENT_CLOSE, 0));
	assert_true(event_set_has(&set, EVENT_GENERIC, (uint32_t)sync->nr64));
	assert_false(event_set_has(&set, EVENT_GENERIC, (uint32_t)sync->nr64 + 1));
	assert_int_equal(event_set_count(&set), 2);
	event_set_complement(&set);
	assert_false(event_set_has(&set, EVENT_GENERIC, (uint32_t)sync->nr64));
	assert_true(event_set_has(&set, EVENT_GENERIC, (uint32_t)sync->nr64 + 1));
	event_set_add_name(&set, TEXT("no such call"));
	assert_int_equal(event_set_count(&set), EVENT_TYPE_END - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_name_their_events),
		cmocka_unit_test(unclear_types_are_refused),
		cmocka_unit_test(calls_without_an_event_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
