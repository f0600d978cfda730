/* Routes about the program itself. */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "api/live.h"
#include "api/memory.h"
#include "api/reader_pool.h"
#include "api/routes.h"
#include "api/storage_facts.h"
#include "base/json_text.h"
#include "base/util.h"

#define GAPS_SHOWN 100

static void answer_state(struct answer *answer, bool is_well, const char *well, const char *ill)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "status", text_from(is_well ? well : ill));
	answer_json(answer, json);
	if (!is_well && answer->status == 200) {
		answer->status = 503;
		answer->retry_after_s = 1;
	}
}

void route_healthz(const struct call *call, struct answer *answer)
{
	answer_state(answer, atomic_load(&call->facts->is_live), "ok", "stalled");
}

void route_readyz(const struct call *call, struct answer *answer)
{
	answer_state(answer, atomic_load(&call->facts->is_ready), "ready", "starting");
}

void route_config(const struct call *call, struct answer *answer)
{
	answer_json_text(answer, call->hooks->config_json(call->hooks->arg));
}

/* Types with anything seen or lost. Several event types may share a name (a call and its newer
 * forms); their counts are one. */
static cJSON *by_type_json(const struct snapshot_status *status)
{
	uint64_t sums[EVENT_TYPE_END][3] = {0};
	cJSON *json = cJSON_CreateObject();

	for (unsigned type = 0; type < EVENT_TYPE_END; type++) {
		unsigned first = (unsigned)event_by_name(text_from(event_info(type)->name));

		if (first >= EVENT_TYPE_END)
			first = type;
		sums[first][0] += status->capture.by_type[type].seen;
		sums[first][1] += status->capture.by_type[type].dropped;
		sums[first][2] += status->capture.by_type[type].shed;
	}
	for (unsigned type = 0; type < EVENT_TYPE_END; type++) {
		cJSON *item;

		if (!sums[type][0] && !sums[type][1] && !sums[type][2])
			continue;
		item = json_add_object(json, event_info(type)->name);
		json_add_u64(item, "seen", sums[type][0]);
		json_add_u64(item, "dropped", sums[type][1]);
		json_add_u64(item, "shed", sums[type][2]);
	}
	return json;
}

/* Overload by choice: what is left out, in order, and against which limit. */
static void add_shedding(cJSON *capture, const struct snapshot_status *status)
{
	cJSON *shedding = json_add_object(capture, "shedding");
	cJSON *steps = cJSON_CreateArray();

	if (isnan(status->capture.cpu_limit))
		json_add_item(shedding, "max_cpu_ratio", cJSON_CreateNull());
	else
		json_add_double(shedding, "max_cpu_ratio", status->capture.cpu_limit);
	json_add_double(shedding, "cpu_ratio", status->capture.cpu_ratio);
	for (uint8_t i = 0; i < status->capture.n_shed_steps; i++)
		cJSON_AddItemToArray(steps, cJSON_CreateString(status->capture.shed_steps[i]));
	json_add_item(shedding, "steps", steps);
	json_add_u64(shedding, "events_total", status->capture.shed_total);
}

static void add_capture(cJSON *json, const struct snapshot_status *status)
{
	cJSON *capture = json_add_object(json, "capture");

	json_add_text(capture, "source", text_from(status->capture.source));
	json_add_u64(capture, "events_total", status->capture.events_total);
	json_add_double(capture, "events_per_s", status->capture.events_per_s);
	json_add_u64(capture, "dropped_total", status->capture.dropped_total);
	json_add_item(capture, "by_type", by_type_json(status));
	add_shedding(capture, status);
	json_add_u64(capture, "reordered_total", status->capture.reordered_total);
	json_add_u64(capture, "own_skipped_total", status->capture.own_skipped_total);
	json_add_u64(capture, "recursion_missed_total", status->capture.recursion_missed_total);
	json_add_u64(capture, "corrupt_total", status->capture.corrupt_total);
	json_add_u64(capture, "buffer_bytes", status->capture.ring_bytes);
}

/* What rescans after losses put right. */
static void add_repaired(cJSON *state, const struct snapshot_status *status)
{
	cJSON *repaired = json_add_object(state, "repaired");

	json_add_u64(repaired, "rescans_total", status->state.repaired.rescans_total);
	json_add_u64(repaired, "started_total", status->state.repaired.started_total);
	json_add_u64(repaired, "ended_total", status->state.repaired.ended_total);
	json_add_u64(repaired, "images_total", status->state.repaired.images_total);
	json_add_u64(repaired, "credentials_total", status->state.repaired.credentials_total);
	json_add_u64(repaired, "descriptors_total", status->state.repaired.fds_total);
	json_add_double(repaired, "last_took_s", (double)status->capture.rescan_ns / 1e9);
	json_add_double(repaired, "longest_pause_s", (double)status->capture.rescan_pause_ns / 1e9);
}

static void add_state_and_profiles(cJSON *json, const struct snapshot_status *status)
{
	cJSON *state = json_add_object(json, "state");
	cJSON *profiles = json_add_object(json, "profiles");

	json_add_u64(state, "processes", status->state.processes);
	json_add_u64(state, "evicted_total", status->state.evicted_total);
	json_add_u64(state, "fds_evicted_total", status->state.fds_evicted_total);
	json_add_u64(state, "unknown_task_total", status->state.unknown_task_total);
	json_add_u64(state, "blind_total", status->state.blind_total);
	add_repaired(state, status);
	json_add_u64(state, "dns_answers_total", status->state.dns_answers_total);
	json_add_u64(state, "dns_refused_total", status->state.dns_refused_total);
	json_add_u64(state, "dns_evicted_total", status->state.dns_evicted_total);
	json_add_u64(state, "wrong_image_total", status->state.wrong_image_total);

	json_add_u64(profiles, "workloads", status->profiles.workloads);
	json_add_u64(profiles, "ready", status->profiles.ready);
	json_add_u64(profiles, "bytes", status->profiles.bytes);
	json_add_u64(profiles, "learned_today", status->profiles.learned_today);
	json_add_u64(profiles, "pending", status->profiles.pending);
	json_add_u64(profiles, "quarantined", status->profiles.quarantined);
	json_add_u64(profiles, "coarsened_total", status->profiles.coarsened_total);
	json_add_u64(profiles, "refused_total", status->profiles.refused_total);
}

static void add_rule_memory(cJSON *rules, const struct snapshot_status *status)
{
	cJSON *memory = json_add_object(rules, "memory");

	json_add_u64(memory, "fired", status->rules.fired);
	json_add_u64(memory, "fired_evicted_total", status->rules.fired_evicted_total);
	json_add_u64(memory, "occurrences", status->rules.occurrences);
	json_add_u64(memory, "occurrences_evicted_total", status->rules.occurrences_evicted_total);
}

static void add_windows(cJSON *rules, const struct snapshot_status *status)
{
	cJSON *windows = json_add_object(rules, "windows");

	json_add_u64(windows, "rules", status->rules.windows.rules);
	json_add_u64(windows, "keys", status->rules.windows.keys);
	json_add_u64(windows, "keys_max", status->rules.windows.keys_max);
	json_add_u64(windows, "evicted_total", status->rules.windows.evicted_total);
	json_add_u64(windows, "keyless_total", status->rules.windows.keyless_total);
	json_add_u64(windows, "restarts_total", status->rules.windows.restarts_total);
}

static void add_rules(cJSON *json, const struct call *call, const struct snapshot_status *status)
{
	cJSON *rules = json_add_object(json, "rules");
	struct api_rules_facts facts;

	call->hooks->rules_facts(&facts, call->hooks->arg);
	json_add_u64(rules, "loaded", status->rules.loaded);
	json_add_u64(rules, "errors", facts.errors);
	json_add_u64(rules, "generation", facts.generation);
	json_add_time(rules, "loaded_at", facts.loaded_ns);
	json_add_text_or_null(rules, "last_error", text_from(facts.last_error));
	json_add_time(rules, "last_error_at", facts.last_error_ns);
	json_add_u64(rules, "reloads_total", facts.reloads_total);
	json_add_u64(rules, "reloads_refused_total", facts.reloads_refused_total);
	json_add_u64(rules, "tries_total", facts.tries_total);
	json_add_u64(rules, "tries_refused_total", facts.tries_refused_total);
	json_add_u64(rules, "tries_partial_total", facts.tries_partial_total);
	json_add_double(rules, "last_reload_s",
			facts.reloads_total ? (double)facts.load_ns / 1e9 : NAN);
	json_add_u64(rules, "matches_total", status->rules.matches_total);
	json_add_u64(rules, "matches_dropped_total", status->rules.matches_dropped_total);
	json_add_u64(rules, "regex_gave_up_total", status->rules.regex_gave_up_total);
	json_add_u64(rules, "opens_total", status->rules.opens_total);
	json_add_u64(rules, "opens_remembered_total", status->rules.opens_remembered_total);
	json_add_u64(rules, "outputs_cut_total", status->rules.outputs_cut_total);
	json_add_u64(rules, "events_cramped_total", status->rules.events_cramped_total);
	json_add_u64(rules, "suppressed_total", status->rules.suppressed_total);
	add_rule_memory(rules, status);
	add_windows(rules, status);
}

static void add_counts(cJSON *json, const struct snapshot_status *status)
{
	cJSON *counts = json_add_object(json, "count_min_sketch");

	json_add_u64(counts, "profiles", status->count_min_sketch.profiles);
	json_add_u64(counts, "bytes", status->count_min_sketch.bytes);
	json_add_u64(counts, "updates_total", status->count_min_sketch.updates_total);
	json_add_u64(counts, "resets_total", status->count_min_sketch.resets_total);
	json_add_u64(counts, "resets_failed_total", status->count_min_sketch.resets_failed_total);
	json_add_u64(counts, "cut_total", status->count_min_sketch.cut_total);
	json_add_u64(counts, "damaged_total", status->count_min_sketch.damaged_total);
}

static void add_pauses(cJSON *json, const struct snapshot_status *status)
{
	cJSON *pauses = json_add_object(json, "pauses");

	json_add_double(pauses, "longest_s", (double)status->pauses.longest_ns / 1e9);
	json_add_double(pauses, "recent_s", (double)status->pauses.recent_ns / 1e9);
	json_add_double(pauses, "longest_cpu_s", (double)status->pauses.cpu_longest_ns / 1e9);
	json_add_double(pauses, "recent_cpu_s", (double)status->pauses.cpu_recent_ns / 1e9);
	json_add_double(pauses, "longest_batch_s", (double)status->pauses.batch_longest_ns / 1e9);
	json_add_double(pauses, "recent_batch_s", (double)status->pauses.batch_recent_ns / 1e9);
}

static void add_totals(cJSON *json, const struct snapshot_status *status)
{
	json_add_u64(json, "anomalies_total", status->anomalies_total);
	json_add_u64(json, "incidents_total", status->incidents_total);
	json_add_double(json, "threshold_s", status->threshold_s);
}

static void add_memory(cJSON *json, const struct snapshot_status *status)
{
	cJSON *memory = json_add_object(json, "memory");
	struct memory_use use;
	cJSON *parts;

	if (memory_read("/proc/self/smaps", &use) == 0)
		json_add_u64(memory, "pss_bytes", use.pss_bytes);
	else
		json_add_null(memory, "pss_bytes");
	json_add_u64(memory, "ring_bytes", status->capture.ring_bytes);
	json_add_u64(memory, "map_bytes", status->capture.map_bytes);
	parts = json_add_object(memory, "by_part");
	for (uint32_t i = 0; i < MIN(status->n_memory_parts, ARRAY_SIZE(status->memory_parts)); i++)
		json_add_u64(parts, status->memory_parts[i].name, status->memory_parts[i].bytes);
	json_add_double(json, "cpu_s", status->cpu_s);
}

static void add_api(cJSON *json, const struct api_facts *facts)
{
	cJSON *api = json_add_object(json, "api");

	json_add_u64(api, "requests_total", atomic_load(&facts->requests_total));
	json_add_u64(api, "refused_total", atomic_load(&facts->refused_total));
	json_add_u64(api, "overload_total", atomic_load(&facts->overload_total));
}

static uint64_t file_bytes(const char *path, const char *suffix)
{
	char name[4096 + 8];
	struct stat st;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name))
		return 0;
	return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void storage_facts_read(const struct call *call, const struct snapshot_status *status,
			struct storage_facts *out)
{
	struct writer_counters counters = {0};

	if (call->sources->writer)
		writer_counters(call->sources->writer, &counters);
	*out = (struct storage_facts){
		.bytes = file_bytes(call->sources->store_path, ""),
		.wal_bytes = file_bytes(call->sources->store_path, "-wal"),
		.last_checkpoint_ns = counters.last_checkpoint_ns,
		.shed_first_total = counters.shed_first_total,
		.is_failing = counters.is_failing,
		.queue = status->writer.queue,
		.queue_max = status->writer.queue_max,
		.shed_total = status->writer.shed_total,
		.written_total = counters.written_total,
		.written_bytes_total = counters.bytes_written_total,
		.errors_total = counters.errors_total,
		.history.bytes = counters.event_bytes,
		.history.written_total = counters.events_written_total,
		.history.shed_total = counters.events_shed_total,
		.history.forgotten_total = counters.events_forgotten_total,
		.history.over_rate_total = status->history.over_rate_total,
		.history.sightings_shed_total = status->history.sightings_shed_total,
		.history.cut_total = status->history.cut_total,
		.history.memory_denied_total = status->history.memory_denied_total,
	};
}

static void add_history(cJSON *storage, const struct storage_facts *facts)
{
	cJSON *history = json_add_object(storage, "history");

	json_add_u64(history, "bytes", facts->history.bytes);
	json_add_u64(history, "written_total", facts->history.written_total);
	json_add_u64(history, "shed_total", facts->history.shed_total);
	json_add_u64(history, "forgotten_total", facts->history.forgotten_total);
	json_add_u64(history, "over_rate_total", facts->history.over_rate_total);
	json_add_u64(history, "sightings_shed_total", facts->history.sightings_shed_total);
	json_add_u64(history, "cut_total", facts->history.cut_total);
	json_add_u64(history, "memory_denied_total", facts->history.memory_denied_total);
}

static void add_storage(cJSON *json, const struct call *call, const struct snapshot_status *status)
{
	cJSON *storage = json_add_object(json, "storage");
	struct storage_facts facts;

	storage_facts_read(call, status, &facts);
	json_add_u64(storage, "bytes", facts.bytes);
	json_add_u64(storage, "wal_bytes", facts.wal_bytes);
	json_add_time(storage, "last_checkpoint", facts.last_checkpoint_ns);
	json_add_u64(storage, "queue", facts.queue);
	json_add_u64(storage, "queue_max", facts.queue_max);
	json_add_u64(storage, "shed_total", facts.shed_total);
	json_add_u64(storage, "written_total", facts.written_total);
	json_add_u64(storage, "written_bytes_total", facts.written_bytes_total);
	json_add_u64(storage, "shed_first_total", facts.shed_first_total);
	json_add_u64(storage, "errors_total", facts.errors_total);
	json_add_bool(storage, "failing", facts.is_failing);
	add_history(storage, &facts);
}

/* The newest gaps; an empty list rather than no status when the store cannot be read. */
static void add_gaps(cJSON *json, const struct call *call)
{
	struct queries *queries;
	cJSON *gaps = NULL;

	if (reader_pool_take(call->readers, &queries) == 0) {
		if (queries_gaps(queries, 0, UINT64_MAX, GAPS_SHOWN, &gaps))
			gaps = NULL;
		reader_pool_give(call->readers, queries);
	}
	json_add_item(json, "gaps", gaps ? gaps : cJSON_CreateArray());
}

static void add_times(cJSON *json, const struct snapshot_status *status)
{
	json_add_time(json, "now", status->now_ns);
	json_add_time(json, "last_event", status->last_event_ns);
	json_add_double(json, "uptime_s",
			status->now_ns > status->started_ns
				? (double)(status->now_ns - status->started_ns) / 1e9
				: 0);
}

void route_status(const struct call *call, struct answer *answer)
{
	SCOPED(live_release) struct live_answer *live = NULL;
	int r = live_share(call->live, REQUEST_STATUS, &live);
	const struct snapshot_status *status;
	cJSON *json;

	if (r) {
		answer_errno(answer, r, "status");
		return;
	}
	status = &live->request->status;
	json = cJSON_CreateObject();
	json_add_text(json, "version", TEXT(ETHOGRAM_VERSION));
	json_add_text(json, "host", text_from(call->facts->host));
	json_add_text_or_null(json, "boot_id", text_from(call->facts->boot_id));
	add_times(json, status);
	add_capture(json, status);
	add_gaps(json, call);
	add_state_and_profiles(json, status);
	add_storage(json, call, status);
	add_rules(json, call, status);
	add_pauses(json, status);
	add_counts(json, status);
	add_totals(json, status);
	add_memory(json, status);
	add_api(json, call->facts);
	answer_json(answer, json);
}
