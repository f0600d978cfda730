/* Calls that a process controls itself and others with, whose arguments mean something else for
 * each command: prctl, ptrace, keyctl, limits, identities. */
#include <assert.h>
#include <linux/keyctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "capture/decode_family.h"
#include "capture/flags.h"

#define NR_GETRESUID_16 165
#define NR_GETRESGID_16 171
#define PTRACE_DYN_NUMBER 0
#define PTRACE_DYN_SIGNAL 1
#define KEYCTL_DYN_NUMBER 0
#define KEYCTL_DYN_TEXT 1

/* The second argument is a text, a pointer to a number or a number. */
void decode_prctl(struct decoder *d, const struct record *record)
{
	uint32_t option = arg_u32(record, 0);
	int32_t pointed;

	if (option == PR_SET_NAME || option == PR_GET_NAME) {
		if (section_is_known(record, WIRE_SEC_TEXT0))
			set_bytes(d, PRCTL_arg2_str, d->event.raw_path[0]);
		set_i64(d, PRCTL_arg2_int, 0);
	} else if (option != PR_GET_CHILD_SUBREAPER) {
		set_i64(d, PRCTL_arg2_int, (int64_t)record->header->args[1]);
	} else if (section_copy(record, WIRE_SEC_DATA, &pointed, sizeof(pointed))) {
		set_i64(d, PRCTL_arg2_int, pointed);
	}
	forget_paths(d);
}

static void set_word(struct decoder *d, unsigned param, uint64_t value)
{
	set_dyn(d, param, PTRACE_DYN_NUMBER, &value, sizeof(value));
}

/* A failed call had no effect: its address and data count as 0. What was peeked is where the data
 * pointer leads. */
void decode_ptrace(struct decoder *d, const struct record *record)
{
	uint64_t request = record->header->args[0], data = record->header->args[3];
	uint8_t sig = (uint8_t)data;
	uint64_t peeked;

	if (record->header->res < 0) {
		set_word(d, PTRACE_addr, 0);
		set_word(d, PTRACE_data, 0);
		return;
	}
	set_word(d, PTRACE_addr, record->header->args[2]);
	if (request == PTRACE_CONT || request == PTRACE_SINGLESTEP || request == PTRACE_DETACH ||
	    request == PTRACE_SYSCALL)
		set_dyn(d, PTRACE_data, PTRACE_DYN_SIGNAL, &sig, sizeof(sig));
	else if ((request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA ||
		  request == PTRACE_PEEKUSER) &&
		 section_copy(record, WIRE_SEC_DATA, &peeked, sizeof(peeked)))
		set_word(d, PTRACE_data, peeked);
	else
		set_word(d, PTRACE_data, data);
}

/* How many arguments an operation of keyctl has, and which of them are texts. */
struct key_operation {
	uint8_t n_args;    /* from the second on */
	uint8_t text_args; /* bit per argument, from the second on */
};

static const struct key_operation key_operations[] = {
	[KEYCTL_GET_KEYRING_ID] = {2, 0},
	[KEYCTL_JOIN_SESSION_KEYRING] = {1, 1 << 0},
	[KEYCTL_UPDATE] = {3, 0},
	[KEYCTL_REVOKE] = {1, 0},
	[KEYCTL_CHOWN] = {3, 0},
	[KEYCTL_SETPERM] = {2, 0},
	[KEYCTL_DESCRIBE] = {3, 0},
	[KEYCTL_CLEAR] = {1, 0},
	[KEYCTL_LINK] = {2, 0},
	[KEYCTL_UNLINK] = {2, 0},
	[KEYCTL_SEARCH] = {4, 1 << 1 | 1 << 2},
	[KEYCTL_READ] = {3, 0},
	[KEYCTL_INSTANTIATE] = {4, 0},
	[KEYCTL_NEGATE] = {3, 0},
	[KEYCTL_SET_REQKEY_KEYRING] = {1, 0},
	[KEYCTL_SET_TIMEOUT] = {2, 0},
	[KEYCTL_ASSUME_AUTHORITY] = {1, 0},
	[KEYCTL_GET_SECURITY] = {3, 0},
	[KEYCTL_SESSION_TO_PARENT] = {0, 0},
	[KEYCTL_REJECT] = {4, 0},
	[KEYCTL_INSTANTIATE_IOV] = {4, 0},
	[KEYCTL_INVALIDATE] = {1, 0},
	[KEYCTL_GET_PERSISTENT] = {2, 0},
	[KEYCTL_DH_COMPUTE] = {4, 0},
	[KEYCTL_PKEY_QUERY] = {3, 1 << 2},
	[KEYCTL_PKEY_ENCRYPT] = {4, 1 << 1},
	[KEYCTL_PKEY_DECRYPT] = {4, 1 << 1},
	[KEYCTL_PKEY_SIGN] = {4, 1 << 1},
	[KEYCTL_PKEY_VERIFY] = {4, 1 << 1},
	[KEYCTL_RESTRICT_KEYRING] = {3, 1 << 1 | 1 << 2},
	[KEYCTL_MOVE] = {4, 0},
	[KEYCTL_CAPABILITIES] = {2, 0},
	[KEYCTL_WATCH_KEY] = {3, 0},
};

static_assert((int)KEYCTL_arg5 == (int)KEYCTL_arg2 + 3, "keyctl's parameters");

void decode_keyctl(struct decoder *d, const struct record *record)
{
	uint32_t operation = arg_u32(record, 0);
	struct key_operation shape = {0};

	if (operation < ARRAY_SIZE(key_operations))
		shape = key_operations[operation];
	for (unsigned i = 0; i < 4; i++) {
		uint64_t value = i < shape.n_args ? record->header->args[1 + i] : 0;
		struct text text;

		if (!(shape.text_args >> i & 1)) {
			set_dyn(d, KEYCTL_arg2 + i, KEYCTL_DYN_NUMBER, &value, sizeof(value));
			continue;
		}
		text = section_text(d, record, WIRE_SEC_TEXT0 + i);
		set_dyn(d, KEYCTL_arg2 + i, KEYCTL_DYN_TEXT, text.ptr, text.len);
	}
	forget_paths(d);
}

/* A limit in both sizes; what 32-bit callers have for "unlimited" is -1, too. */
static bool read_limit(const struct record *record, enum wire_section_type type, int64_t out[2])
{
	int32_t limit32[2];

	if (section_copy(record, type, limit32, sizeof(limit32))) {
		for (int i = 0; i < 2; i++)
			out[i] = limit32[i] == -1 ? -1 : (int64_t)(uint32_t)limit32[i];
		return true;
	}
	return section_copy(record, type, out, 2 * sizeof(out[0]));
}

static_assert((int)GETRLIMIT_max == (int)SETRLIMIT_max, "limits");

/* What was asked for; -1 when nothing was got. */
void decode_rlimit(struct decoder *d, const struct record *record)
{
	int64_t limit[2] = {-1, -1};
	bool is_known = read_limit(record, WIRE_SEC_DATA, limit);

	if (d->event.type == EVENT_GETRLIMIT && record->header->res < 0)
		limit[0] = limit[1] = -1;
	else if (!is_known)
		return;
	set_i64(d, GETRLIMIT_cur, limit[0]);
	set_i64(d, GETRLIMIT_max, limit[1]);
}

/* Both are optional; one that was not given counts as 0. */
void decode_prlimit(struct decoder *d, const struct record *record)
{
	int64_t now[2] = {0, 0}, before[2] = {0, 0};

	read_limit(record, WIRE_SEC_DATA, now);
	if (record->header->res == 0)
		read_limit(record, WIRE_SEC_DATA1, before);
	set_i64(d, PRLIMIT_newcur, now[0]);
	set_i64(d, PRLIMIT_newmax, now[1]);
	set_i64(d, PRLIMIT_oldcur, before[0]);
	set_i64(d, PRLIMIT_oldmax, before[1]);
}

static_assert((int)GETRESUID_suid == (int)GETRESGID_sgid, "identities");

/* Three pointers; the oldest 32-bit calls have identities of 16 bits. */
void decode_getres(struct decoder *d, const struct record *record)
{
	static const enum wire_section_type blocks[] = {WIRE_SEC_DATA, WIRE_SEC_DATA1,
							WIRE_SEC_DATA2};
	const struct wire_header *header = record->header;
	bool is_16bit = header->flags & WIRE_IS_32BIT &&
			(header->nr == NR_GETRESUID_16 || header->nr == NR_GETRESGID_16);

	if (header->res < 0)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
		uint32_t id;

		if (section_copy(record, blocks[i], &id, sizeof(id)))
			set_u64(d, GETRESUID_ruid + i, is_16bit ? id & 0xffff : id);
	}
}
