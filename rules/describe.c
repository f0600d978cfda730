#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "filter/compiled.h"
#include "filter/event_sets.h"
#include "filter/stored.h"
#include "rules/rule_set.h"

#define CALLS_MAX 512 /* bits of struct event_set */
#define NAMES_BYTES_MAX (EVENT_TYPE_END * 40 + CALLS_MAX * 40)

static int add_operand(const struct operand *operand, void *arg)
{
	int r = stored_set_add(arg, operand);

	return r == -E2BIG ? 0 : r; /* what is left out is not among the names */
}

static void print_name(struct print *p, const char *name, bool *is_first)
{
	if (!*is_first)
		print_string(p, ",");
	*is_first = false;
	print_json_string(p, text_from(name));
}

/* "events": what is captured by name, calls without an event of their own too. */
static void print_events(struct print *p, const struct event_set *captured)
{
	bool is_first = true;

	print_string(p, "\"events\":[");
	for (int type = 0; type < EVENT_TYPE_END; type++) {
		if (type != EVENT_GENERIC && captured->types[type / 64] >> type % 64 & 1)
			print_name(p, event_info((enum event_type)type)->name, &is_first);
	}
	for (uint16_t nr = 0; nr < CALLS_MAX; nr++) {
		const struct syscall_info *call = syscall_by_nr(nr, false);

		if (call && call->event == EVENT_GENERIC &&
		    event_set_has(captured, EVENT_GENERIC, nr))
			print_name(p, call->name, &is_first);
	}
	print_string(p, "]");
}

static int print_span(struct rule_set *set, const struct event_set *captured)
{
	SCOPED(free_ptr) char *names = stored_set_names(set->stored);
	uint32_t size = names ? (uint32_t)strlen(names) + NAMES_BYTES_MAX : 0;
	SCOPED(free_ptr) char *buffer = names ? malloc(size) : NULL;
	struct print p = {.buffer = buffer, .size = size};

	if (!buffer)
		return -ENOMEM;
	print_string(&p, "{");
	print_events(&p, captured);
	print_string(&p, ",\"fields\":");
	print_string(&p, names);
	print_string(&p, "}");
	set->span = pool_text(&set->pool, (struct text){buffer, p.len});
	return p.is_cut || !set->span.ptr ? -ENOMEM : 0;
}

int rule_set_describe(struct rule_set *set, const struct field_set *fields,
		      const struct event_set *captured)
{
	int r;

	stored_set_destroy(&set->stored);
	r = stored_set_create(&set->stored, fields);
	if (r == 0)
		r = filter_share_each_operand(set->share, add_operand, set->stored);
	return r ? r : print_span(set, captured);
}

const struct stored_set *rule_set_stored(const struct rule_set *set)
{
	return set->stored;
}

struct text rule_set_span(const struct rule_set *set)
{
	return set->span;
}

struct record_condition *rule_condition_create(struct rule_set *set, uint32_t rule, uint64_t ts_ns)
{
	struct rule *r = &set->rules[rule];
	struct record_condition condition = {.hash = r->condition_hash,
					     .last_ns = ts_ns,
					     .rule = r->name,
					     .text = filter_source(r->filter)};
	struct record_condition *record;

	if (r->is_condition_given)
		return NULL;
	record = record_condition_copy(&condition);
	r->is_condition_given = record != NULL;
	return record;
}
