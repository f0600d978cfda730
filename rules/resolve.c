#include "rules/resolve.h"

#include <errno.h>

#include "base/util.h"

static const struct rule_dimension *find_dimension(const struct rule_options *options,
						   struct text name, int32_t *index)
{
	for (uint32_t i = 0; i < options->n_dimensions; i++) {
		if (text_equal(options->dimensions[i].name, name)) {
			*index = (int32_t)i;
			return &options->dimensions[i];
		}
	}
	return NULL;
}

static bool find_level(const struct rule_dimension *dimension, struct text name, int32_t *level)
{
	for (uint8_t i = 0; i < dimension->n_levels; i++) {
		if (text_equal(dimension->levels[i], name)) {
			*level = i;
			return true;
		}
	}
	return false;
}

/* A name that is not there: a word of caution, a rule left out, or a mistake. */
static int refuse_name(struct collection *c, const struct rule_def *def,
		       const struct news_def *news, bool is_level, bool *skip)
{
	struct text name = is_level ? news->level : news->dimension;
	const char *what = is_level ? "no level of its dimension" : "no dimension";

	if (c->options->may_lack_dimensions && !is_level) {
		report_warning(c, "LOAD_UNKNOWN_FILTER", &news->place, def->name,
			       "'only_if_new': '%.*s' is %s known here", TEXT_ARGS(name), what);
		return 0;
	}
	if (def->skip_if_unknown) {
		report_warning(c, "LOAD_UNKNOWN_FILTER", &news->place, def->name,
			       "left out: '%.*s' is %s", TEXT_ARGS(name), what);
		*skip = true;
		return 0;
	}
	return report_error(c, "LOAD_ERR_VALIDATE", &news->place, def->name,
			    "'only_if_new': '%.*s' is %s", TEXT_ARGS(name), what);
}

static bool sets_meet(const struct event_set *a, const struct event_set *b)
{
	uint64_t both = 0;

	for (uint32_t w = 0; w < EVENT_SET_WORDS; w++)
		both |= a->types[w] & b->types[w];
	for (uint32_t w = 0; w < SYSCALL_SET_WORDS; w++)
		both |= a->syscalls[w] & b->syscalls[w];
	return both;
}

static int resolve_entry(struct collection *c, const struct rule_def *def,
			 const struct news_def *news, const struct rule *rule,
			 struct rule_news *out, bool *skip)
{
	const struct rule_dimension *dimension;

	*out = (struct rule_news){.dimension = news->dimension, .index = -1, .level = -1};
	dimension = find_dimension(c->options, news->dimension, &out->index);
	if (!dimension)
		return refuse_name(c, def, news, false, skip);
	if (news->level.len && !find_level(dimension, news->level, &out->level))
		return refuse_name(c, def, news, true, skip);
	if (!sets_meet(dimension->events, filter_event_set(rule->filter)))
		report_warning(c, "LOAD_NEVER_FIRES", &news->place, def->name,
			       "'only_if_new': dimension '%.*s' observes none of the events of the "
			       "condition",
			       TEXT_ARGS(news->dimension));
	return 0;
}

int resolve_news(struct collection *c, const struct rule_def *def, struct rule *rule, bool *skip)
{
	int r = 0;

	if (!def->only_if_new.n)
		return 0;
	if (!text_equal(def->source, TEXT("syscall")))
		return report_error(c, "LOAD_ERR_VALIDATE", &def->only_if_new.items[0].place,
				    def->name, "'only_if_new' needs a rule about system calls");
	rule->news = pool_alloc(&c->pool, def->only_if_new.n * sizeof(*rule->news));
	if (!rule->news)
		return -ENOMEM;
	rule->n_news = def->only_if_new.n;
	for (uint32_t i = 0; !r && !*skip && i < rule->n_news; i++)
		r = resolve_entry(c, def, &def->only_if_new.items[i], rule, &rule->news[i], skip);
	return r;
}

int describe_gates(struct collection *c, const struct rule_def *def, struct rule *rule)
{
	rule->only_if_new = rule->own_rate = TEXT("");
	for (uint32_t i = 0; rule->only_if_new.ptr && i < def->only_if_new.n; i++) {
		const struct news_def *news = &def->only_if_new.items[i];

		rule->only_if_new =
			pool_print(&c->pool, "%.*s%s%.*s%s%.*s", TEXT_ARGS(rule->only_if_new),
				   i ? " " : "", TEXT_ARGS(news->dimension),
				   news->level.len ? "@" : "", TEXT_ARGS(news->level));
	}
	if (def->has_rate && !def->rate.burst)
		rule->own_rate = TEXT("none");
	else if (def->has_rate)
		rule->own_rate = pool_print(&c->pool, "%u in %.10gs", def->rate.burst,
					    (double)def->rate.per_ns / 1e9);
	return rule->only_if_new.ptr && rule->own_rate.ptr ? 0 : -ENOMEM;
}

void resolve_seen_before(struct collection *c, const struct rule_def *def, struct ast_node *tree)
{
	for (uint32_t i = 0; i < tree->n_children; i++)
		resolve_seen_before(c, def, tree->children[i]);
	if ((tree->kind != AST_FIELD && tree->kind != AST_VAL) ||
	    !text_equal(tree->text, TEXT("rule.seen_before")))
		return;
	if (!tree->has_arg) {
		tree->has_arg = true;
		tree->arg = def->name;
	} else if (!collection_rule(c, tree->arg)) {
		report_warning(c, "LOAD_UNKNOWN_FILTER", &def->condition_place, def->name,
			       "'rule.seen_before': there is no rule '%.*s'", TEXT_ARGS(tree->arg));
	}
}
