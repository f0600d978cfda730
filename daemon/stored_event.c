#include "daemon/stored_event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/given.h"
#include "filter/stored.h"

#define NAME_BYTES_MAX 512

struct stored_event {
	const struct field_set *real;
	struct given *given;
	cJSON *values;
	char *cut; /* " name name " */
	char **names;
	uint32_t n;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int copy_names(struct stored_event *event, const cJSON *names)
{
	const cJSON *name;

	event->names = calloc((size_t)cJSON_GetArraySize(names) + 1, sizeof(*event->names));
	if (!event->names)
		return -ENOMEM;
	cJSON_ArrayForEach(name, names)
	{
		if (!cJSON_IsString(name))
			continue;
		event->names[event->n] = strdup(name->valuestring);
		if (!event->names[event->n])
			return -ENOMEM;
		event->n++;
	}
	qsort((void *)event->names, event->n, sizeof(*event->names), compare_names);
	return 0;
}

/* Fields that this version does not have say nothing to it. */
static void drop_unknown(cJSON *values, const struct field_set *real)
{
	cJSON *next;

	for (cJSON *item = values->child; item; item = next) {
		struct text name = {item->string, (uint32_t)strcspn(item->string, "[")}, arg;

		next = item->next;
		if (!field_set_find(real, name, &arg))
			cJSON_Delete(cJSON_DetachItemViaPointer(values, item));
	}
}

static int read_values(struct stored_event *event, struct text fields, struct diag *diag)
{
	SCOPED(free_ptr) char *text = NULL;

	event->values = cJSON_ParseWithLength(fields.ptr ? fields.ptr : "", fields.len);
	if (!cJSON_IsObject(event->values))
		return diag_set(diag, -EINVAL, "what is stored of the event is no JSON object");
	drop_unknown(event->values, event->real);
	text = cJSON_PrintUnformatted(event->values);
	return text ? given_create(&event->given, text, event->real, diag) : -ENOMEM;
}

int stored_event_create(struct stored_event **out, struct text fields, const cJSON *names,
			struct text cut, const struct field_set *real, struct diag *diag)
{
	SCOPED(stored_event_destroy) struct stored_event *event = calloc(1, sizeof(*event));
	int r;

	if (!event)
		return -ENOMEM;
	event->real = real;
	if (asprintf(&event->cut, " %.*s ", TEXT_ARGS(cut)) < 0) {
		event->cut = NULL;
		return -ENOMEM;
	}
	r = copy_names(event, names);
	if (r == 0)
		r = read_values(event, fields, diag);
	if (r == 0)
		*out = TAKE(event);
	return r;
}

void stored_event_destroy(struct stored_event **event_ptr)
{
	struct stored_event *event = TAKE(*event_ptr);

	if (!event)
		return;
	for (uint32_t i = 0; i < event->n; i++)
		free(event->names[i]);
	free((void *)event->names);
	given_destroy(&event->given);
	cJSON_Delete(event->values);
	free(event->cut);
	free(event);
}

const struct field_set *stored_event_fields(const struct stored_event *event)
{
	return given_fields(event->given);
}

/* ---- what is known ------------------------------------------------------------------------- */

static bool is_in_span(const struct stored_event *event, const char *name)
{
	return bsearch(&name, (const void *)event->names, event->n, sizeof(*event->names),
		       compare_names) != NULL;
}

static bool is_cut(const struct stored_event *event, const char *name)
{
	char padded[NAME_BYTES_MAX + 2];

	snprintf(padded, sizeof(padded), " %s ", name);
	return strstr(event->cut, padded) || strstr(event->cut, " * ");
}

/* Under that name: it has a value, or it was looked for and was absent. */
static bool is_known_as(const struct stored_event *event, const char *name)
{
	if (cJSON_GetObjectItemCaseSensitive(event->values, name))
		return true;
	return is_in_span(event, name) && !is_cut(event, name);
}

/* All parameters but a few are stored, under "evt.arg.*" in the span. */
static bool is_known_param(const struct stored_event *event, const struct field *field,
			   const struct field_arg *arg, const char *name)
{
	char all[64];

	if (arg->is_index ||
	    (strcmp(field->name, "evt.arg") != 0 && strcmp(field->name, "evt.rawarg") != 0))
		return false;
	snprintf(all, sizeof(all), "%s.*", field->name);
	return is_in_span(event, all) && !stored_leaves_out(text_from(field->name), arg->text) &&
	       !is_cut(event, name);
}

/* An ancestor by number is known from the list of all; number 0 is the process itself. */
static bool is_known_ancestor(const struct stored_event *event, const struct field *field,
			      const struct field_arg *arg)
{
	char own[NAME_BYTES_MAX];

	if (!arg->is_index || !(field->flags & FIELD_ANY_ANCESTOR))
		return false;
	if (arg->index > 0)
		return cJSON_GetObjectItemCaseSensitive(event->values, field->name) != NULL;
	snprintf(own, sizeof(own), "proc.%s", field->name + strlen("proc.a"));
	return is_known_as(event, own);
}

/* Such a field never has a value, stored or not. */
static bool is_never_there(const struct stored_event *event, const struct field *field)
{
	struct text arg;
	const struct field *real = field_set_find(event->real, text_from(field->name), &arg);

	return real && real->flags & FIELD_UNAVAILABLE;
}

static bool is_known(const struct field *field, const struct field_arg *arg, void *known_arg)
{
	const struct stored_event *event = known_arg;
	char name[NAME_BYTES_MAX], dotted[NAME_BYTES_MAX];

	if (is_never_there(event, field))
		return true;
	if (!arg->is_given)
		return is_known_as(event, field->name);
	snprintf(name, sizeof(name), "%s[%.*s]", field->name, TEXT_ARGS(arg->text));
	snprintf(dotted, sizeof(dotted), "%s.%.*s", field->name, TEXT_ARGS(arg->text));
	return is_known_as(event, name) || is_known_as(event, dotted) ||
	       is_known_param(event, field, arg, dotted) || is_known_ancestor(event, field, arg);
}

void stored_event_source(struct stored_event *event, struct explain_source *out)
{
	*out = (struct explain_source){
		.ctx = given_context(event->given), .is_known = is_known, .known_arg = event};
}
