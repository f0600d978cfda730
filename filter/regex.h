/* Regular expressions of the filter language: RE2's POSIX syntax, matched against the whole value.
 *
 * They run on PCRE2 with its JIT compiler, the one packaged library that matches at the speed rules
 * need. The dialects differ, so a pattern is parsed here by RE2's rules (no \d \w \s \b, no (?...),
 * no back references, repetitions up to 1000) and written anew for PCRE2; what RE2 refuses is
 * refused. PCRE2 backtracks where RE2 runs in linear time: a match limit bounds that, and a value
 * on which it is reached does not match, which is counted. Values are made valid UTF-8 first.
 *
 * Matching uses memory inside the regex: one thread at a time. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"

struct regex;

/* 0 and *out, -EINVAL with diag's message, or -ENOMEM. */
int regex_create(struct regex **out, struct text pattern, struct diag *diag);
void regex_destroy(struct regex **regex);

/* scratch takes the sanitised copy of a value that is not UTF-8; when it is full, no match. */
bool regex_match(struct regex *regex, struct text value, struct arena *scratch);

/* How often the match limit was reached. */
/* Memory of the pattern and of its machine code. */
size_t regex_bytes(const struct regex *regex);

uint64_t regex_gave_up_total(const struct regex *regex);
