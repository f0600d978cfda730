#include "daemon/config_appends.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* An entry while it is read. */
struct entry {
	yaml_document_t *document;
	struct diag *diag;
	struct rule_append *append;
};

static int refuse(const struct entry *e, const yaml_node_t *node, const char *expected)
{
	if (e->diag) {
		e->diag->line = (uint32_t)node->start_mark.line + 1;
		e->diag->column = (uint32_t)node->start_mark.column + 1;
	}
	return diag_set(e->diag, -EINVAL, "'append_output': expected %s", expected);
}

static const char *scalar(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	return node->type == YAML_SCALAR_NODE && strlen(text) == node->data.scalar.length ? text
											  : NULL;
}

static int read_text(const struct entry *e, yaml_node_t *node, const char *expected,
		     const char **out)
{
	const char *text = scalar(node);

	if (!text)
		return refuse(e, node, expected);
	free((char *)*out);
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

typedef int read_fn(struct entry *e, yaml_node_t *value);

struct key {
	const char *name;
	read_fn *read;
};

static int read_keys(struct entry *e, yaml_node_t *map, const struct key *keys, size_t n,
		     const char *expected)
{
	int r = 0;

	if (map->type != YAML_MAPPING_NODE)
		return refuse(e, map, expected);
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     !r && p < map->data.mapping.pairs.top; p++) {
		yaml_node_t *name = yaml_document_get_node(e->document, p->key);
		const char *text = scalar(name);
		size_t i = 0;

		while (i < n && (!text || strcmp(text, keys[i].name) != 0))
			i++;
		r = i == n ? refuse(e, name, expected)
			   : keys[i].read(e, yaml_document_get_node(e->document, p->value));
	}
	return r;
}

static int read_source(struct entry *e, yaml_node_t *value)
{
	return read_text(e, value, "a source's name", &e->append->source);
}

static int read_rule(struct entry *e, yaml_node_t *value)
{
	return read_text(e, value, "a rule's name", &e->append->rule);
}

static int read_tags(struct entry *e, yaml_node_t *value)
{
	char *tags = NULL;
	size_t size;
	FILE *out;
	int r = 0;

	if (value->type != YAML_SEQUENCE_NODE)
		return refuse(e, value, "a list of tags");
	out = open_memstream(&tags, &size);
	if (!out)
		return -ENOMEM;
	for (yaml_node_item_t *i = value->data.sequence.items.start;
	     !r && i < value->data.sequence.items.top; i++) {
		yaml_node_t *tag = yaml_document_get_node(e->document, *i);

		if (!scalar(tag) || strchr(scalar(tag), ' '))
			r = refuse(e, tag, "a tag");
		else
			fprintf(out, "%s ", scalar(tag));
	}
	fclose(out);
	free((char *)e->append->tags);
	e->append->tags = tags;
	return r;
}

static int read_match(struct entry *e, yaml_node_t *value)
{
	static const struct key keys[] = {
		{"source", read_source}, {"rule", read_rule}, {"tags", read_tags}};

	return read_keys(e, value, keys, ARRAY_SIZE(keys), "source, rule and tags to match");
}

static int read_output(struct entry *e, yaml_node_t *value)
{
	return read_text(e, value, "an output's text", &e->append->format);
}

/* "fd.name", or NAME: FORMAT. */
static int read_field(struct entry *e, yaml_node_t *node)
{
	struct rule_append *a = e->append;
	struct rule_extra_field *field = &a->fields[a->n_fields];
	yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	int r;

	if (a->n_fields == RULE_EXTRA_FIELDS_MAX)
		return refuse(e, node, "fewer fields");
	a->n_fields++;
	if (node->type != YAML_MAPPING_NODE)
		return read_text(e, node, "a field or NAME: FORMAT", &field->format);
	if (node->data.mapping.pairs.top - pair != 1)
		return refuse(e, node, "one NAME: FORMAT for each entry");
	r = read_text(e, yaml_document_get_node(e->document, pair->key), "a name", &field->name);
	return r ? r
		 : read_text(e, yaml_document_get_node(e->document, pair->value), "a format",
			     &field->format);
}

static int read_fields(struct entry *e, yaml_node_t *value)
{
	int r = 0;

	if (value->type != YAML_SEQUENCE_NODE)
		return refuse(e, value, "a list of fields");
	for (yaml_node_item_t *i = value->data.sequence.items.start;
	     !r && i < value->data.sequence.items.top; i++)
		r = read_field(e, yaml_document_get_node(e->document, *i));
	return r;
}

int append_config_read(struct append_config **out, yaml_document_t *document, yaml_node_t *node,
		       struct diag *diag)
{
	static const struct key keys[] = {{"match", read_match},
					  {"extra_output", read_output},
					  {"extra_fields", read_fields}};
	SCOPED(append_config_destroy) struct append_config *config = calloc(1, sizeof(*config));
	struct entry e = {.document = document, .diag = diag};
	int r = 0;

	if (!config)
		return -ENOMEM;
	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(&e, node, "a list");
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     !r && i < node->data.sequence.items.top; i++) {
		yaml_node_t *item = yaml_document_get_node(document, *i);

		if (config->n == APPENDS_MAX)
			return refuse(&e, item, "fewer entries");
		e.append = &config->items[config->n++];
		r = read_keys(&e, item, keys, ARRAY_SIZE(keys),
			      "match, extra_output and extra_fields");
	}
	if (r)
		return r;
	append_config_destroy(out);
	*out = TAKE(config);
	return 0;
}

void append_config_destroy(struct append_config **config)
{
	struct append_config *c = *config;

	for (uint32_t i = 0; c && i < c->n; i++) {
		struct rule_append *a = &c->items[i];

		free((char *)a->source);
		free((char *)a->rule);
		free((char *)a->tags);
		free((char *)a->format);
		for (uint32_t k = 0; k < a->n_fields; k++) {
			free((char *)a->fields[k].name);
			free((char *)a->fields[k].format);
		}
	}
	free(c);
	*config = NULL;
}

static void add_string(cJSON *json, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(json, name, text);
}

static cJSON *tags_json(const char *tags)
{
	cJSON *json = cJSON_CreateArray();

	for (; *tags; tags += strspn(tags, " ")) {
		SCOPED(free_ptr) char *tag = strndup(tags, strcspn(tags, " "));

		cJSON_AddItemToArray(json, cJSON_CreateString(tag ? tag : ""));
		tags += strcspn(tags, " ");
	}
	return json;
}

static cJSON *fields_json(const struct rule_append *a)
{
	cJSON *json = cJSON_CreateArray();

	for (uint32_t i = 0; i < a->n_fields; i++) {
		const struct rule_extra_field *field = &a->fields[i];
		cJSON *item =
			field->name ? cJSON_CreateObject() : cJSON_CreateString(field->format);

		if (field->name)
			cJSON_AddStringToObject(item, field->name, field->format);
		cJSON_AddItemToArray(json, item);
	}
	return json;
}

cJSON *append_config_json(const struct append_config *config)
{
	cJSON *json = cJSON_CreateArray();

	for (uint32_t i = 0; config && i < config->n; i++) {
		const struct rule_append *a = &config->items[i];
		cJSON *item = cJSON_CreateObject(), *match;

		match = cJSON_AddObjectToObject(item, "match");
		add_string(match, "source", a->source);
		add_string(match, "rule", a->rule);
		if (a->tags)
			cJSON_AddItemToObject(match, "tags", tags_json(a->tags));
		add_string(item, "extra_output", a->format);
		if (a->n_fields)
			cJSON_AddItemToObject(item, "extra_fields", fields_json(a));
		cJSON_AddItemToArray(json, item);
	}
	return json;
}
