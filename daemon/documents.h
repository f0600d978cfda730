/* Answers that the command line and the HTTP interface give alike. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "daemon/rule_names.h"
#include "rules/rules.h"
#include "state/field.h"

/* {"items": [{"name", "type", "argument": "none"|"optional"|"required", "list", "description"}],
 * "next": null}; NULL without memory. */
cJSON *document_fields(const struct field_set *fields);

/* The errors of a load, or its warnings, as arrays of {"code", "message", "file", "line", "column",
 * "item"}. */
cJSON *document_rule_messages(const struct rule_messages *messages, bool errors);

/* How a load went: {"successful", "rules", "macros", "lists", "errors": [{"code", "message",
 * "file", "line", "column", "item"}], "warnings": [same], "absent_fields": [{"rule", "fields"}]}.
 * set is what was loaded, NULL if nothing was; it may be in use. NULL without memory. */
cJSON *document_load(const struct rule_set *set, const struct rule_messages *messages);

/* Load rule files in order and say how it went: {"successful", "rules", "macros", "lists",
 * "errors": [{"code", "message", "file", "line", "column", "item"}], "warnings": [same]}. names:
 * the dimensions there are; NULL: those of the shipped configuration, and others only warned of. */
cJSON *document_rules_check(const char *const *files, uint32_t n_files,
			    const struct field_set *fields, const struct rule_names *names);

/* The same for a rule file's text, which messages call "body". */
cJSON *document_rules_check_text(const char *text, size_t len, const struct field_set *fields,
				 const struct rule_names *names);
