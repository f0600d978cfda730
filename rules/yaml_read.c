#include "rules/yaml_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "rules/text_map.h"
#include "rules/versions.h"

struct place node_place(const struct item *item, const yaml_node_t *node)
{
	return (struct place){.file = item->file,
			      .line = (uint32_t)node->start_mark.line + 1,
			      .column = (uint32_t)node->start_mark.column + 1};
}

struct place text_place(const struct item *item, const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE || !item->c->source)
		return node_place(item, node);
	return scalar_place(item->c->source, node, &item->c->pool);
}

int refuse_shape(const struct item *item, const yaml_node_t *node, const char *format, ...)
{
	struct place place = node_place(item, node);
	char message[DIAG_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return report_error(item->c, "LOAD_ERR_YAML_VALIDATE", &place, item->name, "%s", message);
}

static struct text scalar(const yaml_node_t *node)
{
	return (struct text){(const char *)node->data.scalar.value,
			     (uint32_t)node->data.scalar.length};
}

bool node_is_null(const yaml_node_t *node)
{
	static const char *const forms[] = {"", "~", "null", "Null", "NULL"};

	if (node->type == YAML_NO_NODE)
		return true;
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (text_equal(scalar(node), text_from(forms[i])))
			return true;
	}
	return false;
}

yaml_node_t *map_value(yaml_document_t *document, yaml_node_t *map, const char *key)
{
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		yaml_node_t *name = yaml_document_get_node(document, p->key);

		if (name->type == YAML_SCALAR_NODE && text_equal(scalar(name), text_from(key)))
			return yaml_document_get_node(document, p->value);
	}
	return NULL;
}

yaml_node_t *item_value(const struct item *item, const char *key)
{
	return map_value(item->document, item->node, key);
}

int node_text(const struct item *item, yaml_node_t *node, const char *what, struct text *out)
{
	struct text t;

	if (node_is_null(node))
		return refuse_shape(item, node, "'%s' is null", what);
	if (node->type != YAML_SCALAR_NODE)
		return refuse_shape(item, node, "'%s' must be a single value", what);
	if (node->data.scalar.length == 0)
		return refuse_shape(item, node, "'%s' is empty", what);
	t = pool_text(&item->c->pool, scalar(node));
	if (!t.ptr)
		return -ENOMEM;
	*out = t;
	return 0;
}

int item_text(const struct item *item, const char *key, bool is_needed, struct text *out)
{
	yaml_node_t *node = item_value(item, key);

	if (!node)
		return is_needed ? refuse_shape(item, item->node, "'%s' is missing", key) : 0;
	return node_text(item, node, key, out);
}

int item_bool(const struct item *item, const char *key, bool *out)
{
	static const struct {
		const char *name;
		bool value;
	} words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false},
		     {"on", true},   {"off", false},   {"y", true},   {"n", false}};
	struct text t = {0};
	int r = item_text(item, key, false, &t);

	if (r || !t.ptr)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char forms[3][8] = {{0}};
		size_t len = strlen(words[i].name);

		for (size_t j = 0; j < len; j++) {
			char upper = (char)(words[i].name[j] - 'a' + 'A');

			forms[0][j] = words[i].name[j];
			forms[1][j] = j ? words[i].name[j] : upper;
			forms[2][j] = upper;
		}
		for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
			if (text_equal(t, text_from(forms[f]))) {
				*out = words[i].value;
				return 0;
			}
		}
	}
	return refuse_shape(item, item_value(item, key), "'%s' must be true or false", key);
}

int item_count(const struct item *item, const char *key, uint64_t *out)
{
	struct text t = {0};
	uint32_t value;
	int r = item_text(item, key, false, &t);

	if (r || !t.ptr)
		return r;
	if (!yaml_count(t, &value))
		return refuse_shape(item, item_value(item, key), "'%s' must be a whole number",
				    key);
	*out = value;
	return 0;
}

int node_texts(const struct item *item, yaml_node_t *node, const char *what, struct texts *out)
{
	struct texts texts = {0};

	if (node->type != YAML_SEQUENCE_NODE)
		return refuse_shape(item, node, "'%s' must be a list", what);
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		yaml_node_t *element = yaml_document_get_node(item->document, *i);
		struct text t;

		if (node_is_null(element) || element->type != YAML_SCALAR_NODE)
			return refuse_shape(item, element, "'%s' must hold single values", what);
		t = pool_text(&item->c->pool, scalar(element));
		if (!t.ptr || texts_add(&item->c->pool, &texts, t))
			return -ENOMEM;
	}
	*out = texts;
	return 0;
}

int item_texts(const struct item *item, const char *key, struct texts *out)
{
	yaml_node_t *node = item_value(item, key);

	if (!node)
		return refuse_shape(item, item->node, "'%s' is missing", key);
	return node_texts(item, node, key, out);
}
