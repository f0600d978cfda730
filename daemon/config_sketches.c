#include "daemon/config_sketches.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define ROWS_MAX 1000
#define COLUMNS_MAX 16777216.0
#define RESET_MS_MAX 3.2e12

/* A block while it is read. */
struct block {
	yaml_document_t *document;
	struct diag *diag;
	struct sketch_config *config;
	double n_sketches; /* NaN: not said */
	uint32_t n_gamma_eps, n_rows_cols;
	yaml_node_t *profiles;
	double gamma_eps[SKETCHES_MAX][2], rows_cols[SKETCHES_MAX][2];
};

static int refuse(const struct block *b, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct block *b, const yaml_node_t *node, const char *format, ...)
{
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (b->diag && node) {
		b->diag->line = (uint32_t)node->start_mark.line + 1;
		b->diag->column = (uint32_t)node->start_mark.column + 1;
	}
	return diag_set(b->diag, -EINVAL, "%s%s",
			*message == '\'' ? "" : "'count_min_sketch': ", message);
}

static yaml_node_t *node_at(const struct block *b, int index)
{
	return yaml_document_get_node(b->document, index);
}

static const char *scalar(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	return node->type == YAML_SCALAR_NODE && strlen(text) == node->data.scalar.length ? text
											  : NULL;
}

static size_t length(const yaml_node_t *sequence)
{
	return (size_t)(sequence->data.sequence.items.top - sequence->data.sequence.items.start);
}

static int read_number(const struct block *b, yaml_node_t *node, double min, double max,
		       double *out)
{
	const char *text = scalar(node);
	char *end = NULL;
	double value = text ? strtod(text, &end) : NAN;

	if (!text || end == text || *end || strpbrk(text, "xXpPnN") || !(value >= min) ||
	    !(value <= max))
		return refuse(b, node, "expected a number from %.10g to %.10g%s%s", min, max,
			      text ? ", not " : "", text ? text : "");
	*out = value;
	return 0;
}

static int read_enabled(struct block *b, yaml_node_t *node)
{
	const char *text = scalar(node);

	if (!text || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))
		return refuse(b, node, "in 'enabled': expected true or false");
	b->config->is_enabled = *text == 't';
	return 0;
}

static int read_n(struct block *b, yaml_node_t *node)
{
	int r = read_number(b, node, 1, SKETCHES_MAX, &b->n_sketches);

	return !r && b->n_sketches != floor(b->n_sketches)
		       ? refuse(b, node, "in 'n_sketches': expected a whole number")
		       : r;
}

/* [[a, b], ...] */
static int read_pairs(const struct block *b, yaml_node_t *node, const double max[2],
		      double out[][2], uint32_t *n)
{
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE || length(node) > SKETCHES_MAX)
		return refuse(b, node, "expected a list of at most %d pairs", SKETCHES_MAX);
	for (size_t i = 0; !r && i < length(node); i++) {
		yaml_node_t *pair = node_at(b, node->data.sequence.items.start[i]);

		if (pair->type != YAML_SEQUENCE_NODE || length(pair) != 2)
			return refuse(b, pair, "expected a pair: [a, b]");
		for (size_t j = 0; !r && j < 2; j++)
			r = read_number(b, node_at(b, pair->data.sequence.items.start[j]), 1e-12,
					max[j], &out[i][j]);
		*n = (uint32_t)i + 1;
	}
	return r;
}

static int read_gamma_eps(struct block *b, yaml_node_t *node)
{
	static const double max[2] = {0.999999, 0.999999};

	return read_pairs(b, node, max, b->gamma_eps, &b->n_gamma_eps);
}

static int read_rows_cols(struct block *b, yaml_node_t *node)
{
	static const double max[2] = {ROWS_MAX, COLUMNS_MAX};

	return read_pairs(b, node, max, b->rows_cols, &b->n_rows_cols);
}

static int read_profiles(struct block *b, yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE || !length(node) || length(node) > SKETCHES_MAX)
		return refuse(b, node, "in 'behavior_profiles': expected a list of 1 to %d",
			      SKETCHES_MAX);
	b->profiles = node;
	return 0;
}

static int read_fields(struct block *b, yaml_node_t *node, uint32_t i)
{
	const char *text = scalar(node);

	if (!text || !*text)
		return refuse(b, node, "in 'fields': expected \"%%field %%field ...\"");
	free(b->config->items[i].fields);
	b->config->items[i].fields = strdup(text);
	return b->config->items[i].fields ? 0 : -ENOMEM;
}

static int read_codes(struct block *b, yaml_node_t *node, uint32_t i)
{
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE || length(node) > SKETCH_CODES_MAX)
		return refuse(b, node, "in 'event_codes': expected a list of at most %d numbers",
			      SKETCH_CODES_MAX);
	b->config->items[i].n_codes = 0;
	for (size_t j = 0; !r && j < length(node); j++) {
		yaml_node_t *code = node_at(b, node->data.sequence.items.start[j]);
		double value = 0;

		r = read_number(b, code, 0, 65535, &value);
		if (!r && value != floor(value))
			r = refuse(b, code, "in 'event_codes': expected whole numbers");
		if (!r)
			b->config->items[i].codes[b->config->items[i].n_codes++] = (uint32_t)value;
	}
	return r;
}

static int read_profile_member(struct block *b, yaml_node_t *key, yaml_node_t *value, uint32_t i)
{
	const char *name = scalar(key);

	if (name && strcmp(name, "fields") == 0)
		return read_fields(b, value, i);
	if (name && strcmp(name, "event_codes") == 0)
		return read_codes(b, value, i);
	if (name && strcmp(name, "reset_timer_ms") == 0)
		return read_number(b, value, 0, RESET_MS_MAX, &b->config->items[i].reset_ms);
	return refuse(b, key, "unknown key '%s' in a behavior profile", name ? name : "");
}

static int read_profile(struct block *b, yaml_node_t *node, uint32_t i)
{
	int r = 0;

	if (node->type != YAML_MAPPING_NODE)
		return refuse(b, node, "expected {fields: \"...\", event_codes: [...]}");
	b->config->n = i + 1;
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     !r && p < node->data.mapping.pairs.top; p++)
		r = read_profile_member(b, node_at(b, p->key), node_at(b, p->value), i);
	if (!r && (!b->config->items[i].fields || !b->config->items[i].n_codes))
		r = refuse(b, node, "a behavior profile needs fields and event_codes");
	return r;
}

static int read_member(struct block *b, yaml_node_t *key, yaml_node_t *value)
{
	static const struct {
		const char *name;
		int (*read)(struct block *b, yaml_node_t *node);
	} members[] = {{"enabled", read_enabled},
		       {"n_sketches", read_n},
		       {"gamma_eps", read_gamma_eps},
		       {"rows_cols", read_rows_cols},
		       {"behavior_profiles", read_profiles}};
	const char *name = scalar(key);

	for (size_t i = 0; name && i < ARRAY_SIZE(members); i++) {
		if (strcmp(members[i].name, name) == 0)
			return members[i].read(b, value);
	}
	return refuse(b, key, "unknown key '%s'", name ? name : "");
}

/* Rows and columns as they are given; or rows so that an estimate is off with probability gamma at
 * most, columns so that it is off by a share of eps of all sightings. */
static int size_sketches(struct block *b, yaml_node_t *node)
{
	struct sketch_config *config = b->config;
	uint32_t n = b->n_rows_cols ? b->n_rows_cols : b->n_gamma_eps;

	if (n != config->n)
		return refuse(b, node, "%u behavior profiles need as many gamma_eps or rows_cols",
			      config->n);
	for (uint32_t i = 0; i < n; i++) {
		double rows = b->rows_cols[i][0], columns = b->rows_cols[i][1];

		if (!b->n_rows_cols) {
			rows = fmin(ROWS_MAX, ceil(log(1 / b->gamma_eps[i][0])));
			columns = ceil(exp(1) / b->gamma_eps[i][1]);
		}
		if (columns > COLUMNS_MAX)
			return refuse(b, node, "an eps of %g is too small", b->gamma_eps[i][1]);
		config->items[i].rows = (uint32_t)fmax(1, rows);
		config->items[i].columns = (uint32_t)fmax(1, columns);
	}
	return 0;
}

static int read_block(struct block *b, yaml_node_t *node)
{
	int r = 0;

	if (node->type != YAML_MAPPING_NODE)
		return refuse(b, node, "expected {enabled: true, n_sketches: 1, ...}");
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     !r && p < node->data.mapping.pairs.top; p++)
		r = read_member(b, node_at(b, p->key), node_at(b, p->value));
	if (r || (!b->profiles && !b->config->is_enabled))
		return r;
	if (!b->profiles)
		return refuse(b, node, "behavior_profiles is missing");
	for (size_t i = 0; !r && i < length(b->profiles); i++)
		r = read_profile(b, node_at(b, b->profiles->data.sequence.items.start[i]),
				 (uint32_t)i);
	if (!r && !isnan(b->n_sketches) && b->n_sketches != b->config->n)
		r = refuse(b, b->profiles, "n_sketches is %.0f, and there are %u behavior profiles",
			   b->n_sketches, b->config->n);
	return r ? r : size_sketches(b, node);
}

int sketch_config_read(struct sketch_config **out, yaml_document_t *document, yaml_node_t *node,
		       struct diag *diag)
{
	SCOPED(sketch_config_destroy) struct sketch_config *config = NULL;
	struct block block = {.document = document, .diag = diag, .n_sketches = NAN};
	const char *text = scalar(node);
	int r;

	if (text && (strcmp(text, "null") == 0 || strcmp(text, "~") == 0 || !*text)) {
		sketch_config_destroy(out);
		return 0;
	}
	config = calloc(1, sizeof(*config));
	if (!config)
		return -ENOMEM;
	config->is_enabled = true; /* a block that is there is meant */
	block.config = config;
	r = read_block(&block, node);
	if (r)
		return r;
	sketch_config_destroy(out);
	*out = TAKE(config);
	return 0;
}

static yaml_node_t *member(const struct block *b, const yaml_node_t *map, const char *key)
{
	yaml_node_pair_t *p = map->type == YAML_MAPPING_NODE ? map->data.mapping.pairs.start : NULL;

	for (; p && p < map->data.mapping.pairs.top; p++) {
		const char *name = scalar(node_at(b, p->key));

		if (name && strcmp(name, key) == 0)
			return node_at(b, p->value);
	}
	return NULL;
}

static int read_plugin(const struct block *b, yaml_node_t *plugin, struct sketch_config **out)
{
	static const char *const answered[] = {"container", "k8smeta", "json"};
	yaml_node_t *name = member(b, plugin, "name"), *config, *sketches;

	if (!name || !scalar(name))
		return refuse(b, plugin, "'plugins': expected {name: ..., init_config: {...}}");
	for (size_t i = 0; i < ARRAY_SIZE(answered); i++) {
		if (strcmp(scalar(name), answered[i]) == 0)
			return 0;
	}
	if (strcmp(scalar(name), "anomalydetection") != 0)
		return refuse(b, name, "'plugins': '%.64s' is none whose fields are answered here",
			      scalar(name));
	config = member(b, plugin, "init_config");
	sketches = config ? member(b, config, "count_min_sketch") : NULL;
	return sketches ? sketch_config_read(out, b->document, sketches, b->diag) : 0;
}

int plugins_config_read(struct sketch_config **out, yaml_document_t *document, yaml_node_t *node,
			struct diag *diag)
{
	struct block block = {.document = document, .diag = diag};
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(&block, node, "'plugins': expected a list");
	for (size_t i = 0; !r && i < length(node); i++)
		r = read_plugin(&block, node_at(&block, node->data.sequence.items.start[i]), out);
	return r;
}

void sketch_config_destroy(struct sketch_config **config)
{
	if (!*config)
		return;
	for (uint32_t i = 0; i < (*config)->n; i++)
		free((*config)->items[i].fields);
	free(*config);
	*config = NULL;
}

cJSON *sketch_config_json(const struct sketch_config *config)
{
	cJSON *json, *sizes, *profiles;

	if (!config)
		return cJSON_CreateNull();
	json = cJSON_CreateObject();
	cJSON_AddBoolToObject(json, "enabled", config->is_enabled);
	if (!config->n)
		return json;
	cJSON_AddNumberToObject(json, "n_sketches", config->n);
	sizes = cJSON_AddArrayToObject(json, "rows_cols");
	profiles = cJSON_AddArrayToObject(json, "behavior_profiles");
	for (uint32_t i = 0; i < config->n; i++) {
		cJSON *size = cJSON_CreateArray(), *profile = cJSON_CreateObject(), *codes;

		cJSON_AddItemToArray(size, cJSON_CreateNumber(config->items[i].rows));
		cJSON_AddItemToArray(size, cJSON_CreateNumber(config->items[i].columns));
		cJSON_AddItemToArray(sizes, size);
		cJSON_AddStringToObject(profile, "fields", config->items[i].fields);
		codes = cJSON_AddArrayToObject(profile, "event_codes");
		for (uint32_t j = 0; j < config->items[i].n_codes; j++)
			cJSON_AddItemToArray(codes, cJSON_CreateNumber(config->items[i].codes[j]));
		if (config->items[i].reset_ms > 0)
			cJSON_AddNumberToObject(profile, "reset_timer_ms",
						config->items[i].reset_ms);
		cJSON_AddItemToArray(profiles, profile);
	}
	return json;
}
