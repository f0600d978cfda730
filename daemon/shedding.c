#include "daemon/shedding.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/event_table.h"
#include "base/util.h"
#include "filter/event_sets.h"

#define SAMPLES_MAX (SHED_WINDOW_S + 1)
#define SAMPLE_EVERY_NS UINT64_C(950000000)
#define RETURN_BELOW 0.8           /* of the limit */
#define EVENT_COST_NS_MAX 100000.0 /* of one event: beyond, the load was something else */

struct shedding {
	double limit, ratio;
	uint32_t level;
	bool has_events[SHED_STEP_END]; /* wanted ones */
	struct shedding_input samples[SAMPLES_MAX];
	uint32_t n_samples;
	double event_cost_ns; /* when something was last left out */
	uint32_t calm;        /* looks in a row at which a step could have come back */
};

static const char *const step_names[SHED_STEP_END] = {
	[SHED_IO] = "io",       [SHED_WAITS] = "waits",
	[SHED_OTHER] = "other", [SHED_DESCRIPTORS] = "descriptors",
	[SHED_OPENS] = "opens", [SHED_FILES] = "files",
	[SHED_NET] = "net",
};

static const enum shed_step by_category[] = {
	[CATEGORY_OTHER] = SHED_OTHER,    [CATEGORY_FILE] = SHED_FILES,
	[CATEGORY_NET] = SHED_NET,        [CATEGORY_IPC] = SHED_DESCRIPTORS,
	[CATEGORY_MEMORY] = SHED_OTHER,   [CATEGORY_PROCESS] = SHED_NEVER,
	[CATEGORY_SIGNAL] = SHED_NEVER,   [CATEGORY_USER] = SHED_OTHER,
	[CATEGORY_TIME] = SHED_WAITS,     [CATEGORY_WAIT] = SHED_WAITS,
	[CATEGORY_SLEEP] = SHED_WAITS,    [CATEGORY_SYSTEM] = SHED_OTHER,
	[CATEGORY_IO_OTHER] = SHED_IO,    [CATEGORY_IO_READ] = SHED_IO,
	[CATEGORY_IO_WRITE] = SHED_IO,    [CATEGORY_SCHEDULER] = SHED_NEVER,
	[CATEGORY_INTERNAL] = SHED_NEVER,
};

/* Types that their category does not place. Those that state cannot do without and what changes
 * privilege are here, whatever they are otherwise. */
static const struct {
	uint16_t type;
	uint8_t step;
} own_steps[] = {
	{EVENT_OPEN, SHED_OPENS},
	{EVENT_OPENAT, SHED_OPENS},
	{EVENT_OPENAT2, SHED_OPENS},
	{EVENT_CREAT, SHED_OPENS},
	{EVENT_OPEN_BY_HANDLE_AT, SHED_OPENS},
	{EVENT_CLOSE, SHED_DESCRIPTORS},
	{EVENT_CLOSE_RANGE, SHED_DESCRIPTORS},
	{EVENT_DUP, SHED_DESCRIPTORS},
	{EVENT_DUP2, SHED_DESCRIPTORS},
	{EVENT_DUP3, SHED_DESCRIPTORS},
	{EVENT_FCNTL, SHED_DESCRIPTORS},
	{EVENT_SIGNALFD, SHED_DESCRIPTORS},
	{EVENT_SIGNALFD4, SHED_DESCRIPTORS},
	{EVENT_LSEEK, SHED_IO},
	{EVENT_LLSEEK, SHED_IO},
	{EVENT_STAT, SHED_OTHER},
	{EVENT_LSTAT, SHED_OTHER},
	{EVENT_FSTAT, SHED_OTHER},
	{EVENT_STAT64, SHED_OTHER},
	{EVENT_LSTAT64, SHED_OTHER},
	{EVENT_FSTAT64, SHED_OTHER},
	{EVENT_NEWFSTATAT, SHED_OTHER},
	{EVENT_GETCWD, SHED_OTHER},
	{EVENT_GETDENTS, SHED_OTHER},
	{EVENT_GETDENTS64, SHED_OTHER},
	{EVENT_ACCESS, SHED_OTHER},
	{EVENT_FUTEX, SHED_WAITS},
	{EVENT_GETSOCKNAME, SHED_OTHER},
	{EVENT_GETPEERNAME, SHED_OTHER},
	{EVENT_GETSOCKOPT, SHED_OTHER},
	{EVENT_SETSOCKOPT, SHED_OTHER},

	{EVENT_CHDIR, SHED_NEVER},
	{EVENT_FCHDIR, SHED_NEVER},
	{EVENT_MOUNT, SHED_NEVER},
	{EVENT_UMOUNT, SHED_NEVER},
	{EVENT_UMOUNT2, SHED_NEVER},
	{EVENT_USERFAULTFD, SHED_NEVER},
	{EVENT_IO_URING_SETUP, SHED_NEVER},
	{EVENT_MEMFD_CREATE, SHED_NEVER},
	{EVENT_PROCESS_VM_READV, SHED_NEVER},
	{EVENT_PROCESS_VM_WRITEV, SHED_NEVER},
	{EVENT_SETUID, SHED_NEVER},
	{EVENT_SETGID, SHED_NEVER},
	{EVENT_SETREUID, SHED_NEVER},
	{EVENT_SETREGID, SHED_NEVER},
	{EVENT_SETRESUID, SHED_NEVER},
	{EVENT_SETRESGID, SHED_NEVER},
	{EVENT_QUOTACTL, SHED_NEVER},
	{EVENT_BPF, SHED_NEVER},
	{EVENT_SECCOMP, SHED_NEVER},
	{EVENT_KEYCTL, SHED_NEVER},
	{EVENT_INIT_MODULE, SHED_NEVER},
	{EVENT_FINIT_MODULE, SHED_NEVER},
	{EVENT_DELETE_MODULE, SHED_NEVER},
	{EVENT_FSCONFIG, SHED_NEVER},
	{EVENT_PAGE_FAULT, SHED_NEVER}, /* no call: not captured by number */
};

/* Calls without an event of their own that change privilege. */
static const char *const never_calls[] = {
	"pivot_root",
	"kexec_load",
	"kexec_file_load",
	"setfsuid",
	"setfsgid",
	"setgroups",
	"process_vm_writev",
	"process_madvise",
	"move_mount",
	"open_tree",
	"fsopen",
	"fsmount",
	"fspick",
	"mount_setattr",
	"add_key",
	"request_key",
	"perf_event_open",
	"iopl",
	"ioperm",
	"reboot",
	"swapon",
	"swapoff",
	"settimeofday",
	"clock_settime",
	"adjtimex",
	"clock_adjtime",
	"sethostname",
	"setdomainname",
	"acct",
	"syslog",
	"personality",
	"landlock_restrict_self",
	"lsm_set_self_attr",
	"init_module",
	"rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
	"pidfd_send_signal",
};

const char *shed_step_name(enum shed_step step)
{
	return step_names[step];
}

enum shed_step shed_step_of(enum event_type type, const char *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_steps); i++) {
		if (own_steps[i].type == type)
			return own_steps[i].step;
	}
	for (size_t i = 0; type == EVENT_GENERIC && i < ARRAY_SIZE(never_calls); i++) {
		if (strcmp(never_calls[i], call) == 0)
			return SHED_NEVER;
	}
	return by_category[event_info(type)->category];
}

static void set_bit(uint64_t *words, uint32_t bit)
{
	words[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* Visit every kind of call with its step. */
static void
each_call(void (*visit)(enum shed_step step, const struct syscall_info *call, void *arg), void *arg)
{
	uint32_t n;
	const struct syscall_info *calls = syscall_table(&n);

	for (uint32_t i = 0; i < n; i++)
		visit(shed_step_of(calls[i].event, calls[i].name), &calls[i], arg);
}

struct shed_below {
	uint32_t level;
	struct event_set *set;
};

static void add_if_below(enum shed_step step, const struct syscall_info *call, void *arg)
{
	struct shed_below *below = arg;

	if (step >= below->level)
		return;
	if (call->event != EVENT_GENERIC)
		set_bit(below->set->types, call->event);
	else if (call->nr64 >= 0 && call->nr64 < SYSCALL_SET_WORDS * 64)
		set_bit(below->set->syscalls, (uint32_t)call->nr64);
}

void shed_events(uint32_t level, struct event_set *out)
{
	struct shed_below below = {MIN(level, (uint32_t)SHED_STEP_END), out};

	event_set_none(out);
	each_call(add_if_below, &below);
}

int shedding_create(struct shedding **out, double ratio)
{
	struct shedding *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->limit = ratio;
	*out = s;
	return 0;
}

void shedding_destroy(struct shedding **shedding)
{
	free(*shedding);
	*shedding = NULL;
}

void shedding_set_limit(struct shedding *s, double ratio)
{
	s->limit = ratio;
	if (isnan(ratio))
		s->level = 0;
}

struct wanted_steps {
	struct shedding *shedding;
	const struct event_set *wanted;
};

static void note_wanted(enum shed_step step, const struct syscall_info *call, void *arg)
{
	const struct wanted_steps *steps = arg;
	uint32_t nr = call->nr64 < 0 ? UINT32_MAX : (uint32_t)call->nr64;
	bool is_wanted = call->event != EVENT_GENERIC
				 ? event_set_has(steps->wanted, call->event, 0)
				 : nr < SYSCALL_SET_WORDS * 64 &&
					   steps->wanted->syscalls[nr / 64] >> nr % 64 & 1;

	if (is_wanted && step < SHED_STEP_END)
		steps->shedding->has_events[step] = true;
}

void shedding_set_wanted(struct shedding *s, const struct event_set *wanted)
{
	struct wanted_steps steps = {s, wanted};

	memset(s->has_events, 0, sizeof(s->has_events));
	each_call(note_wanted, &steps);
}

static void add_sample(struct shedding *s, const struct shedding_input *input)
{
	if (s->n_samples == SAMPLES_MAX) {
		memmove(&s->samples[0], &s->samples[1], (SAMPLES_MAX - 1) * sizeof(s->samples[0]));
		s->n_samples--;
	}
	s->samples[s->n_samples++] = *input;
}

/* What was seen before a change says nothing about after it. */
static void forget_samples(struct shedding *s)
{
	s->samples[0] = s->samples[s->n_samples - 1];
	s->n_samples = 1;
	s->calm = 0;
}

static bool shed_more(struct shedding *s, uint64_t events, uint64_t cpu_ns)
{
	uint32_t next = s->level;

	while (next < SHED_STEP_END && !s->has_events[next])
		next++;
	if (next == SHED_STEP_END)
		return false; /* nothing is left that may go */
	s->level = next + 1;
	s->event_cost_ns = MIN((double)cpu_ns / (double)MAX(events, 1), EVENT_COST_NS_MAX);
	return true;
}

/* The last step that has events comes back, with the empty ones above it. */
static bool shed_less(struct shedding *s)
{
	while (s->level > 0 && !s->has_events[s->level - 1])
		s->level--;
	if (s->level > 0)
		s->level--;
	while (s->level > 0 && !s->has_events[s->level - 1])
		s->level--;
	return true;
}

/* The ratio as it would be with the events that the last step holds back. */
static double ratio_with_last(const struct shedding *s, const struct shedding_input *first,
			      const struct shedding_input *last, double elapsed_ns)
{
	uint64_t shed = last->shed[s->level - 1] - first->shed[s->level - 1];

	return s->ratio + (double)shed * s->event_cost_ns / elapsed_ns;
}

bool shedding_update(struct shedding *s, const struct shedding_input *input)
{
	const struct shedding_input *first = &s->samples[0], *last = input;
	bool changed = false;
	double elapsed_ns;

	if (isnan(s->limit))
		return false;
	if (s->n_samples && input->now_ns - s->samples[s->n_samples - 1].now_ns < SAMPLE_EVERY_NS)
		return false;
	add_sample(s, input);
	if (s->n_samples < 2)
		return false;
	elapsed_ns = (double)(last->now_ns - first->now_ns);
	s->ratio = (double)(last->cpu_ns - first->cpu_ns) / elapsed_ns;
	if (s->ratio > s->limit) {
		s->calm = 0;
		changed = s->n_samples >= SAMPLES_MAX || s->level > 0 || s->ratio > 2 * s->limit
				  ? shed_more(s, last->events - first->events,
					      last->cpu_ns - first->cpu_ns)
				  : false;
	} else if (s->level > 0 &&
		   ratio_with_last(s, first, last, elapsed_ns) < RETURN_BELOW * s->limit) {
		changed = ++s->calm >= SHED_CALM_S && shed_less(s);
	} else {
		s->calm = 0;
	}
	if (changed)
		forget_samples(s);
	return changed;
}

uint32_t shedding_level(const struct shedding *s)
{
	return s->level;
}

double shedding_limit(const struct shedding *s)
{
	return s->limit;
}

double shedding_ratio(const struct shedding *s)
{
	return s->ratio;
}
