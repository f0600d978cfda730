/* Queue of things that carry their own link, for many producers and one consumer. A push is one
 * compare-and-swap, and a system call only when the consumer sleeps: while it is busy, waking costs
 * the producer nothing. Bounded by count; the consumer takes everything at once, oldest first. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* First member of (or anywhere in) what is queued. */
struct queue_node {
	struct queue_node *next;
};

struct queue {
	_Atomic(struct queue_node *) newest;
	_Atomic uint32_t n;
	_Atomic bool is_sleeping;
	uint32_t max;
	int wake_fd;
};

/* max: pushes beyond this many waiting are refused. 0 or -errno. */
int queue_init(struct queue *queue, uint32_t max);

/* What is still queued is the caller's: take it first. */
void queue_done(struct queue *queue);

/* Any thread. False when full: node stays the caller's. */
bool queue_push(struct queue *queue, struct queue_node *node);

/* Any thread. Past the bound, for what must not be lost. */
void queue_push_always(struct queue *queue, struct queue_node *node);

/* Consumer: everything queued, oldest first, linked by next; NULL when empty. */
struct queue_node *queue_take_all(struct queue *queue);

/* Consumer: sleep until something is pushed, queue_wake() is called or timeout_ms (-1: no limit)
 * passed. Returns at once when something is queued. */
void queue_wait(struct queue *queue, int timeout_ms);

/* Consumer: the same, but pushes do not end it: for one who gathers more before it works on. */
void queue_nap(struct queue *queue, int timeout_ms);

/* Consumer that sleeps in a poll set of its own, on wake_fd: true when nothing is queued, and then
 * the next push makes wake_fd readable; false: queue_take_all() has something. No system call when
 * nothing came since the last call. */
bool queue_arm(struct queue *queue);

/* Any thread: make queue_wait() return. */
void queue_wake(struct queue *queue);

/* Any thread: how many wait. */
uint32_t queue_length(const struct queue *queue);
