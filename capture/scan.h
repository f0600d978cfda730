/* The initial scan: what runs and is open when capture begins. Pipeline thread only. */
#pragma once

#include "capture/wire.h"

#include <stddef.h>
#include <stdint.h>

struct scan;
struct capture_bpf;

/* Run the iterators of the loaded programs and keep their records. begin_ns: boot time when the
 * programs were attached, or before. */
int scan_create(struct scan **out, struct capture_bpf *programs, uint64_t begin_ns);
void scan_destroy(struct scan **scan);

/* The next record of the scan, tasks first, then descriptors; NULL at the end. It has room for
 * sections and is valid until the next call. */
const struct wire_header *scan_next(struct scan *scan);
