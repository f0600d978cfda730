#include "daemon/documents.h"

#include <errno.h>
#include <string.h>

#include "base/json_text.h"
#include "base/util.h"
#include "daemon/rule_names.h"
#include "rules/loader.h"

static const char *argument_kind(uint32_t flags)
{
	if (flags & FIELD_ARG_REQUIRED)
		return "required";
	return flags & FIELD_ARG_ALLOWED ? "optional" : "none";
}

static cJSON *field_json(const struct field *field)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "name", text_from(field->name));
	json_add_text(json, "type", text_from(value_type_name(field->type)));
	json_add_text(json, "argument", text_from(argument_kind(field->flags)));
	json_add_bool(json, "list", field->flags & FIELD_LIST);
	json_add_bool(json, "available", !(field->flags & FIELD_UNAVAILABLE));
	json_add_text(json, "description", text_from(field->description));
	return json;
}

cJSON *document_fields(const struct field_set *fields)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *items = json_add_array(json, "items");

	for (uint32_t t = 0; t < fields->n_tables; t++) {
		for (uint32_t i = 0; i < fields->tables[t].n; i++)
			cJSON_AddItemToArray(items, field_json(&fields->tables[t].fields[i]));
	}
	json_add_null(json, "next");
	return json;
}

static cJSON *message_json(const struct rule_message *message)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "code", text_from(message->code));
	json_add_text(json, "message", text_from(message->message));
	json_add_text_or_null(json, "file", text_from(message->file));
	json_add_u64(json, "line", message->line);
	json_add_u64(json, "column", message->column);
	json_add_text_or_null(json, "item", text_from(message->item));
	return json;
}

cJSON *document_rule_messages(const struct rule_messages *messages, bool errors)
{
	cJSON *json = cJSON_CreateArray();

	for (uint32_t i = 0; i < messages->n; i++) {
		if (messages->items[i].is_error == errors)
			cJSON_AddItemToArray(json, message_json(&messages->items[i]));
	}
	return json;
}

static void add_absent_fields(cJSON *json, const struct rule_set *set)
{
	cJSON *items = json_add_array(json, "absent_fields");

	for (uint32_t i = 0; set && i < rule_set_size(set); i++) {
		struct text fields = rule_set_absent_fields(set, i);
		cJSON *item;

		if (!fields.len)
			continue;
		item = cJSON_CreateObject();
		json_add_text(item, "rule", rule_set_name(set, i));
		json_add_words(item, "fields", fields);
		cJSON_AddItemToArray(items, item);
	}
}

cJSON *document_load(const struct rule_set *set, const struct rule_messages *messages)
{
	cJSON *json = cJSON_CreateObject();
	struct rule_set_totals totals = {0};

	if (set)
		rule_set_totals(set, &totals);
	json_add_bool(json, "successful", set);
	json_add_u64(json, "rules", totals.rules);
	json_add_u64(json, "macros", totals.macros);
	json_add_u64(json, "lists", totals.lists);
	json_add_item(json, "errors", document_rule_messages(messages, true));
	json_add_item(json, "warnings", document_rule_messages(messages, false));
	add_absent_fields(json, set);
	return json;
}

static int load_text(const char *text, size_t len, const struct field_set *fields,
		     const struct rule_options *options, struct rule_set **set,
		     struct rule_messages *messages)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_set_destroy) struct rule_set *loaded = NULL;
	struct rule_options own = rule_options_with_plugins(options);
	int r = rule_loader_create(&loader, fields, &own);

	if (!r)
		r = rule_loader_add(loader, "body", text, len, &loaded, messages);
	if (!r)
		r = rule_loader_check_plugins(loader, messages);
	rule_messages_drop_repeats(messages);
	if (!r)
		*set = TAKE(loaded);
	return r;
}

/* What is checked: files or, where there are none, a text. */
struct checked {
	const char *const *files;
	uint32_t n_files;
	const char *text;
	size_t len;
};

static cJSON *check(const struct checked *checked, const struct field_set *fields,
		    const struct rule_names *names)
{
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	SCOPED(rule_names_done) struct rule_names shipped = {0};
	struct rule_options options = {
		.match_all = true, .min_priority = PRIORITY_DEBUG, .may_lack_dimensions = !names};
	int r;

	if (!names)
		rule_names_load_shipped(&shipped, fields);
	rule_names_tell(names ? names : &shipped, &options);
	if (checked->text)
		r = load_text(checked->text, checked->len, fields, &options, &set, &messages);
	else
		r = rule_set_load(&set, checked->files, checked->n_files, fields, &options,
				  &messages);
	return r == -ENOMEM ? NULL : document_load(set, &messages);
}

cJSON *document_rules_check(const char *const *files, uint32_t n_files,
			    const struct field_set *fields, const struct rule_names *names)
{
	return check(&(struct checked){.files = files, .n_files = n_files}, fields, names);
}

cJSON *document_rules_check_text(const char *text, size_t len, const struct field_set *fields,
				 const struct rule_names *names)
{
	return check(&(struct checked){.text = text, .len = len}, fields, names);
}
