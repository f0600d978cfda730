/* Reading and writing through descriptors. */
#include "capture/call_row.h"

static const struct call_row rows[] = {
	{EVENT_SENDTO,
	 WIRE_FD_ARG0 | WIRE_ADDR_ARG4 | WIRE_ADDRESSED_ONLY,
	 ARG0,
	 {RES, SKIP, FD(0), U32(2)},
	 decode_send},
	{EVENT_SENDMSG,
	 WIRE_FD_ARG0 | WIRE_ADDR_MSG | WIRE_ADDRESSED_ONLY,
	 ARG0,
	 {RES, SKIP, FD(0)},
	 decode_send},
	{EVENT_SENDMMSG,
	 WIRE_FD_ARG0 | WIRE_ADDR_MSG | WIRE_ADDRESSED_ONLY,
	 ARG0,
	 {RES, FD(0)},
	 decode_send},
};

const struct call_family calls_io = {rows, ARRAY_SIZE(rows)};
