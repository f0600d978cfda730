/* Valid UTF-8 out of strangers' bytes. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

/* Length of the character at text.ptr[at]. When the bytes there are not valid UTF-8: *is_valid is
 * false and the length is that of the bad sequence (its longest valid beginning, at least 1). */
uint32_t utf8_next(struct text text, uint32_t at, bool *is_valid);

bool utf8_is_valid(struct text text);

/* Write text with every bad sequence replaced by U+FFFD; returns the length, at most
 * 3 * text.len. */
uint32_t utf8_sanitise(struct text text, char *out);
