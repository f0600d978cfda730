#include "base/request.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/util.h"

#define WAITING_MAX 64

/* What the asker and the pipeline share. Two owners at most: each drops its reference, the last
 * one frees. */
struct question {
	struct request request; /* first: what users hold */
	struct queue_node node;
	_Atomic int references;
	_Atomic bool is_abandoned; /* the asker gave up */
	_Atomic bool is_answered;  /* orders the answer before its reading */
	sem_t answered;
};

struct request_box {
	struct queue queue;
	struct queue_node *taken; /* pipeline thread: from the queue, not yet handed out */
};

static struct question *question_of(struct request *request)
{
	return (struct question *)request;
}

static struct question *question_of_node(struct queue_node *node)
{
	return (struct question *)((char *)node - offsetof(struct question, node));
}

static struct snapshot_pool *answer_pool(struct request *request)
{
	switch (request->kind) {
	case REQUEST_WORKLOADS:
		return &request->workloads.pool;
	case REQUEST_WORKLOAD:
		return &request->workload.pool;
	case REQUEST_BEHAVIOURS:
		return &request->behaviours.pool;
	case REQUEST_PENDING:
		return &request->pending.pool;
	case REQUEST_PROCESSES:
		return &request->processes.pool;
	case REQUEST_RULES:
		return &request->rules.pool;
	case REQUEST_STATUS:
		break;
	}
	return NULL;
}

static void drop(struct question *question)
{
	struct snapshot_pool *pool;

	if (atomic_fetch_sub(&question->references, 1) != 1)
		return;
	pool = answer_pool(&question->request);
	if (pool)
		snapshot_pool_done(pool);
	sem_destroy(&question->answered);
	free(question);
}

struct request *request_create(enum request_kind kind)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return NULL;
	question->request.kind = kind;
	question->references = 1;
	sem_init(&question->answered, 0, 0); /* cannot fail: not shared, value in range */
	return &question->request;
}

void request_destroy(struct request **request)
{
	if (*request)
		drop(question_of(*request));
	*request = NULL;
}

int request_box_create(struct request_box **out)
{
	struct request_box *box = calloc(1, sizeof(*box));
	int r;

	if (!box)
		return -ENOMEM;
	r = queue_init(&box->queue, WAITING_MAX);
	if (r) {
		free(box);
		return r;
	}
	*out = box;
	return 0;
}

void request_box_destroy(struct request_box **box)
{
	struct request *request;

	if (!*box)
		return;
	while ((request = request_box_take(*box))) {
		request->result = -ECANCELED;
		request_box_finish(*box, request);
	}
	queue_done(&(*box)->queue);
	free(*box);
	*box = NULL;
}

static struct timespec deadline_after(int timeout_ms)
{
	uint64_t at_ns = clock_monotonic_ns() + (uint64_t)MAX(timeout_ms, 0) * 1000000;

	return (struct timespec){.tv_sec = (time_t)(at_ns / 1000000000),
				 .tv_nsec = (long)(at_ns % 1000000000)};
}

int request_ask(struct request_box *box, struct request *request, int timeout_ms)
{
	struct question *question = question_of(request);
	struct timespec deadline = deadline_after(timeout_ms);
	int r;

	atomic_fetch_add(&question->references, 1);
	if (!queue_push(&box->queue, &question->node)) {
		atomic_fetch_sub(&question->references, 1);
		return -EBUSY;
	}
	do {
		r = sem_clockwait(&question->answered, CLOCK_MONOTONIC, &deadline);
	} while (r < 0 && errno == EINTR);
	if (r < 0) {
		atomic_store(&question->is_abandoned, true);
		return -ETIMEDOUT;
	}
	return atomic_load(&question->is_answered) ? request->result : -ECANCELED;
}

struct request *request_box_take(struct request_box *box)
{
	for (;;) {
		struct question *question;

		if (!box->taken && !queue_arm(&box->queue))
			box->taken = queue_take_all(&box->queue);
		if (!box->taken)
			return NULL;
		question = question_of_node(box->taken);
		box->taken = box->taken->next;
		if (!atomic_load(&question->is_abandoned))
			return &question->request;
		drop(question);
	}
}

void request_box_finish(struct request_box *box, struct request *request)
{
	struct question *question = question_of(request);

	(void)box;
	atomic_store(&question->is_answered, true);
	sem_post(&question->answered);
	drop(question);
}

int request_box_fd(const struct request_box *box)
{
	return box->queue.wake_fd;
}
