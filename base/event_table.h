/* The event table: what kinds of events exist, their parameters, flag names, and which system call
 * becomes which event. Everything here comes from event_types.def, flag_tables.def, syscalls.def.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum event_type {
#define EVENT(constant, ...) EVENT_##constant,
#define PARAM(...)
#define END(constant)
#include "base/event_types.def"
#undef EVENT
#undef PARAM
#undef END
	EVENT_TYPE_END,
};

/* Index of each parameter in event.params: OPENAT_fd, OPENAT_name, ...; OPENAT_N_PARAMS. */
#define EVENT(constant, ...) enum {
#define PARAM(constant, param, ...) constant##_##param,
#define END(constant)                                                                              \
	constant##_N_PARAMS                                                                        \
	}                                                                                          \
	;
#include "base/event_types.def"
#undef EVENT
#undef PARAM
#undef END

#define EVENT_PARAMS_MAX 32

enum event_flag {
	EVENT_CREATES_FD = 1 << 0,
	EVENT_USES_FD = 1 << 1,
	EVENT_DESTROYS_FD = 1 << 2,
	EVENT_MODIFIES_STATE = 1 << 3,
	EVENT_READS_FD = 1 << 4,
	EVENT_WRITES_FD = 1 << 5,
	EVENT_WAITS = 1 << 6,
	EVENT_IS_META = 1 << 7, /* nobody's doing: a capture's word on itself or on its host */
};

enum event_category {
	CATEGORY_OTHER,
	CATEGORY_FILE,
	CATEGORY_NET,
	CATEGORY_IPC,
	CATEGORY_MEMORY,
	CATEGORY_PROCESS,
	CATEGORY_SIGNAL,
	CATEGORY_USER,
	CATEGORY_TIME,
	CATEGORY_WAIT,
	CATEGORY_SLEEP,
	CATEGORY_SYSTEM,
	CATEGORY_IO_OTHER,
	CATEGORY_IO_READ,
	CATEGORY_IO_WRITE,
	CATEGORY_SCHEDULER,
	CATEGORY_INTERNAL,
};

/* How a parameter's value is held in struct param: the integer types in .i64 (sign-extended) or
 * .u64, the others in .bytes, encoded as in the capture format where they have structure. */
enum param_type {
	/* in .i64 */
	PARAM_INT16,
	PARAM_INT32,
	PARAM_INT64,
	PARAM_ERRNO,
	PARAM_FD,
	PARAM_PID,
	/* in .u64 */
	PARAM_UINT8,
	PARAM_UINT16,
	PARAM_UINT32,
	PARAM_UINT64,
	PARAM_FLAGS8,
	PARAM_FLAGS16,
	PARAM_FLAGS32,
	PARAM_ENUM8,
	PARAM_ENUM16,
	PARAM_ENUM32,
	PARAM_UID,
	PARAM_GID,
	PARAM_MODE,
	PARAM_SIGTYPE,
	PARAM_SIGSET,
	PARAM_SYSCALLID,
	PARAM_RELTIME,
	PARAM_ABSTIME,
	/* in .bytes: text without a closing NUL */
	PARAM_CHARBUF,
	PARAM_FSPATH,
	PARAM_FSRELPATH,
	/* in .bytes: raw */
	PARAM_BYTEBUF,  /* data; argv, env and cgroups: NUL-terminated strings back to back */
	PARAM_SOCKADDR, /* u8 family, then 2: ip 4, port u16 host order; 10: ip 16, port; 1: path */
	PARAM_SOCKTUPLE, /* u8 family, then 2: sip 4 sport 2 dip 4 dport 2; 10: 16 2 16 2; 1: u64
			    u64 path */
	PARAM_FDLIST,    /* u16 n, n x (s64 fd, s16 flags) */
	PARAM_DYN,       /* u8 index, then a value of that alternative */
};

enum param_format { FORMAT_NA, FORMAT_DEC, FORMAT_HEX, FORMAT_OCT };

enum flag_table_id {
	FLAGS_NONE,
#define FLAG_TABLE(constant, name) FLAGS_##constant,
#define FLAG(...)
#define FLAG_END(constant)
#include "base/flag_tables.def"
#undef FLAG_TABLE
#undef FLAG
#undef FLAG_END
	FLAG_TABLE_END,
};

struct flag_name {
	const char *name;
	uint32_t value;
};

struct param_info {
	const char *name;
	enum param_type type;
	enum param_format format;
	enum flag_table_id flags;
	int8_t dirfd_param; /* FSRELPATH: index of the parameter it is relative to; else -1 */
};

struct event_info {
	const char *name;   /* as evt.type shows it */
	uint16_t scap_type; /* number in the capture format */
	uint8_t category;   /* enum event_category */
	uint8_t n_params;
	uint32_t flags; /* enum event_flag */
	const struct param_info *params;
};

struct syscall_info {
	const char *name;
	int16_t nr64, nr32; /* -1: not on that architecture */
	uint16_t scap_code; /* 0 unknown */
	uint16_t event;     /* enum event_type; EVENT_GENERIC when it has none of its own */
};

/* Never NULL for type < EVENT_TYPE_END. */
const struct event_info *event_info(enum event_type type);

/* The event of that name, or -1. */
int event_by_name(struct text name);

/* Index of the parameter, or -1. */
int event_param_by_name(enum event_type type, struct text name);

/* The type that a PARAM_DYN parameter's value has, from the alternative which its first byte names:
 * an enum param_type, -1 when there is no such alternative. */
int event_dyn_type(enum event_type type, unsigned param, uint8_t alternative);

/* The call with that number, or NULL. */
const struct syscall_info *syscall_by_nr(uint32_t nr, bool is_32bit);

/* The call of that name (kernel's own name), or NULL. */
const struct syscall_info *syscall_by_name(struct text name);

/* Whether rules may name it: an event or a call, also one that never happens here (of another
 * architecture, of plugins, of captures). */
bool event_name_is_known(struct text name);

/* All calls, *n of them. */
const struct syscall_info *syscall_table(uint32_t *n);

/* Names of a table in print order, *n of them; FLAGS_NONE has none. */
const struct flag_name *flag_names(enum flag_table_id table, uint32_t *n);
