/* Sockets and their connections. */
#include "capture/call_row.h"

static const struct call_row rows[] = {
	{EVENT_SOCKET, WIRE_FD_RESULT, RESULT, {RES, U32(0), U32(1), U32(2), FLAGS(1, PIPE)}},
	{EVENT_SOCKETPAIR,
	 WIRE_FD_PAIR | WIRE_DATA(3, 8),
	 NONE,
	 {RES, SKIP, SKIP, SKIP, SKIP, U32(0), U32(1), U32(2)},
	 decode_socketpair},
	{EVENT_BIND, WIRE_FD_ARG0 | WIRE_ADDR_ARG1, ARG0, {RES, SKIP, FD(0)}, decode_bind},
	{EVENT_CONNECT, WIRE_FD_ARG0 | WIRE_ADDR_ARG1, ARG0, {RES, SKIP, FD(0)}, decode_connect},
	{EVENT_LISTEN, WIRE_FD_ARG0, ARG0, {RES, FD(0), I32(1)}},
	{EVENT_ACCEPT, WIRE_FD_RESULT | WIRE_LISTENER, RESULT, {RES}, decode_accept},
	{EVENT_ACCEPT4,
	 WIRE_FD_RESULT | WIRE_LISTENER,
	 RESULT,
	 {RES, SKIP, SKIP, SKIP, SKIP, I32(3)},
	 decode_accept},
	{EVENT_SEND, WIRE_FD_ARG0, ARG0, {RES, SKIP, FD(0), U32(2)}}, /* i386 only */
	{EVENT_RECV, WIRE_FD_ARG0, ARG0, {RES, SKIP, FD(0), U32(2)}},
	{EVENT_SHUTDOWN, WIRE_FD_ARG0, ARG0, {RES, FD(0), U32(1)}},
	{EVENT_GETSOCKNAME, WIRE_WANTED, ARG0, {SKIP}},
	{EVENT_GETPEERNAME, WIRE_WANTED, ARG0, {SKIP}},
	{EVENT_SETSOCKOPT,
	 WIRE_VAR(3, 4, WIRE_BYTES),
	 ARG0,
	 {RES, FD(0), FLAGS(1, SOCKOPT_LEVEL), SKIP, SKIP, U32(4)},
	 decode_sockopt},
	{EVENT_GETSOCKOPT,
	 WIRE_VAR(3, 4, WIRE_BYTES) | WIRE_VAR_LEN_AT | WIRE_DATA(4, 4),
	 ARG0,
	 {RES, FD(0), FLAGS(1, SOCKOPT_LEVEL)},
	 decode_sockopt},
};

const struct call_family calls_socket = {rows, ARRAY_SIZE(rows)};
