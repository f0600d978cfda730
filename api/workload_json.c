#include "api/workload_json.h"

#include "base/ids.h"
#include "base/json_text.h"
#include "base/util.h"
#include "storage/records_json.h"

const char *learning_state_name(enum learning_state state)
{
	static const char *const names[] = {
		[LEARNING] = "learning",
		[READY] = "ready",
		[UNSETTLED] = "unsettled",
	};

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "learning";
}

static void add_state(cJSON *json, enum learning_state state)
{
	json_add_text(json, "state", text_from(learning_state_name(state)));
}

static cJSON *eta_json(const struct snapshot_workload_head *head)
{
	cJSON *json;

	if (!head->has_eta)
		return cJSON_CreateNull();
	json = cJSON_CreateObject();
	json_add_double(json, "low", head->eta_low_s);
	json_add_double(json, "high", head->eta_high_s);
	return json;
}

static void add_instances(cJSON *json, const struct snapshot_workload_head *head)
{
	cJSON *array = json_add_array(json, "instances");

	for (uint32_t i = 0; i < head->n_instances; i++) {
		cJSON *item = cJSON_CreateObject();

		json_add_text(item, "id", head->instances[i].id);
		json_add_i64(item, "pid", head->instances[i].pid);
		json_add_time(item, "since", head->instances[i].since_ns);
		json_add_text_or_null(item, "tag", head->instances[i].tag);
		json_add_text_or_null(item, "digest", head->instances[i].digest);
		cJSON_AddItemToArray(array, item);
	}
}

static void add_versions(cJSON *json, const struct snapshot_workload_head *head)
{
	cJSON *array = json_add_array(json, "versions");

	for (uint32_t i = 0; i < head->n_versions; i++) {
		cJSON *item = cJSON_CreateObject();

		json_add_text_or_null(item, "tag", head->versions[i].tag);
		json_add_text_or_null(item, "digest", head->versions[i].digest);
		json_add_time(item, "first_seen", head->versions[i].first_seen_ns);
		cJSON_AddItemToArray(array, item);
	}
}

/* The words of a text separated by blanks. */
static cJSON *words_json(struct text words)
{
	cJSON *array = cJSON_CreateArray();
	uint32_t start = 0;

	for (uint32_t i = 0; i <= words.len; i++) {
		if (i < words.len && words.ptr[i] != ' ')
			continue;
		if (i > start)
			json_append_text(array, (struct text){words.ptr + start, i - start});
		start = i + 1;
	}
	return array;
}

/* Times of one shape and length (RFC 3339, nanoseconds, UTC) order as their texts do. */
static bool overlaps(const cJSON *gap, const char *from, const char *to)
{
	const char *gap_from = cJSON_GetStringValue(cJSON_GetObjectItem(gap, "from"));
	const char *gap_to = cJSON_GetStringValue(cJSON_GetObjectItem(gap, "to"));

	return gap_from && gap_to && strcmp(gap_from, to) <= 0 && strcmp(gap_to, from) >= 0;
}

static cJSON *gaps_json(const struct snapshot_workload_head *head, const cJSON *gaps)
{
	char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES];
	cJSON *array = cJSON_CreateArray();
	const cJSON *gap;

	time_print(head->first_seen_ns, from);
	time_print(head->last_seen_ns, to);
	cJSON_ArrayForEach(gap, gaps)
	{
		if (overlaps(gap, from, to))
			cJSON_AddItemToArray(array, cJSON_Duplicate(gap, true));
	}
	return array;
}

static cJSON *quality_json(const struct snapshot_workload_head *head, const cJSON *gaps)
{
	const struct record_quality *quality = &head->quality;
	cJSON *json = cJSON_CreateObject();
	cJSON *overlapping = gaps_json(head, gaps);

	json_add_bool(json, "complete", quality->complete && !cJSON_GetArraySize(overlapping));
	json_add_u64(json, "lost_events", quality->lost_events);
	json_add_item(json, "gaps", overlapping);
	json_add_item(json, "missing_fields", words_json(quality->missing_fields));
	json_add_text(json, "sketch",
		      quality->sketch_estimated ? TEXT("estimated") : TEXT("exact"));
	return json;
}

cJSON *workload_head_json(const struct snapshot_workload_head *head, const cJSON *gaps)
{
	cJSON *json = cJSON_CreateObject();

	json_add_hex16(json, "id", head->id);
	json_add_text(json, "name", head->name);
	json_add_text(json, "kind", text_from(workload_kind_name(head->kind)));
	add_state(json, head->state);
	json_add_double(json, "coverage", head->coverage);
	json_add_double(json, "basis_s", head->basis_s);
	json_add_item(json, "ready_eta_s", eta_json(head));
	json_add_u64(json, "behaviours", head->behaviours);
	json_add_u64(json, "pending", head->pending);
	json_add_u64(json, "quarantined", head->quarantined);
	json_add_time(json, "first_seen", head->first_seen_ns);
	json_add_time(json, "last_seen", head->last_seen_ns);
	add_instances(json, head);
	add_versions(json, head);
	json_add_item(json, "data_quality", quality_json(head, gaps));
	return json;
}

static cJSON *levels_json(const struct snapshot_dimension *dimension)
{
	cJSON *array = cJSON_CreateArray();

	for (uint32_t i = 0; i < MIN(dimension->n_levels, RECORD_LEVELS_MAX); i++) {
		const struct snapshot_level *level = &dimension->levels[i];
		cJSON *json = cJSON_CreateObject();

		json_add_u64(json, "level", level->level);
		add_state(json, level->state);
		json_add_double(json, "discovery_rate_per_s", level->discovery_rate_per_s);
		json_add_double(json, "discovery_rate_high_per_s",
				level->discovery_rate_high_per_s);
		json_add_double(json, "longest_claim_s",
				MIN(level->longest_claim_s, RETURN_PERIOD_MAX_S));
		cJSON_AddItemToArray(array, json);
	}
	return array;
}

static cJSON *sketch_json(const struct snapshot_dimension *dimension)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "kind", dimension->is_count_min ? TEXT("count_min") : TEXT("exact"));
	json_add_u64(json, "rows", dimension->rows);
	json_add_u64(json, "columns", dimension->columns);
	json_add_u64(json, "bytes", dimension->bytes);
	json_add_double(json, "false_known", dimension->false_known);
	return json;
}

static cJSON *discovery_json(const struct snapshot_dimension *dimension)
{
	cJSON *array = cJSON_CreateArray();

	for (uint32_t i = 0; i < MIN(dimension->n_discovery, SNAPSHOT_DISCOVERY_MAX); i++) {
		cJSON *pair = cJSON_CreateArray();

		cJSON_AddItemToArray(
			pair, cJSON_CreateNumber((double)dimension->discovery[i].active_epoch));
		cJSON_AddItemToArray(pair,
				     cJSON_CreateNumber((double)dimension->discovery[i].distinct));
		cJSON_AddItemToArray(array, pair);
	}
	return array;
}

static cJSON *dimension_json(const struct snapshot_dimension *dimension)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *reasons;

	json_add_text(json, "name", dimension->name);
	add_state(json, dimension->state);
	json_add_double(json, "coverage", dimension->coverage);
	json_add_u64(json, "active_epochs", dimension->active_epochs);
	json_add_u64(json, "behaviours", dimension->behaviours);
	json_add_u64(json, "incidences", dimension->incidences);
	json_add_item(json, "levels", levels_json(dimension));
	json_add_item(json, "sketch", sketch_json(dimension));
	json_add_item(json, "discovery", discovery_json(dimension));
	reasons = json_add_array(json, "reasons");
	for (uint32_t i = 0; i < MIN(dimension->n_reasons, SNAPSHOT_REASONS_MAX); i++)
		json_append_text(reasons, dimension->reasons[i]);
	return json;
}

cJSON *workload_json(const struct snapshot_workload *workload, const cJSON *gaps)
{
	cJSON *json = workload_head_json(&workload->head, gaps);
	cJSON *array = json_add_array(json, "dimensions");

	for (uint32_t i = 0; i < workload->n_dimensions; i++)
		cJSON_AddItemToArray(array, dimension_json(&workload->dimensions[i]));
	return json;
}

cJSON *behaviour_json(const struct snapshot_behaviour *behaviour)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "dimension", behaviour->dimension);
	json_add_item(json, "key", key_json(&behaviour->key));
	json_add_u64(json, "events", behaviour->events);
	json_add_u64(json, "incidences", behaviour->incidences);
	json_add_double(json, "frequency", behaviour->frequency);
	json_add_time(json, "first_seen", behaviour->first_seen_ns);
	json_add_time(json, "last_seen", behaviour->last_seen_ns);
	return json;
}

cJSON *pending_json(const struct snapshot_pending_item *item)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "dimension", item->dimension);
	json_add_item(json, "key", key_json(&item->key));
	json_add_time(json, "first_seen", item->first_seen_ns);
	json_add_time(json, "last_seen", item->last_seen_ns);
	json_add_u64(json, "events", item->events);
	json_add_u64(json, "active_epochs", item->active_epochs);
	json_add_bool(json, "quarantined", item->is_quarantined);
	json_add_id(json, "anomaly", 'a', item->anomaly);
	json_add_time(json, "due", item->due_ns);
	json_add_text_or_null(json, "reason", item->reason);
	return json;
}
