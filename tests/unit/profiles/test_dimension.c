#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/call_class.h"
#include "base/util.h"
#include "profiles/dimension.h"
#include "random.h"
#include "state/state.h"
#include "tests/lib/events.h"

/* A field set of our own: the event's type, a list, something absent, a number. */
static bool give_type(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	static struct value value;

	(void)field;
	(void)arg;
	value = (struct value){.text = text_from(event_info(ctx->event->type)->name),
			       .type = VALUE_CHARBUF};
	*out = (struct values){&value, 1};
	return true;
}

static bool give_list(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	static const struct value values[] = {
		{.text = TEXT("bash"), .type = VALUE_CHARBUF},
		{.text = TEXT("sshd"), .type = VALUE_CHARBUF},
	};

	(void)ctx;
	(void)arg;
	*out = (struct values){values, field->variant == 2 ? 2 : 0};
	return true;
}

static bool give_nothing(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	(void)ctx;
	(void)field;
	(void)arg;
	(void)out;
	return false;
}

static const struct field fields[] = {
	{"evt.type", VALUE_CHARBUF, 0, give_type, NULL, "type", 0},
	{"fd.l4proto", VALUE_CHARBUF, 0, give_nothing, NULL, "protocol", 0},
	{"test.list", VALUE_CHARBUF, FIELD_LIST, give_list, NULL, "two", 2},
	{"test.none", VALUE_CHARBUF, FIELD_LIST, give_list, NULL, "no item", 0},
};

static const struct field_set field_set = {{{fields, ARRAY_SIZE(fields)}}, 1};

static struct dimension_set *parse(const char *yaml)
{
	struct dimension_set *set = NULL;
	struct diag diag = {0};

	if (dimension_set_parse(&set, text_from(yaml), "test.yaml", &field_set, &diag))
		fail_msg("%s:%u: %s", diag.file, diag.line, diag.message);
	return set;
}

#define ITEM "dimensions:\n  - name: d\n    events: [openat]\n"
#define KEY "    key: [{name: k, field: process.exe}]\n"

static void mistakes_have_a_place(void **state)
{
	static const struct {
		const char *yaml, *want;
		uint32_t line, column;
	} rows[] = {
		{"dimensions: [", "did not find", 2, 1},
		{"\t", "found character that cannot start", 1, 1},
		{"[]", "must be a mapping", 1, 1},
		{"dimensions: 5x", "dimensions must be a list", 1, 13},
		{"dimension: []", "unknown key 'dimension'", 1, 1},
		{"dimensions: [5]", "a dimension must be a mapping", 1, 14},
		{"dimensions: [{}]", "needs 'name'", 1, 14},
		{"dimensions: [{name: A}]", "small letters", 1, 21},
		{"dimensions: [{name: a}]", "needs 'events'", 1, 14},
		{"dimensions: [{name: [a]}]", "must be text", 1, 21},
		{ITEM, "needs 'key'", 2, 5},
		{ITEM KEY "    nonsense: 1\n", "unknown key 'nonsense'", 5, 5},
		{ITEM KEY KEY, "given twice", 5, 5},
		{ITEM KEY "    startup: yes\n", "true or false", 5, 14},
		{ITEM KEY "    access: all\n", "read or write", 5, 13},
		{ITEM KEY "    result: ENOTHING\n", "name of an error", 5, 13},
		{ITEM KEY "    filter: nonsense = 1\n", "filter: ", 5, 13},
		{ITEM KEY "    settings: {tip: 1}\n", "unknown key 'tip'", 5, 16},
		{ITEM KEY "    settings: {top: -1}\n", "top must be a number", 5, 21},
		{ITEM KEY "    settings: {top: 99999999999999999999}\n", "top must be", 5, 21},
		{ITEM KEY "    settings: {sketch_rows: 0}\n", "1 to 8", 5, 29},
		{ITEM KEY "    min_fields: 0\n", "1 to 6", 5, 17},
		{ITEM KEY "    min_fields: 2\n", "above 1 fields", 2, 5},
		{ITEM "    key: {}\n", "list of key fields", 4, 10},
		{ITEM "    key: [{field: process.exe}]\n", "needs 'name'", 4, 11},
		{ITEM "    key: [{name: k}]\n", "needs 'field'", 4, 11},
		{ITEM "    key: [{name: k, field: process.nose}]\n", "field: ", 4, 28},
		{ITEM "    key: [{name: k, field: ''}]\n", "name of a value", 4, 28},
		{ITEM "    key: [{name: k, field: {opn: file.path}}]\n", "'opn' is no event", 4,
		 29},
		{ITEM "    key: [{name: k, field: file.path, transform: nose}]\n",
		 "unknown transform", 4, 50},
		{ITEM "    key: [{name: k, field: file.path, transform: directory(0)}]\n",
		 "unknown transform", 4, 50},
		{ITEM "    key: [{name: k, field: file.path, transform: [name, path_template]}]\n",
		 "only path_template", 4, 57},
		{ITEM "    key: [{name: k, parts: []}]\n", "parts must be a list", 4, 28},
		{ITEM "    key: [{name: k, field: a, parts: [{field: file.path}]}]\n", "not both",
		 4, 11},
		{ITEM "    key: [{name: k, field: process.exe}, {name: k, field: file.path}]\n",
		 "key field 'k' is given twice", 2, 5},
		{"dimensions: [{name: a, events: [nonsense]}]", "'nonsense' is no event", 1, 33},
		{"dimensions: [{name: a, events: [syscall]}]", "'syscall' is no event", 1, 33},
		{"dimensions: [{name: a, events: {a: b}}]", "events must be a list", 1, 32},
		{"dimensions: [{[a]: b}]", "a key must be a word", 1, 15},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dimension_set *set = NULL;
		struct diag diag = {0};
		int r = dimension_set_parse(&set, text_from(rows[i].yaml), "test.yaml", &field_set,
					    &diag);

		assert_int_equal(r, -EINVAL);
		assert_null(set);
		assert_string_equal(diag.file, "test.yaml");
		if (!strstr(diag.message, rows[i].want) || diag.line != rows[i].line ||
		    diag.column != rows[i].column)
			fail_msg("%s\ngot %u:%u: %s", rows[i].yaml, diag.line, diag.column,
				 diag.message);
	}
}

static void files_that_cannot_be_read(void **state)
{
	static const char *const missing[] = {"/nonexistent/x.yaml"};
	static const char *const directory[] = {"/"};
	struct dimension_set *set = NULL;
	struct diag diag = {0};

	(void)state;
	assert_int_equal(dimension_set_load(&set, missing, 1, &field_set, &diag), -ENOENT);
	assert_string_equal(diag.file, missing[0]);
	assert_int_equal(dimension_set_load(&set, directory, 1, &field_set, &diag), -EIO);
	assert_null(set);
}

static void definitions_are_kept(void **state)
{
	SCOPED(dimension_set_destroy)
	struct dimension_set *set = parse(
		"dimensions:\n"
		"  - {name: a, events: [openat], key: [{name: k, field: process.exe}]}\n"
		"  - {name: b, events: [connect, pivot_root], startup: false,\n"
		"     description: text, settings: {top: 5, head_bytes: 100},\n"
		"     key: [{name: k, field: process.exe}, {name: l, field: remote.port}]}\n"
		"  - {name: a, events: [openat, creat], key: [{name: k, field: file.path}]}\n");
	const struct dimension_info *a, *b;

	(void)state;
	assert_int_equal(dimension_set_size(set), 2);
	a = dimension_info(dimension_set_get(set, 0)); /* the later one of the name */
	b = dimension_info(dimension_set_get(set, 1));
	assert_true(text_equal(a->name, TEXT("a")));
	assert_true(a->has_startup);
	assert_false(b->has_startup);
	assert_int_equal(b->n_levels, 2);
	assert_true(text_equal(b->levels[1], TEXT("l")));
	assert_int_equal(b->settings.top, 5);
	assert_int_equal(b->settings.head_bytes_max, 100);
	assert_int_equal(b->settings.sketch_rows, 4);
	assert_true(a->definition_hash != b->definition_hash);
	for (uint32_t type = 0; type < EVENT_TYPE_END; type++) {
		struct event ev = {.type = (enum event_type)type, .nr = UINT16_MAX};
		uint64_t want = type == EVENT_OPENAT || type == EVENT_CREAT ? 1
				: type == EVENT_CONNECT                     ? 2
									    : 0;

		assert_int_equal(dimension_set_observers(set, &ev), want);
	}
	assert_int_equal(
		dimension_set_observers(set, &(struct event){.type = EVENT_GENERIC, .nr = 155}), 2);
	assert_true(dimension_set_events(set)->syscalls[155 / 64] & UINT64_C(1) << 155 % 64);
}

/* What decides keys changes the hash; what does not, does not. */
static void definition_hash_follows_the_key(void **state)
{
	static const struct {
		const char *yaml;
		bool is_same;
	} rows[] = {
		{ITEM KEY, true},
		{ITEM KEY "    description: another\n", true},
		{ITEM KEY "    startup: false\n", true},
		{ITEM KEY "    settings: {top: 3}\n", true},
		{ITEM KEY "    result: success\n", true},
		{ITEM KEY "    result: failure\n", false},
		{ITEM KEY "    result: [success, EPERM]\n", false},
		{ITEM KEY "    access: read\n", false},
		{ITEM KEY "    filter: evt.type = openat\n", false},
		{ITEM "    key: [{name: k, field: file.path}]\n", false},
		{ITEM "    key: [{name: j, field: process.exe}]\n", false},
		{ITEM "    key: [{name: k, field: process.exe, absent: x}]\n", false},
		{ITEM "    key: [{name: k, field: process.exe, transform: name}]\n", false},
		{ITEM "    key: [{name: k, field: process.exe, transform: directory}]\n", false},
		{ITEM "    key: [{name: k, field: process.exe, transform: directory(2)}]\n", false},
		{ITEM "    key: [{name: k, field: process.exe, transform: path_template}]\n",
		 false},
		{ITEM "    key: [{name: k, field: {openat: process.exe}}]\n", false},
	};
	SCOPED(dimension_set_destroy) struct dimension_set *base = parse(ITEM KEY);
	uint64_t hashes[ARRAY_SIZE(rows)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(dimension_set_destroy) struct dimension_set *set = parse(rows[i].yaml);

		hashes[i] = dimension_info(dimension_set_get(set, 0))->definition_hash;
		assert_int_equal(
			hashes[i] == dimension_info(dimension_set_get(base, 0))->definition_hash,
			rows[i].is_same);
		for (size_t k = 0; k < i && !rows[i].is_same; k++)
			assert_true(hashes[i] != hashes[k]);
	}
}

/* A little world: one process with a creator, and one event. */
struct world {
	struct event_maker maker;
	struct arena arena;
	struct process creator, process;
	struct subject subject;
	struct field_context ctx;
};

static const struct test_task task = {.pid = 100, .start_ns = 5, .exepath = "/usr/bin/redis"};

static void world_init(struct world *w)
{
	*w = (struct world){0};
	event_maker_init(&w->maker, 100);
	assert_int_equal(arena_init(&w->arena, 65536), 0);
	w->creator.exepath = TEXT("/usr/sbin/init");
	w->process.exepath = TEXT("/usr/bin/redis");
	w->process.args = TEXT("-c\0/etc/x.conf\0");
	w->process.creator = &w->creator;
	w->subject.process = &w->process;
	w->subject.fd = -1;
	w->ctx = (struct field_context){.subject = &w->subject, .arena = &w->arena};
}

static void show(struct world *w, const struct event *ev)
{
	w->ctx.event = ev;
	w->subject.path = ev->file ? ev->file->path : ev->raw_path[0];
	arena_reset(&w->arena);
}

/* The key as text: "a | b | c", "-" for none, with "!" behind it when a field was missing. */
static const char *key_text(const struct world *w, const struct dimension *dimension)
{
	static char text[8192];
	struct dimension_key key;
	int len = 0;

	if (!dimension_observe(dimension, &w->ctx, &key))
		return "-";
	for (uint8_t i = 0; i < key.n_levels; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s%.*s", i ? " | " : "",
				TEXT_ARGS(key.fields[i]));
	if (key.is_missing)
		snprintf(text + len, sizeof(text) - (size_t)len, "!");
	return text;
}

static const struct dimension *by_name(const struct dimension_set *set, const char *name)
{
	for (uint32_t i = 0; i < dimension_set_size(set); i++) {
		if (text_equal(dimension_info(dimension_set_get(set, i))->name, text_from(name)))
			return dimension_set_get(set, i);
	}
	fail_msg("no dimension %s", name);
	return NULL;
}

/* The shipped file under some field set. */
static struct dimension_set *load_shipped_with(const struct field_set *set_of_fields)
{
	const char *data = getenv("TEST_DATA");
	struct dimension_set *set = NULL;
	struct diag diag = {0};
	char path[4096];
	const char *files[] = {path};

	assert_non_null(data);
	snprintf(path, sizeof(path), "%s/../../etc/dimensions/default.yaml", data);
	if (dimension_set_load(&set, files, 1, set_of_fields, &diag))
		fail_msg("%s:%u:%u: %s", diag.file, diag.line, diag.column, diag.message);
	return set;
}

static struct dimension_set *load_shipped(void)
{
	return load_shipped_with(&field_set);
}

static void shipped_file_loads_with_the_real_fields(void **state)
{
	struct field_set real = {{state_field_table()}, 1};
	SCOPED(dimension_set_destroy) struct dimension_set *set = load_shipped_with(&real);

	(void)state;
	assert_int_equal(dimension_set_size(set), 8);
}

static void shipped_dimensions_say_what_they_use(void **state)
{
	struct field_set real = {{state_field_table()}, 1};
	SCOPED(dimension_set_destroy) struct dimension_set *set = load_shipped_with(&real);
	const uint32_t denied = CALL_CLASSES(CALL_DENIED);
	static struct call_classes classes;

	(void)state;
	dimension_set_add_classes(set, dimension_set_events(set), &classes);
	/* Reads and writes that succeeded, of any detail that has one of them; what was denied. */
	assert_int_equal(classes.types[EVENT_OPENAT], 0xee | denied);
	assert_int_equal(classes.types[EVENT_CREAT], 0xcc | denied); /* no dimension of reads */
	assert_int_equal(classes.types[EVENT_UNLINK], denied);
	/* Any connect to a unix socket that succeeded, and internet ones under way. */
	assert_int_equal(classes.types[EVENT_CONNECT],
			 CALL_CLASSES(CALL_SUCCEEDED) | CALL_CLASSES(CALL_IN_PROGRESS));
	assert_int_equal(classes.types[EVENT_SETUID], CALL_CLASSES_ALL);
	assert_int_equal(classes.types[EVENT_CLOSE], 0);
}

static void expect_key(const struct world *w, const struct dimension_set *set, const char *name,
		       const char *want)
{
	const char *got = key_text(w, by_name(set, name));

	if (strcmp(got, want) != 0)
		fail_msg("%s: got %s, want %s", name, got, want);
}

static void shipped_file_dimensions(void **state)
{
	static const struct {
		const char *path;
		int32_t fd;
		uint32_t flags;
		const char *read, *write, *denied;
	} rows[] = {
		{"/etc/passwd", 3, TEST_O_RDONLY, "/usr/bin/redis | /etc | /etc | passwd", "-",
		 "-"},
		{"/var/lib/redis/db/temp-4711.rdb", 3, TEST_O_WRONLY | TEST_O_CREAT, "-",
		 "/usr/bin/redis | /var/lib | /var/lib/redis/db | temp-<n>.rdb", "-"},
		{"/srv/a", 3, TEST_O_RDWR, "/usr/bin/redis | /srv | /srv | a",
		 "/usr/bin/redis | /srv | /srv | a", "-"},
		{"/proc/4711/maps", 3, TEST_O_RDONLY,
		 "/usr/bin/redis | /proc/<pid> | /proc/<pid> | maps", "-", "-"},
		{"/a", 3, TEST_O_RDONLY, "/usr/bin/redis | / | / | a", "-", "-"},
		{"/etc", 3, TEST_O_RDONLY | TEST_O_DIRECTORY, "-", "-", "-"},
		{"/etc/shadow", -EACCES, TEST_O_RDONLY, "-", "-",
		 "/usr/bin/redis | /etc | /etc | shadow"},
		{"/etc/nothing", -ENOENT, TEST_O_RDONLY, "-", "-", "-"},
		{"/x/y\n\xff", 3, TEST_O_RDONLY, "/usr/bin/redis | /x | /x | y\n\xff", "-", "-"},
	};
	SCOPED(dimension_set_destroy) struct dimension_set *set = load_shipped();
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		show(&w, event_open(&w.maker, &task, rows[i].fd, rows[i].path, rows[i].flags));
		w.subject.path = text_from(rows[i].path);
		expect_key(&w, set, "file.read", rows[i].read);
		expect_key(&w, set, "file.write", rows[i].write);
		expect_key(&w, set, "file.denied", rows[i].denied);
		expect_key(&w, set, "exec", "-");
	}
	/* What only tells state something teaches nothing. */
	w.maker.ev.quality |= EVENT_STATE_ONLY;
	expect_key(&w, set, "file.read", "-");
	arena_done(&w.arena);
}

static void shipped_exec(void **state)
{
	SCOPED(dimension_set_destroy) struct dimension_set *set = load_shipped();
	struct world w;

	(void)state;
	world_init(&w);
	show(&w, event_exec(&w.maker, &task));
	expect_key(&w, set, "exec", "/usr/sbin/init | /usr/bin/redis | -c <path>");
	w.process.args = TEXT_NONE;
	expect_key(&w, set, "exec", "/usr/sbin/init | /usr/bin/redis | ");
	w.process.exepath = TEXT("/tmp/tmp.Xa8f0Q/x");
	expect_key(&w, set, "exec", "/usr/sbin/init | /tmp/<tmp>/x | ");
	w.process.exepath = TEXT_NONE;
	expect_key(&w, set, "exec", "/usr/sbin/init!");
	w.process.creator = NULL; /* unknown at start: missing, not new */
	expect_key(&w, set, "exec", "-");
	w.subject.process = NULL;
	expect_key(&w, set, "exec", "-");
	arena_done(&w.arena);
}

static void shipped_net_dimensions(void **state)
{
	static const struct {
		const char *remote;
		uint16_t port;
		int64_t res;
		const char *want;
	} rows[] = {
		{"93.184.216.34", 443, 0,
		 "/usr/bin/redis | tcp/public | 443 | 93.184.216.0/24 | 93.184.216.34"},
		{"127.0.0.1", 6379, -EINPROGRESS,
		 "/usr/bin/redis | tcp/loopback | 6379 | 127.0.0.0/24 | 127.0.0.1"},
		{"10.1.2.3", 80, -ECONNREFUSED, "-"},
		{"172.16.0.1", 80, 0,
		 "/usr/bin/redis | tcp/private | 80 | 172.16.0.0/24 | 172.16.0.1"},
		{"172.32.0.1", 80, 0,
		 "/usr/bin/redis | tcp/public | 80 | 172.32.0.0/24 | 172.32.0.1"},
		{"169.254.169.254", 80, 0,
		 "/usr/bin/redis | tcp/link-local | 80 | 169.254.169.0/24 | 169.254.169.254"},
		{"224.0.0.1", 80, 0,
		 "/usr/bin/redis | tcp/multicast | 80 | 224.0.0.0/24 | 224.0.0.1"},
		{"::1", 80, 0, "/usr/bin/redis | tcp/loopback | 80 | ::/48 | ::1"},
		{"fd00::5", 80, 0, "/usr/bin/redis | tcp/private | 80 | fd00::/48 | fd00::5"},
		{"fe80::1", 80, 0, "/usr/bin/redis | tcp/link-local | 80 | fe80::/48 | fe80::1"},
		{"2001:db8:1:2::3", 80, 0,
		 "/usr/bin/redis | tcp/public | 80 | 2001:db8:1::/48 | 2001:db8:1:2::3"},
		{"::ffff:10.0.0.1", 80, 0,
		 "/usr/bin/redis | tcp/private | 80 | 10.0.0.0/24 | 10.0.0.1"},
	};
	SCOPED(dimension_set_destroy) struct dimension_set *set = load_shipped();
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool is_v6 = strchr(rows[i].remote, ':') != NULL;

		show(&w, event_connect(&w.maker, &task, 5, is_v6 ? "::2" : "10.0.0.9", 50000,
				       rows[i].remote, rows[i].port, rows[i].res));
		w.maker.sock.type = SOCK_STREAM;
		w.maker.sock.protocol = IPPROTO_TCP;
		expect_key(&w, set, "net.connect", rows[i].want);
	}
	/* Port 0 is a resolver that sorts addresses: no connection. */
	show(&w, event_connect(&w.maker, &task, 5, "10.0.0.9", 50000, "1.2.3.4", 0, 0));
	expect_key(&w, set, "net.connect", "-");
	/* A capture has no socket facts: the tuple must do, and the protocol is not known. */
	show(&w, event_connect(&w.maker, &task, 5, "10.0.0.9", 50000, "1.2.3.4", 80, 0));
	w.maker.ev.sock = NULL;
	expect_key(&w, set, "net.connect",
		   "/usr/bin/redis | ip/public | 80 | 1.2.3.0/24 | 1.2.3.4");
	arena_done(&w.arena);
}

static void shipped_unix_connect(void **state)
{
	static const struct {
		const char *path, *want;
	} rows[] = {
		{"/run/docker.sock", "/usr/bin/redis | /run | docker.sock"},
		{"/run/user/1000/bus", "/usr/bin/redis | /run/user/<uid> | bus"},
		{"@name", "/usr/bin/redis | . | @name"},
		{"", "-"},
	};
	SCOPED(dimension_set_destroy) struct dimension_set *set = load_shipped();
	struct sock_facts sock = {.family = AF_UNIX};
	char addr[64] = {AF_UNIX};
	struct event *ev;
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ev = event_start(&w.maker, &task, EVENT_CONNECT);
		event_set_res(ev, 0);
		sock.path = text_from(rows[i].path);
		ev->sock = &sock;
		show(&w, ev);
		expect_key(&w, set, "unix.connect", rows[i].want);
		expect_key(&w, set, "net.connect", "-");
		/* From the address, as in a capture. */
		ev->sock = NULL;
		strcpy(addr + 1, rows[i].path);
		event_set_bytes(ev, CONNECT_addr, addr, (uint32_t)strlen(rows[i].path) + 1);
		expect_key(&w, set, "unix.connect", rows[i].want);
	}
	arena_done(&w.arena);
}

static void shipped_listen(void **state)
{
	static const struct {
		const char *local;
		uint16_t port;
		const char *want;
	} rows[] = {
		{"0.0.0.0", 80, "/usr/bin/redis | tcp/privileged | 80 | 0.0.0.0"},
		{"127.0.0.1", 6379, "/usr/bin/redis | tcp/registered | 6379 | 127.0.0.1"},
		{"::", 40000, "/usr/bin/redis | tcp/ephemeral | <ephemeral> | ::"},
		{"0.0.0.0", 0, "/usr/bin/redis | tcp/ephemeral | <ephemeral> | 0.0.0.0"},
	};
	SCOPED(dimension_set_destroy) struct dimension_set *set = load_shipped();
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		show(&w, event_listen(&w.maker, &task, 5, rows[i].local, rows[i].port));
		w.maker.sock.type = SOCK_STREAM;
		w.maker.sock.protocol = IPPROTO_TCP;
		expect_key(&w, set, "net.listen", rows[i].want);
	}
	/* A stream socket's bind is not it, the listen is. */
	show(&w, event_bind(&w.maker, &task, 5, "0.0.0.0", 80, 0));
	expect_key(&w, set, "net.listen", "-");
	arena_done(&w.arena);
}

static void shipped_privilege(void **state)
{
	SCOPED(dimension_set_destroy) struct dimension_set *set = load_shipped();
	struct event *ev;
	struct world w;

	(void)state;
	world_init(&w);
	ev = event_start(&w.maker, &task, EVENT_SETUID);
	event_set_res(ev, -EPERM);
	event_set_u64(ev, SETUID_uid, 1000);
	show(&w, ev);
	expect_key(&w, set, "privilege", "/usr/bin/redis | setuid | 1000 | EPERM");
	ev = event_start(&w.maker, &task, EVENT_UNSHARE);
	event_set_res(ev, 0);
	event_set_u64(ev, UNSHARE_flags, flag_names(FLAGS_CLONE_FLAGS, &(uint32_t){0})[0].value);
	show(&w, ev);
	assert_non_null(strstr(key_text(&w, by_name(set, "privilege")), "unshare | CLONE_"));
	ev = event_start(&w.maker, &task, EVENT_MOUNT);
	event_set_res(ev, 0);
	event_set_text(ev, MOUNT_dir, "/tmp/tmp.Xa8f0Q");
	show(&w, ev);
	expect_key(&w, set, "privilege", "/usr/bin/redis | mount | /tmp/<tmp> | success");
	ev = event_start(&w.maker, &task, EVENT_GENERIC);
	ev->nr = 155;
	ev->has_res = true;
	show(&w, ev);
	expect_key(&w, set, "privilege", "/usr/bin/redis | pivot_root | - | success");
	ev->nr = 39; /* getpid */
	expect_key(&w, set, "privilege", "-");
	arena_done(&w.arena);
}

static void values_become_text(void **state)
{
	static const struct {
		const char *field, *want;
	} rows[] = {
		{"field: test.list", "bash,sshd"},
		{"field: test.none", "-"},
		{"field: fd.l4proto", "-"},
		{"field: fd.l4proto, absent: none", "none"},
		{"field: evt.type", "openat"},
		{"field: {openat: evt.type}", "openat"},
		{"field: {creat: evt.type}", "-"},
		{"field: event.result", "success"},
		{"field: event.arg.fd", "3"},
		{"field: event.arg.nose", "-"},
		{"field: event.arg.name", "/a/b/c/d.txt"},
		{"field: file.path", "/a/b/c/d.txt"},
		{"field: file.path, transform: name", "d.txt"},
		{"field: file.path, transform: directory", "/a/b/c"},
		{"field: file.path, transform: directory(1)", "/a"},
		{"field: file.path, transform: directory(9)", "/a/b/c"},
		{"field: file.path2", "-"},
		{"field: process.exe, transform: ip_class", "/usr/bin/redis"},
		{"parts: [{field: evt.type}, {field: test.list}]", "openat/bash,sshd"},
		{"parts: [{field: evt.type}, {field: test.none}]", "-"},
		{"parts: [{field: evt.type}, {field: test.none, absent: x}]", "openat/x"},
	};
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		SCOPED(dimension_set_destroy) struct dimension_set *set = NULL;
		char yaml[300];

		snprintf(yaml, sizeof(yaml), ITEM "    key: [{name: k, %s}]\n", rows[i].field);
		set = parse(yaml);
		show(&w, event_open(&w.maker, &task, 3, "/a/b/c/d.txt", TEST_O_RDONLY));
		expect_key(&w, set, "d", rows[i].want);
	}
	arena_done(&w.arena);
}

static void long_texts_are_cut_but_differ(void **state)
{
	SCOPED(dimension_set_destroy)
	struct dimension_set *set = parse(ITEM "    key: [{name: k, field: file.path}]\n");
	const struct dimension *d = dimension_set_get(set, 0);
	static char path[4096];
	struct dimension_key a, b;
	struct world w;

	(void)state;
	world_init(&w);
	memset(path, 'x', sizeof(path));
	show(&w, event_open(&w.maker, &task, 3, "/", TEST_O_RDONLY));
	w.subject.path = (struct text){path, sizeof(path)};
	assert_true(dimension_observe(d, &w.ctx, &a));
	path[4095] = 'y';
	assert_true(dimension_observe(d, &w.ctx, &b));
	assert_in_range(a.fields[0].len, 1000, 1024);
	assert_false(text_equal(a.fields[0], b.fields[0]));
	/* Without room in the arena a field is missing; nothing crashes. */
	w.arena.used = w.arena.size;
	assert_false(dimension_observe(d, &w.ctx, &a));
	arena_done(&w.arena);
}

static struct dimension_key key_of(const char *a, const char *b, const char *c)
{
	struct dimension_key key = {.n_levels = (uint8_t)(c ? 3 : 2)};

	key.fields[0] = text_from(a);
	key.fields[1] = text_from(b);
	key.fields[2] = text_from(c);
	return key;
}

/* The shipped file with bytes changed, dropped and doubled: refused or taken, never a crash. */
static void mangled_files_are_harmless(void **state)
{
	static const char junk[] = "[]{}:,-&*!|>'\"%@\n\t #0azA\xff";
	static char bytes[1 << 16];
	char path[4096];
	uint64_t random = 3;
	size_t len;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/../../etc/dimensions/default.yaml", getenv("TEST_DATA"));
	for (int i = 0; i < 400; i++) {
		struct dimension_set *set = NULL;
		struct diag diag;

		file = fopen(path, "re");
		assert_non_null(file);
		len = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
		for (int k = 0; k < 3; k++) {
			size_t at = random_next(&random) % len;

			if (i % 3 == 0)
				bytes[at] = junk[random_next(&random) % (sizeof(junk) - 1)];
			else if (i % 3 == 1)
				memmove(bytes + at, bytes + at + 1, --len - at);
			else
				len = at + 1;
		}
		dimension_set_parse(&set, (struct text){bytes, (uint32_t)len}, "x", &field_set,
				    &diag);
		dimension_set_destroy(&set);
	}
}

static void fingerprints_tell_levels_apart(void **state)
{
	SCOPED(dimension_set_destroy)
	struct dimension_set *set = parse(
		ITEM KEY "  - {name: e, events: [openat], key: [{name: k, field: file.path}]}\n");
	const struct dimension *d = dimension_set_get(set, 0), *e = dimension_set_get(set, 1);
	static const struct {
		const char *a, *b, *c;
	} rows[] = {
		{"a", "b", "c"}, {"a", "b", "d"}, {"ab", "", "c"}, {"", "ab", "c"},
		{"a", "bc", ""}, {"a", "", "bc"}, {"", "", "abc"}, {"abc", "", ""},
	};
	uint64_t seen[ARRAY_SIZE(rows) * 3 * 3], n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dimension_key key = key_of(rows[i].a, rows[i].b, rows[i].c);
		struct dimension_key shorter = key_of(rows[i].a, rows[i].b, NULL);
		uint64_t first[RECORD_LEVELS_MAX], again[RECORD_LEVELS_MAX];

		dimension_fingerprint(d, &key, 1, first);
		dimension_fingerprint(d, &shorter, 1, again);
		assert_int_equal(first[0], again[0]); /* a level needs nothing below it */
		assert_int_equal(first[1], again[1]);
		seen[n++] = first[2];
		dimension_fingerprint(d, &key, 2, again);
		seen[n++] = again[2];
		dimension_fingerprint(e, &key, 1, again);
		seen[n++] = again[2];
		/* Equal prefixes, equal fingerprints; nothing else. */
		assert_true(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
	}
	for (uint64_t i = 0; i < n; i++) {
		assert_true(seen[i] != 0);
		for (uint64_t k = 0; k < i; k++)
			assert_true(seen[i] != seen[k]);
	}
}

static void stored_keys_are_checked(void **state)
{
	SCOPED(dimension_set_destroy) struct dimension_set *set = parse(ITEM KEY);
	const struct dimension *d = dimension_set_get(set, 0);
	struct record_key stored = {.n = 1, .fields = {TEXT("/bin/x")}};
	struct dimension_key key;

	(void)state;
	assert_true(dimension_key_of(d, &stored, &key));
	assert_int_equal(key.n_levels, 1);
	assert_true(text_equal(key.fields[0], TEXT("/bin/x")));
	stored.n = 0;
	assert_false(dimension_key_of(d, &stored, &key));
	stored.n = 200;
	assert_false(dimension_key_of(d, &stored, &key));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_have_a_place),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(definitions_are_kept),
		cmocka_unit_test(definition_hash_follows_the_key),
		cmocka_unit_test(shipped_file_loads_with_the_real_fields),
		cmocka_unit_test(shipped_dimensions_say_what_they_use),
		cmocka_unit_test(shipped_file_dimensions),
		cmocka_unit_test(shipped_exec),
		cmocka_unit_test(shipped_net_dimensions),
		cmocka_unit_test(shipped_unix_connect),
		cmocka_unit_test(shipped_listen),
		cmocka_unit_test(shipped_privilege),
		cmocka_unit_test(values_become_text),
		cmocka_unit_test(long_texts_are_cut_but_differ),
		cmocka_unit_test(mangled_files_are_harmless),
		cmocka_unit_test(fingerprints_tell_levels_apart),
		cmocka_unit_test(stored_keys_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
