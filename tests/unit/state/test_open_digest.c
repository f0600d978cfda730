/* Opens that any field of FIELD_OF_OPEN tells apart have different digests; nothing else makes them
 * different. */
#include "state/open_digest.h"

#include <string.h>

#include "base/util.h"
#include "tests/lib/events.h"
#include "tests/unit/state/state_fixture.h"

#define SEED 7

static struct open_digest digest_by(struct fixture *f, const struct test_task *who, int32_t result,
				    const char *path, uint32_t flags)
{
	const struct event *ev = event_open(&f->maker, who, result, path, flags);
	struct subject subject;
	struct field_context ctx = {.event = ev, .subject = &subject, .state = f->state};
	struct open_digest digest;

	assert_int_equal(state_apply(f->state, ev, &subject), 0);
	assert_true(open_digest(&ctx, SEED, &digest));
	return digest;
}

static const struct test_task cat = {.pid = 3, .start_ns = 3, .exec_id = 1, .exepath = "/bin/cat"};
static const struct test_task dog = {
	.pid = 4, .start_ns = 4, .exec_id = 1, .exepath = "/bin/dog", .uid = 1000};

static void add_processes(struct fixture *f)
{
	struct subject subject;

	state_apply(f->state, event_scan(&f->maker, &cat), &subject);
	state_apply(f->state, event_scan(&f->maker, &dog), &subject);
}

static void who_opens_does_not_count(void **state)
{
	struct fixture *f = *state;
	struct open_digest a, b;

	add_processes(f);
	a = digest_by(f, &cat, 3, "/etc/x", TEST_O_RDONLY);
	b = digest_by(f, &dog, 3, "/etc/x", TEST_O_RDONLY | TEST_O_CLOEXEC);
	assert_true(a.low == b.low && a.high == b.high);
	a = digest_by(f, &cat, -2, "/none", TEST_O_RDONLY);
	b = digest_by(f, &dog, -2, "/none", TEST_O_RDONLY);
	assert_true(a.low == b.low && a.high == b.high);
}

static void what_is_opened_counts(void **state)
{
	static const struct {
		const char *path;
		int32_t result;
		uint32_t flags;
	} rows[] = {
		{"/etc/x", 3, TEST_O_RDONLY},
		{"/etc/y", 3, TEST_O_RDONLY},
		{"/etc/x/", 3, TEST_O_RDONLY},
		{"", 3, TEST_O_RDONLY},
		{"/etc/x", 4, TEST_O_RDONLY},
		{"/etc/x", 0, TEST_O_RDONLY},
		{"/etc/x", -2, TEST_O_RDONLY},
		{"/etc/x", -13, TEST_O_RDONLY},
		{"/etc/x", 3, TEST_O_WRONLY},
		{"/etc/x", 3, TEST_O_RDWR},
		{"/etc/x", 3, TEST_O_WRONLY | TEST_O_F_CREATED},
		{"/a/path/of/more/than/sixteen/bytes", 3, TEST_O_RDONLY},
		{"/a/path/of/more/than/sixteen/bytes.", 3, TEST_O_RDONLY},
	};
	struct open_digest digests[ARRAY_SIZE(rows)];
	struct fixture *f = *state;

	add_processes(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		digests[i] = digest_by(f, &cat, rows[i].result, rows[i].path, rows[i].flags);
		for (size_t k = 0; k < i; k++) /* in each half */
			if (digests[i].low == digests[k].low || digests[i].high == digests[k].high)
				fail_msg("rows %zu and %zu are alike", k, i);
	}
}

/* Only of opens, and only with somebody who does them. */
static void others_have_none(void **state)
{
	struct fixture *f = *state;
	struct subject nobody = {0};
	struct open_digest digest;
	struct field_context ctx = {.event = event_open(&f->maker, &cat, 3, "/x", TEST_O_RDONLY),
				    .subject = &nobody,
				    .state = f->state};

	assert_false(open_digest(&ctx, SEED, &digest));
	assert_true(open_digest_is_for(EVENT_OPENAT));
	assert_false(open_digest_is_for(EVENT_EXECVE));
	assert_false(open_digest_is_for(EVENT_READ));
}

/* The flag is a promise about fields that are read from the event and its descriptor. */
static void marked_fields_are_those_of_files(void **state)
{
	struct field_table table = state_field_table();
	uint32_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < table.n; i++) {
		const struct field *field = &table.fields[i];

		if (!(field->flags & FIELD_OF_OPEN))
			continue;
		n++;
		if (strncmp(field->name, "fd.", 3) != 0 && strncmp(field->name, "evt.", 4) != 0)
			fail_msg("%s", field->name);
		assert_false(field->flags & (FIELD_PER_PROCESS | FIELD_PER_LINEAGE));
	}
	assert_true(n >= 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_opens_does_not_count, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(what_is_opened_counts, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(others_have_none, fixture_setup, fixture_teardown),
		cmocka_unit_test(marked_fields_are_those_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
