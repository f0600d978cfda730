/* What counting and following cost, for events for which a condition is true: one rule and 1,000
 * keys unless said otherwise, against the same event in a rule that neither counts nor follows.
 * Prints name, value, unit and target by tabs; medians over repetitions of CPU time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "rules/loader.h"
#include "rules/rules.h"
#include "tests/bench/median.h"

#define REPETITIONS 7
#define EVENTS 200000
#define HEAD "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n"
#define COND "  condition: evt.type = openat\n"

static uint64_t n_values = 1000;

static bool extract_number(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	static struct value value;
	static char name[32];

	(void)arg;
	value = (struct value){.i64 = ctx->event->tid, .type = field->type};
	if (field->variant == 1)
		value.text = (struct text){
			name, (uint32_t)snprintf(name, sizeof(name), "/srv/files/%lu",
						 (unsigned long)(ctx->event->num % n_values))};
	if (field->variant == 2)
		value.text = TEXT("openat");
	*out = (struct values){&value, 1};
	return true;
}

static const struct field fields[] = {
	{"t.pid", VALUE_INT64, 0, extract_number, NULL, "", 0},
	{"t.name", VALUE_CHARBUF, 0, extract_number, NULL, "", 1},
	{"evt.type", VALUE_CHARBUF, 0, extract_number, NULL, "", 2},
	{"evt.time", VALUE_CHARBUF, 0, extract_number, NULL, "", 2},
};

static const struct field_set field_set = {.tables = {{fields, ARRAY_SIZE(fields)}}, .n_tables = 1};

static struct rule_set *load(const char *text)
{
	static const struct rule_options options = {.match_all = true,
						    .min_priority = PRIORITY_DEBUG};
	struct rule_loader *loader = NULL;
	struct rule_set *set = NULL;

	if (rule_loader_create(&loader, &field_set, &options) ||
	    rule_loader_add(loader, "bench", text, strlen(text), &set, NULL)) {
		fprintf(stderr, "bench_windows: cannot load\n%s", text);
		exit(1);
	}
	rule_loader_destroy(&loader);
	return set;
}

/* ns an event, by processes in turn. */
static double run(struct rule_set *set, uint32_t n_keys)
{
	static struct arena arena;
	struct rule_match matches[RULE_MATCHES_MAX];
	struct event ev = {.type = EVENT_OPENAT, .ts_ns = UINT64_C(1700000000000000000)};
	const struct field_context ctx = {.event = &ev, .arena = &arena};
	uint64_t start;

	if (!arena.block && arena_init(&arena, 1 << 16))
		exit(1);
	start = clock_thread_cpu_ns();
	for (uint32_t i = 0; i < EVENTS; i++) {
		ev.num++;
		ev.ts_ns += 10000;
		ev.tid = (int32_t)(i % n_keys);
		arena_reset(&arena);
		rule_set_match(set, TEXT("syscall"), &ctx, matches);
	}
	return (double)(clock_thread_cpu_ns() - start) / EVENTS;
}

static void report(const char *name, const char *text, uint32_t n_keys)
{
	double times[REPETITIONS];

	for (int i = 0; i < REPETITIONS; i++) {
		struct rule_set *set = load(text);

		times[i] = run(set, n_keys);
		rule_set_destroy(&set);
	}
	printf("%s\t%.0f\tns\t\n", name, median(times, REPETITIONS));
}

int main(void)
{
	report("window: none", HEAD COND, 1000);
	report("window: count by one number",
	       HEAD COND "  count: {by: [t.pid], within: 60s, at_least: 1000}\n", 1000);
	report("window: count by a number and a path",
	       HEAD COND "  count: {by: [t.pid, t.name], within: 60s, at_least: 1000}\n", 1000);
	report("window: count, a new key each time and no room",
	       HEAD COND "  count: {by: [t.pid], within: 60s, at_least: 5}\n", EVENTS);
	n_values = 50;
	report("window: 50 distinct values",
	       HEAD COND "  count: {by: [t.pid], within: 60s, at_least: 100, distinct: t.name}\n",
	       1);
	n_values = 1000000;
	report("window: 100 distinct values, always another",
	       HEAD COND "  count: {by: [t.pid], within: 60s, at_least: 100, distinct: t.name}\n",
	       1);
	report("window: every step of a sequence of two",
	       HEAD
	       "  sequence: [evt.type = openat, evt.type = openat]\n  by: [t.pid]\n  within: 60s\n",
	       1000);
	report("window: every step of a sequence of eight",
	       HEAD "  sequence: [evt.type = openat, evt.type = openat, evt.type = openat, "
		    "evt.type = openat, evt.type = openat, evt.type = openat, evt.type = openat, "
		    "evt.type = openat]\n  by: [t.pid]\n  within: 60s\n",
	       1000);
	return 0;
}
