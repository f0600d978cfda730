#include <fnmatch.h>
#include <string.h>

#include "base/util.h"
#include "state/cgroup.h"
#include "state/container_meta.h"
#include "state/fields.h"
#include "state/identity.h"

#define SHORT_ID 12u

/* How the event's process is contained. */
struct place_view {
	bool is_container;
	struct text id;
	const char *runtime;
	const struct container_meta *meta; /* NULL: nothing known yet, or never */
};

static bool view(const struct field_context *ctx, struct place_view *out)
{
	const struct process *p = field_process(ctx);
	const struct cgroup_class *facts;

	*out = (struct place_view){0};
	if (!p)
		return false;
	if (!identity_is_container(process_node(p)))
		return true;
	facts = identity_cgroup(process_node(p));
	out->is_container = true;
	out->id = facts->id;
	out->runtime = container_runtime_name(facts->runtime);
	out->meta = identity_container(process_node(p));
	return true;
}

static struct text short_id(struct text id)
{
	return (struct text){id.ptr, MIN(id.len, SHORT_ID)};
}

/* On the host ids and names are "host", what an image would tell is empty. */
static bool yield_host(const struct field_context *ctx, enum container_variant what,
		       struct values *out)
{
	switch (what) {
	case CONTAINER_ID:
	case CONTAINER_FULL_ID:
	case CONTAINER_NAME:
	case CONTAINER_TYPE:
		return yield_text(ctx, out, TEXT("host"));
	case POD_NAME:
	case POD_NAMESPACE:
	case POD_UID:
	case POD_SANDBOX:
	case POD_FULL_SANDBOX:
	case POD_LABELS:
		return false;
	default:
		return yield_text(ctx, out, TEXT(""));
	}
}

static bool yield_if_any(const struct field_context *ctx, struct values *out, const char *text)
{
	return text[0] && yield_text(ctx, out, text_from(text));
}

static bool yield_image(const struct field_context *ctx, const struct container_meta *meta,
			struct values *out)
{
	struct text_builder b;

	if (!builder_init(&b, ctx, 2 * META_TEXT_MAX))
		return false;
	builder_put(&b, text_from(meta->image));
	if (meta->tag[0])
		builder_format(&b, ":%s", meta->tag);
	else if (meta->digest[0])
		builder_format(&b, "@%s", meta->digest);
	return yield_text(ctx, out, builder_text(&b));
}

/* "k:v,k:v" */
static bool yield_labels(const struct field_context *ctx, const struct container_meta *meta,
			 struct values *out)
{
	struct text list = {meta->labels, meta->labels_len}, one;
	struct text_builder b;

	if (!builder_init(&b, ctx, meta->labels_len + 1))
		return false;
	while (list_next(&list, &one)) {
		const char *equals = memchr(one.ptr, '=', one.len);
		uint32_t key_len = equals ? (uint32_t)(equals - one.ptr) : one.len;

		if (b.len)
			builder_put(&b, TEXT(","));
		builder_put(&b, (struct text){one.ptr, key_len});
		builder_put(&b, TEXT(":"));
		if (equals)
			builder_put(&b, (struct text){equals + 1, one.len - key_len - 1});
	}
	return yield_text(ctx, out, builder_text(&b));
}

static void put_mount(struct text_builder *b, const struct text parts[MOUNT_PARTS])
{
	for (int i = 0; i < MOUNT_PARTS; i++) {
		if (i)
			builder_put(b, TEXT(":"));
		builder_put(b, parts[i]);
	}
}

static bool yield_mounts(const struct field_context *ctx, const struct container_meta *meta,
			 struct values *out)
{
	struct text list = {meta->mounts, meta->mounts_len}, parts[MOUNT_PARTS];
	struct text_builder b;

	if (!builder_init(&b, ctx, meta->mounts_len + 1))
		return false;
	while (container_meta_next_mount(&list, parts)) {
		if (b.len)
			builder_put(&b, TEXT(","));
		put_mount(&b, parts);
	}
	return yield_text(ctx, out, builder_text(&b));
}

static bool yield_known(const struct field_context *ctx, const struct place_view *v,
			enum container_variant what, struct values *out)
{
	const struct container_meta *meta = v->meta;
	struct text sandbox = text_from(meta->sandbox_id);

	switch (what) {
	case CONTAINER_FULL_ID:
		return yield_text(ctx, out, v->id);
	case CONTAINER_NAME:
		return yield_text(ctx, out, text_from(meta->name));
	case CONTAINER_TYPE:
		return yield_text(ctx, out, text_from(v->runtime));
	case CONTAINER_IMAGE:
		return yield_image(ctx, meta, out);
	case CONTAINER_IMAGE_ID:
		return yield_text(ctx, out, text_from(meta->image_id));
	case CONTAINER_REPOSITORY:
		return yield_text(ctx, out, text_from(meta->image));
	case CONTAINER_TAG:
		return yield_text(ctx, out, text_from(meta->tag));
	case CONTAINER_DIGEST:
		return yield_text(ctx, out, text_from(meta->digest));
	case CONTAINER_LABELS:
		return yield_labels(ctx, meta, out);
	case CONTAINER_MOUNTS:
		return yield_mounts(ctx, meta, out);
	case POD_NAME:
		return yield_if_any(ctx, out, meta->pod_name);
	case POD_NAMESPACE:
		return yield_if_any(ctx, out, meta->pod_namespace);
	case POD_UID:
		return yield_if_any(ctx, out, meta->pod_uid);
	case POD_SANDBOX:
		return sandbox.len && yield_text(ctx, out, short_id(sandbox));
	case POD_FULL_SANDBOX:
		return yield_if_any(ctx, out, meta->sandbox_id);
	case POD_LABELS:
		return meta->pod_name[0] && yield_labels(ctx, meta, out);
	default:
		return false;
	}
}

bool extract_container_text(const struct field_context *ctx, const struct field *field,
			    const struct field_arg *arg, struct values *out)
{
	struct place_view v;

	(void)arg;
	if (!view(ctx, &v))
		return false;
	if (!v.is_container)
		return yield_host(ctx, (enum container_variant)field->variant, out);
	if (field->variant == CONTAINER_ID)
		return yield_text(ctx, out, short_id(v.id));
	return v.meta && yield_known(ctx, &v, (enum container_variant)field->variant, out);
}

bool extract_container_bool(const struct field_context *ctx, const struct field *field,
			    const struct field_arg *arg, struct values *out)
{
	struct place_view v;

	(void)field;
	(void)arg;
	if (!view(ctx, &v) || (v.is_container && !v.meta))
		return false;
	return yield_bool(ctx, out, v.is_container && v.meta->is_privileged);
}

bool extract_container_time(const struct field_context *ctx, const struct field *field,
			    const struct field_arg *arg, struct values *out)
{
	const struct process *p = field_process(ctx);
	uint64_t start = p ? state_boot_to_epoch_ns(ctx->state, p->pidns_start_ns) : 0;

	(void)arg;
	if (!start)
		return false;
	if (field->variant == CONTAINER_START)
		return yield_u64(ctx, out, field->type, start);
	return ctx->event->ts_ns >= start &&
	       yield_u64(ctx, out, field->type, ctx->event->ts_ns - start);
}

bool extract_container_label(const struct field_context *ctx, const struct field *field,
			     const struct field_arg *arg, struct values *out)
{
	struct place_view v;
	struct text list, one;

	if (!view(ctx, &v) || !v.meta || (field->variant == POD_LABELS && !v.meta->pod_name[0]))
		return false;
	list = (struct text){v.meta->labels, v.meta->labels_len};
	while (list_next(&list, &one)) {
		if (one.len > arg->text.len && one.ptr[arg->text.len] == '=' &&
		    text_starts_with(one, arg->text))
			return yield_text(ctx, out,
					  (struct text){one.ptr + arg->text.len + 1,
							one.len - arg->text.len - 1});
	}
	return false;
}

/* Whether a mount is the one asked for: the nth, or the first whose source (of sources: whose
 * destination) matches the pattern. */
static bool is_mount(const struct field_arg *arg, bool by_dest, int64_t n,
		     const struct text parts[MOUNT_PARTS])
{
	struct text key = parts[by_dest ? MOUNT_DEST : MOUNT_SOURCE];
	char pattern[META_TEXT_MAX];

	if (arg->is_index)
		return n == arg->index;
	if (arg->text.len >= sizeof(pattern))
		return false;
	memcpy(pattern, arg->text.ptr, arg->text.len);
	pattern[arg->text.len] = '\0';
	return fnmatch(pattern, key.ptr, 0) == 0; /* keys end with a NUL */
}

bool extract_container_mount(const struct field_context *ctx, const struct field *field,
			     const struct field_arg *arg, struct values *out)
{
	struct text list, parts[MOUNT_PARTS];
	struct place_view v;
	struct text_builder b;

	if (!view(ctx, &v) || !v.meta)
		return false;
	list = (struct text){v.meta->mounts, v.meta->mounts_len};
	for (int64_t n = 0; container_meta_next_mount(&list, parts); n++) {
		if (!is_mount(arg, field->variant == CONTAINER_MOUNT_SOURCE, n, parts))
			continue;
		if (field->variant != CONTAINER_MOUNT)
			return yield_text(ctx, out, parts[field->variant - CONTAINER_MOUNT_SOURCE]);
		if (!builder_init(&b, ctx, v.meta->mounts_len + MOUNT_PARTS))
			return false;
		put_mount(&b, parts);
		return yield_text(ctx, out, builder_text(&b));
	}
	return false;
}
