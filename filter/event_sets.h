/* Which events can make a condition true (docs/filter-language.md, event-type sets). */
#pragma once

#include "filter/ast.h"
#include "filter/filter.h"

void event_set_none(struct event_set *set);
void event_set_all(struct event_set *set);
void event_set_add(struct event_set *set, const struct event_set *more);
void event_set_complement(struct event_set *set);
bool event_set_equal(const struct event_set *a, const struct event_set *b);

/* Add the events of that name: the event itself, or the call that has no event of its own. */
void event_set_add_name(struct event_set *set, struct text name);

/* How many kinds of events are in the set; the calls without an event of their own count as one. */
uint32_t event_set_count(const struct event_set *set);

bool event_set_has(const struct event_set *set, enum event_type type, uint32_t nr);

/* The set of a tree without macros. 0, or -EINVAL (diag's message and offset) when the type of the
 * event is compared in a way that leaves it unknown. */
int event_set_of(struct event_set *out, const struct ast_node *root, struct diag *diag);
