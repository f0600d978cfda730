#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "api/live.h"
#include "base/util.h"

#define ASKERS 16

/* Plays the pipeline; counts what it was asked. */
struct pipeline {
	struct request_box *box;
	struct live *live;
	int result;
	atomic_uint n_answered;
	atomic_bool is_stopping;
	pthread_t thread;
};

static void *answer_all(void *arg)
{
	struct pipeline *pipeline = arg;

	while (!atomic_load(&pipeline->is_stopping)) {
		struct pollfd wake = {.fd = request_box_fd(pipeline->box), .events = POLLIN};
		struct request *request;

		poll(&wake, 1, 5);
		while ((request = request_box_take(pipeline->box))) {
			request->result = pipeline->result;
			if (request->kind == REQUEST_STATUS)
				request->status.anomalies_total =
					atomic_fetch_add(&pipeline->n_answered, 1) + 1;
			request_box_finish(pipeline->box, request);
		}
	}
	return NULL;
}

static void start(struct pipeline *pipeline, int result)
{
	*pipeline = (struct pipeline){.result = result};
	assert_int_equal(request_box_create(&pipeline->box), 0);
	assert_int_equal(live_create(&pipeline->live, pipeline->box), 0);
	pthread_create(&pipeline->thread, NULL, answer_all, pipeline);
}

static void stop(struct pipeline *pipeline)
{
	atomic_store(&pipeline->is_stopping, true);
	pthread_join(pipeline->thread, NULL);
	live_destroy(&pipeline->live);
	request_box_destroy(&pipeline->box);
}

static void *ask(void *arg)
{
	struct pipeline *pipeline = arg;
	struct live_answer *answer = NULL;
	uintptr_t number = 0;

	if (live_share(pipeline->live, REQUEST_STATUS, &answer) == 0)
		number = answer->request->status.anomalies_total;
	live_release(&answer);
	return (void *)number;
}

/* However many ask at once, the pipeline answers far fewer; a second cannot pass unnoticed, as one
 * answer serves everybody who came while it was made. */
static void test_answers_are_shared(void **state)
{
	struct pipeline pipeline;
	pthread_t threads[ASKERS];

	(void)state;
	start(&pipeline, 0);
	for (int i = 0; i < ASKERS; i++)
		pthread_create(&threads[i], NULL, ask, &pipeline);
	for (int i = 0; i < ASKERS; i++) {
		void *number;

		pthread_join(threads[i], &number);
		assert_true((uintptr_t)number >= 1);
	}
	assert_true(atomic_load(&pipeline.n_answered) < ASKERS);
	stop(&pipeline);
}

/* An answer stays whole for who holds it, even when the server that shared it is gone. */
static void test_answer_outlives_its_slot(void **state)
{
	struct pipeline pipeline;
	struct live_answer *answer = NULL;

	(void)state;
	start(&pipeline, 0);
	assert_int_equal(live_share(pipeline.live, REQUEST_STATUS, &answer), 0);
	stop(&pipeline);
	assert_int_equal(answer->request->status.anomalies_total, 1);
	live_release(&answer);
	assert_null(answer);
}

static void test_errors_are_passed_on_and_not_kept(void **state)
{
	struct pipeline pipeline;
	struct live_answer *answer = NULL;

	(void)state;
	start(&pipeline, -ENOMEM);
	assert_int_equal(live_share(pipeline.live, REQUEST_STATUS, &answer), -ENOMEM);
	assert_null(answer);
	assert_int_equal(live_share(pipeline.live, REQUEST_STATUS, &answer), -ENOMEM);
	assert_int_equal(atomic_load(&pipeline.n_answered), 2);
	assert_int_equal(live_ask(pipeline.live, NULL), -ENOMEM);
	stop(&pipeline);
}

static void test_what_is_forgotten_is_asked_anew(void **state)
{
	struct pipeline pipeline;

	(void)state;
	start(&pipeline, 0);
	assert_int_equal((uintptr_t)ask(&pipeline), 1);
	assert_int_equal((uintptr_t)ask(&pipeline), 1);
	live_forget(pipeline.live);
	assert_int_equal((uintptr_t)ask(&pipeline), 2);
	assert_int_equal((uintptr_t)ask(&pipeline), 2);
	stop(&pipeline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_shared),
		cmocka_unit_test(test_answer_outlives_its_slot),
		cmocka_unit_test(test_what_is_forgotten_is_asked_anew),
		cmocka_unit_test(test_errors_are_passed_on_and_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
