#include "capture/live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/call_class.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "capture/calls.h"
#include "capture/decode.h"
#include "capture/demand_hooks.h"
#include "capture/doorbell.h"
#include "capture/event_clock.h"
#include "capture/loading.h"
#include "capture/repairer.h"
#include "capture/ring_hooks.h"
#include "capture/rings.h"
#include "capture/scan.h"
#include "capture/socketcall.h"
#include "capture/uring.h"
#include "capture_bpf.skel.h"

#define RING_BYTES_MIN (UINT64_C(256) << 10)
#define RING_BYTES_MAX (UINT64_C(1) << 30)
#define SLEEP_MIN_NS UINT64_C(100000)
#define SLEEP_MAX_NS UINT64_C(50000000)
/* Asleep longer, and to be woken by the doorbell, after so many of the longest sleeps in a row that
 * brought next to nothing. */
#define DOZE_AFTER 20
#define DOZE_EVENTS_MAX 16
#define SLEEP_PENDING_NS UINT64_C(5000000)
#define SAMPLE_EVERY_NS UINT64_C(1000000000)

/* Which classes are wanted, by event type and by number. */
struct call_filter_words {
	uint32_t types[EVENT_TYPE_END];
	uint32_t syscalls[WIRE_NR_END];
};

#define TYPE_WORDS ((EVENT_TYPE_END + 63) / 64)
#define SYSCALL_WORDS (WIRE_NR_END / 64)
struct live {
	struct source base;
	struct capture_bpf *bpf;
	struct demand_hooks hooks;
	struct rings *rings;
	struct uring *uring;
	bool sees_rings;   /* requests of io_uring rings are reported */
	struct scan *scan; /* until it has all been delivered */
	struct repairer repairer;
	void *memory;
	size_t memory_bytes, stride;
	uint32_t n_cpus;
	uint64_t ring_bytes;
	int wake_fd;
	struct doorbell *doorbell;
	uint32_t doze_events; /* see struct live_config */
	int question_fd;      /* readable when somebody asks; -1 none; borrowed */
	uint64_t sleep_ns;
	uint32_t quiet_sleeps;   /* in a row */
	uint64_t events_at_wait; /* events_total when the last sleep began */
	uint64_t begin_ns;       /* boot time before anything was attached */
	struct event_clock clock;
	uint64_t events_total, reordered_total, bad_total;
	uint64_t seen[EVENT_TYPE_END];
	struct call_filter_words classes;
	bool classes_grew;            /* since the last set_wanted */
	uint64_t bad[EVENT_TYPE_END]; /* records of that type that could not be decoded */
	uint64_t shed_types[TYPE_WORDS], shed_syscalls[SYSCALL_WORDS];
	uint64_t wanted_types[NEEDS_WORDS], wanted_calls[WIRE_NR_END / 64];
	struct capture_needs needs;
	struct decoder decoder;
};

static struct live *live_of(const struct source *source)
{
	return (struct live *)source;
}

/* Give the decoded event its number and time. */
static const struct event *finish_event(struct live *live, bool is_late)
{
	struct event *ev = &live->decoder.event;

	ev->num = ++live->events_total;
	ev->ts_ns = event_clock_ts(&live->clock, ev->boot_ns);
	if (is_late) {
		ev->quality |= EVENT_REORDERED;
		live->reordered_total++;
	}
	if (live->sees_rings && (ev->type == EVENT_IO_URING_SETUP || ev->type == EVENT_PROCINFO))
		ev->quality |= EVENT_RINGS_ARE_SEEN;
	live->seen[ev->type]++;
	return ev;
}

static const enum event_type kind_types[WIRE_KIND_END] = {
	[WIRE_EXEC] = EVENT_EXECVE,
	[WIRE_FORK] = EVENT_CLONE,
	[WIRE_EXIT] = EVENT_PROCEXIT,
	[WIRE_TASK] = EVENT_PROCINFO,
	[WIRE_FD] = EVENT_PROCINFO,
	[WIRE_RING_ASK] = EVENT_IO_URING_ENTER,
	[WIRE_RING_DONE] = EVENT_IO_URING_ENTER,
	[WIRE_SIGNAL] = EVENT_SIGNALDELIVER,
	[WIRE_FAULT] = EVENT_PAGE_FAULT,
};

/* The type that a record would have become. */
static enum event_type type_of(const struct live *live, const struct wire_header *header)
{
	if (header->kind != WIRE_CALL)
		return header->kind < WIRE_KIND_END ? kind_types[header->kind] : EVENT_PROCINFO;
	return header->nr < WIRE_NR_END
		       ? live->decoder.types[!!(header->flags & WIRE_IS_32BIT)][header->nr]
		       : EVENT_GENERIC;
}

static bool decode(struct live *live, const struct wire_header *header)
{
	struct record record;

	if (header->kind == WIRE_RING_ASK || header->kind == WIRE_RING_DONE) {
		header = uring_take(live->uring, header, live->bpf->bss->want_raw_names);
		if (!header)
			return false;
	}
	if (record_parse(&record, header, header->len) || decode_record(&live->decoder, &record)) {
		live->bad_total++;
		live->bad[type_of(live, header)]++;
		return false;
	}
	return true;
}

/* Records of the scan have the time at which capture began: before anything in the rings. */
static const struct event *next_of_scan(struct live *live)
{
	while (live->scan) {
		const struct wire_header *header = scan_next(live->scan);

		if (!header) {
			scan_destroy(&live->scan);
		} else if (decode(live, header)) {
			live->decoder.event.boot_ns = live->begin_ns;
			return finish_event(live, false);
		}
	}
	return NULL;
}

static void sample_clock(struct live *live, uint64_t now_ns)
{
	if (live->clock.sampled_ns && now_ns - live->clock.sampled_ns < SAMPLE_EVERY_NS)
		return;
	event_clock_sample(&live->clock, clock_boot_ns(), clock_real_ns());
	live->decoder.real_offset_ns = (uint64_t)live->clock.offset_ns;
}

/* Its turn has come. */
static const struct event *take_rescan(struct live *live, const struct rescan_record *record)
{
	struct event *ev = &live->decoder.event;
	bool is_good = true;

	if (record->header)
		is_good = decode(live, record->header);
	else
		*ev = (struct event){.type = EVENT_PROCINFO,
				     .quality = EVENT_STATE_ONLY,
				     .nr = UINT16_MAX,
				     .tid = -1,
				     .tgid = -1,
				     .fd = -1};
	repairer_take(&live->repairer);
	if (!is_good)
		return NULL;
	ev->scan = (uint8_t)record->what;
	ev->boot_ns = record->boot_ns;
	return finish_event(live, false);
}

static void refresh(struct live *live)
{
	uint64_t now_ns = clock_boot_ns();

	sample_clock(live, now_ns);
	repairer_look(&live->repairer, live->bad_total);
	rings_refresh(live->rings, now_ns);
}

/* Events of the rings up to the rescan's next record, that record when it cannot be preceded any
 * more, and so on. */
static const struct event *next_in_order(struct live *live)
{
	struct rescan_record record = {.boot_ns = UINT64_MAX};
	const struct event *ev = NULL;

	while (!ev) {
		bool has_record = repairer_peek(&live->repairer, &record), is_late;
		uint64_t until_ns = has_record ? record.boot_ns : UINT64_MAX;
		const struct wire_header *header = rings_next(live->rings, until_ns, &is_late);

		if (header)
			ev = decode(live, header) ? finish_event(live, is_late) : NULL;
		else if (has_record && record.boot_ns <= rings_watermark(live->rings))
			ev = take_rescan(live, &record);
		else
			break;
	}
	return ev;
}

static int live_next(struct source *source, const struct event **out)
{
	struct live *live = live_of(source);

	*out = live->scan ? next_of_scan(live) : NULL;
	if (!*out)
		*out = next_in_order(live);
	if (!*out) {
		refresh(live);
		*out = next_in_order(live);
	}
	return *out != NULL;
}

/* How long it may sleep when there is a rescan to do. */
static uint64_t sleep_max_ns(const struct live *live)
{
	if (live->repairer.rescan)
		return SLEEP_MIN_NS;
	return repairer_is_busy(&live->repairer) ? SLEEP_PENDING_NS : SLEEP_MAX_NS;
}

/* Sleep longer while the rings stay nearly empty, shorter when one fills up. */
static void adapt_sleep(struct live *live)
{
	uint32_t fill = rings_fill(live->rings);

	if (fill > 1024 / 4)
		live->sleep_ns = MAX(live->sleep_ns / 2, SLEEP_MIN_NS);
	else if (fill < 1024 / 16)
		live->sleep_ns = MIN(live->sleep_ns * 2, SLEEP_MAX_NS);
}

static bool may_doze(struct live *live)
{
	bool is_quiet = live->sleep_ns == SLEEP_MAX_NS &&
			live->events_total - live->events_at_wait < live->doze_events;

	live->events_at_wait = live->events_total;
	live->quiet_sleeps =
		is_quiet && !repairer_is_busy(&live->repairer) ? live->quiet_sleeps + 1 : 0;
	return live->quiet_sleeps > DOZE_AFTER;
}

/* Whether somebody wants something. */
static bool sleep_for(struct live *live, uint64_t ns)
{
	return doorbell_wait(live->doorbell, live->wake_fd, live->question_fd, ns);
}

/* One long sleep. Armed first, then looked: what came before is seen, what comes later rings. */
static void doze(struct live *live, uint64_t ns)
{
	rings_arm(live->rings, true);
	if (!rings_have_more(live->rings) && sleep_for(live, ns))
		live->quiet_sleeps = DOZE_AFTER / 2;
	rings_arm(live->rings, false);
}

static void live_wait(struct source *source, int timeout_ms)
{
	struct live *live = live_of(source);
	uint64_t deadline_ns = clock_monotonic_ns() + (uint64_t)timeout_ms * 1000000;

	adapt_sleep(live);
	if (may_doze(live)) {
		doze(live, (uint64_t)timeout_ms * 1000000);
		return;
	}
	do {
		uint64_t now_ns = clock_monotonic_ns();
		uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;

		if (sleep_for(live, MIN(left_ns, MIN(live->sleep_ns, sleep_max_ns(live)))) ||
		    rings_have_more(live->rings) || repairer_is_busy(&live->repairer))
			return;
		if (live->sleep_ns == SLEEP_MAX_NS && ++live->quiet_sleeps > DOZE_AFTER)
			return;
		live->sleep_ns = MIN(live->sleep_ns * 2, SLEEP_MAX_NS);
	} while (clock_monotonic_ns() < deadline_ns);
}

void live_source_watch(struct source *source, int fd)
{
	live_of(source)->question_fd = fd;
}

static bool bit_is_set(const uint64_t *words, uint32_t bit)
{
	return words[bit / 64] >> (bit % 64) & 1;
}

static bool is_shed(const struct live *live, const struct syscall_info *call)
{
	if (call->event != EVENT_GENERIC)
		return bit_is_set(live->shed_types, call->event);
	return call->nr64 >= 0 && call->nr64 < WIRE_NR_END &&
	       bit_is_set(live->shed_syscalls, (uint32_t)call->nr64);
}

/* What of a call is wanted. Where the kernel cannot tell an open's detail, all of them. */
static uint64_t call_filter(const struct live *live, const struct syscall_info *call)
{
	uint32_t wanted = live->classes.types[call->event], classes = 0;
	uint64_t detail = call_detail_source(call), filter;

	if (call->event == EVENT_GENERIC)
		wanted = call->nr64 >= 0 && call->nr64 < WIRE_NR_END
				 ? live->classes.syscalls[call->nr64]
				 : CALL_CLASSES_ALL;
	for (uint32_t outcome = 0; outcome < CALL_OUTCOME_END; outcome++) {
		if (wanted & CALL_CLASSES(outcome))
			classes |= CALL_CLASSES(outcome);
	}
	if (live->needs.answers && call_answers(call))
		classes |= CALL_CLASSES(CALL_SUCCEEDED);
	filter = detail ? wanted | detail : classes;
	return is_shed(live, call) ? filter | WIRE_SHED : filter;
}

static void set_filter(struct live *live, bool is_32bit, int nr, uint64_t filter)
{
	if (nr >= 0 && nr < WIRE_NR_END)
		__atomic_store_n(&live->bpf->bss->call_filters[is_32bit][nr], filter,
				 __ATOMIC_RELEASE);
}

/* What a ring may ask for is wanted when the call that does the same is. */
static void want_ring_calls(struct live *live)
{
	const struct uring_op *ops;
	uint32_t n;

	ops = uring_ops(&n);
	for (uint32_t i = 0; i < n; i++) {
		const struct syscall_info *call = syscall_by_name(text_from(ops[i].call));
		bool is_wanted = live->bpf->bss->recipes[0][call->nr64] != 0;

		live->bpf->bss->ring_calls[ops[i].op] = is_wanted ? (uint16_t)(call->nr64 + 1) : 0;
	}
}

/* The recipe of a call that is wanted; those whose events state needs, too, are captured as far as
 * state needs them unless they are asked for by number. */
static uint64_t recipe_of(const struct syscall_info *call, bool is_32bit, bool is_named)
{
	uint64_t recipe = call_recipe(call, is_32bit);

	return is_named ? recipe & ~(uint64_t)WIRE_STATE_ONLY : recipe;
}

/* What the kernel side does of one call under one of the two ABIs. A call that begins to be wanted
 * has its filter and its plan before its recipe. */
static void set_call(struct live *live, const struct syscall_info *call, int abi, int nr,
		     bool is_named, bool is_wanted)
{
	uint64_t filter = call_filter(live, call), recipe = recipe_of(call, abi, is_named);
	uint32_t plan;

	if (nr < 0 || nr >= WIRE_NR_END)
		return;
	is_wanted = call_plan(call, is_wanted && (uint32_t)filter, &live->needs, &recipe, &plan);
	set_filter(live, abi, nr, filter);
	__atomic_store_n(&live->bpf->bss->io_plans[abi][nr], plan, __ATOMIC_RELEASE);
	__atomic_store_n(&live->bpf->bss->recipes[abi][nr], is_wanted ? recipe : 0,
			 __ATOMIC_RELEASE);
}

/* nr32: under which number 32-bit callers make it. */
static void want_call(struct live *live, const struct syscall_info *call, int nr32)
{
	const struct syscall_info *twin = call_twin(call);
	bool is_named = twin && twin->nr64 < WIRE_NR_END &&
			bit_is_set(live->wanted_calls, (uint32_t)twin->nr64);
	bool is_wanted = is_named || (call->event != EVENT_GENERIC &&
				      bit_is_set(live->wanted_types, call->event));

	set_call(live, call, 0, call->nr64, is_named, is_wanted);
	set_call(live, call, 1, nr32, is_named, is_wanted);
}

static void set_calls(struct live *live)
{
	const struct syscall_info *calls;
	uint32_t n;

	calls = syscall_table(&n);
	for (uint32_t i = 0; i < n; i++)
		want_call(live, &calls[i], calls[i].nr32);
	for (uint32_t i = 1; i < WIRE_SOCKETCALLS; i++)
		want_call(live, socketcall_info(i), (int)(WIRE_SOCKETCALL_NR + i));
	live->bpf->bss->want_raw_names = live->needs.typed_names;
	want_ring_calls(live);
	demand_hooks_set(&live->hooks, live->bpf, live->wanted_types);
}

/* Whether any bit of before is not in now. */
static bool has_fewer(const uint64_t *before, const uint64_t *now, uint32_t n_words)
{
	for (uint32_t i = 0; i < n_words; i++) {
		if (before[i] & ~(now ? now[i] : 0))
			return true;
	}
	return false;
}

static int live_set_wanted(struct source *source, const uint64_t *event_types,
			   const uint64_t *syscalls)
{
	struct live *live = live_of(source);
	/* What was not captured until now is not known. */
	bool is_behind = live->classes_grew ||
			 has_fewer(event_types, live->wanted_types, TYPE_WORDS) ||
			 (syscalls && has_fewer(syscalls, live->wanted_calls, SYSCALL_WORDS));

	live->classes_grew = false;
	memcpy(live->wanted_types, event_types, sizeof(live->wanted_types));
	memset(live->wanted_calls, 0, sizeof(live->wanted_calls));
	if (syscalls)
		memcpy(live->wanted_calls, syscalls, sizeof(live->wanted_calls));
	set_calls(live);
	if (is_behind)
		rescan_plan_now(&live->repairer.plan);
	return 0;
}

void live_source_set_classes(struct source *source, const uint32_t types[EVENT_TYPE_END],
			     const uint32_t syscalls[WIRE_NR_END])
{
	struct live *live = live_of(source);

	for (uint32_t i = 0; i < EVENT_TYPE_END; i++)
		live->classes_grew |= (types[i] & ~live->classes.types[i]) != 0;
	for (uint32_t i = 0; i < WIRE_NR_END; i++)
		live->classes_grew |= (syscalls[i] & ~live->classes.syscalls[i]) != 0;
	memcpy(live->classes.types, types, sizeof(live->classes.types));
	memcpy(live->classes.syscalls, syscalls, sizeof(live->classes.syscalls));
}

void live_source_set_shed(struct source *source, const uint64_t *event_types,
			  const uint64_t *syscalls)
{
	struct live *live = live_of(source);
	/* State missed what comes back. */
	bool is_behind = has_fewer(live->shed_types, event_types, TYPE_WORDS) ||
			 has_fewer(live->shed_syscalls, syscalls, SYSCALL_WORDS);
	const struct syscall_info *calls;
	uint32_t n;

	memset(live->shed_types, 0, sizeof(live->shed_types));
	memset(live->shed_syscalls, 0, sizeof(live->shed_syscalls));
	if (event_types)
		memcpy(live->shed_types, event_types, sizeof(live->shed_types));
	if (syscalls)
		memcpy(live->shed_syscalls, syscalls, sizeof(live->shed_syscalls));
	calls = syscall_table(&n);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t filter = call_filter(live, &calls[i]);

		set_filter(live, false, calls[i].nr64, filter);
		set_filter(live, true, calls[i].nr32, filter);
	}
	for (uint32_t i = 1; i < WIRE_SOCKETCALLS; i++)
		set_filter(live, true, (int)(WIRE_SOCKETCALL_NR + i),
			   call_filter(live, socketcall_info(i)));
	if (is_behind)
		rescan_plan_now(&live->repairer.plan);
}

static int live_set_needs(struct source *source, const struct capture_needs *needs)
{
	live_of(source)->needs = *needs;
	set_calls(live_of(source));
	return 0;
}

static void add_missed(const struct live *live, struct source_counters *out)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, live->bpf->obj)
	{
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);

		struct source_program_counters *counters = &out->programs[out->n_programs];

		if (bpf_program__fd(program) < 0 ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			continue;
		out->recursion_missed_total += info.recursion_misses;
		if (out->n_programs == SOURCE_PROGRAMS_MAX)
			continue;
		snprintf(counters->name, sizeof(counters->name), "%s", bpf_program__name(program));
		counters->missed = info.recursion_misses;
		out->n_programs++;
	}
}

static void add_lost(const struct live *live, uint32_t cpu, struct source_counters *out)
{
	const struct wire_ring *ring = rings_head_of(live->rings, cpu);
	uint64_t before = out->dropped_total;

	for (int abi = 0; abi < 2; abi++) {
		for (uint32_t nr = 0; nr < WIRE_NR_END; nr++) {
			uint64_t lost = ring->lost_calls[abi][nr];
			uint64_t shed = ring->shed_calls[abi][nr];

			if (!lost && !shed)
				continue;
			out->by_type[live->decoder.types[abi][nr]].dropped += lost;
			out->dropped_total += lost;
			out->by_type[live->decoder.types[abi][nr]].shed += shed;
			out->shed_total += shed;
		}
	}
	for (uint32_t kind = WIRE_EXEC; kind < WIRE_KIND_END; kind++) {
		out->by_type[kind_types[kind]].dropped += ring->lost_kinds[kind];
		out->dropped_total += ring->lost_kinds[kind];
	}
	out->dropped_by_cpu[MIN(cpu, SOURCE_CPUS_MAX - 1)] += out->dropped_total - before;
	out->own_skipped_total += ring->own_skipped_total;
}

static void live_counters(const struct source *source, struct source_counters *out)
{
	const struct live *live = live_of(source);
	struct uring_counters requests;

	uring_counters(live->uring, &requests);
	*out = (struct source_counters){
		.events_total = live->events_total,
		.reordered_total = live->reordered_total,
		.ring_bytes = live->n_cpus * live->ring_bytes,
		.map_bytes = live->memory_bytes,
		.doorbells_total = doorbell_rung_total(live->doorbell),
		.dropped_total = live->bad_total,
		.requests_evicted_total = requests.evicted_total,
		.rescans_total = live->repairer.rescans_total,
		.rescan_ns = live->repairer.took_ns,
		.rescan_pause_ns = live->repairer.longest_ns,
		.corrupt_total = live->bad_total + rings_corrupt_total(live->rings),
	};
	for (uint32_t i = 0; i < EVENT_TYPE_END; i++)
		out->by_type[i] = (struct source_type_counters){live->seen[i], live->bad[i]};
	for (uint32_t cpu = 0; cpu < live->n_cpus; cpu++)
		add_lost(live, cpu, out);
	add_missed(live, out);
}

static void live_wake(struct source *source)
{
	uint64_t one = 1;

	if (write(live_of(source)->wake_fd, &one, sizeof(one)) < 0)
		log_debug("capture: wake-up could not be sent");
}

static void live_free(struct live **live)
{
	struct live *l = *live;

	if (!l)
		return;
	demand_hooks_done(&l->hooks);
	capture_bpf__destroy(l->bpf); /* detaches first: no producer is left */
	scan_destroy(&l->scan);
	rescan_destroy(&l->repairer.rescan);
	uring_destroy(&l->uring);
	rings_destroy(&l->rings);
	if (l->memory)
		munmap(l->memory, l->memory_bytes);
	doorbell_destroy(&l->doorbell);
	close_fd(&l->wake_fd);
	free(l);
	*live = NULL;
}

static void live_destroy(struct source *source)
{
	struct live *live = live_of(source);

	live_free(&live);
}

static const struct source_ops live_ops = {
	.next = live_next,
	.wait = live_wait,
	.set_wanted = live_set_wanted,
	.set_needs = live_set_needs,
	.counters = live_counters,
	.wake = live_wake,
	.destroy = live_destroy,
};

/* The largest power of two that is at most each CPU's share. */
static uint64_t ring_bytes_for(uint64_t buffer_bytes, uint32_t n_cpus)
{
	uint64_t share = buffer_bytes / n_cpus, size = RING_BYTES_MIN;

	while (size * 2 <= share && size < RING_BYTES_MAX)
		size *= 2;
	return size;
}

/* Open and load with one way of reading kernel memory. */
static int load_with(struct live *live, const struct live_config *config, uint32_t read_mode)
{
	/* Where else libbpf (1.1) looks for a type that this kernel has not, the BTF of modules,
	 * takes CAP_SYS_ADMIN; none of ours is in one. */
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = LOADING_BTF);
	int r;

	live->stride = WIRE_RING_HEAD_BYTES + live->ring_bytes + WIRE_RING_SLACK;
	live->bpf = capture_bpf__open_opts(&opts);
	if (!live->bpf)
		return -errno;
	demand_hooks_choose(live->bpf);
	live->sees_rings = ring_hooks_choose(live->bpf, live->sees_rings);
	live->bpf->rodata->ring_mask = live->ring_bytes - 1;
	live->bpf->rodata->scan_ring = live->n_cpus;
	live->bpf->rodata->read_mode = read_mode;
	live->bpf->rodata->own_tgid = (uint32_t)config->own_tgid;
	r = bpf_map__set_max_entries(live->bpf->maps.rings, live->n_cpus + 1);
	if (!r)
		r = bpf_map__set_value_size(live->bpf->maps.rings, (uint32_t)live->stride);
	if (!r)
		r = capture_bpf__load(live->bpf);
	if (r) {
		capture_bpf__destroy(live->bpf);
		live->bpf = NULL;
	}
	return r;
}

/* From the best way of reading down to what this kernel takes. */
static int load_any(struct live *live, const struct live_config *config, uint32_t read_mode)
{
	int r = -EINVAL;

	for (int mode = (int)read_mode; r && r != -EPERM && mode >= 0; mode--)
		r = load_with(live, config, (uint32_t)mode);
	/* Maps' values were limited to 4 MiB once. */
	while (r == -E2BIG && live->ring_bytes > RING_BYTES_MIN) {
		live->ring_bytes /= 2;
		r = load_with(live, config, 0);
	}
	return r;
}

static int load(struct live *live, const struct live_config *config, uint32_t read_mode)
{
	libbpf_print_fn_t print;
	int r = libbpf_num_possible_cpus();

	if (r < 0)
		return log_err_r(r, "live capture: cannot read how many CPUs the host can have");
	live->n_cpus = (uint32_t)r;
	live->ring_bytes = ring_bytes_for(config->buffer_bytes, live->n_cpus);
	loading_raise_memlock();
	print = libbpf_set_print(loading_print);
	live->sees_rings = !config->without_rings;
	r = load_any(live, config, read_mode);
	if (r && r != -EPERM && live->sees_rings) {
		live->sees_rings = false;
		r = load_any(live, config, read_mode);
	}
	libbpf_set_print(print);
	if (!r && !live->sees_rings)
		log_info("live capture: what is asked for on io_uring rings is not seen here; "
			 "processes that make one are marked proc.is_blind");
	return r ? loading_refused(r) : 0;
}

static int map_rings(struct live *live)
{
	struct rings_config config = {
		.stride = live->stride,
		.n_cpus = live->n_cpus,
		.ring_bytes = live->ring_bytes,
	};

	live->memory_bytes = live->stride * (live->n_cpus + 1);
	config.memory = mmap(NULL, live->memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			     bpf_map__fd(live->bpf->maps.rings), 0);
	if (config.memory == MAP_FAILED)
		return log_err_r(-errno, "live capture: cannot map the buffers");
	live->memory = config.memory;
	return rings_create(&live->rings, &config);
}

static int attach(struct live *live)
{
	struct bpf_program *optional = live->bpf->progs.on_cgroup;
	int r;

	/* The iterators are run by the scan; a kernel without this tracepoint's type still works,
	 * then a move shows at the next fork or exec. */
	bpf_program__set_autoattach(live->bpf->progs.scan_task, false);
	bpf_program__set_autoattach(live->bpf->progs.scan_file, false);
	bpf_program__set_autoattach(optional, false);
	r = capture_bpf__attach(live->bpf);
	if (r)
		return log_err_r(r == -EPERM ? r : -EOPNOTSUPP,
				 "live capture: cannot attach to the tracepoints");
	live->bpf->links.on_cgroup = bpf_program__attach(optional);
	if (!live->bpf->links.on_cgroup)
		log_info("live capture: moves between cgroups are seen at the next exec only");
	return 0;
}

/* The order guarantees that nothing is lost between scan and capture; docs/proposals/
 * 20261121-loss-and-repair.md has the proof. First the programs, of which those of the life cycle
 * report at once: every task that is not older is in the rings. Then the scan: every older task. So
 * whoever makes a call later is known. Calls are reported from set_wanted() on; it is followed by a
 * rescan, merged by time, that corrects what changed between the scan and then. */
int live_source_create_reading(struct source **out, const struct live_config *config,
			       uint32_t read_mode)
{
	SCOPED(live_free) struct live *live = calloc(1, sizeof(*live));
	int r;

	if (!live)
		return -ENOMEM;
	live->base = (struct source){.ops = &live_ops, .name = "live", .is_live = true};
	memset(&live->classes, 0xff, sizeof(live->classes));
	live->sleep_ns = SLEEP_MIN_NS;
	live->question_fd = -1;
	live->doze_events = config->doze_events ? config->doze_events : DOZE_EVENTS_MAX;
	live->begin_ns = clock_boot_ns();
	decoder_init(&live->decoder);
	sample_clock(live, live->begin_ns);
	live->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (live->wake_fd < 0)
		return log_err_r(-errno, "live capture: cannot make a wake-up descriptor");
	r = uring_create(&live->uring);
	if (!r)
		r = load(live, config, read_mode);
	if (r)
		return r;
	r = map_rings(live);
	if (!r)
		r = doorbell_create(&live->doorbell, bpf_map__fd(live->bpf->maps.doorbell));
	if (!r)
		r = attach(live);
	live->repairer = (struct repairer){.programs = live->bpf,
					   .decoder = &live->decoder,
					   .rings = live->rings,
					   .n_cpus = live->n_cpus};
	if (!r)
		r = scan_create(&live->scan, live->bpf, live->begin_ns);
	if (r)
		return r;
	*out = &TAKE(live)->base;
	return 0;
}

int live_source_create(struct source **out, const struct live_config *config)
{
	return live_source_create_reading(out, config, LIVE_READ_MODES - 1);
}
