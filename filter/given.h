/* A field set whose values are given instead of observed: for trying filters and formats by hand,
 * and for tests. Not for the pipeline. */
#pragma once

#include <cjson/cJSON.h>

#include "base/diag.h"
#include "state/field.h"

struct given;

/* known: fields that exist with their types, all absent until given; NULL: none. */
int given_create(struct given **out, const struct field_set *known);
void given_destroy(struct given **given);

/* Borrowed; valid until the next given_define() or given_set_*(). */
const struct field_set *given_fields(struct given *given);

/* Make the field exist with that type and flags (enum field_flag), whatever it was before. name may
 * carry an argument: "proc.aname[2]". 0, -EINVAL or -ENOMEM. */
int given_define(struct given *given, const char *name, enum value_type type, uint32_t flags);

/* Its value: a JSON string, number, boolean, null (absent), or an array of them for lists and for
 * fields that look at all ancestors. 0, -EINVAL (no such field, or a value of another type; diag's
 * message says which) or -ENOMEM. */
int given_set(struct given *given, const char *name, const cJSON *value, struct diag *diag);

/* Its value as bytes. */
int given_set_bytes(struct given *given, const char *name, struct text bytes);

/* {"proc.name": "cat", ...}: given_set() for each member. */
int given_set_all(struct given *given, const cJSON *object, struct diag *diag);
