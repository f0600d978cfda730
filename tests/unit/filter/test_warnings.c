#include "filter/warnings.h"

#include "filter/parser.h"
#include "tests/unit/filter/filter_test.h"

static void done_pool(struct pool *pool)
{
	pool_done(pool);
}

static void note(enum filter_warning warning, const struct ast_node *node, struct text subject,
		 void *arg)
{
	char *out = arg;

	(void)node;
	sprintf(out + strlen(out), "%d:%.*s ", (int)warning, TEXT_ARGS(subject));
}

static void suspicious_conditions_warn(void **state)
{
	static const struct {
		const char *filter, *want;
	} rows[] = {
		{"s.v = x", ""},
		{"s.v = s.same", "2:s.same "},
		{"s.v = 's. same'", "2:s. same "},
		{"s.v in (x, i.v)", "2:i.v "},
		{"s.v = foo.bar", ""},
		{"s.v = 'tolower(s.v)'", "3:tolower(s.v) "},
		{"s.v = 'lower(s.v)'", ""},
		{"s.v = val(s.same)", ""},
		{"s.v regex abc", "4:abc "},
		{"s.v regex '^abc$'", "4:^abc$ "},
		{"s.v regex '.*abc.*'", "4:.*abc.* "},
		{"s.v regex 'a.*c'", ""},
		{"s.v regex '(a|b)'", ""},
		{"evt.dir = <", "1:evt.dir "},
		{"evt.dir = < and evt.dir = >", "1:evt.dir "},
		{"ka.x = <NA>", "0:<NA> "},
		{"ka.x = <NA> or jevt.y in (<NA>)", "0:<NA> "},
		{"tolower(ka.x) = <NA>", "0:<NA> "},
		{"ka.x contains <NA>", ""},
		{"s.v = <NA>", ""},
	};
	struct filter_test *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(done_pool) struct pool pool = {0};
		struct ast_node *root;
		char got[256] = "";

		assert_int_equal(filter_parse(&root, text_from(rows[i].filter), 100, &pool, NULL),
				 0);
		filter_warnings(root, given_fields(t->given), note, got);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("'%s': got '%s'", rows[i].filter, got);
	}
}

static void codes_are_falcos(void **state)
{
	(void)state;
	assert_string_equal(filter_warning_code(WARNING_UNSAFE_NA), "LOAD_UNSAFE_NA_CHECK");
	assert_string_equal(filter_warning_code(WARNING_DEPRECATED), "LOAD_DEPRECATED_ITEM");
	assert_string_equal(filter_warning_code(WARNING_REGEX_IS_PLAIN), "LOAD_COMPILE_CONDITION");
	assert_string_equal(filter_deprecated_fields()[0], "evt.dir");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILTER_TEST(suspicious_conditions_warn),
		cmocka_unit_test(codes_are_falcos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
