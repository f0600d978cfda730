#include <errno.h>

#include "filter/parser.h"
#include "tests/unit/filter/filter_test.h"

static void done_pool(struct pool *pool)
{
	pool_done(pool);
}

static void trees_print_canonically(void **state)
{
	static const struct {
		const char *input, *want; /* NULL: refused */
	} rows[] = {
		{"a", "a"},
		{"  a\t", "a"},
		{"a.b=c", "a.b = c"},
		{"a.b = c or d and e", "(a.b = c or (d and e))"},
		{"(a)and(b)or(c)", "((a and b) or c)"},
		{"a or(b)", "(a or b)"},
		{"a or(b) and c", NULL}, /* the parenthesis ends the operand */
		{"not(a)", "not a"},
		{"not not a", "a"},
		{"not not not(a)", "not a"},
		{"nota", "nota"},
		{"not.a = b", "not.a = b"},
		{"a notb", NULL},
		{"a andb", NULL},
		{"a AND b", NULL},
		{"a.b exists", "a.b exists"},
		{"a.b existsand c", "(a.b exists and c)"},
		{"a.b in(x,y)", "a.b in (x, y)"},
		{"a.b inx", "a.b in x"},
		{"a.b in ()", "a.b in ()"},
		{"a.b in (x,)", NULL},
		{"a.b in (,)", NULL},
		{"a.b in x-y", NULL},
		{"a.b in 'x'", NULL},
		{"a.b contains x", "a.b contains x"},
		{"a.b containsx", NULL},
		{"a.b <= 0x1F", "a.b <= 0x1F"},
		{"a.b < -1.5e+3", "a.b < -1.5e+3"},
		{"a.b < 1e5", NULL},
		{"a.b < x", NULL},
		{"a.b < '1'", NULL},
		{"a.b = <NA>", "a.b = <NA>"},
		{"a.b = \"\\x41\\t\"", "a.b = \"A\\t\""},
		{"a.b = 'it\\'s'", "a.b = \"it's\""},
		{"a.b = \"it\\'s\"", NULL},
		{"a.b = \"a\\\\\" and c", NULL},
		{"a.b = \"\\ \"", "a.b = \"\\\\\""},
		{"a.b = \"\\xg0\"", NULL},
		{"a.b = x=y", NULL},
		{"a.b[x] = y", "a.b[x] = y"},
		{"a.b[\"x y\"] = y", "a.b[\"x y\"] = y"},
		{"a.b[\"\"] = y", "a.b[\"\"] = y"},
		{"a.b[] = y", NULL},
		{"a.b [x] = y", NULL},
		{"a.b[x][y] = z", NULL},
		{"a.1b = x", NULL},
		{"a.b = oneof", "a.b = oneof"},
		{"a.b = oneof (x)", "a.b = oneof (x)"},
		{"a.b = oneof and c", "(a.b = oneof and c)"},
		{"a.b = oneof x", "a.b = oneof x"},
		{"a.b =oneof (x)", NULL},
		{"a.b in oneof (x)", NULL},
		{"a.b startswith anyof (x, y)", "a.b startswith anyof (x, y)"},
		{"tolower(a.b) = c", "tolower(a.b) = c"},
		{"tolower (a.b) = c", NULL},
		{"tolower(toupper( a.b )) = c", "tolower(toupper(a.b)) = c"},
		{"join(\",\", (a.b, 'x', 5)) = c", "join(,,(a.b,x,5)) = c"},
		{"join(',', (a)) = c", NULL},
		{"getopt(a.b, 'x:')[x] = y", "getopt(a.b,x:)[x] = y"},
		{"a.b = val(c.d)", "a.b = val(c.d)"},
		{"a.b = val(c.d[1])", "a.b = val(c.d[1])"},
		{"a.b = val(tolower(c.d))", NULL},
		{"val(a.b) = c", NULL},
		{"a.b in (tolower(c.d))", NULL},
		{"", NULL},
		{"()", NULL},
		{"#", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(done_pool) struct pool pool = {0};
		struct ast_node *root = NULL;
		struct diag diag = {0};
		int r = filter_parse(&root, text_from(rows[i].input), 100, &pool, &diag);

		if (!rows[i].want) {
			if (r != -EINVAL || !diag.message[0])
				fail_msg("'%s': accepted", rows[i].input);
			continue;
		}
		if (r)
			fail_msg("'%s': %s", rows[i].input, diag.message);
		assert_string_equal(ast_text(root, &pool).ptr, rows[i].want);
	}
}

/* The printed form parses to a tree that prints the same. */
static void canonical_form_is_a_fixed_point(void **state)
{
	static const char *const inputs[] = {
		"a.b = \"x\\\\ y\" and not (c or d) or e.f in ('a b', \"q\\\"\")",
		"a.b = \"\\t\\n\\r\\b\\f\"",
		"a.b[\"x y\"] exists or a.b[\"\"] = c",
		"a.b = oneof (x, y) and c.d startswith allof ('x y')",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		SCOPED(done_pool) struct pool pool = {0};
		struct ast_node *root = NULL, *again = NULL;
		struct text once;

		assert_int_equal(filter_parse(&root, text_from(inputs[i]), 100, &pool, NULL), 0);
		once = ast_text(root, &pool);
		if (filter_parse(&again, once, 100, &pool, NULL))
			fail_msg("'%s' does not parse", once.ptr);
		assert_string_equal(ast_text(again, &pool).ptr, once.ptr);
	}
}

/* So does the exact form, which holds what the canonical one loses. */
static void exact_form_parses_as_the_same(void **state)
{
	static const char *const inputs[] = {
		"(not)and(not)and a.b = c",
		"not(not) or not (not (not))",
		"(and or or) and not (not (a))",
		"a.b in (\"(x)\", \"\", 'y z', \"\\ \")",
		"a.b = \"val(c.d)\" and a.b != val(c.d)",
		"join(',', (a.b, 'x y', \"\")) = \"[\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		SCOPED(done_pool) struct pool pool = {0};
		struct ast_node *root = NULL, *again = NULL;
		struct text once;

		if (filter_parse(&root, text_from(inputs[i]), 100, &pool, NULL))
			fail_msg("'%s' does not parse", inputs[i]);
		once = ast_key(root, &pool);
		if (filter_parse(&again, once, 100, &pool, NULL))
			fail_msg("'%s' does not parse", once.ptr);
		assert_string_equal(ast_key(again, &pool).ptr, once.ptr);
		assert_string_equal(ast_text(again, &pool).ptr, ast_text(root, &pool).ptr);
	}
}

static int parse_nested(uint32_t parentheses, uint32_t depth_max)
{
	SCOPED(done_pool) struct pool pool = {0};
	SCOPED(free_ptr) char *text = malloc(2 * parentheses + 2);
	struct ast_node *root;

	memset(text, '(', parentheses);
	text[parentheses] = 'a';
	memset(text + parentheses + 1, ')', parentheses);
	return filter_parse(&root, (struct text){text, 2 * parentheses + 1}, depth_max, &pool,
			    NULL);
}

static void nesting_is_limited_as_upstream(void **state)
{
	(void)state;
	assert_int_equal(parse_nested(19, FILTER_DEPTH_DEFAULT), 0);
	assert_int_equal(parse_nested(20, FILTER_DEPTH_DEFAULT), -EINVAL);
	assert_int_equal(parse_nested(199, FILTER_DEPTH_RULE), 0);
	assert_int_equal(parse_nested(200, FILTER_DEPTH_RULE), -EINVAL);
	assert_int_equal(parse_nested(100000, FILTER_DEPTH_RULE), -EINVAL);
}

static void operands_end_where_they_end(void **state)
{
	static const struct {
		const char *input;
		uint32_t want; /* 0: refused */
	} rows[] = {
		{"a.b", 3},     {"a.b rest", 3},
		{"a.b[1]x", 6}, {"tolower(a.b), c", 12},
		{"ab", 0},      {"getopt(a.b,'x')[x]", 18},
		{"%", 0},       {"tolower(a.b", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(done_pool) struct pool pool = {0};
		struct ast_node *node;
		uint32_t len = 0;
		int r = filter_parse_operand(&node, text_from(rows[i].input), &len, &pool, NULL);

		if ((r == 0) != (rows[i].want > 0) || (r == 0 && len != rows[i].want))
			fail_msg("'%s': %d, length %u", rows[i].input, r, len);
	}
}

static void printing_is_cut_at_the_buffer(void **state)
{
	SCOPED(done_pool) struct pool pool = {0};
	struct ast_node *root;
	char text[8];

	(void)state;
	assert_int_equal(filter_parse(&root, TEXT("a.b = something"), 100, &pool, NULL), 0);
	assert_int_equal(ast_print(root, text, sizeof(text)), 15);
	assert_string_equal(text, "a.b = s");
}

static void pool_has_a_bound(void **state)
{
	SCOPED(done_pool) struct pool pool = {0};
	size_t n = 0;

	(void)state;
	while (pool_alloc(&pool, 1 << 20))
		n++;
	assert_in_range(n, 32, 64);
	assert_null(pool_alloc(&pool, POOL_BYTES_MAX + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_print_canonically),
		cmocka_unit_test(canonical_form_is_a_fixed_point),
		cmocka_unit_test(exact_form_parses_as_the_same),
		cmocka_unit_test(nesting_is_limited_as_upstream),
		cmocka_unit_test(operands_end_where_they_end),
		cmocka_unit_test(printing_is_cut_at_the_buffer),
		cmocka_unit_test(pool_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
