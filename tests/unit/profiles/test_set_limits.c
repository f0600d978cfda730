/* Too much to keep exactly, other workloads of the host, and what is shown of all that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "learning_lab.h"

static const char *const small_dimensions[] = {"file.read/3/head=16384/sketch=262144/top=8"};

static struct learning_config config_of(const char *const *dimensions, uint32_t n)
{
	struct learning_config config = lab_config(dimensions, n);

	config.pending_per_workload_max = 100000;
	return config;
}

static int setup(void **state)
{
	struct learning_config config = config_of(small_dimensions, ARRAY_SIZE(small_dimensions));

	return lab_setup(state, &config);
}

static void see_many(struct lab *lab, const char *prefix, int n)
{
	char key[64];

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%s file%d", prefix, i);
		lab_see(lab, 0, 0, key);
	}
	lab_wait(lab, 901);
	lab_wait(lab, 1);
}

static struct profile *profile_of(struct lab *lab, uint32_t w)
{
	return lab_look(lab, w, 0, "any thing here")->profile;
}

static void fine_names_go_to_a_sketch(void **state)
{
	struct lab *lab = *state;
	struct snapshot_workload shown;
	struct profile *p;
	char key[64];
	int false_known = 0;

	see_many(lab, "daemon /srv", 1500);
	p = profile_of(lab, 0);
	assert_non_null(p->levels[2].sketch);
	assert_null(p->levels[0].sketch);
	assert_null(p->levels[1].sketch);
	assert_int_equal(lab->set->shared.coarsened_total, 1);
	for (int i = 0; i < 1500; i++) {
		snprintf(key, sizeof(key), "daemon /srv file%d", i);
		assert_int_equal(lab_look(lab, 0, 0, key)->new_level, -1); /* never too low */
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "daemon /srv other%d", i);
		false_known += lab_look(lab, 0, 0, key)->new_level < 0;
	}
	assert_in_range(false_known, 0, 50);
	assert_int_equal(lab_look(lab, 0, 0, "daemon /etc file1")->new_level, 1);
	assert_int_equal(lab_look(lab, 0, 0, "sh /etc file1")->new_level, 0);
	/* And it says so. */
	assert_int_equal(
		profile_set_snapshot_workload(lab->set, NULL, lab->workloads[0].id, &shown), 0);
	assert_true(shown.dimensions[0].is_count_min);
	assert_true(shown.head.quality.sketch_estimated);
	assert_true(shown.dimensions[0].rows == 4);
	assert_in_range(shown.dimensions[0].behaviours, 1400, 1600);
	assert_in_range(shown.dimensions[0].n_reasons, 2, SNAPSHOT_REASONS_MAX);
	snapshot_pool_done(&shown.pool);
}

static void a_full_sketch_is_not_judged(void **state)
{
	struct lab *lab = *state;
	struct profile *p;
	const struct sighting *s;

	see_many(lab, "daemon /srv", 5000);
	for (int i = 0; i < 40; i++)
		lab_wait(lab, 1);
	p = profile_of(lab, 0);
	assert_true(p->levels[2].is_off);
	assert_int_equal(lab->set->shared.coarsened_total, 2);
	s = lab_look(lab, 0, 0, "daemon /srv anything");
	assert_int_equal(s->n_levels, 2);
	assert_int_equal(s->new_level, -1);
	/* Coarser levels go on being learned and judged. */
	assert_int_equal(lab_look(lab, 0, 0, "daemon /etc shadow")->new_level, 1);
	lab_see(lab, 0, 0, "daemon /etc shadow");
	lab_wait(lab, 901);
	assert_int_equal(lab_look(lab, 0, 0, "daemon /etc shadow")->new_level, -1);
}

static void sketches_survive_restarts(void **state)
{
	struct lab *lab = *state;
	char key[64];

	see_many(lab, "daemon /srv", 700);
	lab_checkpoint(lab);
	see_many(lab, "daemon /opt", 300);
	lab_checkpoint(lab);
	lab_restart(lab);
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "daemon /opt file%d", i);
		assert_int_equal(lab_look(lab, 0, 0, key)->new_level, -1);
		snprintf(key, sizeof(key), "daemon /srv file%d", i + 400);
		assert_int_equal(lab_look(lab, 0, 0, key)->new_level, -1);
	}
	assert_int_equal(lab_look(lab, 0, 0, "daemon /opt other")->new_level, 2);
	lab->set->baselines[0]->needs_image = lab->set->baselines[0]->is_dirty = true;
	lab_checkpoint(lab);
	lab_restart(lab);
	assert_int_equal(lab_look(lab, 0, 0, "daemon /opt file299")->new_level, -1);
	assert_int_equal(lab_look(lab, 0, 0, "daemon /opt other")->new_level, 2);
}

static void quarantine_reaches_no_sketch(void **state)
{
	struct lab *lab = *state;
	struct count_min *sketch;
	uint64_t before, n_new = 0;
	char key[64];

	see_many(lab, "daemon /srv", 700);
	sketch = profile_of(lab, 0)->levels[2].sketch;
	assert_non_null(sketch);
	before = count_min_total(sketch);
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "daemon /srv evil%d", i);
		/* One in a hundred is taken for known: that is a sketch's nature. */
		if (lab_look(lab, 0, 0, key)->new_level < 0)
			continue;
		lab->verdict.is_suspicious = true;
		lab_see(lab, 0, 0, key);
		n_new++;
	}
	assert_in_range(n_new, 90, 100);
	lab_wait(lab, 86400);
	assert_int_equal(count_min_total(sketch), before);
	assert_int_equal(lab->set->pending.n_quarantined, n_new);
}

static void memory_for_all_is_bounded(void **state)
{
	struct lab *lab = *state;
	char key[64];

	lab->set->shared.bytes_max = 1;
	see_many(lab, "daemon /srv", 10);
	lab_see(lab, 0, 0, "daemon /etc passwd");
	lab_wait(lab, 901);
	/* Coarse levels are kept exactly whatever happens. */
	assert_non_null(profile_of(lab, 0)->levels[2].sketch);
	assert_int_equal(head_count(profile_of(lab, 0)->levels[1].head), 2);
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "daemon /srv file%d", i);
		assert_int_equal(lab_look(lab, 0, 0, key)->new_level, -1);
	}
}

/* Workloads 0 to 3 run the same thing. */
static void make_pool(struct lab *lab)
{
	for (int w = 0; w < 4; w++)
		lab->processes[w].exepath = TEXT("/usr/sbin/nginx");
}

static void the_population_knows_what_others_do(void **state)
{
	struct lab *lab = *state;
	const struct sighting *s;
	double rate;
	bool known;

	make_pool(lab);
	for (uint32_t w = 0; w < 4; w++)
		lab_see(lab, w, 0, "nginx /etc nginx.conf");
	lab_see(lab, 1, 0, "nginx /srv index.html");
	lab_wait(lab, 901);
	s = lab_look(lab, 0, 0, "nginx /srv index.html");
	assert_int_equal(s->new_level, 1);
	assert_true(profile_population(s, 1, &known, &rate));
	assert_true(known);
	s = lab_look(lab, 0, 0, "nginx /srv other.html");
	profile_population(s, 1, &known, &rate);
	assert_true(known);
	profile_population(s, 2, &known, &rate);
	assert_false(known);
	/* Nobody is his own witness. */
	s = lab_look(lab, 1, 0, "nginx /srv index.html");
	profile_population(s, 2, &known, &rate);
	assert_false(known);
	/* A workload of another kind has no pool. */
	lab_see(lab, 9, 0, "cron /etc crontab");
	s = lab_look(lab, 9, 0, "nginx /etc nginx.conf");
	assert_false(profile_population(s, 1, &known, &rate));
	assert_true(known);
}

static void pools_claim_longer(void **state)
{
	struct lab *lab = *state;
	struct stream_view own;
	const struct sighting *s;
	double rate;
	bool known;

	make_pool(lab);
	for (int epoch = 0; epoch < 200; epoch++) {
		for (uint32_t w = 0; w < 4; w++)
			lab_see(lab, w, 0, "nginx /etc nginx.conf");
		lab_wait(lab, 600);
	}
	for (int again = 0; again < 2; again++) {
		s = lab_look(lab, 0, 0, "sh /etc shadow");
		profile_stream(s, 0, &own);
		assert_true(profile_population(s, 0, &known, &rate));
		assert_true(rate < own.rate_per_epoch / 2.5);
		assert_true(rate > own.rate_per_epoch / 5);
		lab_checkpoint(lab);
		lab_restart(lab);
		for (uint32_t w = 0; w < 4; w++)
			lab_look(lab, w, 0, "nginx /etc nginx.conf");
	}
	/* What one of them discovers shortens the claims of all. */
	lab_see(lab, 2, 0, "perl /etc passwd");
	for (uint32_t w = 0; w < 4; w++) {
		lab_wait(lab, 600);
		lab_look(lab, w, 0, "nginx /etc nginx.conf");
	}
	s = lab_look(lab, 0, 0, "sh /etc shadow");
	profile_population(s, 0, &known, &rate);
	assert_true(rate > own.rate_per_epoch / 2);
}

static void shown_figures_are_those_of_the_moment(void **state)
{
	struct lab *lab = *state;
	struct snapshot_workloads all;
	struct snapshot_behaviours behaviours;
	struct snapshot_workload one;
	struct snapshot_status status = {0};

	lab_see(lab, 0, 0, "daemon /srv file1");
	lab_live(lab, 0, 0, "daemon /etc passwd", 50);
	/* Silence: nothing is looked up, but the workload lives on. */
	lab_wait(lab, 400 * 600.0);
	assert_int_equal(profile_set_snapshot_workloads(lab->set, NULL, &all), 0);
	assert_int_equal(all.n, 1);
	assert_int_equal(all.items[0].state, READY);
	assert_int_equal(all.items[0].behaviours, 2);
	assert_true(all.items[0].basis_s >= 450 * 600.0);
	assert_true(all.items[0].coverage > .8);
	snapshot_pool_done(&all.pool);

	assert_int_equal(profile_set_snapshot_workload(lab->set, NULL, lab->workloads[0].id, &one),
			 0);
	assert_int_equal(one.n_dimensions, 1);
	assert_int_equal(one.dimensions[0].active_epochs, 51);
	assert_int_equal(one.dimensions[0].n_levels, 3);
	assert_int_equal(one.dimensions[0].levels[0].state, READY);
	assert_true(one.dimensions[0].levels[0].longest_claim_s > 200 * 600.0);
	assert_true(one.dimensions[0].n_discovery > 10);
	assert_true(one.dimensions[0].n_reasons >= 1);
	snapshot_pool_done(&one.pool);

	assert_int_equal(profile_set_snapshot_behaviours(lab->set, lab->workloads[0].id,
							 TEXT("file.read"), &behaviours),
			 0);
	assert_int_equal(behaviours.n, 2);
	assert_true(text_equal(behaviours.items[0].key.fields[2], TEXT("passwd")));
	assert_int_equal(behaviours.items[0].incidences, 50);
	assert_int_equal(behaviours.items[1].events, 1);
	snapshot_pool_done(&behaviours.pool);
	assert_int_equal(profile_set_snapshot_behaviours(lab->set, 4711, TEXT(""), &behaviours),
			 -ENOENT);

	profile_set_totals(lab->set, &status);
	assert_int_equal(status.profiles.workloads, 1);
	assert_int_equal(status.profiles.ready, 1);
	assert_true(status.profiles.bytes > 1000);
}

static void noise_does_not_settle(void **state)
{
	struct lab *lab = *state;
	struct snapshot_workloads all;
	char key[64];

	for (int i = 0; i < 600; i++) {
		snprintf(key, sizeof(key), "exe%d /tmp file", i);
		lab_live(lab, 0, 0, key, 1);
	}
	assert_int_equal(profile_set_snapshot_workloads(lab->set, NULL, &all), 0);
	assert_int_equal(all.items[0].state, UNSETTLED);
	assert_false(all.items[0].has_eta);
	snapshot_pool_done(&all.pool);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		ROW(fine_names_go_to_a_sketch), ROW(a_full_sketch_is_not_judged),
		ROW(sketches_survive_restarts), ROW(quarantine_reaches_no_sketch),
		ROW(memory_for_all_is_bounded), ROW(the_population_knows_what_others_do),
		ROW(pools_claim_longer),        ROW(shown_figures_are_those_of_the_moment),
		ROW(noise_does_not_settle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
