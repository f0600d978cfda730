/* What a process's control groups say about what it is: a pure reading of their paths.
 *
 * An id counts as a container's only in a form that a container runtime makes: 64 hex digits, or a
 * runtime's own prefix. A plain name may be one too (runc, ctr): that is for the runtime's state
 * files to confirm. Unit names and sessions are systemd's. */
#pragma once

#include <stdint.h>

#include "base/text.h"

enum cgroup_kind {
	CGROUP_NONE,      /* nothing to tell: the root, a slice, an unknown folder */
	CGROUP_NAMED,     /* perhaps a container called id, in containerd's namespace ns */
	CGROUP_TRANSIENT, /* systemd scope or service made up for one program */
	CGROUP_SESSION,   /* login session of uid */
	CGROUP_UNIT,      /* systemd or OpenRC service; id is its name, instances of a template
			   * without the instance's name */
	CGROUP_CONTAINER,
};

enum container_runtime {
	RUNTIME_UNKNOWN,
	RUNTIME_DOCKER,
	RUNTIME_CONTAINERD,
	RUNTIME_CRIO,
	RUNTIME_PODMAN,
	RUNTIME_LXC,
	RUNTIME_RUNC,
	RUNTIME_MESOS,
	RUNTIME_END,
};

#define CGROUP_NAME_MAX 256

struct cgroup_class {
	enum cgroup_kind kind;
	enum container_runtime runtime;
	struct text path;           /* up to and including the component that decided */
	struct text id;             /* container id, session or unit */
	struct text ns;             /* component before a plain name or id; empty none */
	struct text pod_uid;        /* Kubernetes: as written, that is with - or _; empty none */
	uint32_t uid;               /* session's user; UINT32_MAX unknown */
	char unit[CGROUP_NAME_MAX]; /* storage of id for units */
};

/* cgroups: NUL-terminated strings "subsystem=path". Texts in *out point into it (or into *out).
 * The most telling path decides: container, then unit or session, then a plain name. */
void cgroup_classify(struct text cgroups, struct cgroup_class *out);

/* "docker", "containerd", ... as container.type shows it. */
const char *container_runtime_name(enum container_runtime runtime);
