/* Rules, and what filters and rules may name. */
#include "api/events_json.h"
#include "api/live.h"
#include "api/routes.h"
#include "base/json_text.h"
#include "base/util.h"

static cJSON *rule_json(const struct snapshot_rule *rule)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "name", rule->name);
	json_add_text(json, "description", rule->description);
	json_add_text(json, "source", rule->source);
	json_add_text(json, "condition", rule->condition);
	json_add_text_or_null(json, "window", rule->window);
	json_add_text_or_null(json, "only_if_new", rule->only_if_new);
	json_add_text_or_null(json, "rate", rule->rate);
	json_add_text(json, "output", rule->output);
	json_add_text(json, "priority", text_from(alert_priority_name(rule->priority)));
	json_add_words(json, "tags", rule->tags);
	json_add_bool(json, "enabled", rule->is_enabled);
	json_add_u64(json, "hits_total", rule->hits_total);
	json_add_u64(json, "suppressed_total", rule->suppressed_total);
	json_add_time(json, "last_hit", rule->last_hit_ns);
	json_add_text_or_null(json, "file", rule->file);
	json_add_u64(json, "line", rule->line);
	json_add_words(json, "absent_fields", rule->absent_fields);
	return json;
}

/* Whether words, separated by blanks, has wanted among them. */
static bool has_word(struct text words, struct text wanted)
{
	uint32_t start = 0;

	for (uint32_t i = 0; i <= words.len; i++) {
		if (i < words.len && words.ptr[i] != ' ')
			continue;
		if (i - start == wanted.len &&
		    memcmp(words.ptr + start, wanted.ptr, i - start) == 0)
			return true;
		start = i + 1;
	}
	return false;
}

/* What the parameters ask for. */
static bool is_asked_for(const struct call *call, const struct snapshot_rule *rule)
{
	const char *name = query_text(&call->query, "name"), *tag = query_text(&call->query, "tag");

	if (name && !text_matches(text_from(name), rule->name))
		return false;
	if (tag && !has_word(rule->tags, text_from(tag)))
		return false;
	return true;
}

/* All of them: they were loaded from files, so their number is bounded. */
void route_rules(const struct call *call, struct answer *answer)
{
	SCOPED(live_release) struct live_answer *live = NULL;
	int r = live_share(call->live, REQUEST_RULES, &live);
	cJSON *json, *items;

	if (r) {
		answer_errno(answer, r, "rules");
		return;
	}
	json = cJSON_CreateObject();
	items = json_add_array(json, "items");
	for (uint32_t i = 0; i < live->request->rules.n; i++) {
		if (is_asked_for(call, &live->request->rules.items[i]))
			cJSON_AddItemToArray(items, rule_json(&live->request->rules.items[i]));
	}
	json_add_null(json, "next");
	answer_json(answer, json);
}

void route_rules_check(const struct call *call, struct answer *answer)
{
	if (call->body_len == 0) {
		answer_problem(answer, 400, "the body must be a rule file");
		return;
	}
	answer_json_text(answer, call->hooks->rules_check_json(call->body, call->body_len,
							       call->hooks->arg));
}

void route_rules_reload(const struct call *call, struct answer *answer)
{
	char *text = call->hooks->rules_reload_json(call->hooks->arg);

	live_forget(call->live);
	if (text)
		answer_json_text(answer, text);
	else
		answer_problem(answer, 503, "no reload came to an end");
}

void route_fields(const struct call *call, struct answer *answer)
{
	answer_json_text(answer, call->hooks->fields_json(call->hooks->arg));
}

void route_events(const struct call *call, struct answer *answer)
{
	(void)call;
	answer_json(answer, events_json());
}
