#include "rules/memory.h"
#include "rules/rule_set.h"
#include "state/state.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

enum rule_part { RULE_SEEN_BEFORE, RULE_SUPPRESSED, RULE_NEW_IN, RULE_NEW_DOUBT };

#define NEW_IN_BYTES_MAX 2048

/* Of the rule in brackets, which the loader puts there when a condition names none; in outputs
 * without one, of the rule that matched. */
static bool extract_seen_before(const struct field_context *ctx, const struct field *field,
				const struct field_arg *arg, struct values *out)
{
	const struct process *process = ctx->subject ? ctx->subject->process : NULL;
	uint64_t workload = process && process->workload ? process->workload->id : 0;
	struct value *value;

	if (!ctx->memory || (!arg->is_given && !ctx->match))
		return false;
	value = field_one_value(ctx, field, out);
	if (!value)
		return false;
	value->u64 = arg->is_given
			     ? rule_memory_had_fired(ctx->memory, (uint64_t)arg->prepared, workload)
			     : ctx->match->had_fired;
	return true;
}

/* Their names, separated by commas. */
static bool give_new_in(const struct field_context *ctx, struct value *value)
{
	const struct rule_match *match = ctx->match;
	const struct rule *rule = &match->set->rules[match->rule];
	char *bytes = arena_alloc(ctx->arena, NEW_IN_BYTES_MAX);
	uint32_t len = 0;

	if (!bytes)
		return false;
	for (uint32_t i = 0; i < rule->n_news; i++) {
		struct text name = rule->news[i].dimension;

		if (!(match->new_in >> i & 1) || len + name.len + 1 > NEW_IN_BYTES_MAX)
			continue;
		if (len)
			bytes[len++] = ',';
		memcpy(bytes + len, name.ptr, name.len);
		len += name.len;
	}
	value->text = (struct text){bytes, len};
	return true;
}

static bool extract_match(const struct field_context *ctx, const struct field *field,
			  const struct field_arg *arg, struct values *out)
{
	const struct rule_match *match = ctx->match;
	struct value *value;

	(void)arg;
	if (!match || (field->variant != RULE_SUPPRESSED && !match->new_in) ||
	    (field->variant == RULE_NEW_DOUBT && match->doubt == NEWS_CERTAIN))
		return false;
	value = field_one_value(ctx, field, out);
	if (!value)
		return false;
	if (field->variant == RULE_NEW_IN)
		return give_new_in(ctx, value);
	if (field->variant == RULE_NEW_DOUBT)
		value->text = text_from(news_doubt_name(match->doubt));
	else
		value->u64 = match->n_suppressed;
	return true;
}

static int check_rule_name(const struct field *field, struct field_arg *arg)
{
	(void)field;
	if (arg->is_given && !arg->text.len)
		return -EINVAL;
	arg->prepared = (intptr_t)rule_name_hash(arg->text);
	return 0;
}

static const struct field fields[] = {
	{"rule.seen_before", VALUE_BOOL, FIELD_ARG_ALLOWED | FIELD_ARG_KEY, extract_seen_before,
	 check_rule_name,
	 "Whether the rule, or the one named in brackets, fired in this workload before.",
	 RULE_SEEN_BEFORE},
	{"rule.suppressed", VALUE_UINT64, FIELD_OUTPUT_ONLY, extract_match, NULL,
	 "Alerts of the rule that its rate left out since its last one.", RULE_SUPPRESSED},
	{"rule.new_in", VALUE_CHARBUF, FIELD_OUTPUT_ONLY, extract_match, NULL,
	 "Of the dimensions in only_if_new those in which the behaviour is new.", RULE_NEW_IN},
	{"rule.new_doubt", VALUE_CHARBUF, FIELD_OUTPUT_ONLY, extract_match, NULL,
	 "Why that is not certain: unknown, unresolved, coarsened, pending full.", RULE_NEW_DOUBT},
};

struct field_table rule_field_table(void)
{
	return (struct field_table){fields, ARRAY_SIZE(fields)};
}
