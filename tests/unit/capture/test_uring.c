/* Questions and answers of rings are joined; whatever comes, in whatever order, stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/decode.h"
#include "capture/uring.h"

enum {
	ACCEPT = 13,
	CONNECT = 16,
	OPENAT = 18,
	CLOSE = 19,
	OPENAT2 = 28,
	RENAMEAT = 35,
	UNLINKAT = 36
};

struct fixture {
	struct uring *uring;
	struct decoder decoder;
	_Alignas(8) char bytes[WIRE_RECORD_MAX];
};

static struct wire_header *begin(struct fixture *f, uint16_t kind, const char *call, uint16_t op,
				 uint64_t request)
{
	struct wire_header *header = (struct wire_header *)f->bytes;
	struct wire_section *section = (struct wire_section *)(f->bytes + WIRE_HEADER_BYTES);
	struct wire_uring *r = (struct wire_uring *)(section + 1);

	memset(f->bytes, 0, WIRE_HEADER_BYTES + sizeof(*section) + sizeof(*r));
	header->kind = kind;
	header->nr = (uint16_t)syscall_by_name(text_from(call))->nr64;
	header->boot_ns = 5;
	header->tgid = header->tid = 77;
	header->fd = -1;
	*section = (struct wire_section){WIRE_SEC_URING, 0, sizeof(*r)};
	r->request = request;
	r->ring = 0xa000;
	r->user_data = 1;
	r->op = op;
	header->len = WIRE_HEADER_BYTES + sizeof(*section) + sizeof(*r);
	return header;
}

static struct wire_uring *request_of(struct wire_header *header)
{
	return (struct wire_uring *)((char *)header + WIRE_HEADER_BYTES +
				     sizeof(struct wire_section));
}

static void add(struct wire_header *header, uint16_t type, const void *bytes, uint32_t len)
{
	struct wire_section section = {type, 0, len};

	memcpy((char *)header + header->len, &section, sizeof(section));
	memcpy((char *)header + header->len + sizeof(section), bytes, len);
	header->len += (uint32_t)sizeof(section) + ((len + 7) & ~7u);
}

static const struct event *take(struct fixture *f, struct wire_header *header, bool raw)
{
	const struct wire_header *call = uring_take(f->uring, header, raw);
	struct record record;

	if (!call)
		return NULL;
	assert_int_equal(record_parse(&record, call, call->len), 0);
	assert_int_equal(decode_record(&f->decoder, &record), 0);
	assert_true(f->decoder.event.quality & EVENT_IO_URING);
	return &f->decoder.event;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(uring_create(&f->uring), 0);
	decoder_init(&f->decoder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	uring_destroy(&f->uring);
	free(f);
	return 0;
}

static struct wire_header *ask_open(struct fixture *f, uint64_t request)
{
	struct wire_header *header = begin(f, WIRE_RING_ASK, "openat", OPENAT, request);

	request_of(header)->args[0] = (uint64_t)-100;
	request_of(header)->args[2] = 0100000 | 1;
	add(header, WIRE_SEC_TEXT0, "x/y", 3);
	return header;
}

static struct wire_header *open_done(struct fixture *f, uint64_t request, int64_t res)
{
	struct wire_header *header = begin(f, WIRE_RING_DONE, "openat", OPENAT, request);
	char file[sizeof(struct wire_file) + 8] = {0};

	header->res = res;
	header->boot_ns = 9;
	if (res >= 0) {
		memcpy(file + sizeof(struct wire_file), "y/x/", 4);
		add(header, WIRE_SEC_FILE, file, sizeof(struct wire_file) + 4);
	}
	return header;
}

static void an_open_is_joined(void **state)
{
	static const struct {
		int64_t res;
		bool raw;
		const char *name;
	} rows[] = {{4, false, "/x/y"}, {4, true, "x/y"}, {-13, false, "x/y"}};
	struct fixture *f = *state;
	const struct event *ev;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_null(take(f, ask_open(f, 0x10), rows[i].raw));
		ev = take(f, open_done(f, 0x10, rows[i].res), rows[i].raw);
		assert_non_null(ev);
		assert_int_equal(ev->type, EVENT_OPENAT);
		assert_int_equal(ev->res, rows[i].res);
		assert_int_equal(ev->boot_ns, 9);
		assert_int_equal(ev->tgid, 77);
		assert_int_equal(ev->params[OPENAT_dirfd].i64, -100);
		assert_int_equal(ev->params[OPENAT_flags].u64, 2); /* without O_LARGEFILE */
		assert_true(text_equal(ev->params[OPENAT_name].bytes, text_from(rows[i].name)));
	}
}

static void an_answer_without_its_question_is_told_and_counted(void **state)
{
	struct fixture *f = *state;
	struct uring_counters counters;
	const struct event *ev = take(f, open_done(f, 0x10, 4), false);

	assert_non_null(ev);
	assert_true(text_equal(ev->file->path, TEXT("/x/y")));
	/* The second answer to one question has none either. */
	assert_null(take(f, ask_open(f, 0x20), false));
	assert_non_null(take(f, open_done(f, 0x20, 4), false));
	assert_non_null(take(f, open_done(f, 0x20, 4), false));
	uring_counters(f->uring, &counters);
	assert_int_equal(counters.unmatched_total, 2);
	assert_int_equal(counters.asked_total, 1);
	assert_int_equal(counters.done_total, 3);
}

/* State would take it for the process's descriptor 0. */
static void answers_without_question_name_no_descriptor(void **state)
{
	struct fixture *f = *state;
	const struct event *ev;

	ev = take(f, begin(f, WIRE_RING_DONE, "close", CLOSE, 0x10), false);
	assert_true(ev->quality & EVENT_FIXED_FILE);
	ev = take(f, begin(f, WIRE_RING_DONE, "connect", CONNECT, 0x20), false);
	assert_true(ev->quality & EVENT_FIXED_FILE);
	ev = take(f, begin(f, WIRE_RING_DONE, "unlinkat", UNLINKAT, 0x30), false);
	assert_int_equal(event_param(ev, UNLINKAT_dirfd)->i64, -1);
	ev = take(f, begin(f, WIRE_RING_DONE, "renameat2", RENAMEAT, 0x40), false);
	assert_int_equal(event_param(ev, RENAMEAT2_olddirfd)->i64, -1);
	assert_int_equal(event_param(ev, RENAMEAT2_newdirfd)->i64, -1);
	ev = take(f, open_done(f, 0x50, 4), false);
	assert_int_equal(ev->fd, 4);
	assert_false(ev->quality & EVENT_FIXED_FILE);
	assert_int_equal(event_param(ev, OPENAT_dirfd)->i64, -1);
}

/* Another ring's request, or another kind, at the same address: not the answer. */
static void answers_of_others_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct wire_header *header;
	const struct event *ev;

	assert_null(take(f, ask_open(f, 0x10), false));
	header = open_done(f, 0x10, -2);
	request_of(header)->ring = 0xb000;
	ev = take(f, header, false);
	assert_int_equal(ev->raw_path[0].len, 0);
	header = begin(f, WIRE_RING_DONE, "unlinkat", UNLINKAT, 0x10);
	ev = take(f, header, false);
	assert_int_equal(ev->raw_path[0].len, 0);
	ev = take(f, open_done(f, 0x10, -2), false);
	assert_int_equal(ev->raw_path[0].len, 3);
}

static void a_question_that_hides_its_success_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	struct wire_header *header = ask_open(f, 0x10);
	const struct event *ev;

	request_of(header)->flags = WIRE_URING_SKIPS_SUCCESS;
	ev = take(f, header, false);
	assert_non_null(ev);
	assert_int_equal(ev->res, 0);
	assert_true(ev->quality & EVENT_FIXED_FILE);
	assert_true(text_equal(ev->params[OPENAT_name].bytes, TEXT("x/y")));
	assert_null(take(f, open_done(f, 0x10, 4), false)); /* not twice */
	header = ask_open(f, 0x10);
	request_of(header)->flags = WIRE_URING_SKIPS_SUCCESS;
	take(f, header, false);
	ev = take(f, open_done(f, 0x10, -2), false);
	assert_int_equal(ev->res, -2);
}

static void openat2_gets_its_block(void **state)
{
	struct fixture *f = *state;
	struct wire_header *header = begin(f, WIRE_RING_ASK, "openat2", OPENAT2, 0x10);
	const struct event *ev;

	request_of(header)->args[2] = 2 | 0100 | 0100000;
	request_of(header)->args[3] = 0640;
	request_of(header)->args[4] = 8; /* RESOLVE_BENEATH */
	assert_null(take(f, header, false));
	header = begin(f, WIRE_RING_DONE, "openat2", OPENAT2, 0x10);
	header->res = -17;
	ev = take(f, header, false);
	assert_int_equal(ev->params[OPENAT2_flags].u64, 3 | 4);
	assert_int_equal(ev->params[OPENAT2_mode].u64, 0640);
	assert_int_equal(ev->params[OPENAT2_resolve].u64, 1);
}

static void one_accept_is_answered_often(void **state)
{
	struct fixture *f = *state;
	struct wire_header *header = begin(f, WIRE_RING_ASK, "accept4", ACCEPT, 0x10);

	assert_null(take(f, header, false));
	for (int i = 0; i < 5; i++) {
		header = begin(f, WIRE_RING_DONE, "accept4", ACCEPT, 0);
		request_of(header)->flags = WIRE_URING_MORE;
		header->res = 4 + i;
		assert_int_equal(take(f, header, false)->res, 4 + i);
	}
	header = begin(f, WIRE_RING_DONE, "accept4", ACCEPT, 0x10);
	header->res = -125;
	assert_int_equal(take(f, header, false)->res, -125);
	/* It is over: what comes now belongs to a multishot of another kind. */
	header = begin(f, WIRE_RING_DONE, "accept4", ACCEPT, 0);
	request_of(header)->flags = WIRE_URING_MORE;
	assert_null(take(f, header, false));
}

static void questions_without_end_stay_bounded(void **state)
{
	struct fixture *f = *state;
	struct uring_counters counters, before;

	for (uint64_t i = 1; i <= 20000; i++)
		assert_null(take(f, ask_open(f, i * 256), false));
	uring_counters(f->uring, &before);
	assert_in_range(before.evicted_total, 20000 - 4096, 20000 - 1000);
	for (uint64_t i = 1; i <= 20000; i++)
		assert_null(take(f, ask_open(f, i * 256), false));
	uring_counters(f->uring, &counters);
	assert_true(counters.bytes <= before.bytes + 4096 * 64);
	/* What was told already is no loss. */
	before = counters;
	for (uint64_t i = 1; i <= 20000; i++) {
		struct wire_header *header = ask_open(f, 0x80 + i * 256);

		request_of(header)->flags = WIRE_URING_SKIPS_SUCCESS;
		assert_non_null(take(f, header, false));
	}
	uring_counters(f->uring, &counters);
	assert_true(counters.evicted_total <= before.evicted_total + 4096);
	for (uint64_t i = 1; i <= 20000; i++)
		assert_null(take(f, ask_open(f, i * 256), false));
	/* The newest are still known. */
	assert_int_equal(take(f, open_done(f, 20000 * 256, -2), false)->raw_path[0].len, 3);
}

static void records_that_are_none_are_refused(void **state)
{
	struct fixture *f = *state;
	struct wire_header *header = ask_open(f, 0x10);
	struct wire_section *section = (struct wire_section *)(f->bytes + WIRE_HEADER_BYTES);

	header->len = WIRE_HEADER_BYTES + 8;
	assert_null(uring_take(f->uring, header, false));
	header = ask_open(f, 0x10);
	section->type = WIRE_SEC_TEXT0;
	assert_null(uring_take(f->uring, header, false));
	header = ask_open(f, 0x10);
	section->len = 4;
	assert_null(uring_take(f->uring, header, false));
	header = ask_open(f, 0x10);
	header->len = WIRE_RECORD_MAX + 8;
	assert_null(uring_take(f->uring, header, false));
}

/* The longest of both kinds fit together. */
static void the_longest_records_fit(void **state)
{
	static char text[WIRE_READ_MAX];
	struct fixture *f = *state;
	struct wire_header *header = ask_open(f, 0x10);

	while (header->len + sizeof(text) + 8 <= WIRE_RECORD_MAX)
		add(header, WIRE_SEC_TEXT1, text, sizeof(text));
	assert_null(take(f, header, true));
	header = open_done(f, 0x10, 4);
	while (header->len + sizeof(text) + 8 <= WIRE_RECORD_MAX)
		add(header, WIRE_SEC_TEXT2, text, sizeof(text));
	assert_non_null(take(f, header, true));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(an_open_is_joined),
		TEST(an_answer_without_its_question_is_told_and_counted),
		TEST(answers_without_question_name_no_descriptor),
		TEST(answers_of_others_are_told_apart),
		TEST(a_question_that_hides_its_success_is_told_at_once),
		TEST(openat2_gets_its_block),
		TEST(one_accept_is_answered_often),
		TEST(questions_without_end_stay_bounded),
		TEST(records_that_are_none_are_refused),
		TEST(the_longest_records_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
