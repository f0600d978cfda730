/* RE2's POSIX syntax, checked and rewritten for PCRE2. */
#pragma once

#include "base/diag.h"
#include "base/text.h"

/* *out is a pattern that matches the whole subject, which the caller frees. 0, -EINVAL with diag's
 * message when RE2 would refuse the pattern, or -ENOMEM. */
int regex_translate(struct text pattern, char **out, uint32_t *len, struct diag *diag);
