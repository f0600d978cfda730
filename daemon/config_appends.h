/* append_output: what is added to the outputs of rules, as Falco's configuration has it. */
#pragma once

#include <stdint.h>
#include <yaml.h>

#include <cjson/cJSON.h>

#include "base/diag.h"
#include "rules/rules.h"

#define APPENDS_MAX 64

struct append_config {
	uint32_t n;
	struct rule_append items[APPENDS_MAX]; /* all texts owned */
};

/* Read a list of entries into *out, which is destroyed first. -EINVAL fills diag with message, line
 * and column; -ENOMEM; *out unchanged on failure. */
int append_config_read(struct append_config **out, yaml_document_t *document, yaml_node_t *node,
		       struct diag *diag);
void append_config_destroy(struct append_config **config);

/* The entries again, in the same form; NULL config: an empty list. */
cJSON *append_config_json(const struct append_config *config);
