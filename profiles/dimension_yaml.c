/* Reads dimensions from YAML. Every error has file, line and column; unknown keys are errors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "profiles/dimension_loader.h"
#include "profiles/top_list.h"

#define FILE_BYTES_MAX (1u << 20)

/* Settings ------------------------------------------------------------------------------------- */

static int take_top(struct loader *l, yaml_node_t *node, void *into)
{
	uint64_t value = 0;
	int r = loader_number(l, node, TOP_LIST_SIZE_MAX, &value, "top");

	((struct dimension_settings *)into)->top = (uint32_t)value;
	return r;
}

static int take_sketch_rows(struct loader *l, yaml_node_t *node, void *into)
{
	uint64_t value = 0;
	int r = loader_number(l, node, 8, &value, "sketch_rows");

	if (!r && value == 0)
		return loader_bad(l, node->start_mark, "sketch_rows must be 1 to 8");
	((struct dimension_settings *)into)->sketch_rows = (uint32_t)value;
	return r;
}

static int take_head_bytes(struct loader *l, yaml_node_t *node, void *into)
{
	return loader_number(l, node, UINT64_C(1) << 32,
			     &((struct dimension_settings *)into)->head_bytes_max, "head_bytes");
}

static int take_sketch_bytes(struct loader *l, yaml_node_t *node, void *into)
{
	return loader_number(l, node, UINT64_C(1) << 32,
			     &((struct dimension_settings *)into)->sketch_bytes_max,
			     "sketch_bytes");
}

/* Dimensions ----------------------------------------------------------------------------------- */

static int take_dimension_name(struct loader *l, yaml_node_t *node, void *into)
{
	return loader_name(l, node, &((struct dimension *)into)->info.name);
}

static int take_description(struct loader *l, yaml_node_t *node, void *into)
{
	return loader_text(l, node, &((struct dimension *)into)->info.description, "description");
}

static int take_event(struct loader *l, yaml_node_t *node, void *into)
{
	struct event_set *events = &((struct dimension *)into)->events;
	uint16_t event = 0, syscall = 0;
	int r = loader_event(l, node, &event, &syscall);

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
	return loader_list(l, node, into, "events", take_event);
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
		return loader_bad(l, node->start_mark,
				  "a result is success, failure, or the name of an error");
	else if (d->n_errors == RESULTS_MAX)
		return loader_bad(l, node->start_mark, "more than %d errors", RESULTS_MAX);
	else
		d->errors[d->n_errors++] = error;
	return 0;
}

static int take_results(struct loader *l, yaml_node_t *node, void *into)
{
	return loader_list(l, node, into, "result", take_result);
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
		return loader_bad(l, node->start_mark, "access is read or write");
	return 0;
}

static int take_filter(struct loader *l, yaml_node_t *node, void *into)
{
	struct dimension *d = into;
	int r = loader_text(l, node, &d->filter_text, "filter");

	if (r)
		return r;
	r = filter_compile(&d->filter, d->filter_text, l->fields, l->diag);
	return r ? loader_bad_inside(l, node, r, "filter") : 0;
}

static int take_startup(struct loader *l, yaml_node_t *node, void *into)
{
	return loader_bool(l, node, &((struct dimension *)into)->info.has_startup, "startup");
}

static int take_min_fields(struct loader *l, yaml_node_t *node, void *into)
{
	uint64_t value = 0;
	int r = loader_number(l, node, RECORD_LEVELS_MAX, &value, "min_fields");

	if (!r && value == 0)
		return loader_bad(l, node->start_mark, "min_fields must be 1 to %d",
				  RECORD_LEVELS_MAX);
	((struct dimension *)into)->min_fields = (uint32_t)value;
	return r;
}

static int take_key_fields(struct loader *l, yaml_node_t *node, void *into)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return loader_bad(l, node->start_mark, "key must be a list of key fields");
	return loader_list(l, node, into, "key", loader_key_field);
}

static int take_settings(struct loader *l, yaml_node_t *node, void *into)
{
	static const struct yaml_key keys[] = {
		{"top", take_top},
		{"sketch_rows", take_sketch_rows},
		{"head_bytes", take_head_bytes},
		{"sketch_bytes", take_sketch_bytes},
		{0},
	};

	return loader_mapping(l, node, keys, &((struct dimension *)into)->info.settings,
			      "settings");
}

static int check_dimension(struct loader *l, yaml_node_t *node, struct dimension *d)
{
	static const struct event_set none;

	if (d->info.name.len == 0)
		return loader_bad(l, node->start_mark, "a dimension needs 'name'");
	if (memcmp(&d->events, &none, sizeof(none)) == 0)
		return loader_bad(l, node->start_mark, "dimension '%s' needs 'events'",
				  d->info.name.ptr);
	if (d->n_fields == 0)
		return loader_bad(l, node->start_mark, "dimension '%s' needs 'key'",
				  d->info.name.ptr);
	if (d->min_fields > d->n_fields)
		return loader_bad(l, node->start_mark,
				  "dimension '%s': min_fields is above %u fields", d->info.name.ptr,
				  d->n_fields);
	if (!d->success && !d->failure && !d->n_errors)
		d->success = true;
	d->info.n_levels = (uint8_t)d->n_fields;
	for (uint32_t i = 0; i < d->n_fields; i++) {
		d->info.levels[i] = d->fields[i].name;
		for (uint32_t k = 0; k < i; k++) {
			if (text_equal(d->fields[i].name, d->fields[k].name))
				return loader_bad(l, node->start_mark,
						  "key field '%s' is given twice",
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
		return loader_bad(l, node->start_mark, "more than %d dimensions", DIMENSIONS_MAX);
	set->dimensions[set->n++] = TAKE(*d);
	return 0;
}

static int take_dimension(struct loader *l, yaml_node_t *node, void *into)
{
	static const struct yaml_key keys[] = {
		{"name", take_dimension_name},
		{"description", take_description},
		{"events", take_events},
		{"result", take_results},
		{"access", take_access},
		{"filter", take_filter},
		{"startup", take_startup},
		{"key", take_key_fields},
		{"settings", take_settings},
		{"min_fields", take_min_fields},
		{0},
	};
	SCOPED(dimension_destroy) struct dimension *d = calloc(1, sizeof(*d));
	int r;

	(void)into;
	if (!d)
		return -ENOMEM;
	d->info.has_startup = true;
	d->min_fields = 1;
	d->info.settings = (struct dimension_settings){.top = 64,
						       .sketch_rows = 4,
						       .head_bytes_max = 4 << 20,
						       .sketch_bytes_max = 8 << 20};
	r = loader_mapping(l, node, keys, d, "a dimension");
	if (!r)
		r = check_dimension(l, node, d);
	return r ? r : add_dimension(l, node, &d);
}

static int take_dimensions(struct loader *l, yaml_node_t *node, void *into)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return loader_bad(l, node->start_mark, "dimensions must be a list");
	return loader_list(l, node, into, "dimensions", take_dimension);
}

static int take_document(struct loader *l)
{
	static const struct yaml_key keys[] = {{"dimensions", take_dimensions}, {0}};
	yaml_node_t *root = yaml_document_get_root_node(&l->doc);

	return root ? loader_mapping(l, root, keys, NULL, "the file") : 0; /* empty: no dimension */
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
		r = loader_bad(&l, parser.problem_mark, "%s",
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
