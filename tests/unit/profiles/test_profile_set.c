#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "learning_lab.h"

enum { EXEC, READ };

#define EPOCHS_PER_R 72 /* ready_return_period_s in epochs */

static struct profile *profile_of(struct lab *lab, uint32_t w, uint32_t dimension)
{
	struct baseline *b = fp_map_find(&lab->set->by_id, lab->workloads[w].id);

	assert_non_null(b);
	assert_non_null(b->profiles[dimension]);
	return b->profiles[dimension];
}

static void expect_level(struct lab *lab, const char *key, int want)
{
	const struct sighting *s = lab_look(lab, 0, EXEC, key);

	if (s->new_level != want)
		fail_msg("%s: level %d, want %d", key, s->new_level, want);
}

static int setup(void **state)
{
	return lab_setup(state, NULL);
}

static void news_has_a_level(void **state)
{
	struct lab *lab = *state;
	static const struct {
		const char *key;
		int want;
	} rows[] = {
		{"sshd bash -l", -1}, {"sshd bash -c", 2}, {"sshd zsh -l", 1}, {"cron bash -l", 0},
		{"sshd bash ?", -1},  {"sshd zsh ?", 1},   {"sshd ? ?", -1},   {"cron ? ?", 0},
	};

	lab_see(lab, 0, EXEC, "sshd bash -l");
	lab_wait(lab, 901);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_level(lab, rows[i].key, rows[i].want);
}

static void missing_fields_end_the_walk(void **state)
{
	struct lab *lab = *state;
	const struct sighting *s = lab_look(lab, 0, EXEC, "sshd ? -l");

	assert_true(s->is_missing);
	assert_int_equal(s->n_levels, 1);
	assert_null(lab_look(lab, 0, EXEC, "? bash -l"));
}

static void news_waits_before_it_is_learned(void **state)
{
	struct lab *lab = *state;
	const struct sighting *s;

	s = lab_see(lab, 0, EXEC, "sshd bash -l");
	assert_int_equal(s->new_level, 0);
	assert_false(s->is_pending);
	lab_wait(lab, 890);
	s = lab_see(lab, 0, EXEC, "sshd bash -l");
	assert_int_equal(s->new_level, 0);
	assert_true(s->is_pending);
	assert_int_equal(head_count(profile_of(lab, 0, EXEC)->levels[2].head), 0);
	lab_wait(lab, 11);
	s = lab_look(lab, 0, EXEC, "sshd bash -l");
	assert_int_equal(s->new_level, -1);
	assert_false(s->is_pending);
	assert_int_equal(lab->set->learned_today, 1);
}

static void the_wait_counts_what_it_saw(void **state)
{
	struct lab *lab = *state;
	struct prefix leaf;
	struct profile *p;

	lab_see(lab, 0, EXEC, "sshd bash -l");
	lab_see(lab, 0, EXEC, "sshd bash -l");
	lab_wait(lab, 600);
	lab_see(lab, 0, EXEC, "sshd bash -l");
	lab_wait(lab, 400);
	p = profile_of(lab, 0, EXEC);
	assert_true(profile_find(p, 2, lab_look(lab, 0, EXEC, "sshd bash -l")->fingerprints[2],
				 p->baseline->epoch, &leaf));
	assert_int_equal(leaf.events, 3);
	assert_int_equal(leaf.epochs, 2);
	assert_int_equal(leaf.slot->child_epochs, 0);
}

static void parents_count_new_children_at_their_first_sight(void **state)
{
	struct lab *lab = *state;
	const struct sighting *s;
	uint32_t epochs, children;

	lab_live(lab, 0, EXEC, "sshd bash -l", 10);
	lab_see(lab, 0, EXEC, "sshd bash -c");
	lab_see(lab, 0, EXEC, "sshd bash -x");
	lab_live(lab, 0, EXEC, "sshd bash -l", 5);
	s = lab_look(lab, 0, EXEC, "sshd bash -new");
	profile_parent(s, 2, &epochs, &children);
	assert_int_equal(children, 2); /* its own beginning, and the two in one epoch */
	assert_in_range(epochs, 14, 15);
}

static void repeats_change_nothing(void **state)
{
	struct lab *lab = *state;
	struct stream before, after;
	struct profile_view view_before, view_after;

	lab_live(lab, 0, EXEC, "sshd bash -l", 100);
	before = profile_of(lab, 0, EXEC)->levels[2].streams[STEADY].stream;
	profile_view(lab_look(lab, 0, EXEC, "sshd bash -l"), &view_before);
	for (int i = 0; i < 1000000; i++)
		lab_see(lab, 0, EXEC, "sshd bash -l");
	after = profile_of(lab, 0, EXEC)->levels[2].streams[STEADY].stream;
	profile_view(lab_look(lab, 0, EXEC, "sshd bash -l"), &view_after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_float_equal(view_before.coverage, view_after.coverage, 0);
	assert_float_equal(view_before.basis_s, view_after.basis_s, 0);
	assert_int_equal(view_before.active_epochs, view_after.active_epochs);
}

static void the_rate_is_frozen_within_an_epoch(void **state)
{
	struct lab *lab = *state;
	struct stream_view before, within, after;
	const struct sighting *s;
	char key[64];

	lab_live(lab, 0, EXEC, "sshd bash -l", 100);
	profile_stream(lab_look(lab, 0, EXEC, "sshd bash -n"), 2, &before);
	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "sshd bash -%d", i);
		s = lab_see(lab, 0, EXEC, key);
		profile_stream(s, 2, &within);
		assert_float_equal(within.rate_per_epoch, before.rate_per_epoch, 0);
	}
	/* The next epoch knows, though nothing is learned yet. */
	lab_wait(lab, 600);
	profile_stream(lab_look(lab, 0, EXEC, "sshd bash -n"), 2, &after);
	assert_true(after.rate_per_epoch > 2 * before.rate_per_epoch);
}

static void quiet_existence_is_exposure(void **state)
{
	struct lab *lab = *state;
	struct stream_view view;
	const struct sighting *s;

	lab_see(lab, 0, READ, "redis /data dump.rdb");
	lab_wait(lab, 600 * 500);
	s = lab_look(lab, 0, EXEC, "redis sh -c");
	profile_stream(s, 0, &view);
	assert_int_equal(view.age_epochs, 500);
	assert_true(view.is_ready);
	assert_true(1 / view.rate_per_epoch > 300);
	assert_true(1 / view.rate_per_epoch <= 0.8 * 500);
}

static void absence_is_no_exposure(void **state)
{
	struct lab *lab = *state;
	struct profile_view view;
	struct stream_view stream;
	const struct sighting *s;

	/* Ten minutes a day for 40 days. */
	for (int day = 0; day < 40; day++) {
		lab_set_live(lab, 0, true);
		lab_see(lab, 0, EXEC, "cron backup -a");
		lab_wait(lab, 600);
		lab_set_live(lab, 0, false);
		lab_wait(lab, 86400 - 600);
	}
	lab_set_live(lab, 0, true);
	s = lab_look(lab, 0, EXEC, "cron backup -b");
	profile_stream(s, 2, &stream);
	profile_view(s, &view);
	assert_in_range(stream.age_epochs, 40, 81);
	assert_true(view.active_share < 2.5 / 144);
	assert_true(view.basis_s > 39 * 86400.0);
	/* In calendar time no claim goes beyond what was observed. */
	assert_true(view.epoch_s / view.active_share * stream.age_epochs <= view.basis_s * 1.05);
}

/* Suspend, a clock set forward, captures of different days. */
static void silence_of_the_whole_host_is_no_exposure(void **state)
{
	struct lab *lab = *state;
	struct stream_view view;
	struct profile_view about;
	const struct sighting *s;

	lab_live(lab, 0, EXEC, "sshd bash -l", 50);
	lab->now_ns += UINT64_C(30) * 86400 * 1000000000;
	s = lab_look(lab, 0, EXEC, "sshd bash -c");
	profile_stream(s, 0, &view);
	assert_in_range(view.age_epochs, 50, 51);
	profile_view(s, &about);
	assert_true(about.basis_s < 55 * 600.0);
}

static void readiness_comes_by_evidence_and_goes(void **state)
{
	struct lab *lab = *state;
	uint32_t ready_at = 0;
	char key[64];

	for (uint32_t i = 1; i < 4 * EPOCHS_PER_R && !ready_at; i++) {
		lab_live(lab, 0, EXEC, "sshd bash -l", 1);
		if (profile_of(lab, 0, EXEC)->levels[0].streams[STEADY].stream.is_ready)
			ready_at = i;
	}
	assert_in_range(ready_at, 36, 4 * EPOCHS_PER_R);
	for (int i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "init%d bash -l", i);
		lab_live(lab, 0, EXEC, key, 1);
	}
	assert_false(profile_of(lab, 0, EXEC)->levels[0].streams[STEADY].stream.is_ready);
}

/* The start-up reads many files, steady life few. */
static void read_start_files(struct lab *lab)
{
	char key[64];

	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "daemon /etc/d%d file%d", i % 8, i);
		lab_see(lab, 0, READ, key);
		lab_wait(lab, 0.1);
	}
}

static void read_steady_files(struct lab *lab, uint32_t epochs)
{
	char key[64];

	for (uint32_t e = 0; e < epochs; e++) {
		lab_wait(lab, 600);
		for (int i = 0; i < 10; i++) {
			snprintf(key, sizeof(key), "daemon /var/lib data%d", i);
			lab_see(lab, 0, READ, key);
		}
	}
}

static void restarts_are_no_news(void **state)
{
	struct lab *lab = *state;
	struct snapshot_workloads shown;
	struct profile *p;
	char key[64];

	lab_exec(lab, 0);
	read_start_files(lab);
	lab_wait(lab, 60);
	read_steady_files(lab, 4 * EPOCHS_PER_R);
	p = profile_of(lab, 0, READ);
	assert_true(profile_ready_level(p) >= 1);
	assert_int_equal(profile_set_snapshot_workloads(lab->set, NULL, &shown), 0);
	assert_int_equal(shown.items[0].state, READY);
	snapshot_pool_done(&shown.pool);

	lab_exec(lab, 0);
	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "daemon /etc/d%d file%d", i % 8, i);
		assert_int_equal(lab_see(lab, 0, READ, key)->new_level, -1);
	}
	assert_true(profile_ready_level(p) >= 1);
}

/* The program started after the service: its restart shows files that were never seen. */
static void an_unknown_start_up_claims_nothing(void **state)
{
	struct lab *lab = *state;
	struct stream_view view;
	const struct sighting *s;

	read_steady_files(lab, 4 * EPOCHS_PER_R);
	lab_exec(lab, 0);
	s = lab_see(lab, 0, READ, "daemon /etc/d1 file1");
	assert_true(s->is_startup);
	profile_stream(s, 1, &view);
	assert_false(view.is_ready);
	assert_float_equal(view.rate_per_epoch, 1, 0);
	assert_float_equal(view.longest_claim_epochs, 1, 0);
	/* But another program is another matter. */
	s = lab_see(lab, 0, READ, "sh /etc shadow");
	assert_false(s->is_startup);
	assert_int_equal(s->new_level, 0);
	profile_stream(s, 0, &view);
	assert_true(view.is_ready);
	assert_true(1 / view.rate_per_epoch > 100);
	/* Readiness of the steady life is untouched by the start-up. */
	read_steady_files(lab, 3);
	assert_true(profile_of(lab, 0, READ)->levels[1].streams[STEADY].stream.is_ready);
}

/* The same for what is executed: the service manager was never seen starting it. */
static void the_first_known_restart_of_a_service_is_no_news(void **state)
{
	struct lab *lab = *state;
	struct stream_view view;
	const struct sighting *s;

	read_steady_files(lab, 4 * EPOCHS_PER_R);
	lab_set_live(lab, 0, false);
	lab_wait(lab, 1);
	lab_set_live(lab, 0, true);
	lab_exec(lab, 0);
	s = lab_see(lab, 0, EXEC, "systemd daemon -f");
	assert_int_equal(s->new_level, 0);
	assert_true(s->is_startup);
	profile_stream(s, 0, &view);
	assert_float_equal(view.rate_per_epoch, 1, 0);
	lab_wait(lab, 61);
	s = lab_see(lab, 0, EXEC, "daemon sh -c");
	assert_false(s->is_startup);
	profile_stream(s, 0, &view);
	assert_true(view.is_ready);
	assert_true(1 / view.rate_per_epoch > 100);
}

static void known_start_ups_are_judged(void **state)
{
	struct lab *lab = *state;
	struct stream_view view;
	const struct sighting *s;

	for (int i = 0; i < 20; i++) {
		lab_exec(lab, 0);
		read_start_files(lab);
		lab_wait(lab, 60);
		read_steady_files(lab, 20);
	}
	lab_exec(lab, 0);
	s = lab_see(lab, 0, READ, "daemon /etc/other file1");
	assert_int_equal(s->new_level, 1);
	profile_stream(s, 1, &view);
	assert_true(view.is_ready);
	assert_true(1 / view.rate_per_epoch > 50);
	assert_true(1 / view.rate_per_epoch <= view.longest_claim_epochs + 1);
}

static uint64_t known_prefixes(struct lab *lab, uint32_t w, uint32_t dimension)
{
	const struct profile *p = profile_of(lab, w, dimension);
	uint64_t n = 0;

	for (unsigned l = 0; l < p->n_levels; l++) {
		n += head_count(p->levels[l].head);
		n += p->levels[l].sketch ? count_min_total(p->levels[l].sketch) : 0;
	}
	return n;
}

static void quarantine_never_enters(void **state)
{
	struct lab *lab = *state;
	const struct sighting *s;
	uint64_t known;
	double n;

	lab_live(lab, 0, EXEC, "sshd bash -l", 100);
	known = known_prefixes(lab, 0, EXEC);
	n = profile_of(lab, 0, EXEC)->levels[1].streams[STEADY].stream.n;
	for (int day = 0; day < 30; day++) {
		lab->verdict.is_suspicious = day == 0;
		lab->verdict.anomaly_ids[0] = 7;
		s = lab_see(lab, 0, EXEC, "sshd sh -c");
		assert_int_equal(s->new_level, 1);
		lab_wait(lab, 86400);
	}
	assert_int_equal(known_prefixes(lab, 0, EXEC), known);
	assert_true(profile_of(lab, 0, EXEC)->levels[1].streams[STEADY].stream.n <= n);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd sh -c")->open_anomaly, 7);
}

static void marks_of_late_quarantine_are_withdrawn(void **state)
{
	struct lab *lab = *state;
	struct lab *control = malloc(sizeof(*control));
	const struct stream *a, *b;

	assert_non_null(control);
	lab_init(control);
	lab_live(lab, 0, EXEC, "sshd bash -l", 100);
	lab_live(control, 0, EXEC, "sshd bash -l", 100);
	lab->verdict.anomaly_ids[0] = 7;
	lab_see(lab, 0, EXEC, "sshd sh -c");
	lab_live(lab, 0, EXEC, "sshd bash -l", 1);
	lab_live(control, 0, EXEC, "sshd bash -l", 1);
	a = &profile_of(lab, 0, EXEC)->levels[1].streams[STEADY].stream;
	b = &profile_of(control, 0, EXEC)->levels[1].streams[STEADY].stream;
	assert_true(a->n > b->n + .9);
	profile_set_quarantine(lab->set, 7);
	assert_float_equal(a->n, b->n, 1e-6);
	assert_float_equal(a->n2, b->n2, 1e-6);
	assert_float_equal(a->extra, b->extra, 1e-6);
	lab_wait(lab, 3600);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd sh -c")->new_level, 1);
	lab_done(control);
	free(control);
}

/* Two behaviours share a new prefix; one is suspicious. */
static void shared_prefixes_keep_their_mark(void **state)
{
	struct lab *lab = *state;
	const struct stream *stream;

	lab_live(lab, 0, EXEC, "sshd bash -l", 100);
	stream = &profile_of(lab, 0, EXEC)->levels[1].streams[STEADY].stream;
	lab->verdict.anomaly_ids[0] = 7;
	lab_see(lab, 0, EXEC, "sshd sh -c");
	lab_see(lab, 0, EXEC, "sshd sh -x");
	assert_int_equal(stream->open_new, 1);
	profile_set_quarantine(lab->set, 7);
	assert_int_equal(stream->open_new, 1);
	lab_wait(lab, 901);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd sh -x")->new_level, -1);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd sh -c")->new_level, 2);
}

static void absorption_takes_20_epochs_on_7_days(void **state)
{
	struct lab *lab = *state;
	static const struct {
		const char *name;
		bool is_suspicious, is_incident_only;
		int per_day, days;
		bool want_known;
	} rows[] = {
		{"anomalous, long", false, false, 3, 8, true},
		{"anomalous, few epochs", false, false, 1, 12, false},
		{"anomalous, few days", false, false, 30, 3, false},
		{"incident, long", true, true, 3, 8, true},
		{"rule, long", true, false, 3, 30, false},
	};

	lab_live(lab, 0, EXEC, "sshd bash -l", 300);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char key[64];

		snprintf(key, sizeof(key), "sshd bash -row%zu", i);
		for (int n = 0; n < rows[i].per_day * rows[i].days; n++) {
			lab->verdict.is_anomalous[0] = true;
			lab->verdict.is_suspicious = rows[i].is_suspicious && n < 3;
			lab->verdict.is_incident_only = rows[i].is_incident_only;
			lab_see(lab, 0, EXEC, key);
			lab_wait(lab, 86400.0 / rows[i].per_day);
		}
		if ((lab_look(lab, 0, EXEC, key)->new_level < 0) != rows[i].want_known)
			fail_msg("%s", rows[i].name);
	}
	assert_int_equal(lab->set->absorbed_total, 2);
}

static void learning_workloads_learn_what_is_anomalous(void **state)
{
	struct lab *lab = *state;

	lab_live(lab, 0, EXEC, "sshd bash -l", 10);
	lab->verdict.is_anomalous[0] = true;
	lab_see(lab, 0, EXEC, "sshd bash -c");
	lab_wait(lab, 901);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd bash -c")->new_level, -1);
}

static void pending_is_bounded(void **state)
{
	struct lab *lab = *state;
	struct snapshot_pending shown;
	char key[64];

	lab->set->pending.per_workload_max = 100;
	for (int i = 0; i < 150; i++) {
		snprintf(key, sizeof(key), "sshd bash -%d", i);
		lab_see(lab, 0, EXEC, key);
	}
	assert_int_equal(lab->set->pending.n_held, 100);
	assert_int_equal(lab->set->pending.refused_total, 50);
	/* Another workload has its own room. */
	lab_see(lab, 1, EXEC, "sshd bash -l");
	assert_int_equal(lab->set->pending.n_held, 101);
	/* What is suspicious displaces what is not. */
	lab->verdict.is_suspicious = true;
	lab_see(lab, 0, EXEC, "sshd bash -attack");
	assert_int_equal(lab->set->pending.evicted_total, 1);
	assert_int_equal(profile_set_snapshot_pending(lab->set, lab->workloads[0].id, &shown), 0);
	assert_int_equal(shown.n, 100);
	snapshot_pool_done(&shown.pool);
	lab_wait(lab, 901);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd bash -120")->new_level, 2);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd bash -20")->new_level, -1);
}

static void the_unseen_is_forgotten(void **state)
{
	struct lab *lab = *state;
	const struct sighting *s;
	uint32_t last;

	lab_see(lab, 0, EXEC, "sshd bash -c");
	lab_wait(lab, 901);
	last = (uint32_t)(lab->now_ns / lab->set->clock.epoch_ns);
	lab_see(lab, 0, EXEC, "sshd bash -c");
	for (int day = 0; day < 89; day++) {
		lab_wait(lab, 86400);
		lab_see(lab, 0, EXEC, "sshd bash -l");
	}
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd bash -c")->new_level, -1);
	lab_wait(lab, 2 * 86400);
	s = lab_see(lab, 0, EXEC, "sshd bash -c");
	assert_int_equal(s->new_level, 2);
	assert_int_equal(s->last_seen_epoch, last);
	lab_wait(lab, 901);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd bash -c")->new_level, -1);
}

static void what_is_long_forgotten_gives_its_memory_back(void **state)
{
	struct lab *lab = *state;

	lab_see(lab, 0, EXEC, "sshd bash -c");
	lab_live(lab, 0, EXEC, "sshd bash -l", 10);
	assert_int_equal(head_count(profile_of(lab, 0, EXEC)->levels[2].head), 2);
	for (int day = 0; day < 200; day++) {
		lab_wait(lab, 86400);
		lab_see(lab, 0, EXEC, "sshd bash -l");
	}
	assert_int_equal(head_count(profile_of(lab, 0, EXEC)->levels[2].head), 1);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd bash -c")->last_seen_epoch, 0);
}

static void the_unresolved_are_counted_only(void **state)
{
	struct lab *lab = *state;

	lab->workloads[0].kind = WORKLOAD_UNRESOLVED;
	assert_null(lab_see(lab, 0, EXEC, "sshd bash -l"));
	assert_int_equal(lab->set->unresolved_events_total, 1);
	assert_int_equal(lab->set->n_baselines, 0);
}

static void usual_behaviours_share_the_prefix(void **state)
{
	struct lab *lab = *state;
	struct record_key keys[5];
	double frequencies[5];
	const struct sighting *s;

	lab_see(lab, 0, EXEC, "cron run -a");
	lab_see(lab, 0, EXEC, "sshd bash -l");
	lab_live(lab, 0, EXEC, "cron run -a", 20);
	s = lab_look(lab, 0, EXEC, "sshd sh -c");
	assert_int_equal(profile_usual(s, 1, 5, keys, frequencies), 1);
	assert_true(text_equal(keys[0].fields[1], TEXT("bash")));
	s = lab_look(lab, 0, EXEC, "xinetd sh -c");
	assert_int_equal(profile_usual(s, 0, 5, keys, frequencies), 2);
	assert_true(text_equal(keys[0].fields[0], TEXT("cron")));
	assert_true(frequencies[0] > .9);
	assert_true(frequencies[1] < .2);
	assert_int_equal(profile_usual(s, 1, 1, keys, frequencies), 1);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		ROW(news_has_a_level),
		ROW(missing_fields_end_the_walk),
		ROW(news_waits_before_it_is_learned),
		ROW(the_wait_counts_what_it_saw),
		ROW(parents_count_new_children_at_their_first_sight),
		ROW(repeats_change_nothing),
		ROW(the_rate_is_frozen_within_an_epoch),
		ROW(quiet_existence_is_exposure),
		ROW(absence_is_no_exposure),
		ROW(silence_of_the_whole_host_is_no_exposure),
		ROW(readiness_comes_by_evidence_and_goes),
		ROW(restarts_are_no_news),
		ROW(an_unknown_start_up_claims_nothing),
		ROW(the_first_known_restart_of_a_service_is_no_news),
		ROW(known_start_ups_are_judged),
		ROW(quarantine_never_enters),
		ROW(marks_of_late_quarantine_are_withdrawn),
		ROW(shared_prefixes_keep_their_mark),
		ROW(absorption_takes_20_epochs_on_7_days),
		ROW(learning_workloads_learn_what_is_anomalous),
		ROW(pending_is_bounded),
		ROW(the_unseen_is_forgotten),
		ROW(what_is_long_forgotten_gives_its_memory_back),
		ROW(the_unresolved_are_counted_only),
		ROW(usual_behaviours_share_the_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
