#include "profiles/key_source.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/event.h"
#include "base/util.h"
#include "state/fd_table.h"

#define UNUSED_ARGUMENT __attribute__((unused)) struct text argument

static bool give_text(struct text t, struct value *out)
{
	*out = (struct value){.text = t, .type = VALUE_CHARBUF};
	return t.len > 0;
}

static bool process_exe(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	return ctx->subject->process && give_text(ctx->subject->process->exepath, out);
}

/* No arguments are arguments too. */
static bool process_args(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	if (!ctx->subject->process)
		return false;
	give_text(ctx->subject->process->args, out);
	return true;
}

/* Who forked the process, not whom it was handed to later. Unknown for what ran before us. */
static bool creator_exe(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	const struct process *process = ctx->subject->process;

	return process && process->creator && give_text(process->creator->exepath, out);
}

/* The kernel resolves /proc/self to a number. Reading one's own entries is nothing like reading
 * another's, so one's own are /proc/self again. */
static struct text own_proc_path(const struct field_context *ctx, struct text path)
{
	static const struct text proc = TEXT("/proc/"), self = TEXT("/proc/self");
	const struct process *process = ctx->subject->process;
	uint32_t at = proc.len;
	int64_t pid = 0;
	char *copy;

	while (at < path.len && at < proc.len + 9 && path.ptr[at] >= '0' && path.ptr[at] <= '9')
		pid = pid * 10 + (path.ptr[at++] - '0');
	if (!process || at == proc.len || (at < path.len && path.ptr[at] != '/') ||
	    (pid != process->pid && pid != process->vpid))
		return path;
	copy = arena_alloc(ctx->arena, self.len + path.len - at);
	if (!copy)
		return path;
	memcpy(copy, self.ptr, self.len);
	memcpy(copy + self.len, path.ptr + at, path.len - at);
	return (struct text){copy, self.len + path.len - at};
}

static bool file_path(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	struct text path = ctx->subject->path;

	if (text_starts_with(path, TEXT("/proc/")))
		path = own_proc_path(ctx, path);
	return give_text(path, out);
}

static bool file_path2(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	return give_text(ctx->subject->path2, out);
}

static bool event_type_name(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
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
static bool event_result(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
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

/* Names of the bits (or of the value, for an enumeration), joined by '|', as outputs show them.
 * What no name covers follows as a number. */
static struct text flags_text(const struct param_info *info, uint64_t value, struct arena *arena)
{
	bool is_enum = info->type == PARAM_ENUM8 || info->type == PARAM_ENUM16 ||
		       info->type == PARAM_ENUM32;
	char text[256] = "", *copy;
	uint64_t left = value;
	uint32_t n, len = 0;
	const struct flag_name *names = flag_names(info->flags, &n);

	for (uint32_t i = 0; i < n && len < sizeof(text); i++) {
		uint64_t bits = names[i].value;

		if (is_enum ? bits != value : bits == 0 || (left & bits) != bits)
			continue;
		len += (uint32_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? "|" : "",
					  names[i].name);
		left = is_enum ? 0 : left & ~bits;
	}
	if ((left || len == 0) && len < sizeof(text))
		len += (uint32_t)snprintf(text + len, sizeof(text) - len, "%s%llu", len ? "|" : "",
					  (unsigned long long)left);
	len = MIN(len, (uint32_t)sizeof(text) - 1);
	copy = arena_alloc(arena, len);
	if (!copy)
		return TEXT_NONE;
	memcpy(copy, text, len);
	return (struct text){copy, len};
}

/* A parameter of the event, by the event table's name. */
static bool event_arg(const struct field_context *ctx, struct text argument, struct value *out)
{
	const struct event *ev = ctx->event;
	int index = event_param_by_name(ev->type, argument);
	const struct param *param = index >= 0 ? event_param(ev, (unsigned)index) : NULL;
	const struct param_info *info;

	if (!param)
		return false;
	info = &event_info(ev->type)->params[index];
	if (info->type >= PARAM_CHARBUF)
		return info->type <= PARAM_FSRELPATH && give_text(param->bytes, out);
	if (info->flags != FLAGS_NONE)
		return give_text(flags_text(info, param->u64, ctx->arena), out);
	*out = (struct value){.i64 = param->i64, .type = VALUE_INT64};
	if (info->type == PARAM_UID || info->type == PARAM_GID)
		*out = (struct value){.i64 = (int32_t)param->u64, .type = VALUE_INT64};
	else if (info->format == FORMAT_HEX)
		*out = (struct value){.u64 = param->u64, .type = VALUE_UINT64};
	return true;
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
	out->has_local = true;
	out->has_remote = out->remote_port != 0; /* else a resolver sorts addresses */
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

static void ends_of_sock(const struct sock_facts *sock, struct ends *out)
{
	*out = (struct ends){
		.family = sock->family,
		.has_local = true,
		.has_remote = sock->remote_port != 0,
		.local = sock->local,
		.remote = sock->remote,
		.local_port = sock->local_port,
		.remote_port = sock->remote_port,
		.type = sock->type,
		.protocol = sock->protocol,
	};
}

/* What state knows of the descriptor: captures have no more. */
static bool ends_of_entry(const struct fd_entry *entry, struct ends *out)
{
	bool is_client = entry->role == FD_ROLE_CLIENT;

	if (entry->kind != FD_SOCKET_V4 && entry->kind != FD_SOCKET_V6)
		return false;
	*out = (struct ends){
		.family = entry->kind == FD_SOCKET_V4 ? AF_INET : AF_INET6,
		.has_local = true,
		.local = is_client ? entry->client : entry->server,
		.remote = is_client ? entry->server : entry->client,
		.local_port = is_client ? entry->client_port : entry->server_port,
		.remote_port = is_client ? entry->server_port : entry->client_port,
		.type = entry->sock_type,
		.protocol = entry->l4proto,
	};
	out->has_remote = entry->flags & FD_ENTRY_CONNECTED && out->remote_port != 0;
	return true;
}

static bool socket_ends(const struct field_context *ctx, struct ends *out)
{
	const struct event *ev = ctx->event;
	const struct param *param = NULL;
	bool is_known = false;

	*out = (struct ends){0};
	if (ctx->subject->fd_entry)
		is_known = ends_of_entry(ctx->subject->fd_entry, out);
	if (ev->sock) {
		ends_of_sock(ev->sock, out);
		is_known = true;
	}
	if (ev->type == EVENT_CONNECT && !out->has_remote)
		param = event_param(ev, CONNECT_tuple);
	if (param)
		return ends_of_tuple(param->bytes, out);
	if (ev->type == EVENT_BIND && !ev->sock)
		param = event_param(ev, BIND_addr);
	return param ? ends_of_addr(param->bytes, out) : is_known;
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

static bool remote_ip(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	struct ends ends;

	return socket_ends(ctx, &ends) && ends.has_remote && give_ip(ends.family, ends.remote, out);
}

static bool local_ip(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	struct ends ends;

	return socket_ends(ctx, &ends) && ends.has_local && give_ip(ends.family, ends.local, out);
}

static bool give_port(uint16_t port, struct value *out)
{
	*out = (struct value){.u64 = port, .type = VALUE_PORT};
	return true;
}

static bool remote_port(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	struct ends ends;

	return socket_ends(ctx, &ends) && ends.has_remote && give_port(ends.remote_port, out);
}

static bool local_port(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
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

static bool socket_protocol(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	struct ends ends;

	if (!socket_ends(ctx, &ends) || (ends.family != AF_INET && ends.family != AF_INET6))
		return false;
	return give_text(text_from(protocol_name(&ends)), out);
}

/* Where a unix socket's caller wants to go, or what the kernel says of the socket. */
static bool socket_path(const struct field_context *ctx, UNUSED_ARGUMENT, struct value *out)
{
	const struct event *ev = ctx->event;
	const struct sock_facts *sock = ev->sock;
	const struct param *addr = NULL;

	if (sock && sock->family == AF_UNIX && sock->path.len)
		return give_text(sock->path, out);
	if (ev->type == EVENT_CONNECT)
		addr = event_param(ev, CONNECT_addr);
	else if (ev->type == EVENT_BIND)
		addr = event_param(ev, BIND_addr);
	if (!addr || addr->bytes.len < 2 || addr->bytes.ptr[0] != AF_UNIX)
		return false;
	return give_text((struct text){addr->bytes.ptr + 1, addr->bytes.len - 1}, out);
}

static const struct key_source sources[] = {
	{"process.exe", process_exe, "resolved path of the process's executable"},
	{"process.args", process_args, "the process's arguments, apart, for arg_shape"},
	{"creator.exe", creator_exe, "executable of the process that forked this one"},
	{"file.path", file_path,
	 "resolved path that the event is about; own /proc entries as /proc/self"},
	{"file.path2", file_path2, "second path of rename, link and symlink"},
	{"remote.ip", remote_ip, "address of the other end"},
	{"remote.port", remote_port, "port of the other end"},
	{"local.ip", local_ip, "the socket's own address"},
	{"local.port", local_port, "the socket's own port"},
	{"socket.protocol", socket_protocol, "tcp, udp, icmp, raw or other"},
	{"socket.path", socket_path, "path of a unix socket, or of its other end"},
	{"event.type", event_type_name, "name of the event or system call"},
	{"event.arg.", event_arg, "a parameter of the event, by name"},
	{"event.result", event_result, "success, or the name of the error"},
};

const struct key_source *key_source_by_name(struct text name, struct text *argument)
{
	*argument = TEXT_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		struct text own = text_from(sources[i].name);

		if (text_equal(name, own) && !text_ends_with(own, TEXT(".")))
			return &sources[i];
		if (text_ends_with(own, TEXT(".")) && text_starts_with(name, own) &&
		    name.len > own.len) {
			*argument = (struct text){name.ptr + own.len, name.len - own.len};
			return &sources[i];
		}
	}
	return NULL;
}

const struct key_source *key_sources(uint32_t *n)
{
	*n = ARRAY_SIZE(sources);
	return sources;
}
