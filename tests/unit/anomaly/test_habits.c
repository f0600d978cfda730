/* Scoring with real baselines: look up, score, join, commit, as the pipeline does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../profiles/learning_lab.h"
#include "anomaly/incidents.h"
#include "base/util.h"
#include "simulate.h"

enum { EXEC, FILE_READ };

struct bench {
	struct lab lab;
	struct instance instance;
	struct scorer *scorer;
	struct incidents *incidents;
	struct score score;
	uint32_t n_anomalies, n_above, n_incidents;
	double threshold_s;
};

static void count_anomaly(struct record_anomaly *anomaly, void *arg)
{
	struct bench *b = arg;

	b->n_anomalies++;
	b->n_above += anomaly->above_threshold;
	record_free(anomaly);
}

static void count_incident(struct record_incident *incident, void *arg)
{
	((struct bench *)arg)->n_incidents++;
	record_free(incident);
}

static struct bench *start(const struct learning_config *learning, double min_return_period_s)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct anomaly_config config = {.budget_per_day = 3,
					.min_return_period_s = min_return_period_s,
					.incident_window_s = 900,
					.epoch_s = learning->epoch_s};

	assert_non_null(b);
	lab_init_with(&b->lab, learning);
	assert_int_equal(scorer_create(&b->scorer, &config, 1), 0);
	assert_int_equal(incidents_create(&b->incidents, &config, 1), 0);
	scorer_set_emit(b->scorer, count_anomaly, b);
	incidents_bind(b->incidents, b->scorer, NULL, NULL);
	b->instance =
		(struct instance){.id = TEXT("one"), .workload = &b->lab.workloads[0], .pid = 100};
	for (int i = 0; i < 2; i++) {
		b->lab.processes[i].instance = &b->instance;
		b->lab.processes[i].workload = &b->lab.workloads[0];
	}
	b->lab.processes[1].creator = &b->lab.processes[0];
	return b;
}

static void finish(struct bench *b)
{
	incidents_destroy(&b->incidents);
	scorer_destroy(&b->scorer);
	lab_done(&b->lab);
	free(b);
}

/* One behaviour of process w of the service; what was made of it. */
static const struct deviation *act(struct bench *b, uint32_t w, uint32_t dimension, const char *key)
{
	struct subject subject = {.process = &b->lab.processes[w], .fd = -1};
	struct field_context ctx = {.event = &b->lab.ev, .subject = &subject};
	struct deviation *d = &b->score.items[0];

	assert_non_null(lab_look(&b->lab, w, dimension, key));
	scorer_score(b->scorer, &ctx, &b->lab.sightings, &b->score);
	incidents_join(b->incidents, &ctx, &b->score, NULL, 0);
	b->lab.verdict = (struct verdict){
		.is_suspicious = b->score.incident_is_alarming,
		.is_incident_only = true,
		.is_anomalous = {d->is_above_threshold},
		.anomaly_ids = {d->anomaly_id},
		.return_period_s = {d->return_period_s},
	};
	lab_see(&b->lab, w, dimension, key);
	return d;
}

static void wait(struct bench *b, double seconds)
{
	lab_wait(&b->lab, seconds);
	scorer_tick(b->scorer, b->lab.now_ns);
	incidents_flush(b->incidents, b->lab.now_ns, count_incident, b);
}

/* A trial with epochs of a second ------------------------------------------------------------ */

static const char *const dimensions[] = {"exec/3", "file.read/3/startup"};

static const struct learning_config trial = {
	.epoch_s = 1,
	.ready_return_period_s = 30,
	.hold_s = 5,
	.startup_s = 5,
	.min_epochs = 60,
	.forget_days = 90,
	.profile_bytes_max = 64 << 20,
	.pending_per_workload_max = 4096,
	.seed = 12345,
	.dimension_files = dimensions,
	.n_dimension_files = ARRAY_SIZE(dimensions),
};

static void start_up(struct bench *b)
{
	char key[64];

	lab_exec(&b->lab, 0);
	act(b, 0, EXEC, "/lib/systemd /usr/bin/redis-server *:6379");
	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "/usr/bin/redis-server /etc/%d file%d", i % 8, i);
		act(b, 0, FILE_READ, key);
	}
}

/* A second of the usual load. */
static void serve(struct bench *b, int second)
{
	static const char *const keys[] = {
		"/usr/bin/redis-server /var/lib/redis dump.rdb",
		"/usr/bin/redis-server /proc/<pid> stat",
		"/usr/bin/redis-server /etc passwd",
	};

	for (int i = 0; i <= second % 3; i++)
		act(b, 0, FILE_READ, keys[i]);
	wait(b, 1);
}

/* A shell below the service. */
static void break_in(struct bench *b, struct deviation *shell, struct deviation *shadow,
		     struct deviation *leaf)
{
	lab_exec(&b->lab, 1);
	*shell = *act(b, 1, EXEC, "/usr/bin/redis-server /bin/dash -c");
	*shadow = *act(b, 1, FILE_READ, "/bin/dash /etc shadow");
	*leaf = *act(b, 0, FILE_READ, "/usr/bin/redis-server /etc shadow");
}

static void a_shell_is_flagged_minutes_after_the_first_sight(void **state)
{
	static const int ages[] = {150, 240, 400, 900};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		struct bench *b = start(&trial, 20);
		struct deviation shell, shadow, leaf;
		uint32_t before;

		start_up(b);
		for (int s = 0; s < ages[i]; s++) {
			if (s == ages[i] - 30) {
				before = b->n_above;
				start_up(b); /* a restart */
			}
			serve(b, s);
		}
		assert_int_equal(b->n_above, before);
		assert_int_equal(b->n_incidents, 0);

		break_in(b, &shell, &shadow, &leaf);
		print_message(
			"# age %d: shell %.0f s, its file %.0f s, a leaf %.0f s; basis %.0f s\n",
			ages[i], shell.return_period_s, shadow.return_period_s,
			leaf.return_period_s, shell.basis_s);
		assert_true(shell.is_above_threshold && shadow.is_above_threshold);
		assert_int_equal(shell.level, 0);
		assert_true(shell.return_period_s > leaf.return_period_s);
		assert_true(shell.return_period_s > 0.9 * shadow.return_period_s);
		assert_true(shell.return_period_s < 0.8 * shell.basis_s);
		wait(b, 1);
		assert_true(b->n_incidents >= 1);

		/* The same from another shell, minutes later: it was never learned. */
		for (int s = 0; s < 60; s++)
			serve(b, s);
		b->lab.processes[1].pid++;
		lab_exec(&b->lab, 1);
		assert_true(
			act(b, 1, EXEC, "/usr/bin/redis-server /bin/dash -c")->is_above_threshold);
		assert_true(b->score.items[0].is_repeat);
		finish(b);
	}
}

static void a_million_repeats_change_nothing(void **state)
{
	struct bench *many = start(&trial, 20), *few = start(&trial, 20);
	struct deviation a, b;

	(void)state;
	start_up(many);
	start_up(few);
	for (int s = 0; s < 120; s++) {
		for (int i = 0; s == 60 && i < 1000000; i++)
			act(many, 0, FILE_READ, "/usr/bin/redis-server /etc passwd");
		serve(many, s);
		serve(few, s);
	}
	a = *act(many, 0, FILE_READ, "/usr/bin/redis-server /new dir");
	b = *act(few, 0, FILE_READ, "/usr/bin/redis-server /new dir");
	assert_true(a.return_period_s == b.return_period_s);
	assert_true(a.return_period_s > 1);
	finish(many);
	finish(few);
}

/* Simulated months --------------------------------------------------------------------------- */

#define EPOCHS 4320
#define WARM_UP 60

static const double claims[] = {10, 30, 100, 300};

/* What was seen, by the prefix that was new: further behaviours below it are no discoveries. */
#define SEEN_SIZE 65536

static bool is_first(uint64_t *seen, uint64_t prefix)
{
	uint64_t *at = &seen[prefix % SEEN_SIZE];

	for (; *at; at = at + 1 == seen + SEEN_SIZE ? seen : at + 1) {
		if (*at == prefix)
			return false;
	}
	*at = prefix;
	return true;
}

/* Play an epoch; its longest claim, in epochs, of something not seen before. */
static double longest_claim(struct bench *b, const struct sim *sim, uint64_t *seen)
{
	const uint32_t *shown;
	double longest = 0;
	uint32_t n;

	shown = sim_shown(sim, &n);
	for (uint32_t i = 0; i < n; i++) {
		const struct sighting *s = &b->lab.sightings.items[0];
		const struct deviation *d;
		uint32_t fields[SIM_LEVELS];
		char key[64];

		sim_key(sim, shown[i], fields);
		snprintf(key, sizeof(key), "p%u d%u f%u", fields[0], fields[1], fields[2]);
		d = act(b, 0, EXEC, key);
		if (d->is_deviation && is_first(seen, s->fingerprints[d->level]))
			longest = fmax(longest, d->return_period_s / 600);
	}
	return longest;
}

/* Claims of deviations, and alarms, against what was promised. The threshold is 48 epochs. */
static void claims_hold(enum sim_kind kind, const char *name)
{
	const struct learning_config months = lab_config(dimensions, ARRAY_SIZE(dimensions));
	struct bench *b = start(&months, 28800);
	struct sim *sim = sim_create(kind, 3, EPOCHS);
	uint64_t *seen = calloc(SEEN_SIZE, sizeof(*seen));
	double observed[ARRAY_SIZE(claims)] = {0};
	struct incident_counters counters;

	assert_non_null(seen);
	lab_exec(&b->lab, 0);
	for (uint32_t e = 0; e < EPOCHS; e++) {
		struct sim_novelty novelties[SIM_NOVELTIES_MAX];
		bool is_new[SIM_LEVELS];
		double longest;

		sim_epoch(sim, novelties, is_new);
		longest = longest_claim(b, sim, seen);
		for (size_t i = 0; e >= WARM_UP && i < ARRAY_SIZE(claims); i++)
			observed[i] += longest >= claims[i];
		wait(b, 600);
	}
	incidents_counters(b->incidents, &counters);
	print_message("# %s: %u incidents, %u above the threshold, promised %d\n", name,
		      (unsigned)counters.opened_total, (unsigned)counters.reported_total,
		      EPOCHS / 48);
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		double promised = (EPOCHS - WARM_UP) / claims[i];

		print_message("# %s at %.0f+: %.0f, promised %.0f\n", name, claims[i], observed[i],
			      promised);
		if (observed[i] > fmax(2 * promised, 8))
			fail_msg("%s at %.0f+: %.0f observed, %.0f promised", name, claims[i],
				 observed[i], promised);
	}
	assert_true(observed[0] > 0);
	assert_true(counters.reported_total <= 2 * EPOCHS / 48);
	free(seen);
	sim_destroy(sim);
	finish(b);
}

static void claims_hold_on_real_baselines(void **state)
{
	(void)state;
	claims_hold(SIM_ZIPF, "zipf");
	claims_hold(SIM_DRIFT, "drift");
	claims_hold(SIM_PERIODIC, "periodic");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shell_is_flagged_minutes_after_the_first_sight),
		cmocka_unit_test(a_million_repeats_change_nothing),
		cmocka_unit_test(claims_hold_on_real_baselines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
