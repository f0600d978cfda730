/* The event types of the capture format (.scap): what a file stores for each number and which event
 * of the event table it tells of. Everything here comes from scap_types.def.
 *
 * Old captures hold two events for each call, enter and exit; both rows name the same event and say
 * where each of their parameters goes. A parameter that both have is the exit's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event_table.h"

#define SCAP_TYPES 454
#define SCAP_NOWHERE (-1) /* no parameter of ours */
#define SCAP_PARAMS_MAX 32

/* How a value is stored. */
enum scap_param_type {
	/* signed numbers, little-endian */
	SCAP_INT8,
	SCAP_INT16,
	SCAP_INT32,
	SCAP_INT64,
	SCAP_ERRNO, /* 8 bytes */
	SCAP_FD,    /* 8 */
	SCAP_PID,   /* 8 */
	SCAP_FD32,
	SCAP_PID32,
	/* unsigned numbers */
	SCAP_UINT8,
	SCAP_UINT16,
	SCAP_UINT32,
	SCAP_UINT64,
	SCAP_FLAGS8,
	SCAP_FLAGS16,
	SCAP_FLAGS32,
	SCAP_ENUM8,
	SCAP_ENUM16,
	SCAP_ENUM32,
	SCAP_UID,       /* 4 bytes */
	SCAP_GID,       /* 4 */
	SCAP_MODE,      /* 4 */
	SCAP_SIGTYPE,   /* 1 */
	SCAP_SIGSET,    /* 4 */
	SCAP_SYSCALLID, /* 2 */
	SCAP_PORT,      /* 2, host order */
	SCAP_RELTIME,   /* 8, ns */
	SCAP_ABSTIME,   /* 8, ns since the epoch */
	/* text, its closing NUL counted */
	SCAP_CHARBUF,
	SCAP_FSPATH,
	SCAP_FSRELPATH,
	/* bytes; see enum param_type */
	SCAP_BYTEBUF,
	SCAP_SOCKADDR,
	SCAP_SOCKTUPLE,
	SCAP_FDLIST,
	SCAP_DYN,
	SCAP_IPV4ADDR,
	SCAP_IPV6ADDR,
	SCAP_CHARBUF_ARRAY,      /* NUL-terminated strings */
	SCAP_CHARBUF_PAIR_ARRAY, /* the same, "name=value" each */
};

enum scap_role {
	SCAP_UNUSED, /* a number that no capture should hold */
	SCAP_ENTER,
	SCAP_EXIT,
	SCAP_ALONE, /* no pair; most have even numbers */
};

enum scap_type_flag {
	SCAP_LARGE = 1 << 0, /* lengths of parameters take 4 bytes, not 2 */
};

#define SCAP_NO_EVENT (-1)

struct scap_param {
	uint8_t type; /* enum scap_param_type */
	int8_t to;    /* parameter of the event, or SCAP_NOWHERE */
};

struct scap_type {
	int16_t event;    /* enum event_type, or SCAP_NO_EVENT */
	uint8_t role;     /* enum scap_role */
	uint8_t n_params; /* as far as known; files may hold fewer, and more at the end */
	uint8_t n_write;  /* this many parameters are read by all versions of other readers */
	uint8_t flags;    /* enum scap_type_flag */
	const struct scap_param *params;
};

/* NULL beyond the table. */
const struct scap_type *scap_type(uint32_t id);

/* Number of the enter type that belongs to the event's scap_type; -1: it has none. */
int scap_enter_of(enum event_type event);

/* Bytes of a stored value; 0: as long as it is. */
uint8_t scap_param_size(enum scap_param_type type);

static inline bool scap_param_is_signed(enum scap_param_type type)
{
	return type <= SCAP_PID32;
}

static inline bool scap_param_is_text(enum scap_param_type type)
{
	return type >= SCAP_CHARBUF && type <= SCAP_FSRELPATH;
}
