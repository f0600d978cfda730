#include "tests/live/consistency.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "state/fd_table.h"

#define SEEN_MAX 4096

struct comparison {
	struct state *state;
	FILE *out;
	int32_t sid;
	uint32_t max, n_wrong, n_seen;
	int32_t seen[SEEN_MAX];
};

__attribute__((format(printf, 2, 3))) static void differ(struct comparison *c, const char *format,
							 ...)
{
	va_list args;

	if (c->n_wrong++ >= c->max)
		return;
	va_start(args, format);
	fputs("# ", c->out);
	vfprintf(c->out, format, args);
	fputc('\n', c->out);
	va_end(args);
}

static void strip_deleted(char *path)
{
	static const char end[] = " (deleted)";
	size_t len = strlen(path);

	if (len > sizeof(end) - 1 && strcmp(path + len - (sizeof(end) - 1), end) == 0)
		path[len - (sizeof(end) - 1)] = '\0';
}

/* Empty when it cannot be read. */
static void read_link(int32_t pid, const char *name, char out[PATH_MAX])
{
	char path[64 + NAME_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, out, PATH_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
}

static size_t read_file(int32_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	FILE *file;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "r");
	if (file) {
		n = fread(out, 1, size - 1, file);
		fclose(file);
	}
	out[n] = '\0';
	return n;
}

static void compare_text(struct comparison *c, const struct process *p, const char *what,
			 struct text got, const char *want)
{
	if (!text_equal(got, text_from(want)))
		differ(c, "%d: %s is '%.*s', not '%s'", p->pid, what, TEXT_ARGS(got), want);
}

static void compare_paths(struct comparison *c, const struct process *p)
{
	char path[PATH_MAX];

	read_link(p->pid, "exe", path);
	strip_deleted(path);
	compare_text(c, p, "exe", p->exepath, path);
	read_link(p->pid, "cwd", path);
	compare_text(c, p, "cwd", p->cwd, path);
}

static void compare_args(struct comparison *c, const struct process *p)
{
	char args[8192];
	size_t n = read_file(p->pid, "cmdline", args, sizeof(args)), first = strlen(args);

	compare_text(c, p, "argv[0]", p->exe, args);
	if (n && (p->args.len != n - first - 1 ||
		  memcmp(p->args.ptr, args + first + 1, p->args.len) != 0))
		differ(c, "%d: arguments differ", p->pid);
}

static void compare_credentials(struct comparison *c, const struct process *p)
{
	char status[8192];
	const char *uid, *gid, *caps;
	uint32_t u[3] = {0}, g[3] = {0};
	unsigned long long effective = 0;

	read_file(p->pid, "status", status, sizeof(status));
	uid = strstr(status, "\nUid:");
	gid = strstr(status, "\nGid:");
	caps = strstr(status, "\nCapEff:");
	if (!uid || !gid || !caps || sscanf(uid, "\nUid: %u %u %u", &u[0], &u[1], &u[2]) != 3 ||
	    sscanf(gid, "\nGid: %u %u %u", &g[0], &g[1], &g[2]) != 3 ||
	    sscanf(caps, "\nCapEff: %llx", &effective) != 1)
		return;
	if (p->uid != u[0] || p->euid != u[1] || p->suid != u[2] || p->gid != g[0] ||
	    p->egid != g[1] || p->sgid != g[2])
		differ(c, "%d: ids are %u/%u/%u %u/%u/%u, not %u/%u/%u %u/%u/%u", p->pid, p->uid,
		       p->euid, p->suid, p->gid, p->egid, p->sgid, u[0], u[1], u[2], g[0], g[1],
		       g[2]);
	if (p->cap_effective != effective)
		differ(c, "%d: effective capabilities are %llx, not %llx", p->pid,
		       (unsigned long long)p->cap_effective, effective);
}

static void compare_fd(struct comparison *c, const struct process *p, int32_t fd)
{
	const struct fd_entry *entry = state_find_fd(p, fd);
	char name[32], link[PATH_MAX];
	unsigned long long ino;

	snprintf(name, sizeof(name), "fd/%d", fd);
	read_link(p->pid, name, link);
	if (!*link)
		return; /* the reader's own */
	if (!entry) {
		differ(c, "%d: descriptor %d (%s) is not known", p->pid, fd, link);
		return;
	}
	strip_deleted(link);
	if (link[0] == '/' && entry->kind != FD_MEMFD)
		compare_text(c, p, name, entry->name, link);
	if ((sscanf(link, "pipe:[%llu]", &ino) == 1 || sscanf(link, "socket:[%llu]", &ino) == 1) &&
	    entry->ino != ino)
		differ(c, "%d: descriptor %d has inode %llu, not %llu", p->pid, fd,
		       (unsigned long long)entry->ino, ino);
}

static bool count_fd(int32_t fd, const struct fd_entry *entry, void *arg)
{
	(void)entry;
	return fd >= 0 && ++*(uint32_t *)arg;
}

static void compare_fds(struct comparison *c, const struct process *p)
{
	uint32_t n = 0, n_known = 0;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", p->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		compare_fd(c, p, atoi(entry->d_name));
	}
	if (dir)
		closedir(dir);
	fd_table_each(p->fds, count_fd, &n_known);
	if (dir && n_known != n)
		differ(c, "%d: %u descriptors are known, not %u", p->pid, n_known, n);
}

static void compare_process(struct comparison *c, int32_t pid, int32_t ppid, char kind)
{
	const struct process *p = state_find_process(c->state, pid, 0);

	if (kind == 'Z' || kind == 'X')
		return;
	if (c->n_seen < SEEN_MAX)
		c->seen[c->n_seen++] = pid;
	if (!p || !p->is_alive) {
		differ(c, "%d: is not known", pid);
		return;
	}
	if (p->ppid != ppid || (ppid && (!p->parent || p->parent->pid != ppid)))
		differ(c, "%d: parent is %d, not %d", pid, p->ppid, ppid);
	compare_paths(c, p);
	compare_args(c, p);
	compare_credentials(c, p);
	compare_fds(c, p);
}

static bool is_gone(struct process *process, void *arg)
{
	struct comparison *c = arg;

	if (process->sid != c->sid)
		return true;
	for (uint32_t i = 0; i < c->n_seen; i++) {
		if (c->seen[i] == process->pid)
			return true;
	}
	differ(c, "%d: does not exist any more", process->pid);
	return true;
}

uint32_t consistency_check(struct state *state, int32_t sid, FILE *out, uint32_t max, uint32_t *n)
{
	struct comparison c = {.state = state, .out = out, .sid = sid, .max = max};
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		int32_t pid = atoi(entry->d_name), ppid, its_sid;
		char text[1024], kind;
		const char *close;

		if (pid <= 0 || !read_file(pid, "stat", text, sizeof(text)))
			continue;
		close = strrchr(text, ')');
		if (close && sscanf(close + 1, " %c %d %*d %d", &kind, &ppid, &its_sid) == 3 &&
		    its_sid == sid)
			compare_process(&c, pid, ppid, kind);
	}
	if (proc)
		closedir(proc);
	state_each_process(state, is_gone, &c);
	*n = c.n_seen;
	return c.n_wrong;
}
