/* Live tests: a child makes system calls, the test reads the events that capture made of them.
 * Exits with 77 (skipped) and the reason where BPF cannot be loaded. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/event.h"
#include "capture/live.h"

#define EVENTS_KEPT_MAX 4096
#define FAMILY_MAX 512

/* An event with everything it points to, kept after the source went on. */
struct kept {
	struct event ev;
	struct file_facts file;
	struct sock_facts sock;
	struct task_facts task;
	uint64_t args[6];
	char *texts[48];
	uint32_t n_texts;
};

struct live_test {
	struct source *source;
	struct kept *events;
	uint32_t n_events;
	int child; /* its process id */
	int child_status;
	bool with_descendants; /* keep their events too */
	int32_t family[FAMILY_MAX];
	uint32_t n_family;
};

/* For cmocka's group: *state is a struct live_test, capturing everything that tests ask for. */
int live_setup(void **state);
int live_teardown(void **state);

/* Want exactly these types, EVENT_TYPE_END closes the list. Life-cycle events always come. */
void live_want(struct live_test *t, const enum event_type *types);
/* What is wanted of them from now on; NULL: nothing more than at first. */
void live_need(struct live_test *t, const struct capture_needs *needs);
/* Everything that can be wanted of every type. */
void live_need_all(struct live_test *t);
void live_want_call(struct live_test *t, const char *name);

/* Run fn in a forked child and keep the events of its process until it has ended. */
void live_run(struct live_test *t, void (*fn)(void *arg), void *arg);

/* The nth (from 0) kept event of the type that the child (or a descendant, when those are kept)
 * made; fails the test when there is none. */
const struct event *live_event(const struct live_test *t, enum event_type type, uint32_t nth);
uint32_t live_count(const struct live_test *t, enum event_type type);

/* Parameters by their name; fail the test when absent. */
int64_t live_i64(const struct event *ev, const char *name);
uint64_t live_u64(const struct event *ev, const char *name);
void live_text_is(const struct event *ev, const char *name, const char *want);
bool live_is_absent(const struct event *ev, const char *name);

#define assert_text(got, want) live_assert_text((got), (want), __FILE__, __LINE__)
void live_assert_text(struct text got, const char *want, const char *file, int line);
