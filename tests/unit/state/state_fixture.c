#include "state_fixture.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

const struct test_task task_init = {
	.pid = 1, .start_ns = 1, .exec_id = 1, .exepath = "/usr/sbin/init"};
const struct test_task task_sshd = {.pid = 50,
				    .start_ns = 5 * SECOND,
				    .exec_id = 1,
				    .ppid = 1,
				    .parent_start_ns = 1,
				    .exepath = "/usr/sbin/sshd"};
const struct test_task task_shell = {.pid = 100,
				     .start_ns = 10 * SECOND,
				     .exec_id = 1,
				     .ppid = 50,
				     .parent_start_ns = 5 * SECOND,
				     .exepath = "/usr/bin/bash",
				     .exe = "-bash",
				     .cwd = "/home/user",
				     .tty = 34816};
const struct test_task task_child = {.pid = 200,
				     .start_ns = 20 * SECOND,
				     .exec_id = 1,
				     .ppid = 100,
				     .parent_start_ns = 10 * SECOND,
				     .sid = 100,
				     .exepath = "/usr/bin/bash",
				     .exe = "-bash",
				     .cwd = "/home/user",
				     .tty = 34816};

int fixture_setup_with(struct fixture *f, uint32_t processes, uint32_t fds, const char *host_root)
{
	struct state_config config = {.processes_max = processes,
				      .fds_per_process_max = fds,
				      .boot_epoch_ns = TEST_BOOT_EPOCH_NS,
				      .host_root = host_root};

	*f = (struct fixture){0};
	event_maker_init(&f->maker, 100);
	if (arena_init(&f->arena, 1 << 20))
		return -1;
	return state_create(&f->state, &config);
}

int fixture_setup(void **out)
{
	struct fixture *f = malloc(sizeof(*f));

	*out = f;
	return f ? fixture_setup_with(f, 64, 16, NULL) : -1;
}

int fixture_teardown(void **out)
{
	struct fixture *f = *out;

	state_destroy(&f->state);
	arena_done(&f->arena);
	free(f);
	return 0;
}

struct process *fixture_apply(struct fixture *f, const struct event *ev)
{
	f->last = ev;
	assert_int_equal(state_apply(f->state, ev, &f->subject), 0);
	return f->subject.process;
}

void fixture_start(struct fixture *f)
{
	fixture_apply(f, event_scan(&f->maker, &task_init));
	fixture_apply(f, event_scan(&f->maker, &task_sshd));
	fixture_apply(f, event_scan(&f->maker, &task_shell));
	fixture_apply(f, event_fork(&f->maker, &task_shell, &task_child));
}

static int print_value(const struct value *v, char *buffer, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (value_type_is_signed(v->type))
		return snprintf(buffer, size, "%" PRId64, v->i64);
	switch (v->type) {
	case VALUE_DOUBLE:
		return snprintf(buffer, size, "%.2f", v->f64);
	case VALUE_BOOL:
		return snprintf(buffer, size, v->u64 ? "true" : "false");
	case VALUE_CHARBUF:
	case VALUE_FSPATH:
	case VALUE_FSRELPATH:
	case VALUE_BYTEBUF:
		return snprintf(buffer, size, "%.*s", TEXT_ARGS(v->text));
	case VALUE_IPADDR:
	case VALUE_IPNET:
		return snprintf(buffer, size, "%s",
				inet_ntop(v->ip.family, v->ip.bytes, address, sizeof(address)));
	case VALUE_SOCKADDR:
	case VALUE_SOCKTUPLE:
		return snprintf(buffer, size, "%u bytes", v->text.len);
	default:
		return snprintf(buffer, size, "%" PRIu64, v->u64);
	}
}

/* Split "name[argument]". */
static struct text cut_argument(struct text *name)
{
	const char *bracket = memchr(name->ptr, '[', name->len);
	struct text argument;

	if (!bracket)
		return TEXT_NONE;
	argument = (struct text){bracket + 1, name->len - (uint32_t)(bracket + 1 - name->ptr) - 1};
	name->len = (uint32_t)(bracket - name->ptr);
	return argument;
}

const char *fixture_field(struct fixture *f, const char *name)
{
	static char buffer[8192];
	struct field_set set = {.tables = {state_field_table()}, .n_tables = 1};
	struct field_context ctx = {.event = f->last,
				    .subject = &f->subject,
				    .state = f->state,
				    .arena = &f->arena,
				    .first_event_ns = TEST_BOOT_EPOCH_NS + 100 * SECOND};
	struct text whole = text_from(name), rest;
	struct text argument = cut_argument(&whole);
	const struct field *field = field_set_find(&set, whole, &rest);
	struct field_arg arg;
	struct values values;
	size_t used = 0;

	if (!field)
		fail_msg("%s: no such field", name);
	if (!argument.len)
		argument = rest;
	assert_int_equal(field_arg_prepare(field, argument, argument.len > 0, &arg), 0);
	arena_reset(&f->arena);
	if (!field->extract(&ctx, field, &arg, &values))
		return "<absent>";
	buffer[0] = '\0';
	for (uint32_t i = 0; i < values.n; i++) {
		if (i)
			used += (size_t)snprintf(buffer + used, sizeof(buffer) - used, ",");
		used += (size_t)print_value(&values.items[i], buffer + used, sizeof(buffer) - used);
	}
	return buffer;
}
