/* Flags of system calls from the kernel's bits to the portable ones of base/flag_tables.def. */
#pragma once

#include <stdint.h>

enum flag_map {
	FLAG_MAP_NONE, /* the portable bits are the kernel's */
	FLAG_MAP_OPEN,
	FLAG_MAP_CLONE,
	FLAG_MAP_UNLINKAT,
	FLAG_MAP_LINKAT,
	FLAG_MAP_FCHOWNAT,
	FLAG_MAP_RESOLVE,
	FLAG_MAP_FCNTL,  /* a command, not bits */
	FLAG_MAP_PIPE,   /* pipe2, dup3, socket types */
	FLAG_MAP_PTRACE, /* a request, not bits */
	FLAG_MAP_DELETE_MODULE,
	FLAG_MAP_IO_URING,
	FLAG_MAP_CLOSE_RANGE,
	FLAG_MAP_MEMFD,
	FLAG_MAP_FSTATAT,
	FLAG_MAP_ACCESS,
	FLAG_MAP_FLOCK,
	FLAG_MAP_PROT,
	FLAG_MAP_MMAP,
	FLAG_MAP_MLOCK2,
	FLAG_MAP_MLOCKALL,
	FLAG_MAP_FUTEX, /* a command with two bits */
	FLAG_MAP_SEMGET,
	FLAG_MAP_SEMOP,
	FLAG_MAP_SEMCTL, /* a command, not bits */
	FLAG_MAP_EPOLL,
	FLAG_MAP_RLIMIT,        /* a resource, not bits */
	FLAG_MAP_SOCKOPT_LEVEL, /* a protocol level, not bits */
	FLAG_MAP_QUOTA_COMMAND, /* a command, not bits */
	FLAG_MAP_QUOTA_FORMAT,  /* a format, not bits */
	FLAG_MAP_QUOTA_TYPE,    /* a type, not bits */
	FLAG_MAP_IO_URING_ENTER,
	FLAG_MAP_END,
};

uint32_t flags_portable(enum flag_map map, uint64_t kernel_flags);

/* The kernel's bits that these portable ones stand for; for maps of bits only, without an open's
 * access mode. */
uint64_t flags_kernel(enum flag_map map, uint32_t portable_flags);
