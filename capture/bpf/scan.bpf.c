/* Scans: tasks and descriptors that exist, by BPF iterators. Records are built in an element of
 * their own and handed out through the iterator's file. The clock is read before the facts: what
 * changes meanwhile has an event that is newer than the record. */
#include "capture/bpf/ring.bpf.h"

static __always_inline void scan_end(struct wire_ring *ring, struct wire_header *header,
				     struct seq_file *seq)
{
	header->len = ring->pos & POS_MASK;
	bpf_seq_write(seq, header, header->len);
}

/* Whether the task told of its end already: that event came before the tasks' state changed. A
 * leader that is done stands for its process while other threads live. */
static __always_inline int is_gone(struct task_struct *task)
{
	if (!FIELD(task, exit_state))
		return 0;
	return FIELD(task, pid) != FIELD(task, tgid) || !FIELD(FIELD(task, signal), live.counter);
}

SEC("iter/task")
int scan_task(struct bpf_iter__task *ctx)
{
	struct wire_ring *ring = ring_at(scan_ring);
	struct task_struct *task = ctx->task;
	struct wire_header *header;

	if (!ring || !task || is_gone(task))
		return 0;
	header = header_fill(ring, WIRE_TASK, bpf_ktime_get_boot_ns(), task, 0);
	if (!FIELD(FIELD(task, signal), live.counter))
		header->flags |= WIRE_IS_ENDING;
	ring->arg[3] = (__u64)task;
	add_task(scan_ring, 0, 0);
	add_directories(scan_ring);
	add_image(scan_ring);
	add_cgroups(scan_ring);
	scan_end(ring, header, ctx->meta->seq);
	return 0;
}

static __always_inline int closes_on_exec(struct task_struct *task, __u32 fd)
{
	struct files_struct *files = FIELD(task, files);
	struct fdtable *table = files ? FIELD(files, fdt) : NULL;
	unsigned long word = 0;

	if (!table || fd >= FIELD(table, max_fds))
		return 0;
	if (bpf_probe_read_kernel(&word, sizeof(word), FIELD(table, close_on_exec) + fd / 64))
		return 0;
	return word >> (fd % 64) & 1;
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
	header = header_fill(ring, WIRE_FD, bpf_ktime_get_boot_ns(), task, 0);
	header->fd = ctx->fd;
	if (closes_on_exec(task, ctx->fd))
		header->flags |= WIRE_CLOSES_ON_EXEC;
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
