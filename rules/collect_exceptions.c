#include "rules/collect_exceptions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/filter.h"
#include "filter/operators.h"
#include "rules/text_map.h"

static struct text trimmed(struct text t)
{
	while (t.len && strchr(" \t\r\n", t.ptr[0])) {
		t.ptr++;
		t.len--;
	}
	while (t.len && strchr(" \t\r\n", t.ptr[t.len - 1]))
		t.len--;
	return t;
}

/* Whether comp is an operator; *takes_list: its right side is a list. */
static bool comp_is_known(struct text comp, bool *takes_list)
{
	enum filter_modifier modifier;
	enum filter_op op;

	if (!op_by_name(comp, &op, &modifier))
		return false;
	*takes_list = op_info(op)->syntax == OP_LIST || modifier != MODIFIER_NONE;
	return true;
}

/* The text of a scalar; anything else counts as no text, as upstream. */
static int entry_text(const struct item *item, yaml_node_t *node, const char *what,
		      struct text *out)
{
	*out = TEXT("");
	if (node->type != YAML_SCALAR_NODE || node_is_null(node))
		return 0;
	return node_text(item, node, what, out);
}

static int entry_texts(const struct item *item, yaml_node_t *node, const char *what,
		       struct texts *out)
{
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		struct text t;
		int r = entry_text(item, yaml_document_get_node(item->document, *i), what, &t);

		if (r)
			return r;
		if (texts_add(&item->c->pool, out, t))
			return -ENOMEM;
	}
	return 0;
}

/* fields or comps: a scalar or a list of them. What is neither is as good as missing. */
static int read_scalar_or_list(const struct item *item, yaml_node_t *node, const char *what,
			       struct texts *out, bool *is_list, bool *is_there)
{
	struct text t;
	int r;

	*is_list = node->type == YAML_SEQUENCE_NODE;
	*is_there = true;
	if (*is_list)
		return entry_texts(item, node, what, out);
	r = entry_text(item, node, what, &t);
	*is_there = t.len > 0;
	if (r || !*is_there)
		return r;
	return texts_add(&item->c->pool, out, t) ? -ENOMEM : 0;
}

static int read_value_item(const struct item *item, yaml_node_t *node, struct exception_item *out)
{
	out->is_list = node->type == YAML_SEQUENCE_NODE;
	if (out->is_list)
		return entry_texts(item, node, "values", &out->list);
	return entry_text(item, node, "values", &out->scalar);
}

static int read_value(const struct item *item, yaml_node_t *node, struct exception_value *out)
{
	uint32_t n;

	out->is_list = node->type == YAML_SEQUENCE_NODE;
	n = out->is_list
		    ? (uint32_t)(node->data.sequence.items.top - node->data.sequence.items.start)
		    : 1;
	out->items = pool_alloc(&item->c->pool, (n + 1) * sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (out->n = 0; out->n < n; out->n++) {
		yaml_node_t *element =
			out->is_list
				? yaml_document_get_node(item->document,
							 node->data.sequence.items.start[out->n])
				: node;
		int r = read_value_item(item, element, &out->items[out->n]);

		if (r)
			return r;
	}
	return 0;
}

static int read_values(const struct item *item, yaml_node_t *node, struct exception_def *out)
{
	uint32_t n;

	if (node->type != YAML_SEQUENCE_NODE)
		return refuse_shape(item, node, "'values' must be a list");
	n = (uint32_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	out->values = pool_alloc(&item->c->pool, (n + 1) * sizeof(*out->values));
	if (!out->values)
		return -ENOMEM;
	for (out->n_values = 0; out->n_values < n; out->n_values++) {
		int r = read_value(
			item,
			yaml_document_get_node(item->document,
					       node->data.sequence.items.start[out->n_values]),
			&out->values[out->n_values]);

		if (r)
			return r;
	}
	return 0;
}

/* What an exception has besides its name. */
static int read_parts(const struct item *item, bool is_append, struct exception_def *out)
{
	yaml_node_t *fields = item_value(item, "fields"), *comps = item_value(item, "comps");
	yaml_node_t *values = item_value(item, "values");
	int r = 0;

	if (!fields && !is_append)
		return refuse_shape(item, item->node, "exception '%.*s': fields are missing",
				    TEXT_ARGS(out->name));
	if (fields)
		r = read_scalar_or_list(item, fields, "fields", &out->fields, &out->fields_are_list,
					&out->has_fields);
	if (!r && comps)
		r = read_scalar_or_list(item, comps, "comps", &out->comps, &out->comps_are_list,
					&out->has_comps);
	if (!r && values)
		r = read_values(item, values, out);
	if (!r && !values && is_append)
		report_warning(item->c, "LOAD_APPEND_NO_VALUES", &out->place, item->name,
			       "exception '%.*s' appends no values", TEXT_ARGS(out->name));
	return r;
}

static struct exception_def *find_exception(struct exceptions *list, struct text name)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (text_equal(list->items[i].name, name))
			return &list->items[i];
	}
	return NULL;
}

static int read_exception(const struct item *item, yaml_node_t *node, bool is_append,
			  struct exceptions *all)
{
	struct item own = {item->c, item->document, node, item->file, item->name};
	struct exception_def *e = &all->items[all->n];
	int r;

	if (node->type != YAML_MAPPING_NODE)
		return refuse_shape(item, node, "an exception is a mapping of keys");
	e->place = node_place(item, node);
	r = item_text(&own, "name", true, &e->name);
	if (r)
		return r;
	if (find_exception(all, e->name))
		report_warning(item->c, "LOAD_EXCEPTION_NAME_NOT_UNIQUE", &e->place, item->name,
			       "exception '%.*s' is defined twice", TEXT_ARGS(e->name));
	r = read_parts(&own, is_append, e);
	all->n += r == 0;
	return r;
}

int read_exceptions(struct item *item, bool is_append, struct exceptions *out)
{
	yaml_node_t *list = item_value(item, "exceptions");
	struct exceptions exceptions = {0};
	uint32_t n;

	if (node_is_null(list)) {
		*out = exceptions;
		return 0;
	}
	if (list->type != YAML_SEQUENCE_NODE)
		return refuse_shape(item, list, "'exceptions' must be a list");
	n = (uint32_t)(list->data.sequence.items.top - list->data.sequence.items.start);
	exceptions.items = pool_alloc(&item->c->pool, (n + 1) * sizeof(*exceptions.items));
	if (!exceptions.items)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		yaml_node_t *node =
			yaml_document_get_node(item->document, list->data.sequence.items.start[i]);
		int r = read_exception(item, node, is_append, &exceptions);

		if (r)
			return r;
	}
	*out = exceptions;
	return 0;
}

static int refuse(struct collection *c, const struct rule_def *rule, const struct exception_def *e,
		  const char *why, struct text what)
{
	return report_error(c, "LOAD_ERR_VALIDATE", &e->place, rule->name,
			    "exception '%.*s': %s%s%.*s", TEXT_ARGS(e->name), why,
			    what.ptr ? ": " : "", TEXT_ARGS(what));
}

static int check_fields(struct collection *c, const struct rule_def *rule,
			const struct exception_def *e)
{
	for (uint32_t i = 0; i < e->fields.n && !rule->unknown_source; i++) {
		SCOPED(filter_destroy) struct filter *filter = NULL;
		struct text probe =
			pool_print(&c->pool, "%.*s exists", TEXT_ARGS(e->fields.items[i]));

		if (!probe.ptr)
			return -ENOMEM;
		if (filter_compile(&filter, probe, c->fields, NULL))
			return refuse(c, rule, e, "no such field", e->fields.items[i]);
	}
	return 0;
}

static int default_comps(struct collection *c, struct exception_def *e)
{
	e->comps_are_list = e->fields_are_list;
	for (uint32_t i = 0; i < e->fields.n; i++) {
		if (texts_add(&c->pool, &e->comps, e->fields_are_list ? TEXT("=") : TEXT("in")))
			return -ENOMEM;
	}
	e->has_comps = true;
	return 0;
}

static int check_comps(struct collection *c, const struct rule_def *rule, struct exception_def *e)
{
	bool takes_list = false;

	if (!e->has_comps)
		return default_comps(c, e);
	if (e->comps_are_list != e->fields_are_list)
		return refuse(c, rule, e, "fields and comps must both be lists or both be single",
			      TEXT_NONE);
	if (e->comps.n != e->fields.n)
		return refuse(c, rule, e, "fields and comps differ in length", TEXT_NONE);
	for (uint32_t i = 0; i < e->comps.n; i++) {
		e->comps.items[i] = trimmed(e->comps.items[i]);
		if (!comp_is_known(e->comps.items[i], &takes_list))
			return refuse(c, rule, e, "no such operator", e->comps.items[i]);
		if (!e->fields_are_list && !takes_list)
			return refuse(c, rule, e, "a single field needs an operator on lists",
				      e->comps.items[i]);
	}
	return 0;
}

static int check_values(struct collection *c, const struct rule_def *rule,
			const struct exception_def *e)
{
	for (uint32_t i = 0; i < e->n_values && !rule->unknown_source; i++) {
		const struct exception_value *v = &e->values[i];

		if (e->fields_are_list && (!v->is_list || v->n != e->fields.n))
			return refuse(c, rule, e,
				      "each element of values must be a list as long as fields",
				      TEXT_NONE);
		if (!e->fields_are_list && v->is_list)
			return refuse(c, rule, e,
				      "values of a single field must be a list of single values",
				      TEXT_NONE);
	}
	return 0;
}

static int check_exception(struct collection *c, const struct rule_def *rule,
			   struct exception_def *e)
{
	int r;

	if (!e->has_fields)
		return refuse(c, rule, e, "fields are missing", TEXT_NONE);
	r = check_fields(c, rule, e);
	if (!r)
		r = check_comps(c, rule, e);
	return r ? r : check_values(c, rule, e);
}

int check_exceptions(const struct item *item, const struct rule_def *rule,
		     struct exceptions *exceptions)
{
	for (uint32_t i = 0; i < exceptions->n; i++) {
		int r = check_exception(item->c, rule, &exceptions->items[i]);

		if (r)
			return r;
	}
	return 0;
}

static int append_values(struct collection *c, const struct rule_def *rule,
			 struct exception_def *to, const struct exception_def *more)
{
	struct exception_value *values;

	if (more->has_fields || more->has_comps)
		return refuse(c, rule, more, "only values can be appended", TEXT_NONE);
	if (!more->n_values)
		return 0;
	values = pool_alloc(&c->pool, (to->n_values + more->n_values) * sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (to->n_values)
		memcpy(values, to->values, to->n_values * sizeof(*values));
	memcpy(values + to->n_values, more->values, more->n_values * sizeof(*values));
	to->values = values;
	to->n_values += more->n_values;
	return check_values(c, rule, to);
}

static int append_exception(struct collection *c, struct rule_def *to,
			    const struct exception_def *more)
{
	struct exception_def *items;
	struct exception_def fresh = *more;
	int r;

	if (!more->has_fields)
		return refuse(c, to, more, "a new exception needs fields", TEXT_NONE);
	if (!more->n_values)
		return refuse(c, to, more, "a new exception needs values", TEXT_NONE);
	r = check_exception(c, to, &fresh);
	if (r)
		return r;
	items = pool_alloc(&c->pool, (to->exceptions.n + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	if (to->exceptions.n)
		memcpy(items, to->exceptions.items, to->exceptions.n * sizeof(*items));
	items[to->exceptions.n] = fresh;
	to->exceptions.items = items;
	to->exceptions.n++;
	return 0;
}

int append_exceptions(struct collection *c, struct rule_def *to, const struct rule_def *more)
{
	for (uint32_t i = 0; i < more->exceptions.n; i++) {
		const struct exception_def *e = &more->exceptions.items[i];
		struct exception_def *old = find_exception(&to->exceptions, e->name);
		int r = old ? append_values(c, to, old, e) : append_exception(c, to, e);

		if (r)
			return r;
	}
	return 0;
}

/* A value as it stands in a condition: quoted when it holds a blank, unless it is quoted already.
 */
static void print_value(FILE *out, struct text value)
{
	bool needs_quotes =
		memchr(value.ptr, ' ', value.len) && value.ptr[0] != '"' && value.ptr[0] != '\'';

	fprintf(out, "%s%.*s%s", needs_quotes ? "\"" : "", TEXT_ARGS(value),
		needs_quotes ? "\"" : "");
}

static void print_item(FILE *out, const struct exception_item *item, bool takes_list)
{
	bool is_written_list = takes_list && text_starts_with(item->scalar, TEXT("("));
	bool needs_brackets = item->is_list || (takes_list && !is_written_list);
	bool has_comma = !item->is_list && memchr(item->scalar.ptr, ',', item->scalar.len) != NULL;

	fprintf(out, "%s", needs_brackets ? "(" : "");
	if (!item->is_list && (is_written_list || (takes_list && has_comma)))
		fprintf(out, "%.*s", TEXT_ARGS(item->scalar));
	else if (!item->is_list)
		print_value(out, item->scalar);
	for (uint32_t i = 0; item->is_list && i < item->list.n; i++) {
		fprintf(out, "%s", i ? ", " : "");
		print_value(out, item->list.items[i]);
	}
	fprintf(out, "%s", needs_brackets ? ")" : "");
}

static void print_single(FILE *out, const struct exception_def *e)
{
	fprintf(out, "(%.*s %.*s (", TEXT_ARGS(e->fields.items[0]), TEXT_ARGS(e->comps.items[0]));
	for (uint32_t i = 0; i < e->n_values; i++) {
		fprintf(out, "%s", i ? ", " : "");
		print_value(out, e->values[i].items[0].scalar);
	}
	fprintf(out, "))");
}

static void print_tuples(FILE *out, const struct exception_def *e)
{
	fprintf(out, "(");
	for (uint32_t i = 0; i < e->n_values; i++) {
		fprintf(out, "%s(", i ? " or " : "");
		for (uint32_t f = 0; f < e->fields.n; f++) {
			bool takes_list = false;

			comp_is_known(e->comps.items[f], &takes_list);
			fprintf(out, "%s%.*s %.*s ", f ? " and " : "",
				TEXT_ARGS(e->fields.items[f]), TEXT_ARGS(e->comps.items[f]));
			print_item(out, &e->values[i].items[f], takes_list);
		}
		fprintf(out, ")");
	}
	fprintf(out, ")");
}

/* How much was written so far. */
static uint32_t written(FILE *out, const size_t *size)
{
	fflush(out);
	return (uint32_t)*size;
}

struct text exceptions_expand(struct collection *c, const struct rule_def *rule,
			      struct place *place)
{
	SCOPED(free_ptr) char *buffer = NULL;
	const struct place *condition = &rule->condition_place;
	struct text_map map = {0};
	size_t size = 0;
	uint32_t used = 0;
	FILE *out;

	*place = *condition;
	for (uint32_t i = 0; i < rule->exceptions.n; i++)
		used += rule->exceptions.items[i].n_values > 0;
	if (!used)
		return rule->condition;
	out = open_memstream(&buffer, &size);
	if (!out)
		return TEXT_NONE;
	fprintf(out, "(%.*s)", TEXT_ARGS(rule->condition));
	map_fixed(&map, &c->pool, 0, condition, TEXT_NONE);
	map_copy(&map, &c->pool, 1, condition, rule->condition, 0, rule->condition.len + 1);
	for (uint32_t i = 0; i < rule->exceptions.n; i++) {
		const struct exception_def *e = &rule->exceptions.items[i];

		if (!e->n_values)
			continue;
		fprintf(out, " and not ");
		map_fixed(&map, &c->pool, written(out, &size), &e->place, TEXT_NONE);
		if (e->fields_are_list)
			print_tuples(out, e);
		else
			print_single(out, e);
	}
	fclose(out);
	*place = place_with(condition, &map, &c->pool);
	return pool_text(&c->pool, (struct text){buffer, (uint32_t)size});
}
