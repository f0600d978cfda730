#include "rules/window_rule.h"

#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

#include "base/arena.h"
#include "base/util.h"
#include "rules/count.h"
#include "rules/sequence.h"
#include "state/state.h"

#define SHOWN_BYTES_MAX 64 /* of a distinct value; a cell holds less */

void window_rule_destroy(struct window_rule **rule)
{
	struct window_rule *r = *rule;

	if (!r)
		return;
	for (uint32_t i = 0; i < RULE_STEPS_MAX; i++) {
		filter_destroy(&r->steps[i].filter);
		for (uint32_t j = 0; j < WINDOW_BY_MAX; j++)
			expr_destroy(&r->steps[i].by[j]);
	}
	expr_destroy(&r->distinct);
	free(r);
	*rule = NULL;
}

enum value_class value_class_of(enum value_type type)
{
	if (value_type_is_text(type))
		return VALUES_TEXT;
	switch (type) {
	case VALUE_IPADDR:
	case VALUE_IPNET:
		return VALUES_ADDRESS;
	case VALUE_DOUBLE:
		return VALUES_REAL;
	case VALUE_DYNAMIC:
		return VALUES_ANY;
	default:
		return VALUES_NUMBER;
	}
}

/* Bytes that are the same for two values if and only if they compare equal. */
static void hash_value(struct siphash *s, const struct value *value)
{
	enum value_class class = value_class_of(value->type);

	siphash_add_u64(s, class);
	switch (class) {
	case VALUES_TEXT:
		siphash_add_u64(s, value->text.len);
		siphash_add(s, value->text.ptr, value->text.len);
		break;
	case VALUES_ADDRESS:
		siphash_add_u64(s, (uint64_t)value->ip.family << 8 | value->ip.prefix);
		siphash_add(s, value->ip.bytes, value->ip.family == AF_INET ? 4 : 16);
		break;
	default:
		siphash_add_u64(s, value->u64);
		break;
	}
}

/* False: absent, or a list of nothing. */
static bool hash_expr(struct siphash *s, const struct expr *expr, const struct field_context *ctx,
		      struct values *values)
{
	if (!expr_eval(expr, ctx, values) || !values->n)
		return false;
	siphash_add_u64(s, values->n);
	for (uint32_t i = 0; i < values->n; i++)
		hash_value(s, &values->items[i]);
	return true;
}

static bool hash_key(const struct window_rule *rule, uint32_t step, struct siphash_key secret,
		     const struct field_context *ctx, struct hash128 *out)
{
	struct siphash s;

	siphash_init(&s, secret);
	siphash_add(&s, &rule->identity, sizeof(rule->identity));
	for (uint32_t i = 0; i < rule->n_by; i++) {
		struct values values;

		if (!hash_expr(&s, rule->steps[step].by[i], ctx, &values))
			return false;
	}
	*out = siphash_end(&s);
	return true;
}

static bool fill_value(const struct window_rule *rule, struct siphash_key secret,
		       const struct field_context *ctx, struct occurrence *o)
{
	char *shown;
	struct values values;
	struct siphash s;

	if (!rule->distinct)
		return true;
	siphash_init(&s, secret);
	if (!hash_expr(&s, rule->distinct, ctx, &values))
		return false;
	o->value = siphash_end(&s).words[0];
	shown = arena_alloc(ctx->arena, SHOWN_BYTES_MAX);
	if (shown && values.n)
		o->shown = (struct text){shown,
					 value_print(&values.items[0], 0, shown, SHOWN_BYTES_MAX)};
	return true;
}

static void fill_step(const struct field_context *ctx, struct rule_step *out)
{
	const struct subject *subject = ctx->subject;
	const struct process *process = subject ? subject->process : NULL;

	*out = (struct rule_step){.num = ctx->event->num,
				  .pid = process ? process->pid : ctx->event->tid,
				  .type = (uint16_t)ctx->event->type,
				  .nr = (uint16_t)ctx->event->nr};
	if (process)
		memcpy(out->comm, process->leader->comm, process->leader->comm_len);
}

static void complete_hit(const struct window_rule *rule, const struct windows *windows,
			 uint64_t now_ns, struct rule_hit *hit)
{
	uint64_t window = now_ns > rule->within_ns ? now_ns - rule->within_ns : 0;

	hit->is_complete = windows_are_complete(windows, rule->list, MIN(window, hit->since_ns));
}

bool window_rule_note(const struct window_rule *rule, uint32_t step, struct windows *windows,
		      const struct field_context *ctx, struct window_match *match)
{
	struct siphash_key secret = windows_secret(windows);
	struct rule_hit found = {0};
	struct occurrence o = {0};
	struct rule_step this;
	struct hash128 key;
	bool is_match;

	if (!hash_key(rule, step, secret, ctx, &key) || !fill_value(rule, secret, ctx, &o)) {
		windows_count_keyless(windows);
		return false;
	}
	if (match->is_match && key.words[0] == match->key.words[0] &&
	    key.words[1] == match->key.words[1])
		return false;
	o.now_ns = windows_now(windows, rule->list, ctx->event->ts_ns);
	if (rule->kind == WINDOW_COUNT) {
		is_match = count_note(rule, windows, key, &o, ctx->arena, &found);
	} else {
		fill_step(ctx, &this);
		this.ts_ns = o.now_ns;
		is_match = sequence_note(rule, windows, key, step, &this, &found);
	}
	if (!is_match)
		return false;
	complete_hit(rule, windows, o.now_ns, &found);
	match->hit = arena_alloc(ctx->arena, sizeof(found));
	if (match->hit)
		*match->hit = found;
	match->is_match = true;
	match->key = key;
	return true;
}
