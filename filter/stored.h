/* What is kept of an event, so that rules can be explained and tried on it later: the values of a
 * set of fields as one JSON object, {"evt.type":"openat","fd.name":"/etc/passwd",...}.
 *
 * The set holds what nearly every rule asks for, and whatever the loaded rules ask for besides. It
 * is made when rules are loaded, on any thread, and immutable from then on. Printing allocates
 * nothing.
 *
 * Forms: texts as in base/json_text.h, numbers as numbers, those beyond 2^53 as strings, addresses
 * as text, values of fields that have one for every ancestor, end or item as arrays, values of
 * evt.rawarg as {"type": "uint32", "value": 5}. What is absent is left out. */
#pragma once

#include "base/diag.h"
#include "filter/operand.h"
#include "filter/print.h"

#define STORED_BYTES_MAX 65536
#define STORED_VALUE_BYTES_MAX 16384 /* of one field */
#define STORED_FIELDS_MAX 4096

struct stored_set;

/* The fields of the set that nearly every rule asks for. fields must outlive the set. 0 and *out,
 * or -ENOMEM. */
int stored_set_create(struct stored_set **out, const struct field_set *fields);
void stored_set_destroy(struct stored_set **set);

/* Add the fields that the operand is, or is made of. 0; -ENOMEM; -E2BIG: the set is full. */
int stored_set_add(struct stored_set *set, const struct operand *operand);
/* Names of the fields, as a JSON array; evt.arg.* stands for all parameters but those that
 * stored_leaves_out(). The caller frees it; NULL without memory. */
char *stored_set_names(const struct stored_set *set);

/* Whether the parameter is not stored with field (evt.arg or evt.rawarg) unless a rule asks for it:
 * raw values, what is a field besides, environments, and what is not captured either unless a rule
 * asks. */
bool stored_leaves_out(struct text field, struct text param);

/* Print the event. out gets the object, at most STORED_BYTES_MAX; cut the names, separated by
 * blanks, of fields that did not fit there or in ctx->arena: "*" when there are too many to name.
 * ctx has no cache, and an arena that is reset on the way. */
void stored_set_print(const struct stored_set *set, const struct field_context *ctx,
		      struct print *out, struct print *cut);
