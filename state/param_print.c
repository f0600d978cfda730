#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/util.h"
#include "state/fields.h"

#define AT_FDCWD_VALUE (-100)
#define TEXT_MAX_PRINTED 4096u

static void put_flags(struct text_builder *b, enum flag_table_id table, uint32_t value,
		      bool is_enum)
{
	uint32_t n, left = value;
	const struct flag_name *names = flag_names(table, &n);
	bool found = false;

	for (uint32_t i = 0; i < n; i++) {
		bool matches = names[i].value == value;

		if (!is_enum && names[i].value && value)
			matches = (left & names[i].value) == names[i].value;
		if (!matches)
			continue;
		if (found)
			builder_put(b, TEXT("|"));
		builder_put(b, text_from(names[i].name));
		found = true;
		left &= ~(is_enum ? 0 : names[i].value);
	}
}

static void put_errno(struct text_builder *b, int64_t value)
{
	const char *name = value < 0 && value > -4096 ? strerrorname_np((int)-value) : NULL;

	if (name)
		builder_put(b, text_from(name));
}

static void put_fd(const struct field_context *ctx, struct text_builder *b, int64_t fd)
{
	const struct process *p = field_process(ctx);
	const struct fd_entry *e;

	if (fd == AT_FDCWD_VALUE) {
		builder_put(b, TEXT("AT_FDCWD"));
		return;
	}
	if (fd < 0) {
		put_errno(b, fd);
		return;
	}
	e = p && fd <= INT32_MAX ? fd_table_find(p->fds, (int32_t)fd) : NULL;
	if (!e)
		return;
	builder_put(b, TEXT("<"));
	builder_put(b, fd_type_letter(e));
	if (e->kind == FD_SOCKET_V4 || e->kind == FD_SOCKET_V6) {
		if (e->l4proto == IPPROTO_TCP && (e->role || e->flags & FD_ENTRY_BOUND))
			builder_put(b, TEXT("t"));
		else if (e->l4proto == IPPROTO_UDP)
			builder_put(b, TEXT("u"));
	}
	builder_put(b, TEXT(">"));
	builder_put_fd_name(b, e);
}

static void put_pid(const struct field_context *ctx, struct text_builder *b, int64_t pid)
{
	const struct process *p;
	const struct thread *t;

	if (pid < 0) {
		put_errno(b, pid);
		return;
	}
	p = pid > 0 && pid <= INT32_MAX ? state_find_process(ctx->state, (int32_t)pid, 0) : NULL;
	if (p) {
		builder_put(b, p->comm);
		return;
	}
	t = pid > 0 && pid <= INT32_MAX ? state_find_thread(ctx->state, (int32_t)pid) : NULL;
	if (t)
		builder_put(b, (struct text){t->comm, t->comm_len});
}

static void put_user(const struct field_context *ctx, struct text_builder *b, uint32_t id,
		     bool is_group)
{
	const struct process *p = field_process(ctx);
	struct text name;

	if (id == UINT32_MAX) {
		builder_put(b, TEXT("<NONE>"));
		return;
	}
	name = is_group ? state_group_name(ctx->state, p, id) : state_user_name(ctx->state, p, id);
	builder_put(b, name.len ? name : TEXT("<NA>"));
}

static void put_mode(struct text_builder *b, const struct param_info *info, uint32_t mode)
{
	uint32_t n;
	const struct flag_name *names = flag_names(info->flags, &n);
	bool found = false;

	/* The file type, which has several bits, is taken as a whole. */
	for (uint32_t i = 0; i < n; i++) {
		uint32_t value = names[i].value;

		if (!value || (value & S_IFMT ? (mode & S_IFMT) != value : !(mode & value)))
			continue;
		if (value & (value - 1) && !(value & S_IFMT))
			continue; /* names of several bits at once */
		if (found)
			builder_put(b, TEXT("|"));
		builder_put(b, text_from(names[i].name));
		found = true;
	}
}

static void put_signal(struct text_builder *b, uint64_t sig)
{
	const char *name = sig > 0 && sig < NSIG ? sigabbrev_np((int)sig) : NULL;

	if (name)
		builder_format(b, "SIG%s", name);
}

/* Data: what does not print becomes a dot. */
static void put_data(struct text_builder *b, struct text data)
{
	uint32_t start = b->len;

	if (!data.len) {
		builder_put(b, TEXT("NULL"));
		return;
	}
	builder_put(b, data);
	for (uint32_t i = start; i < b->len; i++) {
		if (b->buffer[i] < 0x20 || b->buffer[i] > 0x7e)
			b->buffer[i] = '.';
	}
}

static uint32_t put_end(struct text_builder *b, uint8_t family, const char *bytes)
{
	uint32_t width = family == AF_INET ? 4 : 16;
	char address[INET6_ADDRSTRLEN];
	uint16_t port;

	memcpy(&port, bytes + width, 2);
	if (inet_ntop(family, bytes, address, sizeof(address)))
		builder_format(b, "%s:%u", address, port);
	return width + 2;
}

static void put_sockaddr(struct text_builder *b, struct text bytes)
{
	uint8_t family = bytes.len ? (uint8_t)bytes.ptr[0] : 0;

	if (family == AF_UNIX && bytes.len > 1)
		builder_put(b, (struct text){bytes.ptr + 1, bytes.len - 1});
	else if ((family == AF_INET && bytes.len >= 7) || (family == AF_INET6 && bytes.len >= 19))
		put_end(b, family, bytes.ptr + 1);
	else
		builder_put(b, TEXT("NULL"));
}

static void put_tuple(struct text_builder *b, struct text bytes)
{
	uint8_t family = bytes.len ? (uint8_t)bytes.ptr[0] : 0;
	uint64_t ends[2];
	uint32_t taken;

	if (family == AF_UNIX && bytes.len >= 17) {
		memcpy(ends, bytes.ptr + 1, sizeof(ends));
		builder_format(b, "%llx->%llx", (unsigned long long)ends[0],
			       (unsigned long long)ends[1]);
		if (bytes.len > 17)
			builder_put(b, TEXT(" "));
		builder_put(b, (struct text){bytes.ptr + 17, bytes.len - 17});
	} else if ((family == AF_INET && bytes.len >= 13) ||
		   (family == AF_INET6 && bytes.len >= 37)) {
		taken = put_end(b, family, bytes.ptr + 1);
		builder_put(b, TEXT("->"));
		put_end(b, family, bytes.ptr + 1 + taken);
	} else {
		builder_put(b, TEXT("NULL"));
	}
}

/* "0:f1 4:p1": descriptor, kind, events in hex. */
static void put_fdlist(const struct field_context *ctx, struct text_builder *b, struct text bytes)
{
	const struct process *p = field_process(ctx);
	uint16_t n;

	if (bytes.len < 2)
		return;
	memcpy(&n, bytes.ptr, 2);
	for (uint32_t i = 0, at = 2; i < n && at + 10 <= bytes.len; i++, at += 10) {
		const struct fd_entry *e;
		int64_t fd;
		int16_t flags;

		memcpy(&fd, bytes.ptr + at, 8);
		memcpy(&flags, bytes.ptr + at + 8, 2);
		e = p && fd >= 0 && fd <= INT32_MAX ? fd_table_find(p->fds, (int32_t)fd) : NULL;
		builder_format(b, i ? " %lld:" : "%lld:", (long long)fd);
		builder_put(b, e ? fd_type_letter(e) : TEXT("o"));
		builder_format(b, "%x", (unsigned)(uint16_t)flags);
	}
}

/* An absolute path is printed once; a relative one with where it leads. */
static void put_path(const struct field_context *ctx, unsigned index, struct text typed,
		     struct text_builder *raw, struct text_builder *resolved)
{
	const struct event *ev = ctx->event;
	int8_t dirfd_at = event_info(ev->type)->params[index].dirfd_param;
	const struct param *dirfd = dirfd_at >= 0 ? event_param(ev, (uint8_t)dirfd_at) : NULL;
	const struct process *p = field_process(ctx);
	struct text base = p ? p->cwd : TEXT_NONE, whole;

	builder_put(raw, typed);
	if (!typed.len || typed.ptr[0] == '/' || !p)
		return;
	if (dirfd && dirfd->i64 != AT_FDCWD_VALUE) {
		const struct fd_entry *e = dirfd->i64 >= 0 && dirfd->i64 <= INT32_MAX
						   ? fd_table_find(p->fds, (int32_t)dirfd->i64)
						   : NULL;

		if (!e) {
			builder_put(resolved, TEXT("<UNKNOWN>"));
			builder_put(resolved, typed);
			return;
		}
		base = e->name;
	}
	whole = path_join(base, typed, resolved->buffer, resolved->size);
	memmove(resolved->buffer, whole.ptr, whole.len);
	resolved->len = whole.len;
}

static void put_number(struct text_builder *b, const struct param_info *info, uint64_t value,
		       bool is_signed)
{
	if (info->format == FORMAT_HEX && info->flags == FLAGS_NONE && info->type != PARAM_ERRNO &&
	    !(is_signed && (int64_t)value < 0))
		builder_format(b, "%llX", (unsigned long long)value);
	else if (info->format == FORMAT_OCT)
		builder_format(b, value ? "0%llo" : "0", (unsigned long long)value);
	else if (is_signed)
		builder_format(b, "%lld", (long long)value);
	else
		builder_format(b, "%llu", (unsigned long long)value);
}

static void print_integer(const struct field_context *ctx, const struct param_info *info,
			  const struct param *param, struct text_builder *raw,
			  struct text_builder *resolved)
{
	bool is_id = info->type == PARAM_UID || info->type == PARAM_GID;

	if (is_id && (uint32_t)param->u64 == UINT32_MAX)
		builder_put(raw, TEXT("-1"));
	else
		put_number(raw, info, param->u64, info->type <= PARAM_PID);
	switch (info->type) {
	case PARAM_ERRNO:
		put_errno(resolved, param->i64);
		break;
	case PARAM_FD:
		put_fd(ctx, resolved, param->i64);
		break;
	case PARAM_PID:
		put_pid(ctx, resolved, param->i64);
		break;
	case PARAM_FLAGS8:
	case PARAM_FLAGS16:
	case PARAM_FLAGS32:
		put_flags(resolved, info->flags, (uint32_t)param->u64, false);
		break;
	case PARAM_ENUM8:
	case PARAM_ENUM16:
	case PARAM_ENUM32:
		put_flags(resolved, info->flags, (uint32_t)param->u64, true);
		break;
	case PARAM_MODE:
		put_mode(resolved, info, (uint32_t)param->u64);
		break;
	case PARAM_UID:
	case PARAM_GID:
		put_user(ctx, resolved, (uint32_t)param->u64, info->type == PARAM_GID);
		break;
	case PARAM_SIGTYPE:
		put_signal(resolved, param->u64);
		break;
	case PARAM_RELTIME:
		builder_format(resolved, "%llus",
			       (unsigned long long)(param->u64 / UINT64_C(1000000000)));
		break;
	default:
		break;
	}
}

/* A value of one of several types, by the parameter's first byte. */
static void print_dyn(const struct field_context *ctx, unsigned index, struct text_builder *raw,
		      struct text_builder *resolved)
{
	const struct param_info *info = &event_info(ctx->event->type)->params[index];
	struct text bytes = ctx->event->params[index].bytes;
	struct param_info one = {.name = info->name, .format = info->format, .dirfd_param = -1};
	struct param value = {.is_present = true};
	int type;

	if (!bytes.len)
		return;
	type = event_dyn_type(ctx->event->type, index, (uint8_t)bytes.ptr[0]);
	bytes = (struct text){bytes.ptr + 1, bytes.len - 1};
	if (type < 0 || type == PARAM_BYTEBUF) {
		put_data(raw, bytes);
		return;
	}
	if (type == PARAM_CHARBUF) {
		builder_put(raw, bytes);
		return;
	}
	if (type == PARAM_SIGTYPE)
		one.format = FORMAT_DEC;
	one.type = (enum param_type)type;
	memcpy(&value.u64, bytes.ptr, MIN(bytes.len, sizeof(value.u64)));
	print_integer(ctx, &one, &value, raw, resolved);
}

/* Argument lists are shown with dots for their NULs; other data as data. */
static bool is_string_list(const struct param_info *info)
{
	return strcmp(info->name, "args") == 0 || strcmp(info->name, "env") == 0 ||
	       strcmp(info->name, "cgroups") == 0;
}

void param_print(const struct field_context *ctx, unsigned index, struct text_builder *raw,
		 struct text_builder *resolved)
{
	const struct param_info *info = &event_info(ctx->event->type)->params[index];
	struct param storage;
	const struct param *param = field_param(ctx, index, &storage);

	if (!param) {
		if (info->type >= PARAM_CHARBUF && info->type <= PARAM_FSRELPATH)
			builder_put(raw, TEXT("<NA>"));
		else if (info->type >= PARAM_BYTEBUF && !is_string_list(info))
			builder_put(raw, TEXT("NULL"));
		return;
	}
	switch (info->type) {
	case PARAM_CHARBUF:
		builder_put(raw, param->bytes);
		break;
	case PARAM_FSPATH:
	case PARAM_FSRELPATH:
		put_path(ctx, index, param->bytes, raw, resolved);
		break;
	case PARAM_BYTEBUF:
		if (is_string_list(info))
			builder_put_list(raw, param->bytes, '.');
		else
			put_data(raw, param->bytes);
		break;
	case PARAM_SOCKADDR:
		put_sockaddr(raw, param->bytes);
		break;
	case PARAM_SOCKTUPLE:
		put_tuple(raw, param->bytes);
		break;
	case PARAM_FDLIST:
		put_fdlist(ctx, raw, param->bytes);
		break;
	case PARAM_DYN:
		print_dyn(ctx, index, raw, resolved);
		break;
	default:
		print_integer(ctx, info, param, raw, resolved);
		break;
	}
}

/* Room for a parameter's text: its own bytes and what a name or path adds. */
static uint32_t room(const struct field_context *ctx, unsigned index)
{
	struct param storage;
	const struct param *param = field_param(ctx, index, &storage);
	bool is_bytes = event_info(ctx->event->type)->params[index].type >= PARAM_CHARBUF;

	return MIN(param && is_bytes ? param->bytes.len : 0, TEXT_MAX_PRINTED) + 256;
}

bool extract_evt_args(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	const struct event_info *info = event_info(ctx->event->type);
	unsigned n = ctx->event->type == EVENT_GENERIC ? 0 : info->n_params;
	struct text_builder b, resolved;
	uint32_t size = 16;

	(void)field;
	(void)arg;
	for (unsigned i = 0; i < n; i++)
		size += room(ctx, i) + (uint32_t)strlen(info->params[i].name);
	if (!builder_init(&b, ctx, size) || !builder_init(&resolved, ctx, TEXT_MAX_PRINTED))
		return false;
	for (unsigned i = 0; i < n; i++) {
		resolved.len = 0;
		builder_format(&b, i ? " %s=" : "%s=", info->params[i].name);
		param_print(ctx, i, &b, &resolved);
		if (!resolved.len)
			continue;
		builder_put(&b, TEXT("("));
		builder_put(&b, builder_text(&resolved));
		builder_put(&b, TEXT(")"));
	}
	return yield_text(ctx, out, builder_text(&b));
}

/* Index of the parameter that arg means for this event; -1 none. */
static int param_of(const struct event *ev, const struct field_arg *arg)
{
	if (ev->type == EVENT_GENERIC)
		return -1;
	if (arg->is_index)
		return arg->index < event_info(ev->type)->n_params ? (int)arg->index : -1;
	return event_param_by_name(ev->type, arg->text);
}

bool extract_evt_arg(const struct field_context *ctx, const struct field *field,
		     const struct field_arg *arg, struct values *out)
{
	struct text_builder raw, resolved;
	struct param storage;
	int index = param_of(ctx->event, arg);

	(void)field;
	if (index < 0 || !builder_init(&raw, ctx, room(ctx, (unsigned)index)) ||
	    !builder_init(&resolved, ctx, TEXT_MAX_PRINTED))
		return false;
	param_print(ctx, (unsigned)index, &raw, &resolved);
	if (!raw.len && !resolved.len && !field_param(ctx, (unsigned)index, &storage))
		return yield_text(ctx, out, TEXT("<NA>"));
	return yield_text(ctx, out, resolved.len ? builder_text(&resolved) : builder_text(&raw));
}

static enum value_type raw_type(enum param_type type)
{
	static const uint8_t types[] = {
		[PARAM_INT16] = VALUE_INT16,
		[PARAM_INT32] = VALUE_INT32,
		[PARAM_INT64] = VALUE_INT64,
		[PARAM_ERRNO] = VALUE_ERRNO,
		[PARAM_FD] = VALUE_FD,
		[PARAM_PID] = VALUE_PID,
		[PARAM_UINT8] = VALUE_UINT8,
		[PARAM_UINT16] = VALUE_UINT16,
		[PARAM_UINT32] = VALUE_UINT32,
		[PARAM_UINT64] = VALUE_UINT64,
		[PARAM_FLAGS8] = VALUE_FLAGS32,
		[PARAM_FLAGS16] = VALUE_FLAGS32,
		[PARAM_FLAGS32] = VALUE_FLAGS32,
		[PARAM_ENUM8] = VALUE_FLAGS32,
		[PARAM_ENUM16] = VALUE_FLAGS32,
		[PARAM_ENUM32] = VALUE_FLAGS32,
		[PARAM_UID] = VALUE_UID,
		[PARAM_GID] = VALUE_GID,
		[PARAM_MODE] = VALUE_MODE,
		[PARAM_SIGTYPE] = VALUE_UINT8,
		[PARAM_SIGSET] = VALUE_UINT32,
		[PARAM_SYSCALLID] = VALUE_UINT16,
		[PARAM_RELTIME] = VALUE_RELTIME,
		[PARAM_ABSTIME] = VALUE_ABSTIME,
		[PARAM_CHARBUF] = VALUE_CHARBUF,
		[PARAM_FSPATH] = VALUE_FSPATH,
		[PARAM_FSRELPATH] = VALUE_FSRELPATH,
		[PARAM_BYTEBUF] = VALUE_BYTEBUF,
		[PARAM_SOCKADDR] = VALUE_SOCKADDR,
		[PARAM_SOCKTUPLE] = VALUE_SOCKTUPLE,
		[PARAM_FDLIST] = VALUE_BYTEBUF,
		[PARAM_DYN] = VALUE_BYTEBUF,
	};

	return (enum value_type)types[type];
}

/* A raw number prints as its parameter says. */
static bool type_prints_hex(const struct field_context *ctx, int index)
{
	const struct param_info *info = &event_info(ctx->event->type)->params[index];

	return info->format == FORMAT_HEX && info->type > PARAM_PID && info->type < PARAM_CHARBUF;
}

bool extract_evt_rawarg(const struct field_context *ctx, const struct field *field,
			const struct field_arg *arg, struct values *out)
{
	int index = param_of(ctx->event, arg);
	struct param storage;
	const struct param *param = index >= 0 ? field_param(ctx, (unsigned)index, &storage) : NULL;
	enum param_type type;
	struct value *value;

	(void)field;
	if (index < 0)
		return false;
	type = event_info(ctx->event->type)->params[index].type;
	if (!param) /* as upstream: text that is missing has a text, numbers have no value */
		return type >= PARAM_CHARBUF && type <= PARAM_FSRELPATH &&
		       yield_text(ctx, out, TEXT("<NA>"));
	value = yield_list(ctx, out, 1);
	if (!value)
		return false;
	*value = (struct value){
		.u64 = param->u64, .type = raw_type(type), .is_hex = type_prints_hex(ctx, index)};
	if (type >= PARAM_CHARBUF)
		value->text = param->bytes;
	return true;
}

int check_evt_arg(const struct field *field, struct field_arg *arg)
{
	(void)field;
	if (arg->is_index)
		return 0; /* absent where there are not so many */
	for (int type = 0; type < EVENT_TYPE_END; type++) {
		if (event_param_by_name((enum event_type)type, arg->text) >= 0)
			return 0;
	}
	return -EINVAL;
}
