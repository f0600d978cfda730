#include "state/cgroup.h"

#include "base/util.h"

#define ID_DIGITS 64u
#define DEPTH_MAX 32u

const char *container_runtime_name(enum container_runtime runtime)
{
	static const char *const names[RUNTIME_END] = {
		[RUNTIME_UNKNOWN] = "unknown",
		[RUNTIME_DOCKER] = "docker",
		[RUNTIME_CONTAINERD] = "containerd",
		[RUNTIME_CRIO] = "cri-o",
		[RUNTIME_PODMAN] = "podman",
		[RUNTIME_LXC] = "lxc",
		[RUNTIME_RUNC] = "runc",
		[RUNTIME_MESOS] = "mesos",
	};

	return names[runtime];
}

static bool is_hex(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
	}
	return true;
}

static bool is_container_id(struct text t)
{
	return t.len == ID_DIGITS && is_hex(t);
}

static bool cut_prefix(struct text *t, const char *prefix)
{
	struct text p = text_from(prefix);

	if (!text_starts_with(*t, p))
		return false;
	*t = (struct text){t->ptr + p.len, t->len - p.len};
	return true;
}

static bool cut_suffix(struct text *t, const char *suffix)
{
	struct text s = text_from(suffix);

	if (!text_ends_with(*t, s))
		return false;
	t->len -= s.len;
	return true;
}

/* Prefixes that runtimes put before an id, in scope names and in "slice:prefix:id". */
static const struct {
	const char *name;
	enum container_runtime runtime;
} prefixes[] = {
	{"docker", RUNTIME_DOCKER},
	{"cri-containerd", RUNTIME_CONTAINERD},
	{"containerd", RUNTIME_CONTAINERD},
	{"nerdctl", RUNTIME_CONTAINERD},
	{"crio", RUNTIME_CRIO},
	{"cri-o", RUNTIME_CRIO},
	{"libpod", RUNTIME_PODMAN},
	{"libpod-payload", RUNTIME_PODMAN},
	{"podman", RUNTIME_PODMAN},
	{"runc", RUNTIME_RUNC},
	{"crun", RUNTIME_RUNC},
};

/* "docker-<id>" and "...:cri-containerd:<id>" */
static bool has_runtime_prefix(struct text name, struct cgroup_class *out)
{
	struct text before = name;

	if (name.len <= ID_DIGITS)
		return false;
	out->id = (struct text){name.ptr + name.len - ID_DIGITS, ID_DIGITS};
	if (!is_container_id(out->id))
		return false;
	before.len -= ID_DIGITS + 1;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		struct text prefix = text_from(prefixes[i].name);
		char separator = name.ptr[before.len];
		bool is_whole = before.len == prefix.len;

		if (!text_ends_with(before, prefix))
			continue;
		if (separator == '-' && !is_whole)
			continue;
		if (separator == ':' && !is_whole && before.ptr[before.len - prefix.len - 1] != ':')
			continue;
		if (separator != '-' && separator != ':')
			continue;
		out->runtime = prefixes[i].runtime;
		return true;
	}
	return false;
}

/* A name that container engines accept. */
static bool is_plain_name(struct text t)
{
	if (!t.len || t.ptr[0] == '.' || t.len > 128)
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_' || c == '.' || c == '+'))
			return false;
	}
	return true;
}

static bool is_lxc(struct text name, struct text parent, struct cgroup_class *out)
{
	out->id = name;
	if (cut_prefix(&out->id, "lxc.payload.") && out->id.len)
		return true;
	out->id = name;
	return text_equal(parent, TEXT("lxc")) || text_equal(parent, TEXT("lxc.payload"));
}

/* 36 characters, hex digits and four separators. */
static bool is_uuid(struct text t, char separator)
{
	for (uint32_t i = 0; i < t.len; i++) {
		bool is_separator = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_separator ? t.ptr[i] != separator : !is_hex((struct text){t.ptr + i, 1}))
			return false;
	}
	return t.len == 36;
}

static bool is_container(struct text name, struct text parent, struct cgroup_class *out)
{
	struct text bare = name;

	cut_suffix(&bare, ".scope");
	out->runtime = RUNTIME_UNKNOWN;
	out->ns = TEXT_NONE;
	if (has_runtime_prefix(bare, out))
		return true;
	if (is_container_id(name)) {
		out->id = name;
		out->ns = parent;
		if (text_equal(parent, TEXT("docker")) || text_equal(parent, TEXT("moby")))
			out->runtime = RUNTIME_DOCKER;
		return true;
	}
	if (is_lxc(name, parent, out)) {
		out->runtime = RUNTIME_LXC;
		return true;
	}
	out->id = name;
	out->runtime = RUNTIME_MESOS;
	return text_equal(parent, TEXT("mesos")) && is_uuid(name, '-');
}

/* "pod<uid>", "kubepods-burstable-pod<uid_with_underscores>.slice" */
static struct text find_pod_uid(struct text name)
{
	const struct text pod = TEXT("pod");
	struct text uid = name;
	char separator;

	cut_suffix(&uid, ".slice");
	if (uid.len >= 36 + pod.len) {
		struct text before = {uid.ptr, uid.len - 36};

		uid = (struct text){uid.ptr + uid.len - 36, 36};
		separator = uid.ptr[8];
		if (text_ends_with(before, pod) && (separator == '-' || separator == '_') &&
		    is_uuid(uid, separator))
			return uid;
	} else if (cut_prefix(&uid, "pod") && uid.len == 32 && is_hex(uid)) {
		return uid; /* static pods: a digest of their manifest */
	}
	uid = name;
	cut_suffix(&uid, ".slice");
	if (uid.len > 32 + pod.len) {
		struct text before = {uid.ptr, uid.len - 32};

		uid = (struct text){uid.ptr + uid.len - 32, 32};
		if (text_ends_with(before, TEXT("-pod")) && is_hex(uid))
			return uid;
	}
	return TEXT_NONE;
}

static bool is_number(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] < '0' || t.ptr[i] > '9')
			return false;
	}
	return t.len > 0 && t.len <= 10;
}

static uint32_t to_number(struct text t)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < t.len; i++)
		n = n * 10 + (uint64_t)(t.ptr[i] - '0');
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

struct path {
	struct text whole;
	struct text components[DEPTH_MAX]; /* the last ones, if there are more */
	uint32_t n;
};

static void split(struct text whole, struct path *out)
{
	uint32_t at = 0;

	*out = (struct path){.whole = whole};
	while (at < whole.len) {
		const char *start = whole.ptr + at;
		const char *slash = memchr(start, '/', whole.len - at);
		uint32_t len = slash ? (uint32_t)(slash - start) : whole.len - at;

		at += len + 1;
		if (!len)
			continue;
		if (out->n == DEPTH_MAX) {
			memmove(out->components, out->components + 1,
				(DEPTH_MAX - 1) * sizeof(out->components[0]));
			out->n--;
		}
		out->components[out->n++] = (struct text){start, len};
	}
}

static struct text component(const struct path *path, uint32_t i)
{
	return i < path->n ? path->components[i] : TEXT_NONE;
}

static struct text path_up_to(const struct path *path, uint32_t i)
{
	struct text c = path->components[i];

	return (struct text){path->whole.ptr, (uint32_t)(c.ptr + c.len - path->whole.ptr)};
}

/* The innermost container of the path. */
static bool find_container(const struct path *path, struct cgroup_class *out)
{
	for (uint32_t i = path->n; i-- > 0;) {
		struct text parent = i ? path->components[i - 1] : TEXT_NONE;

		if (!is_container(path->components[i], parent, out))
			continue;
		/* Podman keeps its monitor beside the container, in the same scope. */
		if (text_equal(component(path, i + 1), TEXT("supervisor")))
			continue;
		out->kind = CGROUP_CONTAINER;
		out->path = path_up_to(path, i);
		for (uint32_t p = 0; p <= i && !out->pod_uid.len; p++) {
			struct text name = path->components[p];
			const char *colon = memchr(name.ptr, ':', name.len);

			if (colon)
				name.len = (uint32_t)(colon - name.ptr);
			out->pod_uid = find_pod_uid(name);
		}
		return true;
	}
	return false;
}

static void set_unit(struct cgroup_class *out, struct text prefix, struct text name)
{
	const char *at = memchr(name.ptr, '@', name.len);
	struct text head = name, tail = TEXT_NONE;
	uint32_t len = 0;

	if (at) { /* foo@instance.service: the template */
		const char *dot = memrchr(name.ptr, '.', name.len);

		head.len = (uint32_t)(at + 1 - name.ptr);
		if (dot && dot > at)
			tail = (struct text){dot, (uint32_t)(name.ptr + name.len - dot)};
	}
	for (int i = 0; i < 3; i++) {
		struct text part = i == 0 ? prefix : i == 1 ? head : tail;
		uint32_t n = MIN(part.len, CGROUP_NAME_MAX - len);

		if (n)
			memcpy(out->unit + len, part.ptr, n);
		len += n;
	}
	out->id = (struct text){out->unit, len};
}

static bool has_unit_suffix(struct text name)
{
	return text_ends_with(name, TEXT(".service")) || text_ends_with(name, TEXT(".mount")) ||
	       text_ends_with(name, TEXT(".socket")) || text_ends_with(name, TEXT(".swap"));
}

static bool is_user_manager(struct text name)
{
	return text_starts_with(name, TEXT("user@")) && text_ends_with(name, TEXT(".service"));
}

static bool is_transient(struct text name)
{
	return text_starts_with(name, TEXT("run-")) || text_starts_with(name, TEXT("app-")) ||
	       text_starts_with(name, TEXT("dbus-:"));
}

static bool classify_scope(const struct path *path, uint32_t i, struct cgroup_class *out)
{
	struct text name = path->components[i];
	struct text slice = i ? path->components[i - 1] : TEXT_NONE;

	if (text_equal(name, TEXT("init.scope"))) {
		if (i && is_user_manager(slice))
			name = slice;
		out->kind = CGROUP_UNIT;
		set_unit(out, TEXT_NONE, name);
		return true;
	}
	if (text_starts_with(name, TEXT("session-"))) {
		out->kind = CGROUP_SESSION;
		out->id = name;
		cut_suffix(&out->id, ".scope");
		if (cut_prefix(&slice, "user-") && cut_suffix(&slice, ".slice") && is_number(slice))
			out->uid = to_number(slice);
		return true;
	}
	out->id = name;
	out->kind = text_starts_with(name, TEXT("machine-")) ? CGROUP_UNIT : CGROUP_TRANSIENT;
	return true;
}

static bool classify_service(const struct path *path, uint32_t i, struct cgroup_class *out)
{
	struct text name = path->components[i], prefix = TEXT_NONE;

	if (is_transient(name)) {
		out->kind = CGROUP_TRANSIENT;
		out->id = name;
		return true;
	}
	for (uint32_t above = 0; above < i; above++) {
		if (is_user_manager(path->components[above]))
			prefix = TEXT("user@.service/");
	}
	out->kind = CGROUP_UNIT;
	set_unit(out, prefix, name);
	return true;
}

/* The innermost unit, scope or session. */
static bool find_unit(const struct path *path, struct cgroup_class *out)
{
	for (uint32_t i = path->n; i-- > 0;) {
		struct text name = path->components[i];
		bool found = false;

		if (text_ends_with(name, TEXT(".scope"))) {
			found = classify_scope(path, i, out);
		} else if (has_unit_suffix(name)) {
			found = classify_service(path, i, out);
		} else if (text_starts_with(name, TEXT("openrc."))) {
			out->kind = CGROUP_UNIT;
			set_unit(out, TEXT_NONE, (struct text){name.ptr + 7, name.len - 7});
			found = true;
		} else if (i == 1 && text_equal(path->components[0], TEXT("openrc"))) {
			out->kind = CGROUP_UNIT;
			set_unit(out, TEXT_NONE, name);
			found = true;
		}
		if (found) {
			out->path = path_up_to(path, i);
			return true;
		}
	}
	return false;
}

static bool find_named(const struct path *path, struct cgroup_class *out)
{
	struct text name = path->n ? path->components[path->n - 1] : TEXT_NONE;
	const char *colon;

	if (text_ends_with(name, TEXT(".slice")))
		return false;
	/* runc with systemd's form but without systemd: "slice:runc:NAME" */
	colon = name.len ? memrchr(name.ptr, ':', name.len) : NULL;
	if (colon)
		name = (struct text){colon + 1, name.len - (uint32_t)(colon + 1 - name.ptr)};
	if (!is_plain_name(name) || text_starts_with(name, TEXT("lxc.monitor")))
		return false;
	out->kind = CGROUP_NAMED;
	out->path = path->whole;
	out->id = name;
	out->ns = path->n > 1 ? path->components[path->n - 2] : TEXT_NONE;
	return true;
}

static void classify_path(struct text whole, struct cgroup_class *out)
{
	struct path path;

	*out = (struct cgroup_class){.uid = UINT32_MAX};
	split(whole, &path);
	if (find_container(&path, out))
		return;
	*out = (struct cgroup_class){.uid = UINT32_MAX};
	if (find_unit(&path, out) || find_named(&path, out))
		return;
	*out = (struct cgroup_class){.uid = UINT32_MAX};
}

/* Whether systemd or a runtime that manages v2 puts its names there, not only limits. */
static bool is_naming_hierarchy(struct text subsystem)
{
	return text_equal(subsystem, TEXT("unified")) ||
	       text_equal(subsystem, TEXT("name=systemd")) || subsystem.len == 0;
}

void cgroup_classify(struct text cgroups, struct cgroup_class *out)
{
	uint32_t at = 0;

	*out = (struct cgroup_class){.uid = UINT32_MAX};
	while (at < cgroups.len) {
		struct text line = {cgroups.ptr + at, cgroups.len - at}, path, subsystem;
		const char *end = memchr(line.ptr, '\0', line.len), *slash;
		struct cgroup_class one;

		if (end)
			line.len = (uint32_t)(end - line.ptr);
		at += line.len + 1;
		slash = memchr(line.ptr, '/', line.len);
		if (!slash || slash == line.ptr || slash[-1] != '=')
			continue;
		path = (struct text){slash, line.len - (uint32_t)(slash - line.ptr)};
		subsystem = (struct text){line.ptr, (uint32_t)(slash - 1 - line.ptr)};
		classify_path(path, &one);
		if (one.kind < out->kind ||
		    (one.kind == out->kind && !is_naming_hierarchy(subsystem)))
			continue;
		*out = one;
		if (one.id.ptr == one.unit)
			out->id.ptr = out->unit;
	}
}
