#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/compiled.h"
#include "filter/event_sets.h"
#include "filter/parser.h"
#include "rules/expand.h"
#include "rules/loader.h"
#include "rules/rule_set.h"
#include "tests/conformance/cases.h"

#define FILES_MAX 16
#define PLUGINS_MAX 8
#define APPENDS_MAX 8
#define RULESETS_MAX 8
#define RULES_MAX 1024
#define SOURCES_MAX 8
#define TAGS_BYTES 256
#define CODES_BYTES 16384

struct load {
	struct suite *suite;
	const cJSON *test, *expect;
	struct rule_loader *loader;
	struct rule_set *set;
	struct rule_options options;
	struct rule_plugin plugins[PLUGINS_MAX];
	struct rule_append appends[APPENDS_MAX];
	char tags[APPENDS_MAX][TAGS_BYTES];
	const char *sources[SOURCES_MAX];
	int r;
};

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *string_or_empty(const cJSON *object, const char *name)
{
	const char *s = string_member(object, name);

	return s ? s : "";
}

static char *read_whole(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	if (file) {
		text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
		fclose(file);
	}
	return text;
}

/* Words one behind the other, blanks between them. */
static bool join_words(const cJSON *list, char *out, size_t size)
{
	const cJSON *word;
	size_t used = 0;

	out[0] = '\0';
	cJSON_ArrayForEach(word, list)
	{
		const char *text = cJSON_GetStringValue(word);

		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
					 text ? text : "");
		if (used >= size)
			return false;
	}
	return true;
}

static bool read_append(struct load *load, const cJSON *json)
{
	uint32_t i = load->options.n_appends++;
	const cJSON *field;

	if (i == APPENDS_MAX || !join_words(member(json, "tags"), load->tags[i], TAGS_BYTES))
		return failed(load->suite, "too much to append");
	load->appends[i] = (struct rule_append){
		.source = string_or_empty(json, "source"),
		.rule = string_or_empty(json, "rule"),
		.format = string_or_empty(json, "format"),
		.tags = load->tags[i],
	};
	cJSON_ArrayForEach(field, member(json, "fields"))
	{
		struct rule_append *append = &load->appends[i];

		if (append->n_fields == RULE_EXTRA_FIELDS_MAX || !cJSON_IsString(field))
			return failed(load->suite, "too many fields, or one without a format");
		append->fields[append->n_fields++] =
			(struct rule_extra_field){field->string, field->valuestring};
	}
	return true;
}

static bool read_plugin(struct load *load, const cJSON *json)
{
	uint32_t i = load->options.n_plugins++;

	if (i == PLUGINS_MAX || !string_member(json, "name"))
		return failed(load->suite, "too many plugins, or one without a name");
	load->plugins[i] =
		(struct rule_plugin){string_member(json, "name"), string_member(json, "version")};
	return true;
}

static bool read_source(struct load *load, const cJSON *json)
{
	uint32_t i = load->options.n_extra_sources++;

	if (i == SOURCES_MAX || !cJSON_IsString(json))
		return failed(load->suite, "too many sources, or one without a name");
	load->sources[i] = json->valuestring;
	return true;
}

/* Options that say nothing to an engine whose only source of cases is "syscall". */
static bool is_without_effect(const char *name)
{
	return strcmp(name, "no_sources") == 0 || strcmp(name, "plugin_fields") == 0;
}

static bool read_list(struct load *load, const cJSON *list,
		      bool (*read)(struct load *load, const cJSON *item))
{
	const cJSON *item;
	bool ok = true;

	cJSON_ArrayForEach(item, list) ok = ok && read(load, item);
	return ok;
}

static bool read_option(struct load *load, const cJSON *option)
{
	int priority;

	if (strcmp(option->string, "loaded_plugins") == 0)
		return read_list(load, option, read_plugin);
	if (strcmp(option->string, "append_output") == 0)
		return read_list(load, option, read_append);
	if (strcmp(option->string, "extra_sources") == 0)
		return read_list(load, option, read_source);
	if (strcmp(option->string, "min_priority") == 0) {
		priority = cJSON_IsString(option)
				   ? alert_priority_by_name(text_from(option->valuestring))
				   : -1;
		load->options.min_priority = (enum alert_priority)priority;
		return priority >= 0 || failed(load->suite, "no such priority");
	}
	return is_without_effect(option->string) ||
	       failed(load->suite, "unknown option '%s'", option->string);
}

static bool read_options(struct load *load)
{
	const cJSON *option;
	bool ok = true;

	load->options = (struct rule_options){
		.match_all = true,
		.min_priority = PRIORITY_DEBUG,
		.plugins = load->plugins,
		.appends = load->appends,
		.extra_sources = load->sources,
	};
	cJSON_ArrayForEach(option, member(load->test, "options")) ok =
		ok && read_option(load, option);
	return ok;
}

static bool codes_are(struct suite *suite, const struct rule_messages *messages, bool errors,
		      const cJSON *want)
{
	static char got_codes[CODES_BYTES], want_codes[CODES_BYTES];
	size_t got = 0, wanted = 0;
	const cJSON *item;

	got_codes[0] = want_codes[0] = '\0';
	cJSON_ArrayForEach(item, want)
	{
		if (wanted < CODES_BYTES)
			wanted += (size_t)snprintf(want_codes + wanted, CODES_BYTES - wanted, "%s ",
						   string_or_empty(item, "code"));
	}
	for (uint32_t i = 0; i < messages->n; i++) {
		if (messages->items[i].is_error == errors && got < CODES_BYTES)
			got += (size_t)snprintf(got_codes + got, CODES_BYTES - got, "%s ",
						messages->items[i].code);
	}
	if (got >= CODES_BYTES || wanted >= CODES_BYTES)
		return failed(suite, "too many messages");
	return strcmp(got_codes, want_codes) == 0 ||
	       failed(suite, "%s: got %s(%s), want %s", errors ? "errors" : "warnings", got_codes,
		      messages->n ? messages->items[messages->n - 1].message : "", want_codes);
}

static bool load_one(struct load *load, const char *name, const char *text, const cJSON *want)
{
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	bool successful = cJSON_IsTrue(member(want, "successful"));

	load->r = rule_loader_add(load->loader, name, text, strlen(text), &load->set, &messages);
	if ((load->r == 0) != successful)
		return failed(load->suite, "load %s: got %d %s", name, load->r,
			      messages.n ? messages.items[messages.n - 1].message : "");
	return codes_are(load->suite, &messages, true, member(want, "errors")) &&
	       codes_are(load->suite, &messages, false, member(want, "warnings"));
}

static bool load_all(struct load *load)
{
	const cJSON *texts = member(load->test, "input"),
		    *files = member(load->test, "input_files");
	const cJSON *loads = member(load->expect, "loads");
	const cJSON *source = texts ? texts : files, *item;
	int n = 0;

	cJSON_ArrayForEach(item, source)
	{
		SCOPED(free_ptr) char *text = NULL;
		char path[4096];

		if (!cJSON_IsString(item))
			return failed(load->suite, "an input that is no text");
		snprintf(path, sizeof(path), "%s/%s", load->suite->directory,
			 files ? item->valuestring : "text");
		if (files)
			text = read_whole(path);
		else
			text = (char *)text_of(item).ptr;
		if (!load_one(load, path, text, cJSON_GetArrayItem(loads, n++)))
			return false;
		if (load->r)
			break;
	}
	return true;
}

static const struct rule *find_rule(const struct rule_set *set, const char *name)
{
	for (uint32_t i = 0; set && i < set->n; i++) {
		if (text_equal(set->rules[i].name, text_from(name)))
			return &set->rules[i];
	}
	return NULL;
}

static bool text_is(struct suite *suite, const char *what, const char *rule, struct text got,
		    const char *want)
{
	return !want || text_equal(got, text_from(want)) ||
	       failed(suite, "%s of %s: got '%.*s', want '%s'", what, rule, TEXT_ARGS(got), want);
}

static bool tags_are(struct suite *suite, const struct rule *rule, const cJSON *want)
{
	char tags[4096];

	if (!join_words(want, tags, sizeof(tags)))
		return failed(suite, "too many tags");
	return text_is(suite, "tags", "", rule->tags, tags);
}

/* Rules of other sources and rules below the wanted priority are not in the set. */
static bool may_be_missing(const struct load *load, const cJSON *want)
{
	int priority = alert_priority_by_name(text_from(string_or_empty(want, "priority")));

	return strcmp(string_or_empty(want, "source"), "syscall") != 0 ||
	       priority > (int)load->options.min_priority;
}

/* What the rule says of captures, where the case does. */
static bool capture_is(struct load *load, const cJSON *want)
{
	struct collection *c = (struct collection *)rule_loader_collection(load->loader);
	const struct rule_def *def = collection_rule(c, text_from(want->string));
	const cJSON *capture = member(want, "capture"), *ms = member(want, "capture_duration");

	if (!def || (capture && def->capture != (bool)cJSON_IsTrue(capture)))
		return failed(load->suite, "%s: capture", want->string);
	return !cJSON_IsNumber(ms) || (double)def->capture_duration_ms == ms->valuedouble ||
	       failed(load->suite, "%s: capture_duration", want->string);
}

static bool rule_is(struct load *load, const cJSON *want)
{
	const struct rule *rule = find_rule(load->set, want->string);
	struct suite *suite = load->suite;

	if (!rule)
		return may_be_missing(load, want) || failed(suite, "no rule %s", want->string);
	return text_is(suite, "condition", want->string, rule->condition,
		       string_member(want, "condition")) &&
	       text_is(suite, "output", want->string, rule->output,
		       string_member(want, "output")) &&
	       text_is(suite, "priority", want->string,
		       text_from(alert_priority_name(rule->priority)),
		       string_member(want, "priority")) &&
	       text_is(suite, "description", want->string, rule->description,
		       string_member(want, "desc")) &&
	       text_is(suite, "source", want->string, rule->source,
		       string_member(want, "source")) &&
	       tags_are(suite, rule, member(want, "tags")) && capture_is(load, want) &&
	       (rule->is_enabled == (bool)cJSON_IsTrue(member(want, "enabled")) ||
		failed(suite, "%s: enabled", want->string));
}

static uint32_t count_enabled(const struct rule_set *set)
{
	uint32_t n = 0;

	for (uint32_t i = 0; set && i < set->n; i++)
		n += set->rules[i].is_enabled;
	return n;
}

static uint32_t count_rules(const struct rule_set *set)
{
	return set ? set->n : 0;
}

/* The expanded form of a text that refers to macros and lists. */
static struct text expand(struct expansion *x, struct pool *pool, const char *text,
			  struct ast_node **tree)
{
	struct place place = {0};

	if (expansion_tree(x, text_from(text), &place, TEXT("test"), tree))
		return TEXT_NONE;
	return ast_text(*tree, pool);
}

static bool list_is(struct suite *suite, struct expansion *x, struct pool *pool, const cJSON *want)
{
	char text[256];
	struct ast_node *tree = NULL, *list;

	snprintf(text, sizeof(text), "a.b in (%s)", want->string);
	if (!expand(x, pool, text, &tree).ptr)
		return failed(suite, "list %s does not parse", want->string);
	list = tree->children[1];
	if ((int)list->n_children != cJSON_GetArraySize(want))
		return failed(suite, "list %s: %u items", want->string, list->n_children);
	for (uint32_t i = 0; i < list->n_children; i++) {
		const char *item = cJSON_GetArrayItem(want, (int)i)->valuestring;

		if (!text_equal(list->children[i]->text, text_from(item)))
			return failed(suite, "list %s: '%.*s', want '%s'", want->string,
				      TEXT_ARGS(list->children[i]->text), item);
	}
	return true;
}

static bool definitions_are(struct load *load)
{
	SCOPED(expansion_destroy) struct expansion *x = NULL;
	struct collection *c = (struct collection *)rule_loader_collection(load->loader);
	struct pool pool = {0};
	const cJSON *item;
	bool ok = expansion_create(&x, c) == 0 || failed(load->suite, "no expansion");

	cJSON_ArrayForEach(item, member(load->expect, "macros"))
	{
		struct ast_node *tree = NULL;
		bool has_plain_name = !strpbrk(item->string, "- .");

		ok = ok && (!has_plain_name || !cJSON_IsString(item) ||
			    text_is(load->suite, "macro", item->string,
				    expand(x, &pool, item->string, &tree), item->valuestring));
	}
	cJSON_ArrayForEach(item, member(load->expect, "lists"))
	{
		/* Items that are no plain words do not survive the text they are put into. */
		bool is_plain = true;
		const cJSON *value;

		cJSON_ArrayForEach(value, item) is_plain = is_plain && cJSON_IsString(value) &&
							   value->valuestring[0] &&
							   !strpbrk(value->valuestring, ",=()\"' ");
		ok = ok && (!is_plain || list_is(load->suite, x, &pool, item));
	}
	pool_done(&pool);
	return ok;
}

static bool compiled_rule_is(struct suite *suite, const struct rule_set *set, const cJSON *want)
{
	const char *name = string_member(want, "rule");
	const struct rule *rule = find_rule(set, name);
	struct event_set events;
	const cJSON *event;

	if (!rule)
		return failed(suite, "no rule %s", name);
	event_set_none(&events);
	cJSON_ArrayForEach(event, member(want, "events"))
		event_set_add_name(&events, text_from(event->valuestring));
	return text_is(suite, "condition", name, rule->condition,
		       string_member(want, "condition_compiled")) &&
	       text_is(suite, "output", name, rule->output,
		       string_member(want, "output_compiled")) &&
	       tags_are(suite, rule, member(want, "tags")) &&
	       (rule->is_enabled == (bool)cJSON_IsTrue(member(want, "enabled")) ||
		failed(suite, "%s: enabled", name)) &&
	       (cJSON_GetArraySize(member(want, "events")) == 0 ||
		cJSON_GetArraySize(member(want, "events")) > 100 ||
		event_set_equal(&events, filter_event_set(rule->filter)) ||
		failed(suite, "%s: events", name));
}

/* The rules of one upstream file, as upstream compiled them. */
static bool compiled_are(struct load *load, const char *file)
{
	SCOPED(free_ptr) char *text = NULL;
	const char *base =
		strrchr(cJSON_GetArrayItem(member(load->test, "input_files"), 0)->valuestring, '/');
	char path[4096];
	cJSON *json;
	const cJSON *rule;
	bool ok = true;

	snprintf(path, sizeof(path), "%s/%s", load->suite->directory, file);
	text = read_whole(path);
	json = cJSON_Parse(text);
	cJSON_ArrayForEach(rule, member(member(json, "files"), base + 1)) ok =
		ok && compiled_rule_is(load->suite, load->set, rule);
	ok = ok && (json || failed(load->suite, "no %s", path));
	cJSON_Delete(json);
	return ok;
}

/* Enabling and disabling afterwards, by rule set: only the matching is ours. */
static bool step_selects(const struct rule *rule, const cJSON *step)
{
	const char *match = string_or_empty(step, "match");
	const cJSON *pattern = member(step, "pattern"), *tag;
	struct text word;

	if (strcmp(match, "tag") == 0) {
		cJSON_ArrayForEach(tag, pattern)
		{
			char padded[4096], want[256];

			snprintf(padded, sizeof(padded), " %.*s ", TEXT_ARGS(rule->tags));
			snprintf(want, sizeof(want), " %s ",
				 cJSON_IsString(tag) ? tag->valuestring : "");
			if (strstr(padded, want))
				return true;
		}
		return false;
	}
	if (!cJSON_IsString(pattern))
		return false;
	word = text_from(pattern->valuestring);
	if (!word.len)
		return true;
	if (strcmp(match, "wildcard") == 0)
		return rule_name_matches(word, rule->name);
	if (strcmp(match, "exact") == 0)
		return text_equal(word, rule->name);
	return memmem(rule->name.ptr, rule->name.len, word.ptr, word.len);
}

static bool steps_hold(struct load *load)
{
	static bool enabled[RULESETS_MAX][RULES_MAX];
	const char *names[RULESETS_MAX] = {"falco-default-ruleset"};
	const cJSON *step;

	memset(enabled, 0, sizeof(enabled));
	for (uint32_t i = 0; i < MIN(load->set->n, (uint32_t)RULES_MAX); i++)
		enabled[0][i] = load->set->rules[i].is_enabled;
	cJSON_ArrayForEach(step, member(load->test, "steps"))
	{
		const char *name = string_member(step, "ruleset");
		const char *op = string_member(step, "op");
		const cJSON *count = member(step, "count");
		uint32_t set = 0, n = 0;

		while (set < RULESETS_MAX && names[set] && name && strcmp(names[set], name) != 0)
			set++;
		if (set == RULESETS_MAX || !name || load->set->n > RULES_MAX)
			return failed(load->suite,
				      "too many rules or rule sets, or one without a name");
		names[set] = name;
		for (uint32_t i = 0; i < load->set->n; i++) {
			if (op && step_selects(&load->set->rules[i], step))
				enabled[set][i] = strcmp(op, "enable") == 0;
			n += enabled[set][i];
		}
		if (count && (double)n != cJSON_GetNumberValue(count))
			return failed(load->suite, "%s: %u enabled", name, n);
	}
	return true;
}

/* Conditions can be kept as texts: they parse as what was compiled. */
static bool sources_hold(struct load *load)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < load->set->n; i++) {
		const struct filter *filter = load->set->rules[i].filter;
		struct text source = filter_source(filter);
		struct pool pool = {0};
		struct ast_node *root = NULL;
		struct diag diag = {0};

		ok = (filter_parse(&root, source, FILTER_DEPTH_RULE, &pool, &diag) == 0 &&
		      text_equal(ast_text(root, &pool), filter_text(filter))) ||
		     failed(load->suite, "'%.*s' is another condition", TEXT_ARGS(source));
		ok = ok && is_said_exactly(load->suite, root);
		pool_done(&pool);
	}
	return ok;
}

/* The rules that are there stand in the order of the case. */
static bool order_is(struct load *load, const cJSON *rules)
{
	const struct rule *last = NULL;
	const cJSON *want;

	cJSON_ArrayForEach(want, rules)
	{
		const struct rule *rule = find_rule(load->set, want->string);

		if (rule && last && rule <= last)
			return failed(load->suite, "%s: order", want->string);
		last = rule ? rule : last;
	}
	return true;
}

static bool result_is(struct load *load)
{
	const cJSON *rules = member(load->expect, "rules"), *rule;
	const cJSON *enabled = member(load->expect, "enabled_rules");
	const cJSON *n_rules = member(load->expect, "n_rules");
	const cJSON *plugins = member(load->expect, "plugin_requirements");
	const char *compiled = string_member(load->expect, "compiled");
	bool ok = true;

	if (n_rules && cJSON_GetNumberValue(n_rules) != (double)count_rules(load->set))
		return failed(load->suite, "%u rules", count_rules(load->set));
	if (enabled && cJSON_GetNumberValue(enabled) != (double)count_enabled(load->set))
		return failed(load->suite, "%u enabled", count_enabled(load->set));
	cJSON_ArrayForEach(rule, rules) ok = ok && rule_is(load, rule);
	ok = ok && order_is(load, rules) && sources_hold(load);
	if (plugins && ok)
		ok = (rule_loader_check_plugins(load->loader, NULL) == 0) ==
			     (bool)cJSON_IsTrue(plugins) ||
		     failed(load->suite, "plugins");
	return ok && definitions_are(load) && (!compiled || compiled_are(load, compiled)) &&
	       steps_hold(load);
}

bool case_rules(struct suite *suite, const cJSON *test)
{
	struct load load = {.suite = suite, .test = test, .expect = member(test, "expect")};
	bool with_plugins = member(member(test, "options"), "plugin_fields") != NULL;
	bool ok;

	if (!read_options(&load))
		return false;
	if (rule_loader_create(&load.loader, with_plugins ? &suite->plugins : &suite->builtin,
			       &load.options))
		return failed(suite, "no memory");
	ok = load_all(&load) && (load.r || !load.set || result_is(&load));
	rule_set_destroy(&load.set);
	rule_loader_destroy(&load.loader);
	return ok;
}
