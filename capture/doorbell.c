#include "capture/doorbell.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

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

int doorbell_fd(const struct doorbell *doorbell)
{
	return ring_buffer__epoll_fd(doorbell->ring);
}

void doorbell_silence(struct doorbell *doorbell)
{
	ring_buffer__consume(doorbell->ring);
}

uint64_t doorbell_rung_total(const struct doorbell *doorbell)
{
	return doorbell->rung_total;
}
