/* Events of captures: every form of block, pairs, parameters that are missing or too many, and what
 * state is told of tasks and sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>

#include "base/util.h"
#include "capture/scap.h"
#include "tests/unit/capture/scap_bytes.h"

static struct scap_bytes b;

static void begin(void)
{
	b.len = 0;
	bytes_section(&b);
}

#define assert_text(t, s)                                                                          \
	do {                                                                                       \
		struct text t_ = (t);                                                              \
		if (!text_equal(t_, text_from(s)))                                                 \
			fail_msg("%s:%d: '%.*s' is not '%s'", __FILE__, __LINE__, TEXT_ARGS(t_),   \
				 s);                                                               \
	} while (0)

static uint64_t u64_of(const struct event *ev, unsigned param)
{
	const struct param *p = event_param(ev, param);

	if (!p)
		fail_msg("%s has no %s", event_info(ev->type)->name,
			 event_info(ev->type)->params[param].name);
	return p->u64;
}

static struct text text_param(const struct event *ev, unsigned param)
{
	const struct param *p = event_param(ev, param);

	return p ? p->bytes : TEXT("(absent)");
}

/* The same event in every form of block. */
static void forms_of_blocks(void **state)
{
	static const uint32_t blocks[] = {0x204, 0x8010abcd, 0x208, 0x216, 0x217, 0x221, 0x222};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		bool has_flags = blocks[i] == 0x208 || blocks[i] == 0x217 || blocks[i] == 0x222;
		struct event_form form = {
			.block = blocks[i], .flags = 1, .type = 3, .ts_ns = 5000, .tid = 42};
		const struct event *ev;
		struct source *source;

		begin();
		bytes_event(&b, form,
			    VALUES(value_of((uint64_t)-2, 8), value_text("/etc/x"), value_of(1, 4),
				   value_of(0644, 4), value_of(7, 4)));
		source = bytes_open(&b);
		ev = next_event(source);
		assert_non_null(ev);
		assert_int_equal(ev->type, EVENT_OPEN);
		assert_int_equal(ev->ts_ns, 5000);
		assert_int_equal(ev->boot_ns, 0);
		assert_int_equal(ev->cpu, 3);
		assert_int_equal(ev->tid, 42);
		assert_int_equal(ev->tgid, 42);
		assert_int_equal(ev->num, 1);
		assert_int_equal(ev->nr, 2);
		assert_true(ev->has_res);
		assert_int_equal(ev->res, -2);
		assert_int_equal(ev->params[OPEN_fd].i64, -2);
		assert_text(text_param(ev, OPEN_name), "/etc/x");
		assert_int_equal(u64_of(ev, OPEN_mode), 0644);
		assert_int_equal(u64_of(ev, OPEN_dev), 7);
		assert_null(event_param(ev, OPEN_ino));
		assert_int_equal(!!(ev->quality & EVENT_STATE_ONLY), has_flags);
		assert_true(ev->quality & EVENT_PATH_FROM_CALLER);
		assert_null(next_event(source));
		source_destroy(&source);
	}
}

/* Lengths of large types take four bytes; the text may be longer than two can say. */
static void large_payloads(void **state)
{
	static char json[70000];
	const struct event *ev;
	struct source *source;

	(void)state;
	memset(json, 'j', sizeof(json) - 1);
	begin();
	bytes_event(&b, (struct event_form){.block = 0x221, .type = 324, .tid = UINT64_MAX},
		    VALUES(value_text(json)));
	source = bytes_open(&b);
	ev = next_event(source);
	assert_int_equal(event_info(ev->type)->scap_type, 324);
	assert_int_equal(ev->tid, -1);
	assert_int_equal(ev->tgid, -1);
	assert_false(ev->has_res);
	assert_int_equal(text_param(ev, 0).len, sizeof(json) - 1);
	source_destroy(&source);
}

/* What was told on entry completes the exit; what both tell is the exit's. */
static void pairs_become_one(void **state)
{
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	bytes_event_now(&b, 102, 42,
			VALUES(value_of((uint64_t)-100, 8), value_text("/a"), value_of(1, 4),
			       value_of(0, 4)));
	bytes_event_now(&b, 6, 43, VALUES(value_of(9, 8), value_of(512, 4)));
	bytes_event_now(&b, 103, 42, VALUES(value_of(5, 8)));
	bytes_event_now(&b, 7, 43, VALUES(value_of(3, 8), ((struct text){"\0ab", 3})));
	/* both have it */
	bytes_event_now(&b, 306, 42,
			VALUES(value_of((uint64_t)-100, 8), value_text("/before"), value_of(1, 4),
			       value_of(0, 4)));
	bytes_event_now(&b, 307, 42,
			VALUES(value_of(6, 8), value_of((uint64_t)-100, 8), value_text("/after"),
			       value_of(1, 4), value_of(0, 4), value_of(1, 4), value_of(2, 8)));
	source = bytes_open(&b);
	ev = next_event(source);
	assert_int_equal(ev->type, EVENT_OPENAT);
	assert_int_equal(ev->num, 3);
	assert_int_equal(scap_source_position(source), 3);
	assert_int_equal(ev->res, 5);
	assert_int_equal((int64_t)u64_of(ev, OPENAT_dirfd), -100);
	assert_text(text_param(ev, OPENAT_name), "/a");
	ev = next_event(source);
	assert_int_equal(ev->type, EVENT_READ);
	assert_int_equal(ev->num, 4);
	assert_int_equal(u64_of(ev, READ_fd), 9);
	assert_int_equal(u64_of(ev, READ_size), 512);
	assert_int_equal(text_param(ev, READ_data).len, 3);
	ev = next_event(source);
	assert_int_equal(ev->num, 6);
	assert_text(text_param(ev, OPENAT_name), "/after");
	source_destroy(&source);
}

/* Enter events serve once, their own thread, and their own call. */
static void pairs_that_are_none(void **state)
{
	struct scap_counters counters;
	struct source *source;

	(void)state;
	begin();
	bytes_event_now(&b, 4, 42, VALUES(value_of(9, 8)));
	bytes_event_now(&b, 5, 43, VALUES(value_of(0, 8)));         /* another thread */
	bytes_event_now(&b, 7, 42, VALUES(value_of(0, 8)));         /* another call */
	bytes_event_now(&b, 5, 42, VALUES(value_of(0, 8)));         /* the call, too late */
	bytes_event_now(&b, 4, UINT64_MAX, VALUES(value_of(9, 8))); /* nobody */
	source = bytes_open(&b);
	for (int i = 0; i < 3; i++) {
		const struct event *ev = next_event(source);

		assert_non_null(ev);
		assert_null(event_param(ev, ev->type == EVENT_READ ? READ_fd : CLOSE_fd));
	}
	assert_null(next_event(source));
	scap_source_counters(source, &counters);
	assert_int_equal(counters.blocks, 5);
	assert_int_equal(counters.enters, 2);
	assert_int_equal(counters.enters_lost, 1);
	source_destroy(&source);
}

static void counts_of_parameters(void **state)
{
	struct text many[40];

	(void)state;
	for (size_t n = 0; n <= ARRAY_SIZE(many); n++) {
		const struct event *ev;
		struct source *source;

		for (size_t i = 0; i < n; i++)
			many[i] = value_of(i + 1, 8);
		begin();
		bytes_event_now(&b, 5, 42, many, n); /* close has two */
		bytes_event_now(&b, 186, 42, NULL, 0);
		source = bytes_open(&b);
		ev = next_event(source);
		assert_int_equal(ev->has_res, n >= 1);
		assert_int_equal(event_param(ev, CLOSE_res) != NULL, n >= 1);
		assert_int_equal(event_param(ev, CLOSE_fd) != NULL, n >= 2);
		if (n >= 2)
			assert_int_equal(u64_of(ev, CLOSE_fd), 2);
		assert_int_equal(next_event(source)->type, EVENT_PROCEXIT);
		source_destroy(&source);
	}
}

/* The first events had no count of parameters. */
static void counts_that_must_be_guessed(void **state)
{
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	for (uint32_t n = 0; n <= 2; n++) {
		const struct text values[] = {value_of(0, 8), value_of(77, 8)};

		bytes_event(&b, (struct event_form){.block = 0x204, .type = 5, .tid = 42}, values,
			    n);
	}
	source = bytes_open(&b);
	for (uint32_t n = 0; n <= 2; n++) {
		ev = next_event(source);
		assert_int_equal(event_param(ev, CLOSE_res) != NULL, n >= 1);
		assert_int_equal(event_param(ev, CLOSE_fd) != NULL, n >= 2);
	}
	source_destroy(&source);
	/* No count fits a length that is one too long. */
	begin();
	bytes_event(&b, (struct event_form){.block = 0x204, .type = 5, .tid = 42},
		    VALUES(value_of(0, 8)));
	b.at[28 + 8 + 2 + 16]++;
	source = bytes_open(&b);
	while (source_next(source, &ev) > 0)
		;
	assert_non_null(strstr(scap_source_diag(source)->message, "number of parameters"));
	source_destroy(&source);
}

/* Two old types say that they are three bytes longer than they are. */
static void lengths_that_overstate(void **state)
{
	static const uint16_t types[] = {280, 286};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct text values[] = {value_text("id"), value_text("b"), value_text("c"),
					      value_text("d")};
		const struct event *ev;
		struct source *source;

		begin();
		bytes_event(&b, (struct event_form){.block = 0x204, .type = types[i], .tid = 42},
			    values, i ? 4 : 2);
		b.at[28 + 8 + 2 + 16] += 3;
		bytes_event_now(&b, 186, 42, NULL, 0);
		source = bytes_open(&b);
		do {
			ev = next_event(source);
			assert_non_null(ev);
		} while (ev->type != EVENT_PROCEXIT);
		source_destroy(&source);
	}
}

/* Types of a later format are counted and have a position; so have those of which nothing is made.
 */
static void unknown_types(void **state)
{
	static const uint16_t types[] = {454, 500, 65535, 17};
	struct scap_counters counters;
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		bytes_event_now(&b, types[i], 42, VALUES(value_of(1, 8), value_text("x")));
	bytes_event(&b, (struct event_form){.block = 0x204, .type = 500, .tid = 42},
		    VALUES(value_of(1, 8)));
	bytes_event_now(&b, 186, 42, NULL, 0);
	source = bytes_open(&b);
	ev = next_event(source);
	assert_int_equal(ev->type, EVENT_PROCEXIT);
	assert_int_equal(ev->num, 6);
	assert_null(next_event(source));
	scap_source_counters(source, &counters);
	assert_int_equal(counters.unknown_total, 5);
	assert_int_equal(counters.blocks, 6);
	source_destroy(&source);
}

/* Numbers are as wide as they are stored; texts that stand for no text are none. */
static void odd_values(void **state)
{
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	bytes_event_now(&b, 5, 42, VALUES(value_of(0xfe, 1), value_of(0xffff, 2)));
	bytes_event_now(&b, 3, 42, VALUES(value_of(1, 8), value_text("<NA>")));
	bytes_event_now(&b, 3, 42, VALUES(value_of(1, 8), value_text("(NULL)")));
	bytes_event_now(&b, 3, 42, VALUES(value_of(1, 8), ((struct text){"unended", 7})));
	bytes_event_now(&b, 3, 42, VALUES(value_of(1, 8), ((struct text){"in\0side\0", 8})));
	bytes_event_now(&b, 3, 42, VALUES(value_of(1, 8), ((struct text){"", 0})));
	bytes_event_now(&b, 3, 42, VALUES(value_of(1, 8), value_text("")));
	source = bytes_open(&b);
	ev = next_event(source);
	assert_int_equal(ev->res, -2);
	assert_int_equal((int64_t)u64_of(ev, CLOSE_fd), -1);
	assert_null(event_param(next_event(source), OPEN_name));
	assert_null(event_param(next_event(source), OPEN_name));
	assert_text(text_param(next_event(source), OPEN_name), "unended");
	assert_text(text_param(next_event(source), OPEN_name), "in");
	assert_null(event_param(next_event(source), OPEN_name));
	assert_text(text_param(next_event(source), OPEN_name), "");
	source_destroy(&source);
}

/* bpf's result was told as "an error or a descriptor". */
static void old_bpf(void **state)
{
	static const char result[] = "\1\7\0\0\0\0\0\0";
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	bytes_event_now(&b, 296, 42, VALUES(value_of(5, 8)));
	bytes_event_now(&b, 297, 42, VALUES(((struct text){result, 9})));
	source = bytes_open(&b);
	ev = next_event(source);
	assert_int_equal(ev->type, EVENT_BPF);
	assert_int_equal(ev->res, 7);
	assert_int_equal(u64_of(ev, BPF_cmd), 5);
	source_destroy(&source);
}

static void calls_have_this_machines_numbers(void **state)
{
	const struct syscall_info *uname = syscall_by_name(TEXT("uname"));
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	bytes_event_now(&b, 1, 42, VALUES(value_of(uname->scap_code, 2), value_of(160, 2)));
	bytes_event_now(&b, 1, 42, VALUES(value_of(60000, 2)));
	source = bytes_open(&b);
	ev = next_event(source);
	assert_int_equal(ev->type, EVENT_GENERIC);
	assert_int_equal(ev->nr, uname->nr64);
	assert_false(ev->has_res);
	assert_int_equal(next_event(source)->nr, UINT16_MAX);
	source_destroy(&source);
}

/* What clone and exec have in common, of thread tid of process pid. */
static size_t common(struct text *v, uint64_t res, uint64_t tid, uint64_t pid, uint64_t ptid)
{
	size_t n = 0;

	v[n++] = value_of(res, 8);
	v[n++] = value_text("prog");
	v[n++] = (struct text){"a\0b\0", 4};
	v[n++] = value_of(tid, 8);
	v[n++] = value_of(pid, 8);
	v[n++] = value_of(ptid, 8);
	v[n++] = value_text("/cwd/");
	v[n++] = value_of(1024, 8);
	v[n++] = value_of(1, 8);
	v[n++] = value_of(2, 8);
	v[n++] = value_of(3, 4);
	v[n++] = value_of(4, 4);
	v[n++] = value_of(5, 4);
	v[n++] = value_text("prog");
	v[n++] = (struct text){"cpu=/x\0", 7};
	return n;
}

static void put_exec(size_t count, uint64_t res)
{
	struct text v[32];
	size_t n = common(v, res, 42, 42, 7);

	v[n++] = (struct text){"E=1\0", 4};
	v[n++] = value_of(34816, 4);
	v[n++] = value_of(42, 8);
	v[n++] = value_of(1000, 4);
	v[n++] = value_of(1 | 4, 4);
	v[n++] = value_of(0x11, 8);
	v[n++] = value_of(0x22, 8);
	v[n++] = value_of(0x33, 8);
	v[n++] = value_of(91, 8);
	v[n++] = value_of(92, 8);
	v[n++] = value_of(93, 8);
	v[n++] = value_of(1000, 4);
	v[n++] = value_text("/bin/prog");
	v[n++] = value_of(43, 8);
	v[n++] = value_of(100, 4);
	assert_int_equal(n, 30);
	bytes_event_now(&b, 293, 42, v, count);
}

static void exec_is_a_new_image(void **state)
{
	static const struct {
		size_t n;
		uint32_t unknown;
	} rows[] = {
		{20, TASK_UNKNOWN_IDS | TASK_UNKNOWN_CAPS | TASK_UNKNOWN_PGID},
		{23, TASK_UNKNOWN_IDS | TASK_UNKNOWN_PGID},
		{27, TASK_UNKNOWN_IDS | TASK_UNKNOWN_PGID},
		{30, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct task_facts *t;
		const struct event *ev;
		struct source *source;

		begin();
		bytes_event_now(&b, 292, 42, VALUES(value_text("../bin/./other")));
		put_exec(rows[i].n, 0);
		source = bytes_open(&b);
		ev = next_event(source);
		assert_int_equal(ev->type, EVENT_EXECVE);
		t = ev->task;
		assert_non_null(t);
		assert_int_equal(t->tid, 42);
		assert_int_equal(t->tgid, 42);
		assert_int_equal(t->parent_tgid, 7);
		assert_text(t->comm, "prog");
		assert_text(t->exe, "prog");
		assert_true(text_equal(t->args, TEXT("a\0b\0")));
		assert_true(text_equal(t->env, TEXT("E=1\0")));
		assert_true(text_equal(t->cgroups, TEXT("cpu=/x\0")));
		assert_text(t->cwd, "/cwd");
		assert_text(t->exepath, rows[i].n >= 28 ? "/bin/prog" : "/bin/other");
		assert_int_equal(!!(ev->quality & EVENT_PATH_FROM_CALLER), rows[i].n < 28);
		assert_int_equal(t->exe_flags, EXE_WRITABLE | EXE_FROM_MEMFD);
		assert_int_equal(t->loginuid, 1000);
		assert_int_equal(t->unknown,
				 rows[i].unknown | TASK_UNKNOWN_SID | TASK_UNKNOWN_NAMESPACE);
		assert_int_equal(t->uid, rows[i].n >= 30 ? 1000 : 0);
		source_destroy(&source);
	}
}

static void exec_that_failed(void **state)
{
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	bytes_event_now(&b, 292, 42, VALUES(value_text("/bin/none")));
	put_exec(30, (uint64_t)-2);
	source = bytes_open(&b);
	ev = next_event(source);
	assert_null(ev->task);
	assert_int_equal(ev->res, -2);
	assert_text(text_param(ev, EXECVE_filename), "/bin/none");
	source_destroy(&source);
}

/* The form of 2014: the short name of the program is that of the file. */
static void exec_of_old(void **state)
{
	struct text v[32];
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	common(v, 0, 42, 42, 7);
	v[1] = value_text("/usr/bin/a-rather-long-name");
	bytes_event_now(&b, 13, 42, v, 8);
	source = bytes_open(&b);
	ev = next_event(source);
	assert_non_null(ev->task);
	assert_text(ev->task->comm, "a-rather-long-n");
	assert_text(ev->task->exepath, "/usr/bin/a-rather-long-name");
	assert_false(ev->task->unknown & TASK_UNKNOWN_COMM);
	assert_true(ev->task->unknown & TASK_UNKNOWN_LOGINUID);
	source_destroy(&source);
}

/* The format's bits. */
enum { FILES = 1, NEWPID = 64, PARENT = 256, THREAD = 8192 };

static void put_clone(uint64_t res, uint64_t tid, uint64_t pid, uint64_t ptid, uint32_t flags,
		      uint64_t vtid)
{
	struct text v[32];
	size_t n = common(v, res, tid, pid, ptid);

	v[n++] = value_of(flags, 4);
	v[n++] = value_of(1000, 4);
	v[n++] = value_of(100, 4);
	v[n++] = value_of(vtid, 8);
	v[n++] = value_of(vtid, 8);
	bytes_event_now(&b, 223, tid, v, n);
}

/* Whoever of the two returns first tells of the new task; the other adds nothing. */
static void clone_is_told_once(void **state)
{
	const struct task_facts *t;
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	put_clone(0, 50, 50, 42, FILES, 50); /* the child first */
	put_clone(50, 42, 42, 7, FILES, 42);
	put_clone(60, 42, 42, 7, FILES, 42); /* the creator first */
	put_clone(0, 60, 60, 42, FILES, 60);
	source = bytes_open(&b);
	ev = next_event(source);
	t = ev->task;
	assert_non_null(t);
	assert_int_equal(ev->tgid, 50);
	assert_int_equal(t->tid, 50);
	assert_int_equal(t->parent_tgid, 42);
	assert_int_equal(t->start_ns, 1000);
	assert_int_equal(t->clone_flags, 0x400);
	assert_int_equal(t->uid, 1000);
	assert_int_equal(t->egid, 100);
	assert_int_equal(t->vpid, 50);
	assert_false(t->is_thread);
	assert_null(next_event(source)->task);
	ev = next_event(source);
	t = ev->task;
	assert_non_null(t);
	assert_int_equal(ev->tgid, 42);
	assert_int_equal(t->tid, 60);
	assert_int_equal(t->tgid, 60);
	assert_int_equal(t->parent_tgid, 42);
	assert_int_equal(t->vtid, 60);
	assert_non_null(next_event(source)->task);
	source_destroy(&source);
}

/* A child may have ended before its creator returns: it does not come back to life. */
static void child_that_ended_first(void **state)
{
	struct source *source;

	(void)state;
	begin();
	put_clone(0, 50, 50, 42, 0, 50);
	bytes_event_now(&b, 186, 50, VALUES(value_of(0, 8)));
	put_clone(50, 42, 42, 7, 0, 42);
	put_clone(50, 42, 42, 7, 0, 42); /* the number is used again */
	source = bytes_open(&b);
	assert_non_null(next_event(source)->task);
	assert_int_equal(next_event(source)->type, EVENT_PROCEXIT);
	assert_null(next_event(source)->task);
	assert_non_null(next_event(source)->task);
	source_destroy(&source);
}

/* The end of the number's first owner is missing in the file. */
static void number_used_again(void **state)
{
	struct source *source;

	(void)state;
	begin();
	for (int i = 0; i < 2; i++) {
		put_clone(0, 50, 50, 42, 0, 50);
		put_clone(50, 42, 42, 7, 0, 42);
	}
	source = bytes_open(&b);
	for (int i = 0; i < 2; i++) {
		assert_non_null(next_event(source)->task);
		assert_null(next_event(source)->task);
	}
	source_destroy(&source);
}

static void threads_belong_to_processes(void **state)
{
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	put_clone(51, 42, 42, 7, THREAD, 42);
	bytes_event_now(&b, 5, 51, VALUES(value_of(0, 8)));
	put_clone(0, 52, 42, 7, THREAD, 52);
	bytes_event_now(&b, 5, 52, VALUES(value_of(0, 8)));
	bytes_event_now(&b, 186, 52, VALUES(value_of(0, 8)));
	bytes_event_now(&b, 5, 52, VALUES(value_of(0, 8))); /* somebody else by now */
	put_clone(53, 42, 42, 7, PARENT, 42);
	source = bytes_open(&b);
	ev = next_event(source);
	assert_true(ev->task->is_thread);
	assert_int_equal(ev->task->tid, 51);
	assert_int_equal(ev->task->tgid, 42);
	ev = next_event(source);
	assert_int_equal(ev->tid, 51);
	assert_int_equal(ev->tgid, 42);
	assert_int_equal(next_event(source)->tgid, 42);
	assert_int_equal(next_event(source)->tgid, 42);
	assert_int_equal(next_event(source)->tgid, 42);
	assert_int_equal(next_event(source)->tgid, 52);
	assert_int_equal(next_event(source)->task->parent_tgid, 7);
	source_destroy(&source);
}

/* Seen from inside a container the result is not the task's number: only the child knows it. */
static void clone_inside_a_container(void **state)
{
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	put_clone(3, 42, 42, 7, 0, 1);
	put_clone(60, 42, 42, 7, NEWPID, 42);
	source = bytes_open(&b);
	assert_null(next_event(source)->task);
	ev = next_event(source);
	assert_int_equal(ev->task->tid, 60);
	assert_true(ev->task->unknown & TASK_UNKNOWN_NAMESPACE);
	source_destroy(&source);
}

static const char tuple[] = "\2\12\0\0\1\322\4\12\0\0\2\273\1"; /* 10.0.0.1:1234 10.0.0.2:443 */

static void sockets_have_ends(void **state)
{
	const struct sock_facts *s;
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	bytes_event_now(&b, 22, 42,
			VALUES(value_of(5, 8), ((struct text){"\2\12\0\0\2\273\1", 7})));
	bytes_event_now(&b, 23, 42, VALUES(value_of(0, 8), ((struct text){tuple, 13})));
	bytes_event_now(&b, 247, 42, VALUES(value_of(6, 8), ((struct text){tuple, 13})));
	bytes_event_now(&b, 23, 42, VALUES(value_of(0, 8), ((struct text){tuple, 12})));
	source = bytes_open(&b);
	ev = next_event(source);
	s = ev->sock;
	assert_int_equal(u64_of(ev, CONNECT_fd), 5);
	assert_int_equal(text_param(ev, CONNECT_addr).len, 7);
	assert_non_null(s);
	assert_int_equal(s->family, AF_INET);
	assert_int_equal(s->local[3], 1);
	assert_int_equal(s->local_port, 1234);
	assert_int_equal(s->remote[3], 2);
	assert_int_equal(s->remote_port, 443);
	ev = next_event(source);
	assert_int_equal(ev->type, EVENT_ACCEPT);
	s = ev->sock; /* the client, which comes first, is the other end */
	assert_int_equal(s->local_port, 443);
	assert_int_equal(s->remote_port, 1234);
	assert_true(s->flags & SOCK_SERVER);
	ev = next_event(source);
	assert_null(ev->sock); /* too short */
	assert_true(ev->quality & EVENT_ADDR_FROM_CALLER);
	source_destroy(&source);
}

static void names_of_unix_sockets(void **state)
{
	static const char pair[] = "\1\252\0\0\0\0\0\0\0\273\0\0\0\0\0\0\0/run/s\0";
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	bytes_event_now(&b, 23, 42,
			VALUES(value_of(0, 8), ((struct text){pair, sizeof(pair) - 1}),
			       value_of(5, 8), ((struct text){"\1/run/s\0", 8})));
	source = bytes_open(&b);
	ev = next_event(source);
	assert_int_equal(ev->sock->self_ptr, 0252);
	assert_int_equal(ev->sock->peer_ptr, 0273);
	assert_text(ev->sock->path, "/run/s");
	assert_int_equal(text_param(ev, CONNECT_addr).len, 7);
	assert_int_equal(text_param(ev, CONNECT_tuple).len, 17 + 6);
	source_destroy(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_blocks),
		cmocka_unit_test(large_payloads),
		cmocka_unit_test(pairs_become_one),
		cmocka_unit_test(pairs_that_are_none),
		cmocka_unit_test(counts_of_parameters),
		cmocka_unit_test(counts_that_must_be_guessed),
		cmocka_unit_test(lengths_that_overstate),
		cmocka_unit_test(unknown_types),
		cmocka_unit_test(odd_values),
		cmocka_unit_test(old_bpf),
		cmocka_unit_test(calls_have_this_machines_numbers),
		cmocka_unit_test(exec_is_a_new_image),
		cmocka_unit_test(exec_that_failed),
		cmocka_unit_test(exec_of_old),
		cmocka_unit_test(clone_is_told_once),
		cmocka_unit_test(child_that_ended_first),
		cmocka_unit_test(number_used_again),
		cmocka_unit_test(threads_belong_to_processes),
		cmocka_unit_test(clone_inside_a_container),
		cmocka_unit_test(sockets_have_ends),
		cmocka_unit_test(names_of_unix_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
