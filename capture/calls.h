/* What is captured of each system call (its recipe, for the kernel side) and where its parameters
 * come from. A call is one row in the calls_*.c of its family. */
#pragma once

#include "capture/decode_family.h"
#include "capture/source.h"

/* Fill d->calls: the row of each type of event, NULL where no call makes it. */
void calls_init(struct decoder *d);

/* Decode a WIRE_CALL record by its row. */
decode_fn decode_call;

/* The x86-64 call by whose number the call is asked for: itself or, for one that only 32-bit
 * callers have ("truncate64"), the one that does the same. NULL: there is none. */
const struct syscall_info *call_twin(const struct syscall_info *call);

/* The recipe for a call: what the kernel side has to report of it. Never 0. */
uint64_t call_recipe(const struct syscall_info *call, bool is_32bit);

/* Where the kernel finds what the call opens for: WIRE_DETAIL_*, 0 when it opens nothing or that
 * cannot be told. */
uint64_t call_detail_source(const struct syscall_info *call);

/* What of the data, lists and addresses that a call passes has to be reported: changes its recipe
 * and gives its plan (wire.h). True when the call is to be captured, be it for nothing else. */
bool call_plan(const struct syscall_info *call, bool is_wanted, const struct capture_needs *needs,
	       uint64_t *recipe, uint32_t *plan);

/* Whether answers of name servers come in through the call. */
bool call_answers(const struct syscall_info *call);
