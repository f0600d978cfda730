/* Live events into a capture file, for the verb `record`. Pipeline thread only. */
#pragma once

#include "base/diag.h"
#include "capture/scap_write.h"
#include "capture/source.h"

struct recorder;

struct recorder_config {
	const char *path;       /* "-": stdout */
	const char *filter;     /* NULL: everything */
	uint64_t buffer_bytes;  /* of the capture */
	uint32_t processes_max; /* of the state kept */
	uint32_t fds_per_process_max;
};

/* Attach and begin the file. -EINVAL with diag filled: the filter; -errno that was logged. */
int recorder_create(struct recorder **out, const struct recorder_config *config, struct diag *diag);
void recorder_destroy(struct recorder **recorder);

/* Take what is there, then sleep a little. 0, or -errno of the file or the source (logged). */
int recorder_step(struct recorder *recorder);
/* Take what happened until now, and have it on the disk. */
int recorder_finish(struct recorder *recorder);

/* Tell what was recorded and what was not, on stderr. */
void recorder_print_summary(const struct recorder *recorder);
