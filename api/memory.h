/* What this program takes of memory, as the kernel counts it. */
#pragma once

#include <stdint.h>

struct memory_use {
	uint64_t pss_bytes;  /* proportional set size without ring mappings */
	uint64_t ring_bytes; /* mapped rings and other BPF maps */
};

/* Sum up a file like /proc/self/smaps. 0 or -errno. Any thread. */
int memory_read(const char *smaps_path, struct memory_use *out);
