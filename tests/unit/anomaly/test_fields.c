#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "anomaly/incidents.h"
#include "base/util.h"
#include "fake_profiles.h"

/* An event with two deviations, the second in a workload that is known; and an incident. */
struct bench {
	struct arena arena;
	struct workload workload;
	struct instance instance;
	struct process process;
	struct profile exec, connect;
	struct event event;
	struct subject subject;
	struct sightings sightings;
	struct score score;
	struct record_incident incident;
	struct field_context ctx;
};

static void fill_score(struct bench *b)
{
	static const char *const exec_key[] = {"/bin/dash", "-c", NULL};
	static const char *const connect_key[] = {"tcp", "127.0.0.1", "4444", NULL};

	b->sightings.n = 3;
	b->sightings.items[0] = fake_sighting(&b->exec, -1, exec_key);
	b->sightings.items[1] = fake_sighting(&b->exec, 0, exec_key);
	b->sightings.items[2] = fake_sighting(&b->connect, 2, connect_key);
	b->sightings.items[1].dimension = 1;
	b->sightings.items[2].dimension = 2;
	b->score = (struct score){.n = 3, .sightings = &b->sightings, .incident_id = 7};
	b->score.items[1] = (struct deviation){.is_deviation = true,
					       .dimension = TEXT("exec"),
					       .level = 0,
					       .bits = 9,
					       .return_period_s = 512,
					       .basis_s = 1000,
					       .is_capped = true,
					       .is_above_threshold = true,
					       .anomaly_id = 42};
	b->score.items[2] = (struct deviation){.is_deviation = true,
					       .dimension = TEXT("net.connect"),
					       .level = 2,
					       .bits = 4,
					       .return_period_s = 16,
					       .basis_s = 900,
					       .is_repeat = true};
}

static int set_up(void **state)
{
	static struct bench b;

	b = (struct bench){0};
	assert_int_equal(arena_init(&b.arena, 65536), 0);
	b.workload = (struct workload){
		.id = 0xabc, .name = TEXT("unit:redis-server.service"), .kind = WORKLOAD_UNIT};
	b.instance = (struct instance){.id = TEXT("one"), .workload = &b.workload, .pid = 1};
	fake_process(&b.process, 5, &b.instance, NULL, "/bin/dash");
	fake_profile(&b.exec, &b.workload, "exec", 100, 1);
	fake_profile(&b.connect, &b.workload, "net.connect", 100, 1);
	b.exec.view.is_ready = true;
	b.connect.count = 17;
	fill_score(&b);
	b.incident = (struct record_incident){.id = 7,
					      .from_ns = 1000,
					      .to_ns = 2000,
					      .workload_name = TEXT("unit:redis-server.service"),
					      .bits = 21.5,
					      .return_period_s = 86400,
					      .above_threshold = true,
					      .n_anomalies = 3,
					      .n_alerts = 2,
					      .summary = TEXT("what happened"),
					      .root = {.pid = 5, .exe = TEXT("/bin/dash")}};
	b.event = (struct event){.ts_ns = 5000};
	b.subject = (struct subject){.process = &b.process};
	b.ctx = (struct field_context){.event = &b.event,
				       .subject = &b.subject,
				       .score = &b.score,
				       .incident = &b.incident,
				       .arena = &b.arena,
				       .first_event_ns = 2000};
	*state = &b;
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&((struct bench *)*state)->arena);
	return 0;
}

static const struct field *find(const char *name)
{
	struct field_table table = anomaly_field_table();

	for (uint32_t i = 0; i < table.n; i++) {
		if (strcmp(table.fields[i].name, name) == 0)
			return &table.fields[i];
	}
	return NULL;
}

static struct field_arg argument(const char *text, int64_t index)
{
	struct field_arg arg = {.is_given = text || index >= 0};

	arg.text = text_from(text);
	arg.is_index = index >= 0;
	arg.index = index;
	return arg;
}

/* One row a field, in each of its forms. */
static void every_field_gives_its_value(void **state)
{
	enum { NUMBER, REAL, WORDS, ABSENT };
	static const struct {
		const char *name, *arg;
		int64_t index; /* -1: none */
		int kind;
		double number;
		const char *words;
	} rows[] = {
		{"anomaly.return_period_s", NULL, -1, REAL, 512, NULL},
		{"anomaly.return_period_s", "net.connect", -1, REAL, 16, NULL},
		{"anomaly.return_period_s", "file.read", -1, ABSENT, 0, NULL},
		{"anomaly.bits", NULL, -1, REAL, 9, NULL},
		{"anomaly.basis_s", "net.connect", -1, REAL, 900, NULL},
		{"anomaly.capped", NULL, -1, NUMBER, 1, NULL},
		{"anomaly.dimension", NULL, -1, WORDS, 0, "exec"},
		{"anomaly.level", NULL, -1, NUMBER, 0, NULL},
		{"anomaly.level", "net.connect", -1, NUMBER, 2, NULL},
		{"anomaly.novel", NULL, -1, NUMBER, 1, NULL},
		{"anomaly.above_threshold", NULL, -1, NUMBER, 1, NULL},
		{"anomaly.above_threshold", "net.connect", -1, NUMBER, 0, NULL},
		{"anomaly.repeat", "net.connect", -1, NUMBER, 1, NULL},
		{"anomaly.id", NULL, -1, WORDS, 0, "a42"},
		{"anomaly.id", "net.connect", -1, ABSENT, 0, NULL},
		{"anomaly.key", NULL, -1, WORDS, 0, "/bin/dash > -c"},
		{"anomaly.key", NULL, 1, WORDS, 0, "-c"},
		{"anomaly.key", NULL, 2, ABSENT, 0, NULL},
		{"anomaly.incident", NULL, -1, WORDS, 0, "i7"},
		{"workload.name", NULL, -1, WORDS, 0, "unit:redis-server.service"},
		{"workload.id", NULL, -1, WORDS, 0, "0000000000000abc"},
		{"workload.kind", NULL, -1, WORDS, 0, "unit"},
		{"workload.instance", NULL, -1, WORDS, 0, "one"},
		{"workload.state", NULL, -1, WORDS, 0, "ready"},
		{"workload.coverage", NULL, -1, REAL, 0.99, NULL},
		{"incident.id", NULL, -1, WORDS, 0, "i7"},
		{"incident.return_period_s", NULL, -1, REAL, 86400, NULL},
		{"incident.bits", NULL, -1, REAL, 21.5, NULL},
		{"incident.anomalies", NULL, -1, NUMBER, 3, NULL},
		{"incident.alerts", NULL, -1, NUMBER, 2, NULL},
		{"incident.above_threshold", NULL, -1, NUMBER, 1, NULL},
		{"incident.workload", NULL, -1, WORDS, 0, "unit:redis-server.service"},
		{"incident.summary", NULL, -1, WORDS, 0, "what happened"},
		{"incident.root.pid", NULL, -1, NUMBER, 5, NULL},
		{"incident.root.exe", NULL, -1, WORDS, 0, "/bin/dash"},
		{"incident.from", NULL, -1, NUMBER, 1000, NULL},
		{"incident.to", NULL, -1, NUMBER, 2000, NULL},
		{"anomaly.count_min_sketch", NULL, 2, NUMBER, 18, NULL},
		{"anomaly.count_min_sketch", NULL, 9, ABSENT, 0, NULL},
		{"anomaly.count_min_sketch.profile", NULL, 2, WORDS, 0, "tcp > 127.0.0.1 > 4444"},
		{"anomaly.count_min_sketch.profile", NULL, 9, ABSENT, 0, NULL},
		{"anomaly.falco.duration_ns", NULL, -1, NUMBER, 3000, NULL},
	};
	struct bench *b = *state;
	struct field_table table = anomaly_field_table();
	bool is_tested[64] = {false};

	assert_true(table.n <= ARRAY_SIZE(is_tested));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct field *field = find(rows[i].name);
		struct field_arg arg = argument(rows[i].arg, rows[i].index);
		struct values values = {0};
		bool got;

		assert_non_null(field);
		is_tested[field - table.fields] = true;
		got = field->extract(&b->ctx, field, &arg, &values);
		if (got != (rows[i].kind != ABSENT))
			fail_msg("row %zu, %s: present %d", i, rows[i].name, got);
		if (!got)
			continue;
		assert_int_equal(values.n, 1);
		assert_int_equal(values.items[0].type, field->type);
		if ((rows[i].kind == NUMBER && values.items[0].i64 != (int64_t)rows[i].number) ||
		    (rows[i].kind == REAL && values.items[0].f64 != rows[i].number) ||
		    (rows[i].kind == WORDS &&
		     !text_equal(values.items[0].text, text_from(rows[i].words))))
			fail_msg("row %zu, %s: other value", i, rows[i].name);
	}
	for (uint32_t i = 0; i < table.n; i++) {
		if (!is_tested[i])
			fail_msg("no row for %s", table.fields[i].name);
		assert_true(strlen(table.fields[i].description) > 10);
	}
}

static void nothing_to_say_is_absent(void **state)
{
	struct bench *b = *state;
	struct field_table table = anomaly_field_table();
	struct field_context empty = {.event = &b->event, .arena = &b->arena};

	for (uint32_t i = 0; i < table.n; i++) {
		struct field_arg arg = argument(NULL, -1);
		struct values values;

		assert_false(table.fields[i].extract(&empty, &table.fields[i], &arg, &values));
	}
}

static void a_full_arena_makes_absent(void **state)
{
	struct bench *b = *state;
	struct field_table table = anomaly_field_table();

	while (arena_alloc(&b->arena, 1))
		continue;
	for (uint32_t i = 0; i < table.n; i++) {
		struct field_arg arg = argument(NULL, -1);
		struct values values;

		assert_false(table.fields[i].extract(&b->ctx, &table.fields[i], &arg, &values));
	}
}

static void indices_are_checked(void **state)
{
	const struct field *key = find("anomaly.key");
	struct field_arg good = argument(NULL, 3), none = argument(NULL, -1);
	struct field_arg bad = argument("name", -1);

	(void)state;
	assert_int_equal(key->check_arg(key, &good), 0);
	assert_int_equal(key->check_arg(key, &none), 0);
	assert_int_not_equal(key->check_arg(key, &bad), 0);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_BENCH(every_field_gives_its_value),
		WITH_BENCH(nothing_to_say_is_absent),
		WITH_BENCH(a_full_arena_makes_absent),
		cmocka_unit_test(indices_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
