/* What the daemon's side of capture costs per event, without rules and baselines: merging two
 * rings, taking records apart, decoding, state. Records are made by hand as the programs write
 * them. Prints name, value, unit and target by tabs; medians over repetitions, after one to warm
 * up. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/util.h"
#include "capture/decode.h"
#include "capture/rings.h"
#include "state/state.h"
#include "tests/bench/median.h"

#define REPETITIONS 7
#define N_RINGS 2
#define RING_BYTES (UINT64_C(8) << 20)
#define STRIDE (WIRE_RING_HEAD_BYTES + RING_BYTES + WIRE_RING_SLACK)
#define OPENS 2000 /* in one drain, as at full speed */
#define EXECS 50
#define DRAINS 20
#define ROUND_STEP_NS 1000
#define SHELL 100
#define FIRST_CHILD 1000

struct bench {
	char *memory;
	struct rings *rings;
	struct decoder decoder;
	struct state *state;
	uint64_t boot_ns;
	uint32_t children;
	uint64_t bytes; /* of the records put since the last measurement */
};

static char *ring_of(struct bench *b, uint32_t cpu)
{
	return b->memory + cpu * STRIDE;
}

static struct wire_header *record_begin(struct bench *b, uint32_t cpu, uint16_t kind, uint16_t nr,
					int32_t tgid)
{
	struct wire_ring *ring = (struct wire_ring *)ring_of(b, cpu);
	struct wire_header *header = (struct wire_header *)((char *)ring + WIRE_RING_HEAD_BYTES +
							    (ring->head & (RING_BYTES - 1)));

	memset(header, 0, sizeof(*header));
	b->boot_ns += ROUND_STEP_NS;
	header->kind = kind;
	header->nr = nr;
	header->boot_ns = b->boot_ns;
	header->start_ns = (uint64_t)tgid;
	header->exec_id = 1;
	header->tgid = (uint32_t)tgid;
	header->tid = (uint32_t)tgid;
	header->cpu = (uint16_t)cpu;
	header->fd = -1;
	header->len = kind == WIRE_CALL ? sizeof(*header) : WIRE_HEADER_BYTES;
	return header;
}

static void add(struct wire_header *header, uint16_t type, const void *fixed, uint32_t fixed_len,
		const char *text, uint32_t text_len)
{
	char *to = (char *)header + header->len;
	struct wire_section section = {type, 0, fixed_len + text_len};

	memcpy(to, &section, sizeof(section));
	memcpy(to + sizeof(section), fixed, fixed_len);
	memcpy(to + sizeof(section) + fixed_len, text, text_len);
	header->len += (uint32_t)sizeof(section) + ((fixed_len + text_len + 7) & ~UINT32_C(7));
}

static void add_text(struct wire_header *header, uint16_t type, const char *text)
{
	add(header, type, "", 0, text, (uint32_t)strlen(text));
}

static void record_end(struct bench *b, struct wire_header *header)
{
	struct wire_ring *ring = (struct wire_ring *)ring_of(b, header->cpu);

	ring->head += header->len;
	b->bytes += header->len;
}

static void put_open(struct bench *b, uint32_t cpu)
{
	struct wire_header *header = record_begin(b, cpu, WIRE_CALL, SYS_openat, SHELL);
	const struct wire_file file = {
		.ino = 12345, .dev = 8 << 20 | 1, .mode = S_IFREG | 0644, .open_flags = O_RDONLY};

	header->res = 3;
	header->args[0] = (uint64_t)AT_FDCWD;
	add(header, WIRE_SEC_FILE, &file, sizeof(file), "libc.so.6/x86_64-linux-gnu/lib/usr/", 35);
	record_end(b, header);
}

static void add_task(struct wire_header *header, int32_t tgid, int32_t parent, const char *comm)
{
	struct wire_task task = {
		.parent_start_ns = (uint64_t)parent,
		.start_ns = (uint64_t)tgid,
		.exec_id = 1,
		.fd_limit = 1024,
		.tid = tgid,
		.tgid = tgid,
		.parent_tgid = parent,
		.parent_tid = parent,
		.vtid = tgid,
		.vpid = tgid,
		.sid = SHELL,
		.pgid = tgid,
		.vpgid = tgid,
		.loginuid = UINT32_MAX,
	};
	const struct wire_cgroup group = {.id = 77};

	strncpy(task.comm, comm, sizeof(task.comm) - 1);
	add(header, WIRE_SEC_TASK, &task, sizeof(task), "", 0);
	add_text(header, WIRE_SEC_CWD, "work/home/");
	add_text(header, WIRE_SEC_ROOT, "");
	add(header, WIRE_SEC_CGROUP, &group, sizeof(group), "cron.service/system.slice/", 26);
}

/* A fork, an exec and an exit, as a shell's child makes them. */
static void put_exec(struct bench *b, uint32_t cpu)
{
	static const char args[] = "sh\0-c\0exec sleep 1\0";
	static char env[1200];
	const struct wire_file image = {
		.ino = 999, .dev = 8 << 20 | 1, .mode = S_IFREG | 0755, .magic = 0xef53};
	const struct wire_exit end = {.is_group_dead = 1};
	int32_t child = FIRST_CHILD + (int32_t)(b->children++ % 30000);
	struct wire_header *header = record_begin(b, cpu, WIRE_FORK, SYS_clone, child);

	add_task(header, child, SHELL, "sh");
	record_end(b, header);
	header = record_begin(b, cpu, WIRE_EXEC, UINT16_MAX, child);
	header->exec_id = 2;
	add_task(header, child, SHELL, "sleep");
	add(header, WIRE_SEC_FILE, &image, sizeof(image), "sleep/bin/usr/", 14);
	add(header, WIRE_SEC_ARGS, args, sizeof(args) - 1, "", 0);
	memset(env, 'x', sizeof(env) - 1);
	for (uint32_t i = 49; i < sizeof(env); i += 50)
		env[i] = '\0';
	add(header, WIRE_SEC_ENV, env, sizeof(env), "", 0);
	add_text(header, WIRE_SEC_FILENAME, "/usr/bin/sleep");
	record_end(b, header);
	header = record_begin(b, cpu, WIRE_EXIT, UINT16_MAX, child);
	header->exec_id = 2;
	add(header, WIRE_SEC_EXIT, &end, sizeof(end), "", 0);
	record_end(b, header);
}

__attribute__((noinline)) static uint64_t take_all(struct bench *b)
{
	const struct wire_header *header;
	uint64_t n = 0;
	bool is_late;

	rings_refresh(b->rings, b->boot_ns + UINT64_C(1000000000));
	while ((header = rings_next(b->rings, UINT64_MAX, &is_late))) {
		struct record record;
		struct subject subject;

		if (record_parse(&record, header, header->len) ||
		    decode_record(&b->decoder, &record))
			exit(1);
		b->decoder.event.ts_ns = b->decoder.event.boot_ns;
		b->decoder.event.num = ++n;
		if (state_apply(b->state, &b->decoder.event, &subject) || !subject.process)
			exit(1);
	}
	return n;
}

static void measure(struct bench *b, const char *name, void (*put)(struct bench *b, uint32_t cpu),
		    uint32_t rounds, uint64_t records, const char *unit)
{
	double times[REPETITIONS + 1];

	for (uint32_t repetition = 0; repetition <= REPETITIONS; repetition++) {
		uint64_t cpu_ns = 0;

		for (uint32_t drain = 0; drain < DRAINS; drain++) {
			b->bytes = 0;
			for (uint32_t i = 0; i < rounds; i++)
				put(b, i / 16 % N_RINGS); /* a CPU makes some in a row */
			if (b->bytes > N_RINGS * RING_BYTES)
				exit(1);
			cpu_ns -= clock_cpu_ns();
			if (take_all(b) != rounds * records)
				exit(1);
			cpu_ns += clock_cpu_ns();
		}
		times[repetition] = (double)cpu_ns / DRAINS / rounds / 1000;
	}
	printf("%s\t%.3f\t%s\n", name, median(times + 1, REPETITIONS), unit);
}

int main(void)
{
	static struct bench b;
	struct rings_config rings = {.stride = STRIDE, .n_cpus = N_RINGS, .ring_bytes = RING_BYTES};
	struct state_config state = {
		.processes_max = 65536, .fds_per_process_max = 4096, .host_root = "/"};
	struct wire_header *header;

	b.memory = calloc(N_RINGS, STRIDE);
	rings.memory = b.memory;
	b.boot_ns = UINT64_C(1000000000);
	if (!b.memory || rings_create(&b.rings, &rings) || state_create(&b.state, &state))
		return 1;
	decoder_init(&b.decoder);
	header = record_begin(&b, 0, WIRE_TASK, UINT16_MAX, SHELL);
	add_task(header, SHELL, 1, "sh");
	record_end(&b, header);
	take_all(&b);
	measure(&b, "merge + decode + state per open", put_open, OPENS, 1, "us\t<= 0.18");
	measure(&b, "merge + decode + state per fork + exec + exit", put_exec, EXECS, 3,
		"us\t<= 40");
	rings_destroy(&b.rings);
	state_destroy(&b.state);
	free(b.memory);
	return 0;
}
