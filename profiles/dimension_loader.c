#include "profiles/dimension_loader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/util.h"

#define TEXT_BYTES_MAX 4096u

int loader_bad(struct loader *l, yaml_mark_t mark, const char *format, ...)
{
	char message[DIAG_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (l->diag) {
		snprintf(l->diag->file, sizeof(l->diag->file), "%s", l->file);
		l->diag->line = (uint32_t)mark.line + 1;
		l->diag->column = (uint32_t)mark.column + 1;
		l->diag->offset = (uint32_t)mark.index;
	}
	return diag_set(l->diag, -EINVAL, "%s", message);
}

yaml_node_t *loader_node(struct loader *l, int index)
{
	return yaml_document_get_node(&l->doc, index);
}

static int take_key(struct loader *l, const struct yaml_key keys[], const yaml_node_pair_t *pair,
		    void *into)
{
	yaml_node_t *key = loader_node(l, pair->key);
	struct text name;

	if (key->type != YAML_SCALAR_NODE)
		return loader_bad(l, key->start_mark, "a key must be a word");
	name = scalar(key);
	for (; keys->name; keys++) {
		if (text_equal(name, text_from(keys->name)))
			return keys->take(l, loader_node(l, pair->value), into);
	}
	return loader_bad(l, key->start_mark, "unknown key '%.*s'", MIN((int)name.len, 64),
			  name.ptr);
}

int loader_mapping(struct loader *l, yaml_node_t *node, const struct yaml_key keys[], void *into,
		   const char *what)
{
	if (node->type != YAML_MAPPING_NODE)
		return loader_bad(l, node->start_mark, "%s must be a mapping", what);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		struct text name = scalar(loader_node(l, pair->key));
		int r;

		for (yaml_node_pair_t *other = node->data.mapping.pairs.start; other < pair;
		     other++) {
			if (loader_node(l, pair->key)->type == YAML_SCALAR_NODE &&
			    text_equal(scalar(loader_node(l, other->key)), name))
				return loader_bad(l, loader_node(l, pair->key)->start_mark,
						  "key '%.*s' is given twice",
						  MIN((int)name.len, 64), name.ptr);
		}
		r = take_key(l, keys, pair, into);
		if (r)
			return r;
	}
	return 0;
}

/* One scalar, or a list of them: each is given to take. */
int loader_list(struct loader *l, yaml_node_t *node, void *into, const char *what,
		int (*take)(struct loader *l, yaml_node_t *value, void *into))
{
	if (node->type == YAML_SCALAR_NODE)
		return take(l, node, into);
	if (node->type != YAML_SEQUENCE_NODE)
		return loader_bad(l, node->start_mark, "%s must be a list", what);
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		int r = take(l, loader_node(l, *item), into);

		if (r)
			return r;
	}
	return 0;
}

int loader_text(struct loader *l, yaml_node_t *node, struct text *out, const char *what)
{
	if (node->type != YAML_SCALAR_NODE)
		return loader_bad(l, node->start_mark, "%s must be text", what);
	if (scalar(node).len > TEXT_BYTES_MAX)
		return loader_bad(l, node->start_mark, "%s is longer than %u bytes", what,
				  TEXT_BYTES_MAX);
	*out = dimension_set_text(l->set, scalar(node));
	return out->ptr ? 0 : -ENOMEM;
}

int loader_bool(struct loader *l, yaml_node_t *node, bool *out, const char *what)
{
	if (node->type == YAML_SCALAR_NODE) {
		*out = text_equal(scalar(node), TEXT("true"));
		if (*out || text_equal(scalar(node), TEXT("false")))
			return 0;
	}
	return loader_bad(l, node->start_mark, "%s must be true or false", what);
}

int loader_number(struct loader *l, yaml_node_t *node, uint64_t max, uint64_t *out,
		  const char *what)
{
	struct text t = node->type == YAML_SCALAR_NODE ? scalar(node) : TEXT_NONE;
	uint64_t value = 0;
	uint32_t i = 0;

	for (; i < t.len && t.ptr[i] >= '0' && t.ptr[i] <= '9' && value <= max; i++)
		value = value * 10 + (uint64_t)(t.ptr[i] - '0');
	if (t.len == 0 || i < t.len || value > max)
		return loader_bad(l, node->start_mark, "%s must be a number from 0 to %llu", what,
				  (unsigned long long)max);
	*out = value;
	return 0;
}

/* Names are shown in URLs and file names. */
static bool is_name(struct text t)
{
	if (t.len == 0 || t.len > DIMENSION_NAME_MAX)
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		      c == '-'))
			return false;
	}
	return true;
}

int loader_name(struct loader *l, yaml_node_t *node, struct text *out)
{
	int r = loader_text(l, node, out, "a name");

	if (r)
		return r;
	if (!is_name(*out))
		return loader_bad(l, node->start_mark,
				  "a name is 1 to %d of small letters, digits, '.', '_', '-'",
				  DIMENSION_NAME_MAX);
	return 0;
}
