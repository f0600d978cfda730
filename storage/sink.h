/* One kind of output. A row in sinks.c names it; its file has these functions. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/sinks.h"

struct sink_options {
	const char *path, *url;
	const char *const *command; /* n_command words */
	uint32_t n_command;
	bool is_text; /* format: text */
	/* Monotonic; a write that blocks gives up then. 0: not stopping. */
	const _Atomic uint64_t *give_up_ns;
};

/* One alert, encoded: len bytes, then a newline, then NUL; no newline within. */
struct sink_line {
	const char *ptr;
	uint32_t len;
	enum alert_priority priority;
};

struct sink_kind {
	const char *name;
	const char *options;  /* those it knows, "path|format" */
	const char *required; /* or NULL */

	/* Make one; options are borrowed for its whole life. A receiver that is away is no error.
	 * Logs on failure. On the caller's thread. */
	int (*create)(void **out, const struct sink_options *options);
	void (*destroy)(void *sink);

	/* Sink's thread. Hand a line over: 0, or -errno when it did not get there; it is tried
	 * again after a pause. May block for seconds, not for ever. */
	int (*write)(void *sink, const struct sink_line *line);
};

extern const struct sink_kind sink_stdout, sink_file, sink_http, sink_syslog, sink_program;

/* Write line and its newline to fd, waiting at most two seconds each time it would block. Cut in
 * the middle, *is_torn is set, and the next call begins with a newline: lines are never glued.
 * -ETIMEDOUT, -EPIPE, -ENOSPC, ... */
int sink_write_line(int fd, const struct sink_line *line, bool *is_torn);
