#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anomaly/open_table.h"
#include "anomaly/scorer.h"
#include "base/util.h"
#include "fake_profiles.h"
#include "simulate.h"

#define NS UINT64_C(1000000000)
#define START_NS (UINT64_C(1700000000) * NS)
#define EMITTED_MAX 8192

static const struct anomaly_config trial = {
	.budget_per_day = 3, .min_return_period_s = 20, .incident_window_s = 900, .epoch_s = 1};

/* One workload with two dimensions, a process tree, a scorer and what it emitted. */
struct bench {
	struct workload workload;
	struct instance instance;
	struct process redis, shell;
	struct profile exec, file_read;
	struct scorer *scorer;
	struct event event;
	struct subject subject;
	struct field_context ctx;
	struct sightings sightings;
	struct score score;
	struct record_anomaly *emitted[EMITTED_MAX];
	uint32_t n_emitted;
};

static void keep(struct record_anomaly *anomaly, void *arg)
{
	struct bench *b = arg;

	assert_true(b->n_emitted < EMITTED_MAX);
	b->emitted[b->n_emitted++] = anomaly;
}

static void forget_emitted(struct bench *b)
{
	for (uint32_t i = 0; i < b->n_emitted; i++)
		record_free(b->emitted[i]);
	b->n_emitted = 0;
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->workload = (struct workload){
		.id = 0x1234, .name = TEXT("unit:redis-server.service"), .kind = WORKLOAD_UNIT};
	b->instance =
		(struct instance){.id = TEXT("invocation"), .workload = &b->workload, .pid = 100};
	fake_process(&b->redis, 100, &b->instance, NULL, "/usr/bin/redis-server");
	fake_process(&b->shell, 200, &b->instance, &b->redis, "/bin/dash");
	fake_profile(&b->exec, &b->workload, "exec", 180, 1);
	fake_profile(&b->file_read, &b->workload, "file.read", 180, 1);
	b->exec.n_usual = 1;
	b->exec.usual[0] = "/usr/bin/redis-server";
	assert_int_equal(scorer_create(&b->scorer, &trial, 1), 0);
	scorer_set_emit(b->scorer, keep, b);
	b->event = (struct event){.ts_ns = START_NS, .type = EVENT_EXECVE, .num = 7};
	b->subject = (struct subject){.process = &b->shell, .fd = -1};
	b->ctx = (struct field_context){.event = &b->event, .subject = &b->subject};
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	forget_emitted(b);
	scorer_destroy(&b->scorer);
	free(b);
	return 0;
}

#define KEY(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Score one sighting at so many seconds. */
static const struct deviation *see(struct bench *b, double at_s, struct profile *profile,
				   int8_t new_level, const char *const *key)
{
	b->event.ts_ns = START_NS + (uint64_t)(at_s * 1e9);
	b->sightings = (struct sightings){.n = 1};
	b->sightings.items[0] = fake_sighting(profile, new_level, key);
	scorer_score(b->scorer, &b->ctx, &b->sightings, &b->score);
	return &b->score.items[0];
}

static void tick(struct bench *b, double at_s)
{
	scorer_tick(b->scorer, START_NS + (uint64_t)(at_s * 1e9));
}

static bool contains(struct text t, const char *part)
{
	return memmem(t.ptr, t.len, part, strlen(part)) != NULL;
}

static void a_program_never_run_opens_an_anomaly(void **state)
{
	struct bench *b = *state;
	const struct deviation *d =
		see(b, 0, &b->exec, 0, KEY("/usr/bin/redis-server", "/bin/dash"));
	const struct record_anomaly *a;

	assert_true(d->is_deviation && d->is_above_threshold && !d->is_repeat);
	assert_int_equal(d->level, 0);
	assert_true(d->return_period_s > 20 && d->return_period_s < 0.8 * 180);
	assert_int_equal(d->anomaly_id, 1);
	assert_true(b->score.max_return_period_s == d->return_period_s);

	tick(b, 0.1);
	assert_int_equal(b->n_emitted, 1);
	a = b->emitted[0];
	assert_int_equal(a->id, 1);
	assert_int_equal(a->state, ANOMALY_OPEN);
	assert_true(a->above_threshold && a->novel);
	assert_int_equal(a->level, 0);
	assert_int_equal(a->key.n, 2);
	assert_true(text_equal(a->key.fields[1], TEXT("/bin/dash")));
	assert_true(text_equal(a->dimension, TEXT("exec")));
	assert_true(text_equal(a->workload_name, b->workload.name));
	assert_true(text_equal(a->instance, TEXT("invocation")));
	assert_int_equal(a->process.pid, 200);
	assert_true(text_equal(a->process.cmdline, TEXT("/bin/dash -x")));
	assert_int_equal(a->process.n_lineage, 1);
	assert_int_equal(a->process.lineage[0].pid, 100);
	assert_true(a->return_period_basis_s == 180);
	assert_int_equal(a->n_levels, 2);
	assert_false(a->levels[0].known);
	assert_int_equal(a->n_usual, 1);
	assert_true(contains(a->reason, "/usr/bin/redis-server in redis-server.service had never "
					"run a program before, now /bin/dash: in 3 min "));
	assert_true(contains(a->reason, "; usually /usr/bin/redis-server (100 % of epochs)"));
	assert_true(contains(a->reason, "so no claim above"));
	assert_true(contains(a->formula, "/ 2 bits"));
	assert_true(a->quality.complete);
}

static void speaks_plainly_of_what_is_new(void **state)
{
	static const struct {
		const char *dimension;
		int8_t level;
		const char *want;
	} rows[] = {
		{"file.read", 0,
		 "/bin/x in redis-server.service had never read a file before, now /etc/ssl/key: in"},
		{"file.read", 1,
		 "/bin/x in redis-server.service had never read anything below /etc before: in"},
		{"file.read", 2, "had never read /etc/ssl/ before: in"},
		{"file.write", 3, "had never written /etc/ssl/key before: in"},
		{"exec", 1, "had never run /etc before: in"},
		{"net.connect", 2, "had never connected to port /etc/ssl (/etc) before: in"},
		{"own.dimension", 1,
		 "redis-server.service had never shown /bin/x > /etc before: in"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text reason;

		fake_profile(&b->exec, &b->workload, rows[i].dimension, 180, 1);
		b->workload.id++;
		see(b, i, &b->exec, rows[i].level, KEY("/bin/x", "/etc", "/etc/ssl", "key"));
		forget_emitted(b);
		tick(b, i + 0.5);
		assert_int_equal(b->n_emitted, 1);
		reason = b->emitted[0]->reason;
		if (!contains(reason, rows[i].want))
			fail_msg("%s %d: %.*s", rows[i].dimension, rows[i].level,
				 TEXT_ARGS(reason));
	}
}

static void what_is_not_judged_leaves_no_trace(void **state)
{
	static const struct {
		const char *name;
		int8_t new_level;
		uint8_t n_levels;
		bool is_accepted, is_missing;
		uint32_t quality;
		enum workload_kind kind;
	} rows[] = {
		{"known", -1, 2, false, false, 0, WORKLOAD_UNIT},
		{"accepted", 0, 2, true, false, 0, WORKLOAD_UNIT},
		{"new only below the missing field", 1, 1, false, true, 0, WORKLOAD_UNIT},
		{"nothing but missing", 0, 0, false, true, 0, WORKLOAD_UNIT},
		{"initial scan", 0, 2, false, false, EVENT_STATE_ONLY, WORKLOAD_UNIT},
		{"unresolved workload", 0, 2, false, false, 0, WORKLOAD_UNRESOLVED},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sighting s =
			fake_sighting(&b->exec, rows[i].new_level, KEY("/bin/dash", "-c <text>"));

		s.n_levels = rows[i].n_levels;
		s.is_accepted = rows[i].is_accepted;
		s.is_missing = rows[i].is_missing;
		b->workload.kind = rows[i].kind;
		b->event.quality = rows[i].quality;
		b->event.ts_ns = START_NS + i * NS;
		b->sightings = (struct sightings){.n = 1, .items = {s}};
		b->score.items[0].anomaly_id = 99;
		scorer_score(b->scorer, &b->ctx, &b->sightings, &b->score);
		if (b->score.max_return_period_s != 0 ||
		    (b->score.n &&
		     (b->score.items[0].is_deviation || b->score.items[0].anomaly_id ||
		      b->score.items[0].return_period_s != 0)))
			fail_msg("%s: was judged", rows[i].name);
	}
	tick(b, 100);
	assert_int_equal(b->n_emitted, 0);
}

static void a_known_prefix_above_a_missing_field_is_still_judged(void **state)
{
	struct bench *b = *state;
	struct sighting s = fake_sighting(&b->exec, 0, KEY("/bin/dash", "-c <text>"));

	s.n_levels = 1;
	s.is_missing = true;
	b->sightings = (struct sightings){.n = 1, .items = {s}};
	scorer_score(b->scorer, &b->ctx, &b->sightings, &b->score);
	assert_true(b->score.items[0].is_deviation);
	tick(b, 1);
	assert_int_equal(b->n_emitted, 1);
	assert_int_equal(b->emitted[0]->key.n, 1);
	assert_false(b->emitted[0]->quality.complete);
}

static void repeats_raise_occurrences_once_a_second(void **state)
{
	struct bench *b = *state;
	uint64_t id = see(b, 0, &b->exec, 0, KEY("/bin/dash"))->anomaly_id;

	tick(b, 0.2);
	assert_int_equal(b->n_emitted, 1);
	for (int i = 1; i <= 20000; i++) {
		const struct deviation *d = see(b, 0.2 + i * 1e-4, &b->exec, 0, KEY("/bin/dash"));

		assert_true(d->is_repeat);
		assert_int_equal(d->anomaly_id, id);
		if (i % 100 == 0)
			tick(b, 0.2 + i * 1e-4);
	}
	/* Two seconds: two updates, the last with all but the latest repeats. */
	assert_in_range(b->n_emitted, 2, 4);
	tick(b, 10);
	assert_int_equal(b->emitted[b->n_emitted - 1]->occurrences, 20001);
	assert_int_equal(b->emitted[b->n_emitted - 1]->id, id);
	assert_int_equal(b->emitted[b->n_emitted - 1]->first_ns, START_NS);
}

static void other_behaviours_and_workloads_are_other_anomalies(void **state)
{
	struct bench *b = *state;
	uint64_t first = see(b, 0, &b->exec, 0, KEY("/bin/dash"))->anomaly_id;
	struct workload other = b->workload;

	assert_int_not_equal(see(b, 0, &b->exec, 0, KEY("/bin/bash"))->anomaly_id, first);
	other.id++;
	b->shell.workload = &other;
	assert_int_not_equal(see(b, 0, &b->exec, 0, KEY("/bin/dash"))->anomaly_id, first);
	assert_false(b->score.items[0].is_repeat);
}

static void a_new_program_ranks_above_a_new_leaf(void **state)
{
	struct bench *b = *state;
	double program, leaf;

	b->file_read.parent_epochs = 2;
	program = see(b, 0, &b->exec, 0, KEY("/bin/dash"))->return_period_s;
	leaf = see(b, 0, &b->file_read, 2, KEY("/usr/bin/x", "/etc", "shadow"))->return_period_s;
	assert_true(program > leaf);
	assert_true(leaf > 0);
}

static void the_startup_stratum_is_judged_by_its_own_streams(void **state)
{
	struct bench *b = *state;
	struct sighting s = fake_sighting(&b->exec, 1, KEY("/usr/bin/redis-server", "--new"));

	s.is_startup = true;
	b->sightings = (struct sightings){.n = 1, .items = {s}};
	scorer_score(b->scorer, &b->ctx, &b->sightings, &b->score);
	/* Too few start-ups are known: nothing is claimed, however quiet the steady stream. */
	assert_true(b->score.items[0].bits == 0);
	assert_int_equal(b->score.items[0].anomaly_id, 0);

	b->exec.startup[1].rate_per_epoch = 0.01;
	b->event.ts_ns += 2 * NS;
	scorer_score(b->scorer, &b->ctx, &b->sightings, &b->score);
	assert_true(b->score.items[0].is_above_threshold);
	tick(b, 3);
	assert_true(b->emitted[0]->is_startup);
	assert_true(contains(b->emitted[0]->reason, "while starting up"));
}

static void the_list_below_the_threshold_is_bounded_and_holds_the_best(void **state)
{
	struct bench *b = *state;
	uint32_t n_best = 0;

	/* 1000 deviations that claim more and more, all below 20 s. */
	for (int i = 0; i < 1000; i++) {
		char name[16];

		fake_profile(&b->exec, &b->workload, "exec", 25, 1);
		b->exec.streams[0].longest_claim_epochs = 2 + i * 0.017;
		snprintf(name, sizeof(name), "/bin/%d", i);
		assert_false(see(b, i * 0.01, &b->exec, 0, KEY(name))->is_above_threshold);
		tick(b, i * 0.01);
	}
	for (int i = 0; i < 100; i++)
		tick(b, 20 + i);
	for (uint32_t i = 0; i < b->n_emitted; i++) {
		assert_false(b->emitted[i]->above_threshold);
		n_best += b->emitted[i]->return_period_s > 2 + 872 * 0.017 &&
			  b->emitted[i]->state == ANOMALY_OPEN;
	}
	assert_int_equal(n_best, BELOW_MAX - 1);
	assert_in_range(b->n_emitted, BELOW_MAX, 2000);
	/* The least that was kept does not come back. */
	forget_emitted(b);
	b->exec.streams[0].longest_claim_epochs = 3;
	assert_int_equal(see(b, 200, &b->exec, 0, KEY("/bin/late"))->anomaly_id, 0);
	tick(b, 202);
	assert_int_equal(b->n_emitted, 0);
}

static void a_waiting_anomaly_passes_the_threshold_later(void **state)
{
	struct bench *b = *state;
	uint64_t id;

	fake_profile(&b->exec, &b->workload, "exec", 20, 1);
	id = see(b, 0, &b->exec, 0, KEY("/bin/dash"))->anomaly_id;
	assert_int_not_equal(id, 0);
	tick(b, 2);
	assert_int_equal(b->n_emitted, 1);
	assert_false(b->emitted[0]->above_threshold);

	fake_profile(&b->exec, &b->workload, "exec", 180, 1);
	assert_true(see(b, 160, &b->exec, 0, KEY("/bin/dash"))->is_above_threshold);
	assert_int_equal(b->score.items[0].anomaly_id, id);
	tick(b, 162);
	assert_int_equal(b->n_emitted, 2);
	assert_true(b->emitted[1]->above_threshold);
	assert_int_equal(b->emitted[1]->id, id);
	assert_int_equal(b->emitted[1]->occurrences, 2);
	assert_int_equal(b->emitted[1]->first_ns, START_NS);
}

static void one_new_program_opens_a_bounded_number(void **state)
{
	struct bench *b = *state;
	struct scorer_counters counters;
	uint64_t last = 0;

	for (int i = 0; i < 500; i++) {
		char name[16];

		snprintf(name, sizeof(name), "arg%d", i);
		last = see(b, i, &b->exec, 0, KEY("/bin/dash", name))->anomaly_id;
	}
	scorer_counters(b->scorer, &counters);
	assert_int_equal(counters.anomalies_total, 32);
	assert_int_equal(counters.folded_total, 500 - 32);
	assert_int_equal(last, 1);
	/* New leaves below a known program are behaviours of their own. */
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "leaf%d", i);
		see(b, 500, &b->exec, 1, KEY("/usr/bin/redis-server", name));
	}
	scorer_counters(b->scorer, &counters);
	assert_int_equal(counters.anomalies_total, 132);
}

static void the_open_table_is_bounded(void **state)
{
	struct bench *b = *state;
	struct scorer_counters counters;

	for (int i = 0; i < 3000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/bin/%d", i);
		see(b, i, &b->exec, 0, KEY(name));
		if (i % 50 == 0)
			tick(b, i);
	}
	scorer_counters(b->scorer, &counters);
	assert_int_equal(counters.anomalies_total, 3000);
	assert_int_equal(counters.open, OPEN_MAX);
	assert_int_equal(counters.evicted_total, 3000 - OPEN_MAX);
	assert_int_equal(counters.deviations_total, 3000);
}

static void ends_are_told(void **state)
{
	static const struct {
		const char *name;
		enum anomaly_state state;
		double at_s;
	} rows[] = {
		{"absorbed", ANOMALY_ABSORBED, 10},
		{"rejected", ANOMALY_REJECTED, 10},
		{"expired after a week", ANOMALY_EXPIRED, 7.1 * 86400},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double at_s = (double)i * 1e6;
		uint64_t id = see(b, at_s, &b->exec, 0, KEY("/bin/dash"))->anomaly_id;

		tick(b, at_s + 1);
		forget_emitted(b);
		if (rows[i].state != ANOMALY_EXPIRED)
			scorer_close_anomaly(b->scorer, id, rows[i].state);
		tick(b, at_s + rows[i].at_s);
		if (b->n_emitted != 1 || b->emitted[0]->state != rows[i].state ||
		    b->emitted[0]->id != id)
			fail_msg("%s: %u emitted", rows[i].name, b->n_emitted);
		forget_emitted(b);
	}
	scorer_close_anomaly(b->scorer, 12345, ANOMALY_ABSORBED); /* unknown: ignored */
	scorer_close_anomaly(b->scorer, 0, ANOMALY_ABSORBED);
}

static void losses_mark_what_they_overlap(void **state)
{
	struct bench *b = *state;

	tick(b, 100);
	scorer_set_lost(b->scorer, 17);
	see(b, 101, &b->exec, 0, KEY("/bin/a"));
	tick(b, 102);
	assert_int_equal(b->emitted[0]->quality.lost_events, 17);
	assert_false(b->emitted[0]->quality.complete);
	for (int i = 0; i < 5; i++)
		tick(b, 200 + i * 61);
	see(b, 600, &b->exec, 0, KEY("/bin/b"));
	tick(b, 602);
	assert_int_equal(b->emitted[b->n_emitted - 1]->quality.lost_events, 0);
}

static void joining_an_incident_is_emitted(void **state)
{
	struct bench *b = *state;
	uint64_t id = see(b, 0, &b->exec, 0, KEY("/bin/dash"))->anomaly_id;

	tick(b, 0.1);
	scorer_join_incident(b->scorer, id, 5);
	scorer_flush(b->scorer);
	assert_int_equal(b->n_emitted, 2);
	assert_int_equal(b->emitted[1]->incident, 5);
	scorer_join_incident(b->scorer, id, 5); /* no change: nothing to tell */
	scorer_flush(b->scorer);
	assert_int_equal(b->n_emitted, 2);
}

static void survives_a_restart(void **state)
{
	struct bench *b = *state;
	SCOPED(scorer_destroy) struct scorer *next = NULL;
	uint64_t id = see(b, 0, &b->exec, 0, KEY("/bin/dash", "-c"))->anomaly_id;
	struct record_blob *image;
	const struct deviation *d;

	see(b, 1, &b->exec, 0, KEY("/bin/dash", "-c"));
	scorer_join_incident(b->scorer, id, 3);
	tick(b, 2);
	image = scorer_image(b->scorer);
	assert_non_null(image);
	assert_null(scorer_image(b->scorer)); /* nothing changed since */

	forget_emitted(b);
	assert_int_equal(scorer_create(&next, &trial, 1), 0);
	scorer_set_emit(next, keep, b);
	assert_int_equal(scorer_load_image(next, image), 0);
	record_free(image);
	scorer_destroy(&b->scorer);
	b->scorer = TAKE(next);

	d = see(b, 60, &b->exec, 0, KEY("/bin/dash", "-c"));
	assert_true(d->is_repeat && d->is_above_threshold);
	assert_int_equal(d->anomaly_id, id);
	tick(b, 62);
	assert_int_equal(b->n_emitted, 1);
	assert_int_equal(b->emitted[0]->occurrences, 3);
	assert_int_equal(b->emitted[0]->incident, 3);
	assert_true(contains(b->emitted[0]->reason, "/bin/dash in redis-server.service had never"));
	assert_int_equal(b->emitted[0]->process.lineage[0].pid, 100);
	/* Ids go on where they were. */
	assert_int_equal(see(b, 63, &b->exec, 0, KEY("/bin/other"))->anomaly_id, id + 1);
}

/* Images come from a disk that anyone may have edited: each is refused or loaded, never a crash,
 * and a refusal changes nothing. */
static void damaged_images_are_refused(void **state)
{
	struct bench *b = *state;
	struct record_blob *image;
	struct scorer_counters before, after;
	uint64_t random = 42;
	char *bytes;

	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/bin/%d", i);
		see(b, i, &b->exec, 0, KEY(name, "-c"));
	}
	tick(b, 6);
	image = scorer_image(b->scorer);
	assert_non_null(image);
	bytes = (char *)image->bytes.ptr;
	scorer_counters(b->scorer, &before);
	for (uint32_t len = 0; len < image->bytes.len; len += 7) {
		struct record_blob cut = {.bytes = {bytes, len}};

		assert_int_equal(scorer_load_image(b->scorer, &cut), -EBADMSG);
	}
	for (int i = 0; i < 2000; i++) {
		uint32_t at = (uint32_t)(sim_random(&random) * image->bytes.len);
		char old = bytes[at];

		bytes[at] = (char)(old ^ (1 << (i % 8)));
		assert_int_equal(scorer_load_image(b->scorer, image), -EBADMSG);
		bytes[at] = old;
	}
	scorer_counters(b->scorer, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(scorer_load_image(b->scorer, image), 0);
	record_free(image);
}

static void hostile_texts_are_kept_as_they_are(void **state)
{
	static char huge[70000];
	struct bench *b = *state;

	memset(huge, 'x', sizeof(huge) - 1);
	see(b, 0, &b->exec, 0, KEY("/bin/\x01\xff%s%n\n\"", huge));
	tick(b, 1);
	assert_int_equal(b->n_emitted, 1);
	assert_true(text_equal(b->emitted[0]->key.fields[0], TEXT("/bin/\x01\xff%s%n\n\"")));
	assert_int_equal(b->emitted[0]->key.fields[1].len, 4096);
	assert_true(contains(b->emitted[0]->reason, "%s%n"));
}

static void known_behaviour_costs_no_memory(void **state)
{
	struct bench *b = *state;
	struct scorer_counters counters;

	for (int i = 0; i < 100000; i++)
		see(b, i * 1e-3, &b->exec, -1, KEY("/usr/bin/redis-server"));
	scorer_counters(b->scorer, &counters);
	assert_int_equal(counters.deviations_total, 0);
	assert_int_equal(counters.anomalies_total, 0);
	assert_int_equal(counters.open, 0);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_BENCH(a_program_never_run_opens_an_anomaly),
		WITH_BENCH(speaks_plainly_of_what_is_new),
		WITH_BENCH(what_is_not_judged_leaves_no_trace),
		WITH_BENCH(a_known_prefix_above_a_missing_field_is_still_judged),
		WITH_BENCH(repeats_raise_occurrences_once_a_second),
		WITH_BENCH(other_behaviours_and_workloads_are_other_anomalies),
		WITH_BENCH(a_new_program_ranks_above_a_new_leaf),
		WITH_BENCH(the_startup_stratum_is_judged_by_its_own_streams),
		WITH_BENCH(the_list_below_the_threshold_is_bounded_and_holds_the_best),
		WITH_BENCH(a_waiting_anomaly_passes_the_threshold_later),
		WITH_BENCH(one_new_program_opens_a_bounded_number),
		WITH_BENCH(the_open_table_is_bounded),
		WITH_BENCH(ends_are_told),
		WITH_BENCH(losses_mark_what_they_overlap),
		WITH_BENCH(joining_an_incident_is_emitted),
		WITH_BENCH(survives_a_restart),
		WITH_BENCH(damaged_images_are_refused),
		WITH_BENCH(hostile_texts_are_kept_as_they_are),
		WITH_BENCH(known_behaviour_costs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
