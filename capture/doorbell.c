#include "capture/doorbell.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

struct doorbell {
	struct ring_buffer *ring;
	uint64_t rung_total;
};

static int note(void *arg, void *data, size_t size)
{
	struct doorbell *doorbell = arg;

	(void)data;
	(void)size;
	doorbell->rung_total++;
	return 0;
}

int doorbell_create(struct doorbell **out, int map_fd)
{
	SCOPED(doorbell_destroy) struct doorbell *doorbell = calloc(1, sizeof(*doorbell));

	if (!doorbell)
		return -ENOMEM;
	doorbell->ring = ring_buffer__new(map_fd, note, doorbell, NULL);
	if (!doorbell->ring)
		return -errno;
	*out = TAKE(doorbell);
	return 0;
}

void doorbell_destroy(struct doorbell **doorbell)
{
	if (*doorbell)
		ring_buffer__free((*doorbell)->ring);
	free(*doorbell);
	*doorbell = NULL;
}

bool doorbell_wait(struct doorbell *doorbell, int wake_fd, int question_fd, uint64_t ns)
{
	struct pollfd fds[] = {
		{.fd = wake_fd, .events = POLLIN},
		{.fd = question_fd, .events = POLLIN},
		{.fd = ring_buffer__epoll_fd(doorbell->ring), .events = POLLIN},
	};
	struct timespec sleep = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
	uint64_t ignored;

	if (ppoll(fds, ARRAY_SIZE(fds), &sleep, NULL) <= 0)
		return false;
	if (fds[0].revents && read(wake_fd, &ignored, sizeof(ignored)) < 0)
		log_debug("capture: wake-up could not be read");
	if (fds[2].revents)
		ring_buffer__consume(doorbell->ring);
	return true;
}

uint64_t doorbell_rung_total(const struct doorbell *doorbell)
{
	return doorbell->rung_total;
}
