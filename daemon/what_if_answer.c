#include "daemon/what_if_answer.h"

#include "base/json_text.h"
#include "base/util.h"
#include "daemon/documents.h"

static cJSON *needs_json(const struct what_if_rule *rule)
{
	cJSON *json = cJSON_CreateObject(), *fields;

	json_add_item(json, "events", rule->has_events ? what_if_event_names(&rule->events) : NULL);
	fields = json_add_array(json, "fields");
	for (uint32_t i = 0; i < rule->n_fields; i++)
		json_append_text(fields, text_from(rule->fields[i]));
	return json;
}

static cJSON *rule_json(const struct what_if_answer *answer, const struct what_if_rule *rule,
			uint32_t index)
{
	cJSON *json = what_if_tally_json(answer->tally, index);

	json_add_text(json, "priority", text_from(alert_priority_name(rule->info.priority)));
	json_add_text(json, "source", rule->info.source);
	json_add_bool(json, "enabled", rule->is_enabled);
	json_add_bool(json, "tried",
		      answer->has_incidents || text_equal(rule->info.source, TEXT("syscall")));
	json_add_item(json, "needs", needs_json(rule));
	json_add_item(json, "not_captured", answer->missing(index, answer->missing_arg));
	return json;
}

static cJSON *span_json(uint64_t from_ns, uint64_t to_ns)
{
	cJSON *json = cJSON_CreateObject();

	json_add_time(json, "from", from_ns);
	json_add_time(json, "to", to_ns);
	return json;
}

static cJSON *head_json(const struct rule_messages *messages, bool is_successful)
{
	cJSON *json = cJSON_CreateObject();

	json_add_bool(json, "successful", is_successful);
	json_add_item(json, "errors", document_rule_messages(messages, true));
	json_add_item(json, "warnings", document_rule_messages(messages, false));
	return json;
}

cJSON *what_if_answer_json(const struct what_if_answer *answer, const struct what_if_rules *rules,
			   const struct rule_messages *messages)
{
	cJSON *json = head_json(messages, true), *items;

	json_add_bool(json, "complete", answer->is_complete);
	json_add_text_or_null(json, "next", text_from(answer->next));
	json_add_bool(json, "exact", answer->is_exact);
	json_add_item(json, "span", span_json(answer->from_ns, answer->to_ns));
	json_add_item(json, "sources", answer->sources);
	items = json_add_array(json, "rules");
	for (uint32_t i = 0; i < rules->n; i++)
		cJSON_AddItemToArray(items, rule_json(answer, &rules->items[i], i));
	json_add_item(json, "gaps", answer->gaps);
	return json;
}

cJSON *what_if_refusal_json(const struct rule_messages *messages)
{
	cJSON *json = head_json(messages, false);

	json_add_bool(json, "complete", false);
	json_add_null(json, "next");
	json_add_bool(json, "exact", false);
	json_add_item(json, "span", span_json(0, 0));
	json_add_array(json, "sources");
	json_add_array(json, "rules");
	json_add_array(json, "gaps");
	return json;
}
