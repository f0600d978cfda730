/* What the HTTP interface asks of rules and stored events. API threads. */
#pragma once

#include "api/server.h"

/* api_hooks.rules_what_if_json; arg is the struct daemon. One of both at a time. */
int what_if_hook(const struct api_what_if *ask, struct queries *queries, char **out, void *arg);

/* api_hooks.alert_exceptions_json. */
int except_hook(uint64_t alert, struct queries *queries, char **out, void *arg);
