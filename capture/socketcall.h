/* i386's socketcall: one number for twenty calls, whose arguments lie in a block. Each is captured
 * as the call it is, under a number of its own behind those that the kernel gives. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event_table.h"

/* The call with that number of socketcall's, 1 to WIRE_SOCKETCALLS - 1; its nr32 may be -1. NULL:
 * there is none. */
const struct syscall_info *socketcall_info(uint32_t call);

/* Whether a number of the capture is one of socketcall's. */
bool nr_is_socketcall(uint32_t nr, bool is_32bit);

#define NR_SOCKETCALL_32 102
