#include <errno.h>

#include "tests/unit/filter/filter_test.h"

static void transformers_yield(void **state)
{
	static const struct {
		const char *filter;
		bool want;
	} rows[] = {
		{"tolower(toupper(s.v)) = nginx", true},
		{"basename(s.path) = job", true},
		{"b64(s.b64) = hello", true},
		{"b64(s.v) exists", false}, /* five characters are no base64 */
		{"len(s.v) = 5", true},
		{"len(y.v) = 8", true},
		{"len(l.v) = 2", true},
		{"len(l.empty) = 0", true},
		{"join('-', (s.v, 'x')) = nginx-x", true},
		{"join('-', (s.v, i.v, u.v)) = nginx--5-7", true},
		{"join('-', l.v) = a-b", true},
		{"join('-', l.empty) = ''", true},
		{"join('-', (s.v, s.absent)) exists", false},
		{"concat(s.v, '/', s.v) = nginx/nginx", true},
		{"concat('a', \"b\") = ab", true},
		{"getopt(l.args, 'lp:')[p] = 8080", true},
		{"getopt(l.args, 'lp:')[l] = l", true},
		{"getopt(l.args, 'lp:')[x] exists", false},
		{"getopt(l.args, 'l') intersects ('?')", true},
		{"getopt(l.args, 'lp:') in (l, p, 8080)", true},
		{"getopt(('-abc'), 'abc') in (a, b, c)", true},
		{"getopt(('-p'), 'p:')[p] = ''", true},
		{"getopt(('x', '-p'), 'p') intersects (p)", false},
		{"getopt(('--', '-p'), 'p') intersects (p)", false},
		{"getopt(('--long', '-p'), 'p') intersects (p)", true},
		{"getopt(('-p', '1', '-p', '2'), 'p:')[p] = 2", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		evaluates(*state, rows[i].filter, rows[i].want);
}

static void wrong_arguments_are_refused(void **state)
{
	static const char *const filters[] = {
		"tolower(i.v) = x",
		"tolower(s.v, s.v) = x",
		"basename(y.v) = x",
		"b64(i.v) = x",
		"len(i.v) = 1",
		"join('-') = x",
		"join('-', s.v) = x",
		"join(l.v, l.v) = x",
		"concat(s.v) = x",
		"concat(s.v, i.v) = x",
		"concat(s.v, l.v) = x",
		"getopt(l.v) in (x)",
		"getopt(s.v, 'a') in (x)",
		"getopt(l.v, i.v) in (x)",
		"tolower(s.v)[x] = y",
		"toupper(len(s.v)) = x",
		"getopt(l.v, 'ab')[ab] = x",
	};
	struct filter_test *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct filter *filter = NULL;

		if (filter_compile(&filter, text_from(filters[i]), given_fields(t->given), NULL) !=
		    -EINVAL)
			fail_msg("%s: accepted", filters[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILTER_TEST(transformers_yield),
		FILTER_TEST(wrong_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
