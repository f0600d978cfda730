/* A process as /proc tells it, compared with what it knows of itself. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/decode.h"
#include "capture/decode_family.h"
#include "capture/scan_proc.h"

struct fixture {
	struct decoder decoder;
	char room[2 * WIRE_RECORD_MAX] __attribute__((aligned(8)));
};

static const struct task_facts *read_task(struct fixture *f, int tgid, uint64_t start_ns)
{
	struct record record;

	if (!scan_proc_task((struct wire_header *)f->room, tgid, start_ns))
		return NULL;
	assert_int_equal(record_parse(&record, f->room, sizeof(f->room)), 0);
	assert_int_equal(decode_record(&f->decoder, &record), 0);
	return f->decoder.event.task;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	decoder_init(&f->decoder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void a_process_reads_itself(void **state)
{
	struct fixture *f = *state;
	const struct task_facts *task;
	char cwd[4096], exe[4096];
	uint64_t start_ns;
	ssize_t n;

	prctl(PR_SET_NAME, "odd) R (name");
	task = read_task(f, getpid(), 0);
	assert_non_null(task);
	assert_int_equal(task->tgid, getpid());
	assert_int_equal(task->parent_tgid, getppid());
	assert_int_equal(task->pgid, getpgrp());
	assert_int_equal(task->sid, getsid(0));
	assert_int_equal(task->euid, geteuid());
	assert_int_equal(task->gid, getgid());
	assert_true(text_equal(task->comm, TEXT("odd) R (name")));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_true(text_equal(task->cwd, text_from(cwd)));
	n = readlink("/proc/self/exe", exe, sizeof(exe));
	assert_true(n > 0);
	assert_true(text_equal(task->exepath, (struct text){exe, (uint32_t)n}));
	assert_true(task->exe.len > 0);
	assert_true(f->decoder.event.quality & EVENT_STATE_ONLY);
	start_ns = task->start_ns;
	assert_true(start_ns > 0);
	assert_int_equal(f->decoder.event.start_ns, start_ns);
	task = read_task(f, getpid(), start_ns + 12345);
	assert_int_equal(task->start_ns, start_ns + 12345);
	assert_int_equal(f->decoder.event.start_ns, start_ns + 12345);
}

static void nobody_is_nobody(void **state)
{
	int child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	assert_null(read_task(*state, child, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_process_reads_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_is_nobody, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
