#include "rules/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rules/collect_exceptions.h"
#include "rules/collect_rule.h"
#include "rules/text_map.h"
#include "rules/versions.h"
#include "rules/yaml_read.h"

#define NODES_MAX 1000000
#define DOCUMENTS_MAX 1024
#define NESTING_MAX 1000

static int read_engine_version(struct item *item)
{
	struct text t = {0};
	struct version wanted, ours = ENGINE_VERSION;
	struct place place = node_place(item, item->node);
	int r = item_text(item, "required_engine_version", true, &t);

	if (r)
		return r;
	if (!version_of_engine(t, &wanted))
		return refuse_shape(item, item_value(item, "required_engine_version"),
				    "'%.*s' is no engine version", TEXT_ARGS(t));
	if (!version_is_met(ours, wanted))
		return report_error(item->c, "LOAD_ERR_VALIDATE", &place, TEXT_NONE,
				    "rules need engine version %.*s, this is %u.%u.%u",
				    TEXT_ARGS(t), ours.major, ours.minor, ours.patch);
	return 0;
}

static int read_plugin(struct item *item, yaml_node_t *node, struct plugin_requirement *out)
{
	struct item entry = {item->c, item->document, node, item->file, item->name};
	int r;

	if (node->type != YAML_MAPPING_NODE)
		return refuse_shape(item, node, "a plugin needs a name and a version");
	out->place = node_place(item, node);
	r = item_text(&entry, "name", true, &out->name);
	return r ? r : item_text(&entry, "version", true, &out->version);
}

static int check_plugin_version(struct item *item, const struct plugin_requirement *p)
{
	struct version version;

	if (version_parse(p->version, &version))
		return 0;
	return report_error(item->c, "LOAD_ERR_VALIDATE", &p->place, p->name,
			    "'%.*s' is no version", TEXT_ARGS(p->version));
}

/* Versions must be some; the same plugin twice in one entry makes no sense. */
static int check_plugin(struct item *item, const struct plugin_requirement *p)
{
	int r = check_plugin_version(item, p);

	for (uint32_t i = 0; !r && i < p->n_alternatives; i++) {
		bool is_twice = text_equal(p->alternatives[i].name, p->name);

		for (uint32_t j = 0; j < i; j++)
			is_twice = is_twice ||
				   text_equal(p->alternatives[i].name, p->alternatives[j].name);
		r = check_plugin_version(item, &p->alternatives[i]);
		if (!r && is_twice)
			r = report_error(item->c, "LOAD_ERR_VALIDATE", &p->place, p->name,
					 "plugin '%.*s' is named twice",
					 TEXT_ARGS(p->alternatives[i].name));
	}
	return r;
}

static int read_alternatives(struct item *item, yaml_node_t *entry, struct plugin_requirement *p)
{
	yaml_node_t *list = map_value(item->document, entry, "alternatives");
	uint32_t n;

	if (!list)
		return 0;
	if (list->type != YAML_SEQUENCE_NODE)
		return refuse_shape(item, list, "'alternatives' must be a list");
	n = (uint32_t)(list->data.sequence.items.top - list->data.sequence.items.start);
	p->alternatives = pool_alloc(&item->c->pool, (n + 1) * sizeof(*p->alternatives));
	if (!p->alternatives)
		return -ENOMEM;
	for (; p->n_alternatives < n; p->n_alternatives++) {
		yaml_node_t *node = yaml_document_get_node(
			item->document, list->data.sequence.items.start[p->n_alternatives]);
		int r = read_plugin(item, node, &p->alternatives[p->n_alternatives]);

		if (r)
			return r;
	}
	return 0;
}

static int read_plugin_versions(struct item *item)
{
	yaml_node_t *list = item_value(item, "required_plugin_versions");

	if (list->type != YAML_SEQUENCE_NODE)
		return refuse_shape(item, list, "'required_plugin_versions' must be a list");
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top; i++) {
		yaml_node_t *node = yaml_document_get_node(item->document, *i);
		struct plugin_requirement p = {0}, *items;
		int r = read_plugin(item, node, &p);

		if (!r)
			r = read_alternatives(item, node, &p);
		if (!r)
			r = check_plugin(item, &p);
		if (r)
			return r;
		items = grown(&item->c->pool, item->c->plugins, item->c->n_plugins, sizeof(p));
		if (!items)
			return -ENOMEM;
		item->c->plugins = items;
		item->c->plugins[item->c->n_plugins++] = p;
	}
	return 0;
}

static bool is_list_name(struct text name)
{
	for (uint32_t i = 0; i < name.len; i++) {
		if (strchr("()\"'=, \t\n\v\f\r", name.ptr[i])) /* NUL counts as a match, rightly */
			return false;
	}
	return name.len > 0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_macro_name(struct text name)
{
	for (uint32_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!is_letter(c) && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return name.len > 0;
}

/* append (deprecated) and override of lists and macros, which have one key to change. */
static int read_change(struct item *item, const char *key, enum change *out)
{
	struct overrides overrides = {0};
	bool append = false;
	int r = item_bool(item, "append", &append);

	if (!r && append) {
		struct place place = node_place(item, item->node);

		report_warning(item->c, "LOAD_DEPRECATED_ITEM", &place, item->name,
			       "'append' is deprecated, use 'override'");
		*out = CHANGE_APPEND;
	}
	if (!r)
		r = read_overrides(item, &overrides);
	if (r)
		return r;
	for (uint32_t i = 0; i < overrides.n; i++) {
		if (!text_equal(overrides.items[i].key, text_from(key)))
			return refuse_shape(item, item->node, "'%.*s' cannot be overridden here",
					    TEXT_ARGS(overrides.items[i].key));
		*out = overrides.items[i].change;
	}
	if (append && overrides.n)
		return refuse_shape(item, item->node, "'append' and 'override' exclude each other");
	return 0;
}

static void warn_list_name(const struct list_def *list, struct collection *c)
{
	if (!is_list_name(list->name))
		report_warning(c, "LOAD_INVALID_LIST_NAME", &list->place, list->name,
			       "a list's name should not hold blanks, quotes, brackets, = or ,");
}

static void warn_macro_name(const struct macro_def *macro, struct collection *c)
{
	if (!is_macro_name(macro->name))
		report_warning(c, "LOAD_INVALID_MACRO_NAME", &macro->place, macro->name,
			       "a macro's name should be letters, digits and _");
}

static int read_list(struct item *item)
{
	struct collection *c = item->c;
	enum change change = CHANGE_NONE;
	struct list_def *def, fresh = {.place = node_place(item, item->node)};
	struct texts items = {0};
	int r = item_text(item, "list", true, &fresh.name);

	item->name = fresh.name;
	if (!r) {
		warn_list_name(&fresh, c);
		r = item_texts(item, "items", &items);
	}
	if (!r)
		r = read_change(item, "items", &change);
	if (r)
		return r;
	def = collection_list(c, fresh.name);
	if (change == CHANGE_APPEND) {
		if (!def)
			return report_error(c, "LOAD_ERR_VALIDATE", &fresh.place, fresh.name,
					    "cannot append to a list that is not defined");
		for (uint32_t i = 0; i < items.n; i++) {
			if (texts_add(&c->pool, &def->items, items.items[i]))
				return -ENOMEM;
		}
		def->visibility = c->counter++;
		return 0;
	}
	if (!def) {
		struct list_def *lists = grown(&c->pool, c->lists, c->n_lists, sizeof(*lists));

		if (!lists || c->n_lists == DEFINITIONS_MAX)
			return -ENOMEM;
		c->lists = lists;
		def = &c->lists[c->n_lists++];
		fresh.index = c->counter;
	} else {
		fresh.index = def->index;
	}
	*def = fresh;
	def->items = items;
	def->visibility = c->counter++;
	return 0;
}

static int read_macro(struct item *item)
{
	struct collection *c = item->c;
	enum change change = CHANGE_NONE;
	struct macro_def *def, fresh = {.place = node_place(item, item->node)};
	int r = item_text(item, "macro", true, &fresh.name);

	item->name = fresh.name;
	if (!r) {
		warn_macro_name(&fresh, c);
		r = item_text(item, "condition", true, &fresh.condition);
	}
	if (!r)
		r = read_change(item, "condition", &change);
	if (r)
		return r;
	fresh.condition_place = text_place(item, item_value(item, "condition"));
	def = collection_macro(c, fresh.name);
	if (change == CHANGE_APPEND) {
		if (!def)
			return report_error(c, "LOAD_ERR_VALIDATE", &fresh.place, fresh.name,
					    "cannot append to a macro that is not defined");
		def->visibility = c->counter++;
		return placed_join(&c->pool, &def->condition, &def->condition_place,
				   fresh.condition, &fresh.condition_place);
	}
	if (!def) {
		struct macro_def *macros = grown(&c->pool, c->macros, c->n_macros, sizeof(*macros));

		if (!macros || c->n_macros == DEFINITIONS_MAX)
			return -ENOMEM;
		c->macros = macros;
		def = &c->macros[c->n_macros++];
		fresh.index = c->counter;
	} else {
		fresh.index = def->index;
	}
	*def = fresh;
	def->visibility = c->counter++;
	return 0;
}

/* The first of these keys that is present says what the item is. */
static const struct {
	const char *key;
	int (*read)(struct item *item);
	const char *const *keys; /* that belong to it; NULL behind the last */
} kinds[] = {
	{"required_engine_version", read_engine_version,
	 (const char *const[]){"required_engine_version", NULL}},
	{"required_plugin_versions", read_plugin_versions,
	 (const char *const[]){"required_plugin_versions", NULL}},
	{"list", read_list, (const char *const[]){"list", "items", "append", "override", NULL}},
	{"macro", read_macro,
	 (const char *const[]){"macro", "condition", "append", "override", NULL}},
	{"rule", read_rule,
	 (const char *const[]){"rule",
			       "condition",
			       "output",
			       "desc",
			       "priority",
			       "source",
			       "enabled",
			       "capture",
			       "capture_duration",
			       "warn_evttypes",
			       "skip-if-unknown-filter",
			       "tags",
			       "exceptions",
			       "override",
			       "append",
			       "count",
			       "sequence",
			       "only_if_new",
			       "rate",
			       NULL}},
};

/* These belong to a key beside them. */
static bool is_of_sequence(const struct item *item, const yaml_node_t *name)
{
	const char *key = (const char *)name->data.scalar.value;
	yaml_node_t *sequence = item_value(item, "sequence");

	return item_has(item, "rule") && sequence && sequence->type == YAML_SEQUENCE_NODE &&
	       (strcmp(key, "by") == 0 || strcmp(key, "within") == 0);
}

static void warn_unknown_keys(const struct item *item, const char *const *keys)
{
	for (yaml_node_pair_t *p = item->node->data.mapping.pairs.start;
	     p < item->node->data.mapping.pairs.top; p++) {
		yaml_node_t *name = yaml_document_get_node(item->document, p->key);
		struct place place = node_place(item, name);
		bool is_known = false;

		for (const char *const *key = keys; *key && name->type == YAML_SCALAR_NODE; key++)
			is_known = is_known ||
				   strcmp(*key, (const char *)name->data.scalar.value) == 0;
		if (!is_known && name->type == YAML_SCALAR_NODE)
			is_known = is_of_sequence(item, name);
		if (!is_known)
			report_warning(item->c, "LOAD_UNKNOWN_KEY", &place, item->name,
				       "unknown key '%s' is ignored",
				       name->type == YAML_SCALAR_NODE
					       ? (const char *)name->data.scalar.value
					       : "");
	}
}

static int read_item(struct item *item)
{
	struct place place = node_place(item, item->node);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int r;

		if (!item_has(item, kinds[i].key))
			continue;
		r = kinds[i].read(item);
		if (!r)
			warn_unknown_keys(item, kinds[i].keys);
		return r;
	}
	report_warning(item->c, "LOAD_UNKNOWN_ITEM", &place, TEXT_NONE,
		       "an item of no known kind is ignored");
	return 0;
}

static int read_document(struct collection *c, const char *file, yaml_document_t *document)
{
	yaml_node_t *root = yaml_document_get_root_node(document);
	struct item item = {.c = c, .document = document, .file = file};

	if (!root || node_is_null(root))
		return 0;
	if (document->nodes.top - document->nodes.start > NODES_MAX)
		return refuse_shape(&item, root, "more than %d nodes", NODES_MAX);
	if (root->type != YAML_SEQUENCE_NODE)
		return refuse_shape(&item, root, "a rule file is a list of items");
	for (yaml_node_item_t *i = root->data.sequence.items.start;
	     i < root->data.sequence.items.top; i++) {
		int r;

		item.node = yaml_document_get_node(document, *i);
		item.name = TEXT_NONE;
		if (node_is_null(item.node))
			continue;
		if (item.node->type != YAML_MAPPING_NODE)
			return refuse_shape(&item, item.node, "an item is a mapping of keys");
		r = read_item(&item);
		if (r)
			return r;
	}
	return 0;
}

/* Bytes that are no text have an offset instead of a mark. */
static struct place yaml_error_place(struct collection *c, const yaml_parser_t *parser)
{
	if (parser->error == YAML_READER_ERROR)
		return byte_place(c->source, parser->problem_offset);
	return (struct place){.file = c->source->file,
			      .line = (uint32_t)parser->problem_mark.line + 1,
			      .column = (uint32_t)parser->problem_mark.column + 1};
}

static int refuse_yaml(struct collection *c, const yaml_parser_t *parser)
{
	struct place place = yaml_error_place(c, parser);

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	return report_error(c, "LOAD_ERR_YAML_PARSE", &place, TEXT_NONE, "not YAML: %s",
			    parser->problem ? parser->problem : "unreadable");
}

/* libyaml needs time with the square of how deep brackets are nested, so depth is looked at before
 * it runs. Brackets inside strings count too; every item starts anew, as none can within
 * brackets. */
static bool is_too_deep(const char *text, size_t len)
{
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '[' || text[i] == '{')
			depth++;
		else if ((text[i] == ']' || text[i] == '}') && depth)
			depth--;
		else if (text[i] == '-' && (i == 0 || text[i - 1] == '\n'))
			depth = 0;
		if (depth > NESTING_MAX)
			return true;
	}
	return false;
}

static int refuse_documents(struct collection *c, const char *file)
{
	const struct place start = {file, 1, 1};

	return report_error(c, "LOAD_ERR_YAML_PARSE", &start, TEXT_NONE,
			    "more than %d documents in one file", DOCUMENTS_MAX);
}

/* All documents of a file. */
struct documents {
	yaml_document_t *items;
	uint32_t n;
};

static void documents_done(struct documents *documents)
{
	for (uint32_t i = 0; i < documents->n; i++)
		yaml_document_delete(&documents->items[i]);
	free(documents->items);
}

/* They are all read before the first is looked at: what is not YAML at its end means nothing at its
 * beginning. */
static int load_documents(struct collection *c, const char *file, yaml_parser_t *parser,
			  struct documents *out)
{
	for (;;) {
		yaml_document_t document, *items;

		if (!yaml_parser_load(parser, &document))
			return refuse_yaml(c, parser);
		if (!yaml_document_get_root_node(&document)) {
			yaml_document_delete(&document);
			return 0;
		}
		items = out->n == DOCUMENTS_MAX
				? NULL
				: reallocarray(out->items, out->n + 1, sizeof(*items));
		if (!items) {
			yaml_document_delete(&document);
			return out->n == DOCUMENTS_MAX ? refuse_documents(c, file) : -ENOMEM;
		}
		out->items = items;
		out->items[out->n++] = document;
	}
}

int collect_text(struct collection *c, const char *file, const char *text, size_t len)
{
	SCOPED(documents_done) struct documents documents = {0};
	const struct place start = {file, 1, 1};
	struct source_text source = {.file = file, .bytes = text, .len = len};
	yaml_parser_t parser;
	int r;

	if (is_too_deep(text, len))
		return report_error(c, "LOAD_ERR_YAML_PARSE", &start, TEXT_NONE,
				    "more than %d brackets are open at once", NESTING_MAX);
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	c->source = &source;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	r = load_documents(c, file, &parser, &documents);
	yaml_parser_delete(&parser);
	for (uint32_t i = 0; !r && i < documents.n; i++)
		r = read_document(c, file, &documents.items[i]);
	c->source = NULL;
	return r;
}

static bool plugin_is_there(const struct collection *c, const struct plugin_requirement *p)
{
	const struct rule_options *options = c->options;
	struct version wanted, own;

	if (!version_parse(p->version, &wanted))
		return false;
	for (uint32_t i = 0; i < options->n_plugins; i++) {
		if (!text_equal(p->name, text_from(options->plugins[i].name)))
			continue;
		/* no version: we answer its fields ourselves, whichever it is */
		return !options->plugins[i].version ||
		       (version_parse(text_from(options->plugins[i].version), &own) &&
			version_is_met(own, wanted));
	}
	return false;
}

int collect_check_plugins(struct collection *c)
{
	for (uint32_t i = 0; i < c->n_plugins; i++) {
		const struct plugin_requirement *p = &c->plugins[i];
		bool is_met = plugin_is_there(c, p);

		for (uint32_t j = 0; j < p->n_alternatives; j++)
			is_met = is_met || plugin_is_there(c, &p->alternatives[j]);
		if (!is_met)
			return report_error(c, "LOAD_ERR_VALIDATE", &p->place, p->name,
					    "plugin '%.*s' %.*s is needed and not there",
					    TEXT_ARGS(p->name), TEXT_ARGS(p->version));
	}
	return 0;
}
