/* Secrets that must not be kept: what matches a pattern of storage.redact is overwritten with '*'
 * in command lines, arguments, messages, output fields, stored events and behaviours' texts before
 * they reach the database and the outputs. If a pattern has a group, only the first group's text
 * goes:
 *
 *   'password=(\S+)'    keeps the name, hides the value
 *
 * Patterns are Perl's (PCRE2) and see bytes. A text on which a pattern gives up (too much
 * backtracking) is hidden as a whole. Baselines' own pending state, an opaque blob, is not touched.
 */
#pragma once

#include "base/diag.h"
#include "storage/store.h"

struct redact;

/* -EINVAL: a pattern is wrong (diag names it and the place); -ENOMEM. */
int redact_create(struct redact **out, const char *const *patterns, uint32_t n, struct diag *diag);
void redact_destroy(struct redact **redact);

/* Hide what matches in record. One thread at a time. */
void redact_record(struct redact *redact, enum write_kind kind, void *record);
