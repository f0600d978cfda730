#include "rules/compile_window.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/operand.h"
#include "rules/collect_window.h"

static_assert(SEQUENCE_STEPS_MAX == RULE_STEPS_MAX, "every step has its place in an alert");

/* Names no event has, in what is compiled: only the definition counts. */
static const struct siphash_key no_secret;

static int compile_one(struct expr **out, struct text source, const struct place *place,
		       const struct field_set *fields, struct window_mistake *mistake)
{
	int r;

	mistake->place = *place;
	r = expr_compile_strict(out, source, fields, &mistake->diag);
	return !r && expr_is_output_only(*out)
		       ? diag_set(&mistake->diag, -EINVAL, "'%.*s' has values in outputs only",
				  TEXT_ARGS(source))
		       : r;
}

static int compile_by(struct window_rule *rule, uint32_t step, const struct texts *by,
		      const struct place *place, const struct field_set *fields,
		      struct window_mistake *mistake)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < by->n; i++)
		r = compile_one(&rule->steps[step].by[i], by->items[i], place, fields, mistake);
	return r;
}

/* Values of different classes are never equal: such steps could not meet. */
static int check_classes(const struct window_rule *rule, const struct window_def *def,
			 struct window_mistake *mistake)
{
	for (uint32_t step = 1; step < rule->n_steps; step++) {
		for (uint32_t i = 0; i < rule->n_by; i++) {
			enum value_class first = value_class_of(expr_type(rule->steps[0].by[i]));
			enum value_class own = value_class_of(expr_type(rule->steps[step].by[i]));

			if (first == own || first == VALUES_ANY || own == VALUES_ANY)
				continue;
			mistake->place = def->steps[step].place;
			return diag_set(&mistake->diag, -EINVAL,
					"member %u of 'by' is never equal to that of step 1: "
					"they are of different kinds",
					i + 1);
		}
	}
	return 0;
}

static int compile_sequence(struct window_rule *rule, const struct window_def *def,
			    const struct field_set *fields, struct window_mistake *mistake)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < def->n_steps; i++) {
		const struct step_def *step = &def->steps[i];
		const struct texts *by = step->has_by ? &step->by : &def->by;

		rule->n_by = by->n;
		r = compile_by(rule, i, by, step->has_by ? &step->by_place : &def->by_place, fields,
			       mistake);
	}
	return r ? r : check_classes(rule, def, mistake);
}

static int compile_count(struct window_rule *rule, const struct window_def *def,
			 const struct field_set *fields, struct window_mistake *mistake)
{
	int r = compile_by(rule, 0, &def->by, &def->by_place, fields, mistake);

	rule->n_by = def->by.n;
	if (!r && def->distinct.ptr)
		r = compile_one(&rule->distinct, def->distinct, &def->distinct_place, fields,
				mistake);
	return r;
}

int window_rule_compile(struct window_rule **out, const struct rule_def *def,
			const struct field_set *fields, struct window_mistake *mistake)
{
	SCOPED(window_rule_destroy) struct window_rule *rule = calloc(1, sizeof(*rule));
	const struct window_def *w = &def->window;
	int r;

	if (!rule)
		return -ENOMEM;
	rule->kind = w->kind;
	rule->within_ns = w->within_ns;
	rule->at_least = (uint32_t)w->at_least;
	rule->n_steps = w->kind == WINDOW_SEQUENCE ? w->n_steps : 1;
	r = w->kind == WINDOW_SEQUENCE ? compile_sequence(rule, w, fields, mistake)
				       : compile_count(rule, w, fields, mistake);
	if (r)
		return r;
	*out = TAKE(rule);
	return 0;
}

static bool has_step(const struct window_def *def, const struct field_arg *arg)
{
	for (uint32_t i = 0; i < def->n_steps; i++) {
		if (arg->is_index ? arg->index == i + 1 : text_equal(arg->text, def->steps[i].name))
			return true;
	}
	return false;
}

int window_check_output(const struct rule_def *def, const struct format *output, struct diag *diag)
{
	for (uint32_t i = 0; i < format_n_fields(output); i++) {
		const struct operand *operand = format_field(output, i);

		if (operand->kind == OPERAND_FIELD &&
		    text_starts_with(text_from(operand->field->name), TEXT("rule.step.")) &&
		    !has_step(&def->window, &operand->arg))
			return diag_set(diag, -EINVAL, "%s: the rule has no step '%.*s'",
					operand->field->name, TEXT_ARGS(operand->arg.text));
	}
	return 0;
}

static void print_by(FILE *out, const struct texts *by)
{
	for (uint32_t i = 0; i < by->n; i++)
		fprintf(out, "%s%.*s", i ? ", " : " by ", TEXT_ARGS(by->items[i]));
}

static void print_window(FILE *out, const struct window_rule *window, const struct window_def *def)
{
	fprintf(out, "%s", def->kind == WINDOW_COUNT ? "count" : "sequence");
	print_by(out, &def->by);
	fprintf(out, " within %gs", (double)def->within_ns / 1e9);
	if (def->kind == WINDOW_COUNT)
		fprintf(out, " at_least %u", window->at_least);
	if (def->distinct.ptr)
		fprintf(out, " distinct %.*s", TEXT_ARGS(def->distinct));
	for (uint32_t i = 0; i < def->n_steps; i++) {
		const struct step_def *step = &def->steps[i];

		fprintf(out, "; ");
		if (step->name.ptr)
			fprintf(out, "%.*s: ", TEXT_ARGS(step->name));
		fprintf(out, "%.*s", TEXT_ARGS(filter_text(window->steps[i].filter)));
		if (step->has_by)
			print_by(out, &step->by);
	}
}

static void print_uses(FILE *out, const struct window_def *def)
{
	print_by(out, &def->by);
	for (uint32_t i = 0; i < def->n_steps; i++)
		print_by(out, &def->steps[i].by);
	fprintf(out, " %.*s", TEXT_ARGS(def->distinct));
}

/* What one of them prints, in pool. */
static struct text printed(const struct window_rule *window, const struct window_def *def,
			   bool uses_only, struct pool *pool)
{
	SCOPED(free_ptr) char *buffer = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buffer, &size);

	if (!out)
		return TEXT_NONE;
	if (uses_only)
		print_uses(out, def);
	else
		print_window(out, window, def);
	if (fclose(out))
		return TEXT_NONE;
	return pool_text(pool, (struct text){buffer, (uint32_t)size});
}

static void add_text(struct siphash *s, struct text text)
{
	siphash_add_u64(s, text.len);
	siphash_add(s, text.ptr, text.len);
}

int window_rule_identify(struct window_rule *window, const struct rule_def *def,
			 const struct rule *rule, struct pool *pool)
{
	struct siphash s;

	for (uint32_t i = 0; i < def->window.n_steps; i++) {
		struct text name = def->window.steps[i].name;

		window->steps[i].name = name.ptr ? pool_text(pool, name) : TEXT("");
		if (!window->steps[i].name.ptr)
			return -ENOMEM;
	}
	window->uses = printed(window, &def->window, true, pool);
	window->summary = printed(window, &def->window, false, pool);
	if (!window->uses.ptr || !window->summary.ptr)
		return -ENOMEM;
	siphash_init(&s, no_secret);
	add_text(&s, rule->name);
	add_text(&s, rule->source);
	add_text(&s, rule->condition);
	add_text(&s, window->summary);
	siphash_add_u64(&s, window->within_ns); /* the summary rounds */
	window->identity = siphash_end(&s);
	return 0;
}
