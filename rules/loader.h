/* Loading rule files one after the other, with a result for each: what rule_set_load() does inside,
 * and what tests look at. */
#pragma once

#include "rules/definitions.h"
#include "rules/rules.h"

struct rule_loader;

int rule_loader_create(struct rule_loader **out, const struct field_set *fields,
		       const struct rule_options *options);
void rule_loader_destroy(struct rule_loader **loader);

/* Read one more file's text and compile all that was defined so far. 0 gives the set (replacing the
 * one in *set); -EINVAL reported to messages; -ENOMEM. */
int rule_loader_add(struct rule_loader *loader, const char *file, const char *text, size_t len,
		    struct rule_set **set, struct rule_messages *messages);

/* After the last file: whether every plugin requirement is met. */
int rule_loader_check_plugins(struct rule_loader *loader, struct rule_messages *messages);

/* What is defined now. */
const struct collection *rule_loader_collection(const struct rule_loader *loader);
