#include <string.h>
#include <time.h>

#include "base/util.h"
#include "state/fields.h"

#define NS_PER_S UINT64_C(1000000000)

bool extract_evt_number(const struct field_context *ctx, const struct field *field,
			const struct field_arg *arg, struct values *out)
{
	const struct event *ev = ctx->event;

	(void)arg;
	switch ((enum evt_variant)field->variant) {
	case EVT_NUM:
		return yield_u64(ctx, out, field->type, ev->num);
	case EVT_RAWTIME:
		return yield_u64(ctx, out, field->type, ev->ts_ns);
	case EVT_RAWRES:
		return ev->has_res && yield_i64(ctx, out, field->type, ev->res);
	default:
		return false;
	}
}

static struct text event_name(const struct event *ev)
{
	const struct syscall_info *call;

	if (ev->type != EVENT_GENERIC)
		return text_from(event_info(ev->type)->name);
	call = syscall_by_nr(ev->nr, ev->quality & EVENT_IS_32BIT);
	return call ? text_from(call->name) : TEXT("syscall");
}

static bool result_text(const struct field_context *ctx, struct values *out)
{
	const char *name;

	if (!ctx->event->has_res)
		return false;
	if (ctx->event->res >= 0)
		return yield_text(ctx, out, TEXT("SUCCESS"));
	name = ctx->event->res > -4096 ? strerrorname_np((int)-ctx->event->res) : NULL;
	if (name)
		return yield_text(ctx, out, text_from(name));
	return false;
}

bool extract_evt_text(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	static const char *const categories[] = {
		[CATEGORY_OTHER] = "other",       [CATEGORY_FILE] = "file",
		[CATEGORY_NET] = "net",           [CATEGORY_IPC] = "IPC",
		[CATEGORY_MEMORY] = "memory",     [CATEGORY_PROCESS] = "process",
		[CATEGORY_SIGNAL] = "signal",     [CATEGORY_USER] = "user",
		[CATEGORY_TIME] = "time",         [CATEGORY_WAIT] = "wait",
		[CATEGORY_SLEEP] = "sleep",       [CATEGORY_SYSTEM] = "system",
		[CATEGORY_IO_OTHER] = "other",    [CATEGORY_IO_READ] = "file",
		[CATEGORY_IO_WRITE] = "file",     [CATEGORY_SCHEDULER] = "scheduler",
		[CATEGORY_INTERNAL] = "internal",
	};

	(void)arg;
	switch ((enum evt_variant)field->variant) {
	case EVT_TYPE:
		return yield_text(ctx, out, event_name(ctx->event));
	case EVT_CATEGORY:
		return yield_text(ctx, out,
				  text_from(categories[event_info(ctx->event->type)->category]));
	case EVT_DIR:
		return yield_text(ctx, out, TEXT("<"));
	case EVT_RES:
		return result_text(ctx, out);
	case EVT_PATH_SOURCE:
		if (!ctx->subject || !ctx->subject->path.len)
			return false;
		return yield_text(ctx, out,
				  ctx->subject->path_from_caller ? TEXT("caller") : TEXT("kernel"));
	default:
		return false;
	}
}

static const struct param *open_flags(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_OPEN:
		return event_param(ev, OPEN_flags);
	case EVENT_OPENAT:
		return event_param(ev, OPENAT_flags);
	case EVENT_OPENAT2:
		return event_param(ev, OPENAT2_flags);
	case EVENT_OPEN_BY_HANDLE_AT:
		return event_param(ev, OPEN_BY_HANDLE_AT_flags);
	default:
		return NULL;
	}
}

bool extract_evt_bool(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	enum { RDONLY = 1, WRONLY = 2 };
	const struct event *ev = ctx->event;
	const struct param *flags;

	(void)arg;
	switch ((enum evt_variant)field->variant) {
	case EVT_FAILED:
		return ev->has_res && yield_bool(ctx, out, ev->res < 0);
	case EVT_OPEN_READ:
		flags = open_flags(ev);
		return yield_bool(ctx, out, flags && flags->u64 & RDONLY);
	case EVT_OPEN_WRITE:
		flags = open_flags(ev);
		return yield_bool(ctx, out, flags && flags->u64 & WRONLY);
	default:
		return false;
	}
}

bool extract_evt_time(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	time_t seconds = (time_t)(ctx->event->ts_ns / NS_PER_S);
	struct text_builder b;
	struct tm tm;
	char text[64];
	size_t len;

	(void)arg;
	(void)field;
	if (!localtime_r(&seconds, &tm) || !builder_init(&b, ctx, 64))
		return false;
	len = strftime(text, sizeof(text), "%H:%M:%S", &tm);
	builder_put(&b, (struct text){text, (uint32_t)len});
	builder_format(&b, ".%09llu", (unsigned long long)(ctx->event->ts_ns % NS_PER_S));
	return yield_text(ctx, out, builder_text(&b));
}
