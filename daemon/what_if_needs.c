#include "daemon/what_if_needs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/util.h"
#include "filter/event_sets.h"

#define FIELDS_MAX 4096 /* of all rules; later ones are not looked for */

/* A field that some rule looks at. */
struct needed {
	const char *name;
	struct expr *expr; /* NULL: not looked for */
	struct event_set events;
	bool is_seen;
};

struct what_if_needs {
	const struct what_if_rules *rules;
	struct event_set seen;
	struct needed *items;
	uint32_t n;
};

static struct needed *find(const struct what_if_needs *needs, const char *name)
{
	for (uint32_t i = 0; i < needs->n; i++) {
		if (strcmp(needs->items[i].name, name) == 0)
			return &needs->items[i];
	}
	return NULL;
}

static void add_field(struct what_if_needs *needs, const struct what_if_rule *rule,
		      const char *name, const struct field_set *fields)
{
	struct needed *item = find(needs, name);
	struct diag diag = {0};

	if (!item) {
		if (needs->n == FIELDS_MAX)
			return;
		item = &needs->items[needs->n];
		item->name = name;
		if (expr_compile(&item->expr, text_from(name), fields, &diag))
			return;
		needs->n++;
	}
	if (rule->has_events)
		event_set_add(&item->events, &rule->events);
	else
		event_set_all(&item->events);
}

int what_if_needs_create(struct what_if_needs **out, const struct what_if_rules *rules,
			 const struct field_set *fields)
{
	SCOPED(what_if_needs_destroy) struct what_if_needs *needs = calloc(1, sizeof(*needs));

	if (!needs)
		return -ENOMEM;
	needs->rules = rules;
	needs->items = calloc(FIELDS_MAX, sizeof(*needs->items));
	if (!needs->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->n; i++) {
		for (uint32_t f = 0; f < rules->items[i].n_fields; f++)
			add_field(needs, &rules->items[i], rules->items[i].fields[f], fields);
	}
	*out = TAKE(needs);
	return 0;
}

void what_if_needs_destroy(struct what_if_needs **needs_ptr)
{
	struct what_if_needs *needs = TAKE(*needs_ptr);

	if (!needs)
		return;
	for (uint32_t i = 0; i < needs->n; i++)
		expr_destroy(&needs->items[i].expr);
	free(needs->items);
	free(needs);
}

static void note_event(struct event_set *seen, const struct event *ev)
{
	seen->types[ev->type / 64] |= UINT64_C(1) << (ev->type % 64);
	if (ev->type == EVENT_GENERIC && ev->nr < SYSCALL_SET_WORDS * 64)
		seen->syscalls[ev->nr / 64] |= UINT64_C(1) << (ev->nr % 64);
}

void what_if_needs_see(struct what_if_needs *needs, const struct field_context *ctx)
{
	const struct event *ev = ctx->event;

	note_event(&needs->seen, ev);
	for (uint32_t i = 0; i < needs->n; i++) {
		struct needed *item = &needs->items[i];
		struct values values;

		if (!item->is_seen && event_set_has(&item->events, ev->type, ev->nr))
			item->is_seen = expr_eval(item->expr, ctx, &values);
	}
}

cJSON *what_if_event_names(const struct event_set *events)
{
	cJSON *json = cJSON_CreateArray();
	uint32_t n;
	const struct syscall_info *calls = syscall_table(&n);

	for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
		if (type != EVENT_GENERIC && (events->types[type / 64] >> (type % 64) & 1))
			json_append_text(json, text_from(event_info((enum event_type)type)->name));
	}
	for (uint32_t i = 0; i < n; i++) {
		if (calls[i].event == EVENT_GENERIC && calls[i].nr64 >= 0 &&
		    (uint32_t)calls[i].nr64 < SYSCALL_SET_WORDS * 64 &&
		    (events->syscalls[calls[i].nr64 / 64] >> (calls[i].nr64 % 64) & 1))
			json_append_text(json, text_from(calls[i].name));
	}
	return json;
}

/* What of wanted was not seen. Whether anything of it was. */
static bool subtract(const struct event_set *wanted, const struct event_set *seen,
		     struct event_set *out)
{
	bool has_any = false;

	for (uint32_t w = 0; w < EVENT_SET_WORDS; w++) {
		has_any |= (wanted->types[w] & seen->types[w]) != 0;
		out->types[w] = wanted->types[w] & ~seen->types[w];
	}
	for (uint32_t w = 0; w < SYSCALL_SET_WORDS; w++) {
		has_any |= (wanted->syscalls[w] & seen->syscalls[w]) != 0;
		out->syscalls[w] = wanted->syscalls[w] & ~seen->syscalls[w];
	}
	return has_any;
}

cJSON *what_if_needs_missing(const struct what_if_needs *needs, uint32_t index)
{
	const struct what_if_rule *rule = &needs->rules->items[index];
	cJSON *json = cJSON_CreateObject(), *fields;
	struct event_set missing = {0};
	bool came = true;

	if (rule->has_events)
		came = subtract(&rule->events, &needs->seen, &missing);
	json_add_item(json, "events", what_if_event_names(&missing));
	fields = json_add_array(json, "fields");
	for (uint32_t i = 0; came && i < rule->n_fields; i++) {
		const struct needed *item = find(needs, rule->fields[i]);

		if (item && !item->is_seen)
			json_append_text(fields, text_from(rule->fields[i]));
	}
	json_add_u64(json, "undecided", 0);
	return json;
}
