#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/util.h"
#include "learning_lab.h"
#include "random.h"

enum { EXEC, READ };

static struct lab *lab_new(void)
{
	struct lab *lab = malloc(sizeof(*lab));

	assert_non_null(lab);
	lab_init(lab);
	return lab;
}

static int setup(void **state)
{
	*state = lab_new();
	return 0;
}

static struct baseline *baseline_of(struct lab *lab, uint32_t w)
{
	struct baseline *b = fp_map_find(&lab->set->by_id, lab->workloads[w].id);

	assert_non_null(b);
	return b;
}

/* What two sets answer about the same behaviour. */
static void expect_same(struct lab *a, struct lab *b, uint32_t w, uint32_t dimension,
			const char *key)
{
	struct sighting one, two;
	const struct sighting *s = lab_look(a, w, dimension, key);

	assert_non_null(s);
	one = *s;
	s = lab_look(b, w, dimension, key);
	assert_non_null(s);
	two = *s;
	if (one.new_level != two.new_level || one.is_pending != two.is_pending ||
	    one.open_anomaly != two.open_anomaly || one.last_seen_epoch != two.last_seen_epoch)
		fail_msg("%u/%u '%s': level %d and %d, pending %d and %d", w, dimension, key,
			 one.new_level, two.new_level, one.is_pending, two.is_pending);
	for (unsigned l = 0; l < one.n_levels; l++) {
		struct stream_view x, y;
		uint32_t epochs[2], children[2];

		profile_stream(&one, l, &x);
		profile_stream(&two, l, &y);
		assert_int_equal(x.age_epochs, y.age_epochs);
		assert_int_equal(x.is_ready, y.is_ready);
		assert_float_equal(x.rate_per_epoch, y.rate_per_epoch, 1e-3);
		if (one.new_level < 0)
			continue; /* then prefixes are not all there */
		profile_parent(&one, l, &epochs[0], &children[0]);
		profile_parent(&two, l, &epochs[1], &children[1]);
		if (epochs[0] != epochs[1])
			fail_msg("%u/%u '%s' level %d: parent of %u seen in %u and %u", w,
				 dimension, key, one.new_level, l, epochs[0], epochs[1]);
		assert_int_equal(children[0], children[1]);
	}
}

static void ready_stays_ready(void **state)
{
	struct lab *lab = *state;
	struct stream_view view;
	const struct sighting *s;

	lab_live(lab, 0, EXEC, "sshd bash -l", 300);
	lab->verdict.is_suspicious = true;
	lab->verdict.anomaly_ids[0] = 42;
	lab_see(lab, 0, EXEC, "sshd sh -c");
	lab_see(lab, 0, EXEC, "sshd bash -x");
	lab_checkpoint(lab);
	lab_restart(lab);
	s = lab_look(lab, 0, EXEC, "sshd bash -l");
	assert_int_equal(s->new_level, -1);
	profile_stream(s, 0, &view);
	assert_true(view.is_ready);
	s = lab_look(lab, 0, EXEC, "sshd sh -c");
	assert_int_equal(s->new_level, 1);
	assert_true(s->is_pending);
	assert_int_equal(s->open_anomaly, 42);
	/* What waited goes on waiting for what is left of its time. */
	lab_wait(lab, 901);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd bash -x")->new_level, -1);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd sh -c")->new_level, 1);
	assert_int_equal(baseline_of(lab, 0)->n_quarantined, 1);
}

static void time_away_is_no_exposure(void **state)
{
	struct lab *lab = *state;
	struct stream_view view;

	lab_live(lab, 0, EXEC, "sshd bash -l", 100);
	lab_checkpoint(lab);
	lab->now_ns += UINT64_C(86400) * 30 * 1000000000;
	lab_restart(lab);
	profile_stream(lab_look(lab, 0, EXEC, "sshd bash -l"), 0, &view);
	assert_in_range(view.age_epochs, 99, 101);
}

/* The first seconds of the program are no start-up of what runs. */
static void what_was_running_is_judged_at_once(void **state)
{
	struct lab *lab = *state;
	struct stream_view view;
	const struct sighting *s;

	lab_live(lab, 0, EXEC, "sshd bash -l", 300);
	lab_checkpoint(lab);
	lab_restart(lab);
	lab_wait(lab, 2);
	lab_scan(lab, 0);
	lab_wait(lab, 1);
	s = lab_look(lab, 0, EXEC, "nginx sh -c");
	assert_false(s->is_startup);
	profile_stream(s, 0, &view);
	assert_true(view.is_ready);
	assert_true(1 / view.rate_per_epoch > 100);
}

static void texts_and_usual_behaviours_survive(void **state)
{
	struct lab *lab = *state;
	struct record_key keys[5];
	double frequencies[5];

	lab_live(lab, 0, EXEC, "sshd bash -l", 10);
	lab_checkpoint(lab);
	assert_int_equal(lab->n_texts, 1);
	lab_live(lab, 0, EXEC, "sshd bash -l", 10);
	lab_checkpoint(lab);
	assert_int_equal(lab->n_texts, 1); /* once */
	lab_restart(lab);
	assert_int_equal(
		profile_usual(lab_look(lab, 0, EXEC, "cron sh -c"), 0, 5, keys, frequencies), 1);
	assert_int_equal(keys[0].n, 3);
	assert_true(text_equal(keys[0].fields[1], TEXT("bash")));
	assert_true(frequencies[0] > .9);
}

/* A checkpoint gives what is left: every text once, few at a time before. */
static void texts_are_given_little_by_little(void **state)
{
	struct lab *lab = *state;
	char key[32];

	lab_give_texts(lab);
	assert_int_equal(lab->n_texts, 0);
	for (int i = 0; i < 400; i++) {
		snprintf(key, sizeof(key), "sshd bash -%d", i);
		lab_live(lab, 0, EXEC, key, 1);
	}
	lab_give_texts(lab);
	assert_int_equal(lab->n_texts, 128);
	lab_give_texts(lab);
	assert_int_equal(lab->n_texts, 256);
	lab_wait(lab, 86400);
	lab_checkpoint(lab);
	assert_int_equal(lab->n_texts, 400);
	lab_give_texts(lab);
	lab_checkpoint(lab);
	assert_int_equal(lab->n_texts, 400);
}

/* One walk counts what waits for every profile: each section has its own, and no other's. */
static void what_waits_is_stored_with_its_dimension(void **state)
{
	struct lab *lab = *state;
	uint64_t n;

	lab_live(lab, 0, EXEC, "sshd bash -l", 3);
	lab_checkpoint(lab);
	lab_see(lab, 0, EXEC, "sshd vi -a");
	lab_see(lab, 0, EXEC, "sshd vi -b");
	lab_see(lab, 0, READ, "etc cron x");
	lab_checkpoint(lab);
	lab_see(lab, 0, READ, "etc cron y");
	lab_checkpoint(lab); /* only what changed since */
	n = lab->set->pending.n_held;
	assert_int_equal(n, 4);
	lab_restart(lab);
	assert_int_equal(lab->set->pending.n_held, n);
}

static void act(struct lab *lab, uint64_t *random)
{
	uint32_t w = (uint32_t)(random_next(random) % 3);
	uint32_t dimension = (uint32_t)(random_next(random) % 2);
	uint64_t n_files = 1 + random_next(random) % 60;
	uint64_t zipf = random_next(random) % n_files;
	uint64_t what = random_next(random) % 200;
	char key[64];

	snprintf(key, sizeof(key), "exe%d dir%d file%d", (int)(zipf % 3), (int)(zipf % 7),
		 (int)zipf);
	if (what < 2)
		lab_exec(lab, w);
	else if (what == 2)
		profile_set_quarantine(lab->set, 1 + random_next(random) % 5);
	else if (what < 20)
		lab_wait(lab, (double)(random_next(random) % 700));
	lab->verdict.is_suspicious = random_next(random) % 50 == 0;
	lab->verdict.is_incident_only = random_next(random) % 2;
	lab->verdict.is_anomalous[0] = random_next(random) % 10 == 0;
	lab->verdict.anomaly_ids[0] = random_next(random) % 100 < 5 ? random_next(random) % 5 : 0;
	lab_see(lab, w, dimension, key);
}

static void expect_same_everywhere(struct lab *a, struct lab *b)
{
	char key[64];

	assert_int_equal(a->set->pending.n_held, b->set->pending.n_held);
	assert_int_equal(a->set->pending.n_quarantined, b->set->pending.n_quarantined);
	for (uint32_t w = 0; w < 3; w++) {
		for (int i = 0; i < 60; i++) {
			snprintf(key, sizeof(key), "exe%d dir%d file%d", i % 3, i % 7, i);
			expect_same(a, b, w, EXEC, key);
			expect_same(a, b, w, READ, key);
		}
	}
}

/* The same operations on a set that runs on and on one that is restarted again and again. */
static void restarts_change_no_answer(void **state)
{
	struct lab *lab = *state;

	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct lab *steady = lab_new(), *restarted = lab_new();
		uint64_t x = seed, y = seed;

		for (int i = 0; i < 1500; i++) {
			act(steady, &x);
			act(restarted, &y);
			if (i % (100 + 37 * (int)seed) == 99) {
				lab_checkpoint(restarted);
				lab_restart(restarted);
				/* An event each, so that both know who lives. */
				lab_look(restarted, 0, EXEC, "exe0 dir0 file0");
			}
		}
		expect_same_everywhere(steady, restarted);
		lab_done(steady);
		lab_done(restarted);
		free(steady);
		free(restarted);
	}
	assert_int_equal(lab->set->damaged_total, 0);
}

/* A kill: what the last checkpoint stored is there, first sightings included. */
static void a_kill_loses_only_the_last_seconds(void **state)
{
	struct lab *lab = *state;
	uint64_t random = 5;
	char key[64];

	for (int round = 0; round < 50; round++) {
		uint32_t n = (uint32_t)(random_next(&random) % 20);

		for (uint32_t i = 0; i < n; i++) {
			snprintf(key, sizeof(key), "sshd dir%u round%d", i, round);
			lab_see(lab, 0, EXEC, key);
		}
		lab_checkpoint(lab);
		lab_see(lab, 0, EXEC, "sshd after checkpoint");
		lab_restart(lab);
		for (uint32_t i = 0; i < n; i++) {
			const struct sighting *s;

			snprintf(key, sizeof(key), "sshd dir%u round%d", i, round);
			s = lab_look(lab, 0, EXEC, key);
			if (s->new_level >= 0 && !s->is_pending)
				fail_msg("%s is lost", key);
		}
		assert_false(lab_look(lab, 0, EXEC, "sshd after checkpoint")->is_pending);
		lab_wait(lab, 1000);
	}
	/* Learned by now, all of them, and first sightings of epochs count once each. */
	assert_int_equal(lab->set->pending.n_held, 0);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd dir0 round1")->new_level, -1);
}

static void sightings_of_an_epoch_survive(void **state)
{
	struct lab *lab = *state;
	struct prefix leaf;
	const struct sighting *s;

	lab_see(lab, 0, EXEC, "sshd bash -l");
	lab_wait(lab, 901);
	for (int i = 0; i < 20; i++) {
		lab_wait(lab, 600);
		lab_see(lab, 0, EXEC, "sshd bash -l");
		lab_checkpoint(lab);
		lab_restart(lab);
		lab_see(lab, 0, EXEC, "sshd bash -l"); /* the same epoch */
	}
	s = lab_look(lab, 0, EXEC, "sshd bash -l");
	assert_true(profile_find(s->profile, 2, s->fingerprints[2], s->profile->baseline->epoch,
				 &leaf));
	assert_int_equal(leaf.epochs, 21);
	assert_int_equal(s->profile->active_epochs, 21);
}

static void images_replace_long_journals(void **state)
{
	struct lab *lab = *state;
	uint64_t bytes = 0, most = 0;
	uint32_t n_images = 0;
	char key[64];

	for (int i = 0; i < 400; i++) {
		for (int k = 0; k < 60; k++) {
			snprintf(key, sizeof(key), "sshd dir%d file%d", k % 5, k);
			lab_see(lab, 0, EXEC, key);
		}
		lab_wait(lab, 600);
		lab_checkpoint(lab);
		bytes = 0;
		for (uint32_t b = 0; b < lab->n_blobs; b++)
			bytes += lab->blobs[b].bytes.len;
		most = MAX(most, bytes);
	}
	for (uint32_t b = 0; b < lab->n_blobs; b++)
		n_images += lab->blobs[b].is_image;
	assert_in_range(n_images, 1, 2);
	assert_in_range(most, 1, 200000);
	lab_restart(lab);
	assert_int_equal(lab_look(lab, 0, EXEC, "sshd dir3 file33")->new_level, -1);
}

static void nothing_new_writes_nothing(void **state)
{
	struct lab *lab = *state;
	uint32_t n;

	lab_live(lab, 0, EXEC, "sshd bash -l", 10);
	lab_checkpoint(lab);
	n = lab->n_blobs;
	for (int i = 0; i < 100; i++)
		lab_see(lab, 0, EXEC, "sshd bash -l");
	lab_checkpoint(lab);
	assert_int_equal(lab->n_blobs, n);
}

static void other_settings_do_not_take_over_what_is_stored(void **state)
{
	struct lab *lab = *state;
	struct record_blob blob;

	lab_live(lab, 0, EXEC, "sshd bash -l", 10);
	lab_checkpoint(lab);
	blob = (struct record_blob){lab->blobs[0].workload_id, lab->blobs[0].sequence,
				    lab->blobs[0].bytes};
	profile_set_destroy(&lab->set);
	lab->config.seed++;
	assert_int_equal(profile_set_create(&lab->set, &lab->config, NULL, NULL), 0);
	assert_int_equal(profile_set_load_journal(lab->set, &blob), -EBADMSG);
	assert_int_equal(lab->set->damaged_total, 1);
	profile_set_destroy(&lab->set);
	lab->config.seed--;
	lab->config.epoch_s = 60;
	assert_int_equal(profile_set_create(&lab->set, &lab->config, NULL, NULL), 0);
	assert_int_equal(profile_set_load_journal(lab->set, &blob), -EBADMSG);
}

static void dimensions_that_are_gone_are_skipped(void **state)
{
	struct lab *lab = *state;
	static const char *const fewer[] = {"file.read/3/startup/cached"};

	lab_live(lab, 0, EXEC, "sshd bash -l", 10);
	lab_live(lab, 0, READ, "sshd /etc passwd", 10);
	lab_checkpoint(lab);
	profile_set_destroy(&lab->set);
	lab->config.dimension_files = fewer;
	lab->config.n_dimension_files = 1;
	lab_restart(lab);
	assert_int_equal(lab_look(lab, 0, 0, "sshd /etc passwd")->new_level, -1);
}

/* A database that anyone may have edited: any change is refused, and one that has a right checksum
 * still never reads out of bounds. */
static void try_damaged(struct lab *lab, const struct lab_blob *stored, char *bytes, uint32_t len,
			bool is_signed)
{
	struct record_blob blob = {stored->workload_id, stored->sequence, {bytes, len}};
	int r;

	if (is_signed && len > 8) {
		uint64_t sum = XXH3_64bits(bytes, len - 8);

		memcpy(bytes + len - 8, &sum, sizeof(sum));
	}
	r = stored->is_image ? profile_set_load_image(lab->set, &blob)
			     : profile_set_load_journal(lab->set, &blob);
	if (is_signed)
		assert_true(r == 0 || r == -EBADMSG || r == -ENOMEM);
	else
		assert_int_equal(r, -EBADMSG);
}

static void damage(struct lab *lab, const struct lab_blob *stored, uint64_t *random, bool is_signed)
{
	uint32_t len = stored->bytes.len;
	char *bytes = malloc(len);
	uint64_t how = random_next(random) % 3;

	assert_non_null(bytes);
	memcpy(bytes, stored->bytes.ptr, len);
	for (uint64_t n = 1 + random_next(random) % 4; n; n--)
		bytes[random_next(random) % len] ^= (char)(1 + random_next(random) % 255);
	if (how == 1)
		len = (uint32_t)(random_next(random) % len);
	else if (how == 2)
		memset(bytes + random_next(random) % len, 0xff, 1);
	if (len != stored->bytes.len || memcmp(bytes, stored->bytes.ptr, len) != 0)
		try_damaged(lab, stored, bytes, len, is_signed);
	free(bytes);
}

static void busy_lab(struct lab *lab)
{
	uint64_t random = 99;

	for (int i = 0; i < 3000; i++)
		act(lab, &random);
	lab_checkpoint(lab);
	for (uint32_t i = 0; i < lab->set->n_baselines; i++)
		lab->set->baselines[i]->needs_image = lab->set->baselines[i]->is_dirty = i % 2;
	lab->set->population.needs_image = lab->set->population.is_dirty = true;
	for (int i = 0; i < 200; i++)
		act(lab, &random);
	lab_checkpoint(lab);
}

static void damage_is_refused(void **state)
{
	struct lab *lab = *state;
	uint64_t random = 3;

	busy_lab(lab);
	assert_true(lab->n_blobs >= 4);
	for (int i = 0; i < 4000; i++)
		damage(lab, &lab->blobs[random_next(&random) % lab->n_blobs], &random, false);
	assert_true(lab->set->damaged_total > 3900);
}

static void forgery_does_no_harm(void **state)
{
	struct lab *lab = *state;
	uint64_t random = 4;

	busy_lab(lab);
	profile_set_destroy(&lab->set);
	assert_int_equal(profile_set_create(&lab->set, &lab->config, NULL, NULL), 0);
	for (int i = 0; i < 6000; i++) {
		damage(lab, &lab->blobs[random_next(&random) % lab->n_blobs], &random, true);
		if (i % 50 == 0)
			act(lab, &random);
	}
	for (int i = 0; i < 500; i++)
		act(lab, &random);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		ROW(ready_stays_ready),
		ROW(time_away_is_no_exposure),
		ROW(what_was_running_is_judged_at_once),
		ROW(texts_and_usual_behaviours_survive),
		ROW(texts_are_given_little_by_little),
		ROW(what_waits_is_stored_with_its_dimension),
		ROW(restarts_change_no_answer),
		ROW(a_kill_loses_only_the_last_seconds),
		ROW(sightings_of_an_epoch_survive),
		ROW(images_replace_long_journals),
		ROW(nothing_new_writes_nothing),
		ROW(other_settings_do_not_take_over_what_is_stored),
		ROW(dimensions_that_are_gone_are_skipped),
		ROW(damage_is_refused),
		ROW(forgery_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
