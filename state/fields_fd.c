#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/path.h"
#include "base/util.h"
#include "state/cgroup.h"
#include "state/fields.h"
#include "state/identity.h"

#define NAME_ROOM 160u /* addresses, pointers, numbers */

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

struct text fd_type_name(const struct fd_entry *entry)
{
	return text_from(kinds[entry->kind].name);
}

struct text fd_type_letter(const struct fd_entry *entry)
{
	return text_from(kinds[entry->kind].letter);
}

static bool is_ip(const struct fd_entry *e)
{
	return e && (e->kind == FD_SOCKET_V4 || e->kind == FD_SOCKET_V6);
}

static bool is_file(const struct fd_entry *e)
{
	return e && (e->kind == FD_FILE || e->kind == FD_DIRECTORY);
}

static void put_end(struct text_builder *b, const struct fd_entry *e, const uint8_t *address,
		    uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(e->kind == FD_SOCKET_V4 ? AF_INET : AF_INET6, address, text, sizeof(text)))
		builder_format(b, "%s:%u", text, port);
}

static void put_socket(struct text_builder *b, const struct fd_entry *e)
{
	if (e->role == FD_ROLE_NONE && !(e->flags & FD_ENTRY_BOUND))
		return;
	if (e->role != FD_ROLE_NONE) {
		put_end(b, e, e->client, e->client_port);
		builder_put(b, TEXT("->"));
	} else if (e->family == AF_INET6 && e->kind == FD_SOCKET_V4) {
		builder_format(b, ":::%u", e->server_port); /* bound to all of both families */
		return;
	}
	put_end(b, e, e->server, e->server_port);
}

void builder_put_fd_name(struct text_builder *b, const struct fd_entry *e)
{
	if (is_ip(e)) {
		put_socket(b, e);
	} else if (e->kind == FD_PIDFD) {
		builder_format(b, "/proc/%d", e->pid);
	} else if (e->kind == FD_SOCKET_UNIX && e->self_ptr) {
		builder_format(b, "%llx->%llx", (unsigned long long)e->self_ptr,
			       (unsigned long long)e->peer_ptr);
		if (e->name.len)
			builder_put(b, TEXT(" "));
		builder_put(b, e->name);
	} else {
		builder_put(b, e->name);
	}
}

static bool is_open(enum event_type type)
{
	return type == EVENT_OPEN || type == EVENT_OPENAT || type == EVENT_OPENAT2 ||
	       type == EVENT_CREAT || type == EVENT_OPEN_BY_HANDLE_AT;
}

static bool has_fd_fields(const struct field_context *ctx)
{
	return field_process(ctx) && event_info(ctx->event->type)->flags &
					     (EVENT_CREATES_FD | EVENT_USES_FD | EVENT_DESTROYS_FD);
}

/* The descriptor of the event, NULL when nothing is known of it or it is not about one. */
static const struct fd_entry *entry_of(const struct field_context *ctx)
{
	return has_fd_fields(ctx) ? ctx->subject->fd_entry : NULL;
}

/* Name of the descriptor, or what a failed open was to open. */
static struct text name_text(const struct field_context *ctx)
{
	const struct fd_entry *e = ctx->subject->fd_entry;
	struct text_builder b;

	if (!e)
		return is_open(ctx->event->type) ? ctx->subject->path : TEXT("");
	if (!is_ip(e) && e->kind != FD_PIDFD && e->kind != FD_SOCKET_UNIX)
		return e->name;
	if (!builder_init(&b, ctx, e->name.len + NAME_ROOM))
		return TEXT("");
	builder_put_fd_name(&b, e);
	return builder_text(&b);
}

static struct text directory_of(struct text path)
{
	struct text base = path_base_name(path);

	if (!base.len)
		return path.len ? path : TEXT("/");
	path.len -= base.len;
	if (path.len > 1)
		path.len--;
	return path.len ? path : TEXT("/");
}

/* Absent for what has no directory. */
static struct text directory_text(const struct field_context *ctx)
{
	const struct fd_entry *e = ctx->subject->fd_entry;

	if (e && !is_file(e))
		return TEXT_NONE;
	if (e && e->kind == FD_DIRECTORY)
		return e->name;
	return directory_of(name_text(ctx));
}

static struct text letter_without_entry(enum event_type type)
{
	switch (type) {
	case EVENT_SOCKET:
	case EVENT_ACCEPT:
	case EVENT_ACCEPT4:
		return TEXT("4");
	case EVENT_PIPE:
	case EVENT_PIPE2:
		return TEXT("p");
	case EVENT_EVENTFD:
	case EVENT_EVENTFD2:
		return TEXT("e");
	case EVENT_SIGNALFD:
	case EVENT_SIGNALFD4:
		return TEXT("s");
	case EVENT_TIMERFD_CREATE:
		return TEXT("t");
	case EVENT_INOTIFY_INIT:
	case EVENT_INOTIFY_INIT1:
		return TEXT("i");
	default:
		return is_open(type) ? TEXT("f") : TEXT("o");
	}
}

static struct text protocol(const struct fd_entry *e)
{
	if (!is_ip(e) || (e->role == FD_ROLE_NONE && !(e->flags & FD_ENTRY_BOUND)))
		return TEXT("<NA>");
	switch (e->l4proto) {
	case IPPROTO_TCP:
		return TEXT("tcp");
	case IPPROTO_UDP:
		return TEXT("udp");
	case IPPROTO_ICMP:
		return TEXT("icmp");
	case IPPROTO_RAW:
		return TEXT("raw");
	default:
		return TEXT("<NA>");
	}
}

/* container id + ":" + t; the host has no id. */
static bool yield_in_container(const struct field_context *ctx, struct text t, struct values *out)
{
	const struct process_node *node = process_node(field_process(ctx));
	struct text_builder b;
	struct text id = TEXT_NONE;

	if (identity_is_container(node))
		id = identity_cgroup(node)->id;
	id.len = MIN(id.len, 12u);
	if (!builder_init(&b, ctx, t.len + 16))
		return false;
	builder_put(&b, id);
	builder_put(&b, TEXT(":"));
	builder_put(&b, t);
	return yield_text(ctx, out, builder_text(&b));
}

static bool yield_uid(const struct field_context *ctx, struct values *out)
{
	struct text_builder b;

	if (!builder_init(&b, ctx, 32))
		return false;
	builder_format(&b, "%d%d", ctx->event->tid, ctx->subject->fd);
	return yield_text(ctx, out, builder_text(&b));
}

static bool yield_fd_detail(const struct field_context *ctx, const struct field *field,
			    const struct fd_entry *e, struct values *out)
{
	switch ((enum fd_variant)field->variant) {
	case FD_FILENAME:
		return e && e->kind == FD_FILE && yield_text(ctx, out, path_base_name(e->name));
	case FD_NAMERAW:
		if (is_file(e))
			return yield_text(ctx, out, e->raw);
		if (!e && is_open(ctx->event->type)) /* it failed */
			return yield_text(ctx, out, ctx->subject->typed);
		if (e && (e->kind == FD_SOCKET_UNIX || e->kind == FD_PIPE))
			return yield_text(ctx, out, TEXT("")); /* it was not given to an open */
		return yield_text(ctx, out, name_text(ctx));
	case FD_TYPE:
		return e && yield_text(ctx, out, fd_type_name(e));
	case FD_L4PROTO:
		return e && yield_text(ctx, out, protocol(e));
	case FD_SOCKFAMILY:
		if (is_ip(e))
			return yield_text(ctx, out, TEXT("ip"));
		return e && e->kind == FD_SOCKET_UNIX && yield_text(ctx, out, TEXT("unix"));
	case FD_UID:
		return yield_uid(ctx, out);
	case FD_CONTAINERNAME:
		return yield_in_container(ctx, name_text(ctx), out);
	default:
		return false;
	}
}

bool extract_fd_text(const struct field_context *ctx, const struct field *field,
		     const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = entry_of(ctx);
	struct text directory;

	(void)arg;
	if (!has_fd_fields(ctx))
		return false;
	switch ((enum fd_variant)field->variant) {
	case FD_NAME:
		return yield_text(ctx, out, name_text(ctx));
	case FD_TYPECHAR:
		return yield_text(ctx, out,
				  e ? fd_type_letter(e) : letter_without_entry(ctx->event->type));
	case FD_DIR:
		directory = directory_text(ctx);
		return directory.len && yield_text(ctx, out, directory);
	case FD_CONTAINERDIRECTORY:
		directory = directory_text(ctx);
		return directory.len && yield_in_container(ctx, directory, out);
	default:
		return yield_fd_detail(ctx, field, e, out);
	}
}

/* Kernel device numbers: 12 bits major, 20 bits minor. */
static uint32_t dev_part(uint32_t dev, enum fd_variant part)
{
	return part == FD_DEV_MAJOR ? dev >> 20 : part == FD_DEV_MINOR ? dev & 0xfffff : dev;
}

/* Calls take 32 bits, captures hold 64, of which old ones leave the upper half of -1 zero. */
int64_t fd_number(const struct field_context *ctx)
{
	const struct event *ev = ctx->event;
	int index = ctx->subject->fd < 0 ? event_param_by_name(ev->type, TEXT("fd")) : -1;
	const struct param *fd = index >= 0 ? event_param(ev, (unsigned)index) : NULL;

	return fd && fd->i64 > INT32_MAX ? fd->i64 : ctx->subject->fd;
}

bool extract_fd_number(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = entry_of(ctx);

	(void)arg;
	if (!has_fd_fields(ctx))
		return false;
	switch ((enum fd_variant)field->variant) {
	case FD_NUM:
		return yield_i64(ctx, out, field->type, fd_number(ctx));
	case FD_INO:
		return e && yield_i64(ctx, out, field->type, (int64_t)e->ino);
	default:
		return e && yield_i64(ctx, out, field->type,
				      dev_part(e->dev, (enum fd_variant)field->variant));
	}
}

/* The listening side; on this machine, for the connecting side of a loopback connection, too. */
static bool is_server(const struct state *state, const struct fd_entry *e)
{
	uint32_t width = e->kind == FD_SOCKET_V4 ? 4 : 16;
	bool is_bound = e->role == FD_ROLE_NONE && e->flags & FD_ENTRY_BOUND;

	if (!is_ip(e))
		return e->role == FD_ROLE_SERVER || e->flags & FD_ENTRY_LISTENING;
	if (e->flags & FD_ENTRY_LISTENING || is_bound)
		return true;
	/* Where the host's addresses are known, a server of another network, as in a container, is
	 * not this host's. */
	if (e->role == FD_ROLE_SERVER && !state_has_addresses(state))
		return true;
	if (e->role == FD_ROLE_CLIENT && e->server_port && !memcmp(e->client, e->server, width))
		return true;
	return state_is_own_address(state, e->kind == FD_SOCKET_V4 ? AF_INET : AF_INET6, e->server);
}

bool extract_fd_bool(const struct field_context *ctx, const struct field *field,
		     const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = entry_of(ctx);

	(void)arg;
	if (!e)
		return false;
	switch ((enum fd_variant)field->variant) {
	case FD_IS_SERVER:
		return yield_bool(ctx, out, is_server(ctx->state, e));
	case FD_CONNECTED:
		return yield_bool(ctx, out, e->flags & FD_ENTRY_CONNECTED);
	case FD_NAME_CHANGED:
		return yield_bool(ctx, out, ctx->subject->name_changed);
	case FD_UPPER:
		return yield_bool(ctx, out, e->flags & FD_ENTRY_UPPER_LAYER);
	case FD_LOWER:
		return yield_bool(ctx, out, e->flags & FD_ENTRY_LOWER_LAYER);
	default:
		return false;
	}
}

struct socket_end {
	const uint8_t *address;
	uint16_t port;
};

/* Whether that end (FD_CLIENT, ...) of e is known, and what it is. */
static bool find_end(const struct fd_entry *e, enum fd_variant which, struct socket_end *end)
{
	bool is_server_end = which == FD_SERVER;

	if (!is_ip(e))
		return false;
	if (which == FD_LOCAL)
		is_server_end = e->role != FD_ROLE_CLIENT;
	else if (which == FD_REMOTE)
		is_server_end = e->role == FD_ROLE_CLIENT;
	if (e->role == FD_ROLE_NONE && !(is_server_end && e->flags & FD_ENTRY_BOUND))
		return false;
	if (e->role == FD_ROLE_NONE && which == FD_LOCAL)
		return false; /* it has one end only, as Falco has it */
	end->address = is_server_end ? e->server : e->client;
	end->port = is_server_end ? e->server_port : e->client_port;
	return true;
}

/* The ends that a field is about: one, or those that are known of both. A socket of which none is
 * has one that is all zeros for the fields of either end. */
static uint32_t find_ends(const struct fd_entry *e, enum fd_variant which,
			  struct socket_end ends[2])
{
	static const uint8_t nowhere[16];
	uint32_t n = 0;

	if (which != FD_EITHER)
		return find_end(e, which, &ends[0]);
	n += find_end(e, FD_CLIENT, &ends[n]);
	n += find_end(e, FD_SERVER, &ends[n]);
	if (n || !is_ip(e))
		return n;
	/* As upstream: it is connected to nowhere, so its ports are not 53, nor its addresses
	 * 10.0.0.1. */
	ends[0] = (struct socket_end){.address = nowhere};
	return 1;
}

/* Fields of either end exist for every descriptor, with no value where there are no ends. */
static bool is_absent(const struct fd_entry *e, enum fd_variant which, uint32_t n)
{
	return n == 0 && !(e && which == FD_EITHER);
}

bool extract_fd_ip(const struct field_context *ctx, const struct field *field,
		   const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = entry_of(ctx);
	struct socket_end ends[2];
	uint32_t n = find_ends(e, (enum fd_variant)field->variant, ends);
	struct value *items;

	(void)arg;
	if (is_absent(e, (enum fd_variant)field->variant, n))
		return false;
	items = yield_list(ctx, out, n);
	for (uint32_t i = 0; items && i < n; i++) {
		items[i] = (struct value){.type = field->type};
		memcpy(items[i].ip.bytes, ends[i].address, 16);
		items[i].ip.family = e->kind == FD_SOCKET_V4 ? AF_INET : AF_INET6;
		items[i].ip.prefix = e->kind == FD_SOCKET_V4 ? 32 : 128;
	}
	return items;
}

/* Names that came from name servers; a descriptor without that end has none. */
bool extract_fd_names(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = entry_of(ctx);
	struct text names[STATE_NAMES_MAX];
	struct socket_end end;
	struct value *items;
	uint32_t n = 0;

	(void)arg;
	if (!e)
		return false;
	if (ctx->state && find_end(e, (enum fd_variant)field->variant, &end))
		n = state_names_of(ctx->state, e->netns,
				   e->kind == FD_SOCKET_V4 ? AF_INET : AF_INET6, end.address,
				   names);
	items = yield_list(ctx, out, n);
	for (uint32_t i = 0; items && i < n; i++)
		items[i] = (struct value){.text = names[i], .type = field->type};
	return items;
}

bool extract_fd_port(const struct field_context *ctx, const struct field *field,
		     const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = entry_of(ctx);
	struct socket_end ends[2];
	uint32_t n = find_ends(e, (enum fd_variant)field->variant, ends);
	struct value *items;

	(void)arg;
	if (is_absent(e, (enum fd_variant)field->variant, n))
		return false;
	items = yield_list(ctx, out, n);
	for (uint32_t i = 0; items && i < n; i++)
		items[i] = (struct value){.u64 = ends[i].port, .type = field->type};
	return items;
}

bool extract_fd_proto(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	const struct fd_entry *e = entry_of(ctx);
	enum fd_variant which = (enum fd_variant)field->variant;
	struct socket_end end;
	struct text_builder b;

	(void)arg;
	/* Of a socket that is only bound, both are empty. */
	if (is_ip(e) && e->role == FD_ROLE_NONE && e->flags & FD_ENTRY_BOUND &&
	    (which == FD_SERVER || which == FD_CLIENT))
		return yield_text(ctx, out, TEXT(""));
	if (!find_end(e, which, &end) || !builder_init(&b, ctx, 8))
		return false;
	builder_format(&b, "%u", end.port);
	return yield_text(ctx, out, builder_text(&b));
}

struct types_seen {
	bool kinds[FD_KIND_END];
};

static bool see_type(int32_t fd, const struct fd_entry *entry, void *arg)
{
	struct types_seen *seen = arg;

	(void)fd;
	seen->kinds[entry->kind] = true;
	return true;
}

bool extract_fd_types(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	const struct process *p = field_process(ctx);
	struct types_seen seen = {0};
	struct value *items;
	uint32_t n = 0;

	(void)field;
	if (!p)
		return false;
	if (arg->is_given) {
		const struct fd_entry *e =
			arg->index <= INT32_MAX ? fd_table_find(p->fds, (int32_t)arg->index) : NULL;

		return e && yield_text(ctx, out, fd_type_name(e));
	}
	fd_table_each(p->fds, see_type, &seen);
	items = yield_list(ctx, out, FD_KIND_END);
	for (int kind = 0; items && kind < FD_KIND_END; kind++) {
		if (seen.kinds[kind])
			items[n++] = (struct value){.text = text_from(kinds[kind].name),
						    .type = VALUE_CHARBUF};
	}
	out->n = n;
	return items && n;
}

/* One element of fdlist.*; false: this descriptor has none. */
static bool put_fdlist_item(struct text_builder *b, const struct process *p, int64_t fd,
			    enum fd_variant what)
{
	const struct fd_entry *e =
		fd >= 0 && fd <= INT32_MAX ? fd_table_find(p->fds, (int32_t)fd) : NULL;
	bool is_client = what == FDLIST_CIPS || what == FDLIST_CPORTS;
	char address[INET6_ADDRSTRLEN];
	struct socket_end end;

	if (what == FDLIST_NUMS) {
		builder_format(b, b->len ? ",%lld" : "%lld", (long long)fd);
		return true;
	}
	if (what == FDLIST_NAMES) {
		builder_put(b, b->len ? TEXT(",") : TEXT(""));
		if (e)
			builder_put_fd_name(b, e);
		return true;
	}
	if (!e || !find_end(e, is_client ? FD_CLIENT : FD_SERVER, &end))
		return false;
	builder_put(b, b->len ? TEXT(",") : TEXT(""));
	if (what == FDLIST_CPORTS || what == FDLIST_SPORTS)
		builder_format(b, "%u", end.port);
	else if (inet_ntop(e->kind == FD_SOCKET_V4 ? AF_INET : AF_INET6, end.address, address,
			   sizeof(address)))
		builder_put(b, text_from(address));
	return true;
}

bool extract_fdlist(const struct field_context *ctx, const struct field *field,
		    const struct field_arg *arg, struct values *out)
{
	enum { ITEM_BYTES = 10, LIST_MAX = 4096 };
	const struct process *p = field_process(ctx);
	const struct param *list = NULL;
	struct text_builder b;
	bool found = false;
	uint16_t n;

	(void)arg;
	if (ctx->event->type == EVENT_POLL)
		list = event_param(ctx->event, POLL_fds);
	else if (ctx->event->type == EVENT_PPOLL)
		list = event_param(ctx->event, PPOLL_fds);
	if (!p || !list || list->bytes.len < sizeof(n) || !builder_init(&b, ctx, LIST_MAX))
		return false;
	memcpy(&n, list->bytes.ptr, sizeof(n));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)sizeof(n) + i * ITEM_BYTES;
		int64_t fd;

		if (at + ITEM_BYTES > list->bytes.len)
			break;
		memcpy(&fd, list->bytes.ptr + at, sizeof(fd));
		found |= put_fdlist_item(&b, p, fd, (enum fd_variant)field->variant);
	}
	return found && yield_text(ctx, out, builder_text(&b));
}
