#include "tests/unit/rules/rules_test.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

#define ARENA_BYTES (1u << 20)

static struct rule_set *load(const char *text)
{
	struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	struct rule_set *set = NULL;

	if (load_texts(&set, &text, 1, &options, &messages))
		fail_msg("%s", messages.items[0].message);
	return set;
}

static void hit(struct rule_set *set, enum event_type type, uint64_t ts_ns)
{
	struct event ev = {.type = type, .ts_ns = ts_ns};
	const struct field_context ctx = {.event = &ev};
	struct rule_match matches[RULE_MATCHES_MAX];

	rule_set_match(set, TEXT("syscall"), &ctx, matches);
}

static void expect(const struct rule_set *set, const char *name, uint64_t hits, uint64_t last_ns)
{
	for (uint32_t i = 0; i < rule_set_size(set); i++) {
		struct rule_info info;

		rule_set_info(set, i, &info);
		if (!text_equal(info.name, text_from(name)))
			continue;
		if (info.hits_total != hits || info.last_hit_ns != last_ns)
			fail_msg("%s: %" PRIu64 " hits, last %" PRIu64, name, info.hits_total,
				 info.last_hit_ns);
		return;
	}
	fail_msg("%s is not there", name);
}

static void hits_go_with_the_name(void **state)
{
	SCOPED(rule_set_destroy)
	struct rule_set *old = load(RULE("a", "evt.type = openat", "") RULE(
		"b", "evt.type = openat", "") RULE("c", "evt.type = openat", ""));
	SCOPED(rule_set_destroy)
	struct rule_set *next = load(RULE("new", "evt.type = openat", "")
					     RULE("c", "evt.type = openat and proc.name = cat", "")
						     RULE("a", "evt.type = openat", "")
							     RULE("B", "evt.type = openat", ""));

	(void)state;
	hit(old, EVENT_OPENAT, 7);
	hit(old, EVENT_OPENAT, 9);
	assert_int_equal(rule_set_prepare_carry(next, old), 0);
	hit(old, EVENT_OPENAT, 11); /* the old set is in use until the swap */
	rule_set_carry(next, old);
	expect(next, "a", 3, 11);
	expect(next, "c", 3, 11);
	expect(next, "new", 0, 0);
	expect(next, "B", 0, 0);
	hit(next, EVENT_OPENAT, 13);
	expect(next, "a", 4, 13);
	expect(next, "new", 1, 13);
}

static void another_source_is_another_rule(void **state)
{
	SCOPED(rule_set_destroy) struct rule_set *old = load(RULE("a", "evt.type = openat", ""));
	SCOPED(rule_set_destroy)
	struct rule_set *next = load(RULE("a", "evt.num = 12", "  source: ethogram\n"));

	(void)state;
	hit(old, EVENT_OPENAT, 7);
	assert_int_equal(rule_set_prepare_carry(next, old), 0);
	rule_set_carry(next, old);
	expect(next, "a", 0, 0);
}

static void empty_sets_carry_nothing(void **state)
{
	SCOPED(rule_set_destroy) struct rule_set *old = load("[]");
	SCOPED(rule_set_destroy) struct rule_set *next = load(RULE("a", "evt.type = openat", ""));
	SCOPED(rule_set_destroy) struct rule_set *last = load("[]");

	(void)state;
	assert_int_equal(rule_set_prepare_carry(next, old), 0);
	rule_set_carry(next, old);
	expect(next, "a", 0, 0);
	assert_int_equal(rule_set_prepare_carry(last, next), 0);
	rule_set_carry(last, next);
	assert_int_equal(rule_set_size(last), 0);
}

/* More rules than one event may have alerts. */
static struct rule_set *load_many(uint32_t n)
{
	SCOPED(free_ptr) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < n; i++)
		fprintf(out,
			"- rule: r%u\n  desc: d\n  condition: evt.type = openat\n"
			"  output: o\n  priority: WARNING\n",
			i);
	fclose(out);
	return load(text);
}

static void counters_go_on(void **state)
{
	SCOPED(rule_set_destroy) struct rule_set *used = NULL;
	struct rule_counters c;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rule_set *set = load_many(RULE_MATCHES_MAX + 3);

		if (i) {
			assert_int_equal(rule_set_prepare_carry(set, used), 0);
			rule_set_carry(set, used);
			rule_set_destroy(&used);
		}
		used = set;
		hit(set, EVENT_OPENAT, 1);
		rule_set_counters(set, &c);
		assert_int_equal(c.matches_dropped_total, 3 * (i + 1));
		assert_int_equal(c.outputs_cut_total, 0);
	}
}

static struct record_alert *alert_of(struct rule_set *set)
{
	static struct arena arena;
	struct event ev = {.type = EVENT_OPENAT, .ts_ns = 1};
	const struct field_context ctx = {.event = &ev, .arena = &arena};
	struct rule_match match = {0};
	struct record_alert *alert;

	assert_int_equal(arena_init(&arena, ARENA_BYTES), 0);
	alert = rule_alert_create(set, &match, &ctx);
	arena_done(&arena);
	assert_non_null(alert);
	return alert;
}

/* Each has the room that the pipeline has for one event. */
static void an_event_may_have_many_alerts(void **state)
{
	SCOPED(rule_set_destroy)
	struct rule_set *set = load(RULE("a", "evt.type = openat", ""));
	struct event ev = {.type = EVENT_OPENAT, .ts_ns = 1};
	struct rule_match match = {0};
	struct arena arena;
	const struct field_context ctx = {.event = &ev, .arena = &arena};

	(void)state;
	assert_int_equal(arena_init(&arena, ARENA_BYTES), 0);
	for (int i = 0; i < RULE_MATCHES_MAX; i++) {
		struct record_alert *alert = rule_alert_create(set, &match, &ctx);

		assert_non_null(alert);
		record_free(alert);
	}
	assert_int_equal(arena.used, 0);
	arena_done(&arena);
}

/* A rule whose output shows one field of 4,000 bytes many times over, under many names. */
static struct rule_set *load_long_output(uint32_t n)
{
	SCOPED(free_ptr) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "- rule: long\n  desc: d\n  condition: evt.type = openat\n"
		     "  priority: WARNING\n  output: o");
	for (uint32_t i = 0; i < n; i++)
		fprintf(out, " %%long.text[%u]", i);
	fprintf(out, "\n");
	fclose(out);
	return load(text);
}

static void long_fields_are_cut_each_and_counted(void **state)
{
	static const struct {
		uint32_t n;
		bool is_cut, has_values;
	} rows[] = {
		{0, false, true}, {3, false, true},  {5, true, true},
		{40, true, true}, {300, true, true}, {1000, true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(rule_set_destroy) struct rule_set *set = load_long_output(rows[i].n);
		struct record_alert *alert = alert_of(set);
		SCOPED(free_ptr) char *text = text_dup(alert->output_fields);
		cJSON *json = cJSON_Parse(text);
		struct rule_counters c;
		bool fields_are_cut, is_dotted;

		if (!json)
			fail_msg("%u fields: not JSON: %.100s", rows[i].n, text);
		is_dotted = alert->message.len > 3 &&
			    memcmp(alert->message.ptr + alert->message.len - 3, "...", 3) == 0;
		fields_are_cut = cJSON_IsTrue(cJSON_GetObjectItem(json, "ethogram.fields_cut"));
		rule_set_counters(set, &c);
		assert_int_equal(c.outputs_cut_total, rows[i].is_cut);
		assert_int_equal(is_dotted, rows[i].is_cut);
		assert_int_equal(fields_are_cut, rows[i].n > 16);
		for (uint32_t k = 0; k < rows[i].n && rows[i].has_values; k++) {
			char name[32];
			const cJSON *value;

			snprintf(name, sizeof(name), "long.text[%u]", k);
			value = cJSON_GetObjectItem(json, name);
			if (!cJSON_IsString(value) || strlen(value->valuestring) < 10)
				fail_msg("%u fields: %s is lost", rows[i].n, name);
		}
		cJSON_Delete(json);
		record_free(alert);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_go_with_the_name),
		cmocka_unit_test(another_source_is_another_rule),
		cmocka_unit_test(empty_sets_carry_nothing),
		cmocka_unit_test(counters_go_on),
		cmocka_unit_test(an_event_may_have_many_alerts),
		cmocka_unit_test(long_fields_are_cut_each_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
