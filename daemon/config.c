#include "daemon/config.h"

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/log.h"
#include "base/util.h"

#define FILE_BYTES_MAX (1 << 20)
#define LIST_MAX 1024
#define OUTPUTS_MAX 32
#define NUMBER_TEXT_MAX 64

/* Reading one text: the document, and where relative paths start. */
struct reader {
	yaml_document_t *document;
	const char *directory; /* of relative paths */
	const char *origin;    /* "file:line" is made from it; NULL: the command line */
	const char *prefix;    /* key that the text is the value of, for --set; else NULL */
	struct config *config;
	struct diag *diag;
};

static int refuse(const struct reader *rd, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct reader *rd, const yaml_node_t *node, const char *format, ...)
{
	va_list args;

	if (!rd->diag)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(rd->diag->message, sizeof(rd->diag->message), format, args);
	va_end(args);
	if (node && rd->origin) {
		rd->diag->line = (uint32_t)node->start_mark.line + 1;
		rd->diag->column = (uint32_t)node->start_mark.column + 1;
	}
	return -EINVAL;
}

static const char *scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* NUL inside a scalar would cut it silently. */
static bool scalar_is_clean(const yaml_node_t *node)
{
	const char *text = scalar(node);

	return text && strlen(text) == node->data.scalar.length;
}

static bool is_null(const yaml_node_t *node)
{
	const char *text = scalar(node);

	return text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (strcmp(text, "null") == 0 || strcmp(text, "~") == 0 || *text == '\0');
}

/* A path beside the file it was written in. */
static char *resolve_path(const char *directory, const char *text)
{
	char *path = NULL;

	if (text[0] == '/' || !directory)
		return strdup(text);
	if (asprintf(&path, "%s/%s", directory, text) < 0)
		return NULL;
	return path;
}

static void list_done(struct string_list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){0};
}

static int list_add(struct string_list *list, char *taken)
{
	char **items;

	if (!taken)
		return -ENOMEM;
	items = realloc(list->items, (list->n + 1) * sizeof(*items));
	if (!items) {
		free(taken);
		return -ENOMEM;
	}
	list->items = items;
	list->items[list->n++] = taken;
	return 0;
}

static int read_text(const struct reader *rd, const struct config_key *key, yaml_node_t *node,
		     char **out)
{
	bool is_path = key->type == CONFIG_PATH || key->type == CONFIG_NULLABLE_PATH;
	char *value;

	if (is_null(node) && key->type == CONFIG_NULLABLE_PATH) {
		free(*out);
		*out = NULL;
		return 0;
	}
	if (!scalar_is_clean(node) || is_null(node))
		return refuse(rd, node, "'%s': expected %s", key->path,
			      is_path ? "a path" : "text");
	value = is_path ? resolve_path(rd->directory, scalar(node)) : strdup(scalar(node));
	if (!value)
		return -ENOMEM;
	free(*out);
	*out = value;
	return 0;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL) {
		size_t n = strcspn(c, "|");

		if (n == len && strncmp(c, text, n) == 0)
			return true;
	}
	return false;
}

static int read_enum(const struct reader *rd, const struct config_key *key, yaml_node_t *node,
		     char **out)
{
	if (!scalar_is_clean(node) || !is_choice(key->choices, scalar(node)))
		return refuse(rd, node, "'%s': expected one of %s%s%s", key->path, key->choices,
			      scalar(node) ? ", not " : "", scalar(node) ? scalar(node) : "");
	free(*out);
	*out = strdup(scalar(node));
	return *out ? 0 : -ENOMEM;
}

static int read_number(const struct reader *rd, const struct config_key *key, yaml_node_t *node,
		       double *out)
{
	const char *text = scalar(node);
	char *end = NULL;
	double value;

	if (key->type == CONFIG_NULLABLE_NUMBER && is_null(node)) {
		*out = NAN;
		return 0;
	}
	value = text ? strtod(text, &end) : 0;
	if (!text || !scalar_is_clean(node) || end == text || *end || !isfinite(value) ||
	    strpbrk(text, "xXpP"))
		return refuse(rd, node, "'%s': expected a number%s%s", key->path,
			      text ? ", not " : "", text ? text : "");
	if (value < key->min || value > key->max)
		return refuse(rd, node, "'%s': %s is outside %.10g to %.10g", key->path, text,
			      key->min, key->max);
	*out = value;
	return 0;
}

static int read_count(const struct reader *rd, const struct config_key *key, yaml_node_t *node,
		      uint64_t *out)
{
	double value;
	int r = read_number(rd, key, node, &value);

	if (r)
		return r;
	if (value != floor(value))
		return refuse(rd, node, "'%s': expected a whole number, not %s", key->path,
			      scalar(node));
	*out = (uint64_t)value;
	return 0;
}

static int read_list(const struct reader *rd, const struct config_key *key, yaml_node_t *node,
		     struct string_list *out)
{
	struct string_list list = {0};
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(rd, node, "'%s': expected a list", key->path);
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     !r && i < node->data.sequence.items.top; i++) {
		yaml_node_t *item = yaml_document_get_node(rd->document, *i);

		if (list.n == LIST_MAX)
			r = refuse(rd, item, "'%s': more than %d entries", key->path, LIST_MAX);
		else if (!scalar_is_clean(item))
			r = refuse(rd, item, "'%s': expected text in the list", key->path);
		else
			r = list_add(&list, key->type == CONFIG_PATHS
						    ? resolve_path(rd->directory, scalar(item))
						    : strdup(scalar(item)));
	}
	if (r) {
		list_done(&list);
		return r;
	}
	list_done(out);
	*out = list;
	return 0;
}

static void output_done(struct output_config *output)
{
	for (uint32_t i = 0; i < output->n_options; i++) {
		free(output->options[i].name);
		list_done(&output->options[i].values);
	}
	free(output->options);
	free(output->kind);
}

static void outputs_done(struct config *config)
{
	for (uint32_t i = 0; i < config->outputs.n; i++)
		output_done(&config->outputs.items[i]);
	free(config->outputs.items);
	config->outputs.items = NULL;
	config->outputs.n = 0;
}

static int read_output_option(const struct reader *rd, struct output_config *output,
			      yaml_node_t *name, yaml_node_t *value)
{
	static const struct config_key element = {"outputs", CONFIG_STRINGS, 0,   NULL, 0,
						  0,         NULL,           NULL};
	void *grown = realloc(output->options, (output->n_options + 1) * sizeof(*output->options));

	if (!grown)
		return -ENOMEM;
	output->options = grown;
	memset(&output->options[output->n_options], 0, sizeof(*output->options));
	if (!scalar_is_clean(name))
		return refuse(rd, name, "'outputs': expected an option's name");
	output->options[output->n_options].name = strdup(scalar(name));
	output->n_options++;
	if (value->type == YAML_SEQUENCE_NODE)
		return read_list(rd, &element, value,
				 &output->options[output->n_options - 1].values);
	if (!scalar_is_clean(value))
		return refuse(rd, value, "'outputs': expected text or a list");
	if (strcmp(scalar(name), "path") == 0)
		return list_add(&output->options[output->n_options - 1].values,
				resolve_path(rd->directory, scalar(value)));
	return list_add(&output->options[output->n_options - 1].values, strdup(scalar(value)));
}

static int read_output(const struct reader *rd, yaml_node_t *node, struct output_config *output)
{
	yaml_node_t *kind, *options;
	int r = 0;

	if (node->type != YAML_MAPPING_NODE ||
	    node->data.mapping.pairs.top - node->data.mapping.pairs.start != 1)
		return refuse(rd, node,
			      "'outputs': expected one kind for each entry, {stdout: {}}");
	kind = yaml_document_get_node(rd->document, node->data.mapping.pairs.start->key);
	options = yaml_document_get_node(rd->document, node->data.mapping.pairs.start->value);
	if (!scalar_is_clean(kind) || !is_choice("stdout|file|http|syslog|program", scalar(kind)))
		return refuse(rd, kind,
			      "'outputs': expected stdout, file, http, syslog or program");
	output->kind = strdup(scalar(kind));
	if (!output->kind)
		return -ENOMEM;
	if (is_null(options))
		return 0;
	if (options->type != YAML_MAPPING_NODE)
		return refuse(rd, options, "'outputs': expected options, {format: json}");
	for (yaml_node_pair_t *p = options->data.mapping.pairs.start;
	     !r && p < options->data.mapping.pairs.top; p++)
		r = read_output_option(rd, output, yaml_document_get_node(rd->document, p->key),
				       yaml_document_get_node(rd->document, p->value));
	return r;
}

static int read_outputs(const struct reader *rd, yaml_node_t *node)
{
	struct config *config = rd->config;
	size_t n;
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(rd, node, "'outputs': expected a list");
	n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (n > OUTPUTS_MAX)
		return refuse(rd, node, "'outputs': more than %d entries", OUTPUTS_MAX);
	outputs_done(config);
	config->outputs.items = calloc(n ? n : 1, sizeof(*config->outputs.items));
	if (!config->outputs.items)
		return -ENOMEM;
	for (size_t i = 0; !r && i < n; i++) {
		config->outputs.n++;
		r = read_output(
			rd,
			yaml_document_get_node(rd->document, node->data.sequence.items.start[i]),
			&config->outputs.items[i]);
	}
	return r;
}

static void static_fields_done(struct config *config)
{
	for (uint32_t i = 0; i < config->static_fields.n; i++) {
		free(config->static_fields.names[i]);
		free(config->static_fields.values[i]);
	}
	free(config->static_fields.names);
	free(config->static_fields.values);
	memset(&config->static_fields, 0, sizeof(config->static_fields));
}

static int read_static_fields(const struct reader *rd, yaml_node_t *node)
{
	struct config *config = rd->config;
	size_t n;

	if (node->type != YAML_MAPPING_NODE)
		return refuse(rd, node, "'static_fields': expected NAME: VALUE pairs");
	n = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	if (n > LIST_MAX)
		return refuse(rd, node, "'static_fields': more than %d entries", LIST_MAX);
	static_fields_done(config);
	config->static_fields.names = calloc(n + 1, sizeof(char *));
	config->static_fields.values = calloc(n + 1, sizeof(char *));
	if (!config->static_fields.names || !config->static_fields.values)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		yaml_node_pair_t *pair = &node->data.mapping.pairs.start[i];
		yaml_node_t *name = yaml_document_get_node(rd->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(rd->document, pair->value);

		if (!scalar_is_clean(name) || !scalar_is_clean(value))
			return refuse(rd, name, "'static_fields': expected NAME: VALUE, both text");
		config->static_fields.names[i] = strdup(scalar(name));
		config->static_fields.values[i] = strdup(scalar(value));
		config->static_fields.n++;
		if (!config->static_fields.names[i] || !config->static_fields.values[i])
			return -ENOMEM;
	}
	return 0;
}

static int read_value(const struct reader *rd, const struct config_key *key, yaml_node_t *node)
{
	void *member = (char *)rd->config + key->offset;

	switch (key->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_NULLABLE_PATH:
		return read_text(rd, key, node, member);
	case CONFIG_ENUM:
		return read_enum(rd, key, node, member);
	case CONFIG_NUMBER:
	case CONFIG_NULLABLE_NUMBER:
		return read_number(rd, key, node, member);
	case CONFIG_COUNT:
		return read_count(rd, key, node, member);
	case CONFIG_STRINGS:
	case CONFIG_PATHS:
		return read_list(rd, key, node, member);
	case CONFIG_OUTPUTS:
		return read_outputs(rd, node);
	case CONFIG_MAP:
		return read_static_fields(rd, node);
	case CONFIG_PLUGINS:
		return plugins_config_read(member, rd->document, node, rd->diag);
	case CONFIG_SKETCHES:
		return sketch_config_read(member, rd->document, node, rd->diag);
	case CONFIG_APPENDS:
		return append_config_read(member, rd->document, node, rd->diag);
	case CONFIG_SELECT:
		return select_config_read(member, rd->document, node, rd->diag);
	}
	return -EINVAL;
}

static int set_origin(const struct reader *rd, uint32_t row, const yaml_node_t *node)
{
	char *origin = NULL;

	if (rd->origin) {
		if (asprintf(&origin, "%s:%zu", rd->origin, node->start_mark.line + 1) < 0)
			return -ENOMEM;
	} else {
		origin = strdup(CONFIG_COMMAND_LINE);
	}
	if (!origin)
		return -ENOMEM;
	free(rd->config->origins[row]);
	rd->config->origins[row] = origin;
	return 0;
}

/* Differences of one letter cost 1: enough to guess what was meant. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[96], la = (unsigned)strlen(a), lb = (unsigned)strlen(b);

	if (la >= ARRAY_SIZE(row) || lb >= ARRAY_SIZE(row))
		return UINT32_MAX;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned above = row[j];

			row[j] = MIN(MIN(row[j] + 1, row[j - 1] + 1),
				     diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

static int refuse_unknown(const struct reader *rd, const yaml_node_t *node, const char *path)
{
	const char *nearest = NULL;
	unsigned least = 4; /* further away is no guess any more */
	uint32_t n;
	const struct config_key *keys = config_keys(&n);

	for (uint32_t i = 0; i < n; i++) {
		unsigned d = distance(path, keys[i].path);

		if (d < least) {
			least = d;
			nearest = keys[i].path;
		}
	}
	return refuse(rd, node, "unknown key '%s'%s%s%s", path, nearest ? ", did you mean '" : "",
		      nearest ? nearest : "", nearest ? "'?" : "");
}

static bool is_section(const char *path)
{
	uint32_t n;
	const struct config_key *keys = config_keys(&n);
	size_t len = strlen(path);

	for (uint32_t i = 0; i < n; i++) {
		if (strncmp(keys[i].path, path, len) == 0 && keys[i].path[len] == '.')
			return true;
	}
	return false;
}

static int read_mapping(const struct reader *rd, yaml_node_t *node, const char *prefix);

static int read_pair(const struct reader *rd, yaml_node_t *name, yaml_node_t *value,
		     const char *prefix)
{
	char path[128];
	uint32_t n;
	const struct config_key *keys = config_keys(&n);

	if (!scalar_is_clean(name))
		return refuse(rd, name, "expected a key");
	snprintf(path, sizeof(path), "%s%s%.64s", prefix, *prefix ? "." : "", scalar(name));
	for (uint32_t i = 0; i < n; i++) {
		int r;

		if (strcmp(keys[i].path, path) != 0)
			continue;
		r = read_value(rd, &keys[i], value);
		return r ? r : set_origin(rd, i, value);
	}
	if (!is_section(path))
		return refuse_unknown(rd, name, path);
	if (is_null(value))
		return 0;
	if (value->type != YAML_MAPPING_NODE)
		return refuse(rd, value, "'%s': expected a section of keys", path);
	return read_mapping(rd, value, path);
}

static int read_mapping(const struct reader *rd, yaml_node_t *node, const char *prefix)
{
	yaml_node_pair_t *start = node->data.mapping.pairs.start;
	int r = 0;

	for (yaml_node_pair_t *p = start; !r && p < node->data.mapping.pairs.top; p++) {
		yaml_node_t *name = yaml_document_get_node(rd->document, p->key);

		for (yaml_node_pair_t *q = start; q < p && scalar(name); q++) {
			yaml_node_t *other = yaml_document_get_node(rd->document, q->key);

			if (scalar(other) && strcmp(scalar(other), scalar(name)) == 0)
				return refuse(rd, name, "key '%s' is given twice", scalar(name));
		}
		r = read_pair(rd, name, yaml_document_get_node(rd->document, p->value), prefix);
	}
	return r;
}

/* Parse text as one document and hand its root on. */
static int with_document(struct reader *rd, const char *text, size_t len,
			 int (*use)(struct reader *rd, yaml_node_t *root))
{
	yaml_parser_t parser;
	yaml_document_t document;
	yaml_node_t *root;
	int r;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &document)) {
		if (rd->diag) {
			rd->diag->line = (uint32_t)parser.problem_mark.line + 1;
			rd->diag->column = (uint32_t)parser.problem_mark.column + 1;
		}
		r = diag_set(rd->diag, -EINVAL, "not YAML: %s",
			     parser.problem ? parser.problem : "unreadable");
		yaml_parser_delete(&parser);
		return r;
	}
	rd->document = &document;
	root = yaml_document_get_root_node(&document);
	r = root ? use(rd, root) : 0; /* an empty file changes nothing */
	rd->document = NULL;
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	return r;
}

static int use_root(struct reader *rd, yaml_node_t *root)
{
	if (is_null(root))
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return refuse(rd, root, "expected sections of keys");
	return read_mapping(rd, root, "");
}

static int read_file(const char *path, char **out, size_t *len, struct diag *diag)
{
	SCOPED(free_ptr) char *text = malloc(FILE_BYTES_MAX + 1);
	FILE *file;
	int r = 0;

	if (!text)
		return -ENOMEM;
	file = fopen(path, "re");
	if (!file)
		return diag_set(diag, -errno, "cannot open: %s", strerror(errno));
	*len = fread(text, 1, FILE_BYTES_MAX + 1, file);
	if (ferror(file))
		r = diag_set(diag, -EIO, "cannot read: %s", strerror(errno));
	else if (*len > FILE_BYTES_MAX)
		r = diag_set(diag, -EFBIG, "larger than %d bytes", FILE_BYTES_MAX);
	fclose(file);
	if (!r)
		*out = TAKE(text);
	return r;
}

int config_load_file(struct config *config, const char *path, struct diag *diag)
{
	SCOPED(free_ptr) char *text = NULL;
	SCOPED(free_ptr) char *copy = strdup(path);
	struct reader rd = {.config = config, .diag = diag, .origin = path};
	size_t len = 0;
	int r;

	if (!copy)
		return -ENOMEM;
	if (diag)
		snprintf(diag->file, sizeof(diag->file), "%s", path);
	r = read_file(path, &text, &len, diag);
	if (r)
		return r;
	rd.directory = dirname(copy);
	return with_document(&rd, text, len, use_root);
}

static int use_value(struct reader *rd, yaml_node_t *root)
{
	uint32_t n;
	const struct config_key *keys = config_keys(&n);

	for (uint32_t i = 0; i < n; i++) {
		int r;

		if (strcmp(keys[i].path, rd->prefix) != 0)
			continue;
		r = read_value(rd, &keys[i], root);
		return r ? r : set_origin(rd, i, root);
	}
	return refuse_unknown(rd, root, rd->prefix);
}

int config_set(struct config *config, const char *assignment, struct diag *diag)
{
	const char *equals = strchr(assignment, '=');
	SCOPED(free_ptr) char *name = NULL;
	struct reader rd = {.config = config, .diag = diag};

	if (diag)
		snprintf(diag->file, sizeof(diag->file), "--set %s", assignment);
	if (!equals || equals == assignment)
		return diag_set(diag, -EINVAL, "expected KEY=VALUE");
	name = strndup(assignment, (size_t)(equals - assignment));
	if (!name)
		return -ENOMEM;
	rd.prefix = name;
	if (!equals[1])
		return with_document(&rd, "null", 4, use_value);
	return with_document(&rd, equals + 1, strlen(equals + 1), use_value);
}

static int apply_default(struct config *config, uint32_t row, const struct config_key *key)
{
	struct reader rd = {.config = config, .prefix = key->path};

	if (key->default_yaml) {
		int r = with_document(&rd, key->default_yaml, strlen(key->default_yaml), use_value);

		if (r)
			return r;
	}
	free(config->origins[row]);
	config->origins[row] = strdup("default");
	return config->origins[row] ? 0 : -ENOMEM;
}

int config_create(struct config **out)
{
	SCOPED(config_destroy) struct config *config = calloc(1, sizeof(*config));
	uint32_t n;
	const struct config_key *keys = config_keys(&n);
	int r = 0;

	if (!config)
		return -ENOMEM;
	config->origins = calloc(n, sizeof(char *));
	if (!config->origins)
		return -ENOMEM;
	for (uint32_t i = 0; !r && i < n; i++)
		r = apply_default(config, i, &keys[i]);
	if (!r)
		*out = TAKE(config);
	return r;
}

static void value_done(struct config *config, const struct config_key *key)
{
	void *member = (char *)config + key->offset;

	switch (key->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_NULLABLE_PATH:
	case CONFIG_ENUM:
		free(*(char **)member);
		break;
	case CONFIG_STRINGS:
	case CONFIG_PATHS:
		list_done(member);
		break;
	case CONFIG_OUTPUTS:
		outputs_done(config);
		break;
	case CONFIG_MAP:
		static_fields_done(config);
		break;
	case CONFIG_SKETCHES:
		sketch_config_destroy(member);
		break;
	case CONFIG_APPENDS:
		append_config_destroy(member);
		break;
	case CONFIG_SELECT:
		select_config_destroy(member);
		break;
	case CONFIG_NUMBER:
	case CONFIG_NULLABLE_NUMBER:
	case CONFIG_COUNT:
	case CONFIG_PLUGINS: /* the sketches go with their own key */
		break;
	}
}

void config_destroy(struct config **config)
{
	uint32_t n;
	const struct config_key *keys = config_keys(&n);

	if (!*config)
		return;
	for (uint32_t i = 0; i < n; i++) {
		value_done(*config, &keys[i]);
		if ((*config)->origins)
			free((*config)->origins[i]);
	}
	free((*config)->origins);
	free((*config)->rules.order.items);
	free(*config);
	*config = NULL;
}

/* Shipped files: installed ones, or those beside the build tree the program runs from. */
static char *shipped_file(const char *name)
{
	char exe[4096], *path = NULL;
	ssize_t len;

	if (asprintf(&path, "/etc/ethogram/%s", name) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len < 0)
		return NULL;
	exe[len] = '\0';
	if (asprintf(&path, "%s/../etc/%s", dirname(exe), name) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int default_file(struct config *config, const char *key_path, struct string_list *list,
			const char *name, struct diag *diag)
{
	uint32_t n;
	const struct config_key *keys = config_keys(&n);
	char *path;

	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(keys[i].path, key_path) == 0 &&
		    strcmp(config->origins[i], "default") != 0)
			return 0; /* an empty list on purpose stays empty */
	}
	path = shipped_file(name);
	if (!path)
		return diag_set(
			diag, -ENOENT,
			"'%s': the shipped file '%s' is neither in /etc/ethogram nor beside "
			"the program; name it in the configuration",
			key_path, name);
	return list_add(list, path);
}

int config_finish(struct config *config, struct diag *diag)
{
	int r = default_file(config, "rules.files", &config->rules.files,
			     "rules/ethogram_rules.yaml", diag);

	if (r)
		return r;
	r = default_file(config, "learning.dimensions", &config->learning.dimensions,
			 "dimensions/default.yaml", diag);
	if (r)
		return r;
	if (!config->api.tls_cert != !config->api.tls_key)
		return diag_set(diag, -EINVAL, "'api.tls_cert' and 'api.tls_key' need each other");
	return config_order_rules(config);
}
