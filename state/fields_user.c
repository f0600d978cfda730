#include "state/fields.h"

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

bool extract_user_text(const struct field_context *ctx, const struct field *field,
		       const struct field_arg *arg, struct values *out)
{
	const struct thread *t = ctx->subject ? ctx->subject->thread : NULL;
	struct text name;

	(void)arg;
	if (!t)
		return false;
	if (field->variant == USER_NAME) {
		name = state_user_name(ctx->state, t->process, t->euid);
		return yield_text(ctx, out,
				  name.len  ? name
				  : t->euid ? TEXT("<NA>")
					    : TEXT("root"));
	}
	name = state_group_name(ctx->state, t->process, t->egid);
	return yield_text(ctx, out, name.len ? name : t->egid ? TEXT("<NA>") : TEXT("root"));
}
