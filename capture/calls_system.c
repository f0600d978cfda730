/* Mounts, modules and the kernel itself. */
#include "capture/call_row.h"

static const struct call_row rows[] = {
	{EVENT_MOUNT,
	 WIRE_TEXT(0) | WIRE_TEXT(1) | WIRE_TEXT(2),
	 NONE,
	 {RES, STR(0), STR(1), STR(2)},
	 decode_mount},
	{EVENT_UMOUNT, WIRE_TEXT(0), NONE, {RES, STR(0)}},
	{EVENT_UMOUNT2, WIRE_TEXT(0), NONE, {RES, STR(0), U32(1)}},
	{EVENT_BPF, WIRE_WANTED, RESULT, {RES, U32(0)}},
	{EVENT_INIT_MODULE, WIRE_TEXT(2), NONE, {RES, SKIP, U64(1), STR(0)}, decode_no_path},
	{EVENT_FINIT_MODULE,
	 WIRE_FD_ARG0 | WIRE_TEXT(1),
	 ARG0,
	 {RES, FD(0), STR(0), U32(2)},
	 decode_no_path},
	{EVENT_DELETE_MODULE,
	 WIRE_TEXT(0),
	 NONE,
	 {RES, STR(0), FLAGS(1, DELETE_MODULE)},
	 decode_no_path},
	{EVENT_IO_URING_SETUP,
	 WIRE_FD_RESULT | WIRE_DATA(1, 24),
	 RESULT,
	 {RES, U32(0)},
	 decode_io_uring},
	{EVENT_GENERIC, WIRE_WANTED, NONE, {SKIP}, decode_generic},
};

const struct call_family calls_system = {rows, ARRAY_SIZE(rows)};
