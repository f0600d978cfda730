#include "tests/api/made_up.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define S UINT64_C(1000000000)
#define NOW MADE_UP_NOW_NS
#define ALERTS 25
#define BEHAVIOURS 250 /* whose texts are stored */

/* What a process may call itself: a clear screen, a fake line, quotes, bytes that are no UTF-8, a
 * backslash, a direction override, a NUL. */
static const char hostile[] = "\x1b[2Jevil\n\"quoted\" \xff\xfe \\back \xe2\x80\xae txt\0end";
#define HOSTILE ((struct text){hostile, sizeof(hostile) - 1})

enum made_up_data made_up_by_name(const char *name)
{
	static const char *const names[] = {"usual", "empty", "hostile", "large"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0)
			return (enum made_up_data)i;
	}
	return MADE_UP_USUAL;
}

static struct text pick(enum made_up_data data, struct text usual)
{
	return data == MADE_UP_HOSTILE ? HOSTILE : usual;
}

static void answer_status(struct snapshot_status *status, enum made_up_data data)
{
	*status = (struct snapshot_status){
		.now_ns = NOW,
		.started_ns = NOW - 3600 * S,
		.threshold_s = 28800,
		.cpu_s = 1.25,
		.n_memory_parts = 2,
		.memory_parts = {{"profiles", 1 << 20}, {"state", 2 << 20}},
	};
	strcpy(status->capture.source, "live");
	status->capture.ring_bytes = 16 << 20;
	if (data == MADE_UP_EMPTY)
		return;
	status->last_event_ns = NOW - S / 2;
	status->capture.events_total = (UINT64_C(1) << 53) - 1;
	status->capture.events_per_s = 1234.5;
	status->capture.dropped_total = 7;
	status->capture.by_type[EVENT_OPENAT].seen = 1000;
	status->capture.by_type[EVENT_OPENAT].dropped = 7;
	status->capture.by_type[EVENT_EXECVE].seen = 5;
	status->state.processes = 20;
	status->profiles.workloads = 3;
	status->profiles.ready = 1;
	status->profiles.learned_today = 14;
	status->writer.queue = 3;
	status->writer.queue_max = 65536;
	status->rules.loaded = 3;
	status->anomalies_total = 30;
	status->incidents_total = 2;
}

static void fill_head(struct snapshot_pool *pool, struct snapshot_workload_head *head, uint64_t id,
		      const char *name)
{
	*head = (struct snapshot_workload_head){
		.id = id,
		.name = snapshot_text(pool, text_from(name)),
		.kind = WORKLOAD_UNIT,
		.state = READY,
		.coverage = 0.97,
		.basis_s = 10800,
		.behaviours = 250,
		.pending = 3,
		.quarantined = 1,
		.first_seen_ns = NOW - 10800 * S,
		.last_seen_ns = NOW - S,
		.quality = {.complete = true, .missing_fields = TEXT("")},
	};
}

static void fill_nginx(struct snapshot_pool *pool, struct snapshot_workload_head *head)
{
	fill_head(pool, head, MADE_UP_NGINX, "image:docker.io/library/nginx");
	head->kind = WORKLOAD_IMAGE;
	head->state = LEARNING;
	head->coverage = NAN;
	head->has_eta = true;
	head->eta_low_s = 7200;
	head->eta_high_s = 18000;
	head->quality = (struct record_quality){
		.lost_events = 9,
		.sketch_estimated = true,
		.missing_fields = snapshot_text(pool, TEXT("proc.cwd user.name")),
	};
	head->instances = snapshot_alloc(pool, 1, sizeof(*head->instances));
	head->versions = snapshot_alloc(pool, 1, sizeof(*head->versions));
	head->n_instances = 1;
	head->n_versions = 1;
	head->instances[0] = (struct snapshot_instance){
		.id = snapshot_text(pool, TEXT("4f1d0c")), .pid = 321, .since_ns = NOW - 60 * S};
	head->versions[0].tag = snapshot_text(pool, TEXT("1.25"));
	head->versions[0].first_seen_ns = NOW - 10800 * S;
}

static void answer_workloads(struct snapshot_workloads *out, enum made_up_data data)
{
	char name[64];

	out->n = data == MADE_UP_EMPTY ? 0 : data == MADE_UP_LARGE ? 2500 : 3;
	out->items = snapshot_alloc(&out->pool, out->n, sizeof(*out->items));
	for (uint32_t i = 2; i < out->n; i++) {
		snprintf(name, sizeof(name), "exe:/opt/service-%u", i);
		fill_head(&out->pool, &out->items[i], 1000 + i, name);
		out->items[i].kind = WORKLOAD_EXE;
	}
	if (out->n) {
		fill_head(&out->pool, &out->items[0], MADE_UP_REDIS, "unit:redis-server.service");
		fill_nginx(&out->pool, &out->items[1]);
	}
	if (data == MADE_UP_HOSTILE)
		out->items[2].name = snapshot_text(&out->pool, HOSTILE);
}

static void fill_dimension(struct snapshot_pool *pool, struct snapshot_dimension *dimension,
			   const char *name)
{
	*dimension = (struct snapshot_dimension){
		.name = snapshot_text(pool, text_from(name)),
		.state = LEARNING,
		.coverage = 0.9,
		.active_epochs = 40,
		.behaviours = 250,
		.incidences = 4000,
		.n_levels = 2,
		.levels = {{0, READY, 1e-6, 3e-6, 90000}, {1, LEARNING, 1e-3, 2e-3, INFINITY}},
		.is_count_min = true,
		.rows = 4,
		.columns = 1024,
		.bytes = 49152,
		.false_known = 1e-7,
		.n_discovery = 2,
		.discovery = {{1, 10}, {2, 15}},
		.n_reasons = 1,
		.reasons = {snapshot_text(pool, TEXT("level 1 finds news every 17 min"))},
	};
}

static int answer_workload(struct request *request, enum made_up_data data)
{
	struct snapshot_workload *out = &request->workload;

	if (data == MADE_UP_EMPTY || request->workload_id != MADE_UP_REDIS)
		return -ENOENT;
	fill_head(&out->pool, &out->head, MADE_UP_REDIS, "unit:redis-server.service");
	out->n_dimensions = 2;
	out->dimensions = snapshot_alloc(&out->pool, 2, sizeof(*out->dimensions));
	fill_dimension(&out->pool, &out->dimensions[0], "exec");
	fill_dimension(&out->pool, &out->dimensions[1], "file.read");
	return 0;
}

/* Two of three keys are known to the store alone. */
static int answer_behaviours(struct request *request, enum made_up_data data)
{
	struct snapshot_behaviours *out = &request->behaviours;

	if (data == MADE_UP_EMPTY || request->workload_id != MADE_UP_REDIS)
		return -ENOENT;
	out->n = data == MADE_UP_LARGE ? 30000 : 250;
	out->items = snapshot_alloc(&out->pool, out->n, sizeof(*out->items));
	for (uint32_t i = 0; i < out->n; i++) {
		struct snapshot_behaviour *item = &out->items[i];
		char path[64];

		item->dimension = snapshot_text(&out->pool, TEXT("file.read"));
		item->fingerprint = i + 1;
		item->events = 10 * (i + 1);
		item->incidences = i + 1;
		item->frequency = (double)(i % 50) / 50; /* many alike: pages must not lose any */
		item->last_seen_ns = NOW - i * S;
		if (i % 3)
			continue;
		snprintf(path, sizeof(path), "/var/lib/redis/%u", i);
		item->first_seen_ns = NOW - 5000 * S;
		item->key.n = 2;
		item->key.fields[0] = snapshot_text(&out->pool, TEXT("/usr/bin/redis-server"));
		item->key.fields[1] = snapshot_text(&out->pool, pick(data, text_from(path)));
	}
	return 0;
}

static int answer_pending(struct request *request, enum made_up_data data)
{
	struct snapshot_pending *out = &request->pending;

	if (data == MADE_UP_EMPTY || request->workload_id != MADE_UP_REDIS)
		return -ENOENT;
	out->n = 3;
	out->items = snapshot_alloc(&out->pool, out->n, sizeof(*out->items));
	for (uint32_t i = 0; i < out->n; i++) {
		out->items[i] = (struct snapshot_pending_item){
			.dimension = snapshot_text(&out->pool, TEXT("exec")),
			.key = {.n = 2,
				.fields = {snapshot_text(&out->pool, TEXT("/usr/bin/redis-server")),
					   snapshot_text(&out->pool, pick(data, TEXT("/bin/sh")))}},
			.first_seen_ns = NOW - (i + 1) * 60 * S,
			.last_seen_ns = NOW,
			.events = 2,
			.active_epochs = 1,
			.is_quarantined = i == 0,
			.anomaly = i == 0 ? 1 : 0,
			.due_ns = i == 0 ? 0 : NOW + 900 * S,
			.reason = snapshot_text(&out->pool, i ? TEXT_NONE : TEXT("part of i1")),
		};
	}
	return 0;
}

static void fill_process(struct snapshot_pool *pool, struct snapshot_process *process, int32_t pid,
			 int32_t ppid)
{
	*process = (struct snapshot_process){
		.pid = pid,
		.ppid = ppid,
		.start_time_ns = NOW - 7200 * S + (uint64_t)pid,
		.exe = snapshot_text(pool, TEXT("/usr/bin/redis-server")),
		.cmdline = snapshot_text(pool, TEXT("redis-server *:6379")),
		.user = snapshot_text(pool, TEXT("redis")),
		.workload = snapshot_text(pool, TEXT("unit:redis-server.service")),
	};
}

static void answer_processes(struct snapshot_processes *out, enum made_up_data data)
{
	out->n = data == MADE_UP_EMPTY ? 0 : data == MADE_UP_LARGE ? 20000 : 20;
	out->items = snapshot_alloc(&out->pool, out->n, sizeof(*out->items));
	for (uint32_t i = 0; i < out->n; i++) {
		int32_t pid = (int32_t)i + 1;
		/* A chain in the large one, else a tree of threes; one with an unknown parent. */
		int32_t ppid = data == MADE_UP_LARGE && i < 5000 ? pid - 1 : (pid + 1) / 3;

		fill_process(&out->pool, &out->items[i], pid,
			     out->n == 20 && pid == 20 ? 99999 : ppid);
	}
	if (out->n == 20) {
		out->items[4].exe = TEXT_NONE;
		out->items[4].cmdline = snapshot_text(&out->pool, pick(data, TEXT("sh -c 'a b'")));
		out->items[4].user = TEXT_NONE;
		out->items[4].workload = TEXT_NONE;
	}
}

static void answer_rules(struct snapshot_rules *out, enum made_up_data data)
{
	out->n = data == MADE_UP_EMPTY ? 0 : 3;
	out->items = snapshot_alloc(&out->pool, out->n, sizeof(*out->items));
	for (uint32_t i = 0; i < out->n; i++) {
		out->items[i] = (struct snapshot_rule){
			.name = snapshot_text(&out->pool, pick(data, TEXT("Shell from service"))),
			.description = snapshot_text(&out->pool, TEXT("A service made a shell.")),
			.source = snapshot_text(&out->pool, TEXT("syscall")),
			.condition = snapshot_text(&out->pool, TEXT("proc.name = sh")),
			.condition_source = snapshot_text(&out->pool, TEXT("proc.name = \"sh\"")),
			.output = snapshot_text(&out->pool, TEXT("shell %proc.cmdline")),
			.tags = snapshot_text(&out->pool, TEXT("shell service")),
			.priority = (enum alert_priority)i,
			.is_enabled = i != 2,
			.hits_total = i,
			.last_hit_ns = i ? NOW : 0,
			.file = i ? snapshot_text(&out->pool,
						  pick(data, TEXT("/etc/ethogram/rules/x.yaml")))
				  : TEXT_NONE,
			.line = i,
			.absent_fields =
				i ? snapshot_text(&out->pool, TEXT("k8smeta.pod.name evt.latency"))
				  : TEXT_NONE,
		};
	}
}

void made_up_answer(struct request *request, enum made_up_data data)
{
	request->result = 0;
	switch (request->kind) {
	case REQUEST_STATUS:
		answer_status(&request->status, data);
		break;
	case REQUEST_WORKLOADS:
		answer_workloads(&request->workloads, data);
		break;
	case REQUEST_WORKLOAD:
		request->result = answer_workload(request, data);
		break;
	case REQUEST_BEHAVIOURS:
		request->result = answer_behaviours(request, data);
		break;
	case REQUEST_PENDING:
		request->result = answer_pending(request, data);
		break;
	case REQUEST_PROCESSES:
		answer_processes(&request->processes, data);
		break;
	case REQUEST_RULES:
		answer_rules(&request->rules, data);
		break;
	default:
		request->result = -EINVAL;
		break;
	}
}

static struct record_process made_up_process(enum made_up_data data)
{
	struct record_process process = {
		.pid = 4711,
		.start_time_ns = NOW - 100 * S,
		.uid = 103,
		.exe = TEXT("/bin/cat"),
		.cmdline = pick(data, TEXT("cat /etc/shadow")),
		.user = TEXT("redis"),
		.n_lineage = 2,
	};

	process.lineage[0].pid = 4710;
	process.lineage[0].exe = TEXT("/bin/sh");
	process.lineage[1].pid = 321;
	process.lineage[1].exe = TEXT("/usr/bin/redis-server");
	return process;
}

static void push_anomaly(struct writer *writer, enum made_up_data data, uint64_t id)
{
	struct record_anomaly anomaly = {
		.id = id,
		.first_ns = NOW - (3600 - id) * S,
		.last_ns = NOW - (1800 - id) * S,
		.occurrences = id,
		.state = ANOMALY_OPEN,
		.workload_id = id % 2 ? MADE_UP_REDIS : MADE_UP_NGINX,
		.workload_name = id % 2 ? TEXT("unit:redis-server.service")
					: TEXT("image:docker.io/library/nginx"),
		.instance = id % 2 ? TEXT_NONE : TEXT("4f1d0c"),
		.dimension = id % 3 ? TEXT("file.read") : TEXT("exec"),
		.key = {.n = 2, .fields = {TEXT("/bin/cat"), pick(data, TEXT("/etc/shadow"))}},
		.level = id % 3 ? 1 : 0,
		.novel = true,
		.seen_before_ns = id == 5 ? NOW - 200 * 86400 * S : 0,
		.return_period_s = 1000.0 * (double)id,
		.return_period_basis_s = 10800,
		.return_period_capped = id == 7,
		.above_threshold = id > 10,
		.bits = 12.5,
		.coverage = 0.97,
		.reason = pick(data, TEXT("redis-server never read /etc/shadow")),
		.n_usual = 1,
		.process = made_up_process(data),
		.event_type = EVENT_OPENAT,
		.event_num = 99,
		.event_args = TEXT("name=/etc/shadow"),
		.incident = id > 28 ? 1 : 0,
		.quality = {.complete = id != 3, .lost_events = id == 3 ? 7 : 0},
		.n_levels = 2,
		.levels = {{true, 1e-6, 3, 7000}, {false, 1e-3, 12.5, 1000.0 * (double)id}},
		.population_factor = 1,
		.formula = TEXT("T = 2^bits x epoch"),
	};

	anomaly.usual[0].key = (struct record_key){.n = 1, .fields = {TEXT("/etc/redis.conf")}};
	anomaly.usual[0].frequency = 0.5;
	writer_push(writer, WRITE_ANOMALY, record_anomaly_copy(&anomaly));
}

static void push_incident(struct writer *writer, enum made_up_data data, uint64_t id)
{
	struct record_incident incident = {
		.id = id,
		.from_ns = NOW - 3600 * S,
		.to_ns = NOW - 60 * S * id,
		.is_open = id == 1,
		.workload_id = MADE_UP_REDIS,
		.workload_name = TEXT("unit:redis-server.service"),
		.bits = 40,
		.return_period_s = 1e12, /* cut to the longest that is claimed */
		.n_anomalies = 2,
		.n_alerts = 1,
		.summary = pick(data, TEXT("redis-server > sh > cat reads /etc/shadow")),
		.root = made_up_process(data),
	};

	writer_push(writer, WRITE_INCIDENT, record_incident_copy(&incident));
}

static void push_alert(struct writer *writer, enum made_up_data data, uint64_t id)
{
	struct record_alert alert = {
		.id = id,
		.ts_ns = NOW - (2000 - id) * S + 123456789,
		.priority = id % 2 ? PRIORITY_CRITICAL : PRIORITY_NOTICE,
		.rule = pick(data, id % 2 ? TEXT("Shell from service") : TEXT("Odd file")),
		.source = TEXT("syscall"),
		.message = pick(data, TEXT("shell sh -c id")),
		.tags = TEXT("shell service"),
		.output_fields = TEXT("{\"evt.time\":1795262400123456789,\"proc.name\":\"sh\"}"),
		.workload_id = id % 5 ? MADE_UP_REDIS : 0,
		.workload_name = id % 5 ? TEXT("unit:redis-server.service") : TEXT_NONE,
		.incident = id == 25 ? 1 : 0,
		.pid = 4710,
		.condition = id == 5 ? 77 : 0,
	};

	writer_push(writer, WRITE_ALERT, record_alert_copy(&alert));
}

/* Those of the first alerts, but for l4: what a rule asked of it was lost under load. The condition
 * of l5's rule has changed since. */
static void push_events(struct writer *writer, enum made_up_data data)
{
	struct record_span span = {
		.id = 1,
		.from_ns = NOW - 2000 * S,
		.hash = 5,
		.document = TEXT("{\"events\":[\"execve\"],\"fields\":[\"evt.arg.*\",\"evt.type\","
				 "\"proc.name\",\"proc.pname\",\"proc.aname\",\"fd.name\"]}"),
	};
	struct record_condition condition = {
		.hash = 77,
		.last_ns = NOW,
		.rule = TEXT("Shell from service"),
		.text = TEXT("evt.type = execve and proc.name in (sh, bash)"
			     " and not proc.aname = sshd and not proc.env[A] = b"),
	};

	writer_push(writer, WRITE_SPAN, record_span_copy(&span));
	writer_push(writer, WRITE_CONDITION, record_condition_copy(&condition));
	for (uint64_t id = 3; id <= 6; id++) {
		struct record_event event = {
			.id = id,
			.ts_ns = NOW - (2000 - id) * S + 123456789,
			.workload_id = MADE_UP_REDIS,
			.workload_name = TEXT("unit:redis-server.service"),
			.type = TEXT("execve"),
			.nr = 59,
			.span = 1,
			.n_owners = id != 4,
			.owners = {{'l', id}},
			.fields = data == MADE_UP_HOSTILE
					  ? TEXT("{\"evt.type\":\"execve\",\"proc.name\":\"sh\","
						 "\"proc.aname\":[\"\\u001b[31m\\\\xff\\n\"]}")
					  : TEXT("{\"evt.type\":\"execve\",\"proc.name\":\"sh\","
						 "\"proc.pname\":\"redis-server\","
						 "\"proc.aname\":[\"redis-server\",\"systemd\"]}"),
		};

		writer_push(writer, WRITE_EVENT, record_event_copy(&event));
	}
}

static void push_behaviours(struct writer *writer, enum made_up_data data)
{
	for (uint32_t i = 0; i < BEHAVIOURS; i++) {
		char path[64];
		struct record_behaviour behaviour = {
			.workload_id = MADE_UP_REDIS,
			.dimension = TEXT("file.read"),
			.fingerprint = i + 1,
			.first_ns = NOW - 4000 * S,
		};

		snprintf(path, sizeof(path), "/var/lib/redis/%u", i);
		behaviour.key.n = 2;
		behaviour.key.fields[0] = TEXT("/usr/bin/redis-server");
		behaviour.key.fields[1] = pick(data, text_from(path));
		writer_push(writer, WRITE_BEHAVIOUR, record_behaviour_copy(&behaviour));
	}
}

static void push_gaps(struct writer *writer)
{
	struct record_gap gap = {
		.from_ns = NOW - 600 * S,
		.to_ns = NOW - 540 * S,
		.id = 1,
		.reason = TEXT("downtime"),
		.events = GAP_EVENTS_UNKNOWN,
	};

	writer_push(writer, WRITE_GAP, record_gap_copy(&gap));
	gap = (struct record_gap){
		2,
		NOW - 90000 * S,
		NOW - 89990 * S,
		TEXT("ring full"),
		55,
		TEXT("{\"by_type\":{\"open\":40,\"connect\":15},\"by_cpu\":{\"0\":55}}")};
	writer_push(writer, WRITE_GAP, record_gap_copy(&gap));
}

/* A full queue sheds: a test's records must all be there. */
static void wait_for_writer(const struct writer *writer)
{
	struct writer_counters counters;

	do {
		usleep(1000);
		writer_counters(writer, &counters);
	} while (counters.queued > 0);
}

void made_up_store(struct writer *writer, enum made_up_data data)
{
	uint64_t n = data == MADE_UP_LARGE ? 3000 : 30;
	struct writer_counters counters;

	if (data == MADE_UP_EMPTY)
		return;
	for (uint64_t id = 1; id <= n; id++) {
		push_anomaly(writer, data, id);
		if (id % 200 == 0)
			wait_for_writer(writer);
	}
	push_incident(writer, data, 1);
	push_incident(writer, data, 2);
	for (uint64_t id = 1; id <= ALERTS; id++)
		push_alert(writer, data, id);
	push_events(writer, data);
	push_behaviours(writer, data);
	push_gaps(writer);
	writer_push(writer, WRITE_COMMIT, NULL);
	do {
		usleep(10000);
		writer_counters(writer, &counters);
	} while (counters.last_checkpoint_ns == 0);
}
