#include "daemon/answers.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "base/util.h"
#include "daemon/pipeline_state.h"

#define CMDLINE_MAX 4096
#define SINKS_SHOWN_MAX 32

static void fill_shedding(const struct shedding *shedding, struct snapshot_status *s)
{
	s->capture.cpu_limit = shedding ? shedding_limit(shedding) : NAN;
	if (!shedding)
		return;
	s->capture.cpu_ratio = shedding_ratio(shedding);
	for (uint32_t i = 0; i < shedding_level(shedding) && i < SNAPSHOT_SHED_STEPS_MAX; i++)
		s->capture.shed_steps[s->capture.n_shed_steps++] =
			shed_step_name((enum shed_step)i);
}

static void fill_capture(struct pipeline *p, struct snapshot_status *s)
{
	struct source_counters *c = &p->counters;

	p->parts.source->ops->counters(p->parts.source, c);
	strncpy(s->capture.source, p->parts.source->name, sizeof(s->capture.source) - 1);
	s->capture.events_total = c->events_total;
	s->capture.dropped_total = c->dropped_total;
	s->capture.reordered_total = c->reordered_total;
	s->capture.own_skipped_total = c->own_skipped_total;
	s->capture.recursion_missed_total = c->recursion_missed_total;
	s->capture.ring_bytes = c->ring_bytes;
	s->capture.map_bytes = c->map_bytes;
	s->capture.corrupt_total = c->corrupt_total;
	s->capture.rescans_total = c->rescans_total;
	s->capture.rescan_ns = c->rescan_ns;
	s->capture.rescan_pause_ns = c->rescan_pause_ns;
	s->capture.events_per_s = p->events_per_s;
	s->capture.shed_total = c->shed_total;
	fill_shedding(p->parts.shedding, s);
	for (int i = 0; i < EVENT_TYPE_END; i++) {
		s->capture.by_type[i].shed = c->by_type[i].shed;
		s->capture.by_type[i].seen = c->by_type[i].seen;
		s->capture.by_type[i].dropped = c->by_type[i].dropped;
	}
}

static void fill_gaps(const struct pipeline *p, struct snapshot_status *s)
{
	struct gap_counters counters[GAP_REASON_END];

	static_assert(GAP_REASON_END <= SNAPSHOT_GAPS_MAX, "room for all reasons");
	gaps_counters(p->gaps, counters);
	for (; s->n_gaps < GAP_REASON_END; s->n_gaps++) {
		s->gaps[s->n_gaps].reason = gap_reason_name((enum gap_reason)s->n_gaps);
		s->gaps[s->n_gaps].gaps_total = counters[s->n_gaps].gaps_total;
		s->gaps[s->n_gaps].events_total = counters[s->n_gaps].events_total;
	}
}

static void fill_state(const struct pipeline *p, struct snapshot_status *s)
{
	struct state_counters c;

	state_counters(p->parts.state, &c);
	s->state.processes = c.processes;
	s->state.evicted_total = c.evicted_total;
	s->state.fds_evicted_total = c.fds_evicted_total;
	s->state.unknown_task_total = c.unknown_task_total;
	s->state.blind_total = c.blind_total;
	s->state.repaired.rescans_total = c.repaired.rescans_total;
	s->state.repaired.started_total = c.repaired.started_total;
	s->state.repaired.ended_total = c.repaired.ended_total;
	s->state.repaired.images_total = c.repaired.images_total;
	s->state.repaired.credentials_total = c.repaired.credentials_total;
	s->state.repaired.fds_total = c.repaired.fds_total;
	s->state.dns_answers_total = c.dns_answers_total;
	s->state.dns_refused_total = c.dns_refused_total;
	s->state.dns_evicted_total = c.dns_evicted_total;
	s->state.wrong_image_total = c.wrong_image_total;
	s->memory_parts[s->n_memory_parts++] = (struct snapshot_memory_part){"state", c.bytes};
}

static void fill_writer(const struct pipeline *p, struct snapshot_status *s)
{
	struct writer_counters c = {0};

	writer_counters(p->parts.writer, &c);
	s->writer.queue = c.queued;
	s->writer.queue_max = c.queue_max;
	s->writer.shed_total = c.shed_total;
}

static void fill_history(const struct pipeline *p, struct snapshot_status *s)
{
	struct history_counters c = {0};

	if (p->parts.history)
		history_counters(p->parts.history, &c);
	s->history.made_total = c.made_total;
	s->history.over_rate_total = c.over_rate_total;
	s->history.sightings_shed_total = c.sightings_shed_total;
	s->history.cut_total = c.cut_total;
	s->history.memory_denied_total = c.memory_denied_total;
	if (p->parts.history)
		s->memory_parts[s->n_memory_parts++] =
			(struct snapshot_memory_part){"history", c.bytes};
}

static void fill_anomaly(const struct pipeline *p, struct snapshot_status *s)
{
	struct scorer_counters scorer;
	struct incident_counters incidents;

	scorer_counters(p->parts.scorer, &scorer);
	incidents_counters(p->parts.incidents, &incidents);
	s->anomalies_total = scorer.anomalies_total;
	s->incidents_total = incidents.opened_total;
	s->anomaly.folded_total = scorer.folded_total;
	s->anomaly.anomalies_evicted_total = scorer.evicted_total;
	s->anomaly.incidents_evicted_total = incidents.evicted_total;
	s->anomaly.memory_denied_total = scorer.memory_denied_total;
	s->threshold_s = scorer_threshold_s(p->parts.scorer);
}

static void fill_outputs(const struct pipeline *p, struct snapshot_status *s)
{
	struct sink_counters counters[SINKS_SHOWN_MAX];
	uint32_t n = MIN(sinks_counters(p->parts.sinks, counters, SINKS_SHOWN_MAX),
			 (uint32_t)SINKS_SHOWN_MAX);

	for (uint32_t i = 0; i < n; i++) {
		s->outputs.written_total += counters[i].written_total;
		s->outputs.failed_total += counters[i].failed_total;
		s->outputs.shed_total += counters[i].shed_total;
	}
}

static double own_cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void fill_rules(const struct pipeline *p, struct snapshot_status *s)
{
	struct rule_memory_counters memory = {0};
	struct rule_counters c;

	rule_set_counters(p->parts.rules, &c);
	s->rules.loaded = rule_set_size(p->parts.rules);
	s->rules.matches_total = p->matches_total;
	s->rules.matches_dropped_total = p->matches_dropped_total + c.matches_dropped_total;
	s->rules.regex_gave_up_total = c.regex_gave_up_total;
	s->rules.opens_total = c.opens_total;
	s->rules.opens_remembered_total = c.opens_remembered_total;
	s->rules.outputs_cut_total = c.outputs_cut_total;
	s->rules.events_cramped_total = c.events_cramped_total;
	s->pauses.longest_ns = p->pauses.longest_ns;
	s->pauses.recent_ns = pauses_recent_ns(&p->pauses);
	s->pauses.cpu_longest_ns = p->cpu_pauses.longest_ns;
	s->pauses.cpu_recent_ns = pauses_recent_ns(&p->cpu_pauses);
	s->pauses.batch_longest_ns = p->batches.longest_ns;
	s->pauses.batch_recent_ns = pauses_recent_ns(&p->batches);
	s->rules.suppressed_total = p->suppressed_total;
	if (p->parts.rule_memory)
		rule_memory_counters(p->parts.rule_memory, &memory);
	s->rules.fired = memory.fired;
	s->rules.fired_evicted_total = memory.fired_evicted_total;
	s->rules.occurrences = memory.occurrences;
	s->rules.occurrences_evicted_total = memory.occurrences_evicted_total;
	s->memory_parts[s->n_memory_parts++] =
		(struct snapshot_memory_part){"rules", rule_set_bytes(p->parts.rules)};
	s->memory_parts[s->n_memory_parts++] =
		(struct snapshot_memory_part){"rule_memory", memory.bytes};
}

static void fill_windows(const struct pipeline *p, struct snapshot_status *s)
{
	struct rule_window_counters c;

	rule_set_window_counters(p->parts.rules, &c);
	s->rules.windows.rules = c.rules;
	s->rules.windows.keys = c.keys;
	s->rules.windows.keys_max = c.keys_max;
	s->rules.windows.evicted_total = c.evicted_total;
	s->rules.windows.keyless_total = c.keyless_total;
	s->rules.windows.restarts_total = c.restarts_total;
	s->memory_parts[s->n_memory_parts++] =
		(struct snapshot_memory_part){"rule_windows", c.bytes};
}

static void fill_counts(const struct pipeline *p, struct snapshot_status *s)
{
	struct behavior_counters c;

	if (!p->parts.counts)
		return;
	behavior_counts_counters(p->parts.counts, &c);
	s->count_min_sketch.profiles = c.profiles;
	s->count_min_sketch.bytes = c.bytes;
	s->count_min_sketch.updates_total = c.updates_total;
	s->count_min_sketch.resets_total = c.resets_total;
	s->count_min_sketch.resets_failed_total = c.resets_failed_total;
	s->count_min_sketch.cut_total = c.cut_total;
	s->count_min_sketch.damaged_total = c.damaged_total;
	s->memory_parts[s->n_memory_parts++] =
		(struct snapshot_memory_part){"count_min_sketch", c.bytes};
}

static int answer_status(struct pipeline *p, struct request *request, uint64_t now_ns)
{
	struct snapshot_status *s = &request->status;

	s->now_ns = now_ns;
	s->last_event_ns = p->last_event_ns;
	s->started_ns = p->started_ns;
	fill_capture(p, s);
	fill_gaps(p, s);
	fill_state(p, s);
	fill_writer(p, s);
	fill_history(p, s);
	profile_set_totals(p->parts.profiles, s);
	s->memory_parts[s->n_memory_parts++] =
		(struct snapshot_memory_part){"profiles", s->profiles.bytes};
	fill_rules(p, s);
	fill_counts(p, s);
	fill_windows(p, s);
	fill_anomaly(p, s);
	fill_outputs(p, s);
	s->cpu_s = own_cpu_s();
	return 0;
}

static int answer_workloads(struct pipeline *p, struct request *request, uint64_t now_ns)
{
	(void)now_ns;
	return profile_set_snapshot_workloads(p->parts.profiles, p->parts.state,
					      &request->workloads);
}

static int answer_workload(struct pipeline *p, struct request *request, uint64_t now_ns)
{
	(void)now_ns;
	return profile_set_snapshot_workload(p->parts.profiles, p->parts.state,
					     request->workload_id, &request->workload);
}

static int answer_behaviours(struct pipeline *p, struct request *request, uint64_t now_ns)
{
	(void)now_ns;
	return profile_set_snapshot_behaviours(p->parts.profiles, request->workload_id,
					       text_from(request->dimension), &request->behaviours);
}

static int answer_pending(struct pipeline *p, struct request *request, uint64_t now_ns)
{
	(void)now_ns;
	return profile_set_snapshot_pending(p->parts.profiles, request->workload_id,
					    &request->pending);
}

struct process_walk {
	struct pipeline *pipeline;
	struct snapshot_processes *out;
	uint32_t capacity;
	int32_t root_pid;
};

static bool is_below(const struct process *process, int32_t root_pid)
{
	for (; process; process = process->parent) {
		if (process->pid == root_pid)
			return true;
	}
	return root_pid == 0;
}

static bool add_process(struct process *process, void *arg)
{
	struct process_walk *walk = arg;
	struct snapshot_processes *out = walk->out;
	char cmdline[CMDLINE_MAX];
	struct snapshot_process *item;

	if (!is_below(process, walk->root_pid))
		return true;
	if (out->n == walk->capacity)
		return false;
	item = &out->items[out->n++];
	*item = (struct snapshot_process){
		.pid = process->pid,
		.ppid = process->parent ? process->parent->pid : 0,
		.start_time_ns = process_start_time_ns(walk->pipeline->parts.state, process),
		.uid = process->euid,
		.exe = snapshot_text(&out->pool, process->exepath),
		.cmdline = snapshot_text(
			&out->pool,
			(struct text){cmdline, process_cmdline(process, cmdline, sizeof(cmdline))}),
		.user = snapshot_text(&out->pool, state_user_name(walk->pipeline->parts.state,
								  process, process->euid)),
		.workload = snapshot_text(&out->pool, process->workload->name),
	};
	return true;
}

static int answer_processes(struct pipeline *p, struct request *request, uint64_t now_ns)
{
	struct snapshot_processes *out = &request->processes;
	struct process_walk walk = {.pipeline = p, .out = out, .root_pid = request->root_pid};
	struct state_counters counters;

	(void)now_ns;
	state_counters(p->parts.state, &counters);
	walk.capacity = counters.processes;
	out->items = snapshot_alloc(&out->pool, MAX(walk.capacity, 1), sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	state_each_process(p->parts.state, add_process, &walk);
	return 0;
}

static int answer_rules(struct pipeline *p, struct request *request, uint64_t now_ns)
{
	struct snapshot_rules *out = &request->rules;
	uint32_t n = rule_set_size(p->parts.rules);

	(void)now_ns;
	out->items = snapshot_alloc(&out->pool, MAX(n, 1), sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (; out->n < n; out->n++) {
		struct rule_info info;

		rule_set_info(p->parts.rules, out->n, &info);
		out->items[out->n] = (struct snapshot_rule){
			.name = snapshot_text(&out->pool, info.name),
			.description = snapshot_text(&out->pool, info.description),
			.source = snapshot_text(&out->pool, info.source),
			.condition = snapshot_text(&out->pool, info.condition),
			.output = snapshot_text(&out->pool, info.output),
			.tags = snapshot_text(&out->pool, info.tags),
			.window = snapshot_text(&out->pool, info.window),
			.only_if_new = snapshot_text(&out->pool, info.only_if_new),
			.rate = snapshot_text(&out->pool, info.rate),
			.condition_source = snapshot_text(&out->pool, info.condition_source),
			.priority = info.priority,
			.is_enabled = info.is_enabled,
			.hits_total = info.hits_total,
			.suppressed_total = info.suppressed_total,
			.last_hit_ns = info.last_hit_ns,
			.absent_fields = snapshot_text(&out->pool, info.absent_fields),
			.file = snapshot_text(&out->pool, info.file),
			.line = info.line,
		};
	}
	return 0;
}

int answer_request(struct pipeline *p, struct request *request, uint64_t now_ns)
{
	static int (*const answers[])(struct pipeline * p, struct request * request,
				      uint64_t now_ns) = {
		[REQUEST_STATUS] = answer_status,     [REQUEST_WORKLOADS] = answer_workloads,
		[REQUEST_WORKLOAD] = answer_workload, [REQUEST_BEHAVIOURS] = answer_behaviours,
		[REQUEST_PENDING] = answer_pending,   [REQUEST_PROCESSES] = answer_processes,
		[REQUEST_RULES] = answer_rules,
	};

	if (request->kind >= ARRAY_SIZE(answers) || !answers[request->kind])
		return -ENOENT;
	return answers[request->kind](p, request, now_ns);
}
