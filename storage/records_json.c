#include "storage/records_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json_text.h"
#include "base/util.h"

cJSON *key_json(const struct record_key *key)
{
	cJSON *array = cJSON_CreateArray();

	for (unsigned i = 0; i < MIN(key->n, RECORD_KEY_MAX); i++)
		json_append_text(array, key->fields[i]);
	return array;
}

static cJSON *key_prefix_json(const struct record_key *key, unsigned n)
{
	struct record_key prefix = *key;

	prefix.n = (uint8_t)MIN(key->n, n);
	return key_json(&prefix);
}

/* Append item to array; it is deleted when that fails. */
static void append(cJSON *array, cJSON *item)
{
	if (!cJSON_AddItemToArray(array, item))
		cJSON_Delete(item);
}

static void add_return_period(cJSON *object, double seconds)
{
	json_add_double(object, "return_period_s", MIN(seconds, RETURN_PERIOD_MAX_S));
}

static void add_words(cJSON *object, const char *name, struct text words)
{
	cJSON *array = json_add_array(object, name);
	uint32_t start = 0;

	for (uint32_t i = 0; i <= words.len; i++) {
		if (i < words.len && words.ptr[i] != ' ')
			continue;
		if (i > start)
			json_append_text(array, (struct text){words.ptr + start, i - start});
		start = i + 1;
	}
}

static cJSON *workload_json(uint64_t id, struct text name)
{
	cJSON *workload = cJSON_CreateObject();

	json_add_hex16(workload, "id", id);
	json_add_text(workload, "name", name);
	return workload;
}

static cJSON *process_json(const struct record_process *process)
{
	cJSON *object = cJSON_CreateObject(), *lineage;

	json_add_i64(object, "pid", process->pid);
	json_add_time(object, "start_time", process->start_time_ns);
	json_add_text(object, "exe", process->exe);
	json_add_text(object, "cmdline", process->cmdline);
	json_add_text_or_null(object, "user", process->user);
	lineage = json_add_array(object, "lineage");
	for (unsigned i = 0; i < MIN(process->n_lineage, RECORD_LINEAGE_MAX); i++) {
		cJSON *ancestor = cJSON_CreateObject();

		json_add_i64(ancestor, "pid", process->lineage[i].pid);
		json_add_text(ancestor, "exe", process->lineage[i].exe);
		append(lineage, ancestor);
	}
	return object;
}

static cJSON *quality_json(const struct record_quality *quality)
{
	cJSON *object = cJSON_CreateObject();

	json_add_bool(object, "complete", quality->complete);
	json_add_u64(object, "lost_events", quality->lost_events);
	json_add_array(object, "gaps");
	add_words(object, "missing_fields", quality->missing_fields);
	json_add_text(object, "sketch",
		      quality->sketch_estimated ? TEXT("estimated") : TEXT("exact"));
	return object;
}

static cJSON *event_json(const struct record_anomaly *anomaly)
{
	cJSON *event = cJSON_CreateObject();
	bool is_known = anomaly->event_type < EVENT_TYPE_END;

	json_add_text_or_null(event, "type",
			      is_known ? text_from(event_info(anomaly->event_type)->name)
				       : TEXT_NONE);
	json_add_u64(event, "num", anomaly->event_num);
	json_add_text(event, "args", anomaly->event_args);
	return event;
}

static cJSON *usual_json(const struct record_anomaly *anomaly)
{
	cJSON *array = cJSON_CreateArray();

	for (unsigned i = 0; i < MIN(anomaly->n_usual, RECORD_USUAL_MAX); i++) {
		cJSON *item = cJSON_CreateObject();

		json_add_item(item, "key", key_json(&anomaly->usual[i].key));
		json_add_double(item, "frequency", anomaly->usual[i].frequency);
		append(array, item);
	}
	return array;
}

static cJSON *explanation_json(const struct record_anomaly *anomaly)
{
	cJSON *object = cJSON_CreateObject(), *levels, *population;

	levels = json_add_array(object, "levels");
	for (unsigned i = 0; i < MIN(anomaly->n_levels, RECORD_LEVELS_MAX); i++) {
		const struct record_level *level = &anomaly->levels[i];
		cJSON *item = cJSON_CreateObject();

		json_add_u64(item, "level", i);
		json_add_item(item, "key", key_prefix_json(&anomaly->key, i + 1));
		json_add_bool(item, "known", level->known);
		json_add_double(item, "discovery_rate_per_s", level->discovery_rate_per_s);
		json_add_double(item, "bits", level->bits);
		add_return_period(item, level->return_period_s);
		append(levels, item);
	}
	population = json_add_object(object, "population");
	json_add_bool(population, "known", anomaly->population_known);
	json_add_double(population, "factor", anomaly->population_factor);
	json_add_text(object, "formula", anomaly->formula);
	return object;
}

cJSON *anomaly_json(const struct record_anomaly *anomaly, enum anomaly_detail detail)
{
	cJSON *object = cJSON_CreateObject(), *workload;

	json_add_id(object, "id", 'a', anomaly->id);
	json_add_time(object, "time", anomaly->first_ns);
	json_add_time(object, "last_seen", anomaly->last_ns);
	json_add_u64(object, "occurrences", anomaly->occurrences);
	json_add_text(object, "state", text_from(anomaly_state_name(anomaly->state)));
	workload = workload_json(anomaly->workload_id, anomaly->workload_name);
	json_add_text_or_null(workload, "instance", anomaly->instance);
	json_add_item(object, "workload", workload);
	json_add_text(object, "dimension", anomaly->dimension);
	json_add_item(object, "key", key_json(&anomaly->key));
	json_add_i64(object, "level", anomaly->level);
	json_add_bool(object, "novel", anomaly->novel);
	json_add_time(object, "seen_before", anomaly->seen_before_ns);
	add_return_period(object, anomaly->return_period_s);
	json_add_double(object, "return_period_basis_s", anomaly->return_period_basis_s);
	json_add_bool(object, "return_period_capped", anomaly->return_period_capped);
	json_add_bool(object, "above_threshold", anomaly->above_threshold);
	json_add_double(object, "bits", anomaly->bits);
	json_add_bool(object, "startup", anomaly->is_startup);
	json_add_double(object, "coverage", anomaly->coverage);
	json_add_text(object, "reason", anomaly->reason);
	json_add_item(object, "usual", usual_json(anomaly));
	json_add_item(object, "process", process_json(&anomaly->process));
	json_add_item(object, "event", event_json(anomaly));
	json_add_id(object, "incident", 'i', anomaly->incident);
	json_add_null(object, "feedback");
	json_add_item(object, "data_quality", quality_json(&anomaly->quality));
	if (detail == ANOMALY_WITH_EXPLANATION)
		json_add_item(object, "explanation", explanation_json(anomaly));
	return object;
}

cJSON *incident_json(const struct record_incident *incident)
{
	cJSON *object = cJSON_CreateObject();

	json_add_id(object, "id", 'i', incident->id);
	json_add_time(object, "from", incident->from_ns);
	json_add_time(object, "to", incident->to_ns);
	json_add_item(object, "workload",
		      workload_json(incident->workload_id, incident->workload_name));
	json_add_text(object, "state", incident->is_open ? TEXT("open") : TEXT("closed"));
	add_return_period(object, incident->return_period_s);
	json_add_double(object, "bits", incident->bits);
	json_add_u64(object, "anomalies", incident->n_anomalies);
	json_add_u64(object, "alerts", incident->n_alerts);
	json_add_text(object, "summary", incident->summary);
	json_add_item(object, "process", process_json(&incident->root));
	return object;
}

/* "HH:MM:SS.nnnnnnnnn: Priority ", as Falco writes it. */
static uint32_t print_prefix(uint64_t ts_ns, const char *what, char *out, size_t out_bytes)
{
	time_t seconds = (time_t)(ts_ns / 1000000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	return (uint32_t)snprintf(out, out_bytes, "%02d:%02d:%02d.%09u: %s ", tm.tm_hour, tm.tm_min,
				  tm.tm_sec, (unsigned)(ts_ns % 1000000000), what);
}

/* Prefix and message; the caller frees ptr. */
static struct text output_text(const struct record_alert *alert)
{
	char prefix[64];
	uint32_t prefix_len = print_prefix(alert->ts_ns, alert_priority_name(alert->priority),
					   prefix, sizeof(prefix));
	char *whole = malloc((size_t)prefix_len + alert->message.len);

	if (!whole)
		return TEXT_NONE;
	memcpy(whole, prefix, prefix_len);
	if (alert->message.len)
		memcpy(whole + prefix_len, alert->message.ptr, alert->message.len);
	return (struct text){whole, prefix_len + alert->message.len};
}

static bool has_controls(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20)
			return true;
	}
	return false;
}

/* The rule engine encoded the fields; what is no JSON object on one line after all must not break
 * ours. Raw, because cJSON would round 64-bit integers (evt.time). */
static cJSON *output_fields_json(const struct record_alert *alert)
{
	SCOPED(free_ptr) char *fields = text_dup(alert->output_fields);
	cJSON *parsed;
	bool is_good;

	if (!fields)
		return NULL;
	parsed = cJSON_ParseWithOpts(fields, NULL, true);
	is_good = cJSON_IsObject(parsed) && !has_controls(fields);

	cJSON_Delete(parsed);
	return is_good ? cJSON_CreateRaw(fields) : cJSON_CreateObject();
}

cJSON *alert_falco_json(const struct record_alert *alert, const char *host)
{
	cJSON *object = cJSON_CreateObject();
	struct text output = output_text(alert);

	json_add_text_or_null(object, "hostname", text_from(host));
	json_add_text(object, "output", output);
	json_add_item(object, "output_fields", output_fields_json(alert));
	json_add_text(object, "priority", text_from(alert_priority_name(alert->priority)));
	json_add_text(object, "rule", alert->rule);
	json_add_text(object, "source", alert->source);
	add_words(object, "tags", alert->tags);
	json_add_time(object, "time", alert->ts_ns);
	free((char *)output.ptr);
	return object;
}

cJSON *alert_json(const struct record_alert *alert, const char *host)
{
	cJSON *object = alert_falco_json(alert, host);

	json_add_id(object, "id", 'l', alert->id);
	json_add_item(object, "workload",
		      alert->workload_id ? workload_json(alert->workload_id, alert->workload_name)
					 : NULL);
	json_add_id(object, "incident", 'i', alert->incident);
	return object;
}

cJSON *gap_json(const struct record_gap *gap)
{
	cJSON *object = cJSON_CreateObject(), *detail;

	json_add_time(object, "from", gap->from_ns);
	json_add_time(object, "to", gap->to_ns);
	json_add_text(object, "reason", gap->reason);
	if (gap->events == GAP_EVENTS_UNKNOWN)
		json_add_null(object, "events");
	else
		json_add_u64(object, "events", gap->events);
	detail = gap->detail.len ? cJSON_ParseWithLength(gap->detail.ptr, gap->detail.len) : NULL;
	json_add_item(object, "detail", detail);
	return object;
}

/* Escape as in a JSON string, but leave the backslashes of an encoded text alone: undone in one
 * step, and for what is valid UTF-8 the very line that Falco prints. */
static char *escape_controls(const char *encoded)
{
	static const char letters[] = "btn\0fr"; /* for 8 to 13 */
	char *out = malloc(strlen(encoded) * 6 + 1), *to = out;

	if (!out)
		return NULL;
	for (const char *c = encoded; *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte == '"') {
			*to++ = '\\';
			*to++ = '"';
		} else if (byte >= 8 && byte <= 13 && letters[byte - 8]) {
			*to++ = '\\';
			*to++ = letters[byte - 8];
		} else if (byte < 0x20 || byte == 0x7f) {
			to += sprintf(to, "\\u%04x", byte);
		} else {
			*to++ = *c;
		}
	}
	*to = '\0';
	return out;
}

char *alert_line(const struct record_alert *alert)
{
	struct text output = output_text(alert);
	SCOPED(free_ptr) char *whole = (char *)output.ptr;
	SCOPED(free_ptr) char *encoded = whole ? json_text_encode(output) : NULL;

	return encoded ? escape_controls(encoded) : NULL;
}

/* Pieces joined into one line, control bytes escaped; the caller frees it. */
static char *join_line(const struct text *pieces, size_t n)
{
	SCOPED(free_ptr) char *encoded = NULL;
	SCOPED(free_ptr) char *whole = NULL;
	size_t bytes = 0, used = 0;

	for (size_t i = 0; i < n; i++)
		bytes += pieces[i].len;
	whole = malloc(bytes + 1);
	for (size_t i = 0; whole && i < n; i++) {
		if (pieces[i].len)
			memcpy(whole + used, pieces[i].ptr, pieces[i].len);
		used += pieces[i].len;
	}
	if (whole)
		encoded = json_text_encode((struct text){whole, (uint32_t)used});
	return encoded ? escape_controls(encoded) : NULL;
}

char *anomaly_line(const struct record_anomaly *anomaly)
{
	SCOPED(free_ptr) char *key = NULL;
	cJSON *fields = key_json(&anomaly->key);
	char prefix[64], id[ID_BYTES];
	uint32_t len = print_prefix(anomaly->first_ns, "Anomaly", prefix, sizeof(prefix));

	key = cJSON_PrintUnformatted(fields);
	cJSON_Delete(fields);
	return join_line((struct text[]){{prefix, len},
					 text_from(id_print('a', anomaly->id, id)),
					 TEXT(" in "),
					 anomaly->workload_name,
					 TEXT(": "),
					 anomaly->reason,
					 TEXT(" ("),
					 anomaly->dimension,
					 TEXT(": "),
					 text_from(key),
					 TEXT(")")},
			 11);
}

char *incident_line(const struct record_incident *incident)
{
	char prefix[64], id[ID_BYTES], counts[64];
	uint32_t len = print_prefix(incident->to_ns, "Incident", prefix, sizeof(prefix));

	snprintf(counts, sizeof(counts), " (%u anomalies, %u alerts%s)", incident->n_anomalies,
		 incident->n_alerts, incident->is_open ? ", still open" : "");
	return join_line((struct text[]){{prefix, len},
					 text_from(id_print('i', incident->id, id)),
					 TEXT(" in "),
					 incident->workload_name,
					 TEXT(": "),
					 incident->summary,
					 text_from(counts)},
			 7);
}
