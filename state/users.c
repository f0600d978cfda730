#include "state/users.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/event.h"
#include "base/util.h"

#define FILE_BYTES_MAX (4u << 20)
#define CHECK_NS UINT64_C(1000000000)

/* One parsed file: rows point into its text. */
struct names {
	char *text;
	struct user *rows; /* sorted by id */
	uint32_t n;
	size_t bytes;
	struct timespec mtime;
	ino_t ino;
};

struct users {
	int root_fd; /* -1: nothing is known */
	uint64_t checked_ns;
	struct names users, groups;
};

static void names_done(struct names *names)
{
	free(names->text);
	free(names->rows);
	*names = (struct names){0};
}

static int by_id(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The next field of line up to ':' or its end; advances *at. */
static struct text next_field(const char **at, const char *end)
{
	const char *start = *at;
	const char *colon = memchr(start, ':', (size_t)(end - start));
	const char *stop = colon ? colon : end;

	*at = colon ? colon + 1 : end;
	return (struct text){start, (uint32_t)(stop - start)};
}

/* Decimal number; false: none, or beyond 32 bits. */
static bool parse_id(struct text t, uint32_t *out)
{
	uint64_t id = 0;

	if (!t.len || t.len > 10)
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] < '0' || t.ptr[i] > '9')
			return false;
		id = id * 10 + (uint64_t)(t.ptr[i] - '0');
	}
	*out = (uint32_t)id;
	return id <= UINT32_MAX;
}

/* name:password:id[:gid:comment:home:shell] */
static bool parse_line(const char *line, const char *end, struct user *out)
{
	const char *at = line;

	*out = (struct user){.name = next_field(&at, end)};
	next_field(&at, end);
	if (!out->name.len || out->name.ptr[0] == '#' || !parse_id(next_field(&at, end), &out->uid))
		return false;
	parse_id(next_field(&at, end), &out->gid);
	next_field(&at, end);
	out->home = next_field(&at, end);
	out->shell = next_field(&at, end);
	return true;
}

static int parse(struct names *names, size_t len)
{
	const char *at = names->text, *end = names->text + len;
	uint32_t n_lines = 1;

	for (const char *p = at; p < end; p++)
		n_lines += *p == '\n';
	names->rows = calloc(n_lines, sizeof(*names->rows));
	if (!names->rows)
		return -ENOMEM;
	names->bytes = len + n_lines * sizeof(*names->rows);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		if (parse_line(at, stop, &names->rows[names->n]))
			names->n++;
		at = stop + 1;
	}
	qsort(names->rows, names->n, sizeof(*names->rows), by_id);
	return 0;
}

/* Read the whole of an open file of at most FILE_BYTES_MAX bytes. */
static int read_file(int fd, size_t size, char **out, size_t *len)
{
	char *text = malloc(size + 1);
	size_t used = 0;

	if (!text)
		return -ENOMEM;
	while (used < size) {
		ssize_t n = read(fd, text + used, size - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	*out = text;
	*len = used;
	return 0;
}

/* Open a file below root_fd; links in it, which a container may have made, cannot lead out. */
static int open_below(int root_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return root_fd < 0 ? -1 : (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

static void load(struct names *names, int root_fd, const char *path)
{
	SCOPED(close_fd) int fd = open_below(root_fd, path);
	struct names fresh = {0};
	struct stat st;
	size_t len;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return;
	if (names->text && st.st_ino == names->ino && st.st_mtim.tv_sec == names->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == names->mtime.tv_nsec)
		return;
	if (read_file(fd, MIN((size_t)st.st_size, (size_t)FILE_BYTES_MAX), &fresh.text, &len))
		return;
	fresh.mtime = st.st_mtim;
	fresh.ino = st.st_ino;
	if (parse(&fresh, len)) {
		names_done(&fresh);
		return;
	}
	names_done(names);
	*names = fresh;
}

int users_create(struct users **out, const char *root)
{
	struct users *users = calloc(1, sizeof(*users));

	if (!users)
		return -ENOMEM;
	users->root_fd = root ? open(root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	load(&users->users, users->root_fd, "etc/passwd");
	load(&users->groups, users->root_fd, "etc/group");
	*out = users;
	return 0;
}

/* Copies into one block of bytes that names own. */
struct copier {
	char *block;
	size_t used;
};

static struct text copy_text(struct copier *copier, struct text t)
{
	struct text copy = {copier->block + copier->used, t.len};

	if (t.len)
		memcpy(copier->block + copier->used, t.ptr, t.len);
	copier->used += t.len;
	return copy;
}

/* Room for n rows and bytes of text. */
static int make_rows(struct names *names, struct copier *copier, uint32_t n, size_t bytes)
{
	names->rows = calloc(MAX(n, 1), sizeof(*names->rows));
	names->text = malloc(MAX(bytes, 1));
	names->n = n;
	names->bytes = bytes + n * sizeof(*names->rows);
	copier->block = names->text;
	return names->rows && names->text ? 0 : -ENOMEM;
}

static int take_users(struct names *names, const struct host_facts *host)
{
	struct copier copier = {0};
	size_t bytes = 0;

	for (uint32_t i = 0; i < host->n_users; i++)
		bytes += host->users[i].name.len + host->users[i].home.len +
			 host->users[i].shell.len;
	if (make_rows(names, &copier, host->n_users, bytes))
		return -ENOMEM;
	for (uint32_t i = 0; i < host->n_users; i++) {
		const struct host_user *user = &host->users[i];

		names->rows[i] = (struct user){.uid = user->uid,
					       .gid = user->gid,
					       .name = copy_text(&copier, user->name),
					       .home = copy_text(&copier, user->home),
					       .shell = copy_text(&copier, user->shell)};
	}
	qsort(names->rows, names->n, sizeof(*names->rows), by_id);
	return 0;
}

static int take_groups(struct names *names, const struct host_facts *host)
{
	struct copier copier = {0};
	size_t bytes = 0;

	for (uint32_t i = 0; i < host->n_groups; i++)
		bytes += host->groups[i].name.len;
	if (make_rows(names, &copier, host->n_groups, bytes))
		return -ENOMEM;
	for (uint32_t i = 0; i < host->n_groups; i++)
		names->rows[i] = (struct user){.uid = host->groups[i].gid,
					       .name = copy_text(&copier, host->groups[i].name)};
	qsort(names->rows, names->n, sizeof(*names->rows), by_id);
	return 0;
}

int users_take(struct users *users, const struct host_facts *host)
{
	struct names fresh[2] = {0};

	if (take_users(&fresh[0], host) || take_groups(&fresh[1], host)) {
		names_done(&fresh[0]);
		names_done(&fresh[1]);
		return -ENOMEM;
	}
	names_done(&users->users);
	names_done(&users->groups);
	users->users = fresh[0];
	users->groups = fresh[1];
	return 0;
}

/* All rows that are known, with one more or in the place of the one with its number. */
static int take_users_and(struct names *out, const struct names *known,
			  const struct host_user *more)
{
	struct host_user *all = calloc(known->n + 1, sizeof(*all));
	struct host_facts host = {.users = all};
	int r;

	for (uint32_t i = 0; all && i < known->n; i++) {
		const struct user *u = &known->rows[i];

		if (u->uid != more->uid)
			all[host.n_users++] =
				(struct host_user){u->uid, u->gid, u->name, u->home, u->shell};
	}
	if (!all)
		return -ENOMEM;
	all[host.n_users++] = *more;
	r = take_users(out, &host);
	free(all);
	return r;
}

int users_add(struct users *users, const struct host_user *user, const struct host_group *group)
{
	struct host_user row = user ? *user : (struct host_user){.uid = group->gid};
	struct names *names = user ? &users->users : &users->groups, fresh = {0};

	if (!user)
		row.name = group->name;
	if (take_users_and(&fresh, names, &row)) {
		names_done(&fresh);
		return -ENOMEM;
	}
	names_done(names);
	*names = fresh;
	return 0;
}

static bool is_same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

int users_create_inside(struct users **out, const char *host_root, int32_t pid)
{
	SCOPED(close_fd) int own = open(host_root[0] ? host_root : "/", O_PATH | O_CLOEXEC);
	SCOPED(users_destroy) struct users *users = calloc(1, sizeof(*users));
	char path[PATH_MAX];

	if (!users)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/proc/%d/root", host_root, pid);
	users->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (users->root_fd < 0)
		return -errno;
	if (own >= 0 && is_same_file(own, users->root_fd))
		return -EAGAIN;
	load(&users->users, users->root_fd, "etc/passwd");
	load(&users->groups, users->root_fd, "etc/group");
	close_fd(&users->root_fd);
	users->root_fd = -1;
	*out = TAKE(users);
	return 0;
}

void users_destroy(struct users **users)
{
	if (!*users)
		return;
	names_done(&(*users)->users);
	names_done(&(*users)->groups);
	close_fd(&(*users)->root_fd);
	free(*users);
	*users = NULL;
}

void users_refresh(struct users *users, uint64_t now_ns)
{
	if (users->root_fd < 0 || now_ns - users->checked_ns < CHECK_NS)
		return;
	users->checked_ns = now_ns;
	load(&users->users, users->root_fd, "etc/passwd");
	load(&users->groups, users->root_fd, "etc/group");
}

static const struct user *find(const struct names *names, uint32_t id)
{
	struct user key = {.uid = id};

	return names->n ? bsearch(&key, names->rows, names->n, sizeof(key), by_id) : NULL;
}

const struct user *users_find(const struct users *users, uint32_t uid)
{
	return find(&users->users, uid);
}

struct text users_group_name(const struct users *users, uint32_t gid)
{
	const struct user *row = find(&users->groups, gid);

	return row ? row->name : TEXT_NONE;
}

size_t users_bytes(const struct users *users)
{
	return sizeof(*users) + users->users.bytes + users->groups.bytes;
}
