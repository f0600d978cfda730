/* rules.select: which rules are enabled, in order, as the list 'rules' of Falco's configuration has
 * it; and the order of all keys that choose rules. */
#pragma once

#include <stdint.h>
#include <yaml.h>

#include <cjson/cJSON.h>

#include "base/diag.h"
#include "rules/rules.h"

#define SELECTIONS_MAX 1024

struct select_config {
	uint32_t n;
	struct rule_selection items[SELECTIONS_MAX]; /* names owned */
};

/* Read a list of {enable | disable: {rule: WILDCARD} | {tag: NAME}} into *out, which is destroyed
 * first. -EINVAL fills diag with message, line and column; -ENOMEM; *out unchanged on failure. */
int select_config_read(struct select_config **out, yaml_document_t *document, yaml_node_t *node,
		       struct diag *diag);
void select_config_destroy(struct select_config **config);

/* The entries again, in the same form; NULL config: an empty list. */
cJSON *select_config_json(const struct select_config *config);

struct config;

/* Fill config->rules.order from the keys disable, enable and select, in this order: first those
 * that a file gives, then those of the command line. 0, -ENOMEM. */
int config_order_rules(struct config *config);
