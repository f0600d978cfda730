/* Filter fields whose values are given as JSON instead of taken from events, so that filters and
 * formats can be tried by hand: {"proc.name": "cat", "proc.aname": ["bash", "sshd"],
 * "evt.arg.flags": "O_RDONLY"}. A field that is not given is absent. */
#pragma once

#include "base/diag.h"
#include "base/event_table.h"
#include "state/field.h"

struct given;

/* real must outlive it. 0 gives *out; -EINVAL with the reason: no JSON object, a field that does
 * not exist, a value that its type cannot hold; -ENOMEM. */
int given_create(struct given **out, const char *json, const struct field_set *real,
		 struct diag *diag);
void given_destroy(struct given **given);

/* Give other values in the place of all those given, so that what was compiled once is evaluated on
 * many events. As given_create(); on failure nothing is given. Contexts and field sets stay valid.
 */
int given_replace(struct given *given, const char *json, struct diag *diag);

/* Which event it is, when; nr: number of the call, -1 none. Rules are looked up by type and nr. */
void given_set_event(struct given *given, enum event_type type, int32_t nr, uint64_t ts_ns);

/* The same fields as real, with the same types and arguments. */
const struct field_set *given_fields(const struct given *given);

/* A context in which they yield what was given. Borrowed. */
const struct field_context *given_context(struct given *given);
