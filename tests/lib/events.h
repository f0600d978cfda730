/* Makes events for tests. One maker holds one event at a time: each event_*() call overwrites the
 * previous event and moves event time on by step_ns. Strings given are borrowed, not copied. */
#pragma once

#include <stdint.h>

#include "base/event.h"

/* Time 0 of the boot clock in every test, as ns since the epoch. */
#define TEST_BOOT_EPOCH_NS UINT64_C(1700000000000000000)
#define TEST_AT_FDCWD (-100)

/* Flags of open events, as the event table has them. */
enum {
	TEST_O_RDONLY = 1,
	TEST_O_WRONLY = 2,
	TEST_O_RDWR = 3,
	TEST_O_CREAT = 4,
	TEST_O_TRUNC = 256,
	TEST_O_DIRECTORY = 1024,
	TEST_O_CLOEXEC = 4096,
	TEST_O_F_CREATED = 16384,
};

/* A process (or one thread of it) of a test. Zero and NULL members get plain defaults: comm and exe
 * from exepath, cwd and root "/", session and process group of its own, uid 0. */
struct test_task {
	int32_t pid;
	int32_t tid;       /* 0: the leader */
	uint64_t start_ns; /* boot time */
	uint64_t exec_id;
	int32_t ppid;
	uint64_t parent_start_ns;
	const char *exepath;
	const char *exe, *comm;
	const char *const *args; /* argv[1..], NULL-terminated; NULL none */
	const char *const *env;
	const char *cwd, *root;
	const char *const *cgroups; /* "subsystem=path", NULL-terminated; NULL: "unified=/" */
	uint32_t uid, gid;
	uint32_t loginuid; /* 0: unset (UINT32_MAX) */
	int32_t sid, pgid, vpid;
	uint64_t pidns_start_ns;
	uint32_t tty, exe_flags;
	uint64_t exe_ino;
};

#define TEST_LIST_BYTES 8192

struct event_maker {
	uint64_t now_ns; /* event time of the next event: ns since the epoch */
	uint64_t step_ns;
	uint64_t num; /* of the last event */
	struct event ev;
	struct file_facts file;
	struct sock_facts sock;
	struct task_facts task;
	char args[TEST_LIST_BYTES], env[TEST_LIST_BYTES], cgroups[TEST_LIST_BYTES];
	char tuple[160], addr[160];
};

/* Start at boot_s seconds after boot, with a millisecond between events. */
void event_maker_init(struct event_maker *maker, double boot_s);

/* Move event time forward. */
void event_maker_advance(struct event_maker *maker, double seconds);

/* An event of that type without parameters, by who (NULL: no task); fill in the rest yourself. */
struct event *event_start(struct event_maker *maker, const struct test_task *who,
			  enum event_type type);

/* Set a parameter of the maker's event; index is OPENAT_name and the like. */
void event_set_i64(struct event *ev, unsigned index, int64_t value);
void event_set_u64(struct event *ev, unsigned index, uint64_t value);
void event_set_text(struct event *ev, unsigned index, const char *text);
void event_set_bytes(struct event *ev, unsigned index, const void *bytes, uint32_t len);

/* Set the result, both in ev->res and in the first parameter. */
void event_set_res(struct event *ev, int64_t res);

/* Initial scan: a task; one of its open files. */
struct event *event_scan(struct event_maker *maker, const struct test_task *task);
struct event *event_scan_fd(struct event_maker *maker, const struct test_task *task, int32_t fd,
			    const char *path);

/* Life cycle. exec: task describes the new image. fork: who made child. exit: of the whole
 * process when task->tid is 0; children go to reaper (0: nobody known). */
struct event *event_exec(struct event_maker *maker, const struct test_task *task);
struct event *event_exec_failed(struct event_maker *maker, const struct test_task *who,
				const char *path, int error);
struct event *event_fork(struct event_maker *maker, const struct test_task *who,
			 const struct test_task *child);
struct event *event_thread(struct event_maker *maker, const struct test_task *who, int32_t tid);
struct event *event_exit(struct event_maker *maker, const struct test_task *who, int32_t status,
			 int32_t reaper);

/* Files. openat with AT_FDCWD: fd >= 0 is a success whose resolved path is path; a negative fd is
 * an errno, and only the typed path is known. */
struct event *event_open(struct event_maker *maker, const struct test_task *who, int32_t fd,
			 const char *path, uint32_t flags);
struct event *event_close(struct event_maker *maker, const struct test_task *who, int32_t fd);
/* A call on one path (unlink, chmod, mkdir, ...): path goes into its first path parameter. */
struct event *event_path(struct event_maker *maker, const struct test_task *who,
			 enum event_type type, const char *path, int64_t res);

/* Sockets. Addresses as text, v4 or v6. */
struct event *event_socket(struct event_maker *maker, const struct test_task *who, int32_t fd,
			   int domain, int type);
struct event *event_connect(struct event_maker *maker, const struct test_task *who, int32_t fd,
			    const char *local, uint16_t local_port, const char *remote,
			    uint16_t remote_port, int64_t res);
struct event *event_accept(struct event_maker *maker, const struct test_task *who, int32_t fd,
			   const char *local, uint16_t local_port, const char *remote,
			   uint16_t remote_port);
struct event *event_bind(struct event_maker *maker, const struct test_task *who, int32_t fd,
			 const char *local, uint16_t local_port, int64_t res);
struct event *event_listen(struct event_maker *maker, const struct test_task *who, int32_t fd,
			   const char *local, uint16_t local_port);
