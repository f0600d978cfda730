#include "state/container_meta.h"

#include <errno.h>
#include <stdio.h>

#include <cJSON.h>

#include "base/util.h"

static void json_done(cJSON **json)
{
	cJSON_Delete(*json);
}

static void set_text(char to[META_TEXT_MAX], struct text t)
{
	uint32_t len = MIN(t.len, META_TEXT_MAX - 1u);

	if (len)
		memcpy(to, t.ptr, len);
	to[len] = '\0';
}

static struct text string_of(const cJSON *item)
{
	return cJSON_IsString(item) ? text_from(item->valuestring) : TEXT_NONE;
}

static struct text member(const cJSON *object, const char *name)
{
	return string_of(cJSON_GetObjectItemCaseSensitive(object, name));
}

static void add_label(struct container_meta *meta, const char *key, struct text value)
{
	size_t key_len = strlen(key);

	if (key_len + value.len + 2 > META_LABELS_MAX - meta->labels_len)
		return;
	memcpy(meta->labels + meta->labels_len, key, key_len);
	meta->labels_len += (uint32_t)key_len;
	meta->labels[meta->labels_len++] = '=';
	if (value.len)
		memcpy(meta->labels + meta->labels_len, value.ptr, value.len);
	meta->labels_len += value.len;
	meta->labels[meta->labels_len++] = '\0';
}

/* One that does not fit is left out. */
static void add_mount(struct container_meta *meta, const struct text parts[MOUNT_PARTS])
{
	uint32_t len = MOUNT_PARTS;

	for (int i = 0; i < MOUNT_PARTS; i++)
		len += parts[i].len;
	if (len > META_MOUNTS_MAX - meta->mounts_len)
		return;
	for (int i = 0; i < MOUNT_PARTS; i++) {
		if (parts[i].len)
			memcpy(meta->mounts + meta->mounts_len, parts[i].ptr, parts[i].len);
		meta->mounts_len += parts[i].len;
		meta->mounts[meta->mounts_len++] = '\0';
	}
}

bool container_meta_next_mount(struct text *mounts, struct text out[MOUNT_PARTS])
{
	for (int i = 0; i < MOUNT_PARTS; i++) {
		const char *end = mounts->len ? memchr(mounts->ptr, '\0', mounts->len) : NULL;

		if (!end)
			return false;
		out[i] = (struct text){mounts->ptr, (uint32_t)(end - mounts->ptr)};
		*mounts = (struct text){end + 1, mounts->len - out[i].len - 1};
	}
	return true;
}

static bool is_hex_id(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
	}
	return t.len == 64;
}

void container_meta_set_image(struct container_meta *meta, struct text reference)
{
	const struct text scheme = TEXT("sha256:");
	struct text bare = reference;
	const char *at, *slash, *colon;

	if (!reference.ptr || !reference.len)
		return;
	if (text_starts_with(bare, scheme))
		bare = (struct text){bare.ptr + scheme.len, bare.len - scheme.len};
	if (is_hex_id(bare)) { /* an image without a name */
		set_text(meta->image_id, bare);
		return;
	}
	at = reference.len ? memchr(reference.ptr, '@', reference.len) : NULL;
	if (at) {
		set_text(meta->digest,
			 (struct text){at + 1, reference.len - (uint32_t)(at + 1 - reference.ptr)});
		reference.len = (uint32_t)(at - reference.ptr);
	}
	slash = reference.len ? memrchr(reference.ptr, '/', reference.len) : NULL;
	colon = reference.len ? memrchr(reference.ptr, ':', reference.len) : NULL;
	/* A colon before the last slash belongs to the registry's port. */
	if (colon && (!slash || colon > slash)) {
		uint32_t repository_len = (uint32_t)(colon - reference.ptr);

		set_text(meta->tag, (struct text){colon + 1, reference.len - repository_len - 1});
		reference.len = repository_len;
	}
	set_text(meta->image, reference);
}

/* Labels and annotations that tell something we show. The same names appear as Docker labels
 * (dockershim, cri-dockerd), and as bundle annotations of containerd, CRI-O, podman and nerdctl. */
static void take_annotation(struct container_meta *meta, const char *key, struct text value)
{
	static const struct {
		const char *key;
		size_t offset;
	} rows[] = {
#define ROW(key, member) {key, offsetof(struct container_meta, member)}
		ROW("io.kubernetes.cri.container-name", name),
		ROW("io.kubernetes.cri.sandbox-name", pod_name),
		ROW("io.kubernetes.cri.sandbox-namespace", pod_namespace),
		ROW("io.kubernetes.cri.sandbox-uid", pod_uid),
		ROW("io.kubernetes.cri.sandbox-id", sandbox_id),
		ROW("io.kubernetes.container.name", name),
		ROW("io.kubernetes.pod.name", pod_name),
		ROW("io.kubernetes.pod.namespace", pod_namespace),
		ROW("io.kubernetes.pod.uid", pod_uid),
		ROW("io.kubernetes.cri-o.SandboxID", sandbox_id),
		ROW("io.kubernetes.sandbox.id", sandbox_id),
		ROW("io.kubernetes.cri-o.ImageRef", image_id),
		ROW("nerdctl/name", name),
#undef ROW
	};
	static const char *const image_keys[] = {
		"io.kubernetes.cri.image-name",      "io.kubernetes.cri-o.ImageName",
		"org.opencontainers.image.ref.name", "nerdctl/image",
		"io.podman.annotations.image",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(key, rows[i].key) == 0)
			set_text((char *)meta + rows[i].offset, value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(image_keys); i++) {
		if (strcmp(key, image_keys[i]) == 0 && value.len)
			container_meta_set_image(meta, value);
	}
	if (strcmp(key, "io.kubernetes.cri.container-type") == 0 ||
	    strcmp(key, "io.kubernetes.cri-o.ContainerType") == 0)
		meta->is_sandbox = text_equal(value, TEXT("sandbox"));
	if (strcmp(key, "io.kubernetes.docker.type") == 0)
		meta->is_sandbox = text_equal(value, TEXT("podsandbox"));
}

/* Every member of an object of strings; is_label: they are labels, shown as such. */
static void take_annotations(struct container_meta *meta, const cJSON *object, bool is_label)
{
	const cJSON *item;

	if (!cJSON_IsObject(object))
		return;
	cJSON_ArrayForEach(item, object)
	{
		if (!item->string || !cJSON_IsString(item))
			continue;
		take_annotation(meta, item->string, string_of(item));
		if (is_label)
			add_label(meta, item->string, string_of(item));
	}
}

static cJSON *parse_object(struct text json)
{
	cJSON *root = json.len ? cJSON_ParseWithLength(json.ptr, json.len) : NULL;

	if (root && !cJSON_IsObject(root)) {
		cJSON_Delete(root);
		return NULL;
	}
	return root;
}

/* Docker's: by destination. */
static void take_mount_points(struct container_meta *meta, const cJSON *points)
{
	const cJSON *point;

	cJSON_ArrayForEach(point, points)
	{
		bool is_rw = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(point, "RW"));

		add_mount(meta, (struct text[MOUNT_PARTS]){
					member(point, "Source"), member(point, "Destination"),
					member(point, "Mode"), is_rw ? TEXT("true") : TEXT("false"),
					member(point, "Propagation")});
	}
}

/* Of a bundle: everything that is mounted inside, with the mode and access of its options. */
static void take_mounts(struct container_meta *meta, const cJSON *root)
{
	struct text propagation =
		member(cJSON_GetObjectItemCaseSensitive(root, "linux"), "rootfsPropagation");
	const cJSON *mount, *option;

	cJSON_ArrayForEach(mount, cJSON_GetObjectItemCaseSensitive(root, "mounts"))
	{
		struct text mode = TEXT_NONE, access = TEXT("true");

		cJSON_ArrayForEach(option, cJSON_GetObjectItemCaseSensitive(mount, "options"))
		{
			struct text value = string_of(option);

			if (text_equal(value, TEXT("ro")))
				access = TEXT("false");
			else if (text_starts_with(value, TEXT("mode=")))
				mode = (struct text){value.ptr + 5, value.len - 5};
		}
		add_mount(meta, (struct text[MOUNT_PARTS]){member(mount, "source"),
							   member(mount, "destination"), mode,
							   access, propagation});
	}
}

int container_meta_parse_docker(struct container_meta *meta, struct text json)
{
	SCOPED(json_done) cJSON *root = parse_object(json);
	const cJSON *config;
	struct text name;

	config = cJSON_GetObjectItemCaseSensitive(root, "Config");
	if (!cJSON_IsObject(config))
		return -EBADMSG;
	meta->is_known = true;
	name = member(root, "Name");
	if (name.len && name.ptr[0] == '/')
		name = (struct text){name.ptr + 1, name.len - 1};
	set_text(meta->name, name);
	container_meta_set_image(meta, member(config, "Image"));
	name = member(root, "Image");
	if (text_starts_with(name, TEXT("sha256:")))
		set_text(meta->image_id, (struct text){name.ptr + 7, name.len - 7});
	take_annotations(meta, cJSON_GetObjectItemCaseSensitive(config, "Labels"), true);
	take_mount_points(meta, cJSON_GetObjectItemCaseSensitive(root, "MountPoints"));
	return 0;
}

int container_meta_parse_docker_host(struct container_meta *meta, struct text json)
{
	SCOPED(json_done) cJSON *root = parse_object(json);

	if (!root)
		return -EBADMSG;
	meta->is_privileged = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "Privileged"));
	return 0;
}

/* CRI-O keeps the pod's labels as JSON inside an annotation. */
static void take_nested_labels(struct container_meta *meta, const cJSON *annotations)
{
	struct text json = member(annotations, "io.kubernetes.cri-o.Labels");
	SCOPED(json_done) cJSON *labels = parse_object(json);

	take_annotations(meta, labels, true);
}

/* All capabilities and every device: what --privileged makes of a bundle. */
static bool bundle_is_privileged(const cJSON *root)
{
	const cJSON *linux_part = cJSON_GetObjectItemCaseSensitive(root, "linux");
	const cJSON *resources = cJSON_GetObjectItemCaseSensitive(linux_part, "resources");
	const cJSON *devices = cJSON_GetObjectItemCaseSensitive(resources, "devices");
	const cJSON *masked = cJSON_GetObjectItemCaseSensitive(linux_part, "maskedPaths");
	const cJSON *device;

	if (cJSON_GetArraySize(masked))
		return false;
	cJSON_ArrayForEach(device, devices)
	{
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(device, "allow")) &&
		    !cJSON_HasObjectItem(device, "major") && !cJSON_HasObjectItem(device, "type") &&
		    text_equal(member(device, "access"), TEXT("rwm")))
			return true;
	}
	return false;
}

int container_meta_parse_bundle(struct container_meta *meta, struct text json)
{
	SCOPED(json_done) cJSON *root = parse_object(json);
	const cJSON *annotations;

	if (!root || !cJSON_HasObjectItem(root, "ociVersion"))
		return -EBADMSG;
	meta->is_known = true;
	annotations = cJSON_GetObjectItemCaseSensitive(root, "annotations");
	take_annotations(meta, annotations, false);
	take_nested_labels(meta, annotations);
	meta->is_privileged |= bundle_is_privileged(root);
	if (!meta->mounts_len) /* a bundle may be parsed twice */
		take_mounts(meta, root);
	return 0;
}

int container_meta_parse_runc_state(struct container_meta *meta, struct text json)
{
	SCOPED(json_done) cJSON *root = parse_object(json);
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config"), *label;

	if (!root)
		return -EBADMSG;
	set_text(meta->bundle, member(root, "bundle")); /* crun */
	cJSON_ArrayForEach(label, cJSON_GetObjectItemCaseSensitive(config, "labels"))
	{
		struct text value = string_of(label);

		if (text_starts_with(value, TEXT("bundle=")))
			set_text(meta->bundle, (struct text){value.ptr + 7, value.len - 7});
	}
	if (!meta->bundle[0])
		return -EBADMSG;
	meta->is_known = true;
	return 0;
}

int container_meta_parse_podman(struct container_meta *meta, struct text json, struct text id)
{
	SCOPED(json_done)
	cJSON *list = json.len ? cJSON_ParseWithLength(json.ptr, json.len) : NULL;
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return -EBADMSG;
	cJSON_ArrayForEach(item, list)
	{
		struct text nested = member(item, "metadata");
		SCOPED(json_done) cJSON *metadata = NULL;

		if (!text_equal(member(item, "id"), id))
			continue;
		metadata = parse_object(nested);
		container_meta_set_image(meta, member(metadata, "image-name"));
		set_text(meta->name, member(metadata, "name"));
		set_text(meta->image_id, member(item, "image"));
		meta->is_known = true;
		return 0;
	}
	return -ENOENT;
}

/* Suffixes that Kubernetes makes up use letters that spell nothing and no 0, 1, 3. */
static bool is_made_up(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		if (!t.ptr[i] || !strchr("bcdfghjklmnpqrstvwxz2456789", t.ptr[i]))
			return false;
	}
	return t.len > 0;
}

static bool is_digits(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] < '0' || t.ptr[i] > '9')
			return false;
	}
	return t.len > 0;
}

/* The part behind the last '-', cut off *name. Empty when nothing would be left. */
static struct text cut_last_part(struct text *name)
{
	const char *dash = name->len ? memrchr(name->ptr, '-', name->len) : NULL;
	struct text part;

	if (!dash || dash == name->ptr)
		return TEXT_NONE;
	part = (struct text){dash + 1, name->len - (uint32_t)(dash + 1 - name->ptr)};
	name->len = (uint32_t)(dash - name->ptr);
	return part;
}

struct text pod_owner(struct text pod_name)
{
	struct text rest = pod_name, shorter;
	struct text last = cut_last_part(&rest), before;

	if (is_digits(last) && last.len <= 4)
		return rest; /* StatefulSet: web-0 */
	if (last.len != 5 || !is_made_up(last))
		return pod_name; /* a pod of its own, or static: name-NODE */
	shorter = rest;
	before = cut_last_part(&shorter);
	if (before.len >= 8 && before.len <= 10 && (is_made_up(before) || is_digits(before)))
		return shorter; /* Deployment: web-7d4b9c6f5-x2x7q; CronJob: job-28394820-abcde */
	return rest;            /* DaemonSet, Job */
}

uint32_t container_workload_name(const struct container_meta *meta, char *buffer, uint32_t size)
{
	struct text owner = pod_owner(text_from(meta->pod_name));
	int len = 0;

	if (owner.len && meta->pod_namespace[0] && (meta->name[0] || meta->is_sandbox))
		len = snprintf(buffer, size, "pod:%s/%.*s/%s", meta->pod_namespace,
			       TEXT_ARGS(owner), meta->is_sandbox ? "pause" : meta->name);
	else if (meta->image[0])
		len = snprintf(buffer, size, "image:%s", meta->image);
	return len > 0 ? MIN((uint32_t)len, size - 1) : 0;
}
