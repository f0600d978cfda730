/* What is captured of each system call (its recipe, for the kernel side) and where its parameters
 * come from. A call is one row in calls.c. */
#pragma once

#include "capture/decode_family.h"

/* Decode a WIRE_CALL record by its row. */
decode_fn decode_call;

/* The recipe for a call: what the kernel side has to report of it. Never 0. */
uint32_t call_recipe(const struct syscall_info *call);
