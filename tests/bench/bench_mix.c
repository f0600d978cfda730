/* What matching rules costs over captures, event by event.
 *
 *   bench_mix STABLE_RULES MORE_RULES... -- CAPTURE...
 *
 * All captures are read one after the other, as by one daemon: one state, one set of rules, plans
 * cold at the beginning. Only rule_set_match() is timed, by the time stamp counter less what
 * reading it takes. Passes with the first file alone and with all of them alternate; an event's
 * cost is the median over the passes, so that a neighbour on the machine does not count but what an
 * event brings with it (a new process, a new plan) does. Events of types that no rule asks for are
 * part of a capture, but the daemon would not see them: "asked" rows leave them out.
 *
 * Prints name, value, unit and target by tabs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "anomaly/incidents.h"
#include "base/util.h"
#include "capture/scap.h"
#include "rules/rules.h"
#include "state/state.h"

#define PASSES 7
#define ARENA_BYTES (256u << 10) /* as the pipeline's */
#define CAPTURES_MAX 256
#define CLOCK_ROUNDS 10000

enum { STABLE, ALL, N_SETS };

static const char *const set_names[N_SETS] = {"stable file", "all files"};

struct samples {
	float *ns; /* by event, PASSES each */
	float *medians;
	uint16_t *captures; /* of the event */
	bool *is_asked;     /* rules ask for its type */
	size_t n, max;
};

struct bench {
	const char **files, **captures;
	uint32_t n_files, n_captures;
	struct field_set fields;
	struct arena arena;
	struct samples samples[N_SETS];
	double ns_per_tick, clock_ns;
	uint64_t matches[N_SETS];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_mix: %s\n", what);
	exit(1);
}

static uint64_t ticks(void)
{
	unsigned processor;
	uint64_t now = __rdtscp(&processor);

	_mm_lfence();
	return now;
}

static uint64_t real_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* The counter's step, and what reading it twice takes at least. */
static void calibrate(struct bench *b)
{
	uint64_t start_ns = real_ns(), start = ticks(), least = UINT64_MAX;

	while (real_ns() - start_ns < 50000000u)
		;
	b->ns_per_tick = (double)(real_ns() - start_ns) / (double)(ticks() - start);
	for (int i = 0; i < CLOCK_ROUNDS; i++) {
		uint64_t before = ticks(), took = ticks() - before;

		least = MIN(least, took);
	}
	b->clock_ns = (double)least * b->ns_per_tick;
}

static struct rule_set *load(struct bench *b, uint32_t n_files)
{
	const struct rule_options options = {.match_all = true, .min_priority = PRIORITY_DEBUG};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	struct rule_set *rules = NULL;

	if (rule_set_load(&rules, b->files, n_files, &b->fields, &options, &messages))
		die(messages.n ? messages.items[messages.n - 1].message : "rules do not load");
	return rules;
}

static void make_room(struct samples *s)
{
	if (s->n < s->max)
		return;
	s->max = s->max ? 2 * s->max : 65536;
	s->ns = reallocarray(s->ns, s->max * PASSES, sizeof(*s->ns));
	s->captures = reallocarray(s->captures, s->max, sizeof(*s->captures));
	s->is_asked = reallocarray(s->is_asked, s->max, sizeof(*s->is_asked));
	if (!s->ns || !s->captures || !s->is_asked)
		die("no memory");
}

static float match_ns(const struct bench *b, struct rule_set *rules,
		      const struct field_context *ctx, uint64_t *matches_total)
{
	struct rule_match matches[RULE_MATCHES_MAX];
	uint64_t before = ticks(), after;

	*matches_total += rule_set_match(rules, TEXT("syscall"), ctx, matches);
	after = ticks();
	return (float)((double)(after - before) * b->ns_per_tick - b->clock_ns);
}

static bool asks(const struct rule_set *rules, const struct event *ev)
{
	const struct event_set *events = rule_set_events(rules);

	if (ev->type == EVENT_GENERIC)
		return ev->nr < SYSCALL_SET_WORDS * 64 &&
		       (events->syscalls[ev->nr / 64] >> (ev->nr % 64) & 1);
	return events->types[ev->type / 64] >> (ev->type % 64) & 1;
}

static void take_event(struct bench *b, int set, int pass, struct rule_set *rules,
		       const struct field_context *ctx, size_t capture)
{
	struct samples *s = &b->samples[set];

	make_room(s);
	s->captures[s->n] = (uint16_t)capture;
	s->is_asked[s->n] = asks(rules, ctx->event);
	s->ns[s->n * PASSES + (size_t)pass] = match_ns(b, rules, ctx, &b->matches[set]);
	s->n++;
}

static void run_pass(struct bench *b, int set, int pass)
{
	const struct state_config config = {.processes_max = 65536, .fds_per_process_max = 4096};
	struct rule_set *rules = load(b, set == STABLE ? 1 : b->n_files);
	struct state *state = NULL;
	struct source *source = NULL;
	const struct event *ev;
	struct subject subject;
	struct diag diag = {0};

	b->samples[set].n = 0;
	b->matches[set] = 0;
	if (state_create(&state, &config))
		die("no memory");
	if (scap_source_create(&source, b->captures, b->n_captures, &diag))
		die(diag.message);
	while (source_next(source, &ev) > 0) {
		struct field_context ctx = {
			.event = ev, .subject = &subject, .state = state, .arena = &b->arena};

		if (state_apply(state, ev, &subject) || !subject.process ||
		    ev->quality & EVENT_STATE_ONLY)
			continue;
		arena_reset(&b->arena);
		take_event(b, set, pass, rules, &ctx, scap_source_file(source));
		state_tick(state, ev->ts_ns);
	}
	source_destroy(&source);
	state_destroy(&state);
	rule_set_destroy(&rules);
}

static void find_medians(struct samples *s)
{
	s->medians = calloc(s->n + 1, sizeof(*s->medians));
	if (!s->medians)
		die("no memory");
	for (size_t i = 0; i < s->n; i++) {
		float *of_event = &s->ns[i * PASSES];

		qsort(of_event, PASSES, sizeof(*of_event), compare);
		s->medians[i] = of_event[PASSES / 2] > 0 ? of_event[PASSES / 2] : 0;
	}
}

struct summary {
	size_t n;
	double mean, p50, p99, worst;
};

#define ANY_CAPTURE UINT32_MAX

/* Of the events of one capture (or of any), of all or of those that rules ask for. */
static struct summary summarise(const struct samples *s, uint32_t capture, bool only_asked)
{
	float *ns = malloc((s->n + 1) * sizeof(*ns));
	struct summary sum = {0};

	if (!ns)
		die("no memory");
	for (size_t i = 0; i < s->n; i++) {
		if ((capture != ANY_CAPTURE && s->captures[i] != capture) ||
		    (only_asked && !s->is_asked[i]))
			continue;
		ns[sum.n++] = s->medians[i];
		sum.mean += (double)s->medians[i];
	}
	if (sum.n) {
		qsort(ns, sum.n, sizeof(*ns), compare);
		sum.mean /= (double)sum.n;
		sum.p50 = (double)ns[sum.n / 2];
		sum.p99 = (double)ns[sum.n * 99 / 100];
		sum.worst = (double)ns[sum.n - 1];
	}
	free(ns);
	return sum;
}

static void print_summary(const char *what, const struct summary *s, bool has_target)
{
	printf("%s, mean\t%.1f\tns\t%s\n", what, s->mean, has_target ? "<= 150" : "");
	printf("%s, median\t%.1f\tns\t\n", what, s->p50);
	printf("%s, p99\t%.0f\tns\t%s\n", what, s->p99, has_target ? "<= 3000" : "");
	printf("%s, worst\t%.0f\tns\t\n", what, s->worst);
}

static void print_captures(const struct bench *b)
{
	for (uint32_t c = 0; c < b->n_captures; c++) {
		const char *slash = strrchr(b->captures[c], '/');
		struct summary stable = summarise(&b->samples[STABLE], c, false);
		struct summary all = summarise(&b->samples[ALL], c, false);
		struct summary asked = summarise(&b->samples[ALL], c, true);
		const char *name = slash ? slash + 1 : b->captures[c];

		printf("rules, %s (%zu events), stable, mean\t%.1f\tns\t\n", name, stable.n,
		       stable.mean);
		printf("  all files, mean\t%.1f\tns\t\n", all.mean);
		printf("  all files, p99\t%.0f\tns\t\n", all.p99);
		printf("  all files, %zu asked events, mean\t%.1f\tns\t\n", asked.n, asked.mean);
	}
}

static void print_totals(const struct bench *b)
{
	struct summary sums[N_SETS][2];
	char what[128];

	for (int set = 0; set < N_SETS; set++) {
		for (int asked = 0; asked < 2; asked++) {
			sums[set][asked] = summarise(&b->samples[set], ANY_CAPTURE, asked);
			snprintf(what, sizeof(what), "rules over the mix, %s, %zu %s",
				 set_names[set], sums[set][asked].n,
				 asked ? "asked events" : "events");
			print_summary(what, &sums[set][asked], set == ALL);
		}
		printf("rules over the mix, %s, matches\t%llu\t\t\n", set_names[set],
		       (unsigned long long)b->matches[set]);
	}
	for (int asked = 0; asked < 2; asked++)
		printf("rules over the mix, all files by the stable file, %s\t%.2f\tx\t<= 2\n",
		       asked ? "the same asked events" : "all events",
		       sums[ALL][asked].mean * (double)sums[ALL][asked].n /
			       (sums[STABLE][asked].mean * (double)sums[STABLE][asked].n));
}

static void parse(struct bench *b, int argc, char **argv)
{
	int i = 1;

	b->files = calloc((size_t)argc, sizeof(*b->files));
	b->captures = calloc((size_t)argc, sizeof(*b->captures));
	if (!b->files || !b->captures)
		die("no memory");
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		b->files[b->n_files++] = argv[i];
	for (i++; i < argc && b->n_captures < CAPTURES_MAX; i++)
		b->captures[b->n_captures++] = argv[i];
	if (!b->n_files || !b->n_captures)
		die("usage: bench_mix STABLE_RULES MORE_RULES... -- CAPTURE...");
}

int main(int argc, char **argv)
{
	struct bench b = {0};

	parse(&b, argc, argv);
	b.fields = (struct field_set){.tables = {state_field_table(), anomaly_field_table()},
				      .n_tables = 2};
	if (arena_init(&b.arena, ARENA_BYTES))
		die("no memory");
	calibrate(&b);
	for (int pass = 0; pass < PASSES; pass++) {
		for (int set = 0; set < N_SETS; set++)
			run_pass(&b, set, pass);
	}
	for (int set = 0; set < N_SETS; set++)
		find_medians(&b.samples[set]);
	print_captures(&b);
	print_totals(&b);
	for (int set = 0; set < N_SETS; set++) {
		free(b.samples[set].ns);
		free(b.samples[set].medians);
		free(b.samples[set].captures);
		free(b.samples[set].is_asked);
	}
	arena_done(&b.arena);
	free(b.files);
	free(b.captures);
	return 0;
}
