#include "capture/socketcall.h"

#include "base/util.h"
#include "capture/wire.h"

/* Calls that only exist here. */
static const struct syscall_info send_call = {"send", -1, -1, 0, EVENT_SEND};
static const struct syscall_info recv_call = {"recv", -1, -1, 0, EVENT_RECV};

static const char *const names[WIRE_SOCKETCALLS] = {
	NULL,          "socket",     "bind",    "connect", "listen",  "accept",   "getsockname",
	"getpeername", "socketpair", "send",    "recv",    "sendto",  "recvfrom", "shutdown",
	"setsockopt",  "getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg",
};

const struct syscall_info *socketcall_info(uint32_t call)
{
	if (call >= WIRE_SOCKETCALLS || !names[call])
		return NULL;
	if (strcmp(names[call], "send") == 0)
		return &send_call;
	if (strcmp(names[call], "recv") == 0)
		return &recv_call;
	return syscall_by_name(text_from(names[call]));
}

bool nr_is_socketcall(uint32_t nr, bool is_32bit)
{
	return is_32bit && nr > WIRE_SOCKETCALL_NR && nr < WIRE_SOCKETCALL_NR + WIRE_SOCKETCALLS;
}
