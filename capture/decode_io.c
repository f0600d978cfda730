/* Data that calls pass, where it goes to or comes from, and lists of descriptors waited for. */
#include <netinet/in.h>

#include "capture/decode_family.h"

#define ABSENT (-1)

/* Where the parameters are that a row of calls_io.c cannot fill; ABSENT: the event has none. */
struct io_params {
	uint16_t event;
	bool is_in; /* the call fills the memory */
	int8_t data, size, tuple, control;
};

#define SIZED(event, is_in)                                                                        \
	{                                                                                          \
		EVENT_##event, is_in, event##_data, ABSENT, ABSENT, ABSENT                         \
	}
#define VECTOR(event, is_in)                                                                       \
	{                                                                                          \
		EVENT_##event, is_in, event##_data, event##_size, ABSENT, ABSENT                   \
	}

static const struct io_params params[] = {
	SIZED(READ, true),
	SIZED(WRITE, false),
	SIZED(PREAD, true),
	SIZED(PWRITE, false),
	VECTOR(READV, true),
	VECTOR(WRITEV, false),
	VECTOR(PREADV, true),
	VECTOR(PWRITEV, false),
	SIZED(PROCESS_VM_READV, true),
	SIZED(PROCESS_VM_WRITEV, false),
	{EVENT_SENDTO, false, SENDTO_data, ABSENT, SENDTO_tuple, ABSENT},
	{EVENT_SENDMSG, false, SENDMSG_data, SENDMSG_size, SENDMSG_tuple, ABSENT},
	{EVENT_SENDMMSG, false, SENDMMSG_data, SENDMMSG_size, SENDMMSG_tuple, ABSENT},
	{EVENT_RECVFROM, true, RECVFROM_data, ABSENT, RECVFROM_tuple, ABSENT},
	{EVENT_RECVMSG, true, RECVMSG_data, RECVMSG_size, RECVMSG_tuple, RECVMSG_msgcontrol},
	{EVENT_RECVMMSG, true, RECVMMSG_data, RECVMMSG_size, RECVMMSG_tuple, RECVMMSG_msgcontrol},
};

static const struct io_params *params_of(enum event_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		if (params[i].event == type)
			return &params[i];
	}
	return NULL;
}

/* What was gathered; wanted or not, a name server's answer is kept as a whole. */
static void set_data(struct decoder *d, const struct record *record, const struct io_params *p)
{
	const struct wire_section *section = record->sections[WIRE_SEC_IO];
	struct wire_io io;
	struct text data;

	if (!section)
		return;
	memcpy(&io, section + 1, sizeof(io));
	data.ptr = (const char *)(section + 1) + sizeof(io);
	data.len = section->len - (uint32_t)sizeof(io);
	if (io.flags & WIRE_IO_IS_ANSWER)
		d->event.answer = data;
	if (io.flags & WIRE_IO_UNREADABLE || section->flags & WIRE_SEC_TRUNCATED)
		d->event.quality |= EVENT_TRUNCATED;
	data.len = MIN(data.len, (uint32_t)io.wanted);
	if (io.wanted)
		set_bytes(d, (unsigned)p->data, data);
	if (p->size != ABSENT && !p->is_in && io.flags & WIRE_IO_HAS_SIZE)
		set_u64(d, (unsigned)p->size, (uint32_t)io.size);
}

/* A datagram's address is the caller's word, before as after the call: it is read from its memory
 * once the call is over. Streams have but the peer that the kernel knows. */
static bool take_address(struct decoder *d, const struct record *record)
{
	struct text address = decode_sockaddr(d, record);
	struct sock_facts *sock = &d->sock;
	uint32_t size = sock->family == AF_INET ? 4 : 16;

	/* A stream has one peer, whatever the caller names: the kernel ignores it or refuses. */
	if (!address.len || (sock->type == SOCK_STREAM && record->header->res >= 0))
		return false;
	decode_mark_addr_source(d, record);
	if (sock->family != (uint8_t)address.ptr[0])
		return false;
	if (sock_is_internet(sock) && address.len == 1 + size + 2) {
		memcpy(sock->remote, address.ptr + 1, size);
		memcpy(&sock->remote_port, address.ptr + 1 + size, 2);
	} else if (sock->family == AF_UNIX) {
		sock->path = (struct text){address.ptr + 1, address.len - 1};
	}
	return true;
}

static void set_tuple(struct decoder *d, const struct record *record, const struct io_params *p)
{
	struct text tuple;

	if (!d->event.sock || (p->is_in && record->header->res < 0))
		return;
	if (!take_address(d, record) && !d->sock.remote_port && !d->sock.peer_ptr)
		return;
	tuple = decode_tuple(d, &d->sock, p->is_in);
	if (tuple.len)
		set_bytes(d, (unsigned)p->tuple, tuple);
}

/* 32-bit callers pass a position in two halves. */
static void join_position(struct decoder *d, const struct record *record)
{
	uint64_t position = arg_u32(record, 3) | (uint64_t)arg_u32(record, 4) << 32;
	int param = event_param_by_name(d->event.type, TEXT("pos"));

	if (param >= 0)
		set_u64(d, (unsigned)param, position);
}

void decode_io(struct decoder *d, const struct record *record)
{
	const struct io_params *p = params_of(d->event.type);
	int64_t res = record->header->res;

	if (!p)
		return;
	if (record->header->flags & WIRE_IS_32BIT)
		join_position(d, record);
	if (p->size != ABSENT && p->is_in)
		set_u64(d, (unsigned)p->size, res > 0 ? (uint32_t)res : 0);
	set_data(d, record, p);
	if (p->tuple != ABSENT)
		set_tuple(d, record, p);
	if (p->control != ABSENT && record->sections[WIRE_SEC_CONTROL])
		set_bytes(d, (unsigned)p->control, section_text(d, record, WIRE_SEC_CONTROL));
}

/* The position in the file read from, as the call left it. */
void decode_sendfile(struct decoder *d, const struct record *record)
{
	struct text at = section_text(d, record, WIRE_SEC_DATA);
	bool is_short = record->header->flags & WIRE_IS_32BIT &&
			record->header->nr == syscall_by_name(TEXT("sendfile"))->nr32;
	uint64_t position = 0;

	if (at.len == sizeof(position))
		memcpy(&position, at.ptr, sizeof(position));
	set_u64(d, SENDFILE_offset, is_short ? (uint32_t)position : position);
}

/* What poll reports of a descriptor, from the kernel's bits to the portable ones. */
static uint16_t poll_flags(uint16_t kernel)
{
	static const uint16_t bits[][2] = {
		{0x001, 1 << 0}, {0x002, 1 << 1}, {0x004, 1 << 2},  {0x2000, 1 << 3},
		{0x008, 1 << 4}, {0x010, 1 << 5}, {0x020, 1 << 6},  {0x040, 1 << 7},
		{0x080, 1 << 8}, {0x100, 1 << 9}, {0x200, 1 << 10},
	};
	uint16_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		flags |= kernel & bits[i][0] ? bits[i][1] : 0;
	return flags;
}

/* The list as PARAM_FDLIST, of events that came; empty when it could not be read. */
static struct text fd_list(struct decoder *d, const struct record *record)
{
	enum { POLLFD_BYTES = 8, ITEM_BYTES = 10 };
	struct text raw = section_text(d, record, WIRE_SEC_VAR);
	uint16_t n = (uint16_t)(raw.len / POLLFD_BYTES);
	char *out = decode_room(d, 2 + n * ITEM_BYTES);
	char *to = out;

	if (!out)
		return TEXT_NONE;
	memcpy(to, &n, sizeof(n));
	to += sizeof(n);
	for (uint32_t i = 0; i < n; i++, to += ITEM_BYTES) {
		int32_t fd;
		int64_t wide;
		uint16_t events;

		memcpy(&fd, raw.ptr + i * POLLFD_BYTES, sizeof(fd));
		memcpy(&events, raw.ptr + i * POLLFD_BYTES + 6, sizeof(events));
		events = poll_flags(events);
		wide = fd;
		memcpy(to, &wide, sizeof(wide));
		memcpy(to + 8, &events, sizeof(events));
	}
	return (struct text){out, (uint32_t)(to - out)};
}

/* A timespec of the caller's ABI; none is 0, as an empty one. */
static uint64_t timespec_ns(struct text raw)
{
	uint64_t words[2] = {0};

	if (raw.len == 16) {
		memcpy(words, raw.ptr, 16);
	} else if (raw.len == 8) {
		uint32_t halves[2];

		memcpy(halves, raw.ptr, 8);
		words[0] = halves[0];
		words[1] = halves[1];
	}
	return words[0] * UINT64_C(1000000000) + words[1];
}

void decode_poll(struct decoder *d, const struct record *record)
{
	struct text mask = section_text(d, record, WIRE_SEC_DATA1);
	bool is_ppoll = d->event.type == EVENT_PPOLL;
	uint32_t bits = 0;

	if (record->sections[WIRE_SEC_VAR])
		set_bytes(d, is_ppoll ? (unsigned)PPOLL_fds : (unsigned)POLL_fds,
			  fd_list(d, record));
	if (!is_ppoll || !record->sections[WIRE_SEC_DATA])
		return;
	if (mask.len >= sizeof(bits))
		memcpy(&bits, mask.ptr, sizeof(bits));
	set_u64(d, PPOLL_timeout, timespec_ns(section_text(d, record, WIRE_SEC_DATA)));
	set_u64(d, PPOLL_sigmask, bits);
}
