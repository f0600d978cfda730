/* Sockets and their addresses. */
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
	const struct wire_section *section = record->sections[WIRE_SEC_SOCK];
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
	out->path = unix_name(d, (const char *)(sock + 1), section->len - (uint32_t)sizeof(*sock));
	out->ino = sock->ino;
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

struct text decode_tuple(struct decoder *d, const struct sock_facts *sock)
{
	uint32_t size = sock->family == AF_INET ? 4 : 16;
	char *out = decode_room(d, 1 + 2 * 16 + 4 + sock->path.len);
	char *to = out;

	if (!out)
		return TEXT_NONE;
	*to++ = (char)sock->family;
	if (sock->family == AF_UNIX) {
		memcpy(to, &sock->self_ptr, 8);
		memcpy(to + 8, &sock->peer_ptr, 8);
		memcpy(to + 16, sock->path.ptr ? sock->path.ptr : "", sock->path.len);
		return (struct text){out, 17 + sock->path.len};
	}
	if (sock->family != AF_INET && sock->family != AF_INET6)
		return TEXT_NONE;
	memcpy(to, sock->local, size);
	memcpy(to + size, &sock->local_port, 2);
	memcpy(to + size + 2, sock->remote, size);
	memcpy(to + 2 * size + 2, &sock->remote_port, 2);
	return (struct text){out, 1 + 2 * (size + 2)};
}

/* The kernel's tuple of a connection that stands or is being made; otherwise what the caller asked
 * for is all there is. */
void decode_connect(struct decoder *d, const struct record *record)
{
	const struct sock_facts *sock = d->event.sock;
	struct text addr = decode_sockaddr(d, record);

	if (addr.len)
		set_bytes(d, CONNECT_addr, addr);
	if (sock && (sock->remote_port || sock->peer_ptr)) {
		struct text tuple = decode_tuple(d, sock);

		if (tuple.len)
			set_bytes(d, CONNECT_tuple, tuple);
	} else {
		d->event.quality |= EVENT_ADDR_FROM_CALLER;
	}
}
