/* A small host for tests of the state: init, an ssh daemon, a shell below it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "state/field.h"
#include "state/state.h"
#include "tests/lib/events.h"

#define SECOND UINT64_C(1000000000)

struct fixture {
	struct state *state;
	struct event_maker maker;
	struct subject subject;
	struct arena arena;
	const struct event *last;
};

extern const struct test_task task_init, task_sshd, task_shell, task_child;

/* Fixtures: 64 processes of 16 descriptors, no host. */
int fixture_setup(void **out);
int fixture_teardown(void **out);
/* The same with these bounds and host root. */
int fixture_setup_with(struct fixture *f, uint32_t processes, uint32_t fds, const char *host_root);

/* Apply one event; the process it is about. */
struct process *fixture_apply(struct fixture *f, const struct event *ev);
/* init, sshd and shell by scan; child forked by the shell. */
void fixture_start(struct fixture *f);

/* A field's value of the last event as text; "<absent>" when it has none. List values are joined
 * by ','. Static buffer. */
const char *fixture_field(struct fixture *f, const char *field);
