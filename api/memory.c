#include "api/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* "7f…-7f… rw-p 00000000 00:0e 1060  anon_inode:bpf-map": a mapping's first line. Lines of its
 * figures start with a capital letter and have a colon. */
static bool is_mapping(const char *line)
{
	return (*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f');
}

int memory_read(const char *smaps_path, struct memory_use *out)
{
	SCOPED(close_file) FILE *file = fopen(smaps_path, "re");
	SCOPED(free_ptr) char *line = NULL;
	size_t size = 0;
	bool is_bpf = false;

	if (!file)
		return -errno;
	*out = (struct memory_use){0};
	while (getline(&line, &size, file) > 0) {
		unsigned long long kib;

		if (is_mapping(line))
			is_bpf = strstr(line, "bpf-map") || strstr(line, "bpf_ringbuf");
		else if (sscanf(line, "Pss: %llu kB", &kib) == 1)
			*(is_bpf ? &out->ring_bytes : &out->pss_bytes) += kib * 1024;
	}
	return 0;
}
