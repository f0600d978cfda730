/* What storing events costs the pipeline: of an event that is known, of one that is stored. The
 * events are opens by a process six generations deep. Prints name, value, unit and target by tabs;
 * medians over repetitions. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "anomaly/incidents.h"
#include "base/clock.h"
#include "base/util.h"
#include "daemon/history.h"
#include "filter/event_sets.h"
#include "state/state.h"
#include "tests/bench/median.h"
#include "tests/lib/events.h"

#define REPETITIONS 7
#define ROUNDS 200000
#define STORED_ROUNDS 2000
#define DEPTH 6
#define SECOND UINT64_C(1000000000)

struct bench {
	struct state *state;
	struct history *history;
	struct rule_set *rules;
	struct event_maker maker;
	struct arena arena;
	struct test_task tasks[DEPTH];
	struct subject subject;
	struct sightings sightings;
	struct score score;
	const struct event *ev;
	uint64_t bytes;
};

static struct record_event *take(struct bench *b, struct record_alert *const *alerts, uint32_t n)
{
	struct field_context ctx = {.event = b->ev,
				    .subject = &b->subject,
				    .state = b->state,
				    .score = &b->score,
				    .arena = &b->arena};

	return history_take(b->history, b->rules, &ctx, alerts, n);
}

static void take_known(struct bench *b)
{
	record_free(take(b, NULL, 0));
}

/* Each an alert's, and the rate no bound: 60 ms lie between two events. */
static void take_stored(struct bench *b)
{
	struct record_alert alert = {.id = 1};
	struct record_alert *alerts[] = {&alert};
	struct record_event *event = take(b, alerts, 1);

	b->bytes = event ? event->fields.len : 0;
	record_free(event);
	((struct event *)b->ev)->ts_ns += 60000000;
}

static double measure(struct bench *b, void (*one)(struct bench *), uint32_t rounds)
{
	double times[REPETITIONS];

	for (int r = 0; r < REPETITIONS; r++) {
		uint64_t start = clock_thread_cpu_ns();

		for (uint32_t i = 0; i < rounds; i++)
			one(b);
		times[r] = (double)(clock_thread_cpu_ns() - start) / rounds;
	}
	return median(times, REPETITIONS);
}

static int load_rules(struct bench *b, char **files, uint32_t n)
{
	static struct field_set fields;
	struct rule_options options = {.min_priority = PRIORITY_DEBUG};
	struct event_set captured;

	fields.tables[fields.n_tables++] = state_field_table();
	fields.tables[fields.n_tables++] = anomaly_field_table();
	fields.tables[fields.n_tables++] = rule_field_table();
	fields.tables[fields.n_tables++] = hit_field_table();
	event_set_all(&captured);
	if (rule_set_load(&b->rules, (const char *const *)files, n, &fields, &options, NULL))
		return -1;
	return rule_set_describe(b->rules, &fields, &captured);
}

static int setup(struct bench *b)
{
	struct history_config config = {
		.epoch_ns = 600 * SECOND, .seed = 5, .next_event_id = 1, .next_span_id = 1};
	struct state_config state = {.processes_max = 64, .fds_per_process_max = 16};
	struct record_span *ended, *begun;

	if (arena_init(&b->arena, 1 << 20) || state_create(&b->state, &state) ||
	    history_create(&b->history, &config))
		return -1;
	history_begin(b->history, b->rules, 1, &ended, &begun);
	record_free(begun);
	b->score.sightings = &b->sightings;
	event_maker_init(&b->maker, 1000);
	for (int i = 0; i < DEPTH; i++) {
		b->tasks[i] = (struct test_task){.pid = 100 + i,
						 .start_ns = (uint64_t)(i + 1) * SECOND,
						 .exec_id = 1,
						 .ppid = i ? 99 + i : 1,
						 .exepath = "/usr/sbin/nginx"};
		state_apply(b->state, event_scan(&b->maker, &b->tasks[i]), &b->subject);
	}
	b->ev = event_open(&b->maker, &b->tasks[DEPTH - 1], 5, "/var/lib/app/data/file.txt",
			   TEST_O_RDONLY);
	return state_apply(b->state, b->ev, &b->subject);
}

int main(int argc, char **argv)
{
	static struct bench b;

	if (load_rules(&b, argv + 1, (uint32_t)argc - 1) || setup(&b)) {
		fprintf(stderr, "bench_history: cannot set up\n");
		return 1;
	}
	printf("history, event that no dimension observes, known\t%.0f\tns\t\n",
	       measure(&b, take_known, ROUNDS));
	b.sightings.n = 1;
	b.sightings.items[0] = (struct sighting){.n_levels = 2, .new_level = -1};
	printf("history, event of a known behaviour\t%.1f\tns\t\n",
	       measure(&b, take_known, ROUNDS));
	b.sightings.n = 0; /* no profile stands behind it */
	printf("history, event stored\t%.1f\tus\t\n",
	       measure(&b, take_stored, STORED_ROUNDS) / 1e3);
	printf("history, bytes of its fields\t%.0f\tB\t\n", (double)b.bytes);
	return 0;
}
