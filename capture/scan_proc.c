#include "capture/scan_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define STAT_BYTES_MAX 1024
#define NS_PER_SECOND UINT64_C(1000000000)

static struct wire_section *section_at_end(struct wire_header *header)
{
	return (struct wire_section *)((char *)header + header->len);
}

static void end_section(struct wire_header *header, struct wire_section *section, uint16_t type,
			uint32_t len)
{
	section->type = type;
	section->len = len;
	header->len += (uint32_t)sizeof(*section) + ((len + 7) & ~UINT32_C(7));
}

static ssize_t read_proc(unsigned tgid, const char *name, void *buffer, size_t size)
{
	SCOPED(close_fd) int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", tgid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : read(fd, buffer, size);
}

void scan_proc_append(struct wire_header *header, const char *name, uint16_t type)
{
	struct wire_section *section = section_at_end(header);
	ssize_t n = read_proc(header->tgid, name, section + 1, WIRE_READ_MAX);

	if (n <= 0)
		return;
	section->flags = n == WIRE_READ_MAX ? WIRE_SEC_TRUNCATED : 0;
	end_section(header, section, type, (uint32_t)n);
}

/* Paths in records are written leaf first, a slash after each name. */
static uint32_t reverse_path(char *out, const char *path, uint32_t len)
{
	uint32_t at = 0;

	while (len > 0) {
		uint32_t begin = len;

		while (begin > 0 && path[begin - 1] != '/')
			begin--;
		if (begin < len) {
			memcpy(out + at, path + begin, len - begin);
			at += len - begin;
			out[at++] = '/';
		}
		len = begin ? begin - 1 : 0;
	}
	return at;
}

static void append_link(struct wire_header *header, const char *name, uint16_t type)
{
	struct wire_section *section = section_at_end(header);
	char link[64], path[WIRE_READ_MAX];
	uint32_t fixed = type == WIRE_SEC_FILE ? sizeof(struct wire_file) : 0;
	char *out = (char *)(section + 1);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%u/%s", header->tgid, name);
	n = readlink(link, path, sizeof(path));
	if (n <= 0 || path[0] != '/')
		return;
	section->flags = 0;
	memset(out, 0, fixed);
	end_section(header, section, type, fixed + reverse_path(out + fixed, path, (uint32_t)n));
}

/* What follows the command's name, which may itself hold blanks and brackets. */
static bool parse_stat(const char *text, struct wire_task *task)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start_ticks;
	size_t len;

	if (!open || !close || close < open)
		return false;
	len = MIN((size_t)(close - open - 1), sizeof(task->comm));
	memcpy(task->comm, open + 1, len);
	if (sscanf(close + 1,
		   " %*c %d %d %d %u %*d %*u %llu %*u %llu %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &task->parent_tgid, &task->pgid, &task->sid, &task->tty, &task->pgft_min,
		   &task->pgft_maj, &start_ticks) != 7)
		return false;
	task->vpgid = task->pgid;
	task->start_ns = start_ticks * (NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
	return true;
}

static void parse_status(const char *text, struct wire_task *task)
{
	const char *uid = strstr(text, "\nUid:"), *gid = strstr(text, "\nGid:");
	const char *caps = strstr(text, "\nCapInh:");

	if (uid)
		sscanf(uid, "\nUid: %u %u %u %u", &task->uid, &task->euid, &task->suid,
		       &task->fsuid);
	if (gid)
		sscanf(gid, "\nGid: %u %u %u %u", &task->gid, &task->egid, &task->sgid,
		       &task->fsgid);
	if (caps)
		sscanf(caps, "\nCapInh: %llx CapPrm: %llx CapEff: %llx", &task->cap_inheritable,
		       &task->cap_permitted, &task->cap_effective);
}

bool scan_proc_task(struct wire_header *room, int tgid, __u64 start_ns)
{
	struct wire_task *task;
	char text[4 * STAT_BYTES_MAX];
	ssize_t n = read_proc((unsigned)tgid, "stat", text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	memset(room, 0, WIRE_HEADER_BYTES + sizeof(struct wire_section) + sizeof(*task));
	*room = (struct wire_header){.kind = WIRE_TASK,
				     .nr = UINT16_MAX,
				     .fd = -1,
				     .tgid = (uint32_t)tgid,
				     .tid = (uint32_t)tgid};
	room->len = WIRE_HEADER_BYTES;
	task = (struct wire_task *)(section_at_end(room) + 1);
	memset(task, 0, sizeof(*task));
	task->tid = task->tgid = task->vtid = task->vpid = tgid;
	task->loginuid = UINT32_MAX;
	if (!parse_stat(text, task))
		return false;
	if (start_ns)
		task->start_ns = start_ns;
	room->start_ns = task->start_ns;
	n = read_proc((unsigned)tgid, "status", text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	parse_status(text, task);
	section_at_end(room)->flags = 0;
	end_section(room, section_at_end(room), WIRE_SEC_TASK, sizeof(*task));
	append_link(room, "exe", WIRE_SEC_FILE);
	append_link(room, "cwd", WIRE_SEC_CWD);
	scan_proc_append(room, "cmdline", WIRE_SEC_ARGS);
	scan_proc_append(room, "environ", WIRE_SEC_ENV);
	return true;
}
