/* How a family of calls is written down: a row says what the kernel side reports of a call (its
 * recipe) and where each parameter comes from. Families are calls_*.c; what a row cannot say is in
 * the decode_*.c of the same family. */
#pragma once

#include "base/util.h"
#include "capture/decode_family.h"
#include "capture/flags.h"

enum source_kind {
	SOURCE_END, /* no more: the rest is the special decoder's */
	SOURCE_SKIP,
	SOURCE_RES,  /* the result */
	SOURCE_ZERO, /* what the call has no argument for */
	SOURCE_I32,  /* argument */
	SOURCE_I64,
	SOURCE_U32,
	SOURCE_U64,
	SOURCE_TEXT, /* the nth text read */
};

struct source_spec {
	uint8_t kind; /* enum source_kind */
	uint8_t index;
	uint8_t flags; /* enum flag_map */
};

/* clang-format off */
#define SKIP {SOURCE_SKIP, 0, 0}
#define RES {SOURCE_RES, 0, 0}
#define ZERO {SOURCE_ZERO, 0, 0}
#define I32(i) {SOURCE_I32, i, 0}
#define I64(i) {SOURCE_I64, i, 0}
#define U32(i) {SOURCE_U32, i, 0}
#define U64(i) {SOURCE_U64, i, 0}
#define FD(i) {SOURCE_I32, i, 0}
#define STR(n) {SOURCE_TEXT, n, 0}
#define FLAGS(i, map) {SOURCE_U64, i, FLAG_MAP_##map}
/* clang-format on */

/* Which descriptor the event is about. */
enum about {
	ABOUT_NONE,
	ABOUT_RESULT, /* the descriptor returned */
	ABOUT_ARG,    /* + i: the descriptor in argument i */
};

#define NONE ABOUT_NONE
#define RESULT ABOUT_RESULT
#define ARG(i) (ABOUT_ARG + (i))
#define ARG0 ARG(0)
#define ARG1 ARG(1)

struct call_row {
	uint16_t event;   /* enum event_type */
	uint64_t recipe;  /* enum wire_recipe and the rest of the 64 bits, see wire.h */
	uint8_t about_fd; /* enum about */
	struct source_spec params[12];
	decode_fn *special; /* after the parameters, NULL for none */
	uint64_t recipe32;  /* of 32-bit callers where structures differ in size; 0: the same */
};

struct call_family {
	const struct call_row *rows;
	uint32_t n;
};

extern const struct call_family calls_file, calls_io, calls_ipc, calls_memory, calls_process,
	calls_socket, calls_system;
