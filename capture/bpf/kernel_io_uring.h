/* The members of io_uring's structures that the programs use, as kernel.h has the others. Requests
 * are read from Linux 5.19 on: earlier tracepoints do not name the request. */
#pragma once

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_cqe {
	__u64 user_data;
	__s32 res;
	__s32 fd; /* until the request is done */
};

struct io_uring_task {
	struct task_struct *task;
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	__u32 flags; /* 64 bits wide since 6.8; ours are the lowest */
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	struct io_uring_task *tctx;
	void *async_data;
};

/* Linux 6.13 moved the task into io_uring_task. */
struct io_kiocb___before_6_13 {
	struct task_struct *task;
};

struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
	__u32 flags;
};

/* Registered files are nodes since 6.13. */
struct io_rsrc_node {
	unsigned long file_ptr;
};

struct io_rsrc_data {
	unsigned int nr;
	struct io_rsrc_node **nodes;
};

struct io_file_table {
	struct io_rsrc_data data;
};

/* Before, an array. */
struct io_fixed_file {
	unsigned long file_ptr;
};

struct io_file_table___before_6_13 {
	struct io_fixed_file *files;
};

struct io_ring_ctx___before_6_13 {
	struct io_file_table___before_6_13 file_table;
	unsigned int nr_user_files;
};

struct io_ring_ctx {
	struct io_file_table file_table;
};

/* A name as the kernel copied it from the caller, before it looked it up. */
struct filename {
	const char *name;
};

struct open_how {
	__u64 flags, mode, resolve;
};

/* What the kinds of requests hold; each begins where its io_kiocb does. */
struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
	struct open_how how;
};

struct io_close {
	int fd;
	__u32 file_slot;
};

struct io_unlink {
	int dfd, flags;
	struct filename *filename;
};

struct io_rename {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

struct io_mkdir {
	int dfd;
	__u16 mode;
	struct filename *filename;
};

struct io_link {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

struct io_accept {
	int flags;
	__u32 file_slot;
};

struct io_socket {
	int domain, type, protocol;
	__u32 file_slot;
};

struct io_connect {
	void *addr;
	int addr_len;
};

struct io_bind {
	int addr_len;
};

struct io_listen {
	int backlog;
};

struct io_shutdown {
	int how;
};

struct io_sr_msg {
	void *buf;
	int len;
	unsigned int msg_flags;
};

/* Until 6.12 a send kept the caller's pointer. */
struct io_sr_msg___before_6_12 {
	void *addr;
	int addr_len;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
};

struct __kernel_sockaddr_storage {
	__u64 data;
};

/* The kernel's copy of an address, made when the request was taken, since 6.10 for connects and
 * messages. */
struct io_async_msghdr {
	struct msghdr msg;
	struct __kernel_sockaddr_storage addr;
};

/* Before, a connect had a copy of its own kind, and only when it had to wait. */
struct io_async_connect {
	struct __kernel_sockaddr_storage address;
};

#pragma clang attribute pop
