/* What an event costs in the profiles, with the shipped dimensions: look-up and commit together.
 * Prints name, value, unit and target by tabs; medians over interleaved repetitions. Usage:
 * bench_learning DIMENSIONS.yaml */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"
#include "profiles/profile_set.h"
#include "tests/bench/median.h"
#include "tests/lib/events.h"

#define REPETITIONS 7
#define FILES 500
#define ROUNDS 400 /* of opens of all files */
#define NEW_FILES 20000

struct bench {
	struct profile_set *set;
	struct event_maker maker;
	struct arena arena;
	struct workload workload;
	struct process process;
	struct test_task task;
	struct sightings sightings;
	uint64_t n_made;
	char path[128];
};

static void open_file(struct bench *b, const char *path)
{
	static const struct verdict nothing;
	struct subject subject = {.process = &b->process, .path = text_from(path), .fd = 3};
	struct field_context ctx = {.subject = &subject, .arena = &b->arena};

	ctx.event = event_open(&b->maker, &b->task, 3, path, TEST_O_RDONLY);
	arena_reset(&b->arena);
	profile_set_look_up(b->set, &ctx, &b->sightings);
	profile_set_commit(b->set, &ctx, &b->sightings, &nothing);
}

/* Only the event, for what the above costs without the profiles. */
static void make_event(struct bench *b, const char *path)
{
	event_open(&b->maker, &b->task, 3, path, TEST_O_RDONLY);
	arena_reset(&b->arena);
}

typedef void open_fn(struct bench *b, const char *path);

static double known_files(struct bench *b, open_fn *open)
{
	uint64_t start = clock_monotonic_ns();

	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < FILES; i++) {
			char path[] = "/var/lib/service/data/table-00.frm";

			path[28] = (char)('a' + i / 26);
			path[29] = (char)('a' + i % 26);
			open(b, path);
		}
	}
	return (double)(clock_monotonic_ns() - start) / (ROUNDS * FILES);
}

static double new_files(struct bench *b, open_fn *open)
{
	uint64_t start = clock_monotonic_ns();

	for (int i = 0; i < NEW_FILES; i++) {
		uint64_t n = b->n_made++;
		char path[] = "/srv/data/aaaaaaaa";

		for (int c = 0; c < 8; c++, n /= 26)
			path[10 + c] = (char)('a' + n % 26);
		open(b, path);
	}
	return (double)(clock_monotonic_ns() - start) / NEW_FILES;
}

static int prepare(struct bench *b, const char *dimensions)
{
	static const struct field_set fields;
	const char *files[] = {dimensions};
	struct learning_config config = {.epoch_s = 600,
					 .ready_return_period_s = 43200,
					 .hold_s = 900,
					 .startup_s = 60,
					 .min_epochs = 36,
					 .forget_days = 90,
					 .profile_bytes_max = 64 << 20,
					 .pending_per_workload_max = 1 << 24,
					 .seed = 1,
					 .dimension_files = files,
					 .n_dimension_files = 1};
	struct diag diag = {0};
	struct field_set real = fields;

	real.tables[0] = state_field_table();
	real.n_tables = 1;
	b->workload = (struct workload){
		.id = 7, .name = TEXT("unit:service.service"), .kind = WORKLOAD_UNIT, .n_live = 1};
	b->process = (struct process){.pid = 100,
				      .exepath = TEXT("/usr/sbin/service"),
				      .workload = &b->workload,
				      .is_alive = true};
	b->task = (struct test_task){.pid = 100, .start_ns = 1, .exepath = "/usr/sbin/service"};
	event_maker_init(&b->maker, 1);
	b->maker.step_ns = 100;
	if (arena_init(&b->arena, 65536))
		return -1;
	if (profile_set_create(&b->set, &config, &real, &diag)) {
		fprintf(stderr, "%s: %s\n", dimensions, diag.message);
		return -1;
	}
	return 0;
}

static void report(struct bench *b)
{
	double known[REPETITIONS], fresh[REPETITIONS], floor_known[REPETITIONS],
		floor_fresh[REPETITIONS];

	known_files(b, open_file);
	event_maker_advance(&b->maker, 1000);
	profile_set_tick(b->set, b->maker.now_ns);
	for (int i = 0; i < FILES; i++)
		profile_set_tick(b->set, b->maker.now_ns);
	for (int i = 0; i < REPETITIONS; i++) {
		known[i] = known_files(b, open_file);
		floor_known[i] = known_files(b, make_event);
		fresh[i] = new_files(b, open_file);
		floor_fresh[i] = new_files(b, make_event);
		known[i] -= floor_known[i];
		fresh[i] -= floor_fresh[i];
	}
	printf("look-up + commit, known file\t%.1f\tns\t<= 200\n", median(known, REPETITIONS));
	printf("  floor: the event itself\t%.1f\tns\t\n", median(floor_known, REPETITIONS));
	printf("look-up + commit, file never seen\t%.1f\tns\t<= 3000\n",
	       median(fresh, REPETITIONS));
	printf("  floor: the event itself\t%.1f\tns\t\n", median(floor_fresh, REPETITIONS));
}

int main(int argc, char **argv)
{
	static struct bench bench;
	int r = argc == 2 ? prepare(&bench, argv[1]) : -1;

	if (r == 0)
		report(&bench);
	profile_set_destroy(&bench.set);
	arena_done(&bench.arena);
	return r ? 1 : 0;
}
