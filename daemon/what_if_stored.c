#include "daemon/what_if_stored.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/given.h"
#include "daemon/what_if_rules.h"
#include "filter/filter.h"
#include "filter/stored.h"

struct what_if_stored {
	const struct field_set *real;
	struct given *given;
	cJSON *spans;
	const cJSON *span; /* of the event; NULL: unknown */
	uint64_t span_id;
	struct expr *pid, *start;
	char *cut; /* of the event */
};

int what_if_stored_create(struct what_if_stored **out, const struct field_set *real,
			  struct queries *queries, uint64_t since_ns, uint64_t until_ns)
{
	SCOPED(what_if_stored_destroy) struct what_if_stored *stored = calloc(1, sizeof(*stored));
	struct diag diag = {0};
	int r;

	if (!stored)
		return -ENOMEM;
	stored->real = real;
	r = given_create(&stored->given, "{}", real, &diag);
	if (!r)
		r = expr_compile(&stored->pid, TEXT("proc.pid"), given_fields(stored->given),
				 &diag);
	if (!r)
		r = expr_compile(&stored->start, TEXT("proc.pid.ts"), given_fields(stored->given),
				 &diag);
	if (!r)
		r = queries_spans(queries, since_ns, until_ns, &stored->spans);
	if (!r)
		*out = TAKE(stored);
	return r;
}

void what_if_stored_destroy(struct what_if_stored **stored_ptr)
{
	struct what_if_stored *stored = TAKE(*stored_ptr);

	if (!stored)
		return;
	expr_destroy(&stored->pid);
	expr_destroy(&stored->start);
	given_destroy(&stored->given);
	cJSON_Delete(stored->spans);
	free(stored->cut);
	free(stored);
}

const struct field_set *what_if_stored_fields(const struct what_if_stored *stored)
{
	return given_fields(stored->given);
}

/* Ids are small: exact in a double. */
static const cJSON *find_span(const struct what_if_stored *stored, uint64_t id)
{
	const cJSON *span;

	cJSON_ArrayForEach(span, stored->spans)
	{
		if (cJSON_GetNumberValue(cJSON_GetObjectItem(span, "id")) == (double)id)
			return span;
	}
	return NULL;
}

/* The type by name; of calls without an event of their own, and of types that are not known any
 * more, the general one. */
static enum event_type type_of(struct text name)
{
	int type = event_by_name(name);

	return type < 0 ? EVENT_GENERIC : (enum event_type)type;
}

int what_if_stored_take(struct what_if_stored *stored, const struct record_event *event)
{
	SCOPED(free_ptr) char *json = text_dup(event->fields);
	struct diag diag = {0};
	int r;

	free(stored->cut);
	stored->cut = text_dup(event->cut);
	if (!json || !stored->cut)
		return -ENOMEM;
	r = given_replace(stored->given, json, &diag);
	if (r)
		return r;
	given_set_event(stored->given, type_of(event->type), event->nr, event->ts_ns);
	if (event->span == stored->span_id)
		return 0;
	stored->span_id = event->span;
	stored->span = find_span(stored, event->span);
	return 1;
}

const struct field_context *what_if_stored_context(struct what_if_stored *stored)
{
	return given_context(stored->given);
}

static bool has_name(const cJSON *list, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		if (cJSON_IsString(item) && strcmp(item->valuestring, name) == 0)
			return true;
	}
	return false;
}

/* What a field is made of where it has no place of its own: all parameters, all ancestors. NULL:
 * nothing else. */
static const char *stored_as(const struct field *field, const char *name, char buffer[256])
{
	if (strncmp(name, "evt.arg.", 8) == 0)
		return stored_leaves_out(TEXT("evt.arg"), text_from(name + 8)) ? NULL : "evt.arg.*";
	if (strncmp(name, "evt.rawarg.", 11) == 0)
		return stored_leaves_out(TEXT("evt.rawarg"), text_from(name + 11)) ? NULL
										   : "evt.rawarg.*";
	if (!(field->flags & FIELD_ANY_ANCESTOR) || strcmp(field->name, name) == 0)
		return NULL;
	snprintf(buffer, 256, "%s", field->name);
	return buffer;
}

bool what_if_span_has(const struct what_if_stored *stored, const cJSON *span, const char *list,
		      const char *name)
{
	const cJSON *names = cJSON_GetObjectItem(span, list);
	struct text own = {name, (uint32_t)strcspn(name, "[")}, dot;
	const struct field *field;
	const char *other;
	char buffer[256];

	if (has_name(names, name))
		return true;
	if (strcmp(list, "fields") != 0)
		return false;
	field = field_set_find(stored->real, own, &dot);
	if (!field)
		return false;
	if (field->flags & FIELD_UNAVAILABLE)
		return true; /* it never has a value */
	other = stored_as(field, name, buffer);
	return other && has_name(names, other);
}

bool what_if_stored_has_field(const struct what_if_stored *stored, const char *field)
{
	return what_if_span_has(stored, stored->span, "fields", field);
}

bool what_if_stored_is_cut(const struct what_if_stored *stored, const char *field)
{
	const char *at = stored->cut;
	size_t len = strcspn(field, "[");

	if (strcmp(at, "*") == 0)
		return true;
	for (; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
		size_t own = strcspn(at, " [");

		if (own == len && strncmp(at, field, len) == 0)
			return true;
	}
	return false;
}

bool what_if_stored_decides(const struct what_if_stored *stored, const struct what_if_rule *rule)
{
	for (uint32_t i = 0; i < rule->n_condition_fields; i++) {
		if (!what_if_stored_has_field(stored, rule->fields[i]) ||
		    (*stored->cut && what_if_stored_is_cut(stored, rule->fields[i])))
			return false;
	}
	return true;
}

static bool eval_number(struct what_if_stored *stored, const struct expr *expr, uint64_t *out)
{
	struct values values;

	if (!expr_eval(expr, given_context(stored->given), &values) || values.n == 0)
		return false;
	*out = values.items[0].u64;
	return true;
}

int32_t what_if_stored_pid(struct what_if_stored *stored)
{
	uint64_t pid;

	return eval_number(stored, stored->pid, &pid) ? (int32_t)pid : 0;
}

uint64_t what_if_stored_start_ns(struct what_if_stored *stored)
{
	uint64_t start_ns;

	return eval_number(stored, stored->start, &start_ns) ? start_ns : 0;
}

const cJSON *what_if_stored_spans(const struct what_if_stored *stored)
{
	return stored->spans;
}
