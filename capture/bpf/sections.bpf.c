/* Section writers: texts and blocks of user memory, files with their paths, descriptors. */
#include "capture/bpf/ring.bpf.h"

#define AF_UNIX 1
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IWGRP 020
#define S_IWOTH 02
#define FMODE_CREATED 0x100000
#define SB_RDONLY 1
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

__noinline int add_user_text(__u32 index, __u32 type, __u64 address)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	long n;

	if (!ring)
		return 0;
	section = section_begin(ring, type);
	if (!section)
		return 0;
	ring->text_pos = ring->pos + sizeof(*section);
	n = bpf_probe_read_user_str(section + 1, WIRE_READ_MAX, (const void *)address);
	if (n < 0) {
		section->flags = WIRE_SEC_UNREADABLE;
		n = 1;
	} else if (n == 0) {
		n = 1; /* how older kernels answer to an empty text */
	} else if (n == WIRE_READ_MAX) {
		section->flags = WIRE_SEC_TRUNCATED;
	}
	section_end(ring, section, n - 1);
	return 0;
}

__noinline int add_user_block(__u32 index, __u32 type, __u64 address, __u64 len)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;

	if (!ring)
		return 0;
	section = section_begin(ring, type);
	if (!section)
		return 0;
	if (len > WIRE_READ_MAX) {
		section->flags = WIRE_SEC_TRUNCATED;
		len = WIRE_READ_MAX;
	}
	if (bpf_probe_read_user(section + 1, len, (const void *)address)) {
		section->flags = WIRE_SEC_UNREADABLE;
		len = 0;
	}
	section_end(ring, section, len);
	return 0;
}

/* Append one name and a slash. Short names go by plain loads of 8 bytes: they may read past the
 * name (faults read as zero), and what is written past it is overwritten by the next one. */
static __always_inline void append_name(struct wire_ring *ring, struct dentry *dentry)
{
	const unsigned char *name = FIELD(dentry, d_name.name);
	__u32 len = FIELD(dentry, d_name.len) & 255;
	char *out = text_at(ring, ring->pos);

	if (read_mode == 2 && len <= 32) {
		const __u64 *from = (const __u64 *)name;
		__u64 *to = (__u64 *)out;

		to[0] = from[0];
		to[1] = from[1];
		if (len > 16) {
			to[2] = from[2];
			to[3] = from[3];
		}
	} else {
		bpf_probe_read_kernel(out, len, name);
	}
	out = text_at(ring, ring->pos + len);
	*out = '/';
	ring->pos += len + 1;
}

/* Append the names from arg[1] (dentry) in mount arg[2] up to the process's root, leaf first, each
 * followed by a slash; the root itself is nothing. User space turns it round. Returns section
 * flags. */
__noinline int append_path(__u32 index)
{
	struct wire_ring *ring = ring_at(index);
	struct dentry *dentry, *root_dentry;
	struct mount *mount;
	__u64 root_mnt, limit;

	if (!ring)
		return 0;
	dentry = CAST(dentry, ring->arg[1]);
	mount = CAST(mount, ring->arg[2] - bpf_core_field_offset(struct mount, mnt));
	root_dentry = CAST(dentry, ring->root_dentry);
	root_mnt = ring->root_mnt - bpf_core_field_offset(struct mount, mnt);
	limit = ring->pos + WIRE_READ_MAX - 256;
#pragma clang loop unroll(disable)
	for (int i = 0; i < WIRE_PATH_STEPS_MAX; i++) {
		struct dentry *parent;

		if (dentry == root_dentry && (__u64)mount == root_mnt)
			return 0;
		if (dentry == FIELD(mount, mnt.mnt_root)) {
			struct mount *up = FIELD(mount, mnt_parent);

			if (up == mount)
				return 0;
			dentry = FIELD(mount, mnt_mountpoint);
			mount = up;
			continue;
		}
		parent = FIELD(dentry, d_parent);
		if (ring->pos > limit || ring->pos > WIRE_RECORD_MAX - 512)
			return WIRE_SEC_TRUNCATED;
		append_name(ring, dentry);
		if (dentry == parent) /* in no tree: a memfd, an eventfd, a pipe */
			return 0;
		dentry = parent;
	}
	return WIRE_SEC_TRUNCATED;
}

__noinline int add_path(__u32 index, __u32 type)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	__u64 begin;
	int flags;

	if (!ring)
		return 0;
	section = section_begin(ring, type);
	if (!section)
		return 0;
	begin = ring->pos;
	ring->pos = begin + sizeof(*section);
	flags = append_path(index);
	section->flags = flags;
	section->len = ring->pos - begin - sizeof(*section);
	ring->pos = (ring->pos + 7) & ~7ull;
	return 0;
}

/* struct ovl_inode has the upper layer's dentry right behind the inode it embeds. */
static __always_inline __u16 overlay_flags(struct inode *inode)
{
	__u64 upper = 0, upper_inode = 0;

	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)((__u64)inode + bpf_core_type_size(struct inode)));
	if (!upper)
		return WIRE_FILE_OVERLAY_LOWER;
	bpf_probe_read_kernel(&upper_inode, sizeof(upper_inode),
			      (void *)(upper + bpf_core_field_offset(struct dentry, d_inode)));
	return upper_inode ? WIRE_FILE_OVERLAY_UPPER : WIRE_FILE_OVERLAY_LOWER;
}

static __always_inline void fill_file(struct wire_file *out, struct file *file, struct inode *inode)
{
	struct super_block *sb = FIELD(inode, i_sb);
	__u16 flags = 0;

	out->ino = FIELD(inode, i_ino);
	out->dev = FIELD(sb, s_dev);
	out->magic = FIELD(sb, s_magic);
	out->open_flags = FIELD(file, f_flags);
	out->mode = FIELD(inode, i_mode);
	if (out->magic == OVERLAYFS_SUPER_MAGIC)
		flags |= overlay_flags(inode);
	if (FIELD(file, f_mode) & FMODE_CREATED)
		flags |= WIRE_FILE_CREATED;
	if (FIELD(inode, i_nlink) == 0)
		flags |= WIRE_FILE_UNHASHED;
	if (FIELD(sb, s_flags) & SB_RDONLY)
		flags |= WIRE_FILE_READ_ONLY_FS;
	out->flags = flags;
}

/* Whether the task arg[3] has the group among its supplementary ones, which the kernel keeps
 * sorted. The bounds lie in the ring: of values from memory the verifier knows nothing, so that the
 * two ways through each turn look alike to it; else there are 2^17. */
static __always_inline int is_of_group(struct wire_ring *ring, __u32 gid)
{
	struct cred *cred = FIELD(CAST(task_struct, ring->arg[3]), cred);
	struct group_info *groups = FIELD(cred, group_info);
	__u64 first = (__u64)groups + bpf_core_field_offset(struct group_info, gid);

	if (!groups)
		return 0;
	ring->arg[1] = 0;
	ring->arg[2] = FIELD(groups, ngroups);
#pragma clang loop unroll(disable)
	for (int i = 0; i < 17; i++) {
		__u32 low = *(volatile __u64 *)&ring->arg[1];
		__u32 high = *(volatile __u64 *)&ring->arg[2];
		__u32 middle = (low + high) / 2, at = 0;

		if (low >= high)
			return 0;
		bpf_probe_read_kernel(&at, sizeof(at), (void *)(first + 4ull * middle));
		if (at == gid)
			return 1;
		if (at < gid)
			*(volatile __u64 *)&ring->arg[1] = middle + 1;
		else
			*(volatile __u64 *)&ring->arg[2] = middle;
	}
	return 0;
}

__noinline int add_file(__u32 index, __u32 with_times)
{
	struct wire_ring *ring = ring_at(index);
	struct wire_section *section;
	struct wire_file *out;
	struct inode *inode;
	struct file *file;
	__u64 begin;
	int flags;

	if (!ring || !ring->arg[0])
		return 0;
	file = CAST(file, ring->arg[0]);
	inode = FIELD(file, f_inode);
	section = section_begin(ring, WIRE_SEC_FILE);
	if (!section || !inode)
		return 0;
	out = (struct wire_file *)(section + 1);
	fill_file(out, file, inode);
	if (with_times) {
		out->uid = FIELD(inode, i_uid.val);
		out->gid = FIELD(inode, i_gid.val);
		inode_times(inode, &out->ctime_ns, &out->mtime_ns);
		/* Looked for only where it makes a difference. */
		if (!(out->mode & S_IWGRP) != !(out->mode & S_IWOTH) && is_of_group(ring, out->gid))
			out->flags |= WIRE_FILE_OF_GROUP;
	} else {
		out->uid = 0;
		out->gid = 0;
		out->ctime_ns = 0;
		out->mtime_ns = 0;
	}
	begin = ring->pos;
	ring->arg[1] = (__u64)FIELD(file, f_path.dentry);
	ring->arg[2] = (__u64)FIELD(file, f_path.mnt);
	ring->pos = begin + sizeof(*section) + sizeof(*out);
	flags = append_path(index);
	section->flags = flags;
	section->len = ring->pos - begin - sizeof(*section);
	ring->pos = (ring->pos + 7) & ~7ull;
	return 0;
}

/* Put what descriptor fd of task arg[3] leads to into arg[0]. Its mode, 0 when it is not open. */
static __always_inline __u32 find_file(struct wire_ring *ring, __u32 fd)
{
	struct files_struct *files = FIELD(CAST(task_struct, ring->arg[3]), files);
	struct fdtable *table;
	struct file *file;
	struct inode *inode;

	if (!files)
		return 0;
	table = FIELD(files, fdt);
	if (fd >= FIELD(table, max_fds))
		return 0;
	file = FIELD(CAST(hlist_head, (__u64)FIELD(table, fd) + 8ull * fd), first);
	if (!file)
		return 0;
	ring->arg[0] = (__u64)file;
	inode = FIELD(CAST(file, file), f_inode);
	return FIELD(inode, i_mode) | 1 << 16;
}

/* Describe descriptor fd of task arg[3]: its file, or its socket. Nothing when it is not open. */
__noinline int add_descriptor(__u32 index, __u32 fd)
{
	struct wire_ring *ring = ring_at(index);
	__u32 mode;

	if (!ring)
		return 0;
	mode = find_file(ring, fd);
	if (!mode)
		return 0;
	if ((mode & S_IFMT) == S_IFSOCK)
		return add_sock(index, WIRE_SEC_SOCK);
	return add_file(index, 0);
}

/* Describe the socket that connections are accepted from. */
__noinline int add_listener(__u32 index, __u32 fd)
{
	struct wire_ring *ring = ring_at(index);

	if (!ring || (find_file(ring, fd) & S_IFMT) != S_IFSOCK)
		return 0;
	return add_sock(index, WIRE_SEC_LISTENER);
}

/* Describe what a name is relative to that was read last: the working directory (AT_FDCWD), or
 * what descriptor dirfd of task arg[3] leads to. Nothing for an absolute name. */
__noinline int add_base(__u32 index, __u32 nth, __u32 dirfd)
{
	struct wire_ring *ring = ring_at(index);
	struct task_struct *task;
	struct fs_struct *fs;
	struct file *file;

	if (!ring || *text_at(ring, ring->text_pos) == '/')
		return 0;
	if (dirfd == AT_FDCWD) {
		task = CAST(task_struct, ring->arg[3]);
		fs = FIELD(task, fs);
		if (!fs)
			return 0;
		ring->arg[1] = (__u64)FIELD(fs, pwd.dentry);
		ring->arg[2] = (__u64)FIELD(fs, pwd.mnt);
	} else {
		if (!find_file(ring, dirfd))
			return 0;
		file = CAST(file, ring->arg[0]);
		ring->arg[1] = (__u64)FIELD(file, f_path.dentry);
		ring->arg[2] = (__u64)FIELD(file, f_path.mnt);
	}
	return add_path(index, WIRE_SEC_DIR0 + nth);
}

/* Where the unix socket behind descriptor fd of task arg[3], or its peer, is bound. */
__noinline int add_unix_path(__u32 index, __u32 fd)
{
	struct wire_ring *ring = ring_at(index);
	struct unix_sock *sock;
	struct sock *sk;

	if (!ring || (find_file(ring, fd) & S_IFMT) != S_IFSOCK)
		return 0;
	sk = FIELD(CAST(socket, FIELD(CAST(file, ring->arg[0]), private_data)), sk);
	if (!sk || FIELD(sk, __sk_common.skc_family) != AF_UNIX)
		return 0;
	sock = CAST(unix_sock, FIELD(CAST(unix_sock, sk), peer));
	if (!sock || !FIELD(sock, path.dentry))
		sock = CAST(unix_sock, sk);
	ring->arg[1] = (__u64)FIELD(sock, path.dentry);
	ring->arg[2] = (__u64)FIELD(sock, path.mnt);
	return ring->arg[1] ? add_path(index, WIRE_SEC_SOCK_PATH) : 0;
}
