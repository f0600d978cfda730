/* Which events are stored. */
#include "tests/unit/state/state_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/history.h"
#include "filter/event_sets.h"

#define EPOCH_NS (600 * SECOND)
#define HISTORY_BYTES (24u << 20)

struct host {
	struct fixture f;
	struct history *history;
	struct rule_set *rules;
	struct sightings sightings;
	struct score score;
};

/* No profiles stand behind these sightings and scores: their fields are left out. */
static struct field_set all_fields(void)
{
	return (struct field_set){.tables = {state_field_table()}, .n_tables = 1};
}

static void load_rules(struct rule_set **out, bool describe)
{
	static const char text[] = "- rule: r\n  desc: d\n  condition: evt.type = open\n"
				   "  output: o\n  priority: WARNING\n";
	struct field_set fields = all_fields();
	struct rule_options options = {.min_priority = PRIORITY_DEBUG};
	char path[] = "/tmp/ethogram-history-XXXXXX";
	const char *paths[] = {path};
	struct event_set captured = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(rule_set_load(out, paths, 1, &fields, &options, NULL), 0);
	unlink(path);
	event_set_add_name(&captured, TEXT("openat"));
	event_set_add_name(&captured, TEXT("quotactl_fd"));
	if (describe)
		assert_int_equal(rule_set_describe(*out, &fields, &captured), 0);
}

static int setup(void **out)
{
	struct history_config config = {.epoch_ns = EPOCH_NS,
					.bytes = HISTORY_BYTES,
					.seed = 5,
					.next_event_id = 7,
					.next_span_id = 3};
	struct host *h = calloc(1, sizeof(*h));
	struct record_span *ended, *begun;

	*out = h;
	assert_int_equal(fixture_setup_with(&h->f, 64, 16, NULL), 0);
	assert_int_equal(history_create(&h->history, &config), 0);
	load_rules(&h->rules, true);
	history_begin(h->history, h->rules, TEST_BOOT_EPOCH_NS, &ended, &begun);
	assert_null(ended);
	record_free(begun);
	h->score.sightings = &h->sightings;
	fixture_start(&h->f);
	return 0;
}

static int teardown(void **state)
{
	struct host *h = *state;

	history_destroy(&h->history);
	rule_set_destroy(&h->rules);
	state_destroy(&h->f.state);
	arena_done(&h->f.arena);
	free(h);
	return 0;
}

static struct record_event *take(struct host *h, struct record_alert *const *alerts, uint32_t n)
{
	struct field_context ctx = {.event = h->f.last,
				    .subject = &h->f.subject,
				    .state = h->f.state,
				    .score = &h->score,
				    .arena = &h->f.arena};

	return history_take(h->history, h->rules, &ctx, alerts, n);
}

static bool is_taken(struct host *h)
{
	struct record_event *event = take(h, NULL, 0);
	bool is = event != NULL;

	record_free(event);
	return is;
}

static void open_path(struct host *h, const struct test_task *who, const char *path, int fd)
{
	fixture_apply(&h->f, event_open(&h->f.maker, who, fd, path, TEST_O_RDONLY));
}

static struct history_counters counters(const struct host *h)
{
	struct history_counters c;

	history_counters(h->history, &c);
	return c;
}

/* Who, what, to what, how it ended: anything else makes no difference. */
static void the_first_of_each_kind_in_an_epoch(void **state)
{
	struct host *h = *state;

	open_path(h, &task_shell, "/etc/a", 3);
	assert_true(is_taken(h));
	assert_false(is_taken(h));
	open_path(h, &task_child, "/etc/a", 4); /* the same program */
	assert_false(is_taken(h));
	open_path(h, &task_sshd, "/etc/a", 3); /* another */
	assert_true(is_taken(h));
	open_path(h, &task_shell, "/etc/b", 3);
	assert_true(is_taken(h));
	open_path(h, &task_shell, "/etc/b", -13);
	assert_true(is_taken(h));
	open_path(h, &task_shell, "/etc/b", -13);
	assert_false(is_taken(h));
	open_path(h, &task_shell, "/etc/b", -2);
	assert_true(is_taken(h));
	fixture_apply(&h->f, event_path(&h->f.maker, &task_shell, EVENT_UNLINK, "/etc/b", 0));
	assert_true(is_taken(h));
	event_maker_advance(&h->f.maker, 600);
	open_path(h, &task_shell, "/etc/a", 3);
	assert_true(is_taken(h));
	assert_int_equal(counters(h).made_total, 7);
}

static void sightings_are_told_apart_by_their_keys(void **state)
{
	struct host *h = *state;
	struct sighting *s = &h->sightings.items[0];

	h->sightings.n = 1;
	*s = (struct sighting){.profile = (struct profile *)h, .n_levels = 2, .new_level = 1};
	s->fingerprints[1] = 5;
	s->fields[0] = TEXT("x");
	open_path(h, &task_shell, "/etc/a", 3);
	assert_true(is_taken(h));
	open_path(h, &task_shell, "/etc/b", 3); /* the same behaviour: a template */
	assert_false(is_taken(h));
	s->fingerprints[1] = 6;
	assert_true(is_taken(h));
	/* Known and answered from the cache, or without a key. */
	s->fingerprints[1] = 7;
	s->new_level = -1;
	s->fields[0] = TEXT_NONE;
	assert_false(is_taken(h));
	s->new_level = 0;
	s->is_missing = true;
	assert_false(is_taken(h));
	/* Known, but the first of the epoch. */
	s->is_missing = false;
	s->new_level = -1;
	s->fields[0] = TEXT("x");
	assert_true(is_taken(h));
}

static void owners_and_reasons(void **state)
{
	struct host *h = *state;
	struct record_alert first = {.id = 41, .rule = TEXT("a")},
			    second = {.id = 42, .rule = TEXT("b")};
	struct record_alert *alerts[] = {&first, &second};
	struct record_event *event;

	h->score.n = 3;
	h->score.max_return_period_s = 5;
	h->score.items[0] = (struct deviation){.is_deviation = true, .anomaly_id = 9};
	h->score.items[1] =
		(struct deviation){.is_deviation = true, .anomaly_id = 8, .is_repeat = true};
	h->score.items[2] = (struct deviation){.anomaly_id = 7};
	open_path(h, &task_shell, "/etc/a", 3);
	event = take(h, alerts, 2);
	assert_non_null(event);
	assert_int_equal(event->id, 7);
	assert_int_equal(event->span, 3);
	assert_int_equal(event->reason, EVENT_OF_ALERT);
	assert_int_equal(event->n_owners, 3);
	assert_int_equal(event->owners[0].letter, 'l');
	assert_int_equal(event->owners[1].id, 42);
	assert_int_equal(event->owners[2].letter, 'a');
	assert_int_equal(event->owners[2].id, 9);
	assert_int_equal(event->workload_id, h->f.subject.process->workload->id);
	assert_true(text_equal(event->type, TEXT("openat")));
	assert_int_equal(event->nr, h->f.last->nr == UINT16_MAX ? -1 : h->f.last->nr);
	assert_int_equal(event->ts_ns, h->f.last->ts_ns);
	assert_non_null(memmem(event->fields.ptr, event->fields.len, "\"/etc/a\"", 8));
	record_free(event);

	/* A known behaviour is stored again for an alert, an anomaly that opens, and nothing else.
	 */
	h->score.n = 0;
	h->score.max_return_period_s = 0;
	event = take(h, alerts, 1);
	assert_int_equal(event->reason, EVENT_OF_ALERT);
	assert_int_equal(event->n_owners, 1);
	assert_int_equal(event->id, 8);
	record_free(event);
	h->score.n = 1;
	h->score.max_return_period_s = 5;
	event = take(h, NULL, 0);
	assert_int_equal(event->reason, EVENT_OF_ANOMALY);
	record_free(event);
	h->score.items[0].is_repeat = true;
	assert_false(is_taken(h));
}

static unsigned take_alerts(struct host *h, unsigned n, const char *rules)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < n; i++) {
		struct record_alert alert = {.id = 1, .rule = {rules + i % strlen(rules), 1}};
		struct record_alert *alerts[] = {&alert};
		struct record_event *event = take(h, alerts, 1);

		taken += event != NULL;
		record_free(event);
	}
	return taken;
}

/* Sightings leave alone what alerts need, and one rule what others need. */
static void a_flood_is_bounded(void **state)
{
	struct host *h = *state;
	unsigned n_sightings = 0;

	h->f.maker.step_ns = 0;
	for (int i = 0; i < 3000; i++) {
		static char path[32]; /* the event borrows it */

		snprintf(path, sizeof(path), "/tmp/%d", i);
		open_path(h, &task_shell, path, 3);
		n_sightings += is_taken(h);
	}
	assert_int_equal(n_sightings, 50);
	assert_int_equal(counters(h).sightings_shed_total, 2950);
	assert_int_equal(take_alerts(h, 700, "a"), 20);
	assert_int_equal(counters(h).over_rate_total, 680);
	assert_int_equal(take_alerts(h, 100, "bc"), 40);

	/* A second later there is room again. */
	event_maker_advance(&h->f.maker, 1);
	open_path(h, &task_shell, "/tmp/later", 3);
	assert_true(is_taken(h));
	assert_int_equal(take_alerts(h, 700, "a"), 20);
}

/* More than an epoch can hold, in one second: what was not stored takes no room, and is stored when
 * it is seen again. */
static void what_is_shed_is_not_remembered(void **state)
{
	struct host *h = *state;
	char path[32];

	h->f.maker.step_ns = 0;
	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/tmp/%d", i);
		open_path(h, &task_shell, path, 3);
		assert_int_equal(is_taken(h), i < 50);
	}
	event_maker_advance(&h->f.maker, 1);
	open_path(h, &task_shell, "/tmp/0", 3);
	assert_false(is_taken(h));
	open_path(h, &task_shell, "/tmp/19999", 3);
	assert_true(is_taken(h));
	assert_false(is_taken(h));
	assert_int_equal(counters(h).sightings_shed_total, 20000 - 50);
}

/* Whatever the rules are called. */
static void all_alerts_together_are_bounded(void **state)
{
	struct host *h = *state;
	unsigned taken = 0;

	h->f.maker.step_ns = 0;
	open_path(h, &task_shell, "/etc/a", 3);
	for (unsigned second = 0; second < 3; second++) {
		char names[201];

		for (unsigned i = 0; i < 200; i++)
			names[i] = (char)(i + 1);
		names[200] = '\0';
		taken += take_alerts(h, 4000, names);
		event_maker_advance(&h->f.maker, 1);
		open_path(h, &task_shell, "/etc/a", 3);
	}
	assert_in_range(taken, 1900, 2000);
}

/* A day's worth of bytes is not spent in an hour. */
static void sightings_take_a_day_to_fill_the_history(void **state)
{
	struct host *h = *state;
	unsigned n = 0;

	h->f.maker.step_ns = 100000000; /* ten a second, for an hour */
	for (int i = 0; i < 36000; i++) {
		static char path[32]; /* the event borrows it */

		snprintf(path, sizeof(path), "/tmp/%d", i % 6000);
		open_path(h, &task_shell, path, 3);
		n += is_taken(h);
	}
	/* HISTORY_BYTES / 24 at once and the same again, at some hundred bytes each. */
	assert_in_range(n, 2 * HISTORY_BYTES / 24 / 500, 2 * HISTORY_BYTES / 24 / 100);
	assert_true(counters(h).sightings_shed_total > 10000);
}

static void spans_follow_the_rules(void **state)
{
	struct host *h = *state;
	struct record_span *ended, *begun;
	struct rule_set *undescribed = NULL;

	history_begin(h->history, h->rules, TEST_BOOT_EPOCH_NS + 9, &ended, &begun);
	assert_int_equal(ended->id, 3);
	assert_int_equal(ended->from_ns, TEST_BOOT_EPOCH_NS);
	assert_int_equal(ended->to_ns, TEST_BOOT_EPOCH_NS + 9);
	assert_int_equal(begun->id, 4);
	assert_int_equal(begun->to_ns, 0);
	assert_int_equal(begun->hash, ended->hash);
	assert_non_null(
		memmem(begun->document.ptr, begun->document.len, "\"openat\",\"quotactl_fd\"", 22));
	assert_non_null(memmem(begun->document.ptr, begun->document.len, "\"fd.name\"", 9));
	record_free(ended);
	record_free(begun);

	/* Rules that are not described store nothing. */
	load_rules(&undescribed, false);
	history_begin(h->history, undescribed, TEST_BOOT_EPOCH_NS + 20, &ended, &begun);
	assert_non_null(ended);
	assert_null(begun);
	record_free(ended);
	open_path(h, &task_shell, "/etc/a", 3);
	assert_false(is_taken(h));
	assert_null(history_end(h->history, TEST_BOOT_EPOCH_NS + 30));
	rule_set_destroy(&undescribed);
}

static void a_condition_is_given_once(void **state)
{
	struct host *h = *state;
	struct record_condition *condition = rule_condition_create(h->rules, 0, 99);

	assert_int_equal(condition->last_ns, 99);
	assert_true(text_equal(condition->rule, TEXT("r")));
	assert_true(text_starts_with(condition->text, TEXT("evt.type = ")));
	assert_int_not_equal(condition->hash, 0);
	record_free(condition);
	assert_null(rule_condition_create(h->rules, 0, 100));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(the_first_of_each_kind_in_an_epoch),
		TEST(sightings_are_told_apart_by_their_keys),
		TEST(owners_and_reasons),
		TEST(a_flood_is_bounded),
		TEST(what_is_shed_is_not_remembered),
		TEST(all_alerts_together_are_bounded),
		TEST(sightings_take_a_day_to_fill_the_history),
		TEST(spans_follow_the_rules),
		TEST(a_condition_is_given_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
