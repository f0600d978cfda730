/* System calls: one program on their return. What a call's record holds is its recipe. */
#include "base/call_class.h"
#include "capture/bpf/ring.bpf.h"

#define TS_COMPAT 2
#define NR_SOCKETCALL 102 /* i386 */
#define F_DUPFD 0
#define F_SETFD 2
#define F_DUPFD_CLOEXEC 1030
#define ENOTSOCK 88

extern const volatile __u32 own_tgid;

__u64 recipes[2][WIRE_NR_END]; /* 64-bit, 32-bit callers */
__u64 call_filters[2][WIRE_NR_END];
__u32 want_raw_names; /* also when the call succeeded */

static __always_inline void fill_args(struct wire_header *header, struct pt_regs *regs,
				      int is_32bit)
{
	if (!is_32bit) {
		header->args[0] = FIELD(regs, di);
		header->args[1] = FIELD(regs, si);
		header->args[2] = FIELD(regs, dx);
		header->args[3] = FIELD(regs, r10);
		header->args[4] = FIELD(regs, r8);
		header->args[5] = FIELD(regs, r9);
	} else {
		header->args[0] = (__u32)FIELD(regs, bx);
		header->args[1] = (__u32)FIELD(regs, cx);
		header->args[2] = (__u32)FIELD(regs, dx);
		header->args[3] = (__u32)FIELD(regs, si);
		header->args[4] = (__u32)FIELD(regs, di);
		header->args[5] = (__u32)FIELD(regs, bp);
	}
}

/* Whether no rule, no dimension and no state can use the call. */
static __always_inline int is_useless(__u64 filter, struct pt_regs *regs, int is_32bit, long res)
{
	__u32 detail = 0;

	if ((__u32)filter == CALL_CLASSES_ALL)
		return 0;
	if (filter & WIRE_DETAIL_ARG2)
		detail = call_detail_of_open(FIELD(regs, dx)); /* in both ways of calling */
	else if (filter & WIRE_DETAIL_ARG1)
		detail = call_detail_of_open(is_32bit ? FIELD(regs, cx) : FIELD(regs, si));
	else if (filter & WIRE_DETAIL_CREAT)
		detail = CALL_WRITES | CALL_CREATES;
	return !(filter >> (call_class(res, detail) & 31) & 1);
}

/* Where the msghdr at `address` has its name; the first of several for sendmmsg. */
static __always_inline __u64 msg_name(__u64 address, int is_32bit)
{
	__u64 name = 0;

	bpf_probe_read_user(&name, is_32bit ? 4 : 8, (void *)address);
	return name;
}

/* Successful execs are reported by their own tracepoint, a child's start by the creator's; sends on
 * connected sockets name nobody. */
static __always_inline int is_left_out(__u64 recipe, __u64 arg1, __u64 arg4, int is_32bit, long res)
{
	if (recipe & WIRE_ADDRESSED_ONLY) {
		if (recipe & WIRE_ADDR_ARG4)
			return !arg4;
		return !msg_name(arg1, is_32bit);
	}
	if (recipe & WIRE_EXEC_FAILED)
		return res >= 0;
	if (recipe & WIRE_CLONE)
		return res == 0;
	if (recipe & WIRE_STATE_ONLY)
		return arg1 != F_DUPFD && arg1 != F_DUPFD_CLOEXEC && arg1 != F_SETFD;
	return 0;
}

/* Whether this command of fcntl returns a descriptor. */
static __always_inline int makes_descriptor(__u64 command)
{
	return command == F_DUPFD || command == F_DUPFD_CLOEXEC;
}

/* argv of an exec that did not happen: the strings one after the other. */
__noinline int add_exec_args(__u32 index, __u64 argv, __u32 pointer_bytes)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	__u32 len = 0;

	if (!ring)
		return 0;
	section = section_begin(ring, WIRE_SEC_ARGS);
	if (!section)
		return 0;
	ring->arg[0] = ring->pos + sizeof(*section);
#pragma clang loop unroll(disable)
	for (int i = 0; i < WIRE_EXEC_ARGS_MAX; i++) {
		__u64 at = 0;
		long n;

		if (bpf_probe_read_user(&at, pointer_bytes == 4 ? 4 : 8, (void *)argv) || !at)
			break;
		argv += pointer_bytes;
		if (ring->arg[0] > ring->pos + WIRE_READ_MAX - 512)
			break;
		n = bpf_probe_read_user_str(text_at(ring, ring->arg[0]), 512, (void *)at);
		if (n < 0) {
			section->flags = WIRE_SEC_TRUNCATED; /* not in memory */
			break;
		}
		if (n == 0) { /* how older kernels answer to an empty text */
			*text_at(ring, ring->arg[0]) = 0;
			n = 1;
		}
		ring->arg[0] += n;
	}
	len = ring->arg[0] - ring->pos - sizeof(*section);
	section_end(ring, section, len);
	return 0;
}

/* Argument i of the call, below 6. The mask is behind a barrier, or the compiler would prove it
 * needless and drop it: Linux 5.10 does not connect a test of 32 bits with an index of 64. */
static __always_inline __u64 call_arg(struct wire_header *header, __u64 i)
{
	asm volatile("" : "+r"(i));
	return header->args[i & 7];
}

/* A block of fixed size: which argument points to it and how many words it has. */
static __always_inline void add_block(__u32 index, struct wire_header *header, __u32 type,
				      __u32 arg, __u32 words)
{
	if (arg && arg <= 6)
		add_user_block(index, type, call_arg(header, arg - 1), words * 4);
}

/* The block whose size the caller gave. */
static __always_inline void add_var(__u32 index, struct wire_header *header, __u64 recipe)
{
	__u32 arg = recipe >> WIRE_VAR_SHIFT & 7, count_arg = recipe >> (WIRE_VAR_SHIFT + 3) & 7;
	__u32 unit = recipe >> (WIRE_VAR_SHIFT + 6) & 3;
	__u64 count = 0;

	if (!arg || arg > 6 || count_arg > 5)
		return;
	if (recipe & WIRE_VAR_LEN_RES)
		count = header->res > 0 ? header->res : 0;
	else
		count = call_arg(header, count_arg);
	if (recipe & WIRE_VAR_LEN_AT) {
		__u32 at = 0;

		bpf_probe_read_user(&at, sizeof(at), (void *)count);
		count = at;
	}
	if (count > WIRE_READ_MAX)
		count = WIRE_READ_MAX + 1;
	add_user_block(index, WIRE_SEC_VAR, call_arg(header, arg - 1),
		       unit == WIRE_BYTES     ? count
		       : unit == WIRE_SEMBUFS ? count * 6
		       : unit == WIRE_POLLFDS ? count * 8
					      : count * 16);
}

__noinline int add_blocks(__u32 index, __u64 recipe)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_header *header;

	if (!ring)
		return 0;
	header = record_at(ring, 0);
	add_block(index, header, WIRE_SEC_DATA, recipe >> WIRE_BLOCK0_SHIFT & 7,
		  recipe >> (WIRE_BLOCK0_SHIFT + 3) & 63);
	add_block(index, header, WIRE_SEC_DATA1, recipe >> WIRE_BLOCK1_SHIFT & 7,
		  recipe >> (WIRE_BLOCK1_SHIFT + 3) & 63);
	add_block(index, header, WIRE_SEC_DATA2, recipe >> WIRE_BLOCK2_SHIFT & 7,
		  recipe >> (WIRE_BLOCK2_SHIFT + 3) & 7);
	add_var(index, header, recipe);
	return 0;
}

/* The first of the two descriptors that the call has put into its block. */
static __always_inline void add_first_of_pair(__u32 index, struct wire_header *header, __u64 recipe)
{
	__u32 arg = recipe >> WIRE_BLOCK0_SHIFT & 7;
	__s32 fd = -1;

	if (arg && arg <= 6 && header->res >= 0 &&
	    !bpf_probe_read_user(&fd, sizeof(fd), (void *)call_arg(header, arg - 1)))
		add_descriptor(index, fd);
}

/* Everything that only some calls need. */
__noinline int add_sections(__u32 index, __u64 recipe)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_header *header;
	int failed;

	if (!ring)
		return 0;
	header = record_at(ring, 0);
	failed = header->res < 0;
	if (recipe & WIRE_FD_ARG0 || (recipe & WIRE_ANSWERS && ring->io[IO_IS_ANSWER]))
		add_descriptor(index, header->args[0]);
	else if (recipe & WIRE_FD_ARG1)
		add_descriptor(index, header->args[1]);
	if (recipe >> WIRE_TEXT_SHIFT & 63 &&
	    (failed || !(recipe & WIRE_TEXT_IF_FAILED) || want_raw_names)) {
		__u32 type = WIRE_SEC_TEXT0;

#pragma clang loop unroll(full)
		for (int i = 0; i < 6; i++) {
			if (!(recipe & WIRE_TEXT(i)))
				continue;
			add_user_text(index, type, header->args[i]);
			if (recipe & WIRE_FROM_DIR && i && type <= WIRE_SEC_TEXT1)
				add_base(index, type - WIRE_SEC_TEXT0, header->args[i - 1]);
			else if (recipe & WIRE_FROM_CWD && type <= WIRE_SEC_TEXT1)
				add_base(index, type - WIRE_SEC_TEXT0, AT_FDCWD);
			type++;
		}
	}
	if (recipe >> WIRE_BLOCK0_SHIFT)
		add_blocks(index, recipe);
	if (recipe & WIRE_FD_PAIR)
		add_first_of_pair(index, header, recipe);
	if (recipe & WIRE_ADDR_ARG1) {
		add_user_block(index, WIRE_SEC_ADDR, header->args[1], header->args[2] & 0xff);
		if (!failed)
			add_unix_path(index, header->args[0]);
	}
	if (recipe & WIRE_ADDR_ARG4)
		add_user_block(index, WIRE_SEC_ADDR, header->args[4], header->args[5] & 0xff);
	if (recipe & WIRE_MEMORY)
		add_memory(index);
	if (recipe & WIRE_IO && header->nr < WIRE_NR_END)
		add_io(index,
		       io_plans[header->flags & WIRE_IS_32BIT][header->nr & (WIRE_NR_END - 1)]);
	if (recipe & WIRE_LISTENER) {
		add_listener(index, header->args[0]);
		if (!failed)
			add_unix_path(index, header->args[0]);
	}
	if (recipe & WIRE_TASK_AFTER && !failed) {
		add_task(index, 0, 0);
		add_directories(index);
	}
	if (recipe & WIRE_EXEC_FAILED)
		add_exec_args(index, header->args[(recipe & WIRE_TEXT(1)) ? 2 : 1],
			      header->flags & WIRE_IS_32BIT ? 4 : 8);
	return 0;
}

/* Where paths end: what the process sees as "/". */
static __always_inline void set_root(struct wire_ring *ring, struct fs_struct *fs)
{
	ring->root_dentry = (__u64)FIELD(fs, root.dentry);
	ring->root_mnt = (__u64)FIELD(fs, root.mnt);
}

#define SELECTIVE_RECIPES (WIRE_EXEC_FAILED | WIRE_CLONE | WIRE_STATE_ONLY | WIRE_ADDRESSED_ONLY)

#define SLOW_RECIPES                                                                               \
	(WIRE_FD_ARG0 | WIRE_FD_ARG1 | WIRE_ADDR_ARG1 | WIRE_ADDR_ARG4 | WIRE_IO |                 \
	 WIRE_EXEC_FAILED | WIRE_LISTENER | WIRE_MEMORY | WIRE_TASK_AFTER |                        \
	 ~(__u64)(WIRE_FLAGS_END - 1))

/* Whether the call got something from a name server. Nested in another record's work nothing is
 * looked at: that record's addresses would be overwritten. */
static __always_inline int has_answer(struct wire_ring *ring, __u32 cpu, struct pt_regs *regs,
				      __u64 nr, int is_32bit, long res)
{
	__u32 plan = io_plans[is_32bit][nr];

	if (ring->busy_since ||
	    res <= (plan_shape(plan) == WIRE_IO_MESSAGES ? 0 : DNS_HEADER_BYTES))
		return 0;
	ring->arg[3] = (__u64)current_task();
	if (is_32bit)
		return is_answer(cpu, FIELD(regs, bx), (__u32)FIELD(regs, cx),
				 (__u32)FIELD(regs, di), plan | 1u << 31);
	return is_answer(cpu, FIELD(regs, di), FIELD(regs, si), FIELD(regs, r8), plan);
}

/* Each message that was passed is reported; the first one is by now. */
static __always_inline void add_messages(struct wire_ring *ring, __u32 cpu, struct pt_regs *regs,
					 __u64 nr, __u32 flags, long res)
{
	int is_32bit = flags & WIRE_IS_32BIT;

	ring->message_args[0] = is_32bit ? (__u32)FIELD(regs, bx) : FIELD(regs, di);
	ring->message_args[1] = is_32bit ? (__u32)FIELD(regs, cx) : FIELD(regs, si);
	ring->message_args[2] = is_32bit ? (__u32)FIELD(regs, dx) : FIELD(regs, dx);
	ring->message_args[3] = is_32bit ? (__u32)FIELD(regs, si) : FIELD(regs, r10);
	report_messages(cpu, nr, flags, res);
}

/* What add_sections() does for calls on sockets: a smaller choice, so that the verifier does not
 * have to follow that function a second time. */
static __always_inline void add_socketcall_sections(__u32 cpu, struct wire_header *header,
						    __u64 recipe)
{
	int failed = header->res < 0;
	__u64 address = 0;
	__u32 len = 0;

	if (recipe & WIRE_LISTENER)
		add_listener(cpu, header->args[0]);
	if (recipe & WIRE_FD_ARG0)
		add_descriptor(cpu, header->args[0]);
	else if (recipe & WIRE_FD_RESULT && !failed)
		add_descriptor(cpu, header->res);
	if (recipe & (WIRE_ADDR_ARG1 | WIRE_LISTENER) && !failed)
		add_unix_path(cpu, header->args[0]);
	if (recipe & WIRE_FD_PAIR)
		add_user_block(cpu, WIRE_SEC_DATA, header->args[3], 8);
	if (recipe & WIRE_ADDR_ARG1) {
		address = header->args[1];
		len = header->args[2];
	} else if (recipe & WIRE_ADDR_ARG4) {
		address = header->args[4];
		len = header->args[5];
	}
	if (address)
		add_user_block(cpu, WIRE_SEC_ADDR, address, len & 0xff);
	if (recipe & WIRE_IO)
		add_io(cpu, io_plans[1][header->nr & (WIRE_NR_END - 1)]);
}

/* A call made through i386's socketcall. Its arguments are in the caller's memory, which may have
 * changed since. */
__noinline int on_socketcall(__u32 call, __u64 at, __s64 res)
{
	__u32 cpu = bpf_get_smp_processor_id(), nr = WIRE_SOCKETCALL_NR + call;
	struct task_struct *task = current_task();
	struct wire_header *header;
	struct wire_ring *ring;
	struct fs_struct *fs;
	__u32 words[6] = {};
	__u64 recipe, filter;

	if (call == 0 || call >= WIRE_SOCKETCALLS)
		return 0;
	nr &= WIRE_NR_END - 1;
	recipe = recipes[1][nr];
	filter = call_filters[1][nr];
	if (!recipe ||
	    ((__u32)filter != CALL_CLASSES_ALL && !(filter >> (call_class(res, 0) & 31) & 1)))
		return 0;
	ring = ring_at(cpu);
	if (!ring)
		return 0;
	/* Behind a short block the memory may end. */
	if (bpf_probe_read_user(words, 24, (const void *)at) &&
	    bpf_probe_read_user(words, 16, (const void *)at) &&
	    bpf_probe_read_user(words, 12, (const void *)at))
		bpf_probe_read_user(words, 8, (const void *)at);
	if (recipe & WIRE_ANSWERS_ONLY ||
	    (recipe & WIRE_ADDRESSED_ONLY && is_left_out(recipe, words[1], words[4], 1, res)))
		return 0;
	if (filter & WIRE_SHED) {
		ring->shed_calls[1][nr]++;
		return 0;
	}
	header = record_begin(ring, WIRE_CALL, task, cpu);
	if (!header) {
		ring->lost_calls[1][nr]++;
		return 0;
	}
	header->nr = nr;
	header->res = res;
	header->flags = WIRE_IS_32BIT;
	ring->io[IO_IS_ANSWER] = 0;
	ring->io[IO_MESSAGE] = 0;
#pragma clang loop unroll(full)
	for (int i = 0; i < 6; i++)
		header->args[i] = words[i];
	ring->pos = sizeof(*header);
	fs = FIELD(task, fs);
	if (fs) {
		set_root(ring, fs);
		ring->arg[3] = (__u64)task;
		add_socketcall_sections(cpu, header, recipe);
	}
	record_end(ring, header);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long res)
{
	__u64 nr = FIELD(regs, orig_ax) & 0xffffffff;
	struct task_struct *task = current_task();
	int is_32bit = !!(FIELD(task, thread_info.status) & TS_COMPAT);
	struct wire_header *header;
	struct wire_ring *ring;
	struct fs_struct *fs;
	__u32 flags = is_32bit ? WIRE_IS_32BIT : 0;
	__u64 recipe, filter;
	int answer = 0;
	__u32 cpu;

	if (nr >= WIRE_NR_END)
		return 0;
	if (is_32bit && nr == NR_SOCKETCALL)
		return on_socketcall(FIELD(regs, bx), (__u32)FIELD(regs, cx), res);
	recipe = recipes[is_32bit][nr];
	if (!recipe)
		return 0;
	cpu = bpf_get_smp_processor_id();
	ring = ring_at(cpu);
	if (!ring)
		return 0;
	if (FIELD(task, tgid) == own_tgid) {
		ring->own_skipped_total++;
		return 0;
	}
	filter = call_filters[is_32bit][nr];
	if (is_useless(filter, regs, is_32bit, res))
		return 0;
	if (recipe & SELECTIVE_RECIPES &&
	    is_left_out(recipe, is_32bit ? (__u32)FIELD(regs, cx) : FIELD(regs, si),
			is_32bit ? (__u32)FIELD(regs, di) : FIELD(regs, r8), is_32bit, res))
		return 0;
	if (recipe & WIRE_ANSWERS) {
		answer = has_answer(ring, cpu, regs, nr, is_32bit, res);
		if (!answer && recipe & WIRE_ANSWERS_ONLY)
			return 0;
		if (recipe & WIRE_ANSWERS_ONLY)
			flags |= WIRE_FOR_STATE;
	}
	if (filter & WIRE_SHED) {
		ring->shed_calls[is_32bit][nr]++;
		return 0;
	}
	header = record_begin(ring, WIRE_CALL, task, cpu);
	if (!header) {
		ring->lost_calls[is_32bit][nr]++;
		return 0;
	}
	header->nr = nr;
	header->res = res;
	header->flags = flags;
	if (recipe & WIRE_IO) {
		ring->io[IO_IS_ANSWER] = answer;
		ring->io[IO_MESSAGE] = 0;
		if (res > WIRE_MESSAGES_MAX &&
		    plan_shape(io_plans[is_32bit][nr]) == WIRE_IO_MESSAGES)
			header->flags |= WIRE_CUT;
	}
	fill_args(header, regs, is_32bit);
	ring->pos = sizeof(*header);
	fs = FIELD(task, fs);
	if (fs) {
		set_root(ring, fs);
		ring->arg[3] = (__u64)task;
		if (res >= 0) {
			if (recipe & WIRE_FD_RESULT &&
			    (!(recipe & WIRE_FCNTL) || makes_descriptor(header->args[1])))
				add_descriptor(cpu, res);
			if (recipe & WIRE_CWD) {
				ring->arg[1] = (__u64)FIELD(fs, pwd.dentry);
				ring->arg[2] = (__u64)FIELD(fs, pwd.mnt);
				add_path(cpu, WIRE_SEC_CWD);
			}
		}
		if (recipe & SLOW_RECIPES &&
		    (res < 0 || want_raw_names || !(recipe & WIRE_TEXT_IF_FAILED) ||
		     recipe >> WIRE_BLOCK0_SHIFT))
			add_sections(cpu, recipe);
	}
	record_end(ring, header);
	if (recipe & WIRE_IO && res > 1 && plan_shape(io_plans[is_32bit][nr]) == WIRE_IO_MESSAGES)
		add_messages(ring, cpu, regs, nr, flags, res);
	return 0;
}
