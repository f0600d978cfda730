/* Loading rule files one after the other, with a result for each: what rule_set_load() does inside,
 * and what tests look at. */
#pragma once

#include "rules/definitions.h"
#include "rules/rules.h"

struct rule_loader;

/* The options where no plugins means those whose fields are answered here, as rule_set_load() takes
 * them; a loader of its own takes no plugins as none. */
struct rule_options rule_options_with_plugins(const struct rule_options *options);

int rule_loader_create(struct rule_loader **out, const struct field_set *fields,
		       const struct rule_options *options);
void rule_loader_destroy(struct rule_loader **loader);

/* Read one more file's text and compile all that was defined so far. 0 gives the set (replacing the
 * one in *set); -EINVAL reported to messages; -ENOMEM. */
int rule_loader_add(struct rule_loader *loader, const char *file, const char *text, size_t len,
		    struct rule_set **set, struct rule_messages *messages);

/* The same of a file on disk; one that cannot be read is reported: -EINVAL. */
int rule_loader_add_file(struct rule_loader *loader, const char *path, struct rule_set **set,
			 struct rule_messages *messages);

/* After the last file: whether every plugin requirement is met. */
int rule_loader_check_plugins(struct rule_loader *loader, struct rule_messages *messages);

/* What compiling said of all files so far is said again with every next one: keep each once. */
void rule_messages_drop_repeats(struct rule_messages *messages);

/* Visit the condition of every rule that is defined now, with exceptions, macros and lists
 * replaced; what is visited lives as long as the loader. 0, or what visit gave when it was not 0;
 * -EINVAL, -ENOMEM.
 */
struct ast_node;
typedef int rule_tree_fn(const struct rule_def *rule, const struct ast_node *tree, void *arg);
int rule_loader_each_tree(struct rule_loader *loader, rule_tree_fn *visit, void *arg);

/* What is defined now. */
const struct collection *rule_loader_collection(const struct rule_loader *loader);
