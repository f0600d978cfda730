/* Life cycle: a task is made, gets a new image, changes cgroup, ends. */
#include "capture/bpf/ring.bpf.h"

#define PF_KTHREAD 0x200000
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3
#define RLIMIT_NOFILE 7

extern const volatile __u32 own_tgid;

/* The number that pid has in the namespace of level `level`. */
static __always_inline int nr_at_level(struct pid *pid, __u32 level)
{
	struct upid *upid;

	if (!pid || level > FIELD(pid, level))
		return 0;
	upid = CAST(upid, (__u64)pid + bpf_core_field_offset(struct pid, numbers) +
				  level * bpf_core_type_size(struct upid));
	return FIELD(upid, nr);
}

static __always_inline struct pid_namespace *pid_namespace_of(struct pid *pid)
{
	struct upid *upid = CAST(upid, (__u64)pid + bpf_core_field_offset(struct pid, numbers) +
					       FIELD(pid, level) * bpf_core_type_size(struct upid));

	return FIELD(upid, ns);
}

static __always_inline void fill_ids(struct wire_task *out, struct task_struct *task)
{
	struct task_struct *leader = FIELD(task, group_leader);
	struct task_struct *parent = FIELD(task, real_parent);
	struct signal_struct *signal = FIELD(task, signal);
	struct pid *pid = FIELD(task, thread_pid);
	struct pid *pgrp = FIELD(signal, pids[PIDTYPE_PGID]);
	__u32 level = pid ? FIELD(pid, level) : 0;

	out->start_ns = task_start_ns(leader);
	out->exec_id = task_exec_id(task);
	out->tid = FIELD(task, pid);
	out->tgid = FIELD(task, tgid);
	out->parent_tgid = FIELD(parent, tgid);
	out->parent_tid = FIELD(parent, pid);
	out->parent_start_ns = task_start_ns(FIELD(parent, group_leader));
	out->vtid = nr_at_level(pid, level);
	out->vpid = nr_at_level(FIELD(leader, thread_pid), level);
	out->pgid = nr_at_level(pgrp, 0);
	out->vpgid = nr_at_level(pgrp, level);
	out->sid = nr_at_level(FIELD(signal, pids[PIDTYPE_SID]), level);
	out->pidns_start_ns = 0;
	if (pid) {
		struct task_struct *reaper = FIELD(pid_namespace_of(pid), child_reaper);

		if (reaper)
			out->pidns_start_ns = task_start_ns(reaper);
	}
}

static __always_inline void fill_credentials(struct wire_task *out, struct task_struct *task)
{
	struct cred *cred = FIELD(task, cred);

	out->uid = FIELD(cred, uid.val);
	out->gid = FIELD(cred, gid.val);
	out->euid = FIELD(cred, euid.val);
	out->egid = FIELD(cred, egid.val);
	out->suid = FIELD(cred, suid.val);
	out->sgid = FIELD(cred, sgid.val);
	out->fsuid = FIELD(cred, fsuid.val);
	out->fsgid = FIELD(cred, fsgid.val);
	out->cap_inheritable = CAPABILITIES(cred, cap_inheritable);
	out->cap_permitted = CAPABILITIES(cred, cap_permitted);
	out->cap_effective = CAPABILITIES(cred, cap_effective);
	out->loginuid = 0xffffffff;
	if (bpf_core_field_exists(task->loginuid))
		out->loginuid = FIELD(task, loginuid.val);
}

/* Device number of the controlling terminal, as stat gives it. */
static __always_inline __u32 tty_of(struct signal_struct *signal)
{
	struct tty_struct *tty = FIELD(signal, tty);
	struct tty_driver *driver;
	__u32 minor;

	if (!tty)
		return 0;
	driver = FIELD(tty, driver);
	minor = FIELD(driver, minor_start) + FIELD(tty, index);
	return (minor & 0xff) | (__u32)FIELD(driver, major) << 8 | (minor & ~0xffu) << 12;
}

static __always_inline void fill_memory(struct wire_task *out, struct task_struct *task)
{
	struct mm_struct *mm = FIELD(task, mm);

	out->pgft_maj = FIELD(task, maj_flt);
	out->pgft_min = FIELD(task, min_flt);
	out->vm_pages = 0;
	out->rss_pages = 0;
	out->swap_pages = 0;
	if (!mm)
		return;
	out->vm_pages = FIELD(mm, total_vm);
	out->rss_pages = RSS_PART(mm, 0) + RSS_PART(mm, 1) + RSS_PART(mm, 3);
	out->swap_pages = RSS_PART(mm, 2);
}

/* The names of a cgroup from the leaf up, each followed by a slash. */
__noinline int append_cgroup_path(__u32 index)
{
	struct wire_ring *ring = ring_at(index);
	struct kernfs_node *node;

	if (!ring)
		return 0;
	node = CAST(kernfs_node, ring->arg[0]);
#pragma clang loop unroll(disable)
	for (int i = 0; i < 24; i++) {
		struct kernfs_node *parent = kernfs_parent(node);
		char *out = text_at(ring, ring->pos);
		long n;

		if (!parent || ring->pos > WIRE_RECORD_MAX - 512)
			return 0;
		n = bpf_probe_read_kernel_str(out, 256, FIELD(node, name));
		if (n <= 0)
			return 0;
		out = text_at(ring, ring->pos + n - 1);
		*out = '/';
		ring->pos += n;
		node = CAST(kernfs_node, parent);
	}
	return WIRE_SEC_TRUNCATED;
}

/* The bit that a subsystem has in our own order, when this kernel has it and the hierarchy too. */
#define SUBSYS(mask, name, bit)                                                                    \
	(bpf_core_enum_value_exists(enum cgroup_subsys_id, name##_cgrp_id) &&                      \
			 (mask)&1u << bpf_core_enum_value(enum cgroup_subsys_id, name##_cgrp_id)   \
		 ? 1u << (bit)                                                                     \
		 : 0)

static __always_inline __u32 portable_subsystems(__u32 mask)
{
	if (!mask)
		return 0;
	return SUBSYS(mask, cpuset, WIRE_SUBSYS_CPUSET) | SUBSYS(mask, cpu, WIRE_SUBSYS_CPU) |
	       SUBSYS(mask, cpuacct, WIRE_SUBSYS_CPUACCT) | SUBSYS(mask, io, WIRE_SUBSYS_BLKIO) |
	       SUBSYS(mask, memory, WIRE_SUBSYS_MEMORY) |
	       SUBSYS(mask, devices, WIRE_SUBSYS_DEVICES) |
	       SUBSYS(mask, freezer, WIRE_SUBSYS_FREEZER) |
	       SUBSYS(mask, net_cls, WIRE_SUBSYS_NET_CLS) |
	       SUBSYS(mask, perf_event, WIRE_SUBSYS_PERF_EVENT) |
	       SUBSYS(mask, net_prio, WIRE_SUBSYS_NET_PRIO) |
	       SUBSYS(mask, hugetlb, WIRE_SUBSYS_HUGETLB) | SUBSYS(mask, pids, WIRE_SUBSYS_PIDS) |
	       SUBSYS(mask, rdma, WIRE_SUBSYS_RDMA) | SUBSYS(mask, misc, WIRE_SUBSYS_MISC);
}

/* One section; arg[1]: the cgroup. */
__noinline int add_cgroup(__u32 index)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	struct wire_cgroup *out;
	struct cgroup_root *root;
	struct kernfs_node *node;
	struct cgroup *cgroup;
	__u64 begin;
	int flags;

	if (!ring)
		return 0;
	section = section_begin(ring, WIRE_SEC_CGROUP);
	if (!section)
		return 0;
	cgroup = CAST(cgroup, ring->arg[1]);
	root = FIELD(cgroup, root);
	node = FIELD(cgroup, kn);
	out = (struct wire_cgroup *)(section + 1);
	out->id = FIELD(node, id);
	out->subsystems = portable_subsystems(FIELD(root, subsys_mask));
	out->hierarchy = FIELD(root, hierarchy_id);
	out->name[0] = '\0';
	if (FIELD(root, name[0])) /* few have one */
		bpf_core_read(out->name, sizeof(out->name), &root->name);
	ring->arg[0] = (__u64)node;
	begin = ring->pos;
	ring->pos = begin + sizeof(*section) + sizeof(*out);
	flags = FIELD(cgroup, level) ? append_cgroup_path(index) : 0;
	section->flags = flags;
	section->len = ring->pos - begin - sizeof(*section);
	ring->pos = (ring->pos + 7) & ~7ull;
	return 0;
}

/* A section for every hierarchy the task arg[3] is in, the unified one among them. */
__noinline int add_cgroups(__u32 index)
{
	__u64 link_offset = bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
	struct wire_ring *ring = ring_at(index);
	struct css_set *set;
	__u64 first, at;

	if (!ring)
		return 0;
	set = FIELD(CAST(task_struct, ring->arg[3]), cgroups);
	if (!set)
		return 0;
	first = (__u64)set + bpf_core_field_offset(struct css_set, cgrp_links);
	at = (__u64)FIELD(set, cgrp_links.next);
#pragma clang loop unroll(disable)
	for (int i = 0; i < WIRE_HIERARCHIES_MAX; i++) {
		struct cgrp_cset_link *link = CAST(cgrp_cset_link, at - link_offset);

		if (!at || at == first)
			break;
		ring->arg[1] = (__u64)FIELD(link, cgrp);
		add_cgroup(index);
		at = (__u64)FIELD(link, cgrp_link.next);
	}
	return 0;
}

/* Facts of the task arg[3]; flags are those known to the caller. */
__noinline int add_task(__u32 index, __u32 flags, __u64 clone_flags)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	struct signal_struct *signal;
	struct task_struct *task;
	struct wire_task *out;

	if (!ring)
		return 0;
	task = CAST(task_struct, ring->arg[3]);
	section = section_begin(ring, WIRE_SEC_TASK);
	if (!section)
		return 0;
	out = (struct wire_task *)(section + 1);
	signal = FIELD(task, signal);
	fill_ids(out, task);
	fill_credentials(out, task);
	fill_memory(out, task);
	out->fd_limit = FIELD(signal, rlim[RLIMIT_NOFILE].rlim_cur);
	out->tty = tty_of(signal);
	out->clone_flags = clone_flags;
	out->flags = flags | (FIELD(task, flags) & PF_KTHREAD ? WIRE_TASK_IS_KERNEL : 0);
	bpf_core_read(out->comm, sizeof(out->comm), &task->comm);
	section_end(ring, section, sizeof(*out));
	return 0;
}

__noinline int add_memory(__u32 index)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	struct wire_memory *out;
	struct mm_struct *mm;

	if (!ring)
		return 0;
	mm = FIELD(CAST(task_struct, ring->arg[3]), mm);
	section = section_begin(ring, WIRE_SEC_MEMORY);
	if (!section || !mm)
		return 0;
	out = (struct wire_memory *)(section + 1);
	out->vm_pages = FIELD(mm, total_vm);
	out->rss_pages = RSS_PART(mm, 0) + RSS_PART(mm, 1) + RSS_PART(mm, 3);
	out->swap_pages = RSS_PART(mm, 2);
	section_end(ring, section, sizeof(*out));
	return 0;
}

/* Working directory of the task arg[3], as it sees it. */
__noinline int add_directories(__u32 index)
{
	struct wire_ring *ring = ring_at(index);
	struct fs_struct *fs;

	if (!ring)
		return 0;
	fs = FIELD(CAST(task_struct, ring->arg[3]), fs);
	if (!fs)
		return 0;
	ring->root_dentry = (__u64)FIELD(fs, root.dentry);
	ring->root_mnt = (__u64)FIELD(fs, root.mnt);
	ring->arg[1] = (__u64)FIELD(fs, pwd.dentry);
	ring->arg[2] = (__u64)FIELD(fs, pwd.mnt);
	add_path(index, WIRE_SEC_CWD);
	ring->arg[1] = ring->root_dentry;
	ring->arg[2] = ring->root_mnt;
	ring->root_dentry = 0;
	ring->root_mnt = 0;
	add_path(index, WIRE_SEC_ROOT);
	ring->root_dentry = (__u64)FIELD(fs, root.dentry);
	ring->root_mnt = (__u64)FIELD(fs, root.mnt);
	return 0;
}

/* The image that the task arg[3] runs. */
__noinline int add_image(__u32 index)
{
	struct wire_ring *ring = ring_at(index);
	struct mm_struct *mm;

	if (!ring)
		return 0;
	mm = FIELD(CAST(task_struct, ring->arg[3]), mm);
	if (!mm)
		return 0;
	ring->arg[0] = (__u64)FIELD(mm, exe_file);
	return add_file(index, 1);
}

/* argv and environment of the current task, in one read each. */
static __always_inline void add_strings(__u32 cpu, struct mm_struct *mm)
{
	__u64 arg_start = FIELD(mm, arg_start), env_start = FIELD(mm, env_start);

	add_user_block(cpu, WIRE_SEC_ARGS, arg_start, FIELD(mm, arg_end) - arg_start);
	add_user_block(cpu, WIRE_SEC_ENV, env_start, FIELD(mm, env_end) - env_start);
}

static __always_inline void add_filename(struct wire_ring *ring, const char *name)
{
	struct wire_section *section = section_begin(ring, WIRE_SEC_FILENAME);
	long n;

	if (!section)
		return;
	n = bpf_probe_read_kernel_str(section + 1, WIRE_READ_MAX, name);
	section_end(ring, section, n > 0 ? n - 1 : 0);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_tid, struct linux_binprm *bprm)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct wire_ring *ring = ring_at(cpu);
	struct wire_header *header;
	const char *filename, *interp;
	struct mm_struct *mm;

	if (!ring || FIELD(task, tgid) == own_tgid)
		return 0;
	header = record_begin(ring, WIRE_EXEC, task, cpu);
	if (!header) {
		ring->lost_kinds[WIRE_EXEC]++;
		return 0;
	}
	filename = FIELD(bprm, filename);
	interp = FIELD(bprm, interp);
	ring->arg[3] = (__u64)task;
	add_task(cpu, filename != interp ? WIRE_TASK_IS_SCRIPT : 0, 0);
	add_directories(cpu);
	add_image(cpu);
	mm = FIELD(task, mm);
	if (mm)
		add_strings(cpu, mm);
	add_filename(ring, filename);
	ring->arg[3] = (__u64)task;
	add_cgroups(cpu);
	record_end(ring, header);
	return 0;
}

/* The number of the creator's call; user space tells fork, vfork, clone and clone3 by it. The
 * registers lie at the top of the kernel stack (16 KiB on x86-64); the helper that knows is of
 * 5.15 and wants a typed task. */
static __always_inline __u16 current_nr(void)
{
	struct pt_regs *regs;
	__u64 stack = 0;

	if (read_mode && bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
		return FIELD(regs, orig_ax);
	}
	stack = (__u64)FIELD((struct task_struct *)bpf_get_current_task(), stack);
	regs = (struct pt_regs *)(stack + 16384 - bpf_core_type_size(struct pt_regs));
	return FIELD(regs, orig_ax);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_fork, struct task_struct *task, __u64 clone_flags)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct task_struct *current = current_task();
	struct wire_ring *ring = ring_at(cpu);
	struct wire_header *header;

	if (!ring || FIELD(task, tgid) == own_tgid)
		return 0;
	header = record_begin(ring, WIRE_FORK, task, cpu);
	if (!header) {
		ring->lost_kinds[WIRE_FORK]++;
		return 0;
	}
	header->nr = current_nr();
	if (FIELD(current, thread_info.status) & 2)
		header->flags |= WIRE_IS_32BIT;
	ring->arg[3] = (__u64)task;
	add_task(cpu, 0, clone_flags);
	add_directories(cpu);
	add_cgroups(cpu);
	record_end(ring, header);
	return 0;
}

/* Who inherits the children of a dying task, as the kernel's find_new_reaper() chooses: a living
 * thread of the group, the nearest sub-reaper, the namespace's init. 0: there are no children. The
 * last thread inherits those of threads that began to exit before it and are still at it. */
static __always_inline int reaper_of(struct task_struct *task)
{
	struct signal_struct *signal = FIELD(task, signal);
	struct task_struct *ancestor = task;
	struct pid *pid;

	if ((__u64)FIELD(task, children.next) ==
		    (__u64)task + bpf_core_field_offset(struct task_struct, children) &&
	    (FIELD(signal, live.counter) > 0 || FIELD(signal, nr_threads) == 1))
		return 0;
	if (FIELD(signal, live.counter) > 0)
		return FIELD(FIELD(task, group_leader), pid);
	if (BPF_CORE_READ_BITFIELD_PROBED(signal, has_child_subreaper)) {
#pragma clang loop unroll(disable)
		for (int i = 0; i < 16; i++) {
			ancestor = FIELD(ancestor, real_parent);
			if (FIELD(ancestor, pid) <= 1)
				break;
			signal = FIELD(ancestor, signal);
			if (BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper))
				return FIELD(FIELD(ancestor, group_leader), pid);
		}
	}
	pid = FIELD(task, thread_pid);
	return pid ? FIELD(FIELD(pid_namespace_of(pid), child_reaper), pid) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct wire_ring *ring = ring_at(cpu);
	struct wire_section *section;
	struct wire_header *header;
	struct wire_exit *out;

	if (!ring || FIELD(task, tgid) == own_tgid)
		return 0;
	header = record_begin(ring, WIRE_EXIT, task, cpu);
	if (!header) {
		ring->lost_kinds[WIRE_EXIT]++;
		return 0;
	}
	section = section_begin(ring, WIRE_SEC_EXIT);
	if (section) {
		struct signal_struct *signal = FIELD(task, signal);

		out = (struct wire_exit *)(section + 1);
		out->status = FIELD(task, exit_code);
		out->reaper_tid = reaper_of(task);
		out->is_group_dead = FIELD(signal, live.counter) == 0;
		out->pad = 0;
		section_end(ring, section, sizeof(*out));
	}
	record_end(ring, header);
	return 0;
}

/* The mover is current; the facts are the moved task's. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup, struct cgroup *to, const char *path, struct task_struct *task)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct wire_ring *ring = ring_at(cpu);
	struct wire_header *header;

	if (!ring || FIELD(task, tgid) == own_tgid)
		return 0;
	header = record_begin(ring, WIRE_TASK, task, cpu);
	if (!header) {
		ring->lost_kinds[WIRE_TASK]++;
		return 0;
	}
	ring->arg[3] = (__u64)task;
	add_task(cpu, 0, 0);
	add_directories(cpu);
	add_cgroups(cpu);
	record_end(ring, header);
	return 0;
}
