#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "state/state.h"
#include "tests/conformance/cases.h"
#include "tests/lib/events.h"

#define PROCESSES_MAX 16
#define FIRST_PID 100

struct scene {
	struct event_maker maker;
	struct state *state;
	struct subject subject;
	struct field_context ctx;
	struct test_task tasks[PROCESSES_MAX + 1]; /* [0] the process, then its ancestors */
	const char *args[PROCESSES_MAX + 1][2];
	int n;
};

bool scene_is_wanted(const cJSON *given)
{
	return cJSON_HasObjectItem(given, "@socket") || cJSON_HasObjectItem(given, "@process") ||
	       cJSON_HasObjectItem(given, "@event");
}

void scene_destroy(struct scene **scene)
{
	if (!*scene)
		return;
	state_destroy(&(*scene)->state);
	free(*scene);
	*scene = NULL;
}

static int apply(struct scene *scene, const struct event *ev)
{
	return state_apply(scene->state, ev, &scene->subject);
}

static int add_processes(struct scene *scene, const cJSON *process)
{
	const cJSON *ancestors = cJSON_GetObjectItem(process, "ancestors");
	const cJSON *exes = cJSON_GetObjectItem(process, "ancestor_exes");
	const cJSON *lines = cJSON_GetObjectItem(process, "ancestor_cmdlines");
	const char *own = string_member(process, "name");

	scene->n = 1 + cJSON_GetArraySize(ancestors);
	if (scene->n > PROCESSES_MAX)
		return -ENOTSUP;
	for (int i = 0; i < scene->n; i++) {
		struct test_task *task = &scene->tasks[i];
		const char *name = i     ? cJSON_GetArrayItem(ancestors, i - 1)->valuestring
				   : own ? own
					 : "init";
		const char *line = i && lines ? cJSON_GetArrayItem(lines, i - 1)->valuestring : "";
		const char *blank = strchr(line, ' ');

		task->comm = task->exepath = name;
		task->exe = i && exes ? cJSON_GetArrayItem(exes, i - 1)->valuestring : name;
		task->pid = scene->n - i; /* the eldest is init */
		task->start_ns = (uint64_t)task->pid * 1000;
		task->ppid = task->pid - 1;
		task->parent_start_ns = (uint64_t)task->ppid * 1000;
		task->cwd = "/root";
		if (blank) {
			scene->args[i][0] = blank + 1;
			task->args = scene->args[i];
		}
	}
	for (int i = scene->n - 1; i >= 0; i--) {
		int r = apply(scene, event_scan(&scene->maker, &scene->tasks[i]));

		if (r)
			return r;
	}
	return 0;
}

/* "1.2.3.4:5" or "[::1]:5". */
static uint16_t split_address(const char *text, char *address, size_t size)
{
	const char *colon = strrchr(text, ':');
	bool is_bracketed = text[0] == '[';

	snprintf(address, size, "%.*s", (int)(colon - text) - 2 * is_bracketed,
		 text + is_bracketed);
	return (uint16_t)atoi(colon + 1);
}

static const struct event *socket_event(struct scene *scene, const cJSON *socket)
{
	char client[64], server[64];
	uint16_t client_port = split_address(string_member(socket, "client"), client, 64);
	uint16_t server_port = split_address(string_member(socket, "server"), server, 64);
	bool is_v4 = strcmp(string_member(socket, "family"), "ipv4") == 0;
	const struct test_task *who = &scene->tasks[0];

	apply(scene, event_socket(&scene->maker, who, 4, is_v4 ? 2 : 10, 1));
	if (cJSON_IsTrue(cJSON_GetObjectItem(socket, "client_is_local")))
		return event_connect(&scene->maker, who, 4, client, client_port, server,
				     server_port, 0);
	return event_accept(&scene->maker, who, 5, server, server_port, client, client_port);
}

static struct event *getcwd_event(struct scene *scene)
{
	struct event *ev = event_start(&scene->maker, &scene->tasks[0], EVENT_GETCWD);

	event_set_res(ev, -1);
	event_set_text(ev, GETCWD_path, "/test/dir");
	return ev;
}

static struct event *rename_event(struct scene *scene)
{
	struct event *ev = event_start(&scene->maker, &scene->tasks[0], EVENT_RENAME);

	event_set_res(ev, 0);
	event_set_text(ev, RENAME_oldpath, "/tmp/s");
	event_set_text(ev, RENAME_newpath, "rel/t");
	return ev;
}

static struct event *empty_execve_event(struct scene *scene)
{
	struct event *ev = event_exec(&scene->maker, &scene->tasks[0]);
	static const char *const empty[] = {"flags", "cap_inheritable", "exe_ino_ctime",
					    "uid",   "trusted_exepath", "pgid",
					    "gid"};

	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		int param = event_param_by_name(ev->type, text_from(empty[i]));

		if (param >= 0)
			ev->params[param].is_present = false;
	}
	return ev;
}

static struct event *created_file_event(struct scene *scene)
{
	struct event *ev = event_open(&scene->maker, &scene->tasks[0], 3, "/home/file.txt",
				      TEST_O_RDWR | TEST_O_CREAT | TEST_O_F_CREATED);

	event_set_u64(ev, OPENAT_mode, 0755);
	return ev;
}

static const struct event *described_event(struct scene *scene, const cJSON *event)
{
	const char *type = string_member(event, "type"), *note = string_member(event, "note");
	const struct test_task *who = &scene->tasks[0];
	struct event_maker *maker = &scene->maker;

	if (strcmp(type, "getcwd") == 0)
		return getcwd_event(scene);
	if (strcmp(type, "execve") == 0)
		return empty_execve_event(scene);
	if (strcmp(type, "rename") == 0)
		return rename_event(scene);
	if (strcmp(type, "unlink") == 0)
		return event_path(maker, who, EVENT_UNLINK, "/tmp/x", 0);
	if (strcmp(type, "socket") == 0) {
		apply(scene, event_open(maker, who, 3, "/tmp/some_file", TEST_O_RDONLY));
		return event_socket(maker, who, 4, 2, 1);
	}
	if (strstr(note, "failed open"))
		return event_open(maker, who, -1, "/tmp/the_file", TEST_O_RDONLY);
	if (strstr(note, "O_RDWR"))
		return created_file_event(scene);
	if (strstr(note, "O_RDONLY"))
		return event_open(maker, who, 3, "/home/file.txt", TEST_O_RDONLY);
	return event_open(maker, who, 3, "/tmp/file_to_run", 0);
}

int scene_create(struct scene **out, const cJSON *given)
{
	SCOPED(scene_destroy) struct scene *scene = calloc(1, sizeof(*scene));
	const struct state_config config = {.processes_max = 1024,
					    .fds_per_process_max = 64,
					    .boot_epoch_ns = TEST_BOOT_EPOCH_NS};
	const cJSON *event = cJSON_GetObjectItem(given, "@event");
	const cJSON *socket = cJSON_GetObjectItem(given, "@socket");
	const struct event *ev;
	int r = state_create(&scene->state, &config);

	event_maker_init(&scene->maker, 1000);
	if (!r)
		r = add_processes(scene, cJSON_GetObjectItem(given, "@process"));
	if (r)
		return r;
	ev = event    ? described_event(scene, event)
	     : socket ? socket_event(scene, socket)
		      : getcwd_event(scene);
	r = apply(scene, ev);
	scene->ctx = (struct field_context){.event = ev,
					    .subject = &scene->subject,
					    .state = scene->state,
					    .first_event_ns = ev->ts_ns};
	if (!r)
		*out = TAKE(scene);
	return r;
}

struct field_context *scene_context(struct scene *scene, struct arena *arena)
{
	scene->ctx.arena = arena;
	return &scene->ctx;
}
