/* Clauses with their truths, over given values of which not all need be known. */
#include "filter_test.h"

#include "base/json_text.h"
#include "filter/compiled.h"
#include "filter/explain.h"

/* Names that are not known, ended by NULL. */
static bool is_known(const struct field *field, const struct field_arg *arg, void *known_arg)
{
	const char *const *names = known_arg;

	(void)arg;
	for (; *names; names++) {
		if (strcmp(*names, field->name) == 0)
			return false;
	}
	return true;
}

static struct filter *compile(struct filter_test *t, const char *text)
{
	struct filter *filter = NULL;
	struct diag diag = {0};

	if (filter_compile(&filter, text_from(text), given_fields(t->given), &diag))
		fail_msg("%s: %s", text, diag.message);
	return filter;
}

static const char *string_of(const cJSON *json, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text ? text : "";
}

static void truths_in_three_values(void **state)
{
	static const char *const unknown[] = {"s.same", "i.w8", "l.absent", NULL};
	static const struct {
		const char *text;
		enum truth want;
	} rows[] = {
		{"s.v = nginx", TRUTH_TRUE},
		{"s.v = apache", TRUTH_FALSE},
		{"s.same = nginx", TRUTH_UNKNOWN},
		{"s.same exists", TRUTH_UNKNOWN},
		{"not s.same = nginx", TRUTH_UNKNOWN},
		{"s.v = nginx and s.same = x", TRUTH_UNKNOWN},
		{"s.v = apache and s.same = x", TRUTH_FALSE},
		{"s.same = x and s.v = apache", TRUTH_FALSE},
		{"s.same = x and i.w8 = 1 and s.v = apache", TRUTH_FALSE},
		{"s.v = nginx or s.same = x", TRUTH_TRUE},
		{"s.same = x or i.w8 = 1 or s.v = nginx", TRUTH_TRUE},
		{"s.v = apache or s.same = x", TRUTH_UNKNOWN},
		{"not (s.v = apache and s.same = x)", TRUTH_TRUE},
		{"not (s.same = x or s.v = nginx)", TRUTH_FALSE},
		/* An absent side makes a comparison false, whatever the other is. */
		{"s.absent = nginx", TRUTH_FALSE},
		{"not s.absent = nginx", TRUTH_TRUE},
		{"s.v = val(s.same)", TRUTH_UNKNOWN},
		{"s.absent = val(s.same)", TRUTH_FALSE},
		{"s.same = val(s.absent)", TRUTH_FALSE},
		/* Inside transformers, too. */
		{"tolower(s.same) = x", TRUTH_UNKNOWN},
		{"tolower(s.absent) = x", TRUTH_FALSE},
		{"l.absent in (a, b)", TRUTH_UNKNOWN},
		{"l.v in (a, b)", TRUTH_TRUE},
	};
	struct filter_test *t = *state;
	struct explain_source source = {&t->ctx, is_known, (void *)unknown};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(filter_destroy) struct filter *filter = compile(t, rows[i].text);
		enum truth truth = filter_truth(filter, &source);
		cJSON *json = filter_explain(filter, &source);

		if (truth != rows[i].want)
			fail_msg("%s: %s", rows[i].text, truth_name(truth));
		assert_string_equal(string_of(json, "truth"), truth_name(truth));
		cJSON_Delete(json);
	}
}

/* The check's values, and what matched, as JSON text. */
static void checks_show_what_they_compared(void **state)
{
	static const char *const unknown[] = {"s.same", NULL};
	static const struct {
		const char *text, *left, *right, *matched;
	} rows[] = {
		{"s.v = nginx", "[\"nginx\"]", "[\"nginx\"]",
		 "{\"left\":\"nginx\",\"right\":\"nginx\"}"},
		{"s.v != apache", "[\"nginx\"]", "[\"apache\"]", "null"},
		{"s.v != nginx", "[\"nginx\"]", "[\"nginx\"]", "null"},
		{"s.v in (a, nginx)", "[\"nginx\"]", "[\"a\",\"nginx\"]",
		 "{\"left\":\"nginx\",\"right\":\"nginx\"}"},
		{"s.v in (1,2,3,4,5,6,7,8,9,nginx)", "[\"nginx\"]",
		 "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"]",
		 "{\"left\":\"nginx\",\"right\":\"nginx\"}"},
		{"s.v startswith ng", "[\"nginx\"]", "[\"ng\"]",
		 "{\"left\":\"nginx\",\"right\":\"ng\"}"},
		{"s.v endswith ng", "[\"nginx\"]", "[\"ng\"]", "null"},
		{"s.v contains gin", "[\"nginx\"]", "[\"gin\"]",
		 "{\"left\":\"nginx\",\"right\":\"gin\"}"},
		{"s.v icontains GIN", "[\"nginx\"]", "[\"GIN\"]",
		 "{\"left\":\"nginx\",\"right\":\"GIN\"}"},
		{"s.v glob n*x", "[\"nginx\"]", "[\"n*x\"]",
		 "{\"left\":\"nginx\",\"right\":\"n*x\"}"},
		{"s.v iglob N*", "[\"nginx\"]", "[\"N*\"]",
		 "{\"left\":\"nginx\",\"right\":\"N*\"}"},
		{"s.v regex 'n.*x'", "[\"nginx\"]", "[\"n.*x\"]",
		 "{\"left\":\"nginx\",\"right\":\"n.*x\"}"},
		{"s.path pmatch (/usr, /etc/cron.d)", "[\"/etc/cron.d/job\"]",
		 "[\"/usr\",\"/etc/cron.d\"]",
		 "{\"left\":\"/etc/cron.d/job\",\"right\":\"/etc/cron.d\"}"},
		{"s.v startswith oneof (a, ng)", "[\"nginx\"]", "[\"a\",\"ng\"]",
		 "{\"left\":\"nginx\",\"right\":\"ng\"}"},
		{"s.v exists", "[\"nginx\"]", NULL, "null"},
		{"s.absent exists", "[]", NULL, "null"},
		{"s.absent = a", "[]", "[\"a\"]", "null"},
		{"s.same = nginx", "[]", "[\"nginx\"]", "null"},
		{"i.v < 0", "[-5]", "[0]", "{\"left\":-5,\"right\":0}"},
		{"u.v >= 7", "[7]", "[7]", "{\"left\":7,\"right\":7}"},
		{"u.v > 7", "[7]", "[7]", "null"},
		{"b.v = true", "[true]", "[true]", "{\"left\":true,\"right\":true}"},
		{"d.v exists", "[1.5]", NULL, "null"},
		{"p.v in (80, 443)", "[443]", "[80,443]", "{\"left\":443,\"right\":443}"},
		{"y.v bcontains 485454", "[\"HTTP/1.1\"]", "[\"HTT\"]",
		 "{\"left\":\"HTTP/1.1\",\"right\":\"HTT\"}"},
		{"a.v = 10.1.2.3", "[\"10.1.2.3\"]", "[\"10.1.2.3\"]",
		 "{\"left\":\"10.1.2.3\",\"right\":\"10.1.2.3\"}"},
		{"n.v = 10.0.0.0/8", "[\"10.1.2.3/32\"]", "[\"10.0.0.0/8\"]",
		 "{\"left\":\"10.1.2.3/32\",\"right\":\"10.0.0.0/8\"}"},
		{"l.v intersects (x, b)", "[\"a\",\"b\"]", "[\"x\",\"b\"]",
		 "{\"left\":\"b\",\"right\":\"b\"}"},
		{"l.empty in (a)", "[]", "[\"a\"]", "null"},
		{"x.name = sshd", "[\"bash\",\"sshd\",\"init\"]", "[\"sshd\"]",
		 "{\"left\":\"sshd\",\"right\":\"sshd\"}"},
		{"x.port = 443", "[443,50000]", "[443]", "{\"left\":443,\"right\":443}"},
		{"toupper(s.v) = NGINX", "[\"NGINX\"]", "[\"NGINX\"]",
		 "{\"left\":\"NGINX\",\"right\":\"NGINX\"}"},
		{"len(s.v) = 5", "[5]", "[5]", "{\"left\":5,\"right\":5}"},
		{"s.v = val(s.empty)", "[\"nginx\"]", "[\"\"]", "null"},
		{"s.v = val(s.same)", "[\"nginx\"]", "[]", "null"},
	};
	struct filter_test *t = *state;
	struct explain_source source = {&t->ctx, is_known, (void *)unknown};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(filter_destroy) struct filter *filter = compile(t, rows[i].text);
		cJSON *json = filter_explain(filter, &source);
		const cJSON *left =
			cJSON_GetObjectItem(cJSON_GetObjectItem(json, "left"), "values");
		const cJSON *right =
			cJSON_GetObjectItem(cJSON_GetObjectItem(json, "right"), "values");
		SCOPED(free_ptr) char *left_text = cJSON_PrintUnformatted(left);
		SCOPED(free_ptr) char *right_text = right ? cJSON_PrintUnformatted(right) : NULL;
		SCOPED(free_ptr)
		char *matched = cJSON_PrintUnformatted(cJSON_GetObjectItem(json, "matched"));

		if (strcmp(left_text, rows[i].left) != 0 || strcmp(matched, rows[i].matched) != 0 ||
		    strcmp(right_text ? right_text : "-", rows[i].right ? rows[i].right : "-") != 0)
			fail_msg("%s: left %s right %s matched %s", rows[i].text, left_text,
				 right_text ? right_text : "-", matched);
		cJSON_Delete(json);
	}
}

static void states_of_the_left_side(void **state)
{
	static const char *const unknown[] = {"s.same", NULL};
	static const struct {
		const char *text, *state;
	} rows[] = {
		{"s.v = a", "present"},        {"s.absent = a", "absent"},
		{"s.same = a", "not stored"},  {"tolower(s.same) = a", "not stored"},
		{"l.empty in (a)", "present"},
	};
	struct filter_test *t = *state;
	struct explain_source source = {&t->ctx, is_known, (void *)unknown};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(filter_destroy) struct filter *filter = compile(t, rows[i].text);
		cJSON *json = filter_explain(filter, &source);

		assert_string_equal(string_of(cJSON_GetObjectItem(json, "left"), "state"),
				    rows[i].state);
		cJSON_Delete(json);
	}
}

static void long_lists_are_cut(void **state)
{
	struct filter_test *t = *state;
	struct explain_source source = {.ctx = &t->ctx};
	char text[8192] = "s.v in (";
	SCOPED(filter_destroy) struct filter *filter = NULL;
	cJSON *json;

	for (int i = 0; i < 500; i++)
		sprintf(text + strlen(text), "%sname%d", i ? "," : "", i);
	strcat(text, ")");
	filter = compile(t, text);
	json = filter_explain(filter, &source);
	assert_string_equal(string_of(json, "text"),
			    "s.v in (name0, name1, name2, name3, name4, name5, name6, name7, "
			    "... 492 more)");
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "right"), "n")->valueint,
			 500);
	cJSON_Delete(json);
}

/* One letter a clause in order of the text: D decides, . does not. */
static void letters(const cJSON *clause, char *out)
{
	const cJSON *child;

	strcat(out, cJSON_IsTrue(cJSON_GetObjectItem(clause, "decides")) ? "D" : ".");
	cJSON_ArrayForEach(child, cJSON_GetObjectItem(clause, "clauses")) letters(child, out);
}

static void what_decides_is_marked(void **state)
{
	static const char *const unknown[] = {"s.same", NULL};
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"s.v = nginx", "D"},
		{"s.v = nginx and u.v = 7", "DDD"},
		{"s.v = nginx and u.v = 8", "D.D"},
		{"s.v = nginx or u.v = 8", "DD."},
		{"s.v = x or u.v = 8", "DDD"},
		{"not s.v = nginx", "DD"},
		{"not (s.v = nginx and u.v = 8)", "DD.D"},
		{"(s.v = x or u.v = 7) and not u.v = 8", "DD.DDD"},
		{"s.v = nginx and s.same = a", "D.D"},
		{"s.v = x and (s.same = a or u.v = 7)", "DD..."},
	};
	struct filter_test *t = *state;
	struct explain_source source = {&t->ctx, is_known, (void *)unknown};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(filter_destroy) struct filter *filter = compile(t, rows[i].text);
		cJSON *json = filter_explain(filter, &source);
		char got[64] = "";

		letters(json, got);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s, want %s", rows[i].text, got, rows[i].want);
		cJSON_Delete(json);
	}
}

static void unknown_fields_are_named_once(void **state)
{
	static const char *const unknown[] = {"s.same", "u.v", "x.name", NULL};
	struct filter_test *t = *state;
	struct explain_source source = {&t->ctx, is_known, (void *)unknown};
	SCOPED(filter_destroy)
	struct filter *filter =
		compile(t, "s.same = a and (not toupper(s.same) = B or s.v = val(s.same)) and "
			   "x.name[1] = c and u.v > 1 and i.v = 2");
	cJSON *names = filter_unknown_fields(filter, &source);
	SCOPED(free_ptr) char *text = cJSON_PrintUnformatted(names);

	assert_string_equal(text, "[\"s.same\",\"x.name[1]\",\"u.v\"]");
	cJSON_Delete(names);
}

static void strangers_bytes_are_encoded(void **state)
{
	struct filter_test *t = *state;
	struct explain_source source = {.ctx = &t->ctx};
	SCOPED(filter_destroy) struct filter *filter = NULL;
	cJSON *json;

	assert_int_equal(given_set_bytes(t->given, "s.v", (struct text){"\x1b[2J\xff\0\\n\"", 10}),
			 0);
	filter = compile(t, "s.v = a");
	json = filter_explain(filter, &source);
	assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "left"), "values")
				    ->child->valuestring,
			    "\x1b[2J\\xff\\x00\\\\n\"\\x00");
	cJSON_Delete(json);
}

/* ---- property ------------------------------------------------------------------------------ */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static const char *const checks[] = {
	"s.v = nginx",
	"s.v != nginx",
	"s.empty = ''",
	"s.absent = a",
	"s.absent exists",
	"s.path pmatch (/etc, /usr)",
	"s.path startswith /usr",
	"i.v < 0",
	"u.v in (1, 7)",
	"b.v = false",
	"l.v in (a, b)",
	"l.v intersects (z)",
	"l.empty in (q)",
	"x.name = init",
	"x.none exists",
	"x.port = 443",
	"x.port != 443",
	"n.v = 10.0.0.0/8",
	"toupper(s.v) = NGINX",
	"s.v = val(s.same)",
	"s.v contains anyof (gin, z)",
	"s.v contains allof (gin, z)",
	"s.v regex 'n+'",
};

static void random_filter(uint64_t *seed, int depth, char *out)
{
	uint64_t kind = next_random(seed) % 5;

	if (depth == 0 || kind == 0) {
		strcat(out, checks[next_random(seed) % ARRAY_SIZE(checks)]);
		return;
	}
	strcat(out, kind == 1 ? "not (" : "(");
	random_filter(seed, depth - 1, out);
	for (uint64_t n = kind == 1 ? 0 : 1 + next_random(seed) % 3; n > 0; n--) {
		strcat(out, kind < 4 ? " and " : " or ");
		random_filter(seed, depth - 1, out);
	}
	strcat(out, ")");
}

/* With everything known the tree says what evaluation says; with fields unknown it never says the
 * opposite. */
static void truths_agree_with_evaluation(void **state)
{
	static const char *const unknown[] = {"s.same", "u.v", "x.name", "l.v", "s.path", NULL};
	struct filter_test *t = *state;
	struct explain_source all = {.ctx = &t->ctx};
	struct explain_source some = {&t->ctx, is_known, (void *)unknown};
	uint64_t seed = 88172645463325252;
	unsigned n_true = 0, n_unknown = 0;

	for (int i = 0; i < 4000; i++) {
		SCOPED(filter_destroy) struct filter *filter = NULL;
		char text[16384] = "";
		enum truth truth, guess;
		bool is_true;

		random_filter(&seed, 4, text);
		filter = compile(t, text);
		arena_reset(&t->arena);
		is_true = filter_eval(filter, &t->ctx);
		truth = filter_truth(filter, &all);
		guess = filter_truth(filter, &some);
		if (truth != (is_true ? TRUTH_TRUE : TRUTH_FALSE))
			fail_msg("%s: %s", text, truth_name(truth));
		if (guess != TRUTH_UNKNOWN && guess != truth)
			fail_msg("%s: %s without some fields", text, truth_name(guess));
		if (i % 16 == 0) {
			cJSON *json = filter_explain(filter, &some);

			assert_string_equal(string_of(json, "truth"), truth_name(guess));
			cJSON_Delete(json);
		}
		n_true += is_true;
		n_unknown += guess == TRUTH_UNKNOWN;
	}
	assert_in_range(n_true, 400, 3600);
	assert_in_range(n_unknown, 400, 3600);
}

/* What is stored of a condition can be compiled again, and says the same. */
static void conditions_can_be_read_again(void **state)
{
	static const char *const odd[] = {
		"s.v in (\"(systemd)\", \"<NA>\", a)",
		"s.v = \"a b\" and s.v != \"it's\"",
		"s.v = \"say \\\"x\\\"\" or s.v = \"back\\\\slash\"",
		"s.v in (\"\") or s.v in ()",
		"s.v regex \"^a.*(b|c)$\"",
		"s.v = \"\\n\\t\" and not (s.v = and or s.v = or)",
		"x.name[1] = \"(sd-pam)\" and join(\" \", s.v, s.same) = \"a b\"",
	};
	struct filter_test *t = *state;
	uint64_t seed = 88172645463325252;

	for (int i = 0; i < 500; i++) {
		SCOPED(filter_destroy) struct filter *first = NULL;
		SCOPED(filter_destroy) struct filter *second = NULL;
		char text[16384] = "";
		struct diag diag = {0};

		if (i < (int)ARRAY_SIZE(odd))
			strcpy(text, odd[i]);
		else
			random_filter(&seed, 4, text);
		if (filter_compile(&first, text_from(text), given_fields(t->given), &diag)) {
			if (i >= (int)ARRAY_SIZE(odd))
				fail_msg("%s: %s", text, diag.message);
			continue; /* not of this language after all */
		}
		if (filter_compile(&second, filter_source(first), given_fields(t->given), &diag))
			fail_msg("%s: %.*s: %s", text, TEXT_ARGS(filter_source(first)),
				 diag.message);
		arena_reset(&t->arena);
		assert_int_equal(filter_eval(first, &t->ctx), filter_eval(second, &t->ctx));
	}
}

/* More clauses than are shown: the truth still counts them all. */
static void beyond_the_bound_only_truths_count(void **state)
{
	struct filter_test *t = *state;
	struct explain_source source = {.ctx = &t->ctx};
	size_t size = (size_t)EXPLAIN_CLAUSES_MAX * 20, used = 0;
	SCOPED(free_ptr) char *text = malloc(size);
	SCOPED(filter_destroy) struct filter *filter = NULL;
	cJSON *json;

	for (unsigned i = 0; i < EXPLAIN_CLAUSES_MAX + 100; i++)
		used += (size_t)sprintf(text + used, "%su.v = %u", i ? " or " : "", 100 + i);
	sprintf(text + used, " or u.v = 7");
	filter = compile(t, text);
	json = filter_explain(filter, &source);
	assert_string_equal(string_of(json, "truth"), "true");
	assert_int_equal(cJSON_GetObjectItem(json, "omitted")->valueint, 102);
	cJSON_Delete(json);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FILTER_TEST(truths_in_three_values),
		FILTER_TEST(checks_show_what_they_compared),
		FILTER_TEST(states_of_the_left_side),
		FILTER_TEST(long_lists_are_cut),
		FILTER_TEST(what_decides_is_marked),
		FILTER_TEST(unknown_fields_are_named_once),
		FILTER_TEST(strangers_bytes_are_encoded),
		FILTER_TEST(truths_agree_with_evaluation),
		FILTER_TEST(conditions_can_be_read_again),
		FILTER_TEST(beyond_the_bound_only_truths_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
