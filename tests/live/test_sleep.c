/* The consumer sleeps long when nothing happens, and is woken for what cannot wait. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "tests/live/live.h"

#define PATIENCE_NS UINT64_C(60000000000)
#define LONG_MS 20000

static uint64_t doorbells(struct source *source)
{
	static struct source_counters counters;

	source->ops->counters(source, &counters);
	return counters.doorbells_total;
}

static void drain(struct source *source)
{
	const struct event *ev;

	while (source_next(source, &ev) > 0)
		continue;
}

static int child_that_execs_later(void)
{
	int pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		usleep(1800000);
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	return pid;
}

static bool has_exec_of(struct source *source, int pid)
{
	const struct event *ev;
	bool found = false;

	while (source_next(source, &ev) > 0)
		found |= ev->type == EVENT_EXECVE && ev->tgid == pid;
	return found;
}

static void a_new_program_ends_a_long_sleep(void **state)
{
	uint64_t begin_ns = clock_monotonic_ns();
	struct source *source = *state;

	drain(source);
	while (!doorbells(source) && clock_monotonic_ns() - begin_ns < PATIENCE_NS) {
		int pid = child_that_execs_later();
		uint64_t asleep_ns = clock_monotonic_ns();
		int status;

		while (!has_exec_of(source, pid))
			source->ops->wait(source, LONG_MS);
		/* Without a bell the last sleep would have been this long. */
		assert_true(clock_monotonic_ns() - asleep_ns < LONG_MS * UINT64_C(900000));
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_true(doorbells(source) > 0);
}

static void *ask_later(void *arg)
{
	uint64_t one = 1;

	usleep(1500000);
	assert_int_equal(write(*(int *)arg, &one, sizeof(one)), sizeof(one));
	return NULL;
}

/* The test's time limit is what catches a sleep that does not end. */
static void a_question_ends_a_long_sleep(void **state)
{
	struct source *source = *state;
	int question = eventfd(0, EFD_NONBLOCK);
	uint64_t count = 0;
	pthread_t asker;

	assert_true(question >= 0);
	live_source_watch(source, question);
	assert_int_equal(pthread_create(&asker, NULL, ask_later, &question), 0);
	while (read(question, &count, sizeof(count)) < 0) {
		drain(source);
		source->ops->wait(source, 600000);
	}
	assert_int_equal(count, 1);
	pthread_join(asker, NULL);
	live_source_watch(source, -1);
	close(question);
}

/* Whatever else happens on the host is next to nothing here; only life-cycle events are wanted. */
static int set_up(void **state)
{
	struct live_config config = {
		.buffer_bytes = 16 << 20, .own_tgid = getpid(), .doze_events = UINT32_MAX};
	struct source *source;

	if (live_source_create(&source, &config)) {
		fprintf(stderr, "skipped: BPF cannot be loaded here\n");
		exit(77);
	}
	*state = source;
	return 0;
}

static int tear_down(void **state)
{
	struct source *source = *state;

	source_destroy(&source);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_program_ends_a_long_sleep),
		cmocka_unit_test(a_question_ends_a_long_sleep),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
