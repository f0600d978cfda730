/* What matching costs per event and what loading costs. bench_rules FILE...: the files are loaded
 * in order; the mix is opens, closes, connects and execs of a plain host. Prints name, value, unit
 * and target by tabs; medians over repetitions. */
#include <stdio.h>
#include <stdlib.h>

#include "anomaly/incidents.h"
#include "base/clock.h"
#include "base/util.h"
#include "rules/rules.h"
#include "state/state.h"
#include "tests/bench/median.h"
#include "tests/lib/events.h"

#define REPETITIONS 7
#define ROUNDS 20000
#define ARENA_BYTES (1u << 20)

struct bench {
	struct rule_set *rules;
	struct state *state;
	struct event_maker maker;
	struct arena arena;
	struct test_task task;
	struct field_set fields;
};

typedef const struct event *make_fn(struct bench *b);

static const struct event *make_open(struct bench *b)
{
	return event_open(&b->maker, &b->task, 5, "/var/lib/app/data/file.txt", TEST_O_RDONLY);
}

static const struct event *make_write(struct bench *b)
{
	return event_open(&b->maker, &b->task, 5, "/tmp/scratch", TEST_O_WRONLY | TEST_O_CREAT);
}

static const struct event *make_close(struct bench *b)
{
	return event_close(&b->maker, &b->task, 5);
}

static const struct event *make_connect(struct bench *b)
{
	return event_connect(&b->maker, &b->task, 7, "10.0.0.2", 40000, "10.0.0.3", 5432, 0);
}

static const struct event *make_exec(struct bench *b)
{
	return event_exec(&b->maker, &b->task);
}

static double match_ns(struct bench *b, make_fn *make)
{
	struct rule_match matches[RULE_MATCHES_MAX];
	struct subject subject;
	struct field_context ctx = {.subject = &subject, .state = b->state, .arena = &b->arena};
	uint64_t start;

	ctx.event = make(b);
	state_apply(b->state, ctx.event, &subject);
	start = clock_thread_cpu_ns();
	for (int i = 0; i < ROUNDS; i++) {
		arena_reset(&b->arena);
		rule_set_match(b->rules, TEXT("syscall"), &ctx, matches);
	}
	return (double)(clock_thread_cpu_ns() - start) / ROUNDS;
}

static double load_ms(struct bench *b, const char *const *files, uint32_t n)
{
	const struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	uint64_t start = clock_thread_cpu_ns();

	rule_set_destroy(&b->rules);
	if (rule_set_load(&b->rules, files, n, &b->fields, &options, &messages)) {
		fprintf(stderr, "bench_rules: %s\n",
			messages.n ? messages.items[messages.n - 1].message : "not loaded");
		exit(1);
	}
	return (double)(clock_thread_cpu_ns() - start) / 1e6;
}

static void prepare(struct bench *b)
{
	const struct state_config config = {.processes_max = 1024,
					    .fds_per_process_max = 64,
					    .boot_epoch_ns = TEST_BOOT_EPOCH_NS};
	struct test_task init = {.pid = 1, .start_ns = 1, .exec_id = 1, .exepath = "/sbin/init"};
	struct test_task parent = {.pid = 2,
				   .start_ns = 2,
				   .exec_id = 1,
				   .ppid = 1,
				   .parent_start_ns = 1,
				   .exepath = "/usr/bin/supervisor"};
	struct subject subject;

	b->task = (struct test_task){.pid = 3,
				     .start_ns = 3,
				     .exec_id = 1,
				     .ppid = 2,
				     .parent_start_ns = 2,
				     .exepath = "/usr/bin/worker"};
	b->fields = (struct field_set){.tables = {state_field_table(), anomaly_field_table()},
				       .n_tables = 2};
	event_maker_init(&b->maker, 1000);
	if (state_create(&b->state, &config) || arena_init(&b->arena, ARENA_BYTES))
		exit(1);
	state_apply(b->state, event_scan(&b->maker, &init), &subject);
	state_apply(b->state, event_scan(&b->maker, &parent), &subject);
	state_apply(b->state, event_scan(&b->maker, &b->task), &subject);
}

/* Shares of a plain host's events, in percent. */
static const struct {
	const char *name;
	make_fn *make;
	int share;
} kinds[] = {
	{"open for reading", make_open, 40},
	{"open for writing", make_write, 8},
	{"close", make_close, 45},
	{"connect", make_connect, 5},
	{"exec", make_exec, 2},
};

int main(int argc, char **argv)
{
	double times[REPETITIONS], mean = 0;
	struct bench b = {0};

	if (argc < 2)
		return 2;
	prepare(&b);
	for (int i = 0; i < REPETITIONS; i++)
		times[i] = load_ms(&b, (const char *const *)argv + 1, (uint32_t)argc - 1);
	printf("load %u rules\t%.1f\tms\t<= 50\n", rule_set_size(b.rules),
	       median(times, REPETITIONS));
	printf("memory of %u compiled rules\t%.2f\tMiB\t<= 8\n", rule_set_size(b.rules),
	       (double)rule_set_bytes(b.rules) / (1 << 20));
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (int i = 0; i < REPETITIONS; i++)
			times[i] = match_ns(&b, kinds[k].make);
		printf("rules, %s\t%.0f\tns\t\n", kinds[k].name, median(times, REPETITIONS));
		mean += median(times, REPETITIONS) * kinds[k].share / 100;
	}
	printf("rules, mean of the mix\t%.0f\tns\t<= 150\n", mean);
	rule_set_destroy(&b.rules);
	state_destroy(&b.state);
	arena_done(&b.arena);
	return 0;
}
