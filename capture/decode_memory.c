/* Memory: its mappings, and what the process has of it after the call. */
#include <assert.h>

#include "capture/decode_family.h"
#include "capture/flags.h"

#define NR_OLD_MMAP_32 90

/* Parameters that the four calls share in order. */
static_assert((int)MMAP_vm_size == (int)MUNMAP_vm_size, "memory after the call");
static_assert((int)MMAP_vm_swap == (int)BRK_vm_swap, "memory after the call");
static_assert((int)MMAP_vm_rss == (int)MMAP2_vm_rss, "memory after the call");

void decode_memory(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_MEMORY];
	const struct wire_memory *memory;

	if (!section)
		return;
	memory = (const struct wire_memory *)(section + 1);
	set_u64(d, MMAP_vm_size, (uint32_t)(memory->vm_pages * d->page_kb));
	set_u64(d, MMAP_vm_rss, (uint32_t)(memory->rss_pages * d->page_kb));
	set_u64(d, MMAP_vm_swap, (uint32_t)(memory->swap_pages * d->page_kb));
}

/* The oldest of the 32-bit calls takes a pointer to its six arguments. */
static void set_old_arguments(struct decoder *d, const struct record *record)
{
	uint32_t args[6] = {0};

	d->event.fd = -1;
	if (!section_copy(record, WIRE_SEC_DATA, args, sizeof(args))) {
		for (unsigned i = MMAP_addr; i <= MMAP_offset; i++)
			d->event.params[i].is_present = false;
		return;
	}
	set_u64(d, MMAP_addr, args[0]);
	set_u64(d, MMAP_length, args[1]);
	set_u64(d, MMAP_prot, flags_portable(FLAG_MAP_PROT, args[2]));
	set_u64(d, MMAP_flags, flags_portable(FLAG_MAP_MMAP, args[3]));
	set_i64(d, MMAP_fd, (int32_t)args[4]);
	set_u64(d, MMAP_offset, args[5]);
	d->event.fd = (int32_t)args[4];
}

void decode_mmap(struct decoder *d, const struct record *record)
{
	const struct wire_header *header = record->header;

	decode_memory(d, record);
	if (header->flags & WIRE_IS_32BIT && header->nr == NR_OLD_MMAP_32)
		set_old_arguments(d, record);
}

/* Of each pair of bits in the event one is set: the processor has one bit for both. */
static const struct {
	uint8_t bit;
	uint8_t if_set, if_clear;
} fault_bits[] = {{1, 1, 2}, {2, 4, 8}, {4, 16, 32}, {8, 64, 0}, {16, 128, 0}};

void decode_fault(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_FAULT];
	const struct wire_fault *fault;
	uint32_t flags = 0;

	if (!section)
		return;
	fault = (const struct wire_fault *)(section + 1);
	for (size_t i = 0; i < ARRAY_SIZE(fault_bits); i++)
		flags |= fault->error & fault_bits[i].bit ? fault_bits[i].if_set
							  : fault_bits[i].if_clear;
	set_u64(d, PAGE_FAULT_addr, fault->address);
	set_u64(d, PAGE_FAULT_ip, fault->ip);
	set_u64(d, PAGE_FAULT_error, flags);
}
