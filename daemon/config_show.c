#include "daemon/config.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static cJSON *list_json(const struct string_list *list)
{
	cJSON *array = cJSON_CreateArray();

	for (uint32_t i = 0; i < list->n; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(list->items[i]));
	return array;
}

static cJSON *outputs_json(const struct config *config)
{
	cJSON *array = cJSON_CreateArray();

	for (uint32_t i = 0; i < config->outputs.n; i++) {
		const struct output_config *output = &config->outputs.items[i];
		cJSON *entry = cJSON_CreateObject(), *options = cJSON_CreateObject();

		for (uint32_t j = 0; j < output->n_options; j++) {
			const struct string_list *values = &output->options[j].values;

			cJSON_AddItemToObject(options, output->options[j].name,
					      values->n == 1 ? cJSON_CreateString(values->items[0])
							     : list_json(values));
		}
		cJSON_AddItemToObject(entry, output->kind, options);
		cJSON_AddItemToArray(array, entry);
	}
	return array;
}

static cJSON *static_fields_json(const struct config *config)
{
	cJSON *object = cJSON_CreateObject();

	for (uint32_t i = 0; i < config->static_fields.n; i++)
		cJSON_AddStringToObject(object, config->static_fields.names[i],
					config->static_fields.values[i]);
	return object;
}

static cJSON *value_json(const struct config *config, const struct config_key *key)
{
	const void *member = (const char *)config + key->offset;
	const char *text;
	double number;

	switch (key->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_NULLABLE_PATH:
	case CONFIG_ENUM:
		text = *(char *const *)member;
		return text ? cJSON_CreateString(text) : cJSON_CreateNull();
	case CONFIG_NUMBER:
	case CONFIG_NULLABLE_NUMBER:
		number = *(const double *)member;
		return isnan(number) ? cJSON_CreateNull() : cJSON_CreateNumber(number);
	case CONFIG_COUNT:
		return cJSON_CreateNumber((double)*(const uint64_t *)member);
	case CONFIG_STRINGS:
	case CONFIG_PATHS:
		return list_json(member);
	case CONFIG_OUTPUTS:
		return outputs_json(config);
	case CONFIG_MAP:
		return static_fields_json(config);
	case CONFIG_PLUGINS: /* shown where it is kept */
		return cJSON_CreateArray();
	case CONFIG_APPENDS:
		return append_config_json(*(struct append_config *const *)member);
	case CONFIG_SELECT:
		return select_config_json(*(struct select_config *const *)member);
	case CONFIG_SKETCHES:
		return sketch_config_json(*(struct sketch_config *const *)member);
	}
	return cJSON_CreateNull();
}

/* Print the section names of path that the previous key did not share; returns the depth and
 * gives the last part of the path. */
static unsigned print_sections(FILE *stream, const char *previous, const char *path,
			       const char **name)
{
	unsigned depth = 0;
	bool is_shared = true;
	const char *dot;

	while ((dot = strchr(path, '.'))) {
		size_t len = (size_t)(dot - path) + 1;

		is_shared = is_shared && strncmp(previous, path, len) == 0;
		if (is_shared)
			previous += len;
		else
			fprintf(stream, "%*s%.*s:\n", (int)depth * 2, "", (int)len - 1, path);
		path = dot + 1;
		depth++;
	}
	*name = path;
	return depth;
}

/* JSON is YAML's flow style: each value prints as one line of JSON behind its key. */
char *config_show(const struct config *config)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	const char *previous = "";
	uint32_t n;
	const struct config_key *keys = config_keys(&n);

	if (!stream)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		cJSON *value = value_json(config, &keys[i]);
		SCOPED(free_ptr) char *printed = cJSON_PrintUnformatted(value);
		const char *name;
		unsigned depth = print_sections(stream, previous, keys[i].path, &name);

		cJSON_Delete(value);
		fprintf(stream, "%*s%s: %s # %s\n", (int)depth * 2, "", name,
			printed ? printed : "null", config->origins[i]);
		previous = keys[i].path;
	}
	fclose(stream);
	return text;
}

char *config_json(const struct config *config)
{
	cJSON *object = cJSON_CreateObject();
	uint32_t n;
	const struct config_key *keys = config_keys(&n);
	char *text;

	for (uint32_t i = 0; i < n; i++) {
		cJSON *entry = cJSON_AddObjectToObject(object, keys[i].path);

		cJSON_AddItemToObject(entry, "value", value_json(config, &keys[i]));
		cJSON_AddStringToObject(entry, "origin", config->origins[i]);
	}
	text = cJSON_PrintUnformatted(object);
	cJSON_Delete(object);
	return text;
}

static void document_key(FILE *stream, const struct config_key *key)
{
	fprintf(stream, "| `%s` | ", key->path);
	if (key->default_yaml)
		fprintf(stream, "`%s`", key->default_yaml);
	else
		fprintf(stream, "empty");
	fprintf(stream, " | %s", key->help);
	if (key->choices) {
		fprintf(stream, " (");
		for (const char *c = key->choices; *c; c++)
			fputs(*c == '|' ? (const char[]){',', ' ', 0} : (const char[]){*c, 0},
			      stream);
		fprintf(stream, ")");
	}
	if (key->type == CONFIG_NUMBER || key->type == CONFIG_COUNT)
		fprintf(stream, " (%.10g to %.10g)", key->min, key->max);
	fprintf(stream, " |\n");
}

char *config_document(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	uint32_t n;
	const struct config_key *keys = config_keys(&n);

	if (!stream)
		return NULL;
	fprintf(stream,
		"# Configuration\n\n"
		"One YAML file (`-c FILE`, else `/etc/ethogram/ethogram.yaml` if it exists), overridden\n"
		"by `--set KEY=VALUE`. Unknown keys are errors. Relative paths are relative to the file.\n"
		"`ethogram config show` prints the effective values and where each came from; this page\n"
		"is printed by `ethogram config keys`.\n\n"
		"| key | default | meaning |\n|---|---|---|\n");
	for (uint32_t i = 0; i < n; i++)
		document_key(stream, &keys[i]);
	fclose(stream);
	return text;
}
