#include "daemon/shedding.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "filter/event_sets.h"

#define NS_PER_S UINT64_C(1000000000)

static void some_things_are_never_left_out(void **state)
{
	static const enum event_type never[] = {
		EVENT_EXECVE,
		EVENT_EXECVEAT,
		EVENT_CLONE,
		EVENT_CLONE3,
		EVENT_FORK,
		EVENT_VFORK,
		EVENT_PROCEXIT,
		EVENT_SETUID,
		EVENT_SETGID,
		EVENT_SETREUID,
		EVENT_SETREGID,
		EVENT_SETRESUID,
		EVENT_SETRESGID,
		EVENT_CAPSET,
		EVENT_PTRACE,
		EVENT_MOUNT,
		EVENT_UMOUNT,
		EVENT_UMOUNT2,
		EVENT_CHROOT,
		EVENT_SETNS,
		EVENT_UNSHARE,
		EVENT_BPF,
		EVENT_INIT_MODULE,
		EVENT_FINIT_MODULE,
		EVENT_DELETE_MODULE,
		EVENT_CHDIR,
		EVENT_FCHDIR,
		EVENT_KILL,
		EVENT_SETSID,
		EVENT_PRCTL,
		EVENT_PROCESS_VM_WRITEV,
	};
	struct event_set all;
	const struct syscall_info *pivot_root = syscall_by_name(TEXT("pivot_root"));

	(void)state;
	shed_events(SHED_STEP_END, &all);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		assert_int_equal(shed_step_of(never[i], ""), SHED_NEVER);
		assert_false(all.types[never[i] / 64] >> never[i] % 64 & 1);
	}
	assert_int_equal(shed_step_of(EVENT_GENERIC, "pivot_root"), SHED_NEVER);
	assert_false(all.syscalls[pivot_root->nr64 / 64] >> pivot_root->nr64 % 64 & 1);
	assert_int_equal(shed_step_of(EVENT_GENERIC, "madvise"), SHED_OTHER);
}

static void the_order_is_declared(void **state)
{
	static const struct {
		enum event_type type;
		enum shed_step step;
	} rows[] = {
		{EVENT_READ, SHED_IO},           {EVENT_SENDTO, SHED_IO},
		{EVENT_POLL, SHED_WAITS},        {EVENT_MMAP, SHED_OTHER},
		{EVENT_CLOSE, SHED_DESCRIPTORS}, {EVENT_PIPE2, SHED_DESCRIPTORS},
		{EVENT_OPENAT, SHED_OPENS},      {EVENT_CREAT, SHED_OPENS},
		{EVENT_UNLINK, SHED_FILES},      {EVENT_CHMOD, SHED_FILES},
		{EVENT_CONNECT, SHED_NET},       {EVENT_ACCEPT4, SHED_NET},
	};
	struct event_set set;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(shed_step_of(rows[i].type, ""), rows[i].step);
		shed_events(rows[i].step, &set);
		assert_false(set.types[rows[i].type / 64] >> rows[i].type % 64 & 1);
		shed_events(rows[i].step + 1, &set);
		assert_true(set.types[rows[i].type / 64] >> rows[i].type % 64 & 1);
	}
	for (int step = 0; step < SHED_STEP_END; step++)
		assert_non_null(shed_step_name((enum shed_step)step));
}

/* A daemon that pays so much for each event, on a host that makes so many of each step. */
struct host {
	struct shedding *shedding;
	struct shedding_input input;
	double cost_ns, idle_ns_per_s;
	double rate[SHED_STEP_END];
	uint32_t changes;
};

static void live_for(struct host *h, uint32_t seconds)
{
	for (uint32_t s = 0; s < seconds; s++) {
		h->input.now_ns += NS_PER_S;
		h->input.cpu_ns += (uint64_t)h->idle_ns_per_s;
		for (uint32_t step = 0; step < SHED_STEP_END; step++) {
			if (step < shedding_level(h->shedding)) {
				h->input.shed[step] += (uint64_t)h->rate[step];
				continue;
			}
			h->input.events += (uint64_t)h->rate[step];
			h->input.cpu_ns += (uint64_t)(h->rate[step] * h->cost_ns);
		}
		h->changes += shedding_update(h->shedding, &h->input);
	}
}

static void make_host(struct host *h, double limit, const char *const *wanted)
{
	struct event_set set = {0};

	*h = (struct host){.cost_ns = 1000, .idle_ns_per_s = 1e6};
	h->input.now_ns = 77 * NS_PER_S;
	assert_int_equal(shedding_create(&h->shedding, limit), 0);
	for (; *wanted; wanted++)
		event_set_add_name(&set, text_from(*wanted));
	shedding_set_wanted(h->shedding, &set);
}

static const char *const usual[] = {"openat", "execve", "connect", "unlink", NULL};

static void without_a_limit_nothing_is_left_out(void **state)
{
	struct host h;

	(void)state;
	make_host(&h, NAN, usual);
	h.rate[SHED_OPENS] = 1e6;
	live_for(&h, 30);
	assert_int_equal(shedding_level(h.shedding), 0);
	shedding_destroy(&h.shedding);
}

static void load_sheds_step_by_step_and_comes_back(void **state)
{
	struct host h;

	(void)state;
	make_host(&h, 0.1, usual);
	h.rate[SHED_OPENS] = 50000; /* 5 % of a core */
	live_for(&h, 30);
	assert_int_equal(shedding_level(h.shedding), 0);

	h.rate[SHED_OPENS] = 400000;
	live_for(&h, 10);
	/* The steps before opens have no wanted events: they are passed over. */
	assert_int_equal(shedding_level(h.shedding), SHED_OPENS + 1);
	assert_int_equal(h.changes, 1);
	live_for(&h, 60); /* no swinging: what is held back is counted */
	assert_int_equal(h.changes, 1);

	h.rate[SHED_FILES] = 200000;
	live_for(&h, 10);
	assert_int_equal(shedding_level(h.shedding), SHED_FILES + 1);
	h.rate[SHED_FILES] = 100;
	live_for(&h, 20);
	assert_int_equal(shedding_level(h.shedding), SHED_OPENS + 1);
	h.rate[SHED_OPENS] = 1000;
	live_for(&h, 20);
	assert_int_equal(shedding_level(h.shedding), 0);
	assert_int_equal(h.changes, 4);
	shedding_destroy(&h.shedding);
}

static void a_short_burst_is_borne(void **state)
{
	struct host h;

	(void)state;
	make_host(&h, 0.1, usual);
	live_for(&h, 5);
	h.rate[SHED_OPENS] = 150000;
	live_for(&h, 1);
	h.rate[SHED_OPENS] = 10000;
	live_for(&h, 10);
	assert_int_equal(h.changes, 0);
	shedding_destroy(&h.shedding);
}

static void what_may_never_go_stays_at_any_load(void **state)
{
	struct host h;

	(void)state;
	make_host(&h, 0.01, usual);
	h.idle_ns_per_s = 9e8; /* nothing that shedding could change */
	live_for(&h, 60);
	assert_int_equal(shedding_level(h.shedding), SHED_NET + 1);
	h.idle_ns_per_s = 1e6;
	live_for(&h, 60);
	assert_int_equal(shedding_level(h.shedding), 0);
	shedding_destroy(&h.shedding);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_things_are_never_left_out),
		cmocka_unit_test(the_order_is_declared),
		cmocka_unit_test(without_a_limit_nothing_is_left_out),
		cmocka_unit_test(load_sheds_step_by_step_and_comes_back),
		cmocka_unit_test(a_short_burst_is_borne),
		cmocka_unit_test(what_may_never_go_stays_at_any_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
