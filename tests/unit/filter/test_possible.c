#include "filter/possible.h"

#include <errno.h>

#include "base/call_class.h"
#include "state/state.h"
#include "tests/unit/filter/filter_test.h"

#define SUCCEEDED CALL_CLASSES(CALL_SUCCEEDED)
#define DENIED CALL_CLASSES(CALL_DENIED)
#define IN_PROGRESS CALL_CLASSES(CALL_IN_PROGRESS)
#define FAILED CALL_CLASSES(CALL_FAILED)
#define UNSUCCESSFUL (DENIED | IN_PROGRESS | FAILED)
#define ALL CALL_CLASSES_ALL
#define READING 0xaaaaaaaau /* details with CALL_READS, of every outcome */
#define WRITING 0xccccccccu
#define CREATING 0xf0f0f0f0u
#define PLAIN 0x01010101u /* all there is of calls that open nothing */

static struct filter *compile(const char *text)
{
	static struct field_set fields;
	struct diag diag = {0};
	struct filter *filter = NULL;

	fields = (struct field_set){.tables = {state_field_table()}, .n_tables = 1};
	if (filter_compile(&filter, text_from(text), &fields, &diag))
		fail_msg("%s: %s", text, diag.message);
	return filter;
}

static void conditions_say_what_they_can_use(void **state)
{
	static const struct {
		const char *filter;
		enum event_type type;
		uint32_t classes;
	} rows[] = {
		{"evt.type = openat", EVENT_OPENAT, ALL},
		{"proc.name = cat", EVENT_OPENAT, ALL},
		{"evt.type = openat and evt.rawres >= 0", EVENT_OPENAT, SUCCEEDED},
		{"evt.type = openat and not evt.rawres < 0", EVENT_OPENAT, SUCCEEDED},
		{"evt.type = openat and evt.failed = false", EVENT_OPENAT, SUCCEEDED},
		{"evt.type = openat and evt.failed = true", EVENT_OPENAT, UNSUCCESSFUL},
		{"evt.type = openat and not evt.failed = true", EVENT_OPENAT, SUCCEEDED},
		{"evt.type = openat and fd.num >= 0", EVENT_OPENAT, SUCCEEDED},
		{"evt.type = openat and fd.num < 0", EVENT_OPENAT, UNSUCCESSFUL},
		{"evt.type = openat and fd.num > 2147483647", EVENT_OPENAT, 0},
		{"evt.type = close and fd.num >= 0", EVENT_CLOSE, PLAIN},
		{"evt.type = openat and evt.res = SUCCESS", EVENT_OPENAT, SUCCEEDED},
		{"evt.type = openat and evt.res != SUCCESS", EVENT_OPENAT, UNSUCCESSFUL},
		{"evt.type = openat and evt.res = EACCES", EVENT_OPENAT, DENIED},
		{"evt.type = openat and evt.res in (EPERM, ENOENT)", EVENT_OPENAT, DENIED | FAILED},
		{"evt.type = openat and evt.res = 512", EVENT_OPENAT, FAILED},
		{"evt.type = openat and evt.res = nonsense", EVENT_OPENAT, 0},
		{"evt.type = openat and evt.res startswith EN", EVENT_OPENAT, UNSUCCESSFUL},
		{"evt.type = openat and evt.rawres = -13", EVENT_OPENAT, DENIED},
		{"evt.type = openat and evt.rawres < -200", EVENT_OPENAT, FAILED},
		{"evt.type = openat and evt.rawres in (-115, 3)", EVENT_OPENAT,
		 IN_PROGRESS | SUCCEEDED},
		{"evt.type = openat and evt.rawres >= -5", EVENT_OPENAT, ALL & ~IN_PROGRESS},
		{"evt.type = connect and (evt.rawres >= 0 or evt.res = EINPROGRESS)", EVENT_CONNECT,
		 (SUCCEEDED | IN_PROGRESS) & PLAIN},
		{"evt.type = openat and evt.is_open_read = true", EVENT_OPENAT, READING},
		{"evt.type = openat and evt.is_open_read = false", EVENT_OPENAT, ~READING},
		{"evt.type = openat and evt.is_open_write = true and fd.num >= 0", EVENT_OPENAT,
		 WRITING & SUCCEEDED},
		{"evt.type = openat and evt.is_open_exec = true", EVENT_OPENAT, CREATING},
		{"evt.type = openat and evt.is_open_exec = false", EVENT_OPENAT, ALL},
		{"evt.type = openat and evt.is_open_create = true", EVENT_OPENAT, CREATING},
		{"evt.type = creat and evt.is_open_write = true", EVENT_CREAT, 0},
		{"evt.type in (open, openat) and (evt.is_open_read = true or proc.name = x)",
		 EVENT_OPEN, ALL},
		{"evt.type = openat and evt.is_open_read = true and proc.name = x", EVENT_OPENAT,
		 READING},
		{"not (evt.type = openat and evt.failed = true)", EVENT_OPENAT, SUCCEEDED},
		{"evt.is_open_read = true and evt.type = openat", EVENT_CONNECT, 0},
		{"evt.type = openat and evt.dir = >", EVENT_OPENAT, 0},
		{"evt.type = openat and evt.arg.res = ENOENT", EVENT_OPENAT, ALL},
		{"evt.type = openat and evt.rawarg.flags > 1", EVENT_OPENAT, ALL},
		{"evt.type = openat and tolower(evt.res) = success", EVENT_OPENAT, ALL},
		{"evt.type = openat and evt.rawres = val(fd.num)", EVENT_OPENAT, ALL},
		{"evt.source regex nothing.* and evt.failed = false", EVENT_OPENAT, SUCCEEDED},
		/* No parameters: no result, and so true for each of them. */
		{"evt.type = getsockname and not evt.failed = true", EVENT_GETSOCKNAME, PLAIN},
		{"evt.type = getpeername and not evt.rawres >= 0", EVENT_GETPEERNAME, PLAIN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(filter_destroy) struct filter *filter = compile(rows[i].filter);
		uint32_t got = filter_classes(filter, rows[i].type, 0);

		if (got != rows[i].classes)
			fail_msg("%s: %08x, not %08x", rows[i].filter, got, rows[i].classes);
	}
}

static void calls_without_event_go_by_number(void **state)
{
	SCOPED(filter_destroy)
	struct filter *filter = compile("evt.type in (truncate, getuid) and evt.failed = true");
	const struct syscall_info *truncate = syscall_by_name(TEXT("truncate"));
	const struct syscall_info *gettid = syscall_by_name(TEXT("gettid"));
	struct call_classes *classes = calloc(1, sizeof(*classes));
	struct event_set wanted = {0};

	(void)state;
	assert_int_equal(truncate->event, EVENT_GENERIC);
	/* Filters are not told how such calls ended: evt.failed may be absent, and `not` true. */
	assert_int_equal(filter_classes(filter, EVENT_GENERIC, (uint32_t)truncate->nr64), PLAIN);
	assert_int_equal(filter_classes(filter, EVENT_GENERIC, (uint32_t)gettid->nr64), 0);
	wanted.syscalls[truncate->nr64 / 64] |= UINT64_C(1) << truncate->nr64 % 64;
	wanted.syscalls[gettid->nr64 / 64] |= UINT64_C(1) << gettid->nr64 % 64;
	call_classes_add_filter(classes, filter, &wanted);
	assert_int_equal(classes->syscalls[truncate->nr64], PLAIN);
	assert_int_equal(classes->syscalls[gettid->nr64], 0);
	assert_int_equal(classes->types[EVENT_OPENAT], 0);
	free(classes);
}

/* Whole conditions from pieces that say much, little and nothing about classes. */
struct random {
	uint64_t state;
};

static uint32_t pick(struct random *r, uint32_t n)
{
	r->state = r->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(r->state >> 33) % n;
}

static uint32_t put_check(struct random *r, char *out, uint32_t size)
{
	static const char *const types[] = {"openat", "open",    "creat", "openat2",
					    "close",  "connect", "unlink"};
	static const char *const errors[] = {"SUCCESS",     "EACCES", "EPERM",
					     "EINPROGRESS", "ENOENT", "512"};
	static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
	static const char *const numbers[] = {"0", "-1", "-2", "-13", "-115", "3", "7", "-512"};
	static const char *const flags[] = {"failed", "is_open_read", "is_open_write",
					    "is_open_exec", "is_open_create"};

	switch (pick(r, 9)) {
	case 0:
		return (uint32_t)snprintf(out, size, "evt.type = %s", types[pick(r, 7)]);
	case 1:
		return (uint32_t)snprintf(out, size, "evt.res %s %s", ops[pick(r, 2)],
					  errors[pick(r, 6)]);
	case 2:
		return (uint32_t)snprintf(out, size, "evt.res in (%s, %s)", errors[pick(r, 6)],
					  errors[pick(r, 6)]);
	case 3:
		return (uint32_t)snprintf(out, size, "evt.rawres %s %s", ops[pick(r, 6)],
					  numbers[pick(r, 8)]);
	case 4:
		return (uint32_t)snprintf(out, size, "fd.num %s %s", ops[pick(r, 6)],
					  numbers[pick(r, 8)]);
	case 5:
		return (uint32_t)snprintf(out, size, "evt.num %s 5", ops[pick(r, 6)]);
	case 6:
		return (uint32_t)snprintf(out, size, "evt.res contains N");
	default:
		return (uint32_t)snprintf(out, size, "evt.%s = %s", flags[pick(r, 5)],
					  pick(r, 2) ? "true" : "false");
	}
}

static uint32_t put_condition(struct random *r, uint32_t depth, char *out, uint32_t size)
{
	uint32_t len = 0, n;
	bool is_and;

	if (!depth || size < 200 || !pick(r, 3))
		return put_check(r, out, size);
	if (!pick(r, 4)) {
		len = (uint32_t)snprintf(out, size, "not (");
		len += put_condition(r, depth - 1, out + len, size - len - 2);
		return len + (uint32_t)snprintf(out + len, size - len, ")");
	}
	is_and = pick(r, 2);
	n = 2 + pick(r, 2);
	out[len++] = '(';
	for (uint32_t i = 0; i < n; i++) {
		len += put_condition(r, depth - 1, out + len, (size - len) / (n - i) - 8);
		if (i + 1 < n)
			len += (uint32_t)snprintf(out + len, size - len, " %s ",
						  is_and ? "and" : "or");
	}
	return len + (uint32_t)snprintf(out + len, size - len, ")");
}

/* An event of a live source: the fields under test are told by what the call took and returned. */
static void random_event(struct random *r, struct event *ev, struct subject *subject)
{
	static const enum event_type types[] = {EVENT_OPENAT,  EVENT_OPEN,  EVENT_CREAT,
						EVENT_OPENAT2, EVENT_CLOSE, EVENT_CONNECT,
						EVENT_UNLINK};
	static const int flags[EVENT_TYPE_END] = {[EVENT_OPENAT] = OPENAT_flags,
						  [EVENT_OPEN] = OPEN_flags,
						  [EVENT_OPENAT2] = OPENAT2_flags};
	static const int modes[EVENT_TYPE_END] = {[EVENT_OPENAT] = OPENAT_mode,
						  [EVENT_OPEN] = OPEN_mode,
						  [EVENT_OPENAT2] = OPENAT2_mode,
						  [EVENT_CREAT] = CREAT_mode};
	static const int16_t results[] = {0, 1, 2, 3, 4, 7, 1000, -1, -2, -13, -14, -115, -512};
	uint64_t portable = pick(r, 4) | (pick(r, 2) ? 4 : 0);

	*ev = (struct event){.type = types[pick(r, 7)], .has_res = true, .num = pick(r, 9)};
	ev->res = results[pick(r, ARRAY_SIZE(results))];
	ev->n_params = event_info(ev->type)->n_params;
	if (portable & 4 && ev->res >= 0 && pick(r, 2))
		portable |= 16384; /* it did make the file */
	if (flags[ev->type])
		ev->params[flags[ev->type]] = (struct param){.u64 = portable, .is_present = true};
	if (modes[ev->type])
		ev->params[modes[ev->type]] =
			(struct param){.u64 = pick(r, 2) ? 0755 : 0, .is_present = true};
	subject->fd =
		event_type_opens(ev->type) ? (int32_t)MAX(ev->res, -1) : (int32_t)pick(r, 12) - 1;
}

static void nothing_is_left_out_that_a_condition_can_use(void **state)
{
	struct arena arena;
	struct random r = {20261121};
	struct process process = {0};
	uint32_t n_true = 0, n_narrow = 0;

	(void)state;
	assert_int_equal(arena_init(&arena, TEST_ARENA_BYTES), 0);
	for (int i = 0; i < 1500; i++) {
		SCOPED(filter_destroy) struct filter *filter = NULL;
		uint32_t known[EVENT_TYPE_END];
		char text[2000];

		memset(known, 0, sizeof(known));
		text[put_condition(&r, 4, text, sizeof(text))] = '\0';
		filter = compile(text);
		for (int j = 0; j < 60; j++) {
			struct subject subject = {.process = &process};
			struct event ev;
			struct field_context ctx = {
				.event = &ev, .subject = &subject, .arena = &arena};
			uint32_t classes;

			random_event(&r, &ev, &subject);
			arena_reset(&arena);
			if (!known[ev.type])
				known[ev.type] = filter_classes(filter, ev.type, 0);
			classes = known[ev.type];
			n_narrow += classes != 0 && classes != ALL && classes != PLAIN;
			if (!filter_eval(filter, &ctx))
				continue;
			n_true++;
			if (!(classes >> event_call_class(&ev) & 1))
				fail_msg("%s: true for %s = %lld, class %u is not in %08x", text,
					 event_info(ev.type)->name, (long long)ev.res,
					 event_call_class(&ev), classes);
		}
	}
	arena_done(&arena);
	assert_true(n_true > 10000 && n_narrow > 10000); /* the test tests something */
}

static void the_kernels_view_of_flags_is_ours(void **state)
{
	static const struct {
		uint32_t kernel, portable;
	} rows[] = {
		{0, 1},        {1, 2},
		{2, 3},        {3, 0},
		{0101, 2 | 4}, {020200002, 3 | 8192 | 1024},
		{0100 | 3, 4}, {02000000, 1 | 4096},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event ev = {.type = EVENT_OPENAT, .has_res = true, .res = -2};

		ev.n_params = OPENAT_N_PARAMS;
		ev.params[OPENAT_flags] =
			(struct param){.u64 = rows[i].portable, .is_present = true};
		assert_int_equal(event_call_class(&ev),
				 call_class(-2, call_detail_of_open(rows[i].kernel)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_say_what_they_can_use),
		cmocka_unit_test(calls_without_event_go_by_number),
		cmocka_unit_test(nothing_is_left_out_that_a_condition_can_use),
		cmocka_unit_test(the_kernels_view_of_flags_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
