#include "daemon/config_select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/config.h"

static int refuse(struct diag *diag, const yaml_node_t *node, const char *expected)
{
	if (diag) {
		diag->line = (uint32_t)node->start_mark.line + 1;
		diag->column = (uint32_t)node->start_mark.column + 1;
	}
	return diag_set(diag, -EINVAL, "'rules.select': expected %s", expected);
}

static const char *scalar(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	return node->type == YAML_SCALAR_NODE && strlen(text) == node->data.scalar.length ? text
											  : NULL;
}

/* The only pair of a mapping, or NULL. */
static const yaml_node_pair_t *only_pair(const yaml_node_t *node)
{
	if (node->type != YAML_MAPPING_NODE ||
	    node->data.mapping.pairs.top - node->data.mapping.pairs.start != 1)
		return NULL;
	return node->data.mapping.pairs.start;
}

/* Which of two words a key is: 0 or 1; -1: neither. */
static int one_of(const yaml_node_t *key, const char *first, const char *second)
{
	const char *text = scalar(key);

	if (text && strcmp(text, first) == 0)
		return 0;
	return text && strcmp(text, second) == 0 ? 1 : -1;
}

static int read_entry(yaml_document_t *document, yaml_node_t *node, struct rule_selection *out,
		      struct diag *diag)
{
	const yaml_node_pair_t *pair = only_pair(node);
	yaml_node_t *key, *what;
	int verb, kind;

	if (!pair)
		return refuse(diag, node, "one of enable and disable for each entry");
	key = yaml_document_get_node(document, pair->key);
	verb = one_of(key, "disable", "enable");
	if (verb < 0)
		return refuse(diag, key, "enable or disable");
	what = yaml_document_get_node(document, pair->value);
	pair = only_pair(what);
	if (!pair)
		return refuse(diag, what, "{rule: NAME} or {tag: NAME}");
	key = yaml_document_get_node(document, pair->key);
	kind = one_of(key, "rule", "tag");
	if (kind < 0)
		return refuse(diag, key, "rule or tag");
	what = yaml_document_get_node(document, pair->value);
	if (!scalar(what) || !*scalar(what))
		return refuse(diag, what, kind ? "a tag" : "a rule's name");
	out->enables = verb == 1;
	out->is_tag = kind == 1;
	out->name = strdup(scalar(what));
	return out->name ? 0 : -ENOMEM;
}

int select_config_read(struct select_config **out, yaml_document_t *document, yaml_node_t *node,
		       struct diag *diag)
{
	SCOPED(select_config_destroy) struct select_config *config = calloc(1, sizeof(*config));
	int r = 0;

	if (!config)
		return -ENOMEM;
	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(diag, node, "a list");
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     !r && i < node->data.sequence.items.top; i++) {
		yaml_node_t *item = yaml_document_get_node(document, *i);

		if (config->n == SELECTIONS_MAX)
			return refuse(diag, item, "fewer entries");
		r = read_entry(document, item, &config->items[config->n], diag);
		config->n += r == 0;
	}
	if (r)
		return r;
	select_config_destroy(out);
	*out = TAKE(config);
	return 0;
}

void select_config_destroy(struct select_config **config)
{
	for (uint32_t i = 0; *config && i < (*config)->n; i++)
		free((char *)(*config)->items[i].name);
	free(*config);
	*config = NULL;
}

cJSON *select_config_json(const struct select_config *config)
{
	cJSON *json = cJSON_CreateArray();

	for (uint32_t i = 0; config && i < config->n; i++) {
		const struct rule_selection *s = &config->items[i];
		cJSON *item = cJSON_CreateObject();
		cJSON *what = cJSON_AddObjectToObject(item, s->enables ? "enable" : "disable");

		cJSON_AddStringToObject(what, s->is_tag ? "tag" : "rule", s->name);
		cJSON_AddItemToArray(json, item);
	}
	return json;
}

static bool is_of_command_line(const struct config *config, size_t offset)
{
	uint32_t n;
	const struct config_key *keys = config_keys(&n);

	for (uint32_t i = 0; i < n; i++) {
		if (keys[i].offset == offset)
			return strcmp(config->origins[i], CONFIG_COMMAND_LINE) == 0;
	}
	return false;
}

static void add_names(struct config *config, const struct string_list *names, bool enables)
{
	for (uint32_t i = 0; i < names->n; i++) {
		bool is_tag = strncmp(names->items[i], "tag:", 4) == 0;

		config->rules.order.items[config->rules.order.n++] =
			(struct rule_selection){.enables = enables,
						.is_tag = is_tag,
						.name = names->items[i] + (is_tag ? 4 : 0)};
	}
}

static void add_keys(struct config *config, bool of_command_line)
{
	const struct select_config *select = config->rules.select;

	if (is_of_command_line(config, offsetof(struct config, rules.disable)) == of_command_line)
		add_names(config, &config->rules.disable, false);
	if (is_of_command_line(config, offsetof(struct config, rules.enable)) == of_command_line)
		add_names(config, &config->rules.enable, true);
	if (is_of_command_line(config, offsetof(struct config, rules.select)) != of_command_line)
		return;
	for (uint32_t i = 0; select && i < select->n; i++)
		config->rules.order.items[config->rules.order.n++] = select->items[i];
}

int config_order_rules(struct config *config)
{
	size_t n = (size_t)config->rules.disable.n + config->rules.enable.n +
		   (config->rules.select ? config->rules.select->n : 0);

	free(config->rules.order.items);
	config->rules.order.n = 0;
	config->rules.order.items = calloc(n + 1, sizeof(*config->rules.order.items));
	if (!config->rules.order.items)
		return -ENOMEM;
	add_keys(config, false);
	add_keys(config, true);
	return 0;
}
