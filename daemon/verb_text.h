/* What the verbs that judge a text (filter, format) share. */
#pragma once

#include "base/diag.h"
#include "state/field.h"

/* All fields that filters may name. */
struct field_set verb_fields_all(void);

/* "ethogram: filter: 1:13: reason", the line it is about and a caret below the place. */
void verb_print_diag(const char *what, const char *text, const struct diag *diag);

/* Take "--fields JSON" or "--fields=JSON" from argv[first..]; anything else there is false. *json
 * is NULL where it was not given. */
bool verb_take_fields(int argc, char **argv, int first, const char **json);
