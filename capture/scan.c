#include "capture/scan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "capture_bpf.skel.h"

#define READ_BYTES 65536
#define SCAN_BYTES_MAX                                                                             \
	(UINT64_C(256) << 20) /* what a host with 100,000 open files needs, tenfold */

struct buffer {
	char *data;
	size_t size, used;
};

struct scan {
	struct buffer tasks, files;
	size_t tasks_at, files_at;
	/* the record given out, with the strings that only /proc has */
	char record[2 * WIRE_RECORD_MAX] __attribute__((aligned(8)));
};

static int buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t size = buffer->size ? buffer->size : 4 * READ_BYTES;
	char *data;

	while (size < buffer->used + more)
		size *= 2;
	if (size == buffer->size)
		return 0;
	if (size > SCAN_BYTES_MAX)
		return -E2BIG;
	data = realloc(buffer->data, size);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->size = size;
	return 0;
}

static int read_all(struct buffer *buffer, int fd)
{
	for (;;) {
		ssize_t n;
		int r = buffer_reserve(buffer, READ_BYTES);

		if (r)
			return r;
		n = read(fd, buffer->data + buffer->used, READ_BYTES);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		buffer->used += (size_t)n;
	}
}

static int run_iterator(struct buffer *buffer, struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	SCOPED(close_fd) int fd = -1;
	int r;

	if (!link)
		return log_err_r(-errno, "initial scan '%s': cannot attach",
				 bpf_program__name(program));
	fd = bpf_iter_create(bpf_link__fd(link));
	r = fd < 0 ? fd : read_all(buffer, fd);
	bpf_link__destroy(link);
	return r ? log_err_r(r, "initial scan '%s': cannot read", bpf_program__name(program)) : 0;
}

int scan_create(struct scan **out, struct capture_bpf *programs)
{
	SCOPED(scan_destroy) struct scan *scan = calloc(1, sizeof(*scan));
	int r;

	if (!scan)
		return -ENOMEM;
	r = run_iterator(&scan->tasks, programs->progs.scan_task);
	if (!r)
		r = run_iterator(&scan->files, programs->progs.scan_file);
	if (r)
		return r;
	*out = TAKE(scan);
	return 0;
}

void scan_destroy(struct scan **scan)
{
	if (!*scan)
		return;
	free((*scan)->tasks.data);
	free((*scan)->files.data);
	free(*scan);
	*scan = NULL;
}

static const struct wire_header *take(const struct buffer *buffer, size_t *at)
{
	const struct wire_header *header;

	if (buffer->used - *at < WIRE_HEADER_BYTES)
		return NULL;
	header = (const struct wire_header *)(buffer->data + *at);
	if (header->len < WIRE_HEADER_BYTES || header->len > buffer->used - *at || header->len % 8)
		return NULL;
	*at += header->len;
	return header;
}

/* Append a section with the contents of /proc/TGID/NAME; nothing when it cannot be read. */
static void append_proc_file(struct wire_header *header, const char *name, uint16_t type)
{
	struct wire_section *section = (struct wire_section *)((char *)header + header->len);
	SCOPED(close_fd) int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/%s", header->tgid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, section + 1, WIRE_READ_MAX);
	if (n <= 0)
		return;
	section->type = type;
	section->flags = n == WIRE_READ_MAX ? WIRE_SEC_TRUNCATED : 0;
	section->len = (uint32_t)n;
	header->len += (uint32_t)sizeof(*section) + (((uint32_t)n + 7) & ~UINT32_C(7));
}

/* Iterators may not read user memory, so the command line and environment come from /proc. A
 * process that has meanwhile executed something else shows its new ones there; the event of that
 * exec, which follows, says the same. */
static const struct wire_header *with_strings(struct scan *scan, const struct wire_header *header)
{
	struct wire_header *copy = (struct wire_header *)scan->record;

	if (header->len > WIRE_RECORD_MAX)
		return header;
	memcpy(copy, header, header->len);
	if (copy->tid == copy->tgid) {
		append_proc_file(copy, "cmdline", WIRE_SEC_ARGS);
		append_proc_file(copy, "environ", WIRE_SEC_ENV);
	}
	return copy;
}

const struct wire_header *scan_next(struct scan *scan)
{
	const struct wire_header *header = take(&scan->tasks, &scan->tasks_at);

	if (header)
		return with_strings(scan, header);
	return take(&scan->files, &scan->files_at);
}
