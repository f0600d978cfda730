#include "tests/live/call_matrix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

#define NOBODY 65534

static const int open_flags[] = {
	O_RDONLY,
	O_WRONLY,
	O_RDWR,
	3,
	O_RDONLY | O_CREAT,
	O_WRONLY | O_CREAT | O_TRUNC,
	O_RDWR | O_CREAT | O_EXCL,
	O_PATH,
	O_RDONLY | O_DIRECTORY,
	O_RDWR | O_TMPFILE,
	O_RDONLY | O_CLOEXEC | O_NONBLOCK,
};

static void close_result(long fd)
{
	if (fd >= 0)
		syscall(SYS_close, fd);
}

static void open_with(const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)flags, .mode = flags & O_CREAT ? 0755 : 0};

	if (flags & O_TMPFILE)
		how.mode = 0755;
	close_result(syscall(SYS_open, path, flags, 0755));
	close_result(syscall(SYS_openat, AT_FDCWD, path, flags, 0644));
	close_result(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
	close_result(syscall(SYS_creat, path, 0700));
}

static void do_opens(const char *folder)
{
	char fresh[4096], nowhere[4096];
	const char *paths[] = {"/etc/passwd", "/etc/shadow", folder, fresh, nowhere};

	snprintf(nowhere, sizeof(nowhere), "%s/none/file", folder);
	for (size_t f = 0; f < ARRAY_SIZE(open_flags); f++) {
		snprintf(fresh, sizeof(fresh), "%s/file%zu", folder, f % 4);
		for (size_t p = 0; p < ARRAY_SIZE(paths); p++)
			open_with(paths[p], open_flags[f]);
	}
}

static void connect_to(const struct sockaddr_in *address, int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		errno = 0; /* what came of it is seen by the tracer */
	close_result(fd);
}

static void do_connects(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, len) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&address, &len))
		_exit(98);
	connect_to(&address, 0);
	connect_to(&address, SOCK_NONBLOCK);
	close_result(fd);
	connect_to(&address, 0);
	connect_to(&address, SOCK_NONBLOCK);
}

static void do_names(const char *folder)
{
	char one[4096], other[4096];
	const char *paths[] = {one, one, "/etc/passwd", "/none/x"};
	long ignored = 0;

	snprintf(one, sizeof(one), "%s/one", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	close_result(syscall(SYS_creat, one, 0600));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		ignored |= syscall(SYS_chmod, paths[i], 0640);
		ignored |= syscall(SYS_truncate, paths[i], 0L);
		ignored |= syscall(SYS_rename, paths[i], other);
		ignored |= syscall(SYS_unlink, paths[i]);
		ignored |= syscall(SYS_unlink, other);
		ignored |= syscall(SYS_mkdir, paths[i], 0700);
		ignored |= syscall(SYS_rmdir, paths[i]);
		ignored |= syscall(SYS_setuid, i ? 0 : NOBODY);
		ignored |= syscall(SYS_execve, paths[i], NULL, NULL);
	}
	(void)ignored;
}

void call_matrix_run(const char *folder)
{
	if (chmod(folder, 0777) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(99);
	do_opens(folder);
	do_opens(folder); /* now the files are there */
	do_connects();
	do_names(folder);
}
