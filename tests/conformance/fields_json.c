#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event_table.h"
#include "base/util.h"
#include "tests/conformance/cases.h"

static bool extract_absent(const struct field_context *ctx, const struct field *field,
			   const struct field_arg *arg, struct values *out)
{
	(void)ctx, (void)field, (void)arg, (void)out;
	return false;
}

/* evt.type.is.open, or its number. */
static int check_event(const struct field *field, struct field_arg *arg)
{
	(void)field;
	return arg->is_index || event_by_name(arg->text) >= 0 || syscall_by_name(arg->text)
		       ? 0
		       : -EINVAL;
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
	if (strcmp(field.name, "evt.type.is") == 0)
		field.check_arg = check_event;
	return field;
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
		if (with_plugins || strcmp(string_member(item, "provider"), "libs") == 0)
			fields[(*n)++] = read_field(item);
	}
	cJSON_Delete(json);
	return fields;
}
