/* Calls on other processes, mounts, modules and the kernel. */
#include <sys/mount.h>
#include <sys/ptrace.h>

#include "capture/decode_family.h"
#include "capture/flags.h"

#define MOUNT_MAGIC_MASK 0xffff0000u
#define MOUNT_MAGIC 0xc0ed0000u

/* Alternatives of ptrace's two words: index 0 a number, index 1 a signal. */
static void set_word(struct decoder *d, unsigned param, uint64_t value, bool is_signal)
{
	char *out = decode_room(d, 1 + sizeof(value));

	if (!out)
		return;
	out[0] = is_signal ? 1 : 0;
	memcpy(out + 1, &value, sizeof(value)); /* a signal is the first byte of it */
	set_bytes(d, param, (struct text){out, is_signal ? 2 : 1 + (uint32_t)sizeof(value)});
}

void decode_ptrace(struct decoder *d, const struct record *record)
{
	uint64_t request = record->header->args[0];
	bool is_signal = request == PTRACE_CONT || request == PTRACE_SINGLESTEP ||
			 request == PTRACE_DETACH || request == PTRACE_SYSCALL;

	set_word(d, PTRACE_addr, record->header->args[2], false);
	set_word(d, PTRACE_data, record->header->args[3], is_signal);
}

/* What old callers put into the upper half is no flag. */
void decode_mount(struct decoder *d, const struct record *record)
{
	uint32_t flags = arg_u32(record, 3);

	if ((flags & MOUNT_MAGIC_MASK) == MOUNT_MAGIC)
		flags &= ~MOUNT_MAGIC_MASK;
	set_u64(d, MOUNT_flags, flags);
}

/* The text is a name or parameters, not a path. */
void decode_no_path(struct decoder *d, const struct record *record)
{
	(void)record;
	d->event.raw_path[0] = TEXT_NONE;
	d->event.quality &= ~(uint32_t)EVENT_PATH_FROM_CALLER;
}

void decode_pidfd_open(struct decoder *d, const struct record *record)
{
	set_u64(d, PIDFD_OPEN_flags, arg_u32(record, 1) & 04000 ? 1 : 0); /* PIDFD_NONBLOCK */
}

/* The first six words of struct io_uring_params, which the kernel has filled in. */
void decode_io_uring(struct decoder *d, const struct record *record)
{
	struct text params = section_text(d, record, WIRE_SEC_DATA);
	uint32_t words[6];

	if (params.len != sizeof(words))
		return;
	memcpy(words, params.ptr, sizeof(words));
	set_u64(d, IO_URING_SETUP_sq_entries, words[0]);
	set_u64(d, IO_URING_SETUP_cq_entries, words[1]);
	set_u64(d, IO_URING_SETUP_flags, flags_portable(FLAG_MAP_IO_URING, words[2]));
	set_u64(d, IO_URING_SETUP_sq_thread_cpu, words[3]);
	set_u64(d, IO_URING_SETUP_sq_thread_idle, words[4]);
	set_u64(d, IO_URING_SETUP_features, words[5] & 0x7ff);
}
