#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/util.h"
#include "state/fd_table.h"
#include "state/fields.h"
#include "state/path.h"

static bool is_fd_event(const struct event *ev)
{
	return event_info(ev->type)->flags & (EVENT_CREATES_FD | EVENT_USES_FD | EVENT_DESTROYS_FD);
}

static bool is_open(enum event_type type)
{
	return type == EVENT_OPEN || type == EVENT_OPENAT || type == EVENT_OPENAT2 ||
	       type == EVENT_CREAT || type == EVENT_OPEN_BY_HANDLE_AT;
}

bool extract_fd_number(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	(void)arg;
	if (!ctx->subject || !ctx->subject->process || !is_fd_event(ctx->event))
		return false;
	return yield_i64(ctx, out, field->type, ctx->subject->fd);
}

static const struct {
	const char *name, *letter;
} kinds[FD_KIND_END] = {
	[FD_UNKNOWN] = {"<NA>", "o"},
	[FD_FILE] = {"file", "f"},
	[FD_DIRECTORY] = {"directory", "d"},
	[FD_SOCKET_V4] = {"ipv4", "4"},
	[FD_SOCKET_V6] = {"ipv6", "6"},
	[FD_SOCKET_UNIX] = {"unix", "u"},
	[FD_SOCKET_NETLINK] = {"netlink", "n"},
	[FD_SOCKET_OTHER] = {"<NA>", "o"},
	[FD_PIPE] = {"pipe", "p"},
	[FD_EVENT] = {"event", "e"},
	[FD_SIGNAL] = {"signalfd", "s"},
	[FD_EPOLL] = {"eventpoll", "l"},
	[FD_INOTIFY] = {"inotify", "i"},
	[FD_TIMER] = {"timerfd", "t"},
	[FD_BPF] = {"bpf", "b"},
	[FD_USERFAULT] = {"userfaultfd", "u"},
	[FD_IO_URING] = {"io_uring", "r"},
	[FD_MEMFD] = {"memfd", "m"},
	[FD_PIDFD] = {"pidfd", "P"},
};

static bool is_ip(const struct fd_entry *e)
{
	return e->kind == FD_SOCKET_V4 || e->kind == FD_SOCKET_V6;
}

static void put_end(struct text_builder *b, const struct fd_entry *e, const uint8_t *address,
		    uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(e->kind == FD_SOCKET_V4 ? AF_INET : AF_INET6, address, text, sizeof(text)))
		return;
	builder_format(b, "%s:%u", text, port);
}

static bool socket_name(const struct field_context *ctx, const struct fd_entry *e,
			struct values *out)
{
	struct text_builder b;

	if (e->role == FD_ROLE_NONE && !(e->flags & FD_ENTRY_BOUND))
		return yield_text(ctx, out, TEXT(""));
	if (!builder_init(&b, ctx, 128))
		return false;
	if (e->role != FD_ROLE_NONE) {
		put_end(&b, e, e->client, e->client_port);
		builder_put(&b, TEXT("->"));
	}
	put_end(&b, e, e->server, e->server_port);
	return yield_text(ctx, out, builder_text(&b));
}

static bool fd_name(const struct field_context *ctx, const struct fd_entry *e, struct values *out)
{
	if (is_ip(e))
		return socket_name(ctx, e, out);
	return yield_text(ctx, out, e->name);
}

static struct text directory_of(struct text path)
{
	struct text base = path_base_name(path);

	path.len -= base.len;
	if (path.len > 1)
		path.len--;
	return path.len ? path : TEXT("/");
}

bool extract_fd_text(const struct field_context *ctx, const struct field *field,
		     const struct field_arg *arg, struct values *out)
{
	const struct subject *s = ctx->subject;
	const struct fd_entry *e;
	bool is_file;

	(void)arg;
	if (!s || !s->process || !is_fd_event(ctx->event))
		return false;
	e = s->fd_entry;
	is_file = e && (e->kind == FD_FILE || e->kind == FD_DIRECTORY);
	switch ((enum fd_variant)field->variant) {
	case FD_NAME:
		if (e)
			return fd_name(ctx, e, out);
		return yield_text(ctx, out, is_open(ctx->event->type) ? s->path : TEXT(""));
	case FD_DIR:
		if (e && !is_file)
			return false;
		if (e && e->kind == FD_DIRECTORY)
			return yield_text(ctx, out, e->name);
		return yield_text(ctx, out, directory_of(e ? e->name : s->path));
	case FD_FILENAME:
		return e && e->kind == FD_FILE && yield_text(ctx, out, path_base_name(e->name));
	case FD_TYPE:
		return e && yield_text(ctx, out, text_from(kinds[e->kind].name));
	case FD_TYPECHAR:
		return yield_text(ctx, out,
				  e                           ? text_from(kinds[e->kind].letter)
				  : is_open(ctx->event->type) ? TEXT("f")
							      : TEXT("o"));
	case FD_L4PROTO:
		if (!e)
			return false;
		return yield_text(ctx, out,
				  e->l4proto == IPPROTO_TCP   ? TEXT("tcp")
				  : e->l4proto == IPPROTO_UDP ? TEXT("udp")
							      : TEXT("<NA>"));
	default:
		return false;
	}
}

/* Whether end (FD_CLIENT, ...) of e is known, and where it is kept. */
static bool find_end(const struct fd_entry *e, intptr_t end, const uint8_t **address,
		     uint16_t *port)
{
	bool is_server_end;

	if (!e || !is_ip(e))
		return false;
	if (end == FD_LOCAL)
		end = e->role == FD_ROLE_CLIENT ? FD_CLIENT : FD_SERVER;
	else if (end == FD_REMOTE)
		end = e->role == FD_ROLE_CLIENT ? FD_SERVER : FD_CLIENT;
	is_server_end = end == FD_SERVER;
	if (e->role == FD_ROLE_NONE && !(is_server_end && e->flags & FD_ENTRY_BOUND))
		return false;
	*address = is_server_end ? e->server : e->client;
	*port = is_server_end ? e->server_port : e->client_port;
	return true;
}

bool extract_fd_ip(const struct field_context *ctx, const struct field *field,
		   const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = ctx->subject ? ctx->subject->fd_entry : NULL;
	const uint8_t *address;
	struct value *value;
	uint16_t port;

	(void)arg;
	if (!is_fd_event(ctx->event) || !find_end(e, field->variant, &address, &port))
		return false;
	value = arena_alloc(ctx->arena, sizeof(*value));
	if (!value)
		return false;
	*value = (struct value){.type = field->type};
	memcpy(value->ip.bytes, address, 16);
	value->ip.family = e->kind == FD_SOCKET_V4 ? AF_INET : AF_INET6;
	*out = (struct values){value, 1};
	return true;
}

bool extract_fd_port(const struct field_context *ctx, const struct field *field,
		     const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = ctx->subject ? ctx->subject->fd_entry : NULL;
	const uint8_t *address;
	uint16_t port;

	(void)arg;
	if (!is_fd_event(ctx->event) || !find_end(e, field->variant, &address, &port))
		return false;
	return yield_u64(ctx, out, field->type, port);
}
