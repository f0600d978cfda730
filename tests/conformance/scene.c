#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "state/state.h"
#include "tests/conformance/cases.h"
#include "tests/lib/events.h"

#define PROCESSES_MAX 16

struct scene {
	struct event_maker maker;
	struct state *state;
	struct subject subject;
	struct field_context ctx;
	struct test_task tasks[PROCESSES_MAX + 1]; /* [0] the process, then its ancestors */
	const char *args[PROCESSES_MAX + 1][2];
	char paths[2][256]; /* of the event */
	struct host_address address;
	int n;
	char *reason; /* why the scene cannot be made */
	size_t reason_size;
};

static int refuse(struct scene *scene, const char *what, const char *which)
{
	snprintf(scene->reason, scene->reason_size, "cannot make the scene: %s '%s'", what,
		 which ? which : "");
	return -ENOTSUP;
}

/* Members that a description may have; the last is NULL. One that is not read would be a case that
 * tests something else than it says. */
static int check_members(struct scene *scene, const cJSON *object, const char *const *known)
{
	const cJSON *member;

	if (object && !cJSON_IsObject(object))
		return refuse(scene, "no object:", object->string);
	cJSON_ArrayForEach(member, object)
	{
		const char *const *name = known;

		while (*name && strcmp(*name, member->string) != 0)
			name++;
		if (!*name)
			return refuse(scene, "unknown member", member->string);
	}
	return 0;
}

/* The description of that name, NULL if the case has none. */
static const cJSON *description(const cJSON *given, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(given, name);
}

static int check_descriptions(struct scene *scene, const cJSON *given)
{
	static const char *const process[] = {
		"name", "pid", "ancestors", "ancestor_exes", "ancestor_cmdlines", NULL};
	static const char *const socket[] = {"family", "client", "server", "client_is_local", NULL};
	static const char *const event[] = {"type", "dir", "note", "res", "params", NULL};
	static const struct {
		const char *name;
		const char *const *members;
	} rows[] = {{"@process", process}, {"@socket", socket}, {"@event", event}};
	const cJSON *member;
	int r = 0;

	cJSON_ArrayForEach(member, given)
	{
		const char *const *members = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			members = strcmp(member->string, rows[i].name) == 0 ? rows[i].members
									    : members;
		if (!members)
			return refuse(scene, "a field beside a scene, or an unknown description",
				      member->string);
		if (!r)
			r = check_members(scene, member, members);
	}
	return r;
}

bool scene_is_wanted(const cJSON *given)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, given)
	{
		if (member->string[0] == '@')
			return true;
	}
	return false;
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

/* The text at i of a list; fallback where there is none. */
static const char *text_at(const cJSON *list, int i, const char *fallback)
{
	const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(list, i));

	return text ? text : fallback;
}

static void fill_task(struct scene *scene, const cJSON *process, int i)
{
	struct test_task *task = &scene->tasks[i];
	const char *own = string_member(process, "name"), *line = "";
	const cJSON *pid = description(process, "pid");
	const char *blank;

	task->comm = task->exe = own ? own : "init";
	if (i) {
		task->comm = text_at(description(process, "ancestors"), i - 1, "");
		task->exe = text_at(description(process, "ancestor_exes"), i - 1, task->comm);
		line = text_at(description(process, "ancestor_cmdlines"), i - 1, "");
	}
	task->exepath = task->comm;
	blank = strchr(line, ' ');
	task->pid = scene->n - i; /* the eldest is init */
	if (i == 0 && cJSON_IsNumber(pid) && pid->valueint > task->pid)
		task->pid = pid->valueint;
	task->start_ns = (uint64_t)task->pid * 1000;
	task->ppid = scene->n - i - 1;
	task->parent_start_ns = (uint64_t)task->ppid * 1000;
	task->cwd = "/root";
	if (blank) {
		scene->args[i][0] = blank + 1;
		task->args = scene->args[i];
	}
}

static int add_processes(struct scene *scene, const cJSON *process)
{
	scene->n = 1 + cJSON_GetArraySize(description(process, "ancestors"));
	if (scene->n > PROCESSES_MAX)
		return refuse(scene, "too many ancestors", "");
	for (int i = 0; i < scene->n; i++)
		fill_task(scene, process, i);
	for (int i = scene->n - 1; i >= 0; i--) {
		int r = apply(scene, event_scan(&scene->maker, &scene->tasks[i]));

		if (r)
			return r;
	}
	return 0;
}

/* "1.2.3.4:5" or "[::1]:5". */
static bool split_address(const char *text, char address[64], uint16_t *port)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	bool is_bracketed = text && text[0] == '[';
	int len = colon ? (int)(colon - text) - 2 * is_bracketed : 0;

	if (len <= 0 || len >= 64)
		return false;
	snprintf(address, 64, "%.*s", len, text + is_bracketed);
	*port = (uint16_t)atoi(colon + 1);
	return true;
}

/* The host has that address and no other (NULL: one that no case is about). */
static int tell_address(struct scene *scene, const char *address)
{
	struct event *ev = event_start(&scene->maker, NULL, EVENT_PROCINFO);
	struct host_address *own = &scene->address;
	struct host_facts host = {.addresses = own, .n_addresses = 1};

	own->family = address && strchr(address, ':') ? AF_INET6 : AF_INET;
	inet_pton(own->family, address ? address : "192.0.2.1", own->address);
	ev->host = &host;
	return apply(scene, ev);
}

static int socket_event(struct scene *scene, const cJSON *socket, const struct event **out)
{
	const char *family = string_member(socket, "family");
	bool is_local = cJSON_IsTrue(description(socket, "client_is_local"));
	const struct test_task *who = &scene->tasks[0];
	char client[64], server[64];
	uint16_t client_port, server_port;
	int domain;

	if (!family || (strcmp(family, "ipv4") != 0 && strcmp(family, "ipv6") != 0))
		return refuse(scene, "socket family", family);
	domain = strcmp(family, "ipv4") == 0 ? AF_INET : AF_INET6;
	if (!split_address(string_member(socket, "client"), client, &client_port) ||
	    !split_address(string_member(socket, "server"), server, &server_port))
		return refuse(scene, "socket addresses of", family);
	apply(scene, event_socket(&scene->maker, who, 4, domain, SOCK_STREAM));
	*out = is_local ? event_connect(&scene->maker, who, 4, client, client_port, server,
					server_port, 0)
			: event_accept(&scene->maker, who, 5, server, server_port, client,
				       client_port);
	return 0;
}

static struct event *getcwd_event(struct scene *scene)
{
	struct event *ev = event_start(&scene->maker, &scene->tasks[0], EVENT_GETCWD);

	event_set_res(ev, -1);
	event_set_text(ev, GETCWD_path, "/test/dir");
	return ev;
}

static struct event *open_event(struct scene *scene, int fd, uint32_t flags, uint32_t mode)
{
	struct event *ev = event_start(&scene->maker, &scene->tasks[0], EVENT_OPEN);

	event_set_res(ev, fd);
	event_set_text(ev, OPEN_name, scene->paths[0]);
	event_set_u64(ev, OPEN_flags, flags);
	event_set_u64(ev, OPEN_mode, mode);
	ev->raw_path[0] = text_from(scene->paths[0]);
	ev->quality |= EVENT_PATH_FROM_CALLER;
	if (fd < 0)
		return ev;
	ev->fd = fd;
	scene->maker.file = (struct file_facts){
		.path = text_from(scene->paths[0]), .mode = 0100644, .kind = FILE_KIND_REGULAR};
	ev->file = &scene->maker.file;
	return ev;
}

/* "O_RDWR|O_CREAT|F_CREATED" or a number. */
static bool read_flags(const char *text, uint32_t *out)
{
	const struct flag_name *names;
	uint32_t n;

	*out = (uint32_t)strtoul(text, NULL, 0);
	if (text[0] >= '0' && text[0] <= '9')
		return true;
	names = flag_names(FLAGS_FILE_FLAGS, &n);
	while (*text) {
		size_t len = strcspn(text, "|");
		bool is_known = false;

		for (uint32_t i = 0; i < n; i++) {
			const char *name = names[i].name;

			if (strncmp(name, "O_F_", 4) == 0 && strncmp(text, "F_", 2) == 0)
				name += 2;
			if (strlen(name) == len && strncmp(name, text, len) == 0) {
				*out |= names[i].value;
				is_known = true;
			}
		}
		if (!is_known)
			return false;
		text += len + (text[len] == '|');
	}
	return true;
}

/* "successful open of PATH, fd N, flags F", "failed open (-1) of PATH", "open of PATH fd N flags
 * F mode 0755" */
static struct event *described_open(struct scene *scene, const char *note)
{
	char *path = scene->paths[0], flag_text[128] = "0";
	unsigned mode = 0;
	uint32_t flags;
	int fd;

	if (sscanf(note, "failed open (%d) of %255s", &fd, path) == 2)
		return open_event(scene, fd, TEST_O_RDONLY, 0);
	if (sscanf(note, "successful open of %255[^,], fd %d, flags %127s", path, &fd, flag_text) !=
		    3 &&
	    sscanf(note, "open of %255s fd %d flags %127s mode %o", path, &fd, flag_text, &mode) <
		    3)
		return NULL;
	return read_flags(flag_text, &flags) ? open_event(scene, fd, flags, mode) : NULL;
}

/* "TYPE of PATH, result N" */
static struct event *described_path_call(struct scene *scene, enum event_type type,
					 const char *note)
{
	const struct event_info *info = event_info(type);
	char name[32];
	bool has_path = false;
	int res;

	for (unsigned i = 0; i < info->n_params; i++)
		has_path = has_path || info->params[i].type == PARAM_FSPATH;
	if (!has_path ||
	    sscanf(note, "%31s of %255[^,], result %d", name, scene->paths[0], &res) != 3)
		return NULL;
	return event_path(&scene->maker, &scene->tasks[0], type, scene->paths[0], res);
}

/* "rename OLD -> NEW (cwd /root/), result 0" */
static struct event *described_rename(struct scene *scene, const char *note)
{
	struct event *ev;
	int res;

	if (sscanf(note, "rename %255s -> %255s (cwd /root/), result %d", scene->paths[0],
		   scene->paths[1], &res) != 3)
		return NULL;
	ev = event_start(&scene->maker, &scene->tasks[0], EVENT_RENAME);
	event_set_res(ev, res);
	event_set_text(ev, RENAME_oldpath, scene->paths[0]);
	event_set_text(ev, RENAME_newpath, scene->paths[1]);
	return ev;
}

/* "socket() result fd 4 AF_INET"; what has a lower number from 3 on is a file. */
static struct event *described_socket(struct scene *scene, const char *note)
{
	static const struct {
		const char *name;
		int domain;
	} domains[] = {{"AF_INET", AF_INET}, {"AF_INET6", AF_INET6}, {"AF_UNIX", AF_UNIX}};
	char name[32];
	int fd;

	if (sscanf(note, "socket() result fd %d %31s", &fd, name) != 2)
		return NULL;
	snprintf(scene->paths[0], sizeof(scene->paths[0]), "/tmp/some_file");
	for (int i = 3; i < fd; i++)
		apply(scene, open_event(scene, i, TEST_O_RDONLY, 0));
	for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
		if (strcmp(domains[i].name, name) == 0)
			return event_socket(&scene->maker, &scene->tasks[0], fd, domains[i].domain,
					    SOCK_STREAM);
	}
	return NULL;
}

/* "... present but empty (zero length): flags, uid" */
static struct event *described_exec(struct scene *scene, const char *note)
{
	const char *names = strstr(note, "present but empty (zero length): ");
	struct event *ev;

	if (!names)
		return NULL;
	names = strchr(names, ':') + 1;
	ev = event_exec(&scene->maker, &scene->tasks[0]);
	while (*names) {
		size_t blank = strspn(names, " ,"), len = strcspn(names + blank, " ,");
		struct text name = {names + blank, (uint32_t)len};
		int param = event_param_by_name(ev->type, name);

		if (len && param < 0)
			return NULL;
		if (len)
			ev->params[param].is_present = false;
		names += blank + len;
	}
	return ev;
}

static bool set_param(struct event *ev, unsigned i, const cJSON *value)
{
	enum param_type type = event_info(ev->type)->params[i].type;

	if (cJSON_IsString(value)) {
		if (type < PARAM_CHARBUF || type > PARAM_BYTEBUF)
			return false;
		event_set_text(ev, i, value->valuestring);
		return true;
	}
	if (!cJSON_IsNumber(value) || type >= PARAM_CHARBUF)
		return false;
	event_set_i64(ev, i, (int64_t)value->valuedouble);
	return true;
}

/* An event with its parameters written out. */
static struct event *event_of_params(struct scene *scene, enum event_type type, const cJSON *event)
{
	struct event *ev = event_start(&scene->maker, &scene->tasks[0], type);
	const cJSON *params = description(event, "params"), *res = description(event, "res"),
		    *param;

	cJSON_ArrayForEach(param, params)
	{
		int i = event_param_by_name(type, text_from(param->string));

		if (i < 0 || !set_param(ev, (unsigned)i, param))
			return NULL;
	}
	if (cJSON_IsNumber(res))
		ev->res = (int64_t)res->valuedouble;
	return ev;
}

static struct event *event_of_note(struct scene *scene, enum event_type type, const char *note)
{
	switch (type) {
	case EVENT_OPEN:
		return described_open(scene, note);
	case EVENT_RENAME:
		return described_rename(scene, note);
	case EVENT_SOCKET:
		return described_socket(scene, note);
	case EVENT_EXECVE:
		return described_exec(scene, note);
	default:
		return described_path_call(scene, type, note);
	}
}

static int described_event(struct scene *scene, const cJSON *event, const struct event **out)
{
	const char *name = string_member(event, "type"), *note = string_member(event, "note");
	const char *dir = string_member(event, "dir");
	int type = name ? event_by_name(text_from(name)) : -1;

	if (type < 0 || (dir && strcmp(dir, "exit") != 0))
		return refuse(scene, "event", name);
	*out = note ? event_of_note(scene, (enum event_type)type, note)
		    : event_of_params(scene, (enum event_type)type, event);
	return *out ? 0 : refuse(scene, "event", note ? note : name);
}

/* The host's own address, the processes, then the event. */
static int build(struct scene *scene, const cJSON *given)
{
	const cJSON *event = description(given, "@event"), *socket = description(given, "@socket");
	char client[64];
	uint16_t port;
	bool is_local = cJSON_IsTrue(description(socket, "client_is_local")) &&
			split_address(string_member(socket, "client"), client, &port);
	const struct event *ev = NULL;
	int r = check_descriptions(scene, given);

	if (!r)
		r = tell_address(scene, is_local ? client : NULL);
	if (!r)
		r = add_processes(scene, description(given, "@process"));
	if (r)
		return r;
	if (event)
		r = described_event(scene, event, &ev);
	else if (socket)
		r = socket_event(scene, socket, &ev);
	else
		ev = getcwd_event(scene);
	if (!r)
		r = apply(scene, ev);
	scene->ctx = (struct field_context){.event = ev,
					    .subject = &scene->subject,
					    .state = scene->state,
					    .first_event_ns = ev ? ev->ts_ns : 0};
	return r;
}

int scene_create(struct scene **out, const cJSON *given, char *reason, size_t reason_size)
{
	SCOPED(scene_destroy) struct scene *scene = calloc(1, sizeof(*scene));
	const struct state_config config = {.processes_max = 1024,
					    .fds_per_process_max = 64,
					    .boot_epoch_ns = TEST_BOOT_EPOCH_NS};
	int r;

	if (!scene)
		return -ENOMEM;
	scene->reason = reason;
	scene->reason_size = reason_size;
	r = state_create(&scene->state, &config);
	if (r)
		return refuse(scene, "state", "");
	event_maker_init(&scene->maker, 1000);
	r = build(scene, given);
	if (!r)
		*out = TAKE(scene);
	return r;
}

struct field_context *scene_context(struct scene *scene, struct arena *arena)
{
	scene->ctx.arena = arena;
	return &scene->ctx;
}
