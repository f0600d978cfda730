/* Reading and writing through descriptors. How the data lies in memory is in the table below. */
#include "capture/call_row.h"
#include "capture/calls.h"

#define SEND_RECIPE (WIRE_IO | WIRE_FD_ARG0)

static const struct call_row rows[] = {
	{EVENT_READ, WIRE_IO, ARG0, {RES, SKIP, FD(0), U32(2)}, decode_io},
	{EVENT_WRITE, WIRE_IO, ARG0, {RES, SKIP, FD(0), U32(2)}, decode_io},
	{EVENT_PREAD, WIRE_IO, ARG0, {RES, SKIP, FD(0), U32(2), U64(3)}, decode_io},
	{EVENT_PWRITE, WIRE_IO, ARG0, {RES, SKIP, FD(0), U32(2), U64(3)}, decode_io},
	{EVENT_READV, WIRE_IO, ARG0, {RES, SKIP, SKIP, FD(0)}, decode_io},
	{EVENT_WRITEV, WIRE_IO, ARG0, {RES, SKIP, FD(0)}, decode_io},
	{EVENT_PREADV, WIRE_IO, ARG0, {RES, SKIP, SKIP, FD(0), U64(3)}, decode_io},
	{EVENT_PWRITEV, WIRE_IO, ARG0, {RES, SKIP, FD(0), SKIP, U64(3)}, decode_io},
	{EVENT_SENDTO,
	 SEND_RECIPE | WIRE_ADDR_ARG4 | WIRE_ADDRESSED_ONLY,
	 ARG0,
	 {RES, SKIP, FD(0), U32(2)},
	 decode_io},
	{EVENT_SENDMSG, SEND_RECIPE | WIRE_ADDRESSED_ONLY, ARG0, {RES, SKIP, FD(0)}, decode_io},
	{EVENT_SENDMMSG, SEND_RECIPE | WIRE_ADDRESSED_ONLY, ARG0, {RES, FD(0)}, decode_io},
	{EVENT_RECVFROM, SEND_RECIPE, ARG0, {RES, SKIP, SKIP, FD(0), U32(2)}, decode_io},
	{EVENT_RECVMSG, SEND_RECIPE, ARG0, {RES, SKIP, SKIP, SKIP, SKIP, FD(0)}, decode_io},
	{EVENT_RECVMMSG, SEND_RECIPE, ARG0, {RES, FD(0)}, decode_io},
	{EVENT_SENDFILE, WIRE_DATA(2, 8), ARG0, {RES, SKIP, FD(0), FD(1), U64(3)}, decode_sendfile},
	{EVENT_SPLICE, WIRE_WANTED, ARG(2), {RES, FD(0), FD(2), U64(4), U32(5)}},
	{EVENT_COPY_FILE_RANGE, WIRE_WANTED, ARG0, {RES, FD(2), U64(3), FD(0), U64(1), U64(4)}},
	{EVENT_PROCESS_VM_READV, WIRE_IO, NONE, {RES, I32(0)}, decode_io},
	{EVENT_PROCESS_VM_WRITEV, WIRE_IO, NONE, {RES, I32(0)}, decode_io},
	{EVENT_POLL, WIRE_VAR(0, 1, WIRE_POLLFDS), NONE, {RES, SKIP, I32(2)}, decode_poll},
	{EVENT_PPOLL,
	 WIRE_VAR(0, 1, WIRE_POLLFDS) | WIRE_DATA(2, 16) | WIRE_DATA1(3, 8),
	 NONE,
	 {RES},
	 decode_poll,
	 WIRE_VAR(0, 1, WIRE_POLLFDS) | WIRE_DATA(2, 8) | WIRE_DATA1(3, 8)},
	{EVENT_SELECT, WIRE_WANTED, NONE, {RES}},
	{EVENT_EPOLL_WAIT, WIRE_WANTED, NONE, {RES, I32(2)}},
};

const struct call_family calls_io = {rows, ARRAY_SIZE(rows)};

#define PLAN(shape, data, n) WIRE_IO_PLAN(WIRE_IO_##shape, data, n)

static const struct {
	uint16_t event;
	uint32_t plan; /* with everything that may be wanted */
} plans[] = {
	{EVENT_READ, PLAN(BUFFER, 1, 2) | WIRE_IO_IN},
	{EVENT_WRITE, PLAN(BUFFER, 1, 2)},
	{EVENT_PREAD, PLAN(BUFFER, 1, 2) | WIRE_IO_IN},
	{EVENT_PWRITE, PLAN(BUFFER, 1, 2)},
	{EVENT_READV, PLAN(VECTOR, 1, 2) | WIRE_IO_IN},
	{EVENT_WRITEV, PLAN(VECTOR, 1, 2) | WIRE_IO_SIZE},
	{EVENT_PREADV, PLAN(VECTOR, 1, 2) | WIRE_IO_IN},
	{EVENT_PWRITEV, PLAN(VECTOR, 1, 2) | WIRE_IO_SIZE},
	{EVENT_SENDTO, PLAN(BUFFER, 1, 2)},
	{EVENT_SENDMSG, PLAN(MESSAGE, 1, 0) | WIRE_IO_SIZE},
	{EVENT_SENDMMSG, PLAN(MESSAGES, 1, 0) | WIRE_IO_SIZE},
	{EVENT_RECVFROM, PLAN(BUFFER, 1, 2) | WIRE_IO_IN | WIRE_IO_SENDER},
	{EVENT_RECVMSG, PLAN(MESSAGE, 1, 0) | WIRE_IO_IN | WIRE_IO_CONTROL},
	{EVENT_RECVMMSG, PLAN(MESSAGES, 1, 0) | WIRE_IO_IN | WIRE_IO_CONTROL},
	{EVENT_PROCESS_VM_READV, PLAN(VECTOR, 1, 2) | WIRE_IO_IN},
	{EVENT_PROCESS_VM_WRITEV, PLAN(VECTOR, 1, 2) | WIRE_IO_DONE},
};

/* Calls through which answers of name servers come in. */
static const enum event_type answering[] = {EVENT_READ, EVENT_RECVFROM, EVENT_RECVMSG,
					    EVENT_RECVMMSG};

static const enum event_type sending[] = {EVENT_SENDTO, EVENT_SENDMSG, EVENT_SENDMMSG};

static bool is_among(enum event_type type, const enum event_type *types, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

static uint32_t whole_plan(enum event_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		if (plans[i].event == type)
			return plans[i].plan;
	}
	return 0;
}

/* Of what no rule looks at, neither the data is copied nor the vector or the list read. */
static void plan_data(enum event_type type, const struct capture_needs *needs, uint64_t *recipe,
		      uint32_t *plan)
{
	bool has_data = event_bit(needs->data, type), has_lists = event_bit(needs->lists, type);

	*plan = whole_plan(type);
	if (has_data)
		*plan |= MIN((uint32_t)needs->data_bytes, WIRE_IO_DATA_MAX) << WIRE_IO_WANTED_SHIFT;
	if (!has_lists)
		*plan &= ~(uint32_t)(WIRE_IO_SIZE | WIRE_IO_CONTROL);
	/* A failed write passes its sizes' worth of data. */
	if (has_data && whole_plan(type) & WIRE_IO_SIZE)
		*plan |= WIRE_IO_SIZE;
	if ((*plan & 7) <= WIRE_IO_VECTOR && !has_data && !has_lists && !(*plan & WIRE_IO_SENDER))
		*recipe &= ~(uint64_t)WIRE_IO;
}

bool call_answers(const struct syscall_info *call)
{
	return is_among((enum event_type)call->event, answering, ARRAY_SIZE(answering));
}

bool call_plan(const struct syscall_info *call, bool is_wanted, const struct capture_needs *needs,
	       uint64_t *recipe, uint32_t *plan)
{
	enum event_type type = (enum event_type)call->event;

	*plan = 0;
	if (*recipe & WIRE_IO)
		plan_data(type, needs, recipe, plan);
	if (*recipe >> WIRE_VAR_SHIFT && (type == EVENT_POLL || type == EVENT_PPOLL) &&
	    !event_bit(needs->lists, type))
		*recipe &= (UINT64_C(1) << WIRE_BLOCK0_SHIFT) - 1;
	if (is_among(type, sending, ARRAY_SIZE(sending)) && event_bit(needs->all_sends, type))
		*recipe &= ~(uint64_t)WIRE_ADDRESSED_ONLY;
	if (!needs->answers || !call_answers(call))
		return is_wanted;
	*recipe |= WIRE_IO | WIRE_ANSWERS;
	if (!is_wanted)
		*recipe |= WIRE_ANSWERS_ONLY;
	return true;
}
