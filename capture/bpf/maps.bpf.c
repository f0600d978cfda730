/* The maps and settings that all families share. */
#include "capture/bpf/ring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct rings_map rings SEC(".maps");

const volatile __u64 ring_mask;
const volatile __u32 scan_ring;
const volatile __u32 read_mode;
const volatile __u32 own_tgid;
