/* Sockets and their addresses. */
#include <asm/socket.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "capture/decode_family.h"

/* The name of a unix socket: abstract names begin with NUL and are shown with '@'; others end at
 * the first NUL. */
static struct text unix_name(struct decoder *d, const char *name, uint32_t len)
{
	char *out;

	if (len == 0)
		return TEXT_NONE;
	if (name[0] != '\0')
		len = (uint32_t)strnlen(name, len);
	out = decode_room(d, len);
	if (!out)
		return TEXT_NONE;
	memcpy(out, name, len);
	if (out[0] == '\0')
		out[0] = '@';
	return (struct text){out, len};
}

static uint8_t sock_flags_of(const struct wire_sock *sock)
{
	if (sock->state == TCP_LISTEN)
		return SOCK_LISTENING | SOCK_SERVER;
	return sock->state == TCP_ESTABLISHED || sock->remote_port || sock->peer_ptr
		       ? SOCK_CONNECTED
		       : 0;
}

const struct sock_facts *decode_sock_facts(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_SOCK], *place;
	struct sock_facts *out = &d->sock;
	const struct wire_sock *sock;

	if (!section)
		return NULL;
	sock = (const struct wire_sock *)(section + 1);
	memcpy(out->local, sock->local, sizeof(out->local));
	memcpy(out->remote, sock->remote, sizeof(out->remote));
	out->local_port = sock->local_port;
	out->remote_port = sock->remote_port;
	out->family = sock->family;
	out->type = (uint8_t)sock->type;
	out->protocol = (uint8_t)sock->protocol;
	out->flags = sock_flags_of(sock);
	out->bound = unix_name(d, (const char *)(sock + 1), section->len - (uint32_t)sizeof(*sock));
	out->path = out->bound;
	place = record->sections[WIRE_SEC_SOCK_PATH];
	if (place && !(place->flags & WIRE_SEC_TRUNCATED))
		out->path = decode_path(d, (const char *)(place + 1), place->len, true);
	out->ino = sock->ino;
	out->netns = sock->netns;
	out->self_ptr = sock->self_ptr;
	out->peer_ptr = sock->peer_ptr;
	return out;
}

struct text decode_sockaddr(struct decoder *d, const struct record *record)
{
	struct text raw = section_text(d, record, WIRE_SEC_ADDR);
	sa_family_t family;
	char *out;

	if (raw.len < sizeof(family))
		return TEXT_NONE;
	memcpy(&family, raw.ptr, sizeof(family));
	out = decode_room(d, raw.len + 1);
	if (!out)
		return TEXT_NONE;
	out[0] = (char)family;
	if (family == AF_INET && raw.len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in;
		uint16_t port;

		memcpy(&in, raw.ptr, sizeof(in));
		port = ntohs(in.sin_port);
		memcpy(out + 1, &in.sin_addr, 4);
		memcpy(out + 5, &port, 2);
		return (struct text){out, 7};
	}
	if (family == AF_INET6 && raw.len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		struct sockaddr_in6 in6 = {0};
		uint16_t port;

		memcpy(&in6, raw.ptr, raw.len < sizeof(in6) ? raw.len : sizeof(in6));
		port = ntohs(in6.sin6_port);
		memcpy(out + 1, &in6.sin6_addr, 16);
		memcpy(out + 17, &port, 2);
		return (struct text){out, 19};
	}
	if (family == AF_UNIX) {
		struct text name = unix_name(d, raw.ptr + 2, raw.len - 2);

		memcpy(out + 1, name.ptr ? name.ptr : "", name.len);
		return (struct text){out, 1 + name.len};
	}
	return (struct text){out, 1};
}

/* One end of a tuple. */
static char *append_end(char *to, const uint8_t *address, uint32_t size, uint16_t port)
{
	memcpy(to, address, size);
	memcpy(to + size, &port, sizeof(port));
	return to + size + sizeof(port);
}

/* Client first: the local end, or the remote one for the server's side. */
struct text decode_tuple(struct decoder *d, const struct sock_facts *sock, bool is_server)
{
	uint32_t size = sock->family == AF_INET ? 4 : 16;
	char *out = decode_room(d, 1 + 2 * 16 + 4 + sock->path.len);
	char *to = out;

	if (!out)
		return TEXT_NONE;
	*to++ = (char)sock->family;
	if (sock->family == AF_UNIX) {
		memcpy(to, is_server ? &sock->peer_ptr : &sock->self_ptr, 8);
		memcpy(to + 8, is_server ? &sock->self_ptr : &sock->peer_ptr, 8);
		memcpy(to + 16, sock->path.ptr ? sock->path.ptr : "", sock->path.len);
		return (struct text){out, 17 + sock->path.len};
	}
	if (sock->family != AF_INET && sock->family != AF_INET6)
		return TEXT_NONE;
	if (is_server) {
		to = append_end(to, sock->remote, size, sock->remote_port);
		to = append_end(to, sock->local, size, sock->local_port);
	} else {
		to = append_end(to, sock->local, size, sock->local_port);
		to = append_end(to, sock->remote, size, sock->remote_port);
	}
	return (struct text){out, (uint32_t)(to - out)};
}

/* A sockaddr parameter of one end of an internet socket. */
static struct text end_as_sockaddr(struct decoder *d, const struct sock_facts *sock,
				   const uint8_t *address, uint16_t port)
{
	uint32_t size = sock->family == AF_INET ? 4 : 16;
	char *out = decode_room(d, 1 + 16 + 2);

	if (!out)
		return TEXT_NONE;
	out[0] = (char)sock->family;
	append_end(out + 1, address, size, port);
	return (struct text){out, 1 + size + 2};
}

static void set_unless_empty(struct decoder *d, unsigned param, struct text value)
{
	if (value.len)
		set_bytes(d, param, value);
}

/* The kernel's copy of the name that a unix socket was bound to. */
static struct text unix_as_sockaddr(struct decoder *d, const struct sock_facts *sock)
{
	char *out = decode_room(d, 1 + sock->bound.len);

	if (!out)
		return TEXT_NONE;
	out[0] = AF_UNIX;
	memcpy(out + 1, sock->bound.ptr, sock->bound.len);
	return (struct text){out, 1 + sock->bound.len};
}

/* The address is the caller's word, unless it is the copy that the kernel worked with. */
void decode_mark_addr_source(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_ADDR];

	if (!section || !(section->flags & WIRE_SEC_KERNEL_COPY))
		d->event.quality |= EVENT_ADDR_FROM_CALLER;
}

/* The kernel's tuple of a connection that stands or is being made; otherwise what the caller asked
 * for is all there is. */
void decode_connect(struct decoder *d, const struct record *record)
{
	const struct sock_facts *sock = d->event.sock;
	bool is_known = sock && (sock->remote_port || sock->peer_ptr);
	struct text addr;

	if (is_known)
		set_unless_empty(d, CONNECT_tuple, decode_tuple(d, sock, false));
	else
		decode_mark_addr_source(d, record);
	if (is_known && sock_is_internet(sock))
		addr = end_as_sockaddr(d, sock, sock->remote, sock->remote_port);
	else if (is_known && sock->bound.len)
		addr = unix_as_sockaddr(d, sock);
	else
		addr = decode_sockaddr(d, record);
	set_unless_empty(d, CONNECT_addr, addr);
}

/* After success the address is the socket's own: a port that the kernel chose is in it. */
void decode_bind(struct decoder *d, const struct record *record)
{
	const struct sock_facts *sock = d->event.sock;
	struct text addr;

	if (d->event.res >= 0 && sock && sock_is_internet(sock)) {
		addr = end_as_sockaddr(d, sock, sock->local, sock->local_port);
	} else if (d->event.res >= 0 && sock && sock->bound.len) {
		addr = unix_as_sockaddr(d, sock);
	} else {
		addr = decode_sockaddr(d, record);
		decode_mark_addr_source(d, record);
	}
	set_unless_empty(d, BIND_addr, addr);
}

static_assert((int)ACCEPT_queuemax == (int)ACCEPT4_queuemax, "accept and accept4");

/* What was connected to is the listener's name, also where the client has one of its own. */
static void name_by_listener(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_LISTENER];
	const struct wire_sock *listener;

	if (d->sock.family != AF_UNIX || !section)
		return;
	listener = (const struct wire_sock *)(section + 1);
	d->sock.bound = unix_name(d, (const char *)(listener + 1),
				  section->len - (uint32_t)sizeof(*listener));
	if (!record->sections[WIRE_SEC_SOCK_PATH])
		d->sock.path = d->sock.bound;
}

void decode_accept(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_LISTENER];
	const struct wire_sock *listener;

	if (d->event.sock) {
		d->sock.flags |= SOCK_SERVER | SOCK_CONNECTED;
		name_by_listener(d, record);
		set_unless_empty(d, ACCEPT_tuple, decode_tuple(d, &d->sock, true));
	}
	if (!section)
		return;
	listener = (const struct wire_sock *)(section + 1);
	set_u64(d, ACCEPT_queuelen, listener->queue_len);
	set_u64(d, ACCEPT_queuemax, listener->queue_max);
	set_u64(d, ACCEPT_queuepct,
		listener->queue_max
			? (uint8_t)((uint64_t)listener->queue_len * 100 / listener->queue_max)
			: 0);
}

void decode_socketpair(struct decoder *d, const struct record *record)
{
	struct text pair = section_text(d, record, WIRE_SEC_DATA);
	int32_t fds[2];

	if (pair.len != sizeof(fds) || record->header->res < 0)
		return;
	memcpy(fds, pair.ptr, sizeof(fds));
	set_i64(d, SOCKETPAIR_fd1, fds[0]);
	set_i64(d, SOCKETPAIR_fd2, fds[1]);
	if (d->event.sock) {
		set_u64(d, SOCKETPAIR_source, d->event.sock->self_ptr);
		set_u64(d, SOCKETPAIR_peer, d->event.sock->peer_ptr);
	}
	d->event.fd = fds[1];
}

/* Alternatives of an option's value. */
enum sockopt_dyn { SOCKOPT_BYTES, SOCKOPT_ERRNO, SOCKOPT_NUMBER, SOCKOPT_WIDE, SOCKOPT_TIME };

/* The options of the socket level: the number of the event (the kernel's own up to 50), and what
 * the value is. Those not named are unknown: bytes. */
static const struct {
	uint8_t portable;
	uint8_t kind; /* enum sockopt_dyn */
} sockopts[] = {
#define NUMBER(option) [option] = {option, SOCKOPT_NUMBER}
	NUMBER(SO_DEBUG),
	NUMBER(SO_REUSEADDR),
	NUMBER(SO_TYPE),
	[SO_ERROR] = {SO_ERROR, SOCKOPT_ERRNO},
	NUMBER(SO_DONTROUTE),
	NUMBER(SO_BROADCAST),
	NUMBER(SO_SNDBUF),
	NUMBER(SO_RCVBUF),
	NUMBER(SO_KEEPALIVE),
	NUMBER(SO_OOBINLINE),
	NUMBER(SO_NO_CHECK),
	NUMBER(SO_PRIORITY),
	[SO_LINGER] = {SO_LINGER, SOCKOPT_BYTES},
	NUMBER(SO_BSDCOMPAT),
	NUMBER(SO_REUSEPORT),
	NUMBER(SO_PASSCRED),
	[SO_PEERCRED] = {SO_PEERCRED, SOCKOPT_BYTES},
	NUMBER(SO_RCVLOWAT),
	NUMBER(SO_SNDLOWAT),
	[SO_RCVTIMEO_OLD] = {SO_RCVTIMEO_OLD, SOCKOPT_TIME},
	[SO_SNDTIMEO_OLD] = {SO_SNDTIMEO_OLD, SOCKOPT_TIME},
	NUMBER(SO_SECURITY_AUTHENTICATION),
	NUMBER(SO_SECURITY_ENCRYPTION_TRANSPORT),
	NUMBER(SO_SECURITY_ENCRYPTION_NETWORK),
	NUMBER(SO_BINDTODEVICE), /* so in the event table, though it is a name */
	[SO_ATTACH_FILTER] = {SO_ATTACH_FILTER, SOCKOPT_BYTES},
	NUMBER(SO_DETACH_FILTER),
	[SO_PEERNAME] = {SO_PEERNAME, SOCKOPT_BYTES},
	NUMBER(SO_TIMESTAMP_OLD),
	NUMBER(SO_ACCEPTCONN),
	NUMBER(SO_PEERSEC),
	NUMBER(SO_SNDBUFFORCE),
	NUMBER(SO_RCVBUFFORCE),
	NUMBER(SO_PASSSEC),
	NUMBER(SO_TIMESTAMPNS_OLD),
	NUMBER(SO_MARK),
	NUMBER(SO_TIMESTAMPING_OLD),
	NUMBER(SO_PROTOCOL),
	NUMBER(SO_DOMAIN),
	NUMBER(SO_RXQ_OVFL),
	NUMBER(SO_WIFI_STATUS),
	NUMBER(SO_PEEK_OFF),
	NUMBER(SO_NOFCS),
	NUMBER(SO_LOCK_FILTER),
	NUMBER(SO_SELECT_ERR_QUEUE),
	NUMBER(SO_BUSY_POLL),
	NUMBER(SO_MAX_PACING_RATE),
	NUMBER(SO_BPF_EXTENSIONS),
	NUMBER(SO_INCOMING_CPU),
	[SO_ATTACH_BPF] = {SO_ATTACH_BPF, SOCKOPT_BYTES},
	[SO_MEMINFO] = {52, SOCKOPT_BYTES},
	[SO_COOKIE] = {53, SOCKOPT_WIDE},
	[SO_PEERGROUPS] = {51, SOCKOPT_BYTES},
	[SO_RCVTIMEO_NEW] = {SO_RCVTIMEO_OLD, SOCKOPT_TIME},
	[SO_SNDTIMEO_NEW] = {SO_SNDTIMEO_OLD, SOCKOPT_TIME},
#undef NUMBER
};

/* Seconds and microseconds, each of four or eight bytes, in nanoseconds. */
static uint64_t sockopt_time_ns(struct text bytes)
{
	int64_t wide[2] = {0};
	int32_t narrow[2];

	if (bytes.len >= sizeof(wide)) {
		memcpy(wide, bytes.ptr, sizeof(wide));
	} else if (bytes.len >= sizeof(narrow)) {
		memcpy(narrow, bytes.ptr, sizeof(narrow));
		wide[0] = narrow[0];
		wide[1] = narrow[1];
	}
	return (uint64_t)wide[0] * 1000000000 + (uint64_t)wide[1] * 1000;
}

static void set_sockopt(struct decoder *d, unsigned param, uint8_t kind, struct text bytes)
{
	uint64_t wide = 0;
	int64_t error;

	if (kind == SOCKOPT_BYTES) {
		set_dyn(d, param, kind, bytes.ptr, bytes.len);
		return;
	}
	if (kind == SOCKOPT_TIME)
		wide = sockopt_time_ns(bytes);
	else
		memcpy(&wide, bytes.ptr ? bytes.ptr : "",
		       MIN(bytes.len, kind == SOCKOPT_WIDE ? 8 : 4));
	error = -(int64_t)(int32_t)wide;
	set_dyn(d, param, kind, kind == SOCKOPT_ERRNO ? (const void *)&error : &wide,
		kind == SOCKOPT_NUMBER ? 4 : 8);
}

static_assert((int)SETSOCKOPT_val == (int)GETSOCKOPT_val, "socket options");
static_assert((int)SETSOCKOPT_optname == (int)GETSOCKOPT_optname, "socket options");

void decode_sockopt(struct decoder *d, const struct record *record)
{
	uint32_t level = arg_u32(record, 1), option = arg_u32(record, 2), len;
	struct text bytes = section_text(d, record, WIRE_SEC_VAR);
	uint8_t portable = 0, kind = SOCKOPT_BYTES;

	if (level == SOL_SOCKET && option < ARRAY_SIZE(sockopts)) {
		portable = sockopts[option].portable;
		kind = sockopts[option].kind;
	}
	set_u64(d, SETSOCKOPT_optname, portable);
	set_sockopt(d, SETSOCKOPT_val, kind, bytes);
	if (d->event.type == EVENT_GETSOCKOPT)
		set_u64(d, GETSOCKOPT_optlen,
			section_copy(record, WIRE_SEC_DATA, &len, sizeof(len)) ? len : 0);
}
