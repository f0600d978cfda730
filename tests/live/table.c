#include "tests/live/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

void plan_begin(struct plan *plan)
{
	snprintf(plan->folder, sizeof(plan->folder), "/tmp/ethogram-calls-XXXXXX");
	assert_non_null(mkdtemp(plan->folder));
	plan->dirfd = open(plan->folder, O_RDONLY | O_DIRECTORY);
	assert_true(plan->dirfd >= 0);
}

void plan_end(struct plan *plan)
{
	char command[128];

	close(plan->dirfd);
	snprintf(command, sizeof(command), "rm -rf %s", plan->folder);
	assert_int_equal(system(command), 0);
}

static long argument(const struct plan *plan, long arg, long fd, long last)
{
	switch (arg) {
	case DIR:
		return plan->dirfd;
	case SELF:
		return getpid();
	case LAST_FD:
		return fd;
	case LAST_RES:
		return last;
	default:
		return arg;
	}
}

static bool is_wanted(const struct row *row, long r)
{
	if (row->res == NEW_FD || row->res == NEW_ANY)
		return r >= 0 || r < -4095 || r == row->or_res;
	return r == row->res || (row->or_res && r == row->or_res);
}

static void child_calls(void *arg)
{
	const struct plan *plan = arg;
	long fd = -1, last = -1;

	umask(0);
	if (chdir(plan->folder))
		_exit(255);
	if (plan->prepare)
		plan->prepare();
	for (size_t i = 0; i < plan->n; i++) {
		const struct row *row = &plan->rows[i];
		long a[6], r;

		for (size_t k = 0; k < ARRAY_SIZE(a); k++)
			a[k] = argument(plan, row->args[k], fd, last);
		r = syscall(row->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		r = r == -1 ? -errno : r;
		if (!is_wanted(row, r)) {
			fprintf(stderr, "%s: returned %ld\n", row->name, r);
			_exit(1);
		}
		if (row->res == NEW_FD)
			fd = r;
		if (row->res == NEW_ANY)
			last = r;
	}
}

static void check_bytes(const char *name, const struct event *ev, const struct want *want)
{
	int index = event_param_by_name(ev->type, text_from(want->param));
	const struct param *param = index < 0 ? NULL : event_param(ev, (unsigned)index);

	if (!param || param->bytes.len != want->number ||
	    memcmp(param->bytes.ptr, want->text, param->bytes.len) != 0)
		fail_msg("%s: bytes of '%s'", name, want->param);
}

static int64_t wanted_number(const struct live_test *t, const struct event *ev,
			     const struct plan *plan, const struct want *want)
{
	switch (want->kind) {
	case WANT_DIRFD:
		return plan->dirfd;
	case WANT_RESULT:
		return ev->res;
	case WANT_CHILD:
		return t->child;
	default:
		return want->number;
	}
}

static void check_want(const struct live_test *t, const char *name, const struct event *ev,
		       const struct plan *plan, const struct want *want)
{
	int64_t number = wanted_number(t, ev, plan, want), got;

	if (want->kind == WANT_TEXT) {
		live_text_is(ev, want->param, want->text);
	} else if (want->kind == WANT_BYTES) {
		check_bytes(name, ev, want);
	} else if (want->kind == WANT_ABSENT) {
		if (!live_is_absent(ev, want->param))
			fail_msg("%s: '%s' is there", name, want->param);
	} else {
		got = live_i64(ev, want->param);
		if (want->kind == WANT_POSITIVE ? got <= 0 : got != number)
			fail_msg("%s: '%s' is %ld, want %ld", name, want->param, (long)got,
				 (long)number);
	}
}

static void check_path(const struct row *row, const struct event *ev, const struct plan *plan)
{
	char path[512];

	if (!row->path) {
		if (ev->file && ev->res < 0 && row->res < 0 && ev->fd == -1)
			fail_msg("%s: a file where there is none", row->name);
		return;
	}
	if (strcmp(row->path, ".") == 0)
		snprintf(path, sizeof(path), "%s", plan->folder);
	else if (row->path[0] == '=')
		snprintf(path, sizeof(path), "%s", row->path + 1);
	else
		snprintf(path, sizeof(path), "%s/%s", plan->folder, row->path);
	if (!ev->file)
		fail_msg("%s: no file", row->name);
	assert_text(ev->file->path, path);
	if (row->res == NEW_FD)
		assert_int_equal(ev->fd, ev->res);
}

/* The same type's events come in the order of the rows. */
static void check_row(struct live_test *t, const struct plan *plan, size_t i)
{
	const struct row *row = &plan->rows[i];
	uint32_t nth = plan->n_before[row->type];
	const struct event *ev;

	for (size_t k = 0; k < i; k++)
		nth += plan->rows[k].type == row->type;
	ev = live_event(t, row->type, nth);
	if (!is_wanted(row, ev->res))
		fail_msg("%s: result %ld", row->name, (long)ev->res);
	if (row->or_res && ev->res == row->or_res) {
		print_message("# skipped: %s: refused with error %ld here\n", row->name,
			      -row->or_res);
		return;
	}
	for (size_t k = 0; k < ARRAY_SIZE(row->wants) && row->wants[k].kind != WANT_END; k++)
		check_want(t, row->name, ev, plan, &row->wants[k]);
	check_path(row, ev, plan);
}

void plan_run(struct live_test *t, struct plan *plan)
{
	enum event_type types[EVENT_TYPE_END + 1];
	size_t n = 0;

	for (size_t i = 0; i < plan->n && n < EVENT_TYPE_END; i++)
		types[n++] = plan->rows[i].type;
	types[n] = EVENT_TYPE_END;
	live_want(t, types);
	live_run(t, child_calls, plan);
	assert_int_equal(t->child_status, 0);
	for (size_t i = 0; i < plan->n; i++)
		check_row(t, plan, i);
}

void table_run(struct live_test *t, const struct row *rows, size_t n, void (*prepare)(void))
{
	struct plan plan = {.rows = rows, .n = n, .prepare = prepare};

	plan_begin(&plan);
	plan_run(t, &plan);
	plan_end(&plan);
}
