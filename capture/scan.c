#include "capture/scan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "capture/decode.h"
#include "capture/scan_proc.h"
#include "capture_bpf.skel.h"

#define READ_BYTES 65536
#define PIDS_MAX (UINT32_C(1) << 22) /* the kernel's own limit */
#define NEW_NS UINT64_C(2000000000)
#define SCAN_BYTES_MAX                                                                             \
	(UINT64_C(256) << 20) /* what a host with 100,000 open files needs, tenfold */

struct buffer {
	char *data;
	size_t size, used;
};

struct scan {
	struct buffer tasks, files;
	size_t tasks_at, files_at;
	uint64_t begin_ns;
	uint64_t shown[PIDS_MAX / 64]; /* processes, a bit each */
	DIR *proc;                     /* being read for processes that the iterators left out */
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

int scan_create(struct scan **out, struct capture_bpf *programs, uint64_t begin_ns)
{
	SCOPED(scan_destroy) struct scan *scan = calloc(1, sizeof(*scan));
	int r;

	if (!scan)
		return -ENOMEM;
	scan->begin_ns = begin_ns;
	scan->proc = opendir("/proc");
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
	if ((*scan)->proc)
		closedir((*scan)->proc);
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

/* Iterators may not read user memory, so the command line and environment come from /proc. A
 * process that has meanwhile executed something else shows its new ones there; the event of that
 * exec, which follows, says the same. */
static const struct wire_header *with_strings(struct scan *scan, const struct wire_header *header)
{
	struct wire_header *copy = (struct wire_header *)scan->record;

	if (header->len > WIRE_RECORD_MAX)
		return header;
	memcpy(copy, header, header->len);
	if (copy->tgid < PIDS_MAX)
		scan->shown[copy->tgid / 64] |= UINT64_C(1) << (copy->tgid % 64);
	if (copy->tid == copy->tgid) {
		scan_proc_append(copy, "cmdline", WIRE_SEC_ARGS);
		scan_proc_append(copy, "environ", WIRE_SEC_ENV);
	}
	return copy;
}

/* When a process began, as one of its children knows it; 0: none of them does. */
static __u64 start_by_children(const struct scan *scan, int tgid)
{
	const struct wire_header *header;
	size_t at = 0;

	while ((header = take(&scan->tasks, &at))) {
		const struct wire_task *task;
		struct record record;

		if (record_parse(&record, header, header->len) || !record.sections[WIRE_SEC_TASK])
			continue;
		task = (const struct wire_task *)(record.sections[WIRE_SEC_TASK] + 1);
		if (task->parent_tgid == tgid)
			return task->parent_start_ns;
	}
	return 0;
}

static bool is_shown(const struct scan *scan, uint32_t tgid)
{
	return tgid >= PIDS_MAX || scan->shown[tgid / 64] >> (tgid % 64) & 1;
}

/* The next process that only /proc shows. One that is new is not missing from the iterators but
 * came after them, and its beginning is in the rings. */
static const struct wire_header *next_of_proc(struct scan *scan)
{
	struct wire_header *room = (struct wire_header *)scan->record;
	struct dirent *entry;

	while (scan->proc && (entry = readdir(scan->proc))) {
		int tgid = atoi(entry->d_name);

		if (tgid > 0 && !is_shown(scan, (uint32_t)tgid) &&
		    scan_proc_task(room, tgid, start_by_children(scan, tgid)) &&
		    room->start_ns + NEW_NS < scan->begin_ns)
			return room;
	}
	return NULL;
}

const struct wire_header *scan_next(struct scan *scan)
{
	const struct wire_header *header = take(&scan->tasks, &scan->tasks_at);

	if (header)
		return with_strings(scan, header);
	header = next_of_proc(scan);
	return header ? header : take(&scan->files, &scan->files_at);
}
