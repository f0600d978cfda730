/* Key fields of dimensions: where their values come from and how they are cut. */
#include <errno.h>
#include <stdio.h>

#include "base/util.h"
#include "profiles/dimension_loader.h"

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
		return loader_bad(l, node->start_mark, "a transform must be a word");
	name = scalar(node);
	if (part->part->transform != TRANSFORM_NONE)
		return loader_bad(l, node->start_mark,
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
	return loader_bad(
		l, node->start_mark,
		"unknown transform '%.*s' (known: path_template, directory, directory(N), name, "
		"arg_shape, ip_class, ip_net, port, port_class)",
		MIN((int)name.len, 64), name.ptr);
}

/* Put the place of an error within a condition or expression into the file. */
int loader_bad_inside(struct loader *l, const yaml_node_t *node, int r, const char *what)
{
	char message[DIAG_MESSAGE_MAX];

	if (r != -EINVAL || !l->diag)
		return r;
	snprintf(message, sizeof(message), "%s", l->diag->message);
	return loader_bad(l, node->start_mark, "%s: %s", what, message);
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
		return loader_bad(l, node->start_mark, "more than %d different values",
				  SOURCES_MAX);
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
			return loader_bad_inside(l, node, r, "field");
	}
	*out = (uint8_t)d->n_sources++;
	return 0;
}

/* Add the event of that name to what a part or dimension is about. */
int loader_event(struct loader *l, const yaml_node_t *node, uint16_t *event, uint16_t *syscall)
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
		return loader_bad(l, node->start_mark, "'%.*s' is no event",
				  node->type == YAML_SCALAR_NODE ? MIN((int)scalar(node).len, 64)
								 : 0,
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
		return loader_bad(l, source->start_mark, "a field must be the name of a value");
	if (part->part->n_cases == CASES_MAX)
		return loader_bad(l, source->start_mark, "more than %d events", CASES_MAX);
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
		int r = loader_event(l, loader_node(l, pair->key), &event, &syscall);

		if (!r)
			r = add_case(l, part, event, syscall, loader_node(l, pair->value));
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
	return loader_list(l, node, into, "transform", take_transform);
}

static int take_absent(struct loader *l, yaml_node_t *node, void *into)
{
	struct part *part = ((struct part_text *)into)->part;

	part->has_absent = true;
	return loader_text(l, node, &part->absent, "absent");
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
		return loader_bad(l, node->start_mark, "a key field needs 'field'");
	return resolve_field(l, part);
}

static int take_part(struct loader *l, yaml_node_t *node, void *into)
{
	static const struct yaml_key keys[] = {{"field", take_field},
					       {"transform", take_transforms},
					       {"absent", take_absent},
					       {0}};
	struct field_reading *reading = into;
	struct part_text part = {.dimension = reading->part.dimension};
	int r;

	if (reading->field->n_parts == PARTS_MAX)
		return loader_bad(l, node->start_mark, "more than %d parts", PARTS_MAX);
	part.part = &reading->field->parts[reading->field->n_parts++];
	r = loader_mapping(l, node, keys, &part, "a part");
	return r ? r : finish_part(l, node, &part);
}

static int take_parts(struct loader *l, yaml_node_t *node, void *into)
{
	struct field_reading *reading = into;

	reading->has_parts = true;
	if (node->type != YAML_SEQUENCE_NODE ||
	    node->data.sequence.items.start == node->data.sequence.items.top)
		return loader_bad(l, node->start_mark, "parts must be a list");
	return loader_list(l, node, into, "parts", take_part);
}

static int take_field_name(struct loader *l, yaml_node_t *node, void *into)
{
	return loader_name(l, node, &((struct field_reading *)into)->field->name);
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

int loader_key_field(struct loader *l, yaml_node_t *node, void *into)
{
	static const struct yaml_key keys[] = {
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
		return loader_bad(l, node->start_mark, "a key has at most %d fields",
				  RECORD_LEVELS_MAX);
	reading.field = &d->fields[d->n_fields++];
	r = loader_mapping(l, node, keys, &reading, "a key field");
	if (r)
		return r;
	if (reading.field->name.len == 0)
		return loader_bad(l, node->start_mark, "a key field needs 'name'");
	if (reading.has_parts && (reading.part.field || single.transform || single.has_absent))
		return loader_bad(l, node->start_mark,
				  "a key field has 'parts' or is one, not both");
	if (reading.has_parts)
		return 0;
	r = finish_part(l, node, &reading.part);
	reading.field->parts[0] = single;
	reading.field->n_parts = 1;
	return r;
}
