/* The maps and settings that all families share. */
#include "capture/bpf/ring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct rings_map rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} doorbell SEC(".maps");

/* 5 to 10 us. When the buffer is full, it has been rung and not been heard yet. */
__noinline int ring_doorbell(__u32 index)
{
	struct wire_ring *ring = ring_at(index);
	__u64 mark = index;

	if (ring) {
		ring->armed = 0;
		bpf_ringbuf_output(&doorbell, &mark, sizeof(mark), BPF_RB_FORCE_WAKEUP);
	}
	return 0;
}

const volatile __u64 ring_mask;
const volatile __u32 scan_ring;
const volatile __u32 read_mode;
const volatile __u32 own_tgid;
