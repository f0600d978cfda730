#include "tests/live/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

#define PATIENCE_NS UINT64_C(20000000000)

int live_setup(void **state)
{
	static const struct live_config base = {.buffer_bytes = 16 << 20};
	struct live_config config = base;
	struct live_test *t = calloc(1, sizeof(*t));
	const char *mode = getenv("ETHOGRAM_READ_MODE");
	const struct event *ev;
	int r;

	config.own_tgid = getpid();
	t->events = calloc(EVENTS_KEPT_MAX, sizeof(*t->events));
	r = live_source_create_reading(&t->source, &config,
				       mode ? (uint32_t)atoi(mode) : LIVE_READ_MODES - 1);
	if (r == -EPERM || r == -ENOENT || r == -EOPNOTSUPP) {
		printf("skipped: live capture is not possible here: %s\n", strerror(-r));
		exit(77);
	}
	assert_int_equal(r, 0);
	while (source_next(t->source, &ev) > 0 && ev->quality & EVENT_STATE_ONLY)
		continue;
	*state = t;
	return 0;
}

static void forget(struct live_test *t)
{
	for (uint32_t i = 0; i < t->n_events; i++) {
		for (uint32_t k = 0; k < t->events[i].n_texts; k++)
			free(t->events[i].texts[k]);
	}
	t->n_events = 0;
}

int live_teardown(void **state)
{
	struct live_test *t = *state;

	forget(t);
	source_destroy(&t->source);
	free(t->events);
	free(t);
	return 0;
}

static void want(struct live_test *t, const enum event_type *types, const char *call)
{
	uint64_t events[(EVENT_TYPE_END + 63) / 64] = {0}, calls[8] = {0};

	for (; types && *types != EVENT_TYPE_END; types++) {
		events[*types / 64] |= UINT64_C(1) << (*types % 64);
		if (*types == EVENT_FCNTL) /* all of its commands */
			calls[SYS_fcntl / 64] |= UINT64_C(1) << (SYS_fcntl % 64);
	}
	if (call) {
		const struct syscall_info *info = syscall_by_name(text_from(call));

		assert_non_null(info);
		calls[info->nr64 / 64] |= UINT64_C(1) << (info->nr64 % 64);
	}
	assert_int_equal(t->source->ops->set_wanted(t->source, events, calls), 0);
}

void live_want(struct live_test *t, const enum event_type *types)
{
	want(t, types, NULL);
}

void live_need(struct live_test *t, const struct capture_needs *needs)
{
	static const struct capture_needs none;

	assert_int_equal(source_set_needs(t->source, needs ? needs : &none), 0);
}

void live_need_all(struct live_test *t)
{
	struct capture_needs needs = {.typed_names = true, .data_bytes = 80};

	memset(needs.data, 0xff, sizeof(needs.data));
	memset(needs.lists, 0xff, sizeof(needs.lists));
	memset(needs.all_sends, 0xff, sizeof(needs.all_sends));
	live_need(t, &needs);
}

void live_want_call(struct live_test *t, const char *name)
{
	want(t, NULL, name);
}

static void own(struct kept *kept, struct text *text)
{
	char *copy;

	if (!text->ptr)
		return;
	copy = malloc(text->len + 1);
	memcpy(copy, text->ptr, text->len);
	copy[text->len] = '\0';
	assert_true(kept->n_texts < ARRAY_SIZE(kept->texts));
	kept->texts[kept->n_texts++] = copy;
	text->ptr = copy;
}

static bool param_is_text(enum param_type type)
{
	return type >= PARAM_CHARBUF;
}

static void keep(struct live_test *t, const struct event *ev)
{
	struct kept *kept = &t->events[t->n_events];

	assert_true(t->n_events < EVENTS_KEPT_MAX);
	t->n_events++;
	memset(kept, 0, sizeof(*kept));
	kept->ev = *ev;
	for (unsigned i = 0; i < ev->n_params; i++) {
		if (ev->params[i].is_present && param_is_text(event_info(ev->type)->params[i].type))
			own(kept, &kept->ev.params[i].bytes);
	}
	own(kept, &kept->ev.raw_path[0]);
	own(kept, &kept->ev.raw_path[1]);
	own(kept, &kept->ev.base_path[0]);
	own(kept, &kept->ev.base_path[1]);
	if (ev->args) {
		memcpy(kept->args, ev->args, sizeof(kept->args));
		kept->ev.args = kept->args;
	}
	if (ev->file) {
		kept->file = *ev->file;
		kept->ev.file = &kept->file;
		own(kept, &kept->file.path);
	}
	if (ev->sock) {
		kept->sock = *ev->sock;
		kept->ev.sock = &kept->sock;
		own(kept, &kept->sock.path);
		own(kept, &kept->sock.bound);
	}
	if (ev->task || ev->after) {
		struct text *texts[] = {&kept->task.comm, &kept->task.exe,    &kept->task.exepath,
					&kept->task.args, &kept->task.env,    &kept->task.cwd,
					&kept->task.root, &kept->task.cgroups};

		kept->task = ev->task ? *ev->task : *ev->after;
		*(ev->task ? &kept->ev.task : &kept->ev.after) = &kept->task;
		for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
			own(kept, texts[i]);
	}
}

/* Whether the event is the child's, or a descendant's where those are asked for. */
static bool is_ours(struct live_test *t, const struct event *ev)
{
	if (ev->tgid == t->child)
		return true;
	if (!t->with_descendants)
		return false;
	for (uint32_t i = 0; i < t->n_family; i++) {
		if (t->family[i] == ev->tgid)
			return true;
	}
	if (!ev->task || ev->has_res == false)
		return false;
	for (uint32_t i = 0; i < t->n_family; i++) {
		if (t->family[i] == ev->task->parent_tgid && t->n_family < FAMILY_MAX) {
			t->family[t->n_family++] = ev->tgid;
			return true;
		}
	}
	return false;
}

/* Take events until the child's own end was seen. */
static void collect(struct live_test *t)
{
	uint64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
	const struct event *ev;
	bool ended = false;

	while (!ended && clock_monotonic_ns() < deadline_ns) {
		while (!ended && source_next(t->source, &ev) > 0) {
			if (is_ours(t, ev))
				keep(t, ev);
			ended = ev->type == EVENT_PROCEXIT && ev->tid == t->child;
		}
		if (!ended)
			t->source->ops->wait(t->source, 100);
	}
	assert_true(ended);
}

void live_run(struct live_test *t, void (*fn)(void *arg), void *arg)
{
	forget(t);
	fflush(NULL);
	t->child = fork();
	assert_true(t->child >= 0);
	if (t->child == 0) {
		fn(arg);
		_exit(0);
	}
	t->family[0] = t->child;
	t->n_family = 1;
	assert_int_equal(waitpid(t->child, &t->child_status, 0), t->child);
	collect(t);
}

const struct event *live_event(const struct live_test *t, enum event_type type, uint32_t nth)
{
	for (uint32_t i = 0; i < t->n_events; i++) {
		if (t->events[i].ev.type == type && nth-- == 0)
			return &t->events[i].ev;
	}
	fail_msg("no event '%s' was captured", event_info(type)->name);
	return NULL;
}

uint32_t live_count(const struct live_test *t, enum event_type type)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_events; i++)
		n += t->events[i].ev.type == type;
	return n;
}

static const struct param *param_of(const struct event *ev, const char *name)
{
	int index = event_param_by_name(ev->type, text_from(name));

	if (index < 0)
		fail_msg("'%s' has no parameter '%s'", event_info(ev->type)->name, name);
	return event_param(ev, (unsigned)index);
}

static const struct param *present(const struct event *ev, const char *name)
{
	const struct param *param = param_of(ev, name);

	if (!param)
		fail_msg("'%s': parameter '%s' is absent", event_info(ev->type)->name, name);
	return param;
}

int64_t live_i64(const struct event *ev, const char *name)
{
	return present(ev, name)->i64;
}

uint64_t live_u64(const struct event *ev, const char *name)
{
	return present(ev, name)->u64;
}

void live_text_is(const struct event *ev, const char *name, const char *want_text)
{
	struct text got = present(ev, name)->bytes;

	if (!text_equal(got, text_from(want_text)))
		fail_msg("'%s': parameter '%s' is '%.*s', not '%s'", event_info(ev->type)->name,
			 name, TEXT_ARGS(got), want_text);
}

bool live_is_absent(const struct event *ev, const char *name)
{
	return !param_of(ev, name);
}

void live_assert_text(struct text got, const char *want_text, const char *file, int line)
{
	if (!text_equal(got, text_from(want_text))) {
		print_error("got '%.*s', want '%s'\n", TEXT_ARGS(got), want_text);
		_fail(file, line);
	}
}
