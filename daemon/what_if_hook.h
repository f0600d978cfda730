/* What the HTTP interface asks of rules and stored events. API threads. */
#pragma once

#include "api/server.h"

struct daemon;
struct what_if_hooks;

int what_if_hooks_create(struct what_if_hooks **out, struct daemon *daemon);

/* No thread may ask any more. */
void what_if_hooks_destroy(struct what_if_hooks **hooks);

/* Any thread: end what is being tried, with what it has. */
void what_if_hooks_stop(struct what_if_hooks *hooks);

/* The members of it that are about tries. */
void what_if_hooks_facts(const struct what_if_hooks *hooks, struct api_rules_facts *out);

/* api_hooks.rules_what_if_json; arg is the struct daemon. One of both at a time. */
int what_if_hook(const struct api_what_if *ask, struct queries *queries, char **out, void *arg);

/* api_hooks.alert_exceptions_json. */
int except_hook(uint64_t alert, struct queries *queries, char **out, void *arg);
