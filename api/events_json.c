#include "api/events_json.h"

#include "base/event_table.h"
#include "base/json_text.h"

static cJSON *event_json(const struct event_info *info)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *parameters;

	json_add_text(json, "name", text_from(info->name));
	parameters = json_add_array(json, "parameters");
	for (unsigned i = 0; i < info->n_params; i++)
		json_append_text(parameters, text_from(info->params[i].name));
	return json;
}

cJSON *events_json(void)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *items = json_add_array(json, "items");

	for (unsigned type = 0; type < EVENT_TYPE_END; type++)
		cJSON_AddItemToArray(items, event_json(event_info((enum event_type)type)));
	json_add_null(json, "next");
	return json;
}
