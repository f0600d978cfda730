#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/queue.h"
#include "base/request.h"
#include "base/util.h"

struct item {
	struct queue_node node;
	unsigned producer, number;
};

#define PRODUCERS 4
#define PER_PRODUCER 20000

struct producer {
	struct queue *queue;
	unsigned number;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;

	for (unsigned i = 0; i < PER_PRODUCER; i++) {
		struct item *item = malloc(sizeof(*item));

		*item = (struct item){.producer = producer->number, .number = i};
		queue_push_always(producer->queue, &item->node);
	}
	return NULL;
}

/* Nothing is lost, each producer's order is kept, and no wake is missed: the consumer sleeps
 * without a limit whenever the queue is empty. */
static void queue_keeps_each_producers_order(void **state)
{
	pthread_t threads[PRODUCERS];
	struct producer producers[PRODUCERS];
	unsigned next[PRODUCERS] = {0}, total = 0;
	struct queue queue;

	(void)state;
	assert_int_equal(queue_init(&queue, 10), 0);
	for (unsigned i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){&queue, i};
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	}
	while (total < PRODUCERS * PER_PRODUCER) {
		queue_wait(&queue, -1);
		for (struct queue_node *node = queue_take_all(&queue); node;) {
			struct item *item = (struct item *)node;

			node = node->next;
			assert_int_equal(item->number, next[item->producer]++);
			total++;
			free(item);
		}
	}
	for (unsigned i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(queue_length(&queue), 0);
	queue_done(&queue);
}

static void queue_is_bounded(void **state)
{
	struct item items[5] = {0};
	struct queue queue;
	struct queue_node *node;

	(void)state;
	assert_int_equal(queue_init(&queue, 3), 0);
	for (int i = 0; i < 3; i++)
		assert_true(queue_push(&queue, &items[i].node));
	assert_false(queue_push(&queue, &items[3].node));
	queue_push_always(&queue, &items[4].node);
	assert_int_equal(queue_length(&queue), 4);
	node = queue_take_all(&queue);
	assert_ptr_equal(node, &items[0].node);
	assert_ptr_equal(node->next->next->next, &items[4].node);
	assert_null(queue_take_all(&queue));
	assert_true(queue_push(&queue, &items[3].node));
	queue_done(&queue);
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

static void arming_wakes_once_for_what_comes_later(void **state)
{
	struct item items[3] = {0};
	struct queue queue;

	(void)state;
	assert_int_equal(queue_init(&queue, 3), 0);
	assert_true(queue_push(&queue, &items[0].node));
	assert_false(is_readable(queue.wake_fd)); /* the consumer was not asleep */
	assert_false(queue_arm(&queue));
	queue_take_all(&queue);
	assert_true(queue_arm(&queue));
	assert_true(queue_arm(&queue));
	assert_false(is_readable(queue.wake_fd));
	assert_true(queue_push(&queue, &items[1].node));
	assert_true(is_readable(queue.wake_fd));
	queue_take_all(&queue);
	assert_true(queue_arm(&queue));
	assert_false(is_readable(queue.wake_fd));
	queue_done(&queue);
}

/* A pipeline that answers everything until it is told to stop. */
struct answerer {
	struct request_box *box;
	_Atomic bool stop;
};

static void *answer(void *arg)
{
	struct answerer *answerer = arg;

	while (!answerer->stop) {
		struct pollfd fd = {.fd = request_box_fd(answerer->box), .events = POLLIN};
		struct request *request = request_box_take(answerer->box);

		if (!request) {
			poll(&fd, 1, 10);
			continue;
		}
		request->processes.items = snapshot_alloc(&request->processes.pool, 1,
							  sizeof(struct snapshot_process));
		request->processes.n = 1;
		request->processes.items[0].pid = request->root_pid;
		request->result = request->root_pid == 13 ? -ENOENT : 0;
		request_box_finish(answerer->box, request);
	}
	return NULL;
}

static void answers_come_back(void **state)
{
	struct answerer answerer = {0};
	pthread_t thread;

	(void)state;
	assert_int_equal(request_box_create(&answerer.box), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer, &answerer), 0);
	for (int i = 1; i < 200; i++) {
		SCOPED(request_destroy) struct request *request = request_create(REQUEST_PROCESSES);

		request->root_pid = i;
		assert_int_equal(request_ask(answerer.box, request, 10000), i == 13 ? -ENOENT : 0);
		assert_int_equal(request->processes.items[0].pid, i);
	}
	answerer.stop = true;
	pthread_join(thread, NULL);
	request_box_destroy(&answerer.box);
	assert_null(answerer.box);
}

static void an_asker_that_gave_up_leaks_nothing(void **state)
{
	struct request_box *box = NULL;
	struct request *late = request_create(REQUEST_WORKLOADS), *gone, *taken;

	(void)state;
	assert_int_equal(request_box_create(&box), 0);
	/* Gave up before the pipeline looked: it never sees the question. */
	gone = request_create(REQUEST_WORKLOADS);
	assert_int_equal(request_ask(box, gone, 0), -ETIMEDOUT);
	request_destroy(&gone);
	assert_null(gone);
	assert_null(request_box_take(box));
	/* Nobody asks, but what is taken at the end is answered and freed by the box. */
	assert_int_equal(request_ask(box, late, 1), -ETIMEDOUT);
	taken = request_box_take(box);
	assert_null(taken);
	request_destroy(&late);
	request_box_destroy(&box);
	request_destroy(&late);
}

struct asker {
	struct request_box *box;
	int result;
};

static void *ask_briefly(void *arg)
{
	struct asker *asker = arg;
	struct request *request = request_create(REQUEST_PENDING);

	asker->result = request_ask(asker->box, request, 200);
	request_destroy(&request);
	return NULL;
}

static void a_late_answer_is_freed_by_the_pipeline(void **state)
{
	struct asker asker = {0};
	struct request *request = NULL;
	pthread_t thread;

	(void)state;
	assert_int_equal(request_box_create(&asker.box), 0);
	assert_int_equal(pthread_create(&thread, NULL, ask_briefly, &asker), 0);
	while (!request)
		request = request_box_take(asker.box);
	pthread_join(thread, NULL); /* it gave up while the question was in our hands */
	assert_int_equal(asker.result, -ETIMEDOUT);
	request->pending.items = snapshot_alloc(&request->pending.pool, 100, 100);
	request_box_finish(asker.box, request);
	request_box_destroy(&asker.box);
}

static void too_many_askers_are_refused(void **state)
{
	struct request_box *box = NULL;
	int refused = 0;

	(void)state;
	assert_int_equal(request_box_create(&box), 0);
	for (int i = 0; i < 100; i++) {
		SCOPED(request_destroy) struct request *request = request_create(REQUEST_STATUS);

		refused += request_ask(box, request, 0) == -EBUSY;
	}
	assert_int_equal(refused, 36);
	request_box_destroy(&box);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_keeps_each_producers_order),
		cmocka_unit_test(queue_is_bounded),
		cmocka_unit_test(arming_wakes_once_for_what_comes_later),
		cmocka_unit_test(answers_come_back),
		cmocka_unit_test(an_asker_that_gave_up_leaks_nothing),
		cmocka_unit_test(a_late_answer_is_freed_by_the_pipeline),
		cmocka_unit_test(too_many_askers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
