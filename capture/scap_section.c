#include "capture/scap_section.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture/flags.h"

#define ENTRIES_MAX (1u << 16) /* users, groups, addresses: in memory larger than in the file */

/* A kept block. */
struct part {
	struct part *next;
	uint64_t offset;
	struct scap_list_kind kind;
	uint32_t len;
	uint8_t body[];
};

struct parts {
	struct part *first, **end;
};

struct scap_section {
	struct parts lists[SCAP_LIST_END];
	uint64_t bytes;
	/* what is being told */
	bool host_told, pids_known, is_begun;
	enum scap_list list;
	const struct part *part;
	struct scap_cursor cursor;
	int32_t tid; /* whose descriptors */
	uint64_t offset;
	/* what the events point to */
	struct host_facts host;
	struct host_user *users;
	struct host_group *groups;
	struct host_address *addresses;
	struct scap_list_process process;
	struct scap_list_fd fd;
	uint64_t listening[1024]; /* bit per port of either protocol */
};

static void free_parts(struct parts *parts)
{
	struct part *part = parts->first, *next;

	for (; part; part = next) {
		next = part->next;
		free(part);
	}
	*parts = (struct parts){0};
}

void scap_section_clear(struct scap_section *section)
{
	for (int i = 0; i < SCAP_LIST_END; i++)
		free_parts(&section->lists[i]);
	free(section->users);
	free(section->groups);
	free(section->addresses);
	*section = (struct scap_section){0};
	for (int i = 0; i < SCAP_LIST_END; i++)
		section->lists[i].end = &section->lists[i].first;
}

int scap_section_create(struct scap_section **out)
{
	struct scap_section *section = calloc(1, sizeof(*section));

	if (!section)
		return -ENOMEM;
	scap_section_clear(section);
	*out = section;
	return 0;
}

void scap_section_destroy(struct scap_section **section)
{
	if (!*section)
		return;
	scap_section_clear(*section);
	free(*section);
	*section = NULL;
}

int scap_section_add(struct scap_section *section, const struct scap_input_block *block,
		     struct diag *diag)
{
	struct scap_list_kind kind = scap_list_kind(block->type);
	struct parts *parts = &section->lists[kind.list];
	struct part *part;

	section->offset = block->offset;
	if (section->bytes + sizeof(*part) + block->len > SCAP_STATE_BYTES_MAX)
		return diag_set(diag, -EBADMSG,
				"byte %" PRIu64 ": more than %" PRIu64 " bytes of state",
				block->offset, SCAP_STATE_BYTES_MAX);
	part = malloc(sizeof(*part) + block->len);
	if (!part)
		return diag_set(diag, -ENOMEM, "no memory for %u bytes of state", block->len);
	part->next = NULL;
	part->offset = block->offset;
	part->kind = kind;
	part->len = block->len;
	if (block->len)
		memcpy(part->body, block->body, block->len);
	section->bytes += sizeof(*part) + block->len;
	*parts->end = part;
	parts->end = &part->next;
	return 0;
}

static int damaged(struct scap_section *section, const struct part *part, struct diag *diag)
{
	static const char *const names[SCAP_LIST_END] = {
		[SCAP_LIST_MACHINE] = "the machine's description",
		[SCAP_LIST_PROCESSES] = "the list of processes",
		[SCAP_LIST_FDS] = "a list of descriptors",
		[SCAP_LIST_INTERFACES] = "the list of interfaces",
		[SCAP_LIST_USERS] = "the list of users",
	};

	section->offset = part->offset;
	return diag_set(diag, -EBADMSG, "byte %" PRIu64 ": %s is damaged", part->offset,
			names[part->kind.list]);
}

/* Room for one more of n elements: rooms are powers of two. */
static void *grow(void *array, uint32_t n, size_t size)
{
	if (n && (n < 16 || n & (n - 1)))
		return array;
	return realloc(array, (n ? 2 * (size_t)n : 16) * size);
}

static int add_user(struct scap_section *section, const struct scap_list_user *user)
{
	struct host_facts *host = &section->host;

	if (host->n_users >= ENTRIES_MAX || host->n_groups >= ENTRIES_MAX)
		return -E2BIG;
	if (user->is_group) {
		struct host_group *groups = grow(section->groups, host->n_groups, sizeof(*groups));

		if (!groups)
			return -ENOMEM;
		host->groups = section->groups = groups;
		groups[host->n_groups++] = user->group;
	} else {
		struct host_user *users = grow(section->users, host->n_users, sizeof(*users));

		if (!users)
			return -ENOMEM;
		host->users = section->users = users;
		users[host->n_users++] = user->user;
	}
	return 0;
}

static int add_address(struct scap_section *section, const struct host_address *address)
{
	struct host_facts *host = &section->host;
	struct host_address *addresses;

	if (host->n_addresses >= ENTRIES_MAX)
		return -E2BIG;
	addresses = grow(section->addresses, host->n_addresses, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	host->addresses = section->addresses = addresses;
	addresses[host->n_addresses++] = *address;
	return 0;
}

static int read_host_part(struct scap_section *section, const struct part *part)
{
	struct scap_cursor c = cursor_over(part->body, part->len);
	struct scap_list_machine machine;
	struct host_address address;
	struct scap_list_user user;
	int r;

	switch (part->kind.list) {
	case SCAP_LIST_MACHINE:
		r = scap_machine_read(c, &machine);
		if (r > 0)
			section->host.hostname = machine.hostname;
		return r < 0 ? r : 0;
	case SCAP_LIST_USERS:
		while ((r = scap_user_next(&c, part->kind.version, &user)) > 0) {
			r = add_user(section, &user);
			if (r)
				return r;
		}
		return r;
	default:
		while ((r = scap_address_next(&c, part->kind.version, &address)) > 0) {
			r = add_address(section, &address);
			if (r)
				return r;
		}
		return r;
	}
}

static int read_host(struct scap_section *section, struct diag *diag)
{
	static const enum scap_list lists[] = {SCAP_LIST_MACHINE, SCAP_LIST_USERS,
					       SCAP_LIST_INTERFACES};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct part *part = section->lists[lists[i]].first;

		for (; part; part = part->next) {
			int r = read_host_part(section, part);

			if (r == -ENOMEM)
				return diag_set(diag, r, "no memory for the list of users");
			if (r)
				return damaged(section, part, diag);
		}
	}
	return 0;
}

/* Parents are named by thread, and may come behind their children. */
static void learn_pids(struct scap_section *section, struct scap_tasks *tasks)
{
	const struct part *part = section->lists[SCAP_LIST_PROCESSES].first;

	for (; part; part = part->next) {
		struct scap_cursor c = cursor_over(part->body, part->len);

		while (scap_process_next(&c, part->kind.version, &section->process) > 0) {
			struct scap_task *task = scap_tasks_get(tasks, section->process.task.tid);

			if (task)
				task->pid = section->process.task.tgid;
		}
	}
}

static void begin_event(struct event *ev)
{
	*ev = (struct event){
		.type = EVENT_PROCINFO,
		.nr = UINT16_MAX,
		.quality = EVENT_STATE_ONLY,
		.tid = -1,
		.tgid = -1,
		.fd = -1,
		.n_params = PROCINFO_N_PARAMS,
	};
}

static int next_process(struct scap_section *section, struct scap_tasks *tasks, struct event *ev)
{
	struct task_facts *task = &section->process.task;
	int r = scap_process_next(&section->cursor, section->part->kind.version, &section->process);

	if (r <= 0)
		return r;
	task->parent_tgid = scap_tasks_pid(tasks, task->parent_tgid);
	task->clone_flags = (uint32_t)flags_kernel(FLAG_MAP_CLONE, section->process.clone_flags);
	ev->tid = task->tid;
	ev->tgid = task->tgid;
	ev->task = task;
	return 1;
}

/* The lists do not say which end of a connection was the server: the one whose port somebody
 * listens on. */
static void find_listening(struct scap_section *section)
{
	for (const struct part *part = section->lists[SCAP_LIST_FDS].first; part;
	     part = part->next) {
		struct scap_cursor cursor = cursor_over(part->body, part->len);
		struct scap_list_fd *fd = &section->fd;

		cursor_u64(&cursor); /* whose */
		while (scap_fd_next(&cursor, part->kind.version, fd) > 0) {
			uint16_t port = fd->sock.local_port;

			if (fd->is_socket && fd->sock.flags & SOCK_LISTENING)
				section->listening[port / 64] |= UINT64_C(1) << (port % 64);
		}
	}
}

static bool is_listening(const struct scap_section *section, uint16_t port)
{
	return section->listening[port / 64] >> (port % 64) & 1;
}

static int next_fd(struct scap_section *section, struct scap_tasks *tasks, struct event *ev)
{
	struct scap_list_fd *fd = &section->fd;
	int r = scap_fd_next(&section->cursor, section->part->kind.version, fd);

	if (r <= 0)
		return r;
	ev->tid = section->tid;
	ev->tgid = scap_tasks_pid(tasks, section->tid);
	ev->fd = fd->fd;
	ev->file = fd->is_socket ? NULL : &fd->file;
	ev->sock = fd->is_socket ? &fd->sock : NULL;
	if (fd->is_socket && fd->sock.remote_port && is_listening(section, fd->sock.local_port))
		fd->sock.flags |= SOCK_SERVER;
	return 1;
}

/* Go on to the next part to tell of. False: there is none. */
static bool next_part(struct scap_section *section)
{
	if (!section->is_begun) {
		section->is_begun = true;
		section->list = SCAP_LIST_PROCESSES;
		section->part = section->lists[SCAP_LIST_PROCESSES].first;
	} else if (section->part) {
		section->part = section->part->next;
	}
	if (!section->part && section->list == SCAP_LIST_PROCESSES) {
		section->list = SCAP_LIST_FDS;
		find_listening(section);
		section->part = section->lists[SCAP_LIST_FDS].first;
	}
	if (!section->part)
		return false;
	section->cursor = cursor_over(section->part->body, section->part->len);
	if (section->list == SCAP_LIST_FDS) {
		uint64_t tid = cursor_u64(&section->cursor);

		section->tid = tid <= INT32_MAX ? (int32_t)tid : -1;
	}
	return true;
}

int scap_section_next(struct scap_section *section, struct scap_tasks *tasks, struct event *ev,
		      struct diag *diag)
{
	int r;

	begin_event(ev);
	if (!section->host_told) {
		section->host_told = true;
		r = read_host(section, diag);
		if (r)
			return r;
		learn_pids(section, tasks);
		ev->host = &section->host;
		return 1;
	}
	for (;;) {
		if (!section->part && !next_part(section))
			return 0;
		r = section->list == SCAP_LIST_PROCESSES ? next_process(section, tasks, ev)
							 : next_fd(section, tasks, ev);
		if (r < 0)
			return damaged(section, section->part, diag);
		if (r > 0)
			return 1;
		if (!next_part(section))
			return 0;
	}
}

uint64_t scap_section_offset(const struct scap_section *section)
{
	return section->offset;
}
