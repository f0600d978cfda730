#include "rules/loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/event_sets.h"
#include "filter/format.h"
#include "filter/operand.h"
#include "filter/warnings.h"
#include "rules/absent.h"
#include "rules/collect.h"
#include "rules/collect_exceptions.h"
#include "rules/collect_window.h"
#include "rules/compile_window.h"
#include "rules/expand.h"
#include "rules/fire.h"
#include "rules/resolve.h"
#include "rules/rule_set.h"
#include "rules/text_map.h"

#define FILE_BYTES_MAX (8 << 20)
#define EVENTS_MANY 100 /* a condition for more kinds of events than this is warned about */
#define CONTAINER_INFO "%container.info"

struct rule_loader {
	struct collection c;
};

/* What rules may need and we answer ourselves, whatever its version. */
static const struct rule_plugin own_plugins[] = {
	{"container", NULL}, {"k8smeta", NULL}, {"anomalydetection", NULL}, {"json", NULL}};

static const struct rule_options default_options = {
	.match_all = true,
	.min_priority = PRIORITY_DEBUG,
	.plugins = own_plugins,
	.n_plugins = ARRAY_SIZE(own_plugins),
};

struct rule_options rule_options_with_plugins(const struct rule_options *options)
{
	struct rule_options own = *options;

	if (!own.plugins) {
		own.plugins = own_plugins;
		own.n_plugins = ARRAY_SIZE(own_plugins);
	}
	return own;
}

int rule_loader_create(struct rule_loader **out, const struct field_set *fields,
		       const struct rule_options *options)
{
	struct rule_loader *loader = calloc(1, sizeof(*loader));

	if (!loader)
		return -ENOMEM;
	loader->c.fields = fields;
	loader->c.options = options ? options : &default_options;
	*out = loader;
	return 0;
}

void rule_loader_destroy(struct rule_loader **loader)
{
	if (!*loader)
		return;
	pool_done(&(*loader)->c.pool);
	free(*loader);
	*loader = NULL;
}

const struct collection *rule_loader_collection(const struct rule_loader *loader)
{
	return &loader->c;
}

/* For the callback of filter_warnings(): which are wanted, as some are given before the condition
 * is compiled and some only when it compiles. */
struct warn_target {
	struct collection *c;
	const struct expansion *expansion;
	const struct rule_def *def;
	bool of_values;
};

/* Where a mistake in a condition stands, and ", in macro 'm'" if not in the condition itself. */
struct mistake_place {
	struct place place;
	struct text part;
	const char *before, *kind, *open, *close;
};

static struct mistake_place mistake_at(const struct expansion *expansion, uint32_t source,
				       uint32_t offset)
{
	struct mistake_place m = {.before = "", .open = "", .close = ""};

	m.place = expansion_place(expansion, source, offset, &m.part, &m.kind);
	if (m.kind) {
		m.before = ", in ";
		m.open = " '";
		m.close = "'";
	} else {
		m.kind = "";
	}
	return m;
}

static void warn_condition(enum filter_warning warning, const struct ast_node *node,
			   struct text subject, void *arg)
{
	struct warn_target *target = arg;
	bool is_of_value = warning != WARNING_UNSAFE_NA && warning != WARNING_DEPRECATED;

	struct mistake_place m = mistake_at(target->expansion, node->source, node->offset);

	if (is_of_value != target->of_values)
		return;
	report_warning(target->c, filter_warning_code(warning), &m.place, target->def->name,
		       "'%.*s' in the condition%s%s%s%.*s%s", TEXT_ARGS(subject), m.before, m.kind,
		       m.open, TEXT_ARGS(m.part), m.close);
}

static bool contains(struct text text, const char *needle)
{
	return memmem(text.ptr, text.len, needle, strlen(needle)) != NULL;
}

static void warn_deprecated(struct collection *c, const struct rule_def *def, struct text output)
{
	for (const char *const *f = filter_deprecated_fields(); *f; f++) {
		if (contains(output, *f))
			report_warning(c, "LOAD_DEPRECATED_ITEM", &def->place, def->name,
				       "'%s' in the output is deprecated", *f);
	}
}

/* The output without what upstream takes out of it. */
static struct text clean_output(struct collection *c, const struct rule_def *def,
				struct text output)
{
	char *hit;
	char *copy = pool_alloc(&c->pool, (size_t)output.len + 1);
	struct text t = {copy, output.len};

	if (!copy)
		return TEXT_NONE;
	memcpy(copy, output.ptr, output.len);
	if (contains(output, CONTAINER_INFO))
		report_warning(c, "LOAD_DEPRECATED_ITEM", &def->place, def->name,
			       "'%s' in the output is deprecated and left out", CONTAINER_INFO);
	while ((hit = memmem(copy, t.len, CONTAINER_INFO, strlen(CONTAINER_INFO)))) {
		size_t behind = (size_t)(copy + t.len - hit) - strlen(CONTAINER_INFO);

		memmove(hit, hit + strlen(CONTAINER_INFO), behind);
		t.len -= (uint32_t)strlen(CONTAINER_INFO);
	}
	return t;
}

/* A name that does not exist drops the rule if it asked for that, and fails the load otherwise. */
static int refuse_compile(struct collection *c, const struct rule_def *def, const char *code,
			  const struct mistake_place *m, int r, const struct diag *diag, bool *skip)
{
	if (r == ERR_UNKNOWN_NAME && def->skip_if_unknown) {
		report_warning(c, "LOAD_UNKNOWN_FILTER", &m->place, def->name,
			       "left out: %s%s%s%s%.*s%s", diag->message, m->before, m->kind,
			       m->open, TEXT_ARGS(m->part), m->close);
		*skip = true;
		return 0;
	}
	if (r == -ENOMEM)
		return r;
	return report_error(c, code, &m->place, def->name, "%s%s%s%s%.*s%s", diag->message,
			    m->before, m->kind, m->open, TEXT_ARGS(m->part), m->close);
}

/* The same of what is no condition. */
static int refuse_text(struct collection *c, const struct rule_def *def, const char *code,
		       const struct place *place, int r, const struct diag *diag, bool *skip)
{
	struct mistake_place m = {
		.place = *place, .before = "", .kind = "", .open = "", .close = ""};

	return refuse_compile(c, def, code, &m, r, diag, skip);
}

static void warn_events(struct collection *c, const struct rule_def *def,
			const struct filter *filter)
{
	if (def->warn_evttypes && text_equal(def->source, TEXT("syscall")) &&
	    event_set_count(filter_event_set(filter)) > EVENTS_MANY)
		report_warning(c, "LOAD_NO_EVTTYPE", &def->place, def->name,
			       "the condition may be true for too many kinds of events");
}

/* The filter of the definition's condition with its exceptions. */
static int compile_filter(struct collection *c, struct expansion *expansion,
			  struct filter_share *share, const struct rule_def *def, bool warns,
			  struct filter **out, bool *skip)
{
	struct place place;
	struct text condition = exceptions_expand(c, def, &place);
	struct warn_target target = {c, expansion, def, false};
	struct mistake_place mistake;
	struct event_set events;
	struct ast_node *tree = NULL;
	struct diag diag = {0};
	int r;

	if (!condition.ptr)
		return -ENOMEM;
	r = expansion_tree(expansion, condition, &place, def->name, &tree);
	if (r)
		return r;
	resolve_seen_before(c, def, tree);
	absent_of_tree(c, tree, &c->absent);
	if (warns)
		filter_warnings(tree, c->fields, warn_condition, &target);
	r = filter_compile_tree(out, tree, c->fields, share, &diag);
	if (!r && text_equal(def->source, TEXT("syscall")))
		r = event_set_of(&events, tree, &diag);
	if (r) {
		mistake = mistake_at(expansion, diag.source, diag.offset);
		return refuse_compile(c, def, "LOAD_ERR_COMPILE_CONDITION", &mistake, r, &diag,
				      skip);
	}
	target.of_values = true;
	if (warns)
		filter_warnings(tree, c->fields, warn_condition, &target);
	return 0;
}

/* by, distinct, and what they are kept for. */
static int compile_window(struct collection *c, const struct rule_def *def, struct rule *rule,
			  bool *skip)
{
	struct window_mistake mistake = {0};
	int r = 0;

	if (def->window.kind != WINDOW_PLAIN)
		r = window_rule_compile(&rule->window, def, c->fields, &mistake);
	return r ? refuse_text(c, def, "LOAD_ERR_COMPILE_CONDITION", &mistake.place, r,
			       &mistake.diag, skip)
		 : 0;
}

/* What one step asks of an event: the rule's condition and its own. */
static struct text step_condition(struct collection *c, const struct rule_def *def,
				  const struct step_def *step, struct place *place)
{
	struct text_map map = {0};
	struct text both;

	*place = step->condition_place;
	if (!def->condition.ptr)
		return step->condition;
	both = pool_print(&c->pool, "(%.*s) and (%.*s)", TEXT_ARGS(def->condition),
			  TEXT_ARGS(step->condition));
	map_fixed(&map, &c->pool, 0, &def->condition_place, TEXT_NONE);
	map_copy(&map, &c->pool, 1, &def->condition_place, def->condition, 0,
		 def->condition.len + 1);
	map_fixed(&map, &c->pool, def->condition.len + 2, &step->condition_place, TEXT_NONE);
	map_copy(&map, &c->pool, def->condition.len + 8, &step->condition_place, step->condition, 0,
		 step->condition.len + 1);
	*place = place_with(place, &map, &c->pool);
	return both;
}

/* The rule's own filter is true for whatever can be a step. */
static struct text any_step(struct collection *c, const struct rule_def *def)
{
	struct text all = TEXT("");
	struct place place;

	for (uint32_t i = 0; all.ptr && i < def->window.n_steps; i++)
		all = pool_print(&c->pool, "%.*s%s(%.*s)", TEXT_ARGS(all), i ? " or " : "",
				 TEXT_ARGS(step_condition(c, def, &def->window.steps[i], &place)));
	return all;
}

static int compile_steps(struct collection *c, struct expansion *expansion,
			 struct filter_share *share, const struct rule_def *def,
			 struct window_rule *window, bool *skip)
{
	int r = 0;

	for (uint32_t i = 0; !r && !*skip && i < def->window.n_steps; i++) {
		struct rule_def step = *def;

		step.condition =
			step_condition(c, def, &def->window.steps[i], &step.condition_place);
		r = compile_filter(c, expansion, share, &step, true, &window->steps[i].filter,
				   skip);
	}
	return r;
}

static int compile_condition(struct collection *c, struct expansion *expansion,
			     struct filter_share *share, const struct rule_def *def,
			     struct rule *rule, bool *skip)
{
	bool is_sequence = def->window.kind == WINDOW_SEQUENCE;
	struct rule_def whole = *def;
	int r = 0;

	if (is_sequence) {
		r = compile_steps(c, expansion, share, def, rule->window, skip);
		whole.condition = any_step(c, def);
		whole.condition_place = def->window.place;
		if (!whole.condition.ptr)
			return -ENOMEM;
	}
	if (!r && !*skip)
		r = compile_filter(c, expansion, share, &whole, !is_sequence, &rule->filter, skip);
	if (r || *skip)
		return r;
	rule->condition = filter_text(rule->filter);
	warn_events(c, def, rule->filter);
	return 0;
}

/* Whether an addition to the outputs is for this rule: its source, name and all its tags. */
static bool append_is_for(const struct rule_append *append, const struct rule_def *def)
{
	const char *tag = append->tags ? append->tags : "";

	if (append->source && *append->source &&
	    !text_equal(text_from(append->source), def->source))
		return false;
	if (append->rule && *append->rule && !text_equal(text_from(append->rule), def->name))
		return false;
	while (*(tag += strspn(tag, " "))) {
		struct text wanted = {tag, (uint32_t)strcspn(tag, " ")};
		bool has_tag = false;

		for (uint32_t i = 0; i < def->tags.n; i++)
			has_tag = has_tag || text_equal(def->tags.items[i], wanted);
		if (!has_tag)
			return false;
		tag += wanted.len;
	}
	return true;
}

static int append_output(struct collection *c, const struct rule_def *def, struct rule *rule)
{
	for (uint32_t i = 0; i < c->options->n_appends; i++) {
		const struct rule_append *append = &c->options->appends[i];

		if (!append->format || !*append->format || !append_is_for(append, def))
			continue;
		rule->output =
			pool_print(&c->pool, "%.*s %s", TEXT_ARGS(rule->output), append->format);
		if (!rule->output.ptr)
			return -ENOMEM;
	}
	return 0;
}

/* Fields that are added as they are: " %fd.name ...". */
static struct text added_fields(struct collection *c, const struct rule_def *def)
{
	struct text all = TEXT("");

	for (uint32_t i = 0; i < c->options->n_appends; i++) {
		const struct rule_append *append = &c->options->appends[i];

		for (uint32_t k = 0; append_is_for(append, def) && k < append->n_fields; k++) {
			if (!append->fields[k].name)
				all = pool_print(&c->pool, "%.*s %%%s", TEXT_ARGS(all),
						 append->fields[k].format);
		}
	}
	return all;
}

static int compile_extra(struct collection *c, const struct rule_extra_field *field,
			 struct rule *rule, struct diag *diag)
{
	uint32_t at = 0;

	while (at < rule->n_extras && !text_equal(rule->extras[at].name, text_from(field->name)))
		at++;
	if (at == RULE_EXTRA_FIELDS_MAX)
		return diag_set(diag, -EINVAL, "more than %d fields are added",
				RULE_EXTRA_FIELDS_MAX);
	format_destroy(&rule->extras[at].format);
	rule->extras[at].name = text_from(field->name);
	rule->n_extras = MAX(rule->n_extras, at + 1);
	return format_compile_strict(&rule->extras[at].format, text_from(field->format), c->fields,
				     diag);
}

/* Fields that are added as formats; the last of a name counts. */
static int compile_extras(struct collection *c, const struct rule_def *def, struct rule *rule,
			  struct diag *diag)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < c->options->n_appends; i++) {
		const struct rule_append *append = &c->options->appends[i];

		for (uint32_t k = 0; !r && append_is_for(append, def) && k < append->n_fields; k++)
			r = append->fields[k].name
				    ? compile_extra(c, &append->fields[k], rule, diag)
				    : 0;
	}
	return r;
}

/* What output_fields hold of a window, named in the output or not: " %rule.count ...". */
static struct text window_fields(struct collection *c, const struct rule_def *def)
{
	const struct window_def *w = &def->window;
	const struct texts *by = &w->by;
	struct text all = TEXT(""), rest;

	if (w->kind == WINDOW_PLAIN || !field_set_find(c->fields, TEXT("rule.count"), &rest))
		return all;
	if (w->n_steps && w->steps[w->n_steps - 1].has_by)
		by = &w->steps[w->n_steps - 1].by;
	for (uint32_t i = 0; i < by->n; i++)
		all = pool_print(&c->pool, "%.*s %%%.*s", TEXT_ARGS(all), TEXT_ARGS(by->items[i]));
	all = pool_print(&c->pool, "%.*s%s%s %%rule.since %%rule.complete", TEXT_ARGS(all),
			 w->kind == WINDOW_COUNT ? " %rule.count" : "",
			 w->distinct.ptr ? " %rule.distinct" : "");
	for (uint32_t i = 1; i <= w->n_steps; i++)
		all = pool_print(&c->pool,
				 "%.*s %%rule.step.time[%u] %%rule.step.type[%u] "
				 "%%rule.step.pid[%u] %%rule.step.proc[%u]",
				 TEXT_ARGS(all), i, i, i, i);
	return all;
}

static struct text text_behind(struct text text, const char *start)
{
	uint32_t len = (uint32_t)strlen(start);

	return (struct text){text.ptr + len, text.len - len};
}

/* Exact as far as the output is as it was written; what is added to it has no place in the file. */
static struct place output_place(const struct rule_def *def, struct text output, uint32_t offset)
{
	bool is_as_written = offset < def->output.len && output.len >= def->output.len &&
			     memcmp(output.ptr, def->output.ptr, offset) == 0;

	return is_as_written ? place_inside(&def->output_place, def->output, offset, NULL)
			     : def->output_place;
}

static int compile_output(struct collection *c, const struct rule_def *def, struct rule *rule,
			  bool *skip)
{
	struct place place;
	struct diag diag = {0};
	struct text timed;
	int r;

	rule->output = def->output;
	if (append_output(c, def, rule))
		return -ENOMEM;
	rule->output = clean_output(c, def, rule->output);
	timed = pool_print(&c->pool, "%%evt.time %.*s%.*s%s%.*s", TEXT_ARGS(rule->output),
			   TEXT_ARGS(added_fields(c, def)),
			   def->only_if_new.n ? " %rule.new_in %rule.new_doubt" : "",
			   TEXT_ARGS(window_fields(c, def)));
	if (!rule->output.ptr || !timed.ptr)
		return -ENOMEM;
	r = format_compile_strict(&rule->message, rule->output, c->fields, &diag);
	if (!r)
		r = window_check_output(def, rule->message, &diag);
	if (!r)
		r = format_compile_strict(&rule->fields,
					  text_equal(def->source, TEXT("syscall"))
						  ? timed
						  : text_behind(timed, "%evt.time "),
					  c->fields, &diag);
	if (!r)
		r = compile_extras(c, def, rule, &diag);
	if (r) {
		place = output_place(def, rule->output, diag.offset);
		return refuse_text(c, def, "LOAD_ERR_COMPILE_OUTPUT", &place, r, &diag, skip);
	}
	warn_deprecated(c, def, rule->output);
	absent_of_format(c, rule->fields, &c->absent);
	return 0;
}

/* Separated by blanks. */
static struct text join_texts(struct collection *c, const struct texts *tags)
{
	struct text all = TEXT("");

	for (uint32_t i = 0; i < tags->n; i++)
		all = pool_print(&c->pool, "%.*s%s%.*s", TEXT_ARGS(all), i ? " " : "",
				 TEXT_ARGS(tags->items[i]));
	return all;
}

static void rule_done(struct rule *rule)
{
	window_rule_destroy(&rule->window);
	filter_destroy(&rule->filter);
	format_destroy(&rule->message);
	format_destroy(&rule->fields);
	for (uint32_t i = 0; i < rule->n_extras; i++)
		format_destroy(&rule->extras[i].format);
}

static int compile_rule(struct collection *c, struct expansion *expansion,
			const struct rule_def *def, struct rule_set *set)
{
	SCOPED(rule_done)
	struct rule rule = {
		.name = def->name,
		.description = def->description,
		.source = def->source,
		.tags = join_texts(c, &def->tags),
		.priority = def->priority,
		.is_enabled = def->is_enabled,
		.file = text_from(def->place.file),
		.line = def->place.line,
		.rate = def->has_rate ? def->rate : c->options->rate,
	};
	bool skip = false;
	int r = describe_gates(c, def, &rule);

	c->absent = (struct texts){0};
	if (c->options->has_no_rates)
		rule.rate = (struct rule_rate){0};
	if (!r)
		r = compile_window(c, def, &rule, &skip);
	if (!r && !skip)
		r = compile_output(c, def, &rule, &skip);
	if (!r && !skip)
		r = compile_condition(c, expansion, set->share, def, &rule, &skip);
	if (!r && !skip && rule.window)
		r = window_rule_identify(rule.window, def, &rule, &set->pool);
	if (!r && !skip)
		r = resolve_news(c, def, &rule, &skip);
	if (r || skip)
		return r;
	if (def->priority > c->options->min_priority)
		return 0; /* it must compile, and is not wanted */
	rule.absent_fields = join_texts(c, &c->absent);
	if (rule.window && rule.is_enabled && set->n_windows++ == WINDOW_RULES_MAX)
		return report_error(c, "LOAD_ERR_VALIDATE", &def->window.place, def->name,
				    "more than %d rules with 'count' or 'sequence'",
				    WINDOW_RULES_MAX);
	r = rule_set_add(set, &rule);
	rule = (struct rule){0}; /* taken, whatever became of it */
	return r;
}

static bool is_selected(const struct rule_selection *selection, const struct rule_def *def)
{
	struct text name = text_from(selection->name);

	if (!selection->is_tag)
		return rule_name_matches(name, def->name);
	for (uint32_t i = 0; i < def->tags.n; i++) {
		if (text_equal(name, def->tags.items[i]))
			return true;
	}
	return false;
}

/* The configuration's last word counts, then what the rule says. */
static bool is_enabled(const struct rule_options *options, const struct rule_def *def)
{
	for (uint32_t i = options->n_select; i > 0; i--) {
		if (is_selected(&options->select[i - 1], def))
			return options->select[i - 1].enables;
	}
	return def->is_enabled;
}

static int compile_rules(struct collection *c, struct expansion *expansion, struct rule_set *set)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < c->n_rules; i++) {
		struct rule_def def = c->rules[i];

		if (def.unknown_source)
			continue;
		def.is_enabled = is_enabled(c->options, &def);
		r = compile_rule(c, expansion, &def, set);
	}
	return r;
}

static int compile_all(struct collection *c, struct rule_set **out)
{
	SCOPED(expansion_destroy) struct expansion *expansion = NULL;
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	int r = expansion_create(&expansion, c);

	if (!r)
		r = rule_set_create(&set, c->n_rules);
	if (!r)
		r = compile_rules(c, expansion, set);
	if (!r) {
		set->seed = c->options->seed;
		set->window_bytes =
			c->options->window_bytes ? c->options->window_bytes : WINDOW_BYTES_DEFAULT;
		set->window_secret = c->options->window_secret;
	}
	if (!r)
		r = rule_set_index(set);
	if (!r)
		r = rule_set_static_fields(set, c->options);
	if (!r)
		r = rule_occurrences_compile(set, c->fields);
	if (r)
		return r;
	expansion_warn_unused(expansion);
	set->match_all = c->options->match_all;
	set->totals = (struct rule_set_totals){
		.rules = set->n, .macros = c->n_macros, .lists = c->n_lists};
	rule_set_destroy(out);
	*out = TAKE(set);
	return 0;
}

int rule_loader_add(struct rule_loader *loader, const char *file, const char *text, size_t len,
		    struct rule_set **set, struct rule_messages *messages)
{
	struct collection *c = &loader->c;
	struct text name = pool_text(&c->pool, text_from(file));
	int r;

	if (!name.ptr)
		return -ENOMEM;
	c->messages = messages;
	r = collect_text(c, name.ptr, text, len);
	if (!r)
		r = compile_all(c, set);
	if (r == -ENOMEM && c->pool.bytes > POOL_BYTES_MAX / 2)
		r = report_error(c, "LOAD_ERR_VALIDATE", &(struct place){name.ptr, 0, 0}, TEXT_NONE,
				 "the rules are too large to be held");
	c->messages = NULL;
	return r;
}

int rule_loader_check_plugins(struct rule_loader *loader, struct rule_messages *messages)
{
	int r;

	loader->c.messages = messages;
	r = collect_check_plugins(&loader->c);
	loader->c.messages = NULL;
	return r;
}

int rule_loader_each_tree(struct rule_loader *loader, rule_tree_fn *visit, void *arg)
{
	SCOPED(expansion_destroy) struct expansion *expansion = NULL;
	struct collection *c = &loader->c;
	int r = expansion_create(&expansion, c);

	for (uint32_t i = 0; !r && i < c->n_rules; i++) {
		struct rule_def def = c->rules[i];
		struct place place;
		struct ast_node *tree = NULL;
		struct text condition;

		if (def.window.kind == WINDOW_SEQUENCE)
			def.condition = any_step(c, &def);
		condition = def.condition.ptr ? exceptions_expand(c, &def, &place) : TEXT_NONE;
		if (!condition.ptr)
			return -ENOMEM;
		r = expansion_tree(expansion, condition, &place, def.name, &tree);
		if (!r)
			r = visit(&c->rules[i], tree, arg);
	}
	return r;
}

static int read_file(struct rule_loader *loader, const char *path, char **out, size_t *len,
		     struct rule_messages *messages)
{
	SCOPED(free_ptr) char *text = malloc(FILE_BYTES_MAX + 1);
	struct place place = {path, 0, 0};
	FILE *file = fopen(path, "re");
	const char *why = NULL;

	if (!text) {
		if (file)
			fclose(file);
		return -ENOMEM;
	}
	if (!file) {
		why = strerror(errno);
	} else {
		*len = fread(text, 1, FILE_BYTES_MAX + 1, file);
		if (ferror(file))
			why = strerror(errno);
		else if (*len > FILE_BYTES_MAX)
			why = "the file is too large";
		fclose(file);
	}
	loader->c.messages = messages;
	if (why)
		return report_error(&loader->c, "LOAD_ERR_FILE_READ", &place, TEXT_NONE, "%s", why);
	*out = TAKE(text);
	return 0;
}

int rule_loader_add_file(struct rule_loader *loader, const char *path, struct rule_set **set,
			 struct rule_messages *messages)
{
	SCOPED(free_ptr) char *text = NULL;
	size_t len = 0;
	int r = read_file(loader, path, &text, &len, messages);

	return r ? r : rule_loader_add(loader, path, text, len, set, messages);
}

/* What compiling said of all files so far is said again with the next one: keep the last. */
static void forget_repeats(struct rule_messages *messages, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		free(messages->items[i].message);
		free(messages->items[i].file);
		free(messages->items[i].item);
	}
	memmove(messages->items + from, messages->items + to,
		(messages->n - to) * sizeof(*messages->items));
	messages->n -= to - from;
}

static bool is_same_message(const struct rule_message *a, const struct rule_message *b)
{
	return a->line == b->line && a->column == b->column && strcmp(a->code, b->code) == 0 &&
	       strcmp(a->file ? a->file : "", b->file ? b->file : "") == 0 &&
	       strcmp(a->message ? a->message : "", b->message ? b->message : "") == 0;
}

void rule_messages_drop_repeats(struct rule_messages *messages)
{
	for (uint32_t i = 0; i < messages->n; i++) {
		for (uint32_t j = i + 1; j < messages->n;) {
			if (is_same_message(&messages->items[i], &messages->items[j]))
				forget_repeats(messages, j, j + 1);
			else
				j++;
		}
	}
}

int rule_set_load(struct rule_set **out, const char *const *files, uint32_t n_files,
		  const struct field_set *fields, const struct rule_options *options,
		  struct rule_messages *messages)
{
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;
	SCOPED(rule_set_destroy) struct rule_set *set = NULL;
	struct rule_options own = rule_options_with_plugins(options);
	int r = rule_loader_create(&loader, fields, &own);

	for (uint32_t i = 0; !r && i < n_files; i++)
		r = rule_loader_add_file(loader, files[i], &set, messages);
	if (!r && n_files == 0) {
		r = rule_set_create(&set, 0);
		if (!r)
			r = rule_set_index(set);
	}
	if (!r)
		r = rule_loader_check_plugins(loader, messages);
	if (messages)
		rule_messages_drop_repeats(messages);
	if (!r)
		*out = TAKE(set);
	return r;
}
