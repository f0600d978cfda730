/* Capture files (.scap) as a source: what Falco, sysdig and this program record.
 *
 * Files are read in the order given, each from its beginning; a file may hold several sections
 * (captures put together). Every section begins with an EVENT_PROCINFO that carries event.host, by
 * which state forgets the host of before, then its processes and descriptors as EVENT_PROCINFO with
 * EVENT_STATE_ONLY, as the initial scan of live capture has them; these have num 0. Then come the
 * events: of a pair of enter and exit the exit, with the parameters of both. Those of containers,
 * users and groups that stand ahead of all others are EVENT_STATE_ONLY: they were there before.
 *
 * Time is that of the file: event.ts_ns may step back, by milliseconds between CPUs and by more for
 * events that another clock stamped; boot_ns is 0. event.num is the position of the event's block
 * among all event blocks of its file, from 1, blocks that become no event counted. Start times are
 * event times: of tasks whose beginning the file holds; 0 for others.
 *
 * A capture does not know a file's resolved path, only what was typed (EVENT_PATH_FROM_CALLER), and
 * of a task not everything that the kernel does (task_facts.unknown). Pipeline thread only. */
#pragma once

#include <stddef.h>

#include "base/diag.h"
#include "capture/source.h"

struct scap_counters {
	uint64_t blocks;         /* event blocks of all files so far */
	uint64_t enters;         /* enter events: told with their exit */
	uint64_t unknown_total;  /* types of a later format, and types of which nothing is made */
	uint64_t enters_lost;    /* no room to keep them, or of no task: exits lack parameters */
	uint64_t trailers_wrong; /* event blocks whose second length differs: read all the same */
	uint64_t skipped_blocks; /* neither state nor event */
	uint64_t sections;
};

/* Open the first of n files, which must be there and begin as a capture does; -errno with diag.
 * paths are copied. next() returns -EBADMSG or another -errno, again and again, where a file is
 * damaged or cannot be opened; what came before was delivered. */
int scap_source_create(struct source **out, const char *const *paths, size_t n, struct diag *diag);

/* Where reading failed: file, and a message with the byte offset. Empty before. */
const struct diag *scap_source_diag(const struct source *source);
/* The same offset: in the file as unpacked, of the block that could not be read. */
uint64_t scap_source_error_offset(const struct source *source);

/* Number of the file, from 0, that the last event came from, and of its block there, from 1; 0
 * when it was of no event block. */
size_t scap_source_file(const struct source *source);
uint64_t scap_source_position(const struct source *source);

void scap_source_counters(const struct source *source, struct scap_counters *out);
