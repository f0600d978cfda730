#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "profiles/key_source.h"
#include "state/fd_table.h"
#include "tests/lib/events.h"

static const struct test_task task = {.pid = 7, .start_ns = 1, .exepath = "/bin/x"};

struct world {
	struct event_maker maker;
	struct arena arena;
	struct process creator, process;
	struct fd_entry *entry;
	struct subject subject;
	struct field_context ctx;
};

static int world_start(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || arena_init(&w->arena, 4096))
		return -1;
	w->entry = calloc(1, sizeof(*w->entry));
	if (!w->entry)
		return -1;
	event_maker_init(&w->maker, 1);
	w->process.exepath = TEXT("/bin/x");
	w->creator.exepath = TEXT("/bin/init");
	w->subject.process = &w->process;
	w->ctx = (struct field_context){.subject = &w->subject, .arena = &w->arena};
	*state = w;
	return 0;
}

static int world_end(void **state)
{
	struct world *w = *state;

	arena_done(&w->arena);
	free(w->entry);
	free(w);
	return 0;
}

/* The value of a source as text: "-" absent. */
static const char *value_of(const struct world *w, const char *name)
{
	static char text[512];
	struct text argument;
	const struct key_source *source = key_source_by_name(text_from(name), &argument);
	struct value value;

	assert_non_null(source);
	if (!source->get(&w->ctx, argument, &value))
		return "-";
	if (value.type == VALUE_IPADDR)
		inet_ntop(value.ip.family, value.ip.bytes, text, sizeof(text));
	else if (value.type == VALUE_CHARBUF)
		snprintf(text, sizeof(text), "%.*s", TEXT_ARGS(value.text));
	else
		snprintf(text, sizeof(text), "%lld", (long long)value.i64);
	return text;
}

static void finds_sources_by_name(void **state)
{
	static const struct {
		const char *name;
		const char *want, *argument;
	} rows[] = {
		{"process.exe", "process.exe", ""}, {"event.arg.flags", "event.arg.", "flags"},
		{"event.arg.", NULL, ""},           {"event.arg", NULL, ""},
		{"process.ex", NULL, ""},           {"process.exe ", NULL, ""},
		{"proc.exepath", NULL, ""},         {"", NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct text argument;
		const struct key_source *source =
			key_source_by_name(text_from(rows[i].name), &argument);

		if (!rows[i].want) {
			if (source)
				fail_msg("'%s' found %s", rows[i].name, source->name);
			continue;
		}
		assert_non_null(source);
		assert_string_equal(source->name, rows[i].want);
		assert_true(text_equal(argument, text_from(rows[i].argument)));
	}
}

/* Whoever adds a source describes it, here and for people. */
static void every_source_is_documented(void **state)
{
	static char page[1 << 16];
	char path[4096];
	uint32_t n;
	const struct key_source *sources = key_sources(&n);
	size_t len;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/../../docs/dimensions.md", getenv("TEST_DATA"));
	file = fopen(path, "re");
	assert_non_null(file);
	len = fread(page, 1, sizeof(page) - 1, file);
	fclose(file);
	page[len] = '\0';
	for (uint32_t i = 0; i < n; i++) {
		assert_true(strlen(sources[i].description) > 10);
		if (!strstr(page, sources[i].name))
			fail_msg("docs/dimensions.md says nothing of %s", sources[i].name);
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(sources[i].name, sources[k].name);
	}
}

static void processes_and_files(void **state)
{
	struct world *w = *state;

	w->ctx.event = event_open(&w->maker, &task, 3, "/a", TEST_O_RDONLY);
	w->subject.path = TEXT("/a");
	w->process.args = TEXT("-l\0x\0");
	assert_string_equal(value_of(w, "process.exe"), "/bin/x");
	assert_string_equal(value_of(w, "process.args"), "-l");
	assert_string_equal(value_of(w, "creator.exe"), "-");
	w->process.creator = &w->creator;
	assert_string_equal(value_of(w, "creator.exe"), "/bin/init");
	assert_string_equal(value_of(w, "file.path"), "/a");
	assert_string_equal(value_of(w, "file.path2"), "-");
	assert_string_equal(value_of(w, "event.type"), "openat");
	assert_string_equal(value_of(w, "remote.ip"), "-");
	assert_string_equal(value_of(w, "socket.protocol"), "-");
	w->process.args = TEXT_NONE;
	assert_string_equal(value_of(w, "process.args"), ""); /* none is not absent */
	w->process.exepath = TEXT_NONE;
	assert_string_equal(value_of(w, "process.exe"), "-");
	w->subject.process = NULL;
	assert_string_equal(value_of(w, "process.args"), "-");
	assert_string_equal(value_of(w, "creator.exe"), "-");
}

static void own_proc_entries_are_self(void **state)
{
	static const struct {
		const char *path, *want;
	} rows[] = {
		{"/proc/7/maps", "/proc/self/maps"},
		{"/proc/1/maps", "/proc/self/maps"}, /* in its own pid namespace */
		{"/proc/7", "/proc/self"},
		{"/proc/7/task/7/stat", "/proc/self/task/7/stat"},
		{"/proc/77/maps", "/proc/77/maps"},
		{"/proc/7x/maps", "/proc/7x/maps"},
		{"/proc/", "/proc/"},
		{"/proc/99999999999999999999/x", "/proc/99999999999999999999/x"},
		{"/proc/meminfo", "/proc/meminfo"},
		{"/srv/proc/7/maps", "/srv/proc/7/maps"},
	};
	struct world *w = *state;

	w->ctx.event = event_open(&w->maker, &task, 3, "/a", TEST_O_RDONLY);
	w->process.pid = 7;
	w->process.vpid = 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w->subject.path = text_from(rows[i].path);
		assert_string_equal(value_of(w, "file.path"), rows[i].want);
	}
	w->subject.path = TEXT("/proc/7/maps");
	w->arena.used = w->arena.size;
	assert_string_equal(value_of(w, "file.path"), "/proc/7/maps");
	w->subject.process = NULL;
	assert_string_equal(value_of(w, "file.path"), "/proc/7/maps");
}

static void results_have_names(void **state)
{
	static const struct {
		int64_t res;
		bool has_res;
		const char *want;
	} rows[] = {
		{0, true, "success"},      {17, true, "success"},  {-EPERM, true, "EPERM"},
		{-ENOENT, true, "ENOENT"}, {-4095, true, "error"}, {INT64_MIN, true, "error"},
		{0, false, "-"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event ev = {
			.type = EVENT_OPENAT, .res = rows[i].res, .has_res = rows[i].has_res};

		w->ctx.event = &ev;
		assert_string_equal(value_of(w, "event.result"), rows[i].want);
	}
}

static void parameters_by_name(void **state)
{
	struct world *w = *state;
	struct event *ev = event_open(&w->maker, &task, 3, "/a", TEST_O_RDWR | TEST_O_CREAT);

	w->ctx.event = ev;
	assert_string_equal(value_of(w, "event.arg.fd"), "3");
	assert_string_equal(value_of(w, "event.arg.name"), "/a");
	assert_non_null(strstr(value_of(w, "event.arg.flags"), "O_RDWR"));
	assert_non_null(strstr(value_of(w, "event.arg.flags"), "O_CREAT"));
	assert_string_equal(value_of(w, "event.arg.nonsense"), "-");
	event_set_u64(ev, OPENAT_flags, UINT64_C(1) << 31); /* a bit without a name */
	assert_string_equal(value_of(w, "event.arg.flags"), "2147483648");
	event_set_u64(ev, OPENAT_flags, UINT64_MAX); /* every bit: bounded */
	assert_true(strlen(value_of(w, "event.arg.flags")) < 256);
	ev->params[OPENAT_name].is_present = false;
	assert_string_equal(value_of(w, "event.arg.name"), "-");
	ev = event_start(&w->maker, &task, EVENT_SETUID);
	event_set_u64(ev, SETUID_uid, UINT32_MAX);
	w->ctx.event = ev;
	assert_string_equal(value_of(w, "event.arg.uid"), "-1");
	ev = event_start(&w->maker, &task, EVENT_BPF);
	event_set_u64(ev, BPF_cmd, 99999);
	w->ctx.event = ev;
	assert_string_equal(value_of(w, "event.arg.cmd"), "99999");
	w->arena.used = w->arena.size; /* no room: absent, no crash */
	assert_string_equal(value_of(w, "event.arg.cmd"), "-");
}

static void expect_ends(const struct world *w, const char *protocol, const char *local,
			const char *local_port, const char *remote, const char *remote_port)
{
	assert_string_equal(value_of(w, "socket.protocol"), protocol);
	assert_string_equal(value_of(w, "local.ip"), local);
	assert_string_equal(value_of(w, "local.port"), local_port);
	assert_string_equal(value_of(w, "remote.ip"), remote);
	assert_string_equal(value_of(w, "remote.port"), remote_port);
}

static void ends_of_sockets(void **state)
{
	struct world *w = *state;

	w->ctx.event = event_connect(&w->maker, &task, 3, "10.0.0.1", 50000, "1.2.3.4", 80, 0);
	w->maker.sock.type = SOCK_DGRAM;
	w->maker.sock.protocol = IPPROTO_UDP;
	expect_ends(w, "udp", "10.0.0.1", "50000", "1.2.3.4", "80");
	w->maker.sock.protocol = IPPROTO_ICMP;
	expect_ends(w, "icmp", "10.0.0.1", "50000", "1.2.3.4", "80");
	w->maker.sock.protocol = 0;
	expect_ends(w, "udp", "10.0.0.1", "50000", "1.2.3.4", "80");
	w->maker.sock.type = SOCK_RAW;
	expect_ends(w, "raw", "10.0.0.1", "50000", "1.2.3.4", "80");
	w->maker.ev.sock = NULL; /* the tuple parameter */
	expect_ends(w, "ip", "10.0.0.1", "50000", "1.2.3.4", "80");
	w->maker.ev.params[CONNECT_tuple].bytes.len = 12; /* cut short */
	expect_ends(w, "-", "-", "-", "-", "-");
	w->ctx.event = event_bind(&w->maker, &task, 3, "::", 53, 0);
	w->maker.ev.sock = NULL;
	expect_ends(w, "ip", "::", "53", "-", "-");
	w->maker.ev.params[BIND_addr].bytes.len = 5;
	expect_ends(w, "-", "-", "-", "-", "-");
}

/* A capture's listen has no socket facts: what state knows of the descriptor must do. */
static void ends_of_descriptors(void **state)
{
	static const struct {
		uint8_t kind, role;
		uint16_t flags;
		const char *local, *local_port, *remote, *remote_port;
	} rows[] = {
		{FD_SOCKET_V4, FD_ROLE_CLIENT, FD_ENTRY_CONNECTED, "10.0.0.1", "50000", "1.2.3.4",
		 "80"},
		{FD_SOCKET_V4, FD_ROLE_SERVER, FD_ENTRY_CONNECTED, "1.2.3.4", "80", "10.0.0.1",
		 "50000"},
		{FD_SOCKET_V4, FD_ROLE_NONE, FD_ENTRY_BOUND, "1.2.3.4", "80", "-", "-"},
		{FD_FILE, FD_ROLE_NONE, 0, "-", "-", "-", "-"},
		{FD_SOCKET_UNIX, FD_ROLE_CLIENT, FD_ENTRY_CONNECTED, "-", "-", "-", "-"},
	};
	struct world *w = *state;

	w->ctx.event = event_start(&w->maker, &task, EVENT_LISTEN);
	w->subject.fd_entry = w->entry;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w->entry->kind = rows[i].kind;
		w->entry->role = rows[i].role;
		w->entry->flags = rows[i].flags;
		memcpy(w->entry->client, "\x0a\0\0\1", 4);
		memcpy(w->entry->server, "\1\2\3\4", 4);
		w->entry->client_port = 50000;
		w->entry->server_port = 80;
		w->entry->sock_type = SOCK_STREAM;
		w->entry->l4proto = IPPROTO_TCP;
		expect_ends(w, strcmp(rows[i].local, "-") == 0 ? "-" : "tcp", rows[i].local,
			    rows[i].local_port, rows[i].remote, rows[i].remote_port);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_sources_by_name),
		cmocka_unit_test(every_source_is_documented),
		cmocka_unit_test_setup_teardown(processes_and_files, world_start, world_end),
		cmocka_unit_test_setup_teardown(own_proc_entries_are_self, world_start, world_end),
		cmocka_unit_test_setup_teardown(results_have_names, world_start, world_end),
		cmocka_unit_test_setup_teardown(parameters_by_name, world_start, world_end),
		cmocka_unit_test_setup_teardown(ends_of_sockets, world_start, world_end),
		cmocka_unit_test_setup_teardown(ends_of_descriptors, world_start, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
