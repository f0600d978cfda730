/* The record of an anomaly: who did it, what is usual instead, and why it is one, in words. */
#pragma once

#include "anomaly/judgement.h"
#include "base/records.h"
#include "state/field.h"

struct describe_input {
	const struct field_context *ctx; /* of the event; the subject has a process */
	const struct sighting *sighting;
	const struct judgement *judgement;
	const struct field *args_field; /* evt.args; NULL: do not print them */
	uint64_t id, lost_events;
	bool is_above_threshold;
};

/* NULL without memory. The caller owns it. */
struct record_anomaly *describe_anomaly(const struct describe_input *input);

#define DESCRIBE_CMDLINE_MAX 4096 /* bytes of a command line in a record */

/* The process as records show it. Texts are borrowed from the process, and the command line is
 * printed into cmdline. */
void describe_process(const struct field_context *ctx, const struct process *process,
		      char cmdline[DESCRIBE_CMDLINE_MAX], struct record_process *out);
