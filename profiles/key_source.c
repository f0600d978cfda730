#include "profiles/key_source.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/event.h"
#include "base/util.h"

static bool give_text(struct text t, struct value *out)
{
	*out = (struct value){.text = t, .type = VALUE_CHARBUF};
	return t.len > 0;
}

static bool process_exe(const struct field_context *ctx, struct value *out)
{
	return ctx->subject->process && give_text(ctx->subject->process->exepath, out);
}

/* No arguments are arguments too. */
static bool process_args(const struct field_context *ctx, struct value *out)
{
	if (!ctx->subject->process)
		return false;
	give_text(ctx->subject->process->args, out);
	return true;
}

/* Who forked the process, not whom it was handed to later. Unknown for what ran before us. */
static bool creator_exe(const struct field_context *ctx, struct value *out)
{
	const struct process *process = ctx->subject->process;

	return process && process->creator && give_text(process->creator->exepath, out);
}

static bool file_path(const struct field_context *ctx, struct value *out)
{
	return give_text(ctx->subject->path, out);
}

static bool file_path2(const struct field_context *ctx, struct value *out)
{
	return give_text(ctx->subject->path2, out);
}

static bool event_type_name(const struct field_context *ctx, struct value *out)
{
	const struct event *ev = ctx->event;

	if (ev->type == EVENT_GENERIC) {
		const struct syscall_info *info =
			syscall_by_nr(ev->nr, ev->quality & EVENT_IS_32BIT);

		return info && give_text(text_from(info->name), out);
	}
	return give_text(text_from(event_info(ev->type)->name), out);
}

/* "success", or the error's name. */
static bool event_result(const struct field_context *ctx, struct value *out)
{
	const struct event *ev = ctx->event;
	const char *name;

	if (!ev->has_res)
		return false;
	if (ev->res >= 0)
		return give_text(TEXT("success"), out);
	name = ev->res >= -4095 ? strerrorname_np((int)-ev->res) : NULL;
	return give_text(name ? text_from(name) : TEXT("error"), out);
}

/* A socket's ends: as the kernel has them, else from the event's tuple or address. */
struct ends {
	uint16_t family;
	bool has_local, has_remote;
	const uint8_t *local, *remote;
	uint16_t local_port, remote_port;
	uint8_t type, protocol;
};

static uint16_t port_at(const uint8_t *bytes)
{
	uint16_t port;

	memcpy(&port, bytes, sizeof(port));
	return port;
}

/* u8 family, then source address and port, destination address and port (host order). */
static bool ends_of_tuple(struct text tuple, struct ends *out)
{
	const uint8_t *bytes = (const uint8_t *)tuple.ptr;
	uint32_t size;

	if (tuple.len < 1 || (bytes[0] != AF_INET && bytes[0] != AF_INET6))
		return false;
	size = bytes[0] == AF_INET ? 4 : 16;
	if (tuple.len < 1 + 2 * (size + 2))
		return false;
	out->family = bytes[0];
	out->local = bytes + 1;
	out->local_port = port_at(out->local + size);
	out->remote = out->local + size + 2;
	out->remote_port = port_at(out->remote + size);
	out->has_local = out->has_remote = true;
	return true;
}

/* u8 family, address, port: where a bind wants to be. */
static bool ends_of_addr(struct text addr, struct ends *out)
{
	const uint8_t *bytes = (const uint8_t *)addr.ptr;
	uint32_t size;

	if (addr.len < 1 || (bytes[0] != AF_INET && bytes[0] != AF_INET6))
		return false;
	size = bytes[0] == AF_INET ? 4 : 16;
	if (addr.len < 1 + size + 2)
		return false;
	out->family = bytes[0];
	out->local = bytes + 1;
	out->local_port = port_at(out->local + size);
	out->has_local = true;
	return true;
}

static bool socket_ends(const struct field_context *ctx, struct ends *out)
{
	const struct event *ev = ctx->event;
	const struct sock_facts *sock = ev->sock;
	const struct param *param;

	*out = (struct ends){0};
	if (sock) {
		out->family = sock->family;
		out->has_local = true;
		out->has_remote = sock->remote_port != 0;
		out->local = sock->local;
		out->remote = sock->remote;
		out->local_port = sock->local_port;
		out->remote_port = sock->remote_port;
		out->type = sock->type;
		out->protocol = sock->protocol;
	}
	if (ev->type == EVENT_CONNECT && !out->has_remote) {
		param = event_param(ev, CONNECT_tuple);
		return param && ends_of_tuple(param->bytes, out);
	}
	if (ev->type == EVENT_BIND && !sock) {
		param = event_param(ev, BIND_addr);
		return param && ends_of_addr(param->bytes, out);
	}
	return sock != NULL;
}

static bool give_ip(uint16_t family, const uint8_t *bytes, struct value *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*out = (struct value){.type = VALUE_IPADDR};
	if (family == AF_INET6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		family = AF_INET; /* ::ffff:1.2.3.4 is 1.2.3.4 */
		bytes += sizeof(mapped);
	}
	if (family != AF_INET && family != AF_INET6)
		return false;
	out->ip.family = (uint8_t)family;
	memcpy(out->ip.bytes, bytes, family == AF_INET ? 4 : 16);
	return true;
}

static bool remote_ip(const struct field_context *ctx, struct value *out)
{
	struct ends ends;

	return socket_ends(ctx, &ends) && ends.has_remote && give_ip(ends.family, ends.remote, out);
}

static bool local_ip(const struct field_context *ctx, struct value *out)
{
	struct ends ends;

	return socket_ends(ctx, &ends) && ends.has_local && give_ip(ends.family, ends.local, out);
}

static bool give_port(uint16_t port, struct value *out)
{
	*out = (struct value){.u64 = port, .type = VALUE_PORT};
	return true;
}

static bool remote_port(const struct field_context *ctx, struct value *out)
{
	struct ends ends;

	return socket_ends(ctx, &ends) && ends.has_remote && give_port(ends.remote_port, out);
}

static bool local_port(const struct field_context *ctx, struct value *out)
{
	struct ends ends;

	return socket_ends(ctx, &ends) && ends.has_local &&
	       (ends.family == AF_INET || ends.family == AF_INET6) &&
	       give_port(ends.local_port, out);
}

static const char *protocol_name(const struct ends *ends)
{
	switch (ends->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	default:
		break;
	}
	switch (ends->type) {
	case SOCK_STREAM:
		return ends->protocol == 0 ? "tcp" : "other";
	case SOCK_DGRAM:
		return ends->protocol == 0 ? "udp" : "other";
	case SOCK_RAW:
		return "raw";
	default:
		return "ip";
	}
}

static bool socket_protocol(const struct field_context *ctx, struct value *out)
{
	struct ends ends;

	if (!socket_ends(ctx, &ends) || (ends.family != AF_INET && ends.family != AF_INET6))
		return false;
	return give_text(text_from(protocol_name(&ends)), out);
}

/* Path of a unix socket's other end, or its own when it listens. */
static bool socket_path(const struct field_context *ctx, struct value *out)
{
	const struct sock_facts *sock = ctx->event->sock;

	return sock && sock->family == AF_UNIX && give_text(sock->path, out);
}

static const struct key_source sources[] = {
	{"process.exe", process_exe, "resolved path of the process's executable"},
	{"process.args", process_args, "the process's arguments, apart, for arg_shape"},
	{"creator.exe", creator_exe, "executable of the process that forked this one"},
	{"file.path", file_path, "resolved path that the event is about"},
	{"file.path2", file_path2, "second path of rename, link and symlink"},
	{"remote.ip", remote_ip, "address of the other end"},
	{"remote.port", remote_port, "port of the other end"},
	{"local.ip", local_ip, "own address"},
	{"local.port", local_port, "own port"},
	{"socket.protocol", socket_protocol, "tcp, udp, icmp, raw or other"},
	{"socket.path", socket_path, "path of a unix socket's other end"},
	{"event.type", event_type_name, "name of the event or system call"},
	{"event.result", event_result, "success, or the name of the error"},
};

const struct key_source *key_source_by_name(struct text name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (text_equal(name, text_from(sources[i].name)))
			return &sources[i];
	}
	return NULL;
}

const struct key_source *key_sources(uint32_t *n)
{
	*n = ARRAY_SIZE(sources);
	return sources;
}
