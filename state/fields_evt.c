#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "state/fields.h"

#define NS_PER_S UINT64_C(1000000000)

/* File flags of the event table. */
enum { OPEN_READ = 1, OPEN_WRITE = 2, OPEN_CREAT = 4, OPEN_TMPFILE = 8192, OPEN_CREATED = 16384 };

struct text event_name(const struct event *ev)
{
	const struct syscall_info *call;

	if (ev->type == EVENT_EXECVEAT && !event_failed(ev))
		return TEXT("execve"); /* what a successful one is reported as */
	if (ev->type != EVENT_GENERIC)
		return text_from(event_info(ev->type)->name);
	call = syscall_by_nr(ev->nr, ev->quality & EVENT_IS_32BIT);
	return call ? text_from(call->name) : TEXT("syscall");
}

static const struct fd_entry *fd_entry(const struct field_context *ctx)
{
	return ctx->subject ? ctx->subject->fd_entry : NULL;
}

static bool is_open(enum event_type type)
{
	return type == EVENT_OPEN || type == EVENT_OPENAT || type == EVENT_OPENAT2 ||
	       type == EVENT_CREAT || type == EVENT_OPEN_BY_HANDLE_AT;
}

/* Whether upstream calls it an exit: everything but what happens outside of calls. */
static bool is_exit(enum event_type type)
{
	return type != EVENT_PROCEXIT && type != EVENT_SIGNALDELIVER && type != EVENT_SWITCH &&
	       type != EVENT_PAGE_FAULT && !(event_info(type)->flags & EVENT_IS_META);
}

/* What the failed call was about: a file, the net, memory, or something else. */
static enum evt_variant error_kind(const struct field_context *ctx)
{
	const struct fd_entry *e = fd_entry(ctx);
	enum event_type type = ctx->event->type;

	if (e && (e->kind == FD_FILE || e->kind == FD_DIRECTORY))
		return EVT_ERROR_FILE;
	if (e && (e->kind == FD_SOCKET_V4 || e->kind == FD_SOCKET_V6 || e->kind == FD_SOCKET_UNIX))
		return EVT_ERROR_NET;
	if (!e && is_open(type))
		return EVT_ERROR_FILE;
	if (!e && (type == EVENT_ACCEPT || type == EVENT_ACCEPT4 || type == EVENT_CONNECT))
		return EVT_ERROR_NET;
	if (event_info(type)->category == CATEGORY_MEMORY)
		return EVT_ERROR_MEMORY;
	return EVT_ERROR_OTHER;
}

static bool yield_error(const struct field_context *ctx, const struct field *field,
			struct values *out)
{
	if (!ctx->event->has_res)
		return false;
	if (field->variant == EVT_ERROR)
		return yield_u64(ctx, out, field->type, ctx->event->res < 0);
	return (enum evt_variant)field->variant == error_kind(ctx) &&
	       yield_u64(ctx, out, field->type, ctx->event->res < 0);
}

static bool is_io(const struct event *ev)
{
	uint8_t category = event_info(ev->type)->category;

	return category == CATEGORY_IO_READ || category == CATEGORY_IO_WRITE ||
	       category == CATEGORY_IO_OTHER;
}

bool extract_evt_number(const struct field_context *ctx, const struct field *field,
			const struct field_arg *arg, struct values *out)
{
	const struct event *ev = ctx->event;
	uint64_t elapsed = ev->ts_ns - MIN(ctx->first_event_ns, ev->ts_ns);

	(void)arg;
	switch ((enum evt_variant)field->variant) {
	case EVT_NUM:
		return yield_u64(ctx, out, field->type, ev->num);
	case EVT_RAWTIME:
		return yield_u64(ctx, out, field->type, ev->ts_ns);
	case EVT_RAWTIME_S:
		return yield_u64(ctx, out, field->type, ev->ts_ns / NS_PER_S);
	case EVT_RAWTIME_NS:
		return yield_u64(ctx, out, field->type, ev->ts_ns % NS_PER_S);
	case EVT_RELTIME:
		return yield_u64(ctx, out, field->type, elapsed);
	case EVT_RELTIME_S:
		return yield_u64(ctx, out, field->type, elapsed / NS_PER_S);
	case EVT_RELTIME_NS:
		return yield_u64(ctx, out, field->type, elapsed % NS_PER_S);
	case EVT_CPU:
		return yield_i64(ctx, out, field->type, (int16_t)ev->cpu);
	case EVT_RAWRES:
		return ev->has_res && yield_i64(ctx, out, field->type, ev->res);
	case EVT_SYSCALL_NR:
		return ev->nr != UINT16_MAX && yield_u64(ctx, out, field->type, ev->nr);
	case EVT_BUFLEN:
		return ev->has_res && ev->res >= 0 && is_io(ev) && ctx->subject &&
		       ctx->subject->fd >= 0 && yield_u64(ctx, out, field->type, (uint64_t)ev->res);
	case EVT_ZERO:
		return yield_u64(ctx, out, field->type, 0);
	case EVT_COUNT_EXIT:
		return is_exit(ev->type) && yield_u64(ctx, out, field->type, 1);
	case EVT_ONE:
		return yield_u64(ctx, out, field->type, 1);
	default:
		return yield_error(ctx, field, out);
	}
}

/* Begun milliseconds count, so that "at most N" is exact. */
bool extract_evt_around(const struct field_context *ctx, const struct field *field,
			const struct field_arg *arg, struct values *out)
{
	uint64_t moment = (uint64_t)arg->index, ts = ctx->event->ts_ns;
	uint64_t apart = ts > moment ? ts - moment : moment - ts;

	return yield_u64(ctx, out, field->type, apart / 1000000 + (apart % 1000000 != 0));
}

int check_evt_around(const struct field *field, struct field_arg *arg)
{
	(void)field;
	return arg->is_index && arg->index >= 0 ? 0 : -EINVAL;
}

static bool yield_result(const struct field_context *ctx, struct values *out)
{
	struct text_builder b;
	const char *name;

	if (!ctx->event->has_res)
		return false;
	if (ctx->event->res >= 0)
		return yield_text(ctx, out, TEXT("SUCCESS"));
	name = ctx->event->res > -4096 ? strerrorname_np((int)-ctx->event->res) : NULL;
	if (name)
		return yield_text(ctx, out, text_from(name));
	if (!builder_init(&b, ctx, 24))
		return false;
	builder_format(&b, "%lld", (long long)-ctx->event->res);
	return yield_text(ctx, out, builder_text(&b));
}

/* Category of an input or output call, by what its descriptor is. */
static struct text io_category(const struct fd_entry *e)
{
	switch (e ? (enum fd_kind)e->kind : FD_UNKNOWN) {
	case FD_FILE:
	case FD_DIRECTORY:
		return TEXT("file");
	case FD_SOCKET_V4:
	case FD_SOCKET_V6:
		return TEXT("net");
	case FD_SOCKET_UNIX:
	case FD_PIPE:
	case FD_EVENT:
	case FD_SIGNAL:
	case FD_INOTIFY:
	case FD_USERFAULT:
		return TEXT("ipc");
	default:
		return TEXT("unknown");
	}
}

static struct text category(const struct field_context *ctx)
{
	static const char *const names[] = {
		[CATEGORY_OTHER] = "other",
		[CATEGORY_FILE] = "file",
		[CATEGORY_NET] = "net",
		[CATEGORY_IPC] = "IPC",
		[CATEGORY_MEMORY] = "memory",
		[CATEGORY_PROCESS] = "process",
		[CATEGORY_SIGNAL] = "signal",
		[CATEGORY_USER] = "user",
		[CATEGORY_TIME] = "time",
		[CATEGORY_WAIT] = "wait",
		[CATEGORY_SLEEP] = "sleep",
		[CATEGORY_SYSTEM] = "system",
		[CATEGORY_SCHEDULER] = "scheduler",
		[CATEGORY_INTERNAL] = "internal",
	};

	if (is_io(ctx->event))
		return io_category(fd_entry(ctx));
	return text_from(names[event_info(ctx->event->type)->category]);
}

static struct text io_direction(const struct event *ev)
{
	uint32_t flags = event_info(ev->type)->flags;

	if (flags & EVENT_WRITES_FD)
		return TEXT("write");
	return flags & EVENT_READS_FD ? TEXT("read") : TEXT_NONE;
}

static bool yield_if_any(const struct field_context *ctx, struct values *out, struct text t)
{
	return t.len && yield_text(ctx, out, t);
}

/* Whose word the address of the event's socket is; empty when the event has none. */
static struct text address_source(const struct field_context *ctx)
{
	const struct fd_entry *e = fd_entry(ctx);
	bool is_socket = e && e->kind >= FD_SOCKET_V4 && e->kind <= FD_SOCKET_OTHER;

	if (ctx->event->quality & EVENT_ADDR_FROM_CALLER)
		return TEXT("caller");
	if (is_socket && e->flags & FD_ENTRY_ADDR_FROM_CALLER)
		return TEXT("caller");
	return (is_socket && (e->role != FD_ROLE_NONE || e->flags & FD_ENTRY_BOUND)) ||
			       (ctx->event->sock && !event_failed(ctx->event))
		       ? TEXT("kernel")
		       : TEXT_NONE;
}

/* In the capture format calls that returned have odd numbers, everything that is no call even ones.
 */
static bool is_call(const struct event *ev)
{
	return event_info(ev->type)->scap_type & 1;
}

bool extract_evt_text(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	const struct event *ev = ctx->event;

	(void)arg;
	switch ((enum evt_variant)field->variant) {
	case EVT_TYPE:
		return yield_text(ctx, out, event_name(ev));
	case EVT_SYSCALL_TYPE:
		return is_call(ev) && yield_text(ctx, out, event_name(ev));
	case EVT_ASYNCTYPE:
		return event_info(ev->type)->flags & EVENT_IS_META &&
		       yield_text(ctx, out, TEXT(""));
	case EVT_CATEGORY:
		return yield_text(ctx, out, category(ctx));
	case EVT_DIR:
		return yield_text(ctx, out, is_call(ev) ? TEXT("<") : TEXT(">"));
	case EVT_RES:
		return yield_result(ctx, out);
	case EVT_SOURCE:
		return yield_text(ctx, out, TEXT("syscall"));
	case EVT_HOSTNAME:
		return yield_text(ctx, out, state_hostname(ctx->state));
	case EVT_IO_DIR:
		return yield_if_any(ctx, out, io_direction(ev));
	case EVT_LATENCY_HUMAN:
		return yield_text(ctx, out, TEXT("0ns"));
	case EVT_PATH_SOURCE:
		if (!ctx->subject || !ctx->subject->path.len)
			return false;
		return yield_text(ctx, out,
				  ctx->subject->path_from_caller ? TEXT("caller") : TEXT("kernel"));
	case EVT_ADDR_SOURCE:
		return yield_if_any(ctx, out, address_source(ctx));
	default:
		return false;
	}
}

static uint32_t param_u32(const struct event *ev, int index)
{
	const struct param *param = index >= 0 ? event_param(ev, (unsigned)index) : NULL;

	return param ? (uint32_t)param->u64 : 0;
}

/* Flags and mode of an open. False: not one. */
static bool open_flags(const struct event *ev, uint32_t *flags, uint32_t *mode)
{
	switch (ev->type) {
	case EVENT_OPEN:
		*flags = param_u32(ev, OPEN_flags);
		*mode = param_u32(ev, OPEN_mode);
		return true;
	case EVENT_OPENAT:
		*flags = param_u32(ev, OPENAT_flags);
		*mode = param_u32(ev, OPENAT_mode);
		return true;
	case EVENT_OPENAT2:
		*flags = param_u32(ev, OPENAT2_flags);
		*mode = param_u32(ev, OPENAT2_mode);
		return true;
	case EVENT_OPEN_BY_HANDLE_AT:
		*flags = param_u32(ev, OPEN_BY_HANDLE_AT_flags);
		*mode = 0;
		return true;
	default:
		return false;
	}
}

uint32_t event_opens_for(const struct event *ev)
{
	enum { EXECUTABLE = 0111 };
	uint32_t flags, mode, what = 0;

	if (ev->type == EVENT_CREAT)
		return param_u32(ev, CREAT_mode) & EXECUTABLE ? OPENS_FOR_EXEC : 0;
	if (!open_flags(ev, &flags, &mode))
		return 0;
	if (flags & OPEN_READ)
		what |= OPENS_FOR_READ;
	if (flags & OPEN_WRITE)
		what |= OPENS_FOR_WRITE;
	if (flags & (OPEN_CREAT | OPEN_TMPFILE) && mode & EXECUTABLE)
		what |= OPENS_FOR_EXEC;
	if (flags & OPEN_CREATED || (flags & OPEN_TMPFILE && ev->res >= 0))
		what |= OPENS_FOR_CREATE;
	return what;
}

static bool is_open_for(const struct event *ev, enum evt_variant variant)
{
	uint32_t what = event_opens_for(ev);

	switch (variant) {
	case EVT_OPEN_READ:
		return what & OPENS_FOR_READ;
	case EVT_OPEN_WRITE:
		return what & OPENS_FOR_WRITE;
	case EVT_OPEN_EXEC:
		return what & OPENS_FOR_EXEC;
	default:
		return what & OPENS_FOR_CREATE;
	}
}

static bool is_syslog(const struct field_context *ctx)
{
	const struct fd_entry *e = fd_entry(ctx);

	return e && e->name.len && event_info(ctx->event->type)->flags & EVENT_WRITES_FD &&
	       memmem(e->name.ptr, e->name.len, "/dev/log", 8);
}

bool extract_evt_bool(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	const struct event *ev = ctx->event;
	uint32_t flags = event_info(ev->type)->flags;

	(void)arg;
	switch ((enum evt_variant)field->variant) {
	case EVT_FAILED:
		return ev->has_res && yield_bool(ctx, out, ev->res < 0);
	case EVT_IS_IO:
		return yield_bool(ctx, out, flags & (EVENT_READS_FD | EVENT_WRITES_FD));
	case EVT_IS_READ:
		return yield_bool(ctx, out, flags & EVENT_READS_FD);
	case EVT_IS_WRITE:
		return yield_bool(ctx, out, flags & EVENT_WRITES_FD);
	case EVT_IS_WAIT:
		return yield_bool(ctx, out, flags & EVENT_WAITS);
	case EVT_IS_IO_URING:
		return yield_bool(ctx, out, ev->quality & EVENT_IO_URING);
	case EVT_IS_SYSLOG:
		return yield_bool(ctx, out, is_syslog(ctx));
	case EVT_FALSE:
		return yield_bool(ctx, out, false);
	default:
		return yield_bool(ctx, out, is_open_for(ev, (enum evt_variant)field->variant));
	}
}

bool extract_evt_time(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	static const struct {
		const char *format;
		bool is_utc, has_fraction;
		const char *tail;
	} rows[] = {
		[0] = {"%H:%M:%S", false, true, ""},
		[TIME_CLOCK_S - TIME_CLOCK] = {"%H:%M:%S", false, false, ""},
		[TIME_ISO8601 - TIME_CLOCK] = {"%Y-%m-%dT%H:%M:%S", true, true, "+0000"},
		[TIME_DATE - TIME_CLOCK] = {"%Y-%m-%d %H:%M:%S", false, true, ""},
		[TIME_DATE_S - TIME_CLOCK] = {"%Y-%m-%d %H:%M:%S", false, false, ""},
	};
	intptr_t row = field->variant - TIME_CLOCK;
	time_t seconds = (time_t)(ctx->event->ts_ns / NS_PER_S);
	struct text_builder b;
	struct tm tm;

	(void)arg;
	if (!(rows[row].is_utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm)))
		return false;
	if (!builder_init(&b, ctx, 64))
		return false;
	b.len = (uint32_t)strftime(b.buffer, b.size, rows[row].format, &tm);
	if (rows[row].has_fraction)
		builder_format(&b, ".%09llu", (unsigned long long)(ctx->event->ts_ns % NS_PER_S));
	builder_put(&b, text_from(rows[row].tail));
	return yield_text(ctx, out, builder_text(&b));
}

bool extract_evt_type_is(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	const struct event_info *info = event_info(ctx->event->type);
	bool is = arg->is_index ? info->scap_type == arg->index
				: text_equal(event_name(ctx->event), arg->text);

	return yield_u64(ctx, out, field->type, is);
}

int check_evt_type_is(const struct field *field, struct field_arg *arg)
{
	(void)field;
	return arg->is_index || event_name_is_known(arg->text) ? 0 : -EINVAL;
}

bool extract_evt_buffer(const struct field_context *ctx, const struct field *field,
			const struct field_arg *arg, struct values *out)
{
	int index = event_param_by_name(ctx->event->type, TEXT("data"));
	const struct param *param = index >= 0 ? event_param(ctx->event, (unsigned)index) : NULL;

	(void)arg;
	if (!param || event_info(ctx->event->type)->params[index].type != PARAM_BYTEBUF ||
	    !yield_text(ctx, out, param->bytes))
		return false;
	((struct value *)out->items)->type = field->type;
	return true;
}

#define SYSCALL_ARGS 6

bool extract_syscall_arg(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	return ctx->event->args && yield_u64(ctx, out, field->type, ctx->event->args[arg->index]);
}

int check_syscall_arg(const struct field *field, struct field_arg *arg)
{
	(void)field;
	return arg->is_index && arg->index >= 0 && arg->index < SYSCALL_ARGS ? 0 : -EINVAL;
}
