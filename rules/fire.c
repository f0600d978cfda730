#include "rules/fire.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "rules/memory.h"
#include "state/state.h"

#define OCCURRENCE_BYTES_MAX 16384

/* Certain news count before doubtful ones. */
bool rule_is_news(const struct rule *rule, const struct field_context *ctx,
		  struct rule_match *match)
{
	for (uint32_t i = 0; i < rule->n_news; i++) {
		const struct rule_news *ask = &rule->news[i];
		struct news news = {true, NEWS_UNKNOWN};

		if (ask->index >= 0)
			news = news_of(ctx, (uint32_t)ask->index, ask->level);
		if (!news.is_new)
			continue;
		if (!match->new_in || news.doubt < match->doubt)
			match->doubt = news.doubt;
		match->new_in |= UINT64_C(1) << i;
	}
	return !rule->n_news || match->new_in;
}

static uint64_t workload_id(const struct field_context *ctx)
{
	const struct process *process = ctx->subject ? ctx->subject->process : NULL;

	return process && process->workload ? process->workload->id : 0;
}

/* Whether an alert more is within the rate. */
static bool take_token(struct rule *rule, uint64_t ts_ns)
{
	struct rate_state *s = &rule->rate_state;
	double burst = rule->rate.burst;

	/* Time that goes back far is another capture, or a clock that was set. */
	if (!s->filled_ns || (ts_ns < s->filled_ns && s->filled_ns - ts_ns > rule->rate.per_ns)) {
		s->tokens = burst;
		s->filled_ns = ts_ns;
	} else if (ts_ns > s->filled_ns) {
		double share = (double)(ts_ns - s->filled_ns) / (double)rule->rate.per_ns;

		s->tokens = MIN(burst, s->tokens + share * burst);
		s->filled_ns = ts_ns;
	}
	if (s->tokens < 1)
		return false;
	s->tokens -= 1;
	return true;
}

/* Whether this rule was true of the same before: looked at only past the rate, so what occurred
 * within it passes once more. What cannot be told is new. */
static bool is_repeat(const struct rule_set *set, const struct rule *rule,
		      const struct field_context *ctx)
{
	const struct format *format = set->occurrences[ctx->incident != NULL];
	struct text what = {.ptr = NULL};
	char *bytes;

	if (!ctx->memory || !format || !ctx->arena)
		return false;
	bytes = arena_alloc(ctx->arena, OCCURRENCE_BYTES_MAX);
	if (!bytes)
		return false;
	what = (struct text){bytes, format_print(format, ctx, bytes, OCCURRENCE_BYTES_MAX)};
	if (what.len >= OCCURRENCE_BYTES_MAX - 1)
		return false;
	return rule_memory_note(ctx->memory, rule->name_hash, workload_id(ctx), what);
}

static void limit(struct rule_set *set, struct rule *rule, const struct field_context *ctx,
		  struct rule_match *match)
{
	struct rate_state *s = &rule->rate_state;

	if (!rule->rate.burst)
		return;
	if (!take_token(rule, ctx->event->ts_ns) && is_repeat(set, rule, ctx)) {
		match->is_suppressed = true;
		rule->suppressed_total++;
		s->n_suppressed++;
		return;
	}
	match->n_suppressed = s->n_suppressed;
	s->n_suppressed = 0;
}

void rule_fire(struct rule_set *set, const struct field_context *ctx, struct rule_match *match)
{
	struct rule *rule = &set->rules[match->rule];

	rule->hits_total++;
	rule->last_hit_ns = ctx->event->ts_ns;
	if (ctx->memory)
		match->had_fired = rule_memory_fire(ctx->memory, rule->name_hash, workload_id(ctx));
	limit(set, rule, ctx, match);
}

/* "%a %b" of those fields that exist. */
static int compile_existing(const struct field_set *fields, const char *const *names, size_t n,
			    struct format **out)
{
	char source[256] = "";
	struct diag diag = {0};
	struct text rest;
	int r;

	for (size_t i = 0; i < n; i++) {
		if (!field_set_find(fields, text_from(names[i]), &rest))
			continue;
		strcat(source, "%");
		strcat(source, names[i]);
		strcat(source, " ");
	}
	if (!*source)
		return 0;
	r = format_compile(out, text_from(source), fields, &diag);
	return r == -ENOMEM ? r : 0;
}

int rule_occurrences_compile(struct rule_set *set, const struct field_set *fields)
{
	static const char *const calls[] = {"evt.type",     "proc.exepath",   "fd.name",
					    "fs.path.name", "fs.path.source", "fs.path.target"};
	static const char *const incidents[] = {"incident.id"};
	int r = compile_existing(fields, calls, ARRAY_SIZE(calls), &set->occurrences[0]);

	return r ? r
		 : compile_existing(fields, incidents, ARRAY_SIZE(incidents), &set->occurrences[1]);
}
