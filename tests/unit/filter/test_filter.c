#include <errno.h>

#include "filter/compiled.h"
#include "tests/unit/filter/filter_test.h"

struct row {
	const char *filter;
	bool want;
};

static void evaluate_rows(struct filter_test *t, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		evaluates(t, rows[i].filter, rows[i].want);
}

static void strings_compare(void **state)
{
	static const struct row rows[] = {
		{"s.v = nginx", true},
		{"s.v == nginx", true},
		{"s.v != nginx", false},
		{"s.v = NGINX", false},
		{"s.v != apache", true},
		{"s.v contains gin", true},
		{"s.v contains \"\"", true},
		{"s.v icontains GIN", true},
		{"s.v icontains NGINX1", false},
		{"s.v startswith ngi", true},
		{"s.v endswith inx", true},
		{"s.v endswith nginxx", false},
		{"s.v glob n*x", true},
		{"s.v iglob N*X", true},
		{"s.v regex 'n.*'", true},
		{"s.v regex 'gin'", false},
		{"s.v in (apache, nginx)", true},
		{"s.v in ()", false},
		{"s.v in nginx", true},
		{"s.v intersects (nginx)", true},
		{"s.v > 1", true},
		{"s.empty exists", true},
		{"s.empty = ''", true},
		{"s.empty in ('')", true},
		{"s.path pmatch (/etc, /usr)", true},
		{"s.path pmatch (/etc/cron)", false},
		{"s.path pmatch (/etc/cron.?/job)", true},
		{"y.v startswith HTTP", true},
		{"y.v bstartswith 48545450", true},
		{"y.v bcontains 2f31", true},
		{"y.v bcontains 2f32", false},
	};

	evaluate_rows(*state, rows, ARRAY_SIZE(rows));
}

static void numbers_and_addresses_compare(void **state)
{
	static const struct row rows[] = {
		{"i.v = -5", true},
		{"i.v < 0", true},
		{"i.v > -6", true},
		{"i.v >= -5", true},
		{"i.v <= -6", false},
		{"i.v in (1, -5)", true},
		{"i.w8 = -1", true},
		{"u.v = 7", true},
		{"u.v < -1", true}, /* -1 wraps to the maximum */
		{"u.w16 = 65535", true},
		{"d.v > 1", true},
		{"d.v < 2", true},
		{"b.v = true", true},
		{"b.v != true", false},
		{"p.v = https", true},
		{"p.v in (http, 443)", true},
		{"a.v = 10.1.2.3", true},
		{"a.v = ::1", false},
		{"a.v != ::1", true},
		{"a.six = 2001:db8:0::1", true},
		{"a.v in (::1, 10.1.2.3)", true},
		{"n.v = 10.0.0.0/8", true},
		{"n.v = 10.1.2.2/31", true},
		{"n.v = 10.1.2.4/31", false},
		{"n.v != 2001:db8::/32", true},
		{"n.v in (192.168.0.0/16, 10.1.0.0/16)", true},
	};

	evaluate_rows(*state, rows, ARRAY_SIZE(rows));
}

static void checks_combine(void **state)
{
	static const struct row rows[] = {
		{"not s.v = nginx", false},
		{"not not s.v = nginx", true},
		{"s.v = x or s.v = nginx and i.v = -5", true},
		{"(s.v = x or s.v = nginx) and i.v = 5", false},
		{"not (s.v = x and i.v = -5)", true},
	};

	evaluate_rows(*state, rows, ARRAY_SIZE(rows));
}

static void absent_values_make_every_check_false(void **state)
{
	static const char *const checks[] = {
		"s.absent exists",
		"s.absent = x",
		"s.absent != x",
		"s.absent = \"\"",
		"s.absent in (x)",
		"s.absent in ()",
		"s.absent contains \"\"",
		"s.absent glob *",
		"s.absent regex '.*'",
		"s.absent pmatch (/)",
		"s.absent != val(s.v)",
		"s.v != val(s.absent)",
		"tolower(s.absent) exists",
		"len(s.absent) = 0",
		"concat(s.v, s.absent) exists",
		"s.absent != anyof (x)",
		"l.absent exists",
		"l.absent in (a)",
		"x.none exists",
		"x.none != foo",
		"x.file = 1.2.3.4",
		"x.file != 1.2.3.4",
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		char negated[128];

		evaluates(*state, checks[i], false);
		snprintf(negated, sizeof(negated), "not %s", checks[i]);
		evaluates(*state, negated, true);
	}
}

static void modifiers_count_what_holds(void **state)
{
	static const struct row rows[] = {
		{"s.v = anyof (x, nginx)", true},
		{"s.v = allof (nginx, nginx)", true},
		{"s.v = allof (x, nginx)", false},
		{"s.v = oneof (x, nginx)", true},
		{"s.v = oneof (nginx, nginx)", false},
		{"s.v = oneof ()", false},
		{"s.v = allof ()", false},
		{"s.v != anyof (nginx, x)", true},
		{"s.v != allof (x, y)", true},
		{"s.v contains allof (ngi, inx)", true},
		{"s.v startswith oneof (n, ng)", false},
		{"s.v regex anyof ('a.*', 'n.*')", true},
		{"s.v = anyof nginx", true},
		{"y.v bcontains anyof (00, 48)", true},
		{"n.v = anyof (192.168.0.0/16, 10.0.0.0/8)", true},
	};

	evaluate_rows(*state, rows, ARRAY_SIZE(rows));
}

static void lists_compare_as_lists(void **state)
{
	static const struct row rows[] = {
		{"l.v in (a, b, c)", true},
		{"l.v in (a)", false},
		{"l.v intersects (b, x)", true},
		{"l.v intersects (x)", false},
		{"l.empty in (a)", true},
		{"l.empty intersects (a)", false},
		{"l.empty exists", true},
		{"l.v in val(l.v)", true},
		{"l.v intersects val(l.empty)", false},
		{"l.empty in val(l.v)", true},
		{"toupper(l.v) in (A, B)", true},
	};

	evaluate_rows(*state, rows, ARRAY_SIZE(rows));
}

static void ancestors_and_ends_compare_in_their_own_way(void **state)
{
	static const struct row rows[] = {
		{"x.name = sshd", true},
		{"x.name != bash", true}, /* another ancestor is not */
		{"x.name in (foo, init)", true},
		{"not x.name in (foo, bar)", true},
		{"x.name glob 'i*'", true},
		{"x.name = anyof (zzz, bash)", true},
		{"x.name[1] = bash", true},
		{"x.name[1] != bash", false},
		{"x.name exists", true},
		{"x.ip = 1.2.3.4", true},
		{"x.ip = 10.0.0.1", true},
		{"x.ip != 1.2.3.4", false}, /* both ends must differ */
		{"x.ip != 9.9.9.9", true},
		{"x.ip in (9.9.9.9, 1.2.3.4)", true},
		{"x.port < 500", true},
		{"x.port > 40000", true},
		{"x.port = anyof (80, 443)", true},
		{"x.net = 1.2.0.0/16", true},
		{"x.net in (9.0.0.0/8, 10.0.0.0/8)", true},
		{"x.net != 10.0.0.0/8", false},
		{"x.file exists", true}, /* any descriptor has the field */
	};

	evaluate_rows(*state, rows, ARRAY_SIZE(rows));
}

static void fields_compare_with_fields(void **state)
{
	static const struct row rows[] = {
		{"s.v = val(s.same)", true},
		{"s.v != val(s.same)", false},
		{"s.v = val(s.empty)", false},
		{"s.v contains val(s.empty)", true},
		{"s.v in val(s.same)", true},
		{"s.v = s.same", false}, /* a literal */
		{"toupper(s.v) = toupper(s.same)", true},
		{"u.v < len(s.same)", false},
		{"u.v > len(s.same)", true},
	};

	evaluate_rows(*state, rows, ARRAY_SIZE(rows));
}

static void errors_say_where_and_why(void **state)
{
	static const struct {
		const char *filter, *message;
		uint32_t column;
	} rows[] = {
		{"", "expected", 1},
		{"s.v = ", "expected a value", 7},
		{"s.v = a b", "expected 'and'", 9},
		{"(s.v = a", "expected ')'", 9},
		{"s.v = \"a", "no closing", 7},
		{"s.v = \"a\\q\"", "escape", 9},
		{"foo.bar = x", "no field 'foo.bar'", 1},
		{"s.v = x and foo.bar = x", "no field 'foo.bar'", 13},
		{"s.v[1] = x", "no such argument", 1},
		{"macro", "no macro 'macro'", 1},
		{"i.v = abc", "not a value of type int64", 7},
		{"i.v in (1, x)", "not a value of type int64", 12},
		{"b.v = 1", "type bool", 7},
		{"i.v contains 1", "cannot be compared with contains", 1},
		{"x.uid = 0", "cannot be compared", 1},
		{"l.v = a", "is a list", 1},
		{"i.v = val(u.v)", "different types", 7},
		{"l.v in val(s.v)", "different types", 8},
		{"x.ip = val(a.v)", "cannot be compared with each other", 8},
		{"s.v pmatch val(s.same)", "written values only", 12},
		{"tolower(x.name[1]) = a", "cannot be transformed", 1},
		{"len(i.v) = 1", "cannot take int64", 1},
		{"s.v regex '('", "missing )", 11},
		{"evt.type = opnat", "no event type 'opnat'", 12},
		{"evt.type startswith open_", "no event type", 21},
		{"n.v = 10.0.0.1", "expected ADDRESS/BITS", 7},
		{"n.v = 10.0.0.1/33", "not a value of type ipnet", 7},
		{"n.v = ::1/0", "not a value of type ipnet", 7},
		{"a.v = localhost", "not a value of type ipaddr", 7},
		{"p.v = nosuchservice", "no known service", 7},
		{"y.v bcontains abc", "even number of hexadecimal digits", 15},
	};
	struct filter_test *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct filter *filter = NULL;
		struct diag diag = {0};
		int r = filter_compile(&filter, text_from(rows[i].filter), given_fields(t->given),
				       &diag);

		assert_null(filter);
		if (r != -EINVAL || !strstr(diag.message, rows[i].message))
			fail_msg("'%s': got %d '%s'", rows[i].filter, r, diag.message);
		if (diag.line != 1 || diag.column != rows[i].column)
			fail_msg("'%s': at %u:%u", rows[i].filter, diag.line, diag.column);
	}
}

static void errors_name_the_line(void **state)
{
	struct filter_test *t = *state;
	struct filter *filter = NULL;
	struct diag diag = {0};

	assert_int_equal(filter_compile(&filter, TEXT("s.v = a\n  and foo.bar = b"),
					given_fields(t->given), &diag),
			 -EINVAL);
	assert_int_equal(diag.line, 2);
	assert_int_equal(diag.column, 7);
	assert_int_equal(diag.offset, 14);
}

/* What evaluation takes of the arena is bounded, and a full arena is no crash. */
static void full_arena_makes_values_absent(void **state)
{
	struct filter_test *t = *state;
	SCOPED(filter_destroy) struct filter *filter = NULL;
	struct arena tiny;
	struct field_context ctx = {.arena = &tiny};

	assert_int_equal(arena_init(&tiny, 256), 0);
	assert_int_equal(
		filter_compile(&filter, TEXT("toupper(s.v) = NGINX"), given_fields(t->given), NULL),
		0);
	assert_true(filter_eval(filter, &ctx));
	while (arena_alloc(&tiny, 8))
		;
	assert_false(filter_eval(filter, &ctx));
	arena_done(&tiny);
}

static void canonical_text_is_kept(void **state)
{
	struct filter_test *t = *state;
	SCOPED(filter_destroy) struct filter *filter = NULL;

	assert_int_equal(filter_compile(&filter, TEXT("s.v=nginx or(i.v in(1,2))"),
					given_fields(t->given), NULL),
			 0);
	assert_true(text_equal(filter_text(filter), TEXT("(s.v = nginx or i.v in (1, 2))")));
	assert_int_equal(filter_regex_gave_up_total(filter), 0);
}

static void expressions_yield_values(void **state)
{
	static const struct {
		const char *expr, *want; /* want NULL: absent */
		enum value_type type;
	} rows[] = {
		{"s.v", "nginx", VALUE_CHARBUF},          {"basename(s.path)", "job", VALUE_FSPATH},
		{"toupper(s.v)", "NGINX", VALUE_CHARBUF}, {"i.v", "-5", VALUE_INT64},
		{"len(s.v)", "5", VALUE_UINT64},          {"s.absent", NULL, VALUE_CHARBUF},
		{"a.six", "2001:db8::1", VALUE_IPADDR},
	};
	struct filter_test *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(expr_destroy) struct expr *expr = NULL;
		struct values values = {0};
		struct diag diag = {0};
		char text[64];
		bool has_value;

		if (expr_compile(&expr, text_from(rows[i].expr), given_fields(t->given), &diag))
			fail_msg("%s: %s", rows[i].expr, diag.message);
		assert_int_equal(expr_type(expr), rows[i].type);
		arena_reset(&t->arena);
		has_value = expr_eval(expr, &t->ctx, &values);
		assert_int_equal(has_value, rows[i].want != NULL);
		if (!has_value)
			continue;
		text[value_print(&values.items[0], 0, text, sizeof(text) - 1)] = '\0';
		assert_string_equal(text, rows[i].want);
	}
}

static void bad_expressions_are_refused(void **state)
{
	static const struct {
		const char *expr;
		uint32_t column;
	} rows[] = {{"", 1}, {"foo.bar", 1}, {"s.v = x", 4}, {"len(s.v", 8}, {"nope", 1}};
	struct filter_test *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct expr *expr = NULL;
		struct diag diag = {0};

		assert_int_equal(
			expr_compile(&expr, text_from(rows[i].expr), given_fields(t->given), &diag),
			-EINVAL);
		if (diag.column != rows[i].column)
			fail_msg("'%s': column %u", rows[i].expr, diag.column);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILTER_TEST(strings_compare),
		FILTER_TEST(numbers_and_addresses_compare),
		FILTER_TEST(checks_combine),
		FILTER_TEST(absent_values_make_every_check_false),
		FILTER_TEST(modifiers_count_what_holds),
		FILTER_TEST(lists_compare_as_lists),
		FILTER_TEST(ancestors_and_ends_compare_in_their_own_way),
		FILTER_TEST(fields_compare_with_fields),
		FILTER_TEST(errors_say_where_and_why),
		FILTER_TEST(errors_name_the_line),
		FILTER_TEST(full_arena_makes_values_absent),
		FILTER_TEST(canonical_text_is_kept),
		FILTER_TEST(expressions_yield_values),
		FILTER_TEST(bad_expressions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
