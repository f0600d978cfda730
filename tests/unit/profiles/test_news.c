/* What rules with only_if_new are told: once for each new behaviour, and where it cannot be told,
 * yes, with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "learning_lab.h"
#include "profiles/news.h"

#define FINEST (-1)

static const char *const dimensions[] = {"exec/3", "file.read/3/head=16384/sketch=4096/top=8"};

static int setup(void **state)
{
	struct learning_config config = lab_config(dimensions, ARRAY_SIZE(dimensions));

	config.pending_per_workload_max = 6000;
	return lab_setup(state, &config);
}

/* The lab's own context is gone by then; only what was not looked up needs it. */
static struct news ask(struct lab *lab, uint32_t dimension, int32_t level)
{
	struct field_context ctx = {.event = &lab->ev};

	return profile_news(&lab->sightings, &ctx, dimension, level);
}

static bool is_new(struct lab *lab, const char *key, int32_t level)
{
	struct news news;

	lab_look(lab, 0, 0, key);
	news = ask(lab, 0, level);
	if (!news.is_new)
		assert_int_equal(news.doubt, NEWS_CERTAIN);
	return news.is_new;
}

static void a_behaviour_is_new_once(void **state)
{
	struct lab *lab = *state;

	assert_true(is_new(lab, "sh /bin/cat a", FINEST));
	assert_true(is_new(lab, "sh /bin/cat a", FINEST)); /* looking teaches nothing */
	lab_see(lab, 0, 0, "sh /bin/cat a");
	assert_false(is_new(lab, "sh /bin/cat a", FINEST)); /* pending */
	assert_true(is_new(lab, "sh /bin/cat b", FINEST));
	lab_wait(lab, 901);
	lab_wait(lab, 1);
	assert_false(is_new(lab, "sh /bin/cat a", FINEST)); /* learned */
	assert_true(is_new(lab, "sh /bin/dog a", FINEST));
	/* In another workload it is another behaviour. */
	lab_look(lab, 1, 0, "sh /bin/cat a");
	assert_true(ask(lab, 0, FINEST).is_new);
	assert_int_equal(ask(lab, 0, FINEST).doubt, NEWS_CERTAIN);
}

static void coarser_levels_are_new_once_too(void **state)
{
	struct lab *lab = *state;

	assert_true(is_new(lab, "sh /bin/cat a", 0));
	assert_true(is_new(lab, "sh /bin/cat a", 1));
	lab_see(lab, 0, 0, "sh /bin/cat a");
	/* Another leaf below prefixes that wait. */
	assert_false(is_new(lab, "sh /bin/cat b", 0));
	assert_false(is_new(lab, "sh /bin/cat b", 1));
	assert_true(is_new(lab, "sh /bin/cat b", 2));
	assert_false(is_new(lab, "sh /bin/dog b", 0));
	assert_true(is_new(lab, "sh /bin/dog b", 1));
	lab_wait(lab, 901);
	lab_wait(lab, 1);
	assert_false(is_new(lab, "sh /bin/cat b", 1));
	assert_true(is_new(lab, "sh /bin/cat b", 2));
	assert_true(is_new(lab, "sh /bin/cat b", 9)); /* the finest there is */
	assert_true(is_new(lab, "bash /bin/cat a", 0));
}

static void quarantined_behaviours_are_new_once(void **state)
{
	struct lab *lab = *state;

	lab->verdict.is_suspicious = true;
	lab_see(lab, 0, 0, "sh /bin/nc -l");
	for (int day = 0; day < 3; day++) {
		assert_false(is_new(lab, "sh /bin/nc -l", FINEST));
		lab_wait(lab, 86400);
	}
}

static void a_missing_field_is_not_asked_for(void **state)
{
	struct lab *lab = *state;

	assert_true(is_new(lab, "sh /bin/cat ?", FINEST));
	lab_see(lab, 0, 0, "sh /bin/cat ?");
	assert_false(is_new(lab, "sh /bin/cat ?", FINEST));
	assert_true(is_new(lab, "sh /bin/cat a", FINEST));
	assert_true(is_new(lab, "sh /bin/dog ?", FINEST));
}

static void news_survive_a_restart(void **state)
{
	struct lab *lab = *state;

	lab_see(lab, 0, 0, "sh /bin/cat learned");
	lab_wait(lab, 901);
	lab_wait(lab, 1);
	lab_see(lab, 0, 0, "sh /bin/cat pending");
	lab_checkpoint(lab);
	lab_restart(lab);
	assert_false(is_new(lab, "sh /bin/cat learned", FINEST));
	assert_false(is_new(lab, "sh /bin/cat pending", FINEST));
	assert_false(is_new(lab, "sh /bin/cat neither", 1));
	assert_true(is_new(lab, "sh /bin/cat neither", FINEST));
}

static void what_is_not_observed_is_not_new(void **state)
{
	struct lab *lab = *state;

	lab_look(lab, 0, 0, "sh /bin/cat a");
	assert_false(ask(lab, 1, FINEST).is_new);
	assert_false(ask(lab, 63, FINEST).is_new);
	assert_false(ask(lab, 64, FINEST).is_new);
	assert_false(ask(lab, UINT32_MAX, FINEST).is_new);
}

static void what_was_not_looked_up_is_in_doubt(void **state)
{
	struct sightings none = {0};
	struct field_context ctx = {0};
	struct news news = profile_news(&none, &ctx, 0, FINEST);

	(void)state;
	assert_true(news.is_new);
	assert_int_equal(news.doubt, NEWS_UNKNOWN);
}

/* A workload that has no name gets no baseline; its events may show anything. */
static void unresolved_workloads_are_in_doubt(void **state)
{
	struct lab *lab = *state;
	struct field_context ctx = {.event = &lab->ev};
	struct subject subject = {.process = &lab->processes[0]};
	struct news news;

	lab_look(lab, 0, 0, "sh /bin/cat a");
	lab->workloads[0].kind = WORKLOAD_UNRESOLVED;
	ctx.subject = &subject;
	profile_set_look_up(lab->set, &ctx, &lab->sightings);
	assert_int_equal(lab->sightings.n, 0);
	news = profile_news(&lab->sightings, &ctx, 0, FINEST);
	assert_true(news.is_new);
	assert_int_equal(news.doubt, NEWS_UNRESOLVED);
	assert_false(profile_news(&lab->sightings, &ctx, 1, FINEST).is_new);
	lab->workloads[0].kind = WORKLOAD_UNIT;
}

static void see_files(struct lab *lab, int n)
{
	char key[64];

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "daemon /srv file%d", i);
		lab_see(lab, 0, 1, key);
	}
}

static void a_coarsened_level_is_in_doubt(void **state)
{
	struct lab *lab = *state;

	see_files(lab, 5000);
	for (int i = 0; i < 120; i++)
		lab_wait(lab, 10);
	lab_look(lab, 0, 1, "daemon /srv anything");
	assert_true(lab->sightings.items[0].profile->levels[2].is_off);
	assert_true(ask(lab, 1, FINEST).is_new);
	assert_int_equal(ask(lab, 1, FINEST).doubt, NEWS_COARSENED);
	/* Levels that are kept are certain as before. */
	assert_false(ask(lab, 1, 1).is_new);
	assert_false(ask(lab, 1, 0).is_new);
	lab_look(lab, 0, 1, "daemon /etc shadow");
	assert_true(ask(lab, 1, 1).is_new);
	assert_int_equal(ask(lab, 1, 1).doubt, NEWS_CERTAIN);
}

static void a_full_pending_table_is_in_doubt(void **state)
{
	struct lab *lab = *state;

	see_files(lab, 5999);
	lab_look(lab, 0, 1, "daemon /srv last");
	assert_int_equal(ask(lab, 1, FINEST).doubt, NEWS_CERTAIN);
	lab_see(lab, 0, 1, "daemon /srv last");
	for (int i = 0; i < 3; i++) { /* every time: nothing is lost silently */
		lab_look(lab, 0, 1, "daemon /srv one more");
		assert_true(ask(lab, 1, FINEST).is_new);
		assert_int_equal(ask(lab, 1, FINEST).doubt, NEWS_PENDING_FULL);
		lab_see(lab, 0, 1, "daemon /srv one more");
	}
	lab_look(lab, 0, 1, "daemon /srv last");
	assert_false(ask(lab, 1, FINEST).is_new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_behaviour_is_new_once, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(coarser_levels_are_new_once_too, setup,
						lab_teardown),
		cmocka_unit_test_setup_teardown(quarantined_behaviours_are_new_once, setup,
						lab_teardown),
		cmocka_unit_test_setup_teardown(a_missing_field_is_not_asked_for, setup,
						lab_teardown),
		cmocka_unit_test_setup_teardown(news_survive_a_restart, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_observed_is_not_new, setup,
						lab_teardown),
		cmocka_unit_test(what_was_not_looked_up_is_in_doubt),
		cmocka_unit_test_setup_teardown(unresolved_workloads_are_in_doubt, setup,
						lab_teardown),
		cmocka_unit_test_setup_teardown(a_coarsened_level_is_in_doubt, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(a_full_pending_table_is_in_doubt, setup,
						lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
