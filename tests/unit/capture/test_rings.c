/* Rings filled by hand: order, watermark, wrap, broken contents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "capture/rings.h"

#define CPUS 3
#define RING_BYTES 65536
#define STRIDE (WIRE_RING_HEAD_BYTES + RING_BYTES + WIRE_RING_SLACK)
#define LATER UINT64_C(1000000) /* beyond the margin of the watermark */

struct fixture {
	char *memory;
	struct rings *rings;
};

static struct wire_ring *ring_of(struct fixture *f, uint32_t cpu)
{
	return (struct wire_ring *)(f->memory + cpu * (size_t)STRIDE);
}

static void produce_bytes(struct fixture *f, uint32_t cpu, uint64_t boot_ns, uint32_t len)
{
	struct wire_ring *ring = ring_of(f, cpu);
	struct wire_header *header = (struct wire_header *)((char *)ring + WIRE_RING_HEAD_BYTES +
							    (ring->head & (RING_BYTES - 1)));

	memset(header, 0, WIRE_HEADER_BYTES);
	header->len = len;
	header->boot_ns = boot_ns;
	header->cpu = (uint16_t)cpu;
	ring->head += len;
}

static void produce(struct fixture *f, uint32_t cpu, uint64_t boot_ns)
{
	produce_bytes(f, cpu, boot_ns, 64);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rings_config config = {.stride = STRIDE, .n_cpus = CPUS, .ring_bytes = RING_BYTES};

	f->memory = calloc(CPUS, STRIDE);
	config.memory = f->memory;
	assert_int_equal(rings_create(&f->rings, &config), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rings_destroy(&f->rings);
	free(f->memory);
	free(f);
	return 0;
}

static void expect(struct fixture *f, uint64_t boot_ns)
{
	bool is_late = true;
	const struct wire_header *header = rings_next(f->rings, UINT64_MAX, &is_late);

	assert_non_null(header);
	assert_int_equal(header->boot_ns, boot_ns);
	assert_false(is_late);
}

static void expect_none(struct fixture *f)
{
	bool is_late;

	assert_null(rings_next(f->rings, UINT64_MAX, &is_late));
}

static void records_of_all_cpus_come_by_time(void **state)
{
	struct fixture *f = *state;

	produce(f, 0, 10);
	produce(f, 0, 40);
	produce(f, 1, 20);
	produce(f, 1, 30);
	produce(f, 2, 15);
	assert_true(rings_refresh(f->rings, LATER));
	for (int i = 0; i < 5; i++)
		expect(f, (const uint64_t[]){10, 15, 20, 30, 40}[i]);
	expect_none(f);
	assert_false(rings_refresh(f->rings, LATER + 1));
	assert_false(rings_have_more(f->rings));
	produce(f, 1, 50);
	assert_true(rings_have_more(f->rings));
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		assert_int_equal(ring_of(f, cpu)->tail, cpu == 1 ? 128 : ring_of(f, cpu)->head);
}

static void the_watermark_holds_back_what_may_be_overtaken(void **state)
{
	struct fixture *f = *state;

	produce(f, 0, 100);
	produce(f, 0, 300);
	ring_of(f, 1)->busy_since = 200; /* a record of that time is being written */
	rings_refresh(f->rings, LATER);
	expect(f, 100);
	expect_none(f);
	produce(f, 1, 200);
	ring_of(f, 1)->busy_since = 0;
	rings_refresh(f->rings, LATER);
	expect(f, 200);
	expect(f, 300);
	produce(f, 0, LATER * 2);
	rings_refresh(f->rings, LATER * 2); /* as new as the clock: something may be on its way */
	expect_none(f);
	rings_refresh(f->rings, LATER * 3);
	expect(f, LATER * 2);
	produce(f, 0, LATER * 3 + 1);
	ring_of(f, 2)->busy_since = 1; /* its time is not yet known */
	rings_refresh(f->rings, LATER * 5);
	expect_none(f);
}

static void stragglers_come_out_marked(void **state)
{
	struct fixture *f = *state;
	const struct wire_header *header;
	bool is_late;

	produce(f, 0, 500);
	rings_refresh(f->rings, LATER);
	expect(f, 500);
	produce(f, 1, 400);
	rings_refresh(f->rings, LATER);
	header = rings_next(f->rings, UINT64_MAX, &is_late);
	assert_non_null(header);
	assert_int_equal(header->boot_ns, 400);
	assert_true(is_late);
}

static void rings_wrap(void **state)
{
	struct fixture *f = *state;
	uint64_t made = 0, taken = 0;

	for (int round = 0; round < 500; round++) {
		uint32_t len = 64 + (uint32_t)(round % 97) * 8;

		for (int i = 0; i < 40; i++)
			produce_bytes(f, 0, ++made, len);
		rings_refresh(f->rings, LATER);
		for (int i = 0; i < 40; i++)
			expect(f, ++taken);
		expect_none(f);
		rings_refresh(f->rings, LATER);
		assert_int_equal(ring_of(f, 0)->tail, ring_of(f, 0)->head);
	}
}

static void fill_is_of_the_fullest(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 512; i++)
		produce(f, 1, (uint64_t)i);
	produce(f, 0, 1);
	rings_refresh(f->rings, LATER);
	assert_int_equal(rings_fill(f->rings), 512);
}

static void broken_rings_are_skipped_and_counted(void **state)
{
	static const struct {
		const char *name;
		uint32_t len;
		uint64_t head;
	} rows[] = {
		{"length zero", 0, 64},
		{"shorter than a header", 8, 64},
		{"not a multiple of eight", 61, 64},
		{"longer than what is there", 128, 64},
		{"longer than any record", WIRE_RECORD_MAX + 8, 60000},
		{"more than the ring holds", 64, RING_BYTES + 64},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture *f;
		void *own;

		(void)state;
		setup(&own);
		f = own;
		produce_bytes(f, 0, 5, rows[i].len);
		ring_of(f, 0)->head = rows[i].head;
		produce(f, 1, 7);
		rings_refresh(f->rings, LATER);
		expect(f, 7);
		expect_none(f);
		if (rings_corrupt_total(f->rings) != 1)
			fail_msg("%s: not counted", rows[i].name);
		assert_int_equal(ring_of(f, 0)->tail, rows[i].head);
		teardown(&own);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_of_all_cpus_come_by_time, setup, teardown),
		cmocka_unit_test_setup_teardown(the_watermark_holds_back_what_may_be_overtaken,
						setup, teardown),
		cmocka_unit_test_setup_teardown(stragglers_come_out_marked, setup, teardown),
		cmocka_unit_test_setup_teardown(rings_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(fill_is_of_the_fullest, setup, teardown),
		cmocka_unit_test(broken_rings_are_skipped_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
