#include "rules/collect_window.h"

#include <errno.h>
#include <string.h>

#include "rules/duration.h"

static struct item inner(const struct item *item, yaml_node_t *node)
{
	return (struct item){item->c, item->document, node, item->file, item->name};
}

static int read_within(const struct item *map, struct window_def *out)
{
	struct text t = {0};
	int r = item_text(map, "within", false, &t);

	if (r || !t.ptr)
		return r;
	if (rule_duration(t, &out->within_ns) || out->within_ns > WITHIN_NS_MAX)
		return refuse_shape(map, item_value(map, "within"),
				    "'%.*s' is no time: 500ms, 60s, 5m, 1h, at most 24h",
				    TEXT_ARGS(t));
	return 0;
}

/* One expression or a list of them. */
static int read_by(const struct item *map, struct texts *out, bool *has_by, struct place *place)
{
	yaml_node_t *node = item_value(map, "by");
	struct text one;
	int r;

	if (!node)
		return 0;
	*place = node_place(map, node);
	*has_by = true;
	if (node->type == YAML_SEQUENCE_NODE) {
		r = node_texts(map, node, "by", out);
	} else {
		r = node_text(map, node, "by", &one);
		if (!r && texts_add(&map->c->pool, out, one))
			r = -ENOMEM;
	}
	if (!r && out->n > WINDOW_BY_MAX)
		return refuse_shape(map, node, "'by' has more than %d members", WINDOW_BY_MAX);
	return r;
}

/* Unlike in an item, where they may be meant for another version, unknown keys are mistakes here.
 */
static int refuse_others(const struct item *map, const char *what, const char *const *keys)
{
	for (yaml_node_pair_t *p = map->node->data.mapping.pairs.start;
	     p < map->node->data.mapping.pairs.top; p++) {
		yaml_node_t *name = yaml_document_get_node(map->document, p->key);
		bool is_known = false;

		for (const char *const *key = keys; *key && name->type == YAML_SCALAR_NODE; key++)
			is_known = is_known ||
				   strcmp(*key, (const char *)name->data.scalar.value) == 0;
		if (!is_known)
			return refuse_shape(map, name, "'%s' has no member of that name", what);
	}
	return 0;
}

static int read_at_least(const struct item *map, struct window_def *out)
{
	int r;

	if (!item_has(map, "at_least"))
		return 0;
	r = item_count(map, "at_least", &out->at_least);
	if (!r && (out->at_least < 2 || out->at_least > COUNT_MAX))
		return refuse_shape(map, item_value(map, "at_least"), "'at_least' must be 2 to %d",
				    COUNT_MAX);
	return r;
}

int read_count(const struct item *item, struct window_def *out)
{
	static const char *const keys[] = {"by", "within", "at_least", "distinct", NULL};
	yaml_node_t *node = item_value(item, "count");
	struct item map = inner(item, node);
	int r;

	*out = (struct window_def){.kind = WINDOW_COUNT, .place = node_place(item, node)};
	if (node->type != YAML_MAPPING_NODE)
		return refuse_shape(
			item, node,
			"'count' must be a mapping: {by: [...], within: 60s, at_least: 5}");
	r = refuse_others(&map, "count", keys);
	if (!r)
		r = read_by(&map, &out->by, &out->has_by, &out->by_place);
	if (!r)
		r = read_within(&map, out);
	if (!r)
		r = read_at_least(&map, out);
	if (!r)
		r = item_text(&map, "distinct", false, &out->distinct);
	if (!r && out->distinct.ptr)
		out->distinct_place = node_place(item, item_value(&map, "distinct"));
	return r;
}

/* In brackets it would be taken for the place of a step. */
static bool text_is_number(struct text t)
{
	uint32_t i = 0;

	while (i < t.len && t.ptr[i] >= '0' && t.ptr[i] <= '9')
		i++;
	return t.len && i == t.len;
}

/* A step is its condition, or a mapping. */
static int read_step(const struct item *item, yaml_node_t *node, struct step_def *out)
{
	static const char *const keys[] = {"name", "condition", "by", NULL};
	struct item map = inner(item, node);
	int r;

	out->place = node_place(item, node);
	out->condition_place = text_place(item, node);
	if (node->type != YAML_MAPPING_NODE)
		return node_text(item, node, "sequence", &out->condition);
	r = refuse_others(&map, "step", keys);
	if (!r)
		r = item_text(&map, "name", false, &out->name);
	if (!r && text_is_number(out->name))
		r = refuse_shape(item, item_value(&map, "name"),
				 "a step is not named by a number: that is its place");
	if (!r)
		r = item_text(&map, "condition", true, &out->condition);
	if (!r)
		out->condition_place = text_place(item, item_value(&map, "condition"));
	return r ? r : read_by(&map, &out->by, &out->has_by, &out->by_place);
}

static int read_steps(const struct item *item, yaml_node_t *list, struct window_def *out)
{
	uint32_t n;

	if (list->type != YAML_SEQUENCE_NODE)
		return refuse_shape(item, list, "the steps of a sequence must be a list");
	n = (uint32_t)(list->data.sequence.items.top - list->data.sequence.items.start);
	if (n < 2 || n > SEQUENCE_STEPS_MAX)
		return refuse_shape(item, list, "a sequence has 2 to %d steps", SEQUENCE_STEPS_MAX);
	out->steps = pool_alloc(&item->c->pool, n * sizeof(*out->steps));
	if (!out->steps)
		return -ENOMEM;
	for (; out->n_steps < n; out->n_steps++) {
		int r = read_step(
			item,
			yaml_document_get_node(item->document,
					       list->data.sequence.items.start[out->n_steps]),
			&out->steps[out->n_steps]);

		if (r)
			return r;
	}
	return 0;
}

int read_sequence(const struct item *item, struct window_def *out)
{
	static const char *const keys[] = {"steps", "by", "within", NULL};
	yaml_node_t *node = item_value(item, "sequence"), *steps = node;
	struct item map = inner(item, node);
	const struct item *where = item; /* by and within */
	int r = 0;

	*out = (struct window_def){.kind = WINDOW_SEQUENCE, .place = node_place(item, node)};
	if (node->type == YAML_MAPPING_NODE) {
		where = &map;
		steps = item_value(&map, "steps");
		r = refuse_others(&map, "sequence", keys);
	}
	if (!r && steps)
		r = read_steps(item, steps, out);
	if (!r)
		r = read_by(where, &out->by, &out->has_by, &out->by_place);
	return r ? r : read_within(where, out);
}

void merge_window(struct window_def *to, const struct window_def *more)
{
	to->kind = more->kind;
	to->place = more->place;
	if (more->has_by) {
		to->by = more->by;
		to->by_place = more->by_place;
		to->has_by = true;
	}
	if (more->within_ns)
		to->within_ns = more->within_ns;
	if (more->at_least)
		to->at_least = more->at_least;
	if (more->distinct.ptr) {
		to->distinct = more->distinct;
		to->distinct_place = more->distinct_place;
	}
	if (more->n_steps) {
		to->steps = more->steps;
		to->n_steps = more->n_steps;
	}
}

static int refuse_window(const struct item *item, const struct rule_def *rule, const char *why)
{
	return report_error(item->c, "LOAD_ERR_YAML_VALIDATE", &rule->window.place, rule->name,
			    "%s", why);
}

static int check_steps(const struct item *item, const struct rule_def *rule)
{
	const struct window_def *w = &rule->window;

	for (uint32_t i = 0; i < w->n_steps; i++) {
		const struct step_def *step = &w->steps[i];
		uint32_t n = step->has_by ? step->by.n : w->by.n;
		uint32_t n_first = w->steps[0].has_by ? w->steps[0].by.n : w->by.n;

		if (n != n_first)
			return report_error(item->c, "LOAD_ERR_YAML_VALIDATE", &step->place,
					    rule->name,
					    "'by' of step %u has %u members, that of step 1 %u",
					    i + 1, n, n_first);
		for (uint32_t j = 0; j < i; j++) {
			if (step->name.ptr && text_equal(step->name, w->steps[j].name))
				return report_error(item->c, "LOAD_ERR_YAML_VALIDATE", &step->place,
						    rule->name, "two steps are named '%.*s'",
						    TEXT_ARGS(step->name));
		}
	}
	return 0;
}

int check_window(const struct item *item, const struct rule_def *rule)
{
	const struct window_def *w = &rule->window;

	if (w->kind == WINDOW_PLAIN)
		return 0;
	if (!w->within_ns)
		return refuse_window(item, rule, "'within' is missing");
	if (w->kind == WINDOW_SEQUENCE)
		return w->n_steps ? check_steps(item, rule)
				  : refuse_window(item, rule, "the sequence has no steps");
	if (!w->at_least)
		return refuse_window(item, rule, "'at_least' is missing");
	if (w->distinct.ptr && w->at_least > COUNT_DISTINCT_MAX)
		return refuse_window(item, rule, "with 'distinct', 'at_least' must be 2 to 100");
	return 0;
}
