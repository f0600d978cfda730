/* Requests on io_uring rings, which no system call shows: one record when the kernel has taken a
 * request over, with its own copies of names and addresses, and one when it is done, with the
 * result and the object it came to. User space joins them. Costs nothing where no ring is used. */
#include "capture/bpf/ring.bpf.h"

#include "capture/bpf/kernel_io_uring.h"

#define REQ_F_FIXED_FILE 1 /* the bits of sqe->flags are those of the request */
#define REQ_F_CQE_SKIP (1 << 6)
#define CQE_F_MORE (1 << 1)
#define FILE_SLOT_ALLOC 0xffffffffu
#define FILE_PTR_MASK (~7ull)

/* IORING_OP_*: the numbers are the kernel's ABI, the header of the build host may be older. */
enum {
	OP_SENDMSG = 9,
	OP_ACCEPT = 13,
	OP_CONNECT = 16,
	OP_OPENAT = 18,
	OP_CLOSE = 19,
	OP_SEND = 26,
	OP_OPENAT2 = 28,
	OP_SHUTDOWN = 34,
	OP_RENAMEAT = 35,
	OP_UNLINKAT = 36,
	OP_MKDIRAT = 37,
	OP_SYMLINKAT = 38,
	OP_LINKAT = 39,
	OP_SOCKET = 45,
	OP_SEND_ZC = 47,
	OP_SENDMSG_ZC = 48,
	OP_BIND = 56,
	OP_LISTEN = 57,
};

/* By kind of request: 1 + the number of the call that does the same; 0: not wanted. */
__u16 ring_calls[WIRE_RING_OPS_MAX];

/* The task that made the request: SQPOLL's thread is one of the process. */
static __always_inline struct task_struct *ring_owner(struct io_kiocb *req)
{
	struct io_kiocb___before_6_13 *before = (void *)req;
	struct task_struct *task = NULL;

	if (bpf_core_field_exists(before->task)) {
		bpf_core_read(&task, sizeof(task), &before->task);
		return CAST(task_struct, task);
	}
	return FIELD(FIELD(req, tctx), task);
}

/* A string of the kernel's. */
static __always_inline void add_kernel_text(struct wire_ring *ring, __u32 type, __u64 address)
{
	struct wire_section *section = section_begin(ring, type);
	long n;

	if (!section)
		return;
	n = bpf_probe_read_kernel_str(section + 1, WIRE_READ_MAX, (const void *)address);
	if (n <= 0) {
		section->flags = WIRE_SEC_UNREADABLE;
		n = 1;
	} else if (n == WIRE_READ_MAX) {
		section->flags = WIRE_SEC_TRUNCATED;
	}
	section_end(ring, section, n - 1);
}

/* arg[0], arg[1]: struct filename. */
__noinline int add_ring_names(__u32 index)
{
	struct wire_ring *ring = ring_at(index);
	__u32 type = WIRE_SEC_TEXT0;

	if (!ring)
		return 0;
#pragma clang loop unroll(full)
	for (int i = 0; i < 2; i++) {
		if (ring->arg[i])
			add_kernel_text(ring, type++,
					(__u64)FIELD(CAST(filename, ring->arg[i]), name));
	}
	return 0;
}

/* An address: the kernel's copy at arg[0], else what the caller's memory at arg[1] holds now. */
__noinline int add_ring_address(__u32 index, __u32 len)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	__u64 copy, typed;

	if (!ring)
		return 0;
	copy = ring->arg[0];
	typed = ring->arg[1];
	len &= 255;
	if (!copy)
		return typed ? add_user_block(index, WIRE_SEC_ADDR, typed, len) : 0;
	section = section_begin(ring, WIRE_SEC_ADDR);
	if (!section)
		return 0;
	section->flags = WIRE_SEC_KERNEL_COPY;
	if (bpf_probe_read_kernel(section + 1, len, (const void *)copy)) {
		section->flags = WIRE_SEC_UNREADABLE;
		len = 0;
	}
	section_end(ring, section, len);
	return 0;
}

static __always_inline __u64 async_address(struct io_kiocb *req)
{
	__u64 data = (__u64)FIELD(req, async_data);

	if (!data)
		return 0;
	if (bpf_core_type_exists(struct io_async_connect))
		return 0; /* not made yet when the request is taken */
	return data + bpf_core_field_offset(struct io_async_msghdr, addr);
}

static __always_inline void ask_open(struct wire_ring *ring, struct wire_uring *out, __u64 req)
{
	struct io_open *open = CAST(io_open, req);

	out->args[0] = (__s64)FIELD(open, dfd);
	out->args[2] = FIELD(open, how.flags);
	out->args[3] = FIELD(open, how.mode);
	out->args[4] = FIELD(open, how.resolve);
	if (FIELD(open, file_slot))
		out->flags |= WIRE_URING_DIRECT;
	ring->arg[0] = (__u64)FIELD(open, filename);
}

static __always_inline void ask_links(struct wire_ring *ring, struct wire_uring *out, __u64 req,
				      __u32 op)
{
	struct io_rename *rename = CAST(io_rename, req);
	struct io_link *link = CAST(io_link, req);

	if (op == OP_RENAMEAT) {
		out->args[0] = (__s64)FIELD(rename, old_dfd);
		out->args[2] = (__s64)FIELD(rename, new_dfd);
		out->args[4] = (__u32)FIELD(rename, flags);
		ring->arg[0] = (__u64)FIELD(rename, oldpath);
		ring->arg[1] = (__u64)FIELD(rename, newpath);
		return;
	}
	if (op == OP_SYMLINKAT) {
		out->args[1] = (__s64)FIELD(link, new_dfd);
	} else {
		out->args[0] = (__s64)FIELD(link, old_dfd);
		out->args[2] = (__s64)FIELD(link, new_dfd);
		out->args[4] = (__u32)FIELD(link, flags);
	}
	ring->arg[0] = (__u64)FIELD(link, oldpath);
	ring->arg[1] = (__u64)FIELD(link, newpath);
}

static __always_inline void ask_name(struct wire_ring *ring, struct wire_uring *out, __u64 req,
				     __u32 op)
{
	if (op == OP_UNLINKAT) {
		struct io_unlink *unlink = CAST(io_unlink, req);

		out->args[0] = (__s64)FIELD(unlink, dfd);
		out->args[2] = (__u32)FIELD(unlink, flags);
		ring->arg[0] = (__u64)FIELD(unlink, filename);
	} else {
		struct io_mkdir *mkdir = CAST(io_mkdir, req);

		out->args[0] = (__s64)FIELD(mkdir, dfd);
		out->args[2] = FIELD(mkdir, mode);
		ring->arg[0] = (__u64)FIELD(mkdir, filename);
	}
}

static __always_inline void ask_socket(struct wire_uring *out, __u64 req, __u32 op)
{
	if (op == OP_SOCKET) {
		struct io_socket *socket = CAST(io_socket, req);

		out->args[0] = (__u32)FIELD(socket, domain);
		out->args[1] = (__u32)FIELD(socket, type);
		out->args[2] = (__u32)FIELD(socket, protocol);
		if (FIELD(socket, file_slot))
			out->flags |= WIRE_URING_DIRECT;
		return;
	}
	out->args[0] = (__s64)out->fd;
	if (op == OP_ACCEPT) {
		struct io_accept *accept = CAST(io_accept, req);

		out->args[3] = (__u32)FIELD(accept, flags);
		if (FIELD(accept, file_slot))
			out->flags |= WIRE_URING_DIRECT;
	} else if (op == OP_SHUTDOWN) {
		out->args[1] = (__u32)FIELD(CAST(io_shutdown, req), how);
	} else if (op == OP_LISTEN && bpf_core_type_exists(struct io_listen)) {
		out->args[1] = (__u32)FIELD(CAST(io_listen, req), backlog);
	} else if (op == OP_CONNECT) {
		out->args[2] = (__u32)FIELD(CAST(io_connect, req), addr_len);
	} else if (op == OP_BIND && bpf_core_type_exists(struct io_bind)) {
		out->args[2] = (__u32)FIELD(CAST(io_bind, req), addr_len);
	}
}

/* A send's address: before 6.12 the caller's pointer. A message's: in the kernel's copy of it,
 * since 6.10. */
static __always_inline void ask_send(struct wire_ring *ring, struct wire_uring *out, __u64 req,
				     __u32 op)
{
	struct io_sr_msg *send = CAST(io_sr_msg, req);
	struct io_sr_msg___before_6_12 *before = (void *)send;
	int is_message = op == OP_SENDMSG || op == OP_SENDMSG_ZC;
	struct io_async_msghdr *copy;
	__u64 words[2] = {};

	out->args[0] = (__s64)out->fd;
	out->args[is_message ? 2 : 3] = FIELD(send, msg_flags);
	if (!is_message)
		out->args[2] = (__u32)FIELD(send, len);
	if (!is_message && bpf_core_field_exists(before->addr)) {
		bpf_core_read(&ring->arg[1], 8, &before->addr);
		bpf_core_read(&out->args[5], 2, &before->addr_len); /* an int, or a __u16 */
		return;
	}
	if (!bpf_core_type_exists(struct io_async_connect)) {
		copy = CAST(io_async_msghdr, FIELD(CAST(io_kiocb, req), async_data));
		if (copy && FIELD(copy, msg.msg_name)) {
			ring->arg[0] = (__u64)FIELD(copy, msg.msg_name);
			out->args[5] = (__u32)FIELD(copy, msg.msg_namelen);
		}
	} else if (is_message &&
		   !bpf_probe_read_user(words, sizeof(words), (void *)FIELD(send, buf))) {
		ring->arg[1] = words[0]; /* msg_name, msg_namelen */
		out->args[5] = (__u32)words[1];
	}
}

static __always_inline int op_has_address(__u32 op)
{
	return op == OP_CONNECT || op == OP_BIND;
}

static __always_inline int op_sends(__u32 op)
{
	return op == OP_SEND || op == OP_SEND_ZC || op == OP_SENDMSG || op == OP_SENDMSG_ZC;
}

/* Leave in arg[0], arg[1] where the request at `address` has its address. */
static __always_inline void find_address(struct wire_ring *ring, __u64 address, __u32 op)
{
	ring->arg[0] = async_address(CAST(io_kiocb, address));
	if (op == OP_CONNECT)
		ring->arg[1] = (__u64)FIELD(CAST(io_connect, address), addr);
}

/* What the request arg[2] of this kind asks for. */
__noinline int add_request(__u32 index, __u32 op)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	struct wire_uring *out;
	struct io_kiocb *req;
	__u64 req_address;
	__u32 flags;

	if (!ring)
		return 0;
	req_address = ring->arg[2];
	req = CAST(io_kiocb, req_address);
	section = section_begin(ring, WIRE_SEC_URING);
	if (!section)
		return 0;
	out = (struct wire_uring *)(section + 1);
	__builtin_memset(out, 0, sizeof(*out));
	flags = FIELD(req, flags);
	out->request = req_address;
	out->ring = (__u64)FIELD(req, ctx);
	out->user_data = FIELD(req, cqe.user_data);
	out->fd = FIELD(req, cqe.fd);
	out->op = op;
	if (flags & REQ_F_FIXED_FILE)
		out->flags |= WIRE_URING_FIXED_FILE;
	if (flags & REQ_F_CQE_SKIP)
		out->flags |= WIRE_URING_SKIPS_SUCCESS;
	ring->arg[0] = 0;
	ring->arg[1] = 0;
	if (op == OP_OPENAT || op == OP_OPENAT2) {
		ask_open(ring, out, req_address);
	} else if (op == OP_RENAMEAT || op == OP_LINKAT || op == OP_SYMLINKAT) {
		ask_links(ring, out, req_address, op);
	} else if (op == OP_UNLINKAT || op == OP_MKDIRAT) {
		ask_name(ring, out, req_address, op);
	} else if (op == OP_CLOSE) {
		out->args[0] = (__s64)FIELD(CAST(io_close, req_address), fd);
		if (FIELD(CAST(io_close, req_address), file_slot))
			out->flags |= WIRE_URING_FIXED_FILE;
	} else if (op_sends(op)) {
		ask_send(ring, out, req_address, op);
	} else {
		ask_socket(out, req_address, op);
	}
	section_end(ring, section, sizeof(*out));
	if (op_has_address(op))
		find_address(ring, req_address, op);
	if (op_sends(op) || op_has_address(op))
		return add_ring_address(index, out->args[op_sends(op) ? 5 : 2]);
	return add_ring_names(index);
}

/* The call that a request stands for, when it is wanted: its number + 1. */
static __always_inline __u32 ring_call(__u32 op)
{
	return op < WIRE_RING_OPS_MAX ? ring_calls[op] : 0;
}

static __always_inline int ring_ask(struct io_kiocb *req)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct wire_ring *ring = ring_at(cpu);
	__u32 op = FIELD(req, opcode), call = ring_call(op);
	struct wire_header *header;

	if (!call || !ring)
		return 0;
	header = record_begin(ring, WIRE_RING_ASK, ring_owner(req), cpu);
	if (!header) {
		ring->lost_kinds[WIRE_RING_ASK]++;
		return 0;
	}
	header->nr = call - 1;
	ring->arg[2] = (__u64)req;
	add_request(cpu, op);
	record_end(ring, header);
	return 0;
}

/* The registered file in a slot, as 6.12 has them. */
static __always_inline __u64 registered_before_6_13(struct io_kiocb *req, __u32 slot)
{
	struct io_ring_ctx___before_6_13 *from = (void *)FIELD(req, ctx);
	struct io_fixed_file *files = NULL;
	__u64 pointer = 0;
	__u32 n = 0;

	if (!bpf_core_field_exists(from->nr_user_files))
		return 0;
	bpf_core_read(&n, sizeof(n), &from->nr_user_files);
	bpf_core_read(&files, sizeof(files), &from->file_table.files);
	if (slot < n)
		bpf_probe_read_kernel(&pointer, sizeof(pointer), files + slot);
	return pointer;
}

static __always_inline __u64 registered_file(struct io_kiocb *req, __u32 slot)
{
	struct io_rsrc_data *data;
	struct io_rsrc_node *node;

	if (!bpf_core_field_exists(((struct io_file_table *)0)->data))
		return registered_before_6_13(req, slot);
	data = (struct io_rsrc_data *)((__u64)FIELD(req, ctx) +
				       bpf_core_field_offset(struct io_ring_ctx, file_table.data));
	data = CAST(io_rsrc_data, data);
	if (slot >= FIELD(data, nr))
		return 0;
	node = FIELD(CAST(hlist_head, (__u64)FIELD(data, nodes) + 8ull * slot), first);
	return node ? FIELD(CAST(io_rsrc_node, node), file_ptr) : 0;
}

/* Put what a request with a slot opened into arg[0]. */
static __always_inline void find_registered(struct wire_ring *ring, struct io_kiocb *req,
					    __u32 slot, __s32 res)
{
	slot = slot == FILE_SLOT_ALLOC ? (__u32)res : slot - 1;
	ring->arg[0] = registered_file(req, slot) & FILE_PTR_MASK;
}

static __always_inline __u32 slot_of(__u64 req, __u32 op)
{
	if (op == OP_OPENAT || op == OP_OPENAT2)
		return FIELD(CAST(io_open, req), file_slot);
	if (op == OP_ACCEPT)
		return FIELD(CAST(io_accept, req), file_slot);
	return op == OP_SOCKET ? FIELD(CAST(io_socket, req), file_slot) : 0;
}

/* Describe the file arg[0] as what it is. */
static __always_inline void add_object(struct wire_ring *ring, __u32 cpu)
{
	struct inode *inode;

	if (!ring->arg[0])
		return;
	inode = FIELD(CAST(file, ring->arg[0]), f_inode);
	if ((FIELD(inode, i_mode) & S_IFMT) == S_IFSOCK)
		add_sock(cpu, WIRE_SEC_SOCK);
	else
		add_file(cpu, 0);
}

/* What the request arg[2] came to: the file it opened, or the one it was about. */
__noinline int add_outcome(__u32 index, __u32 op, __s32 res)
{
	struct wire_ring *ring = ring_at(index);
	struct io_kiocb *req;
	__u64 req_address;

	if (!ring)
		return 0;
	req_address = ring->arg[2];
	req = CAST(io_kiocb, req_address);
	if (op == OP_OPENAT || op == OP_OPENAT2 || op == OP_ACCEPT || op == OP_SOCKET) {
		__u32 slot = req_address ? slot_of(req_address, op) : 0;

		if (op == OP_ACCEPT && req_address) {
			ring->arg[0] = (__u64)FIELD(req, file);
			if (ring->arg[0])
				add_sock(index, WIRE_SEC_LISTENER);
		}
		if (res < 0)
			return 0;
		if (!slot)
			return add_descriptor(index, res);
		find_registered(ring, req, slot, res);
		add_object(ring, index);
	} else if (op_sends(op) || op_has_address(op) || op == OP_LISTEN || op == OP_SHUTDOWN) {
		ring->arg[0] = (__u64)FIELD(req, file);
		add_object(ring, index);
	}
	return 0;
}

struct ring_outcome {
	__u64 ring, request, user_data;
	__s32 res;
	__u32 flags; /* of the completion */
};

static __always_inline int ring_done(const struct ring_outcome *outcome)
{
	struct io_kiocb *req = CAST(io_kiocb, outcome->request);
	__u32 cpu = bpf_get_smp_processor_id();
	struct wire_ring *ring = ring_at(cpu);
	struct task_struct *task;
	struct wire_section *section;
	struct wire_header *header;
	struct fs_struct *fs;
	__u32 op = OP_ACCEPT, call;

	/* A multishot's results name no request; those of other kinds are told apart later. */
	if (outcome->request)
		op = FIELD(req, opcode);
	else if (!(outcome->flags & CQE_F_MORE) || outcome->res < 0)
		return 0;
	call = ring_call(op);
	if (!call || !ring)
		return 0;
	task = outcome->request ? ring_owner(req) : current_task();
	header = record_begin(ring, WIRE_RING_DONE, task, cpu);
	if (!header) {
		ring->lost_kinds[WIRE_RING_DONE]++;
		return 0;
	}
	header->nr = call - 1;
	header->res = outcome->res;
	section = section_begin(ring, WIRE_SEC_URING);
	if (section) {
		struct wire_uring *out = (struct wire_uring *)(section + 1);

		__builtin_memset(out, 0, sizeof(*out));
		out->request = outcome->request;
		out->ring = outcome->ring;
		out->user_data = outcome->user_data;
		out->fd = -1;
		out->op = op;
		out->flags = outcome->flags & CQE_F_MORE ? WIRE_URING_MORE : 0;
		section_end(ring, section, sizeof(*out));
	}
	fs = FIELD(task, fs);
	if (fs) {
		ring->root_dentry = (__u64)FIELD(fs, root.dentry);
		ring->root_mnt = (__u64)FIELD(fs, root.mnt);
		ring->arg[3] = (__u64)task;
		ring->arg[2] = outcome->request;
		add_outcome(cpu, op, outcome->res);
	}
	record_end(ring, header);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_ring_ask, struct io_kiocb *req)
{
	return ring_ask(req);
}

/* Until Linux 6.3. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_ring_ask_before_6_4, struct io_kiocb *req)
{
	return ring_ask(req);
}

/* The completion lies in memory that the process can write: the request's own result is taken. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_ring_done, struct io_ring_ctx *from, void *req, struct io_uring_cqe *cqe)
{
	struct ring_outcome outcome = {
		.ring = (__u64)from,
		.request = (__u64)req,
		.user_data = FIELD(cqe, user_data),
		.res = FIELD(cqe, res),
		.flags = FIELD(cqe, flags),
	};

	if (outcome.request) {
		struct io_kiocb *known = CAST(io_kiocb, outcome.request);

		outcome.user_data = FIELD(known, cqe.user_data);
		outcome.res = FIELD(known, cqe.res);
	}
	return ring_done(&outcome);
}

/* Until Linux 6.14 by value. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_ring_done_before_6_15, void *from, void *req, __u64 user_data, int res, __u32 flags)
{
	struct ring_outcome outcome = {(__u64)from, (__u64)req, user_data, res, flags};

	return ring_done(&outcome);
}
