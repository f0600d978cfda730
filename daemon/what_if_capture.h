/* A what-if over capture files: they are replayed with the rules as they would be, by the very
 * machinery of the verb replay, and with the rules as they are where both are to be compared. */
#pragma once

#include "base/diag.h"
#include "daemon/config.h"
#include "daemon/what_if_rules.h"

struct what_if_captures {
	const char *const *files;
	uint32_t n;
	uint64_t since_ns, until_ns; /* hits within are counted; 0: not bounded */
};

/* config is used up. 0 gives the document (docs/api.md, what-if); -EINVAL: the rules are refused,
 * *document says why; -EBADMSG and others: a capture cannot be read (diag says which and where),
 * and *document is of what came before, or NULL. */
int what_if_run_captures(cJSON **document, struct config *config,
			 const struct what_if_question *question,
			 const struct what_if_captures *captures, struct diag *diag);
