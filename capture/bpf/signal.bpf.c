/* Signals that are delivered and pages that fault: attached only while somebody wants them. */
#include "capture/bpf/ring.bpf.h"

extern const volatile __u32 own_tgid;

/* The kernel passes no description with the signals it ends a whole group with. A pointer that
 * may be NULL is read by helper only: the verifier takes arguments of tracepoints for valid ones,
 * and leaves out tests for it. */
SEC("tp_btf/signal_deliver")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct task_struct *task = current_task();
	struct wire_ring *ring = ring_at(cpu);
	struct wire_section *section;
	struct wire_header *header;
	struct wire_signal *out;

	if (!ring || FIELD(task, tgid) == own_tgid)
		return 0;
	header = record_begin(ring, WIRE_SIGNAL, task, cpu);
	if (!header) {
		ring->lost_kinds[WIRE_SIGNAL]++;
		return 0;
	}
	section = section_begin(ring, WIRE_SEC_SIGNAL);
	if (section) {
		out = (struct wire_signal *)(section + 1);
		out->sig = sig;
		out->is_described = !bpf_core_read(&out->code, sizeof(out->code), &info->si_code) &&
				    !bpf_core_read(&out->sender, sizeof(out->sender),
						   &info->_sifields._kill._pid);
		__builtin_memset(out->pad, 0, sizeof(out->pad));
		section_end(ring, section, sizeof(*out));
	}
	record_end(ring, header);
	return 0;
}

/* Our own reading of user memory faults, too, in the middle of a record: that is none of the
 * host's doing. */
static __always_inline int on_fault(unsigned long address, struct pt_regs *regs,
				    unsigned long error)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct task_struct *task = current_task();
	struct wire_ring *ring = ring_at(cpu);
	struct wire_section *section;
	struct wire_header *header;
	struct wire_fault *out;

	if (!ring)
		return 0;
	if (ring->busy_since || FIELD(task, tgid) == own_tgid) {
		ring->own_skipped_total++;
		return 0;
	}
	header = record_begin(ring, WIRE_FAULT, task, cpu);
	if (!header) {
		ring->lost_kinds[WIRE_FAULT]++;
		return 0;
	}
	section = section_begin(ring, WIRE_SEC_FAULT);
	if (section) {
		out = (struct wire_fault *)(section + 1);
		out->address = address;
		out->ip = FIELD(regs, ip);
		out->error = error;
		section_end(ring, section, sizeof(*out));
	}
	record_end(ring, header);
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(on_user_fault, unsigned long address, struct pt_regs *regs, unsigned long error)
{
	return on_fault(address, regs, error);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(on_kernel_fault, unsigned long address, struct pt_regs *regs, unsigned long error)
{
	return on_fault(address, regs, error);
}
