/* Scratch databases and records to put into them. Before this: cmocka and what it needs. */
#pragma once

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "storage/queries.h"
#include "storage/store.h"

#define SAMPLE_TIME UINT64_C(1795176000000000000) /* 2026-11-20T12:00:00Z */
#define SECOND UINT64_C(1000000000)

struct sample {
	char dir[64];
	char path[96];
	struct store_config config;
};

static inline void sample_create(struct sample *sample)
{
	snprintf(sample->dir, sizeof(sample->dir), "/tmp/ethogram-test-XXXXXX");
	assert_non_null(mkdtemp(sample->dir));
	snprintf(sample->path, sizeof(sample->path), "%s/e.db", sample->dir);
	sample->config = (struct store_config){
		.path = sample->path,
		.checkpoint_s = 10,
		.retention_days = 36500,
		.history_bytes = 64 << 20,
	};
}

static inline void sample_destroy(struct sample *sample)
{
	DIR *dir = opendir(sample->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(sample->dir), 0);
}

/* For a test that gets a sample as its state. */
static inline int sample_setup(void **state)
{
	struct sample *sample = malloc(sizeof(*sample));

	assert_non_null(sample);
	sample_create(sample);
	*state = sample;
	return 0;
}

static inline int sample_teardown(void **state)
{
	sample_destroy(*state);
	free(*state);
	return 0;
}

static inline struct store *sample_open(struct sample *sample)
{
	struct store *store = NULL;

	assert_int_equal(store_open(&store, &sample->config), 0);
	return store;
}

/* Run SQL as a stranger would. */
static inline void sample_sql(const struct sample *sample, const char *sql)
{
	sqlite3 *db = NULL;
	char *message = NULL;

	assert_int_equal(sqlite3_open(sample->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

static inline int64_t sample_number(const struct sample *sample, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	int64_t number;

	assert_int_equal(sqlite3_open(sample->path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return number;
}

static inline struct record_anomaly sample_anomaly(uint64_t id)
{
	struct record_anomaly a = {
		.id = id,
		.first_ns = SAMPLE_TIME + id * SECOND,
		.last_ns = SAMPLE_TIME + id * SECOND,
		.occurrences = 1,
		.workload_id = 0xfedcba9876543210,
		.workload_name = TEXT("unit:nginx.service"),
		.instance = TEXT("inv1"),
		.dimension = TEXT("exec"),
		.key = {3, {TEXT("/usr/sbin/nginx"), TEXT("/bin/sh"), TEXT("-c <text>")}},
		.level = 1,
		.novel = true,
		.return_period_s = 1000.0 * (double)id,
		.return_period_basis_s = 86400,
		.above_threshold = true,
		.bits = 12.5,
		.coverage = 0.97,
		.reason = TEXT("nginx never ran /bin/sh"),
		.n_usual = 1,
		.process = {.pid = 4711,
			    .start_time_ns = SAMPLE_TIME,
			    .exe = TEXT("/bin/sh"),
			    .cmdline = TEXT("sh -c id"),
			    .user = TEXT("www-data"),
			    .n_lineage = 1},
		.event_type = EVENT_EXECVE,
		.event_num = 99,
		.event_args = TEXT("res=0"),
		.quality = {.complete = true},
		.n_levels = 2,
		.population_factor = 1,
		.formula = TEXT("mean of both"),
	};

	a.usual[0].key = (struct record_key){1, {TEXT("/usr/sbin/nginx")}};
	a.usual[0].frequency = 0.5;
	a.process.lineage[0].pid = 1;
	a.process.lineage[0].exe = TEXT("/sbin/init");
	a.levels[0] = (struct record_level){true, 0.001, 0, 0};
	a.levels[1] = (struct record_level){false, 0.0001, 12.5, 5000};
	return a;
}

static inline struct record_alert sample_alert(uint64_t id)
{
	return (struct record_alert){
		.id = id,
		.ts_ns = SAMPLE_TIME + id * SECOND,
		.priority = PRIORITY_WARNING,
		.rule = TEXT("Shell in a service"),
		.source = TEXT("syscall"),
		.message = TEXT("a shell (user=root)"),
		.tags = TEXT("shell mitre_execution"),
		.output_fields = TEXT("{\"evt.time\":1795176000123456789,\"proc.name\":\"sh\"}"),
		.workload_id = 0xfedcba9876543210,
		.workload_name = TEXT("unit:nginx.service"),
		.pid = 4711,
	};
}

/* Of alert id and, each third, of an anomaly of the same id. */
static inline struct record_event sample_event(uint64_t id)
{
	struct record_event event = {
		.id = id,
		.ts_ns = SAMPLE_TIME + id * SECOND,
		.workload_id = 0xfedcba9876543210,
		.workload_name = TEXT("unit:nginx.service"),
		.type = TEXT("open"),
		.nr = 2,
		.reason = EVENT_OF_ALERT,
		.span = 1,
		.n_owners = id % 3 == 0 ? 2 : 1,
		.fields = TEXT("{\"evt.type\":\"open\",\"fd.name\":\"/etc/shadow\"}"),
		.cut = TEXT("proc.env"),
	};

	for (unsigned i = 0; i < event.n_owners; i++) {
		event.owners[i].letter = i ? 'a' : 'l';
		event.owners[i].id = id;
	}
	return event;
}

static inline struct record_incident sample_incident(uint64_t id)
{
	return (struct record_incident){
		.id = id,
		.from_ns = SAMPLE_TIME + id * SECOND,
		.to_ns = SAMPLE_TIME + id * SECOND + 5 * SECOND,
		.is_open = true,
		.workload_id = 0xfedcba9876543210,
		.workload_name = TEXT("unit:nginx.service"),
		.bits = 30,
		.return_period_s = 1e6,
		.n_anomalies = 1,
		.summary = TEXT("nginx ran a shell"),
		.root = {.pid = 4711, .exe = TEXT("/bin/sh")},
	};
}

static inline void push_anomaly(struct writer *writer, const struct record_anomaly *anomaly)
{
	writer_push(writer, WRITE_ANOMALY, record_anomaly_copy(anomaly));
}

static inline void push_alert(struct writer *writer, const struct record_alert *alert)
{
	writer_push(writer, WRITE_ALERT, record_alert_copy(alert));
}

static inline void push_event(struct writer *writer, const struct record_event *event)
{
	writer_push(writer, WRITE_EVENT, record_event_copy(event));
}

static inline void push_incident(struct writer *writer, const struct record_incident *incident)
{
	writer_push(writer, WRITE_INCIDENT, record_incident_copy(incident));
}

static inline void push_blob(struct writer *writer, enum write_kind kind, uint64_t workload,
			     uint64_t sequence, struct text bytes)
{
	struct record_blob blob = {workload, sequence, bytes};

	writer_push(writer, kind, record_blob_copy(&blob));
}
