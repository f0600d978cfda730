#include "daemon/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "capture/scap_host.h"
#include "daemon/needs.h"
#include "filter/filter.h"
#include "state/state.h"

#define ARENA_BYTES (256 * 1024)
#define BATCH_MAX 2048
#define WAIT_MS 20
#define NS_PER_S UINT64_C(1000000000)
#define FLUSH_NS NS_PER_S        /* what a killed recorder loses at most */
#define FINISH_NS (2 * NS_PER_S) /* for what still lies in the rings */

struct recorder {
	struct field_set fields;
	struct filter *filter; /* NULL: everything */
	struct state *state;
	struct source *source;
	struct scap_writer *writer;
	struct arena arena;
	struct source_counters counters;
	const char *path;
	uint64_t flushed_ns; /* monotonic */
	uint64_t first_event_ns, last_event_ns, lost_total;
};

/* Everything that can be captured, but for what comes with every switch and fault; with a filter
 * its events and those that readers need to know processes and descriptors. */
static void choose_events(const struct filter *filter, struct event_set *out)
{
	static const enum event_type too_many[] = {EVENT_SWITCH, EVENT_PAGE_FAULT};

	*out = (struct event_set){0};
	if (filter) {
		*out = *filter_event_set(filter);
	} else {
		memset(out->types, 0xff, sizeof(out->types));
		memset(out->syscalls, 0xff, sizeof(out->syscalls));
		for (size_t i = 0; i < ARRAY_SIZE(too_many); i++)
			out->types[too_many[i] / 64] &= ~(UINT64_C(1) << (too_many[i] % 64));
	}
	for (uint32_t i = 0; i < EVENT_TYPE_END; i++) {
		if (scap_writer_is_state((enum event_type)i))
			out->types[i / 64] |= UINT64_C(1) << (i % 64);
	}
}

static int make_state(struct recorder *rec, const struct recorder_config *config)
{
	struct state_config state = {
		.processes_max = config->processes_max,
		.fds_per_process_max = config->fds_per_process_max,
		.boot_epoch_ns = clock_real_ns() - clock_boot_ns(),
		.host_root = "/",
	};
	int r = state_create(&rec->state, &state);

	return r ? r : arena_init(&rec->arena, ARENA_BYTES);
}

static int make_source(struct recorder *rec, const struct recorder_config *config)
{
	struct live_config live = {.buffer_bytes = config->buffer_bytes, .own_tgid = getpid()};
	struct capture_needs needs;
	struct event_set wanted;
	int r = live_source_create(&rec->source, &live);

	if (r)
		return r;
	/* Opens are recorded under the names that the kernel resolved, and a file has no place for
	 * what name servers answered. */
	needs_all(&needs, NEEDS_DATA_BYTES);
	needs.typed_names = false;
	needs.answers = false;
	r = source_set_needs(rec->source, &needs);
	if (r)
		return r;
	choose_events(rec->filter, &wanted);
	return rec->source->ops->set_wanted(rec->source, wanted.types, wanted.syscalls);
}

static int begin_file(struct recorder *rec)
{
	SCOPED(scap_host_destroy) struct scap_host *host = NULL;
	int r = scap_host_create(&host);

	if (!r)
		r = scap_writer_create(&rec->writer, rec->path);
	if (!r)
		r = scap_writer_host(rec->writer, scap_host_machine(host), scap_host_facts(host));
	return r;
}

void recorder_destroy(struct recorder **recorder)
{
	struct recorder *rec = *recorder;

	if (!rec)
		return;
	source_destroy(&rec->source);
	scap_writer_destroy(&rec->writer);
	filter_destroy(&rec->filter);
	state_destroy(&rec->state);
	arena_done(&rec->arena);
	free(rec);
	*recorder = NULL;
}

/* A process as the state has it, in the form of the capture's facts. */
static struct task_facts facts_of(const struct process *p)
{
	return (struct task_facts){
		.tid = p->pid,
		.tgid = p->pid,
		.parent_tgid = p->ppid,
		.vtid = p->vpid,
		.vpid = p->vpid,
		.sid = p->sid,
		.pgid = p->pgid,
		.vpgid = p->vpgid,
		.euid = p->euid,
		.egid = p->egid,
		.loginuid = p->loginuid,
		.tty = p->tty,
		.fd_limit = p->fd_limit,
		.vm_size_kb = p->vm_size_kb,
		.vm_rss_kb = p->vm_rss_kb,
		.vm_swap_kb = p->vm_swap_kb,
		.comm = p->comm,
		.exe = p->exe,
		.exepath = p->exepath,
		.args = p->args,
		.env = p->env,
		.cwd = p->cwd,
		.root = p->root,
		.cgroups = p->cgroups,
		.exe_flags = p->exe_flags,
		.exe_ino = p->exe_ino,
		.exe_ctime_ns = p->exe_ctime_ns,
		.exe_mtime_ns = p->exe_mtime_ns,
		.cap_inheritable = p->cap_inheritable,
		.cap_permitted = p->cap_permitted,
		.cap_effective = p->cap_effective,
	};
}

/* Whose facts stand in for what the event leaves out: the new process's, which has what it
 * inherited, or the actor's. */
static const struct process *process_of(const struct recorder *rec, const struct event *ev,
					const struct subject *subject)
{
	if (ev->task)
		return state_find_process(rec->state, ev->task->tgid, 0);
	return subject->process;
}

static bool matches(struct recorder *rec, const struct event *ev, const struct subject *subject)
{
	struct field_context ctx = {.event = ev,
				    .subject = subject,
				    .state = rec->state,
				    .arena = &rec->arena,
				    .first_event_ns = rec->first_event_ns};

	if (!rec->filter)
		return true;
	if (!subject->process)
		return false;
	arena_reset(&rec->arena);
	return filter_eval(rec->filter, &ctx);
}

static int record_event(struct recorder *rec, const struct event *ev)
{
	const struct process *process = NULL;
	struct task_facts facts;
	struct subject subject;
	bool is_shown, is_scan = ev->quality & EVENT_STATE_ONLY;
	int r = state_apply(rec->state, ev, &subject);

	if (r && r != -ENOMEM)
		return r;
	rec->last_event_ns = MAX(rec->last_event_ns, ev->ts_ns);
	if (ev->scan)
		return 0; /* what a rescan found is in the state, from which the file is filled */
	if (is_scan || scap_writer_wants_process(ev->type))
		process = process_of(rec, ev, &subject);
	if (process)
		facts = facts_of(process);
	if (is_scan)
		return scap_writer_scan(rec->writer, ev, process ? &facts : NULL);
	if (!rec->first_event_ns)
		rec->first_event_ns = ev->ts_ns;
	is_shown = matches(rec, ev, &subject);
	if (!is_shown && !scap_writer_is_state(ev->type))
		return 0;
	return scap_writer_event(rec->writer, ev, process ? &facts : NULL, is_shown);
}

/* What was there before comes first. Command lines are read from /proc meanwhile: taking it all at
 * once leaves the least time for processes to end before. */
static int take_scan(struct recorder *rec)
{
	const struct event *ev;
	bool is_scan = true;
	int r;

	while (is_scan && (r = source_next(rec->source, &ev)) != 0) {
		if (r < 0)
			return r;
		is_scan = ev->quality & EVENT_STATE_ONLY;
		r = record_event(rec, ev);
		if (r)
			return r;
	}
	return 0;
}

int recorder_create(struct recorder **out, const struct recorder_config *config, struct diag *diag)
{
	SCOPED(recorder_destroy) struct recorder *rec = calloc(1, sizeof(*rec));
	int r = 0;

	if (!rec)
		return -ENOMEM;
	rec->path = config->path;
	rec->fields = (struct field_set){.n_tables = 1, .tables = {state_field_table()}};
	if (config->filter)
		r = filter_compile(&rec->filter, text_from(config->filter), &rec->fields, diag);
	if (!r)
		r = make_state(rec, config);
	if (!r)
		r = make_source(rec, config);
	if (!r)
		r = begin_file(rec);
	if (!r)
		r = take_scan(rec);
	if (r)
		return r;
	*out = TAKE(rec);
	return 0;
}

/* Losses have a place in the file too: before what comes next. */
static int note_losses(struct recorder *rec)
{
	uint64_t lost;

	rec->source->ops->counters(rec->source, &rec->counters);
	lost = rec->counters.dropped_total + rec->counters.recursion_missed_total;
	if (lost == rec->lost_total)
		return 0;
	lost -= rec->lost_total;
	rec->lost_total += lost;
	return scap_writer_drop(rec->writer, rec->last_event_ns, lost);
}

/* Now and then: losses, what a kill must not take away, names of users. */
static int rest(struct recorder *rec, uint64_t now_ns)
{
	int r = 0;

	if (now_ns - rec->flushed_ns < FLUSH_NS)
		return 0;
	rec->flushed_ns = now_ns;
	state_tick(rec->state, rec->last_event_ns);
	if (rec->first_event_ns)
		r = note_losses(rec);
	return r ? r : scap_writer_flush(rec->writer);
}

int recorder_step(struct recorder *rec)
{
	const struct event *ev;
	int r = 0, n = 0;

	while (n < BATCH_MAX && (r = source_next(rec->source, &ev)) > 0) {
		r = record_event(rec, ev);
		if (r)
			return r;
		n++;
	}
	if (r >= 0)
		r = rest(rec, clock_monotonic_ns());
	if (!r && n < BATCH_MAX)
		rec->source->ops->wait(rec->source, WAIT_MS);
	return r;
}

/* The rings give events out a moment after they happened, in the order of their time. */
static int take_until(struct recorder *rec, uint64_t end_boot_ns)
{
	uint64_t give_up_ns = clock_monotonic_ns() + FINISH_NS;
	const struct event *ev;
	int r;

	while (clock_monotonic_ns() < give_up_ns) {
		r = source_next(rec->source, &ev);
		if (r < 0)
			return r;
		if (r == 0 && clock_boot_ns() > end_boot_ns + NS_PER_S / 10)
			return 0;
		if (r == 0) {
			rec->source->ops->wait(rec->source, WAIT_MS);
			continue;
		}
		if (ev->boot_ns > end_boot_ns)
			return 0;
		r = record_event(rec, ev);
		if (r)
			return r;
	}
	log_warn(
		"record: events came faster than they could be written: the last ones are not in the file");
	return 0;
}

int recorder_finish(struct recorder *rec)
{
	int r;

	scap_writer_hurry(rec->writer);
	r = take_until(rec, clock_boot_ns());
	if (!r)
		r = note_losses(rec);
	return r ? r : scap_writer_close(rec->writer, clock_real_ns());
}

/* Which events the kernel's buffers had no room for. */
static void print_lost(const struct source_counters *counters)
{
	for (int i = 0; i < EVENT_TYPE_END; i++) {
		if (counters->by_type[i].dropped)
			fprintf(stderr, "ethogram: lost: %" PRIu64 " of %s\n",
				counters->by_type[i].dropped, event_info((enum event_type)i)->name);
	}
}

void recorder_print_summary(const struct recorder *rec)
{
	struct scap_writer_counters c;

	scap_writer_counters(rec->writer, &c);
	fprintf(stderr,
		"ethogram: recorded %" PRIu64 " events, %" PRIu64 " for state only, in %" PRIu64
		" bytes; %" PRIu64 " processes and threads and %" PRIu64
		" descriptors were there before\n",
		c.events_total, c.state_only_total, c.bytes_total, c.tasks_total, c.fds_total);
	fprintf(stderr,
		"ethogram: %" PRIu64 " events lost, %" PRIu64
		" of the recorder itself left out, %" PRIu64 " texts cut at the format's limits\n",
		rec->lost_total, rec->counters.own_skipped_total, c.clipped_total);
	print_lost(&rec->counters);
	for (int i = 0; i < SCAP_OUT_END; i++) {
		if (c.left_out[i])
			fprintf(stderr, "ethogram: left out: %" PRIu64 " %s\n", c.left_out[i],
				scap_left_out_text((enum scap_left_out)i));
	}
}
