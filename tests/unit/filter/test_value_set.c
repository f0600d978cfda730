#include "filter/value_set.h"

#include "tests/unit/filter/filter_test.h"

#define MEMBERS 5000

static void done_pool(struct pool *pool)
{
	pool_done(pool);
}

static void members_are_found_and_strangers_not(void **state)
{
	SCOPED(done_pool) struct pool pool = {0};
	static char names[MEMBERS][16];
	static struct value values[MEMBERS];
	struct text_set *set;

	(void)state;
	for (uint32_t i = 0; i < MEMBERS; i++) {
		int n = snprintf(names[i], sizeof(names[i]), "name-%u", i);

		values[i].text = (struct text){names[i], (uint32_t)n};
	}
	assert_int_equal(text_set_build(&set, values, MEMBERS, &pool), 0);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		char stranger[24];

		assert_true(text_set_has(set, values[i].text));
		snprintf(stranger, sizeof(stranger), "nome-%u", i);
		assert_false(text_set_has(set, text_from(stranger)));
	}
}

static void small_sets_have_no_surprises(void **state)
{
	const struct value values[] = {
		{.text = TEXT("")}, {.text = TEXT("a")}, {.text = TEXT("a")}, {.text = TEXT("bb")}};
	SCOPED(done_pool) struct pool pool = {0};
	struct text_set *set, *empty;

	(void)state;
	assert_int_equal(text_set_build(&set, values, 4, &pool), 0);
	assert_int_equal(text_set_build(&empty, values, 0, &pool), 0);
	assert_true(text_set_has(set, TEXT("")));
	assert_true(text_set_has(set, TEXT_NONE));
	assert_true(text_set_has(set, TEXT("a")));
	assert_true(text_set_has(set, TEXT("bb")));
	assert_false(text_set_has(set, TEXT("b")));
	assert_false(text_set_has(empty, TEXT("")));
	assert_false(text_set_has(empty, TEXT("a")));
}

static void prefixes_cover_by_components(void **state)
{
	static const struct {
		const char *prefix, *path;
		bool want;
	} rows[] = {
		{"/etc", "/etc/passwd", true},
		{"/etc", "/etc", true},
		{"/etc/", "/etc/passwd", true},
		{"/etc", "/etcd/x", false},
		{"/et", "/etc", false},
		{"//etc//", "/etc/x", true},
		{"/", "/anything", true},
		{"", "/anything", true},
		{"", "", true},
		{"/etc", "/", false},
		{"*", "", false},
		{"*", "/a", true},
		{"/etc/*", "/etc", false},
		{"/etc/*", "/etc/a/b", true},
		{"/et?/p*", "/etc/passwd", true},
		{"/e[st]c", "/etc/x", true},
		{"etc", "/etc/x", true},
		{"/etc/passwd/x", "/etc/passwd", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(done_pool) struct pool pool = {0};
		struct value value = {.text = text_from(rows[i].prefix)};
		struct path_set *set;

		assert_int_equal(path_set_build(&set, &value, 1, &pool), 0);
		if (path_set_covers(set, text_from(rows[i].path)) != rows[i].want)
			fail_msg("'%s' '%s'", rows[i].prefix, rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_and_strangers_not),
		cmocka_unit_test(small_sets_have_no_surprises),
		cmocka_unit_test(prefixes_cover_by_components),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
