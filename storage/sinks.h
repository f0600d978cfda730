/* Where alerts go besides the database: the rows of contract.md's outputs. Each sink has a thread
 * and a bounded queue of its own, so that a slow or dead receiver delays neither SQLite nor the
 * other sinks; what its queue cannot hold is shed and counted. Lines are Falco's JSON, one object
 * a line, or Falco's text. */
#pragma once

#include <stdint.h>

#include "base/diag.h"
#include "storage/store.h"

struct sinks;

/* As configured: {file: {path: P, format: json}} is kind "file" with the options path and format.
 *
 *   stdout   format
 *   file     path (required), format; opened again when it was moved away
 *   http     url (required), format; one POST an alert
 *   syslog   format, path (default /dev/log)
 *   program  command (required, a list: program and arguments), format; lines on its standard
 *            input, started again when it ended
 *
 * format: json (default) or text. */
struct sink_option {
	const char *name;
	const char *const *values;
	uint32_t n_values;
};

struct sink_config {
	const char *kind;
	const struct sink_option *options;
	uint32_t n_options;
};

/* Check one entry without opening anything; on -EINVAL diag says what was expected. */
int sinks_check(const struct sink_config *config, struct diag *diag);

/* Open all and start their threads. host goes into alerts, may be NULL. -EINVAL (diag), or logs why
 * one cannot be opened. A receiver that is away is no error: tried again. */
int sinks_create(struct sinks **out, const struct sink_config *configs, uint32_t n,
		 const char *host, struct diag *diag);

/* Gives each sink two seconds to get rid of what is queued. */
void sinks_destroy(struct sinks **sinks);

/* A writer_tap_fn, arg: the sinks (NULL: nothing happens). Takes alerts, ignores the rest. */
void sinks_tap(enum write_kind kind, const void *record, void *arg);

struct sink_counters {
	const char *kind;
	uint64_t queued, written_total, failed_total, shed_total;
};

/* How many sinks there are; fills at most max. Any thread. */
uint32_t sinks_counters(const struct sinks *sinks, struct sink_counters *out, uint32_t max);
