/* What the containers and keys of profiles cost, beside as many random loads. Prints name, value,
 * unit and target by tabs; medians over interleaved repetitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "profiles/arg_shape.h"
#include "profiles/count_min.h"
#include "profiles/dimension.h"
#include "profiles/head.h"
#include "profiles/path_template.h"
#include "profiles/stream.h"
#include "state/state.h"
#include "tests/bench/median.h"
#include "tests/lib/events.h"
#include "tests/unit/profiles/random.h"

#define REPETITIONS 7
#define ROWS 4
#define CELL_BYTES 12
#define WARM_WIDTH 2048
#define COLD_WIDTH (1u << 21) /* 96 MiB: larger than any cache here */

static void row(const char *name, double value, const char *unit, const char *target)
{
	printf("%s\t%.1f\t%s\t%s\n", name, value, unit, target);
}

/* Everything that is measured, made once. */
struct bench {
	struct count_min *warm, *cold;
	struct head *head;
	uint64_t head_seed;
	char *memory; /* for the floor: as large as the cold sketch */
	struct dimension_set *dimensions;
	struct event_maker maker;
	struct arena arena;
	struct process creator, process;
	struct subject subject;
	struct field_context ctx;
	struct stream stream;
	volatile uint64_t sink; /* keeps results alive */
};

/* One operation, n times; the work's size in bytes for the floor. */
typedef void work_fn(struct bench *b, uint32_t n);

static double time_of(struct bench *b, work_fn *work, uint32_t n)
{
	uint64_t start = clock_monotonic_ns();

	work(b, n);
	return (double)(clock_monotonic_ns() - start) / n;
}

/* Always 0, but only once the value is there: the next operation begins when this one has ended, as
 * in the pipeline, where other work lies between two. Without this a processor fetches for several
 * bare loads at once, and never for several events. */
static uint64_t after(uint64_t value)
{
	__asm__ volatile("" : "+r"(value)); /* the compiler must not know it */
	return value >> 63;
}

static void add_and_find(struct bench *b, struct count_min *cm, uint64_t n_keys, uint32_t n)
{
	uint64_t random = 1;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t key = random_next(&random) % n_keys;

		count_min_add(cm, &key, sizeof(key), 5, 1);
		random ^= after(count_min_find(cm, &key, sizeof(key)).count);
	}
	b->sink += random;
}

static void sketch_warm(struct bench *b, uint32_t n)
{
	add_and_find(b, b->warm, 700, n);
}

static void sketch_cold(struct bench *b, uint32_t n)
{
	add_and_find(b, b->cold, COLD_WIDTH / 3, n);
}

/* As many random places as a sketch has rows, each read and written. */
static void floor_of(struct bench *b, size_t bytes, uint32_t n)
{
	uint64_t random = 2;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t key = random_next(&random);
		uint64_t sum = 0;

		for (int r = 0; r < ROWS; r++) {
			uint64_t *place = (uint64_t *)&b->memory[(key >> 32) % (bytes / 64) * 64];

			*place = (*place + 1) & UINT32_MAX;
			sum += *place;
			key = key * UINT64_C(0x9e3779b97f4a7c15) + 1;
		}
		random ^= after(sum);
	}
	b->sink += random;
}

static void floor_warm(struct bench *b, uint32_t n)
{
	floor_of(b, (size_t)WARM_WIDTH * ROWS * CELL_BYTES, n);
}

static void floor_cold(struct bench *b, uint32_t n)
{
	floor_of(b, (size_t)COLD_WIDTH * ROWS * CELL_BYTES, n);
}

#define HEAD_KEYS 1000000

static void head_cold(struct bench *b, uint32_t n)
{
	uint64_t random = 77;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t key = b->head_seed +
			       random_next(&random) % HEAD_KEYS * UINT64_C(0x9e3779b97f4a7c15);
		uint64_t fingerprint = random_next(&key);

		b->sink += head_find(b->head, fingerprint)->epochs;
	}
}

static void template_plain(struct bench *b, uint32_t n)
{
	struct text path = TEXT("/usr/lib/systemd/systemd-journald");
	char buffer[PATH_TEMPLATE_MAX];

	for (uint32_t i = 0; i < n; i++) {
		__asm__ volatile("" : "+m"(path));
		b->sink += path_template(path, buffer).len;
	}
}

static void template_library(struct bench *b, uint32_t n)
{
	struct text path = TEXT("/usr/lib/x86_64-linux-gnu/libc-2.36.so");
	char buffer[PATH_TEMPLATE_MAX];

	for (uint32_t i = 0; i < n; i++) {
		__asm__ volatile("" : "+m"(path));
		b->sink += path_template(path, buffer).len;
	}
}

static void shape(struct bench *b, uint32_t n)
{
	struct text args = TEXT("-la\0--color=auto\0/var/log\0");
	char buffer[ARG_SHAPE_MAX];

	for (uint32_t i = 0; i < n; i++) {
		__asm__ volatile("" : "+m"(args));
		b->sink += arg_shape(args, buffer).len;
	}
}

static void fingerprint(struct bench *b, uint32_t n)
{
	struct dimension_key key = {
		.n_levels = 3,
		.fields = {TEXT("/usr/sbin/nginx"), TEXT("/etc/nginx"), TEXT("nginx.conf")},
	};
	uint64_t prints[RECORD_LEVELS_MAX];

	for (uint32_t i = 0; i < n; i++) {
		dimension_fingerprint(dimension_set_get(b->dimensions, 0), &key, i, prints);
		b->sink += prints[2];
	}
}

static void observe(struct bench *b, uint32_t n)
{
	const struct dimension *d = dimension_set_get(b->dimensions, 0);
	uint64_t prints[RECORD_LEVELS_MAX];
	struct dimension_key key;

	for (uint32_t i = 0; i < n; i++) {
		arena_reset(&b->arena);
		if (dimension_observe(d, &b->ctx, &key))
			dimension_fingerprint(d, &key, i, prints);
		b->sink += prints[0];
	}
}

static void advance(struct bench *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		stream_advance(&b->stream, b->stream.age + 3);
		b->sink += (uint64_t)(stream_rate(&b->stream) * 1e6);
	}
}

/* Run all, interleaved; medians into out. */
static void measure(struct bench *b, work_fn *const works[], uint32_t n_works,
		    const uint32_t counts[], double out[])
{
	double times[16][REPETITIONS];

	for (int r = 0; r < REPETITIONS; r++) {
		for (uint32_t w = 0; w < n_works; w++)
			times[w][r] = time_of(b, works[w], counts[w]);
	}
	for (uint32_t w = 0; w < n_works; w++)
		out[w] = median(times[w], REPETITIONS);
}

static int fill_containers(struct bench *b)
{
	struct count_min_config warm = {WARM_WIDTH, ROWS, 0, 42};
	struct count_min_config cold = {COLD_WIDTH, ROWS, 0, 42};

	if (count_min_create(&b->warm, &warm) || count_min_create(&b->cold, &cold) ||
	    head_create(&b->head, 256 << 20))
		return -1;
	for (uint64_t key = 0; key < COLD_WIDTH / 3; key++)
		count_min_add(b->cold, &key, sizeof(key), 1, 1);
	for (uint64_t key = 0; key < 700; key++)
		count_min_add(b->warm, &key, sizeof(key), 1, 1);
	for (uint64_t i = 0; i < HEAD_KEYS; i++) {
		uint64_t key = b->head_seed + i * UINT64_C(0x9e3779b97f4a7c15);

		if (!head_add(b->head, random_next(&key), 0, 1))
			return -1;
	}
	b->memory = malloc((size_t)COLD_WIDTH * ROWS * CELL_BYTES);
	if (!b->memory)
		return -1;
	memset(b->memory, 1, (size_t)COLD_WIDTH * ROWS * CELL_BYTES);
	return 0;
}

static int make_event(struct bench *b)
{
	static const char yaml[] =
		"dimensions:\n"
		"  - name: file.read\n"
		"    events: [openat]\n"
		"    access: read\n"
		"    key:\n"
		"      - {name: exe, field: process.exe, transform: path_template}\n"
		"      - {name: top, field: file.path, transform: [path_template, directory(2)]}\n"
		"      - {name: directory, field: file.path, transform: [path_template, directory]}\n"
		"      - {name: file, field: file.path, transform: [path_template, name]}\n";
	static const struct test_task task = {
		.pid = 5, .start_ns = 1, .exepath = "/usr/sbin/nginx"};
	static const struct field_set no_fields;

	if (dimension_set_parse(&b->dimensions, TEXT(yaml), "bench", &no_fields, NULL) ||
	    arena_init(&b->arena, 65536))
		return -1;
	event_maker_init(&b->maker, 1);
	b->process.exepath = TEXT("/usr/sbin/nginx");
	b->subject =
		(struct subject){.process = &b->process, .path = TEXT("/etc/nginx/nginx.conf")};
	b->ctx = (struct field_context){
		.event = event_open(&b->maker, &task, 3, "/etc/nginx/nginx.conf", TEST_O_RDONLY),
		.subject = &b->subject,
		.arena = &b->arena,
	};
	stream_init(&b->stream, 0);
	return 0;
}

static void report(struct bench *b)
{
	static work_fn *const works[] = {
		sketch_warm,      floor_warm, sketch_cold, floor_cold, head_cold, template_plain,
		template_library, shape,      fingerprint, observe,    advance,
	};
	static const uint32_t counts[] = {
		2000000, 2000000, 500000,  500000,  500000, 2000000,
		1000000, 1000000, 2000000, 1000000, 500000,
	};
	double ns[ARRAY_SIZE(works)];

	measure(b, works, ARRAY_SIZE(works), counts, ns);
	row("sketch: add + find, warm", ns[0], "ns", "<= 60");
	row("  floor: 4 random loads and stores, warm", ns[1], "ns", "");
	row("sketch: add + find, 96 MiB", ns[2], "ns", "");
	row("  floor: 4 random loads and stores, 96 MiB", ns[3], "ns", "");
	row("  ratio", ns[2] / ns[3], "x", "<= 2.5");
	row("exact head: find among a million", ns[4], "ns", "");
	row("path template: nothing varies", ns[5], "ns", "");
	row("path template: library with a version", ns[6], "ns", "");
	row("argument shape: three arguments", ns[7], "ns", "");
	row("fingerprints: three short levels", ns[8], "ns", "<= 60");
	row("observe file.read: four levels and fingerprints", ns[9], "ns", "");
	row("stream: three idle epochs, and the rate", ns[10], "ns", "");
}

static void bench_done(struct bench *b)
{
	count_min_destroy(&b->warm);
	count_min_destroy(&b->cold);
	head_destroy(&b->head);
	dimension_set_destroy(&b->dimensions);
	arena_done(&b->arena);
	free(b->memory);
}

int main(void)
{
	static struct bench bench;
	int r = fill_containers(&bench) || make_event(&bench);

	if (!r)
		report(&bench);
	bench_done(&bench);
	return r ? 1 : 0;
}
