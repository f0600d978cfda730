/* A stored event as filters see it: the values that were stored, and which fields were. */
#pragma once

#include "filter/explain.h"

struct stored_event;

/* fields: the record's JSON; names: those of its span, an array (NULL: not known any more, then
 * only what has a value is known); cut: the record's. real must outlive it. 0 gives *out; -EINVAL
 * with the reason; -ENOMEM. */
int stored_event_create(struct stored_event **out, struct text fields, const cJSON *names,
			struct text cut, const struct field_set *real, struct diag *diag);
void stored_event_destroy(struct stored_event **event);

/* To compile filters with. Borrowed. */
const struct field_set *stored_event_fields(const struct stored_event *event);

/* To evaluate them with. Borrowed. */
void stored_event_source(struct stored_event *event, struct explain_source *out);
