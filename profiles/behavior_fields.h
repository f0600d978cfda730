/* The fields of a behaviour profile, as Falco's plugin writes them: %name[argument], anything
 * between them is left out. Beside those that rules know:
 *   custom.proc.aname.lineage.join[n], .aexe., .aexepath.: the process and n of its ancestors
 *   custom.fd.name.part1, .part2: what stands before and behind "->" in fd.name
 * proc.aname and its like without an argument mean the process itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "filter/filter.h"

#define BEHAVIOR_PARTS_MAX 64

enum behavior_cut { CUT_NONE, CUT_BEFORE_ARROW, CUT_BEHIND_ARROW };

struct behavior_fields {
	uint32_t n;
	bool has_fd; /* of the event's descriptor */
	struct {
		struct expr *expr;
		enum behavior_cut cut;
	} parts[BEHAVIOR_PARTS_MAX];
};

/* Fill out (zeroed). -EINVAL with a message, -ENOMEM; done() either way. */
int behavior_fields_compile(struct behavior_fields *out, struct text source,
			    const struct field_set *fields, struct diag *diag);
void behavior_fields_done(struct behavior_fields *fields);

/* Write what the event shows: the values, numbers in decimal, an end mark behind each; what is
 * absent is empty. Returns the length; *is_cut: it did not fit. *is_empty: no value has a byte. */
uint32_t behavior_fields_print(const struct behavior_fields *fields,
			       const struct field_context *ctx, char *buffer, uint32_t size,
			       bool *is_empty, bool *is_cut);

#define BEHAVIOR_END '\0' /* the end mark */
