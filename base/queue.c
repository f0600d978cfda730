#include "base/queue.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"

int queue_init(struct queue *queue, uint32_t max)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	*queue = (struct queue){.max = max, .wake_fd = fd};
	return 0;
}

void queue_done(struct queue *queue)
{
	close_fd(&queue->wake_fd);
}

void queue_wake(struct queue *queue)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then the consumer wakes anyway. */
	if (write(queue->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* Order matters: the node is visible before is_sleeping is read, and the consumer sets is_sleeping
 * before it looks for nodes; both sequentially consistent, so one of the two sees the other. */
static void link_node(struct queue *queue, struct queue_node *node)
{
	struct queue_node *old = atomic_load(&queue->newest);

	do {
		node->next = old;
	} while (!atomic_compare_exchange_weak(&queue->newest, &old, node));
	if (atomic_load(&queue->is_sleeping) && atomic_exchange(&queue->is_sleeping, false))
		queue_wake(queue);
}

bool queue_push(struct queue *queue, struct queue_node *node)
{
	if (atomic_fetch_add(&queue->n, 1) >= queue->max) {
		atomic_fetch_sub(&queue->n, 1);
		return false;
	}
	link_node(queue, node);
	return true;
}

void queue_push_always(struct queue *queue, struct queue_node *node)
{
	atomic_fetch_add(&queue->n, 1);
	link_node(queue, node);
}

struct queue_node *queue_take_all(struct queue *queue)
{
	struct queue_node *newest = atomic_exchange(&queue->newest, NULL);
	struct queue_node *oldest = NULL;
	uint32_t n = 0;

	while (newest) {
		struct queue_node *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
		n++;
	}
	atomic_fetch_sub(&queue->n, n);
	return oldest;
}

static void spend_wakes(struct queue *queue)
{
	uint64_t count;

	/* Nothing to read is no error. */
	if (read(queue->wake_fd, &count, sizeof(count)) < 0)
		return;
}

void queue_wait(struct queue *queue, int timeout_ms)
{
	struct pollfd wake = {.fd = queue->wake_fd, .events = POLLIN};

	atomic_store(&queue->is_sleeping, true);
	if (!atomic_load(&queue->newest))
		(void)poll(&wake, 1, timeout_ms);
	atomic_store(&queue->is_sleeping, false);
	spend_wakes(queue);
}

void queue_nap(struct queue *queue, int timeout_ms)
{
	struct pollfd wake = {.fd = queue->wake_fd, .events = POLLIN};

	if (poll(&wake, 1, timeout_ms) > 0)
		spend_wakes(queue);
}

bool queue_arm(struct queue *queue)
{
	if (atomic_load(&queue->newest))
		return false;
	if (atomic_load(&queue->is_sleeping))
		return true;
	spend_wakes(queue);
	atomic_store(&queue->is_sleeping, true);
	return !atomic_load(&queue->newest);
}

uint32_t queue_length(const struct queue *queue)
{
	return atomic_load(&queue->n);
}
