/* Processes that the kernel's iterators do not show (some sandboxes hide init from them), read from
 * /proc. */
#pragma once

#include <stdbool.h>

#include "capture/wire.h"

/* Fill `room` (2 * WIRE_RECORD_MAX bytes, aligned) with a WIRE_TASK record of process tgid as /proc
 * tells it. start_ns: its exact start time where known, else 0: /proc has it in hundredths of a
 * second only. Returns whether there is such a process. */
bool scan_proc_task(struct wire_header *room, int tgid, __u64 start_ns);

/* Append a section with the contents of /proc/TGID/NAME; nothing when it cannot be read. */
void scan_proc_append(struct wire_header *header, const char *name, __u16 type);
