#include <errno.h>

#include "base/path.h"
#include "base/util.h"
#include "state/fields.h"

/* Which paths an event has for fs.path.*: parameters of name, or of source and target. The order
 * of link and symlink (source: the new name) is Falco's. */
struct event_paths {
	int8_t name, source, target; /* parameter, -1 none */
	bool is_reversed;            /* the subject's first path is the target */
	bool has_abspath;
};

#define NAME(p)                                                                                    \
	{                                                                                          \
		p, -1, -1, false, false                                                            \
	}
#define NAME_AT(p)                                                                                 \
	{                                                                                          \
		p, -1, -1, false, true                                                             \
	}

static const struct event_paths paths[EVENT_TYPE_END] = {
	[EVENT_OPEN] = NAME(OPEN_name),
	[EVENT_OPENAT] = NAME_AT(OPENAT_name),
	[EVENT_OPENAT2] = NAME_AT(OPENAT2_name),
	[EVENT_OPEN_BY_HANDLE_AT] = {-1, -1, -1, false, true},
	[EVENT_MKDIR] = NAME(MKDIR_path),
	[EVENT_MKDIRAT] = NAME_AT(MKDIRAT_path),
	[EVENT_RMDIR] = NAME(RMDIR_path),
	[EVENT_UNLINK] = NAME(UNLINK_path),
	[EVENT_UNLINKAT] = NAME_AT(UNLINKAT_name),
	[EVENT_CHMOD] = NAME(CHMOD_filename),
	[EVENT_FCHMOD] = NAME(FCHMOD_fd),
	[EVENT_FCHMODAT] = NAME_AT(FCHMODAT_filename),
	[EVENT_CHOWN] = NAME(CHOWN_path),
	[EVENT_LCHOWN] = NAME(LCHOWN_path),
	[EVENT_FCHOWN] = NAME(FCHOWN_fd),
	[EVENT_FCHOWNAT] = NAME_AT(FCHOWNAT_pathname),
	[EVENT_QUOTACTL] = NAME(QUOTACTL_special),
	[EVENT_UMOUNT] = NAME(UMOUNT_name),
	[EVENT_UMOUNT2] = NAME(UMOUNT2_name),
	[EVENT_RENAME] = {-1, RENAME_oldpath, RENAME_newpath, false, false},
	[EVENT_RENAMEAT] = {-1, RENAMEAT_oldpath, RENAMEAT_newpath, false, true},
	[EVENT_RENAMEAT2] = {-1, RENAMEAT2_oldpath, RENAMEAT2_newpath, false, true},
	[EVENT_LINK] = {-1, LINK_newpath, LINK_oldpath, true, false},
	[EVENT_LINKAT] = {-1, LINKAT_newpath, LINKAT_oldpath, true, true},
	[EVENT_SYMLINK] = {-1, SYMLINK_linkpath, SYMLINK_target, false, false},
	[EVENT_SYMLINKAT] = {-1, SYMLINKAT_linkpath, SYMLINKAT_target, false, true},
	[EVENT_MOUNT] = {-1, MOUNT_dev, MOUNT_dir, true, false},
};

static struct text param_text(const struct event *ev, int index)
{
	const struct param *param;

	if (index < 0 || (unsigned)index >= event_info(ev->type)->n_params ||
	    event_info(ev->type)->params[index].type < PARAM_CHARBUF)
		return TEXT_NONE;
	param = event_param(ev, (unsigned)index);
	return param ? param->bytes : TEXT_NONE;
}

/* Text that is no path of the event's own (symlink's text, mount's device), from the cwd. */
static bool yield_from_cwd(const struct field_context *ctx, struct values *out, struct text typed)
{
	const struct process *p = field_process(ctx);
	struct text_builder b;

	if (!p || !typed.len || !builder_init(&b, ctx, p->cwd.len + typed.len + 3))
		return false;
	return yield_text(ctx, out, path_join(p->cwd, typed, b.buffer, b.size));
}

static bool yield_if_any(const struct field_context *ctx, struct values *out, struct text t)
{
	return t.len && yield_text(ctx, out, t);
}

static bool yield_source_or_target(const struct field_context *ctx, const struct event_paths *row,
				   bool is_target, struct values *out)
{
	enum event_type type = ctx->event->type;
	const struct subject *s = ctx->subject;

	if (type == EVENT_MOUNT && !is_target)
		return yield_from_cwd(ctx, out, param_text(ctx->event, row->source));
	if (type == EVENT_MOUNT)
		return yield_if_any(ctx, out, s->path);
	if ((type == EVENT_SYMLINK || type == EVENT_SYMLINKAT) && is_target)
		return yield_from_cwd(ctx, out, param_text(ctx->event, row->target));
	return yield_if_any(ctx, out, is_target != row->is_reversed ? s->path2 : s->path);
}

static bool yield_abspath(const struct field_context *ctx, const struct event_paths *row,
			  const struct field_arg *arg, struct values *out)
{
	const struct subject *s = ctx->subject;
	bool is_dst = text_equal(arg->text, TEXT("dst"));

	if (!row->has_abspath)
		return false;
	return yield_if_any(ctx, out, is_dst && s->path2.len ? s->path2 : s->path);
}

static bool succeeded(const struct event *ev)
{
	bool is_open = ev->type == EVENT_OPEN || ev->type == EVENT_OPENAT ||
		       ev->type == EVENT_OPENAT2 || ev->type == EVENT_OPEN_BY_HANDLE_AT;

	/* Failed opens have them too, unless the error is EPERM: so Falco has it. */
	return !event_failed(ev) || (is_open && ev->res != -1);
}

bool extract_evt_path(const struct field_context *ctx, const struct field *field,
		      const struct field_arg *arg, struct values *out)
{
	const struct event_paths *row = &paths[ctx->event->type];
	bool is_listed = row->name | row->source | row->target;

	if (!is_listed || !field_process(ctx))
		return false;
	if (field->variant == PATH_ABS)
		return yield_abspath(ctx, row, arg, out);
	if (!succeeded(ctx->event))
		return false;
	switch ((enum evt_variant)field->variant) {
	case PATH_NAME:
		return row->source < 0 && yield_if_any(ctx, out, ctx->subject->path);
	case PATH_NAMERAW:
		if (ctx->event->type == EVENT_FCHMOD || ctx->event->type == EVENT_FCHOWN)
			return yield_if_any(ctx, out, ctx->subject->path);
		return yield_if_any(ctx, out, param_text(ctx->event, row->name));
	case PATH_SOURCE:
	case PATH_TARGET:
		return row->source >= 0 &&
		       yield_source_or_target(ctx, row, field->variant == PATH_TARGET, out);
	case PATH_SOURCERAW:
		return yield_if_any(ctx, out, param_text(ctx->event, row->source));
	case PATH_TARGETRAW:
		return yield_if_any(ctx, out, param_text(ctx->event, row->target));
	default:
		return false;
	}
}

int check_evt_abspath(const struct field *field, struct field_arg *arg)
{
	(void)field;
	if (!arg->is_given || text_equal(arg->text, TEXT("src")) ||
	    text_equal(arg->text, TEXT("dst")))
		return 0;
	return -EINVAL;
}
