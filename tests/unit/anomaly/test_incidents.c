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

#include "anomaly/incidents.h"
#include "anomaly/subtree.h"
#include "base/util.h"
#include "fake_profiles.h"
#include "simulate.h"

#define NS UINT64_C(1000000000)
#define START_NS (UINT64_C(1700000000) * NS)
#define EMITTED_MAX 4096

static const struct anomaly_config trial = {
	.budget_per_day = 3, .min_return_period_s = 20, .incident_window_s = 900, .epoch_s = 1};

/* A service with a worker, a shell below it that runs a tool, and all that scoring needs. */
struct bench {
	struct workload workload, other_workload;
	struct instance instance, other_instance;
	struct process redis, worker, shell, tool, other, stranger;
	struct profile exec, file_read, connect;
	struct scorer *scorer;
	struct incidents *incidents;
	struct event event;
	struct subject subject;
	struct field_context ctx;
	struct sightings sightings;
	struct score score;
	uint32_t n_anomalies, n_incidents, n_alerts;
	struct record_anomaly *anomalies[EMITTED_MAX];
	struct record_incident *incident_records[EMITTED_MAX];
	struct record_alert *alerts[EMITTED_MAX];
};

static void keep_anomaly(struct record_anomaly *anomaly, void *arg)
{
	struct bench *b = arg;

	assert_true(b->n_anomalies < EMITTED_MAX);
	b->anomalies[b->n_anomalies++] = anomaly;
}

static void keep_incident(struct record_incident *incident, void *arg)
{
	struct bench *b = arg;

	assert_true(b->n_incidents < EMITTED_MAX);
	b->incident_records[b->n_incidents++] = incident;
}

static void keep_alert(struct record_alert *alert, void *arg)
{
	struct bench *b = arg;

	assert_true(b->n_alerts < EMITTED_MAX);
	b->alerts[b->n_alerts++] = alert;
}

static void build(struct bench *b)
{
	assert_int_equal(scorer_create(&b->scorer, &trial, 1), 0);
	assert_int_equal(incidents_create(&b->incidents, &trial, 1), 0);
	scorer_set_emit(b->scorer, keep_anomaly, b);
	incidents_bind(b->incidents, b->scorer, keep_alert, b);
}

static void name_workloads(struct bench *b)
{
	b->workload = (struct workload){
		.id = 1, .name = TEXT("unit:redis-server.service"), .kind = WORKLOAD_UNIT};
	b->other_workload = (struct workload){
		.id = 2, .name = TEXT("unit:cron.service"), .kind = WORKLOAD_UNIT};
	b->instance = (struct instance){.id = TEXT("one"), .workload = &b->workload, .pid = 100};
	b->other_instance =
		(struct instance){.id = TEXT("two"), .workload = &b->other_workload, .pid = 900};
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	name_workloads(b);
	fake_process(&b->redis, 100, &b->instance, NULL, "/usr/bin/redis-server");
	fake_process(&b->worker, 150, &b->instance, &b->redis, "/usr/bin/redis-server");
	fake_process(&b->shell, 200, &b->instance, &b->redis, "/bin/dash");
	fake_process(&b->tool, 201, &b->instance, &b->shell, "/usr/bin/curl");
	fake_process(&b->other, 300, &b->instance, &b->redis, "/usr/bin/other");
	fake_process(&b->stranger, 900, &b->other_instance, NULL, "/usr/sbin/cron");
	fake_profile(&b->exec, &b->workload, "exec", 180, 1);
	fake_profile(&b->file_read, &b->workload, "file.read", 180, 1);
	fake_profile(&b->connect, &b->workload, "net.connect", 180, 1);
	build(b);
	b->event = (struct event){.ts_ns = START_NS, .type = EVENT_EXECVE};
	b->subject = (struct subject){.fd = -1};
	b->ctx = (struct field_context){.event = &b->event, .subject = &b->subject};
	*state = b;
	return 0;
}

static void forget_emitted(struct bench *b)
{
	for (uint32_t i = 0; i < b->n_anomalies; i++)
		record_free(b->anomalies[i]);
	for (uint32_t i = 0; i < b->n_incidents; i++)
		record_free(b->incident_records[i]);
	for (uint32_t i = 0; i < b->n_alerts; i++)
		record_free(b->alerts[i]);
	b->n_anomalies = b->n_incidents = b->n_alerts = 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	forget_emitted(b);
	incidents_destroy(&b->incidents);
	scorer_destroy(&b->scorer);
	free(b);
	return 0;
}

#define KEY(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct record_alert *make_alert(uint64_t id, enum alert_priority priority, const char *rule)
{
	struct record_alert draft = {.id = id, .priority = priority, .rule = text_from(rule)};
	struct record_alert *alert = record_alert_copy(&draft);

	assert_non_null(alert);
	return alert;
}

/* An event of the process at so many seconds: a new behaviour (profile may be NULL) and an alert
 * (takes it; may be NULL). Gives what join gives; *incident the alert's. */
static const struct record_incident *happen(struct bench *b, double at_s, struct process *process,
					    struct profile *profile, int8_t new_level,
					    const char *const *key, struct record_alert *alert)
{
	const struct record_incident *told;

	b->event.ts_ns = START_NS + (uint64_t)(at_s * 1e9);
	b->subject.process = process;
	b->sightings = (struct sightings){.n = profile ? 1 : 0};
	if (profile) {
		profile->view.workload = process->workload;
		b->sightings.items[0] = fake_sighting(profile, new_level, key);
	}
	scorer_score(b->scorer, &b->ctx, &b->sightings, &b->score);
	told = incidents_join(b->incidents, &b->ctx, &b->score, &alert, alert ? 1 : 0);
	if (alert)
		keep_alert(alert, b);
	return told;
}

static const struct record_incident *deviate(struct bench *b, double at_s, struct process *process,
					     struct profile *profile, const char *name)
{
	return happen(b, at_s, process, profile, 0, KEY(name), NULL);
}

static void pass_time(struct bench *b, double at_s)
{
	uint64_t now_ns = START_NS + (uint64_t)(at_s * 1e9);

	scorer_tick(b->scorer, now_ns);
	incidents_flush(b->incidents, now_ns, keep_incident, b);
}

/* Subtrees ----------------------------------------------------------------------------------- */

static void finds_the_root_of_a_subtree(void **state)
{
	static struct workload unit = {.kind = WORKLOAD_UNIT};
	static struct workload user = {.kind = WORKLOAD_USER}, exe = {.kind = WORKLOAD_EXE};
	struct instance in_unit = {.workload = &unit, .pid = 10};
	struct instance in_user = {.workload = &user, .pid = 10};
	struct instance in_exe = {.workload = &exe, .pid = 10};
	struct instance elsewhere = {.workload = &unit, .pid = 1};
	const struct {
		const char *name;
		const struct instance *instance;
		uint32_t tty;
		bool main_is_dead, enters_from_outside;
		int at, want; /* index in the chain below */
	} rows[] = {
		{"main itself", &in_unit, 0, false, false, 0, 0},
		{"child of main", &in_unit, 0, false, false, 1, 1},
		{"grandchild", &in_unit, 0, false, false, 2, 1},
		{"far below", &in_unit, 0, false, false, 4, 1},
		{"a dead starter's child is main", &in_unit, 0, true, false, 1, 1},
		{"and its children are roots", &in_unit, 0, true, false, 2, 2},
		{"of all below", &in_unit, 0, true, false, 4, 2},
		{"a session is one", &in_user, 0, false, false, 4, 0},
		{"so is what hangs on a terminal", &in_exe, 34816, false, false, 4, 0},
		{"but no other program's tree", &in_exe, 0, false, false, 4, 1},
		{"who comes from outside is a root", &in_unit, 0, false, true, 4, 2},
		{"with all below", &in_unit, 0, false, true, 2, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct process chain[5];

		for (int j = 0; j < 5; j++) {
			bool is_inside = !rows[i].enters_from_outside || j >= 2;

			fake_process(&chain[j], 10 + j, is_inside ? rows[i].instance : &elsewhere,
				     j ? &chain[j - 1] : NULL, "/bin/x");
			chain[j].tty = rows[i].tty;
		}
		chain[0].is_alive = !rows[i].main_is_dead;
		if (subtree_root(&chain[rows[i].at]) != &chain[rows[i].want])
			fail_msg("%s: root is %d", rows[i].name,
				 (int)(subtree_root(&chain[rows[i].at]) - chain));
	}
}

static void a_loop_of_creators_ends(void **state)
{
	struct workload unit = {.kind = WORKLOAD_UNIT};
	struct instance instance = {.workload = &unit, .pid = 999};
	struct process a, b;

	(void)state;
	fake_process(&a, 1, &instance, &b, "/bin/a");
	fake_process(&b, 2, &instance, &a, "/bin/b");
	assert_non_null(subtree_root(&a));
}

/* Incidents ---------------------------------------------------------------------------------- */

static void a_shell_and_its_children_are_one_incident(void **state)
{
	struct bench *b = *state;
	const struct record_incident *told = deviate(b, 0, &b->shell, &b->exec, "/bin/dash");
	struct record_incident *last;
	uint64_t id;

	assert_non_null(told);
	id = told->id;
	assert_int_equal(id, 1);
	assert_true(told->is_open && told->above_threshold);
	assert_int_equal(told->root.pid, 200);
	assert_int_equal(told->root.lineage[0].pid, 100);
	assert_int_equal(b->score.incident_id, id);

	happen(b, 1, &b->shell, &b->file_read, 0, KEY("/bin/dash", "/etc", "shadow"),
	       make_alert(1, PRIORITY_WARNING, "Sensitive file read"));
	assert_int_equal(b->score.incident_id, id);
	assert_int_equal(b->alerts[0]->incident, id);
	deviate(b, 2, &b->tool, &b->connect, "127.0.0.1:4444");
	assert_int_equal(b->score.incident_id, id);
	pass_time(b, 3);
	last = b->incident_records[b->n_incidents - 1];
	assert_int_equal(last->id, id);
	assert_int_equal(last->n_anomalies, 3);
	assert_int_equal(last->n_alerts, 1);
	assert_true(last->return_period_s >= 20);
	assert_true(last->bits > 15);
	assert_non_null(memmem(last->summary.ptr, last->summary.len, "Sensitive file read", 19));
	for (uint32_t i = 0; i < b->n_anomalies; i++)
		assert_int_equal(b->anomalies[i]->incident, id);
	assert_true(b->n_anomalies >= 3);
}

static void unrelated_processes_do_not_join(void **state)
{
	struct bench *b = *state;
	struct record_alert *alert = make_alert(1, PRIORITY_CRITICAL, "rule");
	uint64_t id;

	deviate(b, 0, &b->shell, &b->exec, "/bin/dash");
	id = b->score.incident_id;
	assert_int_not_equal(id, 0);
	happen(b, 1, &b->redis, NULL, -1, NULL, alert);
	assert_int_equal(alert->incident, 0);
	assert_int_equal(b->score.incident_id, 0);
	deviate(b, 1, &b->other, &b->exec, "/usr/bin/other");
	assert_int_not_equal(b->score.incident_id, id);
	deviate(b, 2, &b->stranger, &b->exec, "/bin/dash");
	assert_int_not_equal(b->score.incident_id, id);
	assert_int_equal(incidents_find(b->incidents, &b->tool, START_NS + 3 * NS), id);
	assert_int_equal(incidents_find(b->incidents, &b->worker, START_NS + 3 * NS), 0);
}

static void what_opens_an_incident(void **state)
{
	static const struct {
		const char *name;
		uint32_t age; /* of the baseline: decides the claim */
		bool is_learning;
		bool deviates, has_alert;
		enum alert_priority priority;
		bool want;
	} rows[] = {
		{"an anomaly above the threshold", 180, false, true, false, 0, true},
		{"a deviation below it", 20, false, true, false, 0, false},
		{"a warning alone", 180, false, false, true, PRIORITY_WARNING, false},
		{"a warning with a deviation", 20, false, true, true, PRIORITY_WARNING, true},
		{"a notice with a deviation", 20, false, true, true, PRIORITY_NOTICE, false},
		{"a warning with hardly a deviation", 1, false, true, true, PRIORITY_WARNING,
		 false},
		{"a level that is not ready", 180, true, true, false, 0, false},
		{"a warning with a level that is not ready", 180, true, true, true,
		 PRIORITY_WARNING, false},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct process process;
		const struct record_incident *told;
		char name[16];

		snprintf(name, sizeof(name), "/bin/%zu", i);
		fake_process(&process, 500 + (int)i, &b->instance, &b->redis, name);
		fake_profile(&b->exec, &b->workload, "exec", rows[i].age, 1);
		b->exec.streams[0].is_ready = !rows[i].is_learning;
		told = happen(b, i * 10.0, &process, rows[i].deviates ? &b->exec : NULL, 0,
			      KEY(name),
			      rows[i].has_alert ? make_alert(i, rows[i].priority, "rule") : NULL);
		if ((told != NULL) != rows[i].want)
			fail_msg("%s: %s", rows[i].name, told ? "opened" : "did not open");
	}
}

static void what_came_before_is_pulled_in(void **state)
{
	struct bench *b = *state;
	uint32_t n_before;

	/* A notice, then a weak deviation, then the one above the threshold. */
	happen(b, 0, &b->shell, NULL, -1, NULL, make_alert(11, PRIORITY_NOTICE, "first"));
	fake_profile(&b->file_read, &b->workload, "file.read", 20, 1);
	happen(b, 1, &b->shell, &b->file_read, 0, KEY("/bin/dash"), NULL);
	assert_int_equal(b->score.incident_id, 0);
	pass_time(b, 3);
	n_before = b->n_alerts;
	assert_int_equal(b->n_incidents, 0);
	assert_int_equal(b->n_anomalies, 1);
	assert_int_equal(b->anomalies[0]->incident, 0);

	assert_non_null(deviate(b, 4, &b->tool, &b->exec, "/usr/bin/curl"));
	assert_int_equal(b->n_alerts, n_before + 1);
	assert_int_equal(b->alerts[n_before]->id, 11);
	assert_int_equal(b->alerts[n_before]->incident, 1);
	pass_time(b, 6);
	assert_int_equal(b->incident_records[b->n_incidents - 1]->from_ns, START_NS);
	assert_int_equal(b->incident_records[b->n_incidents - 1]->n_anomalies, 2);
	assert_int_equal(b->incident_records[b->n_incidents - 1]->n_alerts, 1);
	for (uint32_t i = 1; i < b->n_anomalies; i++)
		assert_int_equal(b->anomalies[i]->incident, 1);
	assert_int_equal(b->n_anomalies, 3); /* the first one again, with its incident */
}

static void repeats_add_nothing(void **state)
{
	struct bench *b = *state;
	struct record_incident *last;
	double bits;

	deviate(b, 0, &b->shell, &b->exec, "/bin/dash");
	pass_time(b, 1);
	bits = b->incident_records[b->n_incidents - 1]->bits;
	for (int i = 0; i < 1000; i++)
		assert_null(deviate(b, 1 + i * 1e-3, &b->shell, &b->exec, "/bin/dash"));
	pass_time(b, 5);
	last = b->incident_records[b->n_incidents - 1];
	assert_true(last->bits == bits);
	assert_int_equal(last->n_anomalies, 1);
	assert_in_range(b->n_incidents, 1, 3);
}

static void further_values_pay_less_and_less(void **state)
{
	struct bench *b = *state;
	double first, after_nine;

	deviate(b, 0, &b->shell, &b->exec, "/bin/0");
	pass_time(b, 0.2);
	first = b->incident_records[b->n_incidents - 1]->bits;
	for (int i = 1; i < 9; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/bin/%d", i);
		deviate(b, i, &b->shell, &b->exec, name);
	}
	pass_time(b, 10);
	after_nine = b->incident_records[b->n_incidents - 1]->bits;
	assert_true(fabs(after_nine - first - 8) < 1e-9);
	for (int i = 9; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/bin/%d", i);
		deviate(b, i, &b->shell, &b->exec, name);
	}
	pass_time(b, 301);
	assert_true(b->incident_records[b->n_incidents - 1]->bits == after_nine);
}

static void growth_is_told_tenfold(void **state)
{
	struct bench *b = *state;
	const struct record_incident *told;
	uint32_t n_told = 0;
	double last_s;

	fake_profile(&b->exec, &b->workload, "exec", 3000, 1);
	fake_profile(&b->file_read, &b->workload, "file.read", 3000, 1);
	fake_profile(&b->connect, &b->workload, "net.connect", 3000, 1);
	b->exec.streams[0].rate_per_epoch = b->exec.streams[0].rate_per_epoch * 20;
	b->exec.child_epochs = 100;
	told = deviate(b, 0, &b->shell, &b->exec, "/bin/dash");
	assert_non_null(told);
	last_s = told->return_period_s;
	for (int i = 0; i < 40; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/etc/%d", i);
		told = happen(b, 1 + i, &b->shell, i % 2 ? &b->file_read : &b->connect,
			      (int8_t)(i / 10), KEY("a", "b", "c", name), NULL);
		if (!told)
			continue;
		n_told++;
		assert_true(told->return_period_s >= 10 * last_s);
		last_s = told->return_period_s;
	}
	assert_in_range(n_told, 1, 3);
}

static void closes_when_quiet_and_teaches(void **state)
{
	struct bench *b = *state;
	struct incident_counters counters;
	double first_s, later_s;

	fake_profile(&b->exec, &b->workload, "exec", 2000, 1);
	first_s = deviate(b, 0, &b->shell, &b->exec, "/bin/dash")->return_period_s;
	pass_time(b, 899);
	incidents_counters(b->incidents, &counters);
	assert_int_equal(counters.open, 1);
	pass_time(b, 901);
	incidents_counters(b->incidents, &counters);
	assert_int_equal(counters.open, 0);
	assert_int_equal(counters.episodes, 0);
	assert_false(b->incident_records[b->n_incidents - 1]->is_open);
	/* The next one like it is less of a surprise. */
	later_s = deviate(b, 1000, &b->other, &b->exec, "/bin/other")->return_period_s;
	assert_true(later_s < 0.7 * first_s);
}

static void what_a_rule_speaks_against_teaches_nothing(void **state)
{
	struct bench *b = *state;
	double first_s, later_s;

	fake_profile(&b->exec, &b->workload, "exec", 2000, 1);
	first_s = happen(b, 0, &b->shell, &b->exec, 0, KEY("/bin/dash"),
			 make_alert(1, PRIORITY_WARNING, "rule"))
			  ->return_period_s;
	pass_time(b, 901);
	later_s = deviate(b, 1000, &b->other, &b->exec, "/bin/other")->return_period_s;
	assert_true(fabs(later_s - first_s) < 1e-6 * first_s);
}

static void lasts_no_longer_than_four_windows(void **state)
{
	struct bench *b = *state;
	uint64_t first;

	deviate(b, 0, &b->shell, &b->exec, "/bin/dash");
	first = b->score.incident_id;
	for (int i = 1; i <= 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/bin/%d", i);
		deviate(b, i * 800.0, &b->shell, &b->exec, name);
		pass_time(b, i * 800.0);
	}
	assert_int_not_equal(b->score.incident_id, first);
	assert_int_not_equal(b->score.incident_id, 0);
}

static void episodes_are_bounded(void **state)
{
	struct bench *b = *state;
	struct incident_counters counters;

	fake_profile(&b->exec, &b->workload, "exec", 20, 1);
	for (int i = 0; i < 2000; i++) {
		struct process process;
		char name[16];

		snprintf(name, sizeof(name), "/bin/%d", i);
		fake_process(&process, 1000 + i, &b->instance, &b->redis, name);
		deviate(b, i * 1e-3, &process, &b->exec, name);
	}
	incidents_counters(b->incidents, &counters);
	assert_int_equal(counters.episodes, 512);
	assert_int_equal(counters.evicted_total, 2000 - 512);
	assert_int_equal(counters.open, 0);
}

static void incidents_are_not_pushed_out(void **state)
{
	struct bench *b = *state;
	struct incident_counters counters;

	for (int i = 0; i < 600; i++) {
		struct process process;
		char name[16];

		snprintf(name, sizeof(name), "/bin/%d", i);
		fake_process(&process, 1000 + i, &b->instance, &b->redis, name);
		deviate(b, i * 1e-3, &process, &b->exec, name);
	}
	incidents_counters(b->incidents, &counters);
	assert_int_equal(counters.open, 512);
	assert_int_equal(counters.evicted_total, 600 - 512);
}

static void survives_a_restart(void **state)
{
	struct bench *b = *state;
	struct record_blob *image;
	uint64_t id;

	deviate(b, 0, &b->shell, &b->exec, "/bin/dash");
	id = b->score.incident_id;
	pass_time(b, 1);
	image = incidents_image(b->incidents);
	assert_non_null(image);
	assert_null(incidents_image(b->incidents));
	incidents_destroy(&b->incidents);
	assert_int_equal(incidents_create(&b->incidents, &trial, 1), 0);
	incidents_bind(b->incidents, b->scorer, keep_alert, b);
	assert_int_equal(incidents_load_image(b->incidents, image), 0);
	record_free(image);

	happen(b, 5, &b->shell, &b->file_read, 0, KEY("/etc"), NULL);
	assert_int_equal(b->score.incident_id, id);
	pass_time(b, 6);
	assert_int_equal(b->incident_records[b->n_incidents - 1]->id, id);
	assert_int_equal(b->incident_records[b->n_incidents - 1]->n_anomalies, 2);
	assert_int_equal(b->incident_records[b->n_incidents - 1]->from_ns, START_NS);
	deviate(b, 7, &b->other, &b->exec, "/usr/bin/other");
	assert_int_equal(b->score.incident_id, id + 1);
}

static void damaged_images_are_refused(void **state)
{
	struct bench *b = *state;
	struct record_blob *image;
	uint64_t random = 7;
	char *bytes;

	deviate(b, 0, &b->shell, &b->exec, "/bin/dash");
	deviate(b, 1, &b->other, &b->exec, "/bin/other");
	pass_time(b, 2);
	image = incidents_image(b->incidents);
	bytes = (char *)image->bytes.ptr;
	for (uint32_t len = 0; len < image->bytes.len; len += 11) {
		struct record_blob cut = {.bytes = {bytes, len}};

		assert_int_equal(incidents_load_image(b->incidents, &cut), -EBADMSG);
	}
	for (int i = 0; i < 2000; i++) {
		uint32_t at = (uint32_t)(sim_random(&random) * image->bytes.len);
		char old = bytes[at];

		bytes[at] = (char)(old ^ (1 << (i % 8)));
		assert_int_equal(incidents_load_image(b->incidents, image), -EBADMSG);
		bytes[at] = old;
	}
	assert_int_equal(incidents_find(b->incidents, &b->shell, START_NS + 3 * NS), 1);
	record_free(image);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_root_of_a_subtree),
		cmocka_unit_test(a_loop_of_creators_ends),
		WITH_BENCH(a_shell_and_its_children_are_one_incident),
		WITH_BENCH(unrelated_processes_do_not_join),
		WITH_BENCH(what_opens_an_incident),
		WITH_BENCH(what_came_before_is_pulled_in),
		WITH_BENCH(repeats_add_nothing),
		WITH_BENCH(further_values_pay_less_and_less),
		WITH_BENCH(growth_is_told_tenfold),
		WITH_BENCH(closes_when_quiet_and_teaches),
		WITH_BENCH(what_a_rule_speaks_against_teaches_nothing),
		WITH_BENCH(lasts_no_longer_than_four_windows),
		WITH_BENCH(episodes_are_bounded),
		WITH_BENCH(incidents_are_not_pushed_out),
		WITH_BENCH(survives_a_restart),
		WITH_BENCH(damaged_images_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
