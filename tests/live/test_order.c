/* Under pressure: order and images across CPUs, counted loss, the scan's contents. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "tests/live/live.h"

#define ROUNDS 2000        /* of exec, open, exit; ETHOGRAM_ROUNDS overrides */
#define FLOOD_OPENS 400000 /* more than the smallest rings hold */

static void hop(int round)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned long)round % (unsigned long)n_cpus, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Each round: a process that opens "before" as the old image, executes, and opens as the new one,
 * on alternating CPUs. */
static void child_ping_pongs(void *arg)
{
	int rounds = *(const int *)arg;

	for (int i = 0; i < rounds; i++) {
		if (fork() == 0) {
			hop(i);
			close(open("/dev/null", O_RDONLY));
			hop(i + 1);
			execl("/bin/cat", "cat", "/dev/null", NULL);
			_exit(1);
		}
		while (wait(NULL) < 0 && errno == EINTR)
			continue;
	}
}

struct seen_process {
	uint64_t start_ns, exec_id, first_ns;
	int32_t tgid;
	bool has_new_image, ended;
	uint32_t opens_old, opens_new;
};

struct tally {
	struct seen_process *processes; /* by tgid */
	uint32_t execs, wrong, reordered;
	uint64_t last_ts_ns;
};

static void take_event(struct tally *tally, const struct event *ev)
{
	struct seen_process *p = &tally->processes[ev->tgid];

	if (ev->ts_ns < tally->last_ts_ns)
		tally->wrong++;
	tally->last_ts_ns = ev->ts_ns;
	tally->reordered += !!(ev->quality & EVENT_REORDERED);
	if (p->start_ns != ev->start_ns)
		*p = (struct seen_process){.start_ns = ev->start_ns, .exec_id = ev->exec_id};
	if (ev->type == EVENT_EXECVE && ev->res == 0) {
		tally->wrong += ev->exec_id != p->exec_id + 1 || p->has_new_image;
		p->exec_id = ev->exec_id;
		p->has_new_image = true;
		tally->execs++;
	} else if (ev->type == EVENT_OPENAT && ev->file) {
		bool is_new = text_equal(ev->file->path, TEXT("/dev/null")) && p->has_new_image;

		tally->wrong += ev->exec_id != p->exec_id || p->ended;
		*(is_new ? &p->opens_new : &p->opens_old) += 1;
	} else if (ev->type == EVENT_PROCEXIT) {
		tally->wrong += ev->exec_id != p->exec_id;
		p->ended = true;
	}
}

static size_t pid_max(void)
{
	FILE *file = fopen("/proc/sys/kernel/pid_max", "r");
	unsigned long n;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &n), 1);
	fclose(file);
	return n + 1;
}

/* Children of `parent` only: other processes of the host come and go meanwhile. */
static void events_follow_their_image(void **state)
{
	static const enum event_type types[] = {EVENT_EXECVE, EVENT_OPENAT, EVENT_TYPE_END};
	int rounds = getenv("ETHOGRAM_ROUNDS") ? atoi(getenv("ETHOGRAM_ROUNDS")) : ROUNDS;
	struct tally tally = {.processes = calloc(pid_max(), sizeof(struct seen_process))};
	char *ours = calloc(pid_max(), 1);
	struct live_test *t = *state;
	const struct event *ev;
	bool ended = false;
	int child;

	live_want(t, types);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		child_ping_pongs(&rounds);
		_exit(0);
	}
	while (!ended) {
		while (source_next(t->source, &ev) > 0) {
			if (ev->quality & EVENT_STATE_ONLY || ev->tgid <= 0)
				continue; /* of a rescan, which has its own times */
			if (ev->task && ev->task->parent_tgid == child && !ev->task->is_thread)
				ours[ev->tgid] = 1;
			if (ours[ev->tgid])
				take_event(&tally, ev);
			if (ev->type == EVENT_PROCEXIT)
				ours[ev->tgid] = 0; /* the number may be another's next time */
			ended |= ev->type == EVENT_PROCEXIT && ev->tid == child;
		}
		t->source->ops->wait(t->source, 20);
	}
	waitpid(child, NULL, 0);
	assert_int_equal(tally.execs, rounds);
	assert_int_equal(tally.wrong, 0);
	assert_int_equal(tally.reordered, 0);
	free(tally.processes);
	free(ours);
}

static void child_floods(void *arg)
{
	(void)arg;
	for (int i = 0; i < FLOOD_OPENS; i++)
		syscall(SYS_close, syscall(SYS_creat, "/dev/null", 0));
}

static struct source_counters counters_of(struct live_test *t)
{
	struct source_counters counters;

	t->source->ops->counters(t->source, &counters);
	return counters;
}

/* Nobody reads while the child floods the rings: seen and dropped together are what was made. */
static void what_is_lost_is_counted(void **state)
{
	static const enum event_type types[] = {EVENT_CREAT, EVENT_CLOSE, EVENT_TYPE_END};
	struct live_test *t = *state;
	struct source_counters before, after;
	uint64_t seen_creats = 0, lost;
	const struct event *ev;
	int child;

	live_want(t, types);
	while (source_next(t->source, &ev) > 0)
		continue;
	before = counters_of(t);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		child_floods(NULL);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	for (int quiet = 0; quiet < 3; quiet++) {
		while (source_next(t->source, &ev) > 0)
			seen_creats += ev->type == EVENT_CREAT && ev->tgid == child;
		t->source->ops->wait(t->source, 20);
	}
	after = counters_of(t);
	lost = after.by_type[EVENT_CREAT].dropped - before.by_type[EVENT_CREAT].dropped;
	assert_true(lost > 0);
	assert_true(seen_creats > 0);
	assert_int_equal(seen_creats + lost, FLOOD_OPENS);
	assert_true(after.dropped_total >= lost);
	assert_true(after.by_type[EVENT_CLOSE].dropped > before.by_type[EVENT_CLOSE].dropped);
	assert_true(after.events_total > before.events_total);
}

static void nothing_unwanted_is_sent(void **state)
{
	static const enum event_type none[] = {EVENT_TYPE_END};
	struct live_test *t = *state;

	live_want(t, none);
	live_run(t, child_floods, NULL);
	assert_int_equal(live_count(t, EVENT_CREAT), 0);
	assert_int_equal(live_count(t, EVENT_CLOSE), 0);
	assert_int_equal(live_count(t, EVENT_PROCEXIT), 1);
}

struct scan_wants {
	int child, file_fd, socket_fd;
	bool saw_child, saw_self, saw_file, saw_socket, saw_args;
	bool is_over;
};

static void check_scanned(struct scan_wants *wants, const struct event *ev, const char *path)
{
	if (!(ev->quality & EVENT_STATE_ONLY)) {
		wants->is_over = true;
		return;
	}
	assert_false(wants->is_over); /* the scan comes first */
	assert_int_equal(ev->type, EVENT_PROCINFO);
	if (ev->tgid == getpid() && ev->task)
		wants->saw_self = true;
	if (ev->tgid != wants->child)
		return;
	if (ev->task) {
		wants->saw_child = true;
		assert_int_equal(ev->task->parent_tgid, getpid());
		assert_text(ev->task->cwd, "/usr");
		assert_int_equal(ev->task->uid, getuid());
		wants->saw_args = ev->task->args.len == 4 &&
				  memcmp(ev->task->args.ptr, "100", 4) == 0 &&
				  text_equal(ev->task->exe, TEXT("sleep"));
		assert_int_equal(ev->fd, -1);
	} else if (ev->fd == wants->file_fd) {
		assert_text(ev->file->path, path);
		wants->saw_file = true;
	} else if (ev->fd == wants->socket_fd) {
		assert_int_equal(ev->sock->family, AF_INET6);
		wants->saw_socket = true;
	}
}

/* Until the child has executed. */
static void await_sleep(int child)
{
	char path[64], comm[16] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", child);
	while (strcmp(comm, "sleep\n") != 0) {
		FILE *file = fopen(path, "r");

		assert_non_null(file);
		assert_non_null(fgets(comm, sizeof(comm), file));
		fclose(file);
	}
}

static void the_scan_finds_what_runs_and_is_open(void **state)
{
	struct live_config config = {.buffer_bytes = 1 << 20, .own_tgid = 0};
	char path[] = "/tmp/ethogram-scan-XXXXXX";
	struct source *source = NULL;
	struct scan_wants wants = {0};
	const struct event *ev;

	(void)state;
	wants.file_fd = mkstemp(path);
	wants.socket_fd = socket(AF_INET6, SOCK_DGRAM, 0);
	wants.child = fork();
	if (wants.child == 0) {
		if (chdir("/usr") == 0)
			execlp("sleep", "sleep", "100", NULL);
		_exit(1);
	}
	await_sleep(wants.child);
	assert_int_equal(live_source_create(&source, &config), 0);
	while (!wants.is_over && source_next(source, &ev) > 0)
		check_scanned(&wants, ev, path);
	kill(wants.child, SIGKILL);
	waitpid(wants.child, NULL, 0);
	source_destroy(&source);
	assert_null(source);
	assert_true(wants.saw_child && wants.saw_self && wants.saw_args);
	assert_true(wants.saw_file && wants.saw_socket);
	close(wants.file_fd);
	unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_follow_their_image),
		cmocka_unit_test(what_is_lost_is_counted),
		cmocka_unit_test(nothing_unwanted_is_sent),
		cmocka_unit_test(the_scan_finds_what_runs_and_is_open),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
