#include "base/util.h"
#include "state/fields.h"

static const struct process *own_process(const struct field_context *ctx)
{
	return ctx->subject ? ctx->subject->process : NULL;
}

static bool cmdline(const struct field_context *ctx, const struct process *p, struct values *out)
{
	struct text_builder b;

	if (!builder_init(&b, ctx, p->comm.len + p->args.len + 2))
		return false;
	b.len = process_cmdline(p, b.buffer, b.size);
	return yield_text(ctx, out, builder_text(&b));
}

static bool cwd(const struct field_context *ctx, const struct process *p, struct values *out)
{
	struct text_builder b;

	if (!p->cwd.len)
		return yield_text(ctx, out, TEXT("./"));
	if (p->cwd.ptr[p->cwd.len - 1] == '/')
		return yield_text(ctx, out, p->cwd);
	if (!builder_init(&b, ctx, p->cwd.len + 1))
		return false;
	builder_put(&b, p->cwd);
	builder_put(&b, TEXT("/"));
	return yield_text(ctx, out, builder_text(&b));
}

bool extract_proc_text(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	const struct process *p = own_process(ctx);
	const struct thread *t = ctx->subject ? ctx->subject->thread : NULL;

	(void)arg;
	if (!p)
		return false;
	if (field->variant >= PROC_PNAME) {
		p = p->parent;
		t = p ? p->leader : NULL;
	}
	if (!p || !t)
		return false;
	switch ((enum proc_variant)field->variant) {
	case PROC_NAME:
	case PROC_PNAME:
		return yield_text(ctx, out, (struct text){t->comm, t->comm_len});
	case PROC_EXE:
	case PROC_PEXE:
		return yield_text(ctx, out, p->exe);
	case PROC_EXEPATH:
	case PROC_PEXEPATH:
		return yield_text(ctx, out, p->exepath);
	case PROC_CMDLINE:
	case PROC_PCMDLINE:
		return cmdline(ctx, p, out);
	case PROC_CWD:
		return cwd(ctx, p, out);
	default:
		return false;
	}
}

/* The nth of NUL-terminated strings back to back; empty past the end. */
static struct text nth_string(struct text list, int64_t n)
{
	uint32_t at = 0;

	while (at < list.len) {
		const char *start = list.ptr + at;
		const char *end = memchr(start, '\0', list.len - at);
		uint32_t len = end ? (uint32_t)(end - start) : list.len - at;

		if (n-- == 0)
			return (struct text){start, len};
		at += len + 1;
	}
	return TEXT("");
}

static bool joined(const struct field_context *ctx, struct text list, struct values *out)
{
	struct text_builder b;

	if (list.len && list.ptr[list.len - 1] == '\0')
		list.len--;
	if (!builder_init(&b, ctx, list.len + 1))
		return false;
	builder_put(&b, list);
	for (uint32_t i = 0; i < b.len; i++) {
		if (b.buffer[i] == '\0')
			b.buffer[i] = ' ';
	}
	return yield_text(ctx, out, builder_text(&b));
}

bool extract_proc_args(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	const struct process *p = own_process(ctx);

	(void)field;
	if (!p)
		return false;
	if (arg->is_given)
		return yield_text(ctx, out, nth_string(p->args, arg->index));
	return joined(ctx, p->args, out);
}

bool extract_proc_number(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	const struct process *p = own_process(ctx);

	(void)arg;
	if (!p)
		return false;
	switch ((enum proc_variant)field->variant) {
	case PROC_PID:
		return yield_i64(ctx, out, field->type, p->pid);
	case PROC_PPID:
		return p->parent && yield_i64(ctx, out, field->type, p->parent->pid);
	case PROC_SID:
		return yield_i64(ctx, out, field->type, p->sid);
	case PROC_TTY:
		return yield_u64(ctx, out, field->type, p->tty);
	case THREAD_TID:
		return yield_i64(ctx, out, field->type, ctx->event->tid);
	default:
		return false;
	}
}

bool extract_proc_bool(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	const struct process *p = own_process(ctx);

	(void)arg;
	if (!p)
		return false;
	switch ((enum proc_variant)field->variant) {
	case PROC_EXE_WRITABLE:
		return yield_bool(ctx, out, p->exe_flags & EXE_WRITABLE);
	case PROC_EXE_MEMFD:
		return yield_bool(ctx, out, p->exe_flags & EXE_FROM_MEMFD);
	default:
		return false;
	}
}
