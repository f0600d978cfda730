/* Reads dimensions from YAML. Every error has file, line and column; unknown keys are errors. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/util.h"
#include "profiles/dimension_private.h"
#include "profiles/top_list.h"

#define FILE_BYTES_MAX (1u << 20)
#define TEXT_BYTES_MAX 4096u

struct loader {
	struct dimension_set *set;
	const struct field_set *fields;
	const char *file;
	struct diag *diag;
	yaml_document_t doc;
};

/* Report at a place; gives -EINVAL. */
static int bad(struct loader *l, yaml_mark_t mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(struct loader *l, yaml_mark_t mark, const char *format, ...)
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

static yaml_node_t *node_at(struct loader *l, int index)
{
	return yaml_document_get_node(&l->doc, index);
}

static struct text scalar(const yaml_node_t *node)
{
	return (struct text){(const char *)node->data.scalar.value,
			     (uint32_t)node->data.scalar.length};
}

/* A mapping's keys, each with the function that takes its value. */
struct key {
	const char *name;
	int (*take)(struct loader *l, yaml_node_t *value, void *into);
};

static int take_key(struct loader *l, const struct key keys[], const yaml_node_pair_t *pair,
		    void *into)
{
	yaml_node_t *key = node_at(l, pair->key);
	struct text name;

	if (key->type != YAML_SCALAR_NODE)
		return bad(l, key->start_mark, "a key must be a word");
	name = scalar(key);
	for (; keys->name; keys++) {
		if (text_equal(name, text_from(keys->name)))
			return keys->take(l, node_at(l, pair->value), into);
	}
	return bad(l, key->start_mark, "unknown key '%.*s'", MIN((int)name.len, 64), name.ptr);
}

static int take_mapping(struct loader *l, yaml_node_t *node, const struct key keys[], void *into,
			const char *what)
{
	if (node->type != YAML_MAPPING_NODE)
		return bad(l, node->start_mark, "%s must be a mapping", what);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		struct text name = scalar(node_at(l, pair->key));
		int r;

		for (yaml_node_pair_t *other = node->data.mapping.pairs.start; other < pair;
		     other++) {
			if (node_at(l, pair->key)->type == YAML_SCALAR_NODE &&
			    text_equal(scalar(node_at(l, other->key)), name))
				return bad(l, node_at(l, pair->key)->start_mark,
					   "key '%.*s' is given twice", MIN((int)name.len, 64),
					   name.ptr);
		}
		r = take_key(l, keys, pair, into);
		if (r)
			return r;
	}
	return 0;
}

/* One scalar, or a list of them: each is given to take. */
static int take_list(struct loader *l, yaml_node_t *node, void *into, const char *what,
		     int (*take)(struct loader *l, yaml_node_t *value, void *into))
{
	if (node->type == YAML_SCALAR_NODE)
		return take(l, node, into);
	if (node->type != YAML_SEQUENCE_NODE)
		return bad(l, node->start_mark, "%s must be a list", what);
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		int r = take(l, node_at(l, *item), into);

		if (r)
			return r;
	}
	return 0;
}

static int take_text(struct loader *l, yaml_node_t *node, struct text *out, const char *what)
{
	if (node->type != YAML_SCALAR_NODE)
		return bad(l, node->start_mark, "%s must be text", what);
	if (scalar(node).len > TEXT_BYTES_MAX)
		return bad(l, node->start_mark, "%s is longer than %u bytes", what, TEXT_BYTES_MAX);
	*out = dimension_set_text(l->set, scalar(node));
	return out->ptr ? 0 : -ENOMEM;
}

static int take_bool(struct loader *l, yaml_node_t *node, bool *out, const char *what)
{
	if (node->type == YAML_SCALAR_NODE) {
		*out = text_equal(scalar(node), TEXT("true"));
		if (*out || text_equal(scalar(node), TEXT("false")))
			return 0;
	}
	return bad(l, node->start_mark, "%s must be true or false", what);
}

static int take_number(struct loader *l, yaml_node_t *node, uint64_t max, uint64_t *out,
		       const char *what)
{
	struct text t = node->type == YAML_SCALAR_NODE ? scalar(node) : TEXT_NONE;
	uint64_t value = 0;
	uint32_t i = 0;

	for (; i < t.len && t.ptr[i] >= '0' && t.ptr[i] <= '9' && value <= max; i++)
		value = value * 10 + (uint64_t)(t.ptr[i] - '0');
	if (t.len == 0 || i < t.len || value > max)
		return bad(l, node->start_mark, "%s must be a number from 0 to %llu", what,
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

static int take_name(struct loader *l, yaml_node_t *node, struct text *out)
{
	int r = take_text(l, node, out, "a name");

	if (r)
		return r;
	if (!is_name(*out))
		return bad(l, node->start_mark,
			   "a name is 1 to %d of small letters, digits, '.', '_', '-'",
			   DIMENSION_NAME_MAX);
	return 0;
}

/* Parts ---------------------------------------------------------------------------------------- */

/* A part while it is read: its sources are known once all its keys are. */
struct part_text {
	struct part *part;
	struct dimension *dimension;
	yaml_node_t *field; /* scalar, or mapping from events */
	bool is_templated;
};

static const struct {
	const char *name;
	enum transform transform;
	bool takes_levels;
} transforms[] = {
	{"directory", TRANSFORM_DIRECTORY, true},    {"name", TRANSFORM_NAME, false},
	{"arg_shape", TRANSFORM_ARG_SHAPE, false},   {"ip_class", TRANSFORM_IP_CLASS, false},
	{"ip_net", TRANSFORM_IP_NET, false},         {"port", TRANSFORM_PORT, false},
	{"port_class", TRANSFORM_PORT_CLASS, false},
};

/* "(3)" behind a transform: 1 to 9 levels. */
static bool levels_of(struct text rest, uint32_t *out)
{
	if (rest.len == 0)
		return true;
	if (rest.len != 3 || rest.ptr[0] != '(' || rest.ptr[2] != ')' || rest.ptr[1] < '1' ||
	    rest.ptr[1] > '9')
		return false;
	*out = (uint32_t)(rest.ptr[1] - '0');
	return true;
}

static int take_transform(struct loader *l, yaml_node_t *node, void *into)
{
	struct part_text *part = into;
	struct text name;

	if (node->type != YAML_SCALAR_NODE)
		return bad(l, node->start_mark, "a transform must be a word");
	name = scalar(node);
	if (part->part->transform != TRANSFORM_NONE)
		return bad(l, node->start_mark,
			   "only path_template may stand before another transform");
	if (text_equal(name, TEXT("path_template"))) {
		part->is_templated = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(transforms); i++) {
		struct text wanted = text_from(transforms[i].name);
		struct text rest = {name.ptr + wanted.len, name.len - wanted.len};

		if (!text_starts_with(name, wanted))
			continue;
		if (rest.len &&
		    (!transforms[i].takes_levels || !levels_of(rest, &part->part->argument)))
			continue;
		part->part->transform = transforms[i].transform;
		return 0;
	}
	return bad(l, node->start_mark,
		   "unknown transform '%.*s' (known: path_template, directory, directory(N), name, "
		   "arg_shape, ip_class, ip_net, port, port_class)",
		   MIN((int)name.len, 64), name.ptr);
}

/* Put the place of an error within a condition or expression into the file. */
static int bad_inside(struct loader *l, const yaml_node_t *node, int r, const char *what)
{
	char message[DIAG_MESSAGE_MAX];

	if (r != -EINVAL || !l->diag)
		return r;
	snprintf(message, sizeof(message), "%s", l->diag->message);
	return bad(l, node->start_mark, "%s: %s", what, message);
}

/* The source of that text, made if there is none. */
static int source_index(struct loader *l, struct dimension *d, const yaml_node_t *node,
			bool is_templated, uint8_t *out)
{
	const struct key_source *own;
	struct text argument;
	struct source *source;
	int r;

	for (uint32_t i = 0; i < d->n_sources; i++) {
		if (text_equal(d->sources[i].text, scalar(node)) &&
		    d->sources[i].is_templated == is_templated) {
			*out = (uint8_t)i;
			return 0;
		}
	}
	if (d->n_sources == SOURCES_MAX)
		return bad(l, node->start_mark, "more than %d different values", SOURCES_MAX);
	source = &d->sources[d->n_sources];
	source->is_templated = is_templated;
	source->text = dimension_set_text(l->set, scalar(node));
	if (!source->text.ptr)
		return -ENOMEM;
	own = key_source_by_name(source->text, &argument);
	if (own) {
		source->own = own->get;
		source->argument = argument;
	} else {
		r = expr_compile(&source->expr, source->text, l->fields, l->diag);
		if (r)
			return bad_inside(l, node, r, "field");
	}
	*out = (uint8_t)d->n_sources++;
	return 0;
}

/* Add the event of that name to what a part or dimension is about. */
static int find_event(struct loader *l, const yaml_node_t *node, uint16_t *event, uint16_t *syscall)
{
	const struct syscall_info *info = NULL;
	int type = -1;

	if (node->type == YAML_SCALAR_NODE) {
		type = event_by_name(scalar(node));
		info = syscall_by_name(scalar(node));
	}
	*syscall = 0;
	if (type < 0 && info && info->event == EVENT_GENERIC && info->nr64 >= 0 &&
	    info->nr64 < SYSCALL_SET_WORDS * 64) {
		*syscall = (uint16_t)info->nr64;
		type = EVENT_GENERIC;
	} else if (type < 0 && info && info->event != EVENT_GENERIC) {
		type = info->event;
	} else if (type < 0 || type == EVENT_GENERIC) {
		return bad(l, node->start_mark, "'%.*s' is no event",
			   node->type == YAML_SCALAR_NODE ? MIN((int)scalar(node).len, 64) : 0,
			   node->type == YAML_SCALAR_NODE ? scalar(node).ptr : "");
	}
	*event = (uint16_t)type;
	return 0;
}

static int add_case(struct loader *l, struct part_text *part, uint16_t event, uint16_t syscall,
		    const yaml_node_t *source)
{
	struct part_case *c = &part->part->cases[part->part->n_cases];

	if (source->type != YAML_SCALAR_NODE || scalar(source).len == 0)
		return bad(l, source->start_mark, "a field must be the name of a value");
	if (part->part->n_cases == CASES_MAX)
		return bad(l, source->start_mark, "more than %d events", CASES_MAX);
	c->event = event;
	c->syscall = syscall;
	part->part->n_cases++;
	return source_index(l, part->dimension, source, part->is_templated, &c->source);
}

/* field: one source for all events, or {EVENT: source, ...}. */
static int resolve_field(struct loader *l, struct part_text *part)
{
	yaml_node_t *node = part->field;

	if (node->type != YAML_MAPPING_NODE)
		return add_case(l, part, ANY_EVENT, 0, node);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		uint16_t event = 0, syscall = 0;
		int r = find_event(l, node_at(l, pair->key), &event, &syscall);

		if (!r)
			r = add_case(l, part, event, syscall, node_at(l, pair->value));
		if (r)
			return r;
	}
	return 0;
}

static int take_field(struct loader *l, yaml_node_t *node, void *into)
{
	(void)l;
	((struct part_text *)into)->field = node;
	return 0;
}

static int take_transforms(struct loader *l, yaml_node_t *node, void *into)
{
	return take_list(l, node, into, "transform", take_transform);
}

static int take_absent(struct loader *l, yaml_node_t *node, void *into)
{
	struct part *part = ((struct part_text *)into)->part;

	part->has_absent = true;
	return take_text(l, node, &part->absent, "absent");
}

/* Key fields ----------------------------------------------------------------------------------- */

/* A key field while it is read: it has parts, or is one part itself. */
struct field_reading {
	struct key_field *field;
	struct part_text part;
	bool has_parts;
};

static int finish_part(struct loader *l, yaml_node_t *node, struct part_text *part)
{
	if (!part->field)
		return bad(l, node->start_mark, "a key field needs 'field'");
	return resolve_field(l, part);
}

static int take_part(struct loader *l, yaml_node_t *node, void *into)
{
	static const struct key keys[] = {{"field", take_field},
					  {"transform", take_transforms},
					  {"absent", take_absent},
					  {0}};
	struct field_reading *reading = into;
	struct part_text part = {.dimension = reading->part.dimension};
	int r;

	if (reading->field->n_parts == PARTS_MAX)
		return bad(l, node->start_mark, "more than %d parts", PARTS_MAX);
	part.part = &reading->field->parts[reading->field->n_parts++];
	r = take_mapping(l, node, keys, &part, "a part");
	return r ? r : finish_part(l, node, &part);
}

static int take_parts(struct loader *l, yaml_node_t *node, void *into)
{
	struct field_reading *reading = into;

	reading->has_parts = true;
	if (node->type != YAML_SEQUENCE_NODE ||
	    node->data.sequence.items.start == node->data.sequence.items.top)
		return bad(l, node->start_mark, "parts must be a list");
	return take_list(l, node, into, "parts", take_part);
}

static int take_field_name(struct loader *l, yaml_node_t *node, void *into)
{
	return take_name(l, node, &((struct field_reading *)into)->field->name);
}

static int take_own_field(struct loader *l, yaml_node_t *node, void *into)
{
	return take_field(l, node, &((struct field_reading *)into)->part);
}

static int take_own_transforms(struct loader *l, yaml_node_t *node, void *into)
{
	return take_transforms(l, node, &((struct field_reading *)into)->part);
}

static int take_own_absent(struct loader *l, yaml_node_t *node, void *into)
{
	return take_absent(l, node, &((struct field_reading *)into)->part);
}

static int take_key_field(struct loader *l, yaml_node_t *node, void *into)
{
	static const struct key keys[] = {
		{"name", take_field_name},
		{"field", take_own_field},
		{"transform", take_own_transforms},
		{"absent", take_own_absent},
		{"parts", take_parts},
		{0},
	};
	struct dimension *d = into;
	struct part single = {0};
	struct field_reading reading = {.part = {.part = &single, .dimension = d}};
	int r;

	if (d->n_fields == RECORD_LEVELS_MAX)
		return bad(l, node->start_mark, "a key has at most %d fields", RECORD_LEVELS_MAX);
	reading.field = &d->fields[d->n_fields++];
	r = take_mapping(l, node, keys, &reading, "a key field");
	if (r)
		return r;
	if (reading.field->name.len == 0)
		return bad(l, node->start_mark, "a key field needs 'name'");
	if (reading.has_parts && (reading.part.field || single.transform || single.has_absent))
		return bad(l, node->start_mark, "a key field has 'parts' or is one, not both");
	if (reading.has_parts)
		return 0;
	r = finish_part(l, node, &reading.part);
	reading.field->parts[0] = single;
	reading.field->n_parts = 1;
	return r;
}

/* Settings ------------------------------------------------------------------------------------- */

static int take_top(struct loader *l, yaml_node_t *node, void *into)
{
	uint64_t value = 0;
	int r = take_number(l, node, TOP_LIST_SIZE_MAX, &value, "top");

	((struct dimension_settings *)into)->top = (uint32_t)value;
	return r;
}

static int take_sketch_rows(struct loader *l, yaml_node_t *node, void *into)
{
	uint64_t value = 0;
	int r = take_number(l, node, 8, &value, "sketch_rows");

	if (!r && value == 0)
		return bad(l, node->start_mark, "sketch_rows must be 1 to 8");
	((struct dimension_settings *)into)->sketch_rows = (uint32_t)value;
	return r;
}

static int take_head_bytes(struct loader *l, yaml_node_t *node, void *into)
{
	return take_number(l, node, UINT64_C(1) << 32,
			   &((struct dimension_settings *)into)->head_bytes_max, "head_bytes");
}

static int take_sketch_bytes(struct loader *l, yaml_node_t *node, void *into)
{
	return take_number(l, node, UINT64_C(1) << 32,
			   &((struct dimension_settings *)into)->sketch_bytes_max, "sketch_bytes");
}

/* Dimensions ----------------------------------------------------------------------------------- */

static int take_dimension_name(struct loader *l, yaml_node_t *node, void *into)
{
	return take_name(l, node, &((struct dimension *)into)->info.name);
}

static int take_description(struct loader *l, yaml_node_t *node, void *into)
{
	return take_text(l, node, &((struct dimension *)into)->info.description, "description");
}

static int take_event(struct loader *l, yaml_node_t *node, void *into)
{
	struct event_set *events = &((struct dimension *)into)->events;
	uint16_t event = 0, syscall = 0;
	int r = find_event(l, node, &event, &syscall);

	if (r)
		return r;
	if (event == EVENT_GENERIC)
		events->syscalls[syscall / 64] |= UINT64_C(1) << syscall % 64;
	else
		events->types[event / 64] |= UINT64_C(1) << event % 64;
	return 0;
}

static int take_events(struct loader *l, yaml_node_t *node, void *into)
{
	return take_list(l, node, into, "events", take_event);
}

/* An error's number by its name; 0 none. */
static int error_by_name(struct text name)
{
	for (int error = 1; error < 134; error++) {
		const char *known = strerrorname_np(error);

		if (known && text_equal(name, text_from(known)))
			return error;
	}
	return 0;
}

static int take_result(struct loader *l, yaml_node_t *node, void *into)
{
	struct dimension *d = into;
	struct text name = node->type == YAML_SCALAR_NODE ? scalar(node) : TEXT_NONE;
	int error = error_by_name(name);

	if (text_equal(name, TEXT("success")))
		d->success = true;
	else if (text_equal(name, TEXT("failure")))
		d->failure = true;
	else if (!error)
		return bad(l, node->start_mark,
			   "a result is success, failure, or the name of an error");
	else if (d->n_errors == RESULTS_MAX)
		return bad(l, node->start_mark, "more than %d errors", RESULTS_MAX);
	else
		d->errors[d->n_errors++] = error;
	return 0;
}

static int take_results(struct loader *l, yaml_node_t *node, void *into)
{
	return take_list(l, node, into, "result", take_result);
}

static int take_access(struct loader *l, yaml_node_t *node, void *into)
{
	struct dimension *d = into;
	struct text name = node->type == YAML_SCALAR_NODE ? scalar(node) : TEXT_NONE;

	if (text_equal(name, TEXT("read")))
		d->access = ACCESS_READ;
	else if (text_equal(name, TEXT("write")))
		d->access = ACCESS_WRITE;
	else
		return bad(l, node->start_mark, "access is read or write");
	return 0;
}

static int take_filter(struct loader *l, yaml_node_t *node, void *into)
{
	struct dimension *d = into;
	int r = take_text(l, node, &d->filter_text, "filter");

	if (r)
		return r;
	r = filter_compile(&d->filter, d->filter_text, l->fields, l->diag);
	return r ? bad_inside(l, node, r, "filter") : 0;
}

static int take_startup(struct loader *l, yaml_node_t *node, void *into)
{
	return take_bool(l, node, &((struct dimension *)into)->info.has_startup, "startup");
}

static int take_key_fields(struct loader *l, yaml_node_t *node, void *into)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return bad(l, node->start_mark, "key must be a list of key fields");
	return take_list(l, node, into, "key", take_key_field);
}

static int take_settings(struct loader *l, yaml_node_t *node, void *into)
{
	static const struct key keys[] = {
		{"top", take_top},
		{"sketch_rows", take_sketch_rows},
		{"head_bytes", take_head_bytes},
		{"sketch_bytes", take_sketch_bytes},
		{0},
	};

	return take_mapping(l, node, keys, &((struct dimension *)into)->info.settings, "settings");
}

static int check_dimension(struct loader *l, yaml_node_t *node, struct dimension *d)
{
	static const struct event_set none;

	if (d->info.name.len == 0)
		return bad(l, node->start_mark, "a dimension needs 'name'");
	if (memcmp(&d->events, &none, sizeof(none)) == 0)
		return bad(l, node->start_mark, "dimension '%s' needs 'events'", d->info.name.ptr);
	if (d->n_fields == 0)
		return bad(l, node->start_mark, "dimension '%s' needs 'key'", d->info.name.ptr);
	if (!d->success && !d->failure && !d->n_errors)
		d->success = true;
	d->info.n_levels = (uint8_t)d->n_fields;
	for (uint32_t i = 0; i < d->n_fields; i++) {
		d->info.levels[i] = d->fields[i].name;
		for (uint32_t k = 0; k < i; k++) {
			if (text_equal(d->fields[i].name, d->fields[k].name))
				return bad(l, node->start_mark, "key field '%s' is given twice",
					   d->fields[i].name.ptr);
		}
	}
	d->info.definition_hash = dimension_hash(d);
	return 0;
}

/* Put in the place of a dimension of the same name, else at the end. */
static int add_dimension(struct loader *l, yaml_node_t *node, struct dimension **d)
{
	struct dimension_set *set = l->set;

	for (uint32_t i = 0; i < set->n; i++) {
		if (!text_equal(set->dimensions[i]->info.name, (*d)->info.name))
			continue;
		dimension_destroy(&set->dimensions[i]);
		set->dimensions[i] = TAKE(*d);
		return 0;
	}
	if (set->n == DIMENSIONS_MAX)
		return bad(l, node->start_mark, "more than %d dimensions", DIMENSIONS_MAX);
	set->dimensions[set->n++] = TAKE(*d);
	return 0;
}

static int take_dimension(struct loader *l, yaml_node_t *node, void *into)
{
	static const struct key keys[] = {
		{"name", take_dimension_name}, {"description", take_description},
		{"events", take_events},       {"result", take_results},
		{"access", take_access},       {"filter", take_filter},
		{"startup", take_startup},     {"key", take_key_fields},
		{"settings", take_settings},   {0},
	};
	SCOPED(dimension_destroy) struct dimension *d = calloc(1, sizeof(*d));
	int r;

	(void)into;
	if (!d)
		return -ENOMEM;
	d->info.has_startup = true;
	d->info.settings = (struct dimension_settings){.top = 64,
						       .sketch_rows = 4,
						       .head_bytes_max = 4 << 20,
						       .sketch_bytes_max = 8 << 20};
	r = take_mapping(l, node, keys, d, "a dimension");
	if (!r)
		r = check_dimension(l, node, d);
	return r ? r : add_dimension(l, node, &d);
}

static int take_dimensions(struct loader *l, yaml_node_t *node, void *into)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return bad(l, node->start_mark, "dimensions must be a list");
	return take_list(l, node, into, "dimensions", take_dimension);
}

static int take_document(struct loader *l)
{
	static const struct key keys[] = {{"dimensions", take_dimensions}, {0}};
	yaml_node_t *root = yaml_document_get_root_node(&l->doc);

	return root ? take_mapping(l, root, keys, NULL, "the file") : 0; /* empty: no dimension */
}

/* Files ---------------------------------------------------------------------------------------- */

static int parse_into(struct dimension_set *set, struct text yaml, const char *file,
		      const struct field_set *fields, struct diag *diag)
{
	struct loader l = {.set = set, .fields = fields, .file = file, .diag = diag};
	yaml_parser_t parser;
	int r;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.ptr, yaml.len);
	if (yaml_parser_load(&parser, &l.doc)) {
		r = take_document(&l);
		yaml_document_delete(&l.doc);
	} else {
		r = bad(&l, parser.problem_mark, "%s",
			parser.problem ? parser.problem : "not YAML");
	}
	yaml_parser_delete(&parser);
	return r;
}

static int read_file(const char *path, struct text *out, struct diag *diag)
{
	SCOPED(free_ptr) char *bytes = NULL;
	FILE *file;
	size_t len;
	int r;

	if (diag)
		snprintf(diag->file, sizeof(diag->file), "%s", path);
	file = fopen(path, "re");
	if (!file)
		return diag_set(diag, -errno, "cannot be opened");
	bytes = malloc(FILE_BYTES_MAX + 1);
	len = bytes ? fread(bytes, 1, FILE_BYTES_MAX + 1, file) : 0;
	r = ferror(file) ? -EIO : 0;
	fclose(file);
	if (!bytes)
		return -ENOMEM;
	if (r)
		return diag_set(diag, r, "cannot be read");
	if (len > FILE_BYTES_MAX)
		return diag_set(diag, -EFBIG, "larger than %u bytes", FILE_BYTES_MAX);
	*out = (struct text){TAKE(bytes), (uint32_t)len};
	return 0;
}

int dimension_set_parse(struct dimension_set **out, struct text yaml, const char *name,
			const struct field_set *fields, struct diag *diag)
{
	SCOPED(dimension_set_destroy) struct dimension_set *set = calloc(1, sizeof(*set));
	int r;

	if (!set)
		return -ENOMEM;
	r = parse_into(set, yaml, name, fields, diag);
	if (r)
		return r;
	dimension_set_index(set);
	*out = TAKE(set);
	return 0;
}

int dimension_set_load(struct dimension_set **out, const char *const *files, uint32_t n_files,
		       const struct field_set *fields, struct diag *diag)
{
	SCOPED(dimension_set_destroy) struct dimension_set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_files; i++) {
		struct text yaml = TEXT_NONE;
		int r = read_file(files[i], &yaml, diag);

		if (r)
			return r;
		r = parse_into(set, yaml, files[i], fields, diag);
		free((char *)yaml.ptr);
		if (r)
			return r;
	}
	dimension_set_index(set);
	*out = TAKE(set);
	return 0;
}
