/* Overload on purpose: the smallest buffers, nobody reads, many processes make a known number of
 * calls. What was seen and what is counted as lost are together what was made; and soon after the
 * state equals /proc again. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "state/state.h"
#include "tests/live/consistency.h"
#include "tests/live/live.h"

#define WORKERS 24
#define ROUNDS 4000 /* of each call and worker */
#define SHORT_LIVED 40
#define SHORT_EXECS 5
#define PATIENCE_NS UINT64_C(60000000000)

/* Calls that nobody else makes: older forms that the C library gave up. */
static const enum event_type rare[] = {EVENT_CREAT, EVENT_EPOLL_CREATE, EVENT_INOTIFY_INIT,
				       EVENT_EVENTFD};

/* What the state needs; life-cycle events come unasked. */
static const enum event_type wanted[] = {
	EVENT_CREAT,         EVENT_EPOLL_CREATE, EVENT_INOTIFY_INIT, EVENT_EVENTFD, EVENT_OPEN,
	EVENT_OPENAT,        EVENT_CLOSE,        EVENT_CLOSE_RANGE,  EVENT_DUP,     EVENT_DUP2,
	EVENT_DUP3,          EVENT_FCNTL,        EVENT_PIPE,         EVENT_PIPE2,   EVENT_SOCKET,
	EVENT_SOCKETPAIR,    EVENT_CHDIR,        EVENT_FCHDIR,       EVENT_SETUID,  EVENT_SETGID,
	EVENT_SETRESUID,     EVENT_SETRESGID,    EVENT_SETSID,       EVENT_SETPGID, EVENT_BIND,
	EVENT_LISTEN,        EVENT_CONNECT,      EVENT_ACCEPT,       EVENT_ACCEPT4, EVENT_EVENTFD2,
	EVENT_EPOLL_CREATE1, EVENT_MEMFD_CREATE,
};

/* Programs of the life cycle: the kernel itself counts how often they ran. */
static const char *const programs[] = {"on_exec", "on_fork", "on_exit"};

enum { EXEC, FORK, EXIT, KINDS };

struct fixture {
	struct source *source;
	struct state *state;
	uint64_t seen[EVENT_TYPE_END];
	uint64_t kinds[KINDS]; /* life-cycle records seen */
	uint32_t rescans;      /* completed */
	int program_fds[KINDS];
	int stats_fd;
	struct source_counters counters;
};

static void take_event(struct fixture *f, const struct event *ev)
{
	struct subject subject;

	f->seen[ev->type]++;
	f->rescans += ev->scan == SCAN_DONE;
	assert_true(!ev->scan || ev->type == EVENT_PROCINFO);
	if (!(ev->quality & EVENT_STATE_ONLY)) {
		f->kinds[EXEC] += ev->type == EVENT_EXECVE && ev->res == 0 && ev->task;
		f->kinds[FORK] += ev->type != EVENT_EXECVE && ev->task != NULL;
		f->kinds[EXIT] += ev->type == EVENT_PROCEXIT;
	}
	assert_int_equal(state_apply(f->state, ev, &subject), 0);
}

static void drain(struct fixture *f)
{
	const struct event *ev;

	while (source_next(f->source, &ev) > 0)
		take_event(f, ev);
	state_tick(f->state, clock_real_ns());
}

/* Our own programs, by the descriptors that this process holds. */
static void find_programs(struct fixture *f)
{
	DIR *dir = opendir("/proc/self/fdinfo");
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || bpf_obj_get_info_by_fd(fd, &info, &size) ||
		    info.type != BPF_PROG_TYPE_TRACING)
			continue;
		for (int i = 0; i < KINDS; i++) {
			if (strcmp(info.name, programs[i]) == 0)
				f->program_fds[i] = fd;
		}
	}
	closedir(dir);
	for (int i = 0; i < KINDS; i++)
		assert_true(f->program_fds[i] > 0);
}

static uint64_t runs_of(const struct fixture *f, int kind)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(f->program_fds[kind], &info, &size), 0);
	return info.run_cnt;
}

struct totals {
	uint64_t runs[KINDS];
	uint64_t accounted[KINDS]; /* seen or dropped */
	uint64_t missed;
};

static void read_runs(const struct fixture *f, uint64_t out[KINDS])
{
	for (int i = 0; i < KINDS; i++)
		out[i] = runs_of(f, i);
}

/* At a moment when nothing is on its way: the programs do not run while the rings are read. */
static struct totals read_totals(struct fixture *f)
{
	static const enum event_type types[KINDS] = {EVENT_EXECVE, EVENT_CLONE, EVENT_PROCEXIT};
	uint64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
	uint64_t after[KINDS];
	struct totals totals = {0};

	do {
		assert_true(clock_monotonic_ns() < deadline_ns);
		read_runs(f, totals.runs);
		drain(f);
		f->source->ops->wait(f->source, 1);
		drain(f);
		f->source->ops->counters(f->source, &f->counters);
		read_runs(f, after);
	} while (memcmp(after, totals.runs, sizeof(after)) != 0);
	for (int i = 0; i < KINDS; i++)
		totals.accounted[i] = f->kinds[i] + f->counters.by_type[types[i]].dropped;
	totals.missed = f->counters.recursion_missed_total;
	return totals;
}

static void want(struct fixture *f)
{
	uint64_t types[(EVENT_TYPE_END + 63) / 64] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		types[wanted[i] / 64] |= UINT64_C(1) << (wanted[i] % 64);
	assert_int_equal(f->source->ops->set_wanted(f->source, types, NULL), 0);
}

static void await_rescan(struct fixture *f)
{
	uint64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
	uint32_t before = f->rescans;

	while (f->rescans == before) {
		assert_true(clock_monotonic_ns() < deadline_ns);
		drain(f);
		f->source->ops->wait(f->source, 5);
	}
}

static struct fixture *begin(uint64_t buffer_bytes)
{
	struct live_config config = {.buffer_bytes = buffer_bytes, .own_tgid = getpid()};
	struct state_config state = {.processes_max = 32768,
				     .fds_per_process_max = 4096,
				     .boot_epoch_ns = clock_real_ns() - clock_boot_ns(),
				     .host_root = "/"};
	struct fixture *f = calloc(1, sizeof(*f));
	const char *mode = getenv("ETHOGRAM_READ_MODE");
	int r = live_source_create_reading(&f->source, &config,
					   mode ? (uint32_t)atoi(mode) : LIVE_READ_MODES - 1);

	if (r == -EPERM || r == -ENOENT || r == -EOPNOTSUPP) {
		printf("skipped: live capture is not possible here: %s\n", strerror(-r));
		exit(77);
	}
	assert_int_equal(r, 0);
	assert_int_equal(state_create(&f->state, &state), 0);
	find_programs(f);
	f->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	assert_true(f->stats_fd >= 0);
	return f;
}

static void end(struct fixture *f)
{
	close(f->stats_fd);
	source_destroy(&f->source);
	state_destroy(&f->state);
	free(f);
}

/* The storm ---------------------------------------------------------------------------------- */

/* creat by the 32-bit way in; the name has to lie below 4 GiB. */
static void creat_32bit(const char *name)
{
	long res = 8;

	__asm__ volatile("int $0x80"
			 : "+a"(res)
			 : "b"(name), "c"(0)
			 : "memory", "r8", "r9", "r10", "r11");
}

static char *low_name(void)
{
	char *name = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (name == MAP_FAILED)
		_exit(90);
	return strcpy(name, "/dev/null/none");
}

static bool is_32bit_possible(void)
{
	int child = fork(), status = 0;

	if (child == 0) {
		creat_32bit(low_name());
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void make_rare_calls(const char *name, bool with_32bit)
{
	for (int i = 0; i < ROUNDS; i++) {
		syscall(SYS_creat, "/dev/null/none", 0);
		syscall(SYS_epoll_create, 0); /* refused */
		close((int)syscall(SYS_inotify_init));
		close((int)syscall(SYS_eventfd, 0));
		if (with_32bit)
			creat_32bit(name);
	}
}

static void make_short_lived(void)
{
	for (int i = 0; i < SHORT_LIVED; i++) {
		if (fork() == 0) {
			if (i < SHORT_EXECS)
				execl("/bin/true", "true", NULL);
			_exit(0);
		}
		wait(NULL);
	}
}

/* Each worker ends up different from what it was when the rings filled up. */
static void change_everything(int n)
{
	static const char *const folders[] = {"/usr", "/etc", "/tmp", "/", "/usr/bin"};
	int ends[2];

	if (chdir(folders[n % 5]) || pipe(ends))
		_exit(91);
	for (int i = 0; i < n; i++)
		dup2(open(n % 2 ? "/etc/passwd" : "/etc", O_RDONLY), 100 + i);
	dup2(open("/etc/group", O_RDONLY | O_CLOEXEC), 3);
	socket(AF_INET, SOCK_STREAM, 0);
	socket(AF_UNIX, SOCK_DGRAM | (n % 2 ? SOCK_CLOEXEC : 0), 0);
	if (n % 4 == 1)
		close(0);
	if (n % 3 == 0 && (setresgid(2000 + (gid_t)n, 2000 + (gid_t)n, 3000 + (gid_t)n) ||
			   setresuid(1000 + (uid_t)n, 1000 + (uid_t)n, 1500 + (uid_t)n)))
		_exit(92);
}

/* Also when the test dies: nobody holds its output, nobody stays. */
static void leave_no_trace(void)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 1);
	dup2(null, 2);
	close(null);
	alarm(300);
}

static void tell_ready(int fd)
{
	if (write(fd, "r", 1) != 1)
		_exit(93);
}

static void work(int n, int ready_fd, bool with_32bit)
{
	char *name = low_name();

	alarm(300);
	make_rare_calls(name, with_32bit);
	make_short_lived();
	change_everything(n);
	if (n % 4 == 3 && fork() != 0) /* the child is an orphan now */
		_exit(0);
	tell_ready(ready_fd);
	/* Inherited by sleep, so that its end is not needed any more. */
	if (n % 2 == 0) {
		char argument[16];

		snprintf(argument, sizeof(argument), "%d", 10000 + n);
		execl("/bin/sleep", "sleeper", argument, NULL);
		_exit(94);
	}
	for (;;)
		pause();
}

/* Leads a session of workers; begins when told to, and is told to end by SIGKILL. */
static void storm(int go_fd, int ready_fd, bool with_32bit)
{
	char byte;

	setsid();
	leave_no_trace();
	if (read(go_fd, &byte, 1) != 1)
		_exit(95);
	for (int i = 0; i < WORKERS; i++) {
		if (fork() == 0)
			work(i, ready_fd, with_32bit);
	}
	for (;;) {
		while (wait(NULL) > 0)
			continue;
		pause();
	}
}

static void await_ready(int fd, int n)
{
	char byte;

	while (n-- > 0)
		assert_int_equal(read(fd, &byte, 1), 1);
}

static void end_session(int sid)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while ((entry = readdir(proc))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && pid != getpid() && getsid(pid) == sid)
			kill(pid, SIGKILL);
	}
	closedir(proc);
	waitpid(sid, NULL, 0);
}

/* Drain until the state of the session is right; ms it took. */
static uint64_t repair(struct fixture *f, int sid, uint32_t n_min)
{
	uint64_t begin_ns = clock_monotonic_ns(), now_ns;
	FILE *silence = fopen("/dev/null", "w");
	uint32_t n_wrong = 1, n = 0;

	while (n_wrong) {
		drain(f);
		n_wrong = consistency_check(f->state, sid, silence, 0, &n);
		now_ns = clock_monotonic_ns();
		if (now_ns - begin_ns > PATIENCE_NS) {
			n_wrong = consistency_check(f->state, sid, stdout, 30, &n);
			fail_msg("%u differences remain", n_wrong);
		}
		if (n_wrong)
			f->source->ops->wait(f->source, 5);
	}
	fclose(silence);
	assert_true(n >= n_min);
	return (now_ns - begin_ns) / 1000000;
}

static void nothing_is_unaccounted_for(void **state)
{
	bool with_32bit = is_32bit_possible();
	int go[2], ready[2], sid;
	struct totals before, after;
	struct source_counters counters;
	uint64_t seen[ARRAY_SIZE(rare)], lost_total = 0, took_ms;
	struct state_counters repaired;
	struct fixture *f = begin(1);

	(void)state;
	want(f);
	await_rescan(f);
	assert_int_equal(pipe(go) | pipe(ready), 0);
	fflush(NULL);
	sid = fork();
	if (sid == 0)
		storm(go[0], ready[1], with_32bit);
	before = read_totals(f);
	counters = f->counters;
	for (size_t i = 0; i < ARRAY_SIZE(rare); i++)
		seen[i] = f->seen[rare[i]];

	assert_int_equal(write(go[1], "g", 1), 1);
	await_ready(ready[0], WORKERS);
	took_ms = repair(f, sid, WORKERS + 1);
	after = read_totals(f);

	for (size_t i = 0; i < ARRAY_SIZE(rare); i++) {
		enum event_type type = rare[i];
		uint64_t lost = f->counters.by_type[type].dropped - counters.by_type[type].dropped;
		uint64_t made = (uint64_t)WORKERS * ROUNDS;

		if (type == EVENT_CREAT && with_32bit)
			made *= 2;
		if (f->seen[type] - seen[i] + lost != made)
			fail_msg("'%s': %lu seen, %lu dropped, %lu made", event_info(type)->name,
				 (unsigned long)(f->seen[type] - seen[i]), (unsigned long)lost,
				 (unsigned long)made);
		assert_true(lost > 0);
	}
	for (int i = 0; i < KINDS; i++) {
		uint64_t made = after.runs[i] - before.runs[i];

		if (after.accounted[i] - before.accounted[i] != made)
			fail_msg("%s: %lu seen or dropped, %lu made", programs[i],
				 (unsigned long)(after.accounted[i] - before.accounted[i]),
				 (unsigned long)made);
		assert_true(made >= (uint64_t)WORKERS * (i == EXEC ? SHORT_EXECS : SHORT_LIVED));
	}
	assert_int_equal(after.missed, before.missed);
	for (int i = 0; i < SOURCE_CPUS_MAX; i++)
		lost_total += f->counters.dropped_by_cpu[i];
	assert_int_equal(lost_total, f->counters.dropped_total);
	lost_total = 0;
	for (int i = 0; i < EVENT_TYPE_END; i++)
		lost_total += f->counters.by_type[i].dropped;
	assert_int_equal(lost_total, f->counters.dropped_total);

	state_counters(f->state, &repaired);
	printf("# %lu of %lu events lost; right again after %lu ms, the rescan took %lu us, the "
	       "longest pause %lu us; %lu processes, %lu descriptors repaired%s\n",
	       (unsigned long)(f->counters.dropped_total - counters.dropped_total),
	       (unsigned long)(f->counters.dropped_total - counters.dropped_total +
			       f->counters.events_total - counters.events_total),
	       (unsigned long)took_ms, (unsigned long)(f->counters.rescan_ns / 1000),
	       (unsigned long)(f->counters.rescan_pause_ns / 1000),
	       (unsigned long)repaired.repaired.started_total,
	       (unsigned long)repaired.repaired.fds_total,
	       with_32bit ? "" : "; no 32-bit calls here");
	assert_true(repaired.repaired.started_total > 0);

	/* What follows is told by events again. */
	end_session(sid);
	repair(f, sid, 0);
	end(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_unaccounted_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
