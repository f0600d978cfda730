/* Signals and what processes pass each other. */
#include "capture/call_row.h"

static const struct call_row rows[] = {
	{EVENT_KILL, WIRE_WANTED, NONE, {RES, I32(0), U32(1)}},
	{EVENT_TKILL, WIRE_WANTED, NONE, {RES, I32(0), U32(1)}},
	{EVENT_TGKILL, WIRE_WANTED, NONE, {RES, I32(0), I32(1), U32(2)}},
	{EVENT_FUTEX, WIRE_WANTED, NONE, {RES, U64(0), FLAGS(1, FUTEX), U32(2)}},
	{EVENT_SEMGET, WIRE_WANTED, NONE, {RES, I32(0), I32(1), FLAGS(2, SEMGET)}},
	{EVENT_SEMCTL, WIRE_WANTED, NONE, {RES, I32(0), I32(1), FLAGS(2, SEMCTL)}, decode_semctl},
	{EVENT_SEMOP, WIRE_VAR(1, 2, WIRE_SEMBUFS), NONE, {RES, U32(2)}, decode_semop},
	{EVENT_EVENTFD, WIRE_FD_RESULT, RESULT, {RES, U32(0), ZERO}},
	{EVENT_EVENTFD2, WIRE_FD_RESULT, RESULT, {RES, FLAGS(1, PIPE), U32(0)}},
	{EVENT_SIGNALFD, WIRE_FD_RESULT | WIRE_DATA(1, 8), RESULT, {RES, FD(0)}, decode_signalfd},
	{EVENT_SIGNALFD4,
	 WIRE_FD_RESULT | WIRE_DATA(1, 8),
	 RESULT,
	 {RES, FLAGS(3, PIPE), FD(0)},
	 decode_signalfd},
	{EVENT_INOTIFY_INIT, WIRE_FD_RESULT, RESULT, {RES, ZERO}},
	{EVENT_INOTIFY_INIT1, WIRE_FD_RESULT, RESULT, {RES, FLAGS(0, PIPE)}},
	{EVENT_EPOLL_CREATE, WIRE_FD_RESULT, RESULT, {RES, I32(0)}},
	{EVENT_EPOLL_CREATE1, WIRE_FD_RESULT, RESULT, {RES, FLAGS(0, EPOLL)}},
	/* Its flags are above the eight bits that the event has for them. */
	{EVENT_TIMERFD_CREATE, WIRE_FD_RESULT, RESULT, {RES, U32(0), ZERO}},
	{EVENT_NANOSLEEP, WIRE_DATA(0, 16), NONE, {RES}, decode_nanosleep, WIRE_DATA(0, 8)},
};

const struct call_family calls_ipc = {rows, ARRAY_SIZE(rows)};
