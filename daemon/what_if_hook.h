/* What the HTTP interface asks of rules and stored events. API threads. */
#pragma once

#include "api/server.h"

/* api_hooks.rules_what_if_json; arg is the struct daemon. One at a time. */
int what_if_hook(const struct api_what_if *ask, struct queries *queries, char **out, void *arg);
