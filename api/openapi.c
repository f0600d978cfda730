/* The OpenAPI 3.1 document: paths from the table of routes, answers' members from schemas.json. */
#include <stdio.h>
#include <string.h>

#include "api/assets.h"
#include "api/routes.h"
#include "base/json_text.h"
#include "base/util.h"

static cJSON *schema_ref(const char *name)
{
	char ref[96];
	cJSON *json = cJSON_CreateObject();

	snprintf(ref, sizeof(ref), "#/components/schemas/%s", name);
	cJSON_AddStringToObject(json, "$ref", ref);
	return json;
}

static void add_type(cJSON *schema, const char *type)
{
	cJSON_AddStringToObject(schema, "type", type);
}

static void add_choices(cJSON *schema, const char *choices)
{
	cJSON *array = json_add_array(schema, "enum");

	for (const char *at = choices; *at;) {
		size_t len = strcspn(at, " ");

		json_append_text(array, (struct text){at, (uint32_t)len});
		at += len + (at[len] == ' ');
	}
}

static cJSON *param_schema(const struct query_param *param)
{
	cJSON *schema = cJSON_CreateObject();

	switch (param->type) {
	case QUERY_TEXT:
		add_type(schema, "string");
		cJSON_AddNumberToObject(schema, "maxLength", QUERY_TEXT_MAX);
		break;
	case QUERY_TIME:
		add_type(schema, "string");
		cJSON_AddStringToObject(schema, "format", "date-time");
		break;
	case QUERY_SECONDS:
		add_type(schema, "number");
		cJSON_AddNumberToObject(schema, "minimum", 0);
		break;
	case QUERY_COUNT:
		add_type(schema, "integer");
		cJSON_AddNumberToObject(schema, "minimum", 0);
		break;
	case QUERY_LIMIT:
		add_type(schema, "integer");
		cJSON_AddNumberToObject(schema, "minimum", 1);
		cJSON_AddNumberToObject(schema, "maximum", QUERY_LIMIT_MAX);
		cJSON_AddNumberToObject(schema, "default", QUERY_LIMIT_DEFAULT);
		break;
	case QUERY_BOOL:
		add_type(schema, "boolean");
		break;
	case QUERY_WORKLOAD:
		add_type(schema, "string");
		cJSON_AddStringToObject(schema, "pattern", "^[0-9a-fA-F]{16}$");
		break;
	case QUERY_CHOICE:
		add_type(schema, "string");
		add_choices(schema, param->choices);
		break;
	}
	return schema;
}

static void add_param(cJSON *array, const char *in, const struct query_param *param)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "name", text_from(param->name));
	json_add_text(json, "in", text_from(in));
	json_add_bool(json, "required", strcmp(in, "path") == 0);
	json_add_text(json, "description", text_from(param->summary));
	json_add_item(json, "schema", param_schema(param));
	cJSON_AddItemToArray(array, json);
}

static void add_params(cJSON *operation, const struct route *route)
{
	static const struct query_param id = {"id", QUERY_TEXT, "The id.", NULL};
	cJSON *array = json_add_array(operation, "parameters");

	if (strstr(route->path, "{id}"))
		add_param(array, "path", &id);
	for (const struct query_param *param = route->params; param && param->name; param++)
		add_param(array, "query", param);
}

static void add_content(cJSON *response, const char *type, cJSON *schema)
{
	cJSON *content = json_add_object(response, "content");

	json_add_item(json_add_object(content, type), "schema", schema);
}

static void add_response(cJSON *responses, const char *status, const char *description,
			 const char *type, cJSON *schema)
{
	cJSON *response = json_add_object(responses, status);

	json_add_text(response, "description", text_from(description));
	add_content(response, type, schema);
}

static void add_responses(cJSON *operation, const struct route *route)
{
	cJSON *responses = json_add_object(operation, "responses");
	cJSON *text;

	if (route->schema) {
		add_response(responses, "200", "The answer.", "application/json",
			     schema_ref(route->schema));
	} else {
		text = cJSON_CreateObject();
		add_type(text, "string");
		add_response(responses, "200", "The answer.", route->content_type, text);
	}
	if (route->schema && strcmp(route->schema, "Health") == 0)
		add_response(responses, "503", "Not well.", "application/json",
			     schema_ref(route->schema));
	add_response(responses, "default", "A problem.", "application/problem+json",
		     schema_ref("Problem"));
}

/* Open routes need nothing; of the others any one scheme will do. */
static void add_security(cJSON *operation, const struct route *route)
{
	cJSON *array = json_add_array(operation, "security");
	cJSON *scheme;

	if (route->access == ACCESS_OPEN)
		return;
	scheme = cJSON_CreateObject();
	json_add_array(scheme, "token");
	cJSON_AddItemToArray(array, scheme);
}

static cJSON *operation_json(const struct route *route)
{
	cJSON *operation = cJSON_CreateObject();

	json_add_text(operation, "summary", text_from(route->summary));
	add_params(operation, route);
	if (route->body_bytes_max) {
		cJSON *body = json_add_object(operation, "requestBody");
		cJSON *text = cJSON_CreateObject();

		add_type(text, "string");
		json_add_bool(body, "required", true);
		add_content(body, "application/yaml", text);
	}
	add_responses(operation, route);
	add_security(operation, route);
	return operation;
}

static void add_paths(cJSON *json)
{
	cJSON *paths = json_add_object(json, "paths");
	size_t n;
	const struct route *routes = route_table(&n);

	for (size_t i = 0; i < n; i++) {
		cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, routes[i].path);

		if (!path)
			path = json_add_object(paths, routes[i].path);
		json_add_item(path, strcmp(routes[i].method, "POST") == 0 ? "post" : "get",
			      operation_json(&routes[i]));
	}
}

static void add_components(cJSON *json)
{
	cJSON *components = json_add_object(json, "components");
	cJSON *scheme = json_add_object(json_add_object(components, "securitySchemes"), "token");

	json_add_item(components, "schemas", cJSON_Parse(asset_schemas_json.bytes));
	json_add_text(scheme, "type", TEXT("http"));
	json_add_text(scheme, "scheme", TEXT("bearer"));
}

void route_openapi(const struct call *call, struct answer *answer)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *info;

	(void)call;
	json_add_text(json, "openapi", TEXT("3.1.0"));
	info = json_add_object(json, "info");
	json_add_text(info, "title", TEXT("Ethogram"));
	json_add_text(info, "version", TEXT(ETHOGRAM_VERSION));
	add_paths(json);
	add_components(json);
	answer_json(answer, json);
}
