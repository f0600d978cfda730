/* A second thread rewrites the caller's buffers while the calls run. What is reported of opens,
 * execs, calls on descriptors, connections and bound sockets has to be what the kernel did, which
 * the child asks the kernel after each round. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/live/live.h"

#define ROUNDS 1200 /* of each run; events are kept until it is over */
#define RUNS 3

/* What the kernel did in one round. */
struct round {
	uint8_t which; /* of the two targets */
	uint16_t port, local_port;
	int fd;
};

struct shared {
	char folder[64];
	struct round rounds[ROUNDS];
	uint32_t n, n_of[2];
	ino_t ino[2];
	uint16_t ports[2];
	int32_t exec_pids[ROUNDS];
};

static struct shared *shared;

static int setup_shared(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return -1;
	strcpy(shared->folder, "/tmp/ethogram-race-XXXXXX");
	return mkdtemp(shared->folder) ? 0 : -1;
}

static int remove_shared(void **state)
{
	char command[128];
	int r;

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", shared->folder);
	r = system(command);
	munmap(shared, sizeof(*shared));
	return r;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "# the child could not %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* A buffer that holds one of two contents, by turns, written by one store: the byte in which they
 * differ. */
struct flipped {
	volatile char *byte;
	char values[2];
	atomic_bool stop;
	pthread_t thread;
};

static void *flip(void *arg)
{
	struct flipped *f = arg;
	unsigned i = 0;

	while (!atomic_load_explicit(&f->stop, memory_order_relaxed)) {
		*f->byte = f->values[i++ & 1];
		for (volatile unsigned pause = 0; pause < (i * 2654435761u >> 26); pause++)
			continue;
	}
	return NULL;
}

/* Where there are two processors the two threads shall run at once. */
static void pin(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		fprintf(stderr, "# no processor %d: the threads take turns\n", cpu);
}

static void begin_flipping(struct flipped *f, char *byte, char a, char b)
{
	*f = (struct flipped){.byte = byte, .values = {a, b}};
	need(!pthread_create(&f->thread, NULL, flip, f), "start a thread");
	pin(pthread_self(), 0);
	pin(f->thread, 1);
}

static void end_flipping(struct flipped *f)
{
	atomic_store(&f->stop, true);
	pthread_join(f->thread, NULL);
}

static struct round *next_round(void)
{
	return &shared->rounds[shared->n++];
}

static void note_which(struct round *round, int fd)
{
	struct stat st;

	need(fstat(fd, &st) == 0, "fstat");
	need(st.st_ino == shared->ino[0] || st.st_ino == shared->ino[1], "know the file");
	round->which = st.st_ino == shared->ino[1];
	round->fd = fd;
	shared->n_of[round->which]++;
}

static void make_targets(const char *a, const char *b)
{
	const char *names[] = {a, b};
	struct stat st;

	need(!chdir(shared->folder), "chdir");
	for (int i = 0; i < 2; i++) {
		int fd;

		unlink(names[i]);
		fd = open(names[i], O_CREAT | O_RDWR, 0755);
		need(fd >= 0 && fstat(fd, &st) == 0, "make a target");
		shared->ino[i] = st.st_ino;
		close(fd);
	}
}

static void child_opens(void *arg)
{
	char path[] = "target-a";
	struct flipped f;

	(void)arg;
	make_targets("target-a", "target-b");
	begin_flipping(&f, &path[7], 'a', 'b');
	for (int i = 0; i < ROUNDS; i++) {
		int fd = (int)syscall(i % 2 ? SYS_openat : SYS_open,
				      i % 2 ? (long)AT_FDCWD : (long)path,
				      i % 2 ? (long)path : (long)O_RDWR, O_RDWR);

		need(fd >= 0, "open");
		note_which(next_round(), fd);
		need(!fchmod(fd, 0700), "fchmod");
		close(fd);
	}
	end_flipping(&f);
}

static uint32_t opens_of_targets(const struct live_test *t, const struct event **out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_events; i++) {
		const struct event *ev = &t->events[i].ev;

		if ((ev->type != EVENT_OPENAT && ev->type != EVENT_OPEN) || !ev->file ||
		    !memmem(ev->file->path.ptr, ev->file->path.len, "/target-", 8) ||
		    ev->file->flags & FILE_CREATED)
			continue;
		out[n++] = ev;
	}
	return n;
}

static void is_target(const struct event *ev, const struct round *round)
{
	char want[128];

	snprintf(want, sizeof(want), "%s/target-%c", shared->folder, 'a' + round->which);
	assert_text(ev->file->path, want);
	assert_int_equal(ev->file->ino, shared->ino[round->which]);
	assert_false(ev->quality & EVENT_PATH_FROM_CALLER);
}

/* The two targets must both have been met, or nothing was raced. */
static void both_were_met(void)
{
	print_message("# %u rounds: %u of one, %u of the other\n", shared->n, shared->n_of[0],
		      shared->n_of[1]);
	assert_true(shared->n_of[0] > 0 && shared->n_of[1] > 0);
}

static void opened_paths_are_the_kernels(void **state)
{
	static const enum event_type types[] = {EVENT_OPENAT, EVENT_OPEN, EVENT_FCHMOD,
						EVENT_TYPE_END};
	static const struct event *events[EVENTS_KEPT_MAX];
	struct live_test *t = *state;

	for (int run = 0; run < RUNS; run++) {
		uint32_t typed_otherwise = 0;

		shared->n = 0;
		live_need(t, &(struct capture_needs){.typed_names = run == RUNS - 1});
		live_want(t, types);
		live_run(t, child_opens, NULL);
		live_need(t, NULL);
		assert_int_equal(t->child_status, 0);
		assert_int_equal(opens_of_targets(t, events), ROUNDS);
		for (uint32_t i = 0; i < ROUNDS; i++) {
			const char other[] = {(char)('b' - shared->rounds[i].which), '\0'};

			is_target(events[i], &shared->rounds[i]);
			is_target(live_event(t, EVENT_FCHMOD, i), &shared->rounds[i]);
			if (events[i]->raw_path[0].len == 8)
				typed_otherwise += events[i]->raw_path[0].ptr[7] == other[0];
			else
				assert_int_equal(events[i]->raw_path[0].len, 0);
		}
		if (run >= RUNS - 1)
			print_message("# the caller's text said otherwise %u times\n",
				      typed_otherwise);
	}
	both_were_met();
}

/* openat2's flags lie in the caller's memory too. */
static void child_opens_by_block(void *arg)
{
	struct open_how how = {.flags = O_RDONLY};
	struct flipped f;

	(void)arg;
	make_targets("target-a", "target-b");
	begin_flipping(&f, (char *)&how.flags, O_RDONLY, O_RDWR);
	for (int i = 0; i < ROUNDS; i++) {
		int fd = (int)syscall(SYS_openat2, AT_FDCWD, "target-a", &how, sizeof(how));
		struct round *round = next_round();

		need(fd >= 0, "openat2");
		round->which = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
		shared->n_of[round->which]++;
		close(fd);
	}
	end_flipping(&f);
}

static void opened_flags_are_the_kernels(void **state)
{
	static const enum event_type types[] = {EVENT_OPENAT2, EVENT_TYPE_END};
	struct live_test *t = *state;

	shared->n = 0;
	live_want(t, types);
	live_run(t, child_opens_by_block, NULL);
	assert_int_equal(t->child_status, 0);
	for (uint32_t i = 0; i < ROUNDS; i++)
		assert_int_equal(live_u64(live_event(t, EVENT_OPENAT2, i), "flags") & 3,
				 shared->rounds[i].which ? 3 : 1);
	both_were_met();
}

static void copy_program(const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "cp /bin/true %s/%s", shared->folder, name);
	need(system(command) == 0, "copy a program");
}

/* vfork: the child runs in the parent's memory, where the other thread goes on writing. */
static void child_executes(void *arg)
{
	char path[128];
	char *argv[] = {"given", NULL}, *env[] = {NULL};
	struct flipped f;

	(void)arg;
	copy_program("target-a");
	copy_program("target-b");
	snprintf(path, sizeof(path), "%s/target-a", shared->folder);
	begin_flipping(&f, &path[strlen(path) - 1], 'a', 'b');
	for (int i = 0; i < ROUNDS / 8; i++) {
		pid_t pid = vfork();
		int status;

		if (pid == 0) {
			syscall(SYS_execve, path, argv, env);
			_exit(127);
		}
		need(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "execute");
		shared->exec_pids[shared->n++] = pid;
	}
	end_flipping(&f);
}

static void executed_images_are_the_kernels(void **state)
{
	struct live_test *t = *state;
	struct stat st[2];
	char path[128];

	live_want(t, NULL);
	shared->n = 0;
	t->with_descendants = true;
	live_run(t, child_executes, NULL);
	t->with_descendants = false;
	assert_int_equal(t->child_status, 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/target-%c", shared->folder, 'a' + i);
		assert_int_equal(stat(path, &st[i]), 0);
	}
	for (uint32_t k = 0, i = 0; k < shared->n; k++) {
		const struct event *ev;

		do {
			ev = live_event(t, EVENT_EXECVE, i++);
		} while (ev->tgid != shared->exec_pids[k]);
		/* Path and inode are of one file: the text was not read a second time. */
		shared->rounds[k].which = ev->task->exe_ino == st[1].st_ino;
		shared->n_of[shared->rounds[k].which]++;
		assert_int_equal(ev->task->exe_ino, st[shared->rounds[k].which].st_ino);
		snprintf(path, sizeof(path), "%s/target-%c", shared->folder,
			 'a' + shared->rounds[k].which);
		assert_text(ev->task->exepath, path);
		live_text_is(ev, "trusted_exepath", path);
		live_text_is(ev, "filename", path); /* the kernel's copy of what was typed */
	}
	both_were_met();
}

/* Two listeners whose ports differ in the low byte only, where one store can flip it. */
static void listen_on_two(int fds[2])
{
	for (uint16_t base = 20000; base < 60000; base += 256) {
		struct sockaddr_in in = {.sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int ok = 1;

		for (int i = 0; i < 2; i++) {
			shared->ports[i] = (uint16_t)(base + 1 + i);
			in.sin_port = htons(shared->ports[i]);
			fds[i] = socket(AF_INET, SOCK_STREAM, 0);
			ok &= !bind(fds[i], (struct sockaddr *)&in, sizeof(in)) &&
			      !listen(fds[i], 64);
		}
		if (ok)
			return;
		close(fds[0]);
		close(fds[1]);
	}
	need(false, "find two ports");
}

static uint16_t port_by(int (*ask)(int, struct sockaddr *, socklen_t *), int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	need(!ask(fd, (struct sockaddr *)&in, &len), "ask for a name");
	return ntohs(in.sin_port);
}

static void child_connects(void *arg)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger now = {1, 0}; /* no TIME_WAIT */
	struct flipped f;
	int listeners[2];

	(void)arg;
	listen_on_two(listeners);
	to.sin_port = htons(shared->ports[0]);
	begin_flipping(&f, (char *)&to.sin_port + 1, (char)shared->ports[0],
		       (char)shared->ports[1]);
	for (int i = 0; i < ROUNDS; i++) {
		struct round *round = next_round();
		int accepted, fd = socket(AF_INET, SOCK_STREAM, 0);

		need(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
		round->port = port_by(getpeername, fd);
		round->local_port = port_by(getsockname, fd);
		round->which = round->port == shared->ports[1];
		shared->n_of[round->which]++;
		accepted = accept(listeners[round->which], NULL, NULL);
		need(accepted >= 0, "accept");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
		close(accepted);
	}
	end_flipping(&f);
}

static void connections_are_the_kernels(void **state)
{
	static const enum event_type types[] = {EVENT_CONNECT, EVENT_ACCEPT, EVENT_TYPE_END};
	struct live_test *t = *state;

	shared->n = 0;
	live_want(t, types);
	live_run(t, child_connects, NULL);
	assert_int_equal(t->child_status, 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		const struct round *round = &shared->rounds[i];
		const struct event *ev = live_event(t, EVENT_CONNECT, i);
		struct text addr = event_param(ev, CONNECT_addr)->bytes;
		uint16_t port;

		assert_int_equal(ev->res, 0);
		assert_int_equal(ev->sock->remote_port, round->port);
		assert_int_equal(ev->sock->local_port, round->local_port);
		assert_false(ev->quality & EVENT_ADDR_FROM_CALLER);
		assert_int_equal(addr.len, 7);
		memcpy(&port, addr.ptr + 5, sizeof(port));
		assert_int_equal(port, round->port);
		ev = live_event(t, EVENT_ACCEPT, i);
		assert_int_equal(ev->sock->remote_port, round->local_port);
		assert_int_equal(ev->sock->local_port, round->port);
	}
	both_were_met();
}

/* AF_UNIX and AF_INET binds: what the socket is bound to afterwards. */
static void child_binds(void *arg)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "bound-a"};
	struct flipped f;

	(void)arg;
	need(!chdir(shared->folder), "chdir");
	begin_flipping(&f, &un.sun_path[6], 'a', 'b');
	for (int i = 0; i < ROUNDS; i++) {
		struct round *round = next_round();
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		struct sockaddr_un got;
		socklen_t len = sizeof(got);

		need(fd >= 0 && !bind(fd, (struct sockaddr *)&un, sizeof(un)) &&
			     !getsockname(fd, (struct sockaddr *)&got, &len),
		     "bind");
		round->which = got.sun_path[6] == 'b';
		shared->n_of[round->which]++;
		unlink(got.sun_path);
		close(fd);
	}
	end_flipping(&f);
}

static void bound_names_are_the_kernels(void **state)
{
	static const enum event_type types[] = {EVENT_BIND, EVENT_TYPE_END};
	struct live_test *t = *state;

	shared->n = 0;
	live_want(t, types);
	live_run(t, child_binds, NULL);
	assert_int_equal(t->child_status, 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		const struct event *ev = live_event(t, EVENT_BIND, i);
		struct text addr = event_param(ev, BIND_addr)->bytes;
		char want = (char)('a' + shared->rounds[i].which);

		assert_int_equal(ev->res, 0);
		assert_false(ev->quality & EVENT_ADDR_FROM_CALLER);
		assert_int_equal(ev->sock->path.ptr[ev->sock->path.len - 1], want);
		assert_int_equal(addr.ptr[addr.len - 1], want);
	}
	both_were_met();
}

/* The rest is the caller's word, and says so. */
static void child_is_taken_at_its_word(void *arg)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)arg;
	need(!chdir(shared->folder) && !mkdir("d", 0755) && !rename("d", "e") &&
		     !chmod("e", 0700) && !rmdir("e") && unlink("none"),
	     "do the rest");
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	open("none/such", O_RDONLY);
}

static void the_rest_is_the_callers_word(void **state)
{
	static const enum event_type types[] = {EVENT_MKDIR,  EVENT_RENAME,  EVENT_CHMOD,
						EVENT_RMDIR,  EVENT_UNLINK,  EVENT_SENDTO,
						EVENT_OPENAT, EVENT_TYPE_END};
	struct live_test *t = *state;
	bool seen = false;

	live_want(t, types);
	live_run(t, child_is_taken_at_its_word, NULL);
	assert_int_equal(t->child_status, 0);
	for (int i = 0; i < 5; i++)
		assert_true(live_event(t, types[i], 0)->quality & EVENT_PATH_FROM_CALLER);
	assert_true(live_event(t, EVENT_SENDTO, 0)->quality & EVENT_ADDR_FROM_CALLER);
	for (uint32_t i = 0; i < live_count(t, EVENT_OPENAT); i++) {
		const struct event *ev = live_event(t, EVENT_OPENAT, i);

		if (!text_equal(ev->raw_path[0], TEXT("none/such")))
			continue;
		assert_true(ev->quality & EVENT_PATH_FROM_CALLER);
		seen = true;
	}
	assert_true(seen);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_shared, remove_shared)
	static const struct CMUnitTest tests[] = {
		TEST(opened_paths_are_the_kernels),    TEST(opened_flags_are_the_kernels),
		TEST(executed_images_are_the_kernels), TEST(connections_are_the_kernels),
		TEST(bound_names_are_the_kernels),     TEST(the_rest_is_the_callers_word),
	};

	return cmocka_run_group_tests(tests, live_setup, live_teardown);
}
