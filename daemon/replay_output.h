/* What replay says on standard output: alerts as they come, anomalies once they are above the
 * threshold, incidents when they close, each once and in the order of event time. For people one
 * line each; as JSON one object a line: alerts in Falco's shape, anomalies and incidents as the
 * HTTP interface shows them with a first member "kind". */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/records.h"
#include "state/state.h"
#include "storage/store.h"

struct replay_output;

/* to and state (for the name of the host) are borrowed; state may be set later. */
int replay_output_create(struct replay_output **out, FILE *to, bool is_json);
void replay_output_destroy(struct replay_output **output);
void replay_output_set_state(struct replay_output *output, const struct state *state);

/* Say what is news in a record; other kinds are ignored. record is borrowed. */
void replay_output_record(struct replay_output *output, enum write_kind kind, const void *record);

/* How many lines of each kind were said. */
struct replay_said {
	uint64_t alerts, anomalies, incidents;
};

struct replay_said replay_output_said(const struct replay_output *output);

/* Incidents that are still open. 0, or -errno of the first line that could not be written. */
int replay_output_finish(struct replay_output *output);
