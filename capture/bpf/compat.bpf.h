/* How kernel memory is read, and what differs between kernel releases. */
#pragma once

#include "capture/bpf/kernel.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Which forms the verifier took, best first; user space tries the next after a refusal.
 * 2: pointers are followed by plain loads, names read as memory (verified on 6.18).
 * 1: plain loads (bpf_rdonly_cast, 6.2), names by helper.
 * 0: everything by helper (5.10). */
extern const volatile __u32 read_mode;

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* Give an address the type `struct t`. */
#define CAST(t, address)                                                                           \
	((struct t *)(read_mode ? bpf_rdonly_cast((const void *)(address),                         \
						  bpf_core_type_id_kernel(struct t))               \
				: (void *)(address)))

/* p->field. A plain load is a few ns where the helper is 30 and more. */
#define FIELD(p, field)                                                                            \
	({                                                                                         \
		__typeof__(p) p_ = (p);                                                            \
		__typeof__(p_->field) value_;                                                      \
		if (read_mode)                                                                     \
			value_ = p_->field;                                                        \
		else                                                                               \
			bpf_core_read(&value_, sizeof(value_), &p_->field);                        \
		value_;                                                                            \
	})

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Linux 6.15 renamed kernfs_node::parent to __parent. */
struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
};
struct kernfs_node___6_15 {
	struct kernfs_node *__parent;
};

/* Linux 6.2 made rss_stat an array of per-CPU counters. */
struct mm_rss_stat___before_6_2 {
	char first; /* really atomic_long_t count[4]: the type's name is a typedef's */
};
struct mm_struct___before_6_2 {
	struct mm_rss_stat___before_6_2 rss_stat;
};
struct mm_struct___6_2 {
	struct percpu_counter rss_stat[4];
};

/* Capabilities: two words of 32 bits until 6.3, one of 64 since; the same bytes. */
struct cred___6_3 {
	struct {
		__u64 val;
	} cap_inheritable, cap_permitted, cap_effective;
};

/* Inode times: i_ctime until 6.5, __i_ctime until 6.10, then seconds and nanoseconds apart; mtime
 * one release later. */
struct timespec64___any {
	__s64 tv_sec;
	long tv_nsec;
};
struct inode___before_6_6 {
	struct timespec64___any i_ctime, i_mtime;
};
struct inode___6_6 {
	struct timespec64___any __i_ctime, __i_mtime;
};
struct inode___6_11 {
	__s64 i_ctime_sec, i_mtime_sec;
	__u32 i_ctime_nsec, i_mtime_nsec;
};

/* Linux 5.5 renamed real_start_time. self_exec_id had 32 bits before 5.7. */
struct task_struct___before_5_5 {
	__u64 real_start_time;
};

#pragma clang attribute pop

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___6_15 *now = (void *)node;
	struct kernfs_node___before_6_15 *before = (void *)node;
	struct kernfs_node *parent = NULL;

	if (bpf_core_field_exists(now->__parent))
		return FIELD(CAST(kernfs_node___6_15, node), __parent);
	bpf_core_read(&parent, sizeof(parent), &before->parent);
	return parent;
}

/* One of the four counters (file, anonymous, swap, shared memory pages), without the per-CPU
 * remainders. `which` is a constant: only such an index steps by the kernel's size of an element.
 */
#define RSS_PART(mm, which)                                                                        \
	({                                                                                         \
		struct mm_struct___before_6_2 *before_ = (void *)(mm);                             \
		__s64 n_ = 0;                                                                      \
		if (bpf_core_field_exists(((struct mm_struct___6_2 *)0)->rss_stat))                \
			n_ = FIELD(CAST(mm_struct___6_2, mm), rss_stat[which].count);              \
		else                                                                               \
			bpf_probe_read_kernel(                                                     \
				&n_, sizeof(n_),                                                   \
				(char *)__builtin_preserve_access_index(&before_->rss_stat) +      \
					(which) * sizeof(n_));                                     \
		n_ < 0 ? 0 : n_;                                                                   \
	})

/* One of the three sets of a struct cred. */
#define CAPABILITIES(cred, set)                                                                    \
	({                                                                                         \
		__u64 value__ = 0;                                                                 \
		if (bpf_core_field_exists(((struct cred___6_3 *)0)->set.val))                      \
			value__ = FIELD(CAST(cred___6_3, cred), set.val);                          \
		else                                                                               \
			bpf_core_read(&value__, 8, &(cred)->set);                                  \
		value__;                                                                           \
	})

static __always_inline __u64 timespec_ns(const struct timespec64___any *t)
{
	return (__u64)t->tv_sec * 1000000000 + (__u64)t->tv_nsec;
}

static __always_inline void inode_times(struct inode *inode, __u64 *ctime_ns, __u64 *mtime_ns)
{
	struct inode___before_6_6 *before = (void *)inode;
	struct inode___6_11 *now = CAST(inode___6_11, inode);
	struct inode___6_6 *middle = (void *)inode;
	struct timespec64___any c = {}, m = {};

	if (bpf_core_field_exists(now->i_ctime_sec)) {
		c.tv_sec = FIELD(now, i_ctime_sec);
		c.tv_nsec = FIELD(now, i_ctime_nsec);
		c.tv_nsec &= 0x7fffffff; /* the top bit says "was looked at" since 6.13 */
		m.tv_sec = FIELD(now, i_mtime_sec);
		m.tv_nsec = FIELD(now, i_mtime_nsec);
	} else {
		if (bpf_core_field_exists(middle->__i_ctime))
			bpf_core_read(&c, sizeof(c), &middle->__i_ctime);
		else
			bpf_core_read(&c, sizeof(c), &before->i_ctime);
		if (bpf_core_field_exists(middle->__i_mtime))
			bpf_core_read(&m, sizeof(m), &middle->__i_mtime);
		else
			bpf_core_read(&m, sizeof(m), &before->i_mtime);
	}
	*ctime_ns = timespec_ns(&c);
	*mtime_ns = timespec_ns(&m);
}

static __always_inline __u64 task_start_ns(struct task_struct *task)
{
	struct task_struct___before_5_5 *before = (void *)task;
	__u64 start_ns = 0;

	if (bpf_core_field_exists(task->start_boottime))
		return FIELD(task, start_boottime);
	bpf_core_read(&start_ns, sizeof(start_ns), &before->real_start_time);
	return start_ns;
}

static __always_inline __u64 task_exec_id(struct task_struct *task)
{
	__u64 id = 0;

	if (bpf_core_field_size(task->self_exec_id) == 8)
		return FIELD(task, self_exec_id);
	bpf_core_read(&id, 4, &task->self_exec_id);
	return id;
}

/* bpf_get_current_task_btf() is of 5.11. */
static __always_inline struct task_struct *current_task(void)
{
	return read_mode ? bpf_get_current_task_btf()
			 : (struct task_struct *)bpf_get_current_task();
}
