#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/conformance/cases.h"

static bool extract_absent(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	(void)ctx, (void)field, (void)arg, (void)out;
	return false;
}

static char *read_file(const char *path)
{
	SCOPED(free_ptr) char *bytes = NULL;
	FILE *file = fopen(path, "re");
	size_t n = 0, room = 1 << 20;

	if (!file)
		return NULL;
	bytes = calloc(1, room);
	n = bytes ? fread(bytes, 1, room - 1, file) : 0;
	fclose(file);
	return n ? TAKE(bytes) : NULL;
}

static bool has_syntax(const cJSON *argument, const char *want)
{
	const cJSON *syntax;

	cJSON_ArrayForEach(syntax, cJSON_GetObjectItem(argument, "syntax"))
	{
		if (strncmp(syntax->valuestring, want, strlen(want)) == 0)
			return true;
	}
	return false;
}

static uint32_t argument_flags(const cJSON *argument)
{
	bool takes_dot = has_syntax(argument, "dot") || has_syntax(argument, "suffix");
	uint32_t flags = FIELD_ARG_ALLOWED;

	if (!cJSON_IsObject(argument))
		return 0;
	if (cJSON_IsTrue(cJSON_GetObjectItem(argument, "required")))
		flags |= FIELD_ARG_REQUIRED;
	if (cJSON_IsTrue(cJSON_GetObjectItem(argument, "index")))
		flags |= FIELD_ARG_INDEX;
	if (cJSON_IsTrue(cJSON_GetObjectItem(argument, "key")))
		flags |= FIELD_ARG_KEY;
	return flags | (takes_dot ? FIELD_ARG_DOT : 0);
}

static struct field read_field(const cJSON *json)
{
	static const struct {
		const char *member;
		uint32_t flag;
	} members[] = {
		{"list", FIELD_LIST},
		{"filter_only", FIELD_FILTER_ONLY},
		{"output_only", FIELD_OUTPUT_ONLY},
		{"deprecated", FIELD_DEPRECATED},
		{"no_transformer", FIELD_NO_TRANSFORMER},
		{"no_field_to_field", FIELD_NO_FIELD_TO_FIELD},
		{"suggested_output", FIELD_SUGGESTED_OUTPUT},
	};
	struct field field = {
		.name = strdup(string_member(json, "name")),
		.type = (enum value_type)value_type_by_name(text_from(string_member(json, "type"))),
		.extract = extract_absent,
		.description = "",
		.flags = argument_flags(cJSON_GetObjectItem(json, "argument")),
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (cJSON_IsTrue(cJSON_GetObjectItem(json, members[i].member)))
			field.flags |= members[i].flag;
	}
	return field;
}

/* The engine's own field of that name, NULL if it has none. */
static const struct field *find_own(const char *name)
{
	struct field_table own = state_field_table();

	for (uint32_t i = 0; name && i < own.n; i++) {
		if (strcmp(own.fields[i].name, name) == 0)
			return &own.fields[i];
	}
	return NULL;
}

/* What the list says a field is, is not tested here but by the unit test of the field table. */
static struct field take_field(const cJSON *json)
{
	const struct field *own = find_own(string_member(json, "name"));
	struct field field;

	if (!own)
		return read_field(json);
	field = *own;
	field.name = strdup(own->name);
	return field;
}

/* Fields that upstream has from plugins. */
static bool is_of_plugin(const char *name)
{
	static const char *const prefixes[] = {"container.", "k8s.", "k8smeta.", "anomaly.",
					       "proc.is_container_"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

struct field *fields_own(bool with_plugins, uint32_t *n)
{
	struct field_table own = state_field_table();
	struct field *fields = calloc(own.n, sizeof(*fields));

	*n = 0;
	for (uint32_t i = 0; fields && i < own.n; i++) {
		if (!with_plugins && is_of_plugin(own.fields[i].name))
			continue;
		fields[*n] = own.fields[i];
		fields[(*n)++].name = strdup(own.fields[i].name);
	}
	return fields;
}

void fields_free(const struct field_set *set)
{
	for (uint32_t i = 0; i < set->tables[0].n; i++)
		free((void *)set->tables[0].fields[i].name);
	free((void *)set->tables[0].fields);
}

struct field *fields_read(const char *path, bool with_plugins, uint32_t *n)
{
	SCOPED(free_ptr) char *text = read_file(path);
	cJSON *json = text ? cJSON_Parse(text) : NULL;
	const cJSON *list = cJSON_GetObjectItem(json, "fields"), *item;
	struct field *fields = NULL;

	*n = 0;
	if (list)
		fields = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*fields));
	cJSON_ArrayForEach(item, list)
	{
		const char *provider = string_member(item, "provider");

		if (string_member(item, "name") && string_member(item, "type") &&
		    (with_plugins || (provider && strcmp(provider, "libs") == 0)))
			fields[(*n)++] = take_field(item);
	}
	cJSON_Delete(json);
	return fields;
}
