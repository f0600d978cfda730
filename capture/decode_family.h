/* What the families of decoders share. A family's decoder fills parameters and facts of d->event,
 * which begins with its type, header members and all parameters absent. */
#pragma once

#include <sys/socket.h>

#include "base/util.h"
#include "capture/decode.h"

typedef void decode_fn(struct decoder *d, const struct record *record);

static inline void set_i64(struct decoder *d, unsigned param, int64_t value)
{
	d->event.params[param].i64 = value;
	d->event.params[param].is_present = true;
}

static inline void set_u64(struct decoder *d, unsigned param, uint64_t value)
{
	d->event.params[param].u64 = value;
	d->event.params[param].is_present = true;
}

static inline void set_bytes(struct decoder *d, unsigned param, struct text value)
{
	d->event.params[param].bytes = value;
	d->event.params[param].is_present = true;
}

/* Argument i, as the C type that the call has. */
static inline int32_t arg_i32(const struct record *record, unsigned i)
{
	return (int32_t)record->header->args[i];
}

static inline uint32_t arg_u32(const struct record *record, unsigned i)
{
	return (uint32_t)record->header->args[i];
}

/* Size bytes of room for texts, NULL when used up. */
char *decode_room(struct decoder *d, uint32_t size);

/* Text of a section, empty when it is not there. Marks the event when it was cut. */
struct text section_text(struct decoder *d, const struct record *record,
			 enum wire_section_type type);

/* Copy a block of exactly `size` bytes. False when it was not read whole. */
bool section_copy(const struct record *record, enum wire_section_type type, void *out,
		  uint32_t size);

/* A value of one of a parameter's alternatives (event_dyn_type()). */
void set_dyn(struct decoder *d, unsigned param, uint8_t alternative, const void *value,
	     uint32_t size);

/* The caller's text is no path. */
static inline void forget_paths(struct decoder *d)
{
	d->event.raw_path[0] = TEXT_NONE;
	d->event.raw_path[1] = TEXT_NONE;
	d->event.quality &= ~(uint32_t)EVENT_PATH_FROM_CALLER;
}

/* Whether the section is there and readable. */
bool section_is_known(const struct record *record, enum wire_section_type type);

/* A path that was written leaf first, turned round. `is_rooted`: begins with a slash. */
struct text decode_path(struct decoder *d, const char *reversed, uint32_t len, bool is_rooted);

/* Device number as stat gives it, from the kernel's encoding. */
static inline uint32_t dev_portable(uint32_t dev)
{
	uint32_t minor = dev & 0xfffff;

	return (minor & 0xff) | (dev >> 20) << 8 | (minor & ~UINT32_C(0xff)) << 12;
}

/* Facts from sections; NULL when the record has none. */
const struct file_facts *decode_file_facts(struct decoder *d, const struct record *record);
const struct sock_facts *decode_sock_facts(struct decoder *d, const struct record *record);
const struct task_facts *decode_task_facts(struct decoder *d, const struct record *record);

/* Encoded as in the capture format (struct event's PARAM_SOCKADDR, PARAM_SOCKTUPLE). */
struct text decode_sockaddr(struct decoder *d, const struct record *record);
/* The address is the caller's word, unless it is the copy that the kernel worked with. */
void decode_mark_addr_source(struct decoder *d, const struct record *record);
struct text decode_tuple(struct decoder *d, const struct sock_facts *sock, bool is_server);

static inline bool sock_is_internet(const struct sock_facts *sock)
{
	return sock->family == AF_INET || sock->family == AF_INET6;
}

/* Families. A call of none of them is decoded by its row in calls.c alone. */
decode_fn decode_open, decode_exec, decode_exec_failed, decode_fork, decode_clone, decode_exit,
	decode_task, decode_descriptor, decode_connect, decode_chdir, decode_pipe, decode_generic,
	decode_capset, decode_prctl, decode_bind, decode_accept, decode_io, decode_poll,
	decode_sendfile, decode_socketpair, decode_ptrace, decode_mount, decode_no_path,
	decode_pidfd_open, decode_io_uring, decode_fcntl, decode_open_by_handle, decode_getcwd,
	decode_llseek, decode_mmap, decode_memory, decode_semctl, decode_semop, decode_signalfd,
	decode_nanosleep, decode_getres, decode_rlimit, decode_prlimit, decode_keyctl,
	decode_sockopt, decode_quotactl, decode_fsconfig, decode_io_uring_enter, decode_init_module,
	decode_signal, decode_fault;
