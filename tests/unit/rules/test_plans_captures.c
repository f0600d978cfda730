/* Over real captures, with all of upstream's rules: plans answer as every rule evaluated by itself.
 * Needs the reference captures and rules beside the project; TEST_CAPTURE adds a file. */
#include <dirent.h>
#include <unistd.h>

#include "anomaly/incidents.h"
#include "capture/scap.h"
#include "rules/plans.h"
#include "state/state.h"
#include "tests/lib/allocations.h"
#include "tests/unit/rules/rules_test.h"

#define ARENA_BYTES (1u << 20)
#define CAPTURES_MAX 256
#define PATH_BYTES 512
#define RULE_FILES 3

static const char *const rule_names[RULE_FILES] = {
	"falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"};

struct fixture {
	char paths[CAPTURES_MAX][PATH_BYTES], rules[RULE_FILES][PATH_BYTES];
	uint32_t n;
	struct rule_set *with, *without;
	struct field_set fields;
	struct state *state;
	struct arena arena;
	uint64_t events, matches, allocations;
};

static bool list_captures(struct fixture *f)
{
	const char *folder = getenv("TEST_CAPTURES"), *more = getenv("TEST_CAPTURE");
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) && f->n < CAPTURES_MAX - 1) {
		if (text_ends_with(text_from(entry->d_name), TEXT(".scap")))
			snprintf(f->paths[f->n++], PATH_BYTES, "%s/%s", folder, entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (more)
		snprintf(f->paths[f->n++], PATH_BYTES, "%s", more);
	for (int i = 0; folder && i < RULE_FILES; i++)
		snprintf(f->rules[i], PATH_BYTES, "%s/../rules/%s", folder, rule_names[i]);
	return f->n > 0 && access(f->rules[0], R_OK) == 0;
}

static struct rule_set *load(struct fixture *f)
{
	const struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	const char *files[RULE_FILES] = {f->rules[0], f->rules[1], f->rules[2]};
	struct rule_set *set = NULL;

	if (rule_set_load(&set, files, RULE_FILES, &f->fields, &options, &messages))
		fail_msg("%s", messages.items[messages.n - 1].message);
	return set;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	const struct state_config config = {.processes_max = 65536, .fds_per_process_max = 4096};

	f->fields = (struct field_set){.tables = {state_field_table(), anomaly_field_table()},
				       .n_tables = 2};
	*state = f;
	if (!list_captures(f))
		return 0;
	f->with = load(f);
	f->without = load(f);
	plans_destroy(&f->without->plans);
	return state_create(&f->state, &config) || arena_init(&f->arena, ARENA_BYTES);
}

static void need_captures(const struct fixture *f)
{
	if (f->with)
		return;
	print_message("# skipped: the reference captures and rules are not beside the project\n");
	skip();
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rule_set_destroy(&f->with);
	rule_set_destroy(&f->without);
	state_destroy(&f->state);
	arena_done(&f->arena);
	test_free(f);
	return 0;
}

static uint32_t match(struct fixture *f, struct rule_set *set, struct field_context *ctx,
		      struct rule_match matches[RULE_MATCHES_MAX])
{
	arena_reset(&f->arena);
	ctx->arena = &f->arena;
	return rule_set_match(set, TEXT("syscall"), ctx, matches);
}

static void compare(struct fixture *f, const struct event *ev, const struct subject *subject)
{
	struct rule_match with[RULE_MATCHES_MAX], without[RULE_MATCHES_MAX];
	struct field_context ctx = {.event = ev, .subject = subject, .state = f->state};
	uint64_t before = allocations_total();
	uint32_t n = match(f, f->with, &ctx, with), n_without;
	bool is_same;

	f->allocations += allocations_total() - before;
	n_without = match(f, f->without, &ctx, without);
	is_same = n == n_without;

	for (uint32_t i = 0; is_same && i < n; i++)
		is_same = with[i].rule == without[i].rule;
	if (!is_same)
		fail_msg("%s of '%.*s' by '%.*s': %u rules (first %u) with plans, %u (%u) without",
			 event_info(ev->type)->name, TEXT_ARGS(subject->path),
			 TEXT_ARGS(subject->process->exepath), n, n ? with[0].rule : 0, n_without,
			 n_without ? without[0].rule : 0);
	f->events++;
	f->matches += n;
}

/* Of processes that are known, new, executing, or ending: all memory is there beforehand. Twice:
 * what is remembered of the first time must be good the second time. */
static void plans_answer_as_every_rule_by_itself_and_allocate_nothing(void **state)
{
	struct fixture *f = *state;
	const char *paths[2 * CAPTURES_MAX];
	struct source *source = NULL;
	struct plans_counters counters;
	const struct event *ev;
	struct subject subject;
	struct diag diag = {0};

	need_captures(f);
	for (uint32_t i = 0; i < 2 * f->n; i++)
		paths[i] = f->paths[i % f->n];
	allocations_begin();
	assert_int_equal(scap_source_create(&source, paths, 2 * f->n, &diag), 0);
	while (source_next(source, &ev) > 0) {
		if (!state_apply(f->state, ev, &subject) && subject.process &&
		    !(ev->quality & EVENT_STATE_ONLY))
			compare(f, ev, &subject);
		state_tick(f->state, ev->ts_ns);
	}
	source_destroy(&source);
	plans_counters(f->with->plans, &counters);
	assert_true(f->events > 50000);
	assert_true(f->matches > 10);
	assert_int_equal(f->allocations, 0);
	assert_true(counters.remembered_total > counters.opens_total / 2);
	assert_true(counters.remembered_total < counters.opens_total);
}

static void all_upstream_rules_take_at_most_eight_mebibytes(void **state)
{
	struct fixture *f = *state;

	need_captures(f);
	assert_true(rule_set_bytes(f->with) > rule_set_bytes(f->without));
	assert_true(rule_set_bytes(f->with) > plans_bytes(f->with->plans) + (100u << 10));
	assert_true(rule_set_bytes(f->with) <= 8u << 20);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			plans_answer_as_every_rule_by_itself_and_allocate_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(all_upstream_rules_take_at_most_eight_mebibytes,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
