/* Every shipped detection: what it is for makes it fire, and the everyday look-alike does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "anomaly/incidents.h"
#include "base/util.h"
#include "rules/rules.h"
#include "state/state.h"
#include "tests/lib/events.h"

#define ARENA_BYTES (1u << 20)
#define CONTAINER_CGROUP                                                                           \
	"unified=/system.slice/"                                                                   \
	"docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope"

enum pid { PID_INIT = 1, PID_PARENT = 50, PID_SELF = 60, PID_ETHOGRAM = 70 };

struct host {
	struct event_maker maker;
	struct state *state;
	struct subject subject;
	struct arena arena;
	struct rule_set *rules;
	struct field_set fields;
	struct test_task self;
};

struct action {
	const char *self, *parent; /* names of the process and its parent */
	const char *path;
	uint32_t number; /* flags, mode, request */
	bool in_container;
};

typedef const struct event *act_fn(struct host *host, const struct action *action);

static void apply(struct host *host, const struct event *ev)
{
	assert_int_equal(state_apply(host->state, ev, &host->subject), 0);
}

static const struct event *act_open(struct host *host, const struct action *action)
{
	return event_open(&host->maker, &host->self, 5, action->path, action->number);
}

/* The process becomes the program of that path. */
static const struct event *act_exec(struct host *host, const struct action *action)
{
	host->self.exepath = action->path;
	host->self.comm = host->self.exe = NULL;
	host->self.exec_id++;
	host->self.exe_flags = action->number;
	return event_exec(&host->maker, &host->self);
}

static const struct event *act_exec_on_socket(struct host *host, const struct action *action)
{
	for (int fd = 0; fd < 2; fd++) {
		apply(host, event_socket(&host->maker, &host->self, fd, 2, 1));
		apply(host, event_connect(&host->maker, &host->self, fd, "10.0.0.2", 40000,
					  "192.0.2.7", 4444, 0));
	}
	return act_exec(host, action);
}

static const struct event *act_dup(struct host *host, const struct action *action)
{
	struct event *ev;

	apply(host, event_socket(&host->maker, &host->self, 3, 2, 1));
	apply(host,
	      event_connect(&host->maker, &host->self, 3, "10.0.0.2", 40000, "192.0.2.7", 4444, 0));
	ev = event_start(&host->maker, &host->self, EVENT_DUP2);
	event_set_res(ev, action->number);
	ev->fd = (int32_t)action->number;
	event_set_i64(ev, DUP2_oldfd, 3);
	event_set_i64(ev, DUP2_newfd, action->number);
	return ev;
}

static uint32_t flag_value(enum flag_table_id table, const char *name)
{
	uint32_t n;
	const struct flag_name *names = flag_names(table, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(names[i].name, name) == 0)
			return names[i].value;
	}
	fail_msg("no flag %s", name);
	return 0;
}

static const struct event *act_ptrace(struct host *host, const struct action *action)
{
	struct event *ev = event_start(&host->maker, &host->self, EVENT_PTRACE);

	event_set_res(ev, 0);
	event_set_u64(ev, PTRACE_request, flag_value(FLAGS_PTRACE_REQUESTS, action->path));
	event_set_i64(ev, PTRACE_pid, PID_PARENT);
	return ev;
}

static const struct event *act_load_module(struct host *host, const struct action *action)
{
	struct event *ev = event_start(&host->maker, &host->self, EVENT_FINIT_MODULE);

	event_set_res(ev, action->number ? -1 : 0);
	return ev;
}

static const struct event *act_unload_module(struct host *host, const struct action *action)
{
	struct event *ev = event_start(&host->maker, &host->self, EVENT_DELETE_MODULE);

	event_set_res(ev, 0);
	event_set_text(ev, DELETE_MODULE_name, action->path);
	return ev;
}

static const struct event *act_setns(struct host *host, const struct action *action)
{
	struct event *ev = event_start(&host->maker, &host->self, EVENT_SETNS);

	event_set_res(ev, action->number ? -1 : 0);
	return ev;
}

static const struct event *act_mount(struct host *host, const struct action *action)
{
	struct event *ev = event_start(&host->maker, &host->self, EVENT_MOUNT);

	event_set_res(ev, 0);
	event_set_text(ev, MOUNT_dir, action->path);
	return ev;
}

static const struct event *act_unlink(struct host *host, const struct action *action)
{
	return event_path(&host->maker, &host->self, EVENT_UNLINK, action->path, 0);
}

static const struct event *act_chmod(struct host *host, const struct action *action)
{
	struct event *ev = event_path(&host->maker, &host->self, EVENT_CHMOD, action->path, 0);

	event_set_u64(ev, CHMOD_mode, action->number);
	return ev;
}

static const struct event *act_bpf(struct host *host, const struct action *action)
{
	struct event *ev = event_start(&host->maker, &host->self, EVENT_BPF);

	event_set_res(ev, 9);
	event_set_u64(ev, BPF_cmd, flag_value(FLAGS_BPF_COMMANDS, action->path));
	return ev;
}

static const struct event *act_kill(struct host *host, const struct action *action)
{
	struct event *ev = event_start(&host->maker, &host->self, EVENT_KILL);

	event_set_res(ev, 0);
	event_set_i64(ev, KILL_pid, action->number);
	event_set_u64(ev, KILL_sig, 9);
	return ev;
}

static void add_process(struct host *host, struct test_task *task, int pid, int ppid,
			const char *name)
{
	*task = (struct test_task){.pid = pid,
				   .start_ns = (uint64_t)pid * 1000,
				   .exec_id = 1,
				   .ppid = ppid,
				   .parent_start_ns = (uint64_t)ppid * 1000,
				   .exepath = name,
				   .comm = name};
	apply(host, event_scan(&host->maker, task));
}

static void host_init(struct host *host, const struct action *action)
{
	static const char *const container[] = {CONTAINER_CGROUP, NULL};
	const struct state_config config = {.processes_max = 1024,
					    .fds_per_process_max = 64,
					    .boot_epoch_ns = TEST_BOOT_EPOCH_NS};
	struct test_task other;

	event_maker_init(&host->maker, 1000);
	assert_int_equal(state_create(&host->state, &config), 0);
	rule_set_forget(host->rules); /* what it knew of the last host */
	add_process(host, &other, PID_INIT, 0, "systemd");
	add_process(host, &other, PID_PARENT, PID_INIT, action->parent ? action->parent : "bash");
	add_process(host, &other, PID_ETHOGRAM, PID_INIT, "ethogram");
	add_process(host, &host->self, PID_SELF, PID_PARENT, action->self);
	if (action->in_container) {
		host->self.cgroups = container;
		host->self.exec_id++;
		apply(host, event_exec(&host->maker, &host->self));
	}
}

/* Names of the rules that fire, separated by "; ". */
static void match(struct host *host, const struct event *ev, struct text source,
		  const struct record_incident *incident, char *out, size_t size)
{
	struct rule_match matches[RULE_MATCHES_MAX];
	const struct field_context ctx = {.event = ev,
					  .subject = &host->subject,
					  .state = host->state,
					  .incident = incident,
					  .arena = &host->arena,
					  .first_event_ns = ev->ts_ns};
	uint32_t n;

	arena_reset(&host->arena);
	out[0] = '\0';
	n = rule_set_match(host->rules, source, &ctx, matches);
	for (uint32_t i = 0; i < n; i++) {
		struct rule_info info;
		size_t used = strlen(out);

		rule_set_info(host->rules, matches[i].rule, &info);
		snprintf(out + used, size - used, "%s%.*s", used ? "; " : "", TEXT_ARGS(info.name));
	}
}

static int setup(void **state)
{
	const char *const files[] = {getenv("TEST_RULES")};
	static const char *const names[] = {"site"}, *const values[] = {"a\"b"};
	const struct rule_options options = {.match_all = true,
					     .min_priority = PRIORITY_DEBUG,
					     .static_names = names,
					     .static_values = values,
					     .n_static = 1};
	SCOPED(rule_messages_done) struct rule_messages messages = {0};
	struct host *host = calloc(1, sizeof(*host));

	host->fields = (struct field_set){.tables = {state_field_table(), anomaly_field_table()},
					  .n_tables = 2};
	assert_int_equal(arena_init(&host->arena, ARENA_BYTES), 0);
	if (rule_set_load(&host->rules, files, 1, &host->fields, &options, &messages))
		fail_msg("%s", messages.n ? messages.items[0].message : "not loaded");
	/* A warning in our own file is a mistake. */
	if (messages.n)
		fail_msg("%s: %s", messages.items[0].code, messages.items[0].message);
	*state = host;
	return 0;
}

static int teardown(void **state)
{
	struct host *host = *state;

	rule_set_destroy(&host->rules);
	arena_done(&host->arena);
	free(host);
	return 0;
}

#define RD TEST_O_RDONLY
#define WR (TEST_O_WRONLY | TEST_O_CREAT)
#define CUT (TEST_O_WRONLY | TEST_O_TRUNC)
#define SETUID 2048 /* S_ISUID as the event table has modes */

static const struct {
	const char *want; /* rules that fire, "" none */
	act_fn *act;
	struct action action;
} rows[] = {
	{"Shell spawned by a network service", act_exec, {"nginx", "nginx", "/bin/sh", 0, false}},
	{"Shell spawned by a network service",
	 act_exec,
	 {"php-fpm", "redis-server", "/bin/bash", 0, false}},
	{"", act_exec, {"bash", "sshd", "/bin/bash", 0, false}},
	{"", act_exec, {"nginx", "nginx", "/usr/bin/id", 0, false}},
	{"Interpreter spawned by a network service",
	 act_exec,
	 {"httpd", "httpd", "/usr/bin/perl", 0, false}},
	{"", act_exec, {"bash", "bash", "/usr/bin/python3", 0, false}},
	{"Sensitive file read", act_open, {"cat", "bash", "/etc/shadow", RD, false}},
	{"Sensitive file read", act_open, {"tar", "bash", "/etc/ssh/ssh_host_rsa_key", RD, false}},
	{"Sensitive file read", act_open, {"cat", "bash", "/etc/sudoers.d/deploy", RD, false}},
	{"", act_open, {"sshd", "systemd", "/etc/shadow", RD, false}},
	{"", act_open, {"cat", "bash", "/etc/passwd", RD, false}},
	{"", act_open, {"cat", "bash", "/etc/ssh/ssh_host_rsa_key.pub", RD, false}},
	{"SSH private key read", act_open, {"cat", "bash", "/home/ann/.ssh/id_ed25519", RD, false}},
	{"", act_open, {"cat", "bash", "/home/ann/.ssh/id_ed25519.pub", RD, false}},
	{"", act_open, {"ssh", "bash", "/home/ann/.ssh/id_ed25519", RD, false}},
	{"Login allowed by key file",
	 act_open,
	 {"python3", "bash", "/root/.ssh/authorized_keys", WR, false}},
	{"", act_open, {"sshd", "systemd", "/root/.ssh/authorized_keys", RD, false}},
	{"Write below a binary directory", act_open, {"wget", "bash", "/usr/bin/ls", WR, false}},
	{"", act_open, {"dpkg", "apt", "/usr/bin/ls.dpkg-new", WR, false}},
	{"", act_open, {"tar", "apt-get", "/usr/bin/ls", WR, false}}, /* below a package manager */
	{"", act_open, {"wget", "bash", "/home/ann/bin/tool", WR, false}},
	{"Write to account or loader configuration",
	 act_open,
	 {"sh", "nginx", "/etc/ld.so.preload", WR, false}},
	{"Write to account or loader configuration",
	 act_open,
	 {"tee", "bash", "/etc/passwd", WR, false}},
	{"", act_open, {"useradd", "bash", "/etc/passwd", WR, false}},
	{"Scheduled job or service installed",
	 act_open,
	 {"sh", "nginx", "/etc/cron.d/job", WR, false}},
	{"Scheduled job or service installed",
	 act_open,
	 {"cp", "bash", "/etc/systemd/system/x.service", WR, false}},
	{"", act_open, {"crontab", "bash", "/var/spool/cron/crontabs/ann", WR, false}},
	{"Program run from anonymous memory",
	 act_exec,
	 {"python3", "bash", "memfd:x", EXE_FROM_MEMFD, false}},
	{"", act_exec, {"bash", "bash", "/usr/bin/make", 0, false}},
	{"Program run from shared memory", act_exec, {"bash", "bash", "/dev/shm/tool", 0, false}},
	{"Process traced", act_ptrace, {"injector", "bash", "PTRACE_ATTACH", 0, false}},
	{"", act_ptrace, {"strace", "bash", "PTRACE_SEIZE", 0, false}},
	{"", act_ptrace, {"child", "bash", "PTRACE_TRACEME", 0, false}},
	{"Kernel module loaded", act_load_module, {"loader", "bash", NULL, 0, false}},
	{"", act_load_module, {"modprobe", "bash", NULL, 0, false}},
	{"", act_load_module, {"loader", "bash", NULL, 1, false}}, /* refused */
	{"Kernel module unloaded", act_unload_module, {"cleaner", "bash", "nf_tables", 0, false}},
	{"", act_unload_module, {"rmmod", "bash", "nf_tables", 0, false}},
	{"Namespace of another process entered", act_setns, {"tool", "bash", NULL, 0, false}},
	{"", act_setns, {"nsenter", "bash", NULL, 0, false}},
	{"Mount from within a container", act_mount, {"tool", "bash", "/mnt", 0, true}},
	{"", act_mount, {"tool", "bash", "/mnt", 0, false}},
	{"Container escape by release agent",
	 act_open,
	 {"sh", "bash", "/tmp/cg/release_agent", WR, false}},
	{"Container escape by release agent",
	 act_open,
	 {"sh", "bash", "/proc/sys/kernel/core_pattern", WR, false}},
	{"", act_open, {"sh", "bash", "/proc/sys/kernel/core_pattern", RD, false}},
	{"Shell with a socket as standard input",
	 act_exec_on_socket,
	 {"nc", "bash", "/bin/sh", 0, false}},
	{"", act_exec_on_socket, {"inetd", "systemd", "/usr/sbin/in.ftpd", 0, false}},
	{"Standard stream redirected to a network connection",
	 act_dup,
	 {"python3", "bash", NULL, 0, false}},
	{"", act_dup, {"python3", "bash", NULL, 9, false}},
	{"", act_dup, {"redis-server", "bash", NULL, 0, false}},
	{"Command history removed", act_unlink, {"rm", "bash", "/root/.bash_history", 0, false}},
	{"Command history emptied", act_open, {"tee", "bash", "/root/.zsh_history", CUT, false}},
	{"", act_open, {"bash", "sshd", "/root/.bash_history", CUT, false}},
	{"", act_unlink, {"rm", "bash", "/root/notes", 0, false}},
	{"System log emptied", act_open, {"sh", "bash", "/var/log/auth.log", CUT, false}},
	{"System log removed", act_unlink, {"rm", "bash", "/var/log/wtmp", 0, false}},
	{"", act_unlink, {"logrotate", "cron", "/var/log/auth.log", 0, false}},
	{"", act_open, {"rsyslogd", "systemd", "/var/log/auth.log", WR, false}},
	{"New setuid program", act_chmod, {"chmod", "bash", "/tmp/sh", SETUID | 0755, false}},
	{"", act_chmod, {"chmod", "bash", "/tmp/sh", 0755, false}},
	{"", act_chmod, {"dpkg", "apt", "/usr/bin/su", SETUID | 0755, false}},
	{"BPF program loaded by an unknown program",
	 act_bpf,
	 {"sniffer", "bash", "BPF_PROG_LOAD", 0, false}},
	{"", act_bpf, {"sniffer", "bash", "BPF_MAP_CREATE", 0, false}},
	{"", act_bpf, {"bpftool", "bash", "BPF_PROG_LOAD", 0, false}},
	{"Ethogram tampered with", act_open, {"vi", "bash", "/etc/ethogram/rules.yaml", WR, false}},
	{"", act_open, {"ethogram", "systemd", "/var/lib/ethogram/ethogram.db", WR, false}},
	{"Signal sent to end Ethogram", act_kill, {"pkill", "bash", NULL, PID_ETHOGRAM, false}},
	{"", act_kill, {"systemd", "bash", NULL, PID_ETHOGRAM, false}},
	{"", act_kill, {"pkill", "bash", NULL, PID_PARENT, false}},
};

static void detections_fire_and_look_alikes_do_not(void **state)
{
	struct host *host = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct event *ev;
		char got[512];

		host_init(host, &rows[i].action);
		ev = rows[i].act(host, &rows[i].action);
		apply(host, ev);
		match(host, ev, TEXT("syscall"), NULL, got, sizeof(got));
		state_destroy(&host->state);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("row %zu (%s, %s): got '%s', want '%s'", i, rows[i].action.self,
				 rows[i].action.path ? rows[i].action.path : "", got, rows[i].want);
	}
}

static void every_detection_has_a_row(void **state)
{
	struct host *host = *state;

	for (uint32_t rule = 0; rule < rule_set_size(host->rules); rule++) {
		struct rule_info info;
		bool found = false;

		rule_set_info(host->rules, rule, &info);
		assert_true(info.description.len && info.tags.len && info.is_enabled);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			found = found || text_equal(info.name, text_from(rows[i].want));
		if (!found && text_equal(info.source, TEXT("syscall")))
			fail_msg("%.*s: no row", TEXT_ARGS(info.name));
	}
}

static void the_alarm_is_on_incidents_above_the_threshold(void **state)
{
	struct host *host = *state;
	const struct action quiet = {.self = "sh"};
	struct record_incident incident = {
		.id = 7, .return_period_s = 1e6, .summary = TEXT("three new things")};
	const struct event *ev;
	char got[128];

	host_init(host, &quiet);
	ev = event_open(&host->maker, &host->self, 5, "/tmp/x", RD);
	apply(host, ev);
	match(host, ev, TEXT("ethogram"), &incident, got, sizeof(got));
	assert_string_equal(got, "");
	incident.above_threshold = true;
	match(host, ev, TEXT("ethogram"), &incident, got, sizeof(got));
	assert_string_equal(got, "Workload broke character");
	match(host, ev, TEXT("syscall"), &incident, got, sizeof(got));
	assert_string_equal(got, "");
	state_destroy(&host->state);
}

static void alerts_carry_their_fields(void **state)
{
	struct host *host = *state;
	const struct action action = {.self = "cat", .parent = "bash"};
	struct rule_match matches[RULE_MATCHES_MAX];
	const struct event *ev;
	struct field_context ctx;
	struct record_alert *alert;
	char time[64];

	host_init(host, &action);
	ev = event_open(&host->maker, &host->self, 5, "/etc/shadow", RD);
	apply(host, ev);
	arena_reset(&host->arena);
	ctx = (struct field_context){.event = ev,
				     .subject = &host->subject,
				     .state = host->state,
				     .arena = &host->arena};
	assert_int_equal(rule_set_match(host->rules, TEXT("syscall"), &ctx, matches), 1);
	alert = rule_alert_create(host->rules, &matches[0], &ctx);
	assert_non_null(alert);
	assert_true(text_equal(alert->rule, TEXT("Sensitive file read")));
	assert_int_equal(alert->priority, PRIORITY_WARNING);
	assert_int_equal(alert->ts_ns, ev->ts_ns);
	assert_int_equal(alert->pid, PID_SELF);
	assert_non_null(memmem(alert->message.ptr, alert->message.len, "file=/etc/shadow", 16));
	assert_non_null(memmem(alert->output_fields.ptr, alert->output_fields.len,
			       "\"fd.name\":\"/etc/shadow\"", 23));
	assert_true(text_ends_with(alert->output_fields, TEXT(",\"site\":\"a\\\"b\"}")));
	snprintf(time, sizeof(time), "\"evt.time\":%llu,", (unsigned long long)ev->ts_ns);
	assert_non_null(
		memmem(alert->output_fields.ptr, alert->output_fields.len, time, strlen(time)));
	record_free(alert);
	state_destroy(&host->state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detections_fire_and_look_alikes_do_not),
		cmocka_unit_test(every_detection_has_a_row),
		cmocka_unit_test(the_alarm_is_on_incidents_above_the_threshold),
		cmocka_unit_test(alerts_carry_their_fields),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
