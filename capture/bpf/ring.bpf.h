/* Building records in the per-CPU rings. Every program that writes runs in process context with
 * preemption off, so a ring has one producer; busy_since tells when that is ever not so. */
#pragma once

#include "capture/bpf/compat.bpf.h"
#include "capture/wire.h"

_Static_assert(sizeof(struct wire_ring) <= WIRE_RING_HEAD_BYTES, "room for the head");

#define AT_FDCWD 0xffffff9cu /* as descriptors are passed on: 32 bits */
#define POS_MASK (WIRE_RECORD_MAX - 8)
#define barrier() asm volatile("" ::: "memory")

/* Elements: one ring per CPU, then one that the initial scan builds its records in. */
struct rings_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, WIRE_RING_HEAD_BYTES + 65536 + WIRE_RING_SLACK);
};
extern struct rings_map rings SEC(".maps");

extern const volatile __u64 ring_mask; /* bytes of a ring - 1 */
extern const volatile __u32 scan_ring; /* its element */

static __always_inline struct wire_ring *ring_at(__u32 index)
{
	return bpf_map_lookup_elem(&rings, &index);
}

/* Where byte pos of the record in work lies. */
static __always_inline void *record_at(struct wire_ring *ring, __u64 pos)
{
	return (char *)ring + WIRE_RING_HEAD_BYTES + (ring->head & ring_mask) + (pos & POS_MASK);
}

/* The same inside a text, where positions are not aligned. */
static __always_inline char *text_at(struct wire_ring *ring, __u64 pos)
{
	return (char *)ring + WIRE_RING_HEAD_BYTES + (ring->head & ring_mask) +
	       (pos & (WIRE_RECORD_MAX - 1));
}

static __always_inline int record_has_room(struct wire_ring *ring)
{
	return ring->pos < WIRE_RECORD_MAX - WIRE_READ_MAX - 512;
}

/* Begin a section after the last one; its data follows at +8. NULL when the record is full. */
static __always_inline struct wire_section *section_begin(struct wire_ring *ring, __u16 type)
{
	struct wire_section *section = record_at(ring, ring->pos);

	if (!record_has_room(ring)) {
		struct wire_header *header = record_at(ring, 0);

		header->flags |= WIRE_CUT;
		return NULL;
	}
	section->type = type;
	section->flags = 0;
	return section;
}

static __always_inline void section_end(struct wire_ring *ring, struct wire_section *section,
					__u32 len)
{
	section->len = len;
	ring->pos += sizeof(*section) + ((len + 7) & ~7u);
}

/* Fill the header of a record about `task`; the caller sets res and args. */
static __always_inline struct wire_header *
header_fill(struct wire_ring *ring, __u16 kind, __u64 now, struct task_struct *task, __u32 cpu)
{
	struct task_struct *leader = FIELD(task, group_leader);
	struct wire_header *header = record_at(ring, 0);

	header->kind = kind;
	header->nr = 0xffff;
	header->boot_ns = now;
	header->start_ns = task_start_ns(leader);
	header->exec_id = task_exec_id(task);
	header->res = 0;
	header->tgid = FIELD(task, tgid);
	header->tid = FIELD(task, pid);
	header->flags = 0;
	header->cpu = cpu;
	header->fd = -1;
	ring->pos = WIRE_HEADER_BYTES;
	return header;
}

/* Begin a record, or NULL when it has to be lost; the caller counts it then. busy_since is set
 * before the clock is read, so that the consumer, who reads its own clock first, never takes a
 * moment for finished that still has a record to come. */
static __always_inline struct wire_header *record_begin(struct wire_ring *ring, __u16 kind,
							struct task_struct *task, __u32 cpu)
{
	__u64 now;

	if (ring->busy_since) {
		ring->nested_total++;
		ring->lost_total++;
		return NULL;
	}
	if (ring->head - *(volatile __u64 *)&ring->tail > ring_mask + 1 - WIRE_RECORD_MAX) {
		ring->lost_total++;
		return NULL;
	}
	*(volatile __u64 *)&ring->busy_since = 1;
	now = bpf_ktime_get_boot_ns();
	*(volatile __u64 *)&ring->busy_since = now;
	return header_fill(ring, kind, now, task, cpu);
}

int ring_doorbell(__u32 index);

/* What cannot wait for a consumer that sleeps long: a new program, which may be over by then, and
 * a ring that fills. */
static __always_inline int is_urgent(struct wire_ring *ring, __u32 kind)
{
	return kind == WIRE_EXEC ||
	       ring->head - *(volatile __u64 *)&ring->tail > (ring_mask + 1) / 8;
}

/* x86-64 keeps the order of stores; the record is complete before head shows it. */
static __always_inline void record_end(struct wire_ring *ring, struct wire_header *header)
{
	__u32 len = ring->pos & POS_MASK, cpu = header->cpu, kind = header->kind;

	header->len = len;
	barrier();
	*(volatile __u64 *)&ring->head = ring->head + len;
	barrier();
	*(volatile __u64 *)&ring->busy_since = 0;
	if (*(volatile __u64 *)&ring->armed && is_urgent(ring, kind))
		ring_doorbell(cpu);
}

/* Section writers (sections.bpf.c, socket.bpf.c). They are global functions, which the verifier
 * checks once and for any caller; kernel addresses therefore go through ring->arg. */
int add_user_text(__u32 index, __u32 type, __u64 address);
int add_user_block(__u32 index, __u32 type, __u64 address, __u64 len);
int add_file(__u32 index, __u32 with_times);               /* arg[0]: struct file */
int add_path(__u32 index, __u32 type);                     /* arg[1], arg[2]: dentry, vfsmount */
int add_descriptor(__u32 index, __u32 fd);                 /* arg[3]: task */
int add_base(__u32 index, __u32 nth, __u32 dirfd);         /* arg[3]: task */
int add_unix_path(__u32 index, __u32 fd);                  /* arg[3]: task */
int add_listener(__u32 index, __u32 fd);                   /* arg[3]: task */
int add_sock(__u32 index, __u32 type);                     /* arg[0]: struct file of a socket */
int add_task(__u32 index, __u32 flags, __u64 clone_flags); /* arg[3]: task */
int add_directories(__u32 index);                          /* arg[3]: task */
int add_image(__u32 index);                                /* arg[3]: task */
int add_cgroups(__u32 index);                              /* arg[3]: task */
int add_memory(__u32 index);                               /* arg[3]: task */
