/* Shell patterns as POSIX fnmatch(3) reads them without flags: * and ? match any byte, a slash and
 * a leading dot too; [...] and [!...] with ranges and classes; backslash quotes. Never slower than
 * pattern length times text length, which fnmatch does not promise. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

bool glob_match(struct text pattern, struct text text, bool ignore_case);

/* Whether pattern holds any of ? * [ */
bool glob_is_pattern(struct text pattern);
