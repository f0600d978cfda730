/* Descriptor tables, one a process, as the kernel has them: a table may be shared (CLONE_FILES),
 * its contents are copied on fork when first changed, and a descriptor refers to an open file
 * (struct fd_entry) that dup and fork share. Bounded; what does not fit evicts and is counted.
 * Pipeline thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "base/text.h"

enum fd_kind {
	FD_UNKNOWN,
	FD_FILE,
	FD_DIRECTORY,
	FD_SOCKET_V4,
	FD_SOCKET_V6,
	FD_SOCKET_UNIX,
	FD_SOCKET_NETLINK,
	FD_SOCKET_OTHER, /* packet and other families */
	FD_PIPE,
	FD_EVENT,
	FD_SIGNAL,
	FD_EPOLL,
	FD_INOTIFY,
	FD_TIMER,
	FD_BPF,
	FD_USERFAULT,
	FD_IO_URING,
	FD_MEMFD,
	FD_PIDFD,
	FD_KIND_END,
};

enum fd_role { FD_ROLE_NONE, FD_ROLE_CLIENT, FD_ROLE_SERVER };

enum fd_entry_flag {
	FD_ENTRY_CONNECTED = 1 << 0, /* connected, accepted, or datagram with a peer */
	FD_ENTRY_BOUND = 1 << 1,
	FD_ENTRY_LISTENING = 1 << 2,
	FD_ENTRY_PATH_FROM_CALLER = 1 << 3,
	FD_ENTRY_FROM_SCAN = 1 << 4,
	FD_ENTRY_UPPER_LAYER = 1 << 5,
	FD_ENTRY_LOWER_LAYER = 1 << 6,
	FD_ENTRY_CREATED = 1 << 7,
	FD_ENTRY_DELETED = 1 << 8,
	FD_ENTRY_ADDR_FROM_CALLER = 1 << 9,
};

/* One open file. client and server are set once the role is known: for a bound socket the server
 * end alone. Addresses in network byte order, ports in host order. */
struct fd_entry {
	uint8_t kind;        /* enum fd_kind */
	uint8_t role;        /* enum fd_role */
	uint16_t flags;      /* enum fd_entry_flag */
	uint32_t open_flags; /* as in the event table's file flags */
	uint32_t dev;
	uint64_t ino;
	struct text name; /* path of a file; path of a unix socket; name of a memfd */
	struct text raw;  /* path as given to open */
	union {
		struct {
			uint8_t client[16], server[16];
			uint16_t client_port, server_port;
			uint16_t family;
			uint8_t sock_type, l4proto;  /* SOCK_*, IPPROTO_*; 0 unknown */
			uint64_t self_ptr, peer_ptr; /* unix */
			uint32_t netns;              /* network namespace; 0 unknown */
		};
		int32_t pid; /* pidfd */
	};
	/* private */
	uint32_t refs;
	uint32_t capacity; /* of text */
	char text[];
};

struct fd_table;

struct fd_limits {
	uint32_t fds_max;
	uint64_t evicted_total;
	size_t bytes;
	uint16_t mark; /* given to what is opened from now on; see fd_table_sweep() */
};

/* An empty table with one reference; NULL without memory. */
struct fd_table *fd_table_create(struct fd_limits *limits);
/* CLONE_FILES: the same table. */
struct fd_table *fd_table_share(struct fd_table *table);
/* fork: a table of its own with the same contents. NULL without memory. */
struct fd_table *fd_table_fork(struct fd_table *table, struct fd_limits *limits);
void fd_table_unref(struct fd_table **table, struct fd_limits *limits);

/* table may be NULL. */
const struct fd_entry *fd_table_find(const struct fd_table *table, int32_t fd);

/* A fresh entry for fd, replacing what was there: zeroed except for room for text_max bytes of
 * text behind it. Reuses the old entry's memory when nobody else refers to it. NULL without
 * memory or for a negative fd. */
struct fd_entry *fd_table_open(struct fd_table *table, int32_t fd, uint32_t text_max,
			       bool close_on_exec, struct fd_limits *limits);

/* The entry of fd for changes that every descriptor of the same open file sees (connect, bind);
 * room for text_max bytes is made. Texts in it stay valid. NULL: unknown or no memory. */
struct fd_entry *fd_table_change(struct fd_table *table, int32_t fd, uint32_t text_max,
				 struct fd_limits *limits);

/* Copy t behind the entry at its start (the name) or after the name (raw). */
void fd_entry_set_name(struct fd_entry *entry, struct text name);
void fd_entry_set_raw(struct fd_entry *entry, struct text raw);

/* Make to refer to from's open file. -ENOENT: from is unknown, to is forgotten. */
int fd_table_dup(struct fd_table *table, int32_t from, int32_t to, bool close_on_exec,
		 struct fd_limits *limits);
/* Make fd of table refer to an entry of another table. */
int fd_table_put(struct fd_table *table, int32_t fd, const struct fd_entry *entry,
		 bool close_on_exec, struct fd_limits *limits);
void fd_table_set_close_on_exec(struct fd_table *table, int32_t fd, bool close_on_exec,
				struct fd_limits *limits);
bool fd_table_closes_on_exec(const struct fd_table *table, int32_t fd);
void fd_table_close(struct fd_table *table, int32_t fd, struct fd_limits *limits);
void fd_table_close_range(struct fd_table *table, uint32_t first, uint32_t last,
			  bool set_close_on_exec, struct fd_limits *limits);
/* exec: close what is marked close-on-exec. */
void fd_table_exec(struct fd_table *table, struct fd_limits *limits);

/* A rescan saw the descriptors `seen` (n, ascending). Forget all others but those that were opened
 * since limits->mark was set to its value. Returns how many. */
uint32_t fd_table_sweep(struct fd_table *table, const int32_t *seen, uint32_t n,
			struct fd_limits *limits);

uint32_t fd_table_count(const struct fd_table *table);
bool fd_table_is_shared(const struct fd_table *table);

typedef bool fd_visit_fn(int32_t fd, const struct fd_entry *entry, void *arg);
void fd_table_each(const struct fd_table *table, fd_visit_fn *visit, void *arg);
