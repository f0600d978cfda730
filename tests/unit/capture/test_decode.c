/* Records made by hand: paths, sockets, tasks, and what no kernel would write. */
#include <arpa/inet.h>
#include <errno.h>
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
#include <sys/syscall.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/calls.h"
#include "capture/decode.h"

#define TMPFS_MAGIC 0x01021994
#define ANON_INODE_FS_MAGIC 0x09041934
#define FUZZ_ROUNDS 200000

struct built {
	union {
		struct wire_header header;
		char bytes[WIRE_RECORD_MAX];
	};
};

static struct decoder *decoder;
static struct built *built;

static int setup(void **state)
{
	(void)state;
	decoder = malloc(sizeof(*decoder));
	built = malloc(sizeof(*built));
	decoder_init(decoder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(decoder);
	free(built);
	return 0;
}

static void begin(uint16_t kind, uint16_t nr, int64_t res)
{
	memset(built, 0, sizeof(*built));
	built->header = (struct wire_header){.kind = kind,
					     .nr = nr,
					     .res = res,
					     .tid = 101,
					     .tgid = 100,
					     .start_ns = 5,
					     .exec_id = 7};
	built->header.len = kind == WIRE_CALL ? sizeof(struct wire_header) : WIRE_HEADER_BYTES;
}

static void add(uint16_t type, uint16_t flags, const void *fixed, uint32_t fixed_len,
		const void *text, uint32_t text_len)
{
	char *to = built->bytes + built->header.len;
	struct wire_section section = {type, flags, fixed_len + text_len};

	memcpy(to, &section, sizeof(section));
	if (fixed_len)
		memcpy(to + sizeof(section), fixed, fixed_len);
	if (text_len)
		memcpy(to + sizeof(section) + fixed_len, text, text_len);
	built->header.len +=
		(uint32_t)sizeof(section) + ((fixed_len + text_len + 7) & ~UINT32_C(7));
}

static void add_text(uint16_t type, const char *text)
{
	add(type, 0, NULL, 0, text, (uint32_t)strlen(text));
}

static const struct event *decode(void)
{
	struct record record;

	assert_int_equal(record_parse(&record, built, built->header.len), 0);
	assert_int_equal(decode_record(decoder, &record), 0);
	return &decoder->event;
}

static void text_is(const char *name, struct text got, const char *want)
{
	if (!text_equal(got, text_from(want)))
		fail_msg("%s: got '%.*s', want '%s'", name, TEXT_ARGS(got), want);
}

static void paths_are_turned_round(void **state)
{
	static const struct {
		const char *name;
		struct wire_file file;
		const char *reversed, *want;
		enum file_kind kind;
	} rows[] = {
		{"the root", {.mode = S_IFDIR}, "", "/", FILE_KIND_DIRECTORY},
		{"one name", {.mode = S_IFREG}, "a/", "/a", FILE_KIND_REGULAR},
		{"several",
		 {.mode = S_IFREG | S_ISUID},
		 "passwd/etc/",
		 "/etc/passwd",
		 FILE_KIND_REGULAR},
		{"device", {.mode = S_IFCHR}, "null/dev/", "/dev/null", FILE_KIND_CHAR_DEVICE},
		{"memfd",
		 {.mode = S_IFREG, .magic = TMPFS_MAGIC, .flags = WIRE_FILE_UNHASHED},
		 "memfd:x y/",
		 "memfd:x y",
		 FILE_KIND_MEMFD},
		{"a file that is called so",
		 {.mode = S_IFREG, .magic = TMPFS_MAGIC},
		 "memfd:x/",
		 "/memfd:x",
		 FILE_KIND_REGULAR},
		{"the same, deleted, deeper",
		 {.mode = S_IFREG, .magic = TMPFS_MAGIC, .flags = WIRE_FILE_UNHASHED},
		 "memfd:x/tmp/",
		 "/tmp/memfd:x",
		 FILE_KIND_REGULAR},
		{"anonymous",
		 {.magic = ANON_INODE_FS_MAGIC},
		 "[eventfd]/",
		 "[eventfd]",
		 FILE_KIND_ANON},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct event *ev;

		begin(WIRE_CALL, SYS_openat, 3);
		add(WIRE_SEC_FILE, 0, &rows[i].file, sizeof(rows[i].file), rows[i].reversed,
		    (uint32_t)strlen(rows[i].reversed));
		ev = decode();
		assert_int_equal(ev->type, EVENT_OPENAT);
		text_is(rows[i].name, ev->file->path, rows[i].want);
		if (ev->file->kind != rows[i].kind)
			fail_msg("%s: kind %d", rows[i].name, ev->file->kind);
		text_is(rows[i].name, ev->params[OPENAT_name].bytes, rows[i].want);
		assert_int_equal(!!(ev->file->flags & FILE_SETUID), i == 2);
	}
}

static void names_as_typed_win_only_in_the_parameter(void **state)
{
	struct wire_file file = {.mode = S_IFREG, .dev = 8 << 20 | 0x12345, .ino = 9};
	const struct event *ev;

	(void)state;
	begin(WIRE_CALL, SYS_openat, 3);
	built->header.args[0] = (uint64_t)AT_FDCWD;
	built->header.args[2] = O_WRONLY;
	add(WIRE_SEC_FILE, WIRE_SEC_TRUNCATED, &file, sizeof(file), "b/a/", 4);
	add_text(WIRE_SEC_TEXT0, "../a/b");
	ev = decode();
	text_is("file", ev->file->path, "/a/b");
	text_is("name", ev->params[OPENAT_name].bytes, "../a/b");
	text_is("raw", ev->raw_path[0], "../a/b");
	assert_int_equal(ev->params[OPENAT_dirfd].i64, AT_FDCWD);
	assert_int_equal(ev->params[OPENAT_flags].u64, 2);
	assert_int_equal(ev->params[OPENAT_ino].u64, 9);
	assert_int_equal(ev->params[OPENAT_dev].u64, 0x45 | 8 << 8 | 0x12300 << 12);
	assert_int_equal(ev->quality, EVENT_TRUNCATED);
	assert_true(ev->file->flags & FILE_PATH_TRUNCATED);
}

static void addresses_are_encoded_or_left_out(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
	struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0name"};
	const struct {
		const char *name;
		const void *addr;
		uint32_t len, want_len;
		const char *want;
	} rows[] = {
		{"v4", &in, sizeof(in), 7, "\x02\0\0\0\0\x50\0"},
		{"v4, cut", &in, 7, 1, "\x02"},
		{"v6", &in6, sizeof(in6), 19, "\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xbb\x01"},
		{"unix", &un, sizeof(un), 7, "\x01/run/x"},
		{"unix without a name", &un, 2, 1, "\x01"},
		{"abstract", &abstract, 7, 6, "\x01@name"},
		{"nothing", &in, 1, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct param *addr;

		begin(WIRE_CALL, SYS_connect, -ECONNREFUSED);
		add(WIRE_SEC_ADDR, 0, rows[i].addr, rows[i].len, NULL, 0);
		addr = event_param(decode(), CONNECT_addr);
		assert_int_equal(addr ? addr->bytes.len : 0, rows[i].want_len);
		if (addr && memcmp(addr->bytes.ptr, rows[i].want, rows[i].want_len) != 0)
			fail_msg("%s: wrong bytes", rows[i].name);
		assert_int_equal(decoder->event.quality & EVENT_ADDR_FROM_CALLER,
				 EVENT_ADDR_FROM_CALLER);
	}
}

static void tuples_have_both_ends(void **state)
{
	struct wire_sock sock = {.family = AF_INET,
				 .local_port = 4000,
				 .remote_port = 80,
				 .local = {10, 0, 0, 1},
				 .remote = {10, 0, 0, 2},
				 .type = SOCK_STREAM,
				 .protocol = IPPROTO_TCP,
				 .ino = 77};
	const struct event *ev;

	(void)state;
	begin(WIRE_CALL, SYS_connect, 0);
	built->header.args[0] = 5;
	add(WIRE_SEC_SOCK, 0, &sock, sizeof(sock), NULL, 0);
	ev = decode();
	assert_int_equal(ev->params[CONNECT_tuple].bytes.len, 13);
	assert_memory_equal(ev->params[CONNECT_tuple].bytes.ptr,
			    "\x02\x0a\0\0\x01\xa0\x0f\x0a\0\0\x02\x50\0", 13);
	assert_int_equal(ev->fd, 5);
	assert_int_equal(ev->sock->ino, 77);
	assert_int_equal(ev->sock->flags, SOCK_CONNECTED);
	sock = (struct wire_sock){.family = AF_UNIX, .self_ptr = 1, .peer_ptr = 2};
	begin(WIRE_CALL, SYS_connect, 0);
	add(WIRE_SEC_SOCK, 0, &sock, sizeof(sock), "/run/x\0rest", 11);
	ev = decode();
	text_is("unix", ev->sock->path, "/run/x");
	assert_int_equal(ev->params[CONNECT_tuple].bytes.len, 17 + 6);
}

static void tasks_come_whole(void **state)
{
	struct wire_task task = {.tid = 12,
				 .tgid = 11,
				 .parent_tgid = 3,
				 .uid = 1000,
				 .euid = 0,
				 .fsuid = 1000,
				 .fsgid = 50,
				 .comm = "fifteen chars..",
				 .rss_pages = 3,
				 .fd_limit = 1024};
	struct wire_file file = {.mode = S_IFREG | S_ISUID | 0755, .uid = 0, .gid = 50, .ino = 4};
	struct wire_cgroup unified = {.id = 9};
	struct wire_cgroup memory = {
		.id = 8, .subsystems = 1 << WIRE_SUBSYS_MEMORY | 1u << 31, .hierarchy = 3};
	struct wire_cgroup systemd = {.id = 7, .hierarchy = 2, .name = "systemd"};
	const struct event *ev;

	(void)state;
	begin(WIRE_EXEC, 0, 0);
	add(WIRE_SEC_TASK, 0, &task, sizeof(task), NULL, 0);
	add_text(WIRE_SEC_CWD, "b/a/");
	add(WIRE_SEC_FILE, 0, &file, sizeof(file), "sh/bin/", 7);
	add(WIRE_SEC_ARGS, 0, NULL, 0, "sh\0-c\0", 6);
	add(WIRE_SEC_ENV, WIRE_SEC_TRUNCATED, NULL, 0, "A=1\0B", 5);
	add(WIRE_SEC_CGROUP, 0, &unified, sizeof(unified), NULL, 0);
	add(WIRE_SEC_CGROUP, 0, &memory, sizeof(memory), "y/x/", 4);
	add(WIRE_SEC_CGROUP, 0, &systemd, sizeof(systemd), "z.service/", 10);
	ev = decode();
	assert_int_equal(ev->type, EVENT_EXECVE);
	text_is("comm", ev->task->comm, "fifteen chars..");
	text_is("exe", ev->task->exe, "sh");
	assert_int_equal(ev->task->args.len, 3);
	text_is("exepath", ev->task->exepath, "/bin/sh");
	text_is("cwd", ev->task->cwd, "/a/b");
	assert_true(ev->task->env_truncated);
	assert_int_equal(ev->task->exe_flags, EXE_SETUID);
	assert_memory_equal(ev->task->cgroups.ptr,
			    "unified=/\0memory=/x/y\0name=systemd=/z.service", 46);
	assert_int_equal(ev->task->cgroups.len, 46);
	assert_int_equal(ev->task->cgroup_id, 7);
	assert_int_equal(ev->task->vm_rss_kb, 12);
	assert_true(ev->task->is_thread);
}

static void what_may_write_an_image_is_decided_as_the_kernel_does(void **state)
{
	static const struct {
		const char *name;
		uint16_t mode;
		uint16_t flags;
		uint32_t fsuid, fsgid;
		uint64_t caps;
		bool want;
	} rows[] = {
		{"owner may", 0755, 0, 5, 9, 0, true},
		{"owner may not", 0575, 0, 5, 6, 0, false},
		{"group may", 0575, 0, 8, 6, 0, true},
		{"group may not, others may", 0757, 0, 8, 6, 0, false},
		{"others may", 0757, 0, 8, 9, 0, true},
		{"others may not", 0775, 0, 8, 9, 0, false},
		{"a group of many may", 0575, WIRE_FILE_OF_GROUP, 8, 9, 0, true},
		{"a group of many may not", 0757, WIRE_FILE_OF_GROUP, 8, 9, 0, false},
		{"override", 0500, 0, 8, 9, 2, true},
		{"read-only file system", 0777, WIRE_FILE_READ_ONLY_FS, 5, 6, 2, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wire_task task = {.fsuid = rows[i].fsuid,
					 .fsgid = rows[i].fsgid,
					 .cap_effective = rows[i].caps};
		struct wire_file file = {
			.mode = S_IFREG | rows[i].mode, .uid = 5, .gid = 6, .flags = rows[i].flags};

		begin(WIRE_EXEC, 0, 0);
		add(WIRE_SEC_TASK, 0, &task, sizeof(task), NULL, 0);
		add(WIRE_SEC_FILE, 0, &file, sizeof(file), NULL, 0);
		if (!!(decode()->task->exe_flags & EXE_WRITABLE) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
}

static void numbers_of_32_bit_calls_are_their_own(void **state)
{
	(void)state;
	begin(WIRE_CALL, 5, -ENOENT); /* open there, fstat on 64 bit */
	built->header.flags = WIRE_IS_32BIT;
	assert_int_equal(decode()->type, EVENT_OPEN);
	assert_true(decoder->event.quality & EVENT_IS_32BIT);
	begin(WIRE_CALL, 5, 0);
	assert_int_equal(decode()->type, EVENT_FSTAT);
	begin(WIRE_CALL, 39, 1);
	assert_int_equal(decode()->type, EVENT_GENERIC);
	assert_false(decoder->event.has_res);
	assert_int_equal(decoder->event.params[GENERIC_nativeID].u64, 39);
}

static void every_call_has_a_recipe(void **state)
{
	const struct syscall_info *calls;
	uint32_t n;

	(void)state;
	calls = syscall_table(&n);
	for (uint32_t i = 0; i < n; i++)
		assert_true(call_recipe(&calls[i], false) & WIRE_WANTED);
	assert_true(call_recipe(syscall_by_name(TEXT("truncate")), false) & WIRE_TEXT(0));
	assert_false(call_recipe(syscall_by_name(TEXT("getpid")), false) & ~(uint64_t)WIRE_WANTED);
}

static void broken_records_are_refused(void **state)
{
	static const struct {
		const char *name;
		uint32_t len, header_len;
		uint16_t kind, nr;
		struct wire_section section;
	} rows[] = {
		{"empty", 0, 0, WIRE_EXIT, 0, {0}},
		{"shorter than its header", 40, 40, WIRE_EXIT, 0, {0}},
		{"longer than what is there", 64, 72, WIRE_EXIT, 0, {0}},
		{"a call without arguments", 56, 56, WIRE_CALL, 0, {0}},
		{"unknown kind", 56, 56, WIRE_KIND_END, 0, {0}},
		{"number out of range", 104, 104, WIRE_CALL, WIRE_NR_END, {0}},
		{"unknown section", 64, 64, WIRE_EXIT, 0, {WIRE_SEC_END, 0, 0}},
		{"section longer than the record", 64, 64, WIRE_EXIT, 0, {WIRE_SEC_ENV, 0, 1}},
		{"section of a gigabyte", 64, 64, WIRE_EXIT, 0, {WIRE_SEC_ENV, 0, 1 << 30}},
		{"section's length wraps", 64, 64, WIRE_EXIT, 0, {WIRE_SEC_ENV, 0, UINT32_MAX}},
		{"file too short", 72, 72, WIRE_EXIT, 0, {WIRE_SEC_FILE, 0, 8}},
		{"task too short", 72, 72, WIRE_EXIT, 0, {WIRE_SEC_TASK, 0, 8}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record record;

		begin(rows[i].kind, rows[i].nr, 0);
		built->header.len = rows[i].header_len;
		memcpy(built->bytes + WIRE_HEADER_BYTES, &rows[i].section, sizeof(rows[i].section));
		if (record_parse(&record, built, rows[i].len) != -EBADMSG)
			fail_msg("%s: taken", rows[i].name);
	}
}

/* xorshift64 */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whatever lies in a record, decoding stays inside it (the sanitizers watch). */
static void garbage_does_no_harm(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;

	(void)state;
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		uint16_t kind = (uint16_t)(next_random(&seed) % WIRE_KIND_END);
		uint32_t n = (uint32_t)(next_random(&seed) % 6);
		struct record record;
		char *exact;

		begin(kind, (uint16_t)(next_random(&seed) % WIRE_NR_END),
		      (int64_t)(next_random(&seed) % 200) - 100);
		for (uint32_t i = 0; i < n; i++) {
			uint64_t junk[40];

			for (size_t k = 0; k < ARRAY_SIZE(junk); k++)
				junk[k] = next_random(&seed);
			add((uint16_t)(next_random(&seed) % WIRE_SEC_END),
			    (uint16_t)(next_random(&seed) % 4), junk,
			    (uint32_t)(next_random(&seed) % sizeof(junk)), NULL, 0);
		}
		exact = malloc(built->header.len);
		memcpy(exact, built, built->header.len);
		if (record_parse(&record, exact, built->header.len) == 0)
			decode_record(decoder, &record);
		free(exact);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_turned_round),
		cmocka_unit_test(names_as_typed_win_only_in_the_parameter),
		cmocka_unit_test(addresses_are_encoded_or_left_out),
		cmocka_unit_test(tuples_have_both_ends),
		cmocka_unit_test(tasks_come_whole),
		cmocka_unit_test(what_may_write_an_image_is_decided_as_the_kernel_does),
		cmocka_unit_test(numbers_of_32_bit_calls_are_their_own),
		cmocka_unit_test(every_call_has_a_recipe),
		cmocka_unit_test(broken_records_are_refused),
		cmocka_unit_test(garbage_does_no_harm),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
