#include "state/workload_names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "base/util.h"
#include "state/identity.h"

#define KTHREADD_PID 2
#define RANDOM_DIGITS_MIN 6 /* shorter ones are versions and sizes */

/* Programs that start others on somebody's behalf: a session below one of them is a workload of
 * its own. */
static const char *const launchers[] = {
	"agetty",
	"anacron",
	"ash",
	"at",
	"atd",
	"bash",
	"busybox",
	"cron",
	"crond",
	"csh",
	"dash",
	"dropbear",
	"env",
	"fish",
	"gdm-session-worker",
	"getty",
	"init",
	"ksh",
	"lightdm",
	"login",
	"mksh",
	"nohup",
	"rbash",
	"runuser",
	"screen",
	"sddm",
	"setsid",
	"sh",
	"sshd",
	"sshd-session",
	"start-stop-daemon",
	"su",
	"sudo",
	"sulogin",
	"supervisord",
	"systemd",
	"systemd-executor",
	"systemd-run",
	"tcsh",
	"timeout",
	"tini",
	"tmux",
	"xinetd",
	"zsh",
};

/* Those of them that open sessions for others, by whom a session is told apart. */
static const char *const session_openers[] = {
	"sshd", "sshd-session", "login",    "cron", "crond",   "atd",
	"su",   "sudo",         "dropbear", "sddm", "lightdm", "gdm-session-worker",
};

static bool is_one_of(const char *const *names, size_t n, struct text name)
{
	for (size_t i = 0; i < n; i++) {
		if (text_equal(name, text_from(names[i])))
			return true;
	}
	return false;
}

static struct text program_name(const struct process *p)
{
	return path_base_name(p->exepath.len ? p->exepath : p->comm);
}

bool process_is_launcher(const struct process *p)
{
	return is_one_of(launchers, ARRAY_SIZE(launchers), program_name(p));
}

void name_set(struct name *name, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(name->bytes, sizeof(name->bytes), format, args);
	va_end(args);
	name->text =
		(struct text){name->bytes, len > 0 ? MIN((uint32_t)len, NAME_BYTES_MAX - 1) : 0};
}

/* kthreadd, which creates all the others, is always the second process of the host. */
static bool is_kernel_thread(const struct process *p)
{
	return !p->exepath.len && (p->pid == KTHREADD_PID || p->ppid == KTHREADD_PID);
}

static bool is_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "exe:memfd:NAME". Programs that seal themselves into memory draw part of the name anew each
 * time: runs of hexadecimal digits with a figure among them become <id>. */
static void memfd_name(struct text path, struct name *name)
{
	name_set(name, "exe:");
	while (path.len) {
		uint32_t len = 0, n_figures = 0;

		for (; len < path.len && is_hex_digit(path.ptr[len]); len++)
			n_figures += path.ptr[len] <= '9';
		struct text part = {path.ptr, MAX(len, 1)};

		path = (struct text){path.ptr + part.len, path.len - part.len};
		if (len >= RANDOM_DIGITS_MIN && n_figures)
			part = TEXT("<id>");
		part.len = MIN(part.len, NAME_BYTES_MAX - 1 - name->text.len);
		memcpy(name->bytes + name->text.len, part.ptr, part.len);
		name->text.len += part.len;
	}
}

/* "exe:PATH"; kernel threads, which have no executable, are one workload. */
enum workload_kind exe_name(const struct process *p, struct name *name)
{
	if (text_starts_with(p->exepath, TEXT("memfd:"))) {
		memfd_name(p->exepath, name);
	} else if (p->exepath.len) {
		name_set(name, "exe:%.*s", TEXT_ARGS(p->exepath));
	} else if (is_kernel_thread(p)) {
		name_set(name, "exe:[kernel]");
	} else if (p->comm.len) {
		name_set(name, "exe:[%.*s]", TEXT_ARGS(p->comm));
	} else {
		name_set(name, "exe:unresolved");
		return WORKLOAD_UNRESOLVED;
	}
	return WORKLOAD_EXE;
}

/* The unit or program above the session that opened it; empty unknown. */
static struct text session_opener(const struct process_node *node)
{
	const struct process *p = node->p.creator;

	for (int depth = 0; p && depth < ANCESTORS_MAX; depth++, p = p->creator) {
		const struct cgroup_class *facts = identity_cgroup(process_node(p));
		struct text name = facts && facts->kind == CGROUP_UNIT ? facts->id : TEXT_NONE;
		const char *end = name.len ? memrchr(name.ptr, '.', name.len) : NULL;

		if (end && !text_starts_with(name, TEXT("init."))) {
			name.len = (uint32_t)(end - name.ptr);
			name.len -= name.len && name.ptr[name.len - 1] == '@';
			return name;
		}
		if (is_one_of(session_openers, ARRAY_SIZE(session_openers), program_name(p)))
			return program_name(p);
	}
	return TEXT_NONE;
}

static void session_name(const struct users *users, const struct place *place,
			 const struct process_node *node, struct name *name)
{
	uint32_t uid = place->facts.uid != UINT32_MAX ? place->facts.uid : node->p.uid;
	const struct user *user = users_find(users, uid);
	struct text opener = session_opener(node);
	struct name who;

	if (user)
		name_set(&who, "%.*s", TEXT_ARGS(user->name));
	else
		name_set(&who, uid ? "%u" : "root", uid);
	if (opener.len)
		name_set(name, "user:%.*s/%.*s", TEXT_ARGS(who.text), TEXT_ARGS(opener));
	else
		name_set(name, "user:%.*s", TEXT_ARGS(who.text));
}

/* systemd gives each invocation of a unit an id, which its processes carry in their environment. */
static struct text invocation_id(const struct process *p)
{
	const struct text key = TEXT("INVOCATION_ID=");
	uint32_t at = 0;

	while (at < p->env.len) {
		struct text one = {p->env.ptr + at, p->env.len - at};
		const char *end = memchr(one.ptr, '\0', one.len);

		if (end)
			one.len = (uint32_t)(end - one.ptr);
		at += one.len + 1;
		if (text_starts_with(one, key))
			return (struct text){one.ptr + key.len, one.len - key.len};
	}
	return TEXT_NONE;
}

enum workload_kind container_name(const struct place *place, struct name *name)
{
	static const struct container_meta nothing;
	const struct container_meta *meta = place->meta ? place->meta : &nothing;

	name->text = (struct text){name->bytes,
				   container_workload_name(meta, name->bytes, NAME_BYTES_MAX)};
	if (name->text.len)
		return text_starts_with(name->text, TEXT("pod:")) ? WORKLOAD_POD : WORKLOAD_IMAGE;
	if (place->facts.runtime == RUNTIME_LXC) {
		name_set(name, "image:lxc/%.*s", TEXT_ARGS(place->facts.id));
		return WORKLOAD_IMAGE;
	}
	name_set(name, "container:unresolved");
	return WORKLOAD_UNRESOLVED;
}

enum workload_kind place_name(const struct users *users, const struct place *place,
			      const struct process_node *node, struct name *name)
{
	switch (place->facts.kind) {
	case CGROUP_UNIT:
		name_set(name, "unit:%.*s", TEXT_ARGS(place->facts.id));
		return WORKLOAD_UNIT;
	case CGROUP_SESSION:
		session_name(users, place, node, name);
		return WORKLOAD_USER;
	case CGROUP_TRANSIENT:
		return exe_name(&node->p, name);
	default:
		return container_name(place, name);
	}
}

struct text place_instance_id(const struct place *place, const struct process_node *node,
			      struct name *id)
{
	struct text invocation;

	if (place->facts.kind != CGROUP_UNIT && place->facts.kind != CGROUP_TRANSIENT)
		return place->facts.id;
	invocation = invocation_id(&node->p);
	if (invocation.len)
		return invocation;
	name_set(id, "%d:%llu", node->p.pid, (unsigned long long)node->p.start_ns);
	return id->text;
}
