/* Small things every file needs: owning locals that clean up after themselves, array sizes. */
#pragma once

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* A local that owns something: SCOPED(thing_destroy) struct thing *t = NULL; */
#define SCOPED(destroy) __attribute__((cleanup(destroy)))

/* Hand an owning local's value on, leaving NULL behind. */
#define TAKE(ptr)                                                                                  \
	({                                                                                         \
		__typeof__(ptr) taken_ = (ptr);                                                    \
		(ptr) = NULL;                                                                      \
		taken_;                                                                            \
	})

/* Hand an owning descriptor on, leaving -1 behind. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_fd_ = (fd);                                                              \
		(fd) = -1;                                                                         \
		taken_fd_;                                                                         \
	})

/* For SCOPED: free(*ptr), for char *, void * and other plain allocations. */
void free_ptr(void *ptr_to_ptr);

/* For SCOPED: close(*fd) unless it is negative. */
void close_fd(int *fd);
