#include "rules/collect_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "rules/collect_exceptions.h"
#include "rules/collect_gates.h"
#include "rules/collect_window.h"
#include "rules/text_map.h"

static int refuse_override(const struct item *item, const yaml_node_t *node)
{
	struct place place = node_place(item, node);

	return report_error(item->c, "LOAD_ERR_VALIDATE", &place, item->name,
			    "'override' must be a mapping of keys to append or replace");
}

static int add_override(const struct item *item, yaml_node_t *key, yaml_node_t *value,
			struct overrides *out)
{
	struct text operation = TEXT("null");
	int r;

	if (key->type != YAML_SCALAR_NODE || value->type != YAML_SCALAR_NODE)
		return refuse_override(item, key);
	if (out->n == OVERRIDES_MAX)
		return refuse_shape(item, key, "too many keys in 'override'");
	r = node_text(item, key, "override", &out->items[out->n].key);
	if (!r && !node_is_null(value))
		r = node_text(item, value, "override", &operation);
	if (r)
		return r;
	if (text_equal(operation, TEXT("append")))
		out->items[out->n++].change = CHANGE_APPEND;
	else if (text_equal(operation, TEXT("replace")))
		out->items[out->n++].change = CHANGE_REPLACE;
	else
		return refuse_shape(item, value, "'override' of '%.*s' must be append or replace",
				    TEXT_ARGS(out->items[out->n].key));
	return 0;
}

int read_overrides(struct item *item, struct overrides *out)
{
	yaml_node_t *map = item_value(item, "override");
	int r = 0;

	out->n = 0;
	if (map && map->type == YAML_SEQUENCE_NODE &&
	    map->data.sequence.items.start < map->data.sequence.items.top)
		return refuse_override(item, map);
	if (!map || map->type != YAML_MAPPING_NODE)
		return 0;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     !r && p < map->data.mapping.pairs.top; p++)
		r = add_override(item, yaml_document_get_node(item->document, p->key),
				 yaml_document_get_node(item->document, p->value), out);
	return r;
}

static int read_priority(struct item *item, enum alert_priority *out)
{
	struct text t = {0};
	int r = item_text(item, "priority", true, &t);

	if (r)
		return r;
	for (int p = PRIORITY_EMERGENCY; p <= PRIORITY_DEBUG; p++) {
		if (strlen(alert_priority_name((enum alert_priority)p)) == t.len &&
		    strncasecmp(alert_priority_name((enum alert_priority)p), t.ptr, t.len) == 0) {
			*out = (enum alert_priority)p;
			return 0;
		}
	}
	if (t.len == 4 && strncasecmp("info", t.ptr, t.len) == 0) {
		*out = PRIORITY_INFORMATIONAL;
		return 0;
	}
	return refuse_shape(item, item_value(item, "priority"), "'%.*s' is no priority",
			    TEXT_ARGS(t));
}

static struct text trimmed(struct text t)
{
	static const char blanks[] = " \t\r\n";

	while (t.len && memchr(blanks, t.ptr[0], 4)) {
		t.ptr++;
		t.len--;
	}
	while (t.len && memchr(blanks, t.ptr[t.len - 1], 4))
		t.len--;
	return t;
}

static int compare_texts(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* Tags are a set: sorted, each once. */
static void sort_tags(struct texts *tags)
{
	uint32_t kept = 0;

	if (tags->n)
		qsort(tags->items, tags->n, sizeof(*tags->items), compare_texts);
	for (uint32_t i = 0; i < tags->n; i++) {
		if (!kept || !text_equal(tags->items[kept - 1], tags->items[i]))
			tags->items[kept++] = tags->items[i];
	}
	tags->n = kept;
}

static int read_tags(struct item *item, struct texts *out)
{
	int r = item_has(item, "tags") ? item_texts(item, "tags", out) : 0;

	if (!r)
		sort_tags(out);
	return r;
}

static int read_output(struct item *item, struct text *out, struct place *place)
{
	struct text whole = TEXT_NONE;
	int r = item_text(item, "output", true, &whole);
	struct text_map map = {0};
	struct place at;

	if (r)
		return r;
	*out = trimmed(whole);
	at = text_place(item, item_value(item, "output"));
	map_copy(&map, &item->c->pool, 0, &at, whole, (uint32_t)(out->ptr - whole.ptr),
		 whole.len + 1);
	*place = place_with(&at, &map, &item->c->pool);
	return 0;
}

/* How each key that can be overridden is read into a rule, and appended. */
static int get_condition(struct item *item, struct rule_def *rule)
{
	rule->condition_place = text_place(item, item_value(item, "condition"));
	return item_text(item, "condition", true, &rule->condition);
}

static int get_output(struct item *item, struct rule_def *rule)
{
	return read_output(item, &rule->output, &rule->output_place);
}

static int get_desc(struct item *item, struct rule_def *rule)
{
	return item_text(item, "desc", true, &rule->description);
}

static int get_tags(struct item *item, struct rule_def *rule)
{
	return read_tags(item, &rule->tags);
}

static int get_priority(struct item *item, struct rule_def *rule)
{
	return read_priority(item, &rule->priority);
}

static int get_enabled(struct item *item, struct rule_def *rule)
{
	return item_bool(item, "enabled", &rule->is_enabled);
}

static int get_warn(struct item *item, struct rule_def *rule)
{
	return item_bool(item, "warn_evttypes", &rule->warn_evttypes);
}

static int get_skip(struct item *item, struct rule_def *rule)
{
	return item_bool(item, "skip-if-unknown-filter", &rule->skip_if_unknown);
}

static int get_capture(struct item *item, struct rule_def *rule)
{
	return item_bool(item, "capture", &rule->capture);
}

static int get_capture_duration(struct item *item, struct rule_def *rule)
{
	return item_count(item, "capture_duration", &rule->capture_duration_ms);
}

static int get_exceptions(struct item *item, struct rule_def *rule)
{
	return read_exceptions(item, false, &rule->exceptions);
}

static int get_count(struct item *item, struct rule_def *rule)
{
	if (rule->window.kind != WINDOW_PLAIN)
		return refuse_shape(item, item_value(item, "count"),
				    "'count' and 'sequence' exclude each other");
	return read_count(item, &rule->window);
}

static int get_sequence(struct item *item, struct rule_def *rule)
{
	if (rule->window.kind != WINDOW_PLAIN)
		return refuse_shape(item, item_value(item, "sequence"),
				    "'count' and 'sequence' exclude each other");
	return read_sequence(item, &rule->window);
}

static int get_only_if_new(struct item *item, struct rule_def *rule)
{
	return read_only_if_new(item, &rule->only_if_new);
}

static int get_rate(struct item *item, struct rule_def *rule)
{
	rule->has_rate = true;
	return read_rate(item, &rule->rate);
}

static int join(struct collection *c, struct text *to, struct text more)
{
	*to = pool_print(&c->pool, "%.*s %.*s", TEXT_ARGS(*to), TEXT_ARGS(more));
	return to->ptr ? 0 : -ENOMEM;
}

static int append_condition(struct collection *c, struct rule_def *to, const struct rule_def *more)
{
	return placed_join(&c->pool, &to->condition, &to->condition_place, more->condition,
			   &more->condition_place);
}

static int append_output(struct collection *c, struct rule_def *to, const struct rule_def *more)
{
	return placed_join(&c->pool, &to->output, &to->output_place, more->output,
			   &more->output_place);
}

static int append_desc(struct collection *c, struct rule_def *to, const struct rule_def *more)
{
	return join(c, &to->description, more->description);
}

static int append_tags(struct collection *c, struct rule_def *to, const struct rule_def *more)
{
	for (uint32_t i = 0; i < more->tags.n; i++) {
		if (texts_add(&c->pool, &to->tags, more->tags.items[i]))
			return -ENOMEM;
	}
	sort_tags(&to->tags);
	return 0;
}

static int append_window(struct collection *c, struct rule_def *to, const struct rule_def *more)
{
	(void)c;
	merge_window(&to->window, &more->window);
	return 0;
}

static void replace_window(struct rule_def *to, const struct rule_def *more)
{
	to->window = more->window;
}

static void replace_condition(struct rule_def *to, const struct rule_def *more)
{
	to->condition = more->condition;
	to->condition_place = more->condition_place;
}

static void replace_output(struct rule_def *to, const struct rule_def *more)
{
	to->output = more->output;
	to->output_place = more->output_place;
}

static void replace_desc(struct rule_def *to, const struct rule_def *more)
{
	to->description = more->description;
}

static void replace_tags(struct rule_def *to, const struct rule_def *more)
{
	to->tags = more->tags;
}

static void replace_exceptions(struct rule_def *to, const struct rule_def *more)
{
	to->exceptions = more->exceptions;
}

static void replace_priority(struct rule_def *to, const struct rule_def *more)
{
	to->priority = more->priority;
}

static void replace_enabled(struct rule_def *to, const struct rule_def *more)
{
	to->is_enabled = more->is_enabled;
}

static void replace_warn(struct rule_def *to, const struct rule_def *more)
{
	to->warn_evttypes = more->warn_evttypes;
}

static void replace_skip(struct rule_def *to, const struct rule_def *more)
{
	to->skip_if_unknown = more->skip_if_unknown;
}

static void replace_capture(struct rule_def *to, const struct rule_def *more)
{
	to->capture = more->capture;
}

static void replace_capture_duration(struct rule_def *to, const struct rule_def *more)
{
	to->capture_duration_ms = more->capture_duration_ms;
}

static void replace_only_if_new(struct rule_def *to, const struct rule_def *more)
{
	to->only_if_new = more->only_if_new;
}

static void replace_rate(struct rule_def *to, const struct rule_def *more)
{
	to->has_rate = true;
	to->rate = more->rate;
}

static const struct {
	const char *key;
	int (*get)(struct item *item, struct rule_def *rule);
	int (*append)(struct collection *c, struct rule_def *to, const struct rule_def *more);
	void (*replace)(struct rule_def *to, const struct rule_def *more);
} changeable[] = {
	{"condition", get_condition, append_condition, replace_condition},
	{"output", get_output, append_output, replace_output},
	{"desc", get_desc, append_desc, replace_desc},
	{"tags", get_tags, append_tags, replace_tags},
	{"exceptions", get_exceptions, append_exceptions, replace_exceptions},
	{"priority", get_priority, NULL, replace_priority},
	{"enabled", get_enabled, NULL, replace_enabled},
	{"warn_evttypes", get_warn, NULL, replace_warn},
	{"skip-if-unknown-filter", get_skip, NULL, replace_skip},
	{"capture", get_capture, NULL, replace_capture},
	{"capture_duration", get_capture_duration, NULL, replace_capture_duration},
	{"count", get_count, append_window, replace_window},
	{"sequence", get_sequence, append_window, replace_window},
	{"only_if_new", get_only_if_new, append_only_if_new, replace_only_if_new},
	{"rate", get_rate, NULL, replace_rate},
};

static int find_changeable(struct text key)
{
	for (size_t i = 0; i < ARRAY_SIZE(changeable); i++) {
		if (text_equal(key, text_from(changeable[i].key)))
			return (int)i;
	}
	return -1;
}

/* Which change each row of changeable gets. */
static int plan_changes(struct item *item, const struct overrides *overrides,
			enum change changes[ARRAY_SIZE(changeable)])
{
	for (uint32_t i = 0; i < overrides->n; i++) {
		struct text key = overrides->items[i].key;
		int row = find_changeable(key);

		if (row < 0 ||
		    (overrides->items[i].change == CHANGE_APPEND && !changeable[row].append))
			return refuse_shape(item, item->node, "'%.*s' cannot be overridden so",
					    TEXT_ARGS(key));
		changes[row] = overrides->items[i].change;
	}
	return 0;
}

static int refuse_undefined(struct item *item)
{
	struct place place = node_place(item, item->node);

	return report_error(item->c, "LOAD_ERR_VALIDATE", &place, item->name,
			    "the rule to change is not defined");
}

/* What appending would have to add to must be there. */
static int check_append(struct item *item, const struct rule_def *rule, const struct rule_def *more,
			bool appends_window)
{
	struct place place = node_place(item, item->node);

	if (more->condition.ptr && !rule->condition.ptr)
		return report_error(item->c, "LOAD_ERR_VALIDATE", &place, item->name,
				    "the sequence has no condition to append to, use replace");
	if (appends_window && rule->window.kind != more->window.kind)
		return report_error(item->c, "LOAD_ERR_VALIDATE", &more->window.place, item->name,
				    "the rule has nothing of that kind to append to, use replace");
	return 0;
}

/* Read the keys that get that change into *more; *n: how many. */
static int read_changes(struct item *item, const enum change *changes, enum change wanted,
			struct rule_def *more, uint32_t *n)
{
	int r = 0;

	for (size_t row = 0; !r && row < ARRAY_SIZE(changeable); row++) {
		if (changes[row] != wanted)
			continue;
		++*n;
		if (!item_has(item, changeable[row].key))
			return refuse_shape(item, item->node,
					    "'%s' is to be overridden and missing",
					    changeable[row].key);
		r = wanted == CHANGE_APPEND && changeable[row].get == get_exceptions
			    ? read_exceptions(item, true, &more->exceptions)
			    : changeable[row].get(item, more);
	}
	return r;
}

static int apply_changes(struct item *item, const enum change *changes, enum change wanted,
			 struct rule_def *rule)
{
	struct rule_def more = {0};
	bool appends_window = false;
	uint32_t n = 0;
	int r;

	if (rule)
		more = (struct rule_def){.name = rule->name,
					 .source = rule->source,
					 .unknown_source = rule->unknown_source,
					 .is_enabled = rule->is_enabled};
	r = read_changes(item, changes, wanted, &more, &n);
	if (r || !n)
		return r;
	if (!rule)
		return refuse_undefined(item);
	for (size_t row = 0; !r && row < ARRAY_SIZE(changeable); row++) {
		appends_window = appends_window || (changes[row] == CHANGE_APPEND &&
						    changeable[row].append == append_window);
	}
	if (wanted == CHANGE_APPEND && (appends_window || changes[0] == CHANGE_APPEND))
		r = check_append(item, rule, &more, appends_window);
	for (size_t row = 0; !r && row < ARRAY_SIZE(changeable); row++) {
		if (changes[row] == wanted && wanted == CHANGE_APPEND)
			r = changeable[row].append(item->c, rule, &more);
		else if (changes[row] == wanted)
			changeable[row].replace(rule, &more);
	}
	rule->visibility = item->c->counter++;
	return r;
}

/* Every key that is present and can be changed must have a change. */
static int check_unplanned(struct item *item, const enum change *changes)
{
	for (size_t row = 0; row < ARRAY_SIZE(changeable); row++) {
		if (item_has(item, changeable[row].key) && changes[row] == CHANGE_NONE)
			return refuse_shape(item, item_value(item, changeable[row].key),
					    "unexpected key '%s': 'override' does not name it",
					    changeable[row].key);
	}
	return 0;
}

/* Append, then replace. What is wrong is found in this order, as upstream finds it. */
static int override_rule(struct item *item, const enum change *changes, struct rule_def *rule)
{
	int r = apply_changes(item, changes, CHANGE_APPEND, rule);

	if (!r)
		r = apply_changes(item, changes, CHANGE_REPLACE, rule);
	if (!r)
		r = check_unplanned(item, changes);
	if (!r && item_has(item, "exceptions"))
		r = check_exceptions(item, rule, &rule->exceptions);
	if (!r && (item_has(item, "count") || item_has(item, "sequence")))
		r = check_window(item, rule);
	return r;
}

/* append: true, of old. Only condition and exceptions count. */
static int append_rule(struct item *item, struct rule_def *rule)
{
	struct place place = node_place(item, item->node);
	struct rule_def more = {0};
	int r = 0;

	if (item_has(item, "condition"))
		r = get_condition(item, &more);
	if (!r && item_has(item, "exceptions"))
		r = read_exceptions(item, true, &more.exceptions);
	if (r)
		return r;
	if (!rule)
		return refuse_undefined(item);
	if (!item_has(item, "condition") && !item_has(item, "exceptions"))
		return report_error(item->c, "LOAD_ERR_VALIDATE", &place, item->name,
				    "appending needs exceptions or a condition");
	more.source = rule->source;
	more.unknown_source = rule->unknown_source;
	if (item_has(item, "condition"))
		r = check_append(item, rule, &more, false);
	if (!r && item_has(item, "condition"))
		r = append_condition(item->c, rule, &more);
	if (!r)
		r = append_exceptions(item->c, rule, &more);
	rule->visibility = item->c->counter++;
	return r;
}

/* Only `enabled`, of old. */
static int toggle_rule(struct item *item, struct rule_def *rule)
{
	struct place place = node_place(item, item->node);
	bool is_enabled = true;
	int r;

	if (!item_has(item, "enabled"))
		return refuse_shape(item, item->node,
				    "condition, output, desc and priority are missing");
	r = item_bool(item, "enabled", &is_enabled);
	if (r)
		return r;
	report_warning(item->c, "LOAD_DEPRECATED_ITEM", &place, item->name,
		       "a rule with only 'enabled' is deprecated, use 'override'");
	if (!rule)
		return refuse_undefined(item);
	rule->is_enabled = is_enabled;
	return 0;
}

static int read_definition(struct item *item, struct rule_def *rule)
{
	int r = item_text(item, "source", false, &rule->source);

	for (size_t row = 0; !r && row < ARRAY_SIZE(changeable); row++) {
		bool is_needed = (row == 0 && !item_has(item, "sequence")) || row == 1 ||
				 row == 2 || row == 5;

		if (is_needed && !item_has(item, changeable[row].key))
			return refuse_shape(item, item->node, "'%s' is missing",
					    changeable[row].key);
		if (item_has(item, changeable[row].key))
			r = changeable[row].get(item, rule);
	}
	return r;
}

/* Against what was defined before and what sources there are. */
static int check_definition(struct item *item, struct rule_def *fresh, const struct rule_def *old)
{
	struct collection *c = item->c;
	int r;

	if (old && !text_equal(old->source, fresh->source))
		return report_error(c, "LOAD_ERR_VALIDATE", &fresh->place, fresh->name,
				    "the rule has been defined with another source");
	fresh->unknown_source = !source_is_known(c, fresh->source);
	if (fresh->unknown_source)
		report_warning(c, "LOAD_UNKNOWN_SOURCE", &fresh->place, fresh->name,
			       "no events come from source '%.*s', the rule is left out",
			       TEXT_ARGS(fresh->source));
	r = check_exceptions(item, fresh, &fresh->exceptions);
	return r ? r : check_window(item, fresh);
}

static int define_rule(struct item *item, struct rule_def *old)
{
	struct collection *c = item->c;
	struct rule_def fresh = {.name = item->name,
				 .source = TEXT("syscall"),
				 .is_enabled = true,
				 .warn_evttypes = true,
				 .place = node_place(item, item->node)};
	int r = read_definition(item, &fresh);

	if (!r)
		r = check_definition(item, &fresh, old);
	if (r)
		return r;
	if (!old) {
		struct rule_def *rules = grown(&c->pool, c->rules, c->n_rules, sizeof(*rules));

		if (!rules || c->n_rules == DEFINITIONS_MAX)
			return -ENOMEM;
		c->rules = rules;
		old = &c->rules[c->n_rules++];
		fresh.index = c->counter;
	} else {
		fresh.index = old->index;
	}
	fresh.visibility = c->counter++;
	*old = fresh;
	return 0;
}

static void warn_append(struct item *item)
{
	struct place place = node_place(item, item->node);

	report_warning(item->c, "LOAD_DEPRECATED_ITEM", &place, item->name,
		       "'append' is deprecated, use 'override'");
}

/* A change may name the rule's source; null and empty say nothing. */
static int check_source(struct item *item, const struct rule_def *rule)
{
	yaml_node_t *node = item_value(item, "source");
	struct place place = node_place(item, item->node);
	struct text source = TEXT_NONE;
	int r = 0;

	if (!node || node_is_null(node) ||
	    (node->type == YAML_SCALAR_NODE && !node->data.scalar.length))
		return 0;
	r = node_text(item, node, "source", &source);
	if (r || text_equal(source, rule->source))
		return r;
	return report_error(item->c, "LOAD_ERR_VALIDATE", &place, item->name,
			    "the rule has been defined with another source");
}

static bool is_toggle(const struct item *item)
{
	return !item_has(item, "condition") && !item_has(item, "output") &&
	       !item_has(item, "desc") && !item_has(item, "priority");
}

int read_rule(struct item *item)
{
	enum change changes[ARRAY_SIZE(changeable)] = {CHANGE_NONE};
	struct overrides overrides = {0};
	struct rule_def *old;
	bool append = false;
	int r = item_text(item, "rule", true, &item->name);

	if (!r)
		r = item_bool(item, "append", &append);
	if (!r && append)
		warn_append(item);
	if (!r)
		r = read_overrides(item, &overrides);
	if (!r)
		r = plan_changes(item, &overrides, changes);
	if (r)
		return r;
	old = collection_rule(item->c, item->name);
	if (append && overrides.n)
		return refuse_shape(item, item->node, "'append' and 'override' exclude each other");
	if ((append || overrides.n) && old)
		r = check_source(item, old);
	if (r)
		return r;
	if (overrides.n)
		return override_rule(item, changes, old);
	if (append)
		return append_rule(item, old);
	return is_toggle(item) ? toggle_rule(item, old) : define_rule(item, old);
}
