#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/util.h"
#include "state/state_private.h"

static enum fd_kind kind_of_family(uint32_t family)
{
	switch (family) {
	case AF_INET:
		return FD_SOCKET_V4;
	case AF_INET6:
		return FD_SOCKET_V6;
	case AF_UNIX:
		return FD_SOCKET_UNIX;
	case AF_NETLINK:
		return FD_SOCKET_NETLINK;
	default:
		return FD_SOCKET_OTHER;
	}
}

/* The protocol that a socket's type implies where none was named. */
static uint8_t default_protocol(uint32_t family, uint32_t type, uint32_t protocol)
{
	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (protocol)
		return (uint8_t)protocol;
	return type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : 0;
}

/* An IPv4 address in IPv6 clothes (::ffff:a.b.c.d) is treated as the IPv4 address it is. */
static bool is_v4_mapped(const uint8_t address[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

static void copy_address(struct fd_entry *entry, uint8_t to[16], const uint8_t from[16])
{
	memset(to, 0, 16);
	if (entry->kind == FD_SOCKET_V4)
		memcpy(to, entry->family == AF_INET6 ? from + 12 : from, 4);
	else
		memcpy(to, from, 16);
}

/* Set both ends from the socket as the kernel has it; is_server: remote is the client. */
static void set_ends(struct fd_entry *entry, const struct sock_facts *sock, bool is_server)
{
	entry->family = sock->family;
	entry->kind = (uint8_t)kind_of_family(sock->family);
	if (sock->family == AF_INET6 && is_v4_mapped(sock->remote))
		entry->kind = FD_SOCKET_V4;
	if (sock->type)
		entry->sock_type = sock->type;
	if (sock->family == AF_INET || sock->family == AF_INET6) {
		if (sock->protocol)
			entry->l4proto = sock->protocol;
		copy_address(entry, is_server ? entry->server : entry->client, sock->local);
		copy_address(entry, is_server ? entry->client : entry->server, sock->remote);
	}
	entry->client_port = is_server ? sock->remote_port : sock->local_port;
	entry->server_port = is_server ? sock->local_port : sock->remote_port;
	entry->self_ptr = sock->self_ptr;
	entry->peer_ptr = sock->peer_ptr;
	if (sock->netns)
		entry->netns = sock->netns;
	if (sock->ino)
		entry->ino = sock->ino;
	entry->role = is_server ? FD_ROLE_SERVER : FD_ROLE_CLIENT;
}

/* A socket with a local address only. */
static void set_bound(struct fd_entry *entry, const struct sock_facts *sock)
{
	static const uint8_t any[16];

	entry->family = sock->family;
	entry->kind = (uint8_t)kind_of_family(sock->family);
	/* A v6 socket bound to :: also takes v4 connections and is shown as v4, as Falco does. */
	if (sock->family == AF_INET6 && memcmp(sock->local, any, 16) == 0)
		entry->kind = FD_SOCKET_V4;
	if (sock->type)
		entry->sock_type = sock->type;
	if (sock->protocol && kind_of_family(sock->family) <= FD_SOCKET_V6)
		entry->l4proto = sock->protocol;
	memset(entry->client, 0, 16);
	copy_address(entry, entry->server, sock->local);
	if (sock->netns)
		entry->netns = sock->netns;
	entry->client_port = 0;
	entry->server_port = sock->local_port;
	entry->role = FD_ROLE_NONE;
	entry->flags |= FD_ENTRY_BOUND;
	if (sock->ino)
		entry->ino = sock->ino;
}

/* Decode a SOCKADDR parameter into the local end. False: malformed. */
static bool sockaddr_decode(struct text bytes, struct sock_facts *sock)
{
	const uint8_t *p = (const uint8_t *)bytes.ptr;
	uint32_t width;

	if (bytes.len < 1)
		return false;
	*sock = (struct sock_facts){.family = p[0]};
	if (p[0] == AF_UNIX) {
		sock->path = (struct text){bytes.ptr + 1, bytes.len - 1};
		return true;
	}
	width = p[0] == AF_INET ? 4 : p[0] == AF_INET6 ? 16 : 0;
	if (!width || bytes.len < 1 + width + 2)
		return false;
	memcpy(sock->local, p + 1, width);
	memcpy(&sock->local_port, p + 1 + width, 2);
	return true;
}

/* Decode a SOCKTUPLE parameter: source into local, destination into remote. */
static bool tuple_decode(struct text bytes, struct sock_facts *sock)
{
	const uint8_t *p = (const uint8_t *)bytes.ptr;
	uint32_t width;

	if (bytes.len < 1)
		return false;
	*sock = (struct sock_facts){.family = p[0]};
	if (p[0] == AF_UNIX) {
		if (bytes.len < 17)
			return false;
		memcpy(&sock->self_ptr, p + 1, 8);
		memcpy(&sock->peer_ptr, p + 9, 8);
		sock->path = (struct text){bytes.ptr + 17, bytes.len - 17};
		return true;
	}
	width = p[0] == AF_INET ? 4 : p[0] == AF_INET6 ? 16 : 0;
	if (!width || bytes.len < 1 + 2 * (width + 2))
		return false;
	memcpy(sock->local, p + 1, width);
	memcpy(&sock->local_port, p + 1 + width, 2);
	memcpy(sock->remote, p + 3 + width, width);
	memcpy(&sock->remote_port, p + 3 + 2 * width, 2);
	return true;
}

int apply_socket(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *domain = event_param(ev, SOCKET_domain);
	const struct param *type = event_param(ev, SOCKET_type);
	const struct param *proto = event_param(ev, SOCKET_proto);
	uint32_t flags = type ? (uint32_t)type->u64 : 0;
	uint32_t family = domain ? (uint32_t)domain->u64 : ev->sock ? ev->sock->family : 0;
	struct fd_table *table;
	struct fd_entry *entry;

	if (event_failed(ev))
		return 0;
	out->fd = ev->fd >= 0 ? ev->fd : (int32_t)ev->res;
	table = make_event_fds(state, ev, out->process);
	entry = table ? fd_table_open(table, out->fd, 0, flags & SOCK_CLOEXEC, &state->fd_limits)
		      : NULL;
	if (!entry)
		return -ENOMEM;
	entry->kind = (uint8_t)kind_of_family(family);
	entry->family = (uint16_t)family;
	entry->sock_type = (uint8_t)(flags & 0xf);
	entry->l4proto = default_protocol(family, flags & 0xf, proto ? (uint32_t)proto->u64 : 0);
	out->fd_entry = entry;
	return 0;
}

int apply_socketpair(struct state *state, const struct event *ev, struct subject *out)
{
	const struct param *ends[2] = {event_param(ev, SOCKETPAIR_fd1),
				       event_param(ev, SOCKETPAIR_fd2)};
	const struct param *type = event_param(ev, SOCKETPAIR_type);
	struct fd_table *table;

	if (event_failed(ev))
		return 0;
	table = make_fds(state, out->process);
	if (!table)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		struct fd_entry *entry =
			ends[i] ? fd_table_open(table, (int32_t)ends[i]->i64, 0,
						type && type->u64 & SOCK_CLOEXEC, &state->fd_limits)
				: NULL;

		if (!entry)
			continue;
		entry->kind = FD_SOCKET_UNIX;
		entry->family = AF_UNIX;
		entry->sock_type = type ? (uint8_t)(type->u64 & 0xf) : 0;
		out->fd = (int32_t)ends[i]->i64;
		out->fd_entry = entry;
	}
	return 0;
}

/* The entry to change for the event's socket, made if the descriptor was unknown. */
static struct fd_entry *socket_entry(struct state *state, const struct event *ev,
				     struct subject *out, const struct sock_facts *sock)
{
	struct fd_table *table = make_event_fds(state, ev, out->process);
	struct fd_entry *entry;

	if (!table)
		return NULL;
	entry = fd_table_change(table, out->fd, sock->path.len, &state->fd_limits);
	if (entry && entry->kind >= FD_SOCKET_V4 && entry->kind <= FD_SOCKET_OTHER)
		return entry;
	return fd_table_open(table, out->fd, sock->path.len, false, &state->fd_limits);
}

static void set_source(struct fd_entry *entry, const struct event *ev)
{
	if (ev->quality & EVENT_ADDR_FROM_CALLER)
		entry->flags |= FD_ENTRY_ADDR_FROM_CALLER;
	else
		entry->flags &= (uint16_t)~FD_ENTRY_ADDR_FROM_CALLER;
}

static void set_path(struct fd_entry *entry, const struct sock_facts *sock)
{
	if (sock->family == AF_UNIX && sock->path.len)
		fd_entry_set_name(entry, sock->path);
}

/* What the event tells of its socket: the kernel's facts, else the named parameter. */
static const struct sock_facts *sock_of(const struct event *ev, int tuple, int address,
					struct sock_facts *decoded)
{
	const struct param *param;

	if (ev->sock && ev->sock->family)
		return ev->sock;
	param = tuple >= 0 ? event_param(ev, (unsigned)tuple) : NULL;
	if (param && tuple_decode(param->bytes, decoded))
		return decoded;
	param = address >= 0 ? event_param(ev, (unsigned)address) : NULL;
	return param && sockaddr_decode(param->bytes, decoded) ? decoded : NULL;
}

/* What makes the name of a socket. */
struct socket_name {
	uint8_t kind, role;
	uint16_t is_bound, client_port, server_port;
	uint8_t client[16], server[16];
	uint64_t self_ptr, peer_ptr;
	uint64_t path; /* hash */
};

static struct socket_name name_of(const struct fd_entry *entry)
{
	struct socket_name name;

	memset(&name, 0, sizeof(name)); /* compared as bytes */
	if (!entry || entry->kind < FD_SOCKET_V4 || entry->kind > FD_SOCKET_OTHER)
		return name;
	name.kind = entry->kind;
	name.role = entry->role;
	name.is_bound = entry->flags & FD_ENTRY_BOUND;
	name.client_port = entry->client_port;
	name.server_port = entry->server_port;
	memcpy(name.client, entry->client, sizeof(name.client));
	memcpy(name.server, entry->server, sizeof(name.server));
	name.self_ptr = entry->self_ptr;
	name.peer_ptr = entry->peer_ptr;
	name.path = XXH3_64bits(entry->name.ptr ? entry->name.ptr : "", entry->name.len);
	return name;
}

/* The event's socket is entry, which had the name before. */
static void set_socket(struct subject *out, const struct fd_entry *entry,
		       const struct socket_name *before)
{
	struct socket_name now = name_of(entry);

	out->fd_entry = entry;
	out->name_changed = memcmp(before, &now, sizeof(now)) != 0;
}

int apply_bind(struct state *state, const struct event *ev, struct subject *out)
{
	struct sock_facts decoded;
	const struct sock_facts *sock;
	struct socket_name before;
	struct fd_entry *entry;

	apply_fd_user(state, ev, out);
	if (event_failed(ev) || out->fd < 0)
		return 0;
	before = name_of(out->fd_entry);
	sock = sock_of(ev, -1, BIND_addr, &decoded);
	if (!sock || (sock == &decoded && sock->family != AF_UNIX && !sock->local_port))
		return 0; /* any port: the call does not say which it got */
	entry = socket_entry(state, ev, out, sock);
	if (!entry)
		return -ENOMEM;
	set_bound(entry, sock);
	set_path(entry, sock);
	set_source(entry, ev);
	set_socket(out, entry, &before);
	return 0;
}

int apply_connect(struct state *state, const struct event *ev, struct subject *out)
{
	struct sock_facts decoded;
	const struct sock_facts *sock;
	struct socket_name before;
	struct fd_entry *entry;

	apply_fd_user(state, ev, out);
	if ((event_failed(ev) && ev->res != -EINPROGRESS) || out->fd < 0)
		return 0;
	before = name_of(out->fd_entry);
	sock = sock_of(ev, CONNECT_tuple, -1, &decoded);
	if (!sock)
		return 0;
	entry = socket_entry(state, ev, out, sock);
	if (!entry)
		return -ENOMEM;
	set_ends(entry, sock, false);
	set_path(entry, sock);
	set_source(entry, ev);
	entry->flags |= FD_ENTRY_CONNECTED;
	set_socket(out, entry, &before);
	return 0;
}

int apply_listen(struct state *state, const struct event *ev, struct subject *out)
{
	struct fd_entry *entry;

	apply_fd_user(state, ev, out);
	if (event_failed(ev) || out->fd < 0)
		return 0;
	if (ev->sock && ev->sock->family) {
		entry = socket_entry(state, ev, out, ev->sock);
		if (!entry)
			return -ENOMEM;
		set_bound(entry, ev->sock);
		set_path(entry, ev->sock);
	} else {
		entry = out->process->fds
				? fd_table_change(out->process->fds, out->fd, 0, &state->fd_limits)
				: NULL;
		if (!entry)
			return 0;
	}
	entry->flags |= FD_ENTRY_LISTENING;
	out->fd_entry = entry;
	return 0;
}

int apply_accept(struct state *state, const struct event *ev, struct subject *out)
{
	int tuple = ev->type == EVENT_ACCEPT ? (int)ACCEPT_tuple : (int)ACCEPT4_tuple;
	const struct param *flags =
		ev->type == EVENT_ACCEPT4 ? event_param(ev, ACCEPT4_flags) : NULL;
	struct sock_facts decoded;
	const struct sock_facts *sock;
	struct fd_table *table;
	struct fd_entry *entry;

	if (event_failed(ev))
		return 0;
	out->fd = ev->fd >= 0 ? ev->fd : (int32_t)ev->res;
	sock = sock_of(ev, tuple, -1, &decoded);
	table = make_event_fds(state, ev, out->process);
	entry = table ? fd_table_open(table, out->fd, sock ? sock->path.len : 0,
				      flags && flags->i64 & SOCK_CLOEXEC, &state->fd_limits)
		      : NULL;
	if (!entry)
		return -ENOMEM;
	out->fd_entry = entry;
	out->name_changed = true;
	if (!sock)
		return 0;
	if (sock == &decoded) { /* source is the client: the remote end */
		struct sock_facts swapped = decoded;

		memcpy(swapped.local, decoded.remote, 16);
		memcpy(swapped.remote, decoded.local, 16);
		swapped.local_port = decoded.remote_port;
		swapped.remote_port = decoded.local_port;
		decoded = swapped;
	}
	set_ends(entry, sock, true);
	entry->sock_type = sock->type ? sock->type : SOCK_STREAM;
	if (!entry->l4proto && entry->kind <= FD_SOCKET_V6)
		entry->l4proto = IPPROTO_TCP;
	set_path(entry, sock);
	entry->flags |= FD_ENTRY_CONNECTED;
	return 0;
}

static int send_tuple(enum event_type type)
{
	switch (type) {
	case EVENT_SEND:
		return SEND_tuple;
	case EVENT_SENDTO:
		return SENDTO_tuple;
	case EVENT_SENDMSG:
		return SENDMSG_tuple;
	case EVENT_SENDMMSG:
		return SENDMMSG_tuple;
	case EVENT_RECVFROM:
		return RECVFROM_tuple;
	case EVENT_RECVMSG:
		return RECVMSG_tuple;
	case EVENT_RECVMMSG:
		return RECVMMSG_tuple;
	default:
		return -1;
	}
}

/* Recorders that looked too early tell 0.0.0.0. */
static void name_source(const struct state *state, struct sock_facts *sock)
{
	static const uint8_t any[4];
	const uint8_t *own = sock->family == AF_INET && !memcmp(sock->local, any, 4)
				     ? own_address_towards(state, sock->remote)
				     : NULL;

	if (own)
		memcpy(sock->local, own, 4);
}

/* A datagram socket takes its ends from each datagram. */
int apply_sendto(struct state *state, const struct event *ev, struct subject *out)
{
	bool is_receive = ev->type == EVENT_RECVFROM || ev->type == EVENT_RECVMSG ||
			  ev->type == EVENT_RECVMMSG;
	const struct param *tuple = event_param(ev, (unsigned)send_tuple(ev->type));
	struct sock_facts decoded;
	struct socket_name before;
	struct fd_entry *entry;

	apply_fd_user(state, ev, out);
	if (event_failed(ev) || !tuple || !tuple_decode(tuple->bytes, &decoded) || out->fd < 0)
		return 0;
	if (is_receive && out->fd_entry && out->fd_entry->role == FD_ROLE_CLIENT)
		return 0; /* an answer */
	name_source(state, &decoded);
	if (decoded.family == AF_UNIX || (ev->sock && ev->sock->type != SOCK_DGRAM) ||
	    (out->fd_entry && out->fd_entry->sock_type != SOCK_DGRAM))
		return 0;
	before = name_of(out->fd_entry);
	entry = socket_entry(state, ev, out, &decoded);
	if (!entry)
		return -ENOMEM;
	if (ev->sock)
		decoded.netns = ev->sock->netns;
	set_ends(entry, &decoded, false);
	set_source(entry, ev);
	if (is_receive)
		entry->role = FD_ROLE_SERVER; /* the datagram's sender is the client */
	else
		entry->flags |= FD_ENTRY_CONNECTED;
	entry->sock_type = SOCK_DGRAM;
	entry->l4proto = IPPROTO_UDP;
	set_socket(out, entry, &before);
	return 0;
}

int scan_socket(struct state *state, const struct event *ev, struct subject *out)
{
	const struct sock_facts *sock = ev->sock;
	struct fd_entry *entry;

	entry = socket_entry(state, ev, out, sock);
	if (!entry)
		return -ENOMEM;
	entry->family = sock->family;
	entry->kind = (uint8_t)kind_of_family(sock->family);
	entry->sock_type = sock->type;
	if (sock->flags & SOCK_LISTENING || !sock->remote_port) {
		set_bound(entry, sock);
	} else {
		set_ends(entry, sock, sock->flags & SOCK_SERVER);
		entry->flags |= FD_ENTRY_CONNECTED;
	}
	if (sock->flags & SOCK_LISTENING)
		entry->flags |= FD_ENTRY_LISTENING;
	set_path(entry, sock);
	entry->flags |= FD_ENTRY_FROM_SCAN;
	out->fd_entry = entry;
	return 0;
}
