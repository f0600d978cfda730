/* What decides beside the condition: only_if_new, rates, rule.seen_before; how they are read. */
#include "tests/unit/rules/rules_test.h"

#include <errno.h>

#include "anomaly/scorer.h"
#include "rules/memory.h"
#include "state/state.h"

#define ARENA_BYTES (1u << 20)
#define S UINT64_C(1000000000)

/* In place of profiles/: what the dimension with that number is said to be. */
static struct news told[4];
static int32_t asked_level;

struct news profile_news(const struct sightings *sightings, const struct field_context *ctx,
			 uint32_t dimension, int32_t level)
{
	(void)sightings, (void)ctx;
	asked_level = level;
	return told[dimension];
}

static struct text target = TEXT("/etc/shadow"); /* what fd.name gives */

static bool extract_target(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	static struct value value;

	(void)ctx, (void)arg;
	value = (struct value){.text = target, .type = field->type};
	*out = (struct values){&value, 1};
	return true;
}

static const struct field gate_fields[] = {
	{"proc.name", VALUE_CHARBUF, 0, extract_test, NULL, "", 0},
	{"fd.name", VALUE_CHARBUF, 0, extract_target, NULL, "", 1},
	{"evt.type", VALUE_CHARBUF, 0, extract_test, NULL, "", 2},
	{"evt.num", VALUE_UINT64, 0, extract_test, NULL, "", 3},
	{"evt.time", VALUE_CHARBUF, 0, extract_test, NULL, "", 2},
};

static const struct event_set *events_of(enum event_type type)
{
	static struct event_set sets[EVENT_TYPE_END];

	sets[type].types[type / 64] |= UINT64_C(1) << (type % 64);
	return &sets[type];
}

/* One rule set under test, with an event of a process in a workload. */
struct bench {
	struct field_set fields;
	struct rule_dimension dimensions[2];
	struct rule_options options;
	struct rule_set *set;
	struct rule_messages messages;
	struct rule_memory *memory;
	struct arena arena;
	struct workload workload;
	struct process process;
	struct subject subject;
	struct sightings sightings;
	struct score score;
	struct event event;
	struct field_context ctx;
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b || arena_init(&b->arena, ARENA_BYTES) || rule_memory_create(&b->memory, 3))
		return -1;
	b->fields = (struct field_set){
		.tables = {{gate_fields, ARRAY_SIZE(gate_fields)}, rule_field_table()},
		.n_tables = 2};
	b->dimensions[0] = (struct rule_dimension){.name = TEXT("file.read"),
						   .events = events_of(EVENT_OPENAT),
						   .n_levels = 2,
						   .levels = {TEXT("exe"), TEXT("file")}};
	b->dimensions[1] = (struct rule_dimension){.name = TEXT("net"),
						   .events = events_of(EVENT_CONNECT),
						   .n_levels = 1,
						   .levels = {TEXT("exe")}};
	b->options = (struct rule_options){.match_all = true,
					   .min_priority = PRIORITY_DEBUG,
					   .dimensions = b->dimensions,
					   .n_dimensions = 2};
	b->workload = (struct workload){.id = 1, .name = TEXT("unit:a")};
	b->process = (struct process){.workload = &b->workload};
	b->subject = (struct subject){.process = &b->process};
	b->score = (struct score){.sightings = &b->sightings};
	b->event = (struct event){.type = EVENT_OPENAT, .ts_ns = 100 * S};
	b->ctx = (struct field_context){.event = &b->event,
					.subject = &b->subject,
					.score = &b->score,
					.memory = b->memory,
					.arena = &b->arena};
	memset(told, 0, sizeof(told));
	target = TEXT("/etc/shadow");
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	rule_set_destroy(&b->set);
	rule_memory_destroy(&b->memory);
	rule_messages_done(&b->messages);
	arena_done(&b->arena);
	free(b);
	return 0;
}

/* Load; the result. */
static int load(struct bench *b, const char *text)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;

	rule_set_destroy(&b->set);
	rule_messages_done(&b->messages);
	if (rule_loader_create(&loader, &b->fields, &b->options))
		return -1;
	return rule_loader_add(loader, "f", text, strlen(text), &b->set, &b->messages);
}

static void must_load(struct bench *b, const char *text)
{
	if (load(b, text))
		fail_msg("%s: %s", text, b->messages.n ? b->messages.items[0].message : "?");
}

/* The rules that match, those without an alert in brackets: "one (two)". */
static const char *fire(struct bench *b)
{
	static char names[256];
	struct rule_match matches[RULE_MATCHES_MAX];
	uint32_t n;

	arena_reset(&b->arena);
	names[0] = '\0';
	n = rule_set_match(b->set, TEXT("syscall"), &b->ctx, matches);
	for (uint32_t i = 0; i < n; i++) {
		struct rule_info info;

		rule_set_info(b->set, matches[i].rule, &info);
		sprintf(names + strlen(names), matches[i].is_suppressed ? "%s(%.*s)" : "%s%.*s",
			i ? " " : "", TEXT_ARGS(info.name));
	}
	return names;
}

/* The alert's message and fields of the first match; matches is counted. */
static void print_alert(struct bench *b, char *out, size_t size)
{
	struct rule_match matches[RULE_MATCHES_MAX];
	struct record_alert *alert;

	arena_reset(&b->arena);
	assert_int_not_equal(rule_set_match(b->set, TEXT("syscall"), &b->ctx, matches), 0);
	alert = rule_alert_create(b->set, &matches[0], &b->ctx);
	assert_non_null(alert);
	snprintf(out, size, "%.*s %.*s", TEXT_ARGS(alert->message),
		 TEXT_ARGS(alert->output_fields));
	record_free(alert);
}

#define OPENAT(name, more) RULE(name, "evt.type = openat", more)

static void keys_are_read_or_refused_where_they_stand(void **state)
{
	static const struct {
		const char *keys;
		int want;
		const char *code, *words;
		uint32_t line, column;
	} rows[] = {
		{"  only_if_new: file.read\n", 0, NULL, NULL, 0, 0},
		{"  only_if_new: [file.read, net]\n", 0, "LOAD_NEVER_FIRES", "'net'", 6, 28},
		{"  only_if_new: file.read@file\n", 0, NULL, NULL, 0, 0},
		{"  only_if_new: []\n", 0, NULL, NULL, 0, 0},
		{"  only_if_new: file.reed\n", -EINVAL, "LOAD_ERR_VALIDATE",
		 "'file.reed' is no dimension", 6, 16},
		{"  only_if_new: [file.read, \"\"]\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "empty",
		 6, 28},
		{"  only_if_new: file.read@name\n", -EINVAL, "LOAD_ERR_VALIDATE",
		 "'name' is no level", 6, 16},
		{"  only_if_new: \"file.read@\"\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "DIMENSION",
		 6, 16},
		{"  only_if_new: \"@file\"\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "DIMENSION", 6,
		 16},
		{"  only_if_new: null\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "null", 6, 16},
		{"  only_if_new: {a: b}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "single", 6, 16},
		{"  only_if_new: [[file.read]]\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "single", 6,
		 17},
		{"  only_if_new: nowhere\n  skip-if-unknown-filter: true\n", 0,
		 "LOAD_UNKNOWN_FILTER", "left out", 6, 16},
		{"  only_if_new: net\n", 0, "LOAD_NEVER_FIRES", "'net'", 6, 16},
		{"  source: ethogram\n  only_if_new: net\n", -EINVAL, "LOAD_ERR_VALIDATE",
		 "system calls", 7, 16},
		{"  rate: {burst: 5, per: 60s}\n", 0, NULL, NULL, 0, 0},
		{"  rate: none\n", 0, NULL, NULL, 0, 0},
		{"  rate: {burst: 5}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "needs", 6, 9},
		{"  rate: {}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "needs", 6, 9},
		{"  rate: 5\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "expected", 6, 9},
		{"  rate: [5, 60]\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "expected", 6, 9},
		{"  rate: {burst: 0, per: 60s}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "burst", 6,
		 17},
		{"  rate: {burst: 1000001, per: 1}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "burst",
		 6, 17},
		{"  rate: {burst: 99999999999999999999999, per: 1}\n", -EINVAL,
		 "LOAD_ERR_YAML_VALIDATE", "burst", 6, 17},
		{"  rate: {burst: -1, per: 60s}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "burst", 6,
		 17},
		{"  rate: {burst: 1, per: soon}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "'soon'", 6,
		 25},
		{"  rate: {burst: 1, per: 0}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "'0'", 6, 25},
		{"  rate: {burst: 1, pro: 60s}\n", -EINVAL, "LOAD_ERR_YAML_VALIDATE", "'pro'", 6,
		 20},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[512];
		const struct rule_message *m;
		int r;

		snprintf(text, sizeof(text), "%s%s", OPENAT("r", ""), rows[i].keys);
		r = load(b, text);
		m = b->messages.items;
		if (r != rows[i].want || b->messages.n != (rows[i].code != NULL))
			fail_msg("%s: %d, %u messages%s%s", rows[i].keys, r, b->messages.n,
				 b->messages.n ? ": " : "", b->messages.n ? m->message : "");
		if (rows[i].code &&
		    (strcmp(m->code, rows[i].code) != 0 || !strstr(m->message, rows[i].words) ||
		     m->line != rows[i].line || m->column != rows[i].column))
			fail_msg("%s: %s '%s' at %u:%u", rows[i].keys, m->code, m->message, m->line,
				 m->column);
	}
}

/* Without a daemon nobody knows all dimensions: then a rule loads, and fires in doubt. */
static void unknown_dimensions_may_be_a_warning(void **state)
{
	struct bench *b = *state;
	char out[512];

	b->options.may_lack_dimensions = true;
	must_load(b, OPENAT("r", "  only_if_new: of.mine@file\n"));
	assert_int_equal(b->messages.n, 1);
	assert_string_equal(b->messages.items[0].code, "LOAD_UNKNOWN_FILTER");
	assert_false(b->messages.items[0].is_error);
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, "\"rule.new_doubt\":\"unknown\""));
	assert_int_equal(load(b, OPENAT("r", "  only_if_new: file.read@mine\n")), -EINVAL);
}

static void rules_fire_only_on_news(void **state)
{
	struct bench *b = *state;
	char out[512];

	must_load(b, OPENAT("r", "  only_if_new: file.read\n") OPENAT("s", ""));
	assert_string_equal(fire(b), "s");
	told[0] = (struct news){true, NEWS_CERTAIN};
	assert_string_equal(fire(b), "r s");
	assert_int_equal(asked_level, -1);
	print_alert(b, out, sizeof(out));
	assert_string_equal(out, "o cat {\"evt.time\":100000000000,\"proc.name\":\"cat\","
				 "\"rule.new_doubt\":null,\"rule.new_in\":\"file.read\"}");
	told[0].doubt = NEWS_COARSENED;
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, "\"rule.new_doubt\":\"coarsened\""));
	b->ctx.score = NULL; /* nobody looked anything up */
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, "\"rule.new_doubt\":\"unknown\""));
}

static void one_of_several_dimensions_is_enough(void **state)
{
	struct bench *b = *state;
	char out[512];

	must_load(b, RULE("r", "evt.type in (openat, connect)",
			  "  only_if_new: [file.read@exe, net]\n"));
	assert_string_equal(fire(b), "");
	told[1] = (struct news){true, NEWS_PENDING_FULL};
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, "\"rule.new_doubt\":\"pending full\",\"rule.new_in\":\"net\""));
	told[0] = (struct news){true, NEWS_CERTAIN};
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, "\"rule.new_doubt\":null,\"rule.new_in\":\"file.read,net\""));
	told[1] = (struct news){false, NEWS_CERTAIN};
	assert_string_equal(fire(b), "r");
	assert_int_equal(asked_level, -1);
	told[0] = (struct news){false, NEWS_CERTAIN};
	assert_string_equal(fire(b), "");
}

/* What is not new does not count, and with match: first makes room for the next. */
static void what_is_not_new_is_no_match(void **state)
{
	struct bench *b = *state;
	struct rule_info info;

	b->options.match_all = false;
	must_load(b, OPENAT("r", "  only_if_new: file.read\n") OPENAT("s", "") OPENAT("t", ""));
	for (int i = 0; i < 100; i++) /* long enough for plans to be made */
		assert_string_equal(fire(b), "s");
	rule_set_info(b->set, 0, &info);
	assert_int_equal(info.hits_total, 0);
	rule_set_info(b->set, 2, &info);
	assert_int_equal(info.hits_total, 0);
	told[0] = (struct news){true, NEWS_CERTAIN};
	assert_string_equal(fire(b), "r");
}

/* Another set with these keys takes the place of the one that is there. */
static void reload(struct bench *b, const char *text)
{
	SCOPED(rule_set_destroy) struct rule_set *old = TAKE(b->set);

	must_load(b, text);
	assert_int_equal(rule_set_prepare_carry(b->set, old), 0);
	rule_set_carry(b->set, old);
}

static void reloads_go_on_with_rates(void **state)
{
	struct bench *b = *state;
	char out[512];

	must_load(b, OPENAT("r", "  rate: {burst: 1, per: 1h}\n"));
	assert_string_equal(fire(b), "r");
	assert_string_equal(fire(b), "r"); /* a first occurrence */
	assert_string_equal(fire(b), "(r)");
	reload(b, OPENAT("r", "  rate: {burst: 1, per: 1h}\n"));
	assert_string_equal(fire(b), "(r)");
	/* Another rate begins full; what was left out is told all the same. */
	reload(b, OPENAT("r", "  rate: {burst: 2, per: 1h}\n"));
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, ",\"rule.suppressed\":2}"));
	assert_string_equal(fire(b), "r");
	assert_string_equal(fire(b), "(r)");
	reload(b, OPENAT("r", "  rate: {burst: 3, per: 1h}\n"));
	for (int i = 0; i < 3; i++)
		assert_string_equal(fire(b), "r");
	assert_string_equal(fire(b), "(r)");
}

/* Conditions cannot know what only alerts have: it is told, not passed over. */
static void fields_of_alerts_are_absent_in_conditions(void **state)
{
	struct bench *b = *state;
	struct rule_info info;

	must_load(b, RULE("r", "evt.type = openat and rule.suppressed > 1", ""));
	rule_set_info(b->set, 0, &info);
	assert_true(text_equal(info.absent_fields, TEXT("rule.suppressed")));
	must_load(b, OPENAT("r", "  only_if_new: file.read\n"));
	rule_set_info(b->set, 0, &info);
	assert_int_equal(info.absent_fields.len, 0);
}

/* However many overrides bring them: each is a bit of what an alert tells. */
static void appended_dimensions_have_an_end(void **state)
{
	struct bench *b = *state;
	SCOPED(free_ptr) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	b->options.may_lack_dimensions = true;
	fputs(OPENAT("r", ""), out);
	for (int i = 0; i < 17; i++)
		fprintf(out, "- rule: r\n  only_if_new: of.mine%d\n%s", i % 16,
			"  override: {only_if_new: append}\n");
	fflush(out);
	must_load(b, text); /* what is there already is no other */
	fprintf(out, "- rule: r\n  only_if_new: one.more\n  override: {only_if_new: append}\n");
	fclose(out);
	assert_int_equal(load(b, text), -EINVAL);
	assert_string_equal(b->messages.items[0].code, "LOAD_ERR_YAML_VALIDATE");
	assert_non_null(strstr(b->messages.items[0].message, "more than 16"));
	assert_int_equal(b->messages.items[0].line, 5 + 17 * 3 + 2);
}

static void overrides_change_the_keys(void **state)
{
	struct bench *b = *state;

	told[0] = (struct news){true, NEWS_CERTAIN};
	must_load(b, OPENAT("r", "  only_if_new: net\n") "- rule: r\n  only_if_new: file.read\n"
							 "  override: {only_if_new: append}\n");
	assert_string_equal(fire(b), "r");
	must_load(b,
		  OPENAT("r", "  only_if_new: file.read\n") "- rule: r\n  only_if_new: net\n"
							    "  override: {only_if_new: replace}\n");
	assert_string_equal(fire(b), "");
	must_load(b, OPENAT("r", "  only_if_new: net\n") "- rule: r\n  only_if_new: []\n"
							 "  override: {only_if_new: replace}\n");
	assert_string_equal(fire(b), "r");
	must_load(b, OPENAT("r", "  rate: none\n") "- rule: r\n  rate: {burst: 1, per: 1h}\n"
						   "  override: {rate: replace}\n");
	fire(b);
	fire(b);
	assert_string_equal(fire(b), "(r)");
	assert_int_equal(load(b, OPENAT("r", "") "- rule: r\n  rate: none\n"
						 "  override: {rate: append}\n"),
			 -EINVAL);
}

/* Two within the rate, a third because it was not known yet, then none but what is new. */
static void a_rate_leaves_out_repeats_only(void **state)
{
	struct bench *b = *state;
	struct rule_info info;
	char out[512];

	must_load(b, OPENAT("r", "  rate: {burst: 2, per: 10s}\n"));
	for (int i = 0; i < 3; i++)
		assert_string_equal(fire(b), "r");
	for (int i = 0; i < 50; i++)
		assert_string_equal(fire(b), "(r)");
	rule_set_info(b->set, 0, &info);
	assert_int_equal(info.hits_total, 53);
	assert_int_equal(info.suppressed_total, 50);
	/* A first occurrence passes and tells what was left out before it, once. */
	target = TEXT("/etc/gshadow");
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, ",\"rule.suppressed\":50}"));
	assert_string_equal(fire(b), "(r)");
	b->workload.id = 2;
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, ",\"rule.suppressed\":1}"));
	assert_string_equal(fire(b), "(r)");
	/* Time fills the bucket again: five seconds are one alert. */
	b->event.ts_ns += 5 * S;
	print_alert(b, out, sizeof(out));
	assert_non_null(strstr(out, ",\"rule.suppressed\":1}"));
	assert_string_equal(fire(b), "(r)");
	b->event.ts_ns += 1000 * S; /* never more than the burst */
	print_alert(b, out, sizeof(out));
	print_alert(b, out, sizeof(out));
	assert_null(strstr(out, "rule.suppressed"));
	assert_string_equal(fire(b), "(r)");
	b->event.ts_ns -= 5 * S; /* time that goes backwards fills nothing */
	assert_string_equal(fire(b), "(r)");
	b->event.ts_ns -= 500 * S; /* but nobody waits for it to come again */
	assert_string_equal(fire(b), "r");
	assert_string_equal(fire(b), "r");
	assert_string_equal(fire(b), "(r)");
}

static void ten_thousand_firsts_all_pass(void **state)
{
	struct bench *b = *state;
	char name[32];

	must_load(b, OPENAT("r", "  rate: {burst: 1, per: 1h}\n"));
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "/tmp/%d", i);
		target = text_from(name);
		assert_string_equal(fire(b), "r");
	}
}

static void rates_are_each_rules_own(void **state)
{
	struct bench *b = *state;

	b->options.rate = (struct rule_rate){1, S};
	must_load(b, OPENAT("r", "") OPENAT("s", "  rate: none\n")
			     OPENAT("t", "  rate: {burst: 3, per: 1h}\n"));
	fire(b);
	fire(b);
	assert_string_equal(fire(b), "(r) s t");
	assert_string_equal(fire(b), "(r) s t");
	assert_string_equal(fire(b), "(r) s (t)");
	b->options.rate = (struct rule_rate){0};
	must_load(b, OPENAT("r", ""));
	for (int i = 0; i < 1000; i++)
		assert_string_equal(fire(b), "r");
}

/* Nothing that remembers: nothing is known, so nothing may be left out. */
static void rules_tell_what_they_ask(void **state)
{
	static const struct {
		const char *keys, *news, *rate;
	} rows[] = {
		{"", "", ""},
		{"  only_if_new: [file.read@file, net]\n", "file.read@file net", ""},
		{"  rate: {burst: 5, per: 1500ms}\n", "", "5 in 1.5s"},
		{"  rate: none\n", "", "none"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rule_info info;
		char text[512];

		snprintf(text, sizeof(text), "%s%s", OPENAT("r", ""), rows[i].keys);
		must_load(b, text);
		rule_set_info(b->set, 0, &info);
		assert_true(text_equal(info.only_if_new, text_from(rows[i].news)));
		assert_true(text_equal(info.rate, text_from(rows[i].rate)));
	}
	/* For counting hits nothing is left out. */
	b->options.has_no_rates = true;
	b->options.rate = (struct rule_rate){1, S};
	must_load(b, OPENAT("r", "  rate: {burst: 1, per: 1h}\n") OPENAT("s", ""));
	for (int i = 0; i < 10; i++)
		assert_string_equal(fire(b), "r s");
}

static void without_memory_all_pass(void **state)
{
	struct bench *b = *state;

	b->ctx.memory = NULL;
	must_load(b, OPENAT("r", "  rate: {burst: 1, per: 1h}\n"));
	for (int i = 0; i < 10; i++)
		assert_string_equal(fire(b), "r");
}

static void rules_know_whether_they_fired(void **state)
{
	struct bench *b = *state;
	char out[512];

	must_load(b, "- macro: first\n  condition: (rule.seen_before = false)\n" RULE(
			     "a rule", "evt.type = openat and first",
			     "") RULE("other", "evt.type = openat and first", "")
			     RULE("after",
				  "evt.type = openat and rule.seen_before[\"a rule\"] = true", ""));
	assert_string_equal(fire(b), "a rule other"); /* each asks for itself */
	assert_string_equal(fire(b), "after");
	b->workload.id = 2;
	assert_string_equal(fire(b), "a rule other");
	b->workload.id = 1;
	must_load(b, "- rule: other\n  desc: d\n  condition: evt.type = openat\n"
		     "  output: \"%rule.seen_before %rule.seen_before[new] %proc.name\"\n"
		     "  priority: WARNING\n");
	print_alert(b, out, sizeof(out)); /* a reload forgets nothing */
	assert_memory_equal(out, "true false cat ", 15);
	b->workload.id = 3;
	print_alert(b, out, sizeof(out));
	assert_memory_equal(out, "false false cat ", 16);
	b->ctx.memory = NULL;
	print_alert(b, out, sizeof(out));
	assert_memory_equal(out, "<NA> <NA> cat ", 14);
}

static void rules_that_do_not_exist_are_warned_of(void **state)
{
	struct bench *b = *state;

	must_load(b, RULE("r", "evt.type = openat and rule.seen_before[nobody] = true", ""));
	assert_int_equal(b->messages.n, 1);
	assert_non_null(strstr(b->messages.items[0].message, "'nobody'"));
	assert_string_equal(fire(b), "");
}

int main(void)
{
#define GATE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		GATE(keys_are_read_or_refused_where_they_stand),
		GATE(unknown_dimensions_may_be_a_warning),
		GATE(rules_fire_only_on_news),
		GATE(one_of_several_dimensions_is_enough),
		GATE(what_is_not_new_is_no_match),
		GATE(overrides_change_the_keys),
		GATE(reloads_go_on_with_rates),
		GATE(fields_of_alerts_are_absent_in_conditions),
		GATE(appended_dimensions_have_an_end),
		GATE(a_rate_leaves_out_repeats_only),
		GATE(ten_thousand_firsts_all_pass),
		GATE(rates_are_each_rules_own),
		GATE(rules_tell_what_they_ask),
		GATE(without_memory_all_pass),
		GATE(rules_know_whether_they_fired),
		GATE(rules_that_do_not_exist_are_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
