/* Alerts appended to a file, opened again when someone moved it away (log rotation). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "storage/sink.h"

struct file {
	const char *path;
	int fd;
	bool is_torn;
};

static int reopen(struct file *file)
{
	close_fd(&file->fd);
	file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	file->is_torn = false;
	return file->fd < 0 ? -errno : 0;
}

static int create(void **out, const struct sink_options *options)
{
	struct file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	*file = (struct file){.path = options->path, .fd = -1};
	r = reopen(file);
	if (r) {
		free(file);
		return log_err_r(r, "output file '%s': cannot open", options->path);
	}
	*out = file;
	return 0;
}

static void destroy(void *sink)
{
	struct file *file = sink;

	close_fd(&file->fd);
	free(file);
}

static bool was_moved(const struct file *file)
{
	struct stat named, open_one;

	return file->fd < 0 || stat(file->path, &named) < 0 || fstat(file->fd, &open_one) < 0 ||
	       named.st_ino != open_one.st_ino || named.st_dev != open_one.st_dev;
}

static int write_line(void *sink, const struct sink_line *line)
{
	struct file *file = sink;
	int r = was_moved(file) ? reopen(file) : 0;

	return r ? r : sink_write_line(file->fd, line, &file->is_torn);
}

const struct sink_kind sink_file = {"file", "path|format", "path", create, destroy, write_line};
