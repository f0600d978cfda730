/* Processes, their credentials and namespaces. */
#include "capture/call_row.h"

static const struct call_row rows[] = {
	{EVENT_EXECVE, WIRE_TEXT(0) | WIRE_EXEC_FAILED, NONE, {RES}, decode_exec_failed},
	{EVENT_EXECVEAT, WIRE_TEXT(1) | WIRE_EXEC_FAILED, NONE, {RES}, decode_exec_failed},
	{EVENT_CLONE, WIRE_CLONE, NONE, {RES}, decode_clone},
	{EVENT_CLONE3, WIRE_CLONE | WIRE_DATA(0, 8), NONE, {RES}, decode_clone},
	{EVENT_FORK, WIRE_CLONE, NONE, {RES}, decode_clone},
	{EVENT_VFORK, WIRE_CLONE, NONE, {RES}, decode_clone},
	{EVENT_SETUID, WIRE_WANTED, NONE, {RES, U32(0)}},
	{EVENT_SETGID, WIRE_WANTED, NONE, {RES, U32(0)}},
	{EVENT_SETREUID, WIRE_WANTED, NONE, {RES, U32(0), U32(1)}},
	{EVENT_SETREGID, WIRE_WANTED, NONE, {RES, U32(0), U32(1)}},
	{EVENT_SETRESUID, WIRE_WANTED, NONE, {RES, U32(0), U32(1), U32(2)}},
	{EVENT_SETRESGID, WIRE_WANTED, NONE, {RES, U32(0), U32(1), U32(2)}},
	{EVENT_SETSID, WIRE_WANTED, NONE, {RES}},
	{EVENT_SETPGID, WIRE_WANTED, NONE, {RES, I32(0), I32(1)}},
	{EVENT_CAPSET, WIRE_DATA(1, 24), NONE, {RES}, decode_capset},
	{EVENT_PRCTL, WIRE_TEXT(1), NONE, {RES, U32(0)}, decode_prctl},
	{EVENT_PTRACE,
	 WIRE_WANTED,
	 NONE,
	 {RES, SKIP, SKIP, FLAGS(0, PTRACE), I32(1)},
	 decode_ptrace},
	{EVENT_CHROOT, WIRE_TEXT(0), NONE, {RES, STR(0)}},
	{EVENT_SETNS, WIRE_FD_ARG0, ARG0, {RES, FD(0), FLAGS(1, CLONE)}},
	{EVENT_UNSHARE, WIRE_WANTED, NONE, {RES, FLAGS(0, CLONE)}},
	{EVENT_PIDFD_OPEN, WIRE_FD_RESULT, RESULT, {RES, I32(0), SKIP}, decode_pidfd_open},
	{EVENT_PIDFD_GETFD, WIRE_FD_RESULT, RESULT, {RES, FD(0), FD(1), U32(2)}},
};

const struct call_family calls_process = {rows, ARRAY_SIZE(rows)};
