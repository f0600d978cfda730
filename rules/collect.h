/* Reading the items of one rule file into the collection. */
#pragma once

#include "rules/definitions.h"

/* Read a file's text. Stops at the first mistake (reported): -EINVAL; or -ENOMEM. */
int collect_text(struct collection *c, const char *file, const char *text, size_t len);

/* After the last file: every plugin requirement must be met. -EINVAL when one is not (reported). */
int collect_check_plugins(struct collection *c);
