#include "daemon/what_if_rules.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/event_sets.h"
#include "filter/field_uses.h"
#include "rules/loader.h"

/* Growing list of owned names. */
struct names {
	char **items;
	uint32_t n;
	bool is_short; /* of memory */
};

static void names_done(struct names *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct names){0};
}

static bool has_name(const struct names *names, struct text name)
{
	for (uint32_t i = 0; i < names->n; i++) {
		if (text_equal(text_from(names->items[i]), name))
			return true;
	}
	return false;
}

/* Each once. */
static void add_name(struct text name, void *arg)
{
	struct names *names = arg;
	char **items, *copy;

	if (has_name(names, name))
		return;
	items = (char **)reallocarray((void *)names->items, names->n + 1, sizeof(*items));
	copy = text_dup(name);
	if (items)
		names->items = items;
	if (!items || !copy) {
		free(copy);
		names->is_short = true;
		return;
	}
	names->items[names->n++] = copy;
}

/* ---- loading --------------------------------------------------------------------------------- */

static bool is_same_file(const char *a, const char *b)
{
	SCOPED(free_ptr) char *real_a = realpath(a, NULL);
	SCOPED(free_ptr) char *real_b = realpath(b, NULL);

	return strcmp(a, b) == 0 || (real_a && real_b && strcmp(real_a, real_b) == 0);
}

static int add_own(struct rule_loader *loader, const struct what_if_question *q,
		   struct rule_set **set, struct rule_messages *messages)
{
	return q->text ? rule_loader_add(loader, q->path, q->text, q->len, set, messages)
		       : rule_loader_add_file(loader, q->path, set, messages);
}

/* The files that run; with_own: and the one to try. */
static int load_files(struct rule_loader *loader, const struct what_if_question *q, bool with_own,
		      struct rule_set **out, struct rule_messages *messages)
{
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	bool is_in = !with_own || !q->path;
	int r = 0;

	for (uint32_t i = 0; !r && i < q->n_files; i++) {
		if (!is_in && is_same_file(q->files[i], q->path)) {
			r = add_own(loader, q, &set, messages);
			is_in = true;
		} else {
			r = rule_loader_add_file(loader, q->files[i], &set, messages);
		}
	}
	if (!r && !is_in)
		r = add_own(loader, q, &set, messages);
	if (!r && !set) /* no files: an empty set */
		r = rule_set_load(&set, NULL, 0, rule_loader_collection(loader)->fields, q->options,
				  NULL);
	if (!r)
		r = rule_loader_check_plugins(loader, messages);
	if (!r)
		*out = TAKE(set);
	return r;
}

static int load(const struct what_if_question *q, const struct rule_options *options, bool with_own,
		const struct field_set *fields, struct rule_set **out,
		struct rule_messages *messages)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	struct rule_options own = rule_options_with_plugins(options);
	int r = rule_loader_create(&loader, fields, &own);

	return r ? r : load_files(loader, q, with_own, out, messages);
}

/* ---- what is different ----------------------------------------------------------------------- */

static bool find_info(const struct rule_set *set, struct text name, struct rule_info *out)
{
	for (uint32_t i = 0; i < rule_set_size(set); i++) {
		rule_set_info(set, i, out);
		if (text_equal(out->name, name))
			return true;
	}
	return false;
}

static bool is_same_rule(const struct rule_info *a, const struct rule_info *b)
{
	return a->priority == b->priority && a->is_enabled == b->is_enabled &&
	       text_equal(a->condition, b->condition) && text_equal(a->output, b->output) &&
	       text_equal(a->window, b->window) && text_equal(a->only_if_new, b->only_if_new) &&
	       text_equal(a->rate, b->rate) && text_equal(a->source, b->source) &&
	       text_equal(a->tags, b->tags) && text_equal(a->description, b->description);
}

/* A rule that is asked about is tried even where it is switched off; among all, those that would
 * run. */
static bool is_reported(const struct what_if_question *q, const struct what_if_rule *rule,
			bool is_defined)
{
	if (q->only)
		return rule_name_matches(text_from(q->only), rule->info.name);
	return is_defined || rule->change != WHAT_IF_SAME || (q->wants_all && rule->is_enabled);
}

static void add_names(const struct texts *texts, struct names *names)
{
	for (uint32_t i = 0; i < texts->n; i++)
		add_name(texts->items[i], names);
}

/* What a count or a sequence looks at besides. */
static void add_window(const struct window_def *window, struct names *names)
{
	add_names(&window->by, names);
	if (window->distinct.ptr)
		add_name(window->distinct, names);
	for (uint32_t i = 0; i < window->n_steps; i++)
		add_names(&window->steps[i].by, names);
}

/* What the condition of a reported rule looks at. */
static int note_condition(const struct rule_def *def, const struct ast_node *tree, void *arg)
{
	struct what_if_rules *rules = arg;
	struct diag diag = {0};

	for (uint32_t i = 0; i < rules->n; i++) {
		struct what_if_rule *rule = &rules->items[i];
		struct names names = {0};

		if (!text_equal(rule->info.name, def->name))
			continue;
		field_uses_of_tree(tree, add_name, &names);
		add_window(&def->window, &names);
		rule->fields = names.items;
		rule->n_fields = rule->n_condition_fields = names.n;
		rule->has_events = text_equal(def->source, TEXT("syscall")) &&
				   event_set_of(&rule->events, tree, &diag) == 0 &&
				   event_set_count(&rule->events) <= EVENT_TYPE_END / 2;
		return names.is_short ? -ENOMEM : 0;
	}
	return 0;
}

/* rule.* is what the machinery says of a hit: nothing that is captured or stored. */
static void add_output_name(struct text name, void *arg)
{
	if (!text_starts_with(name, TEXT("rule.")))
		add_name(name, arg);
}

/* And its output. */
static int add_output(struct what_if_rule *rule, const struct field_set *fields)
{
	struct names names = {rule->fields, rule->n_fields, false};
	int r = field_uses_of_output(rule->info.output, fields, add_output_name, &names);

	rule->fields = names.items;
	rule->n_fields = names.n;
	return names.is_short ? -ENOMEM : r;
}

static bool is_defined_by(const struct collection *c, struct text name, const char *path)
{
	for (uint32_t i = 0; path && i < c->n_rules; i++) {
		if (text_equal(c->rules[i].name, name))
			return strcmp(c->rules[i].place.file, path) == 0;
	}
	return false;
}

/* What is to be reported. */
static int compare_sets(struct what_if_rules *rules, const struct what_if_question *q,
			const struct rule_set *base, const struct rule_set *set,
			const struct collection *c, struct names *reported)
{
	rules->items = calloc((size_t)rule_set_size(set) + 1, sizeof(*rules->items));
	if (!rules->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < rule_set_size(set); i++) {
		struct what_if_rule rule = {0};
		struct rule_info before;

		rule_set_info(set, i, &rule.info);
		rule.is_enabled = rule.info.is_enabled;
		rule.change = WHAT_IF_NEW;
		if (find_info(base, rule.info.name, &before)) {
			rule.is_on_now =
				before.is_enabled && before.priority <= q->options->min_priority;
			rule.change =
				is_same_rule(&before, &rule.info) ? WHAT_IF_SAME : WHAT_IF_CHANGED;
		}
		if (!is_reported(q, &rule, is_defined_by(c, rule.info.name, q->path)))
			continue;
		add_name(rule.info.name, reported);
		rules->items[rules->n++] = rule;
	}
	return reported->is_short ? -ENOMEM : 0;
}

/* Only the rules of these names, for matching. */
static int load_only(const struct what_if_question *q, const char *const *names, uint32_t n,
		     bool with_own, const struct field_set *fields, struct rule_set **out,
		     struct rule_messages *messages)
{
	SCOPED(free_ptr) struct rule_selection *select = calloc((size_t)n + 1, sizeof(*select));
	struct rule_options options = *q->options;

	if (!select)
		return -ENOMEM;
	select[0] = (struct rule_selection){.name = "*"};
	for (uint32_t i = 0; i < n; i++)
		select[i + 1] = (struct rule_selection){.enables = true, .name = names[i]};

	options.match_all = true;
	options.min_priority = PRIORITY_DEBUG;
	options.select = select;
	options.n_select = n + 1;
	return load(q, &options, with_own, fields, out, messages);
}

/* The reported rules alone. */
static int load_reported(struct what_if_rules *rules, const struct what_if_question *q,
			 const struct names *reported, const struct field_set *fields)
{
	const char *const *names = (const char *const *)reported->items;
	int r = load_only(q, names, reported->n, true, fields, &rules->set, NULL);

	if (!r)
		r = load_only(q, names, reported->n, false, fields, &rules->base, NULL);
	for (uint32_t i = 0; !r && i < rules->n; i++) {
		if (find_info(rules->set, text_from(reported->items[i]), &rules->items[i].info))
			r = add_output(&rules->items[i], fields);
		else
			r = -EINVAL; /* a file changed meanwhile */
	}
	return r;
}

int what_if_rules_one(const struct what_if_question *q, const char *rule, bool with_own,
		      const struct field_set *fields, struct rule_set **out,
		      struct rule_messages *messages)
{
	return load_only(q, &rule, 1, with_own, fields, out, messages);
}

/* Compile as it is and as it would be, and find what is to be reported. */
static int find_reported(struct what_if_rules *out, const struct what_if_question *q,
			 const struct field_set *fields, struct names *reported,
			 struct rule_messages *messages)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_set_destroy) struct rule_set *base = NULL;
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	struct rule_options options = rule_options_with_plugins(q->options);
	int r;

	options.min_priority = PRIORITY_DEBUG; /* what is less urgent can still be asked about */
	r = rule_loader_create(&loader, fields, &options);
	if (!r)
		r = load_files(loader, q, true, &set, messages);
	rule_messages_drop_repeats(messages);
	if (!r)
		r = load(q, &options, false, fields, &base, NULL);
	if (r == -EINVAL && !messages->n) /* only what runs now is broken */
		r = load(q, &options, false, fields, &base, messages);
	if (!r)
		r = compare_sets(out, q, base, set, rule_loader_collection(loader), reported);
	return r ? r : rule_loader_each_tree(loader, note_condition, out);
}

int what_if_rules_load(struct what_if_rules *out, const struct what_if_question *q,
		       const struct field_set *fields, struct rule_messages *messages)
{
	SCOPED(names_done) struct names reported = {0};
	int r;

	*out = (struct what_if_rules){0};
	r = find_reported(out, q, fields, &reported, messages);
	return r ? r : load_reported(out, q, &reported, fields);
}

int what_if_rules_full(const struct what_if_rules *rules, const struct what_if_question *q,
		       bool with_own, const struct field_set *fields, struct rule_set **out)
{
	SCOPED(free_ptr) struct rule_selection *select = NULL;
	struct rule_options options = *q->options;

	if (with_own) {
		select = calloc((size_t)options.n_select + rules->n + 1, sizeof(*select));
		if (!select)
			return -ENOMEM;
		if (options.n_select)
			memcpy(select, options.select, options.n_select * sizeof(*select));
		for (uint32_t i = 0; i < rules->n; i++) {
			const struct what_if_rule *rule = &rules->items[i];

			if (!rule->is_enabled) /* the name ends with a NUL: the set's pool */
				select[options.n_select++] = (struct rule_selection){
					.enables = true, .name = rule->info.name.ptr};
			if (rule->change != WHAT_IF_SAME || q->only)
				options.min_priority =
					MAX(options.min_priority, rule->info.priority);
		}
		options.select = select;
	}
	return load(q, &options, with_own, fields, out, NULL);
}

void what_if_rules_done(struct what_if_rules *rules)
{
	for (uint32_t i = 0; i < rules->n; i++) {
		struct names fields = {rules->items[i].fields, rules->items[i].n_fields, false};

		names_done(&fields);
	}
	free(rules->items);
	rule_set_destroy(&rules->base);
	rule_set_destroy(&rules->set);
	*rules = (struct what_if_rules){0};
}

bool what_if_rules_change_any(const struct what_if_rules *rules)
{
	for (uint32_t i = 0; i < rules->n; i++) {
		if (rules->items[i].change == WHAT_IF_CHANGED && rules->items[i].is_on_now)
			return true;
	}
	return false;
}

int what_if_rules_tally(const struct what_if_rules *rules, struct what_if_tally *tally)
{
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct what_if_rule *rule = &rules->items[i];
		int r = what_if_tally_add(tally, rule->info.name, rule->change, rule->is_on_now);

		if (r < 0)
			return r;
	}
	return 0;
}
