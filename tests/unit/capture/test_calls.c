/* The event table against the rows of calls: every type has a handler or a reason why not, and
 * every handler fills every parameter. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/call_row.h"
#include "capture/calls.h"
#include "capture/socketcall.h"

/* Types that no system call makes; nor one that is of captures only (EVENT_IS_META). */
static const struct {
	enum event_type type;
	const char *why;
} not_calls[] = {
	{EVENT_SWITCH, "the scheduler's, not captured"},
	{EVENT_PROCEXIT, "life cycle: its own tracepoint"},
	{EVENT_SIGNALDELIVER, "its own tracepoint"},
	{EVENT_PAGE_FAULT, "its own tracepoints"},
};

/* Parameters that this test's call does not have, or that the event table keeps for other ones. */
static const struct {
	enum event_type type;
	unsigned param;
} exceptions[] = {
	{EVENT_FSCONFIG, FSCONFIG_value_bytebuf}, /* the command takes a text */
	{EVENT_PRCTL, PRCTL_arg2_str},            /* the option takes a number */
	{EVENT_QUOTACTL, QUOTACTL_quotafilepath}, /* of another command */
};

static struct decoder *decoder;
static union {
	struct wire_header header;
	char bytes[WIRE_RECORD_MAX];
} built;

static int setup(void **state)
{
	(void)state;
	decoder = malloc(sizeof(*decoder));
	decoder_init(decoder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(decoder);
	return 0;
}

static const char *why_no_call(enum event_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_calls); i++) {
		if (not_calls[i].type == type)
			return not_calls[i].why;
	}
	return event_info(type)->flags & EVENT_IS_META ? "of captures" : NULL;
}

static const struct syscall_info *call_of(enum event_type type, bool is_32bit)
{
	const struct syscall_info *calls;
	uint32_t n;

	calls = syscall_table(&n);
	for (uint32_t i = 0; i < n; i++) {
		if (calls[i].event == type && (is_32bit ? calls[i].nr32 : calls[i].nr64) >= 0)
			return &calls[i];
	}
	return NULL;
}

/* Some calls 32-bit programs make through another one only. */
static bool is_socketcall(enum event_type type)
{
	for (uint32_t i = 0; i < WIRE_SOCKETCALLS; i++) {
		const struct syscall_info *call = socketcall_info(i);

		if (call && call->event == type)
			return true;
	}
	return false;
}

static void every_type_has_a_handler(void **state)
{
	(void)state;
	for (int i = 0; i < EVENT_TYPE_END; i++) {
		enum event_type type = (enum event_type)i;
		bool has_call = call_of(type, false) || call_of(type, true) || is_socketcall(type);
		const char *name = event_info(type)->name;

		if (why_no_call(type)) {
			if (decoder->calls[type] || has_call)
				fail_msg("'%s' is said to be no call", name);
			continue;
		}
		if (!has_call)
			fail_msg("no system call makes '%s'", name);
		if (!decoder->calls[type])
			fail_msg("'%s' has no handler", name);
	}
}

static void add(uint16_t type, const void *fixed, uint32_t len)
{
	char *to = built.bytes + built.header.len;
	struct wire_section section = {type, 0, len};

	memcpy(to, &section, sizeof(section));
	memcpy(to + sizeof(section), fixed, len);
	built.header.len += (uint32_t)sizeof(section) + ((len + 7) & ~UINT32_C(7));
}

static uint32_t block_bytes(uint64_t recipe, unsigned shift, unsigned mask)
{
	return recipe >> shift & 7 ? (uint32_t)(recipe >> (shift + 3) & mask) * 4 : 0;
}

/* A record that has everything the recipe asks for. */
static void build(const struct syscall_info *call, bool is_32bit)
{
	static const struct wire_file file = {.ino = 5, .dev = 6, .mode = S_IFREG | 0600};
	static const struct wire_sock sock = {.family = AF_INET,
					      .local = {127, 0, 0, 1},
					      .remote = {127, 0, 0, 1},
					      .local_port = 1,
					      .remote_port = 2};
	static const struct wire_memory memory = {1, 2, 3};
	static const struct wire_io io = {.size = 5, .wanted = 80, .flags = WIRE_IO_HAS_SIZE};
	static const struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = 5};
	static const char bytes[256] = {1, 0, 0, 0, 2};
	uint64_t recipe = call_recipe(call, is_32bit);
	uint32_t sizes[] = {block_bytes(recipe, WIRE_BLOCK0_SHIFT, 63),
			    block_bytes(recipe, WIRE_BLOCK1_SHIFT, 63),
			    block_bytes(recipe, WIRE_BLOCK2_SHIFT, 7)};
	static const uint16_t blocks[] = {WIRE_SEC_DATA, WIRE_SEC_DATA1, WIRE_SEC_DATA2};
	uint16_t text = WIRE_SEC_TEXT0;

	memset(&built, 0, sizeof(built));
	built.header = (struct wire_header){.kind = WIRE_CALL,
					    .nr = (uint16_t)(is_32bit ? call->nr32 : call->nr64),
					    .flags = is_32bit ? WIRE_IS_32BIT : 0,
					    .args = {1, 1, 1, 1, 1, 1},
					    .len = sizeof(built.header)};
	if (recipe & (WIRE_FD_RESULT | WIRE_FD_ARG0 | WIRE_FD_ARG1 | WIRE_FD_PAIR)) {
		if (event_info(call->event)->category == CATEGORY_NET ||
		    call->event == EVENT_SOCKETPAIR || recipe & WIRE_IO)
			add(WIRE_SEC_SOCK, &sock, sizeof(sock));
		else
			add(WIRE_SEC_FILE, &file, sizeof(file));
	}
	for (unsigned i = 0; i < 6; i++) {
		if (recipe & WIRE_TEXT(i))
			add(text++, "text", 4);
	}
	for (unsigned i = 0; i < 3; i++) {
		if (sizes[i])
			add(blocks[i], bytes, sizes[i]);
	}
	if (recipe >> WIRE_VAR_SHIFT)
		add(WIRE_SEC_VAR, bytes, 16);
	if (recipe & WIRE_MEMORY)
		add(WIRE_SEC_MEMORY, &memory, sizeof(memory));
	if (recipe & WIRE_LISTENER)
		add(WIRE_SEC_LISTENER, &sock, sizeof(sock));
	if (recipe & (WIRE_ADDR_ARG1 | WIRE_ADDR_ARG4))
		add(WIRE_SEC_ADDR, &addr, sizeof(addr));
	if (recipe & WIRE_IO) {
		add(WIRE_SEC_IO, &io, sizeof(io));
		add(WIRE_SEC_CONTROL, bytes, 16);
	}
}

static bool is_exception(enum event_type type, unsigned param)
{
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++) {
		if (exceptions[i].type == type && exceptions[i].param == param)
			return true;
	}
	return false;
}

static void check_call(const struct syscall_info *call, bool is_32bit)
{
	const struct event_info *info = event_info(call->event);
	struct record record;

	build(call, is_32bit);
	assert_int_equal(record_parse(&record, &built, built.header.len), 0);
	assert_int_equal(decode_record(decoder, &record), 0);
	assert_int_equal(decoder->event.type, call->event);
	for (unsigned i = 0; i < info->n_params; i++) {
		bool is_known = event_param(&decoder->event, i);

		if (is_known == is_exception(call->event, i))
			fail_msg("%s%s: parameter '%s' is %s", call->name,
				 is_32bit ? " (32-bit)" : "", info->params[i].name,
				 is_known ? "there" : "absent");
	}
}

/* Life-cycle events have what the call itself does not know. */
static bool has_own_record(enum event_type type)
{
	return type == EVENT_CLONE || type == EVENT_CLONE3 || type == EVENT_FORK ||
	       type == EVENT_VFORK || type == EVENT_EXECVE || type == EVENT_EXECVEAT;
}

static void every_handler_fills_every_parameter(void **state)
{
	const struct syscall_info *calls;
	uint32_t n;

	(void)state;
	calls = syscall_table(&n);
	for (uint32_t i = 0; i < n; i++) {
		if (has_own_record(calls[i].event))
			continue;
		if (calls[i].nr64 >= 0)
			check_call(&calls[i], false);
		if (calls[i].nr32 >= 0)
			check_call(&calls[i], true);
	}
}

static void no_row_is_written_twice(void **state)
{
	static const struct call_family *const families[] = {
		&calls_file,    &calls_io,     &calls_ipc,   &calls_memory,
		&calls_process, &calls_socket, &calls_system};
	bool seen[EVENT_TYPE_END] = {false};

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (uint32_t i = 0; i < families[f]->n; i++) {
			uint16_t type = families[f]->rows[i].event;

			if (seen[type])
				fail_msg("'%s' has two rows",
					 event_info((enum event_type)type)->name);
			seen[type] = true;
		}
	}
}

static void calls_of_32_bit_are_asked_for_by_their_twins(void **state)
{
	static const struct {
		const char *call, *twin;
	} rows[] = {
		{"truncate", "truncate"},
		{"truncate64", "truncate"},
		{"fcntl64", "fcntl"},
		{"getresuid32", "getresuid"},
		{"sched_rr_get_interval_time64", "sched_rr_get_interval"},
		{"socketcall", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct syscall_info *call = syscall_by_name(text_from(rows[i].call));
		const struct syscall_info *twin;

		assert_non_null(call);
		twin = call_twin(call);
		if (!rows[i].twin != !twin || (twin && strcmp(twin->name, rows[i].twin) != 0))
			fail_msg("%s: %s", rows[i].call, twin ? twin->name : "none");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_a_handler),
		cmocka_unit_test(every_handler_fills_every_parameter),
		cmocka_unit_test(no_row_is_written_twice),
		cmocka_unit_test(calls_of_32_bit_are_asked_for_by_their_twins),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
