/* Semaphores, signals and time. */
#include <assert.h>
#include <signal.h>
#include <sys/sem.h>

#include "capture/decode_family.h"
#include "capture/flags.h"

#define IPC_64_BIT 0x100u /* 32-bit callers: which structures they have; part of no command */
#define NS_PER_S UINT64_C(1000000000)

static_assert((int)SEMOP_sem_num_1 == (int)SEMOP_sem_num_0 + 3, "semop's parameters");

/* The first two operations; none after a failure. */
void decode_semop(struct decoder *d, const struct record *record)
{
	struct text block = section_text(d, record, WIRE_SEC_VAR);

	for (unsigned i = 0; i < 2; i++) {
		unsigned at = i ? SEMOP_sem_num_1 : SEMOP_sem_num_0;
		struct sembuf op = {0};

		if (record->header->res == 0 && block.len >= (i + 1) * sizeof(op))
			memcpy(&op, block.ptr + i * sizeof(op), sizeof(op));
		set_u64(d, at, op.sem_num);
		set_i64(d, at + 1, op.sem_op);
		set_u64(d, at + 2, flags_portable(FLAG_MAP_SEMOP, (uint16_t)op.sem_flg));
	}
	set_i64(d, SEMOP_semid, arg_i32(record, 0));
}

void decode_semctl(struct decoder *d, const struct record *record)
{
	uint32_t command = arg_u32(record, 2) & ~IPC_64_BIT;

	set_u64(d, SEMCTL_cmd, flags_portable(FLAG_MAP_SEMCTL, command));
	set_i64(d, SEMCTL_val, command == SETVAL ? arg_i32(record, 3) : 0);
}

/* The first 32 signals, which is what the event has room for. */
void decode_signalfd(struct decoder *d, const struct record *record)
{
	bool is_old = d->event.type == EVENT_SIGNALFD;
	uint64_t mask;

	if (section_copy(record, WIRE_SEC_DATA, &mask, sizeof(mask)))
		set_u64(d, is_old ? SIGNALFD_mask : SIGNALFD4_mask, (uint32_t)mask);
	if (is_old)
		set_u64(d, SIGNALFD_flags, 0);
}

void decode_nanosleep(struct decoder *d, const struct record *record)
{
	int64_t time[2];
	int32_t time32[2];

	if (section_copy(record, WIRE_SEC_DATA, time32, sizeof(time32))) {
		time[0] = time32[0];
		time[1] = time32[1];
	} else if (!section_copy(record, WIRE_SEC_DATA, time, sizeof(time))) {
		return;
	}
	set_u64(d, NANOSLEEP_interval, (uint64_t)time[0] * NS_PER_S + (uint64_t)time[1]);
}

#define KERNEL_SIGRTMIN 32 /* the C library keeps the first ones */
#define KERNEL_SIGRTMAX 64

/* Who sent the signal; 0 where its description says something else there, or there is none. */
static int32_t sender_of(const struct wire_signal *signal)
{
	bool by_user = signal->code <= 0; /* SI_USER, SI_QUEUE, SI_TKILL, ... */

	if (!signal->is_described)
		return 0;
	switch (signal->sig) {
	case SIGKILL:
	case SIGCHLD:
		return signal->sender;
	case SIGTERM:
	case SIGHUP:
	case SIGINT:
	case SIGTSTP:
	case SIGQUIT:
		return by_user ? signal->sender : 0;
	default:
		return signal->sig >= KERNEL_SIGRTMIN && signal->sig <= KERNEL_SIGRTMAX
			       ? signal->sender
			       : 0;
	}
}

void decode_signal(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_SIGNAL];
	const struct wire_signal *signal;

	if (!section)
		return;
	signal = (const struct wire_signal *)(section + 1);
	set_i64(d, SIGNALDELIVER_spid, sender_of(signal));
	set_i64(d, SIGNALDELIVER_dpid, d->event.tid);
	set_u64(d, SIGNALDELIVER_sig, (uint8_t)signal->sig);
}
