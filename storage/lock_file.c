#include "storage/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

static int refuse(const char *path, int fd)
{
	char digits[16] = "";
	ssize_t n = pread(fd, digits, sizeof(digits) - 1, 0);
	long pid = n > 0 ? strtol(digits, NULL, 10) : 0;

	if (pid > 0)
		log_err("database '%s' is in use by another ethogram (pid %ld): stop it, or choose "
			"another storage.path",
			path, pid);
	else
		log_err("database '%s' is in use by another ethogram: stop it, or choose another "
			"storage.path",
			path);
	return -EBUSY;
}

int lock_file_take(const char *path, int *out)
{
	SCOPED(close_fd) int fd = -1;
	char name[PATH_MAX], pid[16];
	int n;

	if (snprintf(name, sizeof(name), "%s.lock", path) >= (int)sizeof(name))
		return log_err_r(-ENAMETOOLONG, "database '%s'", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return log_err_r(
			-errno,
			"lock file '%s': cannot open (is storage.path right, and its folder writable?)",
			name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return refuse(path, fd);
		return log_err_r(-errno, "lock file '%s': cannot lock", name);
	}
	/* Only a courtesy to whoever comes second: a full disk must not keep us from starting. */
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) < 0)
		log_debug("lock file '%s': cannot note the pid", name);
	*out = TAKE_FD(fd);
	return 0;
}
