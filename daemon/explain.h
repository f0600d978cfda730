/* Explaining a condition on a stored event: what the API answers with. Any thread. */
#pragma once

#include "api/server.h"
#include "state/field.h"

/* The hook's answer; docs/api.md. The caller frees it, NULL without memory. */
char *explain_json(const struct api_explain *what, const struct field_set *fields);
