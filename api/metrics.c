/* Prometheus text format 0.0.4. Every counter of the status, under names that begin with ethogram_.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/live.h"
#include "api/memory.h"
#include "api/routes.h"
#include "api/storage_facts.h"
#include "base/json_text.h"
#include "base/util.h"

enum metric_kind { COUNTER, GAUGE };

static void head(FILE *out, const char *name, enum metric_kind kind, const char *help)
{
	fprintf(out, "# HELP ethogram_%s %s\n# TYPE ethogram_%s %s\n", name, help, name,
		kind == COUNTER ? "counter" : "gauge");
}

static void metric(FILE *out, const char *name, enum metric_kind kind, uint64_t value,
		   const char *help)
{
	head(out, name, kind, help);
	fprintf(out, "ethogram_%s %" PRIu64 "\n", name, value);
}

static void metric_double(FILE *out, const char *name, enum metric_kind kind, double value,
			  const char *help)
{
	head(out, name, kind, help);
	fprintf(out, "ethogram_%s %.9g\n", name, isfinite(value) ? value : 0.0);
}

enum type_counter { TYPE_SEEN, TYPE_DROPPED, TYPE_SHED };

static uint64_t type_count(const struct snapshot_status *status, unsigned type,
			   enum type_counter which)
{
	return which == TYPE_SEEN      ? status->capture.by_type[type].seen
	       : which == TYPE_DROPPED ? status->capture.by_type[type].dropped
				       : status->capture.by_type[type].shed;
}

/* Types with anything counted; those that share a name are one series. */
static void by_type(FILE *out, const struct snapshot_status *status, enum type_counter which,
		    const char *name, const char *help)
{
	uint64_t sums[EVENT_TYPE_END] = {0};

	head(out, name, COUNTER, help);
	for (unsigned type = 0; type < EVENT_TYPE_END; type++) {
		int first = event_by_name(text_from(event_info((enum event_type)type)->name));

		sums[first < 0 ? (int)type : first] += type_count(status, type, which);
	}
	for (unsigned type = 0; type < EVENT_TYPE_END; type++) {
		if (sums[type])
			fprintf(out, "ethogram_%s{type=\"%s\"} %" PRIu64 "\n", name,
				event_info((enum event_type)type)->name, sums[type]);
	}
}

static void print_capture(FILE *out, const struct snapshot_status *status)
{
	metric(out, "events_total", COUNTER, status->capture.events_total, "Events captured.");
	metric(out, "dropped_events_total", COUNTER, status->capture.dropped_total,
	       "Events lost before they were read.");
	metric(out, "reordered_events_total", COUNTER, status->capture.reordered_total,
	       "Events that came after a later one had been applied.");
	metric(out, "own_events_skipped_total", COUNTER, status->capture.own_skipped_total,
	       "Events of this program, left out of capture.");
	metric(out, "recursion_missed_total", COUNTER, status->capture.recursion_missed_total,
	       "Runs of BPF programs that the kernel skipped.");
	metric(out, "corrupt_records_total", COUNTER, status->capture.corrupt_total,
	       "Times when a record of the rings made no sense.");
	metric_double(out, "events_per_second", GAUGE, status->capture.events_per_s,
		      "Events captured in the last second.");
	metric(out, "ring_bytes", GAUGE, status->capture.ring_bytes, "Capture rings, all CPUs.");
	metric(out, "bpf_map_bytes", GAUGE, status->capture.map_bytes, "Other BPF maps.");
	by_type(out, status, TYPE_SEEN, "events_by_type_total", "Events captured, by type.");
	by_type(out, status, TYPE_DROPPED, "dropped_events_by_type_total", "Events lost, by type.");
	by_type(out, status, TYPE_SHED, "shed_events_by_type_total",
		"Events left out because of capture.max_cpu_ratio, by type.");
	metric(out, "shed_events_total", COUNTER, status->capture.shed_total,
	       "Events left out because of capture.max_cpu_ratio.");
	metric(out, "shed_steps", GAUGE, status->capture.n_shed_steps,
	       "Kinds of events being left out.");
	metric_double(out, "cpu_ratio", GAUGE, status->capture.cpu_ratio,
		      "Share of one core taken, where capture.max_cpu_ratio is set.");
}

/* Every reason, also those that never were: a rule on one must not wait for its first. */
static void print_gaps(FILE *out, const struct snapshot_status *status)
{
	uint32_t n = MIN(status->n_gaps, (uint32_t)SNAPSHOT_GAPS_MAX);

	head(out, "gaps_total", COUNTER, "Spans in which something was not seen, by reason.");
	for (uint32_t i = 0; i < n; i++)
		fprintf(out, "ethogram_gaps_total{reason=\"%s\"} %" PRIu64 "\n",
			status->gaps[i].reason, status->gaps[i].gaps_total);
	head(out, "gap_events_total", COUNTER, "Events lost in them, where the number is known.");
	for (uint32_t i = 0; i < n; i++)
		fprintf(out, "ethogram_gap_events_total{reason=\"%s\"} %" PRIu64 "\n",
			status->gaps[i].reason, status->gaps[i].events_total);
}

static void print_state(FILE *out, const struct snapshot_status *status)
{
	metric(out, "processes", GAUGE, status->state.processes, "Processes in the table.");
	metric(out, "processes_evicted_total", COUNTER, status->state.evicted_total,
	       "Processes dropped because the table was full.");
	metric(out, "fds_evicted_total", COUNTER, status->state.fds_evicted_total,
	       "Descriptors dropped because a table was full.");
	metric(out, "unknown_tasks_total", COUNTER, status->state.unknown_task_total,
	       "Events of tasks that the table did not have.");
	metric(out, "dns_answers_total", COUNTER, status->state.dns_answers_total,
	       "Answers of name servers that were understood.");
	metric(out, "dns_refused_total", COUNTER, status->state.dns_refused_total,
	       "Messages from the port of name servers that were no answers.");
	metric(out, "dns_evicted_total", COUNTER, status->state.dns_evicted_total,
	       "Names of addresses forgotten before their time for lack of room.");
	metric(out, "blind_processes_total", COUNTER, status->state.blind_total,
	       "Processes that got an io_uring ring whose requests are not seen.");
	metric(out, "wrong_image_events_total", COUNTER, status->state.wrong_image_total,
	       "Events whose process image differed from the table's.");
	metric(out, "rescans_total", COUNTER, status->state.repaired.rescans_total,
	       "Times that all processes were looked at anew, after losses and at the start.");
	metric(out, "repaired_processes_started_total", COUNTER,
	       status->state.repaired.started_total, "Processes that a rescan added.");
	metric(out, "repaired_processes_ended_total", COUNTER, status->state.repaired.ended_total,
	       "Processes that a rescan did not find any more.");
	metric(out, "repaired_images_total", COUNTER, status->state.repaired.images_total,
	       "Processes that a rescan found to run something else.");
	metric(out, "repaired_credentials_total", COUNTER, status->state.repaired.credentials_total,
	       "Processes that a rescan found with other credentials.");
	metric(out, "repaired_descriptors_total", COUNTER, status->state.repaired.fds_total,
	       "Descriptors that a rescan added, replaced or dropped.");
	metric(out, "workloads", GAUGE, status->profiles.workloads, "Workloads with a baseline.");
	metric(out, "workloads_ready", GAUGE, status->profiles.ready, "Workloads that are ready.");
	metric(out, "profile_bytes", GAUGE, status->profiles.bytes, "Memory of all baselines.");
	metric(out, "behaviours_learned_today", GAUGE, status->profiles.learned_today,
	       "Behaviours that entered a baseline today.");
	metric(out, "behaviours_pending", GAUGE, status->profiles.pending,
	       "Behaviours that wait to be learned.");
	metric(out, "behaviours_quarantined", GAUGE, status->profiles.quarantined,
	       "Pending behaviours under suspicion.");
	metric(out, "profiles_coarsened_total", COUNTER, status->profiles.coarsened_total,
	       "Times a profile gave up its finest level for lack of room.");
	metric(out, "behaviours_refused_total", COUNTER, status->profiles.refused_total,
	       "Behaviours that found no room in the pending table.");
}

static void print_outcome(FILE *out, const struct snapshot_status *status)
{
	metric(out, "anomalies_total", COUNTER, status->anomalies_total, "Anomalies found.");
	metric(out, "incidents_total", COUNTER, status->incidents_total, "Incidents opened.");
	metric(out, "anomalies_folded_total", COUNTER, status->anomaly.folded_total,
	       "Anomalies beyond what one new prefix may open.");
	metric(out, "anomalies_evicted_total", COUNTER, status->anomaly.anomalies_evicted_total,
	       "Open anomalies that had to give way.");
	metric(out, "incidents_evicted_total", COUNTER, status->anomaly.incidents_evicted_total,
	       "Episodes and records of workloads that had to give way.");
	metric(out, "anomalies_denied_total", COUNTER, status->anomaly.memory_denied_total,
	       "Anomalies for which there was no memory.");
	metric_double(out, "threshold_seconds", GAUGE, status->threshold_s,
		      "Return period from which an anomaly counts.");
	metric(out, "rules_loaded", GAUGE, status->rules.loaded, "Rules loaded.");
	metric(out, "rule_matches_total", COUNTER, status->rules.matches_total, "Rule matches.");
	metric(out, "rule_alerts_suppressed_total", COUNTER, status->rules.suppressed_total,
	       "Matches that made no alert because their rule's rate was used up.");
	metric(out, "rule_memory_fired_evicted_total", COUNTER, status->rules.fired_evicted_total,
	       "Pairs of rule and workload forgotten: rule.seen_before is false again.");
	metric(out, "rule_memory_occurrences_evicted_total", COUNTER,
	       status->rules.occurrences_evicted_total,
	       "Occurrences forgotten: they pass the rate as first ones again.");
	metric(out, "rule_matches_dropped_total", COUNTER, status->rules.matches_dropped_total,
	       "Matches beyond what one event may have.");
	metric(out, "rule_regex_gave_up_total", COUNTER, status->rules.regex_gave_up_total,
	       "Values on which a regular expression ran out of steps and did not match.");
	metric(out, "rule_opens_total", COUNTER, status->rules.opens_total,
	       "Opens that rules were asked about.");
	metric(out, "rule_opens_remembered_total", COUNTER, status->rules.opens_remembered_total,
	       "Opens whose possible rules were remembered from an earlier one.");
	metric(out, "rule_outputs_cut_total", COUNTER, status->rules.outputs_cut_total,
	       "Alerts whose output or fields were too long and were cut.");
	metric(out, "rule_events_cramped_total", COUNTER, status->rules.events_cramped_total,
	       "Events that rules were asked about without room for all values they name.");
	metric_double(out, "pipeline_pause_seconds", GAUGE, (double)status->pauses.recent_ns / 1e9,
		      "Longest time between two batches of events, of the last 10 to 20 s.");
	metric_double(out, "pipeline_batch_seconds", GAUGE,
		      (double)status->pauses.batch_recent_ns / 1e9,
		      "Longest batch of events, of the last 10 to 20 s.");
	metric(out, "rule_window_keys", GAUGE, status->rules.windows.keys,
	       "Keys that rules with count or sequence hold.");
	metric(out, "rule_window_keys_evicted_total", COUNTER, status->rules.windows.evicted_total,
	       "Those given up before their time.");
	metric(out, "rule_window_keyless_total", COUNTER, status->rules.windows.keyless_total,
	       "Events left out for want of a value to count by.");
	metric(out, "rule_window_restarts_total", COUNTER, status->rules.windows.restarts_total,
	       "Times a rule began anew because time went back.");
	metric(out, "count_min_sketch_updates_total", COUNTER,
	       status->count_min_sketch.updates_total, "Events counted in behavior profiles.");
	metric(out, "count_min_sketch_resets_total", COUNTER, status->count_min_sketch.resets_total,
	       "Behavior profiles that began anew.");
	metric(out, "count_min_sketch_resets_failed_total", COUNTER,
	       status->count_min_sketch.resets_failed_total,
	       "Those that could not, for lack of memory.");
	metric(out, "count_min_sketch_cut_total", COUNTER, status->count_min_sketch.cut_total,
	       "Behaviours too long: counted by their beginning.");
	metric(out, "output_written_total", COUNTER, status->outputs.written_total,
	       "Alerts given to outputs.");
	metric(out, "output_failed_total", COUNTER, status->outputs.failed_total,
	       "Alerts that an output did not take.");
	metric(out, "output_shed_total", COUNTER, status->outputs.shed_total,
	       "Alerts dropped because an output's queue was full.");
	metric_double(out, "cpu_seconds_total", COUNTER, status->cpu_s,
		      "CPU time of this program.");
}

/* Strangers' bytes come as \xNN; backslashes, quotes and line breaks are escaped for the format. */
static void print_label(FILE *out, struct text value)
{
	SCOPED(free_ptr) char *text = json_text_encode(value);

	for (const char *c = text ? text : ""; *c; c++) {
		if (*c == '\n')
			fputs("\\n", out);
		else if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else
			fputc(*c, out);
	}
}

/* Of the rules that were hit: as many series as there are rules at most. */
static void print_rules(FILE *out, const struct call *call)
{
	SCOPED(live_release) struct live_answer *live = NULL;
	const struct snapshot_rules *rules;

	if (live_share(call->live, REQUEST_RULES, &live))
		return;
	rules = &live->request->rules;
	head(out, "rule_hits_total", COUNTER, "Hits by rule, of those that had any.");
	for (uint32_t i = 0; i < rules->n; i++) {
		if (!rules->items[i].hits_total)
			continue;
		fprintf(out, "ethogram_rule_hits_total{rule=\"");
		print_label(out, rules->items[i].name);
		fprintf(out, "\"} %" PRIu64 "\n", rules->items[i].hits_total);
	}
}

static void print_loads(FILE *out, const struct call *call)
{
	struct api_rules_facts facts;

	call->hooks->rules_facts(&facts, call->hooks->arg);
	metric(out, "rule_errors", GAUGE, facts.errors, "Errors of the last load.");
	metric(out, "rules_generation", GAUGE, facts.generation,
	       "Which rules are in use: 1 those of the start, one more each reload.");
	metric(out, "rule_reloads_total", COUNTER, facts.reloads_total, "Reloads of rules.");
	metric(out, "rule_reloads_refused_total", COUNTER, facts.reloads_refused_total,
	       "Of these: refused, the old rules stayed.");
	metric(out, "rule_tries_total", COUNTER, facts.tries_total,
	       "Rules and exceptions tried on stored events.");
	metric(out, "rule_tries_refused_total", COUNTER, facts.tries_refused_total,
	       "Those sent away, as one was being tried.");
	metric(out, "rule_tries_partial_total", COUNTER, facts.tries_partial_total,
	       "Of those tried: time or events ran out.");
}

static void print_history(FILE *out, const struct storage_facts *facts)
{
	metric(out, "history_bytes", GAUGE, facts->history.bytes, "What stored events take.");
	metric(out, "history_events_written_total", COUNTER, facts->history.written_total,
	       "Events stored.");
	metric(out, "history_events_shed_total", COUNTER, facts->history.shed_total,
	       "Those dropped because the writer's queue was full.");
	metric(out, "history_events_forgotten_total", COUNTER, facts->history.forgotten_total,
	       "Those deleted by age or for want of room.");
	metric(out, "history_events_over_rate_total", COUNTER, facts->history.over_rate_total,
	       "Events of alerts and anomalies not stored: too many a second.");
	metric(out, "history_sightings_shed_total", COUNTER, facts->history.sightings_shed_total,
	       "First sightings not stored: too many a second or in the epoch.");
	metric(out, "history_events_cut_total", COUNTER, facts->history.cut_total,
	       "Events stored without fields that did not fit.");
	metric(out, "history_memory_denied_total", COUNTER, facts->history.memory_denied_total,
	       "Events not stored for want of memory.");
}

static void print_storage(FILE *out, const struct storage_facts *facts)
{
	metric(out, "storage_bytes", GAUGE, facts->bytes, "Size of the database.");
	metric(out, "storage_wal_bytes", GAUGE, facts->wal_bytes, "Size of its write-ahead log.");
	metric_double(out, "last_checkpoint_timestamp_seconds", GAUGE,
		      (double)facts->last_checkpoint_ns / 1e9, "Last checkpoint; 0 none yet.");
	metric(out, "writer_queue", GAUGE, facts->queue, "Records that wait for the writer.");
	metric(out, "writer_queue_max", GAUGE, facts->queue_max, "Limit of that queue.");
	metric(out, "writer_shed_total", COUNTER, facts->shed_total,
	       "Records dropped because the queue was full.");
	metric(out, "writer_written_total", COUNTER, facts->written_total, "Records written.");
	metric(out, "writer_written_bytes_total", COUNTER, facts->written_bytes_total,
	       "Bytes of records written.");
	metric(out, "writer_shed_first_total", COUNTER, facts->shed_first_total,
	       "Of those shed: no repeats.");
	metric(out, "writer_failing", GAUGE, facts->is_failing, "1 when the last commit failed.");
	metric(out, "writer_errors_total", COUNTER, facts->errors_total, "Failed writes.");
}

static void print_memory(FILE *out, const struct snapshot_status *status)
{
	struct memory_use use;

	if (memory_read("/proc/self/smaps", &use) == 0)
		metric(out, "pss_bytes", GAUGE, use.pss_bytes,
		       "Proportional set size without ring mappings.");
	head(out, "memory_bytes", GAUGE, "Memory by part of the program.");
	for (uint32_t i = 0; i < MIN(status->n_memory_parts, ARRAY_SIZE(status->memory_parts)); i++)
		fprintf(out, "ethogram_memory_bytes{part=\"%s\"} %" PRIu64 "\n",
			status->memory_parts[i].name, status->memory_parts[i].bytes);
}

static void print_api(FILE *out, const struct api_facts *facts)
{
	head(out, "info", GAUGE, "Version of this program.");
	fprintf(out, "ethogram_info{version=\"%s\"} 1\n", ETHOGRAM_VERSION);
	metric(out, "ready", GAUGE, atomic_load(&facts->is_ready), "1 when it captures.");
	metric(out, "api_requests_total", COUNTER, atomic_load(&facts->requests_total),
	       "HTTP requests.");
	metric(out, "api_refused_total", COUNTER, atomic_load(&facts->refused_total),
	       "HTTP requests refused before their route ran.");
	metric(out, "api_overload_total", COUNTER, atomic_load(&facts->overload_total),
	       "Requests refused because of too many connections.");
}

void route_metrics(const struct call *call, struct answer *answer)
{
	SCOPED(live_release) struct live_answer *live = NULL;
	int r = live_share(call->live, REQUEST_STATUS, &live);
	struct storage_facts facts;
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (r) {
		answer_errno(answer, r, "metrics");
		return;
	}
	out = open_memstream(&text, &len);
	if (!out) {
		answer_errno(answer, -ENOMEM, "metrics");
		return;
	}
	storage_facts_read(call, &live->request->status, &facts);
	print_capture(out, &live->request->status);
	print_gaps(out, &live->request->status);
	print_state(out, &live->request->status);
	print_outcome(out, &live->request->status);
	print_rules(out, call);
	print_loads(out, call);
	print_storage(out, &facts);
	print_history(out, &facts);
	print_memory(out, &live->request->status);
	print_api(out, call->facts);
	if (fclose(out)) {
		free(text);
		answer_errno(answer, -ENOMEM, "metrics");
		return;
	}
	answer_json_text(answer, text);
	answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
}
