/* Fields of what rules counted or followed: they have values while an alert is made of the match.
 */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/util.h"
#include "rules/rule_hit.h"
#include "rules/rules.h"
#include "state/fields.h"

enum hit_part { HIT_COUNT, HIT_SINCE, HIT_COMPLETE };

enum step_part { STEP_TIME, STEP_PID, STEP_TYPE, STEP_PROC };

static const struct rule_hit *hit_of(const struct field_context *ctx)
{
	return ctx->match ? ctx->match->hit : NULL;
}

static bool yield_number(const struct field_context *ctx, const struct field *field,
			 struct values *out, uint64_t number)
{
	struct value *value = yield_list(ctx, out, 1);

	if (value)
		*value = (struct value){.u64 = number, .type = field->type};
	return value;
}

static bool extract_hit(const struct field_context *ctx, const struct field *field,
			const struct field_arg *arg, struct values *out)
{
	const struct rule_hit *hit = hit_of(ctx);

	(void)arg;
	if (!hit)
		return false;
	switch (field->variant) {
	case HIT_COUNT: /* 0: a sequence */
		return hit->count && yield_number(ctx, field, out, hit->count);
	case HIT_SINCE:
		return yield_number(ctx, field, out, hit->since_ns);
	default:
		return yield_number(ctx, field, out, hit->is_complete);
	}
}

static bool extract_distinct(const struct field_context *ctx, const struct field *field,
			     const struct field_arg *arg, struct values *out)
{
	const struct rule_hit *hit = hit_of(ctx);
	struct value *values;

	(void)arg;
	if (!hit || !hit->n_values)
		return false;
	values = yield_list(ctx, out, hit->n_values);
	for (uint32_t i = 0; values && i < hit->n_values; i++)
		values[i] = (struct value){.text = hit->values[i], .type = field->type};
	return values;
}

/* By number from 1, or by name. NULL: there is none. */
static const struct rule_step *find_step(const struct rule_hit *hit, const struct field_arg *arg)
{
	for (uint32_t i = 0; hit && i < hit->n_steps; i++) {
		if (arg->is_index ? arg->index == i + 1 : text_equal(arg->text, hit->names[i]))
			return &hit->steps[i];
	}
	return NULL;
}

static bool extract_step(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	const struct rule_step *step = find_step(hit_of(ctx), arg);
	struct event ev;

	if (!step)
		return false;
	switch (field->variant) {
	case STEP_TIME:
		return yield_number(ctx, field, out, step->ts_ns);
	case STEP_PID:
		return yield_i64(ctx, out, field->type, step->pid);
	case STEP_TYPE:
		ev = (struct event){.type = (enum event_type)step->type, .nr = step->nr};
		return yield_text(ctx, out, event_name(&ev));
	default:
		return step->comm[0] &&
		       yield_text(ctx, out,
				  (struct text){step->comm,
						(uint32_t)strnlen(step->comm, RULE_COMM_MAX)});
	}
}

/* A number is that of a step; what names there are is the rule's business. */
static int check_step(const struct field *field, struct field_arg *arg)
{
	(void)field;
	return !arg->is_index || (arg->index >= 1 && arg->index <= RULE_STEPS_MAX) ? 0 : -EINVAL;
}

#define OF_STEP (FIELD_OUTPUT_ONLY | FIELD_ARG_REQUIRED | FIELD_ARG_INDEX | FIELD_ARG_KEY)

static const struct field fields[] = {
	{"rule.count", VALUE_UINT64, FIELD_OUTPUT_ONLY, extract_hit, NULL,
	 "Of a rule with `count`: occurrences that the alert tells of; with `distinct`, values.",
	 HIT_COUNT},
	{"rule.since", VALUE_ABSTIME, FIELD_OUTPUT_ONLY, extract_hit, NULL,
	 "Time of the first occurrence that the alert tells of, or of the first step.", HIT_SINCE},
	{"rule.complete", VALUE_BOOL, FIELD_OUTPUT_ONLY, extract_hit, NULL,
	 "Whether nothing was lost or given up in the window; if not, the count may be higher.",
	 HIT_COMPLETE},
	{"rule.distinct", VALUE_CHARBUF, FIELD_OUTPUT_ONLY | FIELD_LIST, extract_distinct, NULL,
	 "The different values that were counted, the first eight.", 0},
	{"rule.step.time", VALUE_ABSTIME, OF_STEP, extract_step, check_step,
	 "Time of a step of a sequence, by number from 1 or by name.", STEP_TIME},
	{"rule.step.pid", VALUE_PID, OF_STEP, extract_step, check_step, "Process of that step.",
	 STEP_PID},
	{"rule.step.type", VALUE_CHARBUF, OF_STEP, extract_step, check_step,
	 "Type of the event that was that step.", STEP_TYPE},
	{"rule.step.proc", VALUE_CHARBUF, OF_STEP, extract_step, check_step,
	 "Name of the process of that step.", STEP_PROC},
};

struct field_table hit_field_table(void)
{
	return (struct field_table){fields, ARRAY_SIZE(fields)};
}
