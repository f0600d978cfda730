#include "capture/rescan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "capture_bpf.skel.h"

#define READ_BYTES (32 << 10)

enum phase { BEGIN, TASKS, TASKS_DONE, FILES, DONE, OVER };

struct rescan {
	struct capture_bpf *programs;
	enum phase phase;
	bool has_failed;
	uint64_t marker_ns; /* time of BEGIN, TASKS_DONE or DONE */
	int fd;             /* of the iterator that is being read; -1 none */
	size_t used, at;    /* of data */
	char data[READ_BYTES + WIRE_RECORD_MAX] __attribute__((aligned(8)));
};

int rescan_create(struct rescan **out, struct capture_bpf *programs)
{
	struct rescan *rescan = malloc(sizeof(*rescan));

	if (!rescan)
		return -ENOMEM;
	rescan->programs = programs;
	rescan->phase = BEGIN;
	rescan->has_failed = false;
	rescan->marker_ns = clock_boot_ns();
	rescan->fd = -1;
	rescan->used = rescan->at = 0;
	*out = rescan;
	return 0;
}

void rescan_destroy(struct rescan **rescan)
{
	if (*rescan)
		close_fd(&(*rescan)->fd);
	free(*rescan);
	*rescan = NULL;
}

static int open_iterator(struct rescan *rescan)
{
	struct bpf_program *program = rescan->phase == TASKS ? rescan->programs->progs.scan_task
							     : rescan->programs->progs.scan_file;
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);

	if (!link)
		return -errno;
	rescan->fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link);
	rescan->used = rescan->at = 0;
	return MIN(rescan->fd, 0);
}

/* The record at hand when all of it is there. */
static const struct wire_header *whole_record(const struct rescan *rescan)
{
	const struct wire_header *header = (const struct wire_header *)(rescan->data + rescan->at);
	size_t left = rescan->used - rescan->at;

	return left >= WIRE_HEADER_BYTES && header->len <= left ? header : NULL;
}

/* More of the iterator's output behind what is left. 1, 0 at its end, negative errno. */
static int read_more(struct rescan *rescan)
{
	size_t left = rescan->used - rescan->at;
	ssize_t n;

	memmove(rescan->data, rescan->data + rescan->at, left);
	rescan->at = 0;
	rescan->used = left;
	if (sizeof(rescan->data) - left < READ_BYTES)
		return -EBADMSG; /* longer than any record */
	do {
		n = read(rescan->fd, rescan->data + left, READ_BYTES);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return -errno;
	rescan->used += (size_t)n;
	return n > 0;
}

/* The next record of the iterator. 1, 0 at its end, negative errno. */
static int next_record(struct rescan *rescan, const struct wire_header **out)
{
	int r = rescan->fd < 0 ? open_iterator(rescan) : 0;

	while (!r && !(*out = whole_record(rescan))) {
		r = read_more(rescan);
		if (r == 0)
			return rescan->used ? -EBADMSG : 0;
		r = MIN(r, 0);
	}
	if (!r && ((*out)->len < WIRE_HEADER_BYTES || (*out)->len % 8))
		r = -EBADMSG;
	return r ? r : 1;
}

static void next_phase(struct rescan *rescan)
{
	close_fd(&rescan->fd);
	rescan->phase++;
	rescan->marker_ns = clock_boot_ns();
}

bool rescan_peek(struct rescan *rescan, struct rescan_record *out)
{
	static const enum event_scan markers[] = {
		[BEGIN] = SCAN_BEGIN, [TASKS_DONE] = SCAN_TASKS_DONE, [DONE] = SCAN_DONE};
	const struct wire_header *header;
	int r = 0;

	while (rescan->phase == TASKS || rescan->phase == FILES) {
		r = next_record(rescan, &header);
		if (r < 0) {
			log_warn("rescan: given up: error %d", -r);
			rescan->phase = OVER;
			rescan->has_failed = true;
		} else if (r == 0) {
			next_phase(rescan);
		} else {
			bool is_ending = header->flags & WIRE_IS_ENDING;

			*out = (struct rescan_record){.what = rescan->phase == FILES ? SCAN_FD
							      : is_ending ? SCAN_ENDING_TASK
									  : SCAN_TASK,
						      .boot_ns = header->boot_ns,
						      .header = header};
			return true;
		}
	}
	if (rescan->phase == OVER)
		return false;
	*out = (struct rescan_record){.what = markers[rescan->phase], .boot_ns = rescan->marker_ns};
	return true;
}

void rescan_take(struct rescan *rescan)
{
	if (rescan->phase == TASKS || rescan->phase == FILES)
		rescan->at += ((const struct wire_header *)(rescan->data + rescan->at))->len;
	else if (rescan->phase != OVER)
		next_phase(rescan);
}

bool rescan_failed(const struct rescan *rescan)
{
	return rescan->has_failed;
}
