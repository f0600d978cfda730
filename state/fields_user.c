#include "state/fields.h"
#include "state/users.h"

bool extract_user_number(const struct field_context *ctx, const struct field *field,
			 const struct field_arg *arg, struct values *out)
{
	const struct thread *t = ctx->subject ? ctx->subject->thread : NULL;

	(void)arg;
	if (!t)
		return false;
	switch ((enum user_variant)field->variant) {
	case USER_UID:
		return yield_u64(ctx, out, field->type, t->euid);
	case GROUP_GID:
		return yield_u64(ctx, out, field->type, t->egid);
	case USER_LOGINUID:
		return yield_i64(ctx, out, field->type, (int32_t)t->process->loginuid);
	default:
		return false;
	}
}

static struct text or_else(struct text t, struct text otherwise)
{
	return t.len ? t : otherwise;
}

/* What stands for a user that the tables do not know. */
static struct text unknown(uint32_t id, struct text of_root)
{
	return id == 0 ? of_root : TEXT("<NA>");
}

bool extract_user_text(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	const struct thread *t = ctx->subject ? ctx->subject->thread : NULL;
	const struct process *p = t ? t->process : NULL;
	const struct user *user;

	(void)arg;
	if (!t)
		return false;
	user = state_user(ctx->state, p, t->euid);
	switch ((enum user_variant)field->variant) {
	case USER_NAME:
		return yield_text(ctx, out, user ? user->name : unknown(t->euid, TEXT("root")));
	case USER_HOME:
		return yield_text(ctx, out, user ? user->home : unknown(t->euid, TEXT("/root")));
	case USER_SHELL:
		return yield_text(ctx, out, user ? user->shell : TEXT("<NA>"));
	case USER_LOGINNAME:
		return yield_text(ctx, out,
				  or_else(state_user_name(ctx->state, p, p->loginuid),
					  unknown(p->loginuid, TEXT("root"))));
	case GROUP_NAME:
		return yield_text(ctx, out,
				  or_else(state_group_name(ctx->state, p, t->egid),
					  unknown(t->egid, TEXT("root"))));
	default:
		return false;
	}
}
