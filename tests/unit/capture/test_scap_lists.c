/* What captures say of the host, its processes and their descriptors, in every version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/util.h"
#include "capture/scap.h"
#include "tests/unit/capture/scap_bytes.h"

static struct scap_bytes b;

static void begin(void)
{
	b.len = 0;
	bytes_section(&b);
}

#define assert_text(t, s)                                                                          \
	do {                                                                                       \
		struct text t_ = (t);                                                              \
		if (!text_equal(t_, text_from(s)))                                                 \
			fail_msg("%s:%d: '%.*s' is not '%s'", __FILE__, __LINE__, TEXT_ARGS(t_),   \
				 s);                                                               \
	} while (0)

static const uint32_t process_blocks[10] = {0,     0x202, 0x207, 0x209, 0x210,
					    0x211, 0x212, 0x213, 0x214, 0x215};

/* One process as that version lists it, without the tail that version 9 has. */
static void put_process(unsigned version, uint64_t tid, uint64_t pid, uint64_t ptid)
{
	bytes_u64(&b, tid);
	bytes_u64(&b, pid);
	bytes_u64(&b, ptid);
	if (version >= 6)
		bytes_u64(&b, 77); /* sid */
	if (version >= 8)
		bytes_u64(&b, 78); /* vpgid */
	bytes_text(&b, "comm");
	bytes_text(&b, "exe");
	if (version >= 7)
		bytes_text(&b, "/bin/exe");
	bytes_text_of(&b, TEXT("a\0bb\0"));
	bytes_text(&b, "/cwd/");
	bytes_u64(&b, 1024);             /* descriptors */
	bytes_u32(&b, 1 << 13 | 1 << 0); /* CLONE_THREAD, CLONE_FILES */
	bytes_u32(&b, 1000);
	bytes_u32(&b, 100);
	if (version >= 2) {
		bytes_u32(&b, 11);
		bytes_u32(&b, 12);
		bytes_u32(&b, 13);
		bytes_u64(&b, 14);
		bytes_u64(&b, 15);
	}
	if (version >= 3)
		bytes_text_of(&b, TEXT("E=1\0"));
	if (version >= 4) {
		bytes_u64(&b, 5);
		bytes_u64(&b, 6);
		bytes_text_of(&b, TEXT("cpu=/x\0"));
	}
	if (version >= 5)
		bytes_text(&b, "/root");
}

/* Today's tail. */
static void put_tail(void)
{
	bytes_u64(&b, 4000);
	bytes_u32(&b, 34816);
	bytes_u32(&b, 501);
	bytes_u8(&b, 1);
	bytes_u64(&b, 0x11);
	bytes_u64(&b, 0x22);
	bytes_u64(&b, 0x33);
	bytes_u8(&b, 1);
	bytes_u64(&b, 91);
	bytes_u64(&b, 92);
	bytes_u64(&b, 93);
	bytes_u8(&b, 1);
	bytes_u8(&b, 1);
	bytes_u64(&b, 79);
}

#define TAIL_BYTES 76u

static const struct task_facts *next_task(struct source *source)
{
	const struct event *ev;

	do {
		ev = next_state(source);
	} while (ev && !ev->task);
	if (!ev)
		return NULL;
	assert_int_equal(ev->type, EVENT_PROCINFO);
	assert_true(ev->quality & EVENT_STATE_ONLY);
	assert_int_equal(ev->num, 0);
	assert_int_equal(ev->tid, ev->task->tid);
	assert_int_equal(ev->tgid, ev->task->tgid);
	return ev->task;
}

static void check_process(const struct task_facts *t, unsigned version)
{
	assert_non_null(t);
	assert_int_equal(t->tid, 42);
	assert_int_equal(t->tgid, 40);
	assert_true(t->is_thread);
	assert_text(t->comm, "comm");
	assert_text(t->exe, "exe");
	assert_text(t->exepath, version >= 7 ? "/bin/exe" : "");
	assert_true(text_equal(t->args, TEXT("a\0bb\0")));
	assert_text(t->cwd, "/cwd");
	assert_int_equal(t->fd_limit, 1024);
	assert_int_equal(t->uid, 1000);
	assert_int_equal(t->euid, 1000);
	assert_int_equal(t->gid, 100);
	assert_int_equal(t->clone_flags, 0x10000 | 0x400); /* the kernel's bits */
	assert_int_equal(t->sid, version >= 6 ? 77 : 0);
	assert_int_equal(t->vpgid, version >= 8 ? 78 : 0);
	assert_int_equal(t->vm_size_kb, version >= 2 ? 11 : 0);
	assert_int_equal(t->pgft_min, version >= 2 ? 15 : 0);
	assert_true(text_equal(t->env, version >= 3 ? TEXT("E=1\0") : TEXT_NONE));
	assert_int_equal(t->vtid, version >= 4 ? 5 : 42);
	assert_int_equal(t->vpid, version >= 4 ? 6 : 40);
	assert_true(text_equal(t->cgroups, version >= 4 ? TEXT("cpu=/x\0") : TEXT_NONE));
	assert_text(t->root, version >= 5 ? "/root" : "");
	assert_int_equal(!(t->unknown & TASK_UNKNOWN_SID), version >= 6);
	assert_int_equal(!(t->unknown & TASK_UNKNOWN_VPGID), version >= 8);
	assert_int_equal(!(t->unknown & TASK_UNKNOWN_CAPS), version >= 9);
	assert_false(t->unknown & TASK_UNKNOWN_IDS);
}

static void processes_of_every_version(void **state)
{
	(void)state;
	for (unsigned version = 1; version <= 9; version++) {
		const struct task_facts *t;
		struct source *source;

		begin();
		bytes_block(&b, process_blocks[version]);
		for (int i = 0; i < 2; i++) { /* the second shows where the first ends */
			if (version >= 9)
				bytes_entry(&b);
			put_process(version, 42, 40, 41);
			if (version >= 9) {
				put_tail();
				bytes_entry_end(&b, true);
			}
		}
		bytes_block_end(&b);
		source = bytes_open(&b);
		check_process(next_task(source), version);
		t = next_task(source);
		check_process(t, version);
		assert_int_equal(t->loginuid, version >= 9 ? 501 : UINT32_MAX);
		if (version >= 9) {
			assert_int_equal(t->pidns_start_ns, 4000);
			assert_int_equal(t->tty, 34816);
			assert_int_equal(t->cap_permitted, 0x22);
			assert_int_equal(t->exe_ino, 91);
			assert_int_equal(t->exe_mtime_ns, 93);
			assert_int_equal(t->pgid, 79);
			assert_int_equal(t->exe_flags, EXE_WRITABLE | EXE_UPPER_LAYER |
							       EXE_LOWER_LAYER | EXE_FROM_MEMFD);
		}
		assert_null(next_task(source));
		source_destroy(&source);
	}
}

static void old_block_numbers(void **state)
{
	static const uint32_t numbers[] = {0x8000abcd, 0x8013abcd, 0x8014abcd};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct source *source;

		begin();
		bytes_block(&b, numbers[i]);
		put_process(i + 1, 42, 40, 41);
		bytes_block_end(&b);
		source = bytes_open(&b);
		check_process(next_task(source), i + 1);
		source_destroy(&source);
	}
}

/* A list may be cut after any field of the tail: the rest is unknown, nothing is mistaken. */
static void tail_cut_anywhere(void **state)
{
	(void)state;
	for (uint32_t cut = 0; cut <= TAIL_BYTES; cut++) {
		bool is_old = cut <= 29;
		const struct task_facts *t;
		struct source *source;
		uint32_t end;

		begin();
		bytes_block(&b, 0x215);
		bytes_entry(&b);
		put_process(9, 42, 40, 41);
		end = b.len + cut;
		put_tail();
		b.len = end;
		bytes_entry_end(&b, true);
		bytes_block_end(&b);
		source = bytes_open(&b);
		t = next_task(source);
		assert_non_null(t);
		assert_text(t->root, "/root");
		assert_int_equal(t->tty, is_old ? 0 : 34816);
		if (!is_old)
			assert_int_equal(t->loginuid, 501);
		assert_int_equal(!(t->unknown & TASK_UNKNOWN_PGID), cut == TAIL_BYTES);
		assert_null(next_task(source));
		source_destroy(&source);
	}
}

/* The tail before two fields were put in the middle. */
static void old_tail(void **state)
{
	static const uint32_t lengths[] = {5, 29};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		const struct task_facts *t;
		struct source *source;
		uint32_t end;

		begin();
		bytes_block(&b, 0x215);
		bytes_entry(&b);
		put_process(9, 42, 40, 41);
		end = b.len + lengths[i];
		bytes_u32(&b, 501);
		bytes_u8(&b, 1);
		bytes_u64(&b, 0x11);
		bytes_u64(&b, 0x22);
		bytes_u64(&b, 0x33);
		b.len = end;
		bytes_entry_end(&b, true);
		bytes_block_end(&b);
		source = bytes_open(&b);
		t = next_task(source);
		assert_int_equal(t->loginuid, 501);
		assert_int_equal(t->exe_flags, EXE_WRITABLE);
		assert_int_equal(t->cap_effective, i ? 0x33 : 0);
		assert_int_equal(!(t->unknown & TASK_UNKNOWN_CAPS), i);
		assert_true(t->unknown & TASK_UNKNOWN_TTY);
		source_destroy(&source);
	}
}

/* Parents are listed as threads, children perhaps before them. */
static void parents_are_processes(void **state)
{
	const struct task_facts *t;
	struct source *source;

	(void)state;
	begin();
	bytes_block(&b, 0x202);
	put_process(1, 50, 50, 42);
	put_process(1, 42, 40, 1);
	bytes_block_end(&b);
	source = bytes_open(&b);
	t = next_task(source);
	assert_int_equal(t->tgid, 50);
	assert_int_equal(t->parent_tgid, 40);
	source_destroy(&source);
}

/* Both ends of an internet socket, or one. */
static void put_ends(unsigned width, bool is_listening)
{
	static const uint8_t ends[2][16] = {{10, 0, 0, 1, 5}, {10, 0, 0, 2, 6}};

	for (int i = 0; i < (is_listening ? 1 : 2); i++)
		bytes_raw(&b, ends[i], width);
	bytes_u16(&b, 1234);
	if (!is_listening)
		bytes_u16(&b, 443);
	bytes_u8(&b, 2); /* TCP */
}

static void put_fd(unsigned version, uint8_t type)
{
	if (version >= 2)
		bytes_entry(&b);
	bytes_u64(&b, type + 100u); /* the descriptor */
	bytes_u64(&b, 9000u + type);
	bytes_u8(&b, type);
	if (type >= 3 && type <= 6) {
		put_ends(type == 3 || type == 5 ? 4 : 16, type >= 5);
	} else if (type == 8) {
		bytes_u64(&b, 0xaaaa);
		bytes_u64(&b, 0xbbbb);
		bytes_text(&b, "/run/x.sock\n");
	} else if (type) {
		if (type == 16)
			bytes_u32(&b, 1 << 15 | 1); /* upper layer, read */
		bytes_text(&b, "/name");
		if (type == 16 && version >= 2)
			bytes_u32(&b, 0x801);
	}
	if (version >= 2) {
		bytes_zero(&b, 5); /* fields to come */
		bytes_entry_end(&b, true);
	}
}

static const struct event *next_fd(struct source *source)
{
	const struct event *ev;

	do {
		ev = next_state(source);
	} while (ev && !ev->file && !ev->sock);
	return ev;
}

static void check_sock(const struct event *ev, uint8_t type)
{
	const struct sock_facts *s = ev->sock;
	bool is_listening = type == 5 || type == 6;

	assert_non_null(s);
	assert_null(ev->file);
	assert_int_equal(s->ino, 9000 + type);
	if (type == 8) {
		assert_int_equal(s->family, AF_UNIX);
		assert_text(s->path, "/run/x.sock");
		assert_int_equal(s->self_ptr, 0xaaaa);
		assert_int_equal(s->peer_ptr, 0xbbbb);
		return;
	}
	if (type == 15) {
		assert_int_equal(s->family, AF_NETLINK);
		return;
	}
	assert_int_equal(s->family, type == 3 || type == 5 ? AF_INET : AF_INET6);
	assert_int_equal(s->local[3], 1);
	assert_int_equal(s->local[4], type == 3 || type == 5 ? 0 : 5);
	assert_int_equal(s->local_port, 1234);
	assert_int_equal(s->remote[3], is_listening ? 0 : 2);
	assert_int_equal(s->remote_port, is_listening ? 0 : 443);
	assert_int_equal(s->protocol, IPPROTO_TCP);
	assert_int_equal(s->type, SOCK_STREAM);
	/* Port 1234 is listened on: connections to it were accepted. */
	assert_int_equal(s->flags, SOCK_SERVER | (is_listening ? SOCK_LISTENING : SOCK_CONNECTED));
}

static const struct {
	uint8_t type;
	enum file_kind kind;
	const char *path;
} files[] = {
	{1, FILE_KIND_REGULAR, "/name"},     {2, FILE_KIND_DIRECTORY, "/name"},
	{7, FILE_KIND_FIFO, "/name"},        {9, FILE_KIND_ANON, "[eventfd]"},
	{10, FILE_KIND_ANON, "/name"},       {11, FILE_KIND_ANON, "[signalfd]"},
	{12, FILE_KIND_ANON, "[eventpoll]"}, {13, FILE_KIND_ANON, "inotify"},
	{14, FILE_KIND_ANON, "[timerfd]"},   {16, FILE_KIND_REGULAR, "/name"},
	{17, FILE_KIND_ANON, "bpf"},         {18, FILE_KIND_ANON, "[userfaultfd]"},
	{19, FILE_KIND_ANON, "[io_uring]"},  {20, FILE_KIND_MEMFD, "/name"},
	{21, FILE_KIND_ANON, "[pidfd]"},
};

static void check_file(const struct event *ev, uint8_t type, unsigned version)
{
	assert_non_null(ev->file);
	assert_null(ev->sock);
	assert_int_equal(ev->file->ino, 9000 + type);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (files[i].type != type)
			continue;
		assert_int_equal(ev->file->kind, files[i].kind);
		assert_text(ev->file->path, files[i].path);
	}
	if (type == 16) {
		assert_int_equal(ev->file->flags, FILE_UPPER_LAYER);
		assert_int_equal(ev->file->dev, version >= 2 ? 0x801 : 0);
	}
}

static void descriptors_of_every_type(void **state)
{
	static const uint32_t blocks[] = {0x8001abcd, 0x203, 0x218};

	(void)state;
	for (unsigned version = 0; version <= 2; version++) {
		struct source *source;

		begin();
		bytes_block(&b, blocks[version]); /* before the process: order does not matter */
		bytes_u64(&b, 42);
		for (uint8_t type = 1; type <= 21; type++)
			put_fd(version, type);
		bytes_block_end(&b);
		bytes_block(&b, 0x202);
		put_process(1, 42, 40, 1);
		bytes_block_end(&b);
		source = bytes_open(&b);
		assert_int_equal(next_task(source)->tid, 42);
		for (uint8_t type = 1; type <= 21; type++) {
			const struct event *ev = next_fd(source);

			assert_non_null(ev);
			assert_int_equal(ev->fd, type + 100);
			assert_int_equal(ev->tid, 42);
			assert_int_equal(ev->tgid, 40);
			assert_true(ev->quality & EVENT_STATE_ONLY);
			if ((type >= 3 && type <= 6) || type == 8 || type == 15)
				check_sock(ev, type);
			else
				check_file(ev, type, version);
		}
		assert_null(next_fd(source));
		source_destroy(&source);
	}
}

/* Who listens on a port took the connections to it. */
static void accepted_connections(void **state)
{
	static const uint8_t types[] = {3, 4, 5};
	struct source *source;

	(void)state;
	for (int is_listening = 0; is_listening <= 1; is_listening++) {
		begin();
		bytes_block(&b, 0x218);
		bytes_u64(&b, 42);
		for (size_t i = 0; i < ARRAY_SIZE(types) - !is_listening; i++)
			put_fd(2, types[i]); /* the one that listens comes last */
		bytes_block_end(&b);
		source = bytes_open(&b);
		for (int i = 0; i < 2; i++)
			assert_int_equal(next_fd(source)->sock->flags,
					 SOCK_CONNECTED | (is_listening ? SOCK_SERVER : 0));
		source_destroy(&source);
	}
}

/* A type to come has a length to skip it by; without one the list cannot be read on. */
static void descriptors_of_types_to_come(void **state)
{
	const struct event *ev;
	struct source *source;

	(void)state;
	begin();
	bytes_block(&b, 0x218);
	bytes_u64(&b, 42);
	put_fd(2, 99);
	put_fd(2, 1);
	bytes_block_end(&b);
	source = bytes_open(&b);
	assert_int_equal(next_fd(source)->fd, 199);
	assert_int_equal(next_fd(source)->fd, 101);
	assert_null(next_fd(source));
	source_destroy(&source);
	begin();
	bytes_block(&b, 0x203);
	bytes_u64(&b, 42);
	put_fd(1, 1);
	put_fd(1, 99);
	bytes_block_end(&b);
	source = bytes_open(&b);
	assert_int_equal(next_fd(source)->fd, 101);
	assert_int_equal(source_next(source, &ev), -EBADMSG);
	assert_int_equal(scap_source_error_offset(source), 28);
	assert_non_null(strstr(scap_source_diag(source)->message, "byte 28"));
	source_destroy(&source);
}

/* Version 0 is the first with the block's number of before 2014. */
static void put_machine(unsigned version)
{
	bytes_block(&b, version ? 0x201 : 0x8002abcd);
	bytes_u32(&b, 4);
	bytes_u64(&b, 1 << 30);
	bytes_u64(&b, 32768);
	bytes_raw(&b, "host.example", 13);
	bytes_zero(&b, 128 - 13);
	bytes_zero(&b, 32);
	bytes_block_end(&b);
}

static void put_users(unsigned version)
{
	bytes_block(&b, version == 0 ? 0x8012abcd : version == 1 ? 0x206 : 0x220);
	for (uint32_t id = 0; id < 40; id++) { /* more than fit the first room */
		if (version >= 2)
			bytes_entry(&b);
		bytes_u8(&b, id % 2 != 0);
		bytes_u32(&b, id);
		if (id % 2 == 0)
			bytes_u32(&b, id + 1000);
		bytes_text(&b, "name");
		if (id % 2 == 0) {
			bytes_text(&b, "/home");
			bytes_text(&b, "/bin/sh");
		}
		if (version >= 2)
			bytes_entry_end(&b, true);
	}
	bytes_block_end(&b);
}

static void put_interfaces(unsigned version)
{
	static const uint8_t address[16] = {10, 1, 2, 3};

	bytes_block(&b, version == 0 ? 0x8011abcd : version == 1 ? 0x205 : 0x219);
	for (uint16_t type = 1; type <= (version < 2 ? 4 : 2); type++) {
		uint32_t width = type % 2 ? 4 : 16;

		if (version >= 2)
			bytes_entry(&b);
		bytes_u16(&b, type);
		bytes_u16(&b, 4);
		bytes_raw(&b, address, width);
		bytes_raw(&b, "\xff\xff", 2);
		bytes_zero(&b, 2 * width - 2);
		if (type <= 2)
			bytes_u64(&b, 1000);
		bytes_raw(&b, "eth0", 4);
		if (version >= 2)
			bytes_entry_end(&b, false); /* here it does not */
	}
	bytes_block_end(&b);
}

static void the_host(void **state)
{
	(void)state;
	for (unsigned version = 0; version <= 2; version++) {
		const struct host_facts *host;
		const struct event *ev;
		struct source *source;

		begin();
		put_users(version);
		put_interfaces(version);
		put_machine(version);
		bytes_event_now(&b, 186, 42, NULL, 0);
		source = bytes_open(&b);
		ev = next_state(source);
		assert_int_equal(ev->ts_ns, 1000); /* when events begin */
		assert_int_equal(ev->tgid, -1);
		host = ev->host;
		assert_non_null(host);
		assert_text(host->hostname, "host.example");
		assert_int_equal(host->n_users, 20);
		assert_int_equal(host->n_groups, 20);
		assert_int_equal(host->users[19].uid, 38);
		assert_int_equal(host->users[19].gid, 1038);
		assert_text(host->users[19].home, "/home");
		assert_text(host->users[19].shell, "/bin/sh");
		assert_int_equal(host->groups[19].gid, 39);
		assert_text(host->groups[19].name, "name");
		assert_int_equal(host->n_addresses, version < 2 ? 4 : 2);
		assert_int_equal(host->addresses[0].family, AF_INET);
		assert_int_equal(host->addresses[1].family, AF_INET6);
		for (uint32_t i = 0; i < host->n_addresses; i++) {
			assert_int_equal(host->addresses[i].address[3], 3);
			assert_int_equal(host->addresses[i].netmask[1], 255);
			assert_text(host->addresses[i].interface, "eth0");
		}
		source_destroy(&source);
	}
}

/* More users than any host has: refused before they fill the memory. */
static void too_many_users(void **state)
{
	static const uint32_t limit = 1 << 16;

	(void)state;
	for (uint32_t n = limit; n <= limit + 1; n++) {
		const struct event *ev;
		struct source *source;

		begin();
		bytes_block(&b, 0x206);
		for (uint32_t i = 0; i < n; i++) {
			bytes_u8(&b, 1);
			bytes_u32(&b, i);
			bytes_text(&b, "");
		}
		bytes_block_end(&b);
		source = bytes_open(&b);
		assert_int_equal(source_next(source, &ev), n == limit ? 1 : -EBADMSG);
		source_destroy(&source);
	}
}

/* Lengths that lie: each list is refused with its place, nothing is read beyond it. */
static void lists_with_wrong_lengths(void **state)
{
	static const uint32_t blocks[] = {0x215, 0x218, 0x219, 0x220, 0x202, 0x201};
	static const uint32_t lengths[] = {0, 3, 60, 0xffff, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(lengths); k++) {
			const struct event *ev;
			struct source *source;
			int r;

			if (blocks[i] == 0x219 && lengths[k] <= 3)
				continue; /* which does not count itself */
			begin();
			bytes_block(&b, blocks[i]);
			if (blocks[i] == 0x218)
				bytes_u64(&b, 42);
			bytes_u32(&b, lengths[k]);
			bytes_zero(&b, 20);
			bytes_block_end(&b);
			source = bytes_open(&b);
			while ((r = source_next(source, &ev)) > 0)
				;
			if (r != -EBADMSG)
				fail_msg("block 0x%x, length %u: %d", blocks[i], lengths[k], r);
			assert_int_equal(scap_source_error_offset(source), 28);
			source_destroy(&source);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_of_every_version),
		cmocka_unit_test(old_block_numbers),
		cmocka_unit_test(tail_cut_anywhere),
		cmocka_unit_test(old_tail),
		cmocka_unit_test(parents_are_processes),
		cmocka_unit_test(descriptors_of_every_type),
		cmocka_unit_test(accepted_connections),
		cmocka_unit_test(descriptors_of_types_to_come),
		cmocka_unit_test(the_host),
		cmocka_unit_test(too_many_users),
		cmocka_unit_test(lists_with_wrong_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
