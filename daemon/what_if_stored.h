/* Stored events as what rules are evaluated on, and the spans that say what was stored when. One
 * thread. */
#pragma once

#include <cjson/cJSON.h>

#include "state/field.h"
#include "storage/queries.h"

struct what_if_stored;

/* For events between the times (0: no bound). real must outlive it. 0, -ENOMEM, or
 * queries_spans()'s error. */
int what_if_stored_create(struct what_if_stored **out, const struct field_set *real,
			  struct queries *queries, uint64_t since_ns, uint64_t until_ns);
void what_if_stored_destroy(struct what_if_stored **stored);

/* What filters are to be compiled against. */
const struct field_set *what_if_stored_fields(const struct what_if_stored *stored);

/* Take the event, borrowed until the next. 1: its span is another than that of the event before; 0;
 * -EINVAL: it cannot be read any more; -ENOMEM. */
int what_if_stored_take(struct what_if_stored *stored, const struct record_event *event);

/* A context in which fields yield what was stored of the event. */
const struct field_context *what_if_stored_context(struct what_if_stored *stored);

/* Whether a field ("proc.aname[2]") was stored in the event's span: if not, its value is unknown,
 * not absent. */
bool what_if_stored_has_field(const struct what_if_stored *stored, const char *field);

/* Whether it did not fit into the event. */
bool what_if_stored_is_cut(const struct what_if_stored *stored, const char *field);

/* Whether all that the rule's condition looks at is known of the event. */
struct what_if_rule;
bool what_if_stored_decides(const struct what_if_stored *stored, const struct what_if_rule *rule);

/* The process, for alerts made of it: 0 unknown. */
int32_t what_if_stored_pid(struct what_if_stored *stored);
uint64_t what_if_stored_start_ns(struct what_if_stored *stored);

/* All spans: {"from", "to", "events": [..], "fields": [..]}, oldest first; NULL in a list: unknown.
 */
const cJSON *what_if_stored_spans(const struct what_if_stored *stored);

/* Whether a list of a span ("events", "fields") has the name, or for fields what it can be made of.
 */
bool what_if_span_has(const struct what_if_stored *stored, const cJSON *span, const char *list,
		      const char *name);
