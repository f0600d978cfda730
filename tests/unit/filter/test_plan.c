/* A plan must answer what its filters answer one by one: tables for the shapes, chance for the
 * rest. */
#include "filter/plan.h"

#include <stdio.h>

#include "filter/filter_private.h"
#include "filter/parser.h"
#include "tests/unit/filter/filter_test.h"

#define FILTERS 12
#define TEXT_MAX_BYTES 4096
#define MEMORY_WORDS 64

/* What the fields of this test hold at the moment; index by the field's variant. */
enum { NAME, PARENT, PATH, DIRECTORY, NUMBER, FLAG, N_FIELDS };

static struct text now_texts[N_FIELDS];
static uint64_t now_numbers[N_FIELDS];
static uint32_t asked[N_FIELDS];

static bool extract(const struct field_context *ctx, const struct field *field,
		    const struct field_arg *arg, struct values *out)
{
	struct value *value = arena_alloc(ctx->arena, sizeof(*value));

	(void)arg;
	asked[field->variant]++;
	if (!now_texts[field->variant].ptr)
		return false;
	*value = (struct value){.type = field->type};
	if (field->type == VALUE_CHARBUF)
		value->text = now_texts[field->variant];
	else
		value->u64 = now_numbers[field->variant];
	*out = (struct values){value, 1};
	return true;
}

static const struct field rows[] = {
	{"p.name", VALUE_CHARBUF, FIELD_PER_PROCESS, extract, NULL, "", NAME},
	{"p.parent", VALUE_CHARBUF, FIELD_PER_LINEAGE, extract, NULL, "", PARENT},
	{"e.path", VALUE_CHARBUF, FIELD_OF_OPEN, extract, NULL, "", PATH},
	{"e.directory", VALUE_CHARBUF, 0, extract, NULL, "", DIRECTORY},
	{"e.number", VALUE_UINT64, 0, extract, NULL, "", NUMBER},
	{"e.flag", VALUE_BOOL, FIELD_OF_OPEN, extract, NULL, "", FLAG},
};

struct fixture {
	struct field_set fields;
	struct filter_share *share;
	struct filter *filters[FILTERS];
	struct eval_cache *cache;
	struct stable_parts *stable;
	struct plan *plan;
	struct stable_memory memory;
	struct arena arena;
	struct event event;
	struct field_context ctx;
	uint64_t known[MEMORY_WORDS], truths[MEMORY_WORDS];
	uint32_t n;
	bool has_digest;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->fields = (struct field_set){.tables = {{rows, ARRAY_SIZE(rows)}, state_field_table()},
				       .n_tables = 2};
	f->event.type = EVENT_OPENAT;
	f->ctx = (struct field_context){.event = &f->event, .arena = &f->arena};
	*state = f;
	return arena_init(&f->arena, 1 << 20);
}

static void forget(struct fixture *f)
{
	plan_destroy(&f->plan);
	stable_parts_destroy(&f->stable);
	eval_cache_destroy(&f->cache);
	for (uint32_t i = 0; i < f->n; i++)
		filter_destroy(&f->filters[i]);
	filter_share_destroy(&f->share);
	f->n = 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	forget(f);
	arena_done(&f->arena);
	test_free(f);
	return 0;
}

static void add_filter(struct fixture *f, const char *text)
{
	struct diag diag = {0};
	struct pool pool = {0};
	struct ast_node *root;

	if (!f->share)
		assert_int_equal(filter_share_create(&f->share), 0);
	if (filter_parse(&root, text_from(text), 1000, &pool, &diag) ||
	    filter_compile_tree(&f->filters[f->n], root, &f->fields, f->share, &diag))
		fail_msg("%s: %s", text, diag.message);
	f->n++;
	pool_done(&pool);
}

/* Of all filters so far. */
static void make_plan(struct fixture *f)
{
	static const uint32_t tags[FILTERS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	struct plan_request request = {.filters = (const struct filter *const *)f->filters,
				       .tags = tags,
				       .n = f->n,
				       .type = f->event.type,
				       .has_digest = f->has_digest};

	plan_destroy(&f->plan);
	stable_parts_destroy(&f->stable);
	eval_cache_destroy(&f->cache);
	assert_int_equal(eval_cache_create(&f->cache, f->share), 0);
	assert_int_equal(stable_parts_create(&f->stable, f->share), 0);
	assert_true(stable_parts_words(f->stable) <= MEMORY_WORDS);
	request.stable = f->stable;
	assert_int_equal(plan_create(&f->plan, &request), 0);
	f->memory = (struct stable_memory){f->known, f->truths};
	memset(f->known, 0, sizeof(f->known));
}

/* What is known of the process no longer holds. */
static void forget_process(struct fixture *f)
{
	memset(f->known, 0, sizeof(f->known));
	memset(f->truths, 0xa5, sizeof(f->truths)); /* must not be looked at */
}

/* Bit by filter. */
static uint64_t one_by_one(struct fixture *f)
{
	uint64_t bits = 0;

	f->ctx.cache = NULL;
	arena_reset(&f->arena);
	for (uint32_t i = 0; i < f->n; i++)
		bits |= (uint64_t)filter_eval(f->filters[i], &f->ctx) << i;
	return bits;
}

static void next_event(struct fixture *f)
{
	arena_reset(&f->arena);
	eval_cache_next(f->cache);
	f->ctx.cache = f->cache;
}

static uint32_t find(struct fixture *f, uint32_t *candidates)
{
	uint32_t n;

	next_event(f);
	n = plan_find(f->plan, &f->ctx, f->has_digest ? NULL : &f->memory, candidates);
	assert_true(n <= plan_size(f->plan));
	return n;
}

static uint64_t decide(struct fixture *f, uint32_t *candidates, uint32_t n)
{
	uint64_t bits = 0;

	n = plan_decide(f->plan, &f->ctx, &f->memory, candidates, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_false(bits >> candidates[i] & 1); /* each once */
		bits |= UINT64_C(1) << candidates[i];
	}
	return bits;
}

static uint64_t by_plan(struct fixture *f)
{
	uint32_t candidates[FILTERS], n = find(f, candidates);

	return decide(f, candidates, n);
}

static void set_now(const char *name, const char *parent, const char *path, uint64_t number)
{
	now_texts[NAME] = name ? text_from(name) : TEXT_NONE;
	now_texts[PARENT] = parent ? text_from(parent) : TEXT_NONE;
	now_texts[PATH] = path ? text_from(path) : TEXT_NONE;
	now_texts[DIRECTORY] = TEXT("/etc");
	now_texts[NUMBER] = TEXT("is there");
	now_numbers[NUMBER] = number;
	now_texts[FLAG] = TEXT("is there");
	now_numbers[FLAG] = number & 1;
}

/* Each is asked once, of the first event. */
static void what_the_process_decides_is_remembered(void **state)
{
	struct fixture *f = *state;

	add_filter(f, "p.name = cat and e.path = /a");
	add_filter(f, "p.name = dog and e.path = /b");
	add_filter(f, "not p.name = cat and e.path = /c");
	add_filter(f, "p.parent = sh or e.path = /d");
	add_filter(f, "evt.type = openat and e.path = /a");
	add_filter(f, "evt.type = connect and e.path = /a");
	set_now("cat", "init", "/a", 0);
	make_plan(f);
	assert_int_equal(plan_size(f->plan), 5);
	assert_int_equal(by_plan(f), 1 << 0 | 1 << 4);
	memset(asked, 0, sizeof(asked));
	assert_int_equal(by_plan(f), 1 << 0 | 1 << 4);
	assert_int_equal(asked[NAME] + asked[PARENT], 0);
	assert_int_equal(asked[PATH], 1);
	set_now("cat", "init", "/d", 0);
	assert_int_equal(by_plan(f), 1 << 3);
	set_now("dog", "sh", "/b", 0);
	forget_process(f);
	assert_int_equal(by_plan(f), 1 << 1 | 1 << 3);
}

static void only_ancestors_are_forgotten_with_the_lineage(void **state)
{
	struct fixture *f = *state;

	add_filter(f, "p.name = cat and e.path = /a");
	add_filter(f, "p.parent = sh and e.path = /a");
	add_filter(f, "(p.name = dog or p.parent = sh) and e.path = /a");
	set_now("cat", "init", "/a", 0);
	make_plan(f);
	assert_int_equal(by_plan(f), 1 << 0);
	set_now("cat", "sh", "/a", 0);
	stable_memory_forget_lineage(f->stable, &f->memory);
	memset(asked, 0, sizeof(asked));
	assert_int_equal(by_plan(f), 1 << 0 | 1 << 1 | 1 << 2);
	assert_int_equal(asked[NAME], 0);
	assert_int_equal(asked[PARENT], 1);
}

/* Two opens with one digest have the same candidates, whatever else is different. */
static void the_digest_decides_the_candidates(void **state)
{
	struct fixture *f = *state;
	uint32_t first[FILTERS], second[FILTERS], n;

	f->has_digest = true;
	add_filter(f, "p.name = cat and e.path = /a");
	add_filter(f, "e.number = 3 and e.path = /a");
	add_filter(f, "e.number = 3 and e.path = /b");
	add_filter(f, "(e.path = /b or e.number = 4) and e.flag = true");
	make_plan(f);
	set_now("dog", "init", "/a", 2);
	n = find(f, first);
	assert_int_equal(n, 2);
	assert_int_equal(decide(f, first, n), 0);
	n = find(f, first);
	set_now("cat", "sh", "/a", 4); /* same path and flag */
	forget_process(f);
	assert_int_equal(find(f, second), n);
	assert_memory_equal(first, second, n * sizeof(*first));
	assert_int_equal(decide(f, first, n), 1 << 0);
	set_now("cat", "sh", "/x", 5);
	assert_int_equal(by_plan(f), 0);
	set_now("cat", "sh", "/b", 3);
	assert_int_equal(by_plan(f), 1 << 2 | 1 << 3);
	memset(asked, 0, sizeof(asked));
	set_now("cat", "sh", "/none", 2); /* nothing but what is covered is asked then */
	assert_int_equal(by_plan(f), 0);
	assert_int_equal(asked[NAME] + asked[PARENT] + asked[NUMBER], 0);
}

/* A closed gate spares all that stands behind it. */
static void what_many_ask_is_asked_first(void **state)
{
	struct fixture *f = *state;

	add_filter(f, "e.path = /a and e.flag = true");
	add_filter(f, "e.directory = /etc and e.flag = true");
	add_filter(f, "e.number = 7 and e.flag = true");
	set_now("x", "y", "/a", 6);
	make_plan(f);
	memset(asked, 0, sizeof(asked));
	assert_int_equal(by_plan(f), 0);
	assert_int_equal(asked[FLAG], 1);
	assert_int_equal(asked[PATH] + asked[DIRECTORY] + asked[NUMBER], 0);
	set_now("x", "y", "/a", 7);
	assert_int_equal(by_plan(f), 7);
}

static void beginnings_are_compared_together(void **state)
{
	static const struct {
		const char *path;
		uint64_t bits;
	} cases[] = {
		{"/etc/x", 1},     {"/etc", 2},        {"/usr/bin/x", 1}, {"/usr/sbin", 1},
		{"/", 2},          {"", 2 | 4},        {NULL, 2 | 4},     {"/var/lib/dpkg/a", 1},
		{"/var/lib/d", 2}, {"/opt/long", 1},   {"/opt/lon", 2},   {"/usr/bin", 2},
		{"/x", 2},         {"/usr/sbin/y", 1},
	};
	struct fixture *f = *state;

	add_filter(f,
		   "e.path startswith /etc/ or e.path startswith /usr/bin/ or (e.path startswith "
		   "/usr/sbin or e.path startswith /var/lib/dpkg) or e.path startswith /opt/long");
	add_filter(f,
		   "not e.path startswith /etc/ and not (e.path startswith /usr/bin/ or e.path "
		   "startswith /usr/sbin) and not e.path startswith /var/lib/dpkg and not e.path "
		   "startswith /opt/long");
	add_filter(f, "not e.path startswith / and not e.path startswith /etc");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		set_now("x", "y", cases[i].path, 0);
		make_plan(f);
		if (by_plan(f) != cases[i].bits || one_by_one(f) != cases[i].bits)
			fail_msg("'%s': %lx, one by one %lx, want %lx",
				 cases[i].path ? cases[i].path : "(absent)",
				 (unsigned long)by_plan(f), (unsigned long)one_by_one(f),
				 (unsigned long)cases[i].bits);
	}
}

static void nothing_left_is_all_or_nothing(void **state)
{
	struct fixture *f = *state;

	add_filter(f, "p.name = cat");
	add_filter(f, "p.name != cat");
	add_filter(f, "p.name exists and not p.parent exists");
	add_filter(f, "p.name = cat or e.path = /z");
	add_filter(f, "evt.type = openat");
	add_filter(f, "evt.type = connect");
	set_now("cat", NULL, "/q", 0);
	make_plan(f);
	assert_int_equal(by_plan(f), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4);
	assert_int_equal(plan_size(f->plan), 5);
	set_now(NULL, NULL, "/q", 0);
	forget_process(f);
	assert_int_equal(by_plan(f), one_by_one(f));
}

static void add_long_product(struct fixture *f, int first, int n_checks)
{
	char text[TEXT_MAX_BYTES];
	uint32_t len = (uint32_t)snprintf(text, sizeof(text), "e.number != %d", first);

	for (int k = 1; k <= n_checks + 5; k++)
		len += (uint32_t)snprintf(text + len, sizeof(text) - len, " and e.number != %d",
					  first + k % n_checks);
	add_filter(f, text);
}

/* So many that duplicates stay in: a check that one filter alone asks twice is no gate. The sizes
 * let the pool's blocks end at different places. */
static void long_products_may_repeat_themselves(void **state)
{
	struct fixture *f = *state;

	for (int n_checks = 66; n_checks < 90; n_checks++) {
		for (int i = 0; i < FILTERS; i++)
			add_long_product(f, i * 200, n_checks);
		set_now("cat", "sh", "/a", 0);
		make_plan(f);
		for (uint64_t number = 0; number < 200 * FILTERS; number += 50) {
			set_now("cat", "sh", "/a", number);
			assert_int_equal(by_plan(f), one_by_one(f));
		}
		forget(f);
	}
}

static uint64_t chance = 1;

static uint32_t dice(uint32_t n)
{
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(chance >> 33) % n;
}

static const char *const paths[] = {"/a", "/b", "/etc/x", "/etc/passwd", "/usr/bin/y", ""};

static uint32_t write_check(char *out, uint32_t size)
{
	static const char *const checks[] = {
		"p.name = cat",          "p.name in (cat, dog)",
		"p.parent startswith s", "p.parent exists",
		"e.path = /a",           "e.path startswith /etc",
		"e.path startswith /",   "e.path startswith /usr",
		"e.path endswith d",     "e.path in (/a, /b)",
		"e.path contains tc",    "e.directory = /etc",
		"e.number > 3",          "e.number = 5",
		"e.flag = true",         "evt.type = openat",
		"evt.type in (connect)", "e.path exists",
		"p.name != e.path",      "basename(e.path) = x",
	};

	return (uint32_t)snprintf(out, size, "%s", checks[dice(ARRAY_SIZE(checks))]);
}

static uint32_t write_condition(char *out, uint32_t size, int depth)
{
	uint32_t len, n = 2 + dice(3);
	const char *word = dice(2) ? " and " : " or ";

	if (depth == 0 || dice(4) == 0)
		return write_check(out, size);
	len = (uint32_t)snprintf(out, size, "%s(", dice(3) ? "" : "not ");
	for (uint32_t i = 0; i < n && len < size / 2; i++) {
		len += (uint32_t)snprintf(out + len, size - len, "%s", i ? word : "");
		len += write_condition(out + len, size - len, depth - 1);
	}
	return len + (uint32_t)snprintf(out + len, size - len, ")");
}

static void set_by_chance(bool with_process)
{
	static const char *const names[] = {"cat", "dog", "sh", "systemd"};

	if (with_process) {
		now_texts[NAME] = dice(6) ? text_from(names[dice(4)]) : TEXT_NONE;
		now_texts[PARENT] = dice(6) ? text_from(names[dice(4)]) : TEXT_NONE;
	}
	now_texts[PATH] = dice(6) ? text_from(paths[dice(ARRAY_SIZE(paths))]) : TEXT_NONE;
	now_texts[DIRECTORY] = dice(2) ? TEXT("/etc") : TEXT("/usr");
	now_texts[NUMBER] = dice(6) ? TEXT("is there") : TEXT_NONE;
	now_numbers[NUMBER] = dice(7);
	now_texts[FLAG] = TEXT("is there");
	now_numbers[FLAG] = dice(2);
}

/* What the first event with a digest had as candidates; n: UINT32_MAX none yet. */
struct remembered {
	uint32_t n, candidates[FILTERS];
};

static struct remembered *remembered_of(struct remembered *all)
{
	size_t path = ARRAY_SIZE(paths);

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (now_texts[PATH].ptr && text_equal(now_texts[PATH], text_from(paths[i])))
			path = i;
	}
	return &all[2 * path + now_numbers[FLAG]];
}

/* The same by candidates that another event with the digest had. */
static uint64_t by_memory(struct fixture *f, struct remembered *all)
{
	struct remembered *known = remembered_of(all);
	uint32_t candidates[FILTERS];

	if (known->n == UINT32_MAX)
		known->n = find(f, known->candidates);
	next_event(f);
	memcpy(candidates, known->candidates, sizeof(candidates));
	return decide(f, candidates, known->n);
}

static void compare(struct fixture *f, uint64_t want, uint64_t got, int round)
{
	if (got != want)
		fail_msg("round %d: %lx, want %lx: %.*s", round, (unsigned long)got,
			 (unsigned long)want,
			 TEXT_ARGS(filter_text(f->filters[__builtin_ctzll(got ^ want)])));
}

static void plans_answer_as_their_filters(void **state)
{
	struct fixture *f = *state;
	struct remembered all[2 * ARRAY_SIZE(paths) + 2];
	char text[TEXT_MAX_BYTES];
	uint64_t seen = 0;

	for (int round = 0; round < 400; round++) {
		for (int i = 0; i < FILTERS; i++) {
			write_condition(text, sizeof(text), 1 + (int)dice(4));
			add_filter(f, text);
		}
		f->has_digest = round % 2;
		make_plan(f);
		memset(all, 0xff, sizeof(all));
		for (int process = 0; process < 6; process++) {
			set_by_chance(true);
			forget_process(f);
			for (int event = 0; event < 12; event++) {
				uint64_t want = one_by_one(f);

				compare(f, want, by_plan(f), round);
				if (f->has_digest)
					compare(f, want, by_memory(f, all), round);
				seen += want != 0;
				set_by_chance(false);
			}
		}
		forget(f);
	}
	assert_true(seen > 1000); /* not all false */
}

/* What is too much work to put in order is evaluated as it stands, not refused, not for ever. */
static void huge_conditions_have_plans(void **state)
{
	static char text[1 << 20];
	struct fixture *f = *state;
	size_t len = 0;

	for (int i = 0; i < 8000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%se.path != /%d",
					i ? " and " : "", i);
	for (int i = 0; i < FILTERS; i++)
		add_filter(f, text);
	set_now("x", "y", "/7999", 0);
	make_plan(f);
	assert_int_equal(by_plan(f), 0);
	set_now("x", "y", "/8000", 0);
	assert_int_equal(by_plan(f), (1 << FILTERS) - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_process_decides_is_remembered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_ancestors_are_forgotten_with_the_lineage,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_digest_decides_the_candidates, setup, teardown),
		cmocka_unit_test_setup_teardown(what_many_ask_is_asked_first, setup, teardown),
		cmocka_unit_test_setup_teardown(beginnings_are_compared_together, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_left_is_all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(long_products_may_repeat_themselves, setup,
						teardown),
		cmocka_unit_test_setup_teardown(plans_answer_as_their_filters, setup, teardown),
		cmocka_unit_test_setup_teardown(huge_conditions_have_plans, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
