#include "capture/scap_write.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "capture/scap_block.h"
#include "capture/scap_complete.h"
#include "capture/scap_encode.h"
#include "capture/scap_file.h"
#include "capture/scap_types.h"

#define TIDS_MAX (UINT32_C(1) << 22) /* the kernel's own limit */

struct scap_writer {
	struct scap_file *file;
	uint32_t list;  /* type of the list block being filled; 0 none */
	int32_t fds_of; /* whose, if it is one of descriptors */
	bool has_events;
	uint16_t ids[EVENT_TYPE_END]; /* type written for each event */
	struct scap_writer_counters counters;
	struct param params[EVENT_PARAMS_MAX];
	struct scap_room room;
	uint64_t tids[TIDS_MAX / 64]; /* tasks told of, a bit each */
	struct scap_block block;
};

/* Events for which readers of 2022 have a type that later ones turn into ours. */
static const struct {
	enum event_type event;
	uint16_t id;
} replaced[] = {
	{EVENT_DUP, 125},
	{EVENT_ACCEPT4, 249},
	{EVENT_UMOUNT, 259},
};

/* Calls that make descriptors and whose type readers of 2022 do not know: the type of the older
 * call goes before them, for state only. Applied twice it changes nothing. */
static const struct {
	enum event_type event;
	uint16_t id;
	uint8_t n_params; /* as many parameters are the same in both */
} shadows[] = {
	{EVENT_DUP2, 125, 2},    {EVENT_DUP3, 125, 2},      {EVENT_PIPE2, 61, 4},
	{EVENT_EVENTFD2, 63, 1}, {EVENT_SIGNALFD4, 127, 1}, {EVENT_INOTIFY_INIT1, 139, 1},
};

static_assert((int)DUP2_res == (int)DUP_res && (int)DUP2_oldfd == (int)DUP_oldfd, "dup2");
static_assert((int)DUP3_res == (int)DUP_res && (int)DUP3_oldfd == (int)DUP_oldfd, "dup3");
static_assert((int)PIPE2_ino == (int)PIPE_ino && (int)PIPE2_fd2 == (int)PIPE_fd2, "pipe2");

static bool bit_is_set(const uint64_t *words, int32_t bit)
{
	return bit >= 0 && (uint32_t)bit < TIDS_MAX && words[bit / 64] >> (bit % 64) & 1;
}

static void set_bit(uint64_t *words, int32_t bit)
{
	if (bit >= 0 && (uint32_t)bit < TIDS_MAX)
		words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static void choose_ids(struct scap_writer *w)
{
	for (int i = 0; i < EVENT_TYPE_END; i++)
		w->ids[i] = event_info((enum event_type)i)->scap_type;
	for (size_t i = 0; i < ARRAY_SIZE(replaced); i++)
		w->ids[replaced[i].event] = replaced[i].id;
}

static int end_block(struct scap_writer *w)
{
	scap_block_end(&w->block);
	return scap_file_append(w->file, w->block.data, w->block.len);
}

int scap_writer_create(struct scap_writer **out, const char *path)
{
	SCOPED(scap_writer_destroy) struct scap_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	choose_ids(w);
	r = scap_file_create(&w->file, path, text_ends_with(text_from(path), TEXT(".gz")));
	if (r)
		return r;
	scap_block_begin(&w->block, SCAP_BLOCK_SECTION);
	scap_encode_section(&w->block);
	r = end_block(w);
	if (r)
		return r;
	*out = TAKE(w);
	return 0;
}

void scap_writer_destroy(struct scap_writer **writer)
{
	if (!*writer)
		return;
	scap_file_destroy(&(*writer)->file);
	free(*writer);
	*writer = NULL;
}

/* End the list that is being filled. */
static int end_list(struct scap_writer *w)
{
	if (!w->list)
		return 0;
	w->list = 0;
	return end_block(w);
}

/* Go on with the list of that type and, for descriptors, that process. */
static int begin_list(struct scap_writer *w, uint32_t type, int32_t fds_of)
{
	int r;

	if (w->list == type && w->fds_of == fds_of)
		return 0;
	r = end_list(w);
	if (r)
		return r;
	scap_block_begin(&w->block, type);
	if (type == SCAP_BLOCK_FDS)
		scap_put_u64(&w->block, (uint64_t)fds_of);
	w->list = type;
	w->fds_of = fds_of;
	return 0;
}

/* An entry of a list, put by one of scap_encode_*(); a block that is full goes on in another. */
#define PUT_ENTRY(w, type, fds_of, encode, entry)                                                  \
	({                                                                                         \
		int put_r_ = begin_list(w, type, fds_of);                                          \
		if (!put_r_ && !(encode)(&(w)->block, entry, &(w)->counters.clipped_total)) {      \
			put_r_ = end_list(w);                                                      \
			if (!put_r_)                                                               \
				put_r_ = begin_list(w, type, fds_of);                              \
			if (!put_r_)                                                               \
				(encode)(&(w)->block, entry, &(w)->counters.clipped_total);        \
		}                                                                                  \
		put_r_;                                                                            \
	})

int scap_writer_host(struct scap_writer *w, const struct scap_machine *machine,
		     const struct host_facts *host)
{
	int r;

	scap_block_begin(&w->block, SCAP_BLOCK_MACHINE);
	scap_encode_machine(&w->block, machine, host->hostname, &w->counters.clipped_total);
	r = end_block(w);
	for (uint32_t i = 0; !r && i < host->n_addresses; i++)
		r = PUT_ENTRY(w, SCAP_BLOCK_INTERFACES, 0, scap_encode_interface,
			      &host->addresses[i]);
	for (uint32_t i = 0; !r && i < host->n_users; i++)
		r = PUT_ENTRY(w, SCAP_BLOCK_USERS, 0, scap_encode_user, &host->users[i]);
	for (uint32_t i = 0; !r && i < host->n_groups; i++)
		r = PUT_ENTRY(w, SCAP_BLOCK_USERS, 0, scap_encode_group, &host->groups[i]);
	return r;
}

/* A thread's own facts leave out what it shares with its process. */
static void complete_thread(struct task_facts *thread, const struct task_facts *process)
{
	if (!process || !thread->is_thread)
		return;
	thread->exe = process->exe;
	thread->args = process->args;
	thread->env = process->env;
	if (!thread->exepath.len)
		thread->exepath = process->exepath;
	if (!thread->cwd.len)
		thread->cwd = process->cwd;
	if (!thread->root.len)
		thread->root = process->root;
	if (!thread->cgroups.len)
		thread->cgroups = process->cgroups;
}

int scap_writer_scan(struct scap_writer *w, const struct event *ev,
		     const struct task_facts *process)
{
	if (w->has_events) {
		w->counters.left_out[SCAP_OUT_LATE_SCAN]++;
		return 0;
	}
	if (ev->task) {
		struct task_facts task = *ev->task;

		complete_thread(&task, process);
		w->counters.tasks_total++;
		set_bit(w->tids, task.tid);
		return PUT_ENTRY(w, SCAP_BLOCK_PROCESSES, 0, scap_encode_task, &task);
	}
	if (ev->fd < 0 || (!ev->file && !ev->sock))
		return 0;
	if (!bit_is_set(w->tids, ev->tgid)) {
		w->counters.left_out[SCAP_OUT_NO_TASK]++;
		return 0;
	}
	w->counters.fds_total++;
	return PUT_ENTRY(w, SCAP_BLOCK_FDS, ev->tgid, scap_encode_fd, ev);
}

static int write_block(struct scap_writer *w, const struct scap_event *event)
{
	scap_block_begin(&w->block, event->flags ? SCAP_BLOCK_EVENT_FLAGS : SCAP_BLOCK_EVENT);
	scap_encode_event(&w->block, event, &w->counters.clipped_total);
	w->has_events = true;
	return end_block(w);
}

/* The enter event of the pair that ends with capture type id; -1: none. */
static int enter_of(uint16_t id)
{
	const struct scap_type *leave = scap_type(id), *enter = scap_type(id - 1u);

	if (leave->role != SCAP_EXIT || enter->role != SCAP_ENTER || enter->event != leave->event)
		return -1;
	return id - 1;
}

/* A new task returns from the call without having made it. */
static bool is_new_task(const struct event *ev)
{
	return scap_is_task_event(ev->type) && ev->type != EVENT_EXECVE &&
	       ev->type != EVENT_EXECVEAT && ev->task && ev->res == 0;
}

/* Both events of a call: readers of 2022 take descriptors and names from the first. */
static int write_pair(struct scap_writer *w, const struct event *ev, uint16_t id, uint32_t flags)
{
	struct scap_event event = {.ts_ns = ev->ts_ns,
				   .tid = ev->tid,
				   .cpu = ev->cpu,
				   .id = id,
				   .flags = flags,
				   .params = w->params};
	struct param execveat[3];
	int enter = enter_of(id), r = 0;

	if (enter >= 0 && !is_new_task(ev)) {
		event.id = (uint16_t)enter;
		if (ev->type == EVENT_EXECVEAT) {
			scap_complete_execveat_enter(execveat, ev, &w->room);
			event.params = execveat;
			event.is_positional = true;
		}
		r = write_block(w, &event);
		event.params = w->params;
		event.is_positional = false;
	}
	event.id = id;
	return r ? r : write_block(w, &event);
}

static int write_shadow(struct scap_writer *w, const struct event *ev)
{
	struct param params[EVENT_PARAMS_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(shadows); i++) {
		if (shadows[i].event != ev->type || event_failed(ev))
			continue;
		memcpy(params, w->params, sizeof(params));
		for (unsigned n = shadows[i].n_params; n < EVENT_PARAMS_MAX; n++)
			w->params[n].is_present = false;
		r = write_pair(w, ev, shadows[i].id, SCAP_FLAG_STATE_ONLY);
		memcpy(w->params, params, sizeof(params));
	}
	return r;
}

/* Why an event cannot be said in the format; SCAP_OUT_END: it can. */
static enum scap_left_out why_not(const struct scap_writer *w, const struct event *ev)
{
	const struct scap_type *type = scap_type(w->ids[ev->type]);
	const struct param *code;

	if (!type || type->event != (int)ev->type || type->flags & SCAP_LARGE ||
	    type->role == SCAP_UNUSED || ev->type == EVENT_PROCINFO)
		return SCAP_OUT_INTERNAL;
	if (ev->type != EVENT_GENERIC)
		return SCAP_OUT_END;
	code = event_param(ev, GENERIC_ID);
	return code && code->u64 > 0 && code->u64 <= SCAP_GENERIC_MAX ? SCAP_OUT_END
								      : SCAP_OUT_GENERIC;
}

int scap_writer_event(struct scap_writer *w, const struct event *ev,
		      const struct task_facts *process, bool is_shown)
{
	enum scap_left_out reason = why_not(w, ev);
	int r = end_list(w);

	if (r)
		return r;
	if (reason != SCAP_OUT_END) {
		w->counters.left_out[reason]++;
		return 0;
	}
	scap_complete(w->params, ev, process, &w->room);
	r = write_shadow(w, ev);
	if (!r)
		r = write_pair(w, ev, w->ids[ev->type], is_shown ? 0 : SCAP_FLAG_STATE_ONLY);
	if (is_shown)
		w->counters.events_total++;
	else
		w->counters.state_only_total++;
	return r;
}

bool scap_writer_is_state(enum event_type type)
{
	return event_info(type)->flags &
	       (EVENT_CREATES_FD | EVENT_DESTROYS_FD | EVENT_MODIFIES_STATE);
}

bool scap_writer_wants_process(enum event_type type)
{
	return scap_complete_wants_process(type);
}

/* The only thing the format has for losses: sampling went on and off. Its ratio is one in so many
 * events; readers show neither. */
static int write_drop(struct scap_writer *w, uint64_t ts_ns)
{
	enum { DROP_ON = 148, DROP_OFF = 149 };
	struct param ratio = {.u64 = 1, .is_present = true};
	struct scap_event event = {
		.ts_ns = ts_ns, .tid = -1, .id = DROP_ON, .is_positional = true, .params = &ratio};
	int r = end_list(w);

	if (!r)
		r = write_block(w, &event);
	event.id = DROP_OFF;
	return r ? r : write_block(w, &event);
}

int scap_writer_drop(struct scap_writer *w, uint64_t ts_ns, uint64_t n)
{
	w->counters.drops_total += n;
	return write_drop(w, ts_ns);
}

void scap_writer_hurry(struct scap_writer *w)
{
	scap_file_hurry(w->file);
}

int scap_writer_flush(struct scap_writer *w)
{
	return scap_file_flush(w->file);
}

int scap_writer_close(struct scap_writer *w, uint64_t now_ns)
{
	int r = end_list(w);

	if (!r && !w->has_events)
		r = write_drop(w, now_ns);
	return r ? r : scap_file_sync(w->file);
}

void scap_writer_counters(const struct scap_writer *w, struct scap_writer_counters *out)
{
	*out = w->counters;
	out->bytes_total = scap_file_bytes(w->file);
}

const char *scap_left_out_text(enum scap_left_out reason)
{
	static const char *const texts[SCAP_OUT_END] = {
		[SCAP_OUT_GENERIC] = "calls that older readers cannot take",
		[SCAP_OUT_LATE_SCAN] = "tasks and descriptors found late",
		[SCAP_OUT_NO_TASK] = "descriptors of unknown tasks",
		[SCAP_OUT_INTERNAL] = "events that a capture has no type for",
	};

	return texts[reason];
}
