/* The initial scan: tasks and descriptors that exist when capture begins, by BPF iterators. Records
 * are built in an element of their own and handed out through the iterator's file. */
#include "capture/bpf/ring.bpf.h"

static __always_inline void scan_end(struct wire_ring *ring, struct wire_header *header,
				     struct seq_file *seq)
{
	header->len = ring->pos & POS_MASK;
	bpf_seq_write(seq, header, header->len);
}

SEC("iter/task")
int scan_task(struct bpf_iter__task *ctx)
{
	struct wire_ring *ring = ring_at(scan_ring);
	struct task_struct *task = ctx->task;
	struct wire_header *header;

	if (!ring || !task)
		return 0;
	header = header_fill(ring, WIRE_TASK, 0, task, 0);
	ring->arg[3] = (__u64)task;
	add_task(scan_ring, 0, 0);
	add_directories(scan_ring);
	add_image(scan_ring);
	add_cgroups(scan_ring);
	scan_end(ring, header, ctx->meta->seq);
	return 0;
}

SEC("iter/task_file")
int scan_file(struct bpf_iter__task_file *ctx)
{
	struct wire_ring *ring = ring_at(scan_ring);
	struct task_struct *task = ctx->task;
	struct wire_header *header;
	struct fs_struct *fs;

	if (!ring || !task || !ctx->file)
		return 0;
	header = header_fill(ring, WIRE_FD, 0, task, 0);
	header->fd = ctx->fd;
	fs = FIELD(task, fs);
	if (!fs)
		return 0;
	ring->root_dentry = (__u64)FIELD(fs, root.dentry);
	ring->root_mnt = (__u64)FIELD(fs, root.mnt);
	ring->arg[3] = (__u64)task;
	add_descriptor(scan_ring, ctx->fd);
	add_unix_path(scan_ring, ctx->fd);
	scan_end(ring, header, ctx->meta->seq);
	return 0;
}
