/* What tests of counts and sequences share: rules over events made of numbers. t.key and t.other
 * are keys, t.value a text, t.a to t.d what steps ask for. */
#pragma once

#include "rules/rule_hit.h"
#include "rules/rule_set.h"
#include "tests/unit/rules/rules_test.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define START_NS (UINT64_C(1700000000) * SECOND)
#define ABSENT INT32_MIN

/* One event: at so many ms. */
struct moment {
	int64_t at_ms;
	int32_t key, value; /* ABSENT: none */
	uint32_t steps;     /* bit by letter: a 1, b 2, c 4, d 8 */
	int32_t other;      /* second key */
};

static inline bool extract_moment(const struct field_context *ctx, const struct field *field,
				  const struct field_arg *arg, struct values *out)
{
	const struct event *ev = ctx->event;
	struct value *value = arena_alloc(ctx->arena, sizeof(*value));
	char *text = arena_alloc(ctx->arena, 128);
	int32_t number = field->variant == 0 ? ev->tid : field->variant == 1 ? (int32_t)ev->res : 0;

	(void)arg;
	assert_true(value && text);
	*value = (struct value){.type = field->type};
	*out = (struct values){value, 1};
	if (field->variant >= 8) {
		value->u64 = (uint64_t)(ev->cpu >> (field->variant - 8) & 1);
		return true;
	}
	if (field->variant == 2)
		number = ev->tgid;
	if (number == ABSENT)
		return false;
	if (field->type == VALUE_CHARBUF)
		value->text = (struct text){
			text, (uint32_t)snprintf(text, 128,
						 number > 99 ? "a value that is too long to be "
							       "shown in full, number %d"
							     : "v%d",
						 number)};
	else
		value->i64 = number;
	return true;
}

static const struct field moment_fields[] = {
	{"t.key", VALUE_INT32, 0, extract_moment, NULL, "", 0},
	{"t.other", VALUE_INT32, 0, extract_moment, NULL, "", 2},
	{"t.value", VALUE_CHARBUF, 0, extract_moment, NULL, "", 1},
	{"t.name", VALUE_CHARBUF, 0, extract_moment, NULL, "", 0},
	{"t.a", VALUE_UINT64, 0, extract_moment, NULL, "", 8},
	{"t.b", VALUE_UINT64, 0, extract_moment, NULL, "", 9},
	{"t.c", VALUE_UINT64, 0, extract_moment, NULL, "", 10},
	{"t.d", VALUE_UINT64, 0, extract_moment, NULL, "", 11},
	{"evt.type", VALUE_CHARBUF, 0, extract_test, NULL, "", 2},
	{"evt.time", VALUE_CHARBUF, 0, extract_test, NULL, "", 2},
	{"proc.name", VALUE_CHARBUF, 0, extract_test, NULL, "", 0},
};

static inline const struct field_set *moment_field_set(void)
{
	static struct field_set set;

	set = (struct field_set){
		.tables = {{moment_fields, ARRAY_SIZE(moment_fields)}, hit_field_table()},
		.n_tables = 2};
	return &set;
}

#define EVENTS "evt.type = openat"

struct watch {
	struct rule_set *set;
	struct arena arena;
	uint64_t num;
};

static inline void watch_load(struct watch *w, const char *text, const struct rule_options *options)
{
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	SCOPED(rule_loader_destroy) struct rule_loader *loader = NULL;

	assert_int_equal(rule_loader_create(&loader, moment_field_set(), options), 0);
	if (rule_loader_add(loader, "rules", text, strlen(text), &w->set, &messages))
		fail_msg("%u:%u %s in\n%s", messages.items[0].line, messages.items[0].column,
			 messages.items[0].message, text);
}

static inline void watch_begin(struct watch *w, const char *text,
			       const struct rule_options *options)
{
	*w = (struct watch){0};
	assert_int_equal(arena_init(&w->arena, 1 << 20), 0);
	watch_load(w, text, options);
}

static inline void watch_end(struct watch *w)
{
	rule_set_destroy(&w->set);
	arena_done(&w->arena);
}

/* Show it one event; how many rules match, and the first of them. */
static inline uint32_t watch_event(struct watch *w, const struct moment *m,
				   struct rule_match matches[RULE_MATCHES_MAX])
{
	struct event ev = {.type = EVENT_OPENAT,
			   .ts_ns = (uint64_t)((int64_t)START_NS + m->at_ms * (int64_t)MS),
			   .num = ++w->num,
			   .tid = m->key,
			   .tgid = m->other,
			   .res = m->value,
			   .cpu = (uint16_t)m->steps};
	const struct field_context ctx = {.event = &ev, .arena = &w->arena};

	arena_reset(&w->arena);
	return rule_set_match(w->set, TEXT("syscall"), &ctx, matches);
}
