/* Alerts to the local syslog or journal: datagrams on its socket, written here rather than by
 * syslog(3), which does not tell when nobody listens. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "storage/sink.h"

#define DEFAULT_PATH "/dev/log"
#define MESSAGE_MAX 8192 /* what receivers commonly take; longer ones are cut */
#define TIMEOUT_S 2

struct syslog_sink {
	struct sockaddr_un address;
	int fd;
};

static int create(void **out, const struct sink_options *options)
{
	const char *path = options->path ? options->path : DEFAULT_PATH;
	struct syslog_sink *sink;

	if (strlen(path) >= sizeof(sink->address.sun_path))
		return log_err_r(-ENAMETOOLONG, "syslog socket '%s'", path);
	sink = calloc(1, sizeof(*sink));
	if (!sink)
		return -ENOMEM;
	sink->fd = -1;
	sink->address.sun_family = AF_UNIX;
	memcpy(sink->address.sun_path, path, strlen(path) + 1);
	*out = sink;
	return 0;
}

static void destroy(void *state)
{
	struct syslog_sink *sink = state;

	close_fd(&sink->fd);
	free(sink);
}

static int reconnect(struct syslog_sink *sink)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};

	close_fd(&sink->fd);
	sink->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sink->fd < 0 ||
	    setsockopt(sink->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(sink->fd, (struct sockaddr *)&sink->address, sizeof(sink->address)) < 0) {
		int r = -errno;

		close_fd(&sink->fd);
		return r;
	}
	return 0;
}

/* "<PRI>Nov 20 12:00:00 ethogram[PID]: ", the form of RFC 3164 that local sockets take. */
static int print_head(char *out, size_t out_bytes, enum alert_priority priority)
{
	time_t now = (time_t)(clock_real_ns() / 1000000000);
	char stamp[32];
	struct tm tm;

	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", localtime_r(&now, &tm));
	return snprintf(out, out_bytes, "<%d>%s ethogram[%d]: ", LOG_DAEMON | (int)priority, stamp,
			(int)getpid());
}

static int write_line(void *state, const struct sink_line *line)
{
	struct syslog_sink *sink = state;
	char message[MESSAGE_MAX];
	int head = print_head(message, sizeof(message), line->priority);
	size_t n = MIN(line->len, sizeof(message) - (size_t)head);
	int r = sink->fd < 0 ? reconnect(sink) : 0;

	if (r)
		return r;
	memcpy(message + head, line->ptr, n);
	if (send(sink->fd, message, (size_t)head + n, MSG_NOSIGNAL) < 0) {
		r = -errno;
		close_fd(&sink->fd);
	}
	return r;
}

const struct sink_kind sink_syslog = {"syslog", "path|format", NULL, create, destroy, write_line};
